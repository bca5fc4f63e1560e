/* test_caller.c - caller groups: the posting thread runs the handlers, posts made in them wait their turn. */
#include "bus/post/serial.h"
#include "support/probe.h"

static struct ringbus_bus *
open_caller(struct probe *probe, uint32_t capacity, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe->group = group_open(bus, RINGBUS_GROUP_CALLER, capacity);
    probe_open(bus, probe);
    probe_register(probe, "a");
    return bus;
}

START_TEST(the_handlers_have_run_when_post_returns)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_caller(&probe, 2, NULL);

    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(post_number(bus, "a", i), 1);
        ck_assert_uint_eq(probe_calls(&probe), i);
    }
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert(pthread_equal(probe.notes[0].thread, pthread_self()));
    ck_assert_int_eq(probe.notes[0].sequence, -1);
    bus_close(bus);
}
END_TEST

START_TEST(a_failing_handler_is_told_on_the_posting_thread)
{
    static struct hooks hooks;
    static struct probe probe = {.code = -4};
    struct ringbus_bus *bus = open_caller(&probe, 2, &hooks);

    ck_assert_int_eq(post_number(bus, "a", 6), 1);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 1);
    ck_assert_int_eq(hooks.code, -4);
    ck_assert_uint_eq(hooks.number, 6);
    ck_assert(pthread_equal(hooks.thread, pthread_self()));
    bus_close(bus);
}
END_TEST

/* ---- nested posts ---- */

/* Event n posts 2n and 2n + 1, as long as they are below 8. */
static void
post_children(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t first = number_of(event) * 2;
    const uint32_t begun = load_u32(&probe->begun, ORDER_COUNT);

    for (uint64_t child = first; child < first + 2 && child < 8; child++)
        MUST(post_number(probe->bus, "a", child) == 1, "no nested post");
    MUST(load_u32(&probe->begun, ORDER_COUNT) == begun, "a nested post was delivered inside");
}

START_TEST(nested_posts_are_delivered_breadth_first)
{
    static struct probe probe = {.act = post_children};
    struct ringbus_bus *bus = open_caller(&probe, 8, NULL);

    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5, 6, 7);
    bus_close(bus);
}
END_TEST

static void
post_three(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    MUST(post_number(probe->bus, "a", 2) == 1, "there is room for two");
    MUST(try_post_number(probe->bus, "a", 3) == 1, "there is room for two");
    MUST(post_number(probe->bus, "a", 9) == RINGBUS_EDEADLK, "there is no room");
    MUST(try_post_number(probe->bus, "a", 9) == RINGBUS_EAGAIN, "there is no room");
}

START_TEST(a_full_queue_of_nested_posts_refuses)
{
    static struct probe probe = {.act = post_three};
    struct ringbus_bus *bus = open_caller(&probe, 2, NULL);

    for (uint32_t round = 1; round <= 3; round++) { /* what was refused took no room */
        ck_assert_int_eq(post_number(bus, "a", 1), 1);
        ck_assert_uint_eq(probe_calls(&probe), 3 * round);
    }
    bus_close(bus);
}
END_TEST

static void
post_to_both(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    for (uint64_t i = 4; i <= 5; i++)
        MUST(post_number(probe->bus, "b", i) == 1, "there is room for two");
    for (int i = 0; i < 10; i++)
        MUST(try_post_number(probe->bus, "both", 9) == RINGBUS_EAGAIN, "one queue is full");
    for (uint64_t i = 2; i <= 3; i++)
        MUST(post_number(probe->bus, "a", i) == 1, "the refused posts have taken room");
}

START_TEST(a_nested_post_that_one_group_refuses_takes_no_room_in_another)
{
    static struct probe probe = {.act = post_to_both}, other;
    struct ringbus_bus *bus = open_caller(&probe, 2, NULL);

    other.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &other);
    probe_register(&probe, "both");
    probe_register(&other, "both");
    probe_register(&other, "b");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    CHECK_NUMBERS(&other, 4, 5);
    bus_close(bus);
}
END_TEST

static void
post_and_look(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *caller = probe->of_act;
    const uint32_t calls = probe_calls(caller);

    MUST(post_number(probe->bus, "a", number_of(event)) == 1, "no post");
    MUST(probe_calls(caller) == calls + 1, "the handler has not run yet");
}

