/* caller.c - caller groups: the posting thread runs the handlers.
 *
 * I1  a thread's outermost post to a caller group, of whatever bus, is its frame; posts to caller groups made inside
 *     it are queued there and delivered after the current event, breadth first
 * I2  an outermost post announces that it calls its bus (record.h), a nested one is counted in `owed` of its
 *     bus until it is delivered; then a barrier, then the bus's state is looked at. Shutdown changes the
 *     state, then a barrier, then looks at the records and at `owed`: it sees the post, or the post sees it
 * I3  a thread is inside at most one serialized consumer (serial.h), and waits for no room while it is
 * Source: Guava's per-thread dispatch queue, bounded and shared between threads. */
#include "bus/executor/caller.h"

#include "bus/executor/reference.h"

struct ringbus_bus *
ringbus__caller_inside(void)
{
    const struct frame *frame = ringbus__record.frames;

    return frame ? frame->bus : NULL;
}

bool
ringbus__caller_is_busy(struct ringbus_bus *bus)
{
    /* In this order: a thread that delivers for us raises `owed` before its call of the bus is over. */
    return ringbus__record_is_called(bus) || load_u32(&bus->owed, ORDER_STATE_ACQUIRE) != 0;
}

bool
ringbus__caller_has_passed(struct ringbus_bus *bus, uint64_t tag)
{
    /* In this order: a debt ends before the delivery that has it. */
    return !ringbus__record_serves(bus, tag) &&
           load_u32(&bus->foreign_owed, ORDER_STATE_ACQUIRE) == 0;
}

/* ---- what a thread owes a bus ----
 *
 * A queued post and a batch_end are owed to their bus; the post that queued them may have returned, so the bus could be
 * closed as soon as it is quiet. A pin keeps its memory until this thread has looked at it for the last time. */

/* 1: to another bus than that of the thread's outermost post. */
static uint32_t
is_foreign(const struct ringbus_bus *bus, const struct ringbus_bus *owner)
{
    return owner != bus;
}

static void
owe(struct ringbus_bus *bus)
{
    struct frame *frame = ringbus__record.frame_memory;

    frame->has_debts = true;
    add_u32(&bus->owed, 1, ORDER_WAKE);
    add_u32(&bus->foreign_owed, is_foreign(bus, frame->owner), ORDER_WAKE);
    add_u32(&bus->pins, 1, ORDER_COUNT);
}

void
ringbus__caller_settle_debt(struct ringbus_bus *bus, const struct ringbus_bus *owner)
{
    /* WAKE: what was owed is done. */
    add_u32(&bus->foreign_owed, (uint32_t)-is_foreign(bus, owner), ORDER_WAKE);
    add_u32(&bus->owed, (uint32_t)-1, ORDER_WAKE);
    barrier_light();
    if (unlikely(load_u32(&bus->attention, ORDER_HINT)))
        ringbus__bus_settle(bus);
    /* WAKE: our last look at the bus. */
    add_u32(&bus->pins, (uint32_t)-1, ORDER_WAKE);
}

/* ---- the pool ---- */

static size_t
pending_size(uint32_t slot_size)
{
    return (sizeof(struct pending) + slot_size + 15) / 16 * 16;
}

size_t
ringbus__caller_memory(uint32_t capacity, uint32_t slot_size)
{
    return pending_size(slot_size) * capacity;
}

bool
ringbus__caller_open_pool(struct ringbus_group *group)
{
    const size_t size = pending_size(group->slot_size);

    group->pool_memory = ringbus__alloc(&group->bus->allocator,
        ringbus__caller_memory(group->capacity, group->slot_size), _Alignof(struct pending));
    if (group->pool_memory == NULL)
        return false;
    group->pool = NULL;
    for (uint32_t i = group->capacity; i-- > 0;) {
        struct pending *pending = (void *)((char *)group->pool_memory + i * size);

        pending->group = group;
        pending->next = group->pool;
        group->pool = pending;
    }
    group->pool_free = group->capacity;
    return true;
}

void
ringbus__caller_free_pool(struct ringbus_group *group)
{
    ringbus__release(&group->bus->allocator, group->pool_memory,
        ringbus__caller_memory(group->capacity, group->slot_size));
    group->pool_memory = NULL;
}

static struct pending *
take_free(struct ringbus_group *group)
{
    struct pending *pending = NULL;

    lock_acquire(&group->pool_lock);
    pending = group->pool;
    if (pending != NULL) {
        group->pool = pending->next;
        group->pool_free--;
    }
    lock_release(&group->pool_lock);
    return pending;
}

static void
put_back(struct pending *pending)
{
    struct ringbus_group *group = pending->group;

    lock_acquire(&group->pool_lock);
    pending->next = group->pool;
    group->pool = pending;
    group->pool_free++;
    lock_release(&group->pool_lock);
}

