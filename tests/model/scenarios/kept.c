/* kept.c - scenarios: events that are kept for readers that join late, and events that are cleared behind readers. */
#include "scenarios/rings.h"

enum { MOST_EVENTS = 8 };

/* Values are sequences and one; 0: it was cleared. */
static uint32_t produced, most;
static uint32_t cleared[MOST_EVENTS];
static uint64_t hook; /* touched by who clears: one thread at a time */

static void
clear(void *payload, int64_t sequence, void *context)
{
    uint64_t *cell = payload;

    (void)context;
    model_check(model_read(cell) == (uint64_t)sequence + 1);
    model_write(cell, 0);
    model_write(&hook, model_read(&hook) + 1);
    cleared[sequence]++;
}

static void
open_kept(uint32_t capacity, uint32_t history, uint32_t producers, bool is_clearing)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = capacity;
    options.history = history;
    options.producers = producers;
    options.clear = is_clearing ? clear : NULL;
    rings_open_with(options, 3);
    produced = 0;
    hook = 0;
    for (int i = 0; i < MOST_EVENTS; i++)
        cleared[i] = 0;
    model_name(&hook, "hook");
    model_name(&rings.ring->cleared, "cleared");
    model_name(&rings.ring->clearing, "clearing");
}

static void
produce_up_to(uint32_t count)
{
    for (; produced < count; produced++)
        if (!rings_produce(produced + 1))
            return;
}

static void
produce_and_end(void)
{
    produce_up_to(most);
    ringbus_ring_end(rings.ring);
}

/* ---- history ---- */

/* From where it joined: all of it, each event as it was written. */
static void
join_back_and_read(void)
{
    int64_t from = 0;

    rings_join_back(0, 1);
    from = ringbus_reader_position(rings.readers[0]) + 1;
    rings_consume_to_end(0);
    for (uint32_t i = 0; i < rings.counts[0]; i++)
        model_check(rings.values[i] == (uint64_t)from + i + 1);
    model_check((int64_t)rings.counts[0] == (int64_t)most - from);
}

static void
join_back_and_look(void)
{
    struct ringbus_run each;

    rings_join_back(0, 1);
    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == (uint64_t)each.first + 1);
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
}

static void
begin_history(void)
{
    open_kept(2, 1, RINGBUS_PRODUCERS_MULTI, false);
    most = 4;
    produce_up_to(1);
}

static void
begin_history_single(void)
{
    open_kept(2, 1, RINGBUS_PRODUCERS_SINGLE, false);
    most = 4;
    produce_up_to(1);
}

static void
begin_history_four(void)
{
    open_kept(4, 1, RINGBUS_PRODUCERS_MULTI, false);
    most = 6;
    produce_up_to(3);
}

/* The other's claims are of sequences that nobody here knows. */
static void
produce_a_sequence(void)
{
    const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

    model_check(sequence >= 0);
    model_write(rings_cell(sequence, 0), (uint64_t)sequence + 1);
    ringbus_ring_publish(rings.ring, sequence, 1);
}

static void
produce_two_sequences(void)
{
    produce_a_sequence();
    produce_a_sequence();
}

/* ---- clear ---- */

static void
begin_two_readers(void)
{
    open_kept(2, 0, RINGBUS_PRODUCERS_MULTI, true);
    most = 2;
    rings_join(0, 0);
    rings_join(1, 0);
    produce_up_to(2);
}

static void
read_first(void)
{
    rings_consume_all(0, 2);
}

static void
read_second(void)
{
    rings_consume_all(1, 2);
}

static void
leave_second(void)
{
    model_check(ringbus_reader_close(rings.readers[1]) == RINGBUS_OK);
}

static void
produce_one_more(void)
{
    produce_up_to(3);
}

/* Each event that was passed is cleared, once; then the ring is closed, and all are. */
static void
end_two_cleared(void)
{
    model_check(cleared[0] == 1 && cleared[1] == 1 && cleared[2] == 0);
    ringbus_ring_close(rings.ring);
    for (uint32_t i = 0; i < MOST_EVENTS; i++)
        model_check(cleared[i] == (i < produced));
}

