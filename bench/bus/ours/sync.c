/* sync.c - a synchronous post (calls.h) of ours: the consumers are in a caller group. WAIT: `thread_safe` or
 * `serialized` consumers, by handle; `byname`, thread-safe ones. */
#include <stddef.h>
#include <string.h>

#include "calls.h"
#include "ours.h"
#include "ringbus/ringbus.h"
#include "workload.h"

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
    bool is_by_name;
} caller;

static bool
caller_open(int consumers, const char *wait)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_consumer_options consumer_options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    group.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &group;
    consumer_options.thread_safe = strcmp(wait, "serialized") != 0;
    caller.is_by_name = strcmp(wait, "byname") == 0;
    if (ringbus_open(&options, &caller.bus))
        return false;
    for (int i = 0; i < consumers; i++)
        if (ringbus_consumer_open(
                caller.bus, calls_handle, &calls_consumers[i], &consumer_options, &consumer) ||
            ringbus_register_consumer(caller.bus, consumer, CALLS_TOPIC))
            return false;
    return ringbus_topic_open(caller.bus, CALLS_TOPIC, &caller.topic) == RINGBUS_OK;
}

static void
caller_post(uint64_t events)
{
    struct workload_event event = {.number = 0};

    for (uint64_t i = 0; i < events; i++) {
        event.number = i;
        if (caller.is_by_name)
            (void)ringbus_post(caller.bus, CALLS_TOPIC, &event, sizeof event);
        else
            (void)ringbus_topic_post(caller.topic, &event, sizeof event, NULL);
    }
}

static void
caller_close(void)
{
    ringbus_topic_close(caller.topic);
    ringbus_close(caller.bus);
}

bool
sync_run(const struct request *request, struct figures *ret_figures)
{
    static const struct calls_system system = {caller_open, caller_post, caller_close};

    return calls_run(&system, request, ret_figures);
}
