/* test_batch.c - when events are done: after their handlers, and after the batch_end they are owed; and who is
 * told when one of these fails. */
#include "support/probe.h"

/* ---- batch_end ---- */

/* A consumer on "stop" that stops the default group's executor until the gate opens: what is posted meanwhile is one
 * pass. */
static struct gate stop_gate;

static struct ringbus_bus *
open_stopped(uint32_t capacity, struct hooks *hooks, struct probe *stopper)
{
    struct ringbus_bus *bus = NULL;

    gate_init(&stop_gate);
    calls_begin();
    bus = bus_open_small(capacity, hooks);
    stopper->name = "stopper";
    stopper->gate = &stop_gate;
    probe_open(bus, stopper);
    probe_register(stopper, "stop");
    MUST(post_number(bus, "stop", 0) == 1, "no post");
    gate_await(&stop_gate, 1);
    return bus;
}

static void
close_stopped(struct ringbus_bus *bus)
{
    bus_close(bus);
    calls_end();
}

START_TEST(batch_end_comes_once_after_the_last_event_of_a_pass)
{
    static struct probe stopper, idle = {.has_batch_end = true};
    static struct probe writers[3] = {
        {.has_batch_end = true}, {.has_batch_end = true}, {.has_batch_end = true}};
    struct ringbus_bus *bus = open_stopped(8, NULL, &stopper);

    for (int i = 0; i < 3; i++) {
        probe_open(bus, &writers[i]);
        probe_register(&writers[i], "a");
    }
    probe_open(bus, &idle);
    probe_register(&idle, "b");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 3);
    gate_open(&stop_gate);
    bus_flush(bus);
    for (int i = 0; i < 3; i++) {
        CHECK_NUMBERS(&writers[i], 1, 2, 3, 4, 5);
        ck_assert_uint_eq(load_u32(&writers[i].batches, TEST_ACQUIRE), 1);
    }
    ck_assert_uint_eq(load_u32(&idle.batches, TEST_ACQUIRE), 0);
    close_stopped(bus);
}
END_TEST

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

static int
shut_down(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

/* `call` must still sleep when batch_end is about to return. */
static void
check_waits_for_batch_end(int (*call)(void *context))
{
    struct gate gate;
    struct probe writer = {.has_batch_end = true, .batch_gate = &gate};
    struct ringbus_bus *bus = NULL;
    struct call waiting;

    gate_init(&gate);
    calls_begin();
    bus = bus_open(NULL);
    probe_open(bus, &writer);
    probe_register(&writer, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    call_start(&waiting, call, bus);
    ck_assert(!call_is_done(&waiting));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&waiting, "who waits for a batch_end"), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&writer.batches, TEST_ACQUIRE), 1);
    close_stopped(bus);
}

START_TEST(flush_and_drain_wait_for_batch_end)
{
    check_waits_for_batch_end(flush);
    check_waits_for_batch_end(shut_down);
}
END_TEST

static void
fill_ring_from_second(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 2)
        return;
    MUST(try_post_number(probe->bus, "b", 0) == 0, "nobody is on b");
    MUST(try_post_number(probe->bus, "a", 9) == 1, "there is room for one");
    MUST(try_post_number(probe->bus, "a", 10) == RINGBUS_EAGAIN,
        "an event whose batch_end is owed made room");
}

START_TEST(an_event_that_is_owed_a_batch_end_makes_no_room)
{
    static struct probe stopper, writer = {.has_batch_end = true, .act = fill_ring_from_second};
    struct ringbus_bus *bus = open_stopped(4, NULL, &stopper);

    probe_open(bus, &writer);
    probe_register(&writer, "a");
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_open(&stop_gate);
    AWAIT_CALLS(&writer, 4);
    CHECK_NUMBERS(&writer, 1, 2, 3, 9);
    close_stopped(bus);
}
END_TEST

/* In its first batch_end, in a ring of 4. */
static void
fill_ring_in_batch_end(struct probe *probe)
{
    if (load_u32(&probe->batches, ORDER_COUNT) > 0)
        return;
    for (uint64_t i = 2; i <= 4; i++)
        MUST(try_post_number(probe->bus, "a", i) == 1, "there is room for three");
    MUST(try_post_number(probe->bus, "a", 9) == RINGBUS_EAGAIN,
        "an event whose batch_end runs made room");
}

/* The refused post committed the pass: flush could return while the batch_end of its events was still running. */
START_TEST(a_post_refused_in_batch_end_does_not_finish_its_events)
{
    static struct probe writer = {.has_batch_end = true, .batch_act = fill_ring_in_batch_end};
    struct ringbus_bus *bus = bus_open_small(4, NULL);

    probe_open(bus, &writer);
    probe_register(&writer, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_CALLS(&writer, 4);
    CHECK_NUMBERS(&writer, 1, 2, 3, 4);
    bus_close(bus);
}
END_TEST

static void
post_reply(struct probe *probe)
{
    MUST(post_number(probe->bus, "reply", 1) == 1, "no reply");
}

START_TEST(a_batch_end_can_post)
{
    static struct probe stopper, reply, writer = {.has_batch_end = true, .batch_act = post_reply};
    struct ringbus_bus *bus = open_stopped(8, NULL, &stopper);

    probe_open(bus, &writer);
    probe_open(bus, &reply);
    probe_register(&writer, "a");
    probe_register(&reply, "reply");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    gate_open(&stop_gate);
    bus_flush(bus);
    AWAIT_CALLS(&reply, 1);
    close_stopped(bus);
}
END_TEST

static int
discard(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DISCARD);
}