static void
begin_two_producers(void)
{
    open_kept(2, 0, RINGBUS_PRODUCERS_MULTI, true);
    rings_join(0, 0);
    produce_up_to(2);
}

static void
read_one(void)
{
    model_check(rings_consume(0, 1) == 1);
}

/* There is never room for that, but it clears what it finds. */
static void
try_for_two(void)
{
    model_check(ringbus_ring_try_claim(rings.ring, 2) == RINGBUS_EAGAIN);
}

static void
begin_clear_join(void)
{
    open_kept(2, 0, RINGBUS_PRODUCERS_MULTI, true);
    most = 4;
    produce_up_to(1);
}

static void
join_and_read(void)
{
    rings_join(0, 0);
    rings_consume_to_end(0);
}

static void
begin_clear_history(void)
{
    open_kept(2, 1, RINGBUS_PRODUCERS_MULTI, true);
    most = 4;
    produce_up_to(1);
}

static void
end_all_cleared(void)
{
    ringbus_ring_close(rings.ring);
    for (uint32_t i = 0; i < MOST_EVENTS; i++)
        model_check(cleared[i] == (i < produced));
}

/* One producer, whose last claim may come too late; a reader that clears; one that joins when the line has ended. */
static void
begin_clear_end(void)
{
    open_kept(4, 1, RINGBUS_PRODUCERS_SINGLE, true);
    rings_join(1, 0);
    produce_up_to(2);
    most = 3;
}

static void
end_and_join_back(void)
{
    struct ringbus_run each;

    ringbus_ring_end(rings.ring);
    rings_join_back(0, 1);
    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == (uint64_t)each.first + 1);
}

static void
produce_most(void)
{
    produce_up_to(most);
}

#define BOTH(title, what, first, last, ...)                                                        \
    {.name = title, .proves = what, .begin = first, .threads = {__VA_ARGS__}, .end = last},        \
    {                                                                                              \
        .name = title "_fenced", .proves = what, .begin = first, .threads = {__VA_ARGS__},         \
        .end = last, .is_fenced = true                                                             \
    }

const struct scenario model_kept[] = {
    BOTH("history_join", "a reader joins one event back: that one is there, and what follows waits",
        begin_history, NULL, produce_and_end, join_back_and_read),
    BOTH("history_single", "the same with one producer", begin_history_single, NULL,
        produce_and_end, join_back_and_read),
    {.name = "history_four",
        .proves = "and where the history is a part of the ring",
        .begin = begin_history_four,
        .threads = {produce_and_end, join_back_and_read}},
    {.name = "history_two_producers",
        .proves = "of two producers neither passes it",
        .begin = begin_history,
        .threads = {produce_two_sequences, produce_a_sequence, join_back_and_look}},
    BOTH("clear_two_readers", "of two readers the last clears, or leaves it to the other",
        begin_two_readers, end_two_cleared, read_first, read_second),
    BOTH("clear_producer", "a producer that waits for room is woken when it is cleared",
        begin_two_readers, end_two_cleared, read_first, read_second, produce_one_more),
    {.name = "clear_two_producers",
        .proves = "also by another producer, who has no use for it",
        .begin = begin_two_producers,
        .threads = {produce_a_sequence, try_for_two, read_one}},
    BOTH("clear_leave", "one of them leaves instead", begin_two_readers, end_two_cleared,
        read_first, leave_second, produce_one_more),
    BOTH("clear_join", "nothing is cleared that one who joins will read", begin_clear_join,
        end_all_cleared, produce_and_end, join_and_read),
    BOTH("clear_history", "nor that one who joins back will read", begin_clear_history,
        end_all_cleared, produce_and_end, join_back_and_read),
    BOTH("clear_end", "nor that one who joins back at the end will read", begin_clear_end,
        end_all_cleared, produce_most, read_second, end_and_join_back),
    {0},
};
