/* consumer.c - consumers are opened, registered, unregistered and closed.
 *
 * Registering prepares everything that can fail, then changes everything, in an order that makes the window exact
 * (match.h I3): the set, the route, the cut that reads the first sequence, the window.
 * Source: the verbs are geeteventbus's; what they promise is DESIGN's window of sequences. */
#include "bus/consumer.h"

#include "base/options.h"
#include "bus/group.h"
#include "bus/post.h"
#include "bus/topic.h"

/* ---- open ---- */

static int
read_options(struct ringbus_bus *bus, const struct ringbus_consumer_options *given,
    struct ringbus_consumer_options *ret_options)
{
    *ret_options = ringbus_consumer_options_default();
    if (ringbus__options_read(ret_options, sizeof *ret_options, sizeof *ret_options, given) != 0)
        return RINGBUS_EINVAL;
    if (ret_options->group == NULL)
        ret_options->group = bus->default_group;
    if (ret_options->group->bus != bus || ret_options->thread_safe > 1 ||
        ret_options->reserved != 0)
        return RINGBUS_EINVAL;
    return RINGBUS_OK;
}

static void
link_consumer(struct ringbus_consumer **list, struct ringbus_consumer *consumer)
{
    consumer->previous = NULL;
    consumer->next = *list;
    if (*list != NULL)
        (*list)->previous = consumer;
    *list = consumer;
}

static void
unlink_consumer(struct ringbus_consumer **list, struct ringbus_consumer *consumer)
{
    if (consumer->previous != NULL)
        consumer->previous->next = consumer->next;
    else
        *list = consumer->next;
    if (consumer->next != NULL)
        consumer->next->previous = consumer->previous;
}

/* Under the bus lock: it is not being closed, and its group is open, in the same life as when the consumer was. */
static bool
accepts_registrations(const struct ringbus_consumer *consumer)
{
    return !load_u32(&consumer->is_closing, ORDER_OWN) &&
           load_u32(&consumer->bus->state, ORDER_STATE_ACQUIRE) == BUS_OPEN &&
           consumer->group->state == GROUP_OPEN && consumer->group->life == consumer->life;
}

int
ringbus_consumer_open(struct ringbus_bus *bus, ringbus_handler handler, void *context,
    const struct ringbus_consumer_options *given, struct ringbus_consumer **ret_consumer)
{
    struct ringbus_consumer_options options;
    struct ringbus_consumer *consumer = NULL;
    int outcome = RINGBUS_OK;

    if (bus == NULL || handler == NULL || ret_consumer == NULL ||
        read_options(bus, given, &options) != 0)
        return RINGBUS_EINVAL;
    consumer = ringbus__alloc(&bus->allocator, sizeof *consumer, CPU_LINE);
    if (consumer == NULL)
        return RINGBUS_ENOMEM;
    consumer->handler = handler;
    consumer->context = context;
    consumer->batch_end = options.batch_end;
    consumer->destroy = options.destroy;
    consumer->is_thread_safe = options.thread_safe != 0;
    consumer->bus = bus;
    consumer->group = options.group;
    lock_acquire(&bus->lock);
    consumer->life = options.group->life;
    if (!accepts_registrations(consumer))
        outcome = RINGBUS_ESHUTDOWN;
    else if (!ringbus__bus_name(consumer->name, options.name, "consumer", bus->consumer_number + 1))
        outcome = RINGBUS_EINVAL;
    else
        link_consumer(&bus->consumers, consumer);
    bus->consumer_number += outcome == RINGBUS_OK;
    lock_release(&bus->lock);
    if (outcome == RINGBUS_OK)
        *ret_consumer = consumer;
    else
        ringbus__release(&bus->allocator, consumer, sizeof *consumer);
    return outcome;
}

void *
ringbus_consumer_context(const struct ringbus_consumer *consumer)
{
    return consumer ? consumer->context : NULL;
}

const char *
ringbus_consumer_name(const struct ringbus_consumer *consumer)
{
    return consumer ? consumer->name : NULL;
}

