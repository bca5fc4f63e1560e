/* report.c - see report.h.
 *
 * A round's ratio is ours over the peer's of the same round. "Ours" is the contestant `ringbus`; in the lines of our
 * own builds it is that build, and the peer is the contest's. Where less is better the worse quartile is the upper
 * one. */
#include "report.h"

#include <string.h>

enum { MAX_SUMMARY = 64, SUMMARY_WIDTH = 160 };

static char summary[MAX_SUMMARY][SUMMARY_WIDTH];
static int summary_count;

struct row {
    const struct contestant *self;
    const struct contestant *over, *under; /* of the ratio */
    const struct metric *metric;
    int number; /* of the metric */
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

static double
quantile_of(const struct row *row, const struct contestant *contestant, double q)
{
    return bench_quantile(contestant->values[row->number], row->rounds, q);
}

static struct row
row_of(const struct contest *contest, const struct contestant *self, int number)
{
    const struct contestant *peer = find(contest, contest->peer), *ours = find(contest, "ringbus");
    struct row row = {.self = self,
        .metric = &contest->metrics[number],
        .number = number,
        .rounds = contest->rounds};
    const bool is_less_better = row.metric->is_less_better;
    const double best = is_less_better ? 0 : 1, worse = is_less_better ? .75 : .25;
    double ratios[BENCH_MAX_ROUNDS];

    row.over = self->is_own || ours == NULL ? self : ours;
    row.under = !self->is_own ? self : peer != NULL ? peer : self;
    for (int i = 0; i < row.rounds; i++)
        ratios[i] = row.over->values[number][i] / row.under->values[number][i];
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
        row->metric->name, row->self->name, row->metric->unit, row->best, row->median, row->rounds,
        row->ratio_best, row->ratio_median, row->ratio_q1, row->over->name, row->under->name,
        row->self->wait, (unsigned long long)contest_events(contest, row->self), contest->discarded,
        contest->unusual, contest->trip_ns, contest->others_percent);
    fflush(results);
}

/* Missed: the median misses the goal, or the worse quartile misses nine tenths of it. */
static bool
is_met(const struct row *row, double goal)
{
    return row->metric->is_less_better ? row->ratio_median <= goal && row->ratio_q1 <= goal / .9
                                       : row->ratio_median >= goal && row->ratio_q1 >= goal * .9;
}

static const struct goal *
find_goal(const struct goal *goals, const char *name, const char *peer)
{
    for (; goals->name != NULL; goals++)
        if (strcmp(goals->name, name) == 0 && goals->peer != NULL && strcmp(goals->peer, peer) == 0)
            return goals;
    return NULL;
}

/* Is the goal met that this one names as good as itself? */
static bool
is_met_instead(const struct contest *contest, const struct goal *goals, const struct goal *goal,
    const struct contestant *self)
{
    const struct goal *const other =
        goal->instead != NULL ? find_goal(goals, goal->instead, goal->peer) : NULL;

    for (int number = 0; number < contest->metric_count && other != NULL; number++)
        if (strcmp(contest->metrics[number].name, other->name) == 0) {
            const struct row row = row_of(contest, self, number);

            return is_met(&row, other->ratio);
        }
    return false;
}

/* A line of the summary: ours and a peer's median, their ratio, what it should be. */
static void
add_to_summary(const struct row *row, double goal, const char *outcome)
{
    const struct metric *const metric = row->metric;

    if (summary_count < MAX_SUMMARY)
        snprintf(summary[summary_count++], SUMMARY_WIDTH,
            "%-30s %-13s %8.1f %8.1f %-4s %7.2f %7.2f  %s %.2f  %s", metric->name, row->self->name,
            quantile_of(row, row->over, .5) / metric->scale, row->median / metric->scale,
            metric->shown, row->ratio_median, row->ratio_q1,
            metric->is_less_better ? "<=" : ">=", goal, outcome);
}

static void
print_row(const struct row *row, FILE *table)
{
    const struct metric *const metric = row->metric;

    fprintf(table, "%-30s %-15s %8.1f %8.1f %-4s", metric->name, row->self->name,
        row->best / metric->scale, row->median / metric->scale, metric->shown);
    if (row->over != row->under)
        fprintf(table, " %6.2f %6.2f  %s/%s", row->ratio_median, row->ratio_q1, row->over->name,
            row->under->name);
    fputc('\n', table);
}

/* Whether it has a goal, and it was missed. */
static bool
misses_goal(const struct contest *contest, const struct goal *goals, const struct row *row)
{
    const struct goal *const goal = find_goal(goals, row->metric->name, row->self->name);

    if (goal == NULL)
        return false;
    if (is_met(row, goal->ratio)) {
        add_to_summary(row, goal->ratio, "met");
        return false;
    }
    if (is_met_instead(contest, goals, goal, row->self)) {
        add_to_summary(row, goal->ratio, "not needed");
        return false;
    }
    add_to_summary(row, goal->ratio, "MISSED");
    return true;
}

void
report_head(FILE *table)
{
    fprintf(table, "%-30s %-15s %8s %8s %-4s %6s %6s  %s\n", "case", "system", "best", "median", "",
        "ratio", "worse", "of");
}

int
report_contest(const struct contest *contest, const struct goal *goals, FILE *results, FILE *table)
{
    int missed = 0;

    for (int number = 0; number < contest->metric_count; number++)
        for (int i = 0; i < contest->count; i++) {
            const struct row row = row_of(contest, &contest->contestants[i], number);

            print_json(contest, &row, results);
            print_row(&row, table);
            missed += misses_goal(contest, goals, &row);
        }
    fprintf(table,
        "%-30s %d rounds (%d unusual), %d discarded, round trip %.0f ns, others took %.0f %%\n", "",
        contest->rounds, contest->unusual, contest->discarded, contest->trip_ns,
        contest->others_percent);
    return missed;
}

void
report_goals(FILE *table)
{
    fprintf(table, "\n%-30s %-13s %8s %8s %-4s %7s %7s  %s\n", "case", "peer", "ours", "peer's", "",
        "ratio", "worse", "goal");
    for (int i = 0; i < summary_count; i++)
        fprintf(table, "%s\n", summary[i]);
}
