/* comparison.c - see comparison.h. */
#include "comparison.h"

#include <fnmatch.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_ROUNDS = 15, USUAL_CPUS = 2, MAX_PATTERN = 64 };

const char *
comparison_command(const struct comparison *comparison, const char *system)
{
    for (int i = 0; i < comparison->system_count; i++)
        if (strncmp(comparison->systems[i], system, strlen(system)) == 0 &&
            comparison->systems[i][strlen(system)] == '=')
            return comparison->commands[i];
    return NULL;
}

/* Does one of the patterns fit? */
static bool
is_one_of(const char *patterns, const char *name)
{
    char pattern[MAX_PATTERN];

    for (size_t length = 0; *patterns != '\0'; patterns += length) {
        patterns += strspn(patterns, " ");
        length = strcspn(patterns, " ");
        if (length == 0 || length >= sizeof pattern)
            continue;
        memcpy(pattern, patterns, length);
        pattern[length] = '\0';
        if (fnmatch(pattern, name, 0) == 0)
            return true;
    }
    return false;
}

static bool
is_wanted(const struct comparison *comparison, const struct contest *contest)
{
    if (comparison->cases == NULL)
        return true;
    for (int i = 0; i < contest->metric_count; i++)
        if (is_one_of(comparison->cases, contest->metrics[i].name))
            return true;
    return is_one_of(comparison->cases, contest->name);
}

static void
print_names(const struct contest *contest)
{
    fputs(contest->name, stdout);
    for (int i = 0; i < contest->metric_count; i++)
        if (strcmp(contest->metrics[i].name, contest->name) != 0)
            printf(" %s", contest->metrics[i].name);
    putchar('\n');
}

void
comparison_run(struct comparison *comparison, struct contest *contest, const struct goal *goals)
{
    if (!is_wanted(comparison, contest))
        return;
    if (comparison->is_list) {
        print_names(contest);
        return;
    }
    if (contest->count == 0)
        return;
    contest->raw = comparison->raw;
    contest->is_quick = comparison->is_quick;
    if (comparison->is_quick)
        contest->events /= COMPARISON_QUICK_PART;
    if (contest_run(contest, comparison->rounds))
        comparison->missed += report_contest(contest, goals, comparison->results, stdout);
    comparison->failed += contest->failed;
    fflush(stdout);
}

/* ---- arguments ---- */

static int
parse_cpus(const char *text, int *cpus)
{
    int count = 0;

    for (char *end = NULL; count < COMPARISON_MAX_CPUS && *text != '\0'; text = end) {
        cpus[count++] = (int)strtol(text, &end, 10);
        if (end == text)
            return 0;
        end += *end == ',';
    }
    return count;
}

/* An option with a value.
 *
 * return  false if there is no such option */
static bool
take(struct comparison *comparison, const char *name, const char *value)
{
    if (strcmp(name, "--rounds") == 0)
        comparison->rounds = atoi(value);
    else if (strcmp(name, "--cases") == 0)
        comparison->cases = *value ? value : NULL;
    else if (strcmp(name, "--cpus") == 0)
        comparison->cpu_count = parse_cpus(value, comparison->cpus);
    else if (strcmp(name, "--results") == 0)
        comparison->results_path = value;
    else if (strcmp(name, "--raw") == 0)
        comparison->raw_path = value;
    else
        return false;
    return true;
}

static bool
parse(struct comparison *comparison, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            comparison->is_quick = true;
            continue;
        }
        if (strcmp(argv[i], "--list") == 0) {
            comparison->is_list = true;
            continue;
        }
        if (take(comparison, argv[i], i + 1 < argc ? argv[i + 1] : "")) {
            i++;
            continue;
        }
        if (strchr(argv[i], '=') == NULL || comparison->system_count == COMPARISON_MAX_SYSTEMS)
            return false;
        comparison->systems[comparison->system_count] = argv[i];
        comparison->commands[comparison->system_count++] = strchr(argv[i], '=') + 1;
    }
    if (comparison->rounds == 0)
        comparison->rounds = comparison->is_quick ? 1 : USUAL_ROUNDS;
    return comparison->rounds > 0 && comparison->rounds <= BENCH_MAX_ROUNDS &&
           comparison->cpu_count > 0 && (comparison->system_count > 0 || comparison->is_list);
}

/* This program, and what it will start. */
static bool
confine(const struct comparison *comparison)
{
    cpu_set_t set, got;

    CPU_ZERO(&set);
    for (int i = 0; i < comparison->cpu_count; i++)
        CPU_SET((unsigned)comparison->cpus[i], &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 &&
           sched_getaffinity(0, sizeof got, &got) == 0 && CPU_EQUAL(&set, &got);
}

static FILE *
open_to_append(const char *path)
{
    return fopen(path != NULL ? path : "/dev/null", "a");
}

static void
run(struct comparison *comparison, void (*run_cases)(struct comparison *comparison))
{
    comparison->results = open_to_append(comparison->results_path);
    comparison->raw = open_to_append(comparison->raw_path);
    if (comparison->results != NULL && comparison->raw != NULL) {
        report_head(stdout);
        run_cases(comparison);
        printf("goals missed: %d, systems failed: %d\n", comparison->missed, comparison->failed);
    } else {
        fputs("compare: cannot write the results\n", stderr);
        comparison->failed = 1;
    }
    if (comparison->results != NULL)
        fclose(comparison->results);
    if (comparison->raw != NULL)
        fclose(comparison->raw);
}

int
comparison_main(int argc, char **argv, void (*run_cases)(struct comparison *comparison))
{
    struct comparison comparison = {.cpus = {0, 1}, .cpu_count = USUAL_CPUS};

    if (!parse(&comparison, argc, argv)) {
        fputs("compare: see bench/peers/comparison.h for the arguments\n", stderr);
        return 2;
    }
    if (comparison.is_list) {
        run_cases(&comparison);
        return 0;
    }
    if (!confine(&comparison)) {
        fputs("compare: it may not run on these CPUs\n", stderr);
        return 2;
    }
    run(&comparison, run_cases);
    return comparison.failed > 0 ? 1 : 0;
}
