/* explore.c - all executions of a scenario within the bounds, or random ones for a while.
 *
 * Depth first: the last choice that has an option left takes it, and the scenario runs again from its beginning.
 * At first every word is taken for quiet; a word that turns out not to be starts the exploration anew. In the last
 * one all that was left out concerned nobody else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine.h"

/* So many that were too long are enough to say that not all can be explored. */
enum { MOST_CUT = 100 };

static double
now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

/* False when there is nothing left. */
static bool
advance(struct path *path)
{
    while (path->count > 0 &&
           path->at[path->count - 1].chosen + 1 >= path->at[path->count - 1].options)
        path->count--;
    if (path->count == 0)
        return false;
    path->at[path->count - 1].chosen++;
    return true;
}

static void
show_failure(void)
{
    const char *why = run.failure;

    run.is_tracing = true;
    schedule_execute();
    run.is_tracing = false;
    run.all_choices[run.all_count] = '\0';
    printf("%s: %s\n", run.scenario->name, run.failure ? run.failure : why);
    printf("again: --replay %s:%d,%d:%s\n", run.scenario->name, run.bounds.preempts,
        run.bounds.stale, run.all_choices);
}

static void
show_end(const char *how, unsigned long executions, unsigned long cut, double seconds)
{
    printf("%-28s %s, %lu executions, ", run.scenario->name, how, executions);
    if (run.bounds.is_random)
        printf("at random, ");
    else
        printf("%d preemptions, %d stale, ", run.bounds.preempts, run.bounds.stale);
    if (run.bounds.is_compared)
        printf("%lu states, ", (unsigned long)state_count());
    printf("%.2f s", seconds);
    if (cut > 0)
        printf(", %lu of them cut short", cut);
    printf("\n");
}

static void
start(const struct scenario *scenario, const struct bounds *bounds)
{
    memset(&run, 0, sizeof run);
    memory_forget_all();
    run.scenario = scenario;
    run.bounds = *bounds;
    if (bounds->pairs != 0 && scenario->threads[2] == NULL)
        run.bounds.preempts = run.bounds.stale = bounds->pairs;
    if (scenario->most_preempts != 0 && scenario->most_preempts < run.bounds.preempts)
        run.bounds.preempts = scenario->most_preempts;
    if (scenario->most_stale != 0 && scenario->most_stale < run.bounds.stale)
        run.bounds.stale = scenario->most_stale;
    run.bounds.is_compared = bounds->is_compared && run.bounds.preempts < STATE_BOUNDS &&
                             run.bounds.stale < STATE_BOUNDS;
    state_forget();
}

enum outcome
explore(const struct scenario *scenario, const struct bounds *bounds)
{
    const double begin = now();
    unsigned long executions = 0, cut = 0;

    start(scenario, bounds);
    for (;;) {
        schedule_execute();
        executions++;
        cut += run.is_cut;
        if (run.failure != NULL) {
            show_failure();
            show_end("FAILED", executions, cut, now() - begin);
            return FAILED;
        }
        if (run.is_changed) {
            executions = cut = 0;
            state_forget();
            run.path.count = 0;
            continue;
        }
        if (bounds->is_random)
            run.path.count = 0;
        else if (!advance(&run.path))
            break;
        if ((cut >= MOST_CUT && !bounds->is_random) ||
            (bounds->seconds > 0 && executions % 256 == 0 && now() - begin > bounds->seconds)) {
            show_end("time is up", executions, cut, now() - begin);
            return TIME_IS_UP;
        }
    }
    if (scenario->judge != NULL && scenario->judge() != NULL) {
        printf("%s: %s\n", scenario->name, scenario->judge());
        show_end("FAILED", executions, cut, now() - begin);
        return FAILED;
    }
    show_end("all explored", executions, cut, now() - begin);
    return cut > 0 ? TIME_IS_UP : ALL_EXPLORED;
}

enum outcome
explore_in_all_ways(const struct scenario *scenario, const struct bounds *bounds)
{
    struct bounds each = *bounds;
    uint64_t sums[3];
    size_t counts[3];

    each.keeps_outcomes = true;
    for (int i = 0; i < 3; i++) {
        enum outcome outcome = ALL_EXPLORED;

        each.is_compared = i < 1;
        each.is_reduced = i < 2;
        outcome = explore(scenario, &each);
        if (outcome != ALL_EXPLORED)
            return outcome;
        counts[i] = state_outcomes(&sums[i]);
    }
    printf("%-28s %lu outcomes\n", scenario->name, (unsigned long)counts[0]);
    if (sums[0] == sums[1] && sums[0] == sums[2])
        return ALL_EXPLORED;
    printf("%s: but %lu and %lu without comparison and reduction\n", scenario->name,
        (unsigned long)counts[1], (unsigned long)counts[2]);
    return FAILED;
}

/* `what` is "PREEMPTS,STALE:CHOICES": the bounds decide where there is a choice. */
enum outcome
explore_again(const struct scenario *scenario, const char *what, const struct bounds *given)
{
    struct bounds bounds = {.operations = given->operations,
        .is_strict = given->is_strict,
        .is_fenced = given->is_fenced};
    char *at = NULL;

    bounds.preempts = (int)strtol(what, &at, 10);
    bounds.stale = *at == ',' ? (int)strtol(at + 1, &at, 10) : 0;
    start(scenario, &bounds);
    for (at += *at == ':'; *at != '\0' && run.path.count < PATH; at++)
        run.path.at[run.path.count++].chosen = (uint8_t)(*at - '0');
    run.is_tracing = true;
    schedule_execute();
    printf("%s: %s\n", scenario->name, run.failure ? run.failure : "passes");
    return run.failure ? FAILED : ALL_EXPLORED;
}
