/* test_history.c - events that are kept for readers that join late. */
#include "ring/fixture.h"

static struct ringbus_ring *
open_kept_at(uint32_t capacity, uint32_t history, int64_t first, uint32_t producers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = capacity;
    options.history = history;
    options.first = first;
    options.producers = producers;
    return open_ring_with(&options);
}

static struct ringbus_ring *
open_kept(uint32_t capacity, uint32_t history)
{
    return open_kept_at(capacity, history, 0, RINGBUS_PRODUCERS_MULTI);
}

static int
try_back(struct ringbus_ring *ring, uint32_t back, struct ringbus_reader **ret_reader)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.back = back;
    return ringbus_reader_open(ring, &options, ret_reader);
}

static struct ringbus_reader *
open_back(struct ringbus_ring *ring, uint32_t back)
{
    struct ringbus_reader *reader = NULL;

    MUST(try_back(ring, back, &reader) == RINGBUS_OK, "no reader %u back", back);
    return reader;
}

/* The payload is the sequence. */
static void
publish_number(struct ringbus_ring *ring, int64_t wanted)
{
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, &wanted, sizeof wanted, 0), wanted);
}

/* A reader that is so far back finds exactly the events from `first` to the cursor, whole. */
static void
check_back(struct ringbus_ring *ring, uint32_t back, int64_t first)
{
    const struct ringbus_view view = ringbus_ring_view(ring);
    const int64_t end = ringbus_ring_cursor(ring) + 1;
    struct ringbus_reader *reader = open_back(ring, back);

    ck_assert_int_eq(ringbus_reader_position(reader), first - 1);
    CHECK_RUN(reader, first, (uint32_t)(end - first));
    for (int64_t at = first; at < end; at++)
        ck_assert_int_eq(*(int64_t *)ringbus_ring_slot(&view, at), at);
    close_reader(reader);
}

START_TEST(a_reader_may_begin_so_many_events_back)
{
    struct ringbus_ring *ring = open_kept(8, 4);

    for (int64_t at = 0; at < 6; at++)
        publish_number(ring, at);
    for (uint32_t back = 0; back <= 4; back++)
        check_back(ring, back, 6 - (int64_t)back);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_begins_with_the_first_event_if_there_are_fewer)
{
    static const int64_t firsts[] = {0, 1, 100, INT64_C(1) << 62};

    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct ringbus_ring *ring = open_kept_at(8, 4, firsts[i], RINGBUS_PRODUCERS_MULTI);

        for (int64_t at = firsts[i]; at < firsts[i] + 3; at++) {
            check_back(ring, 4, firsts[i]);
            publish_number(ring, at);
        }
        check_back(ring, 4, firsts[i]);
        check_back(ring, 2, firsts[i] + 1);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(more_than_the_history_is_out_of_range)
{
    for (uint32_t history = 0; history <= 4; history += 2) {
        struct ringbus_ring *ring = open_kept(8, history);
        struct ringbus_reader *reader = NULL;

        for (int i = 0; i < 20; i++)
            ck_assert_int_eq(try_back(ring, history + 1, &reader), RINGBUS_ERANGE);
        ck_assert_int_eq(try_back(ring, UINT32_MAX, &reader), RINGBUS_ERANGE);
        ck_assert_ptr_null(reader);
        check_back(ring, history, 0);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_history_is_at_most_half_of_the_ring)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = 8;
    options.history = 5;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    options.history = UINT32_MAX;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    options.history = 1;
    options.is_lossy = 1;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    ck_assert_ptr_null(ring);
}
END_TEST

START_TEST(the_history_is_kept_on_every_lap)
{
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;
         producers++)
        for (uint32_t capacity = 2; capacity <= 8; capacity *= 2)
            for (uint32_t history = 1; history <= capacity / 2; history++) {
                struct ringbus_ring *ring = open_kept_at(capacity, history, 50, producers);

                for (int64_t at = 50; at < 50 + 5 * (int64_t)capacity; at++) {
                    publish_number(ring, at);
                    check_back(ring, history, at < 50 + (int64_t)history ? 50 : at + 1 - history);
                }
                ringbus_ring_close(ring);
            }
}
END_TEST

