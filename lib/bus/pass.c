/* pass.c - see pass.h.
 *
 * I1  a call is announced, then a barrier, then the window is looked at once more (consumer.h I2)
 * I2  what is fetched for many topics is what the pass itself will look at: of an entry that is published, not
 *     abandoned, and not passed by this lane, in whose delivery it is read. So topics stay (topic.h I2), and sets and
 *     registrations (match.h I2)
 * Edges: TABLE, CALL.
 * Source: group prefetching (Chen, Ailamaki, Gibbons, Mowry 2004); measured in docs/decisions/0008 and 0010. */
#include "bus/pass.h"

#include "bus/topic.h"

/* ---- one event ---- */

/* A stretch of a pass: in registers, for no function that is not inlined is given it. The lane keeps a place in its
 * record meanwhile for those whom it calls here; whatever calls others steps back from it. */
struct stretch {
    struct delivery *delivery;
    struct progress *progress;
    struct lane *lane;
    struct ringbus_group *group;
    struct record *record;
    uint32_t place;
    uint32_t where;
    bool is_usual; /* it is a lossless group's, and light barriers are no fences */
};

ATOMIC_INLINE struct stretch
begin_stretch(struct delivery *delivery, struct progress *progress, bool is_usual)
{
    struct record *record = delivery->record;

    return (struct stretch){delivery, progress, delivery->lane, delivery->group, record,
        record->depth++, delivery->where, is_usual};
}

ATOMIC_INLINE void
end_stretch(const struct stretch *stretch)
{
    stretch->record->depth = stretch->place;
    store_i64(&stretch->lane->at, NO_EVENT, ORDER_HINT);
}

static __attribute__((noinline)) void
call_otherwise(struct delivery *delivery, struct slot *slot, const struct ringbus_event *event,
    struct registration *registration)
{
    delivery->record->depth--;
    delivery->marks = &slot->spare;
    ringbus__dispatch_one(delivery, event, event->sequence, registration);
    delivery->record->depth++;
}

static __attribute__((noinline)) void
hand_out_lossy(struct delivery *delivery, struct slot *slot, struct ringbus_event *event)
{
    delivery->record->depth--;
    delivery->marks = &slot->spare;
    ringbus__overflow_dispatch(delivery, event, event->sequence);
    delivery->record->depth++;
}

static __attribute__((noinline)) void
fail(struct delivery *delivery, struct slot *slot, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code)
{
    delivery->marks = &slot->spare;
    ringbus__dispatch_fail(delivery, event, consumer, code);
}

/* A plain one, whose window has begun. */
ATOMIC_INLINE void
call(const struct stretch *stretch, struct slot *slot, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration)
{
    struct ringbus_consumer *consumer = registration->consumer;
    int code = 0;

    record_announce(stretch->record, stretch->place, consumer, stretch->is_usual);
    /* After the barrier in record_announce (consumer.h I2). */
    if (likely(window_goes_on(registration, sequence, stretch->group))) {
        code = consumer->handler(event, consumer->context);
        count_u64(&consumer->parts->delivered, 1); /* OWN: of the lane alone */
    }
    if (unlikely(code < 0))
        fail(stretch->delivery, slot, event, consumer, code);
    record_announce(stretch->record, stretch->place, NULL, stretch->is_usual);
    consumer_is_left(consumer);
}

ATOMIC_INLINE void
call_all(const struct stretch *stretch, struct slot *slot, const struct match_set *set,
    const struct ringbus_event *event, int64_t sequence)
{
    const uint32_t members = likely(set != NULL) ? set->count : 0; /* it stays so (match.h I1) */

    for (uint32_t i = 0; i < members; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (unlikely(registration == NULL))
            continue;
        if (likely(registration->plain_where == stretch->where)) {
            if (likely(window_has_begun(registration, sequence, stretch->group)))
                call(stretch, slot, event, sequence, registration);
        } else if (delivery_concerns(stretch->delivery, registration, event, sequence)) {
            call_otherwise(stretch->delivery, slot, event, registration);
        }
    }
}

/* Begin with an event. False: it is discarded, as a whole. */
ATOMIC_INLINE bool
begin_event(struct lane *lane, const struct ringbus_group *group, const struct ringbus_topic *topic,
    int64_t sequence)
{
    if (lane->is_first)
        count_u64(&topic->passed[group->index], 1); /* OWN: of this lane alone */
    store_i64(&lane->at, sequence, ORDER_HINT);
    return likely(!load_u32(&group->is_discarding, ORDER_HINT));
}

static __attribute__((noinline)) void
discard(struct delivery *delivery, struct progress *progress, const struct ringbus_event *event,
    int64_t edge)
{
    ringbus__dispatch_discard(delivery, event, edge, NULL);
    if (load_i64(&progress->handed_out, ORDER_OWN) == INT64_MAX)
        store_i64(&progress->handed_out, event->sequence - 1, ORDER_COUNT);
    count_u64(&delivery->lane->discarded, delivery->lane->is_first);
}

/* A lossless group's entry, or none, or one of a group that drops the newest. */
ATOMIC_INLINE void
hand_out(
    const struct stretch *stretch, struct slot *slot, struct ringbus_event *event, int64_t sequence)
{
    const struct ringbus_group *group = stretch->group;
    const struct entry *entry = (const struct entry *)slot->payload;
    const struct ringbus_topic *topic = entry->topic;

    /* HINT: seen to be published before. */
    if (unlikely(load_u64(&slot->stamp, ORDER_HINT) & 1)) {
        count_u64(&stretch->lane->abandoned, stretch->lane->is_first);
        return;
    }
    entry_show(entry, sequence, event);
    if (!begin_event(stretch->lane, group, topic, sequence))
        discard(stretch->delivery, stretch->progress, event, sequence);
    else if (stretch->is_usual || likely(group->has_plain_ring))
        call_all(stretch, slot, topic_set(topic, group->index), event, sequence);
    else
        hand_out_lossy(stretch->delivery, slot, event);
}

