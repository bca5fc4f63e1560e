/* rings.h - what the ring's scenarios share: one small ring, its readers, cells in its slots. */
#ifndef RINGBUS_MODEL_RINGS_H
#define RINGBUS_MODEL_RINGS_H

#include "model.h"
#include "ring/ring.h"

enum { CELLS_A_SLOT = 2, MOST_READERS = 3 };

struct rings {
    struct ringbus_ring *ring;
    struct ringbus_view view;
    struct ringbus_reader *readers[MOST_READERS];
    uint64_t values[8]; /* that readers saw, one line each */
    uint64_t sums[MOST_READERS];
    uint32_t counts[MOST_READERS];
};
extern struct rings rings;

/* A ring of 2 slots with `readers` places, none of them open. Its first sequence is such that laps differ. */
void rings_open(uint32_t readers);
/* The same, with what else the options say. */
void rings_open_with(struct ringbus_ring_options options, uint32_t readers);
/* Open reader `index`, after the readers of `after` (bits). */
void rings_join(uint32_t index, uint32_t after);
/* So many events before the cursor. */
void rings_join_back(uint32_t index, uint32_t back);
uint64_t *rings_cell(int64_t sequence, int cell);

/* Claim one slot (blocking), write, publish. False: the line is closed. */
bool rings_produce(uint64_t value);
/* Handle one run of reader `index`; the values are added up. Number of events, -1 at the end of the line. */
int rings_consume(uint32_t index, uint32_t max);
/* Handle `count` events. */
void rings_consume_all(uint32_t index, uint32_t count);
void rings_consume_to_end(uint32_t index);

#endif
