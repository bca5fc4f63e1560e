/* thread.c - a lane's runs over all stages, and its own thread: that begins when all of its group have, runs, and
 * sleeps between.
 *
 * Edges: STATE. */
#include "bus/executor/replay.h"
#include "bus/group.h"

/* ---- runs ---- */

uint32_t
ringbus__lane_run(struct lane *lane, uint32_t max)
{
    uint32_t count = ringbus__replay_run(lane, max);

    for (uint32_t i = 0; i < group_stage_count(lane->group); i++) {
        count += ringbus__lane_run_in_order(lane, i, max);
        if (ringbus__lane_can_run_range(lane, i))
            count += ringbus__lane_run_range(lane, i);
    }
    return count;
}

/* With `count` events handled, the lane has had what it may. */
static bool
has_had(const struct lane *lane, uint32_t count, uint32_t max)
{
    return count >= max || (count > 0 && lane_is_late(lane));
}

uint32_t
ringbus__lane_run_bounded(struct lane *lane, uint32_t max)
{
    const uint32_t stages = group_stage_count(lane->group);
    uint32_t count = ringbus__replay_run(lane, max), found = 1;

    while (found > 0 && !has_had(lane, count, max)) {
        found = 0;
        for (uint32_t i = stages; i-- > 0 && !has_had(lane, count + found, max);)
            found += ringbus__lane_run_in_order(lane, i, max - count - found);
        count += found;
        if (stages == 1)
            break; /* what comes now is of the next turn */
    }
    return count;
}

void
ringbus__lane_discard(struct lane *lane)
{
    while (!ringbus__lane_is_at_end(lane))
        if (ringbus__lane_run(lane, MAX_PASS) == 0)
            ringbus__os.yield(); /* a poster is about to publish, or to abandon */
}

/* ---- the thread ---- */

/* The group's threads have all begun; false: one could not. */
static bool
await_go(struct ringbus_group *group)
{
    for (;;) {
        const uint32_t key = signal_prepare(&group->changed);
        /* STATE acquire: what was done before we may run. */
        const uint32_t go = load_u32(&group->go, ORDER_STATE_ACQUIRE);

        if (go != 0)
            return go == 1;
        signal_wait(&group->changed, key, RINGBUS_FOREVER);
    }
}

static void
say(struct lane *lane, uint32_t started, struct signal *changed)
{
    /* STATE release: nothing of the user's runs on this thread before, or after. */
    store_u32(&lane->started, started, ORDER_STATE_RELEASE);
    signal_raise(changed);
}

void
ringbus__lane_main(void *context)
{
    struct lane *lane = context;
    struct ringbus_group *group = lane->group;
    const bool is_linked = ringbus__record_link(&ringbus__record) == RINGBUS_OK;

    ringbus__record.executor = lane;
    say(lane, is_linked ? LANE_STARTED : LANE_REFUSED, &group->changed);
    if (!await_go(group))
        return;
    ringbus__lane_go_on(lane);
}

void
ringbus__lane_go_on(struct lane *lane)
{
    struct ringbus_group *group = lane->group;

    for (;;) {
        const uint32_t count = ringbus__lane_run(lane, MAX_PASS);

        if (count > 0) {
            if (unlikely(lane->reader->waiter.idle > 0))
                ringbus__waiter_learn(&lane->reader->waiter, count);
            if (count < MAX_PASS && group->lane_count == 1 && group_stage_count(group) == 1)
                ringbus__waiter_put_off(&lane->reader->waiter);
        } else if (ringbus__lane_is_at_end(lane)) {
            break;
        } else {
            ringbus__reader_wait_step(lane->reader, RINGBUS_FOREVER);
        }
    }
    ringbus__group_reached_end(group);
    say(lane, LANE_GONE, &group->bus->changed); /* joining it takes no time */
}
