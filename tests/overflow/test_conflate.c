/* test_conflate.c - of each topic the last value arrives, for whoever was registered when it was posted. */
#include <stdio.h>

#include "bus/group.h"
#include "overflow/fixture.h"

static struct loser loser, second;

static struct ringbus_bus *
open_values(uint32_t capacity, struct hooks *hooks)
{
    memset(&second, 0, sizeof second);
    second.probe.name = "second";
    return open_polled_loser(RINGBUS_CONFLATE, capacity, &loser, hooks);
}

static void
end_values(struct ringbus_bus *bus)
{
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}

START_TEST(the_last_value_of_every_topic_arrives)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    probe_register(&loser.probe, "b");
    post_numbers(bus, "b", 100, 100);
    post_numbers(bus, "a", 1, 50);
    post_numbers(bus, "b", 101, 102);
    ck_assert_int_eq(dropped(bus), 51);
    check_polls(&loser, 2);
    CHECK_NUMBERS(&loser.probe, 102, 50);
    CHECK_LOST(&loser, 2, 49);
    ck_assert_str_eq(loser.probe.notes[0].topic, "b");
    ck_assert_int_eq(figure_of(bus, "group", "lossy", "capacity"), 4);
    end_values(bus);
}
END_TEST

static void
flood_a(struct probe *probe, const struct ringbus_event *event)
{
    note_lost(probe, event);
    if (strcmp(event->topic, "a") == 0 && number_of(event) < 20)
        for (uint64_t i = 1; i <= 3; i++)
            MUST(post_number(probe->bus, "a", number_of(event) + i) == 1, "not posted");
}

START_TEST(a_quiet_topic_arrives_beside_a_flood)
{
    struct ringbus_bus *bus = open_values(2, NULL);

    loser.probe.act = flood_a;
    probe_register(&loser.probe, "quiet");
    post_numbers(bus, "a", 1, 1);
    post_numbers(bus, "quiet", 77, 77);
    ck_assert_int_eq(ringbus_group_poll(loser.probe.group, 2), 2);
    CHECK_NUMBERS(&loser.probe, 1, 77);
    ck_assert_int_gt(ringbus_group_poll(loser.probe.group, ALL), 0);
    ck_assert_uint_ge(loser.probe.notes[probe_calls(&loser.probe) - 1].number, 20);
    end_values(bus);
}
END_TEST

START_TEST(a_value_posted_before_a_registration_is_not_for_it)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    post_numbers(bus, "a", 1, 1);
    lose_on(bus, &second, loser.probe.group, "a");
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 1);
    ck_assert_uint_eq(probe_calls(&second.probe), 0);
    end_values(bus);
}
END_TEST

START_TEST(a_value_posted_after_a_registration_is_for_it_in_an_old_place_too)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    post_numbers(bus, "a", 1, 1); /* the place is of before */
    lose_on(bus, &second, loser.probe.group, "a");
    ck_assert_int_eq(post_number(bus, "a", 2), 2);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 2);
    CHECK_NUMBERS(&second.probe, 2);
    end_values(bus);
}
END_TEST

START_TEST(a_consumer_that_is_drained_gets_the_value_posted_before)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(ringbus_consumer_close(loser.probe.consumer, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert_int_eq(post_number(bus, "a", 3), 0);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 2);
    ck_assert_uint_eq(load_u32(&loser.probe.destroyed, TEST_ACQUIRE), 1);
    end_values(bus);
}
END_TEST

START_TEST(a_consumer_that_is_drained_gets_no_value_posted_after)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    lose_on(bus, &second, loser.probe.group, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    ck_assert_int_eq(ringbus_consumer_close(second.probe.consumer, RINGBUS_DRAIN), RINGBUS_PENDING);
    post_numbers(bus, "a", 2, 2); /* replaces it */
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 2);
    ck_assert_uint_eq(probe_calls(&second.probe), 0);
    ck_assert_uint_eq(load_u32(&second.probe.destroyed, TEST_ACQUIRE), 1);
    end_values(bus);
}
END_TEST

