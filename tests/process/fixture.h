/* fixture.h - a bus of a process's own, used for all it should do. What of tests/support takes locks (IN_TIME,
 * post_number) is not for children. */
#ifndef TESTS_PROCESS_FIXTURE_H
#define TESTS_PROCESS_FIXTURE_H

#include "process/child.h"
#include "support/probe.h"

static inline int
count_event(const struct ringbus_event *event, void *context)
{
    (void)event;
    add_u32(context, 1, TEST_RELEASE);
    return 0;
}

static inline struct ringbus_group *
open_caller_group(struct ringbus_bus *bus, uint32_t capacity)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.kind = RINGBUS_GROUP_CALLER;
    options.capacity = capacity;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "no group");
    return group;
}

/* A bus opened in this process does all it should, in ring groups and caller groups. */
static inline void
use_own_bus(void)
{
    struct ringbus_consumer_options of = ringbus_consumer_options_default();
    struct ringbus_bus *bus = bus_open_small(4, NULL);
    struct ringbus_group *group = open_caller_group(bus, 4);
    struct ringbus_consumer *queued = NULL, *direct = NULL;
    struct atomic_u32 count = {0};

    of.group = group;
    MUST(ringbus_consumer_open(bus, count_event, &count, NULL, &queued) == 0, "no consumer");
    MUST(ringbus_consumer_open(bus, count_event, &count, &of, &direct) == 0, "no consumer");
    MUST(ringbus_register_consumer(bus, queued, "own") == 0, "not registered");
    MUST(ringbus_register_consumer(bus, direct, "own") == 0, "not registered");
    for (uint64_t i = 0; i < 16; i++)
        MUST(ringbus_post(bus, "own", &i, sizeof i) == 2, "not posted");
    MUST(ringbus_flush(bus, RINGBUS_FOREVER) == 0, "not flushed");
    MUST(load_u32(&count, TEST_ACQUIRE) == 32, "not all was delivered");
    MUST(ringbus_consumer_close(direct, RINGBUS_DRAIN) == 0, "the consumer does not close");
    MUST(ringbus_group_close(group, RINGBUS_DRAIN) == 0, "the group does not close");
    MUST(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == 0, "no shutdown");
    MUST(ringbus_close(bus) == 0, "the bus does not close");
}

#endif