ATOMIC_INLINE int64_t
hand_out_all(struct delivery *delivery, struct progress *progress, int64_t last, int64_t limit,
    bool is_usual)
{
    const struct stretch stretch = begin_stretch(delivery, progress, is_usual);
    const struct slots slots = slots_of(stretch.group->ring);
    const size_t reach = stretch.lane->ahead * slots.stride;
    struct ringbus_event event = {.lost = 0};

    while (last < limit && !group_rests(stretch.group)) {
        struct slot *slot = slot_at(&slots, ++last);

        /* Of a slot that one pass later is looked at; at the ring's end, of some memory behind it. */
        __builtin_prefetch((const void *)((uintptr_t)slot + reach), 0, 2);
        hand_out(&stretch, slot, &event, last);
        store_i64(&progress->done, last, ORDER_COUNT);
        if (lane_is_late(stretch.lane))
            break;
    }
    end_stretch(&stretch);
    return last;
}

static int64_t
run_entries(struct delivery *delivery, struct progress *progress, int64_t last, int64_t limit)
{
    if (likely(delivery->group->has_plain_ring) && likely(!barrier_is_fenced()))
        return hand_out_all(delivery, progress, last, limit, true);
    return hand_out_all(delivery, progress, last, limit, false);
}

/* ---- many topics ---- */

/* Each topic, but for those that have several events in a row. How many. */
static uint32_t
fetch_topics(const struct ringbus_group *group, int64_t last, int64_t end,
    const struct ringbus_topic *topics[MOST_FETCHED])
{
    const struct slots slots = slots_of(group->ring);
    const struct ringbus_topic *before = NULL;
    uint32_t count = 0;

    while (++last <= end) {
        const struct slot *slot = slot_at(&slots, last);
        const struct ringbus_topic *topic = ((const struct entry *)slot->payload)->topic;

        /* HINT: seen to be published before. */
        if (topic == before || load_u64(&slot->stamp, ORDER_HINT) & 1)
            continue;
        topics[count++] = before = topic;
        __builtin_prefetch(topic);
        __builtin_prefetch(&topic->parts[group->index]);
    }
    return count;
}

/* The set of each, and where the event will be counted. How many there are. */
static uint32_t
fetch_sets(const struct ringbus_group *group, const struct ringbus_topic *const *topics,
    uint32_t count, const struct match_set *sets[MOST_FETCHED])
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        const struct match_set *set = topic_set(topics[i], group->index);

        __builtin_prefetch(&topics[i]->passed[group->index]);
        if (unlikely(set == NULL))
            continue;
        sets[found++] = set;
        __builtin_prefetch(&set->count);
        __builtin_prefetch(set->members);
    }
    return found;
}

/* The first of each set. How many there are. */
static uint32_t
fetch_registrations(const struct match_set *const *sets, uint32_t count,
    const struct registration *registrations[MOST_FETCHED])
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        /* TABLE acquire: the registration is complete. */
        const struct registration *first = load_ptr(&sets[i]->members[0], ORDER_TABLE_ACQUIRE);

        if (unlikely(first == NULL))
            continue;
        registrations[found++] = first;
        __builtin_prefetch(&first->from);
        __builtin_prefetch(&first->consumer);
    }
    return found;
}

/* Of MOST_FETCHED events at most. */
static void
fetch(const struct ringbus_group *group, int64_t last, int64_t limit)
{
    const struct ringbus_topic *topics[MOST_FETCHED];
    const struct match_set *sets[MOST_FETCHED];
    const struct registration *registrations[MOST_FETCHED];
    uint32_t count = fetch_topics(group, last, limit, topics);

    count = fetch_sets(group, topics, count, sets);
    count = fetch_registrations(sets, count, registrations);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&registrations[i]->consumer->handler);
}

/* ---- public ---- */

int64_t
ringbus__pass_entries(
    struct delivery *delivery, struct progress *progress, int64_t last, int64_t limit)
{
    /* HINT: whether it pays. */
    const bool is_far = load_u32(&delivery->group->bus->has_many_topics, ORDER_HINT) != 0;
    int64_t end = limit;

    if (likely(!is_far))
        return run_entries(delivery, progress, last, limit);
    do {
        end = limit - last > MOST_FETCHED ? last + MOST_FETCHED : limit;
        fetch(delivery->group, last, end);
        last = run_entries(delivery, progress, last, end);
    } while (last == end && end < limit);
    return last;
}

void
ringbus__pass_shared(struct delivery *delivery, struct progress *progress, int64_t sequence)
{
    const struct stretch stretch = begin_stretch(delivery, progress, false);
    struct ringbus_event event = {.lost = 0};

    hand_out(&stretch, ring_slot(stretch.group->ring, sequence), &event, sequence);
    store_i64(&progress->done, sequence, ORDER_COUNT);
    end_stretch(&stretch);
}

void
ringbus__pass_copy(
    struct delivery *delivery, struct progress *progress, struct ringbus_event *event, int64_t edge)
{
    if (begin_event(delivery->lane, delivery->group, event->handle, event->sequence))
        ringbus__overflow_dispatch(delivery, event, edge);
    else
        discard(delivery, progress, event, edge);
    store_i64(&delivery->lane->at, NO_EVENT, ORDER_HINT);
}
