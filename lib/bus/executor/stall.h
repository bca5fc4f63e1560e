/* stall.h - notices of groups that do not get on: who tells, and when.
 *
 * An episode begins when a post finds no room in a group or, with max_lag, when a lane ends a pass further behind than
 * that. It is over when a lane ends a pass and has no more than half of that, and of what ordinary posts can fill, left
 * to do. on_stall is told once of an episode, and once of each call that a post finds running for max_call_ns. Nobody
 * watches: a lane looks at one word a pass (group.h, is_watched), which it looks at for others anyway, and no clock is
 * read before a post finds no room. Without an on_stall hook there are no episodes.
 * I1  who begins an episode sets its bit, then a heavy barrier, then looks at the lag; a lane moves its position, then
 *     a light barrier, then looks at the bit: one of them ends it when the lag has fallen
 * I2  who ends it looks whether there is room, after a heavy barrier. If not, somebody may have found none, and the bit
 *     still set, and told nobody: the next episode begins then and there
 * I3  consumers are named under the bus lock, while they are on the bus's lists: what a record announces is only
 *     compared with them
 * Source: Asterisk's taskprocessor alerts (high and low water) for the two edges of an episode. */
#ifndef RINGBUS_BUS_EXECUTOR_STALL_H
#define RINGBUS_BUS_EXECUTOR_STALL_H

#include <stdbool.h>

#include "base/atomic.h"

struct ringbus_consumer;
struct ringbus_group;
struct ringbus_group_options;

/* A call of a consumer's handler or batch_end, as it was seen. */
struct stalled_call {
    const struct ringbus_consumer
        *consumer; /* NULL: there is none. Compared, never followed later */
    uint32_t lane;
    int64_t at;     /* the event; NO_EVENT: a batch_end, or it was just changing */
    int64_t behind; /* what comes before it; of a batch_end the lane's least position */
};

/* A group's part. */
struct stalls {
    /* never written in one life; 0: none. A post that began in an earlier life may go by that one's */
    struct atomic_u32 max_lag;
    struct atomic_i64 max_call_ns;
    /* written by who looks */
    struct atomic_i64 look_at_ns; /* no sooner is the call looked for again */
    /* figures */
    struct atomic_u64 count;
    struct atomic_u64 longest_wait_ns;
    /* guarded by the bus lock */
    struct stalled_call call; /* the last one found */
    int64_t since_ns;         /* when it was found first */
    bool is_told;             /* that it runs for too long */
};

/* Under the bus lock: a life begins. */
void ringbus__stall_begin_life(
    struct ringbus_group *group, const struct ringbus_group_options *options);

/* By a post that has found no room in the group, with no lock or claim held: on_stall may be called. When to note it
 * again if the post still waits then; RINGBUS_FOREVER: never. */
int64_t ringbus__stall_note(struct ringbus_group *group);

/* A post has waited for so long. */
void ringbus__stall_waited(struct ringbus_group *group, int64_t waited_ns);

/* By a lane between two passes: its group is watched for stalls. */
void ringbus__stall_attend(struct ringbus_group *group);

#endif