START_TEST(topics_beyond_the_capacity_are_refused)
{
    struct ringbus_bus *bus = open_values(2, NULL);
    const char *const more[] = {"b", "c"};

    ck_assert_int_eq(ringbus_register_topics(bus, loser.probe.consumer, more, 2), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_is_subscribed(bus, loser.probe.consumer, "b"), 0);
    probe_register(&loser.probe, "b"); /* the refused list has left nothing */
    ck_assert_int_eq(ringbus_register_consumer(bus, loser.probe.consumer, "c"), RINGBUS_ENOSPC);
    lose_on(bus, &second, loser.probe.group, "a"); /* one more on the same needs none */
    ck_assert_int_eq(ringbus_unregister_consumer(bus, loser.probe.consumer, "b"), RINGBUS_OK);
    probe_register(&loser.probe, "c");
    end_values(bus);
}
END_TEST

static int
match_all(const char *topic, void *context)
{
    (void)topic, (void)context;
    return 1;
}

START_TEST(patterns_are_refused)
{
    struct ringbus_bus *bus = open_values(2, NULL);

    ck_assert_int_eq(ringbus_register_pattern(bus, loser.probe.consumer, "x.*"), RINGBUS_EINVAL);
    ck_assert_int_eq(
        ringbus_register_match(bus, loser.probe.consumer, match_all, NULL), RINGBUS_EINVAL);
    end_values(bus);
}
END_TEST

START_TEST(a_topic_that_is_left_keeps_its_place_while_it_is_queued)
{
    struct ringbus_bus *bus = open_values(2, NULL);

    probe_register(&loser.probe, "b");
    post_numbers(bus, "b", 1, 3);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, loser.probe.consumer, "b"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, loser.probe.consumer, "c"), RINGBUS_ENOSPC);
    check_polls(&loser, 1); /* handed to nobody */
    ck_assert_uint_eq(probe_calls(&loser.probe), 0);
    probe_register(&loser.probe, "c");
    post_numbers(bus, "c", 9, 9);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 9);
    CHECK_LOST(&loser, 2); /* what the other one did not tell */
    end_values(bus);
}
END_TEST

START_TEST(who_comes_back_to_a_queued_topic_gets_only_what_is_posted_after)
{
    struct ringbus_bus *bus = open_values(2, NULL);

    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, loser.probe.consumer, "a"), RINGBUS_OK);
    probe_register(&loser.probe, "a");
    check_polls(&loser, 1);
    ck_assert_uint_eq(probe_calls(&loser.probe), 0);
    post_numbers(bus, "a", 2, 2);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 2);
    end_values(bus);
}
END_TEST

static void
post_to_all(struct probe *probe, const struct ringbus_event *event)
{
    static const char *const topics[] = {"a", "b", "c", "d"};

    note_lost(probe, event);
    if (number_of(event) < 8)
        for (int i = 0; i < 4; i++)
            MUST(post_number(probe->bus, topics[i], number_of(event) + 1) == 1, "not posted");
}

START_TEST(all_topics_find_room_while_one_is_handed_out)
{
    struct ringbus_bus *bus = open_values(4, NULL);

    loser.probe.act = post_to_all;
    probe_register(&loser.probe, "b");
    probe_register(&loser.probe, "c");
    probe_register(&loser.probe, "d");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_gt(ringbus_group_poll(loser.probe.group, ALL), 8);
    check_polls(&loser, 0);
    end_values(bus);
}
END_TEST

START_TEST(a_pause_costs_all_but_the_last)
{
    struct ringbus_bus *bus = open_values(2, NULL);

    ck_assert_int_eq(ringbus_group_pause(loser.probe.group), RINGBUS_OK);
    post_numbers(bus, "a", 1, 40);
    check_polls(&loser, 0);
    ck_assert_int_eq(ringbus_group_resume(loser.probe.group), RINGBUS_OK);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 40);
    CHECK_LOST(&loser, 39);
    end_values(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_conflate", the_last_value_of_every_topic_arrives,
        a_quiet_topic_arrives_beside_a_flood, a_value_posted_before_a_registration_is_not_for_it,
        a_value_posted_after_a_registration_is_for_it_in_an_old_place_too,
        a_consumer_that_is_drained_gets_the_value_posted_before,
        a_consumer_that_is_drained_gets_no_value_posted_after,
        topics_beyond_the_capacity_are_refused, patterns_are_refused,
        a_topic_that_is_left_keeps_its_place_while_it_is_queued,
        who_comes_back_to_a_queued_topic_gets_only_what_is_posted_after,
        all_topics_find_room_while_one_is_handed_out, a_pause_costs_all_but_the_last);
}
