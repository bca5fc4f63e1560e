/* dump.h - what the formats of a dump share. */
#ifndef RINGBUS_BUS_FIGURES_DUMP_H
#define RINGBUS_BUS_FIGURES_DUMP_H

#include "bus/executor/board.h"
#include "bus/figures/snapshot.h"

/* The formats (json.c, dot.c). */
void ringbus__dump_json(const struct snapshot *snapshot, FILE *stream);
void ringbus__dump_dot(const struct snapshot *snapshot, FILE *stream);

/* How many bytes the UTF-8 character at `at` has; 0: it is none. */
int ringbus__utf8_length(const unsigned char *at);

/* Who sets which mark, of each group. */
struct order {
    const struct listed *holders[BUS_MAX_GROUPS][MAX_MARKS];
};

void ringbus__order_find(const struct snapshot *snapshot, struct order *order);

/* The open consumers it comes after with nobody between: how many. */
uint32_t ringbus__order_before(const struct listed *listed, const struct order *order,
    const struct listed *ret_before[MAX_MARKS]);

#endif
