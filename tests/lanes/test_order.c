/* test_order.c - which lane an event goes to: a serialized consumer stays at home, a key stays on one lane, and what is
 * free is done by whoever is free. */
#include "lanes/fixture.h"

static struct gate gate;

static void
stop_first(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    if (number_of(event) == 1)
        gate_pass(&gate);
}

/* ---- free lanes ---- */

/* An event that takes long, in a ring of 16: all that fits behind it is done meanwhile. */
static void
check_slow_call(uint32_t lanes)
{
    struct probe probe = {.name = "slow", .is_thread_safe = true, .act = stop_first};
    struct ringbus_bus *bus = open_lanes(lanes, 16, NULL);

    gate_init(&gate);
    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&gate, 1);
    post_numbers(bus, "a", 2, 16);
    AWAIT_CALLS(&probe, 15);
    ck_assert_int_eq(try_post_number(bus, "a", 17), RINGBUS_EAGAIN);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 16);
    bus_close(bus);
}

START_TEST(a_slow_call_leaves_the_other_lanes_working_for_a_rings_length)
{
    check_slow_call(2);
    check_slow_call(4);
    check_slow_call(32);
}
END_TEST

START_TEST(a_slow_serialized_consumer_leaves_thread_safe_ones_working)
{
    static struct probe slow = {.name = "slow", .act = stop_first};
    static struct probe free_one = {.name = "free", .is_thread_safe = true};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    gate_init(&gate);
    join(bus, &slow, "a");
    join(bus, &free_one, "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&gate, 1);
    post_numbers(bus, "a", 2, 16);
    AWAIT_CALLS(&free_one, 16);
    ck_assert_uint_eq(probe_calls(&slow), 0);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&slow), 16);
    ck_assert_uint_eq(probe_calls(&free_one), 16);
    bus_close(bus);
}
END_TEST

/* How many of them have been called so often. */
static uint32_t
count_with_calls(const struct probe *probes, uint32_t count, uint32_t calls)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++)
        found += probe_calls(&probes[i]) == calls;
    return found;
}

START_TEST(a_slow_serialized_consumer_leaves_those_of_other_lanes_working)
{
    static struct probe slow = {.name = "slow", .act = stop_first}, others[7];
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    gate_init(&gate);
    join(bus, &slow, "slow");
    for (int i = 0; i < 7; i++)
        join(bus, &others[i], "a");
    post_numbers(bus, "slow", 1, 1);
    gate_await(&gate, 1);
    post_numbers(bus, "a", 2, 4);
    AWAIT_ON(
        bus, count_with_calls(others, 7, 3) == 6); /* of 8 on 4 lanes one shares the slow one's */
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(count_with_calls(others, 7, 3), 7);
    bus_close(bus);
}
END_TEST

START_TEST(a_thread_safe_consumer_runs_on_all_lanes_at_once)
{
    static struct gate all;
    static struct probe probe = {.name = "wide", .is_thread_safe = true, .gate = &all};
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    gate_init(&all);
    join(bus, &probe, "a");
    for (uint32_t i = 1; i <= 4; i++) {
        post_numbers(bus, "a", i, i);
        gate_await(&all, i);
    }
    gate_open(&all);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 4);
    ck_assert_uint_eq(probe_calls(&probe), 4);
    bus_close(bus);
}
END_TEST

/* ---- home lanes ---- */

START_TEST(a_serialized_consumer_stays_on_one_thread_in_the_rings_order)
{
    static struct probe probes[8], wide = {.is_thread_safe = true};
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);
    uint32_t threads = 1;

    join(bus, &wide, "a");
    for (int i = 0; i < 8; i++)
        join(bus, &probes[i], "a");
    post_numbers(bus, "a", 0, PROBE_NOTES - 1);
    bus_flush(bus);
    for (int i = 0; i < 8; i++) {
        ck_assert_uint_eq(probe_calls(&probes[i]), PROBE_NOTES);
        for (uint64_t at = 0; at < PROBE_NOTES; at++) {
            ck_assert_uint_eq(probes[i].notes[at].number, at);
            ck_assert(pthread_equal(probes[i].notes[at].thread, probes[i].notes[0].thread));
        }
        threads += !pthread_equal(probes[i].notes[0].thread, probes[0].notes[0].thread);
    }
    ck_assert_msg(threads > 1, "all of them have the same home");
    bus_close(bus);
}
END_TEST

