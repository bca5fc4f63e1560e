/* dispatch.c - the dispatcher: resolves an entry's topic and runs its consumers.
 *
 * I1  a call is announced, then a barrier, then the window is looked at once more (consumer.h I2)
 * I2  an event is finished when its handlers, and the batch_end it is owed, have returned: only then is it committed
 * I3  who fails on an event marks it before that
 * Edges: TABLE, CALL.
 * Source: the seeds' BatchConsumer (batch, then end of batch); who gets what is decided by windows of sequences. */
#include "bus/dispatch.h"

#include "bus/post/serial.h"
#include "bus/topic.h"

static void
count(const struct delivery *delivery, struct atomic_u64 *figure)
{
    if (delivery->lane != NULL)
        count_u64(figure, 1); /* OWN: of the lane alone */
    else
        add_u64(figure, 1, ORDER_COUNT); /* any number of posting threads */
}

/* Where figures of the group are counted. */
static struct lane *
lane_of(const struct delivery *delivery)
{
    return delivery->lane != NULL ? delivery->lane : delivery->group->lanes;
}

void
ringbus__dispatch_fail(const struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code)
{
    const struct ringbus_options *hooks = &consumer->bus->options;

    count(delivery, &consumer_part(consumer, delivery->lane)->failed);
    count(delivery, &lane_of(delivery)->failed);
    if (hooks->on_error != NULL)
        hooks->on_error(consumer->bus, event, consumer, code, hooks->hook_context);
}

/* Who comes after the consumer does not get the event. */
static void
mark(const struct delivery *delivery, const struct ringbus_consumer *consumer)
{
    /* HINT: goes with the position that passes the event (I3). The first consumer after this one has registered for
     * later events than those that find no mark. */
    const uint32_t own = load_u32(&consumer->own_mark, ORDER_HINT);

    if (own != 0 && delivery->marks != NULL)
        or_u64(delivery->marks, own, ORDER_HINT);
}

/* A call is over, at `depth`: whoever closes the consumer may be waiting for just that. */
ATOMIC_INLINE void
end_call(struct record *record, uint32_t depth, struct ringbus_consumer *consumer)
{
    record_return_at(record, depth);
    /* HINT: record_return_at ended with the barrier of this pair. */
    if (unlikely(load_u32(&consumer->is_closing, ORDER_HINT)))
        signal_raise(&consumer->bus->changed);
}

/* ---- whether a consumer is called ---- */

/* One of the consumers this one comes after, or which those come after, failed on the event. */
static bool
is_withheld(const struct delivery *delivery, struct ringbus_consumer *consumer)
{
    /* HINT: set before the stage before this one had finished the event. */
    if (likely(consumer->after_marks == 0) ||
        !(load_u64(delivery->marks, ORDER_HINT) & consumer->after_marks))
        return false;
    count(delivery, &consumer_part(consumer, delivery->lane)->withheld);
    count(delivery, &lane_of(delivery)->withheld);
    return true;
}

static bool
is_filtered(const struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer)
{
    if (likely(consumer->filter == NULL) || consumer->filter(event, consumer->context) != 0)
        return false;
    count(delivery, &consumer_part(consumer, delivery->lane)->filtered);
    count(delivery, &lane_of(delivery)->filtered);
    return true;
}

/* One of its max_deliveries is taken. */
static bool
take_call(struct ringbus_consumer *consumer, bool *ret_is_last)
{
    uint64_t left = load_u64(&consumer->calls_left, ORDER_HINT);

    while (left > 0)
        /* COUNT: a ticket; nothing is read through it. */
        if (cas_u64(&consumer->calls_left, &left, left - 1, ORDER_COUNT)) {
            *ret_is_last = left == 1;
            return true;
        }
    return false;
}

/* After it was announced that the consumer is called. */
static bool
is_chosen(const struct delivery *delivery, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, bool *ret_is_last)
{
    return !is_withheld(delivery, consumer) && !is_filtered(delivery, event, consumer) &&
           (likely(!consumer->is_counted_out) || take_call(consumer, ret_is_last));
}

/* ---- windows ---- */

/* HINT, of both: what an edge was decided to, or that it is undecided, came before the claim of any event it cuts off.
 * Undecided it lets no event pass. */

/* The registration's window begins before the event. */
ATOMIC_INLINE bool
has_begun(const struct delivery *delivery, struct registration *registration, int64_t sequence)
{
    const int64_t from = load_i64(&registration->from, ORDER_HINT);

    return likely(sequence >= from) ||
           (from == WINDOW_OPENS && sequence >= ringbus__window_decide(&registration->from,
                                                    WINDOW_OPENS, delivery->group));
}