/* A claim that is open may have overwritten nothing of what a reader that joins now is promised. */
START_TEST(the_largest_claim_leaves_the_history_alone)
{
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;
         producers++) {
        struct ringbus_ring *ring = open_kept_at(4, 2, 0, producers);
        const struct ringbus_view view = ringbus_ring_view(ring);
        struct ringbus_reader *reader = NULL;

        for (int64_t at = 0; at < 7; at++)
            publish_number(ring, at);
        reader = open_back(ring, 2);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 7);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        CHECK_RUN(reader, 5, 2u);
        ck_assert_int_eq(*(int64_t *)ringbus_ring_slot(&view, 5), 5);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_reader_that_joined_back_holds_producers_like_any_other)
{
    struct ringbus_ring *ring = open_kept(4, 2);
    struct ringbus_reader *reader = NULL;

    for (int64_t at = 0; at < 9; at++)
        publish_number(ring, at);
    reader = open_back(ring, 2);
    publish_number(ring, 9);
    publish_number(ring, 10);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_RUN(reader, 7, 4u);
    ringbus_reader_commit(reader, 7);
    publish_number(ring, 11);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    ringbus_reader_commit(reader, 10);
    publish_number(ring, 12);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(abandoned_slots_are_part_of_the_history_and_are_stepped_over)
{
    struct ringbus_ring *ring = open_kept(8, 4);
    struct ringbus_reader *reader = NULL;

    publish(ring, 2);
    abandon(ring, 1);
    publish(ring, 1);
    reader = open_back(ring, 3);
    CHECK_RUN(reader, 1, 1u);
    ringbus_reader_commit(reader, 1);
    CHECK_RUN(reader, 3, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_claim_that_is_open_is_waited_for_by_who_joins_behind_it)
{
    struct ringbus_ring *ring = open_kept(8, 4);
    struct ringbus_reader *reader = NULL;

    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 2);
    publish(ring, 1);
    reader = open_back(ring, 2);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 2, 1);
    CHECK_RUN(reader, 2, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_history_is_there_after_the_end)
{
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;
         producers++) {
        struct ringbus_ring *ring = open_kept_at(4, 2, 0, producers);
        struct ringbus_reader *reader = NULL;

        for (int64_t at = 0; at < 5; at++)
            publish_number(ring, at);
        ringbus_ring_end(ring);
        reader = open_back(ring, 2);
        CHECK_RUN(reader, 3, 2u);
        ringbus_reader_commit(reader, 4);
        ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_reader_goes_on_where_a_closed_one_was)
{
    struct ringbus_ring *ring = open_kept(8, 4);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 3);
    CHECK_RUN(reader, 0, 3u);
    ringbus_reader_commit(reader, 0);
    close_reader(reader);
    reader = open_back(ring, 4);
    ringbus_reader_commit(reader, 0);
    CHECK_RUN(reader, 1, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dependent_that_begins_back_waits_for_the_reader_before_it)
{
    struct ringbus_ring *ring = open_kept(8, 4);
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *before = open_reader(ring), *after = NULL;

    publish(ring, 4);
    ringbus_reader_commit(before, 1);
    options.after = &before;
    options.after_count = 1;
    options.back = 4;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &after), RINGBUS_OK);
    CHECK_RUN(after, 0, 2u);
    ringbus_reader_commit(before, 3);
    CHECK_RUN(after, 0, 4u);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- joining while events pass ---- */

static struct ringbus_ring *passed;
static int passes;

/* What happens when the joiner has looked once, and passes its barrier. */
static void
pass_events(void)
{
    for (int64_t at = ringbus_ring_cursor(passed) + 1; passes > 0; passes--, at++)
        if (ringbus_ring_publish_copy(passed, &at, sizeof at, 0) != at)
            break;
    passes = 0;
}

static void
join_while_they_pass(uint32_t producers)
{
    const struct ringbus_view view = ringbus_ring_view(passed);
    struct ringbus_reader *reader = NULL;
    struct ringbus_run run = {0, 0};

    for (int64_t at = 0; at < 11; at++)
        publish_number(passed, at);
    os_watch_begin(0);
    passes = 2;
    ringbus__os.barrier = pass_events;
    reader = open_back(passed, 2);
    os_watch_end();
    MUST(passes == 0 || !os_has_barrier(), "a reader joins without a barrier");
    ck_assert_int_eq(ringbus_reader_position(reader), ringbus_ring_cursor(passed) - 2);
    ck_assert_int_eq(ringbus_reader_poll(reader, UINT32_MAX, &run), RINGBUS_OK);
    ck_assert_uint_eq(run.count, 2);
    for (int64_t at = run.first; at < run.first + 2; at++)
        ck_assert_int_eq(*(int64_t *)ringbus_ring_slot(&view, at), at);
    publish_number(passed, run.first + 2);
    publish_number(passed, run.first + 3);
    ck_assert_int_eq(ringbus_ring_try_claim(passed, 1), RINGBUS_EAGAIN);
    ck_assert_uint_eq(producers, passed->is_single);
    ringbus_ring_close(passed);
}

START_TEST(a_reader_that_joins_back_while_events_pass_is_as_far_back_as_asked)
{
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;
         producers++) {
        passed = open_kept_at(4, 2, 0, producers);
        join_while_they_pass(producers);
    }
}
END_TEST

/* The reader before it began behind the claim, and will never move for it. */
START_TEST(a_dependent_that_begins_before_an_open_claim_is_woken_by_its_publish)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = open_kept(4, 1);
        struct ringbus_reader_options options = ringbus_reader_options_default();
        struct ringbus_reader *before = NULL;
        struct sleeper sleeper = {.ring = ring};

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
        before = open_reader(ring);
        options.after = &before;
        options.after_count = 1;
        options.back = 1;
        options.wait = wait;
        ck_assert_int_eq(ringbus_reader_open(ring, &options, &sleeper.reader), RINGBUS_OK);
        os_watch_begin(0);
        let_sleep(&sleeper, wait_for_run, 1);
        ringbus_ring_publish(ring, 0, 1);
        worker_join(&sleeper.worker, "a dependent");
        ck_assert_int_eq(sleeper.result, RINGBUS_OK);
        ck_assert_int_eq(sleeper.run.first, 0);
        end_watched(ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("history", a_reader_may_begin_so_many_events_back,
        a_reader_begins_with_the_first_event_if_there_are_fewer,
        more_than_the_history_is_out_of_range, a_history_is_at_most_half_of_the_ring,
        the_history_is_kept_on_every_lap, the_largest_claim_leaves_the_history_alone,
        a_reader_that_joined_back_holds_producers_like_any_other,
        abandoned_slots_are_part_of_the_history_and_are_stepped_over,
        a_claim_that_is_open_is_waited_for_by_who_joins_behind_it,
        the_history_is_there_after_the_end, a_reader_goes_on_where_a_closed_one_was,
        a_dependent_that_begins_back_waits_for_the_reader_before_it,
        a_dependent_that_begins_before_an_open_claim_is_woken_by_its_publish,
        a_reader_that_joins_back_while_events_pass_is_as_far_back_as_asked);
}
