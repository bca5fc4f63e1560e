/* test_stepped_end.c - in step mode the calls that wait step the bus themselves, and never wait for what no step can
 * bring. */
#include "executor/fixture.h"

/* ---- calls that step ---- */

START_TEST(a_flush_steps_until_what_was_posted_is_handled)
{
    static struct probe first = {.name = "first"}, second = {.name = "second"};
    struct ringbus_bus *bus = open_stepped(3, 2, 8, NULL);

    join(NULL, bus, &first, "a");
    join_after(bus, &second, &first, "a");
    post_numbers(bus, "a", 1, 8);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&second), 8);
    ck_assert_int_eq(ringbus_step(bus), 0);
    bus_close(bus);
}
END_TEST

static void
post_back(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) < 5)
        MUST(post_number(probe->bus, "a", number_of(event) + 1) == 1, "refused");
}

START_TEST(a_shutdown_steps_until_every_group_is_empty)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "stepped", .act = post_back};
    struct ringbus_bus *bus = open_stepped(3, 2, 8, &hooks);

    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    ck_assert_int_eq(post_number(bus, "a", 9), RINGBUS_ESHUTDOWN);
    step_all(bus);
    ck_assert_int_eq(ringbus_step(bus), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_bus_that_was_not_shut_down_steps_when_it_is_closed)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_stepped(3, 2, 8, &hooks);

    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 3);
    bus_close(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 3);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
}
END_TEST

START_TEST(a_consumer_steps_until_it_is_closed)
{
    static struct probe drained = {.name = "drained"}, discarded = {.name = "discarded"};
    struct ringbus_bus *bus = open_stepped(3, 2, 8, NULL);

    join(NULL, bus, &drained, "a");
    join(NULL, bus, &discarded, "a");
    post_numbers(bus, "a", 1, 3);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(discarded.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(drained.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    CHECK_NUMBERS(&drained, 1, 2, 3);
    ck_assert_uint_eq(load_u32(&drained.destroyed, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(probe_calls(&discarded), 0);
    bus_close(bus);
}
END_TEST

START_TEST(a_group_steps_until_it_is_closed_and_lives_again)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.is_stepped = 1;
    options.max_groups = 2;
    bus = bus_open(&options);
    for (uint64_t life = 0; life < 5; life++) {
        struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
        struct probe probe = {.name = "of one life"};

        join(group, bus, &probe, "a");
        post_numbers(bus, "a", life, life + 1);
        ck_assert_int_eq(ringbus_step(bus), 1);
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
        CHECK_NUMBERS(&probe, life, life + 1);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

/* ---- time ---- */

static int64_t now_ns;

static int64_t
read_clock(void *context)
{
    MUST(context == &now_ns, "the clock gets another context");
    return now_ns;
}

static struct ringbus_bus *
open_with_clock(struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);

    now_ns = 0;
    options.is_stepped = 1;
    options.clock = read_clock;
    options.clock_context = &now_ns;
    return bus_open(&options);
}

/* For ever, and each call takes time. */
static void
turn_and_post(struct probe *probe, const struct ringbus_event *event)
{
    now_ns += 10;
    MUST(try_post_number(probe->bus, "a", number_of(event) + 1) == 1, "refused");
}

START_TEST(a_shutdown_ends_when_the_users_clock_has_reached_its_deadline)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "endless", .act = turn_and_post};
    struct ringbus_bus *bus = open_with_clock(&hooks);

    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, 1000)), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(probe_calls(&probe), 100);
    ck_assert_uint_eq(undelivered(&hooks, "a", "endless"), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, 1005)), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(probe_calls(&probe), 101);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 101);
    bus_close(bus);
}
END_TEST

START_TEST(a_flush_whose_deadline_has_come_steps_nothing)
{
    static struct probe probe = {.name = "stepped"};
    struct ringbus_bus *bus = open_with_clock(NULL);

    join(NULL, bus, &probe, "a");
    now_ns = 50;
    ck_assert_int_eq(IN_TIME(bus, ringbus_flush(bus, 50)), RINGBUS_OK);
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_flush(bus, 50)), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(IN_TIME(bus, ringbus_flush(bus, 51)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    bus_close(bus);
}
END_TEST

START_TEST(without_a_clock_deadlines_are_those_of_the_machine)
{
    static struct probe probe = {.name = "endless", .act = turn_and_post};
    struct ringbus_bus *bus = open_stepped(1, 1, 8, NULL);
    const int64_t until = ringbus_now_ns() + 2000000;

    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, until)), RINGBUS_ETIMEDOUT);
    ck_assert_int_ge(ringbus_now_ns(), until);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(a_clock_is_for_step_mode_only)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.clock = read_clock;
    ck_assert_int_eq(ringbus_open(&options, &bus), RINGBUS_EINVAL);
}
END_TEST

/* ---- room ---- */

START_TEST(a_full_ring_refuses_at_once)
{
    static struct probe probe = {.name = "stepped"};
    struct ringbus_bus *bus = open_stepped(1, 1, 2, NULL);
    const uint64_t number = 9;

    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(post_number(bus, "a", 9), RINGBUS_EDEADLK);
    ck_assert_int_eq(try_post_number(bus, "a", 9), RINGBUS_EAGAIN);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_post_until(bus, "a", &number, sizeof number, RINGBUS_FOREVER)),
        RINGBUS_EDEADLK);
    ck_assert_int_eq(ringbus_step(bus), 1);
    ck_assert_int_eq(post_number(bus, "a", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    bus_close(bus);
}
END_TEST

/* ---- groups that have their own ways ---- */

START_TEST(groups_with_other_executors_are_not_stepped)
{
    static struct probe polled = {.name = "polled"}, posted = {.name = "posted"};
    static struct probe stepped = {.name = "stepped"};
    struct ringbus_bus *bus = open_stepped(1, 1, 8, NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_POLLED, 8);

    join(group, bus, &polled, "a");
    join(group_open(bus, RINGBUS_GROUP_CALLER, 8), bus, &posted, "a");
    join(NULL, bus, &stepped, "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_uint_eq(probe_calls(&posted), 1);
    ck_assert_uint_ge(step_all(bus), 1);
    ck_assert_uint_eq(probe_calls(&stepped), 1);
    ck_assert_uint_eq(probe_calls(&polled), 0);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 1);
    polled_close(bus, group);
}
END_TEST

static int
open_group(void *context)
{
    struct probe *probe = context;

    probe->group = group_open(probe->bus, RINGBUS_GROUP_POLLED, 8);
    return 0;
}

START_TEST(a_bus_with_another_threads_polled_group_is_busy_until_that_is_polled)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_stepped(1, 1, 8, &hooks);

    probe.bus = bus;
    ck_assert_int_eq(call_elsewhere(open_group, &probe), 0);
    join(probe.group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(IN_TIME(bus, ringbus_close(bus)), RINGBUS_EBUSY);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 0);
    poll_all(probe.group);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("stepped_end", a_flush_steps_until_what_was_posted_is_handled,
        a_shutdown_steps_until_every_group_is_empty,
        a_bus_that_was_not_shut_down_steps_when_it_is_closed, a_consumer_steps_until_it_is_closed,
        a_group_steps_until_it_is_closed_and_lives_again,
        a_shutdown_ends_when_the_users_clock_has_reached_its_deadline,
        a_flush_whose_deadline_has_come_steps_nothing,
        without_a_clock_deadlines_are_those_of_the_machine, a_clock_is_for_step_mode_only,
        a_full_ring_refuses_at_once, groups_with_other_executors_are_not_stepped,
        a_bus_with_another_threads_polled_group_is_busy_until_that_is_polled);
}
