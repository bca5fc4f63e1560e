/* test_lane.c - a thread exits in a handler of a lane: the group ends loudly, its other lanes with it. */
#include <string.h>

#include "exit/cancel.h"
#include "exit/exit.h"

static struct hooks hooks;
static struct ringbus_bus *bus;
static struct ringbus_group *broken;
static struct gate gate;
static uint64_t last_number;

static void
open_lanes(uint32_t kind, uint32_t lanes, uint32_t is_stepped)
{
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(&hooks, 0, sizeof hooks);
    options.is_stepped = is_stepped;
    bus = bus_open(&options);
    group.kind = kind;
    group.lanes = lanes;
    group.capacity = 512;
    group.reserve = RINGBUS_NO_RESERVE;
    group.name = "broken";
    ck_assert_int_eq(ringbus_group_open(bus, &group, &broken), RINGBUS_OK);
    gate_init(&gate);
    last_number = 2;
}

static void
add_numbered(struct probe *probe, const char *name, struct ringbus_group *group)
{
    probe->of_act = &last_number;
    add_probe(bus, probe, name, group, "a");
}

static void
post_numbers(uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        ck_assert_int_gt(post_number(bus, "a", i), 0);
}

START_TEST(a_library_thread_that_exits_ends_its_group)
{
    static struct probe leaver = {.act = exit_for_number, .gate = &gate}, other;

    open_lanes(RINGBUS_GROUP_THREADS, 1, 0);
    add_numbered(&leaver, "leaver", broken);
    add_numbered(&other, "other", NULL);
    post_numbers(1, 5); /* 1 is done, the thread exits in 2 */
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
    ck_assert_ptr_eq(hooks.consumer, leaver.consumer);
    ck_assert_int_eq(post_number(bus, "a", 6), RINGBUS_ESHUTDOWN);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 4);
    ck_assert_uint_eq(undelivered(&hooks, "a", "other"), 0);
    CHECK_NUMBERS(&other, 1, 2, 3, 4, 5);
    ck_assert_uint_eq(load_u32(&leaver.destroyed, TEST_ACQUIRE), 1);
}
END_TEST

START_TEST(other_lanes_end_with_it)
{
    static struct probe leaver = {.act = exit_for_number, .is_thread_safe = true, .gate = &gate},
                        home;

    open_lanes(RINGBUS_GROUP_THREADS, 4, 0);
    add_numbered(&leaver, "leaver", broken);
    add_numbered(&home, "home", broken);
    post_numbers(1, 8);
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(
        undelivered(&hooks, "a", "leaver") + load_u32(&leaver.calls, TEST_ACQUIRE), 8);
    ck_assert_uint_eq(undelivered(&hooks, "a", "home") + load_u32(&home.calls, TEST_ACQUIRE), 8);
}
END_TEST

START_TEST(who_was_called_before_has_got_the_event)
{
    static struct probe before, leaver = {.act = exit_for_number}, after;

    open_lanes(RINGBUS_GROUP_THREADS, 1, 0);
    add_numbered(&before, "before", broken);
    add_numbered(&leaver, "leaver", broken);
    add_numbered(&after, "after", broken);
    last_number = 1;
    post_numbers(1, 1);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "before"), 0);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "after"), 1);
}
END_TEST

static void
check_exit_in_range(uint64_t exit_at, uint64_t posts)
{
    static struct probe leaver;

    open_lanes(RINGBUS_GROUP_THREADS, 2, 0);
    leaver = (struct probe){.act = exit_for_number, .is_thread_safe = true, .gate = &gate};
    last_number = exit_at;
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, posts);
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(
        undelivered(&hooks, "a", "leaver") + load_u32(&leaver.calls, TEST_ACQUIRE), posts);
}

/* Long ranges, and one that is the last. */
START_TEST(what_the_lane_had_taken_of_a_range_is_counted)
{
    for (uint64_t i = 0; i < 16; i++)
        check_exit_in_range(300 + i, 512);
    check_exit_in_range(1, 1);
}
END_TEST

START_TEST(what_is_owed_a_batch_end_is_not_delivered)
{
    static struct probe batched = {.has_batch_end = true, .gate = &gate};
    static struct probe leaver = {.act = exit_for_number};

    open_lanes(RINGBUS_GROUP_THREADS, 1, 0);
    last_number = 3;
    add_numbered(&batched, "batched", broken);
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, 1);
    gate_await(&gate, 1);
    post_numbers(2, 4); /* these are one pass: 1 has been a pass of its own */
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(batched.consumer, RINGBUS_DRAIN)), 0);
    end_bus(bus, RINGBUS_DISCARD);
    ck_assert_uint_eq(load_u32(&batched.batches, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "batched"), 3);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
}
END_TEST

