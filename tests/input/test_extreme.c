/* test_extreme.c - the largest, the smallest, the latest and the slowest that a user can come with. */
#include <stdio.h>
#include <stdlib.h>

#include "support/probe.h"

/* ---- sizes ---- */

/* Memory for anything but rings without measure; `of_ring` is the largest that was asked for. */
static struct atomic_u64 of_ring;

static void *
allocate_little(size_t size, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    if (size > load_u64(&of_ring, ORDER_COUNT))
        store_u64(&of_ring, size, ORDER_COUNT);
    if (size > (size_t)1 << 30 ||
        posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0)
        return NULL;
    return memory;
}

static void
release_any(void *memory, size_t size, void *context)
{
    (void)size, (void)context;
    free(memory);
}

START_TEST(the_largest_ring_is_asked_for_in_full_and_what_is_refused_leaves_the_bus_as_it_was)
{
    const struct ringbus_allocator little = {allocate_little, release_any, NULL};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options largest = ringbus_group_options_default();
    struct ringbus_group *group = NULL;
    static struct probe probe;
    struct ringbus_bus *bus = NULL;

    options.allocator = &little;
    bus = bus_open(&options);
    largest.capacity = 1u << 20;
    largest.slot_size = 1u << 20;
    ck_assert_int_eq(ringbus_group_open(bus, &largest, &group), RINGBUS_ENOMEM);
    ck_assert_ptr_null(group);
    ck_assert_uint_gt(load_u64(&of_ring, ORDER_COUNT), UINT64_C(1) << 40);
    largest.slot_size++;
    ck_assert_int_eq(ringbus_group_open(bus, &largest, &group), RINGBUS_EINVAL);
    largest.slot_size = 8;
    largest.capacity++;
    ck_assert_int_eq(ringbus_group_open(bus, &largest, &group), RINGBUS_EINVAL);
    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    bus_close(bus);
}
END_TEST

/* What the guide tells: so much memory does a ring need. */
START_TEST(each_event_takes_its_slot_and_48_bytes_in_lines_of_64_and_80_bytes)
{
    static const struct {
        uint32_t capacity, slot_size;
        uint64_t bytes;
    } rings[] = {{1024, 208, 1024 * (256 + 80)}, {1024, 209, 1024 * (320 + 80)},
        {1000, 16, 1024 * (64 + 80)}, {4, 1000, 4 * (1088 + 80)}};
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        struct ringbus_group_options group = ringbus_group_options_default();
        uint64_t live = 0;

        group.capacity = rings[i].capacity;
        group.slot_size = rings[i].slot_size;
        options.default_group = &group;
        bus = bus_open(&options);
        live = load_u64(&faulty.live_bytes, ORDER_COUNT);
        ck_assert_uint_ge(live, rings[i].bytes);
        ck_assert_uint_le(live, rings[i].bytes + 8192); /* all the rest of a bus */
        bus_close(bus);
    }
}
END_TEST

/* ---- deadlines ---- */

static const int64_t past[] = {INT64_MIN, INT64_MIN + 1, -1, 0, 1};

START_TEST(a_deadline_that_has_passed_is_a_try)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    gate_init(&gate);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_post_until(bus, "a", NULL, 0, past[0]), 1); /* there is room */
    ck_assert_int_eq(ringbus_post_until(bus, "a", NULL, 0, past[1]), 1);
    gate_await(&gate, 1);
    for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
        ck_assert_int_eq(ringbus_post_until(bus, "a", NULL, 0, past[i]), RINGBUS_ETIMEDOUT);
        ck_assert_int_eq(ringbus_flush(bus, past[i]), RINGBUS_ETIMEDOUT);
    }
    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, past[i]), RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, past[i]), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    bus_close(bus);
}
END_TEST

static int
post_almost_for_ever(void *context)
{
    return ringbus_post_until(context, "a", NULL, 0, INT64_MAX - 1);
}

START_TEST(a_deadline_may_be_as_late_as_there_is_a_number_for)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = NULL;
    struct call posting;

    calls_begin();
    gate_init(&gate);
    bus = bus_open_small(2, NULL);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 2; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    call_start(&posting, post_almost_for_ever, bus);
    ck_assert(!call_is_done(&posting)); /* it sleeps, and no sum has overflowed */
    gate_open(&gate);
    ck_assert_int_eq(call_join(&posting, "a post with a late deadline"), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_flush(bus, INT64_MAX - 1)), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, INT64_MAX - 1)), RINGBUS_OK);
    bus_close(bus);
    calls_end();
}
END_TEST

/* ---- the first and the next event ---- */

