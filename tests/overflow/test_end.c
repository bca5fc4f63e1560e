/* test_end.c - what a lossy group still holds is delivered, or counted, when something ends. */
#include <string.h>

#include "overflow/fixture.h"

enum { KINDS = 3 };
static const uint32_t kinds[KINDS] = {RINGBUS_DROP_NEWEST, RINGBUS_DROP_OLDEST, RINGBUS_CONFLATE};

static struct loser loser;
static struct hooks hooks;
static struct gate gate;

/* A bus with a lossy group of one thread, whose consumer stops at the gate with event 1; 2 and 3 wait behind it. */
static struct ringbus_bus *
open_held(uint32_t overflow)
{
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = NULL;

    memset(&hooks, 0, sizeof hooks);
    memset(&loser, 0, sizeof loser);
    gate_init(&gate);
    bus = bus_open(&options);
    loser.probe.gate = &gate;
    lose_on(bus, &loser, lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 4), "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&gate, 1);
    post_numbers(bus, "a", 2, 3);
    return bus;
}

static bool
keeps_both(uint32_t overflow)
{
    return overflow != RINGBUS_CONFLATE;
}

static void
check_all_came(uint32_t overflow)
{
    if (keeps_both(overflow))
        CHECK_NUMBERS(&loser.probe, 1, 2, 3);
    else
        CHECK_NUMBERS(&loser.probe, 1, 3);
}

static struct call call;

static int
shut_down(void *bus)
{
    return ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

START_TEST(a_shutdown_that_drains_delivers_what_the_group_holds)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = NULL;

        calls_begin();
        bus = open_held(kinds[i]);
        call_start(&call, shut_down, bus);
        ck_assert_int_eq(try_post_number(bus, "a", 4), RINGBUS_ESHUTDOWN);
        gate_open(&gate);
        ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
        check_all_came(kinds[i]);
        bus_close(bus);
        calls_end();
    }
}
END_TEST

static void
post_one_more(struct probe *probe, const struct ringbus_event *event)
{
    note_lost(probe, event);
    if (number_of(event) < 10)
        MUST(post_number(probe->bus, "a", number_of(event) + 10) == 1, "not posted");
}

START_TEST(handlers_may_post_into_the_group_while_it_drains)
{
    /* 13 finds the ring full of 2, 3, 11 and 12; 11 replaces 3. */
    const uint64_t last[KINDS] = {12, 13, 11};

    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = NULL;

        calls_begin();
        bus = open_held(kinds[i]);
        loser.probe.act = post_one_more;
        call_start(&call, shut_down, bus);
        gate_open(&gate);
        ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
        ck_assert_uint_eq(loser.probe.notes[probe_calls(&loser.probe) - 1].number, last[i]);
        bus_close(bus);
        calls_end();
    }
}
END_TEST

START_TEST(a_shutdown_in_vain_names_what_is_left)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = open_held(kinds[i]);

        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
        ck_assert_uint_eq(undelivered(&hooks, "a", "loser"), keeps_both(kinds[i]) ? 3 : 2);
        gate_open(&gate);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_all_came(kinds[i]);
        bus_close(bus);
    }
}
END_TEST

START_TEST(an_event_in_hand_is_named_also_when_it_is_overwritten)
{
    struct ringbus_bus *bus = open_held(RINGBUS_DROP_OLDEST);

    post_numbers(bus, "a", 4, 20);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    /* With it those that stand in the ring, but for what a reader that was overtaken skips. */
    ck_assert_uint_eq(undelivered(&hooks, "a", "loser"), 1 + 3);
    gate_open(&gate);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    CHECK_NUMBERS(&loser.probe, 1, 18, 19, 20);
    bus_close(bus);
}
END_TEST

START_TEST(a_shutdown_that_discards_counts_what_the_group_holds)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = NULL;
        const uint64_t left = keeps_both(kinds[i]) ? 2 : 1;

        calls_begin();
        bus = open_held(kinds[i]);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
        gate_open(&gate);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_OK);
        CHECK_NUMBERS(&loser.probe, 1);
        ck_assert_int_eq(figure_of(bus, "group", "lossy", "discarded"), (int64_t)left);
        bus_close(bus);
        calls_end();
    }
}
END_TEST

static int
close_group(void *group)
{
    return ringbus_group_close(group, RINGBUS_DRAIN);
}

