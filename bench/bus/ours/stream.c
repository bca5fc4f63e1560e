/* stream.c - the canonical work of a bus (workload.h), through one executor group of our bus. */
#include <stddef.h>

#include "ours.h"
#include "ringbus/ringbus.h"
#include "workload.h"

enum { CAPACITY = 65536 };

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topics[WORKLOAD_TOPICS];
} stream;

static int
deliver(const struct ringbus_event *event, void *context)
{
    workload_deliver(context, event->data);
    return 0;
}

static bool
open_consumers(const struct workload *workload)
{
    struct ringbus_consumer *consumer = NULL;

    for (int i = 0; i < WORKLOAD_TOPICS; i++) {
        for (int k = 0; k < workload->consumers; k++)
            if (ringbus_consumer_open(
                    stream.bus, deliver, &workload_consumers[i][k], NULL, &consumer) ||
                ringbus_register_consumer(stream.bus, consumer, workload_topics[i]))
                return false;
        if (ringbus_topic_open(stream.bus, workload_topics[i], &stream.topics[i]))
            return false;
    }
    return true;
}

static bool
stream_open(const struct workload *workload)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    group.capacity = CAPACITY;
    group.slot_size = sizeof(struct workload_event);
    options.default_group = &group;
    return ringbus_open(&options, &stream.bus) == RINGBUS_OK && open_consumers(workload);
}

static void
stream_post(const struct workload *workload, int poster)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        const char *name = workload_topics[i % WORKLOAD_TOPICS];

        event.number = i;
        if (workload->is_by_name)
            (void)ringbus_post(stream.bus, name, &event, sizeof event);
        else
            (void)ringbus_topic_post(
                stream.topics[i % WORKLOAD_TOPICS], &event, sizeof event, NULL);
    }
}

static void
stream_close(void)
{
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        ringbus_topic_close(stream.topics[i]);
    ringbus_close(stream.bus);
}

bool
stream_run(const struct request *request, struct figures *ret_figures)
{
    static const struct bus_system system = {"ringbus", stream_open, stream_post, stream_close};

    return workload_run(&system, request, ret_figures);
}
