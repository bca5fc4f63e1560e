/* calls.h - the work of a synchronous post: 64-byte events, delivered on the posting thread, before the post returns,
 * to one consumer or to ten. */
#ifndef RINGBUS_BENCH_BUS_CALLS_H
#define RINGBUS_BENCH_BUS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "ringbus/topic.h"

enum { CALLS_MAX_CONSUMERS = 10 };

#define CALLS_TOPIC "prices.tea"

/* What one consumer got. */
struct calls_consumer {
    uint64_t count, sum;
};

struct calls_system {
    bool (*open)(int consumers, const char *wait); /* outside the time, like close */
    void (*post)(uint64_t events);                 /* events numbered 0, 1, ... */
    void (*close)(void);
};

extern struct calls_consumer calls_consumers[CALLS_MAX_CONSUMERS];

/* The handler of all, whose context is its calls_consumer, and whose event a workload_event. */
int calls_handle(const struct ringbus_event *event, void *context);

struct request;
struct figures;

/* A pass of `sync_post_<N>`: `value` nanoseconds a post. */
bool calls_run(
    const struct calls_system *system, const struct request *request, struct figures *ret_figures);

#endif
