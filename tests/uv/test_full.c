/* test_full.c - posts that find a ring full: the thread of a loop never waits, others do. */
#include "uv/inbox.h"

enum { CAPACITY = 4 };

/* A group of four slots, a consumer on "t". */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct inbox inbox;
};

static void
scene_open(struct scene *scene, ringbus_handler handler, void *context)
{
    scene->bus = open_bus(&scene->memory);
    inbox_open(&scene->inbox);
    place_open(&scene->place);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 0);
    consume(scene->bus, scene->group, handler, context, "t");
    settle(&scene->place);
}

static void
scene_close(struct scene *scene)
{
    detach_and_close(scene->bus, &scene->memory, &scene->place, scene->group);
}

/* Every form of post to a full ring, on a loop's thread. */
static void
must_be_refused(struct ringbus_bus *bus, const char *name)
{
    struct ringbus_topic *topic = NULL;

    MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "no topic");
    MUST(ringbus_post(bus, name, NULL, 0) == RINGBUS_EDEADLK, "post");
    MUST(ringbus_post_until(bus, name, NULL, 0, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "until");
    MUST(ringbus_try_post(bus, name, NULL, 0) == RINGBUS_EAGAIN, "try");
    MUST(ringbus_topic_post(topic, NULL, 0, NULL) == RINGBUS_EDEADLK, "topic post");
    MUST(ringbus_topic_post_until(topic, NULL, 0, RINGBUS_FOREVER, NULL) == RINGBUS_EDEADLK,
        "topic until");
    MUST(ringbus_topic_try_post(topic, NULL, 0, NULL) == RINGBUS_EAGAIN, "topic try");
    ringbus_topic_close(topic);
}

START_TEST(on_the_loops_thread_a_full_ring_refuses_at_once)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    must_be_refused(scene.bus, "t");
    turn(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, CAPACITY));
    scene_close(&scene);
}
END_TEST

START_TEST(with_room_every_form_of_post_succeeds_on_the_loops_thread)
{
    const uint64_t number = 0;
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    ck_assert_int_eq(ringbus_post(scene.bus, "t", &number, sizeof number), 1);
    ck_assert_int_eq(ringbus_post_until(scene.bus, "t", &number, sizeof number, 0), 1);
    ck_assert_int_eq(ringbus_try_post(scene.bus, "t", &number, sizeof number), 1);
    turn(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), 3);
    scene_close(&scene);
}
END_TEST

START_TEST(on_the_loops_thread_another_groups_full_ring_refuses_too)
{
    struct scene scene;
    struct turnstile turnstile;

    scene_open(&scene, receive, &scene.inbox);
    open_turnstile(scene.bus, &turnstile, 4, "slow");
    fill_turnstile(scene.bus, &turnstile, 4, "slow");
    must_be_refused(scene.bus, "slow");
    allow(&turnstile, UINT64_MAX);
    scene_close(&scene);
}
END_TEST

START_TEST(a_post_refused_by_one_group_reaches_none)
{
    struct scene scene;
    struct turnstile turnstile;

    scene_open(&scene, receive, &scene.inbox);
    open_turnstile(scene.bus, &turnstile, 4, "slow");
    fill_turnstile(scene.bus, &turnstile, 4, "slow");
    consume(scene.bus, scene.group, receive, &scene.inbox, "slow");
    must_be_refused(scene.bus, "slow");
    settle(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), 0);
    allow(&turnstile, UINT64_MAX);
    scene_close(&scene);
}
END_TEST

/* ---- in a handler ---- */

/* The handler of number n posts until it is refused, and notes how many posts succeeded. */
struct greedy {
    struct ringbus_bus *bus;
    uint64_t calls;
    uint64_t posted[2 * CAPACITY];
};

static int
post_until_refused(const struct ringbus_event *event, void *context)
{
    struct greedy *greedy = context;

    (void)event;
    if (greedy->calls >= CAPACITY) /* only the first ring full of calls */
        return 0;
    while (ringbus_try_post(greedy->bus, "t", NULL, 0) == 1)
        greedy->posted[greedy->calls]++;
    must_be_refused(greedy->bus, "t");
    greedy->calls++;
    return 0;
}

START_TEST(a_handlers_post_finds_the_room_of_the_events_before_its_own_and_no_more)
{
    struct scene scene;
    struct greedy greedy = {.calls = 0};

    scene_open(&scene, post_until_refused, &greedy);
    greedy.bus = scene.bus;
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    settle(&scene.place);
    ck_assert_uint_eq(greedy.calls, CAPACITY);
    ck_assert_uint_eq(greedy.posted[0], 0); /* nothing before it */
    for (int call = 1; call < CAPACITY; call++)
        ck_assert_uint_eq(greedy.posted[call], 1);
    scene_close(&scene);
}
END_TEST

/* ---- other threads wait ---- */

struct poster {
    struct worker worker;
    struct ringbus_bus *bus;
    const char *topic;
    uint64_t count;
};

static void
post_all(void *context)
{
    struct poster *poster = context;

    for (uint64_t i = 0; i < poster->count; i++)
        MUST(ringbus_post(poster->bus, poster->topic, &i, sizeof i) == 1, "a post fails");
}

