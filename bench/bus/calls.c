/* calls.c - see calls.h. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

#include "serve.h"
#include "workload.h"

struct calls_consumer calls_consumers[CALLS_MAX_CONSUMERS];

int
calls_handle(const struct ringbus_event *event, void *context)
{
    const struct workload_event *data = event->data;
    struct calls_consumer *consumer = context;

    consumer->count++;
    consumer->sum += data->number;
    return 0;
}

static bool
is_complete(int consumers, uint64_t events)
{
    for (int i = 0; i < consumers; i++)
        if (calls_consumers[i].count != events ||
            calls_consumers[i].sum != events * (events - 1) / 2)
            return false;
    return true;
}

bool
calls_run(
    const struct calls_system *system, const struct request *request, struct figures *ret_figures)
{
    int consumers = 0;
    int64_t began = 0;

    if (sscanf(request->name, "sync_post_%d", &consumers) != 1 || consumers < 1 ||
        consumers > CALLS_MAX_CONSUMERS)
        return false;
    memset(calls_consumers, 0, sizeof calls_consumers);
    if (!system->open(consumers, request->wait))
        return false;
    began = ringbus_now_ns();
    system->post(request->events);
    ret_figures->value = (double)(ringbus_now_ns() - began) / (double)request->events;
    system->close();
    return is_complete(consumers, request->events);
}
