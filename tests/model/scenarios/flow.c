/* flow.c - scenarios: events through a ring of two slots, once and again. */
#include "scenarios/rings.h"

/* ---- one reader ---- */

static void
begin_one_reader(void)
{
    rings_open(1);
    rings_join(0, 0);
}

static void
produce_three(void)
{
    for (uint64_t i = 1; i <= 3; i++)
        model_check(rings_produce(i));
}

static void
consume_three(void)
{
    rings_consume_all(0, 3);
}

static void
end_in_order(void)
{
    model_check(rings.counts[0] == 3);
    for (uint64_t i = 0; i < 3; i++)
        model_check(rings.values[i] == i + 1);
}

static void
produce_10(void)
{
    model_check(rings_produce(10));
}

static void
produce_100(void)
{
    model_check(rings_produce(100));
}

static void
produce_1_2(void)
{
    model_check(rings_produce(1));
    model_check(rings_produce(2));
}

static void
consume_two(void)
{
    rings_consume_all(0, 2);
}

static void
end_two(void)
{
    model_check(rings.sums[0] == 110);
}

static void
begin_full(void)
{
    begin_one_reader();
    model_check(rings_produce(1) && rings_produce(2));
}

static void
end_full(void)
{
    model_check(rings.sums[0] == 3 && ringbus_ring_cursor(rings.ring) == 3);
}

/* ---- no reader ---- */

static void
begin_no_reader(void)
{
    rings_open(1);
}

static void
produce_10_20(void)
{
    model_check(rings_produce(10));
    model_check(rings_produce(20));
}

/* A slot's last writer is one of those who could be: two producers in one slot are a race before that. */
static void
end_no_reader(void)
{
    model_check(ringbus_ring_cursor(rings.ring) == 3);
}

static void
try_twice(void)
{
    for (int i = 0; i < 2; i++) {
        const int64_t sequence = ringbus_ring_try_claim(rings.ring, 1);

        if (sequence < 0)
            continue;
        model_write(rings_cell(sequence, 0), 1);
        ringbus_ring_publish(rings.ring, sequence, 1);
    }
}

static void
begin_half_published(void)
{
    rings_open(1);
    model_check(ringbus_ring_claim(rings.ring, 1) == 0);
    model_check(ringbus_ring_claim(rings.ring, 1) == 1);
    ringbus_ring_publish(rings.ring, 0, 1);
}