/* ---- keys ---- */

enum { KEYS = 5, KEYED_EVENTS = 400 };

/* A probe's events of a key: in the order of their posts, on one thread, which is returned. */
static pthread_t
check_key(const struct probe *probe, uint64_t key, uint32_t *ret_found)
{
    const struct note *last = NULL;

    *ret_found = 0;
    for (int at = 0; at < KEYED_EVENTS; at++) {
        const struct note *note = &probe->notes[at];

        if (note->ordered != key)
            continue;
        ck_assert(last == NULL || note->number > last->number);
        ck_assert(last == NULL || pthread_equal(note->thread, last->thread));
        last = note;
        ++*ret_found;
    }
    ck_assert_ptr_nonnull(last);
    return last->thread;
}

static void
check_keys(const struct probe *first, const struct probe *second)
{
    for (uint64_t key = 1; key <= KEYS; key++) {
        uint32_t found[2];
        const pthread_t threads[2] = {
            check_key(first, key, &found[0]), check_key(second, key, &found[1])};

        ck_assert(pthread_equal(threads[0], threads[1]));
        ck_assert_uint_eq(found[0], KEYED_EVENTS / (KEYS + 1) + (key < KEYED_EVENTS % (KEYS + 1)));
        ck_assert_uint_eq(found[1], found[0]);
    }
}

START_TEST(events_of_a_key_go_to_one_thread_in_order_over_all_topics)
{
    static const char *const topics[] = {"a", "b", "c"};
    static struct probe probes[2] = {{.is_thread_safe = true}, {.is_thread_safe = true}};
    struct ringbus_bus *bus = open_lanes(4, 64, NULL);

    for (int i = 0; i < 2; i++) {
        probe_open(bus, &probes[i]);
        for (int at = 0; at < 3; at++)
            probe_register(&probes[i], topics[at]);
    }
    for (uint64_t i = 0; i < KEYED_EVENTS; i++)
        ck_assert_int_eq(post_key(bus, topics[i % 7 % 3], i, i % (KEYS + 1)), 2);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probes[0]), KEYED_EVENTS);
    ck_assert_uint_eq(probe_calls(&probes[1]), KEYED_EVENTS);
    check_keys(&probes[0], &probes[1]);
    bus_close(bus);
}
END_TEST

START_TEST(a_slow_event_of_a_key_holds_up_that_key_and_no_free_event)
{
    static struct probe probe = {.name = "keyed", .is_thread_safe = true, .act = stop_first};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    gate_init(&gate);
    join(bus, &probe, "a");
    ck_assert_int_eq(post_key(bus, "a", 1, 77), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(post_key(bus, "a", 2, 77), 1);
    post_numbers(bus, "a", 3, 10);
    AWAIT_CALLS(&probe, 8);
    ck_assert_uint_eq(calls_with(&probe, 2), 0);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 10);
    ck_assert_uint_eq(calls_with(&probe, 2), 1);
    bus_close(bus);
}
END_TEST

START_TEST(keys_are_spread_over_the_lanes)
{
    static struct probe probe = {.is_thread_safe = true};
    struct ringbus_bus *bus = open_lanes(4, 64, NULL);
    uint32_t others = 0;

    join(bus, &probe, "a");
    for (uint64_t i = 0; i < 64; i++) {
        const uint64_t key = ringbus_key(&i, sizeof i);

        ck_assert_uint_ne(key, 0);
        ck_assert_uint_eq(ringbus_key(&i, sizeof i), key);
        ck_assert_int_eq(post_key(bus, "a", i, key), 1);
    }
    bus_flush(bus);
    for (int i = 1; i < 64; i++)
        others += !pthread_equal(probe.notes[i].thread, probe.notes[0].thread);
    ck_assert_uint_ge(others, 16);
    bus_close(bus);
}
END_TEST

/* ---- handlers that use the bus ---- */

static void
close_the_other(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    (void)event;
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DRAIN) == RINGBUS_PENDING, "it runs");
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DRAIN) == RINGBUS_EBUSY, "closed twice");
    gate_pass(&gate);
}

