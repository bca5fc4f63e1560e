/* contest.h - systems measured beside one another: a process for each, kept alive through the rounds of a case; a round
 * asks each in turn for one pass, so that all meet the same machine. */
#ifndef RINGBUS_BENCH_CONTEST_H
#define RINGBUS_BENCH_CONTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bench.h"

enum { CONTEST_MAX_SYSTEMS = 8, CONTEST_MAX_METRICS = 3, CONTEST_MAX_CPUS = 64 };

/* A system in one case. */
struct contestant {
    const char *name;    /* as reported */
    const char *command; /* which serves passes; NULL: it does not take part */
    const char *wait;    /* its strategy */

    pid_t pid;
    FILE *ask, *answers;
    double values[CONTEST_MAX_METRICS][BENCH_MAX_ROUNDS];
};

struct contest {
    const char *name; /* of the case */
    bool is_ping;
    uint64_t events;
    int metrics; /* one, or of a ping-pong three */
    struct contestant contestants[CONTEST_MAX_SYSTEMS];
    int count;

    int rounds;                 /* kept */
    int discarded;              /* rounds that were not like the others */
    int unusual;                /* kept all the same */
    double trip_ns;             /* the median of the rounds kept */
    double others_percent;      /* of the CPUs: what others took, the median of the rounds */
    FILE *raw;                  /* one line of JSON a value; NULL: none */
    int cpus[CONTEST_MAX_CPUS]; /* the only ones they run on */
    int cpu_count;
};

/* Run `rounds` rounds. Each waits for a calm moment, some seconds a case in all. A round is discarded and run again if
 * the cache line's round trip before it or after it is not within a factor of 1.5 of this program's latest ones, or if
 * other programs took more than a tenth of the CPUs. After `rounds` discarded ones such rounds are kept. A case that
 * takes most of a minute ends with what it has.
 *
 * rounds  1..BENCH_MAX_ROUNDS
 * return  false if a system failed; it has been said on stderr which */
bool contest_run(struct contest *contest, int rounds);

#endif
