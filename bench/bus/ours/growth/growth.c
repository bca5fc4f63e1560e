/* growth.c - see growth.h; which file has which case. */
#include "growth.h"

#include <semaphore.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "ours/ours.h"

static struct {
    struct atomic_u64 unfinished; /* consumers */
    sem_t finished;
    int64_t ended;
} pass;

uint64_t
growth_setting(const struct request *request)
{
    return strtoull(request->wait, NULL, 10);
}

bool
growth_open(uint32_t capacity, uint64_t topics, uint32_t groups, struct ringbus_bus **ret_bus)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    group.capacity = capacity;
    group.slot_size = sizeof(struct growth_event);
    options.default_group = &group;
    options.max_topics = (uint32_t)topics;
    options.max_groups = groups;
    return ringbus_open(&options, ret_bus) == RINGBUS_OK;
}

static int
deliver(const struct ringbus_event *event, void *context)
{
    growth_deliver(context, ((const struct growth_event *)event->data)->number);
    return 0;
}

bool
growth_consume(struct ringbus_bus *bus, struct ringbus_group *group, const char *topic,
    struct growth_tally *tally, struct ringbus_consumer **ret_consumer)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = group;
    return ringbus_consumer_open(bus, deliver, tally, &options, ret_consumer) == RINGBUS_OK &&
           (topic == NULL || ringbus_register_consumer(bus, *ret_consumer, topic) == RINGBUS_OK);
}

void
growth_expect(struct growth_tally *tally, uint64_t events)
{
    *tally = (struct growth_tally){.left = events};
}

int64_t
growth_begin(uint64_t consumers)
{
    static bool is_ready;

    if (!is_ready && sem_init(&pass.finished, 0, 0) != 0)
        abort();
    is_ready = true;
    store_u64(&pass.unfinished, consumers, ORDER_OWN);
    return ringbus_now_ns();
}

void
growth_finish(void)
{
    if (add_u64(&pass.unfinished, UINT64_MAX, ORDER_WAKE) != 1)
        return;
    pass.ended = ringbus_now_ns();
    sem_post(&pass.finished);
}

double
growth_end(int64_t began)
{
    while (sem_wait(&pass.finished) != 0)
        ;
    return (double)(pass.ended - began);
}

bool
growth_run(const struct request *request, struct figures *ret_figures)
{
    static const struct {
        const char *name;
        bool (*run)(const struct request *request, struct figures *ret_figures);
    } cases[] = {
        {"growth_hot", growth_hot_run},
        {"growth_uniform", growth_uniform_run},
        {"growth_consumers", growth_consumers_run},
        {"growth_consumers_further", growth_further_run},
        {"growth_groups", growth_groups_run},
        {"growth_patterns", growth_patterns_run},
        {"growth_patterns_byname", growth_patterns_run},
        {"growth_new_name", growth_new_name_run},
        {"growth_payload", growth_payload_run},
        {"growth_payload_reference", growth_reference_run},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, request->name) == 0)
            return cases[i].run(request, ret_figures);
    return false;
}
