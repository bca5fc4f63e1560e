/* test_owner.c - a polled group belongs to the thread that polled last: it never waits for what only it can do, and
 * others wait for it. */
#include "executor/fixture.h"

enum { SHORT_NS = 5000000 };

/* ---- room ---- */

START_TEST(the_thread_that_polls_does_not_wait_for_room)
{
    static struct probe polled = {.name = "polled"}, paused = {.name = "paused"};
    struct ringbus_group *group = NULL, *other = NULL;
    struct ringbus_bus *bus = open_polled(2, NULL, &group);
    const uint64_t number = 9;

    other = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    ck_assert_int_eq(ringbus_group_pause(other), RINGBUS_OK);
    join(group, bus, &polled, "a");
    join(other, bus, &paused, "b");
    post_numbers(bus, "a", 1, 2);
    post_numbers(bus, "b", 1, 2);
    for (int i = 0; i < 2; i++) {
        const char *topic = i == 0 ? "a" : "b";

        ck_assert_int_eq(post_number(bus, topic, 9), RINGBUS_EDEADLK);
        ck_assert_int_eq(try_post_number(bus, topic, 9), RINGBUS_EAGAIN);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_post_until(bus, topic, &number, sizeof number, RINGBUS_FOREVER)),
            RINGBUS_EDEADLK);
    }
    ck_assert_int_eq(ringbus_group_resume(other), RINGBUS_OK);
    poll_all(group);
    ck_assert_int_eq(post_number(bus, "a", 3), 1);
    polled_close(bus, group);
    CHECK_NUMBERS(&polled, 1, 2, 3);
    CHECK_NUMBERS(&paused, 1, 2);
}
END_TEST

/* Event 1 is finished while 2 is handled: there is room for one. */
static void
post_twice(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 2)
        return;
    MUST(post_number(probe->bus, "a", 3) == 1, "room was not made");
    MUST(post_number(probe->bus, "a", 4) == RINGBUS_EDEADLK, "a handler waits for itself");
    MUST(try_post_number(probe->bus, "a", 4) == RINGBUS_EAGAIN, "there is room");
}

START_TEST(a_handler_makes_room_in_its_own_ring_and_waits_for_none)
{
    static struct probe probe = {.name = "polled", .act = post_twice};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(2, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    poll_all(group);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    polled_close(bus, group);
}
END_TEST

static int
post_nine(void *context)
{
    return post_number(context, "a", 9);
}

START_TEST(another_thread_waits_for_room_until_there_was_a_poll)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = NULL;
    struct call call;

    calls_begin();
    bus = open_polled(2, NULL, &group);
    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    call_start(&call, post_nine, bus);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    ck_assert_int_eq(call_join(&call, "a blocked poster"), 1);
    poll_all(group);
    CHECK_NUMBERS(&probe, 1, 2, 9);
    polled_close(bus, group);
    calls_end();
}
END_TEST

/* ---- whose group it is ---- */

/* A full group's own thread is refused, another one waits, for no time here. */
static int
post_late(void *context)
{
    return ringbus_post_until(context, "a", NULL, 0, 0);
}

static int
poll_once(void *context)
{
    return ringbus_group_poll(context, 1);
}

struct owner {
    struct ringbus_bus *bus;
    struct ringbus_group *group;
};

static int
poll_and_post(void *context)
{
    const struct owner *owner = context;

    MUST(post_late(owner->bus) == RINGBUS_ETIMEDOUT, "it is this thread's before it polls");
    MUST(ringbus_group_poll(owner->group, 1) == 1, "no event");
    MUST(ringbus_try_post(owner->bus, "a", NULL, 0) == 1, "no room");
    MUST(post_late(owner->bus) == RINGBUS_EDEADLK, "it is not this thread's after it polled");
    return IN_TIME(owner->bus, ringbus_flush(owner->bus, RINGBUS_FOREVER));
}

START_TEST(a_group_is_its_openers_and_then_his_who_polled_last)
{
    static struct probe probe = {.name = "polled"};
    struct owner owner = {0};

    owner.bus = open_polled(2, NULL, &owner.group);
    join(owner.group, owner.bus, &probe, "a");
    post_numbers(owner.bus, "a", 1, 2);
    ck_assert_int_eq(post_late(owner.bus), RINGBUS_EDEADLK);
    ck_assert_int_eq(
        IN_TIME(owner.bus, ringbus_flush(owner.bus, RINGBUS_FOREVER)), RINGBUS_EDEADLK);
    ck_assert_int_eq(call_elsewhere(post_late, owner.bus), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(call_elsewhere(poll_and_post, &owner), RINGBUS_EDEADLK);
    ck_assert_int_eq(post_late(owner.bus), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_flush(owner.bus, ringbus_now_ns() + SHORT_NS), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_group_poll(owner.group, 1), 1);
    post_numbers(owner.bus, "a", 4, 4);
    ck_assert_int_eq(post_late(owner.bus), RINGBUS_EDEADLK);
    polled_close(owner.bus, owner.group);
}
END_TEST

/* Threads that begin later are other threads, whatever memory they get. */
START_TEST(a_thread_that_has_exited_leaves_its_group_to_the_next)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(2, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(call_elsewhere(poll_once, group), 1);
    post_numbers(bus, "a", 3, 3);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(call_elsewhere(post_late, bus), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_flush(bus, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(call_elsewhere(poll_once, group), 1);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 1);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    polled_close(bus, group);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("owner", the_thread_that_polls_does_not_wait_for_room,
        a_handler_makes_room_in_its_own_ring_and_waits_for_none,
        another_thread_waits_for_room_until_there_was_a_poll,
        a_group_is_its_openers_and_then_his_who_polled_last,
        a_thread_that_has_exited_leaves_its_group_to_the_next);
}
