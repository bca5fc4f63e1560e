/* fault_pattern.c - patterns while memory runs out: an outcome, nothing changed, no leak, and the same call succeeds
 * afterwards. */
#include <stdlib.h>

#include "support/probe.h"

/* ---- scenes ---- */

/* A bus on an allocator that can be told to refuse; topics, a pattern, and consumers in two groups. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct probe probe, second;
    struct ringbus_topic *topics[3];
    struct ringbus_topic *opened;
};

static void
scene_open(struct scene *scene)
{
    static const char *const names[] = {"a.x", "a.y", "b.x"};
    struct ringbus_options options = ringbus_options_default();

    memset(scene, 0, sizeof *scene);
    faulty_allocator_init(&scene->memory, 0, 0);
    options.allocator = &scene->memory.allocator;
    scene->bus = bus_open(&options);
    scene->second.group = group_open(scene->bus, RINGBUS_GROUP_THREADS, 8);
    probe_open(scene->bus, &scene->probe);
    probe_open(scene->bus, &scene->second);
    for (int i = 0; i < 3; i++)
        MUST(ringbus_topic_open(scene->bus, names[i], &scene->topics[i]) == RINGBUS_OK, "topic");
    MUST(ringbus_register_pattern(scene->bus, scene->second.consumer, "*.x.>") == RINGBUS_OK,
        "pattern");
}

static void
scene_close(struct scene *scene)
{
    for (int i = 0; i < 3; i++)
        ringbus_topic_close(scene->topics[i]);
    ringbus_topic_close(scene->opened);
    bus_close(scene->bus);
    ck_assert_uint_eq(load_u64(&scene->memory.live_bytes, ORDER_COUNT), 0);
}

/* What a failed call must not change. Topics that are not used any more may be there for a while. */
static void
check_shape(struct scene *scene)
{
    ck_assert_int_eq(figure_of(scene->bus, "consumer", "consumer-1", "patterns"), 0);
    ck_assert_int_eq(figure_of(scene->bus, "consumer", "consumer-1", "registrations"), 0);
    ck_assert_int_eq(figure_of(scene->bus, "consumer", "consumer-2", "registrations"), 0);
    ck_assert_int_eq(figure_of(scene->bus, "bus", "", "cached"), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ringbus_topic_post(scene->topics[i], NULL, 0, NULL), 0);
}

/* Refuse `count` allocations of `call` from the n-th on. False: it needs fewer. */
static bool
check_allocation(int (*call)(struct scene *scene), int success, uint64_t nth, uint64_t count)
{
    struct scene *scene = malloc(sizeof *scene);
    int outcome = RINGBUS_OK;
    bool refused = false;

    scene_open(scene);
    scene->memory.refuse_from = load_u64(&scene->memory.calls, ORDER_COUNT) + nth;
    scene->memory.refuse_count = count;
    outcome = call(scene);
    refused = load_u64(&scene->memory.calls, ORDER_COUNT) >= scene->memory.refuse_from;
    scene->memory.refuse_from = 0;
    ck_assert_int_eq(outcome, refused ? RINGBUS_ENOMEM : success);
    if (refused) {
        check_shape(scene);
        ck_assert_int_eq(call(scene), success);
    }
    scene_close(scene);
    free(scene);
    return refused;
}

static void
check_each_allocation(int (*call)(struct scene *scene), int success)
{
    uint64_t nth = 1;

    while (check_allocation(call, success, nth, 1))
        nth++;
    ck_assert_uint_gt(nth, 3);
    for (nth = 1; check_allocation(call, success, nth, UINT64_MAX);)
        nth++;
}

/* ---- calls ---- */

/* Two of the topics; two new nodes. */
static int
register_pattern(struct scene *scene)
{
    return ringbus_register_pattern(scene->bus, scene->probe.consumer, "a.*");
}

/* Its first two nodes are there. */
static int
register_deep_pattern(struct scene *scene)
{
    return ringbus_register_pattern(scene->bus, scene->probe.consumer, "*.x.y.z.y");
}

static int
want_all(const char *topic, void *context)
{
    (void)topic, (void)context;
    return 1;
}

static int
register_match(struct scene *scene)
{
    return ringbus_register_match(scene->bus, scene->probe.consumer, want_all, NULL);
}

START_TEST(a_pattern_is_registered_on_all_topics_or_there_is_no_memory)
{
    check_each_allocation(register_pattern, RINGBUS_OK);
    check_each_allocation(register_deep_pattern, RINGBUS_OK);
    check_each_allocation(register_match, RINGBUS_OK);
}
END_TEST

