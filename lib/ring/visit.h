/* visit.h - an object and its figures, for the visits and dumps of rings and buses. */
#ifndef RINGBUS_RING_VISIT_H
#define RINGBUS_RING_VISIT_H

#include <stdint.h>
#include <stdio.h>

#include "ringbus/types.h"

enum { MOST_FIGURES = 32 };

struct kind {
    const char *object;
    const char *figures[MOST_FIGURES][3]; /* name, unit, help */
};

/* A row of kind.figures, for the lists of figures. */
#define FIGURE_ROW(name, unit, help) {name, unit, help},

/* One object as it was. */
struct object {
    const struct kind *kind;
    const char *name;
    const char *group; /* NULL: it is in none */
    int64_t values[MOST_FIGURES];
};

typedef int (*figure_visit)(const struct ringbus_figure *figure, void *context);

/* All its figures, until `visit` returns something else than 0, which is returned. */
int ringbus__object_visit(const struct object *object, figure_visit visit, void *context);

/* "kind name in group: figure=value ...", without an end of line. */
void ringbus__object_print(const struct object *object, FILE *stream);

/* Names are anybody's bytes: what is not printable is written as \xNN, so that a line is a line. */
void ringbus__name_print(const char *name, FILE *stream);

/* All was written: RINGBUS_OK, or RINGBUS_ESYS. */
int ringbus__stream_finish(FILE *stream);

#endif
