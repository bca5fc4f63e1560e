/* test_drain.c - what flush and shutdown wait for, and who is told of what they did not wait for. */
#include "bus/group.h"
#include "support/probe.h"

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

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

/* ---- flush ---- */

START_TEST(flush_waits_for_what_was_posted_before_it)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, NULL, 3);
    struct call flushing;

    ck_assert_int_eq(ringbus_flush(bus, 0), RINGBUS_ETIMEDOUT);
    call_start(&flushing, flush, bus);
    ck_assert(!call_is_done(&flushing));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&flushing, "flush"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_stopped(bus);
}
END_TEST

static void
stop_at_two(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 2)
        gate_pass(probe->of_act);
}

START_TEST(flush_does_not_wait_for_what_is_posted_after_it)
{
    static struct gate gate, second;
    static struct probe probe = {.gate = &gate, .act = stop_at_two, .of_act = &second};
    struct ringbus_bus *bus = open_stopped(&probe, NULL, 1);
    struct call flushing;

    gate_init(&second);
    call_start(&flushing, flush, bus);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&flushing, "flush"), RINGBUS_OK);
    gate_open(&second);
    close_stopped(bus);
}
END_TEST

START_TEST(flush_covers_every_group)
{
    static struct gate gate;
    static struct probe quick, slow = {.gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    slow.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &quick);
    probe_open(bus, &slow);
    probe_register(&quick, "a");
    probe_register(&slow, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    AWAIT_CALLS(&quick, 1);
    ck_assert_int_eq(ringbus_flush(bus, 0), RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&slow, 1);
    bus_close(bus);
}
END_TEST

static void
flush_in_handler(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_flush(probe->bus, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "a handler cannot flush");
}

START_TEST(flush_is_refused_in_a_handler)
{
    static struct probe probe = {.act = flush_in_handler};
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_flush(NULL, 0), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

/* An abandoned slot moves the executor's position, but runs no handler: who waited for it was not told. */
static void
check_abandoned_slot(int (*call)(void *context))
{
    struct ringbus_bus *bus = NULL;
    struct ringbus_ring *ring = NULL;
    struct call waiting;
    int64_t sequence = 0;

    calls_begin();
    bus = bus_open(NULL);
    ring = bus->default_group->ring;
    sequence = ringbus_ring_try_claim(ring, 1);
    call_start(&waiting, call, bus);
    ck_assert(!call_is_done(&waiting));
    ringbus_ring_abandon(ring, sequence, 1);
    ck_assert_int_eq(call_join(&waiting, "who waits for an abandoned slot"), RINGBUS_OK);
    close_stopped(bus);
}

START_TEST(flush_and_drain_pass_an_abandoned_slot)
{
    check_abandoned_slot(flush);
    check_abandoned_slot(drain);
}
END_TEST

static struct gate spin_gate;
static struct atomic_u32 spins;

/* The clock, which an executor looks at when it begins to spin. */
static int64_t
stop_in_first_spin(void)
{
    if (ringbus__record.executor != NULL && add_u32(&spins, 1, ORDER_COUNT) == 0)
        gate_pass(&spin_gate);
    return os_real()->now_ns();
}

static uint32_t
eight_cpus(void)
{
    return 8;
}

START_TEST(flush_passes_an_abandoned_slot_that_the_executor_meets_while_it_spins)
{
    struct ringbus_bus *bus = NULL;
    struct ringbus_ring *ring = NULL;
    struct call flushing;
    int64_t sequence = 0;

    gate_init(&spin_gate);
    calls_begin();
    ringbus__os.now_ns = stop_in_first_spin;
    ringbus__os.cpu_count = eight_cpus;
    bus = bus_open(NULL);
    gate_await(&spin_gate, 1);
    ring = bus->default_group->ring;
    sequence = ringbus_ring_try_claim(ring, 1);
    call_start(&flushing, flush, bus);
    ringbus_ring_abandon(ring, sequence, 1);
    gate_open(&spin_gate);
    ck_assert_int_eq(call_join(&flushing, "flush"), RINGBUS_OK);
    close_stopped(bus);
}
END_TEST

/* ---- drain ---- */

/* Post the next smaller number to the topic this consumer leads to, whatever the state of the bus. */
static void
pass_on(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) > 0)
        MUST(post_number(probe->bus, probe->of_act, number_of(event) - 1) == 1,
            "a handler may post while the bus drains");
}

START_TEST(drain_delivers_what_handlers_post_meanwhile_over_all_groups)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe first = {.gate = &gate, .act = pass_on, .of_act = "b"};
    static struct probe second = {.act = pass_on, .of_act = "a"};
    struct ringbus_bus *bus = NULL;
    struct call draining;

    calls_begin();
    gate_init(&gate);
    bus = bus_open_small(4, &hooks);
    second.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &first);
    probe_open(bus, &second);
    probe_register(&first, "a");
    probe_register(&second, "b");
    ck_assert_int_eq(post_number(bus, "a", 100), 1);
    gate_await(&gate, 1);
    call_start(&draining, drain, bus);
    ck_assert_int_eq(post_number(bus, "a", 7), RINGBUS_ESHUTDOWN);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&draining, "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&first), 51);
    ck_assert_uint_eq(probe_calls(&second), 50);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&hooks.rows, ORDER_COUNT), 0);
    close_stopped(bus);
}
END_TEST

