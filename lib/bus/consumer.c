/* consumer.c - consumers are opened, get their place in a group, and are closed.
 *
 * Source: `after` is the disruptor's, by the names of consumers instead of barriers. */
#include "bus/consumer.h"

#include "base/options.h"
#include "bus/group.h"
#include "bus/post/post.h"
#include "bus/registration.h"
#include "bus/shutdown.h"
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
    assert(group_is_live(ret_options->group));
    if (ret_options->group->bus != bus || ret_options->thread_safe > 1 ||
        (ret_options->after_count > 0 &&
            (ret_options->after == NULL || ret_options->group->overflow != RINGBUS_LOSSLESS)))
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

bool
ringbus__consumer_is_open(const struct ringbus_consumer *consumer)
{
    return !load_u32(&consumer->is_closing, ORDER_OWN) && !consumer->is_exhausted &&
           load_u32(&consumer->bus->state, ORDER_STATE_ACQUIRE) == BUS_OPEN &&
           consumer->group->state == GROUP_OPEN && !group_is_broken(consumer->group) &&
           consumer->group->life == consumer->life;
}

static size_t
consumer_size(uint32_t part_count)
{
    return sizeof(struct ringbus_consumer) + part_count * sizeof(struct consumer_part);
}

/* Of a long one the end: it has the line's number. */
static void
copy_where(struct ringbus_consumer *consumer, const char *where)
{
    const size_t length = strlen(where);
    const size_t kept = length < CONSUMER_MAX_WHERE ? length : CONSUMER_MAX_WHERE;

    memcpy(consumer->where, where + length - kept, kept + 1);
}

/* Nothing of the group is changed yet: place does that. */
static struct ringbus_consumer *
make(struct ringbus_bus *bus, ringbus_handler handler, void *context,
    const struct ringbus_consumer_options *options)
{
    const uint32_t lanes = options->group->lane_count;
    const uint32_t part_count = options->thread_safe ? lanes : 1;
    struct ringbus_consumer *consumer =
        ringbus__alloc(&bus->allocator, consumer_size(part_count), CPU_LINE);

    if (consumer == NULL)
        return NULL;
    consumer->magic = MAGIC_CONSUMER;
    consumer->handler = handler;
    consumer->context = context;
    consumer->batch_end = options->batch_end;
    consumer->destroy = options->destroy;
    consumer->filter = options->filter;
    consumer->is_thread_safe = options->thread_safe != 0;
    consumer->is_counted_out = options->max_deliveries > 0;
    store_u64(&consumer->calls_left, options->max_deliveries, ORDER_OWN);
    consumer->bus = bus;
    consumer->group = options->group;
    consumer->part_count = part_count;
    if (options->where != NULL)
        copy_where(consumer, options->where);
    for (uint32_t i = 0; i < part_count; i++)
        consumer->parts[i].consumer = consumer;
    return consumer;
}

/* ---- its place in the group; all under the bus lock ---- */

/* Marks that nobody holds. */
static uint32_t
free_marks(const struct ringbus_group *group)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MAX_MARKS; i++)
        count += group->mark_holders[i] == 0;
    return count;
}

static int
check_after(const struct ringbus_consumer *consumer, const struct ringbus_consumer_options *options)
{
    uint32_t needed = 0;

    for (uint32_t i = 0; i < options->after_count; i++) {
        const struct ringbus_consumer *before = options->after[i];
        bool is_twice = false;

        if (before == NULL || before->group != consumer->group || before->life != consumer->life ||
            load_u32(&before->is_closing, ORDER_OWN))
            return RINGBUS_EINVAL;
        for (uint32_t j = 0; j < i; j++)
            is_twice = is_twice || options->after[j] == before;
        needed += load_u32(&before->own_mark, ORDER_OWN) == 0 && !is_twice;
    }
    return needed <= free_marks(consumer->group) ? RINGBUS_OK : RINGBUS_ENOSPC;
}

static uint32_t
mark_of(struct ringbus_consumer *before)
{
    struct ringbus_group *group = before->group;
    uint32_t index = 0;

    if (load_u32(&before->own_mark, ORDER_OWN) == 0) {
        while (group->mark_holders[index] > 0)
            index++;
        /* HINT: whoever looks at the mark registers after this. */
        store_u32(&before->own_mark, UINT32_C(1) << index, ORDER_HINT);
        group->mark_holders[index]++;
    }
    return load_u32(&before->own_mark, ORDER_OWN);
}

