/* test_detach.c - a loop group leaves: what is still delivered, when the callback comes, and where posts go
 * meanwhile. */
#include "uv/inbox.h"

enum { CAPACITY = 16, BUDGET = 4, POSTED = 10 };

/* One loop with one group, ten events in its ring. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct inbox inbox;
    struct calls left;
    uint64_t received_when_left;
};

static void
scene_open(struct scene *scene)
{
    scene->bus = open_bus(&scene->memory);
    place_open(&scene->place);
    inbox_open(&scene->inbox);
    scene->left = (struct calls){pthread_self(), 0};
    scene->group = attach(scene->bus, &scene->place, CAPACITY, BUDGET);
    consume(scene->bus, scene->group, receive, &scene->inbox, "t");
    settle(&scene->place);
    MUST(post_numbers(scene->bus, "t", POSTED) == POSTED, "the ring is full");
}

static void
on_left(void *context)
{
    struct scene *scene = context;

    scene->received_when_left = received(&scene->inbox);
    count_call(&scene->left);
}

static int
begin_to_leave(struct scene *scene, enum ringbus_how how)
{
    return ringbus_uv_detach(scene->group, how, on_left, scene);
}

/* Its only group has left. */
static void
scene_close(struct scene *scene)
{
    place_close(&scene->place);
    close_bus(scene->bus, &scene->memory);
}

/* ---- what is still delivered ---- */

START_TEST(drain_delivers_what_the_ring_holds_over_several_turns)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert_uint_eq(received(&scene.inbox), 0);
    turn(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), BUDGET);
    ck_assert_uint_eq(scene.left.count, 0);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    ck_assert_uint_eq(scene.received_when_left, POSTED);
    scene_close(&scene);
    ck_assert_uint_eq(scene.left.count, 1);
}
END_TEST

START_TEST(discard_delivers_nothing_more)
{
    struct scene scene;

    scene_open(&scene);
    turn(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), BUDGET);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DISCARD), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert_uint_eq(received(&scene.inbox), BUDGET);
    scene_close(&scene);
}
END_TEST

struct leaver {
    struct scene *scene;
    enum ringbus_how how;
    uint64_t at;
};

static int
receive_and_leave(const struct ringbus_event *event, void *context)
{
    struct leaver *leaver = context;
    struct inbox *inbox = &leaver->scene->inbox;

    receive(event, inbox);
    if (received(inbox) == leaver->at)
        MUST(begin_to_leave(leaver->scene, leaver->how) == RINGBUS_PENDING, "not detached");
    MUST(leaver->scene->left.count == 0, "left in a handler");
    return 0;
}

/* The handler of the second event detaches its own group; what it gets in all. */
static uint64_t
leave_in_handler(enum ringbus_how how)
{
    struct scene scene;
    struct leaver leaver = {.scene = &scene, .how = how, .at = 2};

    scene_open(&scene);
    detach(&scene.place, scene.group, RINGBUS_DISCARD);
    inbox_open(&scene.inbox);
    scene.group = attach(scene.bus, &scene.place, CAPACITY, BUDGET);
    consume(scene.bus, scene.group, receive_and_leave, &leaver, "t");
    MUST(post_numbers(scene.bus, "t", POSTED) == POSTED, "the ring is full");
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    scene_close(&scene);
    return received(&scene.inbox);
}

START_TEST(a_handler_detaches_its_own_group_with_drain)
{
    ck_assert_uint_eq(leave_in_handler(RINGBUS_DRAIN), POSTED);
}
END_TEST

START_TEST(a_handler_detaches_its_own_group_with_discard)
{
    ck_assert_uint_eq(leave_in_handler(RINGBUS_DISCARD), 2);
}
END_TEST

static void
leave_from_thread(void *context)
{
    struct leaver *leaver = context;

    MUST(begin_to_leave(leaver->scene, leaver->how) == RINGBUS_PENDING, "not detached");
}

START_TEST(another_thread_detaches_a_group_of_a_loop_that_sleeps)
{
    struct scene scene;
    struct leaver leaver = {.scene = &scene, .how = RINGBUS_DRAIN};
    struct worker worker;

    scene_open(&scene);
    settle(&scene.place);
    worker_start(&worker, leave_from_thread, &leaver);
    worker_join(&worker, "the leaver");
    ck_assert(is_woken(&scene.place));
    ck_assert_uint_eq(scene.left.count, 0);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    scene_close(&scene);
}
END_TEST

START_TEST(a_group_is_detached_without_a_callback)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_uv_detach(scene.group, RINGBUS_DRAIN, NULL, NULL), RINGBUS_PENDING);
    scene_close(&scene);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
}
END_TEST

/* ---- when the callback comes ---- */

struct early_close {
    struct scene *scene;
    uint32_t refused;
};

/* Between libuv's I/O and its closing of handles. */
static void
on_check(uv_check_t *check)
{
    struct early_close *early = check->data;

    if (early->scene->left.count > 0)
        return;
    MUST(ringbus_close(early->scene->bus) == RINGBUS_EBUSY, "the bus is closed too early");
    early->refused++;
}

START_TEST(the_bus_cannot_be_closed_before_the_detach_callback)
{
    struct scene scene;
    struct early_close early = {.scene = &scene};
    uv_check_t check;

    scene_open(&scene);
    uv_check_init(&scene.place.loop, &check);
    check.data = &early;
    uv_check_start(&check, on_check);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert_uint_ge(early.refused, POSTED / BUDGET);
    uv_close((uv_handle_t *)&check, NULL);
    scene_close(&scene);
}
END_TEST

