/* group_end.c - a group ends: it leaves the routes, its line ends, its lanes read to the end, its registrations go.
 *
 * Source: order of the steps in group.h I2. */
#include <assert.h>

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/pattern/pattern.h"
#include "bus/post/post.h"
#include "bus/registration.h"
#include "bus/shutdown.h"

static void
leave_routes(struct ringbus_group *group, struct ringbus_consumer *list)
{
    for (; list != NULL; list = list->next) {
        if (list->group != group)
            continue;
        ringbus__pattern_end_all(list);
        for (struct registration *r = list->registrations; r != NULL; r = r->next)
            ringbus__registration_leave(r);
    }
}

void
ringbus__group_begin_end(struct ringbus_group *group, enum ringbus_how how)
{
    struct ringbus_bus *bus = group->bus;

    group->state = GROUP_ENDING;
    ringbus__bus_watch(bus); /* until it has ended */
    if (how == RINGBUS_DISCARD)
        group_discard(group);
    ringbus__group_call(group); /* it may have been paused */
    leave_routes(group, bus->consumers);
    /* The line ends after the routes have changed: a poster that finds it ended looks at the route again. */
    if (group->ring != NULL)
        ringbus_ring_end(group->ring);
    else
        group->end_tag = ringbus__record_retire();
    ringbus__loop_notify(bus);
}

void
ringbus__group_break(struct ringbus_group *group)
{
    struct ringbus_bus *bus = group->bus;

    lock_acquire(&bus->lock);
    if (group->state != GROUP_ENDED) {
        /* STATE release: before the line is closed, so that a poster knows why. */
        store_u32(&group->is_broken, 1, ORDER_STATE_RELEASE);
        group_discard(group);
        if (group->ring != NULL)
            ringbus_ring_end(group->ring);
        ringbus__group_call(group);
        ringbus__loop_notify(bus);
    }
    lock_release(&bus->lock);
}

static void
unregister_all(struct ringbus_group *group, struct ringbus_consumer *list)
{
    for (; list != NULL; list = list->next)
        if (list->group == group)
            ringbus__registration_end_all(list, RINGBUS_DISCARD);
}

void
ringbus__group_settle(struct ringbus_group *group)
{
    struct ringbus_bus *bus = group->bus;

    if (group->state != GROUP_ENDING)
        return;
    if (group->ring != NULL ? group->lanes_at_end < group->lane_count
                            : !ringbus__caller_has_passed(bus, group->end_tag))
        return;
    ringbus__report_collect(bus, group);
    unregister_all(group, bus->consumers);
    unregister_all(group, bus->closing);
    group->state = GROUP_ENDED;
    ringbus__bus_unwatch(bus);
    ringbus__loop_notify(bus);
}

struct ending {
    struct ringbus_group *group;
    uint32_t life;
};

static bool
has_ended(struct ringbus_bus *bus, void *what)
{
    const struct ending *ending = what;
    struct ringbus_group *group = ending->group;

    (void)bus;
    ringbus__group_settle(group);
    return group->life != ending->life ||
           (group->state != GROUP_ENDING && ringbus__group_is_left(group));
}

int
ringbus_group_close(struct ringbus_group *group, enum ringbus_how how)
{
    const bool will_wait = !ringbus__bus_must_not_wait();
    struct ending ending = {.group = group};
    struct ringbus_bus *bus = NULL;
    int outcome = RINGBUS_OK;

    assert(group_is_live(group));
    if (group == NULL || (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD))
        return RINGBUS_EINVAL;
    bus = group->bus;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    if (group == bus->default_group || group->kind == RINGBUS_GROUP_LOOP)
        return RINGBUS_EINVAL;
    lock_acquire(&bus->lock);
    assert(!group->is_given_back);
    if (group->state != GROUP_OPEN)
        outcome = RINGBUS_EBUSY;
    else
        ringbus__group_begin_end(group, how);
    bus->reporters += outcome == RINGBUS_OK && will_wait;
    ending.life = group->life;
    lock_release(&bus->lock);
    if (outcome != RINGBUS_OK)
        return outcome;
    ringbus__bus_settle(bus);
    if (!will_wait)
        return RINGBUS_PENDING;
    outcome = ringbus__bus_wait(bus, has_ended, &ending, RINGBUS_FOREVER);
    ringbus__report_done(bus);
    if (outcome == RINGBUS_OK)
        group_give_back(group, ending.life);
    return outcome == RINGBUS_OK ? RINGBUS_OK : RINGBUS_PENDING; /* nothing to step */
}
