/* figures.c - what ringbus_visit tells figure by figure, gathered object by object.
 *
 * I1  the bus names topics in the order in which they came, and consumers in the reverse of that */
#include "figures.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct visit {
    struct figures *figures;
    size_t rows_max;
    struct figures *kind;    /* of the present object */
    struct figures_row *row; /* of the present object; NULL: its figures go to the others */
    size_t at;               /* the next figure's place */
};

/* ---- rows ---- */

static struct figures_row *
make_row(const struct figures *kind, const char *name, const char *group)
{
    const size_t count = kind->row_count > 0 ? kind->count : FIGURES_MAX;
    const size_t name_size = strlen(name) + 1;
    const size_t group_size = strlen(group) + 1;
    struct figures_row *const row =
        calloc(1, sizeof *row + count * sizeof row->values[0] + name_size + group_size);

    if (!row)
        return NULL;
    row->name = (char *)(row->values + count);
    row->group = row->name + name_size;
    memcpy(row->name, name, name_size);
    memcpy(row->group, group, group_size);
    return row;
}

static int
add_row(struct figures *kind, struct figures_row *row)
{
    if (!row)
        return RINGBUS_ENOMEM;
    if (kind->row_count == kind->row_capacity) {
        const size_t capacity = kind->row_capacity > 0 ? kind->row_capacity * 2 : 16;
        struct figures_row **const rows = realloc(kind->rows, capacity * sizeof *rows);

        if (!rows) {
            free(row);
            return RINGBUS_ENOMEM;
        }
        kind->rows = rows;
        kind->row_capacity = capacity;
    }
    kind->rows[kind->row_count++] = row;
    return RINGBUS_OK;
}

static void
add_value(int64_t *sum, int64_t value)
{
    *sum = *sum < 0 || value < 0 ? -1 : *sum + value;
}

static int
add_to_others(struct figures *kind, const struct figures_row *row)
{
    if (!kind->others)
        kind->others = make_row(kind, "", "");
    if (!kind->others)
        return RINGBUS_ENOMEM;
    kind->other_count++;
    for (size_t i = 0; row && i < kind->count; i++)
        add_value(&kind->others->values[i], row->values[i]);
    return RINGBUS_OK;
}

/* ---- the visit ---- */

static struct figures *
kind_of(struct figures *figures, const char *object)
{
    static const char *const objects[] = {"bus", "group", "topic", "consumer"};

    for (int kind = 0; kind < FIGURES_KINDS; kind++)
        if (strcmp(objects[kind], object) == 0)
            return &figures[kind];
    return NULL;
}

static int
begin_object(struct visit *visit, const struct ringbus_figure *figure)
{
    const bool is_topic = visit->kind == &visit->figures[FIGURES_TOPIC];

    visit->at = 0;
    visit->row = NULL;
    /* The first one tells what figures there are, and keeps its row until the end. */
    if (is_topic && visit->kind->row_count > 0 && visit->kind->row_count >= visit->rows_max)
        return add_to_others(visit->kind, NULL);
    visit->row = make_row(visit->kind, figure->name, figure->group ? figure->group : "");
    return add_row(visit->kind, visit->row);
}

static int
on_figure(const struct ringbus_figure *figure, void *context)
{
    struct visit *const visit = context;
    struct figures *const kind = kind_of(visit->figures, figure->object);
    int outcome = RINGBUS_OK;

    if (!kind)
        return RINGBUS_OK;
    if (kind != visit->kind || strcmp(figure->figure, kind->texts[0].name) == 0) {
        visit->kind = kind;
        outcome = begin_object(visit, figure);
    }
    if (outcome != RINGBUS_OK || visit->at == FIGURES_MAX)
        return outcome;
    if (visit->at == kind->count) {
        struct figure_text *const text = &kind->texts[kind->count++];

        (void)snprintf(text->name, sizeof text->name, "%s", figure->figure);
        (void)snprintf(text->unit, sizeof text->unit, "%s", figure->unit);
        (void)snprintf(text->help, sizeof text->help, "%s", figure->help);
    }
    if (visit->row)
        visit->row->values[visit->at] = figure->value;
    else
        add_value(&kind->others->values[visit->at], figure->value);
    visit->at++;
    return RINGBUS_OK;
}

/* ---- afterwards ---- */

static int
compare(const struct figures_row *one, const struct figures_row *other)
{
    const int order = strcmp(one->name, other->name);

    return order != 0 ? order : strcmp(one->group, other->group);
}

/* Where in the sorted rows one with its name is, or would be. */
static size_t
place_of(const struct figures *kind, const struct figures_row *row)
{
    size_t low = 0;
    size_t high = kind->row_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare(kind->rows[middle], row) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Put the row where it belongs: into the one with its name, a place of its own, or the others. */
static int
settle(struct figures *kind, struct figures_row *row, size_t rows_max)
{
    const size_t place = place_of(kind, row);
    const bool is_there = place < kind->row_count && compare(kind->rows[place], row) == 0;
    int outcome = RINGBUS_OK;

    if (!is_there && kind->row_count < rows_max) {
        memmove(kind->rows + place + 1, kind->rows + place,
            (kind->row_count - place) * sizeof *kind->rows);
        kind->rows[place] = row;
        kind->row_count++;
        return RINGBUS_OK;
    }
    if (is_there)
        for (size_t i = 0; i < kind->count; i++)
            add_value(&kind->rows[place]->values[i], row->values[i]);
    else
        outcome = add_to_others(kind, row);
    free(row);
    return outcome;
}

/* Sum up rows with one name, and sort the rest, oldest first, until there are `rows_max`. */
static int
settle_all(struct figures *kind, size_t rows_max)
{
    struct figures_row **const all = kind->rows;
    const size_t count = kind->row_count;
    int outcome = RINGBUS_OK;

    if (count == 0)
        return RINGBUS_OK;
    kind->rows = malloc(count * sizeof(struct figures_row *));
    kind->row_count = 0;
    kind->row_capacity = count;
    if (!kind->rows)
        outcome = RINGBUS_ENOMEM;
    for (size_t i = count; i > 0; i--) {
        if (outcome == RINGBUS_OK)
            outcome = settle(kind, all[i - 1], rows_max);
        else
            free(all[i - 1]);
    }
    free(all);
    return outcome;
}

int
figures_take(struct ringbus_bus *bus, size_t rows_max, struct figures *figures)
{
    struct figures *const topics = &figures[FIGURES_TOPIC];
    struct visit visit = {.figures = figures, .rows_max = rows_max};
    int outcome = ringbus_visit(bus, on_figure, &visit);

    if (outcome == RINGBUS_OK && topics->row_count > rows_max) { /* the first one, if none shall */
        outcome = add_to_others(topics, topics->rows[0]);
        free(topics->rows[--topics->row_count]);
    }
    return outcome == RINGBUS_OK ? settle_all(&figures[FIGURES_CONSUMER], rows_max) : outcome;
}

void
figures_free(struct figures *figures)
{
    for (int kind = 0; kind < FIGURES_KINDS; kind++) {
        for (size_t i = 0; i < figures[kind].row_count; i++)
            free(figures[kind].rows[i]);
        free(figures[kind].rows);
        free(figures[kind].others);
    }
    memset(figures, 0, FIGURES_KINDS * sizeof *figures);
}
