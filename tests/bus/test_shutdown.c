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
close_drained(struct ringbus_bus *bus)
{
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
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
    close_drained(bus);
    ck_assert_uint_eq(probe_calls(&probe), 8);
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
    bus_flush(bus);
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

    for (int i = 0; i < 4; i++) {
        call_start(&calls[i], drain, bus);
        ck_assert(!call_is_done(&calls[i]));
    }
    gate_open(&gate);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(call_join(&calls[i], "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 3);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_COUNT), 1);
    close_drained(bus);
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
    AWAIT_ON(bus, load_u32(&hooks.shutdowns, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
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

/* ---- threads that deliver themselves ---- */

static struct ringbus_bus *
open_caller(struct probe *probe, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe->group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, probe);
    probe_register(probe, "a");
    return bus;
}

static void
post_one(void *context)
{
    MUST(post_number(context, "a", 1) == 1, "no post");
}

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

static int
drain_consumer(void *context)
{
    const struct probe *probe = context;

    return ringbus_consumer_close(probe->consumer, RINGBUS_DRAIN);
}

static int
drain_group(void *context)
{
    const struct probe *probe = context;

    return ringbus_group_close(probe->group, RINGBUS_DRAIN);
}

static void
queue_and_stop(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "b", 2) == 1, "no nested post");
    gate_pass(probe->of_act);
}

/* While a thread is in a handler, with a post queued for `other`: `call` waits for that post. */
static void
check_waits_for_queued(int (*call)(void *context), bool is_of_bus)
{
    struct gate gate;
    struct probe other = {.name = "other"}, probe = {.act = queue_and_stop, .of_act = &gate};
    struct ringbus_bus *bus = NULL;
    struct call waiting;
    struct worker worker;

    gate_init(&gate);
    calls_begin();
    bus = open_caller(&probe, NULL);
    other.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &other);
    probe_register(&other, "b");
    worker_start(&worker, post_one, bus);
    gate_await(&gate, 1);
    call_start(&waiting, call, is_of_bus ? (void *)bus : (void *)&other);
    ck_assert(!call_is_done(&waiting));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&waiting, "who waits for a queued post"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&other), 1);
    worker_join(&worker, "a poster");
    bus_close(bus);
    calls_end();
}

START_TEST(flush_and_drain_wait_for_queued_posts)
{
    check_waits_for_queued(flush, true);
    check_waits_for_queued(drain, true);
    check_waits_for_queued(drain_consumer, false);
    check_waits_for_queued(drain_group, false);
}
END_TEST

static struct gate queued_gate, last_gate;

static void
post_to_other_bus(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    if (number_of(event) == 3)
        gate_pass(&last_gate);
    if (number_of(event) != 1)
        return;
    MUST(post_number(other->bus, "a", 2) == 1, "no nested post to another bus");
    MUST(post_number(probe->bus, "a", 3) == 1, "no nested post");
    gate_pass(&queued_gate);
}

/* The other bus was quiet, and could be closed, while its batch_end was still owed. */
START_TEST(a_bus_has_not_shut_down_while_a_thread_of_another_bus_owes_it_a_batch_end)
{
    static struct probe other = {.has_batch_end = true};
    static struct probe probe = {.act = post_to_other_bus, .of_act = &other};
    struct ringbus_bus *bus = NULL, *second = NULL;
    struct worker worker;
    struct call flushing;

    gate_init(&queued_gate);
    gate_init(&last_gate);
    calls_begin();
    bus = open_caller(&probe, NULL);
    second = open_caller(&other, NULL);
    worker_start(&worker, post_one, bus);
    gate_await(&queued_gate, 1);
    call_start(&flushing, flush, second);
    ck_assert(!call_is_done(&flushing)); /* a post is queued for it */
    gate_open(&queued_gate);
    gate_await(&last_gate, 1);
    CHECK_NUMBERS(&other, 2);
    ck_assert_uint_eq(load_u32(&other.batches, TEST_ACQUIRE), 0);
    ck_assert_int_eq(ringbus_shutdown(second, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    gate_open(&last_gate);
    ck_assert_int_eq(call_join(&flushing, "flush"), RINGBUS_OK);
    ck_assert_int_eq(shut_down(second, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&other.batches, TEST_ACQUIRE), 1);
    bus_close(second);
    worker_join(&worker, "a poster");
    bus_close(bus);
    calls_end();
}
END_TEST

/* The thread posts to one other bus; a third one's flush took it for one that serves it, and was never woken. */
START_TEST(a_flush_does_not_wait_for_a_thread_that_serves_other_buses_for_ever)
{
    static struct probe other, third;
    static struct probe probe = {.act = post_to_other_bus, .of_act = &other};
    struct ringbus_bus *buses[3] = {NULL};
    struct worker worker;
    struct call flushing;

    gate_init(&queued_gate);
    gate_init(&last_gate);
    gate_open(&queued_gate);
    calls_begin();
    buses[0] = open_caller(&probe, NULL);
    buses[1] = open_caller(&other, NULL);
    buses[2] = open_caller(&third, NULL);
    worker_start(&worker, post_one, buses[0]);
    gate_await(&last_gate, 1);
    call_start(&flushing, flush, buses[2]);
    gate_open(&last_gate);
    worker_join(&worker, "a poster");
    ck_assert_int_eq(call_join(&flushing, "the flush of a third bus"), RINGBUS_OK);
    for (int i = 0; i < 3; i++)
        bus_close(buses[i]);
    calls_end();
}
END_TEST

START_TEST(what_handlers_queue_while_the_bus_drains_is_delivered)
{
    static struct gate gate;
    static struct probe other, probe = {.gate = &gate, .act = queue_and_stop, .of_act = &gate};
    struct ringbus_bus *bus = open_caller(&probe, NULL);
    struct worker worker;

    gate_init(&gate);
    other.group = probe.group;
    probe_open(bus, &other);
    probe_register(&other, "b");
    worker_start(&worker, post_one, bus);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(post_number(bus, "a", 1), RINGBUS_ESHUTDOWN);
    gate_open(&gate);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    CHECK_NUMBERS(&other, 2);
    worker_join(&worker, "a poster");
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("shutdown", shutdown_wakes_blocked_posters,
        a_bus_that_has_shut_down_takes_nothing, shutdown_twice_is_once,
        concurrent_shutdowns_wait_for_the_same_end, a_handler_begins_a_shutdown,
        on_shutdown_can_use_the_bus_no_more, flush_and_drain_wait_for_queued_posts,
        a_bus_has_not_shut_down_while_a_thread_of_another_bus_owes_it_a_batch_end,
        a_flush_does_not_wait_for_a_thread_that_serves_other_buses_for_ever,
        what_handlers_queue_while_the_bus_drains_is_delivered);
}
