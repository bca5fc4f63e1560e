/* lane.c - a lane's passes: events in order, and ranges of what is shared. */
#include "bus/executor/lane.h"

#include "bus/dispatch.h"
#include "bus/executor/reference.h"
#include "bus/executor/stall.h"
#include "bus/pass.h"
#include "bus/topic.h"

enum { MAX_RANGE = 32, LONG_RANGE_NS = 20000, SHORT_RANGE_NS = 8000 };

/* ---- how far ---- */

static struct stage *
stage_at(const struct ringbus_group *group, uint32_t stage)
{
    /* TABLE acquire: the stage is complete. */
    return load_ptr(&group->stages[stage], ORDER_TABLE_ACQUIRE);
}

/* The last of the events behind `position` that are published, or void, without a gap. */
static int64_t
published_end(const struct ringbus_ring *ring, int64_t position, uint32_t max)
{
    const struct slots slots = slots_of(ring);
    int64_t last = position;

    while (last - position < max &&
           /* PUBLISH acquire: the slot's content is complete. */
           (load_u64(&slot_at(&slots, last + 1)->stamp, ORDER_PUBLISH_ACQUIRE) & ~UINT64_C(1)) ==
               stamp_of(last + 1))
        last++;
    return last;
}

/* How far the lane may read in a stage, from `position` on. */
static int64_t
limit_of(const struct lane *lane, uint32_t stage, int64_t position, uint32_t max)
{
    const struct ringbus_group *group = lane->group;
    int64_t limit = 0;

    if (unlikely(group->ring->is_lossy)) /* behind its reader's next, which is its own */
        return ringbus__lossy_is_published(lane->reader) ? position + 1 : position;
    if (likely(stage == 0))
        limit = published_end(group->ring, position, max);
    else
        limit = board_finished(stage_at(group, stage - 1), group->lane_count);
    if (limit - position > (int64_t)max)
        limit = position + (int64_t)max;
    /* After the look at what is there (replay.h I2). */
    return group_has_replays(group) ? ringbus__replay_limit(lane, stage, limit) : limit;
}

bool
ringbus__lane_can_run_in_order(const struct lane *lane, uint32_t stage)
{
    const struct part *part = &stage_at(lane->group, stage)->parts[lane->index];
    const int64_t position = load_i64(&part->position, ORDER_OWN);

    return !group_rests(lane->group) && limit_of(lane, stage, position, 1) > position;
}

bool
ringbus__lane_can_run_range(const struct lane *lane, uint32_t number)
{
    const struct stage *stage = stage_at(lane->group, number);

    /* STATE acquire: where sharing begins is settled. HINT: taking decides. */
    return load_u32(&stage->is_shared, ORDER_STATE_ACQUIRE) && !group_rests(lane->group) &&
           load_i64(&stage->parts[lane->index].position, ORDER_OWN) >
               load_i64(&stage->taken, ORDER_HINT);
}

bool
ringbus__lane_has_something(const struct lane *lane)
{
    for (uint32_t i = 0; i < group_stage_count(lane->group); i++)
        if (ringbus__lane_can_run_in_order(lane, i) || ringbus__lane_can_run_range(lane, i))
            return true;
    return ringbus__replay_can_run(lane) || ringbus__lane_is_at_end(lane);
}

bool
ringbus__lane_is_at_end(const struct lane *lane)
{
    const struct ringbus_group *group = lane->group;
    const int64_t end = load_i64(&stage_at(group, 0)->parts[lane->index].position, ORDER_OWN);

    if (!ringbus__ring_is_at_end(group->ring, end + 1) || ringbus__replay_is_due(lane))
        return false;
    for (uint32_t i = 0; i < group_stage_count(group); i++) {
        const struct stage *stage = stage_at(group, i);

        if (load_i64(&stage->parts[lane->index].position, ORDER_OWN) < end ||
            load_i64(&stage->taken, ORDER_HINT) < end) /* HINT: it only grows */
            return false;
    }
    return true;
}

/* ---- a pass ---- */

