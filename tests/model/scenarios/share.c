/* share.c - scenarios: workers of one reader. */
#include "scenarios/rings.h"

enum { MOST_WORKERS = 2 };

static struct ringbus_share *share;
static struct ringbus_worker *workers[MOST_WORKERS];
static uint32_t handled; /* bits of the values that workers have handled */
static struct ringbus_reader *stage;

static void
begin_workers(uint32_t count, uint32_t places)
{
    struct ringbus_share_options options = ringbus_share_options_default();

    rings_open(places);
    options.max_workers = count;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.is_eager = 1;
    handled = 0;
    stage = NULL;
    if (ringbus_share_open(rings.ring, &options, &share) != RINGBUS_OK)
        model_fail("ringbus_share_open");
    for (uint32_t i = 0; i < count; i++)
        if (ringbus_worker_open(share, &workers[i]) != RINGBUS_OK)
            model_fail("ringbus_worker_open");
}

static void
begin_one(void)
{
    begin_workers(1, 2);
}

static void
begin_two(void)
{
    begin_workers(2, 3);
}

/* Values are sequences: none comes twice, and each is what its slot held when it was taken. */
static void
handle(uint32_t index, const struct ringbus_run *run)
{
    for (int64_t sequence = run->first; sequence < run->first + run->count; sequence++) {
        model_check(model_read(rings_cell(sequence, 0)) == (uint64_t)sequence);
        model_check(!(handled & 1u << sequence));
        handled |= 1u << sequence;
        if (stage != NULL)
            model_write(rings_cell(sequence, 1), 7);
        ringbus_worker_commit(workers[index], sequence);
    }
}

/* One range; false at the end. */
static bool
work(uint32_t index, uint32_t max)
{
    struct ringbus_run run;
    const int outcome = ringbus_worker_wait_until(workers[index], max, RINGBUS_FOREVER, &run);

    if (outcome == RINGBUS_ESHUTDOWN)
        return false;
    model_check(outcome == RINGBUS_OK && run.count >= 1 && run.count <= max);
    handle(index, &run);
    return true;
}

static void
produce(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        model_check(rings_produce(i));
}

/* ---- one worker, two workers, and who uses the slots again ---- */

static void
begin_one_full(void)
{
    begin_one();
    produce(0, 2);
}

static void
begin_two_full(void)
{
    begin_two();
    produce(0, 2);
}

static void
produce_next(void)
{
    produce(2, 3);
}

static void
produce_two_next(void)
{
    produce(2, 4);
}

static void
work_at_once(void)
{
    work(0, 2);
}

static void
work_first(void)
{
    work(0, 1);
}

static void
work_second(void)
{
    work(1, 1);
}

static void
work_first_twice(void)
{
    work(0, 1);
    work(0, 1);
}

static void
work_second_twice(void)
{
    work(1, 1);
    work(1, 1);
}

static void
check_two_handled(void)
{
    model_check(handled == 3);
}

static void
check_four_handled(void)
{
    model_check(handled == 15);
}

/* Both look for the only event: the one that is too late must not hold the producer back. */
static void
poll_once(uint32_t index)
{
    struct ringbus_run run;

    if (ringbus_worker_poll(workers[index], 1, &run) == RINGBUS_OK)
        handle(index, &run);
}

static void
poll_first(void)
{
    poll_once(0);
}

static void
poll_second(void)
{
    poll_once(1);
}

static void
begin_two_one_left(void)
{
    begin_two_full();
    model_check(work(0, 1));
}

static void
abandon_two(void)
{
    for (int i = 0; i < 2; i++)
        ringbus_ring_abandon(rings.ring, ringbus_ring_claim(rings.ring, 1), 1);
}

static void
begin_abandoned(void)
{
    begin_one();
    abandon_two();
}

static void
abandon_and_produce(void)
{
    abandon_two();
    produce_next();
}

/* ---- what is left behind ---- */

static void
begin_taken(void)
{
    struct ringbus_run run;

    begin_two_full();
    model_check(ringbus_worker_poll(workers[0], 2, &run) == RINGBUS_OK && run.count == 2);
}

static void
leave_first(void)
{
    model_check(ringbus_worker_close(workers[0]) == RINGBUS_OK);
}

