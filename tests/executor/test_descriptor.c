/* test_descriptor.c - a polled group's descriptor is readable exactly when a poll would find something: no wake-up is
 * lost, and none is made for nothing. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "executor/fixture.h"

enum { POSTERS = 2, EVENTS = 50000 };

/* ---- when it is readable ---- */

START_TEST(it_is_readable_after_a_post_until_all_is_handled)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    ck_assert(!is_readable(group));
    for (uint64_t i = 1; i < 30; i += 3) {
        post_numbers(bus, "a", i, i);
        ck_assert(is_readable(group));
        post_numbers(bus, "a", i + 1, i + 2);
        ck_assert(is_readable(group));
        ck_assert_int_eq(ringbus_group_poll(group, ALL), 3);
        ck_assert(!is_readable(group));
        ck_assert_int_eq(ringbus_group_poll(group, ALL), 0);
        ck_assert(!is_readable(group));
    }
    polled_close(bus, group);
}
END_TEST

START_TEST(it_is_readable_while_a_bound_has_left_something)
{
    static struct probe first = {.name = "first"}, second = {.name = "second"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &first, "a");
    join_after(bus, &second, &first, "a");
    post_numbers(bus, "a", 1, 3);
    for (int left = 6; left > 0; left--) {
        ck_assert(is_readable(group));
        ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    }
    ck_assert(!is_readable(group));
    polled_close(bus, group);
}
END_TEST

static void
post_once(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(try_post_number(probe->bus, "a", 2) == 1, "refused");
}

START_TEST(it_is_readable_when_a_handler_has_posted_to_its_own_group)
{
    static struct probe probe = {.name = "polled", .act = post_once};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 1);
    ck_assert(is_readable(group));
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 1);
    ck_assert(!is_readable(group));
    polled_close(bus, group);
}
END_TEST

START_TEST(it_is_not_readable_for_events_of_a_paused_group_but_when_it_is_resumed)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 0);
    ck_assert(!is_readable(group));
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    ck_assert(is_readable(group));
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 2);
    ck_assert(!is_readable(group));
    CHECK_NUMBERS(&probe, 1, 2);
    polled_close(bus, group);
}
END_TEST

START_TEST(a_poll_of_one_group_leaves_the_others_readable)
{
    static struct probe probes[2] = {{.name = "one"}, {.name = "two"}};
    struct ringbus_group *groups[2] = {NULL};
    struct ringbus_bus *bus = open_polled(8, NULL, &groups[0]);

    groups[1] = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    ck_assert_int_ne(ringbus_group_fd(groups[0]), ringbus_group_fd(groups[1]));
    join(groups[0], bus, &probes[0], "a");
    join(groups[1], bus, &probes[1], "a");
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(ringbus_group_poll(groups[0], ALL), 1);
    ck_assert(!is_readable(groups[0]));
    ck_assert(is_readable(groups[1]));
    ck_assert_int_eq(ringbus_group_poll(groups[1], ALL), 1);
    ck_assert(!is_readable(groups[1]));
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(groups[1], RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_group_poll(groups[1], ALL), RINGBUS_ESHUTDOWN);
    polled_close(bus, groups[0]);
}
END_TEST

/* ---- the end ---- */

