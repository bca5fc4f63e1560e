/* deadlock.h - which groups wait for which: one graph for the process.
 *
 * Only an executor's thread that is about to sleep in a post, in a handler, for room in another group enters it. A
 * group waits when an executor of it does.
 * I1  an edge is live while its target is full; one whose target has room is about to go, its owner awake
 * I2  whoever sleeps last in a ring of waits looks under the lock and finds all the others: it is refused
 * Source: wait-for graphs of databases; Node's napi_would_deadlock shows what guessing instead leads to. */
#ifndef RINGBUS_BUS_DEADLOCK_H
#define RINGBUS_BUS_DEADLOCK_H

#include "bus/group.h"

/* Wait for room in `target`, from a handler of `waiter`: RINGBUS_OK (try again), RINGBUS_ETIMEDOUT, RINGBUS_EDEADLK. */
int ringbus__deadlock_wait(
    struct ringbus_group *waiter, struct ringbus_group *target, bool has_pass, int64_t deadline_ns);

#endif
