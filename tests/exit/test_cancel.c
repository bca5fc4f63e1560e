/* test_cancel.c - no call of the bus is a cancellation point, and threads of the library handle no signal. */
#include <signal.h>
#include <string.h>

#include "exit/cancel.h"
#include "exit/exit.h"

static struct ringbus_bus *bus;
static struct atomic_u32 has_returned;

static void *
post_with_cancellation_pending(void *context)
{
    pthread_cancel(pthread_self());
    MUST(ringbus_post(bus, "a", NULL, 0) == 1, "not posted");
    store_u32(&has_returned, 1, TEST_RELEASE);
    leave_if_cancelled();
    MUST(false, "the thread was not cancelled");
    return context;
}

static void
open_group_with(struct probe *probe, uint32_t kind, uint32_t capacity)
{
    store_u32(&has_returned, 0, ORDER_COUNT);
    bus = bus_open(NULL);
    probe->group = group_open(bus, kind, capacity);
    probe_open(bus, probe);
    probe_register(probe, "a");
}

START_TEST(a_post_that_waits_for_room_is_not_cancelled)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    pthread_t thread;
    uint64_t sleeps = 0;

    os_watch_begin(0);
    gate_init(&gate);
    open_group_with(&probe, RINGBUS_GROUP_THREADS, 2);
    for (uint64_t i = 0; i < 2; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(try_post_number(bus, "a", 9), RINGBUS_EAGAIN);
    sleeps = os_watch_sleeps();
    ck_assert_int_eq(pthread_create(&thread, NULL, post_with_cancellation_pending, NULL), 0);
    AWAIT_ON(bus, os_watch_sleeps() > sleeps);
    gate_open(&gate);
    join_thread(bus, thread);
    ck_assert_uint_eq(load_u32(&has_returned, TEST_ACQUIRE), 1);
    bus_flush(bus);
    bus_close(bus);
    os_watch_end();
}
END_TEST

START_TEST(a_post_that_wakes_a_poll_is_not_cancelled)
{
    static struct probe probe;
    pthread_t thread;

    open_group_with(&probe, RINGBUS_GROUP_POLLED, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_with_cancellation_pending, NULL), 0);
    join_thread(bus, thread);
    ck_assert_uint_eq(load_u32(&has_returned, TEST_ACQUIRE), 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

static void *
poll_with_cancellation_pending(void *context)
{
    pthread_cancel(pthread_self());
    MUST(ringbus_group_poll(context, 1) == 1, "not polled");
    store_u32(&has_returned, 1, TEST_RELEASE);
    leave_if_cancelled();
    return NULL;
}

START_TEST(a_poll_is_not_cancelled)
{
    static struct probe probe;
    pthread_t thread;

    open_group_with(&probe, RINGBUS_GROUP_POLLED, 2);
    for (uint64_t i = 1; i <= 2; i++) /* after the poll its descriptor is set and cleared */
        ck_assert_int_eq(try_post_number(bus, "a", i), 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, poll_with_cancellation_pending, probe.group), 0);
    join_thread(bus, thread);
    ck_assert_uint_eq(load_u32(&has_returned, TEST_ACQUIRE), 1);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_poll(probe.group, 2), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

static void *
open_and_close_with_cancellation_pending(void *context)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_bus *opened = NULL;
    struct ringbus_group *polled = NULL;

    pthread_cancel(pthread_self());
    MUST(ringbus_open(NULL, &opened) == RINGBUS_OK, "no bus");
    options.kind = RINGBUS_GROUP_POLLED;
    MUST(ringbus_group_open(opened, &options, &polled) == RINGBUS_OK, "no group");
    MUST(ringbus_shutdown(opened, RINGBUS_DRAIN, RINGBUS_FOREVER) <= 1, "no shutdown");
    MUST(ringbus_group_poll(polled, 1) == RINGBUS_ESHUTDOWN, "not at the end");
    MUST(ringbus_close(opened) == RINGBUS_OK, "not closed");
    store_u32(&has_returned, 1, TEST_RELEASE);
    leave_if_cancelled();
    return context;
}

START_TEST(a_bus_is_opened_and_closed_though_the_thread_is_cancelled)
{
    pthread_t thread;

    store_u32(&has_returned, 0, ORDER_COUNT);
    ck_assert_int_eq(
        pthread_create(&thread, NULL, open_and_close_with_cancellation_pending, NULL), 0);
    join_thread(NULL, thread);
    ck_assert_uint_eq(load_u32(&has_returned, TEST_ACQUIRE), 1);
}
END_TEST

static void
look_at_mask(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    pthread_sigmask(SIG_SETMASK, NULL, probe->of_act);
}

START_TEST(a_handler_on_a_thread_of_the_library_sees_all_signals_blocked)
{
    static sigset_t mask;
    static struct probe probe = {.act = look_at_mask, .of_act = &mask};
    const int signals[] = {SIGINT, SIGTERM, SIGALRM, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGPIPE};

    open_group_with(&probe, RINGBUS_GROUP_THREADS, 2);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        ck_assert_int_eq(sigismember(&mask, signals[i]), 1);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("cancel", a_post_that_waits_for_room_is_not_cancelled,
        a_post_that_wakes_a_poll_is_not_cancelled, a_poll_is_not_cancelled,
        a_bus_is_opened_and_closed_though_the_thread_is_cancelled,
        a_handler_on_a_thread_of_the_library_sees_all_signals_blocked);
}
