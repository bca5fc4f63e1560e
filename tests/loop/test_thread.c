/* test_thread.c - a loop's thread: who may call what from where, what keeps an unreferenced loop alive while a group
 * leaves it, and a loop that several threads run one after the other. */
#include "uv/inbox.h"

struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct inbox inbox;
    struct calls left;
};

enum { CAPACITY = 8, POSTED = 6 };

/* One event a turn, POSTED of them to come. */
static void
scene_open(struct scene *scene)
{
    memset(scene, 0, sizeof *scene);
    scene->bus = open_bus(&scene->memory);
    place_open(&scene->place);
    inbox_open(&scene->inbox);
    scene->left.thread = pthread_self();
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
    consume(scene->bus, scene->group, receive, &scene->inbox, "t");
    MUST(post_numbers(scene->bus, "t", POSTED) == POSTED, "the ring is full");
}

static void
scene_close(struct scene *scene)
{
    place_close(&scene->place);
    close_bus(scene->bus, &scene->memory);
}

static void
begin_to_leave(void *context)
{
    struct scene *scene = context;

    MUST(
        ringbus_uv_detach(scene->group, RINGBUS_DRAIN, count_call, &scene->left) == RINGBUS_PENDING,
        "not detached");
}

static void
run_elsewhere(void (*run)(void *context), void *context)
{
    struct worker worker;

    worker_start(&worker, run, context);
    worker_join(&worker, "the other thread");
}

/* ---- what builds with assertions check ---- */

static void
turn_here(void *context)
{
    turn(&((struct scene *)context)->place);
}

static void
run_loop_elsewhere(void *context)
{
    static struct scene scene;

    (void)context;
    scene.bus = open_bus(&scene.memory);
    place_open(&scene.place);
    attach(scene.bus, &scene.place, CAPACITY, 1); /* no handler that would mind */
    run_elsewhere(turn_here, &scene);
}

START_TEST(builds_with_assertions_stop_a_thread_that_runs_the_loop_of_another)
{
    ck_assert(is_caught(run_loop_elsewhere, NULL));
}
END_TEST

enum { CALLS = 4 };

struct use {
    struct scene scene;
    struct ringbus_group *second;
    int call, outcome;
};

static void
call_here(void *context)
{
    struct use *use = context;
    struct ringbus_bus *bus = use->scene.bus;
    uv_loop_t *loop = &use->scene.place.loop;

    switch (use->call) {
    case 0:
        use->outcome = ringbus_uv_group_open(bus, loop, NULL, &use->second);
        break;
    case 1:
        use->outcome = ringbus_uv_on_writable(bus, loop, count_call, &use->scene.left);
        break;
    case 2:
        use->outcome = ringbus_uv_ref(bus, loop);
        break;
    default:
        use->outcome = ringbus_uv_unref(bus, loop);
        break;
    }
}

static void
call_elsewhere(void *context)
{
    struct use *use = context;

    scene_open(&use->scene);
    run_elsewhere(call_here, use);
}

START_TEST(builds_with_assertions_stop_calls_for_the_loop_of_another_thread)
{
    static struct use use;

    for (use.call = 0; use.call < CALLS; use.call++) {
        ck_assert_msg(is_caught(call_elsewhere, &use), "call %d is made", use.call);
        scene_open(&use.scene);
        call_here(&use); /* on its own thread nobody minds */
        ck_assert_int_eq(use.outcome, RINGBUS_OK);
        if (use.call == 0)
            detach(&use.scene.place, use.second, RINGBUS_DRAIN);
        begin_to_leave(&use.scene);
        RUN_UNTIL(&use.scene.place, use.scene.left.count == (use.call == 1 ? 2 : 1));
        scene_close(&use.scene);
    }
}
END_TEST

/* ---- unreferenced loops that a group leaves ---- */

