/* bench.h - what the benches share: pinned threads, a null baseline, the cache line's round trip, best and median. */
#ifndef RINGBUS_BENCH_H
#define RINGBUS_BENCH_H

#include <stdint.h>

enum { BENCH_MAX_ROUNDS = 64 };

/* One case's values, one a round. */
struct bench_row {
    const char *name;
    const char *unit;
    double values[BENCH_MAX_ROUNDS];
    int count;
};

/* Bind the calling thread to a CPU: 0 is the first of those the process may run on, wrapped round to as many. */
void bench_pin(int number);

/* Nanoseconds from one core to the other and back, by two threads on the first two CPUs this process may run on; 0
 * if it has one only. The median of some looks: one that was interrupted says nothing. The caller may run where it
 * could before. */
double bench_round_trip_ns(void);

/* Nanoseconds one iteration of an empty loop with a clock read around it costs. */
double bench_null_ns(void);

/* Of `count` values, at most BENCH_MAX_ROUNDS: 0 the smallest, .5 the median. */
double bench_quantile(const double *values, int count, double q);

void bench_add(struct bench_row *row, double value);

/* Best (smallest), median and quartiles of each row, and the median of the rounds' ratios to the first row. */
void bench_print(struct bench_row *rows, int count);

/* The next of a row of numbers that looks random; the same for the same `state`, which is not 0, to begin with. */
uint64_t bench_random(uint64_t *state);

/* $RINGBUS_ROUNDS, or `usual`. */
int bench_rounds(int usual);

#endif
