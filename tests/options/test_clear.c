/* test_clear.c - the hook that is called once for each event behind its last reader. */
#include "options/clear.h"

START_TEST(an_event_is_cleared_when_its_last_reader_has_passed_it)
{
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *fast = open_reader(ring), *slow = open_reader(ring);

    publish_numbers(ring, 3);
    ringbus_reader_commit(fast, 2);
    CHECK_NONE_CLEARED();
    ringbus_reader_commit(slow, 0);
    CHECK_CLEARED(0);
    ringbus_reader_commit(slow, 1);
    CHECK_CLEARED(0, 1);
    publish_numbers(ring, 2);
    ringbus_reader_commit(slow, 4);
    CHECK_CLEARED(0, 1, 2);
    ringbus_reader_commit(fast, 4);
    CHECK_CLEARED(0, 1, 2, 3, 4);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1, 2, 3, 4);
}
END_TEST

START_TEST(an_event_is_cleared_behind_the_last_stage)
{
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);

    publish_numbers(ring, 2);
    ringbus_reader_commit(before, 1);
    CHECK_NONE_CLEARED();
    ringbus_reader_commit(after, 0);
    CHECK_CLEARED(0);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1);
}
END_TEST

START_TEST(abandoned_slots_are_not_cleared)
{
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *reader = open_reader(ring);

    abandon(ring, 1);
    publish_number(ring);
    abandon(ring, 2);
    ringbus_reader_commit(reader, 1);
    CHECK_CLEARED(1);
    CHECK_NOTHING(reader);
    publish_number(ring);
    abandon(ring, 1);
    ringbus_ring_close(ring);
    CHECK_CLEARED(1, 4);
}
END_TEST

START_TEST(without_readers_events_are_cleared_before_they_are_overwritten)
{
    struct ringbus_ring *ring = open_clearing(2);

    publish_numbers(ring, 7);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1, 2, 3, 4, 5, 6);
}
END_TEST

START_TEST(an_event_that_is_not_published_is_not_cleared)
{
    struct ringbus_ring *ring = open_clearing(4);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    publish_numbers(ring, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_NONE_CLEARED();
    fill(ring, 0);
    ringbus_ring_publish(ring, 0, 1);
    publish_number(ring);
    CHECK_CLEARED(0, 1, 2, 3);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1, 2, 3, 4);
}
END_TEST

START_TEST(closing_the_ring_clears_all_that_stands_in_it_also_behind_a_claim_that_is_open)
{
    struct ringbus_ring *ring = open_clearing(4);

    publish_number(ring);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 1);
    publish_numbers(ring, 2);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 2, 3);
}
END_TEST

START_TEST(closing_the_ring_clears_what_readers_have_not_passed)
{
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *reader = open_reader(ring);

    publish_numbers(ring, 3);
    ringbus_reader_commit(reader, 0);
    ringbus_ring_end(ring);
    CHECK_CLEARED(0);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1, 2);
}
END_TEST

START_TEST(a_reader_that_leaves_lets_its_events_be_cleared)
{
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *fast = open_reader(ring), *slow = open_reader(ring);

    publish_numbers(ring, 3);
    ringbus_reader_commit(fast, 1);
    close_reader(slow);
    CHECK_CLEARED(0, 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_history_is_not_cleared)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *reader = NULL;

    options.capacity = 8;
    options.history = 2;
    ring = open_clearing_with(options);
    reader = open_reader(ring);
    publish_numbers(ring, 5);
    ringbus_reader_commit(reader, 4);
    CHECK_CLEARED(0, 1, 2);
    publish_number(ring);
    ringbus_reader_commit(reader, 5);
    CHECK_CLEARED(0, 1, 2, 3);
    ringbus_ring_close(ring);
    CHECK_CLEARED(0, 1, 2, 3, 4, 5);
}
END_TEST

START_TEST(claims_may_be_nested_over_the_history_of_a_ring_that_clears)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = 8;
    options.history = 4;
    ring = open_clearing_with(options);
    publish_numbers(ring, 12);
    for (int64_t at = 12; at < 16; at++)
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), at);
    for (int64_t at = 12; at < 16; at++) {
        fill(ring, at);
        ringbus_ring_publish(ring, at, 1);
    }
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u32(&cleared.count, ORDER_COUNT), 16);
}
END_TEST

START_TEST(a_hook_needs_a_ring_that_loses_nothing)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.is_lossy = 1;
    options.clear = note_cleared;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    ck_assert_ptr_null(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("clear", an_event_is_cleared_when_its_last_reader_has_passed_it,
        an_event_is_cleared_behind_the_last_stage, abandoned_slots_are_not_cleared,
        without_readers_events_are_cleared_before_they_are_overwritten,
        an_event_that_is_not_published_is_not_cleared,
        closing_the_ring_clears_all_that_stands_in_it_also_behind_a_claim_that_is_open,
        closing_the_ring_clears_what_readers_have_not_passed,
        a_reader_that_leaves_lets_its_events_be_cleared, the_history_is_not_cleared,
        claims_may_be_nested_over_the_history_of_a_ring_that_clears,
        a_hook_needs_a_ring_that_loses_nothing);
}