/* And it ends behind it. */
ATOMIC_INLINE bool
has_not_ended(const struct delivery *delivery, struct registration *registration, int64_t sequence)
{
    const int64_t until = load_i64(&registration->until, ORDER_HINT);

    return likely(sequence < until) ||
           (until == WINDOW_CLOSES && sequence < ringbus__window_decide(&registration->until,
                                                     WINDOW_CLOSES, delivery->group));
}

/* ---- calls ---- */

static void
lock_serial(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    if (ringbus__serial_enter(consumer, delivery->record->id))
        delivery->locked = consumer;
}

static void
release_serial(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    if (delivery->locked == NULL) {
        serial_leave(consumer, delivery->record->id, false);
        return;
    }
    delivery->locked = NULL;
    lock_release(&consumer->serial);
}

/* A call in a caller group. False: it is for a replay, which somebody else has delivered. */
ATOMIC_INLINE bool
lock_call(struct delivery *delivery, struct ringbus_consumer *consumer, struct replay *replay)
{
    lock_serial(delivery, consumer);
    return replay == NULL || ringbus__replay_begin(replay);
}

ATOMIC_INLINE void
release_call(struct delivery *delivery, struct ringbus_consumer *consumer, struct replay *replay)
{
    if (replay != NULL)
        ringbus__replay_end(replay);
    release_serial(delivery, consumer);
}

/* The batch_end that touch did not note. */
static void
end_due(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    ringbus__dispatch_batch_end(delivery, consumer);
    delivery->due = NULL;
}

/* Who is called for this event, and owed a batch_end that may fail, is found again by this. */
static bool
note_batch(struct delivery *delivery, struct registration *registration)
{
    /* HINT: as in mark. */
    const uint64_t own = load_u32(&registration->consumer->own_mark, ORDER_HINT);

    if (own != 0 &&
        delivery->marks != NULL) /* HINT: this consumer's bit is read by this lane alone. */
        or_u64(delivery->marks, own << 32, ORDER_HINT);
    return delivery->touch(delivery, registration);
}

/* By a posting thread that is inside a serialized consumer. Whoever calls a thread-safe one first counts apart
 * from others: that needs no read-modify-write, and usually there are no others. */
ATOMIC_INLINE void
count_posted(const struct delivery *delivery, struct ringbus_consumer *consumer)
{
    /* COUNT: this thread's own id, or any other: only this thread can make it its own. */
    uint64_t first = load_u64(&consumer->first_thread, ORDER_COUNT);

    if (!consumer->is_thread_safe)
        count_u64(&consumer->parts->delivered, 1); /* OWN: it is inside */
    else if (likely(first == delivery->record->id) ||
             (first == 0 &&
                 cas_u64(&consumer->first_thread, &first, delivery->record->id, ORDER_COUNT)))
        count_u64(&consumer->first_delivered, 1);
    else
        add_u64(&consumer->parts->delivered, 1, ORDER_COUNT);
}

/* The group's figure is the sum of its consumers'. */
ATOMIC_INLINE void
count_call(const struct delivery *delivery, struct ringbus_consumer *consumer, bool is_plain,
    struct lane *lane)
{
    struct consumer_part *part = is_plain ? consumer->parts : consumer_part(consumer, lane);

    if (lane != NULL)
        count_u64(&part->delivered, 1); /* OWN: of the lane alone */
    else
        count_posted(delivery, consumer);
}

/* Inlined for what is known of them: `is_plain`, the consumer; `lane`, NULL: a posting thread; `record` and its
 * `depth`. */
ATOMIC_INLINE void
call(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence,
    struct registration *registration, bool is_plain, struct lane *lane, struct record *record,
    uint32_t depth)
{
    struct ringbus_consumer *consumer = registration->consumer;
    struct replay *const replay = is_plain ? NULL : delivery->replay;
    const bool is_locked = lane == NULL && (!consumer->is_thread_safe || replay != NULL);
    bool is_called = false, is_noted = true, is_last = false;
    int code = 0;

    record_call_at(record, depth, consumer);
    if (is_locked && !lock_call(delivery, consumer, replay))
        sequence = WINDOW_STAYS; /* in no window */
    /* After the barrier in record_call_at (consumer.h I2). */
    is_called = has_not_ended(delivery, registration, sequence) &&
                (is_plain || is_chosen(delivery, event, consumer, &is_last));
    if (likely(is_called)) {
        if (lane != NULL)
            delivery->is_handed_out = true;
        if (!is_plain && consumer->batch_end != NULL)
            is_noted = note_batch(delivery, registration);
        if (unlikely(!is_noted))
            delivery->due = consumer;
        code = consumer->handler(event, consumer->context);
        count_call(delivery, consumer, is_plain, lane);
    }
    if (is_locked)
        release_call(delivery, consumer, replay);
    if (unlikely(code < 0)) {
        mark(delivery, consumer);
        ringbus__dispatch_fail(delivery, event, consumer, code);
    }
    if (unlikely(is_last))
        ringbus__consumer_exhaust(consumer);
    /* the consumer may be gone after this, unless a batch_end is due */
    end_call(record, depth, consumer);
    if (unlikely(!is_noted))
        end_due(delivery, consumer);
}

