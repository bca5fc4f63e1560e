/* test_cache.c - posts to names without a topic while there are patterns: topics that are made, kept, and go. */
#include <stdio.h>

#include "pattern/fixture.h"

/* ---- posts by name ---- */

START_TEST(a_post_to_an_unknown_name_makes_a_topic_only_while_there_are_patterns)
{
    static struct probe probe;
    struct hooks hooks = {.on_dead = NULL};
    struct ringbus_bus *bus = open_with(0, 0, &hooks);

    probe_open(bus, &probe);
    ck_assert_int_eq(post_number(bus, "a.x", 1), 0);
    ck_assert_int_eq(topics_of(bus), 0);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(post_number(bus, "a.x", 2), 1);
    ck_assert_int_eq(post_number(bus, "b", 3), 0); /* kept, too: nobody is asked again */
    ck_assert_int_eq(topics_of(bus), 2);
    ck_assert_int_eq(cached_of(bus), 2);
    ck_assert_int_eq(post_number(bus, "a.x", 4), 1);
    ck_assert_int_eq(post_number(bus, "b", 5), 0);
    ck_assert_int_eq(cached_of(bus), 2);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, "a.*"), RINGBUS_OK);
    ck_assert_int_eq(cached_of(bus), 0);
    ck_assert_int_eq(post_number(bus, "a.x", 6), 0);
    ck_assert_int_eq(post_number(bus, "c", 7), 0);
    ck_assert_int_eq(cached_of(bus), 0);
    CHECK_NUMBERS(&probe, 2, 4);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 5);
    bus_close(bus);
}
END_TEST

START_TEST(so_many_topics_are_kept_and_no_more)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_with(100, 3, NULL);
    char name[24];

    probe_open(bus, &probe);
    probe_pattern(&probe, ">");
    for (uint64_t i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "n%llu", (unsigned long long)i);
        ck_assert_int_eq(post_number(bus, name, i), 1);
        bus_flush(bus);
        ck_assert_int_le(cached_of(bus), 3);
        ck_assert_int_le(topics_of(bus), 3 + 5);
    }
    ck_assert_int_eq(cached_of(bus), 3);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 50);
    bus_close(bus);
}
END_TEST

/* Each of them has left the cache long before its event is read. */
START_TEST(what_stands_in_a_ring_outlives_the_cache)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_with(64, 1, NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    char name[24];

    options.capacity = 64;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    probe_open(bus, &probe);
    probe_pattern(&probe, "n.*");
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    for (uint64_t i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "n.%llu", (unsigned long long)(i % 30));
        ck_assert_int_eq(post_number(bus, name, i), 1);
    }
    ck_assert_int_eq(cached_of(bus), 1);
    ck_assert_int_eq(topics_of(bus), 30);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 60);
    for (uint64_t i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "n.%llu", (unsigned long long)(i % 30));
        ck_assert_str_eq(probe.notes[i].topic, name);
        ck_assert_uint_eq(probe.notes[i].number, i);
    }
    bus_close(bus);
}
END_TEST

START_TEST(without_room_for_a_topic_a_post_that_is_wanted_is_refused)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_with(2, 2, NULL);
    struct ringbus_topic *topics[2];

    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(ringbus_topic_open(bus, "x", &topics[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "y", &topics[1]), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 1), RINGBUS_ENOSPC);
    ck_assert_int_eq(try_post_number(bus, "a.x", 1), RINGBUS_ENOSPC);
    ck_assert_int_eq(post_number(bus, "b", 2), 0);
    ringbus_topic_close(topics[1]);
    ck_assert_int_eq(post_number(bus, "a.x", 3), 1);
    ck_assert_int_eq(post_number(bus, "b", 4), 0);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 3);
    ringbus_topic_close(topics[0]);
    bus_close(bus);
}
END_TEST

START_TEST(topics_that_are_only_kept_make_room_for_others)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_with(4, 4, NULL);
    struct ringbus_topic *topics[4];

    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(post_number(bus, "a.x", 1), 1);
    ck_assert_int_eq(post_number(bus, "a.y", 2), 1);
    ck_assert_int_eq(post_number(bus, "b", 3), 0);
    ck_assert_int_eq(post_number(bus, "c", 4), 0);
    bus_flush(bus);
    ck_assert_int_eq(cached_of(bus), 4);
    for (int i = 0; i < 4; i++) {
        const char *const names[] = {"p", "q", "a.r", "s"};

        ck_assert_int_eq(ringbus_topic_open(bus, names[i], &topics[i]), RINGBUS_OK);
    }
    ck_assert_int_eq(cached_of(bus), 0);
    ck_assert_uint_eq(ringbus_topic_consumers(topics[2]), 1);
    for (int i = 0; i < 4; i++)
        ringbus_topic_close(topics[i]);
    bus_close(bus);
}
END_TEST

/* ---- topics that go ---- */

static void
post_back(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_topic *other = NULL;
    const uint64_t number = number_of(event) + 1;

    if (number >= 40)
        return;
    /* Something else comes to the table, for which this one is looked at. */
    MUST(post_number(probe->bus, number % 2 ? "other" : "another", 0) == 0, "nobody wants it");
    MUST(ringbus_topic_open(probe->bus, "third", &other) == RINGBUS_OK, "third");
    ringbus_topic_close(other);
    MUST(ringbus_topic_post(event->handle, &number, sizeof number, NULL) == 1, "a post back");
}

