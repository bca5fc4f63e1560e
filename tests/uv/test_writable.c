/* test_writable.c - on_writable: when the callback comes, and that it comes. */
#include "bus/group.h"
#include "uv/inbox.h"

enum { HALF = PAIR_CAPACITY / 2 };

/* ---- when ---- */

START_TEST(nothing_was_refused_so_the_callback_comes_in_the_next_turn)
{
    struct pair pair;

    pair_open(&pair);
    ask(&pair, count_call, &pair.calls);
    ck_assert_uint_eq(pair.calls.count, 0);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(the_loops_own_group_is_writable_when_it_has_fallen_to_half)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "own");
    ask(&pair, count_call, &pair.calls);
    while (received(&pair.inbox) < HALF - 1) {
        turn(&pair.place);
        ck_assert_uint_eq(pair.calls.count, 0);
    }
    turn(&pair.place);
    ck_assert_uint_eq(received(&pair.inbox), HALF);
    ck_assert_uint_eq(pair.calls.count, 1);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(another_loops_group_wakes_the_asker_when_it_has_fallen_to_half)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place); /* it sleeps until it is told */
    while (received(&pair.other_inbox) < HALF - 1) {
        turn(&pair.other);
        ck_assert(!is_woken(&pair.place));
    }
    turn(&pair.other);
    ck_assert(is_woken(&pair.place));
    ck_assert_uint_eq(pair.calls.count, 0);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    ck_assert_uint_eq(pair.other_inbox.is_inside, false);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(a_fall_to_half_counts_although_the_ring_was_filled_again_before_the_asker_looked)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    settle(&pair.other);
    /* By others than this loop: what it is refused itself would count. */
    while (ringbus__group_lag(pair.other_group) < PAIR_CAPACITY)
        ck_assert_int_eq(post_number(pair.bus, "other", 0), 1);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(a_fall_to_half_before_the_asker_asked_counts)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "other");
    while (received(&pair.other_inbox) < HALF)
        turn(&pair.other);
    ask(&pair, count_call, &pair.calls);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(a_fall_to_half_before_the_refusal_does_not_count)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls); /* so that the fall is told to all loops */
    settle(&pair.place);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    fill(&pair, "other");
    ck_assert_int_eq(
        ringbus_uv_on_writable(pair.bus, &pair.other.loop, count_call, &pair.calls), RINGBUS_OK);
    turn(&pair.other);
    ck_assert_uint_eq(pair.calls.count, 1);
    settle(&pair.other);
    ck_assert_uint_eq(pair.calls.count, 2);
    pair_close(&pair);
}
END_TEST

