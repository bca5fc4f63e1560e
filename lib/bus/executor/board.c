/* board.c - stages join the board of a group; what the gate and reports read from it. */
#include "bus/executor/board.h"

#include "bus/group.h"

static struct stage *
stage_at(const struct ringbus_group *group, uint32_t number)
{
    /* TABLE acquire: the stage is complete. */
    return load_ptr(&group->stages[number], ORDER_TABLE_ACQUIRE);
}

int64_t
ringbus__board_passed(const struct ringbus_group *group)
{
    /* TABLE acquire: the stage's positions are there before it is looked at. */
    const uint32_t scanned = load_u32(&group->scanned, ORDER_TABLE_ACQUIRE);
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < scanned; i++) {
        const int64_t finished = board_finished(stage_at(group, i), group->lane_count);

        least = finished < least ? finished : least;
    }
    return least;
}

int64_t
ringbus__board_position(void *context)
{
    const struct ringbus_group *group = context;
    const int64_t passed = ringbus__board_passed(group);
    int64_t released = 0;

    /* TABLE acquire: in this order. If a position has passed an event by reference, its post has set this before
     * (reference.h I3). */
    if (likely(load_u32(&group->has_references, ORDER_TABLE_ACQUIRE) == 0))
        return passed;
    /* FREE acquire: the slots up to here are not looked at for references any more. */
    released = load_i64(&group->released, ORDER_FREE_ACQUIRE);
    return released < passed ? released : passed;
}

/* Of a range the lane has. No handler runs in an announcement: it is soon decided. */
static int64_t
settled_work(const struct part *part)
{
    int64_t work = 0;

    for (;;) {
        work = load_i64(&part->work, ORDER_STAGE_ACQUIRE);
        if (!is_announcement(work))
            return work;
        ringbus__os.yield();
    }
}

int64_t
ringbus__board_settled(void *context)
{
    const struct ringbus_group *group = context;
    const uint32_t scanned = load_u32(&group->scanned, ORDER_TABLE_ACQUIRE);
    int64_t least = INT64_MAX;

    for (uint32_t i = 0; i < scanned; i++) {
        const struct stage *stage = stage_at(group, i);
        const int64_t taken = load_i64(&stage->taken, ORDER_STAGE_ACQUIRE);

        least = taken < least ? taken : least;
        for (uint32_t j = 0; j < group->lane_count; j++) {
            const int64_t work = settled_work(&stage->parts[j]);
            const int64_t position = load_i64(&stage->parts[j].position, ORDER_STAGE_ACQUIRE);

            least = work < least ? work : least;
            least = position < least ? position : least;
        }
    }
    return least;
}

/* ---- join ---- */

size_t
ringbus__board_memory(uint32_t lane_count)
{
    return sizeof(struct stage) + lane_count * sizeof(struct part);
}

/* Nothing is discarded yet. */
static void
hand_out_all(struct stage *stage, uint32_t lane_count)
{
    for (uint32_t i = 0; i < lane_count; i++) {
        store_i64(&stage->parts[i].in_order.handed_out, INT64_MAX, ORDER_COUNT);
        store_i64(&stage->parts[i].in_range.handed_out, INT64_MAX, ORDER_COUNT);
    }
}

static void
begin_at(struct stage *stage, uint32_t lane_count, int64_t position)
{
    hand_out_all(stage, lane_count);
    for (uint32_t i = 0; i < lane_count; i++) {
        struct part *part = &stage->parts[i];

        store_i64(&part->in_order.done, position, ORDER_COUNT);
        /* POSITION release: as a reader that joins (reader.c). */
        store_i64(&part->position, position, ORDER_POSITION_RELEASE);
    }
}

static struct stage *
make_stage(struct ringbus_group *group)
{
    struct stage *stage =
        ringbus__alloc(&group->bus->allocator, ringbus__board_memory(group->lane_count), CPU_LINE);

    if (stage == NULL)
        return NULL;
    store_i64(&stage->taken, INT64_MAX, ORDER_OWN);
    for (uint32_t i = 0; i < group->lane_count; i++)
        store_i64(&stage->parts[i].work, INT64_MAX, ORDER_OWN);
    return stage;
}

static int64_t
cursor(const struct ringbus_group *group)
{
    return ringbus__ring_next(group->ring) - 1;
}

