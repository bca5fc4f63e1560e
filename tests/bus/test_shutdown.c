/* test_shutdown.c - a shutdown begins, once, from wherever it is called; a bus that has ended takes nothing. */
#include "support/probe.h"

static int
drain(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

static int
shut_down(struct ringbus_bus *bus, enum ringbus_how how)
{
    return IN_TIME(bus, ringbus_shutdown(bus, how, RINGBUS_FOREVER));
}

/* A bus with a small ring whose probe stops in its first event, with events up to `count` posted. */
static struct ringbus_bus *
open_stopped(struct probe *probe, struct hooks *hooks, uint64_t count)
{
    struct ringbus_bus *bus = NULL;

    calls_begin();
    gate_init(probe->gate);
    bus = bus_open_small(8, hooks);
    probe_open(bus, probe);
    probe_register(probe, "a");
    for (uint64_t i = 1; i <= count; i++)
        MUST(post_number(bus, "a", i) == 1, "no post");
    gate_await(probe->gate, 1);
    return bus;
}

static void
close_stopped(struct ringbus_bus *bus)
{
    bus_close(bus);
    calls_end();
}

static int
post_blocked(void *context)
{
    return post_number(context, "a", 99);
}

START_TEST(shutdown_wakes_blocked_posters)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, NULL, 8);
    struct call posting;

    call_start(&posting, post_blocked, bus);
    ck_assert(!call_is_done(&posting));
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(call_join(&posting, "a blocked poster"), RINGBUS_ESHUTDOWN);
    gate_open(&gate);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 8);
    close_stopped(bus);
}
END_TEST

START_TEST(a_bus_that_has_shut_down_takes_nothing)
{
    static struct probe probe, caller;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = NULL;

    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &probe);
    probe_open(bus, &caller);
    probe_register(&probe, "a");
    probe_register(&caller, "b");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(try_post_number(bus, "a", 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_topic_post(topic, "x", 1, NULL), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(post_number(bus, "b", 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(post_number(bus, "nobody", 1), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_flush(bus, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_visit(bus, NULL, NULL), RINGBUS_EINVAL);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(shutdown_twice_is_once)
{
    static struct hooks hooks;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    ck_assert_int_eq(ringbus_shutdown(NULL, RINGBUS_DRAIN, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_shutdown(bus, (enum ringbus_how)0, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DISCARD), RINGBUS_OK);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

START_TEST(concurrent_shutdowns_wait_for_the_same_end)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, &hooks, 3);
    struct call calls[4];

    for (int i = 0; i < 4; i++)
        call_start(&calls[i], drain, bus);
    for (int i = 0; i < 4; i++)
        ck_assert(!call_is_done(&calls[i]));
    gate_open(&gate);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(call_join(&calls[i], "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 3);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_COUNT), 1);
    close_stopped(bus);
}
END_TEST

START_TEST(on_shutdown_has_returned_when_shutdown_does)
{
    static struct gate gate;
    static struct hooks hooks;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, &hooks, 1);
    struct call draining;

    call_start(&draining, drain, bus);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&draining, "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_STATE_ACQUIRE), 1);
    close_stopped(bus);
}
END_TEST

/* ---- from handlers and hooks ---- */

static void
shut_down_in_handler(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(ringbus_shutdown(probe->bus, RINGBUS_DRAIN, RINGBUS_FOREVER) == RINGBUS_PENDING,
            "a handler cannot wait for the end");
}

static void
check_shutdown_in_handler(uint32_t kind)
{
    struct hooks hooks = {0};
    struct ringbus_options options = options_with(&hooks);
    struct probe probe = {.act = shut_down_in_handler};
    struct ringbus_bus *bus = bus_open(&options);

    probe.group = group_open(bus, kind, 8);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_ON(bus, load_u32(&hooks.shutdowns, ORDER_STATE_ACQUIRE) == 1);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_STATE_ACQUIRE), 1);
    bus_close(bus);
}

START_TEST(a_handler_begins_a_shutdown)
{
    check_shutdown_in_handler(RINGBUS_GROUP_THREADS);
    check_shutdown_in_handler(RINGBUS_GROUP_CALLER);
}
END_TEST

static void
use_ended_bus(struct ringbus_bus *bus, struct hooks *hooks)
{
    (void)hooks;
    MUST(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)) == RINGBUS_PENDING,
        "a hook cannot wait for the end");
    MUST(ringbus_close(bus) == RINGBUS_EBUSY, "a hook cannot close the bus");
    MUST(post_number(bus, "ring", 1) == RINGBUS_ESHUTDOWN, "a ring takes a post after the end");
    MUST(post_number(bus, "caller", 1) == RINGBUS_ESHUTDOWN, "a handler runs after the end");
    MUST(post_number(bus, "nobody", 1) == RINGBUS_ESHUTDOWN, "a dead post after the end");
}

static void
check_use_of_ended_bus(bool is_from_handler)
{
    struct hooks hooks = {.on_shutdown = use_ended_bus};
    struct ringbus_options options = options_with(&hooks);
    struct probe ring = {.act = is_from_handler ? shut_down_in_handler : NULL}, caller = {0};
    struct ringbus_bus *bus = bus_open(&options);

    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &ring);
    probe_open(bus, &caller);
    probe_register(&ring, "ring");
    probe_register(&caller, "caller");
    ck_assert_int_eq(post_number(bus, "ring", 1), 1);
    if (!is_from_handler)
        bus_flush(bus);
    AWAIT_CALLS(&ring, 1);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&ring) + probe_calls(&caller), 1);
    bus_close(bus);
}

START_TEST(on_shutdown_can_use_the_bus_no_more)
{
    check_use_of_ended_bus(false);
    check_use_of_ended_bus(true);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("shutdown", shutdown_wakes_blocked_posters,
        a_bus_that_has_shut_down_takes_nothing, shutdown_twice_is_once,
        concurrent_shutdowns_wait_for_the_same_end, on_shutdown_has_returned_when_shutdown_does,
        a_handler_begins_a_shutdown, on_shutdown_can_use_the_bus_no_more);
}
