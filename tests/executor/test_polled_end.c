/* test_polled_end.c - polled groups end by polls: who polls begins it and goes on polling, others wait. Then they are
 * used again. */
#include "executor/fixture.h"

enum { SHORT_NS = 5000000 };

/* A bus with a probe on "a" in its polled group, with events 1..count, whose sleepers are seen; hooks may be NULL. */
static struct ringbus_bus *
open_with(struct probe *probe, uint64_t count, struct hooks *hooks)
{
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;

    calls_begin();
    bus = open_polled(8, hooks, &group);
    join(group, bus, probe, "a");
    post_numbers(bus, "a", 1, count);
    return bus;
}

static void
close_with(struct ringbus_bus *bus)
{
    bus_close(bus);
    calls_end();
}

static int
drain(void *context)
{
    return IN_TIME(context, ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER));
}

static int
discard(void *context)
{
    return IN_TIME(context, ringbus_shutdown(context, RINGBUS_DISCARD, RINGBUS_FOREVER));
}

/* ---- the bus ends ---- */

START_TEST(one_thread_opens_posts_polls_shuts_down_and_closes)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 3, &hooks);

    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    ck_assert_int_eq(drain(bus), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    ck_assert_int_eq(post_number(bus, "a", 9), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 0);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), 2);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    ck_assert_int_eq(drain(bus), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 0);
    close_with(bus);
    ck_assert_uint_eq(load_u32(&probe.destroyed, TEST_ACQUIRE), 1);
}
END_TEST

START_TEST(a_discarded_bus_names_what_its_polled_group_held)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_with(&probe, 3, &hooks);

    ck_assert_int_eq(discard(bus), RINGBUS_PENDING);
    poll_all(probe.group);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 3);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    close_with(bus);
}
END_TEST

START_TEST(another_threads_shutdown_waits_for_polls)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 3, &hooks);
    struct call call;

    call_start(&call, drain, bus);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 2);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 1);
    ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), RINGBUS_ESHUTDOWN);
    close_with(bus);
}
END_TEST

static int
drain_for_a_moment(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, ringbus_now_ns() + SHORT_NS);
}

START_TEST(a_shutdown_that_nobody_polls_for_times_out_and_names_what_is_left)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_with(&probe, 3, &hooks);

    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(call_elsewhere(drain_for_a_moment, bus), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 2);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), 2);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(drain(bus), RINGBUS_OK);
    close_with(bus);
}
END_TEST

static void
post_back(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(post_number(probe->bus, "a", 2) == 1, "a handler posts while the bus drains");
}

START_TEST(what_handlers_post_while_the_bus_drains_is_polled_too)
{
    static struct probe probe = {.name = "polled", .act = post_back};
    struct ringbus_bus *bus = open_with(&probe, 1, NULL);

    ck_assert_int_eq(drain(bus), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), RINGBUS_ESHUTDOWN);
    CHECK_NUMBERS(&probe, 1, 2);
    close_with(bus);
}
END_TEST

static int
poll_to_the_end(void *context)
{
    return poll_all(context);
}

START_TEST(a_bus_whose_poller_has_exited_is_drained_by_another_thread)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 0, NULL);
    struct call call;

    ck_assert_int_eq(call_elsewhere(poll_to_the_end, probe.group), 0);
    post_numbers(bus, "a", 1, 3);
    call_start(&call, drain, bus);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(call_elsewhere(poll_to_the_end, probe.group), 3);
    ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_with(bus);
}
END_TEST

static int
flush(void *context)
{
    return IN_TIME(context, ringbus_flush(context, RINGBUS_FOREVER));
}

START_TEST(a_flush_waits_for_polls_and_is_refused_to_who_polls)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 2, NULL);
    struct call call;

    ck_assert_int_eq(flush(bus), RINGBUS_EDEADLK);
    call_start(&call, flush, bus);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
    ck_assert_int_eq(drain(bus), RINGBUS_OK);
    close_with(bus);
}
END_TEST

/* ---- a group ends ---- */

static int
drain_group(void *context)
{
    return IN_TIME(NULL, ringbus_group_close(context, RINGBUS_DRAIN));
}

START_TEST(who_polls_begins_to_close_a_group_and_ends_it_by_polls)
{
    static struct probe probe = {.name = "polled"}, other = {.name = "other"};
    struct ringbus_bus *bus = open_with(&probe, 3, NULL);

    join(NULL, bus, &other, "a");
    ck_assert_int_eq(drain_group(probe.group), RINGBUS_PENDING);
    ck_assert_int_eq(drain_group(probe.group), RINGBUS_EBUSY);
    ck_assert_int_eq(post_number(bus, "a", 4), 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), 3);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    CHECK_NUMBERS(&other, 4);
    /* This thread is no group's any more: it waits, for nothing. */
    bus_flush(bus);
    close_with(bus);
}
END_TEST

