/* group.c - groups are opened, end, and are used again; a threads group's lanes are started.
 *
 * Source: LMAX#517 (events lost when a thread had not started at shutdown): opening returns when the executor runs. */
#include "bus/group.h"

#include "base/options.h"
#include "bus/consumer.h"
#include "bus/dispatch.h"
#include "bus/executor/loop.h"
#include "bus/executor/poll.h"
#include "bus/figures/objects.h"
#include "bus/pattern/pattern.h"
#include "bus/post/post.h"
#include "bus/registration.h"
#include "bus/shutdown.h"
#include "bus/topic.h"

enum {
    DEFAULT_CAPACITY = 1024,
    DEFAULT_RESERVE = 64,
    DEFAULT_SLOT = 208,
    MAX_CAPACITY = 1 << 20,
    MAX_SLOT = 1 << 20
};

int64_t
ringbus__group_position(const struct ringbus_group *group)
{
    return group->ring ? ringbus__board_position((void *)(uintptr_t)group) : INT64_MAX - 1;
}

int64_t
ringbus__group_next(const struct ringbus_group *group)
{
    return group->ring ? ringbus__ring_next(group->ring) : 0;
}

int64_t
ringbus__group_cut(struct ringbus_group *group)
{
    /* CUT release: a post that finds the new era finds what was changed before. */
    return group->ring ? ringbus__ring_cut(group->ring)
                       : (int64_t)(add_u64(&group->era, 1, ORDER_CUT_RELEASE) + 1);
}

int64_t
ringbus__group_lag(const struct ringbus_group *group)
{
    return group->ring ? ringbus__ring_next(group->ring) - 1 - ringbus__group_position(group) -
                             (int64_t)ringbus__overflow_unfound(group)
                       : 0;
}

/* ---- executors ---- */

void
ringbus__group_reached_end(struct ringbus_group *group)
{
    lock_acquire(&group->bus->lock);
    group->lanes_at_end++;
    lock_release(&group->bus->lock);
    ringbus__bus_settle(group->bus);
}

void
ringbus__group_call(struct ringbus_group *group)
{
    for (uint32_t i = 0; group->ring != NULL && i < group->lane_count; i++)
        ringbus__reader_call(group->lanes[i].reader);
}

/* The thread has said whether it runs. */
static bool
await_start(struct lane *lane)
{
    for (;;) {
        const uint32_t key = signal_prepare(&lane->group->changed);
        /* STATE acquire: the thread has said it. */
        const uint32_t started = load_u32(&lane->started, ORDER_STATE_ACQUIRE);

        if (started != 0)
            return started == LANE_STARTED;
        signal_wait(&lane->group->changed, key, RINGBUS_FOREVER);
    }
}

static bool
start_lane(struct lane *lane)
{
    lane->thread.run = ringbus__lane_main;
    lane->thread.context = lane;
    if (lane->group->lane_count == 1)
        snprintf(lane->thread.name, sizeof lane->thread.name, "%.15s", lane->group->name);
    else
        snprintf(lane->thread.name, sizeof lane->thread.name, "%.12s/%u", lane->group->name,
            (unsigned)lane->index);
    lane->has_thread = ringbus__os.thread_start(&lane->thread) == RINGBUS_OK;
    return lane->has_thread && await_start(lane);
}

/* All of them or none. */
static int
start_lanes(struct ringbus_group *group)
{
    bool have_started = true;

    store_u32(&group->go, 0, ORDER_OWN);
    for (uint32_t i = 0; i < group->lane_count && have_started; i++)
        have_started = start_lane(&group->lanes[i]);
    /* STATE release: they find the group as it is, or leave without looking at it. */
    store_u32(&group->go, have_started ? 1 : 2, ORDER_STATE_RELEASE);
    signal_raise(&group->changed);
    if (have_started)
        return RINGBUS_OK;
    ringbus__group_join(group);
    return RINGBUS_ESYS;
}

void
ringbus__group_join(struct ringbus_group *group)
{
    for (uint32_t i = 0; i < group->lane_count; i++) {
        struct lane *lane = &group->lanes[i];

        if (lane->has_thread)
            ringbus__os.thread_join(&lane->thread);
        lane->has_thread = false;
    }
}

/* ---- open ---- */

static uint32_t
round_up(uint32_t capacity)
{
    uint32_t power = 2;

    while (power < capacity)
        power *= 2;
    return power;
}

