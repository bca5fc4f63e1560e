/* test_end.c - the end of the line, what may still pass on a restricted one, and a line that is opened again. */
#include "ring/fixture.h"

START_TEST(nothing_can_be_claimed_after_the_end)
{
    struct ringbus_ring *ring = open_ring(4);

    publish(ring, 1);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, 0), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 0);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_full_line_that_has_ended_says_so)
{
    struct ringbus_ring *ring = open_ring(2);

    open_reader(ring);
    publish(ring, 2);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_was_claimed_before_the_end_is_delivered_and_then_the_end)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    publish(ring, 1);
    ringbus_ring_end(ring);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 0, 2);
    CHECK_RUN(reader, 0, 3u);
    CHECK_RUN(reader, 0, 3u);
    ringbus_reader_commit(reader, 1);
    CHECK_RUN(reader, 2, 1u);
    ringbus_reader_commit(reader, 2);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_claim_abandoned_after_the_end_is_the_end)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    ringbus_ring_end(ring);
    CHECK_NOTHING(reader);
    ringbus_ring_abandon(ring, 0, 2);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_empty_line_ends_at_once)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);
    struct ringbus_run run;

    ringbus_ring_end(ring);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(
        ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(ending_again_changes_nothing)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 1);
    ringbus_ring_end(ring);
    ringbus_ring_end(ring);
    CHECK_RUN(reader, 0, 1u);
    ringbus_reader_commit(reader, 0);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_that_joins_after_the_end_is_at_the_end)
{
    struct ringbus_ring *ring = open_ring(4);

    publish(ring, 2);
    ringbus_ring_end(ring);
    ck_assert_int_eq(poll_outcome(open_reader(ring)), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 1);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- restrict, reopen, cut ---- */

START_TEST(a_restricted_line_is_closed_to_those_without_a_pass)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    ringbus__ring_restrict(ring);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 2, 0, true), 0);
    ck_assert(ringbus__ring_is_closed(ring, false));
    ck_assert(!ringbus__ring_is_closed(ring, true));
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 0, 2);
    CHECK_RUN(reader, 0, 2u);
    ringbus_reader_commit(reader, 1);
    CHECK_NOTHING(reader); /* restricted, not ended */
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_pass_does_not_make_room)
{
    struct ringbus_ring *ring = open_ring(2);

    open_reader(ring);
    publish(ring, 2);
    ringbus__ring_restrict(ring);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), RINGBUS_EAGAIN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_pass_is_void_after_the_end)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    ringbus__ring_restrict(ring);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), 0);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), RINGBUS_ESHUTDOWN);
    ck_assert(ringbus__ring_is_closed(ring, true));
    ringbus_ring_publish(ring, 0, 1);
    CHECK_RUN(reader, 0, 1u);
    ringbus_reader_commit(reader, 0);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_sequences_of_a_restricted_line_have_no_mark)
{
    struct ringbus_ring *ring = open_ring(4);

    publish(ring, 3);
    ringbus__ring_restrict(ring);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 2);
    ck_assert_int_eq(ringbus__ring_next(ring), 3);
    ck_assert_int_eq(ringbus__ring_cut(ring), 3);
    ck_assert_int_eq(ringbus_reader_position(open_reader(ring)), 2);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_line_opened_again_goes_on_where_it_ended)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);

    for (int64_t life = 0; life < 5; life++) {
        ck_assert_int_eq(publish(ring, 2), 2 * life);
        ringbus_ring_end(ring);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
        CHECK_RUN(reader, 2 * life, 2u);
        ringbus_reader_commit(reader, 2 * life + 1);
        ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
        ringbus__ring_reopen(ring);
        CHECK_NOTHING(reader);
    }
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_line_opened_again_can_be_restricted_without_an_end)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);

    ringbus_ring_end(ring);
    ringbus__ring_reopen(ring);
    ringbus__ring_restrict(ring);
    CHECK_NOTHING(reader);
    ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_cut_is_the_first_unclaimed_sequence)
{
    struct ringbus_ring *ring = open_ring(4);

    ck_assert_int_eq(ringbus__ring_cut(ring), 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 0);
    ck_assert_int_eq(ringbus__ring_cut(ring), 3);
    ck_assert_int_eq(ringbus__ring_cut(ring), 3);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 2);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_ring_is_idle_when_all_readers_have_finished_all_claims)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *one = open_reader(ring), *other = open_reader(ring);

    ck_assert(ringbus__ring_is_idle(ring));
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    ck_assert(!ringbus__ring_is_idle(ring));
    ringbus_ring_publish(ring, 0, 2);
    ringbus_reader_commit(one, 1);
    ck_assert(!ringbus__ring_is_idle(ring));
    ringbus_reader_commit(other, 0);
    ck_assert(!ringbus__ring_is_idle(ring));
    ringbus_reader_commit(other, 1);
    ck_assert(ringbus__ring_is_idle(ring));
    ringbus_ring_close(ring);
}
END_TEST

