/* test_stall.c - who is told of a group that does not get on, how often, and whom it names. */
#include "room/notices.h"

/* ---- posts that wait ---- */

START_TEST(a_post_that_waits_tells_once_who_is_stuck)
{
    static struct gate gate;
    static struct probe stuck, fine;
    static struct call calls[2];
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;

    gate_init(&gate);
    stuck = (struct probe){.gate = &gate, .where = "here.c:7"};
    fine = (struct probe){.where = "elsewhere.c:1"};
    calls_begin();
    bus = open_bus();
    group = open_kind(bus, RINGBUS_GROUP_THREADS);
    add(bus, group, &fine, "fine", "b");
    add(bus, group, &stuck, "stuck", "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    for (int i = 1; i < RING; i++)
        ck_assert_int_eq(post_number(bus, "b", 1), 1);
    ck_assert_uint_eq(told_count(), 0);
    for (int i = 0; i < 2; i++)
        call_start(&calls[i], post_one, bus);
    check_notice(0, "stuck", "a", RING);
    ck_assert_str_eq(notices[0].where, "here.c:7");
    ck_assert_int_eq(notices[0].running_ns, 0);
    ck_assert_uint_eq(notices[0].is_paused, 0);
    gate_open(&gate);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(call_join(&calls[i], "a post"), 1);
    bus_flush(bus);
    ck_assert_int_eq(figure_of(bus, "group", "small", "stalls"), told_count());
    ck_assert_int_gt(figure_of(bus, "group", "small", "longest_wait_ns"), 0);
    ck_assert_int_le(figure_of(bus, "group", "small", "longest_wait_ns"),
        figure_of(bus, "group", "small", "blocked_ns"));
    bus_close(bus);
    calls_end();
}
END_TEST

/* Of three consumers of a topic, and of one after them, the one that is in its call. */
static void
check_named(int which, bool is_after, bool is_in_batch)
{
    static const char *const names[] = {"one", "two", "three"};
    struct gate gate;
    struct probe probes[3] = {0};
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = open_kind(bus, RINGBUS_GROUP_THREADS);

    gate_init(&gate);
    probes[which].has_batch_end = is_in_batch;
    *(is_in_batch ? &probes[which].batch_gate : &probes[which].gate) = &gate;
    for (int i = 0; i < 3; i++) {
        probes[i].after = i > 0 && is_after ? &probes[i - 1].consumer : NULL;
        probes[i].after_count = i > 0 && is_after;
        add(bus, group, &probes[i], names[i], "a");
    }
    ck_assert_int_eq(post_number(bus, "a", 1), 3);
    gate_await(&gate, 1);
    ck_assert_int_eq(fill(bus, "a"), RING - 1);
    check_notice(0, names[which], is_in_batch ? "" : "a", RING);
    gate_open(&gate);
    bus_close(bus);
}

START_TEST(of_several_consumers_the_one_that_runs_is_named)
{
    for (int which = 0; which < 3; which++) {
        check_named(which, false, false);
        check_named(which, true, false);
        check_named(which, false, true);
    }
}
END_TEST

START_TEST(who_is_in_the_call_for_a_retained_value_is_named)
{
    static struct gate gate;
    static struct probe stuck, fine;
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = open_kind(bus, RINGBUS_GROUP_THREADS);
    struct ringbus_topic *topic = NULL;

    gate_init(&gate);
    stuck = (struct probe){.gate = &gate};
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, sizeof(uint64_t)), RINGBUS_OK);
    ringbus_topic_close(topic);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    add(bus, group, &fine, "fine", "b");
    add(bus, group, &stuck, "stuck", "a");
    gate_await(&gate, 1);
    ck_assert_int_eq(fill(bus, "b"), RING);
    check_notice(0, "stuck", "", RING);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

START_TEST(of_two_lanes_the_one_that_is_behind_is_named)
{
    static struct gate gate;
    static struct probe slow, later;
    struct ringbus_group_options options = small(RINGBUS_GROUP_THREADS);
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = NULL;

    gate_init(&gate);
    slow = (struct probe){.gate = &gate};
    later = (struct probe){.gate = &gate};
    options.lanes = 2;
    group = open_small(bus, &options);
    add(bus, group, &later, "later", "b");
    add(bus, group, &slow, "slow", "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "b", 1), 1);
    gate_await(&gate, 2);
    ck_assert_int_eq(fill(bus, "b"), RING - 2);
    check_notice(0, "slow", "a", RING);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

/* ---- tries, and the end of an episode ---- */

START_TEST(a_refused_try_tells_once_until_the_group_has_fallen_to_half)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = open_kind(bus, RINGBUS_GROUP_POLLED);

    probe = (struct probe){0};
    add(bus, group, &probe, "probe", "a");
    ck_assert_int_eq(fill(bus, "a"), RING);
    check_notice(0, "", "", RING); /* nobody polls */
    ck_assert_int_eq(fill(bus, "a"), 0);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    ck_assert_int_eq(fill(bus, "a"), 1);
    ck_assert_uint_eq(told_count(), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 2), 2);
    ck_assert_int_eq(fill(bus, "a"), 2);
    check_notice(1, "", "", RING);
    ck_assert_int_eq(figure_of(bus, "group", "small", "stalls"), 2);
    close_polled(bus, group);
}
END_TEST

