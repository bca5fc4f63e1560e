/* load.c - our bus while much else goes on: registrations while the canonical stream of workload.h flows, and more
 * threads than cores. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/atomic.h"
#include "ours.h"
#include "ringbus/ringbus.h"
#include "workload.h"

enum { CAPACITY = 65536, TICK_NS = 1000000, FORGIVEN_NS = 20000000 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topics[WORKLOAD_TOPICS];
    int groups;
} load = {.groups = 1};

/* ---- the stream ---- */

static int
deliver(const struct ringbus_event *event, void *context)
{
    workload_deliver(context, event->data);
    return 0;
}

static bool
open_topic(int number, struct ringbus_group *group)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = group;
    return ringbus_consumer_open(load.bus, deliver, &workload_consumers[number][0], &options,
               &consumer) == RINGBUS_OK &&
           ringbus_register_consumer(load.bus, consumer, workload_topics[number]) == RINGBUS_OK &&
           ringbus_topic_open(load.bus, workload_topics[number], &load.topics[number]) ==
               RINGBUS_OK;
}

/* The topics are dealt out to the groups, so that each poster posts to all of them. */
static bool
load_open(const struct workload *workload)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_group *groups[WORKLOAD_TOPICS] = {NULL}; /* the first: the default one */

    (void)workload;
    group.capacity = (uint32_t)(CAPACITY / load.groups);
    group.slot_size = sizeof(struct workload_event);
    options.default_group = &group;
    options.max_groups = WORKLOAD_TOPICS;
    if (ringbus_open(&options, &load.bus) != RINGBUS_OK)
        return false;
    for (int i = 1; i < load.groups; i++)
        if (ringbus_group_open(load.bus, &group, &groups[i]) != RINGBUS_OK)
            return false;
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        if (!open_topic(i, groups[i % load.groups]))
            return false;
    return true;
}

static void
load_post(const struct workload *workload, int poster)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};

    for (event.number = 0; event.number < workload->per_poster; event.number++)
        (void)ringbus_topic_post(
            load.topics[event.number % WORKLOAD_TOPICS], &event, sizeof event, NULL);
}

static void
load_close(void)
{
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        ringbus_topic_close(load.topics[i]);
    ringbus_close(load.bus);
}

/* ---- more threads than cores ---- */

bool
oversubscribed_run(const struct request *request, struct figures *ret_figures)
{
    static const struct bus_system system = {"ringbus", load_open, load_post, load_close};

    load.groups = workload_oversubscribed(request);
    return load.groups > 0 && workload_run_posters(&system, request, load.groups, ret_figures);
}

/* ---- registrations ---- */

static struct {
    pthread_t thread;
    struct atomic_u32 is_over;
    bool is_still; /* the thread wakes as often, and registers nothing */
    uint64_t ticks;
    int64_t began, ended;
    bool has_failed;
} churn;

static int64_t churned_ns,
    churning_ns; /* of all passes: what the ticks make, and how long it took */

/* The consumers that come and go may meet some events of the stream. */
static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

/* On a topic of the stream and on a new one in turn. */
static bool
register_once(uint64_t number)
{
    struct ringbus_consumer *consumer = NULL;
    char name[32];
    bool is_good = false;

    snprintf(name, sizeof name, number % 2 ? "new.%llu" : "topic.%llu",
        (unsigned long long)(number % 2 ? number : number / 2 % WORKLOAD_TOPICS));
    if (ringbus_consumer_open(load.bus, ignore, NULL, NULL, &consumer) != RINGBUS_OK)
        return false;
    is_good = ringbus_register_consumer(load.bus, consumer, name) == RINGBUS_OK &&
              ringbus_unregister_consumer(load.bus, consumer, name) == RINGBUS_OK;
    return ringbus_consumer_close(consumer, RINGBUS_DISCARD) == RINGBUS_OK && is_good;
}

static void *
tick(void *context)
{
    churn.began = ringbus_now_ns();
    /* STATE: nothing else travels */
    while (!load_u32(&churn.is_over, ORDER_STATE_ACQUIRE)) {
        const int64_t due = churn.began + (int64_t)churn.ticks * TICK_NS;
        const struct timespec until = {due / 1000000000, due % 1000000000};

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
            ;
        if (!churn.is_still && !register_once(churn.ticks))
            churn.has_failed = true;
        churn.ticks++;
    }
    churn.ended = ringbus_now_ns();
    return context;
}

static bool
churn_open(const struct workload *workload)
{
    memset(&churn, 0, sizeof churn);
    churn.is_still = strcmp(workload->wait, "still") == 0;
    return load_open(workload) && pthread_create(&churn.thread, NULL, tick, NULL) == 0;
}

static void
churn_close(void)
{
    /* STATE: as there */
    store_u32(&churn.is_over, 1, ORDER_STATE_RELEASE);
    pthread_join(churn.thread, NULL);
    load_close();
}

/* What was due was done, over all passes, all but a tenth. */
bool
churn_run(const struct request *request, struct figures *ret_figures)
{
    static const struct bus_system system = {"ringbus", churn_open, load_post, churn_close};
    const bool is_good = workload_run_posters(&system, request, 1, ret_figures);

    churned_ns += (int64_t)churn.ticks * TICK_NS;
    churning_ns += churn.ended - churn.began;
    return is_good && !churn.has_failed && churned_ns + FORGIVEN_NS >= churning_ns / 10 * 9;
}
