/* main.c - the checker's command line.
 *
 *   ringbus_model [--preempts N] [--stale N] [--pairs N] [--seconds S] [--random SECONDS] [--seed N] [--no-reduction]
 *                 [--no-comparison] [--all-ways] [--weaken EDGE] [--fenced] [--strict] [PATTERN...]
 *   ringbus_model --replay SCENARIO:PREEMPTS,STALE:CHOICES
 *   ringbus_model --list
 *
 * Exit status: 0 all explored (or, at random, nothing found), 1 a failure was found, 2 wrong use or incomplete. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "edges.h"
#include "machine.h"

static const struct scenario *const tables[] = {model_litmus, model_base, model_record, model_bus,
    model_flow, model_sleep, model_join, model_line, model_set, model_lossy, model_share,
    model_single, model_kept, model_custom, model_group, model_loop, model_lane, model_end,
    model_room, model_reference, model_pattern, model_overflow, model_retained, model_payload};
enum { TABLES = sizeof tables / sizeof tables[0] };

/* A scenario: not the end of a table, nor one of another program. */
static bool
is_one(const struct scenario *scenario)
{
    return scenario != NULL && scenario->name != NULL;
}

static void
list(void)
{
    for (int i = 0; i < TABLES; i++)
        for (const struct scenario *each = tables[i]; is_one(each); each++)
            printf("%-28s %s\n", each->name, each->proves);
}

static int
worse(int status, enum outcome outcome, const struct bounds *bounds)
{
    if (outcome == FAILED)
        return 1;
    return outcome == TIME_IS_UP && !bounds->is_random && status == 0 ? 2 : status;
}

/* All scenarios of which `pattern` is the name, or the beginning and a star. */
static int
explore_matching(const char *pattern, const struct bounds *bounds)
{
    int status = 0, count = 0;

    for (int i = 0; i < TABLES; i++)
        for (const struct scenario *each = tables[i]; is_one(each); each++)
            if (fnmatch(pattern, each->name, 0) == 0) {
                status = worse(status,
                    bounds->keeps_outcomes ? explore_in_all_ways(each, bounds)
                                           : explore(each, bounds),
                    bounds);
                count++;
            }
    if (count == 0)
        printf("there is no scenario %s\n", pattern);
    return count == 0 ? 2 : status;
}

static int
replay(const char *what, const struct bounds *bounds)
{
    const char *colon = strchr(what, ':');

    for (int i = 0; colon != NULL && i < TABLES; i++)
        for (const struct scenario *each = tables[i]; is_one(each); each++)
            if (strlen(each->name) == (size_t)(colon - what) &&
                memcmp(each->name, what, strlen(each->name)) == 0)
                return explore_again(each, colon + 1, bounds) == FAILED;
    printf("there is no scenario in %s\n", what);
    return 2;
}

static bool
read_flag(const char *option, struct bounds *bounds)
{
    if (strcmp(option, "--no-reduction") == 0)
        bounds->is_reduced = bounds->is_compared = false;
    else if (strcmp(option, "--no-comparison") == 0)
        bounds->is_compared = false;
    else if (strcmp(option, "--all-ways") == 0)
        bounds->keeps_outcomes = true;
    else if (strcmp(option, "--fenced") == 0)
        bounds->is_fenced = true;
    else if (strcmp(option, "--strict") == 0)
        bounds->is_strict = true;
    else
        return false;
    return true;
}

/* Takes an option and its value; how many arguments that were. */
static int
read_option(const char *option, const char *value, struct bounds *bounds)
{
    if (read_flag(option, bounds))
        return 1;
    if (strcmp(option, "--preempts") == 0) {
        bounds->preempts = atoi(value);
    } else if (strcmp(option, "--stale") == 0) {
        bounds->stale = atoi(value);
    } else if (strcmp(option, "--pairs") == 0) {
        bounds->pairs = atoi(value);
    } else if (strcmp(option, "--seconds") == 0) {
        bounds->seconds = atof(value);
    } else if (strcmp(option, "--seed") == 0) {
        bounds->seed = strtoull(value, NULL, 0);
    } else if (strcmp(option, "--weaken") == 0) {
        if (!edges_weaken(value)) {
            printf("there is no edge %s\n", value);
            exit(2);
        }
    } else if (strcmp(option, "--random") == 0) {
        bounds->is_random = true;
        bounds->is_reduced = bounds->is_compared = false;
        bounds->preempts = bounds->stale = 1 << 20;
        bounds->seconds = atof(value);
    } else {
        printf("there is no option %s\n", option);
        exit(2);
    }
    return 2;
}

int
main(int count, char **arguments)
{
    struct bounds bounds = {.preempts = 2,
        .stale = 2,
        .operations = 2000,
        .is_reduced = true,
        .is_compared = true,
        .seed = 0};
    int status = 0, i = 1;

    setvbuf(stdout, NULL, _IOLBF, 0);
    state_save_variables();
    while (i < count && arguments[i][0] == '-') {
        const char *value = i + 1 < count ? arguments[i + 1] : "";

        if (strcmp(arguments[i], "--list") == 0) {
            list();
            return 0;
        }
        if (strcmp(arguments[i], "--replay") == 0)
            return replay(value, &bounds);
        i += read_option(arguments[i], value, &bounds);
    }
    if (bounds.seed == 0)
        bounds.seed = (uint64_t)time(NULL);
    if (bounds.is_random)
        printf("seed %llu\n", (unsigned long long)bounds.seed);
    if (i >= count)
        return explore_matching("*", &bounds);
    for (; i < count; i++) {
        const int each = explore_matching(arguments[i], &bounds);

        if (status == 0 || each == 1)
            status = each;
    }
    return status;
}
