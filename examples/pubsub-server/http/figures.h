/* figures.h - what ringbus_visit tells figure by figure, gathered object by object. */
#ifndef PUBSUB_HTTP_FIGURES_H
#define PUBSUB_HTTP_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringbus/ringbus.h"

/* Figures of an object. */
#define FIGURES_MAX 48

enum figures_kind { FIGURES_BUS, FIGURES_GROUP, FIGURES_TOPIC, FIGURES_CONSUMER, FIGURES_KINDS };

struct figure_text {
    char name[32];
    char unit[16];
    char help[192];
};

struct figures_row {
    char *name;
    char *group;      /* a consumer's, else "" */
    int64_t values[]; /* as the kind's figures; -1: not known, or there is no such thing */
};

/* All objects of a kind. */
struct figures {
    struct figure_text texts[FIGURES_MAX];
    size_t count; /* figures */
    struct figures_row **rows;
    size_t row_count;
    size_t row_capacity;
    struct figures_row *others; /* the sum of those that have no row; NULL: there are none */
    size_t other_count;
};

/* Visit the bus. Of topics, and of consumers, `rows_max` get a row, those that have been there longest; consumers of a
 * group that have one name are one row.
 *
 * figures  FIGURES_KINDS of them, all zero; figures_free frees what is in them, after a failure too
 * return   RINGBUS_OK or what the bus refused with */
int figures_take(struct ringbus_bus *bus, size_t rows_max, struct figures *figures);

void figures_free(struct figures *figures);

#endif
