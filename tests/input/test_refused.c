/* test_refused.c - arguments that make no sense: refused, with nothing changed, in every call. */
#include <stdio.h>

#include "support/probe.h"

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

/* A bus in which nothing changes. */
static struct {
    struct hooks hooks;
    struct ringbus_bus *bus, *other;
    struct ringbus_group *group, *caller, *polled;
    struct probe probe; /* registered on "a" */
    struct ringbus_consumer *stranger;
    struct ringbus_topic *topic; /* "a" */
    struct faulty_allocator memory;
} scene;

static void
scene_open(void)
{
    struct ringbus_options options;

    memset(&scene, 0, sizeof scene);
    faulty_allocator_init(&scene.memory, 0, 0);
    options = options_with(&scene.hooks);
    options.allocator = &scene.memory.allocator;
    scene.bus = bus_open(&options);
    scene.other = bus_open(NULL);
    scene.group = group_open(scene.bus, RINGBUS_GROUP_THREADS, 4);
    scene.caller = group_open(scene.bus, RINGBUS_GROUP_CALLER, 4);
    scene.probe.name = "probe";
    probe_open(scene.bus, &scene.probe);
    probe_register(&scene.probe, "a");
    MUST(ringbus_consumer_open(scene.other, ignore, NULL, NULL, &scene.stranger) == RINGBUS_OK,
        "no consumer");
    MUST(ringbus_topic_open(scene.bus, "a", &scene.topic) == RINGBUS_OK, "no topic");
}

/* What was refused has left nothing: no memory, no event, no registration, no hook. */
static void
scene_close(uint64_t live_bytes)
{
    ck_assert_uint_eq(load_u64(&scene.memory.live_bytes, ORDER_COUNT), live_bytes);
    ck_assert_int_eq(figure_of(scene.bus, "bus", "", "topics"), 1);
    ck_assert_int_eq(figure_of(scene.bus, "bus", "", "dead"), 0);
    ck_assert_int_eq(figure_of(scene.bus, "group", "group-0", "posted"), 0);
    ck_assert_uint_eq(ringbus_topic_consumers(scene.topic), 1);
    ck_assert_uint_eq(load_u32(&scene.hooks.errors, ORDER_COUNT), 0);
    ck_assert_int_eq(post_number(scene.bus, "a", 1), 1);
    bus_flush(scene.bus);
    CHECK_NUMBERS(&scene.probe, 1);
    ringbus_topic_close(scene.topic);
    bus_close(scene.bus);
    bus_close(scene.other);
    ck_assert_uint_eq(load_u64(&scene.memory.live_bytes, ORDER_COUNT), 0);
}

static uint64_t
live(void)
{
    return load_u64(&scene.memory.live_bytes, ORDER_COUNT);
}

#define REFUSED(call) ck_assert_int_eq(call, RINGBUS_EINVAL)

/* ---- nothing where something is needed ---- */

static int
look(const struct ringbus_figure *figure, void *context)
{
    (void)figure, (void)context;
    return 0;
}

START_TEST(calls_on_no_bus_are_refused)
{
    struct ringbus_group *group = NULL;
    struct ringbus_topic *topic = NULL;
    struct ringbus_consumer *consumer = NULL;
    uint64_t before = 0;

    scene_open();
    before = live();
    REFUSED(ringbus_open(NULL, NULL));
    REFUSED(ringbus_flush(NULL, RINGBUS_FOREVER));
    REFUSED(ringbus_step(NULL));
    REFUSED(ringbus_shutdown(NULL, RINGBUS_DRAIN, RINGBUS_FOREVER));
    REFUSED(ringbus_visit(NULL, look, NULL));
    REFUSED(ringbus_visit(scene.bus, NULL, NULL));
    REFUSED(ringbus_group_open(NULL, NULL, &group));
    REFUSED(ringbus_group_open(scene.bus, NULL, NULL));
    REFUSED(ringbus_topic_open(NULL, "b", &topic));
    REFUSED(ringbus_topic_open(scene.bus, NULL, &topic));
    REFUSED(ringbus_topic_open(scene.bus, "b", NULL));
    REFUSED(ringbus_consumer_open(NULL, ignore, NULL, NULL, &consumer));
    REFUSED(ringbus_consumer_open(scene.bus, NULL, NULL, NULL, &consumer));
    REFUSED(ringbus_consumer_open(scene.bus, ignore, NULL, NULL, NULL));
    ck_assert_int_eq(ringbus_close(NULL), RINGBUS_OK);
    ringbus_topic_close(NULL);
    ck_assert(group == NULL && topic == NULL && consumer == NULL);
    scene_close(before);
}
END_TEST

