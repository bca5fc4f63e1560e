/* test_reroute.c - what others notice of a group that leaves: posters, consumers, hooks, the bus. */
#include "uv/inbox.h"

enum { CAPACITY = 4 };

struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct ringbus_consumer *consumer;
    struct inbox inbox;
};

static void
scene_open_with(struct scene *scene, struct ringbus_options options)
{
    scene->bus = open_bus_with(&scene->memory, options);
    place_open(&scene->place);
    inbox_open(&scene->inbox);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
    scene->consumer = consume(scene->bus, scene->group, receive, &scene->inbox, "t");
    settle(&scene->place);
}

static void
scene_open(struct scene *scene)
{
    scene_open_with(scene, ringbus_options_default());
}

static void
scene_close(struct scene *scene)
{
    place_close(&scene->place);
    close_bus(scene->bus, &scene->memory);
}

/* ---- posters ---- */

static int
count_event(const struct ringbus_event *event, void *context)
{
    struct atomic_u64 *count = context;

    (void)event;
    store_u64(count, load_u64(count, ORDER_OWN) + 1, ORDER_STATE_RELEASE);
    return 0;
}

START_TEST(posts_go_to_the_other_groups_from_the_moment_of_the_detach)
{
    struct scene scene;
    struct atomic_u64 count = {0};

    scene_open(&scene);
    consume(scene.bus, NULL, count_event, &count, "t");
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 2);
    ck_assert_int_eq(ringbus_uv_detach(scene.group, RINGBUS_DRAIN, NULL, NULL), RINGBUS_PENDING);
    for (uint64_t i = 1; i < 100; i++)
        ck_assert_int_eq(ringbus_post(scene.bus, "t", &i, sizeof i), 1);
    AWAIT(load_u64(&count, ORDER_STATE_ACQUIRE) == 100);
    scene_close(&scene);
    ck_assert(has_received(&scene.inbox, 0, 1));
}
END_TEST

START_TEST(posts_to_nobody_else_are_dead_from_the_moment_of_the_detach)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    ck_assert_int_eq(ringbus_uv_detach(scene.group, RINGBUS_DRAIN, NULL, NULL), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_post(scene.bus, "t", NULL, 0), 0);
    ck_assert_int_eq(ringbus_try_post(scene.bus, "t", NULL, 0), 0);
    scene_close(&scene);
    ck_assert(has_received(&scene.inbox, 0, CAPACITY));
}
END_TEST

struct poster {
    struct worker worker;
    struct ringbus_bus *bus;
    struct atomic_u32 is_done;
};

static void
post_one_more(void *context)
{
    struct poster *poster = context;
    const uint64_t number = CAPACITY;

    MUST(ringbus_post(poster->bus, "t", &number, sizeof number) == 0, "the post fails");
    store_u32(&poster->is_done, 1, ORDER_STATE_RELEASE);
}

START_TEST(a_poster_that_waits_for_a_group_that_leaves_goes_on_without_it)
{
    struct scene scene;
    struct poster poster = {.is_done = {0}};
    uint64_t sleeps = 0;

    os_watch_begin(0);
    scene_open(&scene);
    poster.bus = scene.bus;
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    sleeps = os_watch_sleeps();
    worker_start(&poster.worker, post_one_more, &poster);
    AWAIT(os_watch_sleeps() > sleeps);
    ck_assert_int_eq(ringbus_uv_detach(scene.group, RINGBUS_DRAIN, NULL, NULL), RINGBUS_PENDING);
    worker_join(&poster.worker, "the poster");
    scene_close(&scene);
    os_watch_end();
    ck_assert(has_received(&scene.inbox, 0, CAPACITY));
}
END_TEST

/* ---- consumers ---- */

