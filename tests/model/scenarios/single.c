/* single.c - scenarios: one producer, whose claims are plain stores, and who meets the end in the midst of one. */
#include "scenarios/rings.h"

/* What the ring was told; sequences are claimed by one thread, values are sequences. */
static uint32_t produced;

static void
begin_no_reader(void)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.producers = RINGBUS_PRODUCERS_SINGLE;
    rings_open_with(options, 2);
    produced = 0;
    model_name(&rings.ring->end, "end");
}

static void
begin_one_reader(void)
{
    begin_no_reader();
    rings_join(0, 0);
}

static void
begin_stages(void)
{
    begin_one_reader();
    rings_join(1, 1);
}

static void
begin_full(void)
{
    begin_one_reader();
    for (; produced < 2; produced++)
        model_check(rings_produce(produced));
}

static void
produce_three(void)
{
    while (produced < 3 && rings_produce(produced))
        produced++;
}

static void
produce_one(void)
{
    produced += rings_produce(produced);
}

static void
end_the_line(void)
{
    ringbus_ring_end(rings.ring);
}

static void
read_to_end(void)
{
    rings_consume_to_end(0);
}

static void
end_and_read(void)
{
    ringbus_ring_end(rings.ring);
    rings_consume_to_end(0);
}

static void
read_second_to_end(void)
{
    rings_consume_to_end(1);
}

static void
consume_three(void)
{
    rings_consume_all(0, 3);
}

static void
end_three(void)
{
    model_check(produced == 3 && rings.values[0] == 0 && rings.values[1] == 1);
    model_check(rings.counts[0] == 3 && rings.values[2] == 2);
}

/* The reader was told the end after the last claim that stands; nothing can be claimed. */
static void
end_all_read(void)
{
    model_check(rings.counts[0] == produced);
    model_check(ringbus_ring_try_claim(rings.ring, 1) == RINGBUS_ESHUTDOWN);
}

static void
end_both_read(void)
{
    end_all_read();
    model_check(rings.counts[1] == produced);
}

/* ---- join and leave ---- */

enum { JOIN_EVENTS = 5 };

/* More than two laps, then the end. */
static void
produce_and_end(void)
{
    for (; produced < JOIN_EVENTS; produced++)
        model_check(rings_produce(produced));
    ringbus_ring_end(rings.ring);
}

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
    for (; produced < 4; produced++)
        model_check(rings_produce(produced));
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

/* A reader that joins while the line ends: at a claim that stands, or at one that came too late. */
static void
end_join_and_read(void)
{
    ringbus_ring_end(rings.ring);
    rings_join(0, 0);
    rings_consume_to_end(0);
}

/* ---- nested claims ---- */

static int64_t held;

static void
hold_first(void)
{
    held = ringbus_ring_claim(rings.ring, 1);
    model_write(rings_cell(held, 0), 1);
    produced = 1;
    model_check(rings_produce(1));
    produced = 2;
}

static void
begin_held(void)
{
    begin_no_reader();
    hold_first();
}

/* The place that a reader takes is looked at before it does. */
static void
begin_held_with_place(void)
{
    begin_one_reader();
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
    hold_first();
}

static void
publish_held(void)
{
    model_write(rings_cell(held, 0), 3);
    ringbus_ring_publish(rings.ring, held, 1);
}

/* It has not seen what was claimed before it came. */
static void
join_and_look(void)
{
    struct ringbus_run each;

    rings_join(0, 0);
    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == 2);
}

/* The claim that is open has a reader, who will see it. */
static void
begin_held_and_read(void)
{
    begin_one_reader();
    held = ringbus_ring_claim(rings.ring, 1);
    produced = 1;
    model_check(rings_produce(1));
    produced = 2;
}

static void
read_two(void)
{
    rings_consume_all(0, 2);
    model_check(rings.values[0] == 3 && rings.values[1] == 1);
}

static void
claim_both(void)
{
    const int64_t first = ringbus_ring_claim(rings.ring, 2);

    model_check(first == 2);
    model_write(rings_cell(2, 0), 2);
    model_write(rings_cell(3, 0), 3);
    ringbus_ring_publish(rings.ring, first, 2);
}

#define BOTH(title, what, first, last, ...)                                                        \
    {.name = "single_" title,                                                                      \
        .proves = what,                                                                            \
        .begin = first,                                                                            \
        .threads = {__VA_ARGS__},                                                                  \
        .end = last},                                                                              \
    {                                                                                              \
        .name = "single_" title "_fenced", .proves = what, .begin = first,                         \
        .threads = {__VA_ARGS__}, .end = last, .is_fenced = true                                   \
    }

const struct scenario model_single[] = {
    BOTH("recycle", "a slot is read before it is written again", begin_one_reader, end_three,
        produce_three, consume_three),
    BOTH("end", "the reader is told the end after the last claim that stands", begin_one_reader,
        end_all_read, produce_three, end_and_read),
    BOTH("end_three", "the same, with the end from a third side", begin_one_reader, end_all_read,
        produce_one, end_the_line, read_to_end),
    BOTH("end_stages",
        "so is the reader after it, whom a claim that came too late may have put to sleep",
        begin_stages, end_both_read, produce_one, end_and_read, read_second_to_end),
    BOTH("end_full", "the end wakes a producer that waits for room", begin_full, NULL, produce_one,
        end_the_line),
    BOTH("end_join", "a reader that joins while the line ends is told the end", begin_no_reader,
        NULL, produce_one, end_join_and_read),
    BOTH("join", "a reader joins a running line: what follows waits for it", begin_no_reader, NULL,
        produce_and_end, join_and_read),
    BOTH("join_leave", "a reader joins, looks and leaves while the line runs", begin_no_reader,
        NULL, produce_four, join_read_and_leave),
    BOTH("nested", "without readers a claim waits for the open one of the last lap", begin_held,
        NULL, produce_one, publish_held),
    BOTH("nested_join", "also when a reader joins that has not seen it", begin_held_with_place,
        NULL, produce_one, publish_held, join_and_look),
    BOTH("nested_read", "what another thread published is read before its slot is used again",
        begin_held_and_read, NULL, produce_one, publish_held, read_two),
    BOTH("nested_batch", "and so does one of many slots", begin_held, NULL, claim_both,
        publish_held),
    {0},
};
