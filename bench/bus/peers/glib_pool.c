/* glib_pool.c - what a program on GLib makes: a GThreadPool, to which an event is one task, which calls all consumers
 * of its topic. By name a GHashTable has each topic's consumers; by handle the poster has them already.
 *
 * The pool is exclusive and has one thread: nothing else keeps the order of a topic's events, and it calls a consumer
 * once at a time, so that there is no lock. It is the fastest, too: two threads, with a mutex for each consumer, are
 * 0.4 to 0.8 times as fast, a thread of one's own behind a GAsyncQueue as fast or slower, g_malloc for a task slower
 * than g_slice. */
#include <glib.h>
#include <string.h>

#include "workload.h"

enum { THREADS = 1 };

struct task {
    const GPtrArray *consumers;
    struct workload_event event;
};

static struct {
    GHashTable *by_name;
    GPtrArray *routes[WORKLOAD_TOPICS]; /* of workload_consumer */
    GThreadPool *threads;
} pool;

static void
run_task(gpointer data, gpointer context)
{
    struct task *task = data;

    (void)context;
    for (guint i = 0; i < task->consumers->len; i++)
        workload_deliver(g_ptr_array_index(task->consumers, i), &task->event);
    g_slice_free(struct task, task);
}

static bool
pool_open(const struct workload *workload)
{
    memset(&pool, 0, sizeof pool);
    pool.by_name = g_hash_table_new(g_str_hash, g_str_equal);
    for (int i = 0; i < WORKLOAD_TOPICS; i++) {
        pool.routes[i] = g_ptr_array_new();
        for (int k = 0; k < workload->consumers; k++)
            g_ptr_array_add(pool.routes[i], &workload_consumers[i][k]);
        g_hash_table_insert(pool.by_name, (gpointer)(guintptr)workload_topics[i], pool.routes[i]);
    }
    pool.threads = g_thread_pool_new(run_task, NULL, THREADS, TRUE, NULL);
    return pool.threads != NULL;
}

static void
pool_post(const struct workload *workload, int poster)
{
    for (uint64_t i = 0; i < workload->per_poster; i++) {
        struct task *task = g_slice_new(struct task);
        const int topic = (int)(i % WORKLOAD_TOPICS);

        task->consumers = workload->is_by_name
                              ? g_hash_table_lookup(pool.by_name, workload_topics[topic])
                              : pool.routes[topic];
        task->event = (struct workload_event){.number = i, .rest = {(uint64_t)poster}};
        g_thread_pool_push(pool.threads, task, NULL);
    }
}

static void
pool_close(void)
{
    g_thread_pool_free(pool.threads, FALSE, TRUE);
    g_hash_table_destroy(pool.by_name);
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        g_ptr_array_unref(pool.routes[i]);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"glib_pool", pool_open, pool_post, pool_close};

    return workload_main(argc, argv, &system);
}