/* Whoever is refused because the line is closed sees what was written before it was closed. */
struct closing {
    struct ringbus_ring *ring;
    struct atomic_u32 round, refused;
    uint32_t reason; /* plain: ThreadSanitizer looks at it too */
    uint32_t rounds;
};

static void
claim_until_refused(void *context)
{
    struct closing *closing = context;

    for (uint32_t round = 1; round <= closing->rounds; round++) {
        AWAIT(load_u32(&closing->round, TEST_ACQUIRE) >= round);
        for (;;) {
            const int64_t sequence = ringbus_ring_try_claim(closing->ring, 1);

            if (sequence == RINGBUS_ESHUTDOWN)
                break;
            if (sequence >= 0)
                ringbus_ring_publish(closing->ring, sequence, 1);
        }
        MUST(closing->reason == round, "the reason is %u in round %u", closing->reason, round);
        add_u32(&closing->refused, 1, TEST_RELEASE);
    }
}

START_TEST(a_refused_claim_sees_what_was_done_before_the_line_was_closed)
{
    enum { PRODUCERS = 3 };
    struct closing closing = {.ring = open_ring(1024), .rounds = (uint32_t)scaled(3000)};
    struct worker workers[PRODUCERS];

    for (int i = 0; i < PRODUCERS; i++)
        worker_start(&workers[i], claim_until_refused, &closing);
    for (uint32_t round = 1; round <= closing.rounds; round++) {
        store_u32(&closing.round, round, TEST_RELEASE);
        for (uint32_t pauses = round % 512; pauses > 0; pauses--)
            cpu_pause();
        closing.reason = round;
        ringbus__ring_restrict(closing.ring);
        AWAIT(load_u32(&closing.refused, TEST_ACQUIRE) == round * PRODUCERS);
        ringbus__ring_reopen(closing.ring);
    }
    for (int i = 0; i < PRODUCERS; i++)
        worker_join(&workers[i], "a producer");
    ringbus_ring_close(closing.ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("end", nothing_can_be_claimed_after_the_end,
        a_full_line_that_has_ended_says_so,
        what_was_claimed_before_the_end_is_delivered_and_then_the_end,
        a_claim_abandoned_after_the_end_is_the_end, an_empty_line_ends_at_once,
        ending_again_changes_nothing, a_reader_that_joins_after_the_end_is_at_the_end,
        a_restricted_line_is_closed_to_those_without_a_pass, a_pass_does_not_make_room,
        a_pass_is_void_after_the_end, the_sequences_of_a_restricted_line_have_no_mark,
        a_line_opened_again_goes_on_where_it_ended,
        a_line_opened_again_can_be_restricted_without_an_end, a_cut_is_the_first_unclaimed_sequence,
        a_ring_is_idle_when_all_readers_have_finished_all_claims,
        a_refused_claim_sees_what_was_done_before_the_line_was_closed);
}
