/* wake.c - a wake-up from idle (wakes.h): of the executor of a threads group, which waits as it does by default, and of
 * a loop. */
#include <stddef.h>

#include "loop.h"
#include "ours.h"
#include "wakes.h"

static struct {
    struct loop loop;
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
} wake;

static int
arrive(const struct ringbus_event *event, void *context)
{
    (void)context;
    wakes_arrive(*(const int64_t *)event->data);
    return 0;
}

static bool
post(int64_t began)
{
    return ringbus_topic_post(wake.topic, &began, sizeof began, NULL) == 1;
}

/* ---- an executor ---- */

static bool
executor_open(void)
{
    struct ringbus_consumer *consumer = NULL;

    return ringbus_open(NULL, &wake.bus) == RINGBUS_OK &&
           ringbus_consumer_open(wake.bus, arrive, NULL, NULL, &consumer) == RINGBUS_OK &&
           ringbus_register_consumer(wake.bus, consumer, "wake") == RINGBUS_OK &&
           ringbus_topic_open(wake.bus, "wake", &wake.topic) == RINGBUS_OK;
}

static bool
executor_close(void)
{
    ringbus_topic_close(wake.topic);
    return ringbus_close(wake.bus) == RINGBUS_OK;
}

bool
wake_executor_run(const struct request *request, struct figures *ret_figures)
{
    static const struct wakes_system system = {executor_open, post, executor_close};

    return wakes_run(&system, request, ret_figures);
}

/* ---- a loop ---- */

static bool
on_loop_open(void)
{
    return loop_open(&wake.loop, 0, 0) && loop_consume(&wake.loop, arrive, NULL, "wake") &&
           ringbus_topic_open(wake.loop.bus, "wake", &wake.topic) == RINGBUS_OK;
}

static bool
on_loop_close(void)
{
    ringbus_topic_close(wake.topic);
    return loop_close(&wake.loop);
}

bool
wake_loop_run(const struct request *request, struct figures *ret_figures)
{
    static const struct wakes_system system = {on_loop_open, post, on_loop_close};

    return wakes_run(&system, request, ret_figures);
}
