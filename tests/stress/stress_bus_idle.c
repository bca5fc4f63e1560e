/* stress_bus_idle.c - an idle bus uses no processor, while another one in the process is busy. */
#include <pthread.h>
#include <time.h>

#include "bus/consumer.h"
#include "bus/group.h"
#include "support/probe.h"

enum { GROUPS = 8, EVENTS = 2000000, MOST_MS = 5 };

/* What the threads of these groups have used. */
static int64_t
used_ns(const struct probe probes[GROUPS])
{
    int64_t sum = 0;

    for (int i = 0; i < GROUPS; i++) {
        const struct lane *lane = &probes[i].consumer->group->lanes[0];
        struct timespec used;
        clockid_t clock;

        MUST(pthread_getcpuclockid(lane->thread.handle, &clock) == 0 &&
                 clock_gettime(clock, &used) == 0,
            "no clock");
        sum += (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
    }
    return sum;
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

/* The time in which nothing is to happen elsewhere. */
static void
keep_busy(struct ringbus_bus *bus)
{
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_consumer_open(bus, ignore, NULL, NULL, &consumer) == RINGBUS_OK &&
             ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK &&
             ringbus_topic_open(bus, "a", &topic) == RINGBUS_OK,
        "no consumer");
    for (uint64_t i = 0; i < EVENTS; i++) {
        MUST(ringbus_topic_post(topic, &i, sizeof i, NULL) == 1, "no post");
        if (i % 1000 ==
            0) /* its executor sleeps now and then, and its barriers go to all threads */
            MUST(ringbus_flush(bus, patience_ends()) == RINGBUS_OK, "flush");
    }
    ringbus_topic_close(topic);
}

START_TEST(an_idle_bus_uses_no_processor)
{
    static struct probe probes[GROUPS];
    struct ringbus_bus *bus = bus_open(NULL), *busy = bus_open(NULL);
    int64_t before = 0, used = 0;

    for (int i = 0; i < GROUPS; i++) {
        probes[i].group = i == 0 ? NULL : group_open(bus, RINGBUS_GROUP_THREADS, 64);
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    for (uint64_t i = 0; i < 1000; i++) /* busy, so that it has reason to spin */
        MUST(ringbus_post(bus, "a", &i, sizeof i) == GROUPS, "no post");
    MUST(ringbus_flush(bus, patience_ends()) == RINGBUS_OK, "flush");
    before = used_ns(probes);
    keep_busy(busy);
    used = used_ns(probes) - before;
    ck_assert_msg(used < INT64_C(1000000) * MOST_MS, "%d us of processor time in idle threads",
        (int)(used / 1000));
    bus_close(busy);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus_idle", an_idle_bus_uses_no_processor);
}
