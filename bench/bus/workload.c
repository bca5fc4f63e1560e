/* workload.c - see workload.h. */
#include "workload.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "ringbus/types.h"
#include "serve.h"

enum { SETTLE_NS = 5000000 };

struct workload_consumer workload_consumers[WORKLOAD_TOPICS][WORKLOAD_MAX_CONSUMERS];

const char *const workload_topics[WORKLOAD_TOPICS] = {"topic.0", "topic.1", "topic.2", "topic.3",
    "topic.4", "topic.5", "topic.6", "topic.7", "topic.8", "topic.9", "topic.10", "topic.11",
    "topic.12", "topic.13", "topic.14", "topic.15"};

static struct {
    const struct bus_system *system;
    struct workload workload;
    struct atomic_u64 unfinished; /* consumers */
    sem_t finished;
    int64_t ended;
    pthread_barrier_t go;
} pass;

struct poster {
    pthread_t thread;
    int number;
    int64_t began;
};

void
workload_finish(void)
{
    if (add_u64(&pass.unfinished, UINT64_MAX, ORDER_WAKE) != 1)
        return;
    pass.ended = ringbus_now_ns();
    sem_post(&pass.finished);
}

static bool
parse(const struct request *request, struct workload *ret_workload)
{
    int length = 0;
    struct workload workload = {.wait = request->wait};

    if (sscanf(request->name, "bus_%dp_16t_%ds%n", &workload.posters, &workload.consumers,
            &length) != 2 ||
        workload.posters < 1 || workload.posters > WORKLOAD_MAX_POSTERS || workload.consumers < 1 ||
        workload.consumers > WORKLOAD_MAX_CONSUMERS)
        return false;
    workload.is_by_name = strcmp(request->name + length, "_byname") == 0;
    workload.per_poster = request->events / (uint64_t)workload.posters / WORKLOAD_TOPICS;
    workload.per_poster *= WORKLOAD_TOPICS;
    workload.events = workload.per_poster * (uint64_t)workload.posters;
    *ret_workload = workload;
    return workload.events > 0 && (workload.is_by_name || request->name[length] == '\0');
}

static void
set_out(void)
{
    const struct workload *workload = &pass.workload;

    memset(workload_consumers, 0, sizeof workload_consumers);
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        for (int k = 0; k < workload->consumers; k++)
            workload_consumers[i][k].left = workload->events / WORKLOAD_TOPICS;
    store_u64(&pass.unfinished, (uint64_t)workload->consumers * WORKLOAD_TOPICS, ORDER_OWN);
}

static bool
is_complete(void)
{
    const struct workload *workload = &pass.workload;

    for (uint64_t i = 0; i < WORKLOAD_TOPICS; i++) {
        const uint64_t n = workload->per_poster / WORKLOAD_TOPICS;
        const uint64_t one = n * i + WORKLOAD_TOPICS * (n * (n - 1) / 2);

        for (int k = 0; k < workload->consumers; k++)
            if (workload_consumers[i][k].sum != one * (uint64_t)workload->posters)
                return false;
    }
    return true;
}

static void *
post(void *context)
{
    struct poster *poster = context;

    pthread_barrier_wait(&pass.go);
    poster->began = ringbus_now_ns();
    pass.system->post(&pass.workload, poster->number);
    return NULL;
}

/* The posters' time: until the last delivery. */
static bool
run_posters(double *ret_seconds)
{
    struct poster posters[WORKLOAD_MAX_POSTERS];
    const int count = pass.workload.posters;
    int64_t began = INT64_MAX;

    if (pthread_barrier_init(&pass.go, NULL, (unsigned)count) != 0)
        return false;
    for (int i = 0; i < count; i++) {
        posters[i].number = i;
        if (pthread_create(&posters[i].thread, NULL, post, &posters[i]) != 0)
            return false;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(posters[i].thread, NULL);
        if (posters[i].began < began)
            began = posters[i].began;
    }
    while (sem_wait(&pass.finished) != 0)
        ;
    pthread_barrier_destroy(&pass.go);
    *ret_seconds = (double)(pass.ended - began) / 1e9;
    return true;
}

bool
workload_run(
    const struct bus_system *system, const struct request *request, struct figures *ret_figures)
{
    double seconds = 0;
    bool is_good = false;

    if (!parse(request, &pass.workload) || sem_init(&pass.finished, 0, 0) != 0)
        return false;
    pass.system = system;
    set_out();
    if (!system->open(&pass.workload))
        return false;
    nanosleep(&(struct timespec){0, SETTLE_NS}, NULL);
    is_good = run_posters(&seconds) && is_complete();
    system->close();
    sem_destroy(&pass.finished);
    ret_figures->value = (double)pass.workload.events / seconds;
    ret_figures->events = pass.workload.events;
    return is_good;
}

bool
workload_run_posters(const struct bus_system *system, const struct request *request, int posters,
    struct figures *ret_figures)
{
    char name[32];
    const struct request named = {name, request->wait, request->events};

    snprintf(name, sizeof name, "bus_%dp_16t_1s", posters);
    return workload_run(system, &named, ret_figures);
}

int
workload_oversubscribed(const struct request *request)
{
    cpu_set_t set;
    int factor = 0, pairs = 0;

    if (sscanf(request->name, "oversubscribed_%dx", &factor) != 1 || factor < 1 ||
        sched_getaffinity(0, sizeof set, &set) != 0)
        return 0;
    pairs = factor * CPU_COUNT(&set) / 2;
    return pairs < 1 ? 1 : pairs < WORKLOAD_TOPICS ? pairs : WORKLOAD_TOPICS;
}

static const struct bus_system *served_system;

static bool
run_served(const struct request *request, struct figures *ret_figures)
{
    return workload_run(served_system, request, ret_figures);
}

int
workload_main(int argc, char **argv, const struct bus_system *system)
{
    static const struct served cases[] = {{"bus_", run_served}, {NULL, NULL}};

    served_system = system;
    return serve_main(argc, argv, system->name, cases);
}