static bool
touch(struct delivery *delivery, struct registration *registration)
{
    struct lane *lane = delivery->lane;
    struct ringbus_consumer *consumer = registration->consumer;
    struct consumer_part *part = consumer_part(consumer, lane);
    const struct progress *progress =
        lane->is_range ? &lane->part->in_range : &lane->part->in_order;

    if (part->is_touched)
        return true;
    part->is_touched = true;
    add_u32(&consumer->batch_due, 1, ORDER_COUNT);
    if (lane->touched == NULL)
        lane->safe = load_i64(&progress->done, ORDER_OWN);
    part->next_touched = NULL;
    *lane->touched_last = part;
    lane->touched_last = &part->next_touched;
    return true;
}

static bool
is_key_of(const struct lane *lane, uint64_t key)
{
    return lane_of_key(key, lane->group->lane_count) == lane->index;
}

/* A batch_end failed: so did its consumer, which has the mark `own`, on every event of the pass that it was called for.
 * A thread-safe one may have been called for others by other lanes. */
static void
mark_pass(const struct lane *lane, bool is_any, uint64_t own, int64_t last)
{
    /* Earlier events are finished, and their slots may be of another lap. */
    for (int64_t sequence = lane->safe + 1; sequence <= last; sequence++) {
        struct slot *slot = ring_slot(lane->group->ring, sequence);
        const uint64_t key = ((const struct entry *)slot->payload)->ordered;
        const bool is_mine =
            !is_any || (lane->is_range ? key == 0 : key != 0 && is_key_of(lane, key));

        /* HINT: looked at by who comes after, when the position has passed. */
        if ((load_u64(&slot->spare, ORDER_HINT) & own << 32) && is_mine)
            or_u64(&slot->spare, own, ORDER_HINT);
    }
}

static void
end_batches(struct delivery *delivery, int64_t last)
{
    struct lane *lane = delivery->lane;

    delivery->marks = NULL;
    while (lane->touched != NULL) {
        struct consumer_part *part = lane->touched, *next = part->next_touched;
        struct ringbus_consumer *consumer = part->consumer;
        const uint64_t own = load_u32(&consumer->own_mark, ORDER_HINT);
        const bool is_any = consumer->home == LANE_ANY;

        /* It stays on the list meanwhile: a post in it must not commit its events. */
        part->is_touched = false;
        if (ringbus__dispatch_batch_end(delivery, consumer) < 0 && own != 0)
            mark_pass(lane, is_any, own, last); /* the consumer may be gone */
        lane->touched = next;
    }
}

static void
begin_pass(struct lane *lane, uint32_t stage, bool is_range)
{
    lane->part = &stage_at(lane->group, stage)->parts[lane->index];
    lane->stage = stage;
    lane->is_range = is_range;
    lane->is_first = lane->index == 0 && stage == 0 && !is_range;
    lane->ahead = 0;
    lane->touched = NULL;
    lane->touched_last = &lane->touched;
    /* HINT: for who tells of stalls; so are the next ones. */
    store_ptr(&lane->record, &ringbus__record, ORDER_HINT);
}

static void
end_pass(struct lane *lane)
{
    lane->part = NULL;
    store_ptr(&lane->record, NULL, ORDER_HINT);
}

/* One of the pass under way: in the lane's hand, or where it stands. */
static struct ringbus_event
event_at(const struct lane *lane, int64_t sequence)
{
    const struct entry *entry = lane->hand.entry;
    struct ringbus_event event = {.lost = 0};

    if (entry == NULL)
        entry = (const struct entry *)ring_slot(lane->group->ring, sequence)->payload;
    entry_show(entry, sequence, &event);
    return event;
}

/* What its windows are compared with. */
static int64_t
edge_at(const struct lane *lane, int64_t sequence)
{
    return lane->hand.entry == NULL ? sequence : load_i64(&lane->hand.edge, ORDER_OWN);
}

/* A position, or `work`, may be stored now. */
static void
move_to(struct lane *lane, struct atomic_i64 *position, int64_t sequence)
{
    /* POSITION release: our reads and marks come before the overwrite, and before the next stage. */
    store_i64(position, sequence, ORDER_POSITION_RELEASE);
    ring_moved(lane->group->ring);
}

