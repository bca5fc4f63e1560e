/* wakes.c - see wakes.h. */
#include "wakes.h"

#include <stdlib.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "bench.h"
#include "ringbus/types.h"
#include "serve.h"

enum { SHORTEST_NS = 700000, SPREAD_NS = 600000, MOST_WAKES = 1 << 20 };
enum { POSTER_CPU, READER_CPU };
#define PATIENCE_NS INT64_C(5000000000)

/* written by the reader */
static struct {
    int64_t *latencies;
    struct atomic_u64 count;
} arrived;

void
wakes_arrive(int64_t began)
{
    const int64_t latency = ringbus_now_ns() - began;
    const uint64_t count = load_u64(&arrived.count, ORDER_OWN);

    arrived.latencies[count] = latency;
    /* STATE release: the latency is there. */
    store_u64(&arrived.count, count + 1, ORDER_STATE_RELEASE);
}

static void
stay_busy(int64_t until)
{
    while (ringbus_now_ns() < until)
        cpu_pause();
}

static bool
wait_for(uint64_t count)
{
    const int64_t until = ringbus_now_ns() + PATIENCE_NS;

    /* STATE acquire: what the reader did before it arrived is over. */
    while (load_u64(&arrived.count, ORDER_STATE_ACQUIRE) != count) {
        if (ringbus_now_ns() > until)
            return false;
        cpu_pause();
    }
    return true;
}

static bool
post_all(const struct wakes_system *system, uint64_t events)
{
    uint64_t random = 1;

    for (uint64_t i = 0; i < events; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        stay_busy(ringbus_now_ns() + SHORTEST_NS + (int64_t)((random >> 33) % SPREAD_NS));
        if (!system->post(ringbus_now_ns()) || !wait_for(i + 1))
            return false;
    }
    return true;
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
sum_up(uint64_t events, struct figures *ret_figures)
{
    const int64_t *sorted = arrived.latencies;
    const double last = (double)(events - 1);

    qsort(arrived.latencies, events, sizeof *arrived.latencies, compare);
    ret_figures->p50 = (double)sorted[(uint64_t)(.5 * last + .5)];
    ret_figures->p90 = (double)sorted[(uint64_t)(.9 * last + .5)];
    ret_figures->p99 = (double)sorted[(uint64_t)(.99 * last + .5)];
    ret_figures->p999 = (double)sorted[(uint64_t)(.999 * last + .5)];
    ret_figures->max = (double)sorted[events - 1];
}

bool
wakes_run(
    const struct wakes_system *system, const struct request *request, struct figures *ret_figures)
{
    bool is_good = request->events <= MOST_WAKES;

    if (is_good)
        arrived.latencies = calloc(request->events, sizeof *arrived.latencies);
    if (!is_good || arrived.latencies == NULL)
        return false;
    store_u64(&arrived.count, 0, ORDER_OWN);
    bench_pin(READER_CPU);
    is_good = system->open();
    bench_pin(POSTER_CPU);
    is_good = is_good && post_all(system, request->events) && system->close() &&
              load_u64(&arrived.count, ORDER_OWN) == request->events;
    if (is_good)
        sum_up(request->events, ret_figures);
    free(arrived.latencies);
    return is_good;
}
