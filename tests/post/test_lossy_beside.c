/* test_lossy_beside.c - payloads by reference in a lossy group and others at once; and what is refused. */
#include "post/lossy.h"

static struct lossy_scene scene;
static struct probe keeper, caller;

static void
begin(uint32_t overflow, uint32_t capacity)
{
    memset(&keeper, 0, sizeof keeper);
    memset(&caller, 0, sizeof caller);
    lossy_begin(&scene, overflow, RINGBUS_GROUP_POLLED, capacity);
}

static void
add_caller(void)
{
    caller.name = "caller";
    payload_probe(scene.bus, &caller, NULL, "a");
}

static struct ringbus_group *
add_keeper(void)
{
    struct ringbus_group *group = group_open(scene.bus, RINGBUS_GROUP_POLLED, 4);

    keeper.name = "keeper";
    payload_probe(scene.bus, &keeper, group, "a");
    return group;
}

/* With two polled groups. */
static void
end_both(struct ringbus_group *group)
{
    ck_assert_int_ge(ringbus_shutdown(scene.bus, RINGBUS_DISCARD, 0), RINGBUS_OK);
    while (ringbus_group_poll(group, EVERY) != RINGBUS_ESHUTDOWN)
        ;
    lossy_end(&scene, scene.probe.group);
}

START_TEST(it_is_released_when_the_lossy_and_the_lossless_group_are_done)
{
    for (EACH_POLICY(policy)) {
        struct ringbus_group *group = NULL;

        begin(*policy, 2);
        group = add_keeper();
        add_caller();
        lossy_post(&scene, 1, 1, 3);
        ck_assert_uint_eq(probe_calls(&caller), 1);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        check_released(&scene, 1, 1, 0);
        ck_assert_int_eq(ringbus_group_poll(group, EVERY), 1);
        check_released(&scene, 1, 1, 1);
        lossy_post(&scene, 2, 2, 3);
        ck_assert_int_eq(ringbus_group_poll(group, EVERY), 1);
        check_released(&scene, 2, 2, 0);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        check_released(&scene, 2, 2, 1);
        end_both(group);
    }
}
END_TEST

START_TEST(what_the_lossy_group_drops_stays_for_the_lossless_one)
{
    for (EACH_POLICY(policy)) {
        struct ringbus_group *group = NULL;

        begin(*policy, 2);
        group = add_keeper();
        lossy_post(&scene, 1, 4, 2);
        check_released(&scene, 1, 4, 0);
        ck_assert_int_eq(ringbus_group_poll(group, EVERY), 4);
        CHECK_NUMBERS(&keeper, 1, 2, 3, 4);
        check_released(&scene, 2, 2, *policy == RINGBUS_CONFLATE || *policy == RINGBUS_DROP_OLDEST);
        ck_assert_int_ge(lossy_poll(&scene), 1);
        check_released(&scene, 1, 4, 1);
        end_both(group);
    }
}
END_TEST

START_TEST(what_no_lossy_group_takes_is_released_after_the_caller_group)
{
    begin(RINGBUS_DROP_NEWEST, 2);
    add_caller(); /* which looks whether it was released */
    lossy_post(&scene, 1, 4, 2);
    ck_assert_uint_eq(probe_calls(&caller), 4);
    check_released(&scene, 1, 2, 0);
    check_released(&scene, 3, 4, 1);
    ck_assert_int_eq(lossy_poll(&scene), 2);
    check_released(&scene, 1, 4, 1);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

static struct ringbus_group *several[3];

START_TEST(several_lossy_groups_share_one_payload)
{
    static struct probe probes[3];

    begin(RINGBUS_DROP_OLDEST, 2);
    memset(probes, 0, sizeof probes);
    for (int i = 0; i < 3; i++) {
        several[i] = lossy_open(scene.bus, policies[i], RINGBUS_GROUP_POLLED, 2);
        payload_probe(scene.bus, &probes[i], several[i], "a");
    }
    lossy_post(&scene, 1, 5, 4);
    check_released(&scene, 1, 2, 0); /* in drop_newest */
    check_released(&scene, 3, 3, 1);
    check_released(&scene, 4, 5, 0);
    ck_assert_int_eq(ringbus_group_poll(several[0], EVERY), 2);
    check_released(&scene, 1, 3, 1);
    ck_assert_int_eq(ringbus_group_poll(several[1], EVERY), 2);
    ck_assert_int_eq(ringbus_group_poll(several[2], EVERY), 1);
    check_released(&scene, 4, 5, 0);
    ck_assert_int_eq(lossy_poll(&scene), 2);
    check_released(&scene, 1, 5, 1);
    ck_assert_int_ge(ringbus_shutdown(scene.bus, RINGBUS_DISCARD, 0), RINGBUS_OK);
    for (int i = 0; i < 3; i++)
        while (ringbus_group_poll(several[i], EVERY) != RINGBUS_ESHUTDOWN)
            ;
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* ---- as many as there can be ---- */

enum { MOST_GROUPS = 64 };

static struct payload many[MOST_GROUPS + 1];

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return RINGBUS_OK;
}

/* A group in which payload `number` waits, with no registration any more. */
static struct ringbus_consumer *
waiting_in(struct ringbus_bus *bus, struct ringbus_topic *topic, uint32_t number)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    if (number > 0)
        options.group = lossy_open(bus, RINGBUS_CONFLATE, RINGBUS_GROUP_THREADS, 2);
    MUST(ringbus_consumer_open(bus, ignore, NULL, &options, &consumer) == RINGBUS_OK, "consumer");
    MUST(ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK, "register");
    ck_assert_int_eq(payload_post(topic, &many[number]), 1);
    MUST(ringbus_unregister_consumer(bus, consumer, "a") == RINGBUS_OK, "unregister");
    return consumer;
}

