/* latency.c - latency at a steady rate (schedule.h) through our bus: one topic, one serialized consumer, in the default
 * group or on a libuv loop of another thread. WAIT: `usual` and `stall`, `spin`, `yield`, `block`, `loop`. */
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <string.h>

#include "ours.h"
#include "ringbus/ringbus.h"
#include "ringbus/uv.h"
#include "schedule.h"

enum { CAPACITY = 65536 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
    struct ringbus_group *group; /* NULL: the default one */
} latency;

static int
deliver(const struct ringbus_event *event, void *context)
{
    (void)context;
    schedule_deliver(event->data);
    return 0;
}

static uint32_t
wait_of(const char *name)
{
    if (strcmp(name, "spin") == 0)
        return RINGBUS_WAIT_BUSY_SPIN;
    if (strcmp(name, "yield") == 0)
        return RINGBUS_WAIT_YIELD;
    return strcmp(name, "block") == 0 ? RINGBUS_WAIT_BLOCK : RINGBUS_WAIT_PHASED;
}

/* ---- on a loop ---- */

static struct {
    uv_loop_t loop;
    pthread_t thread;
    sem_t opened;
} looping;

static void *
run_loop(void *context)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    bool is_open = false;

    options.capacity = CAPACITY;
    options.slot_size = sizeof(struct schedule_event);
    is_open = uv_loop_init(&looping.loop) == 0 && ringbus_uv_group_open(latency.bus, &looping.loop,
                                                      &options, &latency.group) == RINGBUS_OK;
    sem_post(&looping.opened);
    if (is_open) {
        uv_run(&looping.loop, UV_RUN_DEFAULT);
        uv_loop_close(&looping.loop);
    }
    return context;
}

static bool
open_loop(void)
{
    if (sem_init(&looping.opened, 0, 0) != 0 ||
        pthread_create(&looping.thread, NULL, run_loop, NULL) != 0)
        return false;
    while (sem_wait(&looping.opened) != 0)
        ;
    sem_destroy(&looping.opened);
    return latency.group != NULL;
}

static void
close_loop(void)
{
    ringbus_uv_detach(latency.group, RINGBUS_DRAIN, NULL, NULL);
    pthread_join(looping.thread, NULL);
}

/* ---- a pass ---- */

static bool
open_consumer(void)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = latency.group;
    return ringbus_consumer_open(latency.bus, deliver, NULL, &options, &consumer) == RINGBUS_OK &&
           ringbus_register_consumer(latency.bus, consumer, "topic") == RINGBUS_OK &&
           ringbus_topic_open(latency.bus, "topic", &latency.topic) == RINGBUS_OK;
}

static bool
latency_open(const char *wait)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(&latency, 0, sizeof latency);
    group.capacity = CAPACITY;
    group.slot_size = sizeof(struct schedule_event);
    group.wait = wait_of(wait);
    options.default_group = &group;
    return ringbus_open(&options, &latency.bus) == RINGBUS_OK &&
           (strcmp(wait, "loop") != 0 || open_loop()) && open_consumer();
}

static bool
latency_post(const struct schedule_event *event)
{
    return ringbus_topic_post(latency.topic, event, sizeof *event, NULL) == 1;
}

static void
latency_close(void)
{
    ringbus_topic_close(latency.topic);
    if (latency.group != NULL)
        close_loop();
    ringbus_close(latency.bus);
}

bool
latency_run(const struct request *request, struct figures *ret_figures)
{
    static const struct schedule_system system = {
        "ringbus", latency_open, latency_post, latency_close};

    return schedule_run(&system, request, ret_figures);
}