/* Where ordinary posts can fill less than half of the ring. */
START_TEST(a_large_reserve_does_not_end_an_episode_at_once)
{
    static struct probe probe;
    struct ringbus_group_options options = small(RINGBUS_GROUP_POLLED);
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = NULL;

    probe = (struct probe){0};
    options.reserve = RING - 1;
    group = open_small(bus, &options);
    add(bus, group, &probe, "probe", "a");
    for (uint32_t i = 0; i < 2; i++) {
        ck_assert_int_eq(fill(bus, "a"), 1);
        ck_assert_int_eq(fill(bus, "a"), 0);
        check_notice(i, "", "", 1);
        ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    }
    close_polled(bus, group);
}
END_TEST

START_TEST(a_paused_group_is_told_to_be_paused)
{
    static struct probe probe;
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = open_kind(bus, RINGBUS_GROUP_THREADS);

    probe = (struct probe){0};
    add(bus, group, &probe, "probe", "a");
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    ck_assert_int_eq(fill(bus, "a"), RING);
    check_notice(0, "", "", RING);
    ck_assert_uint_eq(notices[0].is_paused, 1);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

START_TEST(without_a_hook_there_are_no_episodes)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = open_kind(bus, RINGBUS_GROUP_POLLED);

    probe = (struct probe){0};
    add(bus, group, &probe, "probe", "a");
    ck_assert_int_eq(fill(bus, "a"), RING);
    ck_assert_int_eq(figure_of(bus, "group", "small", "stalls"), 0);
    close_polled(bus, group);
}
END_TEST

/* ---- max_lag ---- */

START_TEST(a_lane_that_lags_tells_once_until_it_has_fallen_to_half_of_that)
{
    static struct probe probe;
    struct ringbus_group_options options = small(RINGBUS_GROUP_POLLED);
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = NULL;

    options.capacity = 16;
    options.max_lag = 4;
    probe = (struct probe){0};
    group = open_small(bus, &options);
    add(bus, group, &probe, "probe", "a");
    for (uint64_t i = 1; i <= 6; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    check_notice(0, "", "", 5);
    ck_assert(pthread_equal(notices[0].thread, pthread_self()));
    ck_assert_int_eq(ringbus_group_poll(group, 2), 2);
    for (uint64_t i = 7; i <= 10; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    ck_assert_uint_eq(told_count(), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 4), 4);
    for (uint64_t i = 11; i <= 14; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    check_notice(1, "", "", 5);
    close_polled(bus, group);
}
END_TEST

START_TEST(limits_out_of_range_are_invalid)
{
    struct ringbus_group_options options = small(RINGBUS_GROUP_THREADS);
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = NULL;

    options.max_lag = RING + 1;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    options.max_lag = RING;
    options.max_call_ns = -1;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    options.max_call_ns = INT64_MAX;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

/* ---- where ---- */

static void
check_where(const char *where, const char *expected)
{
    struct gate gate;
    struct probe stuck = {.gate = &gate, .where = where};
    struct ringbus_bus *bus = open_bus();

    gate_init(&gate);
    add(bus, open_kind(bus, RINGBUS_GROUP_THREADS), &stuck, "stuck", "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(fill(bus, "a"), RING - 1);
    ck_assert_str_eq(notices[0].where, expected);
    gate_open(&gate);
    bus_close(bus);
}

START_TEST(where_is_copied_and_of_a_long_one_the_end_is_kept)
{
    char text[200], here[TEXT];

    snprintf(here, sizeof here, "%s:%d", __FILE__, __LINE__ + 1);
    ck_assert_str_eq(RINGBUS_HERE, here);
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 6, ".c:12", 6);
    check_where(text, text + sizeof text - TEXT);
    check_where(NULL, "");
}
END_TEST

int
main(void)
{
    return RUN_TESTS("stall", a_post_that_waits_tells_once_who_is_stuck,
        of_several_consumers_the_one_that_runs_is_named,
        who_is_in_the_call_for_a_retained_value_is_named,
        of_two_lanes_the_one_that_is_behind_is_named,
        a_refused_try_tells_once_until_the_group_has_fallen_to_half,
        a_large_reserve_does_not_end_an_episode_at_once, a_paused_group_is_told_to_be_paused,
        without_a_hook_there_are_no_episodes,
        a_lane_that_lags_tells_once_until_it_has_fallen_to_half_of_that,
        limits_out_of_range_are_invalid, where_is_copied_and_of_a_long_one_the_end_is_kept);
}
