/* patterns.c - posts beside more and more patterns, of which one matches: over 16 topics round robin, by handle and by
 * name; and to names that were never posted to before. With no pattern the topics' consumer is registered by name, and
 * nobody gets an event with a new name. */
#include <stdio.h>
#include <stdlib.h>

#include "growth.h"

/* A name that a pattern matches is so many times as dear as one that nobody wants, or more. */
enum { CAPACITY = 4096, TOPICS = 16, NAME_SIZE = 40, DEAR = 20 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topics[TOPICS];
    char names[TOPICS][NAME_SIZE];
    struct growth_tally tally;
    uint64_t patterns;
} matching;

/* Another topic's, all different, and at last the one that matches. */
static bool
register_patterns(struct ringbus_consumer *consumer)
{
    char pattern[NAME_SIZE];

    for (uint64_t i = 1; i < matching.patterns; i++) {
        snprintf(
            pattern, sizeof pattern, "topic.%d.*.x%llu", (int)(i % TOPICS), (unsigned long long)i);
        if (ringbus_register_pattern(matching.bus, consumer, pattern))
            return false;
    }
    return ringbus_register_pattern(matching.bus, consumer, "topic.*") == RINGBUS_OK;
}

static bool
open_topics(struct ringbus_consumer *consumer)
{
    for (int i = 0; i < TOPICS; i++) {
        char *name = matching.names[i];

        snprintf(name, NAME_SIZE, "topic.%d", i);
        if (ringbus_topic_open(matching.bus, name, &matching.topics[i]) ||
            (matching.patterns == 0 && ringbus_register_consumer(matching.bus, consumer, name)))
            return false;
    }
    return true;
}

static bool
open_patterns(const struct request *request)
{
    struct ringbus_consumer *consumer = NULL;

    if (matching.bus != NULL)
        return true;
    matching.patterns = growth_setting(request);
    return growth_open(CAPACITY, 0, 0, &matching.bus) &&
           growth_consume(matching.bus, NULL, NULL, &matching.tally, &consumer) &&
           open_topics(consumer) && (matching.patterns == 0 || register_patterns(consumer));
}

bool
growth_patterns_run(const struct request *request, struct figures *ret_figures)
{
    const bool is_by_name = strcmp(request->name, "growth_patterns_byname") == 0;
    const uint64_t events = request->events;
    struct growth_event event = {.number = 0};
    int64_t began = 0;

    if (!open_patterns(request))
        return false;
    growth_expect(&matching.tally, events);
    began = growth_begin(1);
    for (; event.number < events; event.number++) {
        const uint64_t topic = event.number % TOPICS;

        if (is_by_name)
            (void)ringbus_post(matching.bus, matching.names[topic], &event, sizeof event);
        else
            (void)ringbus_topic_post(matching.topics[topic], &event, sizeof event, NULL);
    }
    ret_figures->value = growth_end(began) / (double)events;
    return matching.tally.left == 0 && matching.tally.sum == growth_sum(events);
}

/* As many as a pass posts to, none of an earlier pass; made before its time. */
static char (*make_names(uint64_t events))[NAME_SIZE]
{
    static char(*names)[NAME_SIZE];
    static uint64_t made;

    if (names == NULL)
        names = calloc(events, sizeof *names);
    for (uint64_t i = 0; i < events && names != NULL; i++)
        snprintf(names[i], sizeof names[i], "topic.n%llu", (unsigned long long)made++);
    return names;
}

bool
growth_new_name_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t events = request->events / (growth_setting(request) > 0 ? DEAR : 1);
    char(*const names)[NAME_SIZE] = make_names(events);
    struct growth_event event = {.number = 0};
    uint64_t matched = 0, awaited = 0;
    int64_t began = 0;
    double ns = 0;

    if (names == NULL || !open_patterns(request))
        return false;
    awaited = matching.patterns > 0 ? events : 0;
    growth_expect(&matching.tally, awaited);
    began = growth_begin(1);
    for (; event.number < events; event.number++)
        matched += (uint64_t)ringbus_post(matching.bus, names[event.number], &event, sizeof event);
    if (awaited == 0)
        growth_finish();
    ns = growth_end(began);
    ret_figures->value = ns / (double)events;
    ret_figures->events = events;
    return matched == awaited && matching.tally.left == 0 &&
           matching.tally.sum == (awaited > 0 ? growth_sum(events) : 0);
}
