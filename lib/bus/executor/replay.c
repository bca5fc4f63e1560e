/* replay.c - replays are listed, delivered by lanes and callers, dropped and awaited.
 *
 * A replay is a pass of its own: its batch_end follows it, what fails on it is told and withholds nothing, and
 * consumers that come after others get theirs in any order.
 * Source: sticky events of greenrobot's EventBus, which deadlocked under a lock (#700), and lost or doubled what was
 * posted meanwhile; the cut is a window's (match.h I3). */
#include "bus/executor/replay.h"

#include "bus/dispatch.h"
#include "bus/executor/caller.h"
#include "bus/topic.h"

/* ---- the list ---- */

struct replay *
ringbus__replay_make(struct registration *registration, size_t capacity)
{
    struct ringbus_bus *bus = registration->consumer->bus;
    struct replay *replay =
        ringbus__alloc(&bus->allocator, sizeof *replay + capacity, _Alignof(struct replay));

    if (replay == NULL)
        return NULL;
    replay->holders = 1;
    replay->group = registration->consumer->group;
    replay->registration = registration;
    replay->topic = registration->topic;
    replay->capacity = capacity;
    ringbus__topic_keep(replay->topic);
    return replay;
}

/* Under the list's lock. */
static void
hold(struct replay *replay)
{
    replay->holders++;
}

void
ringbus__replay_release(struct replay *replay)
{
    struct replays *list = &replay->group->to_replay;
    bool is_free = false;

    lock_acquire(&list->lock);
    replay->holders--;
    is_free = replay->holders == 0 && replay->state == REPLAY_IS_OVER;
    lock_release(&list->lock);
    if (!is_free)
        return;
    ringbus__topic_release(replay->topic);
    ringbus__release(&replay->group->bus->allocator, replay, sizeof *replay + replay->capacity);
}

void
ringbus__replay_list(struct replay *replay)
{
    struct replays *list = &replay->group->to_replay;

    lock_acquire(&list->lock);
    replay->state = REPLAY_WAITS;
    replay->number = list->next++;
    replay->next = NULL;
    if (list->last != NULL)
        list->last->next = replay;
    else
        list->first = replay;
    list->last = replay;
    /* COUNT: who must see it finds it by the claim lock, or is called (I2). */
    add_u32(&replay->group->replays, 1, ORDER_COUNT);
    add_u32(&replay->group->special, 1, ORDER_COUNT);
    lock_release(&list->lock);
}

/* Under the list's lock. */
static void
unlist(struct replay *replay)
{
    struct replays *list = &replay->group->to_replay;
    struct replay *at = list->first, *before = NULL;

    while (at != replay) {
        before = at;
        at = at->next;
    }
    if (before != NULL)
        before->next = replay->next;
    else
        list->first = replay->next;
    if (list->last == replay)
        list->last = before;
    replay->state = REPLAY_IS_OVER;
    /* CALL release: what the handler did is visible to whoever finds the replay over. */
    add_u32(&replay->group->replays, (uint32_t)-1, ORDER_CALL_RELEASE);
    add_u32(&replay->group->special, (uint32_t)-1, ORDER_CALL_RELEASE);
}

bool
ringbus__replay_begin(struct replay *replay)
{
    struct replays *list = &replay->group->to_replay;
    bool is_ours = false;

    lock_acquire(&list->lock);
    is_ours = replay->state == REPLAY_WAITS;
    if (is_ours)
        replay->state = REPLAY_RUNS;
    lock_release(&list->lock);
    return is_ours;
}

void
ringbus__replay_end(struct replay *replay)
{
    struct replays *list = &replay->group->to_replay;

    lock_acquire(&list->lock);
    if (replay->state == REPLAY_RUNS)
        unlist(replay);
    lock_release(&list->lock);
}

static void
count_discarded(struct replay *replay)
{
    add_u64(&replay->registration->discarded, 1, ORDER_COUNT);
    add_u64(&replay->registration->consumer->discarded_replays, 1, ORDER_COUNT);
}

static struct ringbus_event
event_of(const struct replay *replay)
{
    return (struct ringbus_event){
        .topic = replay->topic->name,
        .handle = replay->topic,
        .data = replay->size > 0 ? replay->data : NULL,
        .size = replay->size,
        .ordered = replay->ordered,
        .sequence = replay->sequence,
    };
}

/* Its batch_end follows the call. */
static bool
touch(struct delivery *delivery, struct registration *registration)
{
    add_u32(&registration->consumer->batch_due, 1, ORDER_COUNT);
    if (delivery->lane != NULL)
        delivery->lane->replay->is_due = true;
    return false;
}

