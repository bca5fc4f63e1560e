/* fixture.h - buses whose default group has lanes, and calls of a few lines that their tests share. */
#ifndef TESTS_LANES_FIXTURE_H
#define TESTS_LANES_FIXTURE_H

#include <string.h>

#include "support/probe.h"

/* A bus whose default group has so many lanes; hooks may be NULL. */
static inline struct ringbus_bus *
open_lanes(uint32_t lanes, uint32_t capacity, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    group.name = "lanes";
    group.lanes = lanes;
    group.capacity = capacity;
    options.default_group = &group;
    return bus_open(&options);
}

/* Open a probe's consumer and register it on a topic. */
static inline void
join(struct ringbus_bus *bus, struct probe *probe, const char *topic)
{
    probe_open(bus, probe);
    probe_register(probe, topic);
}

/* The same, after one other. */
static inline void
join_after(
    struct ringbus_bus *bus, struct probe *probe, const struct probe *before, const char *topic)
{
    probe->after = &before->consumer;
    probe->after_count = 1;
    join(bus, probe, topic);
}

/* Post numbers first..last to a topic; MUST be taken. */
static inline void
post_numbers(struct ringbus_bus *bus, const char *topic, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        MUST(post_number(bus, topic, i) >= 0, "post %d is refused", (int)i);
}

static inline int
post_key(struct ringbus_bus *bus, const char *name, uint64_t number, uint64_t key)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;
    int outcome = 0;

    options.ordered = key;
    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "no topic");
    outcome = IN_TIME(bus, ringbus_topic_post(topic, &number, sizeof number, &options));
    ringbus_topic_close(topic);
    return outcome;
}

/* How often it was called with this number. */
static inline uint32_t
calls_with(const struct probe *probe, uint64_t number)
{
    const uint32_t calls = probe_calls(probe);
    uint32_t found = 0;

    for (uint32_t i = 0; i < calls && i < PROBE_NOTES; i++)
        found += probe->notes[i].number == number;
    return found;
}

/* How many events were withheld from a consumer, by its name. */
static inline int64_t
withheld_from(struct ringbus_bus *bus, const char *name)
{
    return figure_of(bus, "consumer", name, "withheld");
}

#endif
