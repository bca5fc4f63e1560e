/* fixture.h - topics that retain, and consumers that join them. */
#ifndef TESTS_RETAINED_FIXTURE_H
#define TESTS_RETAINED_FIXTURE_H

#include <string.h>

#include "support/probe.h"

static inline struct ringbus_topic *
topic_of(struct ringbus_bus *bus, const char *name)
{
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "topic_open");
    return topic;
}

static inline void
retain(struct ringbus_bus *bus, const char *name, size_t max_size)
{
    struct ringbus_topic *topic = topic_of(bus, name);

    MUST(ringbus_topic_retain(topic, max_size) == RINGBUS_OK, "retain");
    ringbus_topic_close(topic);
}

static inline void
join(struct ringbus_bus *bus, struct probe *probe, struct ringbus_group *group)
{
    probe->group = group;
    probe_open(bus, probe);
    probe_register(probe, "a");
}

#endif
