/* line.c - scenarios: the end of the line, and what is cut into it. */
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
        const int64_t sequence = ringbus__ring_claim_now(rings.ring, 1, 0, true);

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

    while ((sequence = ringbus__ring_claim_now(rings.ring, 1, 0, true)) == RINGBUS_EAGAIN)
        model_check(ringbus__ring_wait_room(rings.ring, 1, 0, true, RINGBUS_FOREVER) == RINGBUS_OK);
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
