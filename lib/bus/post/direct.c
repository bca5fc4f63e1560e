/* direct.c - a post by copy to one caller group, of a topic that is not retained: the synchronous mode's usual post.
 *
 * It is what ringbus__post_several, caller.c and dispatch.c do for any post, without what this one cannot need: claims,
 * a claim lock, references. One that is made in a handler of a caller group is queued as any other.
 * I1  the same looks: announced, then a barrier, then the group's era, the bus's state, the route, whether the topic is
 *     retained, the set. So it is seen by whoever ends the group, the bus or a registration, or sees that (caller.c I2,
 *     match.h I3); and what a topic asks for that is found retained is left to several.c
 * I2  between posts all of a frame is as make_frame makes it, but for what begin sets, `left`, `number`, `eras`, and
 *     the group of its delivery (caller.h): handlers find it complete, as does who cleans up after a thread that exits
 *     in one (exit.c)
 * I3  what the handlers of its own event leave behind is in the frame: nested posts, batch_ends, replays. Then the end
 *     is caller.c's
 * I4  a plain consumer is called here: announced, then a barrier, then the window's end is looked at. What else there
 *     is about one (a filter, a window that closes), or about the group, is dispatch.c's, which finds the record as if
 *     nobody were announced
 * I5  whether anything is special about the group is looked at last: copies of a value that is retained no more are
 *     still to come before the event
 * Edges: STATE, TABLE, CUT, CALL. */
#include "bus/executor/caller.h"
#include "bus/post/serial.h"

/* A post under way: in registers, for no function that is not inlined is given it. */
struct direct {
    struct ringbus_topic *topic;
    const void *data;
    size_t size;
    uint64_t ordered;
    struct ringbus_group *group;
    bool holds_topic;

    struct record *record;
    struct frame *frame;
    struct standing before;
    bool is_usual; /* its thread is in no delivery, and light barriers are no fences */
    int64_t era;
};

/* ---- one consumer ---- */

/* Let others do with the record what they do. */
static void
step_back(const struct frame *frame)
{
    frame->delivery.record->depth = frame->depth + 1;
}

static __attribute__((noinline)) void
call_otherwise(struct frame *frame, const struct ringbus_event *event, int64_t era,
    struct registration *registration)
{
    step_back(frame);
    ringbus__dispatch_member(&frame->delivery, event, era, registration);
    frame->delivery.record->depth = frame->depth + 2;
}

/* Who was announced is not called now. */
static __attribute__((noinline)) void
take_back(struct frame *frame, const struct ringbus_event *event, int64_t era,
    struct registration *registration)
{
    struct ringbus_consumer *consumer = registration->consumer;

    record_announce(frame->delivery.record, frame->depth + 1, NULL, false);
    consumer_is_left(consumer);
    call_otherwise(frame, event, era, registration);
}

/* Nothing is special about the call: the consumer is plain and in the only stage, this thread was the first to call
 * it, and the window holds the era, as far as this look tells: `from` is later than any while it is undecided
 * (match.h I3). */
ATOMIC_INLINE bool
is_simple(const struct direct *direct, const struct registration *registration)
{
    const struct ringbus_consumer *consumer = registration->consumer;

    return likely(registration->plain_where == 0) &&
           serial_is_owner(consumer, direct->record->id) &&
           likely(load_i64(&registration->from, ORDER_HINT) <= direct->era);
}

/* By the only thread that may be inside. */
ATOMIC_INLINE bool
call_inside(struct ringbus_consumer *consumer, const struct ringbus_event *event,
    const struct registration *registration, int *ret_code)
{
    /* HINT: after the barrier of the announcement (consumer.h I2). */
    if (unlikely(load_i64(&registration->until, ORDER_HINT) != WINDOW_STAYS))
        return false;
    *ret_code = consumer->handler(event, consumer->context);
    count_u64(&consumer->first_delivered, 1);
    return true;
}

ATOMIC_INLINE void
call(const struct direct *direct, const struct ringbus_event *event,
    struct registration *registration)
{
    struct ringbus_consumer *consumer = registration->consumer;
    const uint64_t thread = direct->record->id;
    bool is_called = false;
    int code = 0;

    record_announce(direct->record, direct->before.depth + 1, consumer, direct->is_usual);
    if (consumer->is_thread_safe) {
        is_called = call_inside(consumer, event, registration, &code);
    } else if (likely(serial_enter(consumer, thread, direct->is_usual))) {
        is_called = call_inside(consumer, event, registration, &code);
        serial_leave(consumer, thread, direct->is_usual);
    }
    if (unlikely(!is_called)) {
        take_back(direct->frame, event, direct->era, registration);
        return;
    }
    if (unlikely(code < 0))
        ringbus__dispatch_fail(&direct->frame->delivery, event, consumer, code);
    record_announce(direct->record, direct->before.depth + 1, NULL, direct->is_usual);
    consumer_is_left(consumer);
}

/* ---- the event ---- */

ATOMIC_INLINE void
call_all(const struct direct *direct, const struct ringbus_event *event)
{
    const struct match_set *set = topic_set(direct->topic, direct->group->index);
    const uint32_t members = set != NULL ? set->count : 0; /* it stays so (match.h I1) */

    direct->frame->delivery.group = direct->group;
    for (uint32_t i = 0; i < members; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_TABLE_ACQUIRE);

        if (unlikely(registration == NULL))
            continue;
        if (is_simple(direct, registration))
            call(direct, event, registration);
        else
            call_otherwise(direct->frame, event, direct->era, registration);
    }
}