void
ringbus__lane_attend(struct ringbus_group *group)
{
    uint32_t watched = 0;

    /* HINT: ring_moved before, or in the advance, contains the light barrier of all these pairs. */
    if (unlikely(load_u32(&group->has_references, ORDER_HINT)))
        ringbus__reference_advance(group);
    watched = load_u32(&group->is_watched, ORDER_HINT);
    if (unlikely(watched & WATCHED_BY_LOOP) ||
        unlikely(load_u32(&group->bus->attention, ORDER_HINT)))
        ringbus__bus_settle(group->bus);
    if (unlikely(watched & (WATCHED_FOR_FALL | WATCHED_FOR_LAG)))
        ringbus__stall_attend(group);
}

static struct delivery
delivery_of(struct lane *lane)
{
    const uint32_t any = where_of(lane->stage, LANE_ANY);

    return (struct delivery){
        .group = lane->group,
        .record = &ringbus__record,
        .lane = lane,
        .where = lane->is_range ? any : where_of(lane->stage, lane->index),
        .any_where = any,
        .is_range = lane->is_range,
        .touch = touch,
    };
}

/* A pass of the one event that is in the hand. */
static void
run_hand(struct lane *lane, struct part *part, int64_t sequence)
{
    struct ringbus_event event = event_at(lane, sequence);
    struct delivery delivery;

    begin_pass(lane, 0, false);
    delivery = delivery_of(lane);
    store_i64(&part->in_order.done, sequence - 1, ORDER_COUNT);
    record_enter(delivery.record);
    ringbus__pass_copy(&delivery, &part->in_order, &event, edge_at(lane, sequence));
    store_i64(&part->in_order.done, sequence, ORDER_COUNT);
    end_batches(&delivery, sequence);
    record_leave(delivery.record);
    end_pass(lane);
    ringbus__overflow_finish(lane);
    count_u64(&lane->passes, 1);
}

/* As ringbus__lane_run_in_order, of a group whose entries are copied out. */
static uint32_t
run_copies(struct lane *lane, struct part *part, uint32_t max)
{
    int64_t position = load_i64(&part->position, ORDER_OWN);
    uint32_t count = 0;
    bool is_event = true;

    while (count < max && is_event && !group_rests(lane->group)) {
        const int64_t last = ringbus__overflow_take(lane, position, &is_event);

        if (is_event)
            ringbus__replay_run_first(lane);
        if (is_event)
            run_hand(lane, part, last);
        if (last == position)
            break;
        position = last;
        move_to(lane, &part->position, position);
        ringbus__lane_attend(lane->group);
        count += is_event;
        if (lane_is_late(lane))
            break;
    }
    return count;
}

/* Before a pass in the first stage, from `position` to `limit`: how much of the line is unfinished. Behind a full pass
 * there may be more, and the claim cursor's line is looked at, once for so many events. If it is another full one, its
 * slots are fetched while this one is handed out: the next look at all their stamps would wait for them. */
static void
note_lag(struct lane *lane, int64_t position, int64_t limit, uint32_t max)
{
    const struct ringbus_group *group = lane->group;
    const uint32_t stages = group_stage_count(group);
    int64_t newest = limit;

    if (stages > 1)
        position = load_i64(&stage_at(group, stages - 1)->parts[lane->index].position, ORDER_OWN);
    if (unlikely(limit - position >= (int64_t)max))
        newest = ringbus__ring_next(group->ring) - 1;
    if (unlikely(newest - limit >= (int64_t)max))
        lane->ahead = max;
    if (unlikely(newest - position > load_i64(&lane->high_water, ORDER_OWN)))
        store_i64(&lane->high_water, newest - position, ORDER_COUNT);
}

