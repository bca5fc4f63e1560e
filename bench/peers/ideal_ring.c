/* ideal_ring.c - the least C that passes events through the shapes of shape.h: a bound, not a design. No options, no
 * end of the line, no readers that come and go.
 *
 * One producer's cursor says what is published; with many, a lap number a slot. Values, lap numbers and notes stand in
 * arrays of their own, eight values a cache line. With IDEAL_SLOTS a value and its lap number stand side by side, as in
 * a ring whose slots have a header. Waiting is 128 pauses, then sched_yield each time; busy_spin never yields. */
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "shape.h"

enum { MAX_RUN = 4096, MAX_LAP_RUN = 256, PAUSES = 128 };

struct place {
    _Alignas(CPU_LINE) _Atomic uint64_t count;
};

#ifdef IDEAL_SLOTS
#define NAME "ideal_slots"
struct events {
    struct {
        _Atomic uint64_t lap;
        uint64_t value;
    } slot[SHAPE_CAPACITY];
};
#define VALUE(line, at) (line)->events.slot[at].value
#define LAP(line, at) (line)->events.slot[at].lap
#else
#define NAME "ideal"
struct events {
    uint64_t value[SHAPE_CAPACITY];
    _Atomic uint64_t lap[SHAPE_CAPACITY];
};
#define VALUE(line, at) (line)->events.value[at]
#define LAP(line, at) (line)->events.lap[at]
#endif

struct line {
    struct place published, claimed;
    struct place done[SHAPE_MAX_ACTORS]; /* events each reader has finished */
    _Alignas(CPU_LINE) const struct shape *shape;
    uint64_t mask;
    unsigned last; /* bits of the readers nobody comes after */
    bool may_yield;
    _Alignas(CPU_LINE) struct events events;
    _Alignas(CPU_LINE) uint32_t one[SHAPE_CAPACITY];
    _Alignas(CPU_LINE) uint32_t two[SHAPE_CAPACITY];
};

static uint64_t
look(const struct place *place)
{
    return atomic_load_explicit(&place->count, memory_order_acquire);
}

static void
move(struct place *place, uint64_t count)
{
    atomic_store_explicit(&place->count, count, memory_order_release);
}

static void
idle(const struct line *line, unsigned *round)
{
    if (++*round < PAUSES || !line->may_yield)
        cpu_pause();
    else
        sched_yield();
}

/* What all readers of `bits` have finished. */
static uint64_t
slowest(const struct line *line, unsigned bits)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < line->shape->readers; i++)
        if (bits & 1u << i) {
            const uint64_t count = look(&line->done[i]);

            least = count < least ? count : least;
        }
    return least;
}

/* `seen` keeps what was last known of the readers. */
static void
wait_for_room(const struct line *line, uint64_t end, uint64_t *seen)
{
    unsigned round = 0;

    while ((int64_t)(end - *seen) > (int64_t)line->mask + 1) {
        *seen = slowest(line, line->last);
        if ((int64_t)(end - *seen) > (int64_t)line->mask + 1)
            idle(line, &round);
    }
}

static void
produce_alone(struct line *line, uint64_t first_value, uint64_t count)
{
    const uint32_t batch = line->shape->batch;
    uint64_t at = atomic_load_explicit(&line->published.count, memory_order_relaxed);
    uint64_t seen = line->shape->is_ping ? slowest(line, line->last) : at;

    for (uint64_t i = 0; i < count; i += batch) {
        wait_for_room(line, at + batch, &seen);
        for (uint32_t k = 0; k < batch; k++, at++)
            VALUE(line, at & line->mask) = first_value + i + k;
        move(&line->published, at);
    }
}

static void
produce_among_many(struct line *line, uint64_t first_value, uint64_t count)
{
    uint64_t seen = 0;

    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at =
            atomic_fetch_add_explicit(&line->claimed.count, 1, memory_order_acq_rel);

        wait_for_room(line, at + 1, &seen);
        VALUE(line, at & line->mask) = first_value + i;
        atomic_store_explicit(
            &LAP(line, at & line->mask), at / (line->mask + 1) + 1, memory_order_release);
    }
}

static void
produce(void *context, uint64_t first_value, uint64_t count)
{
    struct line *line = context;

    if (line->shape->producers == 1)
        produce_alone(line, first_value, count);
    else
        produce_among_many(line, first_value, count);
}

static uint64_t
published_laps(const struct line *line, uint64_t at)
{
    const uint64_t most = at + MAX_LAP_RUN;

    while (at < most && atomic_load_explicit(&LAP(line, at & line->mask), memory_order_acquire) ==
                            at / (line->mask + 1) + 1)
        at++;
    return at;
}

/* The end of what reader `index` may handle from `at` on. */
static uint64_t
available(const struct line *line, int index, uint64_t at)
{
    uint64_t end = 0;

    if (line->shape->producers > 1)
        return published_laps(line, at);
    end = line->shape->reader[index].after ? slowest(line, line->shape->reader[index].after)
                                           : look(&line->published);
    return end > at + MAX_RUN ? at + MAX_RUN : end;
}

static inline __attribute__((always_inline)) uint64_t
read_step(struct line *line, int index, uint64_t count, enum step step)
{
    uint64_t at = atomic_load_explicit(&line->done[index].count, memory_order_relaxed), sum = 0;
    const uint64_t until = at + count;
    unsigned round = 0;

    while (at < until) {
        const uint64_t end = available(line, index, at);

        if (end == at) {
            idle(line, &round);
            continue;
        }
        round = 0;
        for (; at < end; at++) {
            const uint64_t slot = at & line->mask;

            sum += step_do(step, VALUE(line, slot), &line->one[slot], &line->two[slot]);
        }
        move(&line->done[index], at);
    }
    return sum;
}

static uint64_t
read_line(void *context, int index, uint64_t count)
{
    struct line *line = context;

    switch (line->shape->reader[index].step) {
    case STEP_ONE:
        return read_step(line, index, count, STEP_ONE);
    case STEP_TWO:
        return read_step(line, index, count, STEP_TWO);
    case STEP_LAST:
        return read_step(line, index, count, STEP_LAST);
    case STEP_FIZZ:
        return read_step(line, index, count, STEP_FIZZ);
    case STEP_BUZZ:
        return read_step(line, index, count, STEP_BUZZ);
    case STEP_FIZZBUZZ:
        return read_step(line, index, count, STEP_FIZZBUZZ);
    case STEP_SUM:
        break;
    }
    return read_step(line, index, count, STEP_SUM);
}

static void *
open_line(const struct shape *shape, uint32_t capacity, const char *wait)
{
    struct line *line = aligned_alloc(CPU_LINE, sizeof *line);

    if (line == NULL)
        return NULL;
    memset(line, 0, sizeof *line);
    line->shape = shape;
    line->mask = capacity - 1;
    line->may_yield = strcmp(wait, "busy_spin") != 0;
    line->last = (1u << shape->readers) - 1;
    for (int i = 0; i < shape->readers; i++)
        line->last &= ~shape->reader[i].after;
    return line;
}

int
main(int argc, char **argv)
{
    static const struct system system = {NAME, open_line, produce, read_line, free};

    return shape_main(&system, argc, argv);
}
