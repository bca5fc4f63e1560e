/* report.h - what a contest comes to: a line of JSON and a row of a table for each case and system, with the goals. */
#ifndef RINGBUS_BENCH_REPORT_H
#define RINGBUS_BENCH_REPORT_H

#include <stdio.h>

#include "contest.h"

/* The ratio of `ringbus` to a peer that is wanted: at least, or where less is better at most. Without a peer it is what
 * `ringbus` itself shall reach, in the case's unit. */
struct goal {
    const char *name; /* of the case, as reported */
    const char *peer; /* NULL: none */
    double ratio;
    const char *instead; /* NULL, or the case whose goal, met, will do as well */
};

/* Append the contest's lines to `results`, and its rows to `table`. `goals` ends with a NULL name.
 *
 * return  how many goals were missed */
int report_contest(
    const struct contest *contest, const struct goal *goals, FILE *results, FILE *table);

void report_head(FILE *table);

#endif