/* ---- register ---- */

/* What one topic of a registration needs before anything is changed. */
struct plan {
    struct registration *registration;
    struct match_set *set;
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
    store_i64(&registration->from, INT64_MAX, ORDER_OWN);
    store_i64(&registration->until, INT64_MAX, ORDER_OWN);
    outcome = ringbus__topic_acquire(bus, name, &registration->topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (find_registration(consumer, registration->topic) ||
        is_planned(earlier, registration->topic))
        return RINGBUS_EEXIST;
    plan->set = ringbus__match_prepare(registration->topic, consumer->group, registration);
    return plan->set != NULL ? RINGBUS_OK : RINGBUS_ENOMEM;
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
    store_i64(&registration->from, ringbus__group_cut(group), ORDER_HINT);
}

static int
register_topics(struct ringbus_consumer *consumer, const char *const *names, size_t count)
{
    struct ringbus_bus *bus = consumer->bus;
    struct plan *plans = NULL, *plan = NULL;
    int outcome = RINGBUS_ESHUTDOWN;

    lock_acquire(&bus->lock);
    if (accepts_registrations(consumer))
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
    if (bus == NULL || consumer == NULL || consumer->bus != bus || topics == NULL || count == 0)
        return RINGBUS_EINVAL;
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
    /* HINT: who calls announces that first, and looks at `until` after a barrier (consumer.h I2). */
    store_i64(&registration->until, INT64_MIN, ORDER_HINT);
    ringbus__match_remove(registration);
    ringbus__topic_release(topic);
}

void
ringbus__consumer_unregister_all(struct ringbus_consumer *consumer, enum ringbus_how how)
{
    struct registration *at = NULL;

    if (how == RINGBUS_DISCARD) {
        while ((at = consumer->registrations) != NULL) {
            consumer->registrations = at->next;
            end_registration(at);
        }
        return;
    }
    for (at = consumer->registrations; at != NULL; at = at->next)
        ringbus__registration_leave(at);
    consumer->close_at = ringbus__group_cut(consumer->group);
    consumer->close_tag = ringbus__record_retire();
    for (at = consumer->registrations; at != NULL; at = at->next)
        store_i64(&at->until, consumer->close_at, ORDER_HINT);
}

int
ringbus_unregister_consumer(
    struct ringbus_bus *bus, struct ringbus_consumer *consumer, const char *topic)
{
    struct registration **at = NULL, *found = NULL;
    int outcome = RINGBUS_OK;

    if (bus == NULL || consumer == NULL || consumer->bus != bus)
        return RINGBUS_EINVAL;
    lock_acquire(&bus->lock);
    at = &consumer->registrations;
    while (topic != NULL && *at != NULL && strcmp((*at)->topic->name, topic) != 0)
        at = &(*at)->next;
    if (*at == NULL) {
        outcome = RINGBUS_ENOENT;
    } else if (topic == NULL) {
        ringbus__consumer_unregister_all(consumer, RINGBUS_DISCARD);
    } else {
        found = *at;
        *at = found->next;
        end_registration(found);
    }
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
    return outcome;
}

int
ringbus_is_subscribed(
    struct ringbus_bus *bus, const struct ringbus_consumer *consumer, const char *topic)
{
    const struct registration *at = NULL;

