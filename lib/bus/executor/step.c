/* step.c - which lane and stage comes next, and how many events it handles. */
#include "bus/executor/step.h"

#include "base/os.h"
#include "bus/group.h"

/* What one step does: a lane's events of one stage, in order or a range; a replay; or a lane comes to its end. */
struct step {
    struct lane *lane;
    uint32_t stage;
    bool is_range;
    bool is_replay;
    bool is_end;
};

/* splitmix64 */
static uint64_t
draw(struct ringbus_bus *bus)
{
    uint64_t bits = bus->step_random += UINT64_C(0x9E3779B97F4A7C15);

    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return bits ^ (bits >> 31);
}

/* Each possible step replaces the one before with a chance of one in as many as there were: all are as likely. */
static void
consider(struct ringbus_bus *bus, struct step *chosen, uint32_t *seen, struct step step)
{
    if (draw(bus) % ++*seen == 0)
        *chosen = step;
}

static void
consider_lane(struct ringbus_bus *bus, struct step *chosen, uint32_t *seen, struct lane *lane)
{
    const uint32_t stages = load_u32(&lane->group->stage_count, ORDER_TABLE_ACQUIRE);

    if (load_u32(&lane->started, ORDER_OWN) == LANE_GONE)
        return;
    for (uint32_t i = 0; i < stages; i++) {
        if (ringbus__lane_can_run_in_order(lane, i))
            consider(bus, chosen, seen, (struct step){.lane = lane, .stage = i});
        if (ringbus__lane_can_run_range(lane, i))
            consider(bus, chosen, seen, (struct step){.lane = lane, .stage = i, .is_range = true});
    }
    if (ringbus__replay_can_run(lane))
        consider(bus, chosen, seen, (struct step){.lane = lane, .is_replay = true});
    if (ringbus__lane_is_at_end(lane))
        consider(bus, chosen, seen, (struct step){.lane = lane, .is_end = true});
}

static struct step
choose(struct ringbus_bus *bus)
{
    struct step chosen = {0};
    uint32_t seen = 0;

    lock_acquire(&bus->lock);
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group == NULL || group->kind != RINGBUS_GROUP_THREADS ||
            (group->state != GROUP_OPEN && group->state != GROUP_ENDING))
            continue;
        for (uint32_t j = 0; j < group->lane_count; j++)
            consider_lane(bus, &chosen, &seen, &group->lanes[j]);
    }
    lock_release(&bus->lock);
    return chosen;
}

static void
take(struct ringbus_bus *bus, const struct step *step)
{
    struct record *record = &ringbus__record;
    const uint64_t dice = draw(bus);

    record->executor = step->lane;
    if (step->is_end) {
        store_u32(&step->lane->started, LANE_GONE, ORDER_OWN);
        ringbus__group_reached_end(step->lane->group);
    } else if (step->is_replay) {
        ringbus__replay_run(step->lane, 1);
    } else if (step->is_range) {
        step->lane->range = 1 + (uint32_t)(dice >> 32) % 4; /* not learnt from time */
        ringbus__lane_run_range(step->lane, step->stage);
    } else {
        /* Usually one event, so that others come between; sometimes more, so that batches are met. */
        ringbus__lane_run_in_order(
            step->lane, step->stage, dice % 4 > 0 ? 1 : 1 + (uint32_t)(dice >> 32) % 4);
    }
    record->executor = NULL;
}

int
ringbus_step(struct ringbus_bus *bus)
{
    struct step step;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    if (!bus->options.is_stepped)
        return RINGBUS_EINVAL;
    outcome = ringbus__bus_begin_turn();
    if (outcome != RINGBUS_OK)
        return outcome;
    if (!lock_try(&bus->stepping))
        return RINGBUS_EBUSY;
    step = choose(bus);
    if (step.lane != NULL)
        take(bus, &step);
    lock_release(&bus->stepping);
    return step.lane != NULL;
}

static int64_t
clock_of(const struct ringbus_bus *bus)
{
    return bus->options.clock ? bus->options.clock(bus->options.clock_context)
                              : ringbus__os.now_ns();
}

static bool
ask(struct ringbus_bus *bus, bool (*is_done)(struct ringbus_bus *bus, void *what), void *what)
{
    bool done = false;

    lock_acquire(&bus->lock);
    done = is_done(bus, what);
    lock_release(&bus->lock);
    return done;
}

int
ringbus__step_until(struct ringbus_bus *bus, bool (*is_done)(struct ringbus_bus *bus, void *what),
    void *what, int64_t deadline_ns)
{
    int outcome = 1;

    while (!ask(bus, is_done, what)) {
        if (outcome != 1 && outcome != RINGBUS_EBUSY)
            return RINGBUS_ETIMEDOUT; /* asked once more: another thread may have stepped meanwhile */
        if (deadline_ns != RINGBUS_FOREVER && clock_of(bus) >= deadline_ns)
            return RINGBUS_ETIMEDOUT;
        outcome = ringbus_step(bus);
        if (outcome == RINGBUS_EBUSY)
            ringbus__os.yield(); /* another thread steps for us */
    }
    return RINGBUS_OK;
}
