/* test_group_end.c - groups end while the bus goes on, and their memory is used again. */
#include "bus/bus.h"
#include "support/probe.h"

START_TEST(the_default_group_cannot_be_closed)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(ringbus_group_close(bus->default_group, RINGBUS_DRAIN), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

START_TEST(closing_needs_a_group_and_a_known_way)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_CALLER, 4);

    ck_assert_int_eq(ringbus_group_close(NULL, RINGBUS_DRAIN), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_close(group, (enum ringbus_how)0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_close(group, (enum ringbus_how)3), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DRAIN), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(a_drained_group_has_delivered_everything)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "one"};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 256);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 0; i < 200; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 200);
    ck_assert_uint_eq(load_u32(&hooks.rows, ORDER_COUNT), 0);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a"), 0);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    bus_close(bus);
}
END_TEST

/* A probe in a group of its own, stopped in its first event with `count` posted in all. */
static struct ringbus_bus *
fill_stopped(struct probe *probe, const struct ringbus_options *options, uint64_t count)
{
    struct ringbus_bus *bus = bus_open(options);

    gate_init(probe->gate);
    probe->group = group_open(bus, RINGBUS_GROUP_THREADS, 16);
    probe_open(bus, probe);
    probe_register(probe, "a");
    for (uint64_t i = 1; i <= count; i++)
        MUST(post_number(bus, "a", i) == 1, "the group is stopped too early");
    gate_await(probe->gate, 1);
    return bus;
}

struct closing {
    struct ringbus_group *group;
    enum ringbus_how how;
    int outcome;
};

static void
close_group(void *context)
{
    struct closing *closing = context;

    closing->outcome = ringbus_group_close(closing->group, closing->how);
}

START_TEST(a_discarded_group_names_what_it_threw_away)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe probe = {.name = "slow", .gate = &gate};
    const struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = fill_stopped(&probe, &options, 10);
    struct closing closing = {.group = probe.group, .how = RINGBUS_DISCARD};
    struct worker worker;

    worker_start(&worker, close_group, &closing);
    AWAIT_ON(bus, ringbus_is_subscribed(bus, probe.consumer, "a") == 0);
    ck_assert_int_eq(ringbus_group_close(probe.group, RINGBUS_DISCARD), RINGBUS_EBUSY);
    gate_open(&gate);
    worker_join(&worker, "group_close");
    ck_assert_int_eq(closing.outcome, RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "slow"), 9);
    bus_close(bus);
}
END_TEST

static void
close_group_and_note(void *context)
{
    struct hooks *hooks = context;
    struct closing *closing = hooks->of_test;

    close_group(closing);
    MUST(load_u32(&hooks->rows, ORDER_COUNT) == 1, "not told when group_close returned");
    MUST(pthread_equal(hooks->thread, pthread_self()), "told on another thread");
}

START_TEST(undelivered_events_of_a_group_are_named_on_the_closing_thread)
{
    for (int round = 0; round < 50; round++) { /* which thread settles is a matter of chance */
        struct gate gate;
        struct hooks hooks = {0};
        struct probe probe = {.name = "slow", .gate = &gate};
        const struct ringbus_options options = options_with(&hooks);
        struct ringbus_bus *bus = fill_stopped(&probe, &options, 4);
        struct closing closing = {.group = probe.group, .how = RINGBUS_DISCARD};
        struct worker worker;

        hooks.of_test = &closing;
        worker_start(&worker, close_group_and_note, &hooks);
        AWAIT_ON(bus, ringbus_is_subscribed(bus, probe.consumer, "a") == 0);
        gate_open(&gate);
        worker_join(&worker, "group_close");
        bus_close(bus);
    }
}
END_TEST

static void
close_own_group(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(ringbus_group_close(probe->group, RINGBUS_DRAIN) == RINGBUS_PENDING,
            "a handler cannot wait for its own group");
}

START_TEST(a_handler_begins_to_close_its_own_group)
{
    static struct gate gate;
    static struct probe probe = {.name = "self", .gate = &gate, .act = close_own_group};
    struct ringbus_bus *bus = fill_stopped(&probe, NULL, 3);

    gate_open(&gate);
    AWAIT_CALLS(&probe, 3);
    ck_assert_int_eq(post_number(bus, "a", 9), 0);
    AWAIT_ON(bus, figure_of(bus, "group", "group-1", "lag") == -1);
    bus_close(bus);
}
END_TEST

START_TEST(a_consumer_of_an_ended_group_can_only_be_closed)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &probe);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "a"), RINGBUS_ESHUTDOWN);
    group_open(bus, RINGBUS_GROUP_THREADS, 4); /* in the memory of the old one */
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "a"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

struct posting_thread {
    struct ringbus_bus *bus;
    int outcome;
};

static void
post_one(void *context)
{
    struct posting_thread *thread = context;

    thread->outcome = post_number(thread->bus, "a", 99);
}

