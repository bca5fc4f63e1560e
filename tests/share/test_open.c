/* test_open.c - shares and workers that open and close, what is refused, and key lanes. */
#include <string.h>

#include "share/fixture.h"

static struct ringbus_ring *
open_ring_for(uint32_t max_readers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = 4;
    options.max_readers = max_readers;
    MUST(ringbus_ring_open(&options, &ring) == RINGBUS_OK, "no ring");
    return ring;
}

static int
open_outcome(struct ringbus_ring *ring, const struct ringbus_share_options *options)
{
    struct ringbus_share *share = NULL;
    const int outcome = ringbus_share_open(ring, options, &share);

    MUST((outcome == RINGBUS_OK) == (share != NULL), "a refused share, and a result");
    return outcome;
}

/* ---- opening ---- */

START_TEST(wrong_options_of_a_share_are_refused)
{
    static const struct {
        size_t size;
        uint32_t max_workers, wait, after_count, back;
        const char *name;
        int outcome;
    } rows[] = {
        {0, 1, 0, 0, 0, NULL, RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options) - 1, 1, 0, 0, 0, NULL, RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options), RINGBUS_SHARE_MAX_WORKERS + 1, 0, 0, 0, NULL,
            RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options), 1, RINGBUS_WAIT_CUSTOM, 0, 0, NULL, RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options), 1, 0, 1, 0, NULL, RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options), 1, 0, 0, 1, NULL, RINGBUS_ERANGE},
        {sizeof(struct ringbus_share_options), 1, 0, 0, 0, "a name that is longer than any is here",
            RINGBUS_EINVAL},
        {sizeof(struct ringbus_share_options), 1, 0, 0, 0, "a name", RINGBUS_OK},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringbus_ring *ring = open_ring_for(2);
        struct ringbus_share_options options = ringbus_share_options_default();

        options.size = rows[i].size;
        options.max_workers = rows[i].max_workers;
        options.wait = rows[i].wait;
        options.after_count = rows[i].after_count;
        options.back = rows[i].back;
        options.name = rows[i].name;
        ck_assert_int_eq(open_outcome(ring, &options), rows[i].outcome);
        if (rows[i].outcome != RINGBUS_OK)
            ck_assert_int_eq(publish(ring, 4) + publish(ring, 4), 4); /* it holds nobody */
        ringbus_ring_close(ring);
    }
}
END_TEST

static void
let_pass(uint64_t round, int64_t deadline_ns, void *context)
{
    (void)round, (void)deadline_ns, (void)context;
}

static void
wake_somebody(void *context)
{
    (void)context;
}