/* The n-th allocation fails while a post makes a topic that a pattern and a predicate match. False: it needs fewer. */
static bool
check_new_topic(uint64_t nth)
{
    struct scene *scene = malloc(sizeof *scene);
    bool refused = false;
    int outcome = RINGBUS_OK;

    scene_open(scene);
    ck_assert_int_eq(register_match(scene), RINGBUS_OK);
    scene->memory.refuse_from = load_u64(&scene->memory.calls, ORDER_COUNT) + nth;
    scene->memory.refuse_count = 1;
    outcome = ringbus_post(scene->bus, "q.x.r", NULL, 0);
    refused = load_u64(&scene->memory.calls, ORDER_COUNT) >= scene->memory.refuse_from;
    scene->memory.refuse_from = 0;
    ck_assert_int_eq(outcome, refused ? RINGBUS_ENOMEM : 2);
    ck_assert_int_eq(ringbus_post(scene->bus, "q.x.r", NULL, 0), 2);
    ck_assert_int_eq(ringbus_is_subscribed(scene->bus, scene->second.consumer, "q.x.r"), 1);
    scene_close(scene);
    free(scene);
    return refused;
}

START_TEST(a_new_topic_has_all_its_consumers_or_there_is_no_memory)
{
    uint64_t nth = 1;

    while (check_new_topic(nth))
        nth++;
    ck_assert_uint_gt(nth, 4);
}
END_TEST

/* To a topic that is made for it. */
static int
post(struct scene *scene)
{
    return ringbus_post(scene->bus, "q.x.r", NULL, 0);
}

static int
open_topic(struct scene *scene)
{
    const int outcome = ringbus_topic_open(scene->bus, "q.x.r", &scene->opened);

    if (outcome == RINGBUS_OK)
        MUST(ringbus_topic_consumers(scene->opened) == 1, "a topic that is not matched");
    return outcome;
}

START_TEST(a_new_topic_is_matched_or_there_is_no_memory)
{
    check_each_allocation(post, 1);
    check_each_allocation(open_topic, RINGBUS_OK);
}
END_TEST

START_TEST(a_post_that_nobody_wants_needs_no_memory)
{
    static struct scene scene;

    scene_open(&scene);
    scene.memory.refuse_from = load_u64(&scene.memory.calls, ORDER_COUNT) + 1;
    scene.memory.refuse_count = UINT64_MAX;
    ck_assert_int_eq(ringbus_post(scene.bus, "q", NULL, 0), 0);
    ck_assert_int_eq(ringbus_post(scene.bus, "q.x.r", NULL, 0), RINGBUS_ENOMEM);
    scene.memory.refuse_from = 0;
    ck_assert_int_eq(ringbus_post(scene.bus, "q.x.r", NULL, 0), 1);
    scene_close(&scene);
}
END_TEST

START_TEST(patterns_end_without_memory)
{
    static struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(register_pattern(&scene), RINGBUS_OK);
    ck_assert_int_eq(register_deep_pattern(&scene), RINGBUS_OK);
    ck_assert_int_eq(register_match(&scene), RINGBUS_OK);
    ck_assert_int_eq(post(&scene), 2);
    bus_flush(scene.bus);
    scene.memory.refuse_from = load_u64(&scene.memory.calls, ORDER_COUNT) + 1;
    scene.memory.refuse_count = UINT64_MAX;
    ck_assert_int_eq(
        ringbus_unregister_pattern(scene.bus, scene.probe.consumer, "a.*"), RINGBUS_OK);
    ck_assert_int_eq(
        ringbus_unregister_match(scene.bus, scene.probe.consumer, want_all, NULL), RINGBUS_OK);
    ck_assert_int_eq(
        ringbus_unregister_consumer(scene.bus, scene.probe.consumer, NULL), RINGBUS_OK);
    ck_assert_int_eq(
        ringbus_unregister_consumer(scene.bus, scene.second.consumer, NULL), RINGBUS_OK);
    ck_assert_int_eq(post(&scene), 0);
    scene.memory.refuse_from = 0;
    check_shape(&scene);
    scene_close(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("pattern", a_new_topic_has_all_its_consumers_or_there_is_no_memory,
        a_pattern_is_registered_on_all_topics_or_there_is_no_memory,
        a_new_topic_is_matched_or_there_is_no_memory, a_post_that_nobody_wants_needs_no_memory,
        patterns_end_without_memory);
}
