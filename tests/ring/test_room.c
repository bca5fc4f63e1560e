/* test_room.c - producers that sleep for room, and what wakes them. */
#include "ring/fixture.h"

START_TEST(a_sleeping_producer_is_woken_by_a_commit)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader(ring);
        struct sleeper sleeper = {.ring = ring};

        publish(ring, 2);
        let_sleep(&sleeper, claim_one, 1);
        ringbus_reader_commit(reader, 0);
        worker_join(&sleeper.worker, "a producer");
        ck_assert_int_eq(sleeper.result, 2);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_by_the_slowest_reader_that_leaves)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader(ring);
        struct sleeper sleeper = {.ring = ring};

        publish(ring, 2);
        let_sleep(&sleeper, claim_one, 1);
        close_reader(reader);
        worker_join(&sleeper.worker, "a producer");
        ck_assert_int_eq(sleeper.result, 2);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_by_a_poll_that_steps_over_abandoned_slots)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_reader(ring);
    struct sleeper sleeper = {.ring = ring};

    abandon(ring, 2);
    let_sleep(&sleeper, claim_one, 1);
    CHECK_NOTHING(reader);
    worker_join(&sleeper.worker, "a producer");
    ck_assert_int_eq(sleeper.result, 2);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_by_the_publish_of_the_previous_lap)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleeper = {.ring = ring};

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
        let_sleep(&sleeper, claim_one, 1);
        ringbus_ring_publish(ring, 1, 1);
        AWAIT(os_watch_sleeps() >= 2);
        ringbus_ring_abandon(ring, 0, 1);
        worker_join(&sleeper.worker, "a producer");
        ck_assert_int_eq(sleeper.result, 2);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_by_the_end)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleepers[2] = {{.ring = ring}, {.ring = ring}};

        open_reader(ring);
        publish(ring, 2);
        let_sleep(&sleepers[0], claim_one, 1);
        let_sleep(&sleepers[1], claim_one, 2);
        ringbus_ring_end(ring);
        for (int i = 0; i < 2; i++) {
            worker_join(&sleepers[i].worker, "a producer");
            ck_assert_int_eq(sleepers[i].result, RINGBUS_ESHUTDOWN);
        }
        ck_assert_int_eq(ringbus_ring_cursor(ring), 1);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_wait_for_room_with_a_pass_ends_at_its_deadline_on_a_restricted_line)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader(ring);
        int outcome = RINGBUS_OK;

        publish(ring, 2);
        ringbus__ring_restrict(ring);
        for (const int64_t until = patience_ends(); outcome == RINGBUS_OK;) {
            outcome = ringbus__ring_wait_room(ring, 1, 0, true, ringbus_now_ns() + 5 * MILLISECOND);
            await_step(until, "the deadline of a wait for room", __FILE__, __LINE__);
        }
        ck_assert_int_eq(outcome, RINGBUS_ETIMEDOUT);
        ringbus_reader_commit(reader, 0);
        ck_assert_int_eq(ringbus__ring_wait_room(ring, 1, 0, true, RINGBUS_FOREVER), RINGBUS_OK);
        ck_assert_int_eq(ringbus__ring_claim_now(ring, 1, 0, true), 2);
        ringbus_ring_end(ring);
        ck_assert_int_eq(ringbus__ring_wait_room(ring, 1, 0, true, RINGBUS_FOREVER), RINGBUS_OK);
        end_watched(ring);
    }
}
END_TEST

static struct ringbus_reader *slowest;
static int64_t unpublished;

static void
commit_meanwhile(void)
{
    if (ringbus_reader_position(slowest) < 0)
        ringbus_reader_commit(slowest, 0);
}

/* What happens when a producer has found no room, and looks at the clock before it announces its sleep. */
static int64_t
commit_and_tell_time(void)
{
    commit_meanwhile();
    return os_real()->now_ns();
}

START_TEST(room_that_is_made_after_a_producer_has_looked_is_found_before_it_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);

    slowest = open_reader(ring);
    publish(ring, 2);
    ringbus__os.now_ns = commit_and_tell_time;
    ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, patience_ends()), 2);
    ck_assert_uint_eq(os_watch_sleeps(), 0);
    end_watched(ring);
}
END_TEST

/* What happens when it has announced its sleep, and has not looked again. */

static void
publish_meanwhile(void)
{
    ringbus_ring_publish(slowest->ring, unpublished, 1);
}

START_TEST(room_that_is_made_while_a_producer_falls_asleep_is_found_before_it_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);

    slowest = open_reader(ring);
    publish(ring, 2);
    ringbus__os.barrier = commit_meanwhile;
    if (os_has_barrier()) {
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, patience_ends()), 2);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
    }
    end_watched(ring);
}
END_TEST

START_TEST(a_lap_that_ends_while_a_producer_falls_asleep_is_found_before_it_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);

    unpublished = ringbus_ring_try_claim(ring, 1);
    publish(ring, 1);
    slowest = open_reader(ring);
    ringbus__os.barrier = publish_meanwhile;
    if (os_has_barrier()) {
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, patience_ends()), 2);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
    }
    end_watched(ring);
}
END_TEST

/* The first publish takes the producer's announcement away as soon as it is there; it must not be lost with it. */
START_TEST(a_producer_that_waits_for_one_publish_is_not_forgotten_for_another)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    const int64_t begun = ringbus_now_ns();

    for (uint64_t left = scaled(500); left > 0 && has_time_for_a_part(begun); left--) {
        const int64_t first = ringbus_ring_try_claim(ring, 2);
        const uint64_t sleeps = os_watch_sleeps();
        const int64_t until = patience_ends();
        struct sleeper sleeper = {.ring = ring};

        ck_assert_int_ge(first, 0);
        worker_start(&sleeper.worker, claim_one, &sleeper);
        while (!(load_u64(&ring->sleepers, ORDER_HINT) & RING_PRODUCER_SLEEPS))
            MUST(os_real()->now_ns() < until, "the producer never announces its sleep");
        ringbus_ring_publish(ring, first + 1, 1);
        AWAIT(os_watch_sleeps() > sleeps);
        ringbus_ring_publish(ring, first, 1);
        worker_join(&sleeper.worker, "a producer that waits for the second publish");
        ck_assert_int_eq(sleeper.result, first + 2);
        ringbus_ring_publish(ring, first + 2, 1);
        publish(ring, 1);
    }
    end_watched(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("room", a_sleeping_producer_is_woken_by_a_commit,
        a_sleeping_producer_is_woken_by_the_slowest_reader_that_leaves,
        a_sleeping_producer_is_woken_by_a_poll_that_steps_over_abandoned_slots,
        a_sleeping_producer_is_woken_by_the_publish_of_the_previous_lap,
        a_sleeping_producer_is_woken_by_the_end,
        a_wait_for_room_with_a_pass_ends_at_its_deadline_on_a_restricted_line,
        room_that_is_made_after_a_producer_has_looked_is_found_before_it_sleeps,
        room_that_is_made_while_a_producer_falls_asleep_is_found_before_it_sleeps,
        a_lap_that_ends_while_a_producer_falls_asleep_is_found_before_it_sleeps,
        a_producer_that_waits_for_one_publish_is_not_forgotten_for_another);
}
