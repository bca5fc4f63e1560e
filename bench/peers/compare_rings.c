/* compare_rings.c - our ring beside LMAX Disruptor and bare C in the shapes of shape.h.
 *
 *   PROGRAM [--rounds N] [--cases 'CASE...'] [--cpus A,B] [--results FILE] [--raw FILE] SYSTEM=COMMAND...
 *
 * SYSTEM: ringbus, ringbus_shared, lmax, ideal, ideal_slots; those not given do not take part. Each case is a contest
 * (contest.h); its lines go to FILE, the table to the standard output. Exits with 1 if a system failed; a goal that is
 * missed is no failure, time is not asserted. */
#include <stdlib.h>
#include <string.h>

#include "contest.h"
#include "report.h"
#include "shape.h"

enum { MAX_SYSTEMS = 5, USUAL_ROUNDS = 15, USUAL_CPUS = 2 };

/* Bare C "within 1.3", blocking with an awake reader "within 1.1" of busy spin. */
static const struct goal goals[] = {
    {"ring_1p1c", "lmax", 1.2},
    {"ring_1p1c_batch10", "lmax", 2},
    {"ring_3p1c", "lmax", 1.5},
    {"ring_1p3c", "lmax", 2},
    {"ring_pipeline3", "lmax", 2},
    {"ring_diamond", "lmax", 2},
    {"ring_1p1c_block", "lmax", 5},
    {"ring_1p1c_batch10_block", "lmax", 2.5},
    {"ring_3p1c_block", "lmax", 1.5},
    {"ring_1p3c_block", "lmax", 4},
    {"ring_pipeline3_block", "lmax", 5},
    {"ring_diamond_block", "lmax", 4},
    {"ring_pingpong", "lmax", .95},
    {"ring_pingpong_p99", "lmax", .9},
    {"ring_1p1c_block", "ringbus_spin", 1 / 1.1},
    {"ring_1p1c_batch10_block", "ringbus_spin", 1 / 1.1},
    {"ring_1p1c", "ideal", 1 / 1.3},
    {"ring_1p1c_batch10", "ideal", 1 / 1.3},
    {"ring_3p1c", "ideal", 1 / 1.3},
    {"ring_1p3c", "ideal", 1 / 1.3},
    {"ring_pipeline3", "ideal", 1 / 1.3},
    {"ring_diamond", "ideal", 1 / 1.3},
    {"ring_pingpong", "ideal", 1.3},
    {NULL, NULL, 0},
};

/* Who takes part, and how it waits where nobody blocks, where one does, and in ping-pong. NULL: not there. */
static const struct entry {
    const char *name, *system;
    const char *usual, *block, *ping;
} entries[] = {
    {"ringbus", "ringbus", "yield", "phased", "busy_spin_eager"},
    {"lmax", "lmax", "yield", "block", "busy_spin"},
    {"ringbus_shared", "ringbus_shared", "yield", "phased", "busy_spin_eager"},
    {"ideal", "ideal", "yield", "yield", "busy_spin"},
    {"ideal_slots", "ideal_slots", "yield", NULL, NULL},
    {"lmax_busy_spin", "lmax", "busy_spin", NULL, NULL}, /* two threads only */
    {"ringbus_block", "ringbus", NULL, "block", NULL},
    {"ringbus_spin", "ringbus", NULL, "busy_spin", NULL}, /* two threads only */
};

struct wish {
    int rounds;
    const char *cases; /* NULL: all */
    const char *results, *raw;
    const char *systems[MAX_SYSTEMS], *commands[MAX_SYSTEMS];
    int system_count;
    int cpus[CONTEST_MAX_CPUS];
    int cpu_count;
};

static const char *
command_of(const struct wish *wish, const char *system)
{
    for (int i = 0; i < wish->system_count; i++)
        if (strncmp(wish->systems[i], system, strlen(system)) == 0 &&
            wish->systems[i][strlen(system)] == '=')
            return wish->commands[i];
    return NULL;
}