/* Nobody holds the topic but the events in the ring, from one to the next. */
START_TEST(a_handler_posts_back_to_a_topic_that_nobody_holds)
{
    static struct probe probe = {.act = post_back};
    struct ringbus_bus *bus = open_with(8, 1, NULL);

    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(post_number(bus, "a.x", 0), 1);
    AWAIT_CALLS(&probe, 40);
    for (uint64_t i = 0; i < 40; i++)
        ck_assert_uint_eq(probe.notes[i].number, i);
    bus_close(bus);
}
END_TEST

START_TEST(one_found_again_before_it_is_freed_has_its_registrations)
{
    static struct probe probe, late;
    struct ringbus_bus *bus = open_with(8, 1, NULL);
    struct ringbus_topic *topic = NULL;

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 16);
    late.group = probe.group;
    probe_open(bus, &probe);
    probe_open(bus, &late);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 1), 1);
    ck_assert_int_eq(post_number(bus, "a.y", 2), 1); /* a.x is retired, and stands in the ring */
    probe_pattern(&late, "*.x");
    ck_assert_int_eq(ringbus_topic_open(bus, "a.x", &topic), RINGBUS_OK);
    ck_assert_uint_eq(ringbus_topic_consumers(topic), 2);
    ringbus_topic_close(topic);
    ck_assert_int_eq(post_number(bus, "a.x", 3), 2);
    ck_assert_int_eq(post_number(bus, "a.y", 4), 1);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, "a.*"), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 5), 1);
    ck_assert_int_eq(post_number(bus, "a.y", 6), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0); /* unregistered: also what was posted before */
    CHECK_NUMBERS(&late, 3, 5);
    bus_close(bus);
}
END_TEST

START_TEST(a_hundred_thousand_names_take_no_more_memory_than_a_thousand)
{
    static struct probe probe;
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    const uint64_t names = scaled(100000) < 100000 ? 20000 : 100000;
    uint64_t most = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    options.max_cached_topics = 16;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_pattern(&probe, ">");
    for (uint64_t i = 0; i < names; i++) {
        char name[24];

        snprintf(name, sizeof name, "n.%llu", (unsigned long long)i);
        ck_assert_int_eq(post_number(bus, name, i), 1);
        if (i % 64 == 0)
            bus_flush(bus);
        if (i == 1000)
            most = 2 * load_u64(&faulty.live_bytes, ORDER_COUNT);
        if (i > 1000)
            ck_assert_uint_le(load_u64(&faulty.live_bytes, ORDER_COUNT), most);
    }
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), names);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

static struct ringbus_group *
open_polled(struct ringbus_bus *bus)
{
    return group_open(bus, RINGBUS_GROUP_POLLED, 16);
}

/* There is always an event in the ring, but not for long the same one. */
START_TEST(topics_go_while_a_ring_is_never_empty)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_with(64, 4, NULL);
    char name[24];

    probe.group = open_polled(bus);
    probe_open(bus, &probe);
    probe_pattern(&probe, ">");
    for (uint64_t i = 0; i < 500; i++) {
        snprintf(name, sizeof name, "n.%llu", (unsigned long long)i);
        ck_assert_int_eq(post_number(bus, name, i), 1);
        if (i >= 8)
            ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
        ck_assert_int_le(topics_of(bus), 4 + 4 * 8);
    }
    ck_assert_uint_eq(probe_calls(&probe), 492);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 100), 8);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

static void
post_back_once(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t number = 2;

    (void)probe;
    if (number_of(event) == 1)
        MUST(ringbus_topic_post(event->handle, &number, sizeof number, NULL) == 1, "a post back");
}

/* Its last event but one has passed, it is out of all routes, and waits for the last. */
START_TEST(one_that_waits_to_be_freed_is_whole_again_for_who_registers)
{
    static struct probe probe = {.act = post_back_once}, direct;
    struct ringbus_bus *bus = open_with(8, 1, NULL);
    struct ringbus_topic *other = NULL;

    probe.group = open_polled(bus);
    direct.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &probe);
    probe_open(bus, &direct);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(post_number(bus, "a.x", 1), 1);
    ck_assert_int_eq(post_number(bus, "b", 0), 0);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &other), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, direct.consumer, "a.x"), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 3), 2);
    CHECK_NUMBERS(&direct, 3);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 10), 2);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ringbus_topic_close(other);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(what_a_retired_topic_has_undelivered_is_named)
{
    static struct probe probe = {.name = "probe"};
    struct hooks hooks = {.on_dead = NULL};
    struct ringbus_bus *bus = open_with(16, 1, &hooks);

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 16);
    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    for (uint64_t i = 0; i < 4; i++)
        ck_assert_int_eq(post_number(bus, i % 2 ? "a.x" : "a.y", i), 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a.x", "probe"), 2);
    ck_assert_uint_eq(undelivered(&hooks, "a.y", "probe"), 2);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("cache", a_post_to_an_unknown_name_makes_a_topic_only_while_there_are_patterns,
        so_many_topics_are_kept_and_no_more, what_stands_in_a_ring_outlives_the_cache,
        without_room_for_a_topic_a_post_that_is_wanted_is_refused,
        topics_that_are_only_kept_make_room_for_others,
        a_handler_posts_back_to_a_topic_that_nobody_holds,
        one_found_again_before_it_is_freed_has_its_registrations,
        a_hundred_thousand_names_take_no_more_memory_than_a_thousand,
        topics_go_while_a_ring_is_never_empty,
        one_that_waits_to_be_freed_is_whole_again_for_who_registers,
        what_a_retired_topic_has_undelivered_is_named);
}
