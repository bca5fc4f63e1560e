/* test_gone.c - builds with assertions stop who uses what was closed. */
#include <stdio.h>
#include <stdlib.h>

#include "support/probe.h"

/* ---- memory that stays readable when it was given back ---- */

enum { BLOCKS = 4096 };

static void *blocks[BLOCKS];
static struct atomic_u32 block_count;

static void *
allocate(size_t size, size_t alignment, void *context)
{
    const uint32_t number = add_u32(&block_count, 1, ORDER_COUNT);

    (void)context;
    MUST(number < BLOCKS, "more blocks than the test has room for");
    return posix_memalign(
               &blocks[number], alignment < sizeof(void *) ? sizeof(void *) : alignment, size) == 0
               ? blocks[number]
               : NULL;
}

static void
keep(void *memory, size_t size, void *context)
{
    (void)memory, (void)size, (void)context;
}

static struct ringbus_bus *
open_keeping(void)
{
    const struct ringbus_allocator keeping = {allocate, keep, NULL};
    struct ringbus_options options = ringbus_options_default();

    options.allocator = &keeping;
    return bus_open(&options);
}

static void
free_all(void)
{
    for (uint32_t i = 0; i < load_u32(&block_count, ORDER_COUNT); i++)
        free(blocks[i]);
    store_u32(&block_count, 0, ORDER_COUNT);
}

/* ---- calls ---- */

/* What a call, by its number, is made with. */
struct use {
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    struct ringbus_consumer *consumer;
    struct ringbus_topic *topic;
    uint32_t call;
    int outcome; /* of no use: nobody comes back to look */
};

static int
look(const struct ringbus_figure *figure, void *context)
{
    (void)figure, (void)context;
    return 0;
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

/* Every call of so many, each in a child of its own, ends it. */
static void
check_caught(struct use *use, void (*run)(void *context), uint32_t count)
{
    for (use->call = 0; use->call < count; use->call++)
        ck_assert_msg(is_caught(run, use), "call %u is made", (unsigned)use->call);
}

/* ---- consumers ---- */

enum { CONSUMER_CALLS = 12 };

static int
match_nothing(const char *topic, void *context)
{
    (void)topic, (void)context;
    return 0;
}

static void
use_patterns(struct use *use)
{
    switch (use->call) {
    case 8:
        use->outcome = ringbus_register_pattern(use->bus, use->consumer, "*");
        break;
    case 9:
        use->outcome = ringbus_unregister_pattern(use->bus, use->consumer, "*");
        break;
    case 10:
        use->outcome = ringbus_register_match(use->bus, use->consumer, match_nothing, NULL);
        break;
    default:
        use->outcome = ringbus_unregister_match(use->bus, use->consumer, match_nothing, NULL);
        break;
    }
}

static void
use_consumer(void *context)
{
    struct use *use = context;
    const char *const topics[] = {"b", "c"};

    switch (use->call) {
    case 0:
        use->outcome = ringbus_consumer_close(use->consumer, RINGBUS_DISCARD);
        break;
    case 1:
        use->outcome = ringbus_consumer_close(use->consumer, RINGBUS_DRAIN);
        break;
    case 2:
        use->outcome = ringbus_register_consumer(use->bus, use->consumer, "b");
        break;
    case 3:
        use->outcome = ringbus_register_topics(use->bus, use->consumer, topics, 2);
        break;
    case 4:
        use->outcome = ringbus_unregister_consumer(use->bus, use->consumer, NULL);
        break;
    case 5:
        use->outcome = ringbus_is_subscribed(use->bus, use->consumer, "a");
        break;
    case 6:
        use->outcome = ringbus_consumer_name(use->consumer) != NULL;
        break;
    case 7:
        use->outcome = ringbus_consumer_context(use->consumer) != NULL;
        break;
    default:
        use_patterns(use);
        break;
    }
}

START_TEST(who_uses_a_closed_consumer_is_stopped)
{
    const enum ringbus_how hows[] = {RINGBUS_DRAIN, RINGBUS_DISCARD};

    for (int i = 0; i < 2; i++) {
        struct use use = {.bus = open_keeping()};

        ck_assert_int_eq(
            ringbus_consumer_open(use.bus, ignore, NULL, NULL, &use.consumer), RINGBUS_OK);
        ck_assert_int_eq(ringbus_register_consumer(use.bus, use.consumer, "a"), RINGBUS_OK);
        ck_assert_int_eq(
            IN_TIME(use.bus, ringbus_consumer_close(use.consumer, hows[i])), RINGBUS_OK);
        check_caught(&use, use_consumer, CONSUMER_CALLS);
        bus_close(use.bus);
        free_all();
    }
}
END_TEST

/* ---- groups ---- */

enum { GROUP_CALLS = 5 };

static struct ringbus_bus *
open_stepped(void)
{
    struct ringbus_options options = ringbus_options_default();

    options.is_stepped = 1; /* a child of ours starts no threads */
    return bus_open(&options);
}

/* Without `is_closed` no call harms anybody. */
static void
call_group(struct use *use, bool is_closed)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    use->bus = open_stepped();
    MUST(ringbus_group_open(use->bus, NULL, &use->group) == RINGBUS_OK, "no group");
    options.group = use->group;
    if (is_closed)
        use->outcome = ringbus_group_close(use->group, RINGBUS_DRAIN);
    switch (use->call) {
    case 0:
        use->outcome = ringbus_group_close(use->group, RINGBUS_DRAIN);
        break;
    case 1:
        use->outcome = ringbus_group_close(use->group, RINGBUS_DISCARD);
        break;
    case 2:
        use->outcome = ringbus_group_pause(use->group);
        break;
    case 3:
        use->outcome = ringbus_group_resume(use->group);
        break;
    default:
        use->outcome = ringbus_consumer_open(use->bus, ignore, NULL, &options, &use->consumer);
        break;
    }
}

