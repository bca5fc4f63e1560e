/* compare_buses.c - our bus beside others, and our cases beside what bounds them. The arguments are in
 * peers/comparison.h; SYSTEM: ringbus, and the others that the tables of cases name. */
#include <string.h>

#include "cases.h"
#include "comparison.h"

enum { MOST_SECONDS = 30 };

static const struct case_table *const tables[] = {&stream_cases, &latency_cases, &sync_cases,
    &wake_cases, &lanes_cases, &load_cases, &growth_cases};

/* Systems that would take a second for what others do in a tenth: they get one event in so many. */
static const struct {
    const char *system;
    int fewer;
} slow_systems[] = {
    {"glib_pool", 8},
    {"guava", 8},
    {"mutex_queue", 2},
    {"nng_inproc", 40},
    {"urcu_wfcqueue", 4},
    {"uv_mutex_list", 4},
    {"zeromq_inproc", 10},
};

static int
fewer_events(const struct bus_case *bus_case, const char *system)
{
    for (size_t i = 0; i < sizeof slow_systems / sizeof *slow_systems; i++)
        if (bus_case->kind == KIND_RATE && strcmp(slow_systems[i].system, system) == 0)
            return slow_systems[i].fewer;
    return 1;
}

static void
set_metrics(struct contest *contest, enum kind kind)
{
    static const struct {
        const char *suffix, *field;
        bool is_extra;
    } percentiles[] = {
        {"", "\"p50\":", false},
        {"_p90", "\"p90\":", true},
        {"_p99", "\"p99\":", false},
        {"_max", "\"max\":", true},
        {"_p999", "\"p999\":", false},
        {"_p9999", "\"p9999\":", true},
    };
    static const int latencies[KIND_PERCENT + 1] = {
        [KIND_LATENCY_FEW] = 4, [KIND_LATENCY] = 5, [KIND_LATENCY_MANY] = 6};
    static const struct metric metrics[] = {
        [KIND_RATE] = {.unit = "events/s", .shown = "M/s", .scale = 1e6},
        [KIND_NS] = {.unit = "ns", .shown = "ns", .scale = 1, .is_less_better = true},
        [KIND_BYTES] = {.unit = "bytes", .shown = "B", .scale = 1, .is_less_better = true},
        [KIND_PERCENT] = {.unit = "percent", .shown = "%", .scale = 1, .is_less_better = true},
    };
    const bool is_latency = latencies[kind] > 0;

    contest->metric_count = is_latency ? latencies[kind] : 1;
    for (int i = 0; i < contest->metric_count; i++) {
        struct metric *const metric = &contest->metrics[i];

        *metric = metrics[is_latency ? KIND_NS : kind];
        metric->field = is_latency ? percentiles[i].field : "\"value\":";
        metric->is_extra = is_latency && percentiles[i].is_extra;
        snprintf(metric->name, sizeof metric->name, "%s%s", contest->name, percentiles[i].suffix);
    }
}

static void
run_case(struct comparison *comparison, const struct bus_case *bus_case, const struct goal *goals)
{
    static struct contest contest; /* large */

    memset(&contest, 0, sizeof contest);
    contest.name = bus_case->name;
    contest.peer = bus_case->peer;
    contest.most_seconds = MOST_SECONDS;
    contest.events = bus_case->events;
    set_metrics(&contest, bus_case->kind);
    for (int i = 0; i < MAX_SIDES && bus_case->sides[i].name != NULL; i++) {
        const struct side *side = &bus_case->sides[i];
        const char *command = comparison_command(comparison, side->system);

        if (command != NULL)
            contest.contestants[contest.count++] = (struct contestant){.name = side->name,
                .command = command,
                .wait = side->wait,
                .is_own = side->is_own,
                .fewer = fewer_events(bus_case, side->system)};
    }
    comparison_run(comparison, &contest, goals);
}

static void
run_cases(struct comparison *comparison)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct bus_case *at = tables[i]->cases; at->name != NULL; at++)
            run_case(comparison, at, tables[i]->goals);
}

int
main(int argc, char **argv)
{
    return comparison_main(argc, argv, run_cases);
}
