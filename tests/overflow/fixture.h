/* fixture.h - lossy groups, and consumers that remember what they were told to have missed. */
#ifndef TESTS_OVERFLOW_FIXTURE_H
#define TESTS_OVERFLOW_FIXTURE_H

#include <string.h>

#include "support/probe.h"

enum { ALL = 1000000, LOSSES = 64 };

/* A probe whose consumer is in a lossy group; `lost` of its first calls, and of all. */
struct loser {
    struct probe probe;
    uint64_t lost[LOSSES];
    uint64_t sum;
};

static inline void
note_lost(struct probe *probe, const struct ringbus_event *event)
{
    struct loser *loser = probe->of_act;
    const uint32_t at = load_u32(&probe->begun, ORDER_COUNT) - 1;

    if (at < LOSSES)
        loser->lost[at] = event->lost;
    loser->sum += event->lost;
}

static inline int
try_lossy_open(struct ringbus_bus *bus, uint32_t overflow, uint32_t kind, uint32_t capacity,
    struct ringbus_group **ret_group)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.name = "lossy";
    options.kind = kind;
    options.capacity = capacity;
    options.slot_size = 72;
    options.overflow = overflow;
    return ringbus_group_open(bus, &options, ret_group);
}

static inline struct ringbus_group *
lossy_open(struct ringbus_bus *bus, uint32_t overflow, uint32_t kind, uint32_t capacity)
{
    struct ringbus_group *group = NULL;
    const int outcome = try_lossy_open(bus, overflow, kind, capacity, &group);

    MUST(outcome == RINGBUS_OK, "a lossy group does not open: %s", ringbus_error_name(outcome));
    return group;
}

/* Open its consumer and register it; what the test has set in the probe stays. */
static inline void
lose_on(
    struct ringbus_bus *bus, struct loser *loser, struct ringbus_group *group, const char *topic)
{
    if (loser->probe.name == NULL)
        loser->probe.name = "loser";
    loser->probe.group = group;
    loser->probe.act = note_lost;
    loser->probe.of_act = loser;
    probe_open(bus, &loser->probe);
    probe_register(&loser->probe, topic);
}

/* A bus with a polled lossy group, on which `loser` gets "a". The bus's own group runs on posters' threads. */
static inline struct ringbus_bus *
open_polled_loser(uint32_t overflow, uint32_t capacity, struct loser *loser, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;

    group.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &group;
    bus = bus_open(&options);
    memset(loser, 0, sizeof *loser);
    lose_on(bus, loser, lossy_open(bus, overflow, RINGBUS_GROUP_POLLED, capacity), "a");
    return bus;
}

static inline void
post_numbers(struct ringbus_bus *bus, const char *topic, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        ck_assert_int_eq(try_post_number(bus, topic, i), 1);
}

/* Polled until nothing is there: so many events. */
static inline void
check_polls(struct loser *loser, int count)
{
    ck_assert_int_eq(ringbus_group_poll(loser->probe.group, ALL), count);
    ck_assert_int_eq(ringbus_group_poll(loser->probe.group, ALL), 0);
}

#define CHECK_LOST(loser, ...)                                                                     \
    check_lost(loser, (const uint64_t[]){__VA_ARGS__},                                             \
        sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static inline void
check_lost(const struct loser *loser, const uint64_t *lost, size_t count)
{
    ck_assert_uint_eq(probe_calls(&loser->probe), count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(loser->lost[i] == lost[i], "call %zu tells of %llu instead of %llu", i,
            (unsigned long long)loser->lost[i], (unsigned long long)lost[i]);
}

static inline int64_t
dropped(struct ringbus_bus *bus)
{
    return figure_of(bus, "group", "lossy", "dropped");
}

/* End a bus whose polled group is this thread's. */
static inline void
end_polled(struct ringbus_bus *bus, struct ringbus_group *group, enum ringbus_how how)
{
    ck_assert_int_ge(ringbus_shutdown(bus, how, 0), RINGBUS_OK); /* or pending */
    while (ringbus_group_poll(group, ALL) != RINGBUS_ESHUTDOWN)
        ;
    ck_assert_int_eq(ringbus_shutdown(bus, how, RINGBUS_FOREVER), RINGBUS_OK);
    bus_close(bus);
}

#endif
