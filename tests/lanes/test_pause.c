/* test_pause.c - a paused group rests: its lanes finish what they are at, and begin nothing until it is resumed; who
 * waits for it waits, or is told. */
#include "lanes/fixture.h"

enum { SHORT_NS = 5000000, ROUNDS = 30, PER_ROUND = 40, MEMBERS = 5 };

static struct gate first_gate;

static void
stop_first(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    if (number_of(event) == 1)
        gate_pass(&first_gate);
}

/* So long that what is wrongly handed out is seen; nothing that is right needs the time. */
static void
flush_in_vain(struct ringbus_bus *bus)
{
    ck_assert_int_eq(ringbus_flush(bus, ringbus_now_ns() + SHORT_NS), RINGBUS_ETIMEDOUT);
}

/* A probe on "a" in a group, "resting", that is paused, with events 1..count posted. */
static struct ringbus_bus *
open_paused(struct probe *probe, uint64_t count, struct hooks *hooks)
{
    struct ringbus_options options = options_with(hooks);
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;

    calls_begin();
    bus = bus_open(&options);
    group.name = "resting";
    group.lanes = 2;
    group.capacity = 8;
    ck_assert_int_eq(ringbus_group_open(bus, &group, &probe->group), RINGBUS_OK);
    join(bus, probe, "a");
    ck_assert_int_eq(ringbus_group_pause(probe->group), RINGBUS_OK);
    post_numbers(bus, "a", 1, count);
    return bus;
}

static void
close_paused(struct ringbus_bus *bus)
{
    bus_close(bus);
    calls_end();
}

/* ---- what is delivered ---- */

START_TEST(a_paused_group_gets_nothing_until_it_is_resumed)
{
    static struct probe probe = {.name = "resting"}, other = {.name = "other"};
    struct ringbus_bus *bus = open_paused(&probe, 3, NULL);

    join(bus, &other, "b");
    post_numbers(bus, "b", 4, 5);
    AWAIT_CALLS(&other, 2);
    flush_in_vain(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_paused(bus);
}
END_TEST

START_TEST(pausing_and_resuming_twice_is_once)
{
    static struct probe probe = {.name = "resting"};
    struct ringbus_bus *bus = open_paused(&probe, 1, NULL);

    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus); /* no lane lags: the ring is empty */
    for (uint32_t i = 2; i < 50; i++) {
        ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
        post_numbers(bus, "a", i, i);
        ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
        bus_flush(bus);
        AWAIT_CALLS(&probe, i);
    }
    close_paused(bus);
}
END_TEST

