/* fault_uv.c - the adapter while memory runs out or the system refuses: an outcome, nothing changed, no leak, and the
 * same call succeeds afterwards. */
#include "uv/inbox.h"

/* A bus without threads of its own: the system's table may be replaced under it. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
};

static void
scene_open(struct scene *scene)
{
    struct ringbus_group_options caller = ringbus_group_options_default();
    struct ringbus_options options = ringbus_options_default();

    caller.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &caller;
    scene->bus = open_bus_with(&scene->memory, options);
    scene->group = NULL;
    place_open(&scene->place);
}

/* Refuse the n-th allocation from now on, and if `is_lasting` all that come after it. */
static void
refuse(struct scene *scene, uint64_t nth, bool is_lasting)
{
    scene->memory.refuse_from = load_u64(&scene->memory.calls, ORDER_COUNT) + nth;
    scene->memory.refuse_count = is_lasting ? UINT64_MAX : 1;
}

/* True if an allocation was refused since `refuse`; none is any more. */
static bool
was_refused(struct scene *scene)
{
    const bool refused = load_u64(&scene->memory.calls, ORDER_COUNT) >= scene->memory.refuse_from;

    scene->memory.refuse_from = 0;
    return refused;
}

static int
open_group(struct scene *scene)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();

    options.capacity = 4;
    return ringbus_uv_group_open(scene->bus, &scene->place.loop, &options, &scene->group);
}

/* The group delivers, and leaves. */
static void
must_work(struct scene *scene)
{
    struct inbox inbox;

    inbox_open(&inbox);
    consume(scene->bus, scene->group, receive, &inbox, "t");
    MUST(post_numbers(scene->bus, "t", 4) == 4, "the ring is full");
    detach(&scene->place, scene->group, RINGBUS_DRAIN);
    MUST(has_received(&inbox, 0, 4), "%d events of 4", (int)received(&inbox));
}

static void
must_be_free(struct scene *scene)
{
    MUST(scene->group == NULL, "a group although the call failed");
    MUST(ringbus_uv_ref(scene->bus, &scene->place.loop) == RINGBUS_EINVAL, "it is attached");
    MUST(uv_loop_alive(&scene->place.loop) == 0, "something is left on the loop");
}

static void
scene_close(struct scene *scene)
{
    place_close(&scene->place);
    close_bus(scene->bus, &scene->memory);
}

/* ---- group_open ---- */

static void
open_first_group_without(uint64_t nth, bool is_lasting, bool *ret_was_refused)
{
    struct scene scene;
    int outcome = RINGBUS_OK;

    scene_open(&scene);
    refuse(&scene, nth, is_lasting);
    outcome = open_group(&scene);
    *ret_was_refused = was_refused(&scene);
    if (*ret_was_refused) {
        ck_assert_int_eq(outcome, RINGBUS_ENOMEM);
        must_be_free(&scene);
        outcome = open_group(&scene);
    }
    ck_assert_int_eq(outcome, RINGBUS_OK);
    must_work(&scene);
    scene_close(&scene);
}

START_TEST(the_first_group_opens_or_says_that_there_is_no_memory)
{
    bool refused = true;

    for (uint64_t nth = 1; refused; nth++)
        open_first_group_without(nth, false, &refused);
}
END_TEST

START_TEST(the_first_group_says_so_while_there_is_no_memory_at_all)
{
    bool refused = true;

    for (uint64_t nth = 1; refused; nth++)
        open_first_group_without(nth, true, &refused);
}
END_TEST

START_TEST(a_second_group_opens_or_leaves_the_first_one_alone)
{
    bool refused = true;

    for (uint64_t nth = 1; refused; nth++) {
        struct scene scene;
        struct ringbus_group *first = NULL;
        int outcome = RINGBUS_OK;

        scene_open(&scene);
        ck_assert_int_eq(open_group(&scene), RINGBUS_OK);
        first = scene.group;
        refuse(&scene, nth, false);
        outcome = open_group(&scene);
        refused = was_refused(&scene);
        if (refused) {
            ck_assert_int_eq(outcome, RINGBUS_ENOMEM);
            ck_assert_ptr_eq(scene.group, first);
            outcome = open_group(&scene);
        }
        ck_assert_int_eq(outcome, RINGBUS_OK);
        must_work(&scene);
        scene.group = first;
        must_work(&scene);
        scene_close(&scene);
    }
}
END_TEST

