/* test_take.c - workers of one reader: who gets what, what is left behind, who waits for whom. */
#include "share/fixture.h"

/* ---- taking ---- */

START_TEST(each_event_goes_to_one_worker)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

    publish(ring, 5);
    CHECK_TAKES(one, 2, 0, 2u);
    CHECK_TAKES(other, 2, 2, 2u);
    ringbus_worker_commit(one, 1);
    CHECK_TAKES(one, 2, 4, 1u);
    ringbus_worker_commit(other, 3);
    CHECK_TAKES_NOTHING(other);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_range_ends_where_nothing_is_published)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 2);
    publish(ring, 1);
    CHECK_TAKES(one, UINT32_MAX, 0, 2u);
    CHECK_TAKES_NOTHING(other);
    ringbus_ring_publish(ring, 2, 1);
    CHECK_TAKES(other, UINT32_MAX, 2, 2u);
    ringbus_ring_close(ring);
}
END_TEST

/* Each worker in turn, one range of at most two at a time; bits of what they got. */
static uint32_t
take_in_turn(struct ringbus_worker *const *workers)
{
    uint32_t got = 0;
    struct ringbus_run run;

    for (int turn = 0; ringbus_worker_poll(workers[turn % 2], 2, &run) == RINGBUS_OK; turn++) {
        for (uint32_t i = 0; i < run.count; i++) {
            MUST(!(got & 1u << (run.first + i)), "%d comes twice", (int)run.first + (int)i);
            got |= 1u << (run.first + i);
        }
        ringbus_worker_commit(workers[turn % 2], run.first + run.count - 1);
    }
    return got;
}

START_TEST(every_pattern_of_abandoned_slots_is_stepped_over_by_workers)
{
    enum { SLOTS = 8 };

    for (uint32_t pattern = 0; pattern < 1u << SLOTS; pattern++) {
        struct ringbus_ring *ring = open_ring(SLOTS);
        struct ringbus_share *share = open_share(ring, 2);
        struct ringbus_worker *workers[] = {open_worker(share), open_worker(share)};

        for (uint32_t i = 0; i < SLOTS; i++)
            pattern & 1u << i ? publish(ring, 1) : abandon(ring, 1);
        ck_assert_uint_eq(take_in_turn(workers), pattern);
        ck_assert_int_eq(ringbus_share_position(share), SLOTS - 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, SLOTS), SLOTS);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(slots_abandoned_before_a_range_are_free_at_once)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_worker *worker = open_worker(open_share(ring, 1));

    abandon(ring, 2);
    publish(ring, 2);
    CHECK_TAKES(worker, UINT32_MAX, 2, 2u);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 4);
    CHECK_FULL(ring);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(polling_again_gives_the_same_range_or_its_rest)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_worker *worker = open_worker(open_share(ring, 1));

    publish(ring, 3);
    CHECK_TAKES(worker, UINT32_MAX, 0, 3u);
    publish(ring, 2);
    CHECK_TAKES(worker, UINT32_MAX, 0, 3u);
    CHECK_TAKES(worker, 2, 0, 2u);
    ringbus_worker_commit(worker, -1);
    CHECK_TAKES(worker, UINT32_MAX, 0, 3u);
    ringbus_worker_commit(worker, 1);
    CHECK_TAKES(worker, UINT32_MAX, 2, 1u);
    ringbus_worker_commit(worker, 2);
    CHECK_TAKES(worker, UINT32_MAX, 3, 2u);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- holding producers ---- */

