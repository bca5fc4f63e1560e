/* test_loop.c - a loop delivers a retained value in a turn, before what was posted since. */
#include "uv/inbox.h"

static void
retain(struct ringbus_bus *bus, const char *name, uint64_t number)
{
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "topic_open");
    MUST(ringbus_topic_retain(topic, sizeof number) == RINGBUS_OK, "retain");
    MUST(post_number(bus, name, number) == 0, "post");
    ringbus_topic_close(topic);
}

START_TEST(a_sleeping_loop_is_woken_for_a_replay_and_gets_it_in_a_turn)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct ringbus_group *group = NULL;
    static struct inbox inbox;
    struct place place;

    place_open(&place);
    inbox_open(&inbox);
    retain(bus, "a", 0);
    group = attach(bus, &place, 8, 0);
    settle(&place);
    consume(bus, group, receive, &inbox, "a");
    ck_assert_uint_eq(received(&inbox), 0); /* never called directly */
    RUN_UNTIL(&place, received(&inbox) == 1);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    RUN_UNTIL(&place, received(&inbox) == 2);
    ck_assert(has_received(&inbox, 0, 2));
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(a_replay_takes_its_part_of_a_turns_budget)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct ringbus_group *group = NULL;
    static struct inbox inbox;
    struct place place;

    place_open(&place);
    inbox_open(&inbox);
    retain(bus, "a", 0);
    group = attach(bus, &place, 8, 1);
    settle(&place);
    consume(bus, group, receive, &inbox, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    RUN_UNTIL(&place, received(&inbox) > 0);
    ck_assert_uint_eq(received(&inbox), 1);
    RUN_UNTIL(&place, received(&inbox) == 2);
    ck_assert(has_received(&inbox, 0, 2));
    detach_and_close(bus, &memory, &place, group);
}
END_TEST

START_TEST(a_detach_drains_a_replay)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    struct ringbus_group *group = NULL;
    static struct inbox inbox;
    struct place place;

    place_open(&place);
    inbox_open(&inbox);
    retain(bus, "a", 0);
    group = attach(bus, &place, 8, 0);
    consume(bus, group, receive, &inbox, "a");
    detach_and_close(bus, &memory, &place, group);
    ck_assert(has_received(&inbox, 0, 1));
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_loop", a_sleeping_loop_is_woken_for_a_replay_and_gets_it_in_a_turn,
        a_replay_takes_its_part_of_a_turns_budget, a_detach_drains_a_replay);
}
