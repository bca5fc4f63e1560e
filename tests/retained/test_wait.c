/* test_wait.c - replays that wait: a pause holds them, flush and draining wait for them, whoever leaves drops
 * them. */
#include "support/probe.h"

/* ---- fixture ---- */

static struct hooks hooks;
static struct ringbus_bus *bus;
static struct ringbus_group *group;

static void
retain(const char *name, size_t max_size)
{
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "topic_open");
    MUST(ringbus_topic_retain(topic, max_size) == RINGBUS_OK, "retain");
    ringbus_topic_close(topic);
}

static void
open_group(uint32_t lanes)
{
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_group_options group_options = ringbus_group_options_default();

    memset(&hooks, 0, sizeof hooks);
    bus = bus_open(&options);
    group_options.lanes = lanes;
    group_options.capacity = 8;
    group_options.name = "resting";
    MUST(ringbus_group_open(bus, &group_options, &group) == RINGBUS_OK, "group_open");
    retain("a", 8);
    MUST(post_number(bus, "a", 1) == 0, "post");
}

/* A paused group, and a consumer that waits for its replay, 1. */
static void
open_waiting(struct probe *probe, uint32_t lanes)
{
    open_group(lanes);
    MUST(ringbus_group_pause(group) == RINGBUS_OK, "pause");
    probe->name = "waiting";
    probe->group = group;
    probe_open(bus, probe);
    probe_register(probe, "a");
}

static void
resume(void)
{
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
}

static int
flush_now(void)
{
    return IN_TIME(bus, ringbus_flush(bus, ringbus_now_ns()));
}

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

/* ---- pause, flush ---- */

static void
check_pause(uint32_t lanes, bool is_thread_safe)
{
    static struct probe probe;

    memset(&probe, 0, sizeof probe);
    probe.is_thread_safe = is_thread_safe;
    open_waiting(&probe, lanes);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    ck_assert_int_eq(flush_now(), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(figure_of(bus, "group", "resting", "replays"), 1);
    resume();
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(figure_of(bus, "group", "resting", "replays"), 0);
    bus_close(bus);
}

START_TEST(a_pause_holds_a_replay_and_flush_waits_for_it)
{
    check_pause(1, false);
    check_pause(4, false);
    check_pause(4, true);
}
END_TEST

START_TEST(a_flush_returns_when_the_replay_it_waited_for_is_over)
{
    static struct probe probe;
    struct call call;

    calls_begin();
    open_waiting(&probe, 1);
    call_start(&call, flush, bus);
    ck_assert(!call_is_done(&call));
    resume();
    ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(a_flush_returns_when_the_replay_it_waited_for_is_dropped)
{
    static struct probe probe;
    struct call call;

    calls_begin();
    open_waiting(&probe, 1);
    call_start(&call, flush, bus);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(unregistering_by_name_drops_the_replay_though_a_pattern_stays)
{
    static struct probe probe;
    struct call call;

    calls_begin();
    open_waiting(&probe, 1);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "*"), RINGBUS_OK);
    call_start(&call, flush, bus);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 1);
    ck_assert_int_eq(figure_of(bus, "consumer", "waiting", "discarded"), 1);
    resume();
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 2);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(a_copy_on_its_way_arrives_though_the_topic_retains_no_more)
{
    static struct probe probe;

    open_waiting(&probe, 1);
    retain("a", 0);
    resume();
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    bus_close(bus);
}
END_TEST

/* ---- leaving ---- */