START_TEST(two_consumers_of_a_group_close_each_other_from_their_handlers)
{
    static struct gate both;
    static struct probe probes[2];
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    gate_init(&gate);
    gate_init(&both);
    for (int i = 0; i < 2; i++) {
        probes[i] = (struct probe){.name = i == 0 ? "first" : "second",
            .is_thread_safe = true,
            .gate = &both,
            .act = close_the_other,
            .of_act = &probes[1 - i]};
        join(bus, &probes[i], i == 0 ? "a" : "b");
        ck_assert_int_eq(post_number(bus, i == 0 ? "a" : "b", 1), 1);
        gate_await(&both, (uint32_t)i + 1);
    }
    gate_open(&both);
    gate_await(&gate, 2);
    ck_assert_uint_eq(load_u32(&probes[0].destroyed, ORDER_COUNT), 0);
    ck_assert_uint_eq(load_u32(&probes[1].destroyed, ORDER_COUNT), 0);
    gate_open(&gate);
    for (int i = 0; i < 2; i++)
        AWAIT_ON(bus, load_u32(&probes[i].destroyed, TEST_ACQUIRE) == 1);
    bus_close(bus);
}
END_TEST

static void
close_itself_last(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 4)
        MUST(ringbus_consumer_close(probe->consumer, RINGBUS_DISCARD) == RINGBUS_PENDING, "close");
    else
        gate_pass(&gate);
}

/* Three lanes are in it when the fourth closes it. */
START_TEST(a_consumer_closed_in_one_call_ends_when_all_lanes_have_left_it)
{
    static struct probe probe = {.name = "wide", .is_thread_safe = true, .act = close_itself_last};
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    gate_init(&gate);
    join(bus, &probe, "a");
    for (uint32_t i = 1; i <= 3; i++) {
        post_numbers(bus, "a", i, i);
        gate_await(&gate, i);
    }
    post_numbers(bus, "a", 4, 4);
    AWAIT_CALLS(&probe, 1);
    post_numbers(bus, "a", 5, 5);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 0);
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&probe.destroyed, TEST_ACQUIRE) == 1);
    ck_assert_uint_eq(probe_calls(&probe), 4);
    bus_close(bus);
}
END_TEST

static void
fill_own_ring(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    for (uint64_t i = 2; i <= 4; i++)
        MUST(post_number(probe->bus, "a", i) == 1, "there is room for three");
    MUST(post_number(probe->bus, "a", 5) == RINGBUS_EDEADLK, "the ring is full of this event");
    MUST(try_post_number(probe->bus, "a", 5) == RINGBUS_EAGAIN, "the ring is full of this event");
}

START_TEST(a_post_to_the_own_full_group_is_refused_on_any_lane)
{
    static struct probe probe = {.is_thread_safe = true, .act = fill_own_ring};
    struct ringbus_bus *bus = open_lanes(4, 4, NULL);

    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    AWAIT_CALLS(&probe, 4);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

/* ---- options ---- */

START_TEST(a_group_has_1_to_32_lanes_and_no_other_kind_has_any)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.lanes = 33;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    options.lanes = 2;
    options.kind = RINGBUS_GROUP_CALLER;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    options.kind = RINGBUS_GROUP_POLLED;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    ck_assert_ptr_null(group);
    options.kind = RINGBUS_GROUP_THREADS;
    options.lanes = 32;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("order", a_slow_call_leaves_the_other_lanes_working_for_a_rings_length,
        a_slow_serialized_consumer_leaves_thread_safe_ones_working,
        a_slow_serialized_consumer_leaves_those_of_other_lanes_working,
        a_thread_safe_consumer_runs_on_all_lanes_at_once,
        a_serialized_consumer_stays_on_one_thread_in_the_rings_order,
        events_of_a_key_go_to_one_thread_in_order_over_all_topics,
        a_slow_event_of_a_key_holds_up_that_key_and_no_free_event, keys_are_spread_over_the_lanes,
        two_consumers_of_a_group_close_each_other_from_their_handlers,
        a_consumer_closed_in_one_call_ends_when_all_lanes_have_left_it,
        a_post_to_the_own_full_group_is_refused_on_any_lane,
        a_group_has_1_to_32_lanes_and_no_other_kind_has_any);
}