START_TEST(a_thread_that_exits_in_a_batch_end_has_not_delivered_the_batch)
{
    static struct probe leaver = {.has_batch_end = true, .batch_act = leave_probe};

    open_lanes(RINGBUS_GROUP_THREADS, 1, 0);
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, 1);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    ck_assert_uint_eq(load_u32(&leaver.destroyed, TEST_ACQUIRE), 1);
}
END_TEST

static void
cancel_oneself(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    pthread_cancel(pthread_self());
    leave_if_cancelled();
}

START_TEST(cancellation_is_an_exit)
{
    static struct probe leaver = {.act = cancel_oneself};

    open_lanes(RINGBUS_GROUP_THREADS, 2, 0);
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, 1);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(broken, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

static void *
poll_last(void *context)
{
    const int outcome = ringbus_group_poll(context, 16);

    MUST(outcome == 0 && false, "the thread has come back: %d", outcome);
    return NULL;
}

START_TEST(a_polled_group_is_polled_to_its_end_by_another_thread)
{
    static struct probe leaver = {.act = exit_for_number};
    pthread_t thread;

    open_lanes(RINGBUS_GROUP_POLLED, 1, 0);
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, 3);
    ck_assert_int_eq(pthread_create(&thread, NULL, poll_last, broken), 0);
    join_thread(bus, thread);
    ck_assert_uint_eq(load_u32(&hooks.errors, TEST_ACQUIRE), 1);
    ck_assert_int_eq(post_number(bus, "a", 4), RINGBUS_ESHUTDOWN);
    ck_assert_int_ge(ringbus_group_poll(broken, 16), 0);
    ck_assert_int_eq(ringbus_group_poll(broken, 16), RINGBUS_ESHUTDOWN);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
}
END_TEST

static void *
step_last(void *context)
{
    while (ringbus_step(context) == 1)
        continue;
    MUST(false, "the thread has come back");
    return NULL;
}

START_TEST(another_thread_goes_on_stepping)
{
    static struct probe leaver = {.act = exit_for_number};
    pthread_t thread;

    open_lanes(RINGBUS_GROUP_THREADS, 2, 1);
    add_numbered(&leaver, "leaver", broken);
    post_numbers(1, 3);
    ck_assert_int_eq(pthread_create(&thread, NULL, step_last, bus), 0);
    join_thread(bus, thread);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
}
END_TEST

/* ---- a post by name of the lane's ---- */

static void
post_second(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    MUST(post_number(probe->bus, "b", 2) == 0 && false, "the thread has come back");
}

/* The post has found the topic without a lock. What is left of the thread lives as long as the line. */
START_TEST(a_topic_that_a_post_by_name_has_found_can_go_while_the_lane_goes_on)
{
    static struct probe poster = {.act = post_second, .gate = &gate};
    static struct probe leaver = {.act = exit_for_number};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_topic *topic = NULL;

    memset(&hooks, 0, sizeof hooks);
    gate_init(&gate);
    last_number = 2;
    options.max_topics = 2;
    bus = bus_open(&options);
    add_numbered(&poster, "poster", NULL);
    leaver.of_act = &last_number;
    add_probe(bus, &leaver, "leaver", group_open(bus, RINGBUS_GROUP_CALLER, 4), "b");
    ck_assert_int_eq(post_number(bus, "b", 1), 1);
    post_numbers(1, 2);
    gate_open(&gate);
    bus_flush(bus); /* the second event is discarded when the first is settled */
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &topic), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_consumer_close(leaver.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &topic), RINGBUS_OK);
    ringbus_topic_close(topic);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "poster"), 2);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("exit_lane", a_library_thread_that_exits_ends_its_group,
        other_lanes_end_with_it, who_was_called_before_has_got_the_event,
        what_the_lane_had_taken_of_a_range_is_counted, what_is_owed_a_batch_end_is_not_delivered,
        a_thread_that_exits_in_a_batch_end_has_not_delivered_the_batch, cancellation_is_an_exit,
        a_polled_group_is_polled_to_its_end_by_another_thread, another_thread_goes_on_stepping,
        a_topic_that_a_post_by_name_has_found_can_go_while_the_lane_goes_on);
}