START_TEST(a_group_that_closes_delivers_what_it_holds)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = NULL;

        calls_begin();
        bus = open_held(kinds[i]);
        call_start(&call, close_group, loser.probe.group);
        ck_assert_int_eq(try_post_number(bus, "a", 4), 0);
        gate_open(&gate);
        ck_assert_int_eq(call_join(&call, "group_close"), RINGBUS_OK);
        check_all_came(kinds[i]);
        bus_close(bus);
        calls_end();
    }
}
END_TEST

static int
close_consumer(void *consumer)
{
    return ringbus_consumer_close(consumer, RINGBUS_DRAIN);
}

START_TEST(a_consumer_that_is_drained_gets_what_the_group_holds)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = NULL;

        calls_begin();
        bus = open_held(kinds[i]);
        call_start(&call, close_consumer, loser.probe.consumer);
        ck_assert_int_eq(try_post_number(bus, "a", 4), 0);
        gate_open(&gate);
        ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
        check_all_came(kinds[i]);
        ck_assert_uint_eq(load_u32(&loser.probe.destroyed, TEST_ACQUIRE), 1);
        bus_close(bus);
        calls_end();
    }
}
END_TEST

START_TEST(a_consumer_that_is_unregistered_gets_nothing_more)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = open_held(kinds[i]);

        ck_assert_int_eq(ringbus_unregister_consumer(bus, loser.probe.consumer, NULL), RINGBUS_OK);
        gate_open(&gate);
        bus_flush(bus);
        CHECK_NUMBERS(&loser.probe, 1);
        bus_close(bus);
    }
}
END_TEST

static void
exit_here(struct probe *probe, const struct ringbus_event *event)
{
    note_lost(probe, event);
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    pthread_exit(NULL);
}

START_TEST(a_thread_that_exits_in_a_handler_leaves_the_rest_counted)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = open_held(kinds[i]);

        loser.probe.act = exit_here;
        gate_open(&gate);
        AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
        ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(try_post_number(bus, "a", 4), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        ck_assert_uint_eq(undelivered(&hooks, "a", "loser"), keeps_both(kinds[i]) ? 3 : 2);
        bus_close(bus);
    }
}
END_TEST

static void
exit_in_batch(struct probe *probe)
{
    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    pthread_exit(NULL);
}

START_TEST(a_thread_that_exits_in_a_batch_end_leaves_the_event_counted)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_bus *bus = open_held(kinds[i]);
        struct probe batcher = {.name = "batcher", .has_batch_end = true};

        batcher.group = loser.probe.group;
        batcher.batch_act = exit_in_batch;
        probe_open(bus, &batcher);
        probe_register(&batcher, "b");
        post_numbers(bus, "b", 1, 1);
        gate_open(&gate);
        AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_all_came(kinds[i]);
        ck_assert_uint_eq(undelivered(&hooks, "b", "batcher"), 1);
        bus_close(bus);
    }
}
END_TEST

START_TEST(step_mode_runs_lossy_groups)
{
    for (int i = 0; i < KINDS; i++) {
        struct ringbus_options options = options_with(NULL);
        struct ringbus_bus *bus = NULL;

        options.is_stepped = 1;
        options.step_seed = 7;
        bus = bus_open(&options);
        memset(&loser, 0, sizeof loser);
        lose_on(bus, &loser, lossy_open(bus, kinds[i], RINGBUS_GROUP_THREADS, 4), "a");
        post_numbers(bus, "a", 1, 9);
        while (ringbus_step(bus) == 1)
            ;
        ck_assert_int_eq(dropped(bus), (int64_t)(9 - probe_calls(&loser.probe)));
        post_numbers(bus, "a", 10, 10);
        ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        ck_assert_uint_eq(probe_calls(&loser.probe) + loser.sum, 10);
        bus_close(bus);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_end", a_shutdown_that_drains_delivers_what_the_group_holds,
        handlers_may_post_into_the_group_while_it_drains, a_shutdown_in_vain_names_what_is_left,
        an_event_in_hand_is_named_also_when_it_is_overwritten,
        a_shutdown_that_discards_counts_what_the_group_holds,
        a_group_that_closes_delivers_what_it_holds,
        a_consumer_that_is_drained_gets_what_the_group_holds,
        a_consumer_that_is_unregistered_gets_nothing_more,
        a_thread_that_exits_in_a_handler_leaves_the_rest_counted,
        a_thread_that_exits_in_a_batch_end_leaves_the_event_counted, step_mode_runs_lossy_groups);
}
