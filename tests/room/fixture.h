/* fixture.h - groups with little room, and who fills them. */
#ifndef TESTS_ROOM_FIXTURE_H
#define TESTS_ROOM_FIXTURE_H

#include <string.h>

#include "support/probe.h"

/* A group of that kind; MUST open. */
static inline struct ringbus_group *
open_reserved(struct ringbus_bus *bus, uint32_t kind, uint32_t capacity, uint32_t reserve)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.kind = kind;
    options.capacity = capacity;
    options.reserve = reserve;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "the group does not open");
    return group;
}

/* Open a probe's consumer in a group and register it on a topic. */
static inline void
join(struct ringbus_bus *bus, struct probe *probe, struct ringbus_group *group, const char *topic)
{
    probe->group = group;
    probe_open(bus, probe);
    probe_register(probe, topic);
}

/* Poll a group to its end, and close its bus; all other groups can end. */
static inline void
close_polled(struct ringbus_bus *bus, struct ringbus_group *group)
{
    while (ringbus_group_poll(group, 64) > 0)
        continue;
    MUST(ringbus_shutdown(bus, RINGBUS_DRAIN, 0) >= 0, "shutdown");
    while (ringbus_group_poll(group, 64) != RINGBUS_ESHUTDOWN)
        continue;
    AWAIT_ON(bus, ringbus_close(bus) == RINGBUS_OK);
}

/* Tries that are taken before one is RINGBUS_EAGAIN, by name. */
static inline int
fill(struct ringbus_bus *bus, const char *topic)
{
    int count = 0, outcome = 0;

    while ((outcome = try_post_number(bus, topic, 100)) > 0)
        count++;
    MUST(outcome == RINGBUS_EAGAIN, "a try gives %s", ringbus_error_name(outcome));
    return count;
}

#endif
