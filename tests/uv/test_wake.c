/* test_wake.c - who wakes a loop, how often, and until when: seen from inside, between the bus and libuv. */
#include <sched.h>

#include "bus/executor/loop.h"
#include "bus/group.h"
#include "uv/inbox.h"

enum { CLOSED = 2 }; /* as in lib/bus/executor/loop.c */

/* One loop whose wake-ups are counted on their way to libuv. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *groups[2];
    struct inbox inboxes[2];
    struct ringbus__loop *loop;
    void (*real_wake)(void *context);
    void *real_context;
    struct calls calls; /* of on_writable callbacks */
    struct atomic_u32 wakes;
    struct atomic_u32 is_held;
    struct atomic_u32 holds; /* the next waker, until the loop is closed to wakers */
};

static void
count_wake(void *context)
{
    struct scene *scene = context;

    add_u32(&scene->wakes, 1, ORDER_WAKE);
    if (exchange_u32(&scene->holds, 0, ORDER_WAKE)) {
        store_u32(&scene->is_held, 1, ORDER_STATE_RELEASE);
        AWAIT(load_u32(&scene->loop->state, ORDER_HINT) & CLOSED);
        for (int i = 0; i < 1000; i++)
            sched_yield(); /* time enough for whoever does not wait for us */
        MUST(scene->loop->is_attached, "the loop has gone under the feet of its waker");
    }
    scene->real_wake(scene->real_context);
}

static void
scene_open(struct scene *scene)
{
    static const char *const topics[] = {"t0", "t1"};

    memset(scene, 0, sizeof *scene);
    scene->calls.thread = pthread_self();
    scene->bus = open_bus(&scene->memory);
    place_open(&scene->place);
    for (int i = 0; i < 2; i++) {
        inbox_open(&scene->inboxes[i]);
        scene->groups[i] = attach(scene->bus, &scene->place, 16, 0);
        consume(scene->bus, scene->groups[i], receive, &scene->inboxes[i], topics[i]);
    }
    settle(&scene->place);
    scene->loop = load_ptr(&scene->groups[0]->loop, ORDER_TABLE_ACQUIRE);
    scene->real_wake = scene->loop->wake;
    scene->real_context = scene->loop->wake_context;
    scene->loop->wake_context = scene;
    scene->loop->wake = count_wake;
}

static uint32_t
wakes(const struct scene *scene)
{
    return load_u32(&scene->wakes, ORDER_STATE_ACQUIRE);
}

static void
detach_both(struct scene *scene)
{
    detach(&scene->place, scene->groups[0], RINGBUS_DRAIN);
    detach(&scene->place, scene->groups[1], RINGBUS_DRAIN);
}

static void
scene_close(struct scene *scene)
{
    detach_both(scene);
    place_close(&scene->place);
    close_bus(scene->bus, &scene->memory);
}

START_TEST(many_posts_to_a_sleeping_loop_wake_it_once)
{
    struct scene scene;

    scene_open(&scene);
    for (uint32_t round = 1; round <= 20; round++) {
        ck_assert_uint_eq(post_numbers(scene.bus, "t0", 10), 10);
        ck_assert_uint_eq(post_numbers(scene.bus, "t1", 10), 10);
        ck_assert_uint_eq(wakes(&scene), round);
        settle(&scene.place);
    }
    ck_assert_uint_eq(received(&scene.inboxes[0]), 200);
    ck_assert_uint_eq(received(&scene.inboxes[1]), 200);
    scene_close(&scene);
}
END_TEST

static int
post_to_both(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    (void)event;
    MUST(post_number(scene->bus, "t0", 0) == 1 && post_number(scene->bus, "t1", 0) == 1, "a post");
    return 0;
}

