/* wakes.h - the work of a wake-up from idle: a thread posts, again and again, when the reader has been idle for about
 * a millisecond, each on a CPU of its own, the first and the second of those the process may run on; measured from
 * before the post to the reader's first line.
 *
 * The poster is busy meanwhile, so that only the reader's core has to come back from idling; the pauses are of random
 * lengths, the same in every pass of every system. */
#ifndef RINGBUS_BENCH_BUS_WAKES_H
#define RINGBUS_BENCH_BUS_WAKES_H

#include <stdbool.h>
#include <stdint.h>

struct wakes_system {
    bool (*open)(void);          /* called on the reader's CPU: threads started in it stay there */
    bool (*post)(int64_t began); /* that the reader has to get */
    bool (*close)(void);
};

/* The reader's first line. */
void wakes_arrive(int64_t began);

struct request;
struct figures;

/* A pass of so many wake-ups as `events`: the latency's percentiles. */
bool wakes_run(
    const struct wakes_system *system, const struct request *request, struct figures *ret_figures);

#endif