static uint32_t
choose_home(const struct ringbus_consumer *consumer)
{
    const struct ringbus_group *group = consumer->group;
    uint32_t least = 0;

    if (consumer->is_thread_safe && group->lane_count > 1)
        return LANE_ANY;
    for (uint32_t i = 1; i < group->lane_count; i++)
        if (group->homed[i] < group->homed[least])
            least = i;
    return least;
}

/* Its stage, lane and marks. */
static int
place(struct ringbus_consumer *consumer, const struct ringbus_consumer_options *options)
{
    struct ringbus_group *group = consumer->group;
    const int outcome = check_after(consumer, options);

    if (outcome != RINGBUS_OK)
        return outcome;
    for (uint32_t i = 0; i < options->after_count; i++)
        if (options->after[i]->stage >= consumer->stage)
            consumer->stage = options->after[i]->stage + 1;
    assert(consumer->stage < MAX_STAGES); /* check_after has found marks */
    if (!ringbus__board_add_stage(group, consumer->stage))
        return RINGBUS_ENOMEM;
    for (uint32_t i = 0; i < options->after_count; i++)
        consumer->after_marks |= mark_of(options->after[i]) | options->after[i]->after_marks;
    for (uint32_t left = consumer->after_marks; left != 0; left &= left - 1)
        group->mark_holders[__builtin_ctz(left)]++;
    consumer->home = choose_home(consumer);
    if (consumer->home == LANE_ANY)
        ringbus__board_share(group, consumer->stage);
    else
        group->homed[consumer->home]++;
    consumer->is_plain = consumer->filter == NULL && consumer->batch_end == NULL &&
                         !consumer->is_counted_out && consumer->after_marks == 0 &&
                         consumer->part_count == 1;
    return RINGBUS_OK;
}

/* It is over: others may have its marks. In a later life of the group it has none. */
static void
leave_place(const struct ringbus_consumer *consumer)
{
    struct ringbus_group *group = consumer->group;
    uint32_t marks = consumer->after_marks;

    if (consumer->life != group->life)
        return;
    for (; marks != 0; marks &= marks - 1)
        group->mark_holders[__builtin_ctz(marks)]--;
    if (load_u32(&consumer->own_mark, ORDER_OWN) != 0)
        group->mark_holders[__builtin_ctz(load_u32(&consumer->own_mark, ORDER_OWN))]--;
    if (consumer->home != LANE_ANY)
        group->homed[consumer->home]--;
}

/* ---- open ---- */

int
ringbus_consumer_open(struct ringbus_bus *bus, ringbus_handler handler, void *context,
    const struct ringbus_consumer_options *given, struct ringbus_consumer **ret_consumer)
{
    struct ringbus_consumer_options options;
    struct ringbus_consumer *consumer = NULL;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || handler == NULL || ret_consumer == NULL ||
        read_options(bus, given, &options) != 0)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    consumer = make(bus, handler, context, &options);
    if (consumer == NULL)
        return RINGBUS_ENOMEM;
    lock_acquire(&bus->lock);
    assert(!options.group->is_given_back);
    consumer->life = options.group->life;
    if (!ringbus__consumer_is_open(consumer))
        outcome = RINGBUS_ESHUTDOWN;
    else if (!ringbus__bus_name(consumer->name, options.name, "consumer", bus->consumer_number + 1))
        outcome = RINGBUS_EINVAL;
    else
        outcome = place(consumer, &options);
    if (outcome == RINGBUS_OK)
        link_consumer(&bus->consumers, consumer);
    consumer->number = bus->consumer_number;
    bus->consumer_number += outcome == RINGBUS_OK;
    lock_release(&bus->lock);
    if (outcome == RINGBUS_OK)
        *ret_consumer = consumer;
    else
        ringbus__release(&bus->allocator, consumer, consumer_size(consumer->part_count));
    return outcome;
}

uint64_t
ringbus__consumer_sum(const struct ringbus_consumer *consumer, size_t figure)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < consumer->part_count; i++) {
        const char *part = (const char *)&consumer->parts[i];

        sum += load_u64((const struct atomic_u64 *)(const void *)(part + figure), ORDER_COUNT);
    }
    return sum;
}

uint64_t
ringbus__consumer_delivered(const struct ringbus_consumer *consumer)
{
    return ringbus__consumer_sum(consumer, offsetof(struct consumer_part, delivered)) +
           load_u64(&consumer->first_delivered, ORDER_COUNT);
}

