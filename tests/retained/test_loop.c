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

/* A loop group whose consumer has a replay, 0, to come. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    struct inbox inbox;
    struct place place;
};

static void
scene_open(struct scene *scene, uint32_t budget)
{
    scene->bus = open_bus(&scene->memory);
    place_open(&scene->place);
    inbox_open(&scene->inbox);
    retain(scene->bus, "a", 0);
    scene->group = attach(scene->bus, &scene->place, 8, budget);
    settle(&scene->place);
    consume(scene->bus, scene->group, receive, &scene->inbox, "a");
    ck_assert_uint_eq(received(&scene->inbox), 0); /* never called directly */
}

static void
scene_close(struct scene *scene)
{
    detach_and_close(scene->bus, &scene->memory, &scene->place, scene->group);
}

START_TEST(a_sleeping_loop_is_woken_for_a_replay_and_gets_it_in_a_turn)
{
    static struct scene scene;

    scene_open(&scene, 0);
    RUN_UNTIL(&scene.place, received(&scene.inbox) == 1);
    ck_assert_int_eq(post_number(scene.bus, "a", 1), 1);
    RUN_UNTIL(&scene.place, received(&scene.inbox) == 2);
    ck_assert(has_received(&scene.inbox, 0, 2));
    scene_close(&scene);
}
END_TEST

START_TEST(a_replay_takes_its_part_of_a_turns_budget)
{
    static struct scene scene;

    scene_open(&scene, 1);
    ck_assert_int_eq(post_number(scene.bus, "a", 1), 1);
    RUN_UNTIL(&scene.place, received(&scene.inbox) > 0);
    ck_assert_uint_eq(received(&scene.inbox), 1);
    RUN_UNTIL(&scene.place, received(&scene.inbox) == 2);
    ck_assert(has_received(&scene.inbox, 0, 2));
    scene_close(&scene);
}
END_TEST

START_TEST(a_detach_drains_a_replay)
{
    static struct scene scene;

    scene_open(&scene, 0);
    scene_close(&scene);
    ck_assert(has_received(&scene.inbox, 0, 1));
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_loop", a_sleeping_loop_is_woken_for_a_replay_and_gets_it_in_a_turn,
        a_replay_takes_its_part_of_a_turns_budget, a_detach_drains_a_replay);
}