START_TEST(only_groups_with_a_ring_that_goes_on_can_be_paused)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *caller = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 4);

    ck_assert_int_eq(ringbus_group_pause(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_resume(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_pause(caller), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_resume(caller), RINGBUS_EINVAL);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

/* Event 1 is in the first one's handler, 2 and 3 wait, when the group is paused. In a chain each has its own stage. */
static void
check_rest(bool is_chain)
{
    struct probe first = {.name = "first", .act = stop_first}, others[3] = {0};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = NULL;

    gate_init(&first_gate);
    first.group = group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
    join(bus, &first, "a");
    for (int i = 0; i < 3; i++) {
        others[i].group = group;
        others[i].name = "other";
        if (is_chain)
            join_after(bus, &others[i], i == 0 ? &first : &others[i - 1], "a");
        else
            join(bus, &others[i], "a");
    }
    post_numbers(bus, "a", 1, 1);
    gate_await(&first_gate, 1);
    post_numbers(bus, "a", 2, 3);
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    gate_open(&first_gate);
    for (int i = 0; i < 3 && !is_chain; i++)
        AWAIT_ON(bus, probe_calls(&others[i]) >= 1);
    AWAIT_CALLS(&first, 1);
    flush_in_vain(bus);
    CHECK_NUMBERS(&first, 1);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_le(probe_calls(&others[i]), 1);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    bus_flush(bus);
    CHECK_NUMBERS(&first, 1, 2, 3);
    for (int i = 0; i < 3; i++)
        CHECK_NUMBERS(&others[i], 1, 2, 3);
    bus_close(bus);
}

START_TEST(a_lane_finishes_the_event_it_is_at_and_begins_no_other)
{
    check_rest(false);
    check_rest(true);
}
END_TEST

/* ---- at any moment ---- */

static void
post_rounds(void *context)
{
    post_numbers(context, "a", 1, ROUNDS * PER_ROUND);
}

/* Handler calls, of all members. */
static uint32_t
count_calls(const struct probe *members)
{
    uint32_t calls = 0;

    for (int i = 0; i < MEMBERS; i++)
        calls += load_u32(&members[i].begun, TEST_ACQUIRE);
    return calls;
}

static void
join_members(struct ringbus_bus *bus, struct ringbus_group *group, struct probe *members)
{
    for (int i = 0; i < MEMBERS; i++) {
        members[i].group = group;
        if (i < 3)
            join(bus, &members[i], "a");
        else
            join_after(bus, &members[i], &members[i - 3], "a");
    }
}

/* While posts go on: after a pause comes no more than the ring holds. */
START_TEST(a_group_paused_at_any_moment_rests_and_loses_nothing)
{
    static struct probe members[MEMBERS] = {{.name = "a"}, {.name = "b"},
        {.name = "c", .is_thread_safe = true}, {.name = "d"},
        {.name = "e", .is_thread_safe = true, .has_batch_end = true}};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;
    struct worker poster;

    options.lanes = 4;
    options.capacity = 16;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
    join_members(bus, group, members);
    worker_start(&poster, post_rounds, bus);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        uint32_t calls = 0;

        AWAIT_ON(bus, probe_calls(&members[4]) >= round * PER_ROUND - PER_ROUND / 2);
        ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
        calls = count_calls(members);
        (void)ringbus_flush(bus, ringbus_now_ns() + SHORT_NS);
        ck_assert_uint_le(count_calls(members) - calls, 16 * MEMBERS);
        ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    }
    worker_join(&poster, "a poster");
    bus_flush(bus);
    ck_assert_uint_eq(count_calls(members), MEMBERS * ROUNDS * PER_ROUND);
    bus_close(bus);
}
END_TEST

/* ---- posts ---- */

static int
post_one(void *context)
{
    return post_number(context, "a", 9);
}

START_TEST(posts_go_on_until_the_ring_is_full_and_again_when_it_is_resumed)
{
    static struct probe probe = {.name = "resting"};
    struct ringbus_bus *bus = open_paused(&probe, 8, NULL);
    struct call posting;

    ck_assert_int_eq(try_post_number(bus, "a", 9), RINGBUS_EAGAIN);
    call_start(&posting, post_one, bus);
    ck_assert(!call_is_done(&posting));
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(call_join(&posting, "a blocked poster"), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    close_paused(bus);
}
END_TEST

static void
pause_own_group(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(ringbus_group_pause(probe->group) == RINGBUS_OK, "a handler may pause its group");
}

START_TEST(a_handler_pauses_its_own_group)
{
    static struct probe probe = {.name = "pausing", .act = pause_own_group};
    struct ringbus_bus *bus = bus_open(NULL);

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
    join(bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    AWAIT_CALLS(&probe, 1);
    post_numbers(bus, "a", 2, 4);
    flush_in_vain(bus);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4);
    bus_close(bus);
}
END_TEST

/* ---- ends ---- */

static void
check_row(const struct hooks *hooks, uint64_t count)
{
    ck_assert_uint_eq(load_u32(&hooks->rows, TEST_ACQUIRE), 1);
    ck_assert_str_eq(hooks->row[0].consumer, "late");
    ck_assert_str_eq(hooks->row[0].topic, "a");
    ck_assert_str_eq(hooks->row[0].group, "resting");
    ck_assert_uint_eq(hooks->row[0].is_paused, 1);
    ck_assert_uint_eq(hooks->row[0].count, count);
}

START_TEST(a_drain_of_a_paused_group_times_out_and_names_it)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, 3, &hooks);

    ck_assert_int_eq(
        ringbus_shutdown(bus, RINGBUS_DRAIN, ringbus_now_ns() + SHORT_NS), RINGBUS_ETIMEDOUT);
    check_row(&hooks, 3);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_uint_eq(load_u32(&hooks.rows, TEST_ACQUIRE), 1);
    close_paused(bus);
}
END_TEST