START_TEST(a_poster_blocked_on_a_group_that_ends_goes_on_to_the_others)
{
    static struct gate gate;
    static struct probe slow = {.name = "slow", .gate = &gate}, other = {.name = "other"};
    struct ringbus_bus *bus = bus_open(NULL);
    struct posting_thread posting = {.bus = bus};
    struct closing closing = {.how = RINGBUS_DRAIN};
    struct worker poster, closer;

    gate_init(&gate);
    closing.group = slow.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &slow);
    probe_open(bus, &other);
    probe_register(&slow, "a");
    probe_register(&other, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    ck_assert_int_eq(post_number(bus, "a", 2), 2);
    worker_start(&poster, post_one, &posting);
    AWAIT_CALLS(&other, 2);
    worker_start(&closer, close_group, &closing);
    worker_join(&poster, "a poster blocked on a group that ends");
    ck_assert_int_eq(posting.outcome, 1);
    gate_open(&gate);
    worker_join(&closer, "group_close");
    bus_flush(bus);
    CHECK_NUMBERS(&slow, 1, 2);
    CHECK_NUMBERS(&other, 1, 2, 99);
    bus_close(bus);
}
END_TEST

static void
post_to(void *context)
{
    struct probe *probe = context;

    MUST(post_number(probe->bus, probe->name, 1) == 1, "no post");
}

static int
drain_group(void *context)
{
    return ringbus_group_close(context, RINGBUS_DRAIN);
}

/* A post that began before the close is waited for, one that began after it is not. */
START_TEST(a_caller_group_closes_when_the_posts_under_way_are_done)
{
    static struct gate gates[2];
    static struct probe probes[2] = {
        {.name = "a", .gate = &gates[0]}, {.name = "b", .gate = &gates[1]}};
    struct ringbus_bus *bus = NULL;
    struct worker workers[2];
    struct call call;

    calls_begin();
    bus = bus_open(NULL);
    for (int i = 0; i < 2; i++) {
        gate_init(&gates[i]);
        probes[i].group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], probes[i].name);
    }
    worker_start(&workers[0], post_to, &probes[0]);
    gate_await(&gates[0], 1);
    call_start(&call, drain_group, probes[0].group);
    ck_assert(!call_is_done(&call));
    worker_start(&workers[1], post_to, &probes[1]);
    gate_await(&gates[1], 1);
    gate_open(&gates[0]);
    ck_assert_int_eq(call_join(&call, "group_close"), RINGBUS_OK);
    gate_open(&gates[1]);
    for (int i = 0; i < 2; i++)
        worker_join(&workers[i], "a poster");
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(an_ended_group_is_used_again_without_more_memory)
{
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    uint64_t live = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    options.max_groups = 2;
    bus = bus_open(&options);
    for (uint32_t i = 0; i < 1000; i++) {
        struct probe probe = {.group = group_open(bus, RINGBUS_GROUP_THREADS, 4)};

        probe_open(bus, &probe);
        probe_register(&probe, "a");
        ck_assert_int_eq(post_number(bus, "a", i), 1);
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
        ck_assert_uint_eq(probe_calls(&probe), 1);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
        if (i == 200)
            live = load_u64(&faulty.live_bytes, ORDER_COUNT);
        if (i > 200) /* what waits to be freed is bounded */
            ck_assert_uint_le(load_u64(&faulty.live_bytes, ORDER_COUNT), live + 65536);
    }
    bus_close(bus);
}
END_TEST

/* Who opened a group waited, with the bus locked, for its last executor, which wanted the same lock in a hook. */
static struct gate hook_gate;

static void
look_around(struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    (void)undelivered, (void)context;
    gate_pass(&hook_gate);
    MUST(figure_of(bus, "bus", "", "topics") >= 0, "no figure of the bus");
}

static void
discard_own_group(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_group_close(probe->group, RINGBUS_DISCARD) == RINGBUS_PENDING,
        "a handler cannot wait for its own group");
}

static void
open_group(void *context)
{
    group_open(context, RINGBUS_GROUP_THREADS, 16);
}

START_TEST(a_group_opens_while_its_last_executor_is_in_a_hook)
{
    static struct gate gate;
    static struct probe probe = {.name = "self", .gate = &gate, .act = discard_own_group};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct worker worker;

    gate_init(&hook_gate);
    options.on_undelivered = look_around;
    bus = fill_stopped(&probe, &options, 3);
    gate_open(&gate);
    gate_await(&hook_gate, 1);
    worker_start(&worker, open_group, bus);
    gate_open(&hook_gate);
    worker_join(&worker, "group_open");
    bus_close(bus);
}
END_TEST

START_TEST(a_used_group_keeps_nothing_of_its_former_life)
{
    static struct probe before = {.name = "before"}, after = {.name = "after"};
    struct ringbus_bus *bus = bus_open(NULL);

    before.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &before);
    probe_register(&before, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(before.group, RINGBUS_DISCARD)), RINGBUS_OK);
    after.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &after);
    probe_register(&after, "a");
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&after, 2);
    bus_close(bus);
}
END_TEST

START_TEST(a_group_can_be_closed_after_the_shutdown)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 4);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("group_end", the_default_group_cannot_be_closed,
        closing_needs_a_group_and_a_known_way, a_drained_group_has_delivered_everything,
        a_discarded_group_names_what_it_threw_away,
        undelivered_events_of_a_group_are_named_on_the_closing_thread,
        a_handler_begins_to_close_its_own_group, a_consumer_of_an_ended_group_can_only_be_closed,
        a_poster_blocked_on_a_group_that_ends_goes_on_to_the_others,
        a_caller_group_closes_when_the_posts_under_way_are_done,
        an_ended_group_is_used_again_without_more_memory,
        a_group_opens_while_its_last_executor_is_in_a_hook,
        a_used_group_keeps_nothing_of_its_former_life, a_group_can_be_closed_after_the_shutdown);
}