/* ---- lanes ---- */

static bool
is_for(const struct replay *replay, const struct lane *lane)
{
    const uint32_t home = replay->registration->where % (MAX_LANES + 1);

    return home == lane->index || home == LANE_ANY;
}

int64_t
ringbus__replay_limit(const struct lane *lane, uint32_t stage, int64_t limit)
{
    struct replays *list = &lane->group->to_replay;

    if (lane->hand.entry != NULL)
        return limit; /* ringbus__replay_run_first */
    lock_acquire(&list->lock);
    for (const struct replay *at = list->first; at != NULL; at = at->next)
        if (is_for(at, lane) && at->registration->where / (MAX_LANES + 1) == stage &&
            at->from - 1 < limit)
            limit = at->from - 1;
    lock_release(&list->lock);
    return limit;
}

/* Under the list's lock. */
static struct replay *
find_for(const struct lane *lane)
{
    struct replay *at = lane->group->to_replay.first;

    while (at != NULL && (at->state != REPLAY_WAITS || !is_for(at, lane)))
        at = at->next;
    return at;
}

bool
ringbus__replay_is_due(const struct lane *lane)
{
    struct replays *list = &lane->group->to_replay;
    bool is_due = false;

    if (likely(!group_has_replays(lane->group)))
        return false;
    lock_acquire(&list->lock);
    is_due = find_for(lane) != NULL;
    lock_release(&list->lock);
    return is_due;
}

bool
ringbus__replay_can_run(const struct lane *lane)
{
    return ringbus__replay_is_due(lane) && !group_rests(lane->group);
}

static struct replay *
take_for(const struct lane *lane)
{
    struct replays *list = &lane->group->to_replay;
    struct replay *replay = NULL;

    lock_acquire(&list->lock);
    replay = find_for(lane);
    if (replay != NULL) {
        replay->state = REPLAY_RUNS;
        hold(replay);
    }
    lock_release(&list->lock);
    return replay;
}

/* No lane is held up by it any more, and who waits for it is told. */
static void
leave(struct lane *lane, struct replay *replay)
{
    struct ringbus_group *group = lane->group;

    ringbus__replay_release(replay);
    ring_moved(group->ring); /* lanes that wait for others, too */
    ringbus__lane_attend(group);
}

static void
call(struct lane *lane, struct replay *replay)
{
    const struct ringbus_event event = event_of(replay);
    struct atomic_u64 marks = {0};
    struct delivery delivery = {
        .group = lane->group,
        .record = &ringbus__record,
        .lane = lane,
        .marks = &marks,
        .touch = touch,
    };

    lane->replay = replay;
    /* HINT: for who tells of stalls; so is the next one. */
    store_ptr(&lane->record, &ringbus__record, ORDER_HINT);
    ringbus__dispatch_one(&delivery, &event, replay->from - 1, replay->registration);
    store_ptr(&lane->record, NULL, ORDER_HINT);
    lane->replay = NULL;
}

static bool
run_one(struct lane *lane)
{
    struct record *record = &ringbus__record;
    struct replay *replay = NULL;

    record_enter(record); /* its registration stays (I4) */
    replay = take_for(lane);
    if (replay != NULL) {
        /* HINT: a replay is handed out or thrown away as a whole. */
        if (likely(!load_u32(&lane->group->is_discarding, ORDER_HINT))) {
            call(lane, replay);
        } else {
            count_discarded(replay);
            count_u64(&lane->discarded, 1);
        }
        ringbus__replay_end(replay);
    }
    record_leave(record);
    if (replay == NULL)
        return false;
    leave(lane, replay);
    return true;
}

uint32_t
ringbus__replay_run(struct lane *lane, uint32_t max)
{
    uint32_t count = 0;

    while (count < max && group_has_replays(lane->group) && !group_rests(lane->group) &&
           run_one(lane)) {
        count++;
        if (lane_is_late(lane))
            break;
    }
    return count;
}

void
ringbus__replay_run_first(struct lane *lane)
{
    while (group_has_replays(lane->group) && run_one(lane))
        continue;
}

