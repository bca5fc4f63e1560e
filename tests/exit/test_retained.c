/* test_retained.c - a thread exits in the replay of a retained value: its group ends loudly, nobody waits for it. */
#include <string.h>

#include "exit/cancel.h"
#include "exit/exit.h"

static struct hooks hooks;
static struct ringbus_bus *bus;
static struct ringbus_group *broken;
static struct faulty_allocator memory;

/* Topics "a" and "b" have values. */
static void
open_retained(uint32_t kind, uint32_t lanes, uint32_t overflow)
{
    static const char *const names[] = {"a", "b"};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(&hooks, 0, sizeof hooks);
    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    group.kind = kind;
    group.lanes = lanes;
    group.overflow = overflow;
    group.name = "broken";
    ck_assert_int_eq(ringbus_group_open(bus, &group, &broken), RINGBUS_OK);
    for (int i = 0; i < 2; i++) {
        struct ringbus_topic *topic = NULL;

        ck_assert_int_eq(ringbus_topic_open(bus, names[i], &topic), RINGBUS_OK);
        ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_OK);
        ck_assert_int_eq(post_number(bus, names[i], 1), 0);
        ringbus_topic_close(topic);
    }
}

static void
check_end(const struct probe *leaver, uint64_t lost)
{
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), lost);
    ck_assert_uint_eq(load_u32(&leaver->destroyed, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}

static void
check_lane(uint32_t lanes, bool is_thread_safe, bool is_in_batch_end)
{
    static struct probe leaver;

    memset(&leaver, 0, sizeof leaver);
    leaver.is_thread_safe = is_thread_safe;
    leaver.has_batch_end = true;
    if (is_in_batch_end)
        leaver.batch_act = leave_probe;
    else
        leaver.act = exit_in_handler;
    open_retained(RINGBUS_GROUP_THREADS, lanes, RINGBUS_LOSSLESS);
    add_probe(bus, &leaver, "leaver", broken, "a");
    check_end(&leaver, 1);
}

START_TEST(a_lane_that_exits_in_a_replay_ends_its_group)
{
    check_lane(1, false, false);
    check_lane(1, false, true);
    check_lane(3, true, false);
    check_lane(3, true, true);
}
END_TEST

static void
register_leaver(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *leaver = probe->of_act;

    if (number_of(event) == 1)
        MUST(ringbus_register_consumer(bus, leaver->consumer, "a") == RINGBUS_OK, "register");
}

/* The replay comes between two events, when the lane has copied the second one. */
static void
check_lossy(uint32_t overflow)
{
    static struct probe leaver, other;

    memset(&leaver, 0, sizeof leaver);
    memset(&other, 0, sizeof other);
    leaver.act = exit_in_handler;
    leaver.name = "leaver";
    other.act = register_leaver;
    other.of_act = &leaver;
    open_retained(RINGBUS_GROUP_THREADS, 1, overflow);
    leaver.group = broken;
    probe_open(bus, &leaver);
    add_probe(bus, &other, "other", broken, "first");
    probe_register(&other, "second");
    ck_assert_int_eq(ringbus_group_pause(broken), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "first", 1), 1);
    ck_assert_int_eq(post_number(bus, "second", 2), 1);
    ck_assert_int_eq(ringbus_group_resume(broken), RINGBUS_OK);
    check_end(&leaver, 1);
    ck_assert_uint_eq(probe_calls(&other), 1);
    ck_assert_uint_eq(undelivered(&hooks, "second", "other"), 1);
}

START_TEST(a_lane_that_exits_in_a_replay_before_an_event_it_has_copied_names_both)
{
    check_lossy(RINGBUS_DROP_OLDEST);
    check_lossy(RINGBUS_CONFLATE);
}
END_TEST

