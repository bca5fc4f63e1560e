/* registration.c - registering and unregistering.
 *
 * Registering prepares everything that can fail, then changes everything, in an order that makes the window exact
 * (match.h I3): the set, the route, the cut that reads the first sequence, the window.
 * Source: the verbs are geeteventbus's; windows of sequences instead of snapshots are ours. */
#include "bus/registration.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/overflow/cell.h"
#include "bus/pattern/pattern.h"
#include "bus/post/post.h"
#include "bus/retain.h"
#include "bus/shutdown.h"
#include "bus/topic.h"

/* ---- the consumer's list ---- */

static void
link_registration(struct registration *registration)
{
    struct registration **list = &registration->consumer->registrations;

    registration->previous = NULL;
    registration->next = *list;
    if (*list != NULL)
        (*list)->previous = registration;
    *list = registration;
}

static void
unlink_registration(struct registration *registration)
{
    if (registration->previous != NULL)
        registration->previous->next = registration->next;
    else
        registration->consumer->registrations = registration->next;
    if (registration->next != NULL)
        registration->next->previous = registration->previous;
}

/* ---- register ---- */

struct registration *
ringbus__registration_make(struct ringbus_consumer *consumer, struct ringbus_topic *topic)
{
    struct registration *registration =
        ringbus__alloc(&consumer->bus->allocator, sizeof *registration, sizeof(void *));

    if (registration == NULL)
        return NULL;
    registration->consumer = consumer;
    registration->topic = topic;
    registration->where = where_of(consumer->stage, consumer->home);
    registration->plain_where = consumer->is_plain ? registration->where : NOWHERE;
    store_i64(&registration->from, WINDOW_OPENS, ORDER_OWN);
    store_i64(&registration->until, WINDOW_STAYS, ORDER_OWN);
    return registration;
}

/* The consumer's on the topic; NULL: there is none. */
static struct registration *
find_registration(const struct ringbus_consumer *consumer, const struct ringbus_topic *topic)
{
    const struct match_set *set = load_ptr(&topic->parts[consumer->group->index].set, ORDER_OWN);

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_OWN);

        if (registration != NULL && registration->consumer == consumer)
            return registration;
    }
    return NULL;
}

void
ringbus__plan_undo(struct ringbus_bus *bus, struct plan *plans)
{
    while (plans != NULL) {
        struct plan *plan = plans;

        plans = plan->next;
        if (plan->replay != NULL)
            ringbus__replay_release(plan->replay);
        if (plan->set != NULL)
            ringbus__release(&bus->allocator, plan->set, ringbus__match_size(plan->set->count));
        if (plan->has_cell && plan->registration != NULL)
            ringbus__cell_release(plan->registration->consumer->group, plan->topic);
        if (plan->holds_topic)
            ringbus__topic_release(plan->topic);
        ringbus__release(&bus->allocator, plan->registration, sizeof(struct registration));
        ringbus__release(&bus->allocator, plan, sizeof *plan);
    }
}

/* An empty one in front of `plans`. */
static struct plan *
add_plan(struct ringbus_bus *bus, struct plan **plans)
{
    struct plan *plan = ringbus__alloc(&bus->allocator, sizeof *plan, sizeof(void *));

    if (plan == NULL)
        return NULL;
    plan->next = *plans;
    *plans = plan;
    return plan;
}

/* All that a registration on the plan's topic needs. */
static int
fill_plan(struct plan *plan, struct ringbus_consumer *consumer)
{
    plan->existing = find_registration(consumer, plan->topic);
    if (plan->existing != NULL)
        return RINGBUS_OK;
    plan->registration = ringbus__registration_make(consumer, plan->topic);
    if (plan->registration == NULL)
        return RINGBUS_ENOMEM;
    plan->set = ringbus__match_prepare(plan->topic, consumer->group, plan->registration);
    return plan->set != NULL ? RINGBUS_OK : RINGBUS_ENOMEM;
}

int
ringbus__plan_add(
    struct ringbus_consumer *consumer, struct ringbus_topic *topic, struct plan **plans)
{
    struct plan *plan = add_plan(consumer->bus, plans);

    if (plan == NULL)
        return RINGBUS_ENOMEM;
    plan->topic = topic;
    return fill_plan(plan, consumer);
}

static bool
is_planned(const struct plan *plans, const struct ringbus_topic *topic)
{
    for (; plans != NULL; plans = plans->next)
        if (plans->topic == topic)
            return true;
    return false;
}

/* Room for the value of a retained topic. */
static int
plan_replay(struct plan *plan)
{
    const size_t max_size = ringbus__retain_size(plan->topic);

    if (max_size == 0)
        return RINGBUS_OK;
    plan->replay = ringbus__replay_make(plan->registration, max_size);
    return plan->replay != NULL ? RINGBUS_OK : RINGBUS_ENOMEM;
}