START_TEST(a_post_from_a_ring_handler_is_delivered_before_it_returns)
{
    static struct probe caller, ring = {.act = post_and_look, .of_act = &caller};
    struct ringbus_bus *bus = open_caller(&caller, 2, NULL);

    probe_open(bus, &ring);
    probe_register(&ring, "ring");
    ck_assert_int_eq(post_number(bus, "ring", 1), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&caller, 1);
    ck_assert(pthread_equal(caller.notes[0].thread, ring.notes[0].thread));
    bus_close(bus);
}
END_TEST

/* ---- many posting threads ---- */

static void
post_some(void *context)
{
    struct probe *probe = context;

    for (uint64_t i = 0; i < scaled(5000); i++)
        MUST(post_number(probe->bus, "a", i) == 1, "no post");
}

START_TEST(a_serialized_consumer_is_entered_by_one_thread_at_a_time)
{
    static struct probe probe = {.name = "serialized"};
    struct ringbus_bus *bus = open_caller(&probe, 2, NULL);
    struct worker workers[4];

    for (int i = 0; i < 4; i++)
        worker_start(&workers[i], post_some, &probe);
    for (int i = 0; i < 4; i++)
        worker_join(&workers[i], "a poster");
    ck_assert_uint_eq(probe_calls(&probe), 4 * scaled(5000));
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

static void
post_one(void *context)
{
    MUST(post_number(context, "a", 1) == 1, "no post");
}

static void
stay_for_two(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 2)
        gate_pass(probe->of_act);
}

static void
post_one_and_two(void *context)
{
    post_one(context);
    MUST(post_number(context, "a", 2) == 1, "no post");
}

START_TEST(whoever_comes_while_its_usual_thread_is_inside_waits)
{
    static struct gate gate;
    static struct probe probe = {.act = stay_for_two, .of_act = &gate};
    struct ringbus_bus *bus = NULL;
    struct worker usual, other;

    gate_init(&gate);
    bus = open_caller(&probe, 2, NULL);
    worker_start(&usual, post_one_and_two, bus);
    gate_await(&gate, 1);
    worker_start(&other, post_one, bus);
    AWAIT_ON(bus, load_u64(&probe.consumer->first_thread, ORDER_HINT) & SERIAL_SHARED);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    gate_open(&gate);
    worker_join(&usual, "the usual thread");
    worker_join(&other, "the other one");
    CHECK_NUMBERS(&probe, 1, 2, 1);
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_thread_safe_consumer_is_entered_by_several_threads_at_once)
{
    static struct gate gate;
    static struct probe probe = {.is_thread_safe = true, .gate = &gate};
    struct ringbus_bus *bus = NULL;
    struct worker workers[2];

    gate_init(&gate);
    bus = open_caller(&probe, 2, NULL);
    for (int i = 0; i < 2; i++)
        worker_start(&workers[i], post_one, bus);
    gate_await(&gate, 2);
    gate_open(&gate);
    for (int i = 0; i < 2; i++)
        worker_join(&workers[i], "a poster");
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 2);
    bus_close(bus);
}
END_TEST

/* ---- batch_end ---- */

START_TEST(batch_end_comes_at_the_end_of_the_outermost_post)
{
    static struct probe probe = {.act = post_children, .has_batch_end = true};
    struct ringbus_bus *bus = open_caller(&probe, 8, NULL);

    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_uint_eq(probe_calls(&probe), 7);
    ck_assert_uint_eq(load_u32(&probe.batches, ORDER_COUNT), 1);
    ck_assert_int_eq(post_number(bus, "a", 8), 1);
    ck_assert_uint_eq(load_u32(&probe.batches, ORDER_COUNT), 2);
    bus_close(bus);
}
END_TEST