/* It has one context for all workers, so that `wake` could not tell whom it is for. */
START_TEST(workers_wait_in_a_way_of_ones_own_that_nobody_wakes)
{
    struct ringbus_ring *ring = open_ring_for(2);
    struct ringbus_share_options options = ringbus_share_options_default();
    struct ringbus_custom_wait custom = {.idle = let_pass, .wake = wake_somebody};

    options.max_workers = 1;
    options.wait = RINGBUS_WAIT_CUSTOM;
    options.custom = &custom;
    ck_assert_int_eq(open_outcome(ring, &options), RINGBUS_EINVAL);
    custom.wake = NULL;
    ck_assert_int_eq(open_outcome(ring, &options), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(no_ring_and_no_place_for_a_result_are_refused)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = NULL;
    struct ringbus_worker *worker = NULL;

    ck_assert_int_eq(ringbus_share_open(NULL, NULL, &share), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_share_open(ring, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_worker_open(NULL, &worker), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_worker_open(open_share(ring, 1), NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_worker_close(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_share_close(NULL), RINGBUS_EINVAL);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_lossy_ring_has_no_shares)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.is_lossy = 1;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    ck_assert_int_eq(open_outcome(ring, NULL), RINGBUS_EINVAL);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_takes_a_place_for_itself_and_each_worker)
{
    struct ringbus_share_options options = ringbus_share_options_default();
    struct ringbus_ring *ring = open_ring_for(4);
    struct ringbus_reader *reader = open_reader(ring);
    struct ringbus_share *share = NULL;

    options.max_workers = 3;
    ck_assert_int_eq(open_outcome(ring, &options), RINGBUS_ENOSPC);
    publish(ring, 4);
    close_reader(reader);
    publish(ring, 4); /* nobody holds it */
    ck_assert_int_eq(ringbus_share_open(ring, &options, &share), RINGBUS_OK);
    ck_assert_int_eq(ringbus_reader_open(ring, NULL, &reader), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    for (int i = 0; i < 4; i++)
        open_reader(ring);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_of_most_workers_is_one_like_the_others)
{
    struct ringbus_ring *ring = open_ring_for(RINGBUS_RING_MAX_READERS);
    struct ringbus_share *share = NULL;
    struct ringbus_worker *worker = NULL;

    for (uint32_t i = 0; i < RINGBUS_RING_MAX_READERS - RINGBUS_SHARE_MAX_WORKERS - 1; i++)
        open_reader(ring);
    share = open_share(ring, RINGBUS_SHARE_MAX_WORKERS);
    for (uint32_t i = 0; i < RINGBUS_RING_MAX_READERS - RINGBUS_SHARE_MAX_WORKERS - 1; i++)
        close_reader(&ring->readers[i]);
    for (uint32_t i = 0; i < RINGBUS_SHARE_MAX_WORKERS; i++)
        worker = open_worker(share);
    ck_assert_int_eq(ringbus_worker_open(share, &worker), RINGBUS_ENOSPC);
    publish(ring, 4);
    CHECK_TAKES(worker, UINT32_MAX, 0, 4u);
    CHECK_FULL(ring);
    close_worker(worker);
    CHECK_FULL(ring);
    worker = open_worker(share);
    CHECK_TAKES(worker, UINT32_MAX, 0, 4u);
    ringbus_worker_commit(worker, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_begins_with_what_is_claimed_after_it_or_so_many_before)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_share_options late = ringbus_share_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_share *share = NULL;

    options.capacity = 8;
    options.history = 2;
    late.back = 2;
    late.max_workers = 2;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    publish(ring, 5);
    CHECK_TAKES_NOTHING(open_worker(open_share(ring, 2)));
    ck_assert_int_eq(ringbus_share_open(ring, &late, &share), RINGBUS_OK);
    CHECK_TAKES(open_worker(share), UINT32_MAX, 3, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_single_producers_ring_is_shared_like_another)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_worker *one = NULL, *other = NULL;
    struct ringbus_share *share = NULL;

    options.capacity = 2;
    options.producers = RINGBUS_PRODUCERS_SINGLE;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    share = open_share(ring, 2);
    one = open_worker(share);
    other = open_worker(share);
    publish(ring, 2);
    CHECK_TAKES(one, 1, 0, 1u);
    CHECK_TAKES(other, 1, 1, 1u);
    ringbus_worker_commit(other, 1);
    CHECK_FULL(ring);
    ringbus_worker_commit(one, 0);
    publish(ring, 2);
    ringbus_ring_end(ring);
    CHECK_TAKES(one, 2, 2, 2u);
    ringbus_worker_commit(one, 3);
    ck_assert_int_eq(take_outcome(other), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(workers_share_where_numbers_are_large)
{
    static const int64_t firsts[] = {INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 62};

    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        const int64_t first = firsts[i] - 3;
        struct ringbus_ring *ring = open_ring_at(4, first, RINGBUS_WAIT_PHASED);
        struct ringbus_share *share = open_share(ring, 2);
        struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

        for (int64_t sequence = first; sequence < first + 12; sequence += 4) {
            publish(ring, 4);
            CHECK_TAKES(one, 3, sequence, 3u);
            CHECK_TAKES(other, 3, sequence + 3, 1u);
            ringbus_worker_commit(one, sequence + 2);
            ringbus_worker_commit(other, sequence + 3);
        }
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- closing ---- */

START_TEST(a_share_with_workers_or_dependents_cannot_leave)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *worker = open_worker(share);
    struct ringbus_reader *before = ringbus_share_reader(share), *after = NULL;

    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_EBUSY);
    close_worker(worker);
    after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_EBUSY);
    close_reader(after);
    publish(ring, 4);
    CHECK_FULL(ring);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    publish(ring, 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_that_leaves_frees_the_producers_whatever_was_left_behind)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *worker = open_worker(share);

    publish(ring, 4);
    CHECK_TAKES(worker, 2, 0, 2u);
    close_worker(worker);
    CHECK_FULL(ring);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_places_of_a_share_serve_other_readers_afterwards)
{
    struct ringbus_ring *ring = open_ring_for(3);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *worker = open_worker(share);
    struct ringbus_reader *reader = NULL;

    publish(ring, 2);
    CHECK_TAKES(worker, 1, 0, 1u);
    close_worker(worker);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    for (int i = 0; i < 3; i++)
        reader = open_reader(ring);
    publish(ring, 1);
    for (int i = 0; i < 3; i++)
        CHECK_RUN(&ring->readers[i], 2, 1u);
    reader = open_reader_after(open_ring_for(1), RINGBUS_WAIT_PHASED, NULL, 0);
    ringbus_ring_close(reader->ring);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_worker_can_be_closed_once_and_a_shares_reader_not_at_all)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *worker = open_worker(share);

    publish(ring, 1);
    CHECK_TAKES(worker, 1, 0, 1u);
    close_worker(worker);
    ck_assert_int_eq(ringbus_worker_close(worker), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_reader_close(ringbus_share_reader(share)), RINGBUS_EINVAL);
    CHECK_TAKES(open_worker(share), UINT32_MAX, 0, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_share_opens_or_says_that_there_is_no_memory_and_a_worker_needs_none)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_share *share = NULL;
    uint64_t before = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    options.capacity = 2;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    before = load_u64(&faulty.live_bytes, ORDER_COUNT);
    faulty.refuse_from = load_u64(&faulty.calls, ORDER_COUNT) + 1;
    faulty.refuse_count = 1;
    ck_assert_int_eq(open_outcome(ring, NULL), RINGBUS_ENOMEM);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), before);
    publish(ring, 2);
    publish(ring, 2); /* nobody holds it */
    share = open_share(ring, 2);
    faulty.refuse_from = 1;
    faulty.refuse_count = UINT64_MAX;
    close_worker(open_worker(share));
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), before);
    faulty.refuse_from = 0;
    open_share(ring, 2); /* closed with the ring */
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

