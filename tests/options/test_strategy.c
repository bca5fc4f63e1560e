/* test_strategy.c - how readers and producers wait: whatever the way, they find what there is; what each asks of the
 * system; patience. */
#include <string.h>

#include "ring/fixture.h"

/* ---- every way ends ---- */

/* Who waits is at any moment of it; one that sleeps is asleep. */
static void
let_wait(struct sleeper *sleeper, void (*run)(void *context), uint32_t wait)
{
    if (wait <= RINGBUS_WAIT_BLOCK)
        let_sleep(sleeper, run, 1);
    else
        worker_start(&sleeper->worker, run, sleeper);
}

START_TEST(a_waiting_reader_finds_what_is_published)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleeper = {.reader = open_reader_after(ring, wait, NULL, 0)};

        let_wait(&sleeper, wait_for_run, wait);
        abandon(ring, 1);
        publish(ring, 1);
        worker_join(&sleeper.worker, "a reader");
        ck_assert_int_eq(sleeper.result, RINGBUS_OK);
        ck_assert_int_eq(sleeper.run.first, 1);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_waiting_dependent_finds_what_is_committed)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *before = open_reader(ring);
        struct sleeper sleeper = {.reader = open_reader_after(ring, wait, &before, 1)};

        publish(ring, 1);
        let_wait(&sleeper, wait_for_run, wait);
        ringbus_reader_commit(before, 0);
        worker_join(&sleeper.worker, "a dependent");
        ck_assert_int_eq(sleeper.run.first, 0);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_waiting_reader_and_the_one_after_it_find_the_end)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper before = {.reader = open_reader_after(ring, wait, NULL, 0)};
        struct sleeper after = {.reader = open_reader_after(ring, wait, &before.reader, 1)};

        let_wait(&before, wait_for_run, wait);
        worker_start(&after.worker, wait_for_run, &after);
        ringbus_ring_end(ring);
        worker_join(&before.worker, "a reader");
        worker_join(&after.worker, "a dependent");
        ck_assert_int_eq(before.result, RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(after.result, RINGBUS_ESHUTDOWN);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_waiting_producer_finds_room_and_the_last_laps_publish_and_the_end)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader(ring);
        struct sleeper sleeper = {.ring = ring};

        publish(ring, 2);
        let_wait(&sleeper, claim_one, wait);
        ringbus_reader_commit(reader, 0);
        worker_join(&sleeper.worker, "a producer");
        ck_assert_int_eq(sleeper.result, 2);
        close_reader(reader);
        publish(ring, 1);
        worker_start(&sleeper.worker, claim_one, &sleeper);
        ringbus_ring_publish(ring, 2, 1);
        worker_join(&sleeper.worker, "a producer that waits for another");
        ck_assert_int_eq(sleeper.result, 4);
        open_reader(ring);
        publish(ring, 1);
        worker_start(&sleeper.worker, claim_one, &sleeper);
        ringbus_ring_end(ring);
        worker_join(&sleeper.worker, "a producer at the end");
        ck_assert_int_eq(sleeper.result, RINGBUS_ESHUTDOWN);
        end_watched(ring);
    }
}
END_TEST

/* ---- what each asks of the system ---- */

/* The system as one thread sees it: time passes with each look at the clock, and what is to come, comes. */
static struct {
    struct ringbus_ring *ring;
    int64_t now_ns, nap_ns;
    uint64_t clocks, yields, naps;
    uint64_t publish_at; /* after so many yields and naps; 0: never */
} system_;

static void
pass_time(int64_t ns)
{
    system_.now_ns += ns;
    if (system_.publish_at > 0 && system_.yields + system_.naps == system_.publish_at) {
        system_.publish_at = 0;
        publish(system_.ring, 1);
    }
}

static int64_t
tell_time(void)
{
    system_.clocks++;
    pass_time(10);
    return system_.now_ns;
}

