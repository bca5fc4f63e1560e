/* test_after.c - a consumer gets an event when those it is after are done with it, whatever lane they are on. */
#include "lanes/fixture.h"

enum { MOST_LANES = 4, MOST_CHAIN = 32, EVENTS = 200 };

/* Of a probe's events: those before it have been called for it, as this probe was told by `of_act`: an array of them,
 * ended by NULL. The numbers begin with 1. */
static struct atomic_u32 done_by[MOST_CHAIN + 1][EVENTS + 1];

struct follower {
    struct probe probe;
    uint32_t number;
    const struct follower *before[4];
};

static void
follow(struct probe *probe, const struct ringbus_event *event)
{
    const struct follower *follower = probe->of_act;
    const uint64_t at = number_of(event);

    for (int i = 0; i < 4 && follower->before[i] != NULL; i++)
        MUST(load_u32(&done_by[follower->before[i]->number][at], ORDER_COUNT) == 1,
            "%s gets event %d before %s is done with it", probe->name, (int)at,
            follower->before[i]->probe.name);
    add_u32(&done_by[follower->number][at], 1, ORDER_COUNT);
}

/* Open it, after those in `before`; registered later, and in another order. */
static void
open_follower(struct ringbus_bus *bus, struct follower *follower, uint32_t number, const char *name,
    bool is_thread_safe)
{
    struct ringbus_consumer *after[4] = {NULL};

    follower->number = number;
    follower->probe.name = name;
    follower->probe.is_thread_safe = is_thread_safe;
    follower->probe.act = follow;
    follower->probe.of_act = follower;
    for (uint32_t i = 0; i < 4 && follower->before[i] != NULL; i++)
        after[follower->probe.after_count++] = follower->before[i]->probe.consumer;
    follower->probe.after = after;
    probe_open(bus, &follower->probe);
    for (int i = 0; i <= EVENTS; i++)
        store_u32(&done_by[number][i], 0, ORDER_OWN);
}

/* ---- graphs ---- */

static void
check_chain(uint32_t lanes, uint32_t length, uint32_t capacity)
{
    static struct follower chain[MOST_CHAIN];
    struct ringbus_bus *bus = open_lanes(lanes, capacity, NULL);

    memset(chain, 0, sizeof chain);
    for (uint32_t i = 0; i < length; i++) {
        chain[i].before[0] = i > 0 ? &chain[i - 1] : NULL;
        open_follower(bus, &chain[i], i, "a link of a chain", i % 3 == 1);
    }
    for (uint32_t i = length; i > 0; i--)
        probe_register(&chain[i - 1].probe, "a");
    post_numbers(bus, "a", 1, EVENTS);
    bus_flush(bus);
    for (uint32_t i = 0; i < length; i++)
        ck_assert_uint_eq(probe_calls(&chain[i].probe), EVENTS);
    bus_close(bus);
}

START_TEST(a_chain_is_gone_through_in_its_order)
{
    for (uint32_t lanes = 1; lanes <= MOST_LANES; lanes *= 2) {
        check_chain(lanes, 2, 2);
        check_chain(lanes, 6, 16);
        check_chain(lanes, 32, 64);
    }
}
END_TEST

static void
check_diamond(uint32_t lanes, uint32_t thread_safe)
{
    static struct follower first, left, right, last, aside;
    struct follower *const all[] = {&last, &aside, &right, &left, &first};
    struct ringbus_bus *bus = open_lanes(lanes, 8, NULL);

    first = (struct follower){0};
    left = (struct follower){.before = {&first}};
    right = (struct follower){.before = {&first}};
    last = (struct follower){.before = {&left, &right, &first}};
    aside = (struct follower){.before = {&right}};
    open_follower(bus, &first, 0, "first", thread_safe & 1);
    open_follower(bus, &left, 1, "left", thread_safe & 2);
    open_follower(bus, &right, 2, "right", thread_safe & 4);
    open_follower(bus, &last, 3, "last", thread_safe & 8);
    open_follower(bus, &aside, 4, "aside", thread_safe & 1);
    for (int i = 0; i < 5; i++)
        probe_register(&all[i]->probe, "a");
    post_numbers(bus, "a", 1, EVENTS);
    bus_flush(bus);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(probe_calls(&all[i]->probe), EVENTS);
    bus_close(bus);
}

START_TEST(a_fork_is_joined_after_all_its_branches)
{
    for (uint32_t lanes = 1; lanes <= MOST_LANES; lanes *= 2)
        for (uint32_t thread_safe = 0; thread_safe < 16; thread_safe++)
            check_diamond(lanes, thread_safe);
}
END_TEST

