/* report.c - see report.h.
 *
 * A round's ratio is ours over the peer's of the same round. "Ours" is the contestant `ringbus`; in the lines of our
 * own builds it is that build, and the peer is lmax. Of latencies the worse quartile is the upper one. */
#include "report.h"

#include <string.h>

static const char *const suffixes[CONTEST_MAX_METRICS] = {"", "_p99", "_p999"};

enum { MAX_SUMMARY = 64, SUMMARY_WIDTH = 160 };

static char summary[MAX_SUMMARY][SUMMARY_WIDTH];
static int summary_count;

struct row {
    const struct contestant *self;
    const struct contestant *over, *under; /* of the ratio */
    const char *unit;
    char name[64];
    bool is_less_better;
    int metric;
    int rounds;
    double best, median;
    double ratio_best, ratio_median, ratio_q1;
};

static const struct contestant *
find(const struct contest *contest, const char *name)
{
    for (int i = 0; i < contest->count; i++)
        if (strcmp(contest->contestants[i].name, name) == 0)
            return &contest->contestants[i];
    return NULL;
}

static bool
is_own_build(const char *name)
{
    return strcmp(name, "ringbus") == 0 || strcmp(name, "ringbus_shared") == 0;
}

static double
quantile_of(const struct row *row, const struct contestant *contestant, double q)
{
    return bench_quantile(contestant->values[row->metric], row->rounds, q);
}

static struct row
row_of(const struct contest *contest, const struct contestant *self, int metric)
{
    const struct contestant *lmax = find(contest, "lmax"), *ours = find(contest, "ringbus");
    struct row row = {.self = self,
        .unit = contest->is_ping ? "ns" : "events/s",
        .is_less_better = contest->is_ping,
        .metric = metric,
        .rounds = contest->rounds};
    const double best = row.is_less_better ? 0 : 1, worse = row.is_less_better ? .75 : .25;
    double ratios[BENCH_MAX_ROUNDS];

    snprintf(row.name, sizeof row.name, "%s%s", contest->name, suffixes[metric]);
    row.over = is_own_build(self->name) || ours == NULL ? self : ours;
    row.under = !is_own_build(self->name) ? self : lmax != NULL ? lmax : self;
    for (int i = 0; i < row.rounds; i++)
        ratios[i] = row.over->values[metric][i] / row.under->values[metric][i];
    row.best = quantile_of(&row, self, best);
    row.median = quantile_of(&row, self, .5);
    row.ratio_best = quantile_of(&row, row.over, best) / quantile_of(&row, row.under, best);
    row.ratio_median = bench_quantile(ratios, row.rounds, .5);
    row.ratio_q1 = bench_quantile(ratios, row.rounds, worse);
    return row;
}

static void
print_json(const struct contest *contest, const struct row *row, FILE *results)
{
    fprintf(results,
        "{\"case\":\"%s\",\"peer\":\"%s\",\"unit\":\"%s\",\"best\":%.0f,\"median\":%.0f,"
        "\"rounds\":%d,\"ratio_best\":%.3f,\"ratio_median\":%.3f,\"ratio_q1\":%.3f,"
        "\"ratio_of\":\"%s/%s\",\"wait\":\"%s\",\"events\":%llu,\"discarded\":%d,\"unusual\":%d,"
        "\"round_trip_ns\":%.0f,\"others_percent\":%.1f}\n",
        row->name, row->self->name, row->unit, row->best, row->median, row->rounds, row->ratio_best,
        row->ratio_median, row->ratio_q1, row->over->name, row->under->name, row->self->wait,
        (unsigned long long)contest->events, contest->discarded, contest->unusual, contest->trip_ns,
        contest->others_percent);
    fflush(results);
}

/* Missed: the median misses the goal, or the worse quartile misses nine tenths of it. */
static bool
is_met(const struct row *row, double goal)
{
    return row->is_less_better ? row->ratio_median <= goal && row->ratio_q1 <= goal / .9
                               : row->ratio_median >= goal && row->ratio_q1 >= goal * .9;
}

/* A line of the summary: ours and a peer's median, their ratio, what it should be. */
static bool
add_to_summary(const struct row *row, double goal)
{
    const double unit = row->is_less_better ? 1 : 1e6;
    const bool is_missed = !is_met(row, goal);

    if (summary_count < MAX_SUMMARY)
        snprintf(summary[summary_count++], SUMMARY_WIDTH,
            "%-24s %-13s %8.1f %8.1f %-4s %7.2f %7.2f  %s %.2f  %s", row->name, row->self->name,
            quantile_of(row, row->over, .5) / unit, row->median / unit,
            row->is_less_better ? "ns" : "M/s", row->ratio_median, row->ratio_q1,
            row->is_less_better ? "<=" : ">=", goal, is_missed ? "MISSED" : "met");
    return is_missed;
}

static bool
print_row(const struct row *row, const struct goal *goals, FILE *table)
{
    const double unit = row->is_less_better ? 1 : 1e6;
    bool is_missed = false;

    fprintf(table, "%-24s %-15s %8.1f %8.1f %-4s", row->name, row->self->name, row->best / unit,
        row->median / unit, row->is_less_better ? "ns" : "M/s");
    if (row->over != row->under)
        fprintf(table, " %6.2f %6.2f  %s/%s", row->ratio_median, row->ratio_q1, row->over->name,
            row->under->name);
    for (const struct goal *goal = goals; goal->name != NULL; goal++)
        if (strcmp(goal->name, row->name) == 0 && strcmp(goal->peer, row->self->name) == 0)
            is_missed = add_to_summary(row, goal->ratio);
    fputc('\n', table);
    return is_missed;
}

void
report_head(FILE *table)
{
    fprintf(table, "%-24s %-15s %8s %8s %-4s %6s %6s  %s\n", "case", "system", "best", "median", "",
        "ratio", "worse", "of");
}

int
report_contest(const struct contest *contest, const struct goal *goals, FILE *results, FILE *table)
{
    int missed = 0;

    for (int metric = 0; metric < contest->metrics; metric++)
        for (int i = 0; i < contest->count; i++) {
            const struct row row = row_of(contest, &contest->contestants[i], metric);

            print_json(contest, &row, results);
            missed += print_row(&row, goals, table);
        }
    fprintf(table,
        "%-24s %d rounds (%d unusual), %d discarded, round trip %.0f ns, others took %.0f %%\n", "",
        contest->rounds, contest->unusual, contest->discarded, contest->trip_ns,
        contest->others_percent);
    return missed;
}

void
report_goals(FILE *table)
{
    fprintf(table, "\n%-24s %-13s %8s %8s %-4s %7s %7s  %s\n", "case", "peer", "ours", "peer's", "",
        "ratio", "worse", "goal");
    for (int i = 0; i < summary_count; i++)
        fprintf(table, "%s\n", summary[i]);
}
