/* contest.h - systems measured beside one another: a process for each, kept alive through the rounds of a case; a round
 * asks each in turn for one pass, so that all meet the same machine, in another order in each round. */
#ifndef RINGBUS_BENCH_CONTEST_H
#define RINGBUS_BENCH_CONTEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "bench.h"

enum { CONTEST_MAX_SYSTEMS = 16, CONTEST_MAX_METRICS = 8 };

/* One of the figures of a pass. */
struct metric {
    char name[48];     /* the case it is reported as */
    const char *field; /* of the answer that has it, as "\"value\":" */
    const char *unit;  /* as reported */
    const char *shown; /* the unit of tables, `scale` of the other */
    double scale;
    bool is_less_better;
    bool is_extra; /* of the results only, and not of every system's answer: 0 where it is not */
};

/* A system in one case. */
struct contestant {
    const char *name;    /* as reported */
    const char *command; /* which serves passes; NULL: it does not take part */
    const char *wait;    /* its strategy, or its threads */
    bool is_own;         /* of our builds: compared with the contest's `peer` */
    int fewer;           /* it gets one event in so many, if a pass took too long; 0: all */

    uint64_t events; /* of its latest pass: as it says, or as it was asked */
    pid_t pid;       /* the leader of a process group */
    FILE *ask, *answers;
    double values[CONTEST_MAX_METRICS][BENCH_MAX_ROUNDS];
};

struct contest {
    const char *name; /* of the case */
    uint64_t events;
    struct metric metrics[CONTEST_MAX_METRICS];
    int metric_count;
    const char *peer; /* the contestant that our builds are compared with */
    struct contestant contestants[CONTEST_MAX_SYSTEMS];
    int count;
    int most_seconds; /* after which it ends with the rounds it has */
    bool is_quick;    /* to see that it works: waits for no calm moment, discards no round */

    int rounds;    /* kept */
    int discarded; /* rounds that were not like the others */
    int unusual;   /* kept all the same */
    int failed;    /* systems that were left out */
    double trip_ns,
        null_ns; /* the median of the rounds kept: the cache line's round trip, the null baseline */
    double others_percent; /* of the CPUs: what others took, the median of the rounds */
    FILE *raw;             /* one line of JSON a value; NULL: none */
};

/* Run `rounds` rounds, on the CPUs this process may run on. Each waits for a calm moment, some seconds a case in all. A
 * round is discarded and run again if the cache line's round trip before it or after it is not within a factor of 1.5
 * of this program's latest ones, or if other programs took more than a tenth of the CPUs. After `rounds` discarded ones
 * such rounds are kept.
 *
 * A system that fails, or takes longer than a minute over a pass, is left out from then on, and its contestant is gone;
 * it is said on stderr which. The others go on.
 *
 * rounds  1..BENCH_MAX_ROUNDS
 * return  false if none is left */
bool contest_run(struct contest *contest, int rounds);

#endif
