/* serve.h - a program that takes part in contests (peers/contest.h).
 *
 *   PROGRAM serve CASE WAIT EVENTS           each line read is answered with the figures of one pass, a line of JSON
 *   PROGRAM run CASE [WAIT [EVENTS [PASSES]]]  passes without a contest, to look at with perf and the like
 *
 * WAIT is how the system waits, or another variant of the case that the program knows. */
#ifndef RINGBUS_BENCH_SERVE_H
#define RINGBUS_BENCH_SERVE_H

#include <stdbool.h>
#include <stdint.h>

/* What is asked for. */
struct request {
    const char *name; /* of the case */
    const char *wait;
    uint64_t events;
};

/* What a pass came to: `value` events a second or nanoseconds, as the case has it; latencies in nanoseconds. What is 0
 * is not answered. */
struct figures {
    double value;
    double cpu; /* ns of CPU time */
    double p50, p90, p99, p999, p9999, max;
    double late;     /* percent of the posts that began late */
    uint64_t events; /* of the pass; 0: as many as were asked for */
};

/* A case, or all whose names begin with it. */
struct served {
    const char *prefix;
    bool (*run)(const struct request *request, struct figures *ret_figures);
};

/* main. `cases` ends with a NULL prefix; the first that fits is taken. */
int serve_main(int argc, char **argv, const char *system, const struct served *cases);

#endif
