/* test_uv.c - a thread exits in a handler that its loop runs: nobody else waits for what the loop had to do. */
#include "bus/group.h"
#include "exit/cancel.h"
#include "support/gate.h"
#include "uv/fixture.h"

static struct place place;
static struct ringbus_bus *bus;
static struct ringbus_group *group, *lanes;
static struct atomic_u32 errors, told;

static void
join_in_time(pthread_t thread)
{
    MUST(IN_TIME(NULL, pthread_join(thread, NULL)) == 0, "not joined");
}

static void
count_error(struct ringbus_bus *on, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    (void)on;
    (void)event;
    (void)consumer;
    (void)context;
    MUST(code == RINGBUS_ESHUTDOWN, "another code: %d", code);
    add_u32(&errors, 1, ORDER_COUNT);
}

static void
count_undelivered(
    struct ringbus_bus *on, const struct ringbus_undelivered *undelivered, void *context)
{
    (void)on;
    (void)context;
    add_u32(&told, (uint32_t)undelivered->count, ORDER_COUNT);
}

static void
open_here(void)
{
    struct ringbus_options options = ringbus_options_default();

    options.on_error = count_error;
    options.on_undelivered = count_undelivered;
    store_u32(&errors, 0, ORDER_COUNT);
    store_u32(&told, 0, ORDER_COUNT);
    MUST(ringbus_open(&options, &bus) == RINGBUS_OK, "no bus");
}

static int
leave(const struct ringbus_event *event, void *context)
{
    (void)event;
    pthread_exit(context);
}

static void
add_consumer(ringbus_handler handler, struct ringbus_group *of, const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = of;
    MUST(ringbus_consumer_open(bus, handler, NULL, &options, &consumer) == 0, "no consumer");
    MUST(ringbus_register_consumer(bus, consumer, topic) == RINGBUS_OK, "not registered");
}

static void
run_loop(void)
{
    place_open(&place);
    MUST(ringbus_uv_group_open(bus, &place.loop, NULL, &group) == RINGBUS_OK, "no group");
    add_consumer(leave, group, "loop");
    for (int i = 0; i < 3; i++)
        MUST(ringbus_try_post(bus, "loop", NULL, 0) == 1, "not posted");
    uv_run(&place.loop, UV_RUN_DEFAULT);
    MUST(false, "the loop has come back");
}

static void *
run_loop_on_thread(void *context)
{
    run_loop();
    return context;
}

static int
run_loop_in_handler(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    run_loop();
    return 0;
}

static void
check_end(void)
{
    MUST(ringbus_post(bus, "loop", NULL, 0) == RINGBUS_ESHUTDOWN, "the loop's group is whole");
    MUST(ringbus_flush(bus, patience_ends()) == RINGBUS_OK, "not flushed");
    MUST(ringbus_shutdown(bus, RINGBUS_DRAIN, patience_ends()) == RINGBUS_OK, "no shutdown");
    for (uint32_t i = 0; i < bus->options.max_groups; i++) /* as a close would */
        if (ringbus__group_at(bus, i) != NULL)
            ringbus__group_join(ringbus__group_at(bus, i));
}

static void
lose_thread(void)
{
    pthread_t thread;

    open_here();
    MUST(pthread_create(&thread, NULL, run_loop_on_thread, NULL) == 0, "no thread");
    join_in_time(thread);
    check_end();
    MUST(load_u32(&errors, ORDER_COUNT) == 1, "not told once");
    MUST(load_u32(&told, ORDER_COUNT) == 3, "not all is named");
}

static void
lose_lane(void)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    open_here();
    options.lanes = 2;
    MUST(ringbus_group_open(bus, &options, &lanes) == RINGBUS_OK, "no group");
    add_consumer(run_loop_in_handler, lanes, "lanes");
    MUST(ringbus_post(bus, "lanes", NULL, 0) == 1, "not posted");
    AWAIT(load_u32(&errors, ORDER_COUNT) == 2);
    MUST(ringbus_post(bus, "lanes", NULL, 0) == RINGBUS_ESHUTDOWN, "the lanes' group is whole");
    check_end();
    MUST(load_u32(&told, ORDER_COUNT) == 3 + 1, "not all is named");
}

/* In children, since such a bus cannot be closed. */
START_TEST(a_loop_that_has_lost_its_thread_holds_up_nobody)
{
    run_in_child(lose_thread);
}
END_TEST

START_TEST(a_lane_whose_handler_runs_a_loop_ends_with_it)
{
    run_in_child(lose_lane);
}
END_TEST

/* ---- cancellation ---- */

static struct atomic_u32 has_returned;

static void *
post_with_cancellation_pending(void *context)
{
    pthread_cancel(pthread_self());
    MUST(ringbus_post(bus, "a", NULL, 0) == 1, "not posted");
    store_u32(&has_returned, 1, TEST_RELEASE);
    leave_if_cancelled();
    return context;
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

static void
on_left(void *context)
{
    store_u32(context, 1, ORDER_COUNT);
}

START_TEST(a_post_that_wakes_a_loop_is_no_cancellation_point)
{
    struct atomic_u32 has_left = {0};
    pthread_t thread;

    open_here();
    place_open(&place);
    ck_assert_int_eq(ringbus_uv_group_open(bus, &place.loop, NULL, &group), RINGBUS_OK);
    add_consumer(ignore, group, "a");
    settle(&place); /* the loop sleeps: the post writes */
    store_u32(&has_returned, 0, ORDER_COUNT);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_with_cancellation_pending, NULL), 0);
    join_in_time(thread);
    ck_assert_uint_eq(load_u32(&has_returned, TEST_ACQUIRE), 1);
    ck_assert_int_eq(ringbus_uv_detach(group, RINGBUS_DRAIN, on_left, &has_left), RINGBUS_PENDING);
    RUN_UNTIL(&place, load_u32(&has_left, ORDER_COUNT) == 1);
    place_close(&place);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_OK);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("exit_uv", a_loop_that_has_lost_its_thread_holds_up_nobody,
        a_lane_whose_handler_runs_a_loop_ends_with_it,
        a_post_that_wakes_a_loop_is_no_cancellation_point);
}
