/* dispatch.h - from an event to the handlers of its consumers, in every kind of group. */
#ifndef RINGBUS_BUS_DISPATCH_H
#define RINGBUS_BUS_DISPATCH_H

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* Who calls whom: a lane in one stage, or a posting thread. */
struct delivery {
    struct ringbus_group *group;
    struct record *record;
    struct lane *lane; /* NULL: a posting thread */
    uint32_t where;    /* who is called here (where_of) */
    uint32_t
        any_where; /* thread-safe ones of the stage on a group with lanes: for keyed events, one of the lanes */
    bool is_range;      /* only for events that have no key */
    bool is_discarding; /* by a posting thread: the event is counted and handed to nobody */
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

/* What is in a slot, to be shown to handlers; but for `lost`, which is 0. */
ATOMIC_INLINE void
entry_show(const struct entry *entry, int64_t sequence, struct ringbus_event *event)
{
    event->topic = entry->topic->name;
    event->handle = entry->topic;
    event->data = entry->size > 0 ? entry->data : NULL;
    event->size = entry->size;
    event->ordered = entry->ordered;
    event->sequence = sequence;
    event->reference = NULL;
    if (unlikely(entry->reference != NULL))
        ringbus__reference_show(entry->reference, event);
}

/* It is called in this stage. */
ATOMIC_INLINE bool
delivery_calls(const struct delivery *delivery, const struct registration *registration,
    const struct ringbus_event *event)
{
    if (likely(registration->where == delivery->where))
        return !delivery->is_range || event->ordered == 0;
    return registration->where == delivery->any_where && event->ordered != 0 &&
           lane_of_key(event->ordered, delivery->group->lane_count) == delivery->lane->index;
}

/* And its window has begun before the event. */
ATOMIC_INLINE bool
delivery_concerns(const struct delivery *delivery, struct registration *registration,
    const struct ringbus_event *event, int64_t sequence)
{
    return registration != NULL && delivery_calls(delivery, registration, event) &&
           window_has_begun(registration, sequence, delivery->group);
}

/* Call those of the event's consumers that are called here and whose window holds `sequence`. */
void ringbus__dispatch(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence);

/* The same for all stages of a caller group. */
void ringbus__dispatch_stages(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence);

/* For one member of a set (NULL: struck out), where no event is discarded. */
void ringbus__dispatch_member(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration);

/* Call this one, which is concerned, or for an event that is its replay. */
void ringbus__dispatch_one(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration);

/* Count the event as discarded for those who would be called here, from the call of `from` on (NULL: for all), and for
 * those before that are owed a batch_end by the lane. */
void ringbus__dispatch_discard(const struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, const struct ringbus_consumer *from);

/* Count, mark and tell a failure. */
void ringbus__dispatch_fail(const struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code);

/* Call a consumer's batch_end, which it owes. Its outcome. */
int ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer);

#endif
