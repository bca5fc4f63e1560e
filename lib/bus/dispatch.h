/* dispatch.h - from an event to the handlers of its consumers, in every kind of group. */
#ifndef RINGBUS_BUS_DISPATCH_H
#define RINGBUS_BUS_DISPATCH_H

#include "bus/consumer.h"
#include "bus/group.h"

/* Who calls whom: a lane in one stage, or a posting thread. */
struct delivery {
    struct ringbus_group *group;
    struct record *record;
    struct lane *lane; /* NULL: a posting thread */
    uint32_t where;    /* who is called here (where_of) */
    uint32_t
        any_where; /* thread-safe ones of the stage on a group with lanes: for keyed events, one of the lanes */
    bool is_range;      /* only for events that have no key */
    bool is_discarding; /* the event is counted and handed to nobody */
    bool is_handed_out; /* somebody was called; set only */
    bool is_for_due;    /* of discards: only for those that are owed a batch_end by this lane */
    /* Of the event: who failed on it; in the upper half, who was called and is owed a batch_end. */
    struct atomic_u64 *marks;
    /* Remember that this consumer is owed a batch_end; false: it gets it after this call. */
    bool (*touch)(struct delivery *delivery, struct registration *registration);
    /* for a thread that exits in a handler */
    struct ringbus_consumer *locked; /* whose lock is held */
    struct ringbus_consumer *due;    /* who gets its batch_end after this call */
    struct replay *replay;           /* caller groups: what is called for */
    bool holds_replay;               /* it is held for this call, beside any queue */
};

/* Call those of the event's consumers that are called here and whose window holds `sequence`. By a lane. */
void ringbus__dispatch(struct delivery *delivery, const struct ringbus_topic *topic,
    const struct ringbus_event *event, int64_t sequence);

/* The same for all stages of a caller group. */
void ringbus__dispatch_stages(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence);

/* Call this one, for an event that is its replay. */
void ringbus__dispatch_one(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration);

/* Count the event as discarded for those who would be called here, from the call of `from` on (NULL: for all), and for
 * those before that are owed a batch_end by the lane. */
void ringbus__dispatch_discard(const struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, const struct ringbus_consumer *from);

/* Count and tell a failure. */
void ringbus__dispatch_fail(const struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code);

/* Call a consumer's batch_end, which it owes. Its outcome. */
int ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer);

#endif