START_TEST(an_unreferenced_loop_runs_until_its_group_has_left)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_uv_unref(scene.bus, &scene.place.loop), RINGBUS_OK);
    begin_to_leave(&scene);
    ck_assert_int_eq(ringbus_uv_unref(scene.bus, &scene.place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(scene.left.count, 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

START_TEST(a_group_that_leaves_makes_no_loop_wait_for_the_unreferenced_others)
{
    struct scene scene;
    struct ringbus_group *other = NULL;

    scene_open(&scene);
    other = attach(scene.bus, &scene.place, CAPACITY, 0);
    ck_assert_int_eq(ringbus_uv_unref(scene.bus, &scene.place.loop), RINGBUS_OK);
    begin_to_leave(&scene);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(scene.left.count, 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    detach(&scene.place, other, RINGBUS_DRAIN);
    scene_close(&scene);
}
END_TEST

static void
on_idle(uv_idle_t *idle)
{
    const struct scene *scene = idle->data;

    if (received(&scene->inbox) > 0)
        uv_close((uv_handle_t *)idle, NULL);
}

/* The loop has other business, which ends after the first event. */
START_TEST(a_loop_that_another_thread_has_detached_runs_until_the_group_has_left)
{
    struct scene scene;
    uv_idle_t idle;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_uv_unref(scene.bus, &scene.place.loop), RINGBUS_OK);
    uv_idle_init(&scene.place.loop, &idle);
    idle.data = &scene;
    uv_idle_start(&idle, on_idle);
    run_elsewhere(begin_to_leave, &scene);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(scene.left.count, 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

START_TEST(a_loop_that_had_ended_when_it_was_detached_elsewhere_is_referenced_and_run_again)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_uv_unref(scene.bus, &scene.place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    run_elsewhere(begin_to_leave, &scene);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0); /* not a turn */
    ck_assert_uint_eq(received(&scene.inbox), 0);
    ck_assert_int_eq(ringbus_uv_ref(scene.bus, &scene.place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_run(&scene.place.loop, UV_RUN_DEFAULT), 0);
    ck_assert_uint_eq(scene.left.count, 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

/* ---- paused groups ---- */

START_TEST(a_paused_group_lets_its_loop_sleep_and_leaves_when_it_is_resumed)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_group_pause(scene.group), RINGBUS_OK);
    begin_to_leave(&scene);
    settle(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox) + scene.left.count, 0);
    ck_assert_int_eq(ringbus_group_resume(scene.group), RINGBUS_OK);
    ck_assert(is_woken(&scene.place));
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

START_TEST(a_paused_group_leaves_at_once_with_discard)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(ringbus_group_pause(scene.group), RINGBUS_OK);
    settle(&scene.place);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.group, RINGBUS_DISCARD, count_call, &scene.left), RINGBUS_PENDING);
    RUN_UNTIL(&scene.place, scene.left.count > 0);
    ck_assert_uint_eq(received(&scene.inbox), 0);
    scene_close(&scene);
}
END_TEST

/* ---- one thread after another ---- */

/* Attach, deliver, leave; then the thread is like any other. */
static void
serve(void *context)
{
    struct scene *scene = context;
    const int64_t past = ringbus_now_ns();
    struct ringbus_group *group = attach(scene->bus, &scene->place, CAPACITY, 1);
    struct ringbus_consumer *consumer = NULL;

    inbox_open(&scene->inbox);
    consumer = consume(scene->bus, group, receive, &scene->inbox, "served");
    MUST(post_numbers(scene->bus, "served", CAPACITY) == CAPACITY, "the ring is full");
    MUST(ringbus_post(scene->bus, "served", NULL, 0) == RINGBUS_EDEADLK, "it would wait");
    detach(&scene->place, group, RINGBUS_DRAIN);
    MUST(has_received(&scene->inbox, 0, CAPACITY), "not all has come");
    MUST(ringbus_consumer_close(consumer, RINGBUS_DRAIN) == RINGBUS_OK, "not closed");
    MUST(ringbus_post_until(scene->bus, "full", NULL, 0, past) == RINGBUS_ETIMEDOUT,
        "a thread whose loop has left does not wait");
}

START_TEST(a_loop_is_served_by_one_thread_after_another)
{
    struct scene scene;
    struct turnstile turnstile;

    memset(&scene, 0, sizeof scene);
    scene.bus = open_bus(&scene.memory);
    place_open(&scene.place);
    open_turnstile(scene.bus, &turnstile, 4, "full");
    fill_turnstile(scene.bus, &turnstile, 4, "full");
    for (int i = 0; i < 5; i++)
        run_elsewhere(serve, &scene);
    serve(&scene);
    allow(&turnstile, UINT64_MAX);
    scene_close(&scene);
}
END_TEST

/* ---- handles ---- */

static void
count_handle(uv_handle_t *handle, void *context)
{
    if (handle->type == UV_ASYNC)
        ++*(uint32_t *)context;
}

static uint32_t
async_handles(uv_loop_t *loop)
{
    uint32_t count = 0;

    uv_walk(loop, count_handle, &count);
    return count;
}

START_TEST(all_groups_of_a_bus_on_a_loop_share_a_handle)
{
    struct scene scene;
    struct ringbus_group *groups[3] = {NULL};

    scene_open(&scene);
    for (int i = 0; i < 3; i++)
        groups[i] = attach(scene.bus, &scene.place, CAPACITY, 0);
    ck_assert_uint_eq(async_handles(&scene.place.loop), 1);
    for (int i = 0; i < 3; i++)
        detach(&scene.place, groups[i], RINGBUS_DRAIN);
    ck_assert_uint_eq(async_handles(&scene.place.loop), 1);
    detach(&scene.place, scene.group, RINGBUS_DRAIN);
    ck_assert_uint_eq(async_handles(&scene.place.loop), 0);
    scene_close(&scene);
}
END_TEST

START_TEST(each_of_two_buses_on_a_loop_has_its_own_budget_and_handle)
{
    struct scene scenes[2];
    struct ringbus_group *group = NULL;

    scene_open(&scenes[0]);
    scene_open(&scenes[1]);
    group = attach(
        scenes[1].bus, &scenes[0].place, CAPACITY, 2); /* the second bus, on the first's loop */
    inbox_open(&scenes[1].inbox);
    consume(scenes[1].bus, group, receive, &scenes[1].inbox, "u");
    MUST(post_numbers(scenes[1].bus, "u", POSTED) == POSTED, "the ring is full");
    ck_assert_uint_eq(async_handles(&scenes[0].place.loop), 2);
    for (uint64_t turns = 1; turns <= 3; turns++) {
        turn(&scenes[0].place);
        ck_assert_uint_eq(received(&scenes[0].inbox), turns);
        ck_assert_uint_eq(received(&scenes[1].inbox), 2 * turns);
    }
    ck_assert_int_eq(ringbus_uv_unref(scenes[0].bus, &scenes[0].place.loop), RINGBUS_OK);
    ck_assert_int_eq(uv_loop_alive(&scenes[0].place.loop), 1); /* for the other one */
    detach(&scenes[0].place, group, RINGBUS_DRAIN);
    ck_assert_int_eq(uv_loop_alive(&scenes[0].place.loop), 0);
    detach(&scenes[0].place, scenes[0].group, RINGBUS_DRAIN);
    ck_assert_int_eq(ringbus_close(scenes[0].bus), RINGBUS_EBUSY); /* the thread has a loop yet */
    detach(&scenes[1].place, scenes[1].group, RINGBUS_DRAIN);
    scene_close(&scenes[0]);
    scene_close(&scenes[1]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("loop thread",
        builds_with_assertions_stop_a_thread_that_runs_the_loop_of_another,
        builds_with_assertions_stop_calls_for_the_loop_of_another_thread,
        an_unreferenced_loop_runs_until_its_group_has_left,
        a_group_that_leaves_makes_no_loop_wait_for_the_unreferenced_others,
        a_loop_that_another_thread_has_detached_runs_until_the_group_has_left,
        a_loop_that_had_ended_when_it_was_detached_elsewhere_is_referenced_and_run_again,
        a_paused_group_lets_its_loop_sleep_and_leaves_when_it_is_resumed,
        a_paused_group_leaves_at_once_with_discard, a_loop_is_served_by_one_thread_after_another,
        all_groups_of_a_bus_on_a_loop_share_a_handle,
        each_of_two_buses_on_a_loop_has_its_own_budget_and_handle);
}
