/* test_claim.c - what producers get: sequences in order, room that is really there, refusals without a trace. */
#include <string.h>

#include "ring/fixture.h"

START_TEST(claims_are_contiguous_and_grow)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 8, 0, RINGBUS_WAIT_PHASED);

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 1);
        ck_assert_int_eq(ringbus_ring_claim(ring, 1), 4);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 2, 0), 5);
        ck_assert_int_eq(ringbus_ring_cursor(ring), 6);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(claim_is_refused_while_the_slowest_reader_lags)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 4, 0, RINGBUS_WAIT_PHASED);
        struct ringbus_reader *fast = open_reader(ring), *slow = open_reader(ring);

        publish(ring, 4);
        ringbus_reader_commit(fast, 3);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ringbus_reader_commit(slow, 0);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 4);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_refused_claim_leaves_no_trace)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 4, 0, RINGBUS_WAIT_PHASED);
        struct ringbus_reader *reader = open_reader(ring);

        publish(ring, 3);
        for (int i = 0; i < 10; i++) {
            ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), RINGBUS_EAGAIN);
            ck_assert_int_eq(ringbus_ring_claim_until(ring, 2, 0), RINGBUS_ETIMEDOUT);
        }
        ck_assert_int_eq(ringbus_ring_cursor(ring), 2);
        ck_assert_int_eq(publish(ring, 1), 3);
        CHECK_RUN(reader, 0, 4u);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_claim_of_the_whole_ring_needs_the_whole_ring)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 4, 0, RINGBUS_WAIT_PHASED);
        struct ringbus_reader *reader = open_reader(ring);

        ck_assert_int_eq(publish(ring, 4), 0);
        ringbus_reader_commit(reader, 2);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), RINGBUS_EAGAIN);
        ringbus_reader_commit(reader, 3);
        ck_assert_int_eq(publish(ring, 4), 4);
        CHECK_RUN(reader, 4, 4u);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_claim_ends_at_its_deadline_while_there_is_no_room)
{
    FOR_EACH_PRODUCERS(producers)
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 2, 0, wait);
        struct ringbus_reader *reader = open_reader(ring);
        const int64_t deadline = ringbus_now_ns() + 2 * MILLISECOND;

        publish(ring, 2);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, deadline), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(ringbus_now_ns(), deadline);
        ringbus_reader_commit(reader, 0);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, deadline), 2);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_ring_has_room_exactly_when_a_claim_succeeds)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 4, 0, RINGBUS_WAIT_PHASED);
        struct ringbus_reader *reader = open_reader(ring);

        ck_assert(ringbus__ring_has_room(ring, 4, 0));
        publish(ring, 3);
        ck_assert(ringbus__ring_has_room(ring, 1, 0));
        ck_assert(!ringbus__ring_has_room(ring, 2, 0));
        ringbus_reader_commit(reader, 0);
        ck_assert(ringbus__ring_has_room(ring, 2, 0));
        ck_assert(!ringbus__ring_has_room(ring, 3, 0));
        ck_assert_int_eq(ringbus_ring_cursor(ring), 2);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- the previous lap ---- */

