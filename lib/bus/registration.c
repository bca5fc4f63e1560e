/* registration.c - registering and unregistering.
 *
 * Registering prepares everything that can fail, then changes everything, in an order that makes the window exact
 * (match.h I3): the set, the route, the cut that reads the first sequence, the window.
 * Source: the verbs are geeteventbus's; windows of sequences instead of snapshots are ours. */
#include "bus/registration.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/overflow/cell.h"
#include "bus/shutdown.h"
#include "bus/topic.h"

/* ---- register ---- */

/* What one topic of a registration needs before anything is changed. */
struct plan {
    struct registration *registration;
    struct match_set *set;
    bool has_cell; /* the registration's, if it is not NULL */
    struct plan *next;
};

static struct registration *
find_registration(const struct ringbus_consumer *consumer, const struct ringbus_topic *topic)
{
    struct registration *at = consumer->registrations;

    while (at != NULL && at->topic != topic)
        at = at->next;
    return at;
}

static void
undo(struct ringbus_bus *bus, struct plan *plans)
{
    while (plans != NULL) {
        struct plan *plan = plans;

        plans = plan->next;
        if (plan->set != NULL)
            ringbus__release(&bus->allocator, plan->set, ringbus__match_size(plan->set->count));
        if (plan->has_cell && plan->registration != NULL)
            ringbus__cell_release(plan->registration->consumer->group, plan->registration->topic);
        if (plan->registration != NULL) {
            if (plan->registration->topic != NULL)
                ringbus__topic_release(plan->registration->topic);
            ringbus__release(&bus->allocator, plan->registration, sizeof *plan->registration);
        }
        ringbus__release(&bus->allocator, plan, sizeof *plan);
    }
}

static bool
is_planned(const struct plan *plans, const struct ringbus_topic *topic)
{
    for (; plans != NULL; plans = plans->next)
        if (plans->registration->topic == topic)
            return true;
    return false;
}

static int
prepare_one(
    struct ringbus_consumer *consumer, const char *name, struct plan *earlier, struct plan *plan)
{
    struct ringbus_bus *bus = consumer->bus;
    struct registration *registration = NULL;
    int outcome = RINGBUS_OK;

    registration = ringbus__alloc(&bus->allocator, sizeof *registration, sizeof(void *));
    if (registration == NULL)
        return RINGBUS_ENOMEM;
    plan->registration = registration;
    registration->consumer = consumer;
    registration->where = where_of(consumer->stage, consumer->home);
    store_i64(&registration->from, WINDOW_OPENS, ORDER_OWN);
    store_i64(&registration->until, WINDOW_STAYS, ORDER_OWN);
    outcome = ringbus__topic_acquire(bus, name, &registration->topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (find_registration(consumer, registration->topic) ||
        is_planned(earlier, registration->topic))
        return RINGBUS_EEXIST;
    plan->set = ringbus__match_prepare(registration->topic, consumer->group, registration);
    if (plan->set == NULL)
        return RINGBUS_ENOMEM;
    outcome = ringbus__cell_acquire(consumer->group, registration->topic);
    plan->has_cell = outcome == RINGBUS_OK;
    return outcome;
}

static int
prepare(
    struct ringbus_consumer *consumer, const char *const *names, size_t count, struct plan **plans)
{
    struct ringbus_bus *bus = consumer->bus;
    int outcome = RINGBUS_OK;

    for (size_t i = 0; i < count && outcome == RINGBUS_OK; i++) {
        struct plan *plan = ringbus__alloc(&bus->allocator, sizeof *plan, sizeof(void *));

        if (plan == NULL)
            return RINGBUS_ENOMEM;
        outcome = prepare_one(consumer, names[i], *plans, plan);
        plan->next = *plans;
        *plans = plan;
    }
    return outcome;
}

static void
apply_one(
    struct ringbus_consumer *consumer, struct registration *registration, struct match_set *set)
{
    struct ringbus_topic *topic = registration->topic;
    struct ringbus_group *group = consumer->group;

