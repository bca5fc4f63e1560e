/* compare_rings.c - our ring beside LMAX Disruptor and bare C in the shapes of shape.h. The arguments are in
 * comparison.h; SYSTEM: ringbus, ringbus_shared, lmax, ideal, ideal_slots. */
#include <string.h>

#include "comparison.h"
#include "shape.h"

enum { MOST_SECONDS = 50 };

/* Bare C "within 1.3", blocking with an awake reader "within 1.1" of busy spin. */
static const struct goal goals[] = {
    {"ring_1p1c", "lmax", 1.2, NULL},
    {"ring_1p1c_batch10", "lmax", 2, NULL},
    {"ring_3p1c", "lmax", 1.5, NULL},
    {"ring_1p3c", "lmax", 2, NULL},
    {"ring_pipeline3", "lmax", 2, NULL},
    {"ring_diamond", "lmax", 2, NULL},
    {"ring_1p1c_block", "lmax", 5, NULL},
    {"ring_1p1c_batch10_block", "lmax", 2.5, NULL},
    {"ring_3p1c_block", "lmax", 1.5, NULL},
    {"ring_1p3c_block", "lmax", 4, NULL},
    {"ring_pipeline3_block", "lmax", 5, NULL},
    {"ring_diamond_block", "lmax", 4, NULL},
    {"ring_pingpong", "lmax", .95, NULL},
    {"ring_pingpong_p99", "lmax", .9, NULL},
    {"ring_1p1c_block", "ringbus_spin", 1 / 1.1, NULL},
    {"ring_1p1c_batch10_block", "ringbus_spin", 1 / 1.1, NULL},
    {"ring_1p1c", "ideal", 1 / 1.3, NULL},
    {"ring_1p1c_batch10", "ideal", 1 / 1.3, NULL},
    {"ring_3p1c", "ideal", 1 / 1.3, NULL},
    {"ring_1p3c", "ideal", 1 / 1.3, NULL},
    {"ring_pipeline3", "ideal", 1 / 1.3, NULL},
    {"ring_diamond", "ideal", 1 / 1.3, NULL},
    {"ring_pingpong", "ideal", 1.3, NULL},
    {NULL, NULL, 0, NULL},
};

/* Who takes part, and how it waits where nobody blocks, where one does, and in ping-pong. NULL: not there. */
static const struct entry {
    const char *name, *system;
    const char *usual, *block, *ping;
    bool is_own;
} entries[] = {
    {"ringbus", "ringbus", "yield", "phased", "busy_spin_eager", true},
    {"lmax", "lmax", "yield", "block", "busy_spin", false},
    {"ringbus_shared", "ringbus_shared", "yield", "phased", "busy_spin_eager", true},
    {"ideal", "ideal", "yield", "yield", "busy_spin", false},
    {"ideal_slots", "ideal_slots", "yield", NULL, NULL, false},
    {"lmax_busy_spin", "lmax", "busy_spin", NULL, NULL, false}, /* two threads only */
    {"ringbus_block", "ringbus", NULL, "block", NULL, false},
    {"ringbus_spin", "ringbus", NULL, "busy_spin", NULL, false}, /* two threads only */
};

static void
add_entries(struct contest *contest, const struct comparison *comparison, const struct shape *shape,
    bool block)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const struct entry *entry = &entries[i];
        const char *wait = shape->is_ping ? entry->ping : block ? entry->block : entry->usual;
        const char *command = comparison_command(comparison, entry->system);

        /* Spinning threads beyond the CPUs would measure the time slice. */
        if (wait == NULL || command == NULL ||
            (strcmp(wait, "busy_spin") == 0 && shape->producers + shape->readers > 2))
            continue;
        contest->contestants[contest->count++] = (struct contestant){
            .name = entry->name, .command = command, .wait = wait, .is_own = entry->is_own};
    }
}

/* Of a ping-pong three, which are latencies. */
static void
set_metrics(struct contest *contest, bool is_ping)
{
    static const char *const suffixes[] = {"", "_p99", "_p999"};
    static const char *const fields[] = {"\"p50\":", "\"p99\":", "\"p999\":"};
    static const struct metric latency = {
        .unit = "ns", .shown = "ns", .scale = 1, .is_less_better = true};
    static const struct metric rate = {
        .field = "\"value\":", .unit = "events/s", .shown = "M/s", .scale = 1e6};

    contest->metric_count = is_ping ? 3 : 1;
    for (int i = 0; i < contest->metric_count; i++) {
        struct metric *const metric = &contest->metrics[i];

        *metric = is_ping ? latency : rate;
        if (is_ping)
            metric->field = fields[i];
        snprintf(metric->name, sizeof metric->name, "%s%s", contest->name, suffixes[i]);
    }
}

static void
run_cases(struct comparison *comparison)
{
    static struct contest contest; /* large */
    char name[64];

    for (int i = 0; i < 2 * SHAPE_COUNT; i++) {
        const struct shape *shape = &shapes[i % SHAPE_COUNT];
        const bool block = i >= SHAPE_COUNT;

        if (shape->is_ping && block)
            continue;
        snprintf(name, sizeof name, "%s%s", shape->name, block ? "_block" : "");
        memset(&contest, 0, sizeof contest);
        contest.name = name;
        contest.peer = "lmax";
        contest.most_seconds = MOST_SECONDS;
        contest.events = shape_events(shape, block);
        set_metrics(&contest, shape->is_ping);
        add_entries(&contest, comparison, shape, block);
        comparison_run(comparison, &contest, goals);
    }
}

int
main(int argc, char **argv)
{
    return comparison_main(argc, argv, run_cases);
}