/* ---- key lanes ---- */

START_TEST(a_key_has_the_same_lane_for_ever)
{
    static const struct {
        uint64_t key;
        uint32_t lane_count, lane;
    } rows[] = {
        {0, 7, 0}, {1, 7, 2}, {12345, 1000, 950}, {UINT64_MAX, 16, 11},
        {UINT64_C(0x9e3779b97f4a7c15), UINT32_MAX, 0xe220a838}, /* the generator's first number */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_uint_eq(ringbus_lane_of(rows[i].key, rows[i].lane_count), rows[i].lane);
}
END_TEST

START_TEST(keys_of_any_kind_are_spread_evenly_over_the_lanes)
{
    enum { KEYS = 4096 };
    static const unsigned shifts[] = {0, 1, 6, 12, 32, 48};

    for (uint32_t lane_count = 1; lane_count <= 16; lane_count++)
        for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
            uint32_t counts[16] = {0};

            for (uint64_t key = 0; key < KEYS; key++) {
                const uint32_t lane = ringbus_lane_of(key << shifts[i], lane_count);

                ck_assert_uint_lt(lane, lane_count);
                counts[lane]++;
            }
            for (uint32_t lane = 0; lane < lane_count; lane++) {
                ck_assert_uint_ge(counts[lane], KEYS / lane_count * 3 / 4);
                ck_assert_uint_le(counts[lane], KEYS / lane_count * 5 / 4 + 1);
            }
        }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("share open", wrong_options_of_a_share_are_refused,
        workers_wait_in_a_way_of_ones_own_that_nobody_wakes,
        no_ring_and_no_place_for_a_result_are_refused, a_lossy_ring_has_no_shares,
        a_share_takes_a_place_for_itself_and_each_worker,
        a_share_of_most_workers_is_one_like_the_others,
        a_share_begins_with_what_is_claimed_after_it_or_so_many_before,
        a_single_producers_ring_is_shared_like_another, workers_share_where_numbers_are_large,
        a_share_with_workers_or_dependents_cannot_leave,
        a_share_that_leaves_frees_the_producers_whatever_was_left_behind,
        the_places_of_a_share_serve_other_readers_afterwards,
        a_worker_can_be_closed_once_and_a_shares_reader_not_at_all,
        a_share_opens_or_says_that_there_is_no_memory_and_a_worker_needs_none,
        a_key_has_the_same_lane_for_ever, keys_of_any_kind_are_spread_evenly_over_the_lanes);
}
