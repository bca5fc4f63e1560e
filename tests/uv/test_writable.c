/* test_writable.c - on_writable: when the callback comes, and that it comes. */
#include "bus/group.h"
#include "uv/two_loops.h"

/* ---- when ---- */

START_TEST(nothing_was_refused_so_the_callback_comes_in_the_next_turn)
{
    struct scene scene;

    scene_open(&scene);
    ask(&scene, count_call, &scene.calls);
    ck_assert_uint_eq(scene.calls.count, 0);
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(the_loops_own_group_is_writable_when_it_has_fallen_to_half)
{
    struct scene scene;

    scene_open(&scene);
    fill(&scene, "own");
    ask(&scene, count_call, &scene.calls);
    while (received(&scene.inbox) < HALF - 1) {
        turn(&scene.place);
        ck_assert_uint_eq(scene.calls.count, 0);
    }
    turn(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), HALF);
    ck_assert_uint_eq(scene.calls.count, 1);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(another_loops_group_wakes_the_asker_when_it_has_fallen_to_half)
{
    struct scene scene;

    scene_open(&scene);
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place); /* it sleeps until it is told */
    while (received(&scene.other_inbox) < HALF - 1) {
        turn(&scene.other);
        ck_assert(!is_woken(&scene.place));
    }
    turn(&scene.other);
    ck_assert(is_woken(&scene.place));
    ck_assert_uint_eq(scene.calls.count, 0);
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    ck_assert_uint_eq(scene.other_inbox.is_inside, false);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_fall_to_half_counts_although_the_ring_was_filled_again_before_the_asker_looked)
{
    struct scene scene;

    scene_open(&scene);
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    settle(&scene.other);
    /* By others than this loop: what it is refused itself would count. */
    while (ringbus__group_lag(scene.other_group) < CAPACITY)
        ck_assert_int_eq(post_number(scene.bus, "other", 0), 1);
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_threads_group_wakes_the_asker_when_it_has_fallen_to_half)
{
    struct scene scene;
    struct turnstile turnstile;

    scene_open(&scene);
    open_turnstile(scene.bus, &turnstile, CAPACITY, "slow");
    fill_turnstile(scene.bus, &turnstile, CAPACITY, "slow");
    ck_assert_int_eq(post_number(scene.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    allow(&turnstile, 1);
    await_entered(&turnstile, 2); /* it has looked, and there are seven left */
    ck_assert(!is_woken(&scene.place));
    ck_assert_uint_eq(scene.calls.count, 0);
    allow(&turnstile, UINT64_MAX);
    RUN_UNTIL(&scene.place, scene.calls.count > 0);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(every_group_that_refused_must_have_fallen_to_half)
{
    struct scene scene;

    scene_open(&scene);
    fill(&scene, "own");
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), CAPACITY);
    ck_assert_uint_eq(scene.calls.count, 0);
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too)
{
    struct scene scene;
    int64_t sequence = 0;

    scene_open(&scene);
    sequence = ringbus__ring_claim_now(scene.other_group->ring, CAPACITY, false);
    ck_assert_int_eq(post_number(scene.bus, "other", 0), RINGBUS_EAGAIN);
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ringbus_ring_abandon(scene.other_group->ring, sequence, CAPACITY);
    settle(&scene.other);
    settle(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

START_TEST(a_threads_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too)
{
    struct scene scene;
    struct turnstile turnstile;
    struct ringbus_group *group = NULL;
    int64_t sequence = 0;

    scene_open(&scene);
    group = open_turnstile(scene.bus, &turnstile, CAPACITY, "slow");
    sequence = ringbus__ring_claim_now(group->ring, CAPACITY, false);
    ck_assert_int_eq(post_number(scene.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ringbus_ring_abandon(group->ring, sequence, CAPACITY);
    RUN_UNTIL(&scene.place, scene.calls.count > 0);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene_close(&scene);
}
END_TEST

/* ---- the end of what it waits for ---- */

START_TEST(a_threads_group_that_refused_and_ends_holds_nobody_up)
{
    struct scene scene;
    struct turnstile turnstile;
    struct ringbus_group *group = NULL;

    scene_open(&scene);
    group = open_turnstile(scene.bus, &turnstile, CAPACITY, "slow");
    fill_turnstile(scene.bus, &turnstile, CAPACITY, "slow");
    ck_assert_int_eq(post_number(scene.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert(is_woken(&scene.place));
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    allow(&turnstile, UINT64_MAX);
    scene_close(&scene);
}
END_TEST

START_TEST(a_loop_group_that_refused_and_is_detached_holds_nobody_up)
{
    struct scene scene;
    struct ringbus_group *third = NULL;

    scene_open(&scene);
    third = attach(scene.bus, &scene.other, CAPACITY, 1);
    fill(&scene, "other");
    ask(&scene, count_call, &scene.calls);
    settle(&scene.place);
    ck_assert_int_eq(
        ringbus_uv_detach(scene.other_group, RINGBUS_DISCARD, NULL, NULL), RINGBUS_PENDING);
    ck_assert(is_woken(&scene.place));
    turn(&scene.place);
    ck_assert_uint_eq(scene.calls.count, 1);
    scene.other_group = third;
    scene_close(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv writable", nothing_was_refused_so_the_callback_comes_in_the_next_turn,
        the_loops_own_group_is_writable_when_it_has_fallen_to_half,
        another_loops_group_wakes_the_asker_when_it_has_fallen_to_half,
        a_fall_to_half_counts_although_the_ring_was_filled_again_before_the_asker_looked,
        a_threads_group_wakes_the_asker_when_it_has_fallen_to_half,
        every_group_that_refused_must_have_fallen_to_half,
        a_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too,
        a_threads_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too,
        a_threads_group_that_refused_and_ends_holds_nobody_up,
        a_loop_group_that_refused_and_is_detached_holds_nobody_up);
}