START_TEST(a_post_to_a_loop_that_is_awake_does_not_wake_it)
{
    struct scene scene;

    scene_open(&scene);
    consume(scene.bus, scene.groups[0], post_to_both, &scene, "go");
    ck_assert_int_eq(post_number(scene.bus, "go", 0), 1);
    ck_assert_uint_eq(wakes(&scene), 1);
    settle(&scene.place);
    ck_assert_uint_eq(wakes(&scene), 1);
    ck_assert_uint_eq(received(&scene.inboxes[0]), 1);
    ck_assert_uint_eq(received(&scene.inboxes[1]), 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_post_to_others_does_not_wake_the_loop)
{
    struct scene scene;
    struct turnstile turnstile;

    scene_open(&scene);
    open_turnstile(scene.bus, &turnstile, 4, "other");
    allow(&turnstile, UINT64_MAX);
    ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    await_entered(&turnstile, 1);
    ck_assert_int_eq(post_number(scene.bus, "nobody", 0), 0);
    ck_assert_uint_eq(wakes(&scene), 0);
    scene_close(&scene);
}
END_TEST

static void
post_next(void *context)
{
    struct scene *scene = context;

    MUST(post_number(scene->bus, "t0", received(&scene->inboxes[0])) == 1, "a post");
}

static void
call_when_writable(struct scene *scene, void (*callback)(void *context), void *context)
{
    MUST(ringbus_uv_on_writable(scene->bus, &scene->place.loop, callback, context) == RINGBUS_OK,
        "on_writable");
}

START_TEST(what_is_posted_after_the_turn_has_looked_is_found_before_the_loop_sleeps)
{
    struct scene scene;

    scene_open(&scene);
    ck_assert_int_eq(post_number(scene.bus, "t0", 0), 1); /* who posts next finds nobody asleep */
    call_when_writable(&scene, post_next, &scene);
    settle(&scene.place);
    ck_assert(has_received(&scene.inboxes[0], 0, 2));
    ck_assert_uint_eq(wakes(&scene), 1);
    scene_close(&scene);
}
END_TEST

static int
ask_and_post(const struct ringbus_event *event, void *context)
{
    (void)event;
    call_when_writable(context, post_next, context);
    return 0;
}

START_TEST(a_loop_that_found_something_before_it_slept_is_awake)
{
    struct scene scene;

    scene_open(&scene);
    consume(scene.bus, scene.groups[0], ask_and_post, &scene, "go");
    ck_assert_int_eq(post_number(scene.bus, "go", 0), 1);
    turn(&scene.place); /* a callback waits for the next one: it cannot sleep */
    ck_assert_uint_eq(wakes(&scene), 1);
    ck_assert_int_eq(post_number(scene.bus, "t1", 0), 1);
    ck_assert_uint_eq(wakes(&scene), 1);
    settle(&scene.place);
    ck_assert(has_received(&scene.inboxes[0], 0, 1));
    ck_assert(has_received(&scene.inboxes[1], 0, 1));
    scene_close(&scene);
}
END_TEST

static void
flush_bus(void *context)
{
    MUST(ringbus_flush(((struct scene *)context)->bus, RINGBUS_FOREVER) == RINGBUS_OK, "flush");
}

static void
abandon_three(void *context)
{
    ringbus_ring_abandon(((struct scene *)context)->groups[0]->ring, 1, 3);
}

START_TEST(what_is_abandoned_after_the_turn_has_looked_holds_up_no_flush)
{
    struct scene scene;
    struct worker worker;

    scene_open(&scene);
    ck_assert_int_eq(post_number(scene.bus, "t0", 0), 1); /* who abandons finds nobody asleep */
    ck_assert_int_eq(ringbus__ring_claim_now(scene.groups[0]->ring, 3, 0, false), 1);
    worker_start(&worker, flush_bus, &scene);
    AWAIT(load_u32(&scene.bus->attention, ORDER_HINT) > 0);
    call_when_writable(&scene, abandon_three, &scene);
    settle(&scene.place);
    worker_join(&worker, "the flush");
    ck_assert(has_received(&scene.inboxes[0], 0, 1));
    scene_close(&scene);
}
END_TEST

static int
ask_in_vain(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    (void)event;
    MUST(post_number(scene->bus, "full", 0) == RINGBUS_EAGAIN, "there is room");
    call_when_writable(scene, count_call, &scene->calls);
    return 0;
}

START_TEST(a_loop_that_asks_in_a_turn_when_it_may_write_sleeps_after_it)
{
    struct scene scene;
    struct turnstile turnstile;

    scene_open(&scene);
    open_turnstile(scene.bus, &turnstile, 4, "full");
    fill_turnstile(scene.bus, &turnstile, 4, "full");
    consume(scene.bus, scene.groups[0], ask_in_vain, &scene, "go");
    ck_assert_int_eq(post_number(scene.bus, "go", 0), 1);
    turn(&scene.place);
    ck_assert(!is_woken(&scene.place));
    allow(&turnstile, UINT64_MAX);
    RUN_UNTIL(&scene.place, scene.calls.count == 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_loop_whose_turn_begins_without_a_post_is_awake_in_it)
{
    struct scene scene;

    scene_open(&scene);
    call_when_writable(&scene, post_next, &scene); /* beside its turns, as when it reads a socket */
    turn(&scene.place);
    ck_assert_uint_eq(wakes(&scene), 0);
    settle(&scene.place);
    ck_assert(has_received(&scene.inboxes[0], 0, 1));
    scene_close(&scene);
}
END_TEST

static void
post_one(void *context)
{
    struct scene *scene = context;

    MUST(post_number(scene->bus, "t0", 0) == 1, "a post");
}

START_TEST(the_last_group_does_not_leave_while_a_thread_is_waking_the_loop)
{
    struct scene scene;
    struct calls calls = {pthread_self(), 0};
    struct worker worker;

    scene_open(&scene);
    store_u32(&scene.holds, 1, ORDER_OWN);
    worker_start(&worker, post_one, &scene);
    AWAIT(load_u32(&scene.is_held, ORDER_STATE_ACQUIRE));
    /* The waker has not told libuv yet: the loop comes to its turn in another way. */
    call_when_writable(&scene, count_call, &calls);
    detach_both(&scene);
    worker_join(&worker, "the waker");
    place_close(&scene.place);
    close_bus(scene.bus, &scene.memory);
    ck_assert(has_received(&scene.inboxes[0], 0, 1));
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv wake", many_posts_to_a_sleeping_loop_wake_it_once,
        a_post_to_a_loop_that_is_awake_does_not_wake_it, a_post_to_others_does_not_wake_the_loop,
        what_is_posted_after_the_turn_has_looked_is_found_before_the_loop_sleeps,
        a_loop_that_found_something_before_it_slept_is_awake,
        what_is_abandoned_after_the_turn_has_looked_holds_up_no_flush,
        a_loop_that_asks_in_a_turn_when_it_may_write_sleeps_after_it,
        a_loop_whose_turn_begins_without_a_post_is_awake_in_it,
        the_last_group_does_not_leave_while_a_thread_is_waking_the_loop);
}
