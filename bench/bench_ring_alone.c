/* bench_ring_alone.c - what the calls themselves cost: one thread fills some thousand slots, then reads them, so that
 * no line moves between cores and nobody waits. ns an event; the best of many short stretches, so that other programs
 * hardly disturb it. Beside it the same by the least C that could be called a ring. */
#include <stdio.h>

#include "base/atomic.h"
#include "bench.h"
#include "ringbus/ring.h"

enum { CAPACITY = 65536, STRETCH = 2000, STRETCHES = 200, MAX_RUN = 1024, WAYS = 5 };

static const struct way {
    const char *name;
    uint32_t producers;
    uint32_t batch;
    bool is_bare;
} ways[WAYS] = {
    {"bare C", RINGBUS_PRODUCERS_SINGLE, 1, true},
    {"single", RINGBUS_PRODUCERS_SINGLE, 1, false},
    {"single, claims of 10", RINGBUS_PRODUCERS_SINGLE, 10, false},
    {"multi", RINGBUS_PRODUCERS_MULTI, 1, false},
    {"multi, claims of 10", RINGBUS_PRODUCERS_MULTI, 10, false},
};

struct line {
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    struct ringbus_view view;
};

static uint64_t bare[2 * CAPACITY];
static struct atomic_u64 bare_published, bare_finished;

static bool
open_line(struct line *line, uint32_t producers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = CAPACITY;
    options.slot_size = sizeof(uint64_t);
    options.alignment = 8;
    options.stride = 16;
    options.producers = producers;
    if (ringbus_ring_open(&options, &line->ring) != RINGBUS_OK)
        return false;
    line->view = ringbus_ring_view(line->ring);
    return ringbus_reader_open(line->ring, NULL, &line->reader) == RINGBUS_OK;
}

static void
produce(const struct line *line, uint32_t batch)
{
    const struct ringbus_view view = line->view;

    for (uint64_t i = 0; i < STRETCH; i += batch) {
        const int64_t first = ringbus_ring_claim(line->ring, batch);

        for (uint32_t k = 0; k < batch; k++)
            *(uint64_t *)ringbus_ring_slot(&view, first + k) = i + k;
        ringbus_ring_publish(line->ring, first, batch);
    }
}

static uint64_t
read_all(const struct line *line)
{
    const struct ringbus_view view = line->view;
    struct ringbus_run events;
    uint64_t sum = 0;

    while (ringbus_reader_poll(line->reader, MAX_RUN, &events) == RINGBUS_OK) {
        for (int64_t at = events.first; at < events.first + events.count; at++)
            sum += *(const uint64_t *)ringbus_ring_slot(&view, at);
        ringbus_reader_commit(line->reader, events.first + events.count - 1);
    }
    return sum;
}

static void
produce_bare(void)
{
    for (uint64_t i = 0; i < STRETCH; i++) {
        const uint64_t at = load_u64(&bare_published, ORDER_OWN);

        bare[2 * (at % CAPACITY)] = i;
        store_u64(&bare_published, at + 1, ORDER_PUBLISH_RELEASE);
    }
}

static uint64_t
read_bare(void)
{
    const uint64_t end = load_u64(&bare_published, ORDER_PUBLISH_ACQUIRE);
    uint64_t sum = 0;

    for (uint64_t at = load_u64(&bare_finished, ORDER_OWN); at < end; at++)
        sum += bare[2 * (at % CAPACITY)];
    store_u64(&bare_finished, end, ORDER_POSITION_RELEASE);
    return sum;
}

/* ns an event: to produce, to read. */
static bool
measure(const struct way *way, double ret_ns[2])
{
    struct line line = {0};

    if (!open_line(&line, way->producers))
        return false;
    ret_ns[0] = ret_ns[1] = 1e9;
    for (int i = 0; i < STRETCHES; i++) {
        const int64_t began = ringbus_now_ns();
        double produced = 0, read = 0;
        int64_t half = 0;
        uint64_t sum = 0;

        if (way->is_bare)
            produce_bare();
        else
            produce(&line, way->batch);
        half = ringbus_now_ns();
        sum = way->is_bare ? read_bare() : read_all(&line);
        produced = (double)(half - began) / STRETCH;
        read = (double)(ringbus_now_ns() - half) / STRETCH;

        ret_ns[0] = produced < ret_ns[0] ? produced : ret_ns[0];
        ret_ns[1] = read < ret_ns[1] ? read : ret_ns[1];
        if (sum != (uint64_t)STRETCH * (STRETCH - 1) / 2)
            return false;
    }
    ringbus_ring_close(line.ring);
    return true;
}

int
main(void)
{
    static struct bench_row rows[2][WAYS];
    static char names[2][WAYS][64];

    printf("null %.1f ns, round trip %.0f ns\n", bench_null_ns(), bench_round_trip_ns());
    for (int round = bench_rounds(15); round > 0; round--)
        for (int i = 0; i < WAYS; i++) {
            double ns[2];

            if (!measure(&ways[i], ns)) {
                fprintf(stderr, "bench: %s failed\n", ways[i].name);
                return 1;
            }
            for (int side = 0; side < 2; side++) {
                snprintf(names[side][i], 64, "%s: %s", ways[i].name, side ? "read" : "produce");
                rows[side][i].name = names[side][i];
                rows[side][i].unit = "ns an event";
                bench_add(&rows[side][i], ns[side]);
            }
        }
    for (int side = 0; side < 2; side++)
        bench_print(rows[side], WAYS);
    return 0;
}
