/* test_stepped_pause.c - in step mode nobody waits for a paused group: what is begun is finished by steps that come
 * when it is resumed. */
#include "executor/fixture.h"

/* A bus with a probe on "a" in a group that is paused, with events 1..3. */
static struct ringbus_bus *
open_paused(struct probe *probe, struct hooks *hooks)
{
    struct ringbus_bus *bus = open_stepped(1, 1, 8, hooks);
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.name = "resting";
    options.lanes = 2;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
    join(group, bus, probe, "a");
    post_numbers(bus, "a", 1, 3);
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    return bus;
}

START_TEST(a_paused_group_is_not_stepped_and_a_flush_does_not_wait_for_it)
{
    static struct probe probe = {.name = "resting"}, other = {.name = "other"};
    struct ringbus_bus *bus = open_paused(&probe, NULL);

    join(NULL, bus, &other, "a");
    post_numbers(bus, "a", 4, 4);
    ck_assert_int_eq(IN_TIME(bus, ringbus_flush(bus, RINGBUS_FOREVER)), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_step(bus), 0);
    CHECK_NUMBERS(&other, 4);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4);
    bus_close(bus);
}
END_TEST

START_TEST(a_shutdown_does_not_wait_for_a_paused_group_and_names_it)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, &hooks);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(load_u32(&hooks.rows, TEST_ACQUIRE), 1);
    ck_assert_str_eq(hooks.row[0].group, "resting");
    ck_assert_uint_eq(hooks.row[0].is_paused, 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 3);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(a_bus_with_a_paused_group_is_closed)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, &hooks);

    bus_close(bus);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 3);
}
END_TEST

START_TEST(a_consumer_of_a_paused_group_is_closed_by_later_steps)
{
    static struct probe probe = {.name = "resting"};
    struct ringbus_bus *bus = open_paused(&probe, NULL);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_step(bus), 0);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    step_all(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
}
END_TEST

START_TEST(a_paused_group_is_closed_by_later_steps)
{
    static struct probe probe = {.name = "resting"};
    struct ringbus_bus *bus = open_paused(&probe, NULL);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    step_all(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(a_paused_group_that_is_empty_is_closed_at_once)
{
    static struct probe probe = {.name = "resting"};
    struct ringbus_bus *bus = open_stepped(1, 1, 8, NULL);

    join(group_open(bus, RINGBUS_GROUP_THREADS, 8), bus, &probe, "a");
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("stepped_pause",
        a_paused_group_is_not_stepped_and_a_flush_does_not_wait_for_it,
        a_shutdown_does_not_wait_for_a_paused_group_and_names_it,
        a_bus_with_a_paused_group_is_closed, a_consumer_of_a_paused_group_is_closed_by_later_steps,
        a_paused_group_is_closed_by_later_steps, a_paused_group_that_is_empty_is_closed_at_once);
}