static void
yield(void)
{
    system_.yields++;
    pass_time(1000);
}

static int
nap(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    MUST(load_u32(word, ORDER_HINT) == expected, "a sleep that would not be one");
    MUST(deadline_ns != RINGBUS_FOREVER, "a sleep that somebody would have to end");
    system_.naps++;
    if (deadline_ns - system_.now_ns > system_.nap_ns)
        system_.nap_ns = deadline_ns - system_.now_ns;
    pass_time(deadline_ns - system_.now_ns);
    return RINGBUS_ETIMEDOUT;
}

static struct ringbus_ring *
begin_system(uint32_t wait, uint64_t publish_at)
{
    memset(&system_, 0, sizeof system_);
    system_.ring = begin_watched(2, wait);
    system_.publish_at = publish_at;
    ringbus__os.now_ns = tell_time;
    ringbus__os.yield = yield;
    ringbus__os.word_wait = nap;
    return system_.ring;
}

START_TEST(yielding_looks_a_hundred_times_and_then_yields_between_looks)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_YIELD, 500);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_YIELD, NULL, 0);
    struct ringbus_run run;

    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, 200000, &run), RINGBUS_ETIMEDOUT);
    ck_assert_uint_ge(system_.clocks, 100 + system_.yields);
    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
    ck_assert_uint_eq(system_.yields, 500);
    ck_assert_uint_eq(system_.naps, 0);
    ck_assert_uint_eq(os_watch_wakes(), 0);
    end_watched(ring);
}
END_TEST

START_TEST(sleeping_looks_then_yields_then_naps_for_50_us_at_most)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_SLEEP, 110);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_SLEEP, NULL, 0);
    struct ringbus_run run;

    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
    ck_assert_uint_eq(system_.yields, 100);
    ck_assert_uint_eq(system_.naps, 10);
    ck_assert_int_le(system_.nap_ns, 50000);
    ck_assert_uint_eq(os_watch_wakes(), 0);
    end_watched(ring);
}
END_TEST

START_TEST(a_nap_ends_at_the_deadline)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_SLEEP, 0);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_SLEEP, NULL, 0);
    struct ringbus_run run;

    for (int64_t us = 120; us < 230; us += 10) {
        const int64_t deadline = system_.now_ns + us * 1000;

        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, deadline, &run), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(system_.now_ns, deadline);
        ck_assert_int_le(system_.now_ns, deadline + 100);
    }
    ck_assert_uint_ge(system_.naps, 11);
    end_watched(ring);
}
END_TEST

START_TEST(busy_spinning_asks_the_system_for_the_time_alone)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_BUSY_SPIN, 0);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_BUSY_SPIN, NULL, 0);
    const uint64_t barriers = os_watch_barriers();
    struct ringbus_run run;

    for (int64_t deadline = 3000; deadline < 9000; deadline += 500) {
        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, deadline, &run), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(system_.now_ns, deadline);
        ck_assert_int_le(system_.now_ns, deadline + 400);
    }
    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, system_.now_ns + 5000), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(system_.yields + system_.naps, 0);
    ck_assert_uint_eq(os_watch_wakes() + os_watch_barriers() - barriers, 0);
    end_watched(ring);
}
END_TEST

START_TEST(a_producer_yields_and_naps_like_a_reader)
{
    for (uint32_t wait = RINGBUS_WAIT_YIELD; wait <= RINGBUS_WAIT_SLEEP; wait++) {
        struct ringbus_ring *ring = begin_system(wait, 0);
        const int64_t deadline = system_.now_ns + 10 * MILLISECOND;

        open_reader(ring);
        publish(ring, 2);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, deadline), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(system_.now_ns, deadline);
        ck_assert_uint_ge(system_.yields, 100);
        ck_assert_int_eq(system_.naps > 0, wait == RINGBUS_WAIT_SLEEP);
        ck_assert_uint_eq(load_u64(&ring->sleepers, ORDER_HINT), 0);
        end_watched(ring);
    }
}
END_TEST