static void
publish_other_half(void)
{
    model_write(rings_cell(1, 0), 1);
    ringbus_ring_publish(rings.ring, 1, 1);
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

/* ---- stages ---- */

static void
begin_stages(void)
{
    rings_open(2);
    rings_join(0, 0);
    rings_join(1, 1);
}

/* The first stage leaves a note in each slot. */
static void
annotate(void)
{
    struct ringbus_run each;

    for (uint32_t count = 0; count < 3; count++) {
        model_check(ringbus_reader_wait_until(rings.readers[0], 1, RINGBUS_FOREVER, &each) == 0);
        model_write(rings_cell(each.first, 1), model_read(rings_cell(each.first, 0)) * 2);
        ringbus_reader_commit(rings.readers[0], each.first);
    }
}

static void
read_notes(void)
{
    struct ringbus_run each;

    for (uint32_t count = 0; count < 3; count++) {
        model_check(ringbus_reader_wait_until(rings.readers[1], 1, RINGBUS_FOREVER, &each) == 0);
        model_check(
            model_read(rings_cell(each.first, 1)) == 2 * model_read(rings_cell(each.first, 0)));
        ringbus_reader_commit(rings.readers[1], each.first);
    }
}

static void
produce_and_annotate(void)
{
    struct ringbus_run each;

    for (uint64_t i = 0; i < 3; i++) {
        model_check(rings_produce(i));
        model_check(ringbus_reader_poll(rings.readers[0], 1, &each) == 0);
        model_write(rings_cell(each.first, 1), model_read(rings_cell(each.first, 0)) * 2);
        ringbus_reader_commit(rings.readers[0], each.first);
    }
}

/* ---- batches, abandoned slots ---- */

static void
produce_batches(void)
{
    for (uint64_t i = 0; i < 2; i++) {
        const int64_t first = ringbus_ring_claim(rings.ring, 2);

        model_check(first >= 0);
        model_write(rings_cell(first, 0), 1);
        model_write(rings_cell(first + 1, 0), 2);
        ringbus_ring_publish(rings.ring, first, 2);
    }
}

static void
consume_four(void)
{
    rings_consume_all(0, 4);
}

static void
end_batches(void)
{
    for (int i = 0; i < 4; i++)
        model_check(rings.values[i] == (uint64_t)i % 2 + 1);
}

static void
produce_around_abandoned(void)
{
    for (int i = 0; i < 2; i++) {
        const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

        model_check(sequence >= 0);
        model_write(rings_cell(sequence, 0), 1000);
        ringbus_ring_abandon(rings.ring, sequence, 1);
        model_check(rings_produce((uint64_t)i + 1));
    }
}

static void
abandon_a_lap(void)
{
    for (int i = 0; i < 2; i++) {
        const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

        model_check(sequence >= 0);
        ringbus_ring_abandon(rings.ring, sequence, 1);
    }
    model_check(rings_produce(7));
}

static void
consume_one(void)
{
    rings_consume_all(0, 1);
}

static void
end_abandoned(void)
{
    model_check(rings.counts[0] == 2 && rings.values[0] == 1 && rings.values[1] == 2);
}

static void
abandon_one(void)
{
    const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

    model_check(sequence >= 0);
    ringbus_ring_abandon(rings.ring, sequence, 1);
}

static void
end_nothing(void)
{
    model_check(rings.counts[0] == 2);
}

const struct scenario model_flow[] = {
    {.name = "flow_recycle",
        .proves = "a slot is read before it is written again, events keep their order",
        .begin = begin_one_reader,
        .threads = {produce_three, consume_three},
        .end = end_in_order},
    {.name = "flow_recycle_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_one_reader,
        .threads = {produce_three, consume_three},
        .end = end_in_order,
        .is_fenced = true},
    {.name = "flow_two_producers",
        .proves = "two producers never claim the same slot, nothing is lost",
        .begin = begin_one_reader,
        .threads = {produce_10, produce_100, consume_two},
        .end = end_two},
    {.name = "flow_gate",
        .proves = "what one producer learnt of the readers is good for the other (GATE)",
        .begin = begin_full,
        .threads = {produce_10, produce_100, consume_two},
        .end = end_full},
    {.name = "flow_no_reader",
        .proves = "without readers the last lap holds a producer back: never two in one slot",
        .begin = begin_no_reader,
        .threads = {produce_10_20, produce_1_2},
        .end = end_no_reader},
    {.name = "flow_no_reader_try",
        .proves = "the same for claims that do not wait",
        .begin = begin_no_reader,
        .threads = {try_twice, try_twice}},
    {.name = "flow_no_reader_batch",
        .proves = "and for claims of many slots, each of which must have been published",
        .begin = begin_half_published,
        .threads = {publish_other_half, claim_both}},
    {.name = "flow_stages",
        .proves =
            "a stage sees what the stage before wrote, and both are done before the overwrite",
        .begin = begin_stages,
        .threads = {produce_three, annotate, read_notes}},
    {.name = "flow_stages_two",
        .proves = "the same, with the producer as first stage",
        .begin = begin_stages,
        .threads = {produce_and_annotate, read_notes}},
    {.name = "flow_batch",
        .proves = "a claim of many slots waits for all of them, a run is complete",
        .begin = begin_one_reader,
        .threads = {produce_batches, consume_four},
        .end = end_batches},
    {.name = "flow_abandon",
        .proves = "abandoned slots are stepped over and used again",
        .begin = begin_one_reader,
        .threads = {produce_around_abandoned, consume_two},
        .end = end_abandoned},
    {.name = "flow_abandon_all",
        .proves = "a ring full of abandoned slots has room again",
        .begin = begin_one_reader,
        .threads = {abandon_a_lap, consume_one}},
    {.name = "flow_abandon_other",
        .proves = "one producer abandons between the events of another",
        .begin = begin_one_reader,
        .threads = {produce_1_2, abandon_one, consume_two},
        .end = end_nothing},
    {0},
};
