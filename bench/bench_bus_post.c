/* bench_bus_post.c - 64-byte events over 16 topics round robin to one serialized consumer: first post to last delivery.
 * By handle and by name, with one and two posters; beside them a direct call of the handler, the null baseline and the
 * cache line's round trip. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "ringbus/ringbus.h"

enum { TOPICS = 16, SIZE = 64, EVENTS = 2000000, WAYS = 4 };

static const struct way {
    const char *name;
    int posters;
    int is_by_name;
} ways[WAYS] = {
    {"bus_1p_16t_1s", 1, 0},
    {"bus_2p_16t_1s", 2, 0},
    {"bus_1p_16t_1s_byname", 1, 1},
    {"bus_2p_16t_1s_byname", 2, 1},
};

struct poster {
    pthread_t thread;
    struct ringbus_bus *bus;
    struct ringbus_topic **topics;
    const struct way *way;
    int cpu;
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

static void *
post_all(void *context)
{
    struct poster *poster = context;
    uint64_t payload[SIZE / 8] = {1};

    bench_pin(poster->cpu);
    for (int i = 0; i < EVENTS / poster->way->posters; i++) {
        const int topic = i % TOPICS;

        if (poster->way->is_by_name)
            ringbus_post(poster->bus, names[topic], payload, sizeof payload);
        else
            ringbus_topic_post(poster->topics[topic], payload, sizeof payload, NULL);
    }
    return NULL;
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
    struct poster posters[2];
    int64_t began = 0;

    group.capacity = 65536;
    group.slot_size = SIZE;
    options.default_group = &group;
    if (ringbus_open(&options, &bus) || ringbus_consumer_open(bus, on_event, NULL, NULL, &consumer))
        return 0;
    for (int i = 0; i < TOPICS; i++)
        if (ringbus_register_consumer(bus, consumer, names[i]) ||
            ringbus_topic_open(bus, names[i], &topics[i]))
            return 0;
    sum = 0;
    began = ringbus_now_ns();
    for (int i = 0; i < way->posters; i++) {
        posters[i] = (struct poster){.bus = bus, .topics = topics, .way = way, .cpu = i};
        pthread_create(&posters[i].thread, NULL, post_all, &posters[i]);
    }
    for (int i = 0; i < way->posters; i++)
        pthread_join(posters[i].thread, NULL);
    ringbus_flush(bus, RINGBUS_FOREVER);
    began = ringbus_now_ns() - began;
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(topics[i]);
    if (sum != EVENTS)
        printf("wrong sum\n");
    ringbus_close(bus);
    return (double)began / EVENTS;
}

static double
measure_direct(void)
{
    int (*volatile handler)(const struct ringbus_event *event, void *context) = on_event;
    uint64_t payload[SIZE / 8] = {1};
    const struct ringbus_event event = {.data = payload, .size = sizeof payload};
    const int64_t began = ringbus_now_ns();

    for (int i = 0; i < EVENTS; i++)
        handler(&event, NULL);
    return (double)(ringbus_now_ns() - began) / EVENTS;
}

int
main(void)
{
    static struct bench_row rows[WAYS + 1];

    for (int i = 0; i < TOPICS; i++)
        snprintf(names[i], sizeof names[i], "topic.%d", i);
    printf("null %.1f ns, round trip %.0f ns\n", bench_null_ns(), bench_round_trip_ns());
    for (int round = bench_rounds(15); round > 0; round--) {
        for (int i = 0; i < WAYS; i++) {
            rows[i].name = ways[i].name;
            rows[i].unit = "ns an event";
            bench_add(&rows[i], measure(&ways[i]));
        }
        rows[WAYS].name = "direct call";
        rows[WAYS].unit = "ns an event";
        bench_add(&rows[WAYS], measure_direct());
    }
    bench_print(rows, WAYS + 1);
    return 0;
}
