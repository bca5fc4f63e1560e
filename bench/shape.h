/* shape.h - the ring shapes that are measured, and what drives one pass of a shape through a system: our ring here,
 * bare C in peers/. The other systems do the same in their own language: same events, same capacity, same steps, sums
 * checked.
 *
 * Time runs from the first claim to the last event a reader has finished. */
#ifndef RINGBUS_BENCH_SHAPE_H
#define RINGBUS_BENCH_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

enum { SHAPE_CAPACITY = 65536, SHAPE_PING_CAPACITY = 1024, SHAPE_MAX_ACTORS = 3, SHAPE_COUNT = 7 };

/* What a reader does with an event. */
enum step { STEP_SUM, STEP_ONE, STEP_TWO, STEP_LAST, STEP_FIZZ, STEP_BUZZ, STEP_FIZZBUZZ };

struct shape {
    const char *name;
    uint64_t events, block_events; /* of a pass; with a blocking strategy */
    int producers;
    uint32_t batch;
    int readers;
    struct {
        enum step step;
        unsigned after; /* bits of the readers before it */
    } reader[SHAPE_MAX_ACTORS];
    bool is_ping; /* round trips over two lines */
};

extern const struct shape shapes[SHAPE_COUNT];

/* The shape of a case, "ring_1p1c" or "ring_1p1c_block"; NULL if there is none. */
const struct shape *shape_find(const char *name, bool *ret_is_block);

/* The events of one pass of that case. */
uint64_t shape_events(const struct shape *shape, bool is_block);

/* Readers write into the event, and it needs room for that. */
bool shape_has_notes(const struct shape *shape);

/* A line of events: a ring with its readers. `wait`: busy_spin, yield, sleep, phased or block. read returns the sum of
 * the steps' results. */
struct system {
    const char *name;
    void *(*open)(const struct shape *shape, uint32_t capacity, const char *wait);
    void (*produce)(void *line, uint64_t first_value, uint64_t count);
    uint64_t (*read)(void *line, int reader, uint64_t count);
    void (*close)(void *line);
};

/* main of a program that measures one system:
 *
 *   PROGRAM [--rounds N] [--wait WAIT] [--events N] [--pin] [CASE...]   a table, ns an event
 *   PROGRAM serve CASE WAIT EVENTS    one pass and one line of JSON for each line on the standard input */
int shape_main(const struct system *system, int argc, char **argv);

/* One event's step. `step` should be a constant, so that each reader has a loop of its own. */
static inline __attribute__((always_inline)) uint64_t
step_do(enum step step, uint64_t value, uint32_t *one, uint32_t *two)
{
    switch (step) {
    case STEP_ONE:
        return *one = (uint32_t)value + 1;
    case STEP_TWO:
        return *two = *one + 1;
    case STEP_LAST:
        return *two;
    case STEP_FIZZ:
        return *one = value % 3 == 0;
    case STEP_BUZZ:
        return *two = value % 5 == 0;
    case STEP_FIZZBUZZ:
        return *one & *two;
    case STEP_SUM:
        break;
    }
    return value;
}

#endif