START_TEST(a_discard_of_a_paused_group_ends)
{
    static struct hooks hooks;
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, 3, &hooks);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_uint_eq(undelivered(&hooks, "a", "late"), 3);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, TEST_ACQUIRE), 1);
    close_paused(bus);
}
END_TEST

START_TEST(a_bus_with_a_paused_group_closes)
{
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, 3, NULL);

    close_paused(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
}
END_TEST

static int
drain_group(void *context)
{
    return ringbus_group_close(context, RINGBUS_DRAIN);
}

START_TEST(a_paused_group_that_is_drained_ends_when_it_is_resumed)
{
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, 3, NULL);
    struct call closing;

    call_start(&closing, drain_group, probe.group);
    ck_assert(!call_is_done(&closing));
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(call_join(&closing, "group_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_paused(bus);
}
END_TEST

START_TEST(a_paused_group_that_is_discarded_ends)
{
    static struct probe probe = {.name = "late"};
    struct ringbus_bus *bus = open_paused(&probe, 3, NULL);

    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    close_paused(bus);
}
END_TEST

static int
drain_consumer(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

START_TEST(a_consumer_of_a_paused_group_is_discarded_at_once_and_drained_later)
{
    static struct probe probe = {.name = "late"}, other = {.name = "other"};
    struct ringbus_bus *bus = open_paused(&probe, 2, NULL);
    struct call closing;

    other.group = probe.group;
    join(bus, &other, "a");
    post_numbers(bus, "a", 3, 3);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(other.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    call_start(&closing, drain_consumer, probe.consumer);
    ck_assert(!call_is_done(&closing));
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    ck_assert_int_eq(call_join(&closing, "consumer_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_uint_eq(probe_calls(&other), 0);
    close_paused(bus);
}
END_TEST

/* Else the lanes would wake each other for nothing, without end. */
START_TEST(lanes_of_a_resting_group_run_no_pass)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    int64_t passes = 0, wakes = 0;

    options.name = "resting";
    options.lanes = 2;
    options.wait = RINGBUS_WAIT_BLOCK;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    passes = figure_of(bus, "group", "resting", "passes");
    wakes = figure_of(bus, "group", "resting", "wakes");
    /* Until a lane has fallen asleep and one of these has woken it. */
    AWAIT_ON(bus, (try_post_number(bus, "a", 1) != RINGBUS_EINVAL &&
                      figure_of(bus, "group", "resting", "wakes") > wakes));
    ck_assert_int_eq(figure_of(bus, "group", "resting", "passes"), passes);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    ck_assert_uint_gt(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("pause", lanes_of_a_resting_group_run_no_pass,
        a_paused_group_gets_nothing_until_it_is_resumed, pausing_and_resuming_twice_is_once,
        only_groups_with_a_ring_that_goes_on_can_be_paused,
        a_lane_finishes_the_event_it_is_at_and_begins_no_other,
        a_group_paused_at_any_moment_rests_and_loses_nothing,
        posts_go_on_until_the_ring_is_full_and_again_when_it_is_resumed,
        a_handler_pauses_its_own_group, a_drain_of_a_paused_group_times_out_and_names_it,
        a_discard_of_a_paused_group_ends, a_bus_with_a_paused_group_closes,
        a_paused_group_that_is_drained_ends_when_it_is_resumed,
        a_paused_group_that_is_discarded_ends,
        a_consumer_of_a_paused_group_is_discarded_at_once_and_drained_later);
}
