/* shutdown.c - flush, drain, discard, and who was left with what.
 *
 * I1  from the moment all lines are restricted only handlers of this bus can post
 * I2  the bus is quiet when no thread delivers a post itself, and then two looks at all rings find each of them
 *     finished, with the same `next` both times: between the looks nothing was under way anywhere, so nothing can
 *     come any more. The last executor to commit looks after its commit, under the lock, and sees all others
 * Source: double collect (Afek et al., 1993) as termination detection; LMAX#517 and geeteventbus's inverted flush are
 * what it is measured against. */
#include "bus/shutdown.h"

#include "bus/consumer.h"
#include "bus/figures/pending.h"
#include "bus/group.h"
#include "bus/post/post.h"
#include "bus/topic.h"

/* ---- quiet ---- */

static bool
is_idle(const struct ringbus_bus *bus, int64_t next[BUS_MAX_GROUPS])
{
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        const struct ringbus_group *group = ringbus__group_at(bus, i);
        const int64_t position = group ? ringbus__group_position(group) : 0;

        if (group != NULL && group_has_replays(group))
            return false;
        if (group == NULL || group->ring == NULL)
            continue;
        next[i] = ringbus__group_next(group);
        if (position != next[i] - 1)
            return false;
    }
    return true;
}

static bool
is_quiet(struct ringbus_bus *bus)
{
    int64_t first[BUS_MAX_GROUPS] = {0}, second[BUS_MAX_GROUPS] = {0};

    return !ringbus__caller_is_busy(bus) && is_idle(bus, first) && is_idle(bus, second) &&
           memcmp(first, second, sizeof first) == 0;
}

bool
ringbus__shutdown_settle(struct ringbus_bus *bus)
{
    if (load_u32(&bus->state, ORDER_OWN) != BUS_ENDING || !is_quiet(bus))
        return false;
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        const struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group != NULL && group->ring != NULL)
            ringbus_ring_end(group->ring);
    }
    store_u32(&bus->state, BUS_QUIET, ORDER_STATE_RELEASE);
    ringbus__report_collect(bus, NULL); /* what was discarded */
    return true;
}

void
ringbus__shutdown_complete(struct ringbus_bus *bus)
{
    bus_enter_hook();
    if (bus->options.on_shutdown != NULL)
        bus->options.on_shutdown(bus, bus->options.hook_context);
    bus_leave_hook();
    lock_acquire(&bus->lock);
    store_u32(&bus->state, BUS_ENDED, ORDER_STATE_RELEASE);
    ringbus__loop_notify(bus);
    lock_release(&bus->lock);
    ringbus__bus_unwatch(bus);
    signal_raise(&bus->changed);
}

/* ---- who was left with what ---- */

struct row {
    struct row *next;
    size_t size;
    struct ringbus_undelivered undelivered;
    char names[]; /* the topic's, the consumer's, the group's */
};

static struct row *
make_row(const struct registration *r, uint64_t count)
{
    const struct ringbus_bus *bus = r->consumer->bus;
    const struct ringbus_group *group = r->consumer->group;
    const size_t topic = strlen(r->topic->name) + 1, consumer = strlen(r->consumer->name) + 1;
    const size_t size = sizeof(struct row) + topic + consumer + strlen(group->name) + 1;
    struct row *row = ringbus__alloc(&bus->allocator, size, sizeof(void *));

    if (row == NULL)
        return NULL;
    row->size = size;
    memcpy(row->names, r->topic->name, topic);
    memcpy(row->names + topic, r->consumer->name, consumer);
    memcpy(row->names + topic + consumer, group->name, strlen(group->name) + 1);
    row->undelivered = (struct ringbus_undelivered){
        .topic = row->names,
        .consumer = row->names + topic,
        .count = count,
        .group = row->names + topic + consumer,
        .is_paused = load_u32(&group->is_paused, ORDER_HINT),
        .kind = group->kind,
    };
    return row;
}

void
ringbus__report_registration(struct registration *r)
{
    struct ringbus_bus *bus = r->consumer->bus;
    const uint64_t discarded = load_u64(&r->discarded, ORDER_COUNT);
    const uint64_t count = r->pending + discarded - r->reported;
    struct row *row = NULL;

    r->pending = 0;
    if (count > 0 && bus->options.on_undelivered != NULL)
        row = make_row(r, count);
    if (row == NULL)
        return; /* nothing to say, or no memory to say it with */
    r->reported = discarded;
    row->next = bus->report;
    bus->report = row;
}

static void
collect_from(struct ringbus_consumer *list, const struct ringbus_group *group)
{
    for (; list != NULL; list = list->next)
        for (struct registration *r = list->registrations; r != NULL; r = r->next)
            if (group == NULL || list->group == group)
                ringbus__report_registration(r);
}