START_TEST(a_threads_group_wakes_the_asker_when_it_has_fallen_to_half)
{
    struct pair pair;
    struct turnstile turnstile;

    pair_open(&pair);
    open_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    fill_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    ck_assert_int_eq(post_number(pair.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    allow(&turnstile, 1);
    await_entered(&turnstile, 2); /* it has looked, and there are seven left */
    ck_assert(!is_woken(&pair.place));
    ck_assert_uint_eq(pair.calls.count, 0);
    allow(&turnstile, UINT64_MAX);
    RUN_UNTIL(&pair.place, pair.calls.count > 0);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

static void
release_slowly(void *data, void *door)
{
    (void)data;
    pass_turnstile(NULL, door);
}

START_TEST(a_group_that_has_room_only_after_a_release_wakes_the_asker)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;
    struct pair pair;
    struct turnstile turnstile, door = {.entered = {0}};
    struct ringbus_group *group = NULL;

    pair_open(&pair);
    group = open_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    allow(&turnstile, UINT64_MAX);
    options.release = release_slowly;
    options.release_context = &door;
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(pair.bus, "slow", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_try_post(topic, &door, sizeof door, &options), 1);
    ck_assert_uint_eq(post_numbers(pair.bus, "slow", 100), PAIR_CAPACITY - 1);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    await_entered(&door, 1); /* all events are handled, and no slot is free */
    ck_assert_int_eq(post_number(pair.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 0);
    allow(&door, UINT64_MAX);
    RUN_UNTIL(&pair.place, pair.calls.count > 0);
    ringbus_topic_close(topic);
    pair_close(&pair);
}
END_TEST

START_TEST(every_group_that_refused_must_have_fallen_to_half)
{
    struct pair pair;

    pair_open(&pair);
    fill(&pair, "own");
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ck_assert_uint_eq(received(&pair.inbox), PAIR_CAPACITY);
    ck_assert_uint_eq(pair.calls.count, 0);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(a_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too)
{
    struct pair pair;
    int64_t sequence = 0;

    pair_open(&pair);
    sequence = ringbus__ring_claim_now(pair.other_group->ring, PAIR_CAPACITY, 0, false);
    ck_assert_int_eq(post_number(pair.bus, "other", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ringbus_ring_abandon(pair.other_group->ring, sequence, PAIR_CAPACITY);
    settle(&pair.other);
    settle(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

START_TEST(a_threads_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too)
{
    struct pair pair;
    struct turnstile turnstile;
    struct ringbus_group *group = NULL;
    int64_t sequence = 0;

    pair_open(&pair);
    group = open_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    sequence = ringbus__ring_claim_now(group->ring, PAIR_CAPACITY, 0, false);
    ck_assert_int_eq(post_number(pair.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ringbus_ring_abandon(group->ring, sequence, PAIR_CAPACITY);
    RUN_UNTIL(&pair.place, pair.calls.count > 0);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

/* ---- the end of what it waits for ---- */

START_TEST(a_threads_group_that_refused_and_ends_holds_nobody_up)
{
    struct pair pair;
    struct turnstile turnstile;
    struct ringbus_group *group = NULL;

    pair_open(&pair);
    group = open_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    fill_turnstile(pair.bus, &turnstile, PAIR_CAPACITY, "slow");
    ck_assert_int_eq(post_number(pair.bus, "slow", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert(is_woken(&pair.place));
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    allow(&turnstile, UINT64_MAX);
    pair_close(&pair);
}
END_TEST

START_TEST(a_loop_group_that_refused_and_is_detached_holds_nobody_up)
{
    struct pair pair;
    struct ringbus_group *third = NULL;

    pair_open(&pair);
    third = attach(pair.bus, &pair.other, PAIR_CAPACITY, 1);
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls);
    settle(&pair.place);
    ck_assert_int_eq(
        ringbus_uv_detach(pair.other_group, RINGBUS_DISCARD, NULL, NULL), RINGBUS_PENDING);
    ck_assert(is_woken(&pair.place));
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair.other_group = third;
    pair_close(&pair);
}
END_TEST

START_TEST(a_group_that_refused_has_ended_although_another_one_lives_in_its_memory)
{
    struct pair pair;
    const struct ringbus_group *old = NULL;

    pair_open(&pair);
    old = pair.other_group;
    fill(&pair, "other");
    ask(&pair, count_call, &pair.calls); /* it does not look before all that has happened */
    detach(&pair.other, pair.other_group, RINGBUS_DISCARD);
    pair.other_group = attach(pair.bus, &pair.other, PAIR_CAPACITY, 1);
    ck_assert_ptr_eq(pair.other_group, old);
    consume(pair.bus, pair.other_group, receive, &pair.other_inbox, "other");
    ck_assert_uint_eq(post_numbers(pair.bus, "other", PAIR_CAPACITY), PAIR_CAPACITY);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 1);
    pair_close(&pair);
}
END_TEST

/* What a loop's thread can fill is what the reserve leaves: of that it is half. */
START_TEST(a_group_with_a_large_reserve_must_have_fallen_to_half_of_the_rest)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct turnstile turnstile = {.entered = {0}};
    struct ringbus_group *group = NULL;
    struct pair pair;

    pair_open(&pair);
    options.capacity = PAIR_CAPACITY;
    options.reserve = PAIR_CAPACITY - 2;
    ck_assert_int_eq(ringbus_group_open(pair.bus, &options, &group), RINGBUS_OK);
    consume(pair.bus, group, pass_turnstile, &turnstile, "threads");
    fill_turnstile(pair.bus, &turnstile, 2, "threads");
    ck_assert_int_eq(post_number(pair.bus, "threads", 0), RINGBUS_EAGAIN);
    ask(&pair, count_call, &pair.calls);
    turn(&pair.place);
    ck_assert_uint_eq(pair.calls.count, 0);
    allow(&turnstile, 1);
    await_entered(&turnstile, 2);
    RUN_UNTIL(&pair.place, pair.calls.count > 0);
    ck_assert_int_eq(post_number(pair.bus, "threads", 0), 1);
    allow(&turnstile, UINT64_MAX);
    pair_close(&pair);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv writable", nothing_was_refused_so_the_callback_comes_in_the_next_turn,
        the_loops_own_group_is_writable_when_it_has_fallen_to_half,
        another_loops_group_wakes_the_asker_when_it_has_fallen_to_half,
        a_fall_to_half_counts_although_the_ring_was_filled_again_before_the_asker_looked,
        a_fall_to_half_before_the_asker_asked_counts,
        a_fall_to_half_before_the_refusal_does_not_count,
        a_threads_group_wakes_the_asker_when_it_has_fallen_to_half,
        a_group_that_has_room_only_after_a_release_wakes_the_asker,
        every_group_that_refused_must_have_fallen_to_half,
        a_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too,
        a_threads_group_whose_ring_ends_in_an_abandoned_claim_falls_to_half_too,
        a_group_with_a_large_reserve_must_have_fallen_to_half_of_the_rest,
        a_threads_group_that_refused_and_ends_holds_nobody_up,
        a_loop_group_that_refused_and_is_detached_holds_nobody_up,
        a_group_that_refused_has_ended_although_another_one_lives_in_its_memory);
}
