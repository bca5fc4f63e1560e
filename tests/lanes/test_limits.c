/* test_limits.c - max_deliveries and filters: which events a consumer is called for. */
#include "lanes/fixture.h"

/* ---- max_deliveries ---- */

static void
check_limit(uint32_t lanes, bool is_thread_safe, uint64_t limit, uint64_t events)
{
    struct probe probe = {
        .name = "limited", .is_thread_safe = is_thread_safe, .max_deliveries = limit};
    struct probe other = {.name = "other"};
    struct ringbus_bus *bus = open_lanes(lanes, 16, NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    probe_register(&probe, "b");
    join(bus, &other, "a");
    for (uint64_t i = 1; i <= events; i++)
        ck_assert_int_ge(post_number(bus, i % 3 ? "a" : "b", i), 0);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), limit < events ? limit : events);
    ck_assert_uint_eq(probe_calls(&other), events - events / 3);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a"), limit > events);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "b"), limit > events);
    ck_assert_int_eq(post_number(bus, "a", 1), 1 + (limit > events));
    bus_close(bus);
}

START_TEST(the_limit_is_exact)
{
    check_limit(1, false, 1, 10);
    check_limit(1, false, 7, 7);
    check_limit(1, false, 8, 7);
    check_limit(4, false, 100, 300);
    for (uint64_t limit = 1; limit < 40; limit++)
        check_limit(4, true, limit, 60);
    check_limit(4, true, 100, 300);
}
END_TEST

START_TEST(the_first_events_count_in_the_order_of_a_serialized_consumer)
{
    static struct probe probe = {.max_deliveries = 3};
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 20);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    bus_close(bus);
}
END_TEST

/* All lanes are at the limit at once: those that come too late do not call. */
START_TEST(the_limit_is_exact_while_the_last_call_runs)
{
    static struct gate gate;
    static struct probe probe = {
        .name = "limited", .is_thread_safe = true, .gate = &gate, .max_deliveries = 2};
    static struct probe behind = {.name = "behind"};
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    gate_init(&gate);
    join(bus, &probe, "a");
    join_after(bus, &behind, &probe, "a");
    for (uint32_t i = 1; i <= 2; i++) {
        post_numbers(bus, "a", i, i);
        gate_await(&gate, i);
    }
    post_numbers(bus, "a", 3, 8);
    ck_assert_uint_eq(load_u32(&probe.begun, ORDER_COUNT), 2);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    CHECK_NUMBERS(&behind, 1, 2, 3, 4, 5, 6, 7, 8);
    bus_close(bus);
}
END_TEST

START_TEST(one_that_has_had_its_deliveries_can_only_be_closed)
{
    static struct probe probe = {.name = "limited", .max_deliveries = 2};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "b"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "a"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_ENOENT);
    ck_assert_int_eq(post_number(bus, "a", 3), 0);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 0);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    bus_close(bus);
}
END_TEST

START_TEST(a_caller_groups_limit_is_exact)
{
    static struct probe probe = {.name = "limited", .max_deliveries = 3};
    struct ringbus_bus *bus = bus_open(NULL);

    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    join(bus, &probe, "a");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), i <= 3);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    bus_close(bus);
}
END_TEST

static int
fail_first(const struct ringbus_event *event, void *context)
{
    (void)context;
    return number_of(event) <= 2 ? -1 : 0;
}

START_TEST(what_is_withheld_is_no_delivery)
{
    static struct probe behind = {.name = "behind", .max_deliveries = 2};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);
    struct ringbus_consumer *failing = NULL;

    ck_assert_int_eq(ringbus_consumer_open(bus, fail_first, NULL, NULL, &failing), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, failing, "a"), RINGBUS_OK);
    behind.after = &failing;
    behind.after_count = 1;
    join(bus, &behind, "a");
    post_numbers(bus, "a", 1, 10);
    bus_flush(bus);
    CHECK_NUMBERS(&behind, 3, 4);
    bus_close(bus);
}
END_TEST

/* ---- filters ---- */

static int
is_even(const struct ringbus_event *event, void *context)
{
    const struct probe *probe = context;

    MUST(strcmp(probe->name, "filtered") == 0, "not the consumer's context");
    MUST(strcmp(event->topic, "a") == 0 && event->sequence >= 0, "not a whole event");
    return number_of(event) % 2 == 0;
}

static void
check_filter(uint32_t lanes, bool is_thread_safe, uint64_t limit)
{
    struct probe probe = {.name = "filtered",
        .is_thread_safe = is_thread_safe,
        .filter = is_even,
        .max_deliveries = limit};
    struct probe behind = {.name = "behind"}, other = {.name = "other"};
    struct ringbus_bus *bus = open_lanes(lanes, 16, NULL);

    join(bus, &probe, "a");
    join_after(bus, &behind, &probe, "a");
    join(bus, &other, "a");
    post_numbers(bus, "a", 1, 100);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), limit > 0 ? limit : 50);
    for (uint64_t i = 1; i <= 99; i += 2)
        ck_assert_uint_eq(calls_with(&probe, i), 0);
    ck_assert_uint_eq(probe_calls(&behind), 100);
    ck_assert_uint_eq(probe_calls(&other), 100);
    bus_close(bus);
}

START_TEST(a_filtered_event_is_done_without_a_call)
{
    for (uint32_t lanes = 1; lanes <= 4; lanes *= 2) {
        check_filter(lanes, false, 0);
        check_filter(lanes, true, 0);
    }
}
END_TEST

START_TEST(a_filtered_event_is_no_delivery)
{
    check_filter(1, false, 20);
    check_filter(4, true, 20);
}
END_TEST

static int
is_nothing(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

START_TEST(who_is_called_for_nothing_gets_no_batch_end)
{
    static struct probe probe = {.has_batch_end = true, .filter = is_nothing};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 20);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_uint_eq(load_u32(&probe.batches, TEST_ACQUIRE), 0);
    bus_close(bus);
}
END_TEST

static int
is_even_number(const struct ringbus_event *event, void *context)
{
    (void)context;
    return number_of(event) % 2 == 0;
}

START_TEST(a_caller_group_filters_too)
{
    static struct probe probe = {.filter = is_even_number};
    struct ringbus_bus *bus = bus_open(NULL);

    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 6);
    CHECK_NUMBERS(&probe, 2, 4, 6);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("limits", the_limit_is_exact,
        the_first_events_count_in_the_order_of_a_serialized_consumer,
        the_limit_is_exact_while_the_last_call_runs,
        one_that_has_had_its_deliveries_can_only_be_closed, a_caller_groups_limit_is_exact,
        what_is_withheld_is_no_delivery, a_filtered_event_is_done_without_a_call,
        a_filtered_event_is_no_delivery, who_is_called_for_nothing_gets_no_batch_end,
        a_caller_group_filters_too);
}
