/* test_slot.c - where payloads are: strides and alignments of one's own. */
#include <string.h>

#include "ring/fixture.h"

static int
try_slot(uint32_t slot_size, uint32_t alignment, uint32_t stride)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    int outcome = RINGBUS_OK;

    options.capacity = 2;
    options.slot_size = slot_size;
    options.alignment = alignment;
    options.stride = stride;
    outcome = ringbus_ring_open(&options, &ring);
    MUST((outcome == RINGBUS_OK) == (ring != NULL), "a ring is given exactly on success");
    ringbus_ring_close(ring);
    return outcome;
}

START_TEST(without_a_stride_slots_are_whole_lines)
{
    static const struct {
        uint32_t slot_size, alignment;
        size_t stride;
    } rows[] = {{0, 0, 64}, {1, 0, 64}, {48, 0, 64}, {49, 0, 128}, {56, 8, 64}, {57, 8, 128},
        {1, 64, 128}, {64, 64, 128}, {65, 64, 192}, {1, 4096, 8192}, {4097, 4096, 12288}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ringbus_ring_options options = ringbus_ring_options_default();
        struct ringbus_ring *ring = NULL;

        options.slot_size = rows[i].slot_size;
        options.alignment = rows[i].alignment;
        options.capacity = 2;
        ring = open_ring_with(&options);
        ck_assert_uint_eq(ringbus_ring_view(ring).stride, rows[i].stride);
        ck_assert_uint_eq(
            ringbus_ring_view(ring).slot_size, rows[i].slot_size ? rows[i].slot_size : 48);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(an_alignment_is_a_power_of_two_from_8_to_4096)
{
    static const uint32_t wrong[] = {1, 2, 4, 7, 9, 12, 24, 4095, 8192, 1u << 31, UINT32_MAX};

    for (uint32_t alignment = 8; alignment <= 4096; alignment *= 2)
        ck_assert_int_eq(try_slot(8, alignment, 0), RINGBUS_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(try_slot(8, wrong[i], 0), RINGBUS_EINVAL);
        ck_assert_int_eq(try_slot(8, wrong[i], 8192), RINGBUS_EINVAL);
    }
}
END_TEST

START_TEST(a_stride_holds_the_mark_and_the_payload_and_keeps_the_alignment)
{
    for (uint32_t alignment = 8; alignment <= 4096; alignment *= 2) {
        /* The mark takes 8 bytes, and what the alignment costs. */
        ck_assert_int_eq(try_slot(alignment, alignment, 2 * alignment), RINGBUS_OK);
        ck_assert_int_eq(try_slot(alignment + 1, alignment, 2 * alignment), RINGBUS_EINVAL);
        ck_assert_int_eq(try_slot(1, alignment, alignment), RINGBUS_EINVAL);
        ck_assert_int_eq(try_slot(1, alignment, 2 * alignment - 1), RINGBUS_EINVAL);
        ck_assert_int_eq(try_slot(1, alignment, 2 * alignment + 4), RINGBUS_EINVAL);
        ck_assert_int_eq(try_slot(1, alignment, 3 * alignment), RINGBUS_OK);
    }
}
END_TEST

START_TEST(a_stride_beyond_all_reason_is_refused)
{
    ck_assert_int_eq(try_slot(8, 16, 1u << 25), RINGBUS_OK);
    ck_assert_int_eq(try_slot(8, 16, 1u << 26), RINGBUS_EINVAL);
    ck_assert_int_eq(try_slot(8, 16, UINT32_MAX - 15), RINGBUS_EINVAL);
    ck_assert_int_eq(try_slot(RINGBUS_RING_MAX_SLOT, 4096, 0), RINGBUS_OK);
    ck_assert_int_eq(try_slot(RINGBUS_RING_MAX_SLOT + 1, 4096, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(try_slot(UINT32_MAX, 4096, 0), RINGBUS_EINVAL);
}
END_TEST

static void
check_payload(const struct ringbus_view *view, int64_t sequence)
{
    const unsigned char *payload = ringbus_ring_slot(view, sequence);

    for (size_t at = 0; at < view->slot_size; at++)
        MUST(payload[at] == (unsigned char)(sequence + 1), "byte %zu of sequence %d is %d", at,
            (int)sequence, payload[at]);
}

/* Some laps of a ring of four, every byte of every payload written. */
static void
use_slots(uint32_t slot_size, uint32_t alignment, uint32_t stride)
{
    struct faulty_allocator counted;
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *reader = NULL;
    struct ringbus_view view;

    faulty_allocator_init(&counted, 0, 0);
    options.allocator = &counted.allocator;
    options.capacity = 4;
    options.slot_size = slot_size;
    options.alignment = alignment;
    options.stride = stride;
    ring = open_ring_with(&options);
    reader = open_reader(ring);
    view = ringbus_ring_view(ring);
    ck_assert_uint_eq(view.stride, stride);
    ck_assert_uint_eq(load_u64(&counted.largest, ORDER_COUNT) >= 4 * (uint64_t)stride, 1);
    for (int64_t sequence = 0; sequence < 19; sequence++) {
        unsigned char *payload = ringbus_ring_slot(&view, sequence);

        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), sequence);
        ck_assert_uint_eq((uintptr_t)payload % alignment, 0);
        memset(payload, (int)sequence + 1, slot_size);
        ringbus_ring_publish(ring, sequence, 1);
        if (sequence % 4 != 3)
            continue;
        CHECK_RUN(reader, sequence - 3, 4u);
        for (int64_t at = sequence - 3; at <= sequence; at++)
            check_payload(&view, at);
        ringbus_reader_commit(reader, sequence);
    }
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&counted.live_bytes, ORDER_COUNT), 0);
}