START_TEST(a_group_runs_from_its_opening)
{
    struct ringbus_bus *bus = bus_open(NULL);

    for (int i = 0; i < 100; i++) {
        struct probe probe = {.group = group_open(bus, RINGBUS_GROUP_THREADS, 4)};

        probe_open(bus, &probe);
        probe_register(&probe, "a");
        ck_assert_int_eq(post_number(bus, "a", 1), 1);
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
        CHECK_NUMBERS(&probe, 1);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

/* It posts what comes after the number it has, up to 5. */
static void
post_next(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t number = number_of(event);

    if (number < 5)
        MUST(post_number(probe->bus, "a", number + 1) == 1, "no post from the handler");
}

START_TEST(a_handler_posts_to_its_own_group_while_there_is_room)
{
    static struct probe probe = {.act = post_next};
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_CALLS(&probe, 5);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5);
    bus_close(bus);
}
END_TEST

/* ---- handlers that do not come back ---- */

START_TEST(a_handler_that_does_not_return_holds_up_its_own_group_and_no_other)
{
    static struct gate gate;
    static struct probe stuck = {.gate = &gate}, brisk;
    struct ringbus_bus *bus = bus_open_small(8, NULL);

    gate_init(&gate);
    stuck.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &stuck);
    probe_open(bus, &brisk);
    probe_register(&stuck, "stuck");
    probe_register(&brisk, "brisk");
    for (uint64_t i = 1; i <= 2; i++)
        ck_assert_int_eq(post_number(bus, "stuck", i), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(try_post_number(bus, "stuck", 3), RINGBUS_EAGAIN);
    for (uint64_t i = 1; i <= 100; i++)
        ck_assert_int_eq(IN_TIME(bus, post_number(bus, "brisk", i)), 1);
    AWAIT_CALLS(&brisk, 100);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "lag"), 2); /* it can be seen who it is */
    ck_assert_uint_eq(load_u32(&stuck.begun, TEST_ACQUIRE), 1);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&stuck, 1, 2);
    bus_close(bus);
}
END_TEST

/* ---- looking on ---- */

enum { LOOKS = 300 };

struct watched {
    int64_t posted, delivered;
};

static int
note_growth(const struct ringbus_figure *figure, void *context)
{
    struct watched *last = context;
    int64_t *value = strcmp(figure->figure, "posted") == 0      ? &last->posted
                     : strcmp(figure->figure, "delivered") == 0 ? &last->delivered
                                                                : NULL;

    if (strcmp(figure->object, "group") != 0 || value == NULL)
        return 0;
    MUST(figure->value >= *value && figure->value < INT64_C(1) << 40, "%s fell from %lld to %lld",
        figure->figure, (long long)*value, (long long)figure->value);
    *value = figure->value;
    return 0;
}

static struct atomic_u32 has_looked;
static struct ringbus_bus *watched_bus;

static void
post_on(void *context)
{
    uint64_t *count = context;

    while (!load_u32(&has_looked, TEST_ACQUIRE))
        MUST(post_number(watched_bus, "a", ++*count) == 1, "no post");
}

START_TEST(figures_only_grow_while_posts_go_on_and_agree_in_the_end)
{
    static struct worker workers[2];
    static uint64_t counts[2];
    static struct probe probe;
    struct watched last = {0, 0};

    watched_bus = bus_open_small(16, NULL);
    probe_open(watched_bus, &probe);
    probe_register(&probe, "a");
    for (int i = 0; i < 2; i++)
        worker_start(&workers[i], post_on, &counts[i]);
    for (uint64_t i = 0; i < scaled(LOOKS); i++)
        ck_assert_int_eq(ringbus_visit(watched_bus, note_growth, &last), RINGBUS_OK);
    store_u32(&has_looked, 1, TEST_RELEASE);
    for (int i = 0; i < 2; i++)
        worker_join(&workers[i], "a poster");
    bus_flush(watched_bus);
    ck_assert_int_eq(
        figure_of(watched_bus, "group", "group-0", "posted"), (int64_t)(counts[0] + counts[1]));
    ck_assert_int_eq(
        figure_of(watched_bus, "group", "group-0", "delivered"), (int64_t)(counts[0] + counts[1]));
    bus_close(watched_bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("extreme",
        the_largest_ring_is_asked_for_in_full_and_what_is_refused_leaves_the_bus_as_it_was,
        each_event_takes_its_slot_and_48_bytes_in_lines_of_64_and_80_bytes,
        a_deadline_that_has_passed_is_a_try, a_deadline_may_be_as_late_as_there_is_a_number_for,
        a_group_runs_from_its_opening, a_handler_posts_to_its_own_group_while_there_is_room,
        a_handler_that_does_not_return_holds_up_its_own_group_and_no_other,
        figures_only_grow_while_posts_go_on_and_agree_in_the_end);
}