static void
use_closed_group(void *context)
{
    call_group(context, true);
}

START_TEST(who_uses_a_closed_group_is_stopped)
{
    struct use use = {0};

    check_caught(&use, use_closed_group, GROUP_CALLS);
    for (use.call = 0; use.call < GROUP_CALLS; use.call++) {
        call_group(&use, false);
        ck_assert_int_eq(use.outcome, RINGBUS_OK);
        bus_close(use.bus);
    }
}
END_TEST

START_TEST(a_group_that_lives_again_may_be_used)
{
    struct ringbus_bus *bus = open_stepped();

    for (int i = 0; i < 3; i++) {
        struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
        struct probe probe = {.group = group};

        probe_open(bus, &probe);
        ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
        ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
        ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DISCARD), RINGBUS_OK);
        ck_assert_int_eq(ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

/* ---- topics ---- */

enum { TOPIC_CALLS = 8 };

static void
use_topic(void *context)
{
    struct use *use = context;
    struct ringbus_claim claim;

    switch (use->call) {
    case 0:
        use->outcome = ringbus_topic_post(use->topic, NULL, 0, NULL);
        break;
    case 1:
        use->outcome = ringbus_topic_try_post(use->topic, NULL, 0, NULL);
        break;
    case 2:
        use->outcome = ringbus_topic_post_until(use->topic, NULL, 0, 0, NULL);
        break;
    case 3:
        use->outcome = (int)ringbus_topic_consumers(use->topic);
        break;
    case 4:
        use->outcome = ringbus_topic_name(use->topic) != NULL;
        break;
    case 5:
        use->outcome = ringbus_topic_claim_until(use->topic, 1, 0, NULL, &claim);
        break;
    case 6:
        use->outcome = ringbus_topic_retain(use->topic, 8);
        break;
    default:
        ringbus_topic_close(use->topic);
        break;
    }
}

START_TEST(who_uses_a_topic_that_nobody_has_any_more_is_stopped)
{
    struct use use = {.bus = open_keeping()};

    ck_assert_int_eq(ringbus_topic_open(use.bus, "a", &use.topic), RINGBUS_OK);
    ringbus_topic_close(use.topic);
    check_caught(&use, use_topic, TOPIC_CALLS);
    bus_close(use.bus);
    free_all();
}
END_TEST

static void
close_twice(void *context)
{
    struct use *use = context;
    struct probe probe = {.name = "slow"};

    use->bus = open_stepped();
    probe_open(use->bus, &probe);
    probe_register(&probe, "a");
    use->outcome = ringbus_topic_open(use->bus, "a", &use->topic);
    use->outcome = ringbus_post(use->bus, "a", NULL, 0);
    use->outcome = ringbus_unregister_consumer(use->bus, probe.consumer, "a");
    ringbus_topic_close(use->topic); /* the event keeps its memory, and no handle */
    use->outcome = ringbus_topic_name(use->topic) != NULL;
    ringbus_topic_close(use->topic);
}

START_TEST(who_gives_a_handle_back_twice_is_stopped_though_an_event_keeps_the_topic)
{
    struct use use = {.call = 0};

    check_caught(&use, close_twice, 1);
}
END_TEST

/* ---- buses ---- */

enum { BUS_CALLS = 15 };

static void
post_to_bus(struct use *use)
{
    switch (use->call) {
    case 0:
        use->outcome = ringbus_post(use->bus, "a", NULL, 0);
        break;
    case 1:
        use->outcome = ringbus_try_post(use->bus, "a", NULL, 0);
        break;
    case 2:
        use->outcome = ringbus_post_until(use->bus, "a", NULL, 0, 0);
        break;
    case 3:
        use->outcome = ringbus_topic_post(use->topic, NULL, 0, NULL);
        break;
    case 4:
        use->outcome = ringbus_topic_open(use->bus, "a", &use->topic);
        break;
    default:
        ringbus_topic_close(use->topic);
        break;
    }
}

static void
use_bus(void *context)
{
    struct use *use = context;

    switch (use->call) {
    case 6:
        use->outcome = ringbus_flush(use->bus, 0);
        break;
    case 7:
        use->outcome = ringbus_shutdown(use->bus, RINGBUS_DISCARD, 0);
        break;
    case 8:
        use->outcome = ringbus_close(use->bus);
        break;
    case 9:
        use->outcome = ringbus_visit(use->bus, look, NULL);
        break;
    case 10:
        use->outcome = ringbus_group_open(use->bus, NULL, &use->group);
        break;
    case 11:
        use->outcome = ringbus_consumer_open(use->bus, ignore, NULL, NULL, &use->consumer);
        break;
    case 12:
        use->outcome = ringbus_step(use->bus);
        break;
    case 13:
        use->outcome = ringbus_group_pause(use->group);
        break;
    case 14:
        use->outcome = ringbus_group_fd(use->group);
        break;
    default:
        post_to_bus(use);
        break;
    }
}

START_TEST(who_uses_a_closed_bus_or_what_it_had_is_stopped)
{
    struct use use = {.bus = open_keeping()};

    use.group = group_open(use.bus, RINGBUS_GROUP_POLLED, 8);
    ck_assert_int_eq(ringbus_consumer_open(use.bus, ignore, NULL, NULL, &use.consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(use.bus, "a", &use.topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_shutdown(use.bus, RINGBUS_DISCARD, 0), RINGBUS_OK);
    bus_close(use.bus);
    check_caught(&use, use_bus, BUS_CALLS);
    check_caught(&use, use_consumer, CONSUMER_CALLS);
    check_caught(&use, use_topic, TOPIC_CALLS);
    free_all();
}
END_TEST

static void
use_anything_as_bus(void *context)
{
    struct use *use = context;
    static _Alignas(4096) uint64_t anything[4096];

    memset(anything, 0x11, sizeof anything);
    use->outcome = ringbus_post((struct ringbus_bus *)(void *)anything, "a", NULL, 0);
}

START_TEST(what_is_no_bus_is_not_used_as_one)
{
    struct use use = {.call = 0};

    check_caught(&use, use_anything_as_bus, 1);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("gone", who_uses_a_closed_consumer_is_stopped,
        who_uses_a_closed_group_is_stopped, a_group_that_lives_again_may_be_used,
        who_uses_a_topic_that_nobody_has_any_more_is_stopped,
        who_gives_a_handle_back_twice_is_stopped_though_an_event_keeps_the_topic,
        who_uses_a_closed_bus_or_what_it_had_is_stopped, what_is_no_bus_is_not_used_as_one);
}