static int
read_limits(struct ringbus_group_options *options)
{
    if (options->reserve == RINGBUS_NO_RESERVE || options->kind == RINGBUS_GROUP_CALLER)
        options->reserve = 0; /* in a caller group every post that needs room is a handler's */
    else if (options->reserve == 0)
        options->reserve = options->capacity / DEFAULT_RESERVE;
    return options->reserve < options->capacity && options->max_lag <= options->capacity &&
                   options->max_call_ns >= 0
               ? RINGBUS_OK
               : RINGBUS_EINVAL;
}

int
ringbus__group_options(const struct ringbus_group_options *given, bool is_loop,
    struct ringbus_group_options *ret_options)
{
    struct ringbus_group_options *options = ret_options;

    *options = ringbus_group_options_default();
    if (ringbus__options_read(options, sizeof *options, sizeof *options, given) != 0)
        return RINGBUS_EINVAL;
    if (is_loop)
        options->kind = RINGBUS_GROUP_LOOP;
    if (options->lanes == 0)
        options->lanes = 1;
    if (options->capacity == 0)
        options->capacity = DEFAULT_CAPACITY;
    if (options->slot_size == 0)
        options->slot_size = DEFAULT_SLOT;
    if (options->lanes > (options->kind == RINGBUS_GROUP_THREADS ? MAX_LANES : 1) ||
        (options->kind == RINGBUS_GROUP_LOOP) != is_loop || options->kind > RINGBUS_GROUP_POLLED ||
        options->capacity < 2 || options->capacity > MAX_CAPACITY ||
        options->slot_size > MAX_SLOT || options->wait >= RINGBUS_WAIT_CUSTOM ||
        !ringbus__overflow_read(options))
        return RINGBUS_EINVAL;
    options->capacity = round_up(options->capacity);
    return read_limits(options);
}

static bool
has_something(struct ringbus_reader *reader)
{
    return ringbus__lane_has_something(reader->owner);
}

struct ringbus_ring_options
ringbus__group_ring(const struct ringbus_group_options *options)
{
    struct ringbus_ring_options ring = ringbus_ring_options_default();

    ringbus__overflow_shape(options, &ring);
    ring.max_readers = options->lanes + 1; /* a report, or a visit */
    return ring;
}

/* The ring with its board and its lanes' readers, for all lives of the group; nobody can post yet. */
static int
open_ring(struct ringbus_group *group, const struct ringbus_group_options *given)
{
    struct ringbus_ring_options options = ringbus__group_ring(given);
    int outcome = RINGBUS_OK;

    options.allocator = &group->bus->allocator;
    outcome = ringbus_ring_open(&options, &group->ring);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (!ringbus__board_open(group))
        return RINGBUS_ENOMEM;
    ringbus__ring_on_scan(group->ring, ringbus__board_position, group);
    if (group->kind == RINGBUS_GROUP_LOOP || group->kind == RINGBUS_GROUP_POLLED)
        ringbus__ring_on_wake(group->ring, ringbus__loop_wake, group);
    for (uint32_t i = 0; i < group->lane_count && outcome == RINGBUS_OK; i++) {
        struct lane *lane = &group->lanes[i];

        outcome = ringbus__reader_open_idle(group->ring, has_something, lane, &lane->reader);
        if (outcome == RINGBUS_OK) /* and for publishes, too */
            lane->reader->waits_for_readers = group->lane_count > 1;
    }
    ringbus_ring_end(group->ring); /* opened again by each life */
    if (outcome == RINGBUS_OK && !ringbus__overflow_open(group))
        outcome = RINGBUS_ENOMEM;
    if (outcome == RINGBUS_OK && group->kind == RINGBUS_GROUP_POLLED)
        outcome = ringbus__poll_open(group, &group->polled);
    return outcome;
}

static int
make_group(struct ringbus_bus *bus, const struct ringbus_group_options *options, uint32_t index,
    struct ringbus_group **ret_group)
{
    struct ringbus_group *group = ringbus__alloc(&bus->allocator, sizeof *group, CPU_LINE);
    int outcome = RINGBUS_OK;

