/* schedule.h - latency without coordinated omission: one poster, one consumer, 64-byte events at a steady rate.
 *
 * The times of the posts are fixed before the first one. The poster busy-waits for each, posts at once what is overdue,
 * and skips none. An event carries when it was due, and its latency counts from there: what waits while the consumer,
 * or the post before it, is held up, counts as late as it is. */
#ifndef RINGBUS_BENCH_BUS_SCHEDULE_H
#define RINGBUS_BENCH_BUS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule_event {
    int64_t due_ns;
    uint64_t number; /* 0, 1, ...; those before the schedule begins included */
    uint64_t rest[6];
};

/* A system says how it is opened with one consumer, which calls schedule_deliver for each event, and how it posts. */
struct schedule_system {
    const char *name;
    bool (*open)(const char *wait); /* outside the time, like close */
    bool (*post)(const struct schedule_event *event);
    void (*close)(void);
};

/* By one thread at a time, in the order of the posts. */
void schedule_deliver(const struct schedule_event *event);

struct request;
struct figures;

/* A pass of `latency_<N>`, `latency_<N>k` or `latency_<N>m`: N events (thousands, millions) a second; from due to
 * delivered in ns, `value`: events posted a second, `late`: percent of the posts that began more than 1 us late. First
 * as many events as a large ring has go through it at once, so that no memory is new. WAIT `stall`: the consumer sleeps
 * once for 20 ms; what became due meanwhile must show.
 *
 * return  false if an event was lost or came out of order, or the poster did not keep to four fifths of the rate in any
 *         of three tries (at the end 20 ms are forgiven: somebody else had its core) */
bool schedule_run(const struct schedule_system *system, const struct request *request,
    struct figures *ret_figures);

#endif
