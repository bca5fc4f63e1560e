/* test_fetch.c - with many topics lanes look at entries ahead: at those that are there, whatever handlers do. */
#include <stdio.h>

#include "bus/pass.h"
#include "executor/fixture.h"

enum { POSTS = 3 * MOST_FETCHED + 5, TOPICS = FETCH_TOPICS + POSTS };

static const char *
name_of(uint64_t number)
{
    static char name[PROBE_TOPIC];

    snprintf(name, sizeof name, "topic-%u", (unsigned)number);
    return name;
}

/* Topics enough to be many, that nobody posts to. */
static struct ringbus_bus *
open_many(uint32_t capacity, struct ringbus_group **ret_group)
{
    struct ringbus_bus *bus = open_polled(capacity, NULL, ret_group);
    struct ringbus_topic *topic = NULL;

    for (uint64_t i = POSTS; i < TOPICS; i++)
        ck_assert_int_eq(ringbus_topic_open(bus, name_of(i), &topic), RINGBUS_OK);
    return bus;
}

static void
open_registered(struct ringbus_bus *bus, struct ringbus_group *group, struct probe *probe)
{
    probe->group = group;
    probe_open(bus, probe);
    for (uint64_t i = 0; i < POSTS; i++)
        probe_register(probe, name_of(i));
}

/* To each topic; every third is abandoned. How many are left. */
static uint32_t
post_all(struct ringbus_bus *bus)
{
    uint32_t count = 0;

    for (uint64_t i = 0; i < POSTS; i++) {
        struct ringbus_claim claim;
        struct ringbus_topic *topic = NULL;

        ck_assert_int_eq(ringbus_topic_open(bus, name_of(i), &topic), RINGBUS_OK);
        ck_assert_int_eq(ringbus_topic_claim_until(topic, sizeof i, 0, NULL, &claim), 1);
        memcpy(claim.data, &i, sizeof i);
        if (i % 3 == 2)
            ck_assert_int_eq(ringbus_topic_abandon(&claim), RINGBUS_OK);
        else
            ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
        count += i % 3 != 2;
        ringbus_topic_close(topic);
    }
    return count;
}

START_TEST(events_of_many_topics_are_delivered_in_order)
{
    static struct probe probe = {.name = "all"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_many(256, &group);
    uint32_t count = 0;

    open_registered(bus, group, &probe);
    count = post_all(bus);
    poll_all(group);
    ck_assert_uint_eq(probe_calls(&probe), count);
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_uint_eq(probe.notes[i].number, i / 2 * 3 + i % 2);
        ck_assert_str_eq(probe.notes[i].topic, name_of(probe.notes[i].number));
    }
    ck_assert_int_eq(figure_of(bus, "topic", name_of(POSTS - 1), "passed"), (POSTS - 1) % 3 != 2);
    polled_close(bus, group);
}
END_TEST

/* A multiple of 3, less one: the next event is one that is not abandoned. */
enum { GONE = 14 };

/* Sets, registrations and topics go, and are given back as soon as they can be. */
static void
unregister_ahead(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t first = number_of(event) + 1;

    for (uint64_t i = first; i < POSTS && i < first + GONE; i++)
        (void)ringbus_unregister_consumer(probe->bus, probe->consumer, name_of(i));
}

START_TEST(what_is_unregistered_ahead_of_its_event_may_go)
{
    static struct probe probe = {.name = "all", .act = unregister_ahead};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_many(256, &group);

    open_registered(bus, group, &probe);
    (void)post_all(bus);
    poll_all(group);
    ck_assert_uint_eq(probe_calls(&probe), (POSTS + GONE) / (GONE + 1));
    for (uint32_t i = 0; i < probe_calls(&probe); i++)
        ck_assert_uint_eq(probe.notes[i].number, (uint64_t)i * (GONE + 1));
    polled_close(bus, group);
}
END_TEST

/* The slot of a claim that was given back unwritten names what was posted a lap ago. */
START_TEST(a_void_slot_may_name_a_topic_that_has_gone)
{
    static struct probe here = {.name = "here"}, there = {.name = "there"};
    struct ringbus_group *groups[2] = {NULL, NULL};
    struct ringbus_bus *bus = open_many(4, &groups[0]);

    groups[1] = group_open(bus, RINGBUS_GROUP_POLLED, 4);
    join(groups[0], bus, &here, "gone");
    probe_register(&here, "both");
    join(groups[1], bus, &there, "both");
    probe_register(&there, "there");
    post_numbers(bus, "gone", 1, 4);
    ck_assert_int_eq(poll_all(groups[0]), 4);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, here.consumer, "gone"), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "topic", "gone", "passed"), -1);
    post_numbers(bus, "there", 5, 8);
    ck_assert_int_eq(try_post_number(bus, "both", 9), RINGBUS_EAGAIN);
    ck_assert_int_eq(try_post_number(bus, "both", 9), RINGBUS_EAGAIN);
    ck_assert_int_eq(poll_all(groups[1]), 4);
    ck_assert_int_eq(try_post_number(bus, "both", 10), 2);
    poll_all(groups[0]);
    poll_all(groups[1]);
    CHECK_NUMBERS(&here, 1, 2, 3, 4, 10);
    CHECK_NUMBERS(&there, 5, 6, 7, 8, 10);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(groups[1], RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_group_poll(groups[1], ALL), RINGBUS_ESHUTDOWN);
    polled_close(bus, groups[0]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("fetch", events_of_many_topics_are_delivered_in_order,
        what_is_unregistered_ahead_of_its_event_may_go, a_void_slot_may_name_a_topic_that_has_gone);
}