    if (group == NULL)
        return RINGBUS_ENOMEM;
    group->bus = bus;
    group->magic = MAGIC_GROUP;
    group->index = index;
    group->bit = UINT64_C(1) << index;
    group->kind = options->kind;
    group->capacity = options->capacity;
    group->slot_size = options->slot_size;
    group->lane_count = options->lanes;
    ringbus__overflow_choose(group, options->overflow);
    group->lanes =
        ringbus__alloc(&bus->allocator, group->lane_count * sizeof(struct lane), CPU_LINE);
    for (uint32_t i = 0; group->lanes != NULL && i < group->lane_count; i++) {
        group->lanes[i].group = group;
        group->lanes[i].index = i;
        group->lanes[i].range = 1;
        store_i64(&group->lanes[i].at, NO_EVENT, ORDER_OWN);
    }
    if (group->lanes == NULL)
        outcome = RINGBUS_ENOMEM;
    else if (group->kind == RINGBUS_GROUP_CALLER)
        outcome = ringbus__caller_open_pool(group) ? RINGBUS_OK : RINGBUS_ENOMEM;
    else
        outcome = open_ring(group, options);
    if (outcome == RINGBUS_OK) /* as the last: they stay with the bus */
        outcome = ringbus__reference_grow(bus, overflow_blocks(group->capacity, group->overflow));
    if (outcome == RINGBUS_OK)
        *ret_group = group;
    else
        ringbus__group_free(group);
    return outcome;
}

bool
ringbus__group_is_left(const struct ringbus_group *group)
{
    for (uint32_t i = 0; i < group->lane_count; i++)
        if (group->lanes[i].has_thread &&
            load_u32(&group->lanes[i].started, ORDER_STATE_ACQUIRE) != LANE_GONE)
            return false;
    return true;
}

/* An ended group of the same shape whose memory nobody uses any more. */
static bool
is_reusable(struct ringbus_group *group, const struct ringbus_group_options *options)
{
    bool is_unused = true;

    if (group->state != GROUP_ENDED || group->kind != options->kind ||
        group->capacity != options->capacity || group->slot_size != options->slot_size ||
        group->lane_count != options->lanes || group->overflow != options->overflow ||
        !ringbus__group_is_left(group))
        return false;
    if (group->kind == RINGBUS_GROUP_CALLER) {
        lock_acquire(&group->pool_lock);
        is_unused = group->pool_free == group->capacity;
        lock_release(&group->pool_lock);
    }
    return is_unused;
}

/* Under the bus lock: a group to be started, reserved by its state. */
static int
take_group(struct ringbus_bus *bus, const struct ringbus_group_options *options,
    struct ringbus_group **ret_group)
{
    for (uint32_t index = 0; index < bus->options.max_groups; index++) {
        struct ringbus_group *group = ringbus__group_at(bus, index);
        int outcome = RINGBUS_OK;

        if (group != NULL && !is_reusable(group, options))
            continue;
        if (group == NULL)
            outcome = make_group(bus, options, index, &group);
        if (outcome != RINGBUS_OK)
            return outcome;
        group->state = GROUP_STARTING;
        group->life++;
        /* TABLE release: the group is complete. */
        store_ptr(&bus->groups[index], group, ORDER_TABLE_RELEASE);
        *ret_group = group;
        return RINGBUS_OK;
    }
    return RINGBUS_ENOSPC;
}

/* A life that has ended before it had an executor. No lock held: a poster of a former life may need the bus lock before
 * it gives its claim back, and what such posters have left is released. */
static void
end_unread(struct ringbus_group *group)
{
    for (uint32_t i = 0; i < group->lane_count && group->ring != NULL; i++)
        ringbus__lane_skip(&group->lanes[i]);
    lock_acquire(&group->bus->lock);
    group->state = GROUP_ENDED;
    lock_release(&group->bus->lock);
    ringbus__bus_settle(group->bus); /* who looked meanwhile saw a claim */
}

static void
begin_life(struct ringbus_group *group, const struct ringbus_group_options *options)
{
    ringbus__figures_begin(group);
    group->lanes_at_end = 0;
    group->is_given_back = false;
    group->begins_at = ringbus__group_next(group);
    store_u32(&group->is_paused, 0, ORDER_HINT);
    store_u32(&group->is_broken, 0, ORDER_HINT);
    and_u32(&group->special, ~GROUP_SPECIAL, ORDER_HINT);
    memset(group->homed, 0, sizeof group->homed);
    memset(group->mark_holders, 0, sizeof group->mark_holders);
    ringbus__board_reset(group);
    store_u32(&group->reserve, options->reserve, ORDER_HINT);
    ringbus__stall_begin_life(group, options);
    ringbus__overflow_reset(group);
    for (uint32_t i = 0; i < group->lane_count && group->ring != NULL; i++)
        group->lanes[i].reader->waiter = (struct waiter){.strategy = options->wait};
    for (uint32_t i = 0; i < group->lane_count; i++) {
        store_u32(&group->lanes[i].started, 0, ORDER_OWN);
        group->lanes[i].range = 1;
    }
}

/* Under the bus lock: bring a group to life. What fails leaves one whose line has ended (end_unread). */
static int
start_group(struct ringbus_group *group, const struct ringbus_group_options *options,
    struct ringbus__loop *loop)
{
    int outcome = RINGBUS_OK;