static struct pending *
take(struct ringbus_group *group, const struct posting *posting)
{
    struct pending *pending = take_free(group);

    if (pending == NULL)
        return NULL;
    owe(group->bus);
    pending->topic = posting->topic;
    ringbus__topic_keep(pending->topic);
    pending->ordered = posting->ordered;
    pending->size = posting->size;
    pending->reference = NULL;
    if (posting->size > 0 && posting->by_reference == NULL)
        memcpy(pending->data, posting->data, posting->size);
    pending->next = NULL;
    return pending;
}

void
ringbus__caller_give_back(struct pending *pending, const struct ringbus_bus *owner)
{
    struct ringbus_bus *bus = pending->group->bus;

    reference_drop_at(&pending->reference);
    ringbus__topic_release(pending->topic);
    put_back(pending);
    ringbus__caller_settle_debt(bus, owner);
}

/* In the list meanwhile: so a thread that exits in the release gives it back. */
static void
give_back_held(struct frame *frame)
{
    struct pending *pending = frame->held;

    reference_drop_at(&pending->reference);
    frame->held = pending->next;
    ringbus__caller_give_back(pending, frame->owner);
}

struct pending *
ringbus__caller_reserve(struct ringbus_group *group)
{
    struct pending *pending = take_free(group);

    if (pending == NULL)
        return NULL;
    add_u32(&group->bus->owed, 1, ORDER_WAKE);
    add_u32(&group->bus->pins, 1, ORDER_COUNT);
    return pending;
}

void
ringbus__caller_unreserve(struct pending *pending)
{
    struct ringbus_bus *bus = pending->group->bus;

    put_back(pending);
    ringbus__caller_settle_debt(bus, bus);
}

/* ---- begin ---- */

/* An ordinary thread has no business in a bus that ends; a handler of that bus has. */
static bool
is_refused(const struct ringbus_bus *bus, const struct posting *posting)
{
    barrier_light(); /* after the announcement (I2) */
    return (posting == NULL || !posting->is_claimed) && ringbus__post_is_late(bus);
}

static int
begin_nested(struct caller_post *post)
{
    struct ringbus_bus *bus = post->posting->topic->bus;
    struct pending **last = &post->nested;
    int outcome = RINGBUS_OK;

    for (uint64_t left = post->groups; left != 0 && outcome == RINGBUS_OK; left &= left - 1) {
        struct ringbus_group *group = ringbus__group_at(bus, (uint32_t)__builtin_ctzll(left));

        *last = take(group, post->posting);
        if (*last != NULL) {
            last = &(*last)->next;
        } else {
            add_u64(&group->refused, 1, ORDER_COUNT);
            outcome = RINGBUS_EAGAIN;
        }
    }
    if (outcome == RINGBUS_OK && is_refused(bus, post->posting))
        outcome = RINGBUS_ESHUTDOWN;
    if (outcome != RINGBUS_OK)
        ringbus__caller_cancel(post);
    return outcome;
}

static struct touched *
find_touched(struct frame *frame, const struct ringbus_consumer *consumer)
{
    for (uint32_t i = 0; i < frame->touched_count; i++)
        if (frame->touched[i].consumer == consumer)
            return &frame->touched[i];
    return NULL;
}

static bool
touch(struct delivery *delivery, struct registration *registration)
{
    struct frame *frame = delivery->record->frames;
    struct ringbus_consumer *consumer = registration->consumer;
    struct touched *before = find_touched(frame, consumer);
    /* Who comes after it waits for its batch_end. HINT: it has registered for later events than those that do not. */
    const bool is_awaited = load_u32(&consumer->own_mark, ORDER_HINT) != 0;

    if (before != NULL && !is_awaited) {
        before->count++;
        before->last = frame->number;
        before->registration = registration;
        return true;
    }
    if (before != NULL)
        before->consumer = NULL; /* what was due comes with this one */
    else
        add_u32(&consumer->batch_due, 1, ORDER_COUNT);
    if (is_awaited || frame->touched_count == CALLER_TOUCHED)
        return false;
    owe(consumer->bus);
    frame->touched[frame->touched_count++] =
        (struct touched){consumer, consumer->group, 1, frame->number, registration};
    return true;
}

bool
ringbus__caller_prepare(struct record *record, const struct ringbus_allocator *allocator)
{
    record->frame_memory = ringbus__alloc(allocator, sizeof(struct frame), _Alignof(struct frame));
    return record->frame_memory != NULL;
}

void
ringbus__caller_forget(struct record *record)
{
    struct ringbus_allocator allocator;

    ringbus__alloc_init(NULL, &allocator);
    ringbus__release(&allocator, record->frame_memory, sizeof(struct frame));
    record->frame_memory = NULL;
    record->has_ready_frame = false;
    record->usual_in = 0;
}