static void
add_entries(struct contest *contest, const struct wish *wish, const struct shape *shape, bool block)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *entry = &entries[i];
        const char *wait = shape->is_ping ? entry->ping : block ? entry->block : entry->usual;
        const char *command = command_of(wish, entry->system);

        /* Spinning threads beyond the CPUs would measure the time slice. */
        if (wait == NULL || command == NULL ||
            (strcmp(wait, "busy_spin") == 0 && shape->producers + shape->readers > 2))
            continue;
        contest->contestants[contest->count++] =
            (struct contestant){.name = entry->name, .command = command, .wait = wait};
    }
}

/* Is `name` one of the words of `cases`? */
static bool
is_wanted(const char *cases, const char *name)
{
    const size_t length = strlen(name);

    if (cases == NULL)
        return true;
    for (const char *at = cases; (at = strstr(at, name)) != NULL; at++)
        if ((at == cases || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static int
run_cases(const struct wish *wish, FILE *results, FILE *raw)
{
    static struct contest contest; /* large */
    int missed = 0, failed = 0;
    char name[64];

    report_head(stdout);
    for (int i = 0; i < 2 * SHAPE_COUNT; i++) {
        const struct shape *shape = &shapes[i % SHAPE_COUNT];
        const bool block = i >= SHAPE_COUNT;

        snprintf(name, sizeof name, "%s%s", shape->name, block ? "_block" : "");
        if (!is_wanted(wish->cases, name) || (shape->is_ping && block))
            continue;
        memset(&contest, 0, sizeof contest);
        contest.name = name;
        contest.is_ping = shape->is_ping;
        contest.metrics = shape->is_ping ? CONTEST_MAX_METRICS : 1;
        contest.events = shape_events(shape, block);
        contest.raw = raw;
        contest.cpu_count = wish->cpu_count;
        memcpy(contest.cpus, wish->cpus, sizeof contest.cpus);
        add_entries(&contest, wish, shape, block);
        if (contest_run(&contest, wish->rounds))
            missed += report_contest(&contest, goals, results, stdout);
        else
            failed++;
        fflush(stdout);
    }
    report_goals(stdout);
    printf("goals missed: %d, cases failed: %d\n", missed, failed);
    return failed ? 1 : 0;
}

static int
parse_cpus(const char *text, int *cpus)
{
    int count = 0;

    for (char *end = NULL; count < CONTEST_MAX_CPUS && *text != '\0'; text = end) {
        cpus[count++] = (int)strtol(text, &end, 10);
        if (end == text)
            return 0;
        end += *end == ',';
    }
    return count;
}

static bool
parse(struct wish *wish, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bool has_value = true;

        if (strcmp(argv[i], "--rounds") == 0)
            wish->rounds = atoi(value);
        else if (strcmp(argv[i], "--cases") == 0)
            wish->cases = *value ? value : NULL;
        else if (strcmp(argv[i], "--cpus") == 0)
            wish->cpu_count = parse_cpus(value, wish->cpus);
        else if (strcmp(argv[i], "--results") == 0)
            wish->results = value;
        else if (strcmp(argv[i], "--raw") == 0)
            wish->raw = value;
        else
            has_value = false;
        if (has_value) {
            i++;
            continue;
        }
        if (strchr(argv[i], '=') == NULL || wish->system_count == MAX_SYSTEMS)
            return false;
        wish->systems[wish->system_count] = argv[i];
        wish->commands[wish->system_count++] = strchr(argv[i], '=') + 1;
    }
    return wish->rounds > 0 && wish->rounds <= BENCH_MAX_ROUNDS && wish->cpu_count > 0 &&
           wish->system_count > 0;
}

int
main(int argc, char **argv)
{
    struct wish wish = {.rounds = USUAL_ROUNDS, .cpus = {0, 1}, .cpu_count = USUAL_CPUS};
    FILE *results = NULL, *raw = NULL;
    int outcome = 2;

    if (!parse(&wish, argc, argv)) {
        fputs("compare: see the head of compare_rings.c for the arguments\n", stderr);
        return outcome;
    }
    results = fopen(wish.results ? wish.results : "/dev/null", "w");
    raw = fopen(wish.raw ? wish.raw : "/dev/null", "w");
    if (results != NULL && raw != NULL)
        outcome = run_cases(&wish, results, raw);
    else
        fputs("compare: cannot write the results\n", stderr);
    if (results != NULL)
        fclose(results);
    if (raw != NULL)
        fclose(raw);
    return outcome;
}
