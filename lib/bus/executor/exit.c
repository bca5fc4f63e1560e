/* exit.c - a thread exits in a handler (or a filter, or batch_end): by pthread_exit, or cancelled.
 *
 * Its stack is gone, and so may be what the user's code keeps for each thread: none of that is called here any more,
 * but on_error and what is settled at the end. What the thread had still to deliver counts as discarded.
 * I1  the groups of all handlers the thread was in are broken before anybody is told
 * I2  the consumers stay announced, and their buses pinned, until they have been told of
 * I3  debts end before the delivery that has them (caller.c) */
#include "bus/executor/exit.h"

#include <assert.h>

#include "bus/executor/caller.h"
#include "bus/executor/poll.h"
#include "bus/group.h"
#include "bus/post/serial.h"
#include "bus/topic.h"

/* The handlers a thread was in, innermost first. */
struct calls {
    struct ringbus_consumer *consumers[RECORD_DEPTH];
    uint32_t count;
    struct ringbus_bus *buses[RECORD_DEPTH]; /* theirs, and the one that is called itself */
    uint32_t bus_count;
};

static struct calls
calls_of(const struct record *record)
{
    const struct frame *frame = record->frames;
    struct calls calls = {.count = 0};

    for (uint32_t i = record->depth; i-- > 0;) {
        void *callee = load_ptr(&record->called[i], ORDER_OWN);

        if (frame != NULL && i == frame->depth) {
            calls.buses[calls.bus_count++] = callee;
            continue;
        }
        if (callee == NULL)
            continue;
        calls.consumers[calls.count++] = callee;
        calls.buses[calls.bus_count++] = ((struct ringbus_consumer *)callee)->bus;
    }
    return calls;
}

/* The one it was calling in a caller group for the event under delivery. NULL: none, or for a replay, which comes
 * before anybody gets that event. */
static struct ringbus_consumer *
called_in(const struct record *record, const struct frame *frame)
{
    if (frame->delivery.replay != NULL)
        return NULL;
    return record->depth > frame->depth + 1 ? load_ptr(&record->called[frame->depth + 1], ORDER_OWN)
                                            : NULL;
}

/* ---- what a thread's post leaves behind ---- */

static void
discard_event(struct ringbus_topic *topic, struct ringbus_group *group, int64_t era, uint32_t stage,
    const struct ringbus_consumer *from)
{
    const struct ringbus_event event = {.topic = topic->name, .handle = topic};
    const uint32_t stages = load_u32(&group->stage_count, ORDER_TABLE_ACQUIRE);
    struct delivery delivery = {.group = group};

    for (; stage < stages; stage++) {
        delivery.where = delivery.any_where = where_of(stage, 0);
        ringbus__dispatch_discard(&delivery, &event, era, from);
        from = NULL;
    }
}

/* The post's own event, in the groups that are not done with it. `from`: whom it had come to. */
static void
discard_own(const struct frame *frame, const struct ringbus_consumer *from)
{
    uint32_t stage = frame->delivery.where / (MAX_LANES + 1);

    for (uint64_t left = frame->left; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        discard_event(
            frame->topic, ringbus__group_at(frame->owner, index), frame->eras[index], stage, from);
        stage = 0;
        from = NULL;
    }
}

static void
discard_pending(const struct frame *frame, struct pending *pending, uint32_t stage,
    const struct ringbus_consumer *from)
{
    discard_event(pending->topic, pending->group, pending->era, stage, from);
    ringbus__caller_give_back(pending, frame->owner);
}