START_TEST(consumers_of_a_group_that_has_left_can_only_be_closed)
{
    struct scene scene;
    struct ringbus_consumer *late = NULL;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    scene_open(&scene);
    ck_assert_int_eq(ringbus_is_subscribed(scene.bus, scene.consumer, "t"), 1);
    ck_assert_int_eq(ringbus_uv_detach(scene.group, RINGBUS_DRAIN, NULL, NULL), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_is_subscribed(scene.bus, scene.consumer, "t"), 0);
    options.group = scene.group;
    ck_assert_int_eq(ringbus_register_consumer(scene.bus, scene.consumer, "u"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(
        ringbus_consumer_open(scene.bus, receive, NULL, &options, &late), RINGBUS_ESHUTDOWN);
    settle(&scene.place);
    ck_assert_int_eq(ringbus_register_consumer(scene.bus, scene.consumer, "u"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_consumer_close(scene.consumer, RINGBUS_DRAIN), RINGBUS_OK);
    scene_close(&scene);
}
END_TEST

/* Its group leaves, and a group that is opened then lives in the same memory. */
static void
scene_open_again(struct scene *scene)
{
    const struct ringbus_group *old = NULL;

    scene_open(scene);
    old = scene->group;
    detach(&scene->place, scene->group, RINGBUS_DRAIN);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
    MUST(scene->group == old, "the group's memory is not used again");
}

START_TEST(a_consumer_does_not_come_to_life_again_with_the_memory_of_its_group)
{
    struct scene scene;

    scene_open_again(&scene);
    ck_assert_int_eq(ringbus_register_consumer(scene.bus, scene.consumer, "t"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 0);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    scene_close(&scene);
}
END_TEST

START_TEST(a_consumer_of_a_group_that_has_left_is_closed_at_once)
{
    struct scene scene;
    struct inbox inbox;

    inbox_open(&inbox);
    scene_open_again(&scene);
    consume(scene.bus, scene.group, receive, &inbox, "t");
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 1);
    ck_assert_int_eq(ringbus_consumer_close(scene.consumer, RINGBUS_DRAIN), RINGBUS_OK);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    scene_close(&scene);
    ck_assert(has_received(&inbox, 0, 1));
}
END_TEST

/* ---- hooks ---- */

struct told {
    struct scene *scene;
    struct ringbus_group *opened;
    uint64_t count;
};

static void
open_when_told(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    struct told *told = context;

    told->count += undelivered->count;
    told->opened = attach(bus, &told->scene->place, CAPACITY, 1);
}

START_TEST(a_hook_may_open_a_group_while_another_of_its_kind_leaves)
{
    struct scene scene;
    struct inbox inbox;
    struct told told = {.scene = &scene};
    struct ringbus_options options = ringbus_options_default();

    inbox_open(&inbox);
    options.on_undelivered = open_when_told;
    options.hook_context = &told;
    scene_open_with(&scene, options);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    detach(&scene.place, scene.group, RINGBUS_DISCARD);
    ck_assert_uint_eq(told.count, CAPACITY);
    consume(scene.bus, told.opened, receive, &inbox, "t");
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 1);
    detach(&scene.place, told.opened, RINGBUS_DRAIN);
    ck_assert(has_received(&inbox, 0, 1));
    scene_close(&scene);
}
END_TEST

static void
mark_destroyed(void *context)
{
    *(bool *)context = true;
}

static void
must_be_destroyed(void *context)
{
    MUST(*(bool *)context, "the detach callback comes before the destroy function");
}

START_TEST(a_consumer_closed_before_is_destroyed_before_the_detach_callback)
{
    struct scene scene;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    bool is_destroyed = false;

    scene_open(&scene);
    options.group = scene.group;
    options.destroy = mark_destroyed;
    ck_assert_int_eq(
        ringbus_consumer_open(scene.bus, receive, &is_destroyed, &options, &consumer), RINGBUS_OK);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 2), 2);
    ck_assert_int_eq(ringbus_consumer_close(consumer, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert(!is_destroyed);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.group, RINGBUS_DRAIN, must_be_destroyed, &is_destroyed),
        RINGBUS_PENDING);
    scene_close(&scene);
    ck_assert(is_destroyed);
}
END_TEST

static void
attach_again(void *context)
{
    struct scene *scene = context;

    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
}

START_TEST(the_callback_of_one_of_two_groups_that_leave_in_one_turn_opens_a_third)
{
    struct scene scene;
    struct calls calls = {pthread_self(), 0};
    struct ringbus_group *second = NULL;

    scene_open(&scene);
    second = attach(scene.bus, &scene.place, CAPACITY, 1);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.group, RINGBUS_DRAIN, attach_again, &scene), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_uv_detach(second, RINGBUS_DRAIN, count_call, &calls), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, calls.count > 0);
    settle(&scene.place);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    scene_close(&scene);
    ck_assert_uint_eq(calls.count, 1);
}
END_TEST

/* ---- a bus that ends ---- */

START_TEST(a_group_is_detached_after_a_shutdown)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 2), 2);
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_PENDING);
    settle(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, 2));
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_close(scene.bus), RINGBUS_EBUSY);
    ck_assert(!is_woken(&scene.place));
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    scene_close(&scene);
}
END_TEST

START_TEST(a_group_is_detached_during_a_shutdown)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 3), 3);
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_PENDING);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    ck_assert(has_received(&scene.inbox, 0, 3));
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    scene_close(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv reroute", posts_go_to_the_other_groups_from_the_moment_of_the_detach,
        posts_to_nobody_else_are_dead_from_the_moment_of_the_detach,
        a_poster_that_waits_for_a_group_that_leaves_goes_on_without_it,
        consumers_of_a_group_that_has_left_can_only_be_closed,
        a_consumer_does_not_come_to_life_again_with_the_memory_of_its_group,
        a_consumer_of_a_group_that_has_left_is_closed_at_once,
        a_hook_may_open_a_group_while_another_of_its_kind_leaves,
        a_consumer_closed_before_is_destroyed_before_the_detach_callback,
        the_callback_of_one_of_two_groups_that_leave_in_one_turn_opens_a_third,
        a_group_is_detached_after_a_shutdown, a_group_is_detached_during_a_shutdown);
}
