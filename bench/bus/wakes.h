/* wakes.h - the work of a wake-up from idle: a thread on CPU 0 posts, again and again, when the reader on CPU 1 has
 * been idle for about a millisecond; measured from before the post to the reader's first line.
 *
 * The poster is busy meanwhile, so that only the reader's core has to come back from idling; the pauses are of random
 * lengths, the same in every pass of every system. */
#ifndef RINGBUS_BENCH_BUS_WAKES_H
#define RINGBUS_BENCH_BUS_WAKES_H

#include <stdbool.h>
#include <stdint.h>

enum { WAKES_READER_CPU = 1, WAKES_POSTER_CPU = 0 };

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