START_TEST(every_one_of_many_consumers_gets_its_batch_end)
{
    static struct probe probes[40];
    struct ringbus_bus *bus = NULL;

    probes[0].has_batch_end = true;
    bus = open_caller(&probes[0], 8, NULL);
    for (int i = 1; i < 40; i++) {
        probes[i].group = probes[0].group;
        probes[i].has_batch_end = true;
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    ck_assert_int_eq(post_number(bus, "a", 1), 40);
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(probe_calls(&probes[i]), 1);
        ck_assert_uint_eq(load_u32(&probes[i].batches, ORDER_COUNT), 1);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_consumer_close(probes[i].consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

static void
post_once_in_batch_end(struct probe *probe)
{
    if (load_u32(&probe->batches, ORDER_COUNT) == 0)
        MUST(post_number(probe->bus, "a", 2) == 1, "batch_end may post");
}

START_TEST(what_batch_end_posts_is_delivered_too)
{
    static struct probe probe = {.has_batch_end = true, .batch_act = post_once_in_batch_end};
    struct ringbus_bus *bus = open_caller(&probe, 2, NULL);

    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_uint_eq(load_u32(&probe.batches, ORDER_COUNT), 2);
    bus_close(bus);
}
END_TEST

/* ---- windows of queued posts ---- */

/* In event 1: queue event 2, then do something about it. */
static void
queue_then_close(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    (void)event;
    MUST(post_number(probe->bus, "b", 2) == 1, "no nested post");
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DRAIN) == RINGBUS_PENDING,
        "a post is queued for it");
}

static void
queue_then_discard(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    (void)event;
    MUST(post_number(probe->bus, "b", 2) == 1, "no nested post");
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DISCARD) == RINGBUS_OK,
        "discard has nothing to wait for");
}

static void
queue_then_close_group(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "b", 2) == 1, "no nested post");
    MUST(ringbus_group_close(probe->group, RINGBUS_DRAIN) == RINGBUS_PENDING,
        "a handler cannot wait for its own group");
}

static void
queue_then_register(struct probe *probe, const struct ringbus_event *event)
{
    struct probe *late = probe->of_act;

    if (number_of(event) != 1)
        return;
    MUST(post_number(probe->bus, "a", 2) == 1, "no nested post");
    probe_register(late, "a");
    MUST(post_number(probe->bus, "a", 3) == 2, "no nested post");
}

static void
check_queued(void (*act)(struct probe *, const struct ringbus_event *), uint32_t calls)
{
    struct probe other = {.name = "other"}, probe = {.act = act, .of_act = &other};
    struct ringbus_bus *bus = open_caller(&probe, 4, NULL);

    other.group = probe.group;
    probe_open(bus, &other);
    probe_register(&other, "b");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_uint_eq(probe_calls(&other), calls);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&other.destroyed, ORDER_COUNT), 1);
}

START_TEST(a_queued_post_is_delivered_before_its_consumer_is_drained)
{
    check_queued(queue_then_close, 1);
    check_queued(queue_then_discard, 0);
}
END_TEST

START_TEST(a_queued_post_is_delivered_before_its_group_is_drained)
{
    check_queued(queue_then_close_group, 1);
}
END_TEST

START_TEST(a_consumer_does_not_see_a_post_that_was_queued_before_it_registered)
{
    static struct probe late, probe = {.act = queue_then_register, .of_act = &late};
    struct ringbus_bus *bus = open_caller(&probe, 4, NULL);

    late.group = probe.group;
    probe_open(bus, &late);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    CHECK_NUMBERS(&late, 3);
    bus_close(bus);
}
END_TEST

static void
queue_and_discard(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "b", 2) == 1, "no nested post");
    MUST(ringbus_shutdown(probe->bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_PENDING,
        "a handler cannot wait for the end");
}

START_TEST(a_queued_post_that_is_discarded_is_named)
{
    static struct hooks hooks;
    static struct probe probe = {.act = queue_and_discard}, other = {.name = "other"};
    struct ringbus_bus *bus = open_caller(&probe, 4, &hooks);

    other.group = probe.group;
    probe_open(bus, &other);
    probe_register(&other, "b");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_uint_eq(probe_calls(&other), 0);
    ck_assert_uint_eq(undelivered(&hooks, "b", "other"), 1);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("caller", the_handlers_have_run_when_post_returns,
        a_failing_handler_is_told_on_the_posting_thread, nested_posts_are_delivered_breadth_first,
        a_full_queue_of_nested_posts_refuses,
        a_nested_post_that_one_group_refuses_takes_no_room_in_another,
        a_post_from_a_ring_handler_is_delivered_before_it_returns,
        a_serialized_consumer_is_entered_by_one_thread_at_a_time,
        whoever_comes_while_its_usual_thread_is_inside_waits,
        a_thread_safe_consumer_is_entered_by_several_threads_at_once,
        batch_end_comes_at_the_end_of_the_outermost_post,
        every_one_of_many_consumers_gets_its_batch_end, what_batch_end_posts_is_delivered_too,
        a_queued_post_is_delivered_before_its_consumer_is_drained,
        a_queued_post_is_delivered_before_its_group_is_drained,
        a_consumer_does_not_see_a_post_that_was_queued_before_it_registered,
        a_queued_post_that_is_discarded_is_named);
}
