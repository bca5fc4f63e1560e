/* test_poll.c - what a reader finds: runs of events, where they end, and slots that hold none. */
#include "ring/fixture.h"

START_TEST(a_new_ring_has_nothing_to_read)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    CHECK_NOTHING(reader);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_run_holds_all_that_is_published)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 1);
    CHECK_RUN(reader, 0, 1u);
    publish(ring, 4);
    CHECK_RUN(reader, 0, 5u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_run_is_at_most_as_long_as_asked)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 8);
    for (uint32_t max = 1; max <= 8; max++)
        CHECK_RUN_OF(reader, max, 0, max);
    CHECK_RUN_OF(reader, 9, 0, 8u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_run_ends_at_a_claim_that_is_not_published)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 2);
    publish(ring, 3);
    CHECK_RUN(reader, 0, 2u);
    ringbus_reader_commit(reader, 1);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 2, 1);
    CHECK_RUN(reader, 2, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_run_goes_on_over_the_end_of_the_memory)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 3);
    ringbus_reader_commit(reader, 2);
    publish(ring, 4);
    CHECK_RUN(reader, 3, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_batch_may_be_published_in_parts_and_backwards)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 0);
    ringbus_ring_publish(ring, 3, 1);
    ringbus_ring_publish(ring, 1, 2);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 0, 1);
    CHECK_RUN(reader, 0, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_is_not_committed_is_found_again)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 3);
    CHECK_RUN(reader, 0, 3u);
    ringbus_reader_commit(reader, -1);
    CHECK_RUN(reader, 0, 3u);
    ringbus_reader_commit(reader, 0);
    CHECK_RUN(reader, 1, 2u);
    ringbus_reader_commit(reader, 2);
    CHECK_NOTHING(reader);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(committing_again_changes_nothing)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 2);
    ringbus_reader_commit(reader, 1);
    ringbus_reader_commit(reader, 1);
    ck_assert_int_eq(ringbus_reader_position(reader), 1);
    publish(ring, 1);
    CHECK_RUN(reader, 2, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_position_is_the_last_sequence_finished)
{
    struct ringbus_ring *ring = open_ring_at(4, 100, RINGBUS_WAIT_PHASED);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_reader_position(reader), 99);
    publish(ring, 2);
    CHECK_RUN(reader, 100, 2u);
    ck_assert_int_eq(ringbus_reader_position(reader), 99);
    ringbus_reader_commit(reader, 101);
    ck_assert_int_eq(ringbus_reader_position(reader), 101);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_failed_poll_leaves_the_callers_run_alone)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);
    struct ringbus_run run = {77, 7};

    ck_assert_int_eq(ringbus_reader_poll(reader, 1, &run), RINGBUS_EAGAIN);
    ck_assert_int_eq(run.first, 77);
    ck_assert_uint_eq(run.count, 7);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- abandoned slots ---- */

/* Four sequences, of which those in `abandoned` (bit i: sequence i) are given back. */
static struct ringbus_ring *
ring_with_abandoned(unsigned abandoned, struct ringbus_reader **ret_reader)
{
    struct ringbus_ring *ring = open_ring(4);

    *ret_reader = open_reader(ring);
    for (unsigned i = 0; i < 4; i++)
        if (abandoned >> i & 1)
            abandon(ring, 1);
        else
            publish(ring, 1);
    return ring;
}