static void
commit_one_and_leave(void)
{
    const struct ringbus_run run = {0, 1};

    handle(0, &run);
    leave_first();
}

static void
take_rest(void)
{
    work(1, 2);
}

/* By the worker with the higher place. */
static void
begin_left(void)
{
    struct ringbus_run run;

    begin_two_full();
    model_check(ringbus_worker_poll(workers[1], 2, &run) == RINGBUS_OK && run.count == 2);
    model_check(ringbus_worker_close(workers[1]) == RINGBUS_OK);
}

/* In any order: the look may have come before the other one left. */
static void
take_rest_and_next(void)
{
    while (handled != 7)
        work(1, 2);
}

/* ---- the end ---- */

static void
begin_last(void)
{
    struct ringbus_run run;

    begin_two();
    produce(0, 1);
    model_check(ringbus_worker_poll(workers[0], 1, &run) == RINGBUS_OK);
}

static void
end_line(void)
{
    ringbus_ring_end(rings.ring);
}

static void
finish_last(void)
{
    while (work(0, 1))
        ;
}

static void
work_to_end(void)
{
    while (work(1, 1))
        ;
    model_check(handled == 1);
}

/* ---- a stage after them ---- */

static void
begin_stage(void)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *before = NULL;

    begin_workers(2, 4);
    before = ringbus_share_reader(share);
    options.after = &before;
    options.after_count = 1;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.is_eager = 1;
    if (ringbus_reader_open(rings.ring, &options, &stage) != RINGBUS_OK)
        model_fail("ringbus_reader_open");
    produce(0, 2);
}

static void
look_after(void)
{
    struct ringbus_run run;

    for (int64_t next = 0; next < 2; next += run.count) {
        model_check(ringbus_reader_wait_until(stage, 2, RINGBUS_FOREVER, &run) == RINGBUS_OK);
        for (uint32_t i = 0; i < run.count; i++)
            model_check(model_read(rings_cell(run.first + i, 1)) == 7);
        ringbus_reader_commit(stage, run.first + run.count - 1);
    }
}

const struct scenario model_share[] = {
    {.name = "share_gate",
        .proves = "what a worker has taken is not overwritten before it is committed",
        .begin = begin_one_full,
        .threads = {work_at_once, produce_two_next}},
    {.name = "share_gate_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_one_full,
        .threads = {work_at_once, produce_two_next},
        .is_fenced = true},
    {.name = "share_two",
        .proves = "two workers get each event once, while its slots are used again",
        .begin = begin_two_full,
        .threads = {work_first_twice, work_second_twice, produce_two_next},
        .end = check_four_handled},
    {.name = "share_late",
        .proves = "a worker that comes too late does not keep a producer asleep",
        .begin = begin_two_one_left,
        .threads = {poll_first, poll_second, produce_two_next}},
    {.name = "share_abandoned",
        .proves = "a worker that steps over abandoned slots wakes a producer",
        .begin = begin_abandoned,
        .threads = {work_at_once, produce_next}},
    {.name = "share_abandoned_asleep",
        .proves = "the same, when they are abandoned while it falls asleep",
        .begin = begin_one,
        .threads = {work_at_once, abandon_and_produce}},
    {.name = "share_rest",
        .proves = "what a worker leaves behind is done by one that waits",
        .begin = begin_taken,
        .threads = {leave_first, take_rest},
        .end = check_two_handled},
    {.name = "share_rest_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin_taken,
        .threads = {leave_first, take_rest},
        .end = check_two_handled,
        .is_fenced = true},
    {.name = "share_rest_gate",
        .proves = "what was left behind is not overwritten while it is taken over",
        .begin = begin_left,
        .threads = {work_at_once, produce_next},
        .end = check_two_handled},
    {.name = "share_rest_both",
        .proves = "the same, while it is left behind",
        .begin = begin_taken,
        .threads = {commit_one_and_leave, take_rest_and_next, produce_next}},
    {.name = "share_end",
        .proves = "a worker is told the end when the others have finished",
        .begin = begin_last,
        .threads = {finish_last, work_to_end, end_line}},
    {.name = "share_stage",
        .proves = "a reader after workers sees what all of them did",
        .begin = begin_stage,
        .threads = {work_first, work_second, look_after},
        .end = check_two_handled},
    {0},
};
