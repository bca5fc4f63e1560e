/* topics.c - more and more topics: one of them posted to (growth_hot), all of them in random order (growth_uniform).
 *
 * One consumer is registered on all of them. The bus is as who has a million topics would open it: for so many, and for
 * one group, as a topic takes memory for each group that there may be. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "growth.h"

enum { CAPACITY = 65536, MANY = 10000, DEAR = 8 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic **handles;
    struct growth_tally tally;
    struct ringbus_topic **order; /* of the posts, and what the handles in it sum up to */
    uint64_t handles_sum;
} topics;

/* A handle tells on which topic an event came. */
static int
deliver(const struct ringbus_event *event, void *context)
{
    const struct growth_event *data = event->data;

    growth_deliver(context, data->number + (uintptr_t)event->handle);
    return 0;
}

static bool
open_topics(uint64_t count)
{
    struct ringbus_consumer *consumer = NULL;
    char name[32];

    if (topics.bus != NULL)
        return true;
    topics.handles = calloc(count, sizeof *topics.handles);
    if (topics.handles == NULL || !growth_open(CAPACITY, count, 1, &topics.bus) ||
        ringbus_consumer_open(topics.bus, deliver, &topics.tally, NULL, &consumer))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "topic.%llu", (unsigned long long)i);
        if (ringbus_register_consumer(topics.bus, consumer, name) ||
            ringbus_topic_open(topics.bus, name, &topics.handles[i]))
            return false;
    }
    return true;
}

static bool
is_complete(uint64_t events, uint64_t handles_sum)
{
    return topics.tally.left == 0 && topics.tally.sum == growth_sum(events) + handles_sum;
}

bool
growth_hot_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t count = growth_setting(request), events = request->events;
    struct growth_event event = {.number = 0};
    struct ringbus_topic *hot = NULL;
    int64_t began = 0;

    if (count == 0 || !open_topics(count))
        return false;
    hot = topics.handles[count / 2];
    growth_expect(&topics.tally, events);
    began = growth_begin(1);
    for (; event.number < events; event.number++)
        (void)ringbus_topic_post(hot, &event, sizeof event, NULL);
    ret_figures->value = growth_end(began) / (double)events;
    return is_complete(events, events * (uintptr_t)hot);
}

/* Another one in each pass, made before its time; read from its beginning to its end. */
static bool
choose_order(uint64_t count, uint64_t events)
{
    static uint64_t random = 1;

    if (topics.order == NULL)
        topics.order = calloc(events, sizeof *topics.order);
    if (topics.order == NULL)
        return false;
    topics.handles_sum = 0;
    for (uint64_t i = 0; i < events; i++) {
        topics.order[i] = topics.handles[bench_random(&random) % count];
        topics.handles_sum += (uintptr_t)topics.order[i];
    }
    return true;
}

bool
growth_uniform_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t count = growth_setting(request);
    const uint64_t events = request->events / (count > MANY ? DEAR : 1);
    struct growth_event event = {.number = 0};
    int64_t began = 0;

    if (count == 0 || !open_topics(count) || !choose_order(count, events))
        return false;
    growth_expect(&topics.tally, events);
    began = growth_begin(1);
    for (; event.number < events; event.number++)
        (void)ringbus_topic_post(topics.order[event.number], &event, sizeof event, NULL);
    ret_figures->value = growth_end(began) / (double)events;
    ret_figures->events = events;
    return is_complete(events, topics.handles_sum);
}
