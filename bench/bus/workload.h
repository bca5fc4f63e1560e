/* workload.h - the canonical work of a bus: 64-byte events over 16 topics round robin, so many posters, so many
 * serialized consumers of each topic; from the first post to the last delivery.
 *
 * A system says how it is opened, how a poster posts all its events, and calls workload_deliver for each delivery. What
 * has to arrive is counted and summed for each consumer. */
#ifndef RINGBUS_BENCH_BUS_WORKLOAD_H
#define RINGBUS_BENCH_BUS_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

enum { WORKLOAD_TOPICS = 16, WORKLOAD_MAX_POSTERS = 16, WORKLOAD_MAX_CONSUMERS = 4 };

struct workload_event {
    uint64_t number; /* 0, 1, ... of the poster */
    uint64_t rest[7];
};

/* What one consumer got; called by one thread at a time. */
struct workload_consumer {
    _Alignas(128) uint64_t left;
    uint64_t sum;
};

struct workload {
    int posters;
    int consumers; /* of each topic */
    bool is_by_name;
    const char *wait;
    uint64_t events;     /* of all posters together */
    uint64_t per_poster; /* a multiple of WORKLOAD_TOPICS */
};

struct bus_system {
    const char *name;
    bool (*open)(const struct workload *workload); /* outside the time, like close */
    void (*post)(
        const struct workload *workload, int poster); /* all the poster's events, on its thread */
    void (*close)(void);
};

extern struct workload_consumer workload_consumers[WORKLOAD_TOPICS][WORKLOAD_MAX_CONSUMERS];

/* "topic.0" to "topic.15" */
extern const char *const workload_topics[WORKLOAD_TOPICS];

/* A consumer has its last event. */
void workload_finish(void);

static inline void
workload_deliver(struct workload_consumer *consumer, const struct workload_event *event)
{
    consumer->sum += event->number;
    if (--consumer->left == 0)
        workload_finish();
}

struct request;
struct figures;

/* A pass of `bus_<P>p_16t_<S>s` or `..._byname`: `value` events posted a second. */
bool workload_run(
    const struct bus_system *system, const struct request *request, struct figures *ret_figures);

/* The same work under another name: so many posters, a consumer of each topic, by handle. */
bool workload_run_posters(const struct bus_system *system, const struct request *request,
    int posters, struct figures *ret_figures);

/* Of `oversubscribed_<N>x`: how many posters, and as many groups or queues with a thread each, make N threads a core
 * this process may run on; at most WORKLOAD_TOPICS. 0: not such a case. */
int workload_oversubscribed(const struct request *request);

/* main of a system that serves nothing else. C linkage, for a system in C++, has to be asked for by it. */
int workload_main(int argc, char **argv, const struct bus_system *system);

#endif