uint32_t
ringbus__lane_run_in_order(struct lane *lane, uint32_t stage, uint32_t max)
{
    struct part *part = &stage_at(lane->group, stage)->parts[lane->index];
    const int64_t position = load_i64(&part->position, ORDER_OWN);
    const int64_t limit = limit_of(lane, stage, position, max);
    struct delivery delivery;
    int64_t last = 0;

    if (unlikely(lane->hand.entry != NULL))
        return run_copies(lane, part, max);
    if (limit <= position || group_rests(lane->group))
        return 0; /* nobody is told of a pass that has moved nothing */
    begin_pass(lane, stage, false);
    if (stage == 0)
        note_lag(lane, position, limit, max);
    delivery = delivery_of(lane);
    store_i64(&part->in_order.done, position, ORDER_COUNT);
    record_enter(delivery.record);
    last = ringbus__pass_entries(&delivery, &part->in_order, position, limit);
    end_batches(&delivery, last);
    record_leave(delivery.record);
    end_pass(lane);
    count_u64(&lane->passes, 1);
    move_to(lane, &part->position, last);
    ringbus__lane_attend(lane->group);
    return (uint32_t)(last - position);
}

/* ---- ranges ---- */

/* Take events behind `taken`. How many; 0: there are none, or another lane was first. */
static uint32_t
take_range(struct lane *lane, struct stage *stage, int64_t taken)
{
    struct part *part = &stage->parts[lane->index];
    const int64_t there = load_i64(&part->position, ORDER_OWN) - taken;
    const int64_t fair = there / (2 * (int64_t)lane->group->lane_count);
    int64_t count = fair < (int64_t)lane->range ? fair : (int64_t)lane->range;

    if (there <= 0)
        return 0;
    count = count < 1 ? 1 : count;
    store_i64(&part->in_range.done, taken, ORDER_COUNT);
    store_i64(&part->range_end, taken + count, ORDER_COUNT);
    /* POSITION release: what this lane did with earlier ranges comes before the overwrite. */
    store_i64(&part->work, announcement(taken), ORDER_POSITION_RELEASE);
    /* TAKE release: `work` is found by whoever finds these taken (board.h I2). */
    if (cas_i64(&stage->taken, &taken, taken + count, ORDER_TAKE_RELEASE)) {
        store_i64(&part->work, taken, ORDER_POSITION_RELEASE);
        return (uint32_t)count;
    }
    /* Too small for a moment: who has seen it is told. */
    move_to(lane, &part->work, INT64_MAX);
    ringbus__lane_attend(lane->group);
    return 0;
}

/* How long the next range may be, after one of `count` events since `began`. */
static void
learn_range(struct lane *lane, uint32_t count, int64_t began)
{
    const int64_t took = ringbus__os.now_ns() - began;

    if (took > LONG_RANGE_NS && lane->range > 1)
        lane->range /= 2;
    else if (took < SHORT_RANGE_NS && count == lane->range && lane->range < MAX_RANGE)
        lane->range *= 2;
}

uint32_t
ringbus__lane_run_range(struct lane *lane, uint32_t number)
{
    struct stage *stage = stage_at(lane->group, number);
    struct part *part = &stage->parts[lane->index];
    const int64_t taken = load_i64(&stage->taken, ORDER_HINT);
    const uint32_t count = take_range(lane, stage, taken);
    const int64_t began = count > 0 ? ringbus__os.now_ns() : 0;
    struct delivery delivery;

    if (count == 0)
        return 0;
    begin_pass(lane, number, true);
    delivery = delivery_of(lane);
    record_enter(delivery.record);
    for (int64_t sequence = taken + 1; sequence <= taken + count; sequence++) {
        ringbus__pass_shared(&delivery, &part->in_range, sequence);
        if (lane->touched == NULL) /* its next call may be a long one */
            move_to(lane, &part->work, sequence);
    }
    end_batches(&delivery, taken + count);
    record_leave(delivery.record);
    end_pass(lane);
    move_to(lane, &part->work, INT64_MAX);
    ringbus__lane_attend(lane->group);
    learn_range(lane, count, began);
    return count;
}

