/* bench_bus_lanes.c - one, two and four lanes: 64-byte events over 16 topics from one poster, first post to last
 * delivery.
 *
 * `serialized`: a consumer for each topic, each on its home lane. `thread_safe`: one consumer for all topics, whose
 * events the lanes take from each other. Handlers do nothing, or compute for 200 ns or 2 us (CPU, not clock: one that
 * is preempted must not finish for free), or, once in a thousand events, block for 50 us. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "bench.h"
#include "ringbus/ringbus.h"

enum { TOPICS = 16, SIZE = 64, LANE_COUNTS = 3, SLOW_EVERY = 1000, SLOW_NS = 50000 };

static const struct load {
    const char *name;
    int work_ns;
    int is_slow;
    int events;
} loads[] = {
    {"0", 0, 0, 500000},
    {"200ns", 200, 0, 200000},
    {"2us", 2000, 0, 40000},
    {"slow", 0, 1, 100000},
};

enum { LOADS = sizeof loads / sizeof *loads };

static const uint32_t lane_counts[LANE_COUNTS] = {1, 2, 4};
static double loops_a_ns;

/* Of one thread-safe consumer, by several lanes; of a serialized one it is alone. */
static struct {
    _Alignas(CPU_LINE) struct atomic_u64 sum;
} sums[TOPICS];

static uint64_t
compute(uint64_t loops)
{
    uint64_t value = loops;

    while (loops-- > 0) {
        value = value * UINT64_C(6364136223846793005) + 1;
        __asm__ volatile("" : "+r"(value));
    }
    return value;
}

static double
calibrate(void)
{
    enum { LOOPS = 20000000 };
    const int64_t began = ringbus_now_ns();

    compute(LOOPS);
    return LOOPS / (double)(ringbus_now_ns() - began);
}

static int
on_event(const struct ringbus_event *event, void *context)
{
    const struct load *load = context;
    uint64_t number = 0, topic = 0;

    memcpy(&number, event->data, sizeof number);
    topic = number % TOPICS;
    if (load->work_ns > 0)
        compute((uint64_t)(load->work_ns * loops_a_ns));
    if (load->is_slow && number % SLOW_EVERY == 0)
        nanosleep(&(struct timespec){0, SLOW_NS}, NULL);
    /* Each event writes a line of its topic's: two lanes rarely the same. */
    add_u64(&sums[topic].sum, 1, ORDER_COUNT);
    return 0;
}

static uint64_t
take_sum(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < TOPICS; i++) {
        sum += load_u64(&sums[i].sum, ORDER_COUNT);
        store_u64(&sums[i].sum, 0, ORDER_COUNT);
    }
    return sum;
}

static int
open_consumers(struct ringbus_bus *bus, const struct load *load, int is_thread_safe,
    struct ringbus_topic *topics[TOPICS])
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    int outcome = RINGBUS_OK;

    options.thread_safe = is_thread_safe != 0;
    for (int i = 0; i < TOPICS && outcome == RINGBUS_OK; i++) {
        char name[16];

        snprintf(name, sizeof name, "topic.%d", i);
        if (consumer == NULL || !is_thread_safe)
            outcome =
                ringbus_consumer_open(bus, on_event, (void *)(uintptr_t)load, &options, &consumer);
        if (outcome == RINGBUS_OK)
            outcome = ringbus_register_consumer(bus, consumer, name);
        if (outcome == RINGBUS_OK)
            outcome = ringbus_topic_open(bus, name, &topics[i]);
    }
    return outcome;
}

/* ns an event. */
static double
measure(const struct load *load, uint32_t lanes, int is_thread_safe)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_topic *topics[TOPICS];
    struct ringbus_bus *bus = NULL;
    uint64_t payload[SIZE / 8] = {0};
    int64_t began = 0;

    group.capacity = 4096;
    group.slot_size = SIZE;
    group.lanes = lanes;
    options.default_group = &group;
    if (ringbus_open(&options, &bus) || open_consumers(bus, load, is_thread_safe, topics))
        return 0;
    began = ringbus_now_ns();
    for (int i = 0; i < load->events; i++) {
        payload[0] = (uint64_t)i;
        ringbus_topic_post(topics[i % TOPICS], payload, sizeof payload, NULL);
    }
    ringbus_flush(bus, RINGBUS_FOREVER);
    began = ringbus_now_ns() - began;
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(topics[i]);
    ringbus_close(bus);
    if (take_sum() != (uint64_t)load->events)
        printf("wrong sum\n");
    return (double)began / load->events;
}

int
main(void)
{
    static struct bench_row rows[2][LOADS][LANE_COUNTS];
    static char names[2][LOADS][LANE_COUNTS][48];

    loops_a_ns = calibrate();
    printf("null %.1f ns, round trip %.0f ns\n", bench_null_ns(), bench_round_trip_ns());
    for (int round = bench_rounds(15); round > 0; round--)
        for (int kind = 0; kind < 2; kind++)
            for (int load = 0; load < LOADS; load++)
                for (int lanes = 0; lanes < LANE_COUNTS; lanes++) {
                    struct bench_row *row = &rows[kind][load][lanes];

                    snprintf(names[kind][load][lanes], sizeof names[kind][load][lanes],
                        "lanes_%u_%s_%s", (unsigned)lane_counts[lanes], loads[load].name,
                        kind ? "thread_safe" : "serialized");
                    row->name = names[kind][load][lanes];
                    row->unit = "ns an event";
                    bench_add(row, measure(&loads[load], lane_counts[lanes], kind));
                }
    for (int kind = 0; kind < 2; kind++)
        for (int load = 0; load < LOADS; load++)
            bench_print(rows[kind][load], LANE_COUNTS);
    return 0;
}
