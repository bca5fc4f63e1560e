/* cells.c - plain memory, and the names of things in traces.
 *
 * I1  a cell is what its writer wrote last; whether that is visible to a reader is not asked, since an access that is
 *     not ordered after it by happens-before is a race, and fails */
#include <stdio.h>
#include <string.h>

#include "machine.h"

enum { CELLS = 16, NAMES = 64 };

struct cell {
    const uint64_t *address;
    int writer;
    uint16_t written; /* its clock just after */
    uint16_t reads[MODEL_THREADS];
};

static struct cell cells[CELLS] CHECKERS_OWN;
static int cell_count CHECKERS_OWN;
static struct {
    const void *address;
    const char *name;
} names[NAMES] CHECKERS_OWN;
static int name_count CHECKERS_OWN;

void
cells_begin(void)
{
    cell_count = 0;
    name_count = 0;
}

void
model_name(const void *address, const char *name)
{
    if (!run.is_tracing || name_count == NAMES)
        return;
    names[name_count].address = address;
    names[name_count++].name = name;
}

const char *
memory_name(const void *address)
{
    static char text[32];

    for (int i = 0; i < name_count; i++)
        if (names[i].address == address)
            return names[i].name;
    snprintf(text, sizeof text, "%p", address);
    return text;
}

/* ---- plain memory ---- */

static struct cell *
find_cell(const uint64_t *address)
{
    int i = 0;

    while (i < cell_count && cells[i].address != address)
        i++;
    if (i == CELLS) {
        model_fail("the scenario has too many cells for the checker");
        return NULL;
    }
    if (i == cell_count) {
        cells[cell_count++] = (struct cell){.address = address, .writer = -1};
    }
    return &cells[i];
}

static bool
is_race(const struct cell *cell)
{
    return cell->writer >= 0 && cell->writer != run.current &&
           memory_clock(run.current, cell->writer) < cell->written;
}

uint64_t
model_read(const uint64_t *address)
{
    struct cell *cell = NULL;

    if (run.current < 0)
        return *address;
    cell = find_cell(address);
    trace("read %s = %llu", memory_name(address), (unsigned long long)*address);
    if (is_race(cell))
        model_fail("data race: a read, and a write before it");
    cell->reads[run.current] = (uint16_t)(memory_clock(run.current, run.current) + 1);
    return *address;
}

void
model_write(uint64_t *address, uint64_t value)
{
    struct cell *cell = NULL;

    if (run.current >= 0) {
        cell = find_cell(address);
        trace("write %s = %llu", memory_name(address), (unsigned long long)value);
        if (is_race(cell))
            model_fail("data race: a write, and a write before it");
        for (int i = 0; i < run.thread_count; i++)
            if (i != run.current && memory_clock(run.current, i) < cell->reads[i])
                model_fail("data race: a write, and a read before it");
        cell->writer = run.current;
        cell->written = (uint16_t)(memory_clock(run.current, run.current) + 1);
    }
    *address = value;
}

/* In any order: a cell's place in the list is when it was touched first. */
void
cells_digest(struct digest *digest, const uint16_t *known_to_all)
{
    uint64_t sum = 0;

    for (int i = 0; i < cell_count; i++) {
        const struct cell *cell = &cells[i];
        struct digest each = {{(uint64_t)(uintptr_t)cell->address, 0, 0, 0}};

        if (cell->writer >= 0 && cell->written > known_to_all[cell->writer])
            digest_number(&each, (uint64_t)cell->writer << 16 |
                                     (uint64_t)(cell->written - known_to_all[cell->writer]));
        for (int t = 0; t < run.thread_count; t++)
            if (cell->reads[t] > known_to_all[t])
                digest_number(&each, (uint64_t)(t + MODEL_THREADS) << 16 |
                                         (uint64_t)(cell->reads[t] - known_to_all[t]));
        if (each.lane[1] != 0)
            sum += each.lane[0] ^ each.lane[1] << 1;
    }
    digest_number(digest, sum);
}
