/* bench_bus_patterns.c - what a post costs with patterns: 64-byte events over 16 topics round robin to one consumer,
 * first post to last delivery, by handle and by name, with no pattern (registered by name), one, 100 and 10,000, of
 * which one matches; and posts by name that never come to the same name twice. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "ringbus/ringbus.h"

enum { TOPICS = 16, SIZE = 64, EVENTS = 1000000, WAYS = 11 };

enum how { BY_HANDLE, BY_NAME, NEW_NAMES };

static const struct way {
    const char *name;
    enum how how;
    int patterns;
    int events;
} ways[WAYS] = {
    {"handle, no pattern", BY_HANDLE, 0, EVENTS},
    {"handle, 1", BY_HANDLE, 1, EVENTS},
    {"handle, 100", BY_HANDLE, 100, EVENTS},
    {"handle, 10000", BY_HANDLE, 10000, EVENTS},
    {"name, no pattern", BY_NAME, 0, EVENTS},
    {"name, 1", BY_NAME, 1, EVENTS},
    {"name, 100", BY_NAME, 100, EVENTS},
    {"name, 10000", BY_NAME, 10000, EVENTS},
    {"new names, 1", NEW_NAMES, 1, EVENTS / 5},
    {"new names, 100", NEW_NAMES, 100, EVENTS / 5},
    {"new names, 10000", NEW_NAMES, 10000, EVENTS / 5},
};

static char names[TOPICS][16];
static uint64_t sum;

static int
on_event(const struct ringbus_event *event, void *context)
{
    uint64_t value = 0;

    (void)context;
    memcpy(&value, event->data, sizeof value);
    sum += value;
    return 0;
}

static int
register_all(struct ringbus_bus *bus, struct ringbus_consumer *consumer, int patterns)
{
    int outcome = RINGBUS_OK;

    for (int i = 0; i < TOPICS && patterns == 0 && outcome == RINGBUS_OK; i++)
        outcome = ringbus_register_consumer(bus, consumer, names[i]);
    for (int i = 1; i < patterns && outcome == RINGBUS_OK; i++) {
        char pattern[32];

        snprintf(pattern, sizeof pattern, "topic.%d.*.x%d", i % TOPICS, i);
        outcome = ringbus_register_pattern(bus, consumer, pattern);
    }
    if (patterns > 0 && outcome == RINGBUS_OK)
        outcome = ringbus_register_pattern(bus, consumer, "topic.*");
    return outcome;
}

static void
post_all(struct ringbus_bus *bus, struct ringbus_topic *const *topics, const struct way *way)
{
    uint64_t payload[SIZE / 8] = {1};
    char name[32];

    for (int i = 0; i < way->events; i++) {
        if (way->how == BY_HANDLE) {
            ringbus_topic_post(topics[i % TOPICS], payload, sizeof payload, NULL);
        } else if (way->how == BY_NAME) {
            ringbus_post(bus, names[i % TOPICS], payload, sizeof payload);
        } else {
            snprintf(name, sizeof name, "topic.n%d", i);
            ringbus_post(bus, name, payload, sizeof payload);
        }
    }
}

/* ns an event. */
static double
measure(const struct way *way)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_topic *topics[TOPICS];
    struct ringbus_bus *bus = NULL;
    struct ringbus_consumer *consumer = NULL;
    int64_t began = 0;

    group.capacity = 4096;
    group.slot_size = SIZE;
    options.default_group = &group;
    if (ringbus_open(&options, &bus) ||
        ringbus_consumer_open(bus, on_event, NULL, NULL, &consumer) ||
        register_all(bus, consumer, way->patterns))
        return 0;
    for (int i = 0; i < TOPICS; i++)
        if (ringbus_topic_open(bus, names[i], &topics[i]))
            return 0;
    sum = 0;
    began = ringbus_now_ns();
    post_all(bus, topics, way);
    ringbus_flush(bus, RINGBUS_FOREVER);
    began = ringbus_now_ns() - began;
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(topics[i]);
    if (sum != (uint64_t)way->events)
        printf("wrong sum\n");
    ringbus_close(bus);
    return (double)began / way->events;
}

int
main(void)
{
    static struct bench_row rows[WAYS];

    for (int i = 0; i < TOPICS; i++)
        snprintf(names[i], sizeof names[i], "topic.%d", i);
    printf("null %.1f ns, round trip %.0f ns\n", bench_null_ns(), bench_round_trip_ns());
    for (int round = bench_rounds(15); round > 0; round--)
        for (int i = 0; i < WAYS; i++) {
            rows[i].name = ways[i].name;
            rows[i].unit = "ns an event";
            bench_add(&rows[i], measure(&ways[i]));
        }
    bench_print(rows, WAYS);
    return 0;
}
