/* test_visit.h - figures by name, readers with names. */
#ifndef TESTS_RING_TEST_VISIT_H
#define TESTS_RING_TEST_VISIT_H

#include <string.h>

#include "ring/fixture.h"

struct sought {
    const char *object, *name, *figure;
    int64_t value;
    int found;
};

static inline int
seek(const struct ringbus_figure *figure, void *context)
{
    struct sought *sought = context;

    MUST(figure->unit[0] != '\0' && figure->help[0] != '\0' && figure->group == NULL,
        "%s of %s is not explained", figure->figure, figure->object);
    if (strcmp(figure->object, sought->object) == 0 && strcmp(figure->name, sought->name) == 0 &&
        strcmp(figure->figure, sought->figure) == 0) {
        sought->value = figure->value;
        sought->found++;
    }
    return 0;
}

static inline int64_t
figure_of(struct ringbus_ring *ring, const char *object, const char *name, const char *figure)
{
    struct sought sought = {object, name, figure, 0, 0};

    MUST(ringbus_ring_visit(ring, seek, &sought) == RINGBUS_OK, "a visit fails");
    MUST(sought.found == 1, "%s of %s %s is there %d times", figure, object, name, sought.found);
    return sought.value;
}

#define CHECK_RING(ring, figure, wanted)                                                           \
    ck_assert_int_eq(figure_of(ring, "ring", "", figure), wanted)
#define CHECK_READER(ring, name, figure, wanted)                                                   \
    ck_assert_int_eq(figure_of(ring, "reader", name, figure), wanted)

static inline struct ringbus_reader *
open_named(struct ringbus_ring *ring, const char *name, struct ringbus_reader *before)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    options.name = name;
    options.after = &before;
    options.after_count = before != NULL;
    options.wait = RINGBUS_WAIT_BLOCK;
    MUST(ringbus_reader_open(ring, &options, &reader) == RINGBUS_OK, "no reader");
    return reader;
}

#endif