START_TEST(a_share_without_workers_holds_producers)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);

    publish(ring, 4);
    CHECK_FULL(ring);
    CHECK_TAKES(open_worker(share), UINT32_MAX, 0, 4u);
    CHECK_FULL(ring);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_is_taken_is_free_when_it_is_committed)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

    publish(ring, 4);
    CHECK_TAKES(one, 2, 0, 2u);
    CHECK_TAKES(other, 2, 2, 2u);
    ringbus_worker_commit(other, 3);
    CHECK_FULL(ring);
    ck_assert_int_eq(ringbus_share_position(share), -1);
    ringbus_worker_commit(one, 0);
    ck_assert_int_eq(ringbus_share_position(share), 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 4);
    CHECK_FULL(ring);
    ringbus_worker_commit(one, 1);
    ck_assert_int_eq(ringbus_share_position(share), 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 5);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(one_slow_worker_leaves_the_others_working_for_a_rings_length)
{
    enum { SLOTS = 8 };
    struct ringbus_ring *ring = open_ring(SLOTS);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *slow = open_worker(share), *fast = open_worker(share);

    publish(ring, 1);
    CHECK_TAKES(slow, 1, 0, 1u);
    for (int64_t sequence = 1; sequence < SLOTS; sequence++) {
        publish(ring, 1);
        CHECK_TAKES(fast, 1, sequence, 1u);
        ringbus_worker_commit(fast, sequence);
    }
    CHECK_FULL(ring);
    ringbus_worker_commit(slow, 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, SLOTS), SLOTS);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- what is left behind ---- */

START_TEST(what_a_worker_leaves_goes_to_the_next_that_looks_before_newer_events)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, 3);
    struct ringbus_worker *leaving = open_worker(share), *next = open_worker(share);
    struct ringbus_worker *third = open_worker(share);

    publish(ring, 4);
    CHECK_TAKES(leaving, UINT32_MAX, 0, 4u);
    ringbus_worker_commit(leaving, 0);
    publish(ring, 2);
    close_worker(leaving);
    CHECK_TAKES(next, 2, 1, 2u);
    CHECK_TAKES(third, UINT32_MAX, 4, 2u);
    CHECK_TAKES(next, UINT32_MAX, 1, 3u);
    ringbus_worker_commit(next, 3);
    CHECK_TAKES_NOTHING(next);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_is_left_behind_holds_producers_until_somebody_has_done_it)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *worker = open_worker(share);

    publish(ring, 4);
    CHECK_TAKES(worker, UINT32_MAX, 0, 4u);
    close_worker(worker);
    CHECK_FULL(ring);
    worker = open_worker(share);
    CHECK_FULL(ring);
    CHECK_TAKES(worker, UINT32_MAX, 0, 4u);
    CHECK_FULL(ring);
    ringbus_worker_commit(worker, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 4);
    CHECK_FULL(ring);
    ringbus_worker_commit(worker, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 7);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_oldest_of_what_was_left_behind_is_done_first)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, 4);
    struct ringbus_worker *workers[3], *next = NULL;

    publish(ring, 6);
    for (int i = 0; i < 3; i++)
        workers[i] = open_worker(share);
    for (int64_t i = 0; i < 3; i++)
        CHECK_TAKES(workers[2 - i], 2, i * 2, 2u);
    for (int i = 0; i < 3; i++)
        close_worker(workers[i]);
    next = open_worker(share);
    for (int64_t i = 0; i < 3; i++) {
        CHECK_TAKES(next, UINT32_MAX, i * 2, 2u);
        ringbus_worker_commit(next, i * 2 + 1);
    }
    CHECK_TAKES_NOTHING(next);
    ck_assert_int_eq(ringbus_share_position(share), 5);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_was_taken_over_is_held_beside_what_a_new_worker_takes)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *leaving = open_worker(share), *heir = open_worker(share), *fresh = NULL;

    publish(ring, 4);
    CHECK_TAKES(leaving, 2, 0, 2u);
    close_worker(leaving);
    CHECK_TAKES(heir, UINT32_MAX, 0, 2u);
    fresh = open_worker(share);
    CHECK_TAKES(fresh, UINT32_MAX, 2, 2u);
    ringbus_worker_commit(fresh, 3);
    CHECK_FULL(ring);
    ringbus_worker_commit(heir, 1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_was_taken_over_can_be_left_behind_again)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);

    publish(ring, 4);
    for (int64_t sequence = 0; sequence < 4; sequence++) {
        struct ringbus_worker *worker = open_worker(share);

        CHECK_TAKES(worker, UINT32_MAX, sequence, (uint32_t)(4 - sequence));
        ringbus_worker_commit(worker, sequence);
        close_worker(worker);
    }
    ck_assert_int_eq(ringbus_share_position(share), 3);
    CHECK_TAKES_NOTHING(open_worker(share));
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(as_many_workers_as_the_limit_can_be_open_whatever_was_left_behind)
{
    enum { WORKERS = 3 };
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, WORKERS);
    struct ringbus_worker *workers[WORKERS];
    uint32_t got = 0;

    publish(ring, 6);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < WORKERS; i++)
            workers[i] = open_worker(share);
        for (int i = 0; i < WORKERS; i++) {
            struct ringbus_run run;

            ck_assert_int_eq(ringbus_worker_poll(workers[i], 2, &run), RINGBUS_OK);
            if (round == 3)
                got |= 1u << run.first;
        }
        for (int i = 0; i < WORKERS; i++)
            close_worker(workers[i]);
    }
    ck_assert_uint_eq(got, 1u << 0 | 1u << 2 | 1u << 4);
    CHECK_TAKES(open_worker(share), UINT32_MAX, 0, 2u);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- before and after ---- */

