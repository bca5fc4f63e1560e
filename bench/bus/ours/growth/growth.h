/* growth.h - what the cases share in which something grows: a setting, a pass's time, what each consumer has to get.
 *
 * A case keeps what it has opened for all passes of its process. A pass posts from one thread, and takes from the first
 * post to the last delivery. */
#ifndef RINGBUS_BENCH_GROWTH_H
#define RINGBUS_BENCH_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringbus/ringbus.h"
#include "serve.h"

struct growth_event {
    uint64_t number; /* 0, 1, ... of the pass */
    uint64_t rest[7];
};

/* What one consumer gets in a pass; its context. */
struct growth_tally {
    uint64_t left;
    uint64_t sum;
};

/* How many there are of what grows: the request's `wait`. */
uint64_t growth_setting(const struct request *request);

/* A bus with one executor thread and such a ring for 64-byte events, that may have so many topics and groups. */
bool growth_open(uint32_t capacity, uint64_t topics, uint32_t groups, struct ringbus_bus **ret_bus);

/* A consumer that sums numbers, registered on a topic unless that is NULL. group: NULL, the default one. */
bool growth_consume(struct ringbus_bus *bus, struct ringbus_group *group, const char *topic,
    struct growth_tally *tally, struct ringbus_consumer **ret_consumer);

/* Of a consumer: its next pass has so many events. */
void growth_expect(struct growth_tally *tally, uint64_t events);

/* So many consumers have to get their last event. Returns the time. */
int64_t growth_begin(uint64_t consumers);

/* A consumer has its last event. */
void growth_finish(void);

/* Wait until all have it. Returns ns since it began. */
double growth_end(int64_t began);

/* The sum of the numbers of so many events. */
static inline uint64_t
growth_sum(uint64_t events)
{
    return events * (events - 1) / 2;
}

static inline void
growth_deliver(struct growth_tally *tally, uint64_t value)
{
    tally->sum += value;
    if (--tally->left == 0)
        growth_finish();
}

bool growth_hot_run(const struct request *request, struct figures *ret_figures);
bool growth_uniform_run(const struct request *request, struct figures *ret_figures);
bool growth_consumers_run(const struct request *request, struct figures *ret_figures);
bool growth_further_run(const struct request *request, struct figures *ret_figures);
bool growth_groups_run(const struct request *request, struct figures *ret_figures);
bool growth_patterns_run(const struct request *request, struct figures *ret_figures);
bool growth_new_name_run(const struct request *request, struct figures *ret_figures);
bool growth_payload_run(const struct request *request, struct figures *ret_figures);
bool growth_reference_run(const struct request *request, struct figures *ret_figures);

#endif
