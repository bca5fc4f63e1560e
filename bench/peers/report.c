/* report.c - see report.h.
 *
 * A round's ratio is ours over the peer's of the same round. "Ours" is the contestant `ringbus`; in the lines of our
 * own builds it is that build, and the peer is the contest's. Where less is better the worse quartile is the upper
 * one. */
#include "report.h"

#include <string.h>

struct row {
    const struct contestant *self;
    const struct contestant *over, *under; /* of the ratio */
    const struct metric *metric;
    int number; /* of the metric */
    int rounds;
    double best, median, q1, q3;
    double ratio_best, ratio_median, ratio_q1;
    const struct goal *goal; /* NULL: none */
    const char *outcome;     /* of the goal */
};

static const struct contestant *
find(const struct contest *contest, const char *name)
{
    for (int i = 0; i < contest->count && name != NULL; i++)
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
    row.q1 = quantile_of(&row, self, .25);
    row.q3 = quantile_of(&row, self, .75);
    row.ratio_best = quantile_of(&row, row.over, best) / quantile_of(&row, row.under, best);
    row.ratio_median = bench_quantile(ratios, row.rounds, .5);
    row.ratio_q1 = bench_quantile(ratios, row.rounds, worse);
    return row;
}

static void
print_json(const struct contest *contest, const struct row *row, FILE *results)
{
    fprintf(results,
        "{\"case\":\"%s\",\"peer\":\"%s\",\"unit\":\"%s\",\"better\":\"%s\",\"best\":%.6g,"
        "\"median\":%.6g,\"q1\":%.6g,\"q3\":%.6g,\"rounds\":%d,\"ratio_best\":%.4g,"
        "\"ratio_median\":%.4g,\"ratio_q1\":%.4g,\"ratio_of\":\"%s/%s\",\"wait\":\"%s\","
        "\"events\":%llu,\"discarded\":%d,\"unusual\":%d,\"null_ns\":%.4g,"
        "\"round_trip_ns\":%.0f,\"others_percent\":%.1f",
        row->metric->name, row->self->name, row->metric->unit,
        row->metric->is_less_better ? "less" : "more", row->best, row->median, row->q1, row->q3,
        row->rounds, row->ratio_best, row->ratio_median, row->ratio_q1, row->over->name,
        row->under->name, row->self->wait, (unsigned long long)row->self->events,
        contest->discarded, contest->unusual, contest->null_ns, contest->trip_ns,
        contest->others_percent);
    if (row->goal != NULL)
        fprintf(results, ",\"goal\":%.6g,\"goal_of\":\"%s\",\"outcome\":\"%s\"", row->goal->ratio,
            row->goal->peer != NULL ? "ratio" : "median", row->outcome);
    fputs("}\n", results);
    fflush(results);
}

/* Missed: the median misses the goal, or the worse quartile of the ratios misses nine tenths of it. */
static bool
is_met(const struct row *row, const struct goal *goal)
{
    const bool is_alone = goal->peer == NULL;
    const double median = is_alone ? row->median : row->ratio_median;
    const double worse = is_alone ? row->median : row->ratio_q1;

    return row->metric->is_less_better ? median <= goal->ratio && worse <= goal->ratio / .9
                                       : median >= goal->ratio && worse >= goal->ratio * .9;
}

static const struct goal *
find_goal(const struct goal *goals, const char *name, const char *peer)
{
    for (; goals->name != NULL; goals++)
        if (strcmp(goals->name, name) == 0 &&
            (peer == NULL ? goals->peer == NULL
                          : goals->peer != NULL && strcmp(goals->peer, peer) == 0))
            return goals;
    return NULL;
}

/* Is the goal met that this one names as good as itself? */
static bool
is_met_instead(const struct contest *contest, const struct goal *goals, const struct row *row)
{
    const struct goal *const other =
        row->goal->instead != NULL ? find_goal(goals, row->goal->instead, row->goal->peer) : NULL;

    for (int number = 0; number < contest->metric_count && other != NULL; number++)
        if (strcmp(contest->metrics[number].name, other->name) == 0) {
            const struct row instead = row_of(contest, row->self, number);

            return is_met(&instead, other);
        }
    return false;
}

/* A peer's line has the goal of ours against it, our own line the goal that needs no peer.
 *
 * return  whether there is one, and it was missed */
static bool
judge(const struct contest *contest, const struct goal *goals, struct row *row)
{
    const bool is_ours = strcmp(row->self->name, "ringbus") == 0;

    if (is_ours || row->over != row->under)
        row->goal = find_goal(goals, row->metric->name, is_ours ? NULL : row->self->name);
    if (row->goal == NULL)
        return false;
    row->outcome = is_met(row, row->goal)                ? "met"
                   : is_met_instead(contest, goals, row) ? "not needed"
                                                         : "MISSED";
    return strcmp(row->outcome, "MISSED") == 0;
}

/* Three digits and more. */
static int
decimals_of(double value)
{
    return value < 10 ? 2 : value < 10000 ? 1 : 0;
}

static void
print_row(const struct row *row, FILE *table)
{
    const struct metric *const metric = row->metric;
    const double best = row->best / metric->scale, median = row->median / metric->scale;
    const char *const sign = metric->is_less_better ? "<=" : ">=";

    fprintf(table, "%-32s %-18s %9.*f %9.*f %-4s", metric->name, row->self->name, decimals_of(best),
        best, decimals_of(median), median, metric->shown);
    if (row->over != row->under)
        fprintf(table, " %7.2f %7.2f  %s/%s", row->ratio_median, row->ratio_q1, row->over->name,
            row->under->name);
    if (row->goal != NULL && row->goal->peer != NULL)
        fprintf(table, " %s %.2f: %s", sign, row->goal->ratio, row->outcome);
    else if (row->goal != NULL)
        fprintf(table, "  %s %g %s: %s", sign, row->goal->ratio / metric->scale, metric->shown,
            row->outcome);
    fputc('\n', table);
}

void
report_head(FILE *table)
{
    fprintf(table, "%-32s %-18s %9s %9s %-4s %7s %7s  %s\n", "case", "side", "best", "median", "",
        "ratio", "worse", "of, goal");
}

int
report_contest(const struct contest *contest, const struct goal *goals, FILE *results, FILE *table)
{
    int missed = 0;

    for (int number = 0; number < contest->metric_count; number++)
        for (int i = 0; i < contest->count; i++) {
            struct row row = row_of(contest, &contest->contestants[i], number);

            if (row.metric->is_extra && row.median == 0)
                continue;
            missed += judge(contest, goals, &row);
            print_json(contest, &row, results);
            if (!row.metric->is_extra)
                print_row(&row, table);
        }
    fprintf(table,
        "%-32s %d rounds (%d unusual), %d discarded, null %.2f ns, round trip %.0f ns, others took "
        "%.0f %%\n",
        "", contest->rounds, contest->unusual, contest->discarded, contest->null_ns,
        contest->trip_ns, contest->others_percent);
    return missed;
}
