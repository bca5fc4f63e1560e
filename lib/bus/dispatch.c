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
    /* HINT: goes with the position that passes the event (I3). The first consumer after this one has registered for
     * later events than those that find no mark. */
    const uint32_t own = load_u32(&consumer->own_mark, ORDER_HINT);

    if (own != 0 && delivery->marks != NULL)
        or_u64(delivery->marks, own, ORDER_HINT);
    count(delivery, &consumer_part(consumer, delivery->lane)->failed);
    count(delivery, &lane_of(delivery)->failed);
    if (hooks->on_error != NULL)
        hooks->on_error(consumer->bus, event, consumer, code, hooks->hook_context);
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
static bool
lock_call(struct delivery *delivery, struct ringbus_consumer *consumer, struct replay *replay)
{
    lock_serial(delivery, consumer);
    return replay == NULL || ringbus__replay_begin(replay);
}

static void
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
    /* HINT: as in ringbus__dispatch_fail. */
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
static void
count_call(const struct delivery *delivery, struct ringbus_consumer *consumer)
{
    if (delivery->lane != NULL)
        count_u64(&consumer_part(consumer, delivery->lane)->delivered, 1); /* OWN: of the lane */
    else
        count_posted(delivery, consumer);
}

/* It is announced that the consumer is called. The handler's outcome. */
static int
run(struct delivery *delivery, const struct ringbus_event *event, struct registration *registration,
    bool *ret_is_noted)
{
    struct ringbus_consumer *consumer = registration->consumer;
    int code = 0;

    delivery->is_handed_out = true;
    if (consumer->batch_end != NULL)
        *ret_is_noted = note_batch(delivery, registration);
    if (unlikely(!*ret_is_noted))
        delivery->due = consumer;
    code = consumer->handler(event, consumer->context);
    count_call(delivery, consumer);
    return code;
}

void
ringbus__dispatch_one(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration)
{
    struct ringbus_consumer *consumer = registration->consumer;
    struct replay *const replay = delivery->replay;
    const bool is_locked = delivery->lane == NULL && (!consumer->is_thread_safe || replay != NULL);
    bool is_noted = true, is_last = false;
    int code = 0;

    record_call(delivery->record, consumer);
    if (is_locked && !lock_call(delivery, consumer, replay))
        sequence = WINDOW_STAYS; /* in no window */
    /* After the barrier in record_call (consumer.h I2). */
    if (window_goes_on(registration, sequence, delivery->group) &&
        is_chosen(delivery, event, consumer, &is_last))
        code = run(delivery, event, registration, &is_noted);
    if (is_locked)
        release_call(delivery, consumer, replay);
    if (unlikely(code < 0))
        ringbus__dispatch_fail(delivery, event, consumer, code);
    if (unlikely(is_last))
        ringbus__consumer_exhaust(consumer);
    record_return(delivery->record);
    /* the consumer may be gone after this, unless a batch_end is due */
    consumer_is_left(consumer);
    if (unlikely(!is_noted))
        end_due(delivery, consumer);
}

static void
count_discarded(const struct delivery *delivery, struct registration *registration)
{
    count(delivery, &consumer_part(registration->consumer, delivery->lane)->discarded);
    /* COUNT: by any lane, when the consumer is thread-safe. */
    add_u64(&registration->discarded, 1, ORDER_COUNT);
}

void
ringbus__dispatch_member(struct delivery *delivery, const struct ringbus_event *event,
    int64_t sequence, struct registration *registration)
{
    if (delivery_concerns(delivery, registration, event, sequence))
        ringbus__dispatch_one(delivery, event, sequence, registration);
}

void
ringbus__dispatch(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    const struct match_set *set = topic_set(event->handle, delivery->group->index);

    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        ringbus__dispatch_member(
            delivery, event, sequence, load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE));
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
    const struct match_set *set = topic_set(event->handle, delivery->group->index);
    bool is_left = false;

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (!delivery_concerns(delivery, registration, event, sequence) ||
            !window_goes_on(registration, sequence, delivery->group))
            continue;
        is_left = is_left || from == NULL || registration->consumer == from;
        if ((is_left && !delivery->is_for_due) || is_due(delivery, registration->consumer))
            count_discarded(delivery, registration);
    }
}

/* By a posting thread. */
static void
dispatch_posted(struct delivery *delivery, const struct ringbus_event *event, int64_t sequence)
{
    if (unlikely(delivery->is_discarding))
        ringbus__dispatch_discard(delivery, event, sequence, NULL);
    else
        ringbus__dispatch(delivery, event, sequence);
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

int
ringbus__dispatch_batch_end(struct delivery *delivery, struct ringbus_consumer *consumer)
{
    const bool is_locked = delivery->group->ring == NULL && !consumer->is_thread_safe;
    int code = 0;

    record_call(delivery->record, consumer);
    if (is_locked)
        lock_serial(delivery, consumer);
    code = consumer->batch_end(consumer->context);
    if (is_locked)
        release_serial(delivery, consumer);
    if (unlikely(code < 0))
        ringbus__dispatch_fail(delivery, NULL, consumer, code);
    /* CALL release: batch_end's effects are visible to whoever finds nothing due. */
    add_u32(&consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    record_return(delivery->record);
    consumer_is_left(consumer);
    return code;
}