START_TEST(another_thread_waits_for_the_loop_to_make_room)
{
    struct scene scene;
    struct poster poster = {.topic = "t", .count = 1000};

    scene_open(&scene, receive, &scene.inbox);
    poster.bus = scene.bus;
    worker_start(&poster.worker, post_all, &poster);
    RUN_UNTIL(&scene.place, received(&scene.inbox) == poster.count);
    worker_join(&poster.worker, "the poster");
    ck_assert(has_received(&scene.inbox, 0, poster.count));
    ck_assert_int_gt(figure_of(scene.bus, "group", "loop-1", "blocked"), 0);
    scene_close(&scene);
}
END_TEST

static void
meet_a_full_ring(void *context)
{
    struct poster *poster = context;
    const int64_t soon = ringbus_now_ns() + 1000000;

    MUST(ringbus_try_post(poster->bus, "t", NULL, 0) == RINGBUS_EAGAIN, "try");
    MUST(ringbus_post_until(poster->bus, "t", NULL, 0, 0) == RINGBUS_ETIMEDOUT, "past");
    MUST(ringbus_post_until(poster->bus, "t", NULL, 0, soon) == RINGBUS_ETIMEDOUT, "until");
}

START_TEST(another_threads_deadline_ends_its_wait_for_a_loop_that_does_not_run)
{
    struct scene scene;
    struct poster poster = {.topic = "t"};

    scene_open(&scene, receive, &scene.inbox);
    poster.bus = scene.bus;
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 100), CAPACITY);
    worker_start(&poster.worker, meet_a_full_ring, &poster);
    worker_join(&poster.worker, "the poster");
    scene_close(&scene);
}
END_TEST

/* A handler of a threads group that posts each event on to the loop. */
static int
post_on(const struct ringbus_event *event, void *context)
{
    MUST(ringbus_post(context, "t", event->data, event->size) == 1, "a handler cannot post on");
    return 0;
}

START_TEST(a_handler_of_a_threads_group_waits_for_the_loop_to_make_room)
{
    struct scene scene;
    struct poster poster = {.topic = "source", .count = 1000};

    scene_open(&scene, receive, &scene.inbox);
    consume(scene.bus, NULL, post_on, scene.bus, "source");
    poster.bus = scene.bus;
    worker_start(&poster.worker, post_all, &poster);
    RUN_UNTIL(&scene.place, received(&scene.inbox) == poster.count);
    worker_join(&poster.worker, "the poster");
    ck_assert(has_received(&scene.inbox, 0, poster.count));
    scene_close(&scene);
}
END_TEST

/* The reserve of a loop's group is for its handlers, not for its thread; who is stuck there is named. */
static struct ringbus_bus *full_bus;
static uint64_t stalls;

static void
count_stall(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context)
{
    (void)bus, (void)context;
    MUST(strcmp(stall->consumer, stalls == 0 ? "" : "consumer-1") == 0, "%s", stall->consumer);
    stalls++;
}

static int
fill_reserve(const struct ringbus_event *event, void *context)
{
    uint64_t *calls = context;

    (void)event;
    if ((*calls)++ == 0)
        MUST(post_numbers(full_bus, "t", CAPACITY) == 2, "two slots are the reserve");
    return 0;
}

START_TEST(the_reserve_of_a_loops_group_is_for_its_handlers)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_options bus_options = ringbus_options_default();
    struct faulty_allocator memory;
    struct ringbus_group *group = NULL;
    struct place place;
    uint64_t calls = 0;

    bus_options.on_stall = count_stall;
    full_bus = open_bus_with(&memory, bus_options);
    place_open(&place);
    options.capacity = CAPACITY;
    options.reserve = 2;
    stalls = 0;
    ck_assert_int_eq(ringbus_uv_group_open(full_bus, &place.loop, &options, &group), RINGBUS_OK);
    consume(full_bus, group, fill_reserve, &calls, "t");
    ck_assert_uint_eq(post_numbers(full_bus, "t", CAPACITY), CAPACITY - 2);
    ck_assert_uint_eq(stalls, 1);
    settle(&place);
    ck_assert_uint_eq(calls, CAPACITY);
    options.max_lag = CAPACITY + 1;
    ck_assert_int_eq(
        ringbus_uv_group_open(full_bus, &place.loop, &options, &group), RINGBUS_EINVAL);
    detach_and_close(full_bus, &memory, &place, group);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv full", on_the_loops_thread_a_full_ring_refuses_at_once,
        with_room_every_form_of_post_succeeds_on_the_loops_thread,
        on_the_loops_thread_another_groups_full_ring_refuses_too,
        a_post_refused_by_one_group_reaches_none,
        a_handlers_post_finds_the_room_of_the_events_before_its_own_and_no_more,
        another_thread_waits_for_the_loop_to_make_room,
        another_threads_deadline_ends_its_wait_for_a_loop_that_does_not_run,
        a_handler_of_a_threads_group_waits_for_the_loop_to_make_room,
        the_reserve_of_a_loops_group_is_for_its_handlers);
}
