/* lanes.c - `lanes_<LOAD>` and `lanes_<LOAD>_thread_safe`: 64-byte events over 16 topics from one poster, first post to
 * last delivery, ns an event. WAIT is the number of lanes.
 *
 * A serialized consumer for each topic, each on its home lane; or one thread-safe consumer for all topics, whose events
 * the lanes take from each other. Handlers do nothing, or compute for 200 ns or 2 us (CPU, not clock: one that is
 * preempted must not finish for free), or, `slow`, block for 50 us once in a thousand events. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "ours.h"
#include "ringbus/ringbus.h"
#include "workload.h"

enum { CAPACITY = 4096, SLOW_EVERY = 1000, SLOW_NS = 50000 };

static const struct load {
    const char *name;
    int work_ns;
    bool is_slow;
} loads[] = {
    {"0", 0, false},
    {"200ns", 200, false},
    {"2us", 2000, false},
    {"slow", 0, true},
};

/* Of the numbers, counted from 1: each event writes a line of its topic's, two lanes rarely the same. */
static struct {
    _Alignas(CPU_LINE) struct atomic_u64 sum;
} sums[WORKLOAD_TOPICS];

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topics[WORKLOAD_TOPICS];
    const struct load *load;
    bool is_thread_safe;
    uint64_t loops; /* of an event's work */
} lanes;

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

/* The fastest of some looks: one that was interrupted says nothing. */
static double
loops_a_ns(void)
{
    enum { LOOPS = 2000000, LOOKS = 10 };
    double fastest = 0;

    for (int look = 0; look < LOOKS; look++) {
        const int64_t began = ringbus_now_ns();
        double speed = 0;

        compute(LOOPS);
        speed = LOOPS / (double)(ringbus_now_ns() - began);
        fastest = speed > fastest ? speed : fastest;
    }
    return fastest;
}

static int
work(const struct ringbus_event *event, void *context)
{
    const uint64_t number = ((const struct workload_event *)event->data)->number;

    (void)context;
    compute(lanes.loops);
    if (lanes.load->is_slow && number % SLOW_EVERY == 0)
        nanosleep(&(struct timespec){0, SLOW_NS}, NULL);
    /* COUNT: looked at when no lane is left. */
    add_u64(&sums[number % WORKLOAD_TOPICS].sum, number + 1, ORDER_COUNT);
    return 0;
}

static bool
consume(void)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.thread_safe = lanes.is_thread_safe;
    for (int i = 0; i < WORKLOAD_TOPICS; i++) {
        if ((consumer == NULL || !lanes.is_thread_safe) &&
            ringbus_consumer_open(lanes.bus, work, NULL, &options, &consumer))
            return false;
        if (ringbus_register_consumer(lanes.bus, consumer, workload_topics[i]) ||
            ringbus_topic_open(lanes.bus, workload_topics[i], &lanes.topics[i]))
            return false;
    }
    return true;
}

static bool
open_lanes(int count)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(sums, 0, sizeof sums);
    group.capacity = CAPACITY;
    group.slot_size = sizeof(struct workload_event);
    group.lanes = (uint32_t)count;
    options.default_group = &group;
    return ringbus_open(&options, &lanes.bus) == RINGBUS_OK && consume();
}

/* ns an event. */
static double
post_all(uint64_t events)
{
    struct workload_event event = {.number = 0};
    const int64_t began = ringbus_now_ns();

    for (uint64_t i = 0; i < events; i++) {
        event.number = i;
        (void)ringbus_topic_post(lanes.topics[i % WORKLOAD_TOPICS], &event, sizeof event, NULL);
    }
    ringbus_flush(lanes.bus, RINGBUS_FOREVER);
    return (double)(ringbus_now_ns() - began) / (double)events;
}

static bool
close_lanes(uint64_t events)
{
    uint64_t sum = 0;

    for (int i = 0; i < WORKLOAD_TOPICS; i++) {
        ringbus_topic_close(lanes.topics[i]);
        sum += load_u64(&sums[i].sum, ORDER_COUNT);
    }
    return ringbus_close(lanes.bus) == RINGBUS_OK && sum == events * (events + 1) / 2;
}

/* Is the case that of this load? */
static bool
has_load(const char *name, const struct load *load)
{
    const size_t length = strlen(load->name);

    name += strlen("lanes_");
    return strncmp(name, load->name, length) == 0 &&
           (name[length] == '\0' || strcmp(name + length, "_thread_safe") == 0);
}

static const struct load *
find_load(const char *name)
{
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++)
        if (has_load(name, &loads[i]))
            return &loads[i];
    return NULL;
}

bool
lanes_run(const struct request *request, struct figures *ret_figures)
{
    static double speed; /* found once */
    const int count = atoi(request->wait);

    lanes.load = find_load(request->name);
    lanes.is_thread_safe = strstr(request->name, "_thread_safe") != NULL;
    if (lanes.load == NULL || count < 1 || !open_lanes(count))
        return false;
    if (speed == 0)
        speed = loops_a_ns();
    lanes.loops = (uint64_t)(lanes.load->work_ns * speed);
    ret_figures->value = post_all(request->events);
    return close_lanes(request->events);
}