    if (bus == NULL || consumer == NULL || consumer->bus != bus || topic == NULL)
        return RINGBUS_EINVAL;
    lock_acquire(&bus->lock);
    at = consumer->registrations;
    while (at != NULL && (!at->is_counted || strcmp(at->topic->name, topic) != 0))
        at = at->next;
    lock_release(&bus->lock);
    return at != NULL;
}

/* ---- close ---- */

static bool
is_drained(struct ringbus_consumer *consumer)
{
    if (consumer->close_tag == 0) /* discard */
        return true;
    if (consumer->group->ring == NULL)
        return ringbus__caller_has_passed(consumer->bus, consumer->close_tag);
    return ringbus__group_position(consumer->group) + 1 >= consumer->close_at;
}

bool
ringbus__consumer_is_finished(struct ringbus_consumer *consumer)
{
    /* In this order: a call that is over has left its mark in batch_due. */
    return is_drained(consumer) && !ringbus__record_is_called(consumer) &&
           load_u32(&consumer->batch_due, ORDER_CALL_ACQUIRE) == 0;
}

/* Under the bus lock, for one that is finished: nothing points to it any more. */
static void
forget(struct ringbus_consumer *consumer)
{
    unlink_consumer(&consumer->bus->closing, consumer);
    ringbus__consumer_unregister_all(consumer, RINGBUS_DISCARD);
    consumer->next = NULL;
}

struct ringbus_consumer *
ringbus__consumer_take_finished(struct ringbus_bus *bus)
{
    struct ringbus_consumer *taken = NULL, *next = NULL;

    for (struct ringbus_consumer *at = bus->closing; at != NULL; at = next) {
        next = at->next;
        if (at->is_awaited || !ringbus__consumer_is_finished(at))
            continue;
        forget(at);
        at->next = taken;
        taken = at;
    }
    return taken;
}

void
ringbus__consumer_destroy(struct ringbus_bus *bus, struct ringbus_consumer *list)
{
    while (list != NULL) {
        struct ringbus_consumer *consumer = list;

        list = consumer->next;
        bus_enter_hook();
        if (consumer->destroy != NULL)
            consumer->destroy(consumer->context);
        bus_leave_hook();
        lock_acquire(&bus->lock);
        ringbus__retire(bus, &consumer->retired, sizeof *consumer);
        ringbus__retire_sweep(bus);
        lock_release(&bus->lock);
    }
}

static bool
is_finished(struct ringbus_bus *bus, void *what)
{
    (void)bus;
    return ringbus__consumer_is_finished(what);
}

int
ringbus_consumer_close(struct ringbus_consumer *consumer, enum ringbus_how how)
{
    const bool will_wait = !ringbus__bus_must_not_wait();
    struct ringbus_bus *bus = NULL;
    bool is_finished_now = false;

    if (consumer == NULL || (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD))
        return RINGBUS_EINVAL;
    bus = consumer->bus;
    ringbus__bus_watch(bus); /* until it is finished */
    lock_acquire(&bus->lock);
    if (load_u32(&consumer->is_closing, ORDER_OWN)) {
        lock_release(&bus->lock);
        ringbus__bus_unwatch(bus);
        return RINGBUS_EBUSY;
    }
    unlink_consumer(&bus->consumers, consumer);
    link_consumer(&bus->closing, consumer);
    if (consumer->life != consumer->group->life || consumer->group->state == GROUP_ENDED)
        how = RINGBUS_DISCARD; /* its group has ended: it holds nothing of the new life's events */
    ringbus__consumer_unregister_all(consumer, how);
    store_u32(&consumer->is_closing, 1, ORDER_HINT);
    consumer->is_awaited = will_wait;
    is_finished_now = ringbus__consumer_is_finished(consumer);
    if (is_finished_now)
        forget(consumer);
    lock_release(&bus->lock);
    if (!is_finished_now && !will_wait)
        return RINGBUS_PENDING;
    if (!is_finished_now) {
        ringbus__bus_wait(bus, is_finished, consumer, RINGBUS_FOREVER);
        lock_acquire(&bus->lock);
        forget(consumer);
        lock_release(&bus->lock);
    }
    ringbus__bus_unwatch(bus);
    ringbus__consumer_destroy(bus, consumer);
    return RINGBUS_OK;
}

void
ringbus__consumer_fini(struct ringbus_bus *bus)
{
    struct ringbus_consumer *consumer = NULL;

    while ((consumer = bus->consumers) != NULL) {
        lock_acquire(&bus->lock);
        unlink_consumer(&bus->consumers, consumer);
        ringbus__consumer_unregister_all(consumer, RINGBUS_DISCARD);
        lock_release(&bus->lock);
        consumer->next = NULL;
        ringbus__consumer_destroy(bus, consumer);
    }
}
