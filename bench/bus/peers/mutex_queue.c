/* mutex_queue.c - what people write first: a queue behind a mutex with a condition, one thread that takes all there is
 * and calls the consumers of the topic's list. Where threads are more than cores: several such queues, to which the
 * topics are dealt out. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"
#include "serve.h"
#include "workload.h"

enum { CAPACITY = 65536 };

struct entry {
    int topic;
    union {
        struct workload_event event;
        struct schedule_event due;
    };
};

struct queue {
    _Alignas(128) pthread_mutex_t lock;
    pthread_cond_t has_events, has_room;
    struct entry *waiting, *taken; /* the thread takes one for the other */
    int count, capacity;
    bool is_over;
    void (*deliver)(const struct entry *entry);
    pthread_t thread;
};

/* ---- a queue ---- */

/* How many; 0: it is over. */
static int
take(struct queue *queue)
{
    struct entry *entries = NULL;
    int count = 0;

    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !queue->is_over)
        pthread_cond_wait(&queue->has_events, &queue->lock);
    count = queue->count;
    entries = queue->waiting;
    queue->waiting = queue->taken;
    queue->taken = entries;
    queue->count = 0;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_broadcast(&queue->has_room);
    return count;
}

static void *
dispatch(void *context)
{
    struct queue *queue = context;
    int count = 0;

    while ((count = take(queue)) > 0)
        for (int i = 0; i < count; i++)
            queue->deliver(&queue->taken[i]);
    return NULL;
}

static bool
queue_open(struct queue *queue, int capacity, void (*deliver)(const struct entry *entry))
{
    memset(queue, 0, sizeof *queue);
    queue->capacity = capacity;
    queue->deliver = deliver;
    queue->waiting = calloc((size_t)capacity, sizeof(struct entry));
    queue->taken = calloc((size_t)capacity, sizeof(struct entry));
    return queue->waiting != NULL && queue->taken != NULL &&
           pthread_mutex_init(&queue->lock, NULL) == 0 &&
           pthread_cond_init(&queue->has_events, NULL) == 0 &&
           pthread_cond_init(&queue->has_room, NULL) == 0 &&
           pthread_create(&queue->thread, NULL, dispatch, queue) == 0;
}

/* Room for one more, filled before queue_post. */
static inline struct entry *
queue_claim(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->capacity)
        pthread_cond_wait(&queue->has_room, &queue->lock);
    return &queue->waiting[queue->count];
}

static inline void
queue_post(struct queue *queue)
{
    const bool was_empty = queue->count++ == 0;

    pthread_mutex_unlock(&queue->lock);
    if (was_empty)
        pthread_cond_signal(&queue->has_events);
}

static void
queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_over = true;
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_signal(&queue->has_events);
    pthread_join(queue->thread, NULL);
    free(queue->waiting);
    free(queue->taken);
}

/* ---- streams ---- */

static struct {
    struct queue queues[WORKLOAD_TOPICS];
    struct queue *of_topic[WORKLOAD_TOPICS];
    int count;
    int consumers;
} stream;

static void
stream_deliver(const struct entry *entry)
{
    for (int k = 0; k < stream.consumers; k++)
        workload_deliver(&workload_consumers[entry->topic][k], &entry->event);
}

static bool
stream_open(const struct workload *workload)
{
    stream.consumers = workload->consumers;
    for (int i = 0; i < stream.count; i++)
        if (!queue_open(&stream.queues[i], CAPACITY / stream.count, stream_deliver))
            return false;
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        stream.of_topic[i] = &stream.queues[i % stream.count];
    return true;
}

static void
stream_post(const struct workload *workload, int poster)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        const int topic = (int)(i % WORKLOAD_TOPICS);
        struct entry *entry = queue_claim(stream.of_topic[topic]);

        event.number = i;
        entry->topic = topic;
        entry->event = event;
        queue_post(stream.of_topic[topic]);
    }
}

static void
stream_close(void)
{
    for (int i = 0; i < stream.count; i++)
        queue_close(&stream.queues[i]);
}

static const struct bus_system stream_system = {
    "mutex_queue", stream_open, stream_post, stream_close};

static bool
stream_run(const struct request *request, struct figures *ret_figures)
{
    stream.count = 1;
    return workload_run(&stream_system, request, ret_figures);
}

static bool
oversubscribed_run(const struct request *request, struct figures *ret_figures)
{
    stream.count = workload_oversubscribed(request);
    return stream.count > 0 &&
           workload_run_posters(&stream_system, request, stream.count, ret_figures);
}

/* ---- latency ---- */

static struct queue latency_queue;

static void
latency_deliver(const struct entry *entry)
{
    schedule_deliver(&entry->due);
}

static bool
latency_open(const char *wait)
{
    (void)wait;
    return queue_open(&latency_queue, CAPACITY, latency_deliver);
}

static bool
latency_post(const struct schedule_event *event)
{
    struct entry *entry = queue_claim(&latency_queue);

    entry->topic = 0;
    entry->due = *event;
    queue_post(&latency_queue);
    return true;
}

static void
latency_close(void)
{
    queue_close(&latency_queue);
}

static bool
latency_run(const struct request *request, struct figures *ret_figures)
{
    static const struct schedule_system system = {
        "mutex_queue", latency_open, latency_post, latency_close};

    return schedule_run(&system, request, ret_figures);
}

int
main(int argc, char **argv)
{
    static const struct served cases[] = {
        {"bus_", stream_run},
        {"latency_", latency_run},
        {"oversubscribed_", oversubscribed_run},
        {NULL, NULL},
    };

    return serve_main(argc, argv, "mutex_queue", cases);
}