START_TEST(one_post_may_replace_a_payload_in_every_group_there_can_be)
{
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_options options = options_with(NULL);
    struct ringbus_consumer *consumers[MOST_GROUPS];
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;

    group.overflow = RINGBUS_CONFLATE;
    options.default_group = &group;
    options.max_groups = MOST_GROUPS;
    options.is_stepped = 1;
    bus = bus_open(&options);
    topic = topic_open(bus, "a");
    for (uint32_t i = 0; i < MOST_GROUPS; i++)
        consumers[i] = waiting_in(bus, topic, i);
    for (uint32_t i = 0; i < MOST_GROUPS; i++)
        MUST(ringbus_register_consumer(bus, consumers[i], "a") == RINGBUS_OK, "register");
    ck_assert_int_eq(payload_post(topic, &many[MOST_GROUPS]), MOST_GROUPS);
    for (uint32_t i = 0; i < MOST_GROUPS; i++)
        ck_assert_uint_eq(payload_released(&many[i]), 1);
    ck_assert_uint_eq(payload_released(&many[MOST_GROUPS]), 0);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&many[MOST_GROUPS]), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- posts of handlers ---- */

static void
post_more(struct probe *probe, const struct ringbus_event *event)
{
    payload_look(probe, event);
    if (number_of(event) != 1)
        return;
    lossy_post(&scene, 2, 5, 2);
    MUST(probe_calls(&caller) == 0, "a nested post is not delivered at once");
}

START_TEST(nested_posts_into_lossy_groups_are_released)
{
    for (EACH_POLICY(policy)) {
        begin(*policy, 2);
        caller.act = post_more;
        add_caller();
        lossy_post(&scene, 1, 1, 2);
        ck_assert_uint_eq(probe_calls(&caller), 5);
        CHECK_NUMBERS(&caller, 1, 2, 3, 4, 5);
        ck_assert_int_ge(lossy_poll(&scene), 1);
        check_released(&scene, 1, 5, 1);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

/* ---- refused ---- */

START_TEST(what_a_lossless_group_refuses_stays_with_the_caller)
{
    for (EACH_POLICY(policy)) {
        struct ringbus_group *group = NULL;
        int64_t memory = 0;

        begin(*policy, 8);
        group = add_keeper();
        lossy_post(&scene, 1, 4, 2);
        memory = figure_of(scene.bus, "bus", "", "memory");
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(payload_try_post(scene.topic, &scene.payloads[5]), RINGBUS_EAGAIN);
        ck_assert_int_eq(figure_of(scene.bus, "bus", "", "memory"), memory);
        check_released(&scene, 5, 5, 0);
        ck_assert_int_eq(lossy_poll(&scene), *policy == RINGBUS_CONFLATE ? 1 : 4);
        ck_assert_int_eq(ringbus_group_poll(group, EVERY), 4);
        check_released(&scene, 1, 4, 1);
        lossy_post(&scene, 5, 5, 2);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        ck_assert_int_eq(ringbus_group_poll(group, EVERY), 1);
        check_released(&scene, 5, 5, 1);
        end_both(group);
    }
}
END_TEST

START_TEST(what_comes_after_the_end_stays_with_the_caller)
{
    for (EACH_POLICY(policy)) {
        begin(*policy, 2);
        ck_assert_int_ge(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, 0), RINGBUS_OK);
        ck_assert_int_eq(payload_post(scene.topic, &scene.payloads[1]), RINGBUS_ESHUTDOWN);
        check_released(&scene, 1, 1, 0);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

/* ---- retained, patterns ---- */

START_TEST(a_retained_topic_stores_a_copy_and_lossy_groups_get_the_payload)
{
    for (EACH_POLICY(policy)) {
        begin(*policy, 2);
        ck_assert_int_eq(ringbus_topic_retain(scene.topic, sizeof(uint64_t)), RINGBUS_OK);
        lossy_post(&scene, 1, 1, 1);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        check_released(&scene, 1, 1, 1);
        caller.name = "late";
        probe_open(scene.bus, &caller);
        probe_register(&caller, "a");
        CHECK_NUMBERS(&caller, 1);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

START_TEST(patterns_of_lossy_groups_get_payloads_by_reference)
{
    for (uint32_t policy = RINGBUS_DROP_NEWEST; policy <= RINGBUS_DROP_OLDEST; policy++) {
        struct ringbus_topic *topic = NULL;

        begin(policy, 2);
        topic = topic_open(scene.bus, "x.y");
        ck_assert_int_eq(
            ringbus_register_pattern(scene.bus, scene.probe.consumer, "x.*"), RINGBUS_OK);
        ck_assert_int_eq(payload_post(topic, &scene.payloads[3]), 1);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        CHECK_NUMBERS(&scene.probe, 3);
        check_released(&scene, 3, 3, 1);
        ringbus_topic_close(topic);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_lossy_beside",
        it_is_released_when_the_lossy_and_the_lossless_group_are_done,
        what_the_lossy_group_drops_stays_for_the_lossless_one,
        what_no_lossy_group_takes_is_released_after_the_caller_group,
        several_lossy_groups_share_one_payload,
        one_post_may_replace_a_payload_in_every_group_there_can_be,
        nested_posts_into_lossy_groups_are_released,
        what_a_lossless_group_refuses_stays_with_the_caller,
        what_comes_after_the_end_stays_with_the_caller,
        a_retained_topic_stores_a_copy_and_lossy_groups_get_the_payload,
        patterns_of_lossy_groups_get_payloads_by_reference);
}