START_TEST(the_branches_of_a_fork_run_at_once)
{
    static struct gate both;
    static struct probe first, branches[2];
    struct ringbus_bus *bus = open_lanes(4, 8, NULL);

    gate_init(&both);
    join(bus, &first, "a");
    for (int i = 0; i < 2; i++) {
        branches[i] = (struct probe){.name = "branch", .gate = &both};
        join_after(bus, &branches[i], &first, "a");
    }
    post_numbers(bus, "a", 1, 1);
    gate_await(&both, 2);
    gate_open(&both);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

/* Blocked at different stages of different events, they would wait for each other if a lane waited inside a stage. */
START_TEST(consumers_that_cross_on_two_lanes_do_not_wait_for_each_other)
{
    static struct follower firsts[4], seconds[4];
    struct ringbus_bus *bus = open_lanes(2, 2, NULL);

    for (uint32_t i = 0; i < 4; i++)
        open_follower(bus, &firsts[i], i, "first", false);
    for (uint32_t i = 0; i < 4; i++) {
        seconds[i].before[0] = &firsts[3 - i];
        open_follower(bus, &seconds[i], 4 + i, "second", false);
        probe_register(&seconds[i].probe, i % 2 ? "a" : "b");
        probe_register(&firsts[3 - i].probe, i % 2 ? "a" : "b");
    }
    for (uint64_t i = 1; i <= EVENTS; i++)
        ck_assert_int_eq(post_number(bus, i % 3 ? "a" : "b", i), 4);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

START_TEST(one_that_is_not_registered_on_the_topic_holds_nobody_up)
{
    static struct gate gate;
    static struct probe before = {.name = "before", .gate = &gate}, behind = {.name = "behind"};
    struct ringbus_bus *bus = open_lanes(2, 8, NULL);

    gate_init(&gate);
    join(bus, &before, "a");
    join_after(bus, &behind, &before, "b");
    post_numbers(bus, "b", 1, 3);
    AWAIT_CALLS(&behind, 3);
    post_numbers(bus, "a", 4, 4);
    gate_await(&gate, 1);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&behind), 3);
    bus_close(bus);
}
END_TEST

/* ---- while events flow ---- */

static struct gate first_gate;

static void
stop_first(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    if (number_of(event) == 1)
        gate_pass(&first_gate);
}

static void
be_behind(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *before = probe->of_act;

    MUST(calls_with(before, number_of(event)) == 1, "%s overtakes %s", probe->name, before->name);
}

