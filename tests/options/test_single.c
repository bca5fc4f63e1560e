/* test_single.c - one producer, whose claims are plain stores: the same promises, and the end amid a claim. */
#include "ring/fixture.h"

static struct ringbus_ring *
open_single_at(uint32_t capacity, int64_t first, uint32_t wait)
{
    return open_ring_of(RINGBUS_PRODUCERS_SINGLE, capacity, first, wait);
}

static struct ringbus_ring *
open_single(uint32_t capacity)
{
    return open_single_at(capacity, 0, RINGBUS_WAIT_PHASED);
}

START_TEST(sequences_of_one_producer_may_begin_anywhere)
{
    static const int64_t near[] = {1, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 62};

    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        struct ringbus_ring *ring = open_single_at(2, near[i] - 1, RINGBUS_WAIT_PHASED);
        struct ringbus_reader *reader = open_reader(ring);

        for (int64_t at = near[i] - 1; at < near[i] + 9; at += 2) {
            ck_assert_int_eq(publish(ring, 1), at);
            ck_assert_int_eq(publish(ring, 1), at + 1);
            ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
            CHECK_RUN(reader, at, 2u);
            ringbus_reader_commit(reader, at + 1);
        }
        ringbus_ring_end(ring);
        ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- nested claims ---- */

/* LMAX#477: the bound is what was claimed, and a slot that wraps is exposed before it is filled. */
START_TEST(nested_claims_are_seen_only_when_published)
{
    struct ringbus_ring *ring = open_single(4);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    ringbus_ring_publish(ring, 2, 2);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 1, 1);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 0, 1);
    CHECK_RUN(reader, 0, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(nested_claims_never_meet_in_a_slot_without_readers)
{
    struct ringbus_ring *ring = open_single(2);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    for (int64_t lap = 0; lap < 6; lap += 2) {
        ck_assert_int_eq(publish(ring, 1), lap + 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ringbus_ring_publish(ring, lap, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), lap + 2);
    }
    ringbus_ring_close(ring);
}
END_TEST

/* Its position passes what is open, though it has seen none of it published: at its first place and at the one where it
 * begins at last, before a reader that has seen more, and after one that has left. */
START_TEST(a_reader_that_joins_behind_an_open_claim_does_not_free_its_slot)
{
    for (int way = 0; way < 3; way++) {
        struct ringbus_ring *ring = open_single(4);
        struct ringbus_reader *other = way == 1 ? open_reader(ring) : NULL;
        struct ringbus_reader *reader = NULL;

        ck_assert_int_eq(publish(ring, 1), 0);
        if (other != NULL)
            ringbus_reader_commit(other, 0);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 1);
        reader = open_reader(ring);
        if (other != NULL)
            close_reader(other);
        if (way == 2)
            close_reader(reader);
        ck_assert_int_eq(publish(ring, 2), 2);
        ck_assert_int_eq(publish(ring, 1), 4);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ringbus_ring_publish(ring, 1, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 5);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_batch_of_one_producer_stops_at_any_open_slot)
{
    for (int64_t open = 0; open < 4; open++) {
        struct ringbus_ring *ring = open_single(4);

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

static void
publish_first(void *context)
{
    ringbus_ring_publish(context, 0, 1);
}

START_TEST(a_claim_may_be_published_by_another_thread_while_the_producer_waits_for_it)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_single_at(2, 0, wait);
        struct worker worker;

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
        publish(ring, 1);
        worker_start(&worker, publish_first, ring);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, patience_ends()), 2);
        worker_join(&worker, "who publishes for another");
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- joining ---- */

START_TEST(a_reader_of_one_producer_sees_what_is_claimed_after_it_has_joined)
{
    struct ringbus_ring *ring = open_single(2);
    struct ringbus_reader *reader = NULL;

    for (int64_t next = 0; next < 10; next += 4) {
        publish(ring, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), next + 1);
        reader = open_reader(ring);
        ringbus_ring_publish(ring, next + 1, 1);
        CHECK_NOTHING(reader);
        publish(ring, 2);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        CHECK_RUN(reader, next + 2, 2u);
        close_reader(reader);
    }
    ringbus_ring_close(ring);
}
END_TEST

static struct ringbus_ring *joined;

static void
publish_while_there_is_room(void)
{
    for (int64_t at = 0; (at = ringbus_ring_try_claim(joined, 1)) >= 0;)
        ringbus_ring_publish(joined, at, 1);
    ringbus__os.barrier = os_real()->barrier;
}

START_TEST(one_producer_that_goes_on_while_a_reader_joins_does_not_lap_it)
{
    struct ringbus_reader *reader = NULL;

    joined = open_single(2);
    os_watch_begin(0);
    ringbus__os.barrier = publish_while_there_is_room;
    reader = open_reader(joined);
    os_watch_end();
    ck_assert_int_eq(ringbus_reader_position(reader), ringbus_ring_cursor(joined));
    publish(joined, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(joined, 1), RINGBUS_EAGAIN);
    CHECK_RUN(reader, ringbus_ring_cursor(joined) - 1, 2u);
    ringbus_ring_close(joined);
}
END_TEST

