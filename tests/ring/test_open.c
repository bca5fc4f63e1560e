/* test_open.c - opening a ring: its options, its memory, its slots. */
#include <string.h>

#include "ring/fixture.h"

static int
open_with(const struct ringbus_ring_options *options)
{
    struct ringbus_ring *ring = NULL;
    const int outcome = ringbus_ring_open(options, &ring);

    MUST((outcome == RINGBUS_OK) == (ring != NULL), "a ring is given exactly on success");
    ringbus_ring_close(ring);
    return outcome;
}

static int
open_with_capacity(uint32_t capacity)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = capacity;
    return open_with(&options);
}

static int
open_with_max_readers(uint32_t max_readers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.max_readers = max_readers;
    return open_with(&options);
}

START_TEST(a_ring_without_options_has_the_documented_defaults)
{
    struct ringbus_ring *ring = NULL;
    struct ringbus_view view;

    ck_assert_int_eq(ringbus_ring_open(NULL, &ring), RINGBUS_OK);
    view = ringbus_ring_view(ring);
    ck_assert_uint_eq(view.mask, 1024 - 1);
    ck_assert_uint_eq(view.slot_size, 48);
    ck_assert_int_eq(ringbus_ring_cursor(ring), -1);
    for (int i = 0; i < 8; i++)
        open_reader(ring);
    ck_assert_int_eq(
        ringbus_reader_open(ring, NULL, &(struct ringbus_reader *){NULL}), RINGBUS_ENOSPC);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(nowhere_to_put_the_ring_is_refused)
{
    ck_assert_int_eq(ringbus_ring_open(NULL, NULL), RINGBUS_EINVAL);
}
END_TEST

START_TEST(closing_no_ring_is_allowed)
{
    ringbus_ring_close(NULL);
    ringbus_ring_end(NULL);
}
END_TEST

START_TEST(a_capacity_is_a_power_of_two_from_two)
{
    static const uint32_t wrong[] = {
        1, 3, 5, 6, 7, 1000, 1023, 1025, RINGBUS_RING_MAX_CAPACITY + 1, 1u << 31, UINT32_MAX};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(open_with_capacity(wrong[i]), RINGBUS_EINVAL);
    for (uint32_t capacity = 2; capacity <= 1u << 16; capacity *= 2)
        ck_assert_int_eq(open_with_capacity(capacity), RINGBUS_OK);
}
END_TEST

START_TEST(a_slot_size_beyond_the_limit_is_refused)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = 2;
    options.slot_size = RINGBUS_RING_MAX_SLOT;
    ck_assert_int_eq(open_with(&options), RINGBUS_OK);
    options.slot_size = RINGBUS_RING_MAX_SLOT + 1;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.slot_size = UINT32_MAX;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
}
END_TEST

START_TEST(the_documented_number_of_readers_can_be_asked_for)
{
    ck_assert_int_eq(open_with_max_readers(1), RINGBUS_OK);
    ck_assert_int_eq(open_with_max_readers(RINGBUS_RING_MAX_READERS), RINGBUS_OK);
}
END_TEST

START_TEST(more_readers_than_documented_are_refused)
{
    ck_assert_int_eq(open_with_max_readers(RINGBUS_RING_MAX_READERS + 1), RINGBUS_EINVAL);
    ck_assert_int_eq(open_with_max_readers(UINT32_MAX), RINGBUS_EINVAL);
}
END_TEST

START_TEST(an_unknown_wait_is_refused)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.wait = RINGBUS_WAIT_CUSTOM; /* and no custom way */
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.wait = RINGBUS_WAIT_CUSTOM + 1;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.wait = UINT32_MAX;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
}
END_TEST

START_TEST(a_first_sequence_outside_its_range_is_refused)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.first = -1;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.first = INT64_MIN;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.first = (INT64_C(1) << 62) + 1;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.first = INT64_C(1) << 62;
    ck_assert_int_eq(open_with(&options), RINGBUS_OK);
}
END_TEST

START_TEST(options_without_their_size_are_refused)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.size = 0;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    options.size = sizeof options - 1;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
}
END_TEST

START_TEST(options_of_a_later_version_are_read_if_they_ask_for_nothing_new)
{
    struct {
        struct ringbus_ring_options known;
        unsigned char added[16];
    } later;

    memset(&later, 0, sizeof later);
    later.known.size = sizeof later;
    later.known.capacity = 4;
    ck_assert_int_eq(open_with(&later.known), RINGBUS_OK);
    later.added[15] = 1;
    ck_assert_int_eq(open_with(&later.known), RINGBUS_EINVAL);
}
END_TEST