    if (load_u32(&group->bus->state, ORDER_STATE_ACQUIRE) != BUS_OPEN)
        outcome = RINGBUS_ESHUTDOWN;
    /* TABLE release: the loop is complete. */
    if (loop != NULL)
        store_ptr(&group->loop, loop, ORDER_TABLE_RELEASE);
    store_u32(&group->is_discarding, 0, ORDER_HINT);
    ringbus__loop_forget(group);
    begin_life(group, options);
    if (outcome == RINGBUS_OK && group->ring != NULL)
        ringbus__ring_reopen(group->ring);
    if (outcome == RINGBUS_OK && group->kind == RINGBUS_GROUP_THREADS &&
        !group->bus->options.is_stepped)
        outcome = start_lanes(group);
    else if (outcome == RINGBUS_OK && group->kind == RINGBUS_GROUP_POLLED)
        outcome = ringbus__poll_begin(group->polled);
    if (outcome == RINGBUS_OK)
        group->state = GROUP_OPEN;
    else if (group->ring != NULL)
        ringbus_ring_end(group->ring);
    return outcome;
}

int
ringbus__group_make(struct ringbus_bus *bus, const struct ringbus_group_options *given,
    struct ringbus__loop *loop, struct ringbus_group **ret_group)
{
    struct ringbus_group_options options;
    struct ringbus_group *group = NULL;
    char name[BUS_MAX_NAME + 1];
    int outcome = ringbus__group_options(given, loop != NULL, &options);

    if (outcome != RINGBUS_OK)
        return outcome;
    lock_acquire(&bus->lock);
    if (!ringbus__bus_name(name, options.name, loop ? "loop" : "group", bus->group_number))
        outcome = RINGBUS_EINVAL;
    else if (load_u32(&bus->state, ORDER_STATE_ACQUIRE) != BUS_OPEN)
        outcome = RINGBUS_ESHUTDOWN;
    else
        outcome = take_group(bus, &options, &group);
    lock_release(&bus->lock);
    if (outcome != RINGBUS_OK)
        return outcome;
    ringbus__group_join(group);
    lock_acquire(&bus->lock);
    memcpy(group->name, name, sizeof name);
    outcome = start_group(group, &options, loop);
    bus->group_number += outcome == RINGBUS_OK;
    lock_release(&bus->lock);
    if (outcome == RINGBUS_OK)
        *ret_group = group;
    else
        end_unread(group);
    return outcome;
}

int
ringbus_group_open(struct ringbus_bus *bus, const struct ringbus_group_options *options,
    struct ringbus_group **ret_group)
{
    assert(bus_is_live(bus));
    if (bus == NULL || ret_group == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    return ringbus__group_make(bus, options, NULL, ret_group);
}

/* ---- pause ---- */

static int
set_paused(struct ringbus_group *group, uint32_t is_paused)
{
    int outcome = RINGBUS_OK;

    assert(group_is_live(group));
    if (group == NULL || group->kind == RINGBUS_GROUP_CALLER)
        return RINGBUS_EINVAL;
    if (bus_is_forked(group->bus))
        return RINGBUS_EFORKED;
    lock_acquire(&group->bus->lock);
    assert(!group->is_given_back);
    if (group->state == GROUP_ENDED || group_is_broken(group) ||
        load_u32(&group->bus->state, ORDER_OWN) > BUS_ENDING)
        outcome = RINGBUS_ESHUTDOWN;
    else
        store_u32(&group->is_paused, is_paused, ORDER_HINT);
    lock_release(&group->bus->lock);
    if (outcome != RINGBUS_OK || is_paused)
        return outcome;
    ringbus__group_call(group);
    return RINGBUS_OK;
}

int
ringbus_group_pause(struct ringbus_group *group)
{
    return set_paused(group, 1);
}

int
ringbus_group_resume(struct ringbus_group *group)
{
    return set_paused(group, 0);
}

void
ringbus__group_free(struct ringbus_group *group)
{
    group->magic = MAGIC_GONE;
    if (group->polled != NULL)
        ringbus__poll_free(group->polled);
    ringbus__board_free(group);
    ringbus__overflow_free(group);
    ringbus_ring_close(group->ring);
    ringbus__release(&group->bus->allocator, group->lanes, group->lane_count * sizeof(struct lane));
    if (group->kind == RINGBUS_GROUP_CALLER)
        ringbus__caller_free_pool(group);
    ringbus__release(&group->bus->allocator, group, sizeof *group);
}
