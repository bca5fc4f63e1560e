/* join.c - scenarios: readers that join and leave a running line. */
#include "scenarios/rings.h"

static void
begin_one_place(void)
{
    rings_open(1);
}

static void
begin_one_reader(void)
{
    rings_open(1);
    rings_join(0, 0);
}

enum { JOIN_EVENTS = 5 };

/* More than two laps, then the end. Values are sequences. */
static void
produce_and_end(void)
{
    for (uint64_t i = 0; i < JOIN_EVENTS; i++)
        model_check(rings_produce(i));
    ringbus_ring_end(rings.ring);
}

/* From where it joined the reader sees everything, each event once. */
static void
join_and_read(void)
{
    int64_t from = 0;

    rings_join(0, 0);
    from = ringbus_reader_position(rings.readers[0]) + 1;
    rings_consume_to_end(0);
    model_check((int64_t)rings.counts[0] == JOIN_EVENTS - from);
    for (uint32_t i = 0; i < rings.counts[0]; i++)
        model_check(rings.values[i] == (uint64_t)from + i);
}

static void
produce_four(void)
{
    for (uint64_t i = 0; i < 4; i++)
        model_check(rings_produce(i));
}

static void
read_one_and_leave(void)
{
    model_check(rings_consume(0, 1) == 1);
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
}

static void
join_read_and_leave(void)
{
    struct ringbus_run each;

    rings_join(0, 0);
    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == (uint64_t)each.first);
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
}

/* Reader 1 stands before its first event; below and above it there is a free place. */
static void
begin_join_behind(void)
{
    rings_open(3);
    rings_join(0, 0);
    rings_join(1, 0);
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
    model_check(rings_produce(0));
}

static void
open_behind(void)
{
    model_check(ringbus__reader_open_at(rings.ring, rings.readers[1], &rings.readers[2]) == 0);
    rings.readers[2]->waiter.strategy = RINGBUS_WAIT_BLOCK;
}

/* One thread has both readers, and reads with the older first. */
static void
join_behind(void)
{
    open_behind();
    for (uint32_t i = 1; i <= 3; i++) {
        rings_consume_all(1, i);
        rings_consume_all(2, i);
    }
    model_check(rings.sums[1] == 3 && rings.sums[2] == 3);
}

static void
read_older(void)
{
    rings_consume_all(1, 3);
}

/* From where it joined: all of it, and the other may have been anywhere. */
static void
join_behind_other(void)
{
    int64_t from = 0;

    open_behind();
    from = ringbus_reader_position(rings.readers[2]) + 1;
    rings_consume_all(2, 3 - (uint32_t)from);
    model_check(rings.sums[2] == (uint64_t)(3 - from * (from - 1) / 2));
}

static void
produce_sequences(void)
{
    model_check(rings_produce(1));
    model_check(rings_produce(2));
}

/* ---- two producers, one of which scans with the other's claim ---- */

static void
begin_lap_done(void)
{
    begin_one_place();
    model_check(rings_produce(0) && rings_produce(1));
}

static void
try_one(void)
{
    const int64_t sequence = ringbus_ring_try_claim(rings.ring, 1);

    if (sequence < 0)
        return;
    model_write(rings_cell(sequence, 0), (uint64_t)sequence);
    ringbus_ring_publish(rings.ring, sequence, 1);
}

/* A scan whose bound is a claim of somebody else: nothing of our own has ordered it. */
static void
try_two(void)
{
    const int64_t first = ringbus_ring_try_claim(rings.ring, 2);

    if (first < 0)
        return;
    for (int64_t sequence = first; sequence < first + 2; sequence++)
        model_write(rings_cell(sequence, 0), (uint64_t)sequence);
    ringbus_ring_publish(rings.ring, first, 2);
}

static void
join_and_look(void)
{
    struct ringbus_run each;

    rings_join(0, 0);
    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == (uint64_t)each.first);
}

const struct scenario model_join[] = {
    {.name = "join_run",
        .proves = "a reader joins a running line: what follows waits for it",
        .begin = begin_one_place,
        .threads = {produce_and_end, join_and_read}},
    {.name = "join_run_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_one_place,
        .threads = {produce_and_end, join_and_read},
        .is_fenced = true},
    {.name = "join_leave",
        .proves = "a reader joins, looks and leaves while the line runs",
        .begin = begin_one_place,
        .threads = {produce_four, join_read_and_leave}},
    {.name = "join_left",
        .proves = "a reader that leaves lets the line go on, after its last read",
        .begin = begin_one_reader,
        .threads = {produce_four, read_one_and_leave}},
    {.name = "join_behind",
        .proves = "a reader joins where another one stands, with its events still to read",
        .begin = begin_join_behind,
        .threads = {produce_sequences, join_behind}},
    {.name = "join_behind_other",
        .proves = "the same, while that one reads on",
        .begin = begin_join_behind,
        .threads = {produce_sequences, join_behind_other, read_older}},
    {.name = "join_behind_other_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_join_behind,
        .threads = {produce_sequences, join_behind_other, read_older},
        .is_fenced = true},
    {.name = "join_two",
        .proves = "a producer that scans with another one's claim sees a reader that joined before",
        .begin = begin_lap_done,
        .threads = {try_one, try_two, join_and_look}},
    {.name = "join_two_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_lap_done,
        .threads = {try_one, try_two, join_and_look},
        .is_fenced = true},
    {0},
};
