/* worker.c - threads of a test, joined with a deadline. */
#include <sched.h>
#include <time.h>

#include "support/support.h"

static void *
worker_main(void *argument)
{
    struct worker *worker = argument;

    worker->run(worker->context);
    pthread_mutex_lock(&worker->mutex);
    worker->is_done = true;
    pthread_cond_signal(&worker->done);
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

void
worker_start(struct worker *worker, void (*run)(void *context), void *context)
{
    pthread_condattr_t attributes;

    worker->run = run;
    worker->context = context;
    worker->is_done = false;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->done, &attributes);
    pthread_condattr_destroy(&attributes);
    MUST(pthread_create(&worker->handle, NULL, worker_main, worker) == 0, "no thread");
}

void
worker_pin(uint32_t number)
{
#ifdef __linux__
    cpu_set_t all, one;
    uint32_t skip = 0;

    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    skip = number % (uint32_t)CPU_COUNT(&all);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all) || skip-- > 0)
            continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
    }
#else
    (void)number;
#endif
}

void
worker_join(struct worker *worker, const char *name)
{
    const int64_t until = patience_ends();
    const struct timespec deadline = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    int failed = 0;

    pthread_mutex_lock(&worker->mutex);
    while (!worker->is_done && failed == 0)
        failed = pthread_cond_timedwait(&worker->done, &worker->mutex, &deadline);
    MUST(worker->is_done, "waited in vain for the end of: %s", name);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->handle, NULL);
    pthread_cond_destroy(&worker->done);
    pthread_mutex_destroy(&worker->mutex);
}
