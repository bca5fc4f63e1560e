/* test_reserve.c - slots of a ring that only posts made in handlers take. */
#include "room/fixture.h"

/* ---- options ---- */

static int
open_with(struct ringbus_bus *bus, uint32_t kind, uint32_t capacity, uint32_t reserve)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;
    int outcome = RINGBUS_OK;

    options.name = "with";
    options.kind = kind;
    options.capacity = capacity;
    options.reserve = reserve;
    outcome = ringbus_group_open(bus, &options, &group);
    if (outcome == RINGBUS_OK) {
        outcome = (int)figure_of(bus, "group", "with", "reserve");
        MUST(ringbus_group_close(group, RINGBUS_DISCARD) == RINGBUS_OK, "close");
    }
    return outcome;
}

START_TEST(the_reserve_is_a_64th_of_the_ring_unless_it_is_told)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(figure_of(bus, "group", "group-0", "reserve"), 16);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 64, 0), 1);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 32, 0), 0);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 64, RINGBUS_NO_RESERVE), 0);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 64, 63), 63);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 3, 3), 3);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_CALLER, 64, 0), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_reserve_of_the_whole_ring_is_invalid)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 64, 64), RINGBUS_EINVAL);
    ck_assert_int_eq(open_with(bus, RINGBUS_GROUP_THREADS, 3, 4), RINGBUS_EINVAL);
    ck_assert_int_eq(
        open_with(bus, RINGBUS_GROUP_POLLED, 64, RINGBUS_NO_RESERVE - 1), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

/* ---- who takes it ---- */

enum { RING = 8, RESERVE = 3 };

/* A stuck consumer of "ring", in a ring of RING, and somebody whose handlers run elsewhere. */
struct scene {
    struct ringbus_bus *bus;
    struct gate gate;
    struct probe stuck, other;
    struct ringbus_group *full;
};

static struct scene scene;

static void
open_scene(uint32_t lanes)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    scene.stuck = scene.other = (struct probe){0};
    gate_init(&scene.gate);
    scene.bus = bus_open(NULL);
    options.lanes = lanes;
    options.capacity = RING;
    options.reserve = RESERVE;
    options.name = "full";
    ck_assert_int_eq(ringbus_group_open(scene.bus, &options, &scene.full), RINGBUS_OK);
    scene.stuck.gate = &scene.gate;
    scene.stuck.is_thread_safe = lanes > 1;
    join(scene.bus, &scene.stuck, scene.full, "ring");
}

static void
close_scene(uint32_t calls)
{
    gate_open(&scene.gate);
    AWAIT_CALLS(&scene.stuck, calls);
    bus_close(scene.bus);
}

/* An ordinary thread: refused in each form, of both kinds of name. */
static void
check_only_reserve(void)
{
    struct ringbus_topic *topic = NULL;

    ck_assert_int_eq(try_post_number(scene.bus, "ring", 9), RINGBUS_EAGAIN);
    ck_assert_int_eq(ringbus_post_until(scene.bus, "ring", NULL, 0, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_topic_open(scene.bus, "ring", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_try_post(topic, NULL, 0, NULL), RINGBUS_EAGAIN);
    ck_assert_int_eq(ringbus_topic_post_until(topic, NULL, 0, 0, NULL), RINGBUS_ETIMEDOUT);
    ringbus_topic_close(topic);
}

static void
fill_reserve(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "ring", 1) > 0, "a post in a handler has the reserve");
    MUST(fill(probe->bus, "ring") == RESERVE - 1, "all of it");
}

START_TEST(an_ordinary_post_leaves_the_reserve_to_handlers)
{
    open_scene(1);
    scene.other.act = fill_reserve;
    join(scene.bus, &scene.other, open_reserved(scene.bus, RINGBUS_GROUP_THREADS, 4, 0), "other");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    check_only_reserve();
    ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    AWAIT_CALLS(&scene.other, 1);
    close_scene(RING);
}
END_TEST

