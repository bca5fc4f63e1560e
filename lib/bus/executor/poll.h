/* poll.h - polled groups: whoever calls ringbus_group_poll is the executor.
 *
 * A polled group sleeps like a loop with one group, whose `wake` makes a descriptor readable.
 * I1  one thread polls at a time; it is the group's until another one polls, or the line has been read to its end
 * I2  the descriptor is readable, or the lane's reader is armed and finds nothing */
#ifndef RINGBUS_BUS_EXECUTOR_POLL_H
#define RINGBUS_BUS_EXECUTOR_POLL_H

#include "bus/bus.h"

struct polled;

/* The calling thread is that of a polled group, of whatever bus, that has not come to its end. */
bool ringbus__poll_is_ours(void);

/* What a polled group needs besides its ring, for all its lives. RINGBUS_OK, RINGBUS_ENOMEM, RINGBUS_ESYS. */
int ringbus__poll_open(struct ringbus_group *group, struct polled **ret_polled);
void ringbus__poll_free(struct polled *polled);
size_t ringbus__poll_memory(void);

/* Under the bus lock: a life begins, the calling thread is the group's. RINGBUS_OK, RINGBUS_ESYS. */
int ringbus__poll_begin(struct polled *polled);

/* By a thread that exits in a poll: the group is nobody's, others may poll. */
void ringbus__poll_leave(struct polled *polled);

#endif
