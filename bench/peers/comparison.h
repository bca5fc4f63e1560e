/* comparison.h - what the programs that compare systems share: their arguments, and cases run as contests.
 *
 *   PROGRAM [--rounds N] [--cases 'CASE...'] [--cpus A,B] [--results FILE] [--raw FILE] [--quick] SYSTEM=COMMAND...
 *   PROGRAM --list     what cases there are: one a line, before the names it is reported as
 *
 * A CASE is a name or a shell pattern of names. Systems that are not given do not take part. Each case is a contest
 * (contest.h); its lines are appended to FILE, the table goes to the standard output. --quick: short passes and, unless
 * told otherwise, one round, to see that it works. Exits with 1 if a system failed; a goal that is missed is no
 * failure, time is not asserted. */
#ifndef RINGBUS_BENCH_COMPARISON_H
#define RINGBUS_BENCH_COMPARISON_H

#include <stdbool.h>

#include "contest.h"
#include "report.h"

enum { COMPARISON_MAX_SYSTEMS = 40, COMPARISON_MAX_CPUS = 64, COMPARISON_QUICK_PART = 20 };

struct comparison {
    int rounds;
    bool is_quick, is_list;
    const char *cases; /* patterns, a blank between them; NULL: all */
    const char *systems[COMPARISON_MAX_SYSTEMS], *commands[COMPARISON_MAX_SYSTEMS];
    int system_count;
    int cpus[COMPARISON_MAX_CPUS]; /* the only ones that anything runs on */
    int cpu_count;
    const char *results_path, *raw_path;

    FILE *results, *raw;
    int missed, failed; /* goals; systems, in a case each */
};

/* How the system's passes are served; NULL: it does not take part. */
const char *comparison_command(const struct comparison *comparison, const char *system);

/* Run the contest, which has its contestants, and report it, unless it has none, or neither its case nor one of those
 * it is reported as is wanted. */
void comparison_run(
    struct comparison *comparison, struct contest *contest, const struct goal *goals);

/* main: run_cases calls comparison_run for each case. */
int comparison_main(int argc, char **argv, void (*run_cases)(struct comparison *comparison));

#endif