START_TEST(payloads_of_every_stride_are_aligned_and_do_not_overlap)
{
    for (uint32_t alignment = 8; alignment <= 4096; alignment *= 2)
        for (uint32_t more = 0; more < 3; more++) {
            use_slots(alignment, alignment, (2 + more) * alignment);
            use_slots(1, alignment, (2 + more) * alignment);
            use_slots((1 + more) * alignment - 1, alignment, (2 + more) * alignment);
        }
}
END_TEST

START_TEST(a_copy_lands_in_the_payload_of_a_small_slot)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *reader = NULL;
    struct ringbus_view view;

    options.capacity = 4;
    options.slot_size = 8;
    options.alignment = 8;
    options.stride = 16;
    ring = open_ring_with(&options);
    reader = open_reader(ring);
    view = ringbus_ring_view(ring);
    for (uint64_t value = 1; value <= 4; value++)
        ck_assert_int_eq(ringbus_ring_publish_copy(ring, &value, 8, 0), (int64_t)value - 1);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, &options, 9, 0), RINGBUS_EMSGSIZE);
    CHECK_RUN(reader, 0, 4u);
    for (int64_t at = 0; at < 4; at++)
        ck_assert_uint_eq(*(uint64_t *)ringbus_ring_slot(&view, at), (uint64_t)at + 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_stride_times_the_capacity_is_asked_for_in_full)
{
    struct faulty_allocator faulty;
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    faulty_allocator_init(&faulty, 3, UINT64_MAX);
    options.allocator = &faulty.allocator;
    options.capacity = RINGBUS_RING_MAX_CAPACITY;
    options.slot_size = 8;
    options.stride = 1u << 25;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_ENOMEM);
    ck_assert_uint_eq(
        load_u64(&faulty.largest, ORDER_COUNT), (uint64_t)RINGBUS_RING_MAX_CAPACITY << 25);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("slot", without_a_stride_slots_are_whole_lines,
        an_alignment_is_a_power_of_two_from_8_to_4096,
        a_stride_holds_the_mark_and_the_payload_and_keeps_the_alignment,
        a_stride_beyond_all_reason_is_refused,
        payloads_of_every_stride_are_aligned_and_do_not_overlap,
        a_copy_lands_in_the_payload_of_a_small_slot,
        a_stride_times_the_capacity_is_asked_for_in_full);
}