START_TEST(calls_on_no_consumer_and_no_topic_are_refused)
{
    const char *const topics[] = {"b", NULL};
    uint64_t before = 0;

    scene_open();
    before = live();
    REFUSED(ringbus_consumer_close(NULL, RINGBUS_DRAIN));
    REFUSED(ringbus_register_consumer(NULL, scene.probe.consumer, "b"));
    REFUSED(ringbus_register_consumer(scene.bus, NULL, "b"));
    REFUSED(ringbus_register_consumer(scene.bus, scene.probe.consumer, NULL));
    REFUSED(ringbus_register_topics(scene.bus, scene.probe.consumer, NULL, 1));
    REFUSED(ringbus_register_topics(scene.bus, scene.probe.consumer, topics, 0));
    REFUSED(ringbus_register_topics(scene.bus, scene.probe.consumer, topics, 2));
    REFUSED(ringbus_unregister_consumer(NULL, scene.probe.consumer, NULL));
    REFUSED(ringbus_unregister_consumer(scene.bus, NULL, NULL));
    REFUSED(ringbus_is_subscribed(NULL, scene.probe.consumer, "a"));
    REFUSED(ringbus_is_subscribed(scene.bus, NULL, "a"));
    REFUSED(ringbus_is_subscribed(scene.bus, scene.probe.consumer, NULL));
    REFUSED(ringbus_topic_post(NULL, NULL, 0, NULL));
    REFUSED(ringbus_topic_post(scene.topic, NULL, 1, NULL));
    REFUSED(ringbus_topic_try_post(scene.topic, NULL, SIZE_MAX, NULL));
    REFUSED(ringbus_topic_post_until(scene.topic, NULL, 1, 0, NULL));
    REFUSED(ringbus_post(scene.bus, NULL, NULL, 0));
    ck_assert_ptr_null(ringbus_consumer_context(NULL));
    ck_assert_ptr_null(ringbus_consumer_name(NULL));
    ck_assert_int_eq(ringbus_is_subscribed(scene.bus, scene.probe.consumer, "b"), 0);
    scene_close(before);
}
END_TEST

START_TEST(calls_on_no_group_or_one_of_another_kind_are_refused)
{
    uint64_t before = 0;

    scene_open();
    before = live();
    REFUSED(ringbus_group_close(NULL, RINGBUS_DRAIN));
    REFUSED(ringbus_group_pause(NULL));
    REFUSED(ringbus_group_resume(NULL));
    REFUSED(ringbus_group_poll(NULL, 1));
    REFUSED(ringbus_group_fd(NULL));
    REFUSED(ringbus_group_pause(scene.caller));
    REFUSED(ringbus_group_resume(scene.caller));
    REFUSED(ringbus_group_poll(scene.group, 1));
    REFUSED(ringbus_group_fd(scene.group));
    REFUSED(ringbus_step(scene.bus));
    scene_close(before);
}
END_TEST

/* ---- values that mean nothing ---- */