/* The system is asked for something on a thread's first attach only: each attempt is made by a new thread. */
struct attempt {
    struct scene scene;
    uint64_t fails; /* which of the system's calls */
    uint64_t asked;
};

static void
open_group_on_new_thread(void *context)
{
    struct attempt *attempt = context;
    int outcome = open_group(&attempt->scene);

    attempt->asked = os_watch_fallible();
    if (attempt->asked >= attempt->fails) {
        MUST(outcome == RINGBUS_ESYS, "it says %s", ringbus_error_name(outcome));
        must_be_free(&attempt->scene);
        outcome = open_group(&attempt->scene);
    }
    MUST(outcome == RINGBUS_OK, "it says %s", ringbus_error_name(outcome));
    must_work(&attempt->scene);
}

START_TEST(a_group_opens_or_says_that_the_system_has_refused)
{
    struct attempt attempt = {.fails = 0};

    while (attempt.asked >= attempt.fails) {
        struct worker worker;

        attempt.fails++;
        scene_open(&attempt.scene);
        os_watch_begin(attempt.fails);
        worker_start(&worker, open_group_on_new_thread, &attempt);
        worker_join(&worker, "an attempt");
        os_watch_end();
        scene_close(&attempt.scene);
    }
    ck_assert_uint_gt(attempt.fails, 1); /* there was something to refuse */
}
END_TEST

/* ---- on_writable ---- */

START_TEST(on_writable_is_asked_for_or_says_that_there_is_no_memory)
{
    bool refused = true;

    for (uint64_t nth = 1; refused; nth++) {
        struct scene scene;
        struct calls calls = {pthread_self(), 0};
        int outcome = RINGBUS_OK;

        scene_open(&scene);
        ck_assert_int_eq(open_group(&scene), RINGBUS_OK);
        settle(&scene.place);
        refuse(&scene, nth, false);
        outcome = ringbus_uv_on_writable(scene.bus, &scene.place.loop, count_call, &calls);
        refused = was_refused(&scene);
        if (refused) {
            ck_assert_int_eq(outcome, RINGBUS_ENOMEM);
            settle(&scene.place);
            ck_assert_uint_eq(calls.count, 0);
            outcome = ringbus_uv_on_writable(scene.bus, &scene.place.loop, count_call, &calls);
        }
        ck_assert_int_eq(outcome, RINGBUS_OK);
        settle(&scene.place);
        ck_assert_uint_eq(calls.count, 1);
        must_work(&scene);
        scene_close(&scene);
    }
}
END_TEST

/* ---- what needs nothing ---- */

/* Detach on a thread that gets neither memory nor anything else that the system can refuse. */
static void
detach_with_nothing(enum ringbus_how how, uint64_t expected)
{
    struct scene scene;
    struct inbox inbox;
    uint64_t asked = 0;

    inbox_open(&inbox);
    scene_open(&scene);
    ck_assert_int_eq(open_group(&scene), RINGBUS_OK);
    consume(scene.bus, scene.group, receive, &inbox, "t");
    settle(&scene.place);
    refuse(&scene, 1, true);
    os_watch_begin(0);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 4), 4);
    detach(&scene.place, scene.group, how);
    asked = os_watch_fallible();
    os_watch_end();
    ck_assert(!was_refused(&scene));
    ck_assert_uint_eq(asked, 0);
    ck_assert(has_received(&inbox, 0, expected));
    scene_close(&scene);
}

START_TEST(posts_turns_and_a_detach_with_drain_need_no_memory_and_nothing_of_the_system)
{
    detach_with_nothing(RINGBUS_DRAIN, 4);
}
END_TEST

START_TEST(a_detach_with_discard_needs_no_memory_and_nothing_of_the_system)
{
    detach_with_nothing(RINGBUS_DISCARD, 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("fault uv", the_first_group_opens_or_says_that_there_is_no_memory,
        the_first_group_says_so_while_there_is_no_memory_at_all,
        a_second_group_opens_or_leaves_the_first_one_alone,
        a_group_opens_or_says_that_the_system_has_refused,
        on_writable_is_asked_for_or_says_that_there_is_no_memory,
        posts_turns_and_a_detach_with_drain_need_no_memory_and_nothing_of_the_system,
        a_detach_with_discard_needs_no_memory_and_nothing_of_the_system);
}