START_TEST(a_shutdown_right_after_the_first_posts_delivers_them_all)
{
    for (int round = 0; round < 50; round++) {
        struct ringbus_bus *bus = bus_open(NULL);
        struct probe probe = {0};

        probe_open(bus, &probe);
        probe_register(&probe, "a");
        for (uint64_t i = 0; i < 20; i++)
            ck_assert_int_eq(post_number(bus, "a", i), 1);
        ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
        ck_assert_uint_eq(probe_calls(&probe), 20);
        bus_close(bus);
    }
}
END_TEST

/* ---- who is told ---- */

START_TEST(a_shutdown_that_times_out_names_what_is_left_and_a_later_one_goes_on)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe slow = {.name = "slow", .gate = &gate}, beside = {.name = "beside"};
    struct ringbus_bus *bus = open_stopped(&slow, &hooks, 3);

    probe_open(bus, &beside);
    probe_register(&beside, "b");
    ck_assert_int_eq(post_number(bus, "b", 4), 1);
    ck_assert_int_eq(post_number(bus, "b", 5), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(load_u32(&hooks.rows, ORDER_COUNT), 2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "slow"), 3);
    ck_assert_uint_eq(undelivered(&hooks, "b", "beside"), 2);
    ck_assert(pthread_equal(hooks.thread, pthread_self()));
    gate_open(&gate);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&hooks.rows, ORDER_COUNT), 2);
    CHECK_NUMBERS(&slow, 1, 2, 3);
    CHECK_NUMBERS(&beside, 4, 5);
    close_stopped(bus);
}
END_TEST

START_TEST(a_shutdown_that_times_out_can_be_given_up)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe slow = {.name = "slow", .gate = &gate};
    struct ringbus_bus *bus = open_stopped(&slow, &hooks, 5);

    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "slow"), 5);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    store_u32(&hooks.rows, 0, ORDER_COUNT);
    gate_open(&gate);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DISCARD), RINGBUS_OK);
    CHECK_NUMBERS(&slow, 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "slow"), 4);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "discarded"), 4);
    close_stopped(bus);
}
END_TEST

START_TEST(events_of_a_pass_that_are_done_are_not_named)
{
    static struct hooks hooks;
    static struct gate gate, second;
    static struct probe probe = {
        .name = "slow", .gate = &gate, .act = stop_at_two, .of_act = &second};
    struct ringbus_bus *bus = open_stopped(&probe, &hooks, 1);

    gate_init(&second);
    for (uint64_t i = 5; i >= 1; i--) /* in one pass: 5 4 3 2 1 */
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_open(&gate);
    gate_await(&second, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "slow"), 2);
    gate_open(&second);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DRAIN), RINGBUS_OK);
    close_stopped(bus);
}
END_TEST

static int
close_draining(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

START_TEST(events_of_a_consumer_that_is_being_closed_are_named)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe stopped = {.name = "stopped", .gate = &gate}, closing = {.name = "closing"};
    struct ringbus_bus *bus = open_stopped(&stopped, &hooks, 1);
    struct call call;

    probe_open(bus, &closing);
    probe_register(&closing, "b");
    ck_assert_int_eq(post_number(bus, "b", 1), 1);
    ck_assert_int_eq(post_number(bus, "b", 2), 1);
    call_start(&call, close_draining, closing.consumer);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "b", "closing"), 2);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DISCARD), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&closing), 0);
    close_stopped(bus);
}
END_TEST

static void
discard_in_handler(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_shutdown(probe->bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_PENDING,
        "a handler cannot wait for the end");
}

static void
check_told(struct ringbus_bus *bus, struct hooks *hooks)
{
    (void)bus;
    MUST(undelivered(hooks, "a", "slow") == 3, "not told before on_shutdown");
}

START_TEST(what_a_handler_discards_is_named_before_on_shutdown)
{
    static struct hooks hooks = {.on_shutdown = check_told};
    static struct gate gate;
    static struct probe slow = {.name = "slow", .gate = &gate, .act = discard_in_handler};
    struct ringbus_bus *bus = open_stopped(&slow, &hooks, 4);

    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&hooks.shutdowns, TEST_ACQUIRE) == 1);
    CHECK_NUMBERS(&slow, 1);
    ck_assert_int_eq(shut_down(bus, RINGBUS_DISCARD), RINGBUS_OK);
    close_stopped(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("drain", flush_waits_for_what_was_posted_before_it,
        flush_does_not_wait_for_what_is_posted_after_it, flush_covers_every_group,
        flush_is_refused_in_a_handler, flush_and_drain_pass_an_abandoned_slot,
        flush_passes_an_abandoned_slot_that_the_executor_meets_while_it_spins,
        drain_delivers_what_handlers_post_meanwhile_over_all_groups,
        a_shutdown_right_after_the_first_posts_delivers_them_all,
        a_shutdown_that_times_out_names_what_is_left_and_a_later_one_goes_on,
        a_shutdown_that_times_out_can_be_given_up, events_of_a_pass_that_are_done_are_not_named,
        events_of_a_consumer_that_is_being_closed_are_named,
        what_a_handler_discards_is_named_before_on_shutdown);
}
