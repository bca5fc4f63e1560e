/* contest.c - see contest.h. */
#include "contest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"
#include "ringbus/types.h"

enum { LINE_SIZE = 1024, MOST_OTHERS = 10, MOST_PASS_MS = 60000 };
#define SECOND_NS INT64_C(1000000000)
#define PATIENCE_NS (10 * SECOND_NS)

/* Of a pass of this contestant. */
static uint64_t
events_of(const struct contest *contest, const struct contestant *contestant)
{
    return contest->events / (uint64_t)(contestant->fewer > 0 ? contestant->fewer : 1);
}

/* ---- the processes ---- */

static void
become(const struct contest *contest, const struct contestant *contestant, int in, int out)
{
    char command[LINE_SIZE];

    snprintf(command, sizeof command, "exec %s serve %s %s %llu", contestant->command,
        contest->name, contestant->wait, (unsigned long long)events_of(contest, contestant));
    if (setpgid(0, 0) == 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1)
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

/* The answer to one question is one line, so that nothing of it is in the stream already. */
static bool
ask(struct contestant *contestant, char *line)
{
    struct pollfd answer = {.fd = fileno(contestant->answers), .events = POLLIN};

    fputs("go\n", contestant->ask);
    return fflush(contestant->ask) == 0 && poll(&answer, 1, MOST_PASS_MS) == 1 &&
           fgets(line, LINE_SIZE, contestant->answers) != NULL;
}

/* One pass. */
static bool
measure(const struct contest *contest, struct contestant *contestant, double *ret_values)
{
    char line[LINE_SIZE];
    bool is_good = ask(contestant, line);
    double events = 0;

    for (int i = 0; i < contest->metric_count; i++) {
        ret_values[i] = 0;
        is_good = is_good && (field(line, contest->metrics[i].field, &ret_values[i]) ||
                                 contest->metrics[i].is_extra);
    }
    contestant->events = is_good && field(line, "\"events\":", &events)
                             ? (uint64_t)events
                             : events_of(contest, contestant);
    return is_good;
}

/* The one that failed; those behind it move up. */
static void
leave_out(struct contest *contest, int index)
{
    struct contestant *const contestant = &contest->contestants[index];

    fprintf(stderr, "compare: %s: %s failed and is left out\n", contest->name, contestant->name);
    if (contestant->pid > 0)
        kill(-contestant->pid, SIGKILL);
    stop(contestant);
    contest->count--;
    contest->failed++;
    memmove(contestant, contestant + 1, (size_t)(contest->count - index) * sizeof *contestant);
}

/* ---- the rounds ---- */

struct round {
    double values[CONTEST_MAX_SYSTEMS][CONTEST_MAX_METRICS];
    double trip_ns, null_ns;
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
                    "{\"case\":\"%s\",\"peer\":\"%s\",\"round\":%d,\"value\":%.6g,"
                    "\"null_ns\":%.4g,\"round_trip_ns\":%.0f,\"others_percent\":%.1f}\n",
                    contest->metrics[metric].name, contest->contestants[i].name, contest->rounds,
                    value, round->null_ns, round->trip_ns, round->others_percent);
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

/* Who is asked at this place of a round: by rounds, everybody comes after each of the others equally often, in `count`
 * rounds once, in twice as many twice if the count is odd. */
static int
turn(int round, int place, int count)
{
    if (count % 2 == 1 && round % 2 == 1)
        place = count - 1 - place;
    /* from the round's first one alternately onwards and backwards: the distances are all different */
    return (round + (place % 2 == 1 ? (place + 1) / 2 : count - place / 2)) % count;
}

/* One round, which says whether it is as good as others.
 *
 * return  false if a system failed: the round is to be run again without it */
static bool
run_round(struct contest *contest, int64_t *patience_ns, struct round *ret_round)
{
    struct load began, ended;
    double before = 0, after = 0;

    if (!contest->is_quick)
        machine_wait_for_calm(MOST_OTHERS, patience_ns);
    before = bench_round_trip_ns();
    ret_round->null_ns = bench_null_ns();
    began = look_at_load(contest);
    for (int place = 0; place < contest->count; place++) {
        const int i = turn(contest->rounds, place, contest->count);

        if (!measure(contest, &contest->contestants[i], ret_round->values[i])) {
            leave_out(contest, i);
            return false;
        }
    }
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
    double trips[BENCH_MAX_ROUNDS], nulls[BENCH_MAX_ROUNDS], others[BENCH_MAX_ROUNDS];
    const int64_t until = ringbus_now_ns() + contest->most_seconds * SECOND_NS;
    int64_t patience_ns = PATIENCE_NS;

    while (contest->count > 0 && contest->rounds < rounds &&
           (contest->rounds == 0 || ringbus_now_ns() < until)) {
        struct round round;

        if (!run_round(contest, &patience_ns, &round))
            continue;
        if (!round.is_usual && !contest->is_quick && contest->discarded < rounds &&
            ringbus_now_ns() < until) {
            contest->discarded++;
            continue;
        }
        contest->unusual += !round.is_usual; /* it is not going to be any better */
        trips[contest->rounds] = round.trip_ns;
        nulls[contest->rounds] = round.null_ns;
        others[contest->rounds] = round.others_percent;
        keep(contest, &round);
    }
    if (contest->count == 0)
        return false;
    contest->trip_ns = bench_quantile(trips, contest->rounds, .5);
    contest->null_ns = bench_quantile(nulls, contest->rounds, 0);
    contest->others_percent = bench_quantile(others, contest->rounds, .5);
    return true;
}

bool
contest_run(struct contest *contest, int rounds)
{
    double warm[CONTEST_MAX_METRICS];
    bool is_good = false;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < contest->count;)
        if (start(contest, &contest->contestants[i]) &&
            measure(contest, &contest->contestants[i], warm))
            i++;
        else
            leave_out(contest, i);
    is_good = run_rounds(contest, rounds);
    for (int i = 0; i < contest->count; i++)
        stop(&contest->contestants[i]);
    return is_good;
}
