/* contest.c - see contest.h. */
#include "contest.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "ringbus/types.h"

enum { LINE_SIZE = 512, MOST_OTHERS = 10 };
#define SECOND_NS INT64_C(1000000000)
#define PATIENCE_NS (10 * SECOND_NS)

uint64_t
contest_events(const struct contest *contest, const struct contestant *contestant)
{
    return contest->events / (uint64_t)(contestant->fewer > 0 ? contestant->fewer : 1);
}

/* ---- the processes ---- */

static void
become(const struct contest *contest, const struct contestant *contestant, int in, int out)
{
    char command[LINE_SIZE];
    cpu_set_t set;

    CPU_ZERO(&set);
    for (int i = 0; i < contest->cpu_count; i++)
        CPU_SET((unsigned)contest->cpus[i], &set);
    snprintf(command, sizeof command, "exec %s serve %s %s %llu", contestant->command,
        contest->name, contestant->wait, (unsigned long long)contest_events(contest, contestant));
    if (setpgid(0, 0) == 0 && sched_setaffinity(0, sizeof set, &set) == 0 && dup2(in, 0) == 0 &&
        dup2(out, 1) == 1)
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static bool
start(const struct contest *contest, struct contestant *contestant)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1};

    /* closed in the other children, or theirs would never read an end of file */
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return false;
    contestant->pid = fork();
    if (contestant->pid == 0)
        become(contest, contestant, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    contestant->ask = fdopen(in[1], "w");
    contestant->answers = fdopen(out[0], "r");
    return contestant->pid > 0 && contestant->ask != NULL && contestant->answers != NULL;
}

static void
stop(struct contestant *contestant)
{
    if (contestant->ask != NULL)
        fclose(contestant->ask);
    if (contestant->answers != NULL)
        fclose(contestant->answers);
    contestant->ask = NULL;
    contestant->answers = NULL;
    if (contestant->pid > 0)
        waitpid(contestant->pid, NULL, 0);
    contestant->pid = 0;
}

static bool
field(const char *line, const char *key, double *ret_value)
{
    const char *at = strstr(line, key);

    return at != NULL && sscanf(at + strlen(key), "%lf", ret_value) == 1 && *ret_value > 0;
}

/* One pass. */
static bool
measure(const struct contest *contest, struct contestant *contestant, double *ret_values)
{
    char line[LINE_SIZE];
    bool is_good = true;

    fputs("go\n", contestant->ask);
    if (fflush(contestant->ask) != 0 || fgets(line, sizeof line, contestant->answers) == NULL)
        is_good = false;
    for (int i = 0; i < contest->metric_count; i++)
        is_good = is_good && field(line, contest->metrics[i].field, &ret_values[i]);
    if (!is_good)
        fprintf(stderr, "compare: %s: %s failed\n", contest->name, contestant->name);
    return is_good;
}

/* ---- the rounds ---- */

struct round {
    double values[CONTEST_MAX_SYSTEMS][CONTEST_MAX_METRICS];
    double trip_ns;
    double others_percent;
    bool is_usual;
};

static void
keep(struct contest *contest, const struct round *round)
{
    for (int i = 0; i < contest->count; i++)
        for (int metric = 0; metric < contest->metric_count; metric++) {
            const double value = round->values[i][metric];

            contest->contestants[i].values[metric][contest->rounds] = value;
            if (contest->raw != NULL)
                fprintf(contest->raw,
                    "{\"case\":\"%s\",\"peer\":\"%s\",\"round\":%d,\"metric\":%d,\"value\":%.0f,"
                    "\"round_trip_ns\":%.0f,\"others_percent\":%.1f}\n",
                    contest->name, contest->contestants[i].name, contest->rounds, metric, value,
                    round->trip_ns, round->others_percent);
        }
    contest->rounds++;
}

static struct load
look_at_load(const struct contest *contest)
{
    pid_t children[CONTEST_MAX_SYSTEMS];

    for (int i = 0; i < contest->count; i++)
        children[i] = contest->contestants[i].pid;
    return load_now(children, contest->count);
}

/* One round; whether it is as good as others, or a system failed. */
static bool
run_round(struct contest *contest, int64_t *patience_ns, struct round *ret_round)
{
    struct load began, ended;
    double before = 0, after = 0;

    machine_wait_for_calm(MOST_OTHERS, patience_ns);
    before = bench_round_trip_ns();
    began = look_at_load(contest);
    for (int i = 0; i < contest->count; i++)
        if (!measure(contest, &contest->contestants[i], ret_round->values[i]))
            return false;
    ended = look_at_load(contest);
    after = bench_round_trip_ns();
    ret_round->trip_ns = (before + after) / 2;
    ret_round->others_percent = load_of_others(&began, &ended);
    ret_round->is_usual = machine_is_usual(before);
    ret_round->is_usual = machine_is_usual(after) && ret_round->is_usual;
    if (ret_round->others_percent > MOST_OTHERS)
        ret_round->is_usual = false;
    return true;
}

static bool
run_rounds(struct contest *contest, int rounds)
{
    double trips[BENCH_MAX_ROUNDS], others[BENCH_MAX_ROUNDS];
    const int64_t until = ringbus_now_ns() + contest->most_seconds * SECOND_NS;
    int64_t patience_ns = contest->is_quick ? 0 : PATIENCE_NS;

    while (contest->rounds < rounds && (contest->rounds == 0 || ringbus_now_ns() < until)) {
        struct round round;

        if (!run_round(contest, &patience_ns, &round))
            return false;
        if (!round.is_usual && !contest->is_quick && contest->discarded < rounds &&
            ringbus_now_ns() < until) {
            contest->discarded++;
            continue;
        }
        contest->unusual += !round.is_usual; /* it is not going to be any better */
        trips[contest->rounds] = round.trip_ns;
        others[contest->rounds] = round.others_percent;
        keep(contest, &round);
    }
    contest->trip_ns = bench_quantile(trips, contest->rounds, .5);
    contest->others_percent = bench_quantile(others, contest->rounds, .5);
    return true;
}

bool
contest_run(struct contest *contest, int rounds)
{
    double warm[CONTEST_MAX_METRICS];
    bool is_good = true;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < contest->count && is_good; i++)
        is_good = start(contest, &contest->contestants[i]) &&
                  measure(contest, &contest->contestants[i], warm);
    is_good = is_good && run_rounds(contest, rounds);
    for (int i = 0; i < contest->count; i++)
        stop(&contest->contestants[i]);
    return is_good;
}
