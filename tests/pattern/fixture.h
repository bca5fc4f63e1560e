/* fixture.h - what the tests of patterns share. */
#ifndef TESTS_PATTERN_FIXTURE_H
#define TESTS_PATTERN_FIXTURE_H

#include "support/probe.h"

static inline void
probe_pattern(struct probe *probe, const char *pattern)
{
    MUST(ringbus_register_pattern(probe->bus, probe->consumer, pattern) == RINGBUS_OK, "%s",
        pattern);
}

static inline int64_t
topics_of(struct ringbus_bus *bus)
{
    return figure_of(bus, "bus", "", "topics");
}

static inline int64_t
cached_of(struct ringbus_bus *bus)
{
    return figure_of(bus, "bus", "", "cached");
}

static inline struct ringbus_bus *
open_with(uint32_t max_topics, uint32_t max_cached, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);

    options.max_topics = max_topics;
    options.max_cached_topics = max_cached;
    return bus_open(&options);
}

#endif