START_TEST(half_an_allocator_is_refused)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    faulty.allocator.release = NULL;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), 0);
}
END_TEST

START_TEST(nothing_is_allocated_for_bad_options)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    options.capacity = 3;
    ck_assert_int_eq(open_with(&options), RINGBUS_EINVAL);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), 0);
}
END_TEST

START_TEST(the_largest_ring_asks_for_all_its_bytes)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();

    faulty_allocator_init(&faulty, 3, UINT64_MAX);
    options.allocator = &faulty.allocator;
    options.capacity = RINGBUS_RING_MAX_CAPACITY;
    options.slot_size = RINGBUS_RING_MAX_SLOT;
    ck_assert_int_eq(open_with(&options), RINGBUS_ENOMEM);
    ck_assert_uint_ge(load_u64(&faulty.largest, ORDER_COUNT),
        (uint64_t)RINGBUS_RING_MAX_CAPACITY * RINGBUS_RING_MAX_SLOT);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

START_TEST(everything_a_ring_ever_uses_is_allocated_when_it_opens)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    uint64_t calls = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    options.capacity = 4;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    calls = load_u64(&faulty.calls, ORDER_COUNT);
    for (int i = 0; i < 100; i++) {
        struct ringbus_reader *reader = open_reader(ring);

        ringbus_reader_commit(reader, publish(ring, 1));
        close_reader(reader);
    }
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), calls);
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

START_TEST(payloads_are_aligned_and_do_not_overlap)
{
    static const uint32_t sizes[] = {1, 7, 8, 47, 48, 49, 112, 113, 4096};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct ringbus_ring_options options = ringbus_ring_options_default();
        struct ringbus_ring *ring = NULL;
        struct ringbus_view view;
        struct ringbus_reader *reader = NULL;

        options.capacity = 4;
        options.slot_size = sizes[i];
        ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
        view = ringbus_ring_view(ring);
        reader = open_reader(ring);
        ck_assert_uint_ge(view.slot_size, sizes[i]);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 0);
        for (int64_t sequence = 0; sequence < 4; sequence++) {
            ck_assert_uint_eq((uintptr_t)ringbus_ring_slot(&view, sequence) % 16, 0);
            memset(ringbus_ring_slot(&view, sequence), (int)sequence + 1, view.slot_size);
        }
        ringbus_ring_publish(ring, 0, 4);
        CHECK_RUN(reader, 0, 4u);
        for (int64_t sequence = 0; sequence < 4; sequence++)
            for (size_t at = 0; at < view.slot_size; at++)
                MUST(((unsigned char *)ringbus_ring_slot(&view, sequence))[at] == sequence + 1,
                    "byte %zu of slot %d of %zu bytes is another slot's", at, (int)sequence,
                    view.slot_size);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_slot_comes_back_after_one_lap)
{
    struct ringbus_ring *ring = open_ring(4);
    const struct ringbus_view view = ringbus_ring_view(ring);

    for (int64_t sequence = 0; sequence < 4; sequence++) {
        ck_assert_ptr_eq(
            ringbus_ring_slot(&view, sequence), ringbus_ring_slot(&view, sequence + 4));
        ck_assert_ptr_ne(
            ringbus_ring_slot(&view, sequence), ringbus_ring_slot(&view, sequence + 1));
    }
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("open", a_ring_without_options_has_the_documented_defaults,
        nowhere_to_put_the_ring_is_refused, closing_no_ring_is_allowed,
        a_capacity_is_a_power_of_two_from_two, a_slot_size_beyond_the_limit_is_refused,
        the_documented_number_of_readers_can_be_asked_for, more_readers_than_documented_are_refused,
        an_unknown_wait_is_refused, a_first_sequence_outside_its_range_is_refused,
        options_without_their_size_are_refused,
        options_of_a_later_version_are_read_if_they_ask_for_nothing_new,
        half_an_allocator_is_refused, nothing_is_allocated_for_bad_options,
        the_largest_ring_asks_for_all_its_bytes,
        everything_a_ring_ever_uses_is_allocated_when_it_opens,
        payloads_are_aligned_and_do_not_overlap, a_slot_comes_back_after_one_lap);
}
