/* loop.c - see loop.h; and the case `loop_delivery`, the canonical work of one poster and one consumer of each topic
 * (workload.h), delivered on a loop. */
#include "loop.h"

#include <string.h>

#include "ours.h"
#include "workload.h"

enum { CAPACITY = 65536 };

static void *
run_loop(void *context)
{
    struct loop *loop = context;

    if (uv_loop_init(&loop->uv) != 0 ||
        ringbus_uv_group_open(loop->bus, &loop->uv, &loop->options, &loop->group))
        loop->group = NULL;
    sem_post(&loop->attached);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->is_closed = uv_loop_close(&loop->uv) == 0;
    return NULL;
}

bool
loop_open(struct loop *loop, uint32_t capacity, uint32_t slot_size)
{
    memset(loop, 0, sizeof *loop);
    loop->options = ringbus_uv_group_options_default();
    loop->options.capacity = capacity;
    loop->options.slot_size = slot_size;
    if (ringbus_open(NULL, &loop->bus) || sem_init(&loop->attached, 0, 0) != 0 ||
        pthread_create(&loop->thread, NULL, run_loop, loop) != 0)
        return false;
    while (sem_wait(&loop->attached) != 0)
        ;
    return loop->group != NULL;
}

bool
loop_consume(const struct loop *loop, ringbus_handler handler, void *context, const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = loop->group;
    return ringbus_consumer_open(loop->bus, handler, context, &options, &consumer) == RINGBUS_OK &&
           ringbus_register_consumer(loop->bus, consumer, topic) == RINGBUS_OK;
}

bool
loop_close(struct loop *loop)
{
    const bool is_detached =
        ringbus_uv_detach(loop->group, RINGBUS_DRAIN, NULL, NULL) == RINGBUS_PENDING;

    pthread_join(loop->thread, NULL);
    sem_destroy(&loop->attached);
    return ringbus_close(loop->bus) == RINGBUS_OK && is_detached && loop->is_closed;
}

/* ---- loop_delivery ---- */

static struct {
    struct loop loop;
    struct ringbus_topic *topics[WORKLOAD_TOPICS];
    bool is_closed;
} delivery;

static int
deliver(const struct ringbus_event *event, void *context)
{
    workload_deliver(context, event->data);
    return 0;
}

static bool
delivery_open(const struct workload *workload)
{
    struct loop *loop = &delivery.loop;

    (void)workload;
    if (!loop_open(loop, CAPACITY, sizeof(struct workload_event)))
        return false;
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        if (!loop_consume(loop, deliver, &workload_consumers[i][0], workload_topics[i]) ||
            ringbus_topic_open(loop->bus, workload_topics[i], &delivery.topics[i]))
            return false;
    return true;
}

static void
delivery_post(const struct workload *workload, int poster)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        event.number = i;
        (void)ringbus_topic_post(delivery.topics[i % WORKLOAD_TOPICS], &event, sizeof event, NULL);
    }
}

static void
delivery_close(void)
{
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        ringbus_topic_close(delivery.topics[i]);
    delivery.is_closed = loop_close(&delivery.loop);
}

bool
loop_delivery_run(const struct request *request, struct figures *ret_figures)
{
    static const struct bus_system system = {
        "ringbus", delivery_open, delivery_post, delivery_close};
    struct request work = *request;

    work.name = "bus_1p_16t_1s";
    return workload_run(&system, &work, ret_figures) && delivery.is_closed;
}
