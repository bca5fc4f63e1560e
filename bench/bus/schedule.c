/* schedule.c - see schedule.h. */
#include "schedule.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "ringbus/types.h"
#include "serve.h"

enum { WARM_UP = 65536, LATE_NS = 1000, SETTLE_NS = 2000000, FORGIVEN_NS = 20000000 };
enum { STALL_NS = 20000000, PATIENCE_S = 10, TRIES = 3 };

static struct {
    int64_t gap_ns;
    uint64_t count; /* of the samples */
    bool is_stalled;
    bool is_slow;  /* the rate was not kept */
    sem_t arrived; /* the warm-up; all */

    /* written by the consumer */
    uint64_t *samples;
    uint64_t received;
    bool is_wrong;
} pass;

void
schedule_deliver(const struct schedule_event *event)
{
    const int64_t now = ringbus_now_ns();
    const uint64_t number = pass.received;

    if (event->number != number || number >= WARM_UP + pass.count) {
        pass.is_wrong = true;
        return;
    }
    if (number >= WARM_UP)
        pass.samples[number - WARM_UP] = (uint64_t)(now - event->due_ns);
    pass.received++;
    if (pass.is_stalled && number == WARM_UP + pass.count / 2)
        nanosleep(&(struct timespec){0, STALL_NS}, NULL);
    if (pass.received == WARM_UP || pass.received == WARM_UP + pass.count)
        sem_post(&pass.arrived);
}

static bool
wait_for_arrival(void)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (sem_timedwait(&pass.arrived, &until) != 0)
        if (errno != EINTR)
            return false;
    return true;
}

static bool
warm_up(const struct schedule_system *system)
{
    struct schedule_event event = {.due_ns = 0};

    for (; event.number < WARM_UP; event.number++)
        if (!system->post(&event))
            return false;
    if (!wait_for_arrival())
        return false;
    nanosleep(&(struct timespec){0, SETTLE_NS}, NULL);
    return true;
}

/* Post by the schedule. */
static bool
post_all(const struct schedule_system *system, struct figures *figures)
{
    struct schedule_event event = {.number = WARM_UP};
    const int64_t began = ringbus_now_ns(), asked = pass.gap_ns * (int64_t)pass.count;
    int64_t now = began;
    uint64_t late = 0;

    for (uint64_t i = 0; i < pass.count; i++, event.number++) {
        event.due_ns = began + pass.gap_ns * (int64_t)(i + 1);
        while ((now = ringbus_now_ns()) < event.due_ns)
            cpu_pause();
        late += now - event.due_ns > LATE_NS;
        if (!system->post(&event))
            return false;
    }
    now = ringbus_now_ns();
    figures->value = (double)pass.count / (double)(now - began) * 1e9;
    figures->late = (double)late / (double)pass.count * 100;
    pass.is_slow = now - began > asked + asked / 4 + FORGIVEN_NS;
    if (pass.is_slow)
        fprintf(stderr, "%s: posted %.0f events a second only\n", system->name, figures->value);
    return true;
}

static int
compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Of the sorted samples: `part` of 10,000 are below it, or all but it. */
static double
quantile(uint64_t part)
{
    const uint64_t rank = pass.count * part / 10000;

    return (double)pass.samples[rank < pass.count ? rank : pass.count - 1];
}

static void
set_figures(struct figures *figures)
{
    qsort(pass.samples, pass.count, sizeof *pass.samples, compare);
    figures->p50 = quantile(5000);
    figures->p90 = quantile(9000);
    figures->p99 = quantile(9900);
    figures->p999 = quantile(9990);
    figures->p9999 = quantile(9999);
    figures->max = quantile(10000);
}

static int64_t
gap_of(const char *name)
{
    unsigned long long number = 0;
    char unit = '\0';

    if (sscanf(name, "latency_%llu%c", &number, &unit) < 1 || number == 0 || number > 1000000)
        return 0;
    return (int64_t)(1000000000 / (number * (unit == 'm' ? 1000000 : unit == 'k' ? 1000 : 1)));
}

static bool
run(const struct schedule_system *system, const char *wait, struct figures *figures)
{
    bool is_good = false;

    pass.received = 0;
    pass.is_wrong = false;
    if (sem_init(&pass.arrived, 0, 0) != 0 || !system->open(wait))
        return false;
    is_good = warm_up(system) && post_all(system, figures) && wait_for_arrival();
    system->close();
    sem_destroy(&pass.arrived);
    if (pass.is_wrong)
        fprintf(stderr, "%s: an event was lost, or came out of order\n", system->name);
    return is_good && !pass.is_wrong && pass.received == WARM_UP + pass.count;
}

bool
schedule_run(const struct schedule_system *system, const struct request *request,
    struct figures *ret_figures)
{
    const size_t size = request->events * sizeof *pass.samples;
    bool is_good = false;
    int tries = 0;

    memset(&pass, 0, sizeof pass);
    pass.gap_ns = gap_of(request->name);
    pass.count = request->events;
    pass.is_stalled = strcmp(request->wait, "stall") == 0;
    if (pass.gap_ns == 0)
        return false;
    pass.samples = malloc(size);
    if (pass.samples == NULL)
        return false;
    memset(pass.samples, 1, size); /* its pages are there */
    do
        is_good = run(system, request->wait, ret_figures);
    while (is_good && pass.is_slow && ++tries < TRIES);
    if (is_good)
        set_figures(ret_figures);
    free(pass.samples);
    return is_good && !pass.is_slow;
}