void
ringbus__lane_commit_early(struct lane *lane)
{
    struct part *part = lane->part;
    const struct progress *progress = NULL;
    struct atomic_i64 *position = NULL;
    int64_t safe = 0;

    if (part == NULL)
        return; /* in a hook, between passes */
    progress = lane->is_range ? &part->in_range : &part->in_order;
    position = lane->is_range ? &part->work : &part->position;
    safe = lane->touched ? lane->safe : load_i64(&progress->done, ORDER_OWN);
    if (safe > load_i64(position, ORDER_OWN))
        move_to(lane, position, safe);
    /* HINT: as in attend. */
    if (load_u32(&lane->group->has_references, ORDER_HINT))
        ringbus__reference_advance(lane->group);
    /* HINT: as in attend; but a handler is running, so nothing is settled. */
    if ((load_u32(&lane->group->is_watched, ORDER_HINT) & WATCHED_BY_LOOP) ||
        load_u32(&lane->group->bus->attention, ORDER_HINT))
        ringbus__bus_moved(lane->group->bus);
}

void
ringbus__lane_skip(struct lane *lane)
{
    struct part *part = &stage_at(lane->group, 0)->parts[lane->index];

    while (!ringbus__lane_is_at_end(lane)) {
        const int64_t position = load_i64(&part->position, ORDER_OWN);
        bool is_event = false;
        const int64_t last = lane->hand.entry != NULL
                                 ? ringbus__overflow_take(lane, position, &is_event)
                                 : published_end(lane->group->ring, position, MAX_PASS);

        ringbus__overflow_finish(lane);
        if (last > position)
            move_to(lane, &part->position, last);
        else
            ringbus__os.yield(); /* a poster of the former life is about to abandon */
    }
    if (load_u32(&lane->group->has_references, ORDER_HINT))
        ringbus__reference_advance(lane->group);
}

/* ---- a thread that exits in the midst of a pass ---- */

static bool
is_in_event(const struct lane *lane)
{
    return load_i64(&lane->at, ORDER_OWN) != NO_EVENT;
}

/* Nobody gets a batch_end any more: what it was due for counts as discarded. */
static void
discard_batches(struct lane *lane, struct delivery *delivery, int64_t done)
{
    if (!is_in_event(lane) && lane->touched != NULL)
        lane->touched->is_touched = true; /* the one whose batch_end it was */
    delivery->is_for_due = true;
    for (int64_t sequence = lane->safe + 1; sequence <= done && lane->touched != NULL; sequence++) {
        const struct slot *slot = ring_slot(lane->group->ring, sequence);

        if (lane->hand.entry != NULL || !(load_u64(&slot->stamp, ORDER_HINT) & 1)) {
            const struct ringbus_event event = event_at(lane, sequence);

            ringbus__dispatch_discard(delivery, &event, edge_at(lane, sequence), NULL);
        }
    }
    delivery->is_for_due = false;
    while (lane->touched != NULL) {
        struct consumer_part *part = lane->touched;

        lane->touched = part->next_touched;
        part->is_touched = false;
        /* CALL release: what its handlers did is visible to whoever finds nothing due. */
        add_u32(&part->consumer->batch_due, (uint32_t)-1, ORDER_CALL_RELEASE);
    }
}

void
ringbus__lane_abandon(struct lane *lane, const struct ringbus_consumer *called)
{
    struct part *part = lane->part;
    struct progress *progress = lane->is_range ? &part->in_range : &part->in_order;
    int64_t done = load_i64(&progress->done, ORDER_OWN);
    struct delivery delivery = delivery_of(lane);

    if (is_in_event(lane)) {
        const struct ringbus_event event = event_at(lane, done + 1);

        ringbus__dispatch_discard(&delivery, &event, edge_at(lane, done + 1), called);
    }
    discard_batches(lane, &delivery, done);
    done += is_in_event(lane);
    while (lane->is_range && done < load_i64(&part->range_end, ORDER_OWN))
        ringbus__pass_shared(&delivery, progress, ++done); /* which discards it */
    store_i64(&progress->done, done, ORDER_COUNT);
    store_i64(&lane->at, NO_EVENT, ORDER_HINT);
    end_pass(lane);
    ringbus__overflow_finish(lane);
    if (lane->is_range)
        move_to(lane, &part->work, INT64_MAX);
    else
        move_to(lane, &part->position, done);
    if (load_u32(&lane->group->has_references, ORDER_HINT)) /* it may have been the last pass */
        ringbus__reference_advance(lane->group);
}