static __attribute__((noinline)) void
hand_out(struct frame *frame, struct ringbus_group *group, const struct ringbus_event *event,
    int64_t era)
{
    step_back(frame);
    ringbus__caller_hand_out(frame, group, event, era);
}

static __attribute__((noinline)) void
end_otherwise(struct frame *frame)
{
    step_back(frame);
    frame->left = 0;
    ringbus__caller_end(frame);
}

ATOMIC_INLINE void
end(const struct direct *direct)
{
    struct frame *frame = direct->frame;

    if (unlikely(frame->has_debts)) {
        end_otherwise(frame);
        return;
    }
    direct->record->frames = NULL;
    record_serve_end(direct->record, &direct->before, direct->is_usual);
    caller_left(direct->group->bus);
}

ATOMIC_INLINE void
deliver(const struct direct *direct, bool is_special)
{
    const struct ringbus_event event = {
        .topic = direct->topic->name,
        .handle = direct->topic,
        .data = direct->size > 0 ? direct->data : NULL,
        .size = direct->size,
        .ordered = direct->ordered,
        .sequence = -1,
    };
    struct ringbus_group *group = direct->group;
    struct frame *frame = direct->frame;

    frame_begin(frame, direct->before.depth, group->bus, direct->topic, direct->holds_topic);
    frame->left = group->bit;
    frame->eras[group->index] = direct->era;
    direct->record->frames = frame;
    if (unlikely(is_special))
        hand_out(frame, group, &event, direct->era);
    else
        call_all(direct, &event);
    end(direct);
}

/* ---- the post ---- */

/* Announced. RINGBUS_OK: the group and this thread still have business with each other. */
ATOMIC_INLINE int
look_again(
    const struct ringbus_topic *topic, const struct ringbus_group *group, bool *ret_is_special)
{
    /* STATE acquire: as in ringbus__post_is_late. */
    if (unlikely(load_u32(&topic->bus->state, ORDER_STATE_ACQUIRE) != BUS_OPEN) &&
        ringbus__post_is_late(topic->bus))
        return RINGBUS_ESHUTDOWN;
    /* TABLE acquire: a group that is no longer in the route has not waited for us. */
    if (unlikely(!(load_u64(&topic->route, ORDER_TABLE_ACQUIRE) & group->bit)))
        return START_AGAIN;
    /* STATE acquire: of a topic that is retained no more, the copies that are still to come are seen below. */
    if (unlikely(load_u32(&topic->is_retained, ORDER_STATE_ACQUIRE)))
        return START_AGAIN;
    /* CALL acquire: what the handlers of replays did is visible to who goes on because they are over. */
    *ret_is_special = load_u32(&group->special, ORDER_CALL_ACQUIRE) != 0;
    return unlikely(*ret_is_special) && group_is_broken(group) ? RINGBUS_ESHUTDOWN : RINGBUS_OK;
}

ATOMIC_INLINE int
post(struct direct *direct)
{
    struct ringbus_topic *topic = direct->topic;
    struct ringbus_group *group = direct->group;
    bool is_special = false;
    int outcome = RINGBUS_OK;

    if (unlikely(direct->size > group->slot_size))
        return RINGBUS_EMSGSIZE;
    direct->frame = direct->record->frame_memory;
    record_serve(direct->record, &direct->before, group->bus, direct->is_usual);
    /* CUT acquire: who registered before this look is in the set we shall find; who registers after it, as on a topic
     * that is retained meanwhile, gets later posts. */
    direct->era = (int64_t)load_u64(&group->era, ORDER_CUT_ACQUIRE);
    outcome = look_again(topic, group, &is_special);
    if (unlikely(outcome != RINGBUS_OK)) {
        record_serve_end(direct->record, &direct->before, direct->is_usual);
        caller_left(group->bus); /* who shuts down may have seen us, and sleep */
        return outcome;
    }
    outcome = (int)load_u32(&topic->consumers, ORDER_COUNT);
    deliver(direct, is_special);
    return outcome;
}

/* The thread's first post, or it is in a handler of a ring group, or light barriers are fences. */
static __attribute__((noinline)) int
post_unusually(struct ringbus_topic *topic, const void *data, size_t size, uint64_t ordered,
    struct ringbus_group *group, bool holds_topic)
{
    struct record *record = &ringbus__record;
    struct direct direct = {topic, data, size, ordered, group, holds_topic, .record = record};

    if (record->frames != NULL && record_is_here(record))
        return START_AGAIN;
    if ((!record->has_ready_frame || !record_is_here(record)) && !ringbus__caller_get_ready(record))
        return RINGBUS_ESYS;
    direct.before = (struct standing){record->depth, record->deliveries};
    return post(&direct);
}

int
ringbus__post_directly(struct ringbus_topic *topic, const void *data, size_t size, uint64_t ordered,
    struct ringbus_group *group, bool holds_topic)
{
    struct record *record = &ringbus__record;
    struct direct direct = {topic, data, size, ordered, group, holds_topic, .record = record};

    if (unlikely(record->usual_in != group->bus->home.number) || unlikely(record->deliveries > 0))
        return post_unusually(topic, data, size, ordered, group, holds_topic);
    direct.is_usual = true;
    return post(&direct);
}