bool
ringbus__board_add_stage(struct ringbus_group *group, uint32_t number)
{
    struct stage *stage = NULL;

    if (number < load_u32(&group->stage_count, ORDER_OWN))
        return true;
    stage = group->ring != NULL ? stage_at(group, number) : NULL; /* of an earlier life */
    if (group->ring != NULL && stage == NULL && (stage = make_stage(group)) == NULL)
        return false;
    if (stage != NULL) {
        begin_at(stage, group->lane_count, cursor(group));
        /* TABLE release: the stage is complete. */
        store_ptr(&group->stages[number], stage, ORDER_TABLE_RELEASE);
        store_u32(&group->scanned, number + 1, ORDER_TABLE_RELEASE);
        ringbus__barrier_heavy();
        /* Claims that were let through without it lie before this second look. */
        begin_at(stage, group->lane_count, cursor(group));
    }
    /* TABLE release: the positions are final; from here on they are the lanes'. */
    store_u32(&group->stage_count, number + 1, ORDER_TABLE_RELEASE);
    group_make_special(group);
    if (stage != NULL) {
        ring_moved(group->ring);    /* a producer may have seen the first positions */
        ringbus__group_call(group); /* events may have come to it that no lane has looked at */
    }
    return true;
}

void
ringbus__board_share(struct ringbus_group *group, uint32_t number)
{
    struct stage *stage = stage_at(group, number);

    if (load_u32(&stage->is_shared, ORDER_OWN))
        return;
    /* POSITION release: as a reader that joins. */
    store_i64(&stage->taken, cursor(group), ORDER_POSITION_RELEASE);
    ringbus__barrier_heavy();
    store_i64(&stage->taken, cursor(group), ORDER_POSITION_RELEASE);
    /* STATE release: where sharing begins is settled. */
    store_u32(&stage->is_shared, 1, ORDER_STATE_RELEASE);
    ring_moved(group->ring);
}

bool
ringbus__board_open(struct ringbus_group *group)
{
    struct stage *stage = make_stage(group);

    if (stage == NULL)
        return false;
    begin_at(stage, group->lane_count, cursor(group));
    store_ptr(&group->stages[0], stage, ORDER_TABLE_RELEASE);
    store_u32(&group->scanned, 1, ORDER_TABLE_RELEASE);
    store_u32(&group->stage_count, 1, ORDER_TABLE_RELEASE);
    return true;
}

void
ringbus__board_reset(struct ringbus_group *group)
{
    /* In this order: what the gate no longer goes by may lag. */
    store_u32(&group->stage_count, 1, ORDER_TABLE_RELEASE);
    store_u32(&group->scanned, group->ring != NULL ? 1 : 0, ORDER_TABLE_RELEASE);
    for (uint32_t i = 0; i < MAX_STAGES && group->ring != NULL; i++) {
        struct stage *stage = stage_at(group, i);

        if (stage == NULL)
            break;
        hand_out_all(stage, group->lane_count);
        store_u32(&stage->is_shared, 0, ORDER_OWN);
        store_i64(&stage->taken, INT64_MAX, ORDER_POSITION_RELEASE);
    }
}

void
ringbus__board_free(struct ringbus_group *group)
{
    for (uint32_t i = 0; i < MAX_STAGES && stage_at(group, i) != NULL; i++)
        ringbus__release(
            &group->bus->allocator, stage_at(group, i), ringbus__board_memory(group->lane_count));
}

/* ---- reports ---- */

static bool
is_owed(const struct progress *progress, int64_t sequence, bool has_batch_end)
{
    if (sequence > load_i64(&progress->done, ORDER_COUNT))
        return true;
    /* Of the pass under way, what was handed out to one with a batch_end is not finished. */
    return has_batch_end && sequence <= load_i64(&progress->handed_out, ORDER_COUNT);
}

static bool
is_owed_in_order(const struct part *part, int64_t sequence, bool has_batch_end)
{
    return sequence > load_i64(&part->position, ORDER_STAGE_ACQUIRE) &&
           is_owed(&part->in_order, sequence, has_batch_end);
}

bool
ringbus__board_owes(const struct ringbus_group *group, int64_t sequence, uint32_t where,
    uint64_t ordered, bool has_batch_end)
{
    const struct stage *stage = stage_at(group, where / (MAX_LANES + 1));
    const uint32_t lane = where % (MAX_LANES + 1);

    if (lane != LANE_ANY)
        return is_owed_in_order(&stage->parts[lane], sequence, has_batch_end);
    if (ordered != 0)
        return is_owed_in_order(
            &stage->parts[lane_of_key(ordered, group->lane_count)], sequence, has_batch_end);
    if (sequence > load_i64(&stage->taken, ORDER_STAGE_ACQUIRE))
        return true;
    for (uint32_t i = 0; i < group->lane_count; i++) {
        const struct part *part = &stage->parts[i];

        /* The position of one that has no range is the greatest there is. */
        if (sequence > settled_work(part) && sequence <= load_i64(&part->range_end, ORDER_COUNT))
            return is_owed(&part->in_range, sequence, has_batch_end);
    }
    return false;
}