START_TEST(an_abandoned_slot_at_the_beginning_is_stepped_over)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = ring_with_abandoned(1 << 0, &reader);

    CHECK_RUN(reader, 1, 3u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_abandoned_slot_in_the_middle_ends_the_run)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = ring_with_abandoned(1 << 1, &reader);

    CHECK_RUN(reader, 0, 1u);
    ringbus_reader_commit(reader, 0);
    CHECK_RUN(reader, 2, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_abandoned_slot_at_the_end_is_finished_by_the_next_poll)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = ring_with_abandoned(1 << 3, &reader);

    CHECK_RUN(reader, 0, 3u);
    ringbus_reader_commit(reader, 2);
    CHECK_NOTHING(reader);
    ck_assert_int_eq(ringbus_reader_position(reader), 3);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_ring_full_of_abandoned_slots_is_freed_by_one_poll)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = ring_with_abandoned(0xf, &reader);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_NOTHING(reader);
    ck_assert_int_eq(publish(ring, 4), 4);
    CHECK_RUN(reader, 4, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(every_pattern_of_abandoned_slots_delivers_exactly_the_others)
{
    for (unsigned abandoned = 0; abandoned < 16; abandoned++) {
        struct ringbus_reader *reader = NULL;
        struct ringbus_ring *ring = ring_with_abandoned(abandoned, &reader);
        struct ringbus_run run;
        unsigned seen = 0;

        while (ringbus_reader_poll(reader, 1, &run) == RINGBUS_OK) {
            seen |= 1u << run.first;
            ringbus_reader_commit(reader, run.first);
        }
        ck_assert_uint_eq(seen, ~abandoned & 0xf);
        ck_assert_int_eq(ringbus_reader_position(reader), 3);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(slots_stepped_over_are_not_free_before_the_run_behind_them_is_committed)
{
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = ring_with_abandoned(1 << 0, &reader);

    CHECK_RUN(reader, 1, 3u);
    ringbus_reader_commit(reader, 0); /* the run's first - 1 */
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), RINGBUS_EAGAIN);
    ck_assert_int_eq(publish(ring, 1), 4);
    CHECK_RUN(reader, 1, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_batch_may_be_abandoned_in_parts)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 6), 0);
    ringbus_ring_abandon(ring, 4, 2);
    ringbus_ring_publish(ring, 2, 2);
    ringbus_ring_abandon(ring, 0, 2);
    CHECK_RUN(reader, 2, 2u);
    ringbus_reader_commit(reader, 3);
    CHECK_NOTHING(reader);
    ck_assert_int_eq(ringbus_reader_position(reader), 5);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- why there is nothing ---- */

START_TEST(the_state_of_a_reader_says_why_there_is_nothing)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);

    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_IDLE);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_IDLE);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_IDLE);
    ringbus_ring_publish(ring, 0, 1);
    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_PROCESSING);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_GATING);
    ringbus_reader_commit(before, 0);
    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_IDLE);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_PROCESSING);
    ringbus_reader_commit(after, 0);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_IDLE);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(abandoned_slots_are_not_what_a_reader_is_idle_or_gated_for)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);

    abandon(ring, 2);
    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_IDLE);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_IDLE);
    publish(ring, 1);
    ck_assert_int_eq(ringbus_reader_state(before), RINGBUS_READER_PROCESSING);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_GATING);
    abandon(ring, 1);
    ringbus_reader_commit(before, 2);
    ringbus_reader_commit(after, 2);
    ck_assert_int_eq(ringbus_reader_state(after), RINGBUS_READER_IDLE);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_look_at_the_state_changes_nothing)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    abandon(ring, 1);
    publish(ring, 3);
    ck_assert_int_eq(ringbus_reader_state(reader), RINGBUS_READER_PROCESSING);
    ck_assert_int_eq(ringbus_reader_position(reader), -1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_RUN(reader, 1, 3u);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("poll", a_new_ring_has_nothing_to_read, a_run_holds_all_that_is_published,
        a_run_is_at_most_as_long_as_asked, a_run_ends_at_a_claim_that_is_not_published,
        a_run_goes_on_over_the_end_of_the_memory, a_batch_may_be_published_in_parts_and_backwards,
        what_is_not_committed_is_found_again, committing_again_changes_nothing,
        the_position_is_the_last_sequence_finished, a_failed_poll_leaves_the_callers_run_alone,
        an_abandoned_slot_at_the_beginning_is_stepped_over,
        an_abandoned_slot_in_the_middle_ends_the_run,
        an_abandoned_slot_at_the_end_is_finished_by_the_next_poll,
        a_ring_full_of_abandoned_slots_is_freed_by_one_poll,
        every_pattern_of_abandoned_slots_delivers_exactly_the_others,
        slots_stepped_over_are_not_free_before_the_run_behind_them_is_committed,
        a_batch_may_be_abandoned_in_parts, the_state_of_a_reader_says_why_there_is_nothing,
        abandoned_slots_are_not_what_a_reader_is_idle_or_gated_for,
        a_look_at_the_state_changes_nothing);
}