static void
close_all(void *context)
{
    struct scene *scene = context;

    on_left(scene);
    MUST(ringbus_close(scene->bus) == RINGBUS_OK, "the bus is not closed in the callback");
    uv_close((uv_handle_t *)&scene->place.patience, NULL);
    uv_close((uv_handle_t *)&scene->place.prepare, NULL);
}

START_TEST(the_bus_can_be_closed_in_the_detach_callback)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.group, RINGBUS_DRAIN, close_all, &scene), RINGBUS_PENDING);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(scene.left.count, 1);
    ck_assert_int_eq(uv_loop_close(&scene.place.loop), 0);
    ck_assert_uint_eq(live_bytes(&scene.memory), 0);
}
END_TEST

static void
attach_again(void *context)
{
    struct scene *scene = context;

    on_left(scene);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, BUDGET);
}

START_TEST(a_group_can_be_opened_in_the_detach_callback)
{
    struct scene scene;

    scene_open(&scene);
    for (uint32_t i = 1; i <= 5; i++) {
        ck_assert_int_eq(
            ringbus_uv_detach(scene.group, RINGBUS_DRAIN, attach_again, &scene), RINGBUS_PENDING);
        RUN_UNTIL(&scene.place, scene.left.count == i);
    }
    inbox_open(&scene.inbox);
    consume(scene.bus, scene.group, receive, &scene.inbox, "t");
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 1);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    ck_assert(has_received(&scene.inbox, 0, 1));
    scene_close(&scene);
}
END_TEST

START_TEST(a_group_is_detached_once)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_EBUSY);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DISCARD), RINGBUS_EBUSY);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
    ck_assert_uint_eq(scene.left.count, 1);
}
END_TEST

START_TEST(a_group_that_has_left_is_not_detached_again)
{
    struct scene scene;

    scene_open(&scene);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_EINVAL);
    scene_close(&scene);
    ck_assert_uint_eq(scene.left.count, 0);
}
END_TEST

/* ---- beside other groups ---- */

START_TEST(one_of_two_groups_leaves_and_the_other_goes_on)
{
    struct scene scene;
    struct inbox inbox;
    struct ringbus_group *stays = NULL;

    inbox_open(&inbox);
    scene_open(&scene);
    stays = attach(scene.bus, &scene.place, CAPACITY, 0);
    consume(scene.bus, stays, receive, &inbox, "stays");
    ck_assert_int_eq(post_number(scene.bus, "stays", 0), 1);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    for (uint64_t i = 1; i < 50; i++) {
        settle(&scene.place);
        ck_assert_int_eq(post_number(scene.bus, "stays", i), 1);
        ck_assert(is_woken(&scene.place));
    }
    settle(&scene.place);
    ck_assert(has_received(&inbox, 0, 50));
    detach(&scene.place, stays, RINGBUS_DRAIN);
    scene_close(&scene);
}
END_TEST

struct spring {
    struct scene *scene;
    bool is_stopped;
};

static int
flow(const struct ringbus_event *event, void *context)
{
    struct spring *spring = context;

    (void)event;
    if (!spring->is_stopped)
        MUST(post_number(spring->scene->bus, "spring", 0) == 1, "the spring dries up");
    return 0;
}

START_TEST(a_group_leaves_while_another_is_flooded)
{
    struct scene scene;
    struct spring spring = {.scene = &scene};
    struct ringbus_group *flooded = NULL;

    scene_open(&scene);
    flooded = attach(scene.bus, &scene.place, CAPACITY, 0);
    consume(scene.bus, flooded, flow, &spring, "spring");
    ck_assert_uint_eq(post_numbers(scene.bus, "spring", POSTED), POSTED);
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DRAIN), RINGBUS_PENDING);
    for (int turns = 0; turns < 3 * POSTED; turns++)
        turn(&scene.place);
    ck_assert_uint_eq(scene.left.count, 1);
    spring.is_stopped = true;
    detach(&scene.place, flooded, RINGBUS_DRAIN);
    scene_close(&scene);
}
END_TEST

START_TEST(all_groups_of_a_loop_leave_in_one_turn)
{
    struct scene scene;
    struct ringbus_group *groups[3] = {NULL};

    scene_open(&scene);
    for (int i = 0; i < 3; i++) {
        groups[i] = attach(scene.bus, &scene.place, CAPACITY, 0);
        ck_assert_int_eq(
            ringbus_uv_detach(groups[i], RINGBUS_DRAIN, on_left, &scene), RINGBUS_PENDING);
    }
    ck_assert_int_eq(begin_to_leave(&scene, RINGBUS_DISCARD), RINGBUS_PENDING);
    scene_close(&scene);
    ck_assert_uint_eq(scene.left.count, 4);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv detach", drain_delivers_what_the_ring_holds_over_several_turns,
        discard_delivers_nothing_more, a_handler_detaches_its_own_group_with_drain,
        a_handler_detaches_its_own_group_with_discard,
        another_thread_detaches_a_group_of_a_loop_that_sleeps,
        a_group_is_detached_without_a_callback, the_bus_cannot_be_closed_before_the_detach_callback,
        the_bus_can_be_closed_in_the_detach_callback, a_group_can_be_opened_in_the_detach_callback,
        a_group_is_detached_once, a_group_that_has_left_is_not_detached_again,
        one_of_two_groups_leaves_and_the_other_goes_on, a_group_leaves_while_another_is_flooded,
        all_groups_of_a_loop_leave_in_one_turn);
}