/* A registration by a thread of its own, which does not return from it. */
static void *
register_last(void *context)
{
    static const char *const topics[] = {"a", "b"};
    const struct probe *probe = context;
    const int outcome = ringbus_register_topics(bus, probe->consumer, topics, 2);

    MUST(outcome == 0 && false, "the thread has come back: %s", ringbus_error_name(outcome));
    return NULL;
}

static void
check_caller(bool is_thread_safe, bool is_in_batch_end)
{
    static struct probe leaver;
    pthread_t thread;

    memset(&leaver, 0, sizeof leaver);
    leaver.name = "leaver";
    leaver.is_thread_safe = is_thread_safe;
    leaver.has_batch_end = true;
    if (is_in_batch_end)
        leaver.batch_act = leave_probe;
    else
        leaver.act = exit_in_handler;
    open_retained(RINGBUS_GROUP_CALLER, 1, RINGBUS_LOSSLESS);
    leaver.group = broken;
    probe_open(bus, &leaver);
    MUST(pthread_create(&thread, NULL, register_last, &leaver) == 0, "no thread");
    join_thread(bus, thread);
    ck_assert_int_eq(figure_of(bus, "group", "broken", "replays"), 0);
    ck_assert_uint_eq(load_u32(&hooks.errors, TEST_ACQUIRE), 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver") + undelivered(&hooks, "b", "leaver"), 2);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}

START_TEST(a_thread_that_exits_in_its_registration_leaves_nothing_behind)
{
    check_caller(false, false);
    check_caller(true, false);
    check_caller(false, true);
    check_caller(true, true);
}
END_TEST

/* By way of a nested post: replays of registrations are delivered before the first of those. */
static void
register_in_second(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *leaver = probe->of_act;

    if (number_of(event) == 1) {
        MUST(post_number(bus, "first", 2) == 1, "no nested post");
        return;
    }
    MUST(ringbus_register_consumer(bus, leaver->consumer, "a") == RINGBUS_OK, "register");
    MUST(post_number(bus, "a", 3) == 2, "no nested post");
}

/* Another thread posts to the topic: it comes upon the replay, which waits for the event of this handler. */
static void
register_and_have_posted(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *leaver = probe->of_act;

    (void)event;
    MUST(ringbus_register_consumer(bus, leaver->consumer, "a") == RINGBUS_OK, "register");
    post_and_exit(bus, "a", 3);
}

/* Who was registered before has got the topic's value, and misses the event: whether nested or the thread's own. */
static void
check_before_event(bool is_nested)
{
    static struct probe leaver, other, early;

    memset(&leaver, 0, sizeof leaver);
    memset(&other, 0, sizeof other);
    memset(&early, 0, sizeof early);
    leaver.name = "leaver";
    leaver.act = exit_in_handler;
    other.act = is_nested ? register_in_second : register_and_have_posted;
    other.of_act = &leaver;
    open_retained(RINGBUS_GROUP_CALLER, 1, RINGBUS_LOSSLESS);
    leaver.group = broken;
    probe_open(bus, &leaver);
    add_probe(bus, &other, "other", broken, "first");
    add_probe(bus, &early, "early", broken, "a");
    if (is_nested)
        post_and_exit(bus, "first", 1);
    else
        ck_assert_int_eq(post_number(bus, "first", 1), 1);
    CHECK_NUMBERS(&early, 1);
    ck_assert_int_eq(figure_of(bus, "group", "broken", "replays"), 0);
    ck_assert_uint_eq(load_u32(&hooks.errors, TEST_ACQUIRE), 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "early"), 1);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}

START_TEST(so_does_one_that_exits_in_a_replay_before_an_event_that_nobody_gets_then)
{
    check_before_event(true);
    check_before_event(false);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("exit_retained", a_lane_that_exits_in_a_replay_ends_its_group,
        a_lane_that_exits_in_a_replay_before_an_event_it_has_copied_names_both,
        a_thread_that_exits_in_its_registration_leaves_nothing_behind,
        so_does_one_that_exits_in_a_replay_before_an_event_that_nobody_gets_then);
}
