/* glib_pool.c - what a program on GLib makes: a GHashTable of the consumers of each topic's name, a GThreadPool of two
 * threads (or as many as WAIT says), a mutex for each consumer. An event is one task, which calls all its consumers:
 * with several of them that is some times as fast as a task for each delivery, with one the same. The order of events
 * is not kept. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "workload.h"

enum { USUAL_THREADS = 2 };

struct locked_consumer {
    GMutex lock;
    struct workload_consumer *consumer;
};

struct task {
    const GPtrArray *consumers;
    struct workload_event event;
};

static struct {
    GHashTable *routes; /* name -> GPtrArray of locked_consumer */
    GThreadPool *threads;
    struct locked_consumer consumers[WORKLOAD_TOPICS][WORKLOAD_MAX_CONSUMERS];
} pool;

static void
run_task(gpointer data, gpointer context)
{
    struct task *task = data;

    (void)context;
    for (guint i = 0; i < task->consumers->len; i++) {
        struct locked_consumer *consumer = g_ptr_array_index(task->consumers, i);

        g_mutex_lock(&consumer->lock);
        workload_deliver(consumer->consumer, &task->event);
        g_mutex_unlock(&consumer->lock);
    }
    g_slice_free(struct task, task);
}

static void
free_route(gpointer route)
{
    g_ptr_array_unref(route);
}

static bool
pool_open(const struct workload *workload)
{
    const int threads = atoi(workload->wait);

    memset(&pool, 0, sizeof pool);
    pool.routes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_route);
    for (int i = 0; i < WORKLOAD_TOPICS; i++) {
        GPtrArray *route = g_ptr_array_new();

        for (int k = 0; k < workload->consumers; k++) {
            struct locked_consumer *consumer = &pool.consumers[i][k];

            g_mutex_init(&consumer->lock);
            consumer->consumer = &workload_consumers[i][k];
            g_ptr_array_add(route, consumer);
        }
        g_hash_table_insert(pool.routes, (gpointer)(guintptr)workload_topics[i], route);
    }
    pool.threads =
        g_thread_pool_new(run_task, NULL, threads > 0 ? threads : USUAL_THREADS, TRUE, NULL);
    return pool.threads != NULL;
}

static void
pool_post(const struct workload *workload, int poster)
{
    for (uint64_t i = 0; i < workload->per_poster; i++) {
        struct task *task = g_slice_new(struct task);

        task->consumers = g_hash_table_lookup(pool.routes, workload_topics[i % WORKLOAD_TOPICS]);
        task->event = (struct workload_event){.number = i, .rest = {(uint64_t)poster}};
        g_thread_pool_push(pool.threads, task, NULL);
    }
}

static void
pool_close(void)
{
    g_thread_pool_free(pool.threads, FALSE, TRUE);
    g_hash_table_destroy(pool.routes);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"glib_pool", pool_open, pool_post, pool_close};

    return workload_main(argc, argv, &system);
}