void
ringbus__report_collect(struct ringbus_bus *bus, const struct ringbus_group *group)
{
    collect_from(bus->consumers, group);
    collect_from(bus->closing, group);
}

static struct row *
take_report(struct ringbus_bus *bus)
{
    struct row *rows = bus->report;

    bus->report = NULL;
    return rows;
}

struct row *
ringbus__report_take(struct ringbus_bus *bus)
{
    return bus->reporters == 0 ? take_report(bus) : NULL;
}

void
ringbus__report_tell(struct ringbus_bus *bus, struct row *rows)
{
    while (rows != NULL) {
        struct row *row = rows;

        rows = row->next;
        bus_enter_hook();
        bus->options.on_undelivered(bus, &row->undelivered, bus->options.hook_context);
        bus_leave_hook();
        ringbus__release(&bus->allocator, row, row->size);
    }
}

void
ringbus__report_done(struct ringbus_bus *bus)
{
    struct row *rows = NULL;

    do {
        lock_acquire(&bus->lock);
        rows = take_report(bus);
        bus->reporters -= rows == NULL;
        lock_release(&bus->lock);
        ringbus__report_tell(bus, rows);
    } while (rows != NULL);
}

static void
count_all(struct ringbus_bus *bus)
{
    int64_t looks = INT64_MAX;

    if (bus->options.on_undelivered == NULL)
        return;
    lock_acquire(&bus->lock);
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group != NULL && group->ring != NULL && ringbus__group_lag(group) > 0)
            (void)ringbus__pending_count(group, &looks);
        if (group != NULL && group_has_replays(group))
            ringbus__replay_count(group);
    }
    ringbus__report_collect(bus, NULL);
    lock_release(&bus->lock);
}

/* ---- shutdown ---- */

/* Under the bus lock. */
static void
begin(struct ringbus_bus *bus, enum ringbus_how how)
{
    const bool is_first = load_u32(&bus->state, ORDER_OWN) == BUS_OPEN;

    if (is_first)
        store_u32(&bus->state, BUS_ENDING, ORDER_STATE_RELEASE);
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group == NULL)
            continue;
        if (how == RINGBUS_DISCARD)
            group_discard(group);
        if (group->ring != NULL && is_first)
            ringbus__ring_restrict(group->ring);
        ringbus__group_call(group); /* it may have been paused */
    }
    ringbus__loop_notify(bus);
}

static bool
has_ended(struct ringbus_bus *bus, void *what)
{
    (void)what;
    return load_u32(&bus->state, ORDER_OWN) == BUS_ENDED;
}

int
ringbus_shutdown(struct ringbus_bus *bus, enum ringbus_how how, int64_t deadline_ns)
{
    const bool will_wait = !ringbus__bus_must_not_wait();
    bool is_first = false;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD))
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    is_first = load_u32(&bus->state, ORDER_OWN) == BUS_OPEN;
    if (load_u32(&bus->state, ORDER_OWN) <= BUS_ENDING)
        begin(bus, how);
    bus->reporters += will_wait;
    lock_release(&bus->lock);
    if (is_first) /* raised until the shutdown is complete */
        ringbus__bus_watch(bus);
    ringbus__bus_settle(bus);
    /* STATE acquire: what led to the end is visible. */
    if (!will_wait)
        return load_u32(&bus->state, ORDER_STATE_ACQUIRE) == BUS_ENDED ? RINGBUS_OK
                                                                       : RINGBUS_PENDING;
    outcome = ringbus__bus_wait(bus, has_ended, NULL, deadline_ns);
    count_all(bus);
    ringbus__report_done(bus);
    return outcome;
}

/* ---- flush ---- */

struct targets {
    int64_t next[BUS_MAX_GROUPS];
    uint64_t replays[BUS_MAX_GROUPS];
    uint64_t tag; /* for caller groups */
};

static bool
is_flushed(struct ringbus_bus *bus, void *what)
{
    const struct targets *targets = what;

    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group == NULL)
            continue;
        if (group->ring != NULL ? ringbus__group_position(group) + 1 < targets->next[i]
                                : !ringbus__caller_has_passed(bus, targets->tag))
            return false;
        if (ringbus__replay_oldest(group) < targets->replays[i])
            return false;
    }
    return true;
}

int
ringbus_flush(struct ringbus_bus *bus, int64_t deadline_ns)
{
    struct targets targets = {.tag = 0};
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    if (ringbus__bus_must_not_wait())
        return RINGBUS_EDEADLK;
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        targets.next[i] = group ? ringbus__group_next(group) : 0;
        targets.replays[i] = group ? ringbus__replay_next(group) : 0;
    }
    targets.tag = ringbus__record_retire();
    ringbus__bus_watch(bus);
    outcome = ringbus__bus_wait(bus, is_flushed, &targets, deadline_ns);
    ringbus__bus_unwatch(bus);
    return outcome;
}