/* ---- the end ---- */

START_TEST(one_producers_line_ends_after_what_was_claimed)
{
    struct ringbus_ring *ring = open_single(4);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    ringbus_ring_end(ring);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, 0), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "x", 1, 0), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 1);
    CHECK_NOTHING(reader);
    ringbus_ring_publish(ring, 0, 1);
    CHECK_RUN(reader, 0, 1u);
    ringbus_reader_commit(reader, 0);
    CHECK_NOTHING(reader);
    ringbus_ring_abandon(ring, 1, 1);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(poll_outcome(reader), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(poll_outcome(open_reader(ring)), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(one_producer_that_waits_for_room_is_told_the_end)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_single_at(2, 0, wait);
        struct sleeper sleeper = {.ring = ring};

        open_reader(ring);
        publish(ring, 2);
        ringbus_ring_hand_over(ring);
        worker_start(&sleeper.worker, claim_one, &sleeper);
        ringbus_ring_end(ring);
        worker_join(&sleeper.worker, "a producer that waits for room");
        ck_assert_int_eq(sleeper.result, RINGBUS_ESHUTDOWN);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* The end comes in the midst of a claim of two, and who joins or falls asleep then. */
static struct late {
    struct ringbus_ring *ring;
    struct ringbus_reader *before, *after, *joined;
    int64_t result;
    int told; /* what `before` finds when the line has ended */
    bool has_slept;
} late;

static void
claim_two(void *context)
{
    (void)context;
    late.result = ringbus_ring_try_claim(late.ring, 2);
}

static void
end_and_sleep(void *context)
{
    (void)context;
    ringbus_ring_end(late.ring);
    late.joined = open_reader(late.ring);
    late.told = poll_outcome(late.before);
    ringbus__reader_arm(late.after);
    late.has_slept = poll_outcome(late.after) == RINGBUS_EAGAIN;
}

static bool
end_at_step(uint64_t nth)
{
    bool has_more = false;

    late = (struct late){.ring = open_single(4)};
    late.before = open_reader(late.ring);
    late.after = open_reader_after(late.ring, RINGBUS_WAIT_BLOCK, &late.before, 1);
    has_more = act_at_step(nth, claim_two, NULL, end_and_sleep, NULL);
    if (late.joined == NULL)
        end_and_sleep(NULL);
    return has_more;
}

START_TEST(one_producer_that_waits_for_an_open_slot_is_told_the_end)
{
    struct ringbus_ring *ring = open_single(2);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    ck_assert_int_eq(publish(ring, 1), 1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    ringbus_ring_end(ring);
    ck_assert_int_eq(ringbus_ring_claim(ring, 1), RINGBUS_ESHUTDOWN);
    (void)ringbus__ring_has_room(ring, 1, 0); /* looks at the gate anew */
    ck_assert_int_eq(ringbus_ring_claim(ring, 1), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_claim_the_end_comes_in_the_midst_of_stands_or_is_void)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        has_more = end_at_step(nth);
        if (late.result == 0) {
            ck_assert_int_eq(late.told, RINGBUS_EAGAIN);
            CHECK_NOTHING(late.before);
            ringbus_ring_publish(late.ring, 0, 2);
            CHECK_RUN(late.before, 0, 2u);
            ringbus_reader_commit(late.before, 1);
            ringbus_reader_commit(late.after, 1);
        } else
            ck_assert_int_eq(late.result, RINGBUS_ESHUTDOWN);
        /* Who was told the end does not look again; who was not, is told now. */
        if (late.told != RINGBUS_ESHUTDOWN)
            ck_assert_int_eq(poll_outcome(late.before), RINGBUS_ESHUTDOWN);
        ck_assert(!late.has_slept || load_u32(&late.after->asleep, ORDER_HINT) == 0);
        ck_assert_int_eq(poll_outcome(late.after), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(poll_outcome(late.before), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(poll_outcome(late.joined), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(ringbus_ring_try_claim(late.ring, 1), RINGBUS_ESHUTDOWN);
        ringbus_ring_close(late.ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("single", sequences_of_one_producer_may_begin_anywhere,
        nested_claims_are_seen_only_when_published,
        nested_claims_never_meet_in_a_slot_without_readers,
        a_reader_that_joins_behind_an_open_claim_does_not_free_its_slot,
        a_batch_of_one_producer_stops_at_any_open_slot,
        a_claim_may_be_published_by_another_thread_while_the_producer_waits_for_it,
        a_reader_of_one_producer_sees_what_is_claimed_after_it_has_joined,
        one_producer_that_goes_on_while_a_reader_joins_does_not_lap_it,
        one_producers_line_ends_after_what_was_claimed,
        one_producer_that_waits_for_room_is_told_the_end,
        one_producer_that_waits_for_an_open_slot_is_told_the_end,
        a_claim_the_end_comes_in_the_midst_of_stands_or_is_void);
}