START_TEST(a_consumer_is_closed_after_the_batch_end_it_is_owed)
{
    static struct gate gate;
    static struct probe stopper, writer = {.has_batch_end = true}, last = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(8, NULL, &stopper);
    struct call closing;

    gate_init(&gate);
    probe_open(bus, &writer);
    probe_open(bus, &last);
    probe_register(&writer, "a");
    probe_register(&last, "b");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "b", 2), 1);
    gate_open(&stop_gate);
    gate_await(&gate, 1); /* in the same pass, after the writer's event */
    call_start(&closing, discard, writer.consumer);
    ck_assert(!call_is_done(&closing));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&closing, "consumer_close"), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&writer.batches, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(load_u32(&writer.destroyed, TEST_ACQUIRE), 1);
    close_stopped(bus);
}
END_TEST

START_TEST(an_event_is_reported_once_whether_thrown_away_or_owed_a_batch_end)
{
    static struct hooks hooks;
    static struct gate gate, batch_gate;
    static struct probe stopper;
    static struct probe writer = {
        .name = "writer", .gate = &gate, .has_batch_end = true, .batch_gate = &batch_gate};
    struct ringbus_bus *bus = open_stopped(8, &hooks, &stopper);

    gate_init(&gate);
    gate_init(&batch_gate);
    probe_open(bus, &writer);
    probe_register(&writer, "a");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_open(&stop_gate);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "writer"), 5);
    store_u32(&hooks.rows, 0, ORDER_COUNT);
    gate_open(&gate);
    gate_await(&batch_gate, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "writer"), 5); /* 1 is owed, 4 are gone */
    gate_open(&batch_gate);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    close_stopped(bus);
}
END_TEST

/* ---- what fails ---- */

START_TEST(a_failing_batch_end_reaches_the_error_hook_without_an_event)
{
    static struct hooks hooks;
    static struct probe writer = {.name = "writer", .has_batch_end = true, .batch_code = -9};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe_open(bus, &writer);
    probe_register(&writer, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 1);
    ck_assert_int_eq(hooks.code, -9);
    ck_assert(!hooks.has_event);
    ck_assert_ptr_eq(hooks.consumer, writer.consumer);
    ck_assert_int_eq(figure_of(bus, "consumer", "writer", "failed"), 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_failing_handler_reaches_the_error_hook_and_nobody_else_misses_the_event)
{
    static struct hooks hooks;
    static struct probe before, failing = {.name = "failing", .code = -7}, after;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe_open(bus, &before);
    probe_open(bus, &failing);
    probe_open(bus, &after);
    probe_register(&before, "a");
    probe_register(&failing, "a");
    probe_register(&after, "a");
    ck_assert_int_eq(post_number(bus, "a", 5), 3);
    bus_flush(bus);
    CHECK_NUMBERS(&before, 5);
    CHECK_NUMBERS(&after, 5);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 1);
    ck_assert_int_eq(hooks.code, -7);
    ck_assert_uint_eq(hooks.number, 5);
    ck_assert_ptr_eq(hooks.consumer, failing.consumer);
    ck_assert(pthread_equal(hooks.thread, failing.notes[0].thread));
    ck_assert_int_eq(figure_of(bus, "consumer", "failing", "failed"), 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_positive_result_is_no_failure)
{
    static struct hooks hooks;
    static struct probe probe = {.code = 3};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 0);
    bus_close(bus);
}
END_TEST

static struct gate error_gate;

static void
stop_in_error(struct ringbus_bus *bus, struct ringbus_consumer *consumer, struct hooks *hooks)
{
    const struct probe *probe = ringbus_consumer_context(consumer);

    (void)bus, (void)hooks;
    gate_pass(&error_gate);
    MUST(load_u32(&probe->destroyed, ORDER_COUNT) == 0, "destroyed while on_error is told of it");
}

START_TEST(a_consumer_is_not_destroyed_while_the_error_hook_has_it)
{
    static struct hooks hooks = {.on_error = stop_in_error};
    static struct probe probe = {.name = "failing", .code = -1};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = NULL;
    struct call closing;

    gate_init(&error_gate);
    calls_begin();
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&error_gate, 1);
    call_start(&closing, discard, probe.consumer);
    gate_open(&error_gate);
    ck_assert_int_eq(call_join(&closing, "consumer_close"), RINGBUS_OK);
    close_stopped(bus);
}
END_TEST

static void
post_in_error(struct ringbus_bus *bus, struct ringbus_consumer *consumer, struct hooks *hooks)
{
    (void)consumer, (void)hooks;
    MUST(post_number(bus, "errors", 1) == 1, "an error hook may post");
    MUST(figure_of(bus, "bus", "", "topics") >= 0, "an error hook may look around");
    MUST(ringbus_flush(bus, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "an error hook may not wait");
}

START_TEST(an_error_hook_may_do_what_a_handler_may)
{
    static struct hooks hooks = {.on_error = post_in_error};
    static struct probe failing = {.code = -1}, errors;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe_open(bus, &failing);
    probe_open(bus, &errors);
    probe_register(&failing, "a");
    probe_register(&errors, "errors");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_CALLS(&errors, 1);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("batch", batch_end_comes_once_after_the_last_event_of_a_pass,
        flush_and_drain_wait_for_batch_end, an_event_that_is_owed_a_batch_end_makes_no_room,
        a_post_refused_in_batch_end_does_not_finish_its_events, a_batch_end_can_post,
        a_consumer_is_closed_after_the_batch_end_it_is_owed,
        an_event_is_reported_once_whether_thrown_away_or_owed_a_batch_end,
        a_failing_batch_end_reaches_the_error_hook_without_an_event,
        a_failing_handler_reaches_the_error_hook_and_nobody_else_misses_the_event,
        a_positive_result_is_no_failure, a_consumer_is_not_destroyed_while_the_error_hook_has_it,
        an_error_hook_may_do_what_a_handler_may);
}
