/* bus.c - a bus is opened and closed; what waits for executors, and what executors settle. */
#include "bus/bus.h"

#include "base/options.h"
#include "base/os.h"
#include "bus/consumer.h"
#include "bus/executor/exit.h"
#include "bus/executor/loop.h"
#include "bus/executor/poll.h"
#include "bus/executor/step.h"
#include "bus/figures/memory.h"
#include "bus/group.h"
#include "bus/match.h"
#include "bus/post/post.h"
#include "bus/shutdown.h"
#include "bus/topic.h"

enum {
    DEFAULT_TOPICS = 65536,
    MAX_TOPICS = 1 << 24,
    DEFAULT_TOPIC_LENGTH = 255,
    DEFAULT_CACHED_TOPICS = 1024,
    MAX_TOPIC_LENGTH = 65535,
    DEFAULT_GROUPS = 16
};

/* ---- who is this thread? ---- */

bool
ringbus__bus_must_not_wait(void)
{
    const struct record *record = record_here(&ringbus__record);

    return record->executor != NULL || record->frames != NULL || record->loops != NULL ||
           record->hooks > 0 || record->claims > 0 || ringbus__poll_is_ours();
}

int
ringbus__bus_begin_turn(void)
{
    struct record *record = record_here(&ringbus__record);

    if (record->executor != NULL || record->frames != NULL || record->hooks > 0)
        return RINGBUS_EDEADLK;
    return record->is_linked ? RINGBUS_OK : ringbus__record_link(record);
}

bool
ringbus__bus_has_pass(const struct ringbus_bus *bus)
{
    const struct lane *lane = ringbus__record.executor;

    /* In a pass: what an executor calls behind it has none. */
    return (lane != NULL && lane->group->bus == bus &&
               (lane->part != NULL || lane->replay != NULL)) ||
           ringbus__caller_inside() == bus;
}

/* ---- attention ---- */

void
ringbus__bus_watch(struct ringbus_bus *bus)
{
    add_u32(&bus->attention, 1, ORDER_WAKE);
    ringbus__barrier_heavy();
}

void
ringbus__bus_unwatch(struct ringbus_bus *bus)
{
    add_u32(&bus->attention, (uint32_t)-1, ORDER_WAKE);
}

/* Under the bus lock: of watched groups that have fallen to half. */
static void
tell_loops(struct ringbus_bus *bus)
{
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group == NULL || !(load_u32(&group->is_watched, ORDER_HINT) & WATCHED_BY_LOOP) ||
            ringbus__group_lag(group) > group_half(group))
            continue;
        and_u32(&group->is_watched, ~(uint32_t)WATCHED_BY_LOOP, ORDER_WAKE);
        ringbus__loop_has_fallen(group);
    }
}

void
ringbus__bus_moved(struct ringbus_bus *bus)
{
    lock_acquire(&bus->lock);
    tell_loops(bus);
    lock_release(&bus->lock);
    signal_raise(&bus->changed);
}

void
ringbus__bus_settle(struct ringbus_bus *bus)
{
    struct ringbus_consumer *finished = NULL;
    struct row *rows = NULL;
    bool is_over = false;

    lock_acquire(&bus->lock);
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group != NULL)
            ringbus__group_settle(group);
    }
    tell_loops(bus);
    finished = ringbus__consumer_take_finished(bus);
    is_over = ringbus__shutdown_settle(bus);
    rows = ringbus__report_take(bus);
    lock_release(&bus->lock);
    for (struct ringbus_consumer *at = finished; at != NULL; at = at->next)
        ringbus__bus_unwatch(bus);
    ringbus__consumer_destroy(bus, finished);
    ringbus__report_tell(bus, rows);
    if (is_over)
        ringbus__shutdown_complete(bus);
    signal_raise(&bus->changed);
}

void
ringbus__bus_dropped(struct ringbus_bus *bus)
{
    bool has_dropped = false;

    lock_acquire(&bus->lock);
    has_dropped = bus->has_dropped;
    bus->has_dropped = false;
    lock_release(&bus->lock);
    if (has_dropped && record_here(&ringbus__record)->deliveries > 0)
        ringbus__bus_moved(bus); /* an executor settles after its pass */
    else if (has_dropped)
        ringbus__bus_settle(bus);
}

int
ringbus__bus_wait(struct ringbus_bus *bus, bool (*is_done)(struct ringbus_bus *bus, void *what),
    void *what, int64_t deadline_ns)
{
    if (bus->options.is_stepped)
        return ringbus__step_until(bus, is_done, what, deadline_ns);
    for (;;) {
        const uint32_t key = signal_prepare(&bus->changed);
        bool done = false;

        lock_acquire(&bus->lock);
        done = is_done(bus, what);
        lock_release(&bus->lock);
        if (done)
            return RINGBUS_OK;
        if (signal_wait(&bus->changed, key, deadline_ns) == RINGBUS_ETIMEDOUT)
            return RINGBUS_ETIMEDOUT;
    }
}

/* ---- open ---- */

bool
ringbus__bus_name(char to[BUS_MAX_NAME + 1], const char *given, const char *prefix, uint32_t number)
{
    if (given == NULL) {
        snprintf(to, BUS_MAX_NAME + 1, "%s-%u", prefix, (unsigned)number);
        return true;
    }
    if (given[0] == '\0' || strnlen(given, BUS_MAX_NAME + 1) > BUS_MAX_NAME)
        return false;
    memset(to, 0, BUS_MAX_NAME + 1);
    memcpy(to, given, strlen(given));
    return true;
}

