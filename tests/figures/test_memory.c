/* test_memory.c - what a bus will take is known before, and what it holds at any time. */
#include <stdio.h>

#include "support/probe.h"

static const struct shape {
    uint32_t kind, lanes, capacity, slot_size;
} shapes[] = {
    {0, 0, 0, 0},
    {RINGBUS_GROUP_THREADS, 1, 2, 1},
    {RINGBUS_GROUP_THREADS, 4, 100, 17},
    {RINGBUS_GROUP_THREADS, 32, 1024, 48},
    {RINGBUS_GROUP_THREADS, 2, 65536, 24},
    {RINGBUS_GROUP_THREADS, 1, 8, 1 << 20},
    {RINGBUS_GROUP_CALLER, 1, 2, 1},
    {RINGBUS_GROUP_CALLER, 1, 1000, 100},
    {RINGBUS_GROUP_POLLED, 1, 2, 64},
    {RINGBUS_GROUP_POLLED, 1, 5000, 200},
};

#define FOR_EACH_SHAPE(i) for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)

static struct ringbus_group_options
group_options(const struct shape *shape)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.kind = shape->kind;
    options.lanes = shape->lanes;
    options.capacity = shape->capacity;
    options.slot_size = shape->slot_size;
    return options;
}

START_TEST(a_bus_takes_what_was_told)
{
    FOR_EACH_SHAPE(i)
    {
        const struct ringbus_group_options group = group_options(&shapes[i]);
        struct ringbus_options options = ringbus_options_default();
        struct faulty_allocator memory;
        struct ringbus_bus *bus = NULL;

        if (group.kind == RINGBUS_GROUP_POLLED)
            continue; /* no default group */
        faulty_allocator_init(&memory, 0, 0);
        options.default_group = &group;
        options.allocator = &memory.allocator;
        options.max_groups = 1 + (uint32_t)i;
        bus = bus_open(&options);
        ck_assert_int_eq(
            ringbus_memory(&options), (int64_t)load_u64(&memory.live_bytes, TEST_ACQUIRE));
        ck_assert_uint_eq((uint64_t)figure_of(bus, "bus", "", "memory"),
            load_u64(&memory.live_bytes, TEST_ACQUIRE));
        bus_close(bus);
        ck_assert_uint_eq(load_u64(&memory.live_bytes, TEST_ACQUIRE), 0);
    }
}
END_TEST

START_TEST(a_group_adds_what_was_told)
{
    FOR_EACH_SHAPE(i)
    {
        const struct ringbus_group_options options = group_options(&shapes[i]);
        struct ringbus_options of_bus = ringbus_options_default();
        struct faulty_allocator memory;
        struct ringbus_bus *bus = NULL;
        struct ringbus_group *group = NULL;
        uint64_t before = 0;

        faulty_allocator_init(&memory, 0, 0);
        of_bus.allocator = &memory.allocator;
        bus = bus_open(&of_bus);
        before = load_u64(&memory.live_bytes, TEST_ACQUIRE);
        ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
        ck_assert_int_eq(ringbus_group_memory(&options),
            (int64_t)(load_u64(&memory.live_bytes, TEST_ACQUIRE) - before));
        if (options.kind == RINGBUS_GROUP_POLLED) {
            ck_assert_int_ge(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), 0);
            AWAIT_ON(bus, ringbus_group_poll(group, 1) == RINGBUS_ESHUTDOWN);
        }
        bus_close(bus);
    }
}
END_TEST

static int
handle(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

START_TEST(the_figure_is_what_the_bus_holds_whatever_it_does)
{
    struct ringbus_options options = ringbus_options_default();
    struct faulty_allocator memory;
    struct ringbus_bus *bus = NULL;
    int64_t before = 0;
    char name[16];

    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    before = figure_of(bus, "bus", "", "memory");
    for (int i = 0; i < 300; i++) {
        struct ringbus_consumer *consumer = NULL;

        snprintf(name, sizeof name, "topic-%d", i);
        MUST(ringbus_consumer_open(bus, handle, NULL, NULL, &consumer) == 0 &&
                 ringbus_register_consumer(bus, consumer, name) == 0,
            "no consumer");
        if (i % 3 != 0)
            MUST(ringbus_consumer_close(consumer, RINGBUS_DISCARD) == RINGBUS_OK, "no close");
    }
    ck_assert_int_gt(figure_of(bus, "bus", "", "memory"), before);
    ck_assert_uint_eq(
        (uint64_t)figure_of(bus, "bus", "", "memory"), load_u64(&memory.live_bytes, TEST_ACQUIRE));
    bus_close(bus);
}
END_TEST

START_TEST(what_cannot_be_opened_has_no_size)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_allocator half = {NULL, NULL, NULL};

    ck_assert_int_gt(ringbus_memory(NULL), ringbus_group_memory(NULL));
    options.max_groups = 65;
    ck_assert_int_eq(ringbus_memory(&options), RINGBUS_EINVAL);
    options.max_groups = 0;
    options.allocator = &half;
    ck_assert_int_eq(ringbus_memory(&options), RINGBUS_EINVAL);
    options.allocator = NULL;
    options.default_group = &group;
    group.kind = RINGBUS_GROUP_POLLED;
    ck_assert_int_eq(ringbus_memory(&options), RINGBUS_EINVAL);
    group.kind = RINGBUS_GROUP_LOOP;
    ck_assert_int_eq(ringbus_memory(&options), RINGBUS_EINVAL);
    ck_assert_int_gt(ringbus_group_memory(&group), 0);
    group.lanes = 2;
    ck_assert_int_eq(ringbus_group_memory(&group), RINGBUS_EINVAL);
    group = ringbus_group_options_default();
    group.capacity = 1;
    ck_assert_int_eq(ringbus_group_memory(&group), RINGBUS_EINVAL);
    group.size = 0;
    ck_assert_int_eq(ringbus_group_memory(&group), RINGBUS_EINVAL);
    options.size = 0;
    ck_assert_int_eq(ringbus_memory(&options), RINGBUS_EINVAL);
}
END_TEST

START_TEST(the_largest_group_is_told_and_not_taken)
{
    struct ringbus_group_options group = ringbus_group_options_default();

    group.capacity = group.slot_size = 1 << 20;
    ck_assert_int_gt(ringbus_group_memory(&group), INT64_C(1) << 40);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("memory", a_bus_takes_what_was_told, a_group_adds_what_was_told,
        the_figure_is_what_the_bus_holds_whatever_it_does, what_cannot_be_opened_has_no_size,
        the_largest_group_is_told_and_not_taken);
}