static __attribute__((noinline)) bool
prepare(struct record *record)
{
    struct ringbus_allocator allocator;

    ringbus__alloc_init(NULL, &allocator);
    return ringbus__caller_prepare(record, &allocator);
}

/* Where none is, or one whose post was not ended: by a thread that exited, or in the parent of this process. */
static __attribute__((noinline)) bool
make_frame(struct record *record)
{
    struct frame *frame = NULL;

    if (record->frame_memory == NULL && !prepare(record))
        return false;
    frame = record->frame_memory;
    *frame = (struct frame){.delivery = {.record = record, .touch = touch}};
    frame->last = &frame->first;
    record->has_ready_frame = true;
    record->usual_in = barrier_is_fenced() ? 0 : record->home.number;
    return true;
}

bool
ringbus__caller_get_ready(struct record *record)
{
    if (!record_is_linked_here(record) && ringbus__record_link(record) != RINGBUS_OK)
        return false;
    return record->has_ready_frame || make_frame(record);
}

static int
begin_outermost(struct ringbus_bus *bus, const struct posting *posting)
{
    struct record *record = &ringbus__record;
    struct frame *frame = NULL;

    if (!record_enter(record))
        return RINGBUS_ESYS;
    if (unlikely(!record->has_ready_frame) && !make_frame(record)) {
        record_leave(record);
        return RINGBUS_ESYS;
    }
    record_call(record, bus);
    if (is_refused(bus, posting)) {
        caller_leave(record, bus); /* who shuts down may have seen us, and sleep */
        return RINGBUS_ESHUTDOWN;
    }
    frame = record->frame_memory;
    frame_begin(frame, record->depth - 1, bus, posting != NULL ? posting->topic : NULL,
        posting != NULL && posting->holds_topic);
    frame->left = 0;
    return RINGBUS_OK;
}

static bool
is_outermost(const struct record *record)
{
    return record->frames == NULL || !record_is_here(record);
}

int
ringbus__caller_begin(struct caller_post *post, const struct posting *posting, uint64_t groups)
{
    post->posting = posting;
    post->groups = groups;
    post->nested = NULL;
    post->eras = NULL;
    post->reference = NULL;
    post->holder = NULL;
    post->due_count = 0;
    post->place = NULL;
    post->is_outermost = is_outermost(&ringbus__record);
    return post->is_outermost ? begin_outermost(posting->topic->bus, posting) : begin_nested(post);
}

void
ringbus__caller_mark(const struct ringbus_bus *bus, uint64_t groups, int64_t *ret_eras)
{
    for (uint64_t left = groups; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        /* CUT acquire: who registered before this look is in the set we shall find. Before any handler runs: what that
         * one changes is for later events. */
        ret_eras[index] = (int64_t)load_u64(&ringbus__group_at(bus, index)->era, ORDER_CUT_ACQUIRE);
    }
}

void
ringbus__caller_cancel(struct caller_post *post)
{
    if (post->is_outermost)
        caller_leave(&ringbus__record, post->posting->topic->bus);
    while (post->nested != NULL) {
        struct pending *pending = post->nested;

        post->nested = pending->next;
        ringbus__caller_give_back(pending, ((const struct frame *)ringbus__record.frames)->owner);
    }
}

/* ---- deliver ---- */

/* Outside any handler: no consumer's lock is held. */
static void
end_batches(struct frame *frame)
{
    for (; frame->ended < frame->touched_count; frame->ended++) {
        const struct touched *touched = &frame->touched[frame->ended];
        struct ringbus_bus *bus = touched->group->bus;

        frame->bus = bus;
        frame->delivery.group = touched->group;
        if (touched->consumer != NULL)
            ringbus__dispatch_batch_end(&frame->delivery, touched->consumer);
        ringbus__caller_settle_debt(bus, frame->owner);
    }
    frame->ended = frame->touched_count = 0;
}

void
ringbus__caller_hand_out(struct frame *frame, struct ringbus_group *group,
    const struct ringbus_event *event, int64_t era)
{
    frame->number++;
    frame->delivery.group = group;
    frame->delivery.is_discarding = load_u32(&group->is_discarding, ORDER_HINT) != 0;
    if (unlikely(frame->delivery.is_discarding))
        add_u64(&group->lanes->discarded, 1, ORDER_COUNT);
    ringbus__dispatch_stages(&frame->delivery, event, era);
    frame->delivery.is_discarding = false;
}

/* A nested post was delivered. By reference it is done when the batch_ends that are due have seen it. */
static void
finish(struct frame *frame, struct pending *pending)
{
    pending->next = frame->held;
    frame->held = pending;
    if (pending->reference == NULL || frame->touched_count == 0)
        give_back_held(frame);
}