static uint64_t
calls_of(const struct ringbus_consumer *list, const struct ringbus_group *group)
{
    uint64_t calls = 0;

    for (; list != NULL; list = list->next)
        if (list->group == group && list->life == group->life)
            calls += ringbus__consumer_delivered(list);
    return calls;
}

uint64_t
ringbus__consumer_calls_in(const struct ringbus_group *group)
{
    return load_u64(&group->delivered, ORDER_COUNT) + calls_of(group->bus->consumers, group) +
           calls_of(group->bus->closing, group);
}

void *
ringbus_consumer_context(const struct ringbus_consumer *consumer)
{
    assert(consumer_is_live(consumer));
    return consumer ? consumer->context : NULL;
}

const char *
ringbus_consumer_name(const struct ringbus_consumer *consumer)
{
    assert(consumer_is_live(consumer));
    return consumer ? consumer->name : NULL;
}

void
ringbus__consumer_exhaust(struct ringbus_consumer *consumer)
{
    struct ringbus_bus *bus = consumer->bus;

    lock_acquire(&bus->lock);
    consumer->is_exhausted = true;
    ringbus__registration_end_all(consumer, RINGBUS_DISCARD);
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
}

/* ---- close ---- */

static bool
is_drained(struct ringbus_consumer *consumer)
{
    if (consumer->close_tag == 0) /* discard */
        return true;
    if (ringbus__replay_is_owed(consumer))
        return false;
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
    struct ringbus_group *group = consumer->group;

    unlink_consumer(&consumer->bus->closing, consumer);
    ringbus__registration_end_all(consumer, RINGBUS_DISCARD);
    leave_place(consumer);
    if (consumer->life == group->life)
        count_u64(&group->delivered, ringbus__consumer_delivered(consumer));
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
        consumer->magic = MAGIC_GONE;
        ringbus__retire(bus, &consumer->retired, consumer_size(consumer->part_count));
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

/* Wait until it is finished. False: there is nothing to step, and whoever settles will finish it. */
static bool
await_finish(struct ringbus_consumer *consumer)
{
    struct ringbus_bus *bus = consumer->bus;
    const int outcome = ringbus__bus_wait(bus, is_finished, consumer, RINGBUS_FOREVER);
    struct row *rows = NULL;

    lock_acquire(&bus->lock);
    consumer->is_awaited = false;
    if (outcome == RINGBUS_OK)
        forget(consumer);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    ringbus__report_tell(bus, rows);
    if (outcome != RINGBUS_OK)
        ringbus__bus_settle(bus);
    return outcome == RINGBUS_OK;
}

int
ringbus_consumer_close(struct ringbus_consumer *consumer, enum ringbus_how how)
{
    const bool will_wait = !ringbus__bus_must_not_wait();
    struct ringbus_bus *bus = NULL;
    struct row *rows = NULL;
    bool is_finished_now = false;

    assert(consumer_is_live(consumer));
    if (consumer == NULL || (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD))
        return RINGBUS_EINVAL;
    bus = consumer->bus;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
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
    ringbus__registration_end_all(consumer, how);
    store_u32(&consumer->is_closing, 1, ORDER_HINT);
    consumer->is_awaited = will_wait;
    is_finished_now = ringbus__consumer_is_finished(consumer);
    if (is_finished_now)
        forget(consumer);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    ringbus__report_tell(bus, rows);
    ringbus__bus_dropped(bus);
    if (!is_finished_now && (!will_wait || !await_finish(consumer)))
        return RINGBUS_PENDING;
    ringbus__bus_unwatch(bus);
    ringbus__consumer_destroy(bus, consumer);
    return RINGBUS_OK;
}

void
ringbus__consumer_fini(struct ringbus_bus *bus)
{
    struct ringbus_consumer *consumer = NULL;

    while ((consumer = bus->consumers) != NULL) {
        struct row *rows = NULL;

        lock_acquire(&bus->lock);
        unlink_consumer(&bus->consumers, consumer);
        ringbus__registration_end_all(consumer, RINGBUS_DISCARD);
        rows = ringbus__report_take(bus); /* that found no memory before */
        lock_release(&bus->lock);
        ringbus__report_tell(bus, rows);
        consumer->next = NULL;
        ringbus__consumer_destroy(bus, consumer);
    }
}