START_TEST(a_way_to_end_that_is_none_is_refused)
{
    const int hows[] = {0, 3, -1, INT32_MAX};
    uint64_t before = 0;

    scene_open();
    before = live();
    for (size_t i = 0; i < sizeof hows / sizeof *hows; i++) {
        const enum ringbus_how how = (enum ringbus_how)hows[i];

        REFUSED(ringbus_consumer_close(scene.probe.consumer, how));
        REFUSED(ringbus_group_close(scene.group, how));
        REFUSED(ringbus_shutdown(scene.bus, how, RINGBUS_FOREVER));
    }
    scene_close(before);
}
END_TEST

START_TEST(what_belongs_to_another_bus_is_refused)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    uint64_t before = 0;

    scene_open();
    before = live();
    REFUSED(ringbus_register_consumer(scene.bus, scene.stranger, "b"));
    REFUSED(ringbus_unregister_consumer(scene.bus, scene.stranger, NULL));
    REFUSED(ringbus_is_subscribed(scene.bus, scene.stranger, "a"));
    options.after = &scene.stranger;
    options.after_count = 1;
    REFUSED(ringbus_consumer_open(scene.bus, ignore, NULL, &options, &consumer));
    options.after_count = 0;
    options.group = scene.group;
    REFUSED(ringbus_consumer_open(scene.other, ignore, NULL, &options, &consumer));
    ck_assert_ptr_null(consumer);
    scene_close(before);
}
END_TEST

/* ---- options ---- */

/* Options as a later version may have them. */
struct later {
    union {
        struct ringbus_group_options group;
        struct ringbus_consumer_options consumer;
        struct ringbus_post_options post;
    } known;
    uint64_t unknown[2];
};

static int
use_options(int kind, const struct later *later)
{
    struct ringbus_group *group = NULL;
    struct ringbus_consumer *consumer = NULL;
    int outcome = RINGBUS_OK;

    switch (kind) {
    case 0:
        outcome = ringbus_group_open(scene.bus, &later->known.group, &group);
        break;
    case 1:
        outcome = ringbus_consumer_open(scene.bus, ignore, NULL, &later->known.consumer, &consumer);
        break;
    default:
        outcome = ringbus_topic_post(scene.topic, NULL, 0, &later->known.post);
        break;
    }
    ck_assert(outcome >= 0 || (group == NULL && consumer == NULL));
    return outcome;
}

static size_t
size_of_options(int kind)
{
    return kind == 0   ? sizeof(struct ringbus_group_options)
           : kind == 1 ? sizeof(struct ringbus_consumer_options)
                       : sizeof(struct ringbus_post_options);
}

/* The size stands first in each of them. */
static void
check_options(int kind)
{
    const size_t size = size_of_options(kind);
    struct later later;

    memset(&later, 0, sizeof later);
    REFUSED(use_options(kind, &later));
    later.known.group.size = 1;
    REFUSED(use_options(kind, &later));
    later.known.group.size = sizeof(size_t);
    REFUSED(use_options(kind, &later));
    later.known.group.size = size + sizeof(uint64_t);
    memset((char *)&later + size, 0x80, 1);
    REFUSED(use_options(kind, &later));
    memset((char *)&later + size, 0, 1);
    ck_assert_int_ge(use_options(kind, &later), 0); /* of a later version, with nothing new set */
}

START_TEST(options_of_no_size_or_with_what_is_not_known_are_refused)
{
    for (int kind = 0; kind < 3; kind++) {
        scene_open();
        check_options(kind);
        ringbus_topic_close(scene.topic);
        bus_close(scene.bus);
        bus_close(scene.other);
        ck_assert_uint_eq(live(), 0);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("refused", calls_on_no_bus_are_refused,
        calls_on_no_consumer_and_no_topic_are_refused,
        calls_on_no_group_or_one_of_another_kind_are_refused, a_way_to_end_that_is_none_is_refused,
        what_belongs_to_another_bus_is_refused,
        options_of_no_size_or_with_what_is_not_known_are_refused);
}
