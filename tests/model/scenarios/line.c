/* line.c - scenarios: joining, leaving, the end of the line, and what is cut into it. */
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

/* ---- join and leave ---- */

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

/* ---- the end ---- */

static uint32_t produced;

static void
begin_end(void)
{
    begin_one_reader();
    produced = 0;
}

static void
produce_while_open(void)
{
    while (produced < 3 && rings_produce(1))
        produced++;
}

static void
end_and_read(void)
{
    ringbus_ring_end(rings.ring);
    rings_consume_to_end(0);
}

static void
check_all_read(void)
{
    model_check(rings.counts[0] == produced);
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
produce_one_if_open(void)
{
    produced += rings_produce(1);
}

static void
begin_full(void)
{
    begin_end();
    model_check(rings_produce(1) && rings_produce(1));
    produced = 2;
}

static void
produce_until_end(void)
{
    while (rings_produce(1))
        produced++;
}

/* ---- a line that goes on for those with a pass ---- */

static void
produce_by_pass(void)
{
    for (int i = 0; i < 2; i++) {
        const int64_t sequence = ringbus__ring_claim_now(rings.ring, 1, true);

        if (sequence < 0) {
            model_check(sequence == RINGBUS_ESHUTDOWN || sequence == RINGBUS_EAGAIN);
            continue;
        }
        model_write(rings_cell(sequence, 0), 1);
        ringbus_ring_publish(rings.ring, sequence, 1);
        produced++;
    }
}

static void
restrict_end_and_read(void)
{
    ringbus__ring_restrict(rings.ring);
    ringbus_ring_end(rings.ring);
    rings_consume_to_end(0);
}

static void
wait_by_pass(void)
{
    int64_t sequence = 0;

    while ((sequence = ringbus__ring_claim_now(rings.ring, 1, true)) == RINGBUS_EAGAIN)
        model_check(ringbus__ring_wait_room(rings.ring, 1, true, RINGBUS_FOREVER) == RINGBUS_OK);
    if (sequence >= 0) {
        model_write(rings_cell(sequence, 0), 1);
        ringbus_ring_publish(rings.ring, sequence, 1);
        produced++;
    }
}

/* ---- what is cut in, what is settled ---- */

static uint64_t route;
static int64_t cut_at;

static void
begin_cut(void)
{
    begin_one_place();
    route = 0;
    cut_at = -1;
    model_name(&route, "route");
}

static void
cut_in(void)
{
    model_write(&route, 1);
    cut_at = ringbus__ring_cut(rings.ring);
}

static void
claim_and_look(void)
{
    const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

    /* Claims below the cut do not look. The cut's place is known to the claim by its own sequence: here, when the
     * claim word says that the cut came first. */
    if (sequence >= 0 && cut_at >= 0 && sequence >= cut_at)
        model_check(model_read(&route) == 1);
    ringbus_ring_publish(rings.ring, sequence, 1);
}

static void
close_with_reason(void)
{
    model_write(&route, 1);
    ringbus__ring_restrict(rings.ring);
}

static void
claim_or_reason(void)
{
    const int64_t sequence = ringbus_ring_claim(rings.ring, 1);

    if (sequence == RINGBUS_ESHUTDOWN)
        model_check(model_read(&route) == 1);
    else
        ringbus_ring_publish(rings.ring, sequence, 1);
}

static void
end_with_reason(void)
{
    model_write(&route, 1);
    ringbus_ring_end(rings.ring);
}

static void
read_reason(void)
{
    struct ringbus_run each;

    if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_ESHUTDOWN)
        model_check(model_read(&route) == 1);
}

static void
begin_idle(void)
{
    begin_one_reader();
    route = 0;
    model_name(&route, "route");
    model_check(rings_produce(1));
}

static void
handle_one(void)
{
    model_write(&route, 1);
    rings_consume_all(0, 1);
}

static void
look_if_idle(void)
{
    if (ringbus__ring_is_idle(rings.ring))
        model_check(model_read(&route) == 1);
}

static void
begin_reason(void)
{
    begin_one_reader();
    route = 0;
    model_name(&route, "route");
}

static void
begin_restricted(void)
{
    begin_cut();
    ringbus__ring_restrict(rings.ring);
}

static void
read_reason_by_pass(void)
{
    if (ringbus__ring_is_closed(rings.ring, true))
        model_check(model_read(&route) == 1);
}

const struct scenario model_line[] = {
    {.name = "line_join",
        .proves = "a reader joins a running line: what follows waits for it",
        .begin = begin_one_place,
        .threads = {produce_and_end, join_and_read}},
    {.name = "line_join_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_one_place,
        .threads = {produce_and_end, join_and_read},
        .is_fenced = true},
    {.name = "line_join_leave",
        .proves = "a reader joins, looks and leaves while the line runs",
        .begin = begin_one_place,
        .threads = {produce_four, join_read_and_leave}},
    {.name = "line_leave",
        .proves = "a reader that leaves lets the line go on, after its last read",
        .begin = begin_one_reader,
        .threads = {produce_four, read_one_and_leave}},
    {.name = "line_join_behind",
        .proves = "a reader joins where another one stands, with its events still to read",
        .begin = begin_join_behind,
        .threads = {produce_sequences, join_behind}},
    {.name = "line_join_behind_other",
        .proves = "the same, while that one reads on",
        .begin = begin_join_behind,
        .threads = {produce_sequences, join_behind_other, read_older}},
    {.name = "line_end",
        .proves = "what was claimed before the end is read, nothing after it",
        .begin = begin_end,
        .threads = {produce_while_open, end_and_read},
        .end = check_all_read},
    {.name = "line_end_three",
        .proves = "the same, with the end from a third side",
        .begin = begin_end,
        .threads = {produce_one_if_open, end_the_line, read_to_end},
        .end = check_all_read},
    {.name = "line_end_sleepers",
        .proves = "the end wakes a producer that waits for room",
        .begin = begin_full,
        .threads = {produce_until_end, end_the_line}},
    {.name = "line_end_reader",
        .proves = "the end wakes a reader",
        .begin = begin_end,
        .threads = {read_to_end, end_the_line}},
    {.name = "line_pass",
        .proves = "with a pass a claim on a restricted line comes before the end or not at all",
        .begin = begin_end,
        .threads = {produce_by_pass, restrict_end_and_read},
        .end = check_all_read},
    {.name = "line_pass_sleeps",
        .proves = "one that waits by a pass goes on on a restricted line, or is told the end",
        .begin = begin_full,
        .threads = {wait_by_pass, restrict_end_and_read},
        .end = check_all_read},
    {.name = "line_cut",
        .proves = "a claim after the cut sees what came before it (CUT)",
        .begin = begin_cut,
        .threads = {cut_in, claim_and_look}},
    {.name = "line_close_reason",
        .proves = "who is refused sees what was settled before the line was closed (CUT)",
        .begin = begin_cut,
        .threads = {close_with_reason, claim_or_reason}},
    {.name = "line_end_reason",
        .proves = "a reader told the end sees what was settled before it",
        .begin = begin_reason,
        .threads = {end_with_reason, read_reason}},
    {.name = "line_end_reason_pass",
        .proves = "so does a producer with a pass, on a line that was restricted before (STATE)",
        .begin = begin_restricted,
        .threads = {end_with_reason, read_reason_by_pass}},
    {.name = "line_idle",
        .proves = "an idle ring: what its readers did is visible",
        .begin = begin_idle,
        .threads = {handle_one, look_if_idle}},
    {0},
};
