/* test_overdue.c - calls that run for too long, and what a hook may do that is told of a stall. */
#include "room/notices.h"

/* ---- a call that runs for too long ---- */

static struct atomic_u64 hours; /* by which the library's clock is ahead */

#define HOUR INT64_C(3600000000000)

static int64_t
later_now(void)
{
    return os_real()->now_ns() + (int64_t)load_u64(&hours, TEST_ACQUIRE) * HOUR;
}

/* Of a call that is seen for the first time; the notices before were two. */
static void
check_told_later(struct ringbus_bus *bus)
{
    add_u64(&hours, 2, TEST_RELEASE);
    ck_assert_int_eq(fill(bus, "a"), 0);
    ck_assert_uint_eq(told_count(), 2);
    add_u64(&hours, 2, TEST_RELEASE);
    ck_assert_int_eq(fill(bus, "a"), 0);
    check_notice(2, "second", "a", RING);
}

START_TEST(a_call_that_has_had_its_time_is_told_once)
{
    static struct gate gates[2];
    static struct probe first, second;
    struct ringbus_group_options options = small(RINGBUS_GROUP_THREADS);
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;

    gate_init(&gates[0]);
    gate_init(&gates[1]);
    first = (struct probe){.gate = &gates[0]};
    second = (struct probe){.gate = &gates[1]};
    options.max_call_ns = 2 * HOUR;
    calls_begin();
    ringbus__os.now_ns = later_now;
    bus = open_bus();
    group = open_small(bus, &options);
    add(bus, group, &first, "first", "a");
    add(bus, group, &second, "second", "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    gate_await(&gates[0], 1);
    ck_assert_int_eq(fill(bus, "a"), RING - 1);
    check_notice(0, "first", "a", RING);
    add_u64(&hours, 1, TEST_RELEASE);
    ck_assert_int_eq(fill(bus, "a"), 0);
    ck_assert_uint_eq(told_count(), 1);
    for (int i = 0; i < 4; i++) {
        add_u64(&hours, 1, TEST_RELEASE);
        ck_assert_int_eq(fill(bus, "a"), 0);
        check_notice(1, "first", "a", RING);
    }
    ck_assert_int_ge(notices[1].running_ns, 2 * HOUR);
    ck_assert_int_lt(notices[1].running_ns, 3 * HOUR);
    gate_open(&gates[0]);
    gate_await(&gates[1], 1); /* another call, of the same event */
    check_told_later(bus);
    gate_open(&gates[1]);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(whoever_waits_looks_after_the_call)
{
    static struct gate gate;
    static struct probe stuck;
    static struct call call;
    struct ringbus_group_options options = small(RINGBUS_GROUP_THREADS);
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;
    uint32_t sleeps = 0;

    gate_init(&gate);
    stuck = (struct probe){.gate = &gate};
    options.max_call_ns = 1000000;
    calls_begin();
    bus = open_bus();
    group = open_small(bus, &options);
    add(bus, group, &stuck, "stuck", "b");
    for (int i = 0; i < RING; i++)
        ck_assert_int_eq(post_number(bus, "b", 1), 1);
    gate_await(&gate, 1);
    call_start(&call, post_one, bus);
    AWAIT_ON(bus, told_count() == 2);
    sleeps = load_u32(&call.sleeps, TEST_ACQUIRE);
    AWAIT_ON(bus, load_u32(&call.sleeps, TEST_ACQUIRE) > sleeps + 2);
    check_notice(1, "stuck", "b", RING);
    ck_assert_int_ge(notices[1].running_ns, options.max_call_ns);
    ck_assert(pthread_equal(notices[1].thread, notices[0].thread));
    ck_assert(!call_is_done(&call));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "a post"), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

/* ---- what a hook may do ---- */

static struct atomic_u32 hook_posts;

static void
post_in_hook(struct ringbus_bus *bus)
{
    MUST(try_post_number(bus, "a", 9) == RINGBUS_EAGAIN, "the group is full");
    MUST(try_post_number(bus, "rests", 9) == RINGBUS_EAGAIN, "this one is, too");
    MUST(try_post_number(bus, "other", 9) == 1, "another group has room");
    MUST(figure_of(bus, "group", "small", "stalls") == 1, "no lock is held");
    add_u32(&hook_posts, 1, TEST_RELEASE);
}

START_TEST(a_hook_may_post_and_tells_of_nothing_itself)
{
    static struct gate gate;
    static struct probe stuck, other, resting;
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *rests = group_open(bus, RINGBUS_GROUP_THREADS, 2);

    gate_init(&gate);
    stuck = (struct probe){.gate = &gate};
    other = resting = (struct probe){0};
    add(bus, rests, &resting, "resting", "rests");
    ck_assert_int_eq(ringbus_group_pause(rests), RINGBUS_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(post_number(bus, "rests", 1), 1);
    add(bus, open_kind(bus, RINGBUS_GROUP_THREADS), &stuck, "stuck", "a");
    add(bus, NULL, &other, "other", "other");
    on_notice = post_in_hook;
    ck_assert_int_eq(fill(bus, "a"), RING);
    ck_assert_uint_eq(told_count(), 1);
    AWAIT_CALLS(&other, 1);
    on_notice = NULL;
    ck_assert_int_eq(fill(bus, "rests"), 0); /* that is told outside of the hook */
    ck_assert_uint_eq(told_count(), 2);
    ck_assert_uint_eq(load_u32(&hook_posts, TEST_ACQUIRE), 1);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

static int
shut_down(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

START_TEST(a_shutdown_ends_a_stall)
{
    static struct gate gate;
    static struct probe stuck;
    static struct call posting, ending;
    struct ringbus_bus *bus = NULL;

    gate_init(&gate);
    stuck = (struct probe){.gate = &gate};
    calls_begin();
    bus = open_bus();
    add(bus, open_kind(bus, RINGBUS_GROUP_THREADS), &stuck, "stuck", "b");
    for (int i = 0; i < RING; i++)
        ck_assert_int_eq(post_number(bus, "b", 1), 1);
    gate_await(&gate, 1);
    call_start(&posting, post_one, bus);
    call_start(&ending, shut_down, bus);
    ck_assert_int_eq(call_join(&posting, "a post"), RINGBUS_ESHUTDOWN);
    check_notice(0, "stuck", "b", RING);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&ending, "shutdown"), RINGBUS_OK);
    ck_assert_uint_eq(told_count(), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(each_life_of_a_group_has_its_own_episodes)
{
    static struct probe probes[2];
    struct ringbus_bus *bus = open_bus();
    struct ringbus_group *group = NULL;

    for (uint32_t life = 0; life < 2; life++) {
        group = open_kind(bus, RINGBUS_GROUP_THREADS);
        probes[life] = (struct probe){0};
        add(bus, group, &probes[life], "probe", "a");
        ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
        ck_assert_int_eq(fill(bus, "a"), RING);
        check_notice(life, "", "", RING);
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DISCARD)), RINGBUS_OK);
    }
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overdue", a_call_that_has_had_its_time_is_told_once,
        whoever_waits_looks_after_the_call, a_hook_may_post_and_tells_of_nothing_itself,
        a_shutdown_ends_a_stall, each_life_of_a_group_has_its_own_episodes);
}