void
ringbus__caller_release_all(struct frame *frame)
{
    reference_drop_at(&frame->reference);
    if (frame->holder != NULL)
        ringbus__reference_unhold(frame->owner, frame->holder);
    frame->holder = NULL;
    if (frame->place != NULL)
        ringbus__caller_unreserve(frame->place);
    frame->place = NULL;
    while (frame->held != NULL)
        give_back_held(frame);
}

static void
deliver_queue(struct frame *frame)
{
    while (frame->first != NULL) {
        struct pending *pending = frame->first;
        struct ringbus_event event = {
            .topic = pending->topic->name,
            .handle = pending->topic,
            .data = pending->size > 0 ? pending->data : NULL,
            .size = pending->size,
            .ordered = pending->ordered,
            .sequence = -1,
        };

        if (pending->reference != NULL)
            ringbus__reference_show(pending->reference, &event);
        frame->first = pending->next;
        if (frame->first == NULL)
            frame->last = &frame->first;
        frame->bus = pending->group->bus;
        frame->pending = pending;
        ringbus__caller_hand_out(frame, pending->group, &event, pending->era);
        frame->pending = NULL;
        finish(frame, pending);
    }
}

static void
show_own(struct frame *frame, const struct caller_post *post, struct ringbus_event *event)
{
    frame->reference = post->reference;
    frame->holder = post->holder;
    if (frame->reference == NULL) {
        frame->reference = &frame->own;
        ringbus__reference_in_frame(&frame->own, post->posting);
    }
    ringbus__reference_show(frame->reference, event);
}

static void
deliver_replays(struct frame *frame)
{
    while (frame->replays != NULL) {
        struct replay *replay = frame->replays;
        struct ringbus_bus *bus = replay->group->bus;

        frame->bus = bus;
        ringbus__replay_deliver(&frame->delivery, replay);
        frame->replays = replay->next_queued;
        ringbus__replay_release(replay);
        ringbus__caller_settle_debt(bus, frame->owner);
    }
}

void
ringbus__caller_end(struct frame *frame)
{
    do {
        deliver_replays(frame);
        deliver_queue(frame);
        end_batches(frame);                 /* which may post, too */
        ringbus__caller_release_all(frame); /* so may these */
    } while (frame->replays != NULL || frame->first != NULL || frame->touched_count > 0);
    frame->has_debts = false;
    ringbus__record.frames = NULL;
    caller_leave(&ringbus__record, frame->owner);
}

/* The post's own event. */
static void
deliver_own(struct frame *frame, const struct caller_post *post)
{
    const struct posting *posting = post->posting;
    struct ringbus_event event = {
        .topic = posting->topic->name,
        .handle = posting->topic,
        .data = posting->size > 0 ? posting->data : NULL,
        .size = posting->size,
        .ordered = posting->ordered,
        .sequence = -1,
    };

    if (posting->by_reference != NULL)
        show_own(frame, post, &event);
    frame->left = post->groups;
    release_all_due(post->due, post->due_count); /* what they post is nested */
    for (; frame->left != 0; frame->left &= frame->left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(frame->left);

        ringbus__caller_hand_out(
            frame, ringbus__group_at(frame->owner, index), &event, frame->eras[index]);
    }
}

void
ringbus__caller_deliver(struct caller_post *post)
{
    struct frame *frame = ringbus__record.frames;

    if (!post->is_outermost) {
        *frame->last = post->nested;
        for (; *frame->last != NULL; frame->last = &(*frame->last)->next) {
            (*frame->last)->reference = post->reference;
            (*frame->last)->era = post->eras[(*frame->last)->group->index];
        }
        if (post->place != NULL) /* they have copies */
            ringbus__caller_unreserve(post->place);
        return;
    }
    frame = ringbus__record.frames = ringbus__record.frame_memory;
    for (uint64_t left = post->groups; left != 0; left &= left - 1)
        frame->eras[__builtin_ctzll(left)] = post->eras[__builtin_ctzll(left)];
    frame->place = post->place;
    deliver_own(frame, post);
    ringbus__caller_end(frame);
}

/* ---- registrations on retained topics ---- */

int
ringbus__caller_begin_replays(struct ringbus_bus *bus, bool *ret_is_outermost)
{
    *ret_is_outermost = is_outermost(&ringbus__record);
    return *ret_is_outermost ? begin_outermost(bus, NULL) : RINGBUS_OK;
}

void
ringbus__caller_queue_replay(struct replay *replay)
{
    struct frame *frame = ringbus__record.frame_memory;
    struct replay **last = &frame->replays;

    while (*last != NULL)
        last = &(*last)->next_queued;
    replay->next_queued = NULL;
    *last = replay;
    owe(replay->group->bus);
}

void
ringbus__caller_end_replays(bool is_outermost)
{
    if (!is_outermost)
        return;
    ringbus__record.frames = ringbus__record.frame_memory;
    ringbus__caller_end(ringbus__record.frames);
}