/* ---- patience ---- */

/* Steps of a wait that look at the clock before the second look. */
static bool
is_patient(struct ringbus_reader *reader)
{
    const uint64_t clocks = system_.clocks;

    ck_assert_int_eq(ringbus__reader_wait_step(reader, RINGBUS_FOREVER), RINGBUS_OK);
    return system_.clocks > clocks;
}

static struct ringbus_reader *
open_patient(struct ringbus_ring *ring, bool is_eager)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    options.wait = RINGBUS_WAIT_BUSY_SPIN;
    options.is_eager = is_eager;
    MUST(ringbus_reader_open(ring, &options, &reader) == RINGBUS_OK, "no reader");
    return reader;
}

static void
find(struct ringbus_ring *ring, struct ringbus_reader *reader, uint32_t count)
{
    struct ringbus_run run;

    publish(ring, count);
    ck_assert_int_eq(ringbus_reader_poll(reader, UINT32_MAX, &run), RINGBUS_OK);
    ck_assert_uint_eq(run.count, count);
    ringbus_reader_commit(reader, run.first + count - 1);
}

START_TEST(patience_goes_on_while_it_pays_and_is_dropped_for_64_waits_when_it_does_not)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_PHASED, 0), *large = open_ring(8);
    struct ringbus_reader *reader = open_patient(large, false);

    for (int i = 0; i < 5; i++) {
        ck_assert(is_patient(reader));
        find(large, reader, 4);
    }
    ck_assert(is_patient(reader));
    find(large, reader, 3);
    for (int i = 0; i < 64; i++) {
        ck_assert(!is_patient(reader));
        find(large, reader, 1);
    }
    ck_assert(is_patient(reader));
    ringbus_ring_close(large);
    end_watched(ring);
}
END_TEST

/* As many as are there count, not as many as were asked for: who asks for one at a time is a stream or a dialogue. */
START_TEST(patience_is_dropped_for_a_single_event_also_if_one_was_asked_for)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_PHASED, 0), *large = open_ring(8);
    struct ringbus_reader *reader = open_patient(large, false);
    struct ringbus_run run;

    for (uint32_t there = 4; there >= 1; there = there == 4 ? 1 : 0) {
        ck_assert(is_patient(reader));
        publish(large, there);
        ck_assert_int_eq(ringbus_reader_poll(reader, 1, &run), RINGBUS_OK);
        ck_assert_uint_eq(run.count, 1);
        ringbus_reader_commit(reader, run.first + there - 1);
    }
    ck_assert(!is_patient(reader));
    ringbus_ring_close(large);
    end_watched(ring);
}
END_TEST

START_TEST(an_eager_reader_has_no_patience)
{
    struct ringbus_ring *ring = begin_system(RINGBUS_WAIT_PHASED, 0);
    struct ringbus_reader *reader = open_patient(ring, true);

    for (int i = 0; i < 5; i++) {
        ck_assert(!is_patient(reader));
        find(ring, reader, 2);
    }
    end_watched(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("strategy", a_waiting_reader_finds_what_is_published,
        a_waiting_dependent_finds_what_is_committed,
        a_waiting_reader_and_the_one_after_it_find_the_end,
        a_waiting_producer_finds_room_and_the_last_laps_publish_and_the_end,
        yielding_looks_a_hundred_times_and_then_yields_between_looks,
        sleeping_looks_then_yields_then_naps_for_50_us_at_most, a_nap_ends_at_the_deadline,
        busy_spinning_asks_the_system_for_the_time_alone, a_producer_yields_and_naps_like_a_reader,
        patience_goes_on_while_it_pays_and_is_dropped_for_64_waits_when_it_does_not,
        patience_is_dropped_for_a_single_event_also_if_one_was_asked_for,
        an_eager_reader_has_no_patience);
}
