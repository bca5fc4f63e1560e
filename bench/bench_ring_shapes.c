/* bench_ring_shapes.c - our ring in the shapes of shape.h, by its public functions only: one claim and one publish a
 * batch; a reader waits for a run, handles it, commits it. */
#include <stdlib.h>
#include <string.h>

#include "ringbus/ring.h"
#include "shape.h"

enum { MAX_RUN = 4096 };

/* As small as LMAX's: 8 bytes, or 16 where readers leave notes for one another. */
struct event {
    uint64_t value;
    uint32_t one, two;
};

struct line {
    struct ringbus_ring *ring;
    struct ringbus_view view;
    const struct shape *shape;
    struct ringbus_reader *readers[SHAPE_MAX_ACTORS];
};

static const struct {
    const char *name;
    uint32_t wait;
    bool is_eager;
} waits[] = {
    {"busy_spin", RINGBUS_WAIT_BUSY_SPIN, false},
    {"busy_spin_eager", RINGBUS_WAIT_BUSY_SPIN, true},
    {"yield", RINGBUS_WAIT_YIELD, false},
    {"yield_eager", RINGBUS_WAIT_YIELD, true},
    {"sleep", RINGBUS_WAIT_SLEEP, false},
    {"phased", RINGBUS_WAIT_PHASED, false},
    {"block", RINGBUS_WAIT_BLOCK, false},
};

static bool
open_readers(struct line *line, uint32_t wait, bool is_eager)
{
    for (int i = 0; i < line->shape->readers; i++) {
        struct ringbus_reader_options options = ringbus_reader_options_default();
        struct ringbus_reader *after[SHAPE_MAX_ACTORS];

        for (int k = 0; k < i; k++)
            if (line->shape->reader[i].after & 1u << k)
                after[options.after_count++] = line->readers[k];
        options.after = after;
        options.wait = wait;
        options.is_eager = is_eager;
        if (ringbus_reader_open(line->ring, &options, &line->readers[i]) != RINGBUS_OK)
            return false;
    }
    return true;
}

static void
close_line(void *context)
{
    struct line *line = context;

    ringbus_ring_close(line->ring);
    free(line);
}

static void *
open_line(const struct shape *shape, uint32_t capacity, const char *wait)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct line *line = calloc(1, sizeof *line);
    size_t way = 0;

    while (way < sizeof waits / sizeof *waits && strcmp(waits[way].name, wait) != 0)
        way++;
    if (line == NULL || way == sizeof waits / sizeof *waits)
        return NULL;
    options.capacity = capacity;
    options.alignment = 8;
    options.slot_size = shape_has_notes(shape) ? sizeof(struct event) : sizeof(uint64_t);
    options.stride = 8 + options.slot_size;
    options.producers = shape->producers == 1 ? RINGBUS_PRODUCERS_SINGLE : RINGBUS_PRODUCERS_MULTI;
    options.wait = waits[way].wait;
    line->shape = shape;
    if (ringbus_ring_open(&options, &line->ring) != RINGBUS_OK ||
        !open_readers(line, waits[way].wait, waits[way].is_eager)) {
        close_line(line);
        return NULL;
    }
    line->view = ringbus_ring_view(line->ring);
    return line;
}

static void
produce(void *context, uint64_t first_value, uint64_t count)
{
    struct line *line = context;
    const struct ringbus_view view = line->view;
    const uint32_t batch = line->shape->batch;

    for (uint64_t i = 0; i < count; i += batch) {
        const int64_t first = ringbus_ring_claim(line->ring, batch);

        for (uint32_t k = 0; k < batch; k++) {
            uint64_t *value = ringbus_ring_slot(&view, first + k);

            *value = first_value + i + k;
        }
        ringbus_ring_publish(line->ring, first, batch);
    }
}

static inline __attribute__((always_inline)) uint64_t
handle(enum step step, const struct ringbus_view *view, const struct ringbus_run *events)
{
    uint64_t sum = 0;

    for (int64_t sequence = events->first; sequence < events->first + events->count; sequence++) {
        struct event *event = ringbus_ring_slot(view, sequence);

        sum += step_do(step, event->value, &event->one, &event->two);
    }
    return sum;
}

static uint64_t
handle_run(enum step step, const struct ringbus_view *view, const struct ringbus_run *events)
{
    switch (step) {
    case STEP_ONE:
        return handle(STEP_ONE, view, events);
    case STEP_TWO:
        return handle(STEP_TWO, view, events);
    case STEP_LAST:
        return handle(STEP_LAST, view, events);
    case STEP_FIZZ:
        return handle(STEP_FIZZ, view, events);
    case STEP_BUZZ:
        return handle(STEP_BUZZ, view, events);
    case STEP_FIZZBUZZ:
        return handle(STEP_FIZZBUZZ, view, events);
    case STEP_SUM:
        break;
    }
    return handle(STEP_SUM, view, events);
}

static uint64_t
read_line(void *context, int index, uint64_t count)
{
    const struct line *line = context;
    const struct ringbus_view view = line->view;
    const enum step step = line->shape->reader[index].step;
    struct ringbus_reader *reader = line->readers[index];
    struct ringbus_run events;
    uint64_t sum = 0;

    while (count > 0) {
        const uint32_t most = count < MAX_RUN ? (uint32_t)count : MAX_RUN;

        if (ringbus_reader_wait_until(reader, most, RINGBUS_FOREVER, &events) != RINGBUS_OK)
            return 0;
        sum += handle_run(step, &view, &events);
        ringbus_reader_commit(reader, events.first + events.count - 1);
        count -= events.count;
    }
    return sum;
}

int
main(int argc, char **argv)
{
    static const struct system system = {"ringbus", open_line, produce, read_line, close_line};

    return shape_main(&system, argc, argv);
}
