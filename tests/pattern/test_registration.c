/* test_registration.c - patterns and predicates make registrations, on topics that are there and that come, and end
 * them. */
#include "pattern/fixture.h"

/* ---- register and unregister ---- */

START_TEST(a_pattern_holds_for_topics_that_are_there_and_that_come)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *before = NULL, *other = NULL, *after = NULL;

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_topic_open(bus, "a.before", &before), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &other), RINGBUS_OK);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(ringbus_topic_open(bus, "a.after", &after), RINGBUS_OK);
    ck_assert_uint_eq(ringbus_topic_consumers(before), 1);
    ck_assert_uint_eq(ringbus_topic_consumers(other), 0);
    ck_assert_uint_eq(ringbus_topic_consumers(after), 1);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_int_eq(ringbus_topic_post(before, &i, sizeof i, NULL), 1);
        ck_assert_int_eq(ringbus_topic_post(other, &i, sizeof i, NULL), 0);
        ck_assert_int_eq(ringbus_topic_post(after, &i, sizeof i, NULL), 1);
    }
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 0, 0, 1, 1, 2, 2);
    ck_assert_str_eq(probe.notes[0].topic, "a.before");
    ck_assert_str_eq(probe.notes[1].topic, "a.after");
    ringbus_topic_close(before);
    ringbus_topic_close(other);
    ringbus_topic_close(after);
    bus_close(bus);
}
END_TEST

static int
ends_with_x(const char *topic, void *context)
{
    ++*(uint32_t *)context;
    return topic[strlen(topic) - 1] == 'x';
}

/* What makes a consumer get the events of "a.x", one bit each. */
enum { BY_NAME = 1, BY_STAR = 2, BY_TAIL = 4, BY_MATCH = 8, BY_ALL = 15 };

static int
set_way(struct probe *probe, int way, bool is_on, uint32_t *context)
{
    struct ringbus_bus *bus = probe->bus;

    switch (way) {
    case BY_NAME:
        return is_on ? ringbus_register_consumer(bus, probe->consumer, "a.x")
                     : ringbus_unregister_consumer(bus, probe->consumer, "a.x");
    case BY_STAR:
        return is_on ? ringbus_register_pattern(bus, probe->consumer, "a.*")
                     : ringbus_unregister_pattern(bus, probe->consumer, "a.*");
    case BY_TAIL:
        return is_on ? ringbus_register_pattern(bus, probe->consumer, ">")
                     : ringbus_unregister_pattern(bus, probe->consumer, ">");
    default:
        return is_on ? ringbus_register_match(bus, probe->consumer, ends_with_x, context)
                     : ringbus_unregister_match(bus, probe->consumer, ends_with_x, context);
    }
}

/* In any order they come and go, and with the topic there or not. */
START_TEST(a_consumer_that_several_registrations_match_is_called_once)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    uint64_t random = 7, expected = 0;
    uint32_t asked = 0;
    int ways = 0;

    probe_open(bus, &probe);
    for (int i = 0; i < 400; i++) {
        const int way = 1 << next_random(&random) % 4;
        const bool is_on = next_random(&random) % 2;
        const int refusal = is_on ? RINGBUS_EEXIST : RINGBUS_ENOENT;

        ck_assert_int_eq(
            set_way(&probe, way, is_on, &asked), !(ways & way) == is_on ? RINGBUS_OK : refusal);
        ways = is_on ? ways | way : ways & ~way;
        ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a.x"), ways != 0);
        ck_assert_int_eq(post_number(bus, "a.x", 1), ways != 0);
        expected += ways != 0;
        ck_assert_int_eq(post_number(bus, "b", 1), (ways & BY_TAIL) != 0);
        expected += (ways & BY_TAIL) != 0;
        bus_flush(bus); /* who is unregistered gets nothing more */
    }
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), expected);
    ck_assert_uint_gt(expected, 300);
    bus_close(bus);
}
END_TEST

