/* compare_servers.c - the publish-subscribe server beside redis-server. The arguments are in peers/comparison.h;
 * SYSTEM: ringbus, redis. A case is a number of subscribers; what its passes are measured in is in peer_server.c. */
#include <string.h>

#include "comparison.h"

/* Enough for io-threads that spin where there is no CPU for them. */
enum { MOST_SECONDS = 100 };

/* Delivered is goal enough by rate or by CPU time. */
static const struct goal goals[] = {
    {"server_publish_0subs", "redis", 1, NULL},
    {"server_publish_1subs", "redis", 1, NULL},
    {"server_delivered_10subs", "redis", 1.5, "server_delivered_10subs_cpu"},
    {"server_delivered_10subs_cpu", "redis", .6, "server_delivered_10subs"},
    {"server_delivered_100subs", "redis", 1.5, "server_delivered_100subs_cpu"},
    {"server_delivered_100subs_cpu", "redis", .6, "server_delivered_100subs"},
    {NULL, NULL, 0, NULL},
};

/* Who takes part, with how many loops or io-threads. */
static const struct entry {
    const char *name, *system, *threads;
    bool is_own;
} entries[] = {
    {"ringbus", "ringbus", "1", true},
    {"redis", "redis", "1", false},
    {"ringbus_2loops", "ringbus", "2", true},
    {"redis_2io", "redis", "2", false},
};

/* A pass of redis takes some tenths of a second. */
static const struct size {
    int subscribers;
    uint64_t events;
} sizes[] = {{0, 300000}, {1, 200000}, {10, 80000}, {100, 16000}};

/* The figures of a pass, and of which cases they are: "<before><N>subs<after>". */
static const struct figure {
    const char *before, *after;
    bool is_with, is_without; /* subscribers */
    struct metric metric;     /* but for the name */
} all_figures[] = {
    {"server_publish_", "", true, true,
        {.field = "\"publish\":", .unit = "requests/s", .shown = "k/s", .scale = 1e3}},
    {"server_publish_", "_cpu", false, true,
        {.field = "\"cpu\":", .unit = "ns", .shown = "ns", .scale = 1, .is_less_better = true}},
    {"server_delivered_", "", true, false,
        {.field = "\"delivered\":", .unit = "messages/s", .shown = "k/s", .scale = 1e3}},
    {"server_delivered_", "_cpu", true, false,
        {.field = "\"cpu\":", .unit = "ns", .shown = "ns", .scale = 1, .is_less_better = true}},
    {"server_latency_", "_p50", true, true,
        {.field = "\"p50\":", .unit = "ns", .shown = "us", .scale = 1e3, .is_less_better = true}},
    {"server_latency_", "_p99", true, true,
        {.field = "\"p99\":", .unit = "ns", .shown = "us", .scale = 1e3, .is_less_better = true}},
};

static void
set_metrics(struct contest *contest, int subscribers)
{
    for (size_t i = 0; i < sizeof all_figures / sizeof *all_figures; i++) {
        const struct figure *const figure = &all_figures[i];
        struct metric *const metric = &contest->metrics[contest->metric_count];

        if (subscribers > 0 ? !figure->is_with : !figure->is_without)
            continue;
        *metric = figure->metric;
        (void)snprintf(metric->name, sizeof metric->name, "%s%dsubs%s", figure->before, subscribers,
            figure->after);
        contest->metric_count++;
    }
}

static void
add_entries(struct contest *contest, const struct comparison *comparison)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *const entry = &entries[i];
        const char *const command = comparison_command(comparison, entry->system);

        if (command != NULL)
            contest->contestants[contest->count++] = (struct contestant){.name = entry->name,
                .command = command,
                .wait = entry->threads,
                .is_own = entry->is_own};
    }
}

static void
run_cases(struct comparison *comparison)
{
    static struct contest contest; /* large */
    char name[32];

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        (void)snprintf(name, sizeof name, "server_%dsubs", sizes[i].subscribers);
        memset(&contest, 0, sizeof contest);
        contest.name = name;
        contest.peer = "redis";
        contest.most_seconds = MOST_SECONDS;
        contest.events = sizes[i].events;
        set_metrics(&contest, sizes[i].subscribers);
        add_entries(&contest, comparison);
        comparison_run(comparison, &contest, goals);
    }
}

int
main(int argc, char **argv)
{
    return comparison_main(argc, argv, run_cases);
}