START_TEST(a_reader_after_a_share_waits_for_all_its_workers)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_reader *before = ringbus_share_reader(share);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);
    struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

    publish(ring, 4);
    CHECK_NOTHING(after);
    CHECK_TAKES(one, 2, 0, 2u);
    CHECK_TAKES(other, 2, 2, 2u);
    CHECK_NOTHING(after);
    ringbus_worker_commit(other, 3);
    CHECK_NOTHING(after);
    ringbus_worker_commit(one, 0);
    CHECK_RUN(after, 0, 1u);
    close_worker(one);
    CHECK_RUN(after, 0, 1u);
    CHECK_TAKES(other, UINT32_MAX, 1, 1u);
    ringbus_worker_commit(other, 1);
    CHECK_RUN(after, 0, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_after_a_reader_takes_what_that_one_has_finished)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_share *share = open_share_after(ring, 2, RINGBUS_WAIT_PHASED, &before);
    struct ringbus_worker *worker = open_worker(share);

    publish(ring, 4);
    CHECK_TAKES_NOTHING(worker);
    ringbus_reader_commit(before, 1);
    CHECK_TAKES(worker, UINT32_MAX, 0, 2u);
    ringbus_worker_commit(worker, 1);
    CHECK_TAKES_NOTHING(worker);
    ck_assert_int_eq(ringbus_reader_close(before), RINGBUS_EBUSY);
    close_worker(worker);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    close_reader(before);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_after_a_share_waits_for_its_workers)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *first = open_share(ring, 2);
    struct ringbus_reader *before = ringbus_share_reader(first);
    struct ringbus_worker *one = open_worker(first), *other = open_worker(first);
    struct ringbus_worker *after =
        open_worker(open_share_after(ring, 2, RINGBUS_WAIT_PHASED, &before));

    publish(ring, 2);
    CHECK_TAKES(one, 1, 0, 1u);
    CHECK_TAKES(other, 1, 1, 1u);
    ringbus_worker_commit(other, 1);
    CHECK_TAKES_NOTHING(after);
    ringbus_worker_commit(one, 0);
    CHECK_TAKES(after, UINT32_MAX, 0, 2u);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("share take", each_event_goes_to_one_worker,
        a_range_ends_where_nothing_is_published,
        every_pattern_of_abandoned_slots_is_stepped_over_by_workers,
        slots_abandoned_before_a_range_are_free_at_once,
        polling_again_gives_the_same_range_or_its_rest, a_share_without_workers_holds_producers,
        what_is_taken_is_free_when_it_is_committed,
        one_slow_worker_leaves_the_others_working_for_a_rings_length,
        what_a_worker_leaves_goes_to_the_next_that_looks_before_newer_events,
        what_is_left_behind_holds_producers_until_somebody_has_done_it,
        the_oldest_of_what_was_left_behind_is_done_first,
        what_was_taken_over_is_held_beside_what_a_new_worker_takes,
        what_was_taken_over_can_be_left_behind_again,
        as_many_workers_as_the_limit_can_be_open_whatever_was_left_behind,
        a_reader_after_a_share_waits_for_all_its_workers,
        a_share_after_a_reader_takes_what_that_one_has_finished,
        a_share_after_a_share_waits_for_its_workers);
}
