/* test_alloc.c - memory: the user's, or the C library's. */
#include <string.h>

#include "base/alloc.h"
#include "support/support.h"

START_TEST(no_allocator_is_the_c_library)
{
    struct ringbus_allocator allocator;

    ck_assert_int_eq(ringbus__alloc_init(NULL, &allocator), RINGBUS_OK);
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        void *memory = ringbus__alloc(&allocator, 100, alignment);

        ck_assert_ptr_nonnull(memory);
        ck_assert_uint_eq((uintptr_t)memory % alignment, 0);
        ringbus__release(&allocator, memory, 100);
    }
}
END_TEST

START_TEST(half_an_allocator_is_refused)
{
    struct faulty_allocator faulty;
    struct ringbus_allocator half, copy = {0};

    faulty_allocator_init(&faulty, 0, 0);
    half = faulty.allocator;
    half.allocate = NULL;
    ck_assert_int_eq(ringbus__alloc_init(&half, &copy), RINGBUS_EINVAL);
    half = faulty.allocator;
    half.release = NULL;
    ck_assert_int_eq(ringbus__alloc_init(&half, &copy), RINGBUS_EINVAL);
    ck_assert_ptr_null(copy.context);
}
END_TEST

START_TEST(the_users_allocator_is_copied)
{
    struct faulty_allocator faulty;
    struct ringbus_allocator given, allocator;
    void *memory = NULL;

    faulty_allocator_init(&faulty, 0, 0);
    given = faulty.allocator;
    ck_assert_int_eq(ringbus__alloc_init(&given, &allocator), RINGBUS_OK);
    memset(&given, 0, sizeof given);
    memory = ringbus__alloc(&allocator, 100, 64);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 100);
    ringbus__release(&allocator, memory, 100);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

static void *
allocate_dirty(size_t size, size_t alignment, void *context)
{
    (void)alignment;
    return memset(context, 0xa5, size);
}

static void
release_nothing(void *memory, size_t size, void *context)
{
    (void)memory;
    (void)size;
    (void)context;
}

START_TEST(memory_is_zero_whatever_the_allocator_left_in_it)
{
    static unsigned char zero[256], room[256];
    const struct ringbus_allocator dirty = {allocate_dirty, release_nothing, room};

    ck_assert_ptr_eq(ringbus__alloc(&dirty, sizeof room, 16), room);
    ck_assert_mem_eq(room, zero, sizeof room);
}
END_TEST

START_TEST(a_refusal_is_null)
{
    struct faulty_allocator faulty;

    faulty_allocator_init(&faulty, 1, 1);
    ck_assert_ptr_null(ringbus__alloc(&faulty.allocator, 100, 64));
}
END_TEST

START_TEST(nothing_is_released_without_a_call)
{
    const struct ringbus_allocator none = {NULL, NULL, NULL};

    ringbus__release(&none, NULL, 100);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("alloc", no_allocator_is_the_c_library, half_an_allocator_is_refused,
        the_users_allocator_is_copied, memory_is_zero_whatever_the_allocator_left_in_it,
        a_refusal_is_null, nothing_is_released_without_a_call);
}