void
ringbus__dispatch_one(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration)
{
    call(delivery, event, sequence, registration, false, delivery->lane, delivery->record,
        delivery->record->depth);
}

/* Of those who are called in this stage. */
ATOMIC_INLINE bool
is_called_here(const struct delivery *delivery, const struct registration *registration,
    const struct ringbus_event *event)
{
    if (likely(registration->where == delivery->where))
        return !delivery->is_range || event->ordered == 0;
    return registration->where == delivery->any_where && event->ordered != 0 &&
           lane_of_key(event->ordered, delivery->group->lane_count) == delivery->lane->index;
}

/* TABLE acquire: the set is complete; the delivery keeps it from being freed. */
ATOMIC_INLINE const struct match_set *
set_of(const struct ringbus_topic *topic, uint32_t group)
{
    return load_ptr(&topic->parts[group].set, ORDER_TABLE_ACQUIRE);
}

/* The registration has begun before the event, and is called here. */
ATOMIC_INLINE bool
concerns(const struct delivery *delivery, struct registration *registration,
    const struct ringbus_event *event, int64_t sequence)
{
    return registration != NULL && is_called_here(delivery, registration, event) &&
           has_begun(delivery, registration, sequence);
}

static void
count_discarded(const struct delivery *delivery, struct registration *registration)
{
    count(delivery, &consumer_part(registration->consumer, delivery->lane)->discarded);
    /* COUNT: by any lane, when the consumer is thread-safe. */
    add_u64(&registration->discarded, 1, ORDER_COUNT);
}

/* Call those of a set that are called here. Inlined for what is known, `lane`, and what is often in a register. */
ATOMIC_INLINE void
dispatch(struct delivery *delivery, const struct match_set *set, const struct ringbus_event *event,
    int64_t sequence, struct lane *lane, uint32_t where, struct record *record, uint32_t depth)
{
    const uint32_t members = likely(set != NULL) ? set->count : 0; /* it stays so (match.h I1) */

    for (uint32_t i = 0; i < members; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (unlikely(registration == NULL))
            continue;
        if (likely(registration->plain_where == where)) {
            if (likely(has_begun(delivery, registration, sequence)))
                call(delivery, event, sequence, registration, true, lane, record, depth);
        } else if (concerns(delivery, registration, event, sequence)) {
            ringbus__dispatch_one(delivery, event, sequence, registration);
        }
    }
}

void
ringbus__dispatch(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    struct record *record = delivery->record;

    dispatch(delivery, set_of(event->handle, delivery->group->index), event, sequence,
        delivery->lane, delivery->where, record, record->depth);
}

/* ---- what a lane hands out ---- */

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
hand_out(struct delivery *delivery, struct lane *lane, const struct ringbus_group *group,
    struct slot *slot, struct progress *progress, struct ringbus_event *event, int64_t sequence,
    uint32_t where, struct record *record, uint32_t depth)
{
    const struct entry *entry = (const struct entry *)slot->payload;
    const struct ringbus_topic *topic = entry->topic;

    /* HINT: seen to be published before. */
    if (unlikely(load_u64(&slot->stamp, ORDER_HINT) & 1)) {
        count_u64(&lane->abandoned, lane->is_first);
        return;
    }
    entry_show(entry, sequence, event);
    delivery->marks = &slot->spare;
    if (!begin_event(lane, group, topic, sequence))
        discard(delivery, progress, event, sequence);
    else if (likely(group->has_plain_ring))
        dispatch(
            delivery, set_of(topic, group->index), event, sequence, lane, where, record, depth);
    else
        ringbus__overflow_dispatch(delivery, event, sequence);
}

int64_t
ringbus__dispatch_entries(
    struct delivery *delivery, struct progress *progress, int64_t last, int64_t limit)
{
    struct lane *lane = delivery->lane;
    const struct ringbus_group *group = lane->group;
    const struct slots slots = slots_of(group->ring);
    struct record *record = delivery->record;
    const uint32_t where = delivery->where, depth = record->depth;
    struct ringbus_event event = {.lost = 0};