/* By its name. */
static int
prepare_one(struct ringbus_consumer *consumer, const char *name, struct plan **plans)
{
    struct plan *plan = add_plan(consumer->bus, plans);
    int outcome = RINGBUS_ENOMEM;

    if (plan == NULL)
        return RINGBUS_ENOMEM;
    outcome = ringbus__topic_acquire(consumer->bus, name, &plan->topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    plan->holds_topic = true;
    if (is_planned(plan->next, plan->topic))
        return RINGBUS_EEXIST;
    outcome = fill_plan(plan, consumer);
    if (plan->existing != NULL && plan->existing->is_exact)
        return RINGBUS_EEXIST;
    if (outcome == RINGBUS_OK)
        outcome = ringbus__cell_acquire(consumer->group, plan->topic);
    plan->has_cell = outcome == RINGBUS_OK;
    return outcome == RINGBUS_OK && plan->existing == NULL ? plan_replay(plan) : outcome;
}

static int
prepare(
    struct ringbus_consumer *consumer, const char *const *names, size_t count, struct plan **plans)
{
    int outcome = RINGBUS_OK;

    for (size_t i = 0; i < count && outcome == RINGBUS_OK; i++)
        outcome = prepare_one(consumer, names[i], plans);
    return outcome;
}

struct registration *
ringbus__plan_apply(struct plan *plan)
{
    struct registration *registration = plan->registration;
    struct ringbus_topic *topic = plan->topic;
    struct ringbus_group *group = NULL;

    if (plan->existing != NULL)
        return plan->existing;
    group = registration->consumer->group;
    ringbus__topic_reopen(topic);
    link_registration(registration);
    ringbus__match_replace(topic, group, plan->set);
    topic->ever_routed |= group->bit;
    /* TABLE release: the set, and the group, are there before a post is routed to them. */
    store_u64(&topic->route, load_u64(&topic->route, ORDER_OWN) | group->bit, ORDER_TABLE_RELEASE);
    store_u32(&topic->consumers, load_u32(&topic->consumers, ORDER_OWN) + 1, ORDER_COUNT);
    registration->is_counted = true;
    (void)ringbus__window_decide(&registration->from, WINDOW_OPENS, group);
    plan->registration = NULL;
    plan->set = NULL;
    return registration;
}

void
ringbus__registration_begin(struct registration *registration, struct match_set *set)
{
    struct ringbus_topic *topic = registration->topic;

    link_registration(registration);
    store_ptr(&set->members[set->count++], registration, ORDER_OWN);
    set->live = set->count;
    store_u32(&topic->consumers, load_u32(&topic->consumers, ORDER_OWN) + 1, ORDER_COUNT);
    registration->is_counted = true;
    /* OWN: the topic has no event yet. */
    store_i64(&registration->from, 0, ORDER_OWN);
}

/* The claim lock of a retained topic: retain.h I2. */
static void
apply(struct plan *plan)
{
    struct ringbus_topic *topic = plan->topic;
    struct registration *registration = NULL;

    if (plan->replay != NULL)
        lock_acquire(&topic->claim_lock);
    registration = ringbus__plan_apply(plan);
    plan->has_value = plan->replay != NULL && ringbus__retain_replay(registration, plan->replay);
    if (plan->replay != NULL)
        lock_release(&topic->claim_lock);
    registration->is_exact = true;
    plan->holds_topic = false;
}

/* Registered, no lock held: somebody has to deliver the replays. */
static void
hand_over(struct ringbus_group *group, struct plan *plans)
{
    bool has_value = false;

    for (; plans != NULL; plans = plans->next) {
        has_value = has_value || plans->has_value;
        if (plans->has_value && group->ring == NULL) {
            ringbus__caller_queue_replay(plans->replay);
            plans->replay = NULL;
        }
    }
    if (has_value)
        ringbus__group_call(group);
}

static int
prepare_and_apply(struct ringbus_consumer *consumer, const char *const *names, size_t count)
{
    struct ringbus_bus *bus = consumer->bus;
    struct plan *plans = NULL;
    int outcome = RINGBUS_ESHUTDOWN;

    lock_acquire(&bus->lock);
    if (ringbus__consumer_is_open(consumer))
        outcome = prepare(consumer, names, count, &plans);
    for (struct plan *plan = plans; plan != NULL && outcome == RINGBUS_OK; plan = plan->next)
        apply(plan);
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
    hand_over(consumer->group, plans);
    ringbus__plan_undo(bus, plans);
    return outcome;
}

static int
register_topics(struct ringbus_consumer *consumer, const char *const *names, size_t count)
{
    bool is_outermost = false;
    int outcome = RINGBUS_OK;

    if (consumer->group->ring != NULL)
        return prepare_and_apply(consumer, names, count);
    outcome = ringbus__caller_begin_replays(consumer->bus, &is_outermost);
    if (outcome != RINGBUS_OK)
        return outcome;
    outcome = prepare_and_apply(consumer, names, count);
    ringbus__caller_end_replays(is_outermost);
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

static void
end_registration(struct registration *registration)
{
    struct ringbus_topic *topic = registration->topic;
    const bool is_exact = registration->is_exact;

    unlink_registration(registration);
    ringbus__registration_leave(registration);
    ringbus__replay_drop(registration);
    ringbus__report_registration(registration);
    /* HINT: who calls announces that first, and looks at `until` after a barrier (consumer.h I2). */
    store_i64(&registration->until, INT64_MIN, ORDER_HINT);
    ringbus__match_remove(registration);
    ringbus__cell_release(registration->consumer->group, topic);
    if (is_exact)
        ringbus__topic_release(topic);
}

void
ringbus__registration_lose_pattern(struct registration *registration)
{
    if (--registration->pattern_count == 0 && !registration->is_exact)
        end_registration(registration);
}

/* One of the topic's sets, with its registrations. */
static void
end_set(struct ringbus_topic *topic, struct ringbus_group *group)
{
    struct match_set *set = load_ptr(&topic->parts[group->index].set, ORDER_OWN);

    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        struct registration *registration = load_ptr(&set->members[i], ORDER_OWN);

        if (registration == NULL)
            continue;
        unlink_registration(registration);
        ringbus__report_registration(registration);
        ringbus__retire(topic->bus, &registration->retired, sizeof *registration);
    }
    if (set != NULL)
        ringbus__match_replace(topic, group, NULL);
}

void
ringbus__registration_end_topic(struct ringbus_topic *topic)
{
    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1)
        end_set(topic, ringbus__group_at(topic->bus, (uint32_t)__builtin_ctzll(left)));
}