/* What a consumer has not finished for want of its batch_end; the event it was called for is counted by itself. */
static void
discard_batch(
    const struct frame *frame, const struct touched *touched, const struct ringbus_consumer *called)
{
    struct ringbus_consumer *consumer = touched->consumer;
    const bool is_in_event = frame->left != 0 || frame->pending != NULL;
    const bool is_called =
        is_in_event && consumer == called && consumer != NULL && touched->last == frame->number;

    if (consumer != NULL || touched->registration->consumer == frame->delivery.due) {
        struct ringbus_consumer *owed = touched->registration->consumer;

        add_u64(&touched->registration->discarded, touched->count - is_called, ORDER_COUNT);
        add_u64(&consumer_part(owed, NULL)->discarded, touched->count - is_called, ORDER_COUNT);
    }
    if (consumer != NULL) {
        /* CALL release: what its handlers did is visible to whoever finds nothing due. */
        add_u32(&consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    }
    ringbus__caller_settle_debt(touched->group->bus, frame->owner);
}

static void
settle_frame(struct frame *frame, const struct ringbus_consumer *called)
{
    const uint32_t stage = frame->delivery.where / (MAX_LANES + 1);
    struct ringbus_consumer *due = frame->delivery.due;

    if (due != NULL) /* CALL release: as in discard_batch */
        add_u32(&due->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    ringbus__replay_settle(frame);
    discard_own(frame, called);
    if (frame->pending != NULL)
        discard_pending(frame, frame->pending, stage, called);
    while (frame->first != NULL) {
        struct pending *pending = frame->first;

        frame->first = pending->next;
        discard_pending(frame, pending, 0, NULL);
    }
    for (uint32_t i = frame->ended; i < frame->touched_count; i++)
        discard_batch(frame, &frame->touched[i], called);
    ringbus__caller_release_all(frame);
    if (frame->holds_topic)
        ringbus__topic_release(frame->topic);
}

/* ---- the record ---- */

static void
pin(const struct calls *calls)
{
    for (uint32_t i = 0; i < calls->bus_count; i++)
        add_u32(&calls->buses[i]->pins, 1, ORDER_COUNT);
}

/* The thread calls nobody any more; whoever waited for that finds it. */
static void
release(struct record *record, const struct calls *calls)
{
    while (record->depth > 0)
        record_return(record); /* the consumers may be gone */
    record->deliveries = 1;
    record_leave(record);
    record_let_go(record); /* what a post by name held, of a lane that goes on */
    barrier_light();
    for (uint32_t i = 0; i < calls->bus_count; i++) {
        struct ringbus_bus *bus = calls->buses[i];

        if (load_u32(&bus->attention, ORDER_HINT))
            ringbus__bus_settle(bus);
        /* WAKE: our last look at the bus. */
        add_u32(&bus->pins, (uint32_t)-1, ORDER_WAKE);
    }
}

/* Whom the thread was calling as this lane. */
static struct ringbus_consumer *
called_by(const struct calls *calls, const struct lane *lane)
{
    for (uint32_t i = 0; i < calls->count; i++)
        if (calls->consumers[i]->group == lane->group)
            return calls->consumers[i];
    return NULL;
}

static void
tell(struct ringbus_consumer *consumer, struct lane *lane)
{
    struct delivery delivery = {.group = consumer->group};

    while (lane != NULL && lane->group != consumer->group)
        lane = lane->outer;
    delivery.lane = lane;

    bus_enter_hook();
    ringbus__dispatch_fail(&delivery, NULL, consumer, RINGBUS_ESHUTDOWN);
    bus_leave_hook();
}

/* The lane goes on: with its own thread, which discards to the end of the line, or with whoever polls or steps next. A
 * loop that has lost its thread comes to the end here. */
static void
leave_lane(struct record *record, struct lane *lane)
{
    struct ringbus_group *group = lane->group;

    record->executor = lane;
    if (lane->has_thread) {
        ringbus__lane_go_on(lane);
        return;
    }
    if (group->kind == RINGBUS_GROUP_LOOP)
        ringbus__lane_discard(lane);
    record->executor = NULL;
    if (group->polled != NULL)
        ringbus__poll_leave(group->polled);
    else if (group->bus->options.is_stepped)
        lock_release(&group->bus->stepping);
}

static void
end_calls(struct record *record)
{
    const struct calls calls = calls_of(record);
    struct lane *lane = record->executor;
    const bool has_frame = record->frames != NULL;
    const struct ringbus_consumer *called = NULL;
    struct frame frame = {0};

    pin(&calls);
    for (uint32_t i = 0; i < calls.count; i++)
        ringbus__group_break(calls.consumers[i]->group);
    if (has_frame) {
        frame = *(struct frame *)record->frames;
        if (frame.reference == &((struct frame *)record->frames)->own)
            frame.reference = &frame.own;
        called = called_in(record, &frame);
        if (frame.delivery.locked != NULL)
            lock_release(&frame.delivery.locked->serial);
        for (uint32_t i = 0; i < calls.count; i++)
            ringbus__serial_leave(calls.consumers[i], record->id);
        record->frames = NULL; /* what on_error posts is delivered */
        record->has_ready_frame = false;
        record->usual_in = 0;
    }
    for (uint32_t i = 0; i < calls.count; i++)
        tell(calls.consumers[i], lane);
    if (has_frame)
        settle_frame(&frame, called);
    for (struct lane *at = lane; at != NULL; at = at->outer)
        if (at->replay != NULL)
            ringbus__replay_abandon(at);
        else if (at->part != NULL)
            ringbus__lane_abandon(at, called_by(&calls, at));
    release(record, &calls);
    while (lane != NULL) {
        struct lane *outer = lane->outer;

        lane->outer = NULL;
        leave_lane(record, lane);
        lane = outer;
    }
}

void
ringbus__exit(struct record *record)
{
    assert(!record_is_here(record) || record->claims == 0); /* nobody would ever publish them */
    if (record_is_here(record) && record->depth > 0)
        end_calls(record);
    ringbus__caller_forget(record);
}
