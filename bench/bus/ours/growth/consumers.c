/* consumers.c - more and more consumers of one topic, in one group with one executor. */
#include <stdlib.h>

#include "growth.h"

enum { CAPACITY = 65536, FEW = 4, MANY = 1000 };

struct crowd {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
    struct growth_tally *tallies; /* one for each consumer */
    uint64_t count;
};

static bool
open_crowd(uint64_t count, struct crowd *crowd)
{
    struct ringbus_consumer *consumer = NULL;

    if (crowd->bus != NULL)
        return true;
    crowd->tallies = calloc(count, sizeof *crowd->tallies);
    if (crowd->tallies == NULL || !growth_open(CAPACITY, 0, 0, &crowd->bus) ||
        ringbus_topic_open(crowd->bus, "topic", &crowd->topic))
        return false;
    for (; crowd->count < count; crowd->count++)
        if (!growth_consume(crowd->bus, NULL, "topic", &crowd->tallies[crowd->count], &consumer))
            return false;
    return true;
}

/* As many events of so many deliveries as take about as long as that many to one consumer. */
static uint64_t
events_of(uint64_t events, uint64_t consumers)
{
    events /= 1 + consumers / FEW;
    return events > 0 ? events : 1;
}

/* One pass: ns an event. */
static bool
post_to(struct crowd *crowd, uint64_t events, double *ret_ns)
{
    struct growth_event event = {.number = 0};
    int64_t began = 0;

    for (uint64_t i = 0; i < crowd->count; i++)
        growth_expect(&crowd->tallies[i], events);
    began = growth_begin(crowd->count);
    for (; event.number < events; event.number++)
        (void)ringbus_topic_post(crowd->topic, &event, sizeof event, NULL);
    *ret_ns = growth_end(began) / (double)events;
    for (uint64_t i = 0; i < crowd->count; i++)
        if (crowd->tallies[i].left != 0 || crowd->tallies[i].sum != growth_sum(events))
            return false;
    return true;
}

bool
growth_consumers_run(const struct request *request, struct figures *ret_figures)
{
    static struct crowd crowd;
    const uint64_t count = growth_setting(request);

    ret_figures->events = events_of(request->events, count);
    return count > 0 && open_crowd(count, &crowd) &&
           post_to(&crowd, ret_figures->events, &ret_figures->value);
}

/* What each further one costs: one consumer and a thousand, one after the other. */
bool
growth_further_run(const struct request *request, struct figures *ret_figures)
{
    static struct crowd one, many;
    const uint64_t to_one = events_of(request->events, 1);
    const uint64_t to_many = events_of(request->events, MANY);
    double one_ns = 0, many_ns = 0;

    if (!open_crowd(1, &one) || !open_crowd(MANY, &many) || !post_to(&one, to_one, &one_ns) ||
        !post_to(&many, to_many, &many_ns))
        return false;
    ret_figures->events = to_one + to_many;
    ret_figures->value = (many_ns - one_ns) / (MANY - 1);
    return true;
}