START_TEST(another_threads_group_close_waits_for_polls)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 3, NULL);
    struct call call;

    call_start(&call, drain_group, probe.group);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 2);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 1);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(call_join(&call, "group_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_with(bus);
}
END_TEST

static void
close_own_group(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(ringbus_group_close(probe->group, RINGBUS_DRAIN) == RINGBUS_PENDING, "not begun");
}

START_TEST(a_handler_closes_its_own_polled_group)
{
    static struct probe probe = {.name = "polled", .act = close_own_group};
    struct ringbus_bus *bus = open_with(&probe, 3, NULL);

    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), 2);
    ck_assert_int_eq(ringbus_group_poll(probe.group, ALL), RINGBUS_ESHUTDOWN);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_with(bus);
}
END_TEST

static int
post_nine(void *context)
{
    return post_number(context, "a", 9);
}

START_TEST(a_poster_that_waits_for_a_polled_group_goes_on_when_it_ends)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 8, &hooks);
    struct call call;

    call_start(&call, post_nine, bus);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DISCARD)), RINGBUS_PENDING);
    ck_assert_int_eq(call_join(&call, "a blocked poster"), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, TEST_ACQUIRE), 1);
    poll_all(probe.group);
    ck_assert_uint_eq(undelivered(&hooks, "a", "polled"), 8);
    close_with(bus);
}
END_TEST

/* Opened and polled by another thread, it is that one's. */
static int
live_again(void *context)
{
    struct ringbus_bus *bus = context;
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    struct probe probe = {.name = "of another life"};

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 7, 8);
    MUST(IN_TIME(bus, ringbus_flush(bus, RINGBUS_FOREVER)) == RINGBUS_EDEADLK, "not its opener's");
    MUST(drain_group(group) == RINGBUS_PENDING, "close");
    MUST(poll_all(group) == 2 && probe_calls(&probe) == 2, "what is posted is not handled");
    MUST(ringbus_group_poll(group, 1) == RINGBUS_ESHUTDOWN, "it goes on");
    MUST(IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)) == RINGBUS_OK,
        "consumer_close");
    return 0;
}

START_TEST(a_polled_group_that_has_ended_is_used_again)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_groups = 2;
    bus = bus_open(&options);
    for (int life = 0; life < 6; life++)
        ck_assert_int_eq(life % 2 ? live_again(bus) : call_elsewhere(live_again, bus), 0);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

/* ---- consumers end ---- */

START_TEST(who_polls_closes_a_consumer_at_once_or_by_polls)
{
    static struct probe kept = {.name = "drained"}, dropped = {.name = "discarded"};
    struct ringbus_bus *bus = open_with(&kept, 0, NULL);

    join(kept.group, bus, &dropped, "a");
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(dropped.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&dropped.destroyed, TEST_ACQUIRE), 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(kept.consumer, RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_int_eq(post_number(bus, "a", 3), 0);
    ck_assert_int_eq(ringbus_group_poll(kept.group, 1), 1);
    ck_assert_uint_eq(load_u32(&kept.destroyed, TEST_ACQUIRE), 0);
    ck_assert_int_eq(ringbus_group_poll(kept.group, 1), 1);
    ck_assert_uint_eq(load_u32(&kept.destroyed, TEST_ACQUIRE), 1);
    CHECK_NUMBERS(&kept, 1, 2);
    ck_assert_uint_eq(probe_calls(&dropped), 0);
    ck_assert_int_eq(drain(bus), RINGBUS_OK);
    close_with(bus);
}
END_TEST

static int
drain_consumer(void *context)
{
    return IN_TIME(NULL, ringbus_consumer_close(context, RINGBUS_DRAIN));
}

START_TEST(another_threads_consumer_close_waits_for_polls)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_bus *bus = open_with(&probe, 2, NULL);
    struct call call;

    call_start(&call, drain_consumer, probe.consumer);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(probe.group, 1), 1);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(drain(bus), RINGBUS_OK);
    close_with(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("polled_end", one_thread_opens_posts_polls_shuts_down_and_closes,
        a_discarded_bus_names_what_its_polled_group_held, another_threads_shutdown_waits_for_polls,
        a_shutdown_that_nobody_polls_for_times_out_and_names_what_is_left,
        what_handlers_post_while_the_bus_drains_is_polled_too,
        a_bus_whose_poller_has_exited_is_drained_by_another_thread,
        a_flush_waits_for_polls_and_is_refused_to_who_polls,
        who_polls_begins_to_close_a_group_and_ends_it_by_polls,
        another_threads_group_close_waits_for_polls, a_handler_closes_its_own_polled_group,
        a_poster_that_waits_for_a_polled_group_goes_on_when_it_ends,
        a_polled_group_that_has_ended_is_used_again,
        who_polls_closes_a_consumer_at_once_or_by_polls,
        another_threads_consumer_close_waits_for_polls);
}