    registration->next = consumer->registrations;
    consumer->registrations = registration;
    ringbus__match_replace(topic, group, set);
    topic->ever_routed |= group->bit;
    /* TABLE release: the set, and the group, are there before a post is routed to them. */
    store_u64(&topic->route, load_u64(&topic->route, ORDER_OWN) | group->bit, ORDER_TABLE_RELEASE);
    store_u32(&topic->consumers, load_u32(&topic->consumers, ORDER_OWN) + 1, ORDER_COUNT);
    registration->is_counted = true;
    (void)ringbus__window_decide(&registration->from, WINDOW_OPENS, group);
}

static int
register_topics(struct ringbus_consumer *consumer, const char *const *names, size_t count)
{
    struct ringbus_bus *bus = consumer->bus;
    struct plan *plans = NULL, *plan = NULL;
    int outcome = RINGBUS_ESHUTDOWN;

    lock_acquire(&bus->lock);
    if (ringbus__consumer_is_open(consumer))
        outcome = prepare(consumer, names, count, &plans);
    for (plan = plans; plan != NULL && outcome == RINGBUS_OK; plan = plan->next) {
        apply_one(consumer, plan->registration, plan->set);
        plan->registration = NULL;
        plan->set = NULL;
    }
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
    undo(bus, plans);
    return outcome;
}

int
ringbus_register_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic)
{
    return ringbus_register_topics(bus, consumer, &topic, 1);
}

int
ringbus_register_topics(struct ringbus_bus *bus, struct ringbus_consumer *consumer,
    const char *const *topics, size_t count)
{
    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || topics == NULL || count == 0)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    return register_topics(consumer, topics, count);
}

/* ---- unregister ---- */

void
ringbus__registration_leave(struct registration *registration)
{
    struct ringbus_topic *topic = registration->topic;
    struct ringbus_group *group = registration->consumer->group;

    if (!registration->is_counted)
        return;
    registration->is_counted = false;
    store_u32(&topic->consumers, load_u32(&topic->consumers, ORDER_OWN) - 1, ORDER_COUNT);
    if (ringbus__match_counted(topic, group) == 0)
        store_u64(
            &topic->route, load_u64(&topic->route, ORDER_OWN) & ~group->bit, ORDER_TABLE_RELEASE);
}

/* The registration, already out of its consumer's list, is over. */
static void
end_registration(struct registration *registration)
{
    struct ringbus_topic *topic = registration->topic;

    ringbus__registration_leave(registration);
    ringbus__report_registration(registration);
    /* HINT: who calls announces that first, and looks at `until` after a barrier (consumer.h I2). */
    store_i64(&registration->until, INT64_MIN, ORDER_HINT);
    ringbus__match_remove(registration);
    ringbus__cell_release(registration->consumer->group, topic);
    ringbus__topic_release(topic);
}

void
ringbus__registration_end_all(struct ringbus_consumer *consumer, enum ringbus_how how)
{
    struct registration *at = NULL;

    if (how == RINGBUS_DISCARD) {
        while ((at = consumer->registrations) != NULL) {
            consumer->registrations = at->next;
            end_registration(at);
        }
        return;
    }
    for (at = consumer->registrations; at != NULL; at = at->next) {
        ringbus__registration_leave(at);
        store_i64(&at->until, WINDOW_CLOSES, ORDER_HINT);
        (void)ringbus__window_decide(&at->until, WINDOW_CLOSES, consumer->group);
    }
    consumer->close_at = ringbus__group_cut(consumer->group); /* no event of it is later */
    consumer->close_tag = ringbus__record_retire();
}

int
ringbus_unregister_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic)
{
    struct registration **at = NULL, *found = NULL;
    struct row *rows = NULL;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    at = &consumer->registrations;
    while (topic != NULL && *at != NULL && strcmp((*at)->topic->name, topic) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        outcome = RINGBUS_ENOENT;
    } else if (topic == NULL) {
        ringbus__registration_end_all(consumer, RINGBUS_DISCARD);
    } else {
        found = *at;
        *at = found->next;
        end_registration(found);
    }
    ringbus__retire_sweep(bus);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    ringbus__report_tell(bus, rows);
    return outcome;
}

int
ringbus_is_subscribed(
    struct ringbus_bus *bus, const struct ringbus_consumer *consumer, const char *topic)
{
    const struct registration *at = NULL;

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || topic == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    at = consumer->registrations;
    while (at != NULL && (!at->is_counted || strcmp(at->topic->name, topic) != 0))
        at = at->next;
    lock_release(&bus->lock);
    return at != NULL;
}