START_TEST(unregistering_drops_a_replay_and_names_it)
{
    static struct probe probe;

    open_waiting(&probe, 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 1);
    resume();
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_consumer_that_is_discarded_drops_its_replay)
{
    static struct probe probe;

    open_waiting(&probe, 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 1);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
    resume();
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

static int
drain_consumer(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

static int
drain_group(void *context)
{
    return ringbus_group_close(context, RINGBUS_DRAIN);
}

static int
drain_bus(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

START_TEST(a_shutdown_returns_when_a_thread_that_may_poll_drops_the_replay)
{
    static struct probe probe;
    struct call call;

    calls_begin();
    open_waiting(&probe, 1);
    group_open(bus, RINGBUS_GROUP_POLLED, 8); /* its thread is this one, until another polls */
    call_start(&call, drain_bus, bus);
    AWAIT_ON(bus, figure_of(bus, "bus", "", "state") == 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(call_join(&call, "a drain"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
    calls_end();
}
END_TEST

/* It waits for the replay. */
static void
check_draining(struct probe *probe, uint32_t lanes, int (*drain)(void *context), void **what)
{
    struct call call;

    calls_begin();
    memset(probe, 0, sizeof *probe);
    probe->is_thread_safe = lanes > 1;
    open_waiting(probe, lanes);
    call_start(&call, drain, *what);
    ck_assert(!call_is_done(&call));
    resume();
    ck_assert_int_eq(call_join(&call, "a drain"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(probe), 1);
    ck_assert_uint_eq(load_u32(&hooks.rows, TEST_ACQUIRE), 0);
    bus_close(bus);
    calls_end();
}

START_TEST(draining_delivers_replays)
{
    static struct probe probe;

    for (uint32_t lanes = 1; lanes <= 3; lanes += 2) {
        check_draining(&probe, lanes, drain_consumer, (void **)&probe.consumer);
        check_draining(&probe, lanes, drain_group, (void **)&group);
        check_draining(&probe, lanes, drain_bus, (void **)&bus);
    }
}
END_TEST

START_TEST(a_shutdown_that_reaches_its_deadline_names_a_replay)
{
    static struct probe probe;

    open_waiting(&probe, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, ringbus_now_ns()), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 2);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_group_that_is_discarded_counts_its_replays)
{
    static struct probe probe;

    open_waiting(&probe, 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "waiting"), 1);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

/* In the replay. */
static void
unregister_itself(struct probe *probe, const struct ringbus_event *event)
{
    MUST(ringbus_unregister_consumer(probe->bus, probe->consumer, event->topic) == RINGBUS_OK,
        "unregister");
}

static void
close_itself(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_consumer_close(probe->consumer, RINGBUS_DISCARD) == RINGBUS_PENDING, "close");
}

static void
check_leaving(uint32_t kind, void (*leave)(struct probe *probe, const struct ringbus_event *event))
{
    static struct probe probe;

    open_group(1);
    memset(&probe, 0, sizeof probe);
    probe.act = leave;
    probe.group = group_open(bus, kind, 4);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    AWAIT_CALLS(&probe, 1);
    ck_assert_int_ge(post_number(bus, "a", 2), 0);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    ck_assert_uint_eq(load_u32(&hooks.rows, TEST_ACQUIRE), 0);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
}

START_TEST(a_consumer_leaves_in_its_replay)
{
    check_leaving(RINGBUS_GROUP_THREADS, unregister_itself);
    check_leaving(RINGBUS_GROUP_THREADS, close_itself);
    check_leaving(RINGBUS_GROUP_CALLER, unregister_itself);
    check_leaving(RINGBUS_GROUP_CALLER, close_itself);
}
END_TEST

/* ---- who posts meanwhile, in a caller group ---- */

static void
post_second(void *context)
{
    (void)context;
    MUST(post_number(bus, "a", 2) == 1, "post");
}

static void
register_probe(void *context)
{
    struct probe *probe = context;

    MUST(ringbus_register_consumer(bus, probe->consumer, "a") == RINGBUS_OK, "register");
}

/* The poster comes while the replay is under way: what it posts is stored, and delivered after. */
static void
check_order(bool is_thread_safe)
{
    static struct probe probe;
    struct worker registering, posting;
    struct gate gate;

    open_group(1);
    gate_init(&gate);
    memset(&probe, 0, sizeof probe);
    probe.is_thread_safe = is_thread_safe;
    probe.gate = &gate;
    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &probe);
    worker_start(&registering, register_probe, &probe);
    gate_await(&gate, 1);
    worker_start(&posting, post_second, NULL);
    AWAIT_ON(bus, figure_of(bus, "topic", "a", "stored") == 2);
    for (int i = 0; i < 1000; i++)
        os_real()->yield();
    ck_assert_uint_eq(load_u32(&probe.begun, TEST_ACQUIRE), 1);
    gate_open(&gate);
    worker_join(&registering, "who registers");
    worker_join(&posting, "who posts");
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 1);
    bus_close(bus);
}

START_TEST(an_event_waits_for_the_replay_in_a_caller_group)
{
    check_order(false);
    check_order(true);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_wait", a_pause_holds_a_replay_and_flush_waits_for_it,
        a_flush_returns_when_the_replay_it_waited_for_is_over,
        a_flush_returns_when_the_replay_it_waited_for_is_dropped,
        unregistering_by_name_drops_the_replay_though_a_pattern_stays,
        a_copy_on_its_way_arrives_though_the_topic_retains_no_more,
        unregistering_drops_a_replay_and_names_it, a_consumer_that_is_discarded_drops_its_replay,
        a_shutdown_returns_when_a_thread_that_may_poll_drops_the_replay, draining_delivers_replays,
        a_shutdown_that_reaches_its_deadline_names_a_replay,
        a_group_that_is_discarded_counts_its_replays, a_consumer_leaves_in_its_replay,
        an_event_waits_for_the_replay_in_a_caller_group);
}
