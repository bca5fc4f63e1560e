/* rings.c - what the ring's scenarios share. */
#include "scenarios/rings.h"

struct rings rings;

static void
name_words(void)
{
    static const char *const stamps[] = {"stamp[0]", "stamp[1]"};
    static const char *const cells[] = {"slot[0].a", "slot[0].b", "slot[1].a", "slot[1].b"};
    static const char *const positions[] = {
        "position[0]", "position[1]", "position[2]", "position[3]"};
    static const char *const asleep[] = {"asleep[0]", "asleep[1]", "asleep[2]", "asleep[3]"};
    struct ringbus_ring *ring = rings.ring;

    for (int i = 0; i < 2; i++) {
        model_name(&ring_slot(ring, i)->stamp, stamps[i]);
        model_name(rings_cell(i, 0), cells[2 * i]);
        model_name(rings_cell(i, 1), cells[2 * i + 1]);
    }
    for (uint32_t i = 0; i < ring->max_readers; i++) {
        model_name(&ring->readers[i].position, positions[i]);
        model_name(&ring->readers[i].asleep, asleep[i]);
    }
    model_name(&ring->next, "next");
    model_name(&ring->gate, "gate");
    model_name(&ring->sleepers, "sleepers");
    model_name(&ring->dependent_sleepers, "dependent_sleepers");
    model_name(&ring->room, "room");
    model_name(&ring->has_ended, "has_ended");
    model_name(&ring->reader_bound, "reader_bound");
    model_name(&ring->lock, "lock");
}

void
rings_open_with(struct ringbus_ring_options options, uint32_t readers)
{
    if (options.capacity == 0)
        options.capacity = 2;
    options.slot_size = CELLS_A_SLOT * sizeof(uint64_t);
    options.max_readers = readers;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.allocator = &model_allocator;
    rings = (struct rings){0};
    if (ringbus_ring_open(&options, &rings.ring) != RINGBUS_OK)
        model_fail("ringbus_ring_open");
    rings.view = ringbus_ring_view(rings.ring);
    name_words();
}

void
rings_open(uint32_t readers)
{
    rings_open_with(ringbus_ring_options_default(), readers);
}

void
rings_join_back(uint32_t index, uint32_t back)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.back = back;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.is_eager = 1;
    if (ringbus_reader_open(rings.ring, &options, &rings.readers[index]) != RINGBUS_OK)
        model_fail("ringbus_reader_open");
}

void
rings_join(uint32_t index, uint32_t after)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *list[MOST_READERS];

    for (uint32_t i = 0; i < MOST_READERS; i++)
        if (after & 1u << i)
            list[options.after_count++] = rings.readers[i];
    options.after = list;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.is_eager = 1;
    if (ringbus_reader_open(rings.ring, &options, &rings.readers[index]) != RINGBUS_OK)
        model_fail("ringbus_reader_open");
}

uint64_t *
rings_cell(int64_t sequence, int cell)
{
    return (uint64_t *)ringbus_ring_slot(&rings.view, sequence) + cell;
}

bool
rings_produce(uint64_t value)
{
    const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

    if (sequence == RINGBUS_ESHUTDOWN)
        return false;
    model_check(sequence >= 0);
    model_write(rings_cell(sequence, 0), value);
    ringbus_ring_publish(rings.ring, sequence, 1);
    return true;
}

int
rings_consume(uint32_t index, uint32_t max)
{
    struct ringbus_reader *reader = rings.readers[index];
    struct ringbus_run run;
    const int outcome = ringbus_reader_wait_until(reader, max, RINGBUS_FOREVER, &run);

    if (outcome == RINGBUS_ESHUTDOWN)
        return -1;
    model_check(outcome == RINGBUS_OK);
    for (uint32_t i = 0; i < run.count; i++) {
        const uint64_t value = model_read(rings_cell(run.first + i, 0));

        rings.values[rings.counts[index] % 8] = value;
        rings.sums[index] += value;
        rings.counts[index]++;
    }
    ringbus_reader_commit(reader, run.first + run.count - 1);
    return (int)run.count;
}

void
rings_consume_all(uint32_t index, uint32_t count)
{
    while (rings.counts[index] < count)
        model_check(rings_consume(index, count - rings.counts[index]) > 0);
}

void
rings_consume_to_end(uint32_t index)
{
    while (rings_consume(index, 2) > 0)
        ;
}
