/* bench.c - see bench.h. */
#include "bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "ringbus/types.h"

enum { LOOKS = 20, TRIPS = 1000, NULLS = 1000000 }; /* trips a look */

static struct {
    _Alignas(CPU_LINE) struct atomic_u64 ping;
    _Alignas(CPU_LINE) struct atomic_u64 pong;
} line;

static cpu_set_t cpus;

static void
note_cpus(void)
{
    if (pthread_getaffinity_np(pthread_self(), sizeof cpus, &cpus) != 0)
        CPU_SET(0, &cpus);
}

/* Those the process may run on, noted by the first who asks: nobody has bound a thread yet. */
static const cpu_set_t *
allowed(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, note_cpus);
    return &cpus;
}

void
bench_pin(int number)
{
    const cpu_set_t *all = allowed();
    int left = number % CPU_COUNT(all);
    unsigned cpu = 0;
    cpu_set_t set;

    while (!CPU_ISSET(cpu, all) || left-- > 0)
        cpu++;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

static void *
answer(void *context)
{
    bench_pin(1);
    for (uint64_t i = 1; i <= LOOKS * TRIPS; i++) {
        while (load_u64(&line.ping, ORDER_STATE_ACQUIRE) != i)
            cpu_pause();
        store_u64(&line.pong, i, ORDER_STATE_RELEASE);
    }
    return context;
}

static void
ask(uint64_t trip)
{
    store_u64(&line.ping, trip, ORDER_STATE_RELEASE);
    while (load_u64(&line.pong, ORDER_STATE_ACQUIRE) != trip)
        cpu_pause();
}

double
bench_round_trip_ns(void)
{
    double looks[LOOKS];
    pthread_t thread;
    cpu_set_t before;
    uint64_t trip = 0;

    if (CPU_COUNT(allowed()) < 2)
        return 0;
    pthread_getaffinity_np(pthread_self(), sizeof before, &before);
    store_u64(&line.ping, 0, ORDER_OWN);
    store_u64(&line.pong, 0, ORDER_OWN);
    bench_pin(0);
    if (pthread_create(&thread, NULL, answer, NULL) != 0)
        return 0;
    for (int look = 0; look < LOOKS; look++) {
        const int64_t began = ringbus_now_ns();

        for (int i = 0; i < TRIPS; i++)
            ask(++trip);
        looks[look] = (double)(ringbus_now_ns() - began) / TRIPS;
    }
    pthread_join(thread, NULL);
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    return bench_quantile(looks, LOOKS, .5);
}

double
bench_null_ns(void)
{
    const int64_t began = ringbus_now_ns();

    for (int i = 0; i < NULLS; i++)
        atomic_signal_fence(ORDER_FULL);
    return (double)(ringbus_now_ns() - began) / NULLS;
}

void
bench_add(struct bench_row *row, double value)
{
    if (row->count < BENCH_MAX_ROUNDS)
        row->values[row->count++] = value;
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_quantile(const double *values, int count, double q)
{
    double sorted[BENCH_MAX_ROUNDS];

    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare);
    return sorted[(int)(q * (count - 1) + 0.5)];
}

void
bench_print(struct bench_row *rows, int count)
{
    printf("%-44s %10s %10s %10s %10s %8s\n", "case", "best", "quarter", "median", "3 quarters",
        "ratio");
    for (int i = 0; i < count; i++) {
        double ratios[BENCH_MAX_ROUNDS];

        for (int k = 0; k < rows[i].count; k++)
            ratios[k] = rows[i].values[k] / rows[0].values[k];
        printf("%-44s %10.1f %10.1f %10.1f %10.1f %8.2f  %s\n", rows[i].name,
            bench_quantile(rows[i].values, rows[i].count, 0),
            bench_quantile(rows[i].values, rows[i].count, .25),
            bench_quantile(rows[i].values, rows[i].count, .5),
            bench_quantile(rows[i].values, rows[i].count, .75),
            bench_quantile(ratios, rows[i].count, .5), rows[i].unit);
    }
}

uint64_t
bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

int
bench_rounds(int usual)
{
    const char *given = getenv("RINGBUS_ROUNDS");
    const int rounds = given ? atoi(given) : usual;

    return rounds < 1 ? 1 : rounds > BENCH_MAX_ROUNDS ? BENCH_MAX_ROUNDS : rounds;
}
