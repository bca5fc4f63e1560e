/* groups.c - one topic with a consumer in each of more and more groups, each with a ring and an executor thread. */
#include "growth.h"

enum { CAPACITY = 4096, MAX_GROUPS = 32 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
    struct {
        _Alignas(128) struct growth_tally tally;
    } consumers[MAX_GROUPS];
} groups;

static bool
open_group(struct ringbus_group **ret_group)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.capacity = CAPACITY;
    options.slot_size = sizeof(struct growth_event);
    return ringbus_group_open(groups.bus, &options, ret_group) == RINGBUS_OK;
}

/* The default one is the first. */
static bool
open_groups(uint64_t count)
{
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_group *group = NULL;

    if (groups.bus != NULL)
        return true;
    if (!growth_open(CAPACITY, 0, MAX_GROUPS, &groups.bus) ||
        ringbus_topic_open(groups.bus, "topic", &groups.topic))
        return false;
    for (uint64_t i = 0; i < count; i++)
        if ((i > 0 && !open_group(&group)) ||
            !growth_consume(groups.bus, group, "topic", &groups.consumers[i].tally, &consumer))
            return false;
    return true;
}

/* Few to many groups: as more threads than CPUs take turns, each event may wake all of them. */
static uint64_t
events_of(uint64_t events, uint64_t count)
{
    return count > 0 ? 1 + events / (count * count) : 0;
}

bool
growth_groups_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t count = growth_setting(request), events = events_of(request->events, count);
    struct growth_event event = {.number = 0};
    int64_t began = 0;

    if (events == 0 || count > MAX_GROUPS || !open_groups(count))
        return false;
    for (uint64_t i = 0; i < count; i++)
        growth_expect(&groups.consumers[i].tally, events);
    began = growth_begin(count);
    for (; event.number < events; event.number++)
        (void)ringbus_topic_post(groups.topic, &event, sizeof event, NULL);
    ret_figures->value = growth_end(began) / (double)events;
    ret_figures->events = events;
    for (uint64_t i = 0; i < count; i++)
        if (groups.consumers[i].tally.left != 0 ||
            groups.consumers[i].tally.sum != growth_sum(events))
            return false;
    return true;
}