    while (last < limit && !group_rests(group)) {
        struct slot *slot = slot_at(&slots, ++last);

        hand_out(delivery, lane, group, slot, progress, &event, last, where, record, depth);
        store_i64(&progress->done, last, ORDER_COUNT);
        if (lane_is_late(lane))
            break;
    }
    store_i64(&lane->at, NO_EVENT, ORDER_HINT);
    return last;
}

void
ringbus__dispatch_shared(struct delivery *delivery, struct progress *progress, int64_t sequence)
{
    struct lane *lane = delivery->lane;
    struct slot *slot = ring_slot(lane->group->ring, sequence);
    struct record *record = delivery->record;
    struct ringbus_event event = {.lost = 0};

    hand_out(delivery, lane, lane->group, slot, progress, &event, sequence, delivery->where, record,
        record->depth);
    store_i64(&progress->done, sequence, ORDER_COUNT);
    store_i64(&lane->at, NO_EVENT, ORDER_HINT);
}

void
ringbus__dispatch_copy(
    struct delivery *delivery, struct progress *progress, struct ringbus_event *event, int64_t edge)
{
    if (begin_event(delivery->lane, delivery->group, event->handle, event->sequence))
        ringbus__overflow_dispatch(delivery, event, edge);
    else
        discard(delivery, progress, event, edge);
    store_i64(&delivery->lane->at, NO_EVENT, ORDER_HINT);
}

/* The lane owes the consumer a batch_end. */
static bool
is_due(const struct delivery *delivery, struct ringbus_consumer *consumer)
{
    return delivery->lane != NULL && consumer_part(consumer, delivery->lane)->is_touched;
}

void
ringbus__dispatch_discard(const struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, const struct ringbus_consumer *from)
{
    const struct match_set *set = set_of(event->handle, delivery->group->index);
    bool is_left = false;

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (!concerns(delivery, registration, event, sequence) ||
            !has_not_ended(delivery, registration, sequence))
            continue;
        is_left = is_left || from == NULL || registration->consumer == from;
        if ((is_left && !delivery->is_for_due) || is_due(delivery, registration->consumer))
            count_discarded(delivery, registration);
    }
}

/* By a posting thread. */
ATOMIC_INLINE void
dispatch_posted(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    struct record *record = delivery->record;

    if (unlikely(delivery->is_discarding))
        ringbus__dispatch_discard(delivery, event, sequence, NULL);
    else
        dispatch(delivery, set_of(event->handle, delivery->group->index), event, sequence, NULL,
            delivery->where, record, record->depth);
}

static __attribute__((noinline)) void
dispatch_in_stages(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence, uint32_t stages)
{
    struct atomic_u64 marks = {0};

    delivery->marks = &marks;
    for (uint32_t stage = 0; stage < stages; stage++) {
        delivery->where = delivery->any_where = where_of(stage, 0);
        dispatch_posted(delivery, event, sequence);
    }
    delivery->where = delivery->any_where = where_of(0, 0);
    delivery->marks = NULL;
}

void
ringbus__dispatch_stages(
    struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    /* TABLE acquire: a consumer of a new stage is registered after the stage is counted. */
    const uint32_t stages = load_u32(&delivery->group->stage_count, ORDER_TABLE_ACQUIRE);

    if (group_has_replays(delivery->group))
        ringbus__replay_before(delivery, event->handle, sequence);
    if (likely(stages <= 1)) /* nobody is withheld what others fail on: there are no marks */
        dispatch_posted(delivery, event, sequence);
    else
        dispatch_in_stages(delivery, event, sequence, stages);
}

void
ringbus__dispatch_member(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration)
{
    if (concerns(delivery, registration, event, sequence))
        ringbus__dispatch_one(delivery, event, sequence, registration);
}

int
ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    const bool is_locked = delivery->group->ring == NULL && !consumer->is_thread_safe;
    const uint32_t depth = delivery->record->depth;
    int code = 0;

    record_call_at(delivery->record, depth, consumer);
    if (is_locked)
        lock_serial(delivery, consumer);
    code = consumer->batch_end(consumer->context);
    if (is_locked)
        release_serial(delivery, consumer);
    if (unlikely(code < 0)) {
        mark(delivery, consumer);
        ringbus__dispatch_fail(delivery, NULL, consumer, code);
    }
    /* CALL release: batch_end's effects are visible to whoever finds nothing due. */
    add_u32(&consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    end_call(delivery->record, depth, consumer);
    return code;
}