START_TEST(it_is_readable_from_the_end_of_a_bus_until_a_poll_has_told_it)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_PENDING);
    for (int left = 2; left > 0; left--) {
        ck_assert(is_readable(group));
        ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    }
    ck_assert(is_readable(group));
    ck_assert_int_eq(ringbus_group_poll(group, 1), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(it_is_readable_when_an_idle_bus_ends)
{
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    ck_assert(!is_readable(group));
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert(is_readable(group));
    ck_assert_int_eq(ringbus_group_poll(group, 1), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(it_is_readable_when_its_group_ends)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);

    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_PENDING);
    ck_assert(is_readable(group));
    ck_assert_int_eq(ringbus_group_poll(group, 1), RINGBUS_ESHUTDOWN);
    group = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    join(group, bus, &probe, "a");
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    post_numbers(bus, "a", 1, 2);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 0);
    ck_assert(!is_readable(group));
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DISCARD)), RINGBUS_PENDING);
    ck_assert(is_readable(group));
    poll_all(group);
    ck_assert_int_eq(ringbus_group_poll(group, 1), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

START_TEST(it_serves_the_next_life_of_its_group)
{
    static struct probe probe = {.name = "polled"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(8, NULL, &group);
    const int fd = ringbus_group_fd(group);

    for (uint64_t life = 0; life < 3; life++) {
        struct probe inhabitant = {.name = "of one life"};

        ck_assert(!is_readable(group));
        ck_assert_int_eq(ringbus_group_fd(group), fd);
        join(group, bus, &inhabitant, "a");
        post_numbers(bus, "a", life, life);
        ck_assert(is_readable(group));
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_PENDING);
        poll_all(group);
        ck_assert_int_eq(ringbus_group_poll(group, 1), RINGBUS_ESHUTDOWN);
        CHECK_NUMBERS(&inhabitant, life);
        ck_assert_int_eq(
            IN_TIME(bus, ringbus_consumer_close(inhabitant.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
        group = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    }
    join(group, bus, &probe, "a");
    polled_close(bus, group);
}
END_TEST

/* ---- at any moment ---- */

struct moment {
    struct ringbus_group *group;
    struct ringbus_topic *topic;
    void (*act)(void *context);
    int handled; /* by the poll */
};

static void
poll_group(void *context)
{
    struct moment *moment = context;

    moment->handled = ringbus_group_poll(moment->group, ALL);
    stop_steps();
}

static void
post_to_it(void *context)
{
    const struct moment *moment = context;

    MUST(ringbus_topic_try_post(moment->topic, NULL, 0, NULL) == 1, "refused");
}

static void
resume_it(void *context)
{
    const struct moment *moment = context;

    MUST(ringbus_group_resume(moment->group) == RINGBUS_OK, "resume fails");
}

/* `act` after the n-th instruction of a poll that was called for an event: what it brings is handled by that poll, or
 * makes readable. False: the poll was over before. */
static bool
check_moment(struct moment *moment, uint64_t nth)
{
    const int total = moment->act == post_to_it ? 2 : 1;
    bool is_within = false;

    if (moment->act == resume_it)
        ck_assert_int_eq(ringbus_group_pause(moment->group), RINGBUS_OK);
    post_to_it(moment);
    is_within = act_at_step(nth, poll_group, moment, moment->act, moment);
    if (!is_within)
        moment->act(moment);
    ck_assert_msg((moment->handled == total) != is_readable(moment->group),
        "at step %d: %d of %d are handled, and it is%s readable", (int)nth, moment->handled, total,
        is_readable(moment->group) ? "" : " not");
    ck_assert_int_eq(moment->handled + ringbus_group_poll(moment->group, ALL), total);
    ck_assert(!is_readable(moment->group));
    return is_within;
}

/* From the last one on, for at its end a poll makes ready for what comes. */
static void
check_moments(void (*act)(void *context))
{
    static struct probe probe;
    const int64_t began = ringbus_now_ns();
    struct moment moment = {.act = act};
    struct ringbus_bus *bus = open_polled(8, NULL, &moment.group);
    uint64_t last = 0, step = 1;

    probe = (struct probe){.name = "polled"};
    join(moment.group, bus, &probe, "a");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &moment.topic), RINGBUS_OK);
    while (check_moment(&moment, step))
        step *= 2;
    for (; step > 0; step /= 2)
        last += check_moment(&moment, last + step) ? step : 0;
    for (; last > 0 && has_time_for_a_part(began); last--)
        check_moment(&moment, last);
    ringbus_topic_close(moment.topic);
    polled_close(bus, moment.group);
}

START_TEST(a_post_at_any_moment_of_a_poll_is_handled_or_makes_it_readable)
{
    check_moments(post_to_it);
}
END_TEST

START_TEST(a_resume_at_any_moment_of_a_poll_is_obeyed_or_makes_it_readable)
{
    check_moments(resume_it);
}
END_TEST

/* ---- many events ---- */

struct poster {
    struct ringbus_bus *bus;
    uint64_t number, count;
    struct worker worker;
};

static void
post_all(void *context)
{
    const struct poster *poster = context;
    uint64_t random = poster->number + 1;

    for (uint64_t i = 0; i < poster->count; i++) {
        const uint64_t number = poster->number << 32 | i;

        MUST(ringbus_post(poster->bus, "a", &number, sizeof number) == 1, "refused");
        dawdle(&random, i % 512 == 0 ? 100000 : 30); /* now and then it is found asleep */
    }
}

static uint64_t next_of[POSTERS];

static void
check_order(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t number = number_of(event);

    (void)probe;
    MUST((number & UINT32_MAX) == next_of[number >> 32]++, "an event is lost, or out of order");
}

/* No poll is made but when the descriptor says so. */
static void
check_loop(uint32_t events, uint32_t max)
{
    static struct probe probe;
    struct poster posters[POSTERS];
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(64, NULL, &group);
    struct epoll_event wanted = {.events = events}, got;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);

    memset(next_of, 0, sizeof next_of);
    probe = (struct probe){.name = "polled", .act = check_order};
    join(group, bus, &probe, "a");
    MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ringbus_group_fd(group), &wanted) == 0, "epoll_ctl");
    for (uint64_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.bus = bus, .number = i, .count = scaled(EVENTS)};
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
    while (probe_calls(&probe) < POSTERS * scaled(EVENTS)) {
        const int patience = (int)((patience_ends() - ringbus_now_ns()) / 1000000);
        const int count = epoll_wait(epoll, &got, 1, patience);

        MUST(count != 0, "nothing for so long: a wake-up is lost after %d events",
            (int)probe_calls(&probe));
        MUST(count == 1 || errno == EINTR, "epoll_wait fails");
        MUST(ringbus_group_poll(group, max) >= 0, "poll fails");
    }
    for (int i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
    polled_close(bus, group);
    close(epoll);
}

START_TEST(a_loop_that_polls_when_it_is_readable_misses_nothing)
{
    check_loop(EPOLLIN, 8);
    check_loop(EPOLLIN | EPOLLET, 8);
    check_loop(EPOLLIN | EPOLLET, ALL);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("descriptor", it_is_readable_after_a_post_until_all_is_handled,
        it_is_readable_while_a_bound_has_left_something,
        it_is_readable_when_a_handler_has_posted_to_its_own_group,
        it_is_not_readable_for_events_of_a_paused_group_but_when_it_is_resumed,
        a_poll_of_one_group_leaves_the_others_readable,
        it_is_readable_from_the_end_of_a_bus_until_a_poll_has_told_it,
        it_is_readable_when_an_idle_bus_ends, it_is_readable_when_its_group_ends,
        it_serves_the_next_life_of_its_group,
        a_post_at_any_moment_of_a_poll_is_handled_or_makes_it_readable,
        a_resume_at_any_moment_of_a_poll_is_obeyed_or_makes_it_readable,
        a_loop_that_polls_when_it_is_readable_misses_nothing);
}