START_TEST(so_it_does_in_a_group_with_lanes)
{
    open_scene(2);
    scene.other.act = fill_reserve;
    join(scene.bus, &scene.other, open_reserved(scene.bus, RINGBUS_GROUP_THREADS, 4, 0), "other");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    gate_await(&scene.gate, 2);
    check_only_reserve();
    ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    AWAIT_CALLS(&scene.other, 1);
    close_scene(RING);
}
END_TEST

START_TEST(handlers_of_caller_and_polled_groups_have_the_reserve)
{
    static struct probe polled;
    struct ringbus_group *group = NULL;

    open_scene(1);
    scene.other.act = fill_reserve;
    polled = (struct probe){.act = fill_reserve};
    join(scene.bus, &scene.other, open_reserved(scene.bus, RINGBUS_GROUP_CALLER, 4, 0), "caller");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    ck_assert_int_eq(post_number(scene.bus, "caller", 0), 1);
    close_scene(RING);
    open_scene(1);
    group = open_reserved(scene.bus, RINGBUS_GROUP_POLLED, 4, 0);
    join(scene.bus, &polled, group, "polled");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    /* The thread of a polled group, outside its handlers. */
    ck_assert_int_eq(post_number(scene.bus, "ring", 9), RINGBUS_EDEADLK);
    ck_assert_int_eq(post_number(scene.bus, "polled", 0), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    gate_open(&scene.gate);
    AWAIT_CALLS(&scene.stuck, RING);
    close_polled(scene.bus, group);
}
END_TEST

static void
fill_after_batch(struct probe *probe)
{
    fill_reserve(probe, NULL);
}

START_TEST(a_batch_end_has_the_reserve)
{
    open_scene(1);
    scene.other.has_batch_end = true;
    scene.other.batch_act = fill_after_batch;
    join(scene.bus, &scene.other, open_reserved(scene.bus, RINGBUS_GROUP_THREADS, 4, 0), "other");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    AWAIT_ON(scene.bus, load_u32(&scene.other.batches, TEST_ACQUIRE) == 1);
    close_scene(RING);
}
END_TEST

/* A handler of one bus is an ordinary thread to another. */
static void
try_far(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(try_post_number(probe->of_act, "ring", 9) == RINGBUS_EAGAIN, "only the reserve is left");
}

START_TEST(a_handler_of_another_bus_does_not_have_it)
{
    struct ringbus_bus *far = bus_open(NULL);

    open_scene(1);
    scene.other.act = try_far;
    scene.other.of_act = scene.bus;
    join(far, &scene.other, NULL, "far");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    ck_assert_int_eq(post_number(far, "far", 0), 1);
    AWAIT_CALLS(&scene.other, 1);
    bus_close(far);
    close_scene(RING - RESERVE);
}
END_TEST

/* ---- the own group ---- */

static void
fill_own(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    gate_pass(probe->of_act);
    for (int i = 0; i < RESERVE; i++)
        MUST(post_number(probe->bus, "own", 2) == 1, "the reserve has room");
    MUST(post_number(probe->bus, "own", 2) == RINGBUS_EDEADLK, "the reserve is gone, too");
    MUST(ringbus_post_until(probe->bus, "own", NULL, 0, RINGBUS_FOREVER) == RINGBUS_EDEADLK,
        "the reserve is gone, too");
    MUST(try_post_number(probe->bus, "own", 2) == RINGBUS_EAGAIN, "the reserve is gone, too");
}

START_TEST(a_handler_posts_into_its_own_group_until_the_reserve_is_gone)
{
    static struct gate gate;
    static struct probe probe = {.act = fill_own, .of_act = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    join(bus, &probe, open_reserved(bus, RINGBUS_GROUP_THREADS, RING, RESERVE), "own");
    ck_assert_int_eq(post_number(bus, "own", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(fill(bus, "own"), RING - RESERVE - 1);
    gate_open(&gate);
    AWAIT_CALLS(&probe, RING);
    bus_close(bus);
}
END_TEST

static int
shut_down(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

START_TEST(a_bus_that_drains_has_it_for_its_handlers)
{
    static struct gate gate;
    static struct probe probe = {.act = fill_own, .of_act = &gate};
    static struct call call;
    struct ringbus_bus *bus = NULL;

    gate_init(&gate);
    calls_begin();
    bus = bus_open(NULL);
    join(bus, &probe, open_reserved(bus, RINGBUS_GROUP_THREADS, RING, RESERVE), "own");
    ck_assert_int_eq(post_number(bus, "own", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(fill(bus, "own"), RING - RESERVE - 1);
    call_start(&call, shut_down, bus);
    ck_assert_int_eq(try_post_number(bus, "own", 2), RINGBUS_ESHUTDOWN);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), RING);
    bus_close(bus);
    calls_end();
}
END_TEST

/* ---- waiting, several groups, a second life ---- */

static void
post_two_at_first(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    MUST(post_number(probe->bus, "a", 2) == 1, "the reserve has room");
    MUST(post_number(probe->bus, "a", 3) == 1, "the reserve has room");
}

static int
post_four(void *context)
{
    return ringbus_post(context, "a", &(uint64_t){4}, sizeof(uint64_t));
}

START_TEST(who_waits_gets_on_when_there_is_more_than_the_reserve)
{
    static struct probe probe = {.act = post_two_at_first};
    static struct call call;
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;
    uint32_t sleeps = 0;

    calls_begin();
    bus = bus_open(NULL);
    group = open_reserved(bus, RINGBUS_GROUP_POLLED, 4, 2);
    join(bus, &probe, group, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "a", 5), 1);
    call_start(&call, post_four, bus);
    sleeps = load_u32(&call.sleeps, TEST_ACQUIRE);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1); /* three are left */
    AWAIT_ON(bus, load_u32(&call.sleeps, TEST_ACQUIRE) > sleeps);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(group, 2), 2);
    ck_assert_int_eq(call_join(&call, "a post"), 1);
    while (ringbus_group_poll(group, 4) > 0)
        continue;
    CHECK_NUMBERS(&probe, 1, 5, 2, 3, 4);
    close_polled(bus, group);
    calls_end();
}
END_TEST

START_TEST(a_post_to_several_groups_leaves_the_reserve_of_each)
{
    static struct probe second;

    open_scene(1);
    second = (struct probe){0};
    scene.other.act = fill_reserve;
    join(scene.bus, &scene.other, open_reserved(scene.bus, RINGBUS_GROUP_CALLER, 4, 0), "other");
    join(scene.bus, &second, open_reserved(scene.bus, RINGBUS_GROUP_THREADS, 64, 0), "ring");
    ck_assert_int_eq(fill(scene.bus, "ring"), RING - RESERVE);
    check_only_reserve();
    ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    AWAIT_CALLS(&second, RING);
    close_scene(RING);
}
END_TEST

START_TEST(each_life_of_a_group_has_its_own_reserve)
{
    static struct gate gate;
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *first = open_reserved(bus, RINGBUS_GROUP_THREADS, RING, RESERVE);
    struct ringbus_group *second = NULL;

    ck_assert_int_eq(ringbus_group_close(first, RINGBUS_DRAIN), RINGBUS_OK);
    second = open_reserved(bus, RINGBUS_GROUP_THREADS, RING, 1);
    ck_assert_ptr_eq(first, second); /* its memory is used again */
    gate_init(&gate);
    probe = (struct probe){.gate = &gate};
    join(bus, &probe, second, "a");
    ck_assert_int_eq(fill(bus, "a"), RING - 1);
    gate_open(&gate);
    AWAIT_CALLS(&probe, RING - 1);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("reserve", the_reserve_is_a_64th_of_the_ring_unless_it_is_told,
        a_reserve_of_the_whole_ring_is_invalid, an_ordinary_post_leaves_the_reserve_to_handlers,
        so_it_does_in_a_group_with_lanes, handlers_of_caller_and_polled_groups_have_the_reserve,
        a_batch_end_has_the_reserve, a_handler_of_another_bus_does_not_have_it,
        a_handler_posts_into_its_own_group_until_the_reserve_is_gone,
        a_bus_that_drains_has_it_for_its_handlers,
        who_waits_gets_on_when_there_is_more_than_the_reserve,
        a_post_to_several_groups_leaves_the_reserve_of_each,
        each_life_of_a_group_has_its_own_reserve);
}
