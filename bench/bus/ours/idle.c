/* idle.c - `idle_cpu`: the CPU time of a process whose bus has nothing to do, in percent of a core. WAIT: `executor`, a
 * bus with its default group, or `loop`, with a loop group too. EVENTS is the time in milliseconds. */
#include <string.h>
#include <time.h>

#include "loop.h"
#include "ours.h"

/* Added to every answer: nothing at all is no answer. */
#define LEAST_PERCENT 1e-4

enum { FIRST = 1000 };

static int
count(const struct ringbus_event *event, void *context)
{
    (void)event;
    ++*(int *)context;
    return 0;
}

/* Idle after work, as a bus usually is. */
static bool
work(struct ringbus_bus *bus)
{
    for (int i = 0; i < FIRST; i++)
        if (ringbus_post(bus, "work", &i, sizeof i) != 1)
            return false;
    return ringbus_flush(bus, RINGBUS_FOREVER) == RINGBUS_OK;
}

static double
cpu_ns(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
    return (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
}

/* In percent of a core, in so many milliseconds. */
static double
measure(uint64_t ms)
{
    const struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};
    const int64_t began = ringbus_now_ns();
    const double before = cpu_ns();

    nanosleep(&pause, NULL);
    return 100 * (cpu_ns() - before) / (double)(ringbus_now_ns() - began);
}

static bool
idle_executor(uint64_t ms, double *ret_percent)
{
    struct ringbus_bus *bus = NULL;
    struct ringbus_consumer *consumer = NULL;
    int counted = 0;

    if (ringbus_open(NULL, &bus) || ringbus_consumer_open(bus, count, &counted, NULL, &consumer) ||
        ringbus_register_consumer(bus, consumer, "work") || !work(bus))
        return false;
    *ret_percent = measure(ms);
    return ringbus_close(bus) == RINGBUS_OK && counted == FIRST;
}

static bool
idle_loop(uint64_t ms, double *ret_percent)
{
    struct loop loop;
    int counted = 0;

    if (!loop_open(&loop, 0, 0) || !loop_consume(&loop, count, &counted, "work") || !work(loop.bus))
        return false;
    *ret_percent = measure(ms);
    return loop_close(&loop) && counted == FIRST;
}

bool
idle_run(const struct request *request, struct figures *ret_figures)
{
    const bool is_loop = strcmp(request->wait, "loop") == 0;
    double percent = 0;

    if (!(is_loop ? idle_loop : idle_executor)(request->events, &percent))
        return false;
    ret_figures->value = percent + LEAST_PERCENT;
    return true;
}