START_TEST(registering_by_pattern_checks_its_arguments)
{
    static struct probe probe, foreign;
    struct ringbus_bus *bus = bus_open(NULL), *other = bus_open(NULL);
    uint32_t asked = 0, more = 0;
    struct ringbus_consumer *consumer = NULL;

    probe_open(bus, &probe);
    probe_open(other, &foreign);
    consumer = probe.consumer;
    ck_assert_int_eq(ringbus_register_pattern(NULL, consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_pattern(bus, NULL, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_pattern(bus, consumer, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_pattern(bus, foreign.consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_pattern(NULL, consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, NULL, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, consumer, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_match(NULL, consumer, ends_with_x, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_match(bus, NULL, ends_with_x, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_match(bus, consumer, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_match(NULL, consumer, ends_with_x, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_match(bus, NULL, ends_with_x, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_match(bus, consumer, NULL, NULL), RINGBUS_EINVAL);
    probe_pattern(&probe, "a");
    ck_assert_int_eq(ringbus_register_pattern(bus, consumer, "a"), RINGBUS_EEXIST);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, consumer, "*"), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, consumer, "a"), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_register_match(bus, consumer, ends_with_x, &asked), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_match(bus, consumer, ends_with_x, &asked), RINGBUS_EEXIST);
    ck_assert_int_eq(ringbus_register_match(bus, consumer, ends_with_x, &more), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_match(bus, consumer, ends_with_x, NULL), RINGBUS_ENOENT);
    ck_assert_int_eq(figure_of(bus, "consumer", "consumer-1", "patterns"), 3);
    bus_close(other);
    bus_close(bus);
}
END_TEST

START_TEST(everything_of_a_consumer_ends_at_once)
{
    static struct probe probe, rest;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_open(bus, &rest);
    probe_pattern(&probe, "a.>");
    probe_pattern(&rest, "a.*");
    probe_register(&probe, "b");
    ck_assert_int_eq(post_number(bus, "a.x", 1), 2);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_ENOENT);
    ck_assert_int_eq(post_number(bus, "a.x", 2), 1);
    ck_assert_int_eq(post_number(bus, "a.y", 3), 1);
    ck_assert_int_eq(post_number(bus, "b", 4), 0);
    probe_pattern(&probe, "a.>"); /* with no topic: patterns alone are something to end, too */
    bus_flush(bus);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, rest.consumer, NULL), RINGBUS_OK);
    ck_assert_int_eq(ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.z", 5), 0);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    CHECK_NUMBERS(&rest, 1, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(the_patterns_of_a_group_end_with_it)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = NULL;

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    ck_assert_int_eq(ringbus_topic_open(bus, "a.x", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 0, NULL), 1);
    ck_assert_int_eq(ringbus_group_close(probe.group, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 0, NULL), 0);
    ck_assert_int_eq(post_number(bus, "a.y", 1), 0);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a.z"), 0);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "b"), RINGBUS_ESHUTDOWN);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* A polled group ends by its polls: until then its patterns must be gone already. */
START_TEST(a_group_that_is_ending_gets_no_new_topics)
{
    static struct probe probe, rest;
    struct ringbus_bus *bus = bus_open(NULL);

    probe.group = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    probe_open(bus, &probe);
    probe_open(bus, &rest);
    probe_pattern(&probe, "a.*");
    probe_pattern(&rest, "b"); /* posts make topics */
    ck_assert_int_eq(ringbus_group_close(probe.group, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert_int_eq(try_post_number(bus, "a.x", 1), 0);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a.y"), 0);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(of_a_new_topic_that_several_patterns_match_each_event_comes_once)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    uint32_t asked = 0;

    probe_open(bus, &probe);
    probe_pattern(&probe, "a.*");
    probe_pattern(&probe, "*.x");
    probe_pattern(&probe, ">");
    ck_assert_int_eq(ringbus_register_match(bus, probe.consumer, ends_with_x, &asked), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 1), 1);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, ">"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, "a.*"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_pattern(bus, probe.consumer, "*.x"), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 2), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(
        ringbus_unregister_match(bus, probe.consumer, ends_with_x, &asked), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a.x", 3), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_predicate_is_asked_once_for_a_topic)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topics[2];
    uint32_t asked = 0;

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_topic_open(bus, "a.x", &topics[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_match(bus, probe.consumer, ends_with_x, &asked), RINGBUS_OK);
    ck_assert_uint_eq(asked, 1);
    ck_assert_int_eq(ringbus_topic_open(bus, "a.y", &topics[1]), RINGBUS_OK);
    ck_assert_uint_eq(asked, 2);
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(post_number(bus, "a.x", i), 1);
        ck_assert_int_eq(post_number(bus, "b.x", i), 1);
        ck_assert_int_eq(post_number(bus, "b.y", i), 0);
    }
    ck_assert_uint_eq(asked, 4);
    ringbus_topic_close(topics[0]);
    ringbus_topic_close(topics[1]);
    bus_close(bus);
}
END_TEST

/* ---- windows and groups ---- */

START_TEST(a_pattern_sees_nothing_that_was_posted_before)
{
    static struct gate gate;
    static struct probe first = {.gate = &gate}, late;
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    probe_open(bus, &first);
    probe_open(bus, &late);
    probe_register(&first, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    gate_await(&gate, 1);
    probe_pattern(&late, "*");
    ck_assert_int_eq(post_number(bus, "a", 3), 2);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&first, 1, 2, 3);
    CHECK_NUMBERS(&late, 3);
    bus_close(bus);
}
END_TEST

START_TEST(patterns_in_several_groups_get_all_of_a_topic)
{
    static struct probe ring, second, caller;
    struct ringbus_bus *bus = bus_open(NULL);

    second.group = group_open(bus, RINGBUS_GROUP_THREADS, 64);
    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &ring);
    probe_open(bus, &second);
    probe_open(bus, &caller);
    probe_pattern(&ring, "a.*");
    probe_pattern(&second, "*.x");
    probe_pattern(&caller, ">");
    ck_assert_int_eq(post_number(bus, "a.x", 1), 3);
    CHECK_NUMBERS(&caller, 1);
    ck_assert_int_eq(post_number(bus, "a.y", 2), 2);
    ck_assert_int_eq(post_number(bus, "b.x", 3), 2);
    ck_assert_int_eq(post_number(bus, "c", 4), 1);
    ck_assert_int_eq(post_number(bus, "a.x", 5), 3);
    CHECK_NUMBERS(&caller, 1, 2, 3, 4, 5);
    bus_flush(bus);
    CHECK_NUMBERS(&ring, 1, 2, 5);
    CHECK_NUMBERS(&second, 1, 3, 5);
    bus_close(bus);
}
END_TEST

static void
post_to_new_name(struct probe *probe, const struct ringbus_event *event)
{
    if (strcmp(event->topic, "new") != 0)
        MUST(post_number(probe->bus, "new", 2) == 1, "a handler's post");
}

START_TEST(a_handler_reaches_new_names_while_the_bus_drains)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate, .act = post_to_new_name};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    probe_open(bus, &probe);
    probe_pattern(&probe, ">");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(post_number(bus, "newer", 3), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("registration", a_pattern_holds_for_topics_that_are_there_and_that_come,
        a_consumer_that_several_registrations_match_is_called_once,
        registering_by_pattern_checks_its_arguments, everything_of_a_consumer_ends_at_once,
        the_patterns_of_a_group_end_with_it, a_group_that_is_ending_gets_no_new_topics,
        of_a_new_topic_that_several_patterns_match_each_event_comes_once,
        a_predicate_is_asked_once_for_a_topic, a_pattern_sees_nothing_that_was_posted_before,
        patterns_in_several_groups_get_all_of_a_topic,
        a_handler_reaches_new_names_while_the_bus_drains);
}