START_TEST(two_claims_one_lap_apart_are_never_open_at_once)
{
    FOR_EACH_PRODUCERS(producers)
    {
        struct ringbus_ring *ring = open_ring_of(producers, 4, 0, RINGBUS_WAIT_PHASED);

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
        publish(ring, 3);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ck_assert(!ringbus__ring_has_room(ring, 1, 0));
        ringbus_ring_publish(ring, 0, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 4);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_batch_stops_at_any_slot_whose_last_publish_is_open)
{
    for (int64_t open = 0; open < 4; open++) {
        struct ringbus_ring *ring = open_ring(4);

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 0);
        for (int64_t sequence = 0; sequence < 4; sequence++)
            if (sequence != open)
                ringbus_ring_publish(ring, sequence, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, (uint32_t)open + 1), RINGBUS_EAGAIN);
        if (open > 0)
            ck_assert_int_eq(ringbus_ring_try_claim(ring, (uint32_t)open), 4);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* LMAX's multi-producer ring, which has no consumer: a producer is overtaken by a lap, publishes late, and a
 * consumer that joins then waits for a slot whose mark has gone back. */
START_TEST(a_late_publish_cannot_stall_a_reader_that_joins)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = NULL;
    int64_t next = 0;

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    publish(ring, 1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    reader = open_reader(ring);
    ringbus_ring_publish(ring, 0, 1);
    for (next = 2; next < 8; next++) {
        ck_assert_int_eq(publish(ring, 1), next);
        CHECK_RUN(reader, next, 1u);
        ringbus_reader_commit(reader, next);
    }
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_abandoned_slot_of_the_previous_lap_is_free)
{
    struct ringbus_ring *ring = open_ring(2);

    for (int64_t lap = 0; lap < 5; lap++) {
        ck_assert_int_eq(abandon(ring, 1), 2 * lap);
        ck_assert_int_eq(publish(ring, 1), 2 * lap + 1);
    }
    ringbus_ring_close(ring);
}
END_TEST

/* ---- publish_copy ---- */

START_TEST(a_copy_is_delivered)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);
    const struct ringbus_view view = ringbus_ring_view(ring);

    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "ready", 6, 0), 0);
    CHECK_RUN(reader, 0, 1u);
    ck_assert_str_eq(ringbus_ring_slot(&view, 0), "ready");
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_copy_of_nothing_is_an_event)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_publish_copy(ring, NULL, 0, 0), 0);
    CHECK_RUN(reader, 0, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_copy_larger_than_a_slot_claims_nothing)
{
    unsigned char bytes[64] = {0};
    struct ringbus_ring *ring = open_ring(2);

    ck_assert_int_eq(ringbus_ring_publish_copy(ring, bytes, 49, 0), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, bytes, SIZE_MAX, 0), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_ring_cursor(ring), -1);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, bytes, 48, 0), 0);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_copy_without_room_ends_at_its_deadline)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "x", 1, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 1);
    CHECK_RUN(reader, 0, 2u);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "x", 1, 0), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- where the sequences begin ---- */

/* The same story, told from `first` on: batches, an abandoned slot, a refusal, two readers in a row, three laps. */
static void
tell_from(int64_t first)
{
    struct ringbus_ring *ring = open_ring_at(4, first, RINGBUS_WAIT_PHASED);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);
    const int64_t end = first + 12;

    ck_assert_int_eq(ringbus_ring_cursor(ring), first - 1);
    for (int64_t at = first; at < end; at += 4) {
        ck_assert_int_eq(publish(ring, 2), at);
        ck_assert_int_eq(abandon(ring, 1), at + 2);
        ck_assert_int_eq(publish(ring, 1), at + 3);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        CHECK_NOTHING(after);
        CHECK_RUN(before, at, 2u);
        ringbus_reader_commit(before, at + 1);
        CHECK_RUN(before, at + 3, 1u);
        CHECK_RUN(after, at, 2u);
        ringbus_reader_commit(before, at + 3);
        ringbus_reader_commit(after, at + 1);
        CHECK_RUN(after, at + 3, 1u);
        ringbus_reader_commit(after, at + 3);
        ck_assert_int_eq(ringbus_reader_position(after), at + 3);
    }
    ringbus_ring_end(ring);
    ck_assert_int_eq(poll_outcome(after), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_cursor(ring), end - 1);
    ringbus_ring_close(ring);
}

START_TEST(sequences_may_begin_anywhere)
{
    static const int64_t near[] = {
        8, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 33, INT64_C(1) << 61};

    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        for (int64_t first = near[i] - 8; first <= near[i]; first++)
            tell_from(first);
    for (int64_t first = (INT64_C(1) << 62) - 8; first <= INT64_C(1) << 62; first++)
        tell_from(first);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("claim", claims_are_contiguous_and_grow,
        claim_is_refused_while_the_slowest_reader_lags, a_refused_claim_leaves_no_trace,
        a_claim_of_the_whole_ring_needs_the_whole_ring,
        a_claim_ends_at_its_deadline_while_there_is_no_room,
        a_ring_has_room_exactly_when_a_claim_succeeds,
        two_claims_one_lap_apart_are_never_open_at_once,
        a_batch_stops_at_any_slot_whose_last_publish_is_open,
        a_late_publish_cannot_stall_a_reader_that_joins,
        an_abandoned_slot_of_the_previous_lap_is_free, a_copy_is_delivered,
        a_copy_of_nothing_is_an_event, a_copy_larger_than_a_slot_claims_nothing,
        a_copy_without_room_ends_at_its_deadline, sequences_may_begin_anywhere);
}