void
ringbus__replay_abandon(struct lane *lane)
{
    struct replay *replay = lane->replay;

    /* HINT: for who tells of stalls. */
    store_ptr(&lane->record, NULL, ORDER_HINT);
    lane->replay = NULL;
    count_discarded(replay);
    if (replay
            ->is_due) /* CALL release: what its handler did is visible to whoever finds nothing due. */
        add_u32(&replay->registration->consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    ringbus__replay_end(replay);
    leave(lane, replay);
}

/* ---- caller groups ---- */

void
ringbus__replay_deliver(struct delivery *delivery, struct replay *replay)
{
    const struct ringbus_event event = event_of(replay);
    struct atomic_u64 marks = {0};
    bool (*const touch_event)(struct delivery *, struct registration *) = delivery->touch;
    struct atomic_u64 *const marks_of_event = delivery->marks;

    delivery->group = replay->group;
    delivery->lane = NULL;
    if (unlikely(load_u32(&replay->group->is_discarding, ORDER_HINT))) {
        if (ringbus__replay_begin(replay))
            count_discarded(replay);
        ringbus__replay_end(replay);
        return;
    }
    delivery->marks = &marks;
    delivery->touch = touch;
    delivery->replay = replay;
    ringbus__dispatch_one(delivery, &event, replay->from - 1, replay->registration);
    delivery->replay = NULL;
    delivery->touch = touch_event;
    delivery->marks = marks_of_event;
}

static struct replay *
hold_before(struct ringbus_group *group, const struct ringbus_topic *topic, int64_t era)
{
    struct replay *at = NULL;

    lock_acquire(&group->to_replay.lock);
    at = group->to_replay.first;
    while (at != NULL && (at->topic != topic || at->from > era))
        at = at->next;
    if (at != NULL)
        hold(at);
    lock_release(&group->to_replay.lock);
    return at;
}

void
ringbus__replay_before(struct delivery *delivery, const struct ringbus_topic *topic, int64_t era)
{
    struct replay *replay = NULL;

    while (group_has_replays(delivery->group) &&
           (replay = hold_before(delivery->group, topic, era)) != NULL) {
        delivery->holds_replay = true;
        ringbus__replay_deliver(delivery, replay);
        delivery->holds_replay = false;
        ringbus__replay_release(replay);
    }
}

void
ringbus__replay_settle(struct frame *frame)
{
    struct replay *called = frame->delivery.replay;

    if (called != NULL) {
        count_discarded(called);
        ringbus__replay_end(called);
        if (frame->delivery.holds_replay)
            ringbus__replay_release(called);
    }
    while (frame->replays != NULL) {
        struct replay *replay = frame->replays;
        struct ringbus_bus *bus = replay->group->bus;

        frame->replays = replay->next_queued;
        if (ringbus__replay_begin(replay))
            count_discarded(replay);
        ringbus__replay_end(replay);
        ringbus__replay_release(replay);
        ringbus__caller_settle_debt(bus, frame->owner);
    }
}

/* ---- who waits for them ---- */

uint64_t
ringbus__replay_next(struct ringbus_group *group)
{
    uint64_t next = 0;

    lock_acquire(&group->to_replay.lock);
    next = group->to_replay.next;
    lock_release(&group->to_replay.lock);
    return next;
}

uint64_t
ringbus__replay_oldest(struct ringbus_group *group)
{
    const struct replays *list = &group->to_replay;
    uint64_t oldest = 0;

    lock_acquire(&group->to_replay.lock);
    oldest = list->first != NULL ? list->first->number : list->next;
    lock_release(&group->to_replay.lock);
    return oldest;
}

bool
ringbus__replay_is_owed(const struct ringbus_consumer *consumer)
{
    struct replays *list = &consumer->group->to_replay;
    const struct replay *at = NULL;

    lock_acquire(&list->lock);
    at = list->first;
    while (at != NULL && at->registration->consumer != consumer)
        at = at->next;
    lock_release(&list->lock);
    return at != NULL;
}

void
ringbus__replay_drop(struct registration *registration)
{
    struct replays *list = &registration->consumer->group->to_replay;
    struct replay *at = NULL;

    lock_acquire(&list->lock);
    at = list->first;
    while (at != NULL && (at->registration != registration || at->state != REPLAY_WAITS))
        at = at->next;
    if (at != NULL) {
        hold(at);
        unlist(at);
    }
    lock_release(&list->lock);
    if (at == NULL)
        return;
    count_discarded(at);
    ringbus__replay_release(at);
    registration->consumer->bus->has_dropped = true;
}

void
ringbus__replay_count(struct ringbus_group *group)
{
    lock_acquire(&group->to_replay.lock);
    for (struct replay *at = group->to_replay.first; at != NULL; at = at->next)
        at->registration->pending++;
    lock_release(&group->to_replay.lock);
}