void
ringbus__registration_end_all(struct ringbus_consumer *consumer, enum ringbus_how how)
{
    struct registration *at = NULL;

    ringbus__pattern_end_all(consumer);
    if (how == RINGBUS_DISCARD) {
        while (consumer->registrations != NULL)
            end_registration(consumer->registrations);
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

/* Under the bus lock: what the consumer has by this very name. */
static int
end_exact(struct ringbus_consumer *consumer, const char *name)
{
    struct registration *found = NULL;
    struct ringbus_topic *topic = NULL;
    bool is_exact = false;

    if (ringbus__topic_find(consumer->bus, name, &topic) != RINGBUS_OK || topic == NULL)
        return RINGBUS_ENOENT; /* a retired one has none */
    found = find_registration(consumer, topic);
    is_exact = found != NULL && found->is_exact;
    if (is_exact && found->pattern_count == 0) {
        end_registration(found);
    } else if (is_exact) {
        found->is_exact = false;
        ringbus__replay_drop(found); /* patterns replay nothing */
        /* OWN: the bus lock. A bus that ends names all that is left of it in one. */
        if (load_u32(&consumer->bus->state, ORDER_OWN) == BUS_OPEN)
            ringbus__report_registration(found);
        ringbus__topic_release(topic);
    }
    ringbus__topic_release(topic);
    return is_exact ? RINGBUS_OK : RINGBUS_ENOENT;
}

static int
end_everything(struct ringbus_consumer *consumer)
{
    if (consumer->registrations == NULL && consumer->patterns == NULL)
        return RINGBUS_ENOENT;
    ringbus__registration_end_all(consumer, RINGBUS_DISCARD);
    return RINGBUS_OK;
}

int
ringbus_unregister_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic)
{
    struct row *rows = NULL;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    outcome = topic != NULL ? end_exact(consumer, topic) : end_everything(consumer);
    ringbus__retire_sweep(bus);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    ringbus__report_tell(bus, rows);
    ringbus__bus_dropped(bus);
    return outcome;
}

int
ringbus_is_subscribed(
    struct ringbus_bus *bus, const struct ringbus_consumer *consumer, const char *topic)
{
    const struct registration *registration = NULL;
    struct ringbus_topic *found = NULL;
    bool is_subscribed = false;

    assert(bus_is_live(bus) && consumer_is_live(consumer));
    if (bus == NULL || consumer == NULL || consumer->bus != bus || topic == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    if (ringbus__topic_find(bus, topic, &found) == RINGBUS_OK) {
        registration = found != NULL ? find_registration(consumer, found) : NULL;
        is_subscribed = found != NULL ? registration != NULL && registration->is_counted
                                      : ringbus__pattern_is_wanted(consumer, topic);
    }
    if (found != NULL)
        ringbus__topic_release(found);
    lock_release(&bus->lock);
    return is_subscribed;
}
