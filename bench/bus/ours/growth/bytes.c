/* bytes.c - what a topic, a consumer, a group take in memory: by the bus's figure `memory`, which counts what is
 * allocated, not what the C library adds to it, nor the threads' stacks. */
#include <stdio.h>

#include "growth.h"
#include "ours/ours.h"

enum { GROUPS = 15 };

static int
look(const struct ringbus_figure *figure, void *context)
{
    if (strcmp(figure->object, "bus") != 0 || strcmp(figure->figure, "memory") != 0)
        return 0;
    *(double *)context = (double)figure->value;
    return 1;
}

/* 0: it does not say. */
static double
memory_of(struct ringbus_bus *bus)
{
    double bytes = 0;

    (void)ringbus_visit(bus, look, &bytes);
    return bytes;
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

/* Topics, with one consumer registered on all of them. */
static bool
add_topics(struct ringbus_bus *bus, struct ringbus_consumer *consumer, uint64_t count)
{
    char name[32];

    for (uint64_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "topic.%llu", (unsigned long long)i);
        if (ringbus_register_consumer(bus, consumer, name))
            return false;
    }
    return true;
}

/* Consumers, registered on one topic, which is there. */
static bool
add_consumers(struct ringbus_bus *bus, uint64_t count)
{
    struct ringbus_consumer *consumer = NULL;

    for (uint64_t i = 0; i < count; i++)
        if (ringbus_consumer_open(bus, ignore, NULL, NULL, &consumer) ||
            ringbus_register_consumer(bus, consumer, "topic"))
            return false;
    return true;
}

static bool
add_groups(struct ringbus_bus *bus)
{
    struct ringbus_group *group = NULL;

    for (int i = 0; i < GROUPS; i++)
        if (ringbus_group_open(bus, NULL, &group))
            return false;
    return true;
}

/* So many more of them; how many they were. */
static uint64_t
add(struct ringbus_bus *bus, struct ringbus_consumer *consumer, const struct request *request)
{
    if (strcmp(request->name, "bytes_topic") == 0)
        return add_topics(bus, consumer, request->events) ? request->events : 0;
    if (strcmp(request->name, "bytes_consumer") == 0)
        return add_consumers(bus, request->events) ? request->events : 0;
    if (strcmp(request->name, "bytes_group") == 0)
        return add_groups(bus) ? GROUPS : 0;
    return 0;
}

/* WAIT: how many groups there may be at once, 0: the default. */
bool
bytes_run(const struct request *request, struct figures *ret_figures)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_consumer *consumer = NULL;
    double before = 0, after = 0;
    uint64_t count = 0;

    options.max_groups = (uint32_t)growth_setting(request);
    if (ringbus_open(&options, &bus) || ringbus_consumer_open(bus, ignore, NULL, NULL, &consumer) ||
        ringbus_register_consumer(bus, consumer, "topic"))
        return false;
    before = memory_of(bus);
    count = add(bus, consumer, request);
    after = memory_of(bus);
    if (ringbus_close(bus) || count == 0 || before == 0)
        return false;
    ret_figures->value = (after - before) / (double)count;
    ret_figures->events = count;
    return true;
}
