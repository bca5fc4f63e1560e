/* test_poll.c - whoever polls a group handles its events: so many as it asks for, in order, one thread at a time. */
#include "executor/fixture.h"

/* ---- what a poll handles ---- */

START_TEST(events_are_handled_by_polls_in_their_order_and_nowhere_else)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    probe_register(&probe, "b");
    ck_assert_int_eq(ringbus_group_poll(group, 1), 0);
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, i % 2 ? "a" : "b", i), 1);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 5);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5);
    for (int i = 0; i < 5; i++)
        ck_assert(pthread_equal(probe.notes[i].thread, pthread_self()));
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 0);
    polled_close(bus, group);
}
END_TEST

START_TEST(a_poll_handles_no_more_than_it_was_asked_for)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 7);
    ck_assert_int_eq(ringbus_group_poll(group, 3), 3);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_int_eq(ringbus_group_poll(group, 3), 3);
    ck_assert_int_eq(ringbus_group_poll(group, 3), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 3), 0);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5, 6, 7);
    polled_close(bus, group);
}
END_TEST

/* Three consumers one after another, four events: each counts once for each stage. */
static void
check_stages(uint32_t max)
{
    struct probe chain[3] = {{.name = "first"}, {.name = "second"}, {.name = "third"}};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(4, NULL, &group);
    int handled = 0;

    join(group, bus, &chain[0], "a");
    join_after(bus, &chain[1], &chain[0], "a");
    join_after(bus, &chain[2], &chain[1], "a");
    post_numbers(bus, "a", 1, 4);
    while (handled < 12) {
        const int count = ringbus_group_poll(group, max);
        uint32_t calls = 0;

        ck_assert_int_gt(count, 0);
        ck_assert_int_le(count, (int)max);
        handled += count;
        for (int i = 0; i < 3; i++) {
            calls += probe_calls(&chain[i]);
            if (i > 0)
                ck_assert_uint_le(probe_calls(&chain[i]), probe_calls(&chain[i - 1]));
        }
        ck_assert_int_eq((int)calls, handled);
    }
    ck_assert_int_eq(ringbus_group_poll(group, max), 0);
    for (int i = 0; i < 3; i++)
        CHECK_NUMBERS(&chain[i], 1, 2, 3, 4);
    polled_close(bus, group);
}

START_TEST(an_event_counts_once_for_each_stage_it_passes)
{
    for (uint32_t max = 1; max <= 13; max++)
        check_stages(max);
}
END_TEST

START_TEST(a_small_bound_keeps_no_stage_from_its_events)
{
    static struct probe first = {.name = "first"}, second = {.name = "second"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(64, NULL, &group);

    join(group, bus, &first, "a");
    join_after(bus, &second, &first, "a");
    post_numbers(bus, "a", 1, 40);
    for (uint32_t i = 1; i <= 40; i++) {
        ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
        ck_assert_uint_eq(probe_calls(&first), i);
        ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
        ck_assert_uint_eq(probe_calls(&second), i);
    }
    polled_close(bus, group);
}
END_TEST

static void
post_next(struct probe *probe, const struct ringbus_event *event)
{
    MUST(try_post_number(probe->bus, event->topic, number_of(event) + 1) == 1, "refused");
}

START_TEST(a_handler_that_posts_to_its_own_group_keeps_no_poll_for_ever)
{
    static struct probe probe = {.name = "polled", .act = post_next};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    for (uint32_t i = 1; i < 20; i++) {
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_poll(group, 4)), 1);
        ck_assert_uint_eq(probe_calls(&probe), i);
    }
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, 0)), RINGBUS_PENDING);
    poll_all(group);
    bus_close(bus);
}
END_TEST

/* ---- who may poll ---- */

START_TEST(only_polled_groups_are_polled)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *threads = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    struct ringbus_group *caller = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    struct ringbus_group *polled = group_open(bus, RINGBUS_GROUP_POLLED, 4);

    ck_assert_int_eq(ringbus_group_poll(NULL, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_poll(threads, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_poll(caller, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_poll(polled, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_fd(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_fd(threads), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_fd(caller), RINGBUS_EINVAL);
    ck_assert_int_ge(ringbus_group_fd(polled), 0);
    polled_close(bus, polled);
}
END_TEST

START_TEST(a_polled_group_has_one_lane)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.kind = RINGBUS_GROUP_POLLED;
    options.lanes = 2;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

START_TEST(a_second_thread_is_refused_while_another_one_polls)
{
    static struct gate gate;
    static struct probe probe = {.name = "polled", .gate = &gate};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);
    struct polling polling;

    gate_init(&gate);
    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    polling_start(&polling, group);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), RINGBUS_EBUSY);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), RINGBUS_EBUSY);
    gate_open(&gate);
    ck_assert_int_eq(polling_join(&polling), 2);
    post_numbers(bus, "a", 3, 3);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    polled_close(bus, group);
}
END_TEST

static void
poll_here(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_group *const *groups = probe->of_act;

    (void)event;
    MUST(ringbus_group_poll(groups[0], 1) == RINGBUS_EDEADLK, "a handler polls its own group");
    MUST(ringbus_group_poll(groups[1], 1) == RINGBUS_EDEADLK, "a handler polls another group");
}

static void
poll_in_hook(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)bus;
    (void)event;
    MUST(ringbus_group_poll(hooks->of_test, 1) == RINGBUS_EDEADLK, "a hook polls");
}

START_TEST(no_handler_and_no_hook_polls)
{
    static struct ringbus_group *groups[2];
    static struct probe polled = {.name = "polled", .act = poll_here, .of_act = groups};
    static struct probe posted = {.name = "posted", .act = poll_here, .of_act = groups};
    static struct hooks hooks = {.on_dead = poll_in_hook};
    struct ringbus_bus *bus = open_polled(8, &hooks, &groups[0]);

    hooks.of_test = groups[1] = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    join(groups[0], bus, &polled, "a");
    join(NULL, bus, &posted, "b");
    post_numbers(bus, "a", 1, 1);
    post_numbers(bus, "b", 2, 2);
    post_numbers(bus, "nobody", 3, 3);
    ck_assert_uint_eq(load_u32(&hooks.dead, TEST_ACQUIRE), 1);
    ck_assert_int_eq(ringbus_group_poll(groups[0], ALL), 1);
    ck_assert_uint_eq(probe_calls(&posted), 1);
    ck_assert_int_eq(ringbus_group_poll(groups[1], ALL), 0);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(groups[1], RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_group_poll(groups[1], ALL), RINGBUS_ESHUTDOWN);
    polled_close(bus, groups[0]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("poll", events_are_handled_by_polls_in_their_order_and_nowhere_else,
        a_poll_handles_no_more_than_it_was_asked_for, an_event_counts_once_for_each_stage_it_passes,
        a_small_bound_keeps_no_stage_from_its_events,
        a_handler_that_posts_to_its_own_group_keeps_no_poll_for_ever, only_polled_groups_are_polled,
        a_polled_group_has_one_lane, a_second_thread_is_refused_while_another_one_polls,
        no_handler_and_no_hook_polls);
}