/* 1 is being handled, 2 waits, when the stage is opened. */
static void
check_new_stage(uint32_t lanes)
{
    struct probe before = {.name = "before", .act = stop_first};
    struct probe behind = {.name = "behind", .act = be_behind, .of_act = &before};
    struct probe last = {.name = "last", .act = be_behind, .of_act = &behind};
    struct ringbus_bus *bus = open_lanes(lanes, 8, NULL);

    gate_init(&first_gate);
    join(bus, &before, "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&first_gate, 1);
    post_numbers(bus, "a", 2, 2);
    join_after(bus, &behind, &before, "a");
    post_numbers(bus, "a", 3, 3);
    join_after(bus, &last, &behind, "a");
    post_numbers(bus, "a", 4, 5);
    gate_open(&first_gate);
    bus_flush(bus);
    CHECK_NUMBERS(&before, 1, 2, 3, 4, 5);
    CHECK_NUMBERS(&behind, 3, 4, 5);
    CHECK_NUMBERS(&last, 4, 5);
    bus_close(bus);
}

START_TEST(a_stage_opened_while_events_wait_gets_those_posted_after)
{
    check_new_stage(1);
    check_new_stage(4);
}
END_TEST

START_TEST(one_that_was_closed_keeps_its_place_in_the_order)
{
    static struct probe first = {.name = "first", .act = stop_first}, middle = {.name = "middle"};
    static struct probe last = {.name = "last", .act = be_behind, .of_act = &first};
    struct ringbus_bus *bus = open_lanes(4, 8, NULL);

    gate_init(&first_gate);
    join(bus, &first, "a");
    join_after(bus, &middle, &first, "a");
    join_after(bus, &last, &middle, "a");
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(middle.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    post_numbers(bus, "a", 1, 4);
    gate_await(&first_gate, 1);
    gate_open(&first_gate);
    bus_flush(bus);
    CHECK_NUMBERS(&last, 1, 2, 3, 4);
    bus_close(bus);
}
END_TEST

static void
remove_the_other(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    if (number_of(event) == 2)
        MUST(ringbus_unregister_consumer(probe->bus, other->consumer, NULL) == RINGBUS_OK, "gone");
}

START_TEST(one_removed_during_the_dispatch_is_not_called_for_the_event)
{
    static struct probe behind = {.name = "behind"};
    static struct probe before = {.name = "before", .act = remove_the_other, .of_act = &behind};
    struct ringbus_bus *bus = open_lanes(2, 8, NULL);

    join(bus, &before, "a");
    join_after(bus, &behind, &before, "a");
    post_numbers(bus, "a", 1, 1);
    bus_flush(bus);
    post_numbers(bus, "a", 2, 4);
    bus_flush(bus);
    CHECK_NUMBERS(&before, 1, 2, 3, 4);
    CHECK_NUMBERS(&behind, 1);
    bus_close(bus);
}
END_TEST

/* ---- what is refused ---- */

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

static int
open_after(struct ringbus_bus *bus, struct ringbus_group *group,
    struct ringbus_consumer *const *after, uint32_t count, struct ringbus_consumer **ret_consumer)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = group;
    options.after = after;
    options.after_count = count;
    return ringbus_consumer_open(bus, ignore, NULL, &options, ret_consumer);
}

static int
close_and_wait(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

START_TEST(only_open_consumers_of_the_group_can_be_named)
{
    static struct gate gate;
    static struct probe closing = {.name = "closing", .gate = &gate};
    struct ringbus_consumer *here = NULL, *there = NULL, *more = NULL;
    struct ringbus_bus *bus = NULL;
    struct ringbus_group *other = NULL;
    struct call call;

    calls_begin();
    bus = open_lanes(2, 8, NULL);
    other = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    gate_init(&gate);
    join(bus, &closing, "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(open_after(bus, NULL, NULL, 0, &here), RINGBUS_OK);
    ck_assert_int_eq(open_after(bus, other, NULL, 0, &there), RINGBUS_OK);
    ck_assert_int_eq(open_after(bus, NULL, NULL, 1, &more), RINGBUS_EINVAL);
    ck_assert_int_eq(open_after(bus, NULL, &more, 1, &more), RINGBUS_EINVAL);
    ck_assert_int_eq(open_after(bus, NULL, &there, 1, &more), RINGBUS_EINVAL);
    ck_assert_int_eq(open_after(bus, other, &here, 1, &more), RINGBUS_EINVAL);
    call_start(&call, close_and_wait, closing.consumer);
    ck_assert_int_eq(open_after(bus, NULL, &closing.consumer, 1, &more), RINGBUS_EINVAL);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    ck_assert_ptr_null(more);
    ck_assert_int_eq(open_after(bus, NULL, &here, 1, &more), RINGBUS_OK);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(the_33rd_consumer_that_others_come_after_is_refused)
{
    struct ringbus_bus *bus = open_lanes(2, 8, NULL);
    struct ringbus_group *other = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    struct ringbus_consumer *named[33], *more = NULL;

    for (int i = 0; i < 33; i++)
        ck_assert_int_eq(open_after(bus, NULL, NULL, 0, &named[i]), RINGBUS_OK);
    for (int i = 0; i < 32; i++)
        ck_assert_int_eq(open_after(bus, NULL, &named[i], 1, &more), RINGBUS_OK);
    more = NULL;
    ck_assert_int_eq(open_after(bus, NULL, &named[32], 1, &more), RINGBUS_ENOSPC);
    ck_assert_ptr_null(more);
    ck_assert_int_eq(open_after(bus, NULL, &named[0], 32, &more), RINGBUS_OK);
    ck_assert_int_eq(open_after(bus, other, NULL, 0, &named[0]), RINGBUS_OK);
    ck_assert_int_eq(open_after(bus, other, &named[0], 1, &more), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(places_in_the_order_are_given_back)
{
    struct ringbus_bus *bus = open_lanes(2, 8, NULL);

    for (int i = 0; i < 100; i++) {
        struct ringbus_consumer *before = NULL, *behind = NULL;

        ck_assert_int_eq(open_after(bus, NULL, NULL, 0, &before), RINGBUS_OK);
        ck_assert_int_eq(open_after(bus, NULL, &before, 1, &behind), RINGBUS_OK);
        ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(before, RINGBUS_DRAIN)), RINGBUS_OK);
        ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(behind, RINGBUS_DRAIN)), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("after", a_chain_is_gone_through_in_its_order,
        a_fork_is_joined_after_all_its_branches, the_branches_of_a_fork_run_at_once,
        consumers_that_cross_on_two_lanes_do_not_wait_for_each_other,
        one_that_is_not_registered_on_the_topic_holds_nobody_up,
        a_stage_opened_while_events_wait_gets_those_posted_after,
        one_that_was_closed_keeps_its_place_in_the_order,
        one_removed_during_the_dispatch_is_not_called_for_the_event,
        only_open_consumers_of_the_group_can_be_named,
        the_33rd_consumer_that_others_come_after_is_refused, places_in_the_order_are_given_back);
}
