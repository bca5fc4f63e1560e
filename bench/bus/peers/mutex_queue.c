/* mutex_queue.c - what people write first: a queue behind a mutex with a condition, one thread that takes all there is
 * and calls the consumers of the topic's list. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum { CAPACITY = 65536 };

struct entry {
    int topic;
    struct workload_event event;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t has_events, has_room;
    struct entry *waiting, *taken; /* the thread takes one for the other */
    int count;
    bool is_over;
    int consumers;
    pthread_t thread;
} queue;

static void
deliver(const struct entry *entry)
{
    for (int k = 0; k < queue.consumers; k++)
        workload_deliver(&workload_consumers[entry->topic][k], &entry->event);
}

/* How many; 0: it is over. */
static int
take(void)
{
    struct entry *entries = queue.waiting;
    int count = 0;

    pthread_mutex_lock(&queue.lock);
    while (queue.count == 0 && !queue.is_over)
        pthread_cond_wait(&queue.has_events, &queue.lock);
    count = queue.count;
    entries = queue.waiting;
    queue.waiting = queue.taken;
    queue.taken = entries;
    queue.count = 0;
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_broadcast(&queue.has_room);
    return count;
}

static void *
dispatch(void *context)
{
    int count = 0;

    while ((count = take()) > 0)
        for (int i = 0; i < count; i++)
            deliver(&queue.taken[i]);
    return context;
}

static bool
queue_open(const struct workload *workload)
{
    memset(&queue, 0, sizeof queue);
    queue.consumers = workload->consumers;
    queue.waiting = calloc(CAPACITY, sizeof(struct entry));
    queue.taken = calloc(CAPACITY, sizeof(struct entry));
    return queue.waiting != NULL && queue.taken != NULL &&
           pthread_mutex_init(&queue.lock, NULL) == 0 &&
           pthread_cond_init(&queue.has_events, NULL) == 0 &&
           pthread_cond_init(&queue.has_room, NULL) == 0 &&
           pthread_create(&queue.thread, NULL, dispatch, NULL) == 0;
}

static void
queue_post(const struct workload *workload, int poster)
{
    struct workload_event event = {.rest = {(uint64_t)poster}};

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        bool was_empty = false;

        event.number = i;
        pthread_mutex_lock(&queue.lock);
        while (queue.count == CAPACITY)
            pthread_cond_wait(&queue.has_room, &queue.lock);
        was_empty = queue.count == 0;
        queue.waiting[queue.count++] = (struct entry){(int)(i % WORKLOAD_TOPICS), event};
        pthread_mutex_unlock(&queue.lock);
        if (was_empty)
            pthread_cond_signal(&queue.has_events);
    }
}

static void
queue_close(void)
{
    pthread_mutex_lock(&queue.lock);
    queue.is_over = true;
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_signal(&queue.has_events);
    pthread_join(queue.thread, NULL);
    free(queue.waiting);
    free(queue.taken);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"mutex_queue", queue_open, queue_post, queue_close};

    return workload_main(argc, argv, &system);
}