static uint32_t
or_default(uint32_t given, uint32_t value)
{
    return given != 0 ? given : value;
}

int
ringbus__bus_options(const struct ringbus_options *given, struct ringbus_options *ret_options)
{
    struct ringbus_options *options = ret_options;

    *options = ringbus_options_default();
    if (ringbus__options_read(options, sizeof *options, sizeof *options, given) != 0)
        return RINGBUS_EINVAL;
    options->max_topics = or_default(options->max_topics, DEFAULT_TOPICS);
    options->max_topic_length = or_default(options->max_topic_length, DEFAULT_TOPIC_LENGTH);
    options->max_groups = or_default(options->max_groups, DEFAULT_GROUPS);
    options->max_cached_topics = or_default(options->max_cached_topics,
        options->max_topics < DEFAULT_CACHED_TOPICS ? options->max_topics : DEFAULT_CACHED_TOPICS);
    if (options->default_group != NULL && options->default_group->size > 0 &&
        options->default_group->kind == RINGBUS_GROUP_POLLED)
        return RINGBUS_EINVAL; /* nobody has a handle to poll it by */
    return options->max_topics <= MAX_TOPICS && options->max_topic_length <= MAX_TOPIC_LENGTH &&
                   options->max_groups <= BUS_MAX_GROUPS &&
                   options->max_cached_topics <= options->max_topics && options->is_stepped <= 1 &&
                   (options->clock == NULL || options->is_stepped)
               ? RINGBUS_OK
               : RINGBUS_EINVAL;
}

static void
free_bus(struct ringbus_bus *bus)
{
    const struct ringbus_allocator given = bus->given;

    for (uint32_t i = 0; i < BUS_MAX_GROUPS; i++)
        if (ringbus__group_at(bus, i) != NULL)
            ringbus__group_free(ringbus__group_at(bus, i));
    while (bus->loops != NULL) {
        struct ringbus__loop *loop = bus->loops;

        bus->loops = loop->next_on_bus;
        ringbus__release(&bus->allocator, loop, sizeof *loop);
    }
    ringbus__retire_fini(bus);
    ringbus__topic_fini(bus);
    ringbus__reference_fini(bus);
    bus->magic = MAGIC_GONE;
    ringbus__release(&given, bus, sizeof *bus);
}

int
ringbus_open(const struct ringbus_options *given, struct ringbus_bus **ret_bus)
{
    struct ringbus_options options;
    struct ringbus_allocator allocator;
    struct ringbus_bus *bus = NULL;
    struct os_home home;
    int outcome = RINGBUS_OK;

    if (ret_bus == NULL || ringbus__bus_options(given, &options) != 0 ||
        ringbus__alloc_init(options.allocator, &allocator) != 0)
        return RINGBUS_EINVAL;
    if (ringbus__home_find(&home) != RINGBUS_OK)
        return RINGBUS_ESYS;
    ringbus__barrier_init();
    ringbus__record_on_exit(ringbus__exit);
    bus = ringbus__alloc(&allocator, sizeof *bus, CPU_LINE);
    if (bus == NULL)
        return RINGBUS_ENOMEM;
    bus->home = home;
    bus->magic = MAGIC_BUS;
    ringbus__memory_count(bus, &allocator);
    bus->options = options;
    bus->options.default_group = NULL; /* read here only */
    bus->step_random = options.step_seed;
    outcome = ringbus__os.random(&bus->hash_key, sizeof bus->hash_key);
    if (outcome == RINGBUS_OK)
        outcome = ringbus_group_open(bus, options.default_group, &bus->default_group);
    if (outcome != RINGBUS_OK) {
        free_bus(bus);
        return outcome;
    }
    *ret_bus = bus;
    return RINGBUS_OK;
}

/* ---- close ---- */

int
ringbus_close(struct ringbus_bus *bus)
{
    bool is_attached = false;
    uint32_t state = 0;

    assert(bus_is_live(bus));
    if (bus == NULL)
        return RINGBUS_OK;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    lock_acquire(&bus->lock);
    for (const struct ringbus__loop *loop = bus->loops; loop != NULL; loop = loop->next_on_bus)
        is_attached = is_attached || loop->is_attached;
    state = load_u32(&bus->state, ORDER_OWN);
    lock_release(&bus->lock);
    if (is_attached || ringbus__bus_must_not_wait() || state == BUS_ENDING || state == BUS_QUIET ||
        ringbus__reference_is_kept(bus))
        return RINGBUS_EBUSY;
    if (state == BUS_OPEN && ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER) != RINGBUS_OK)
        return RINGBUS_EBUSY; /* polls have to go on */
    if (ringbus__reference_is_kept(bus))
        return RINGBUS_EBUSY; /* by a handler that ran meanwhile */
    for (uint32_t i = 0; i < bus->options.max_groups; i++)
        if (ringbus__group_at(bus, i) != NULL)
            ringbus__group_join(ringbus__group_at(bus, i));
    /* STATE acquire: threads that delivered for us have looked for the last time, in microseconds. */
    while (load_u32(&bus->pins, ORDER_STATE_ACQUIRE) != 0)
        ringbus__os.yield();
    ringbus__bus_settle(bus); /* closings that the executors have left */
    ringbus__consumer_fini(bus);
    free_bus(bus);
    return RINGBUS_OK;
}
