/* test_fork_uv.c - a child is refused the adapter's calls; its parent's loop runs nothing, its own one works. */
#include "bus/bus.h"
#include "process/child.h"
#include "uv/fixture.h"

static struct place place;
static struct ringbus_bus *bus;
static struct ringbus_group *group;
static struct atomic_u32 calls, callbacks;

static struct ringbus_bus *
open_bus_here(void)
{
    struct ringbus_bus *opened = NULL;

    MUST(ringbus_open(NULL, &opened) == RINGBUS_OK, "no bus");
    return opened;
}

static int
count_event(const struct ringbus_event *event, void *context)
{
    (void)event;
    add_u32(context, 1, ORDER_COUNT);
    return 0;
}

static void
count_callback(void *context)
{
    (void)context;
    add_u32(&callbacks, 1, ORDER_COUNT);
}

static void
open_group_on(struct ringbus_bus *of, struct place *at, struct ringbus_group **ret_group)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    MUST(ringbus_uv_group_open(of, &at->loop, NULL, ret_group) == RINGBUS_OK, "no group");
    options.group = *ret_group;
    MUST(ringbus_consumer_open(of, count_event, &calls, &options, &consumer) == 0, "no consumer");
    MUST(ringbus_register_consumer(of, consumer, "a") == RINGBUS_OK, "not registered");
}

static void
open_all(void)
{
    store_u32(&calls, 0, ORDER_COUNT);
    store_u32(&callbacks, 0, ORDER_COUNT);
    place_open(&place);
    bus = open_bus_here();
    open_group_on(bus, &place, &group);
}

static void
close_all(void)
{
    store_u32(&callbacks, 0, ORDER_COUNT);
    ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 1);
    ck_assert_int_eq(
        ringbus_uv_detach(group, RINGBUS_DRAIN, count_callback, NULL), RINGBUS_PENDING);
    RUN_UNTIL(&place, load_u32(&callbacks, ORDER_COUNT) == 1);
    ck_assert_uint_eq(load_u32(&calls, ORDER_COUNT), 1);
    place_close(&place);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_OK);
}

static void
call_everything(void *context)
{
    struct ringbus_group *other = NULL;

    (void)context;
    FORKED(ringbus_uv_group_open(bus, &place.loop, NULL, &other));
    FORKED(ringbus_uv_on_writable(bus, &place.loop, count_callback, NULL));
    FORKED(ringbus_uv_detach(group, RINGBUS_DRAIN, count_callback, NULL));
    FORKED(ringbus_uv_detach(group, RINGBUS_DISCARD, NULL, NULL));
    FORKED(ringbus_uv_ref(bus, &place.loop));
    FORKED(ringbus_uv_unref(bus, &place.loop));
    FORKED(ringbus_close(bus));
    MUST(other == NULL, "a result was written");
}

START_TEST(every_call_of_a_child_is_refused)
{
    open_all();
    lock_acquire(&ringbus__process()->adapters.lock);
    fork_and(call_everything, NULL);
    lock_release(&ringbus__process()->adapters.lock);
    close_all();
}
END_TEST

static void
run_own_loop(void *context)
{
    struct place own;
    struct ringbus_bus *own_bus = open_bus_here();
    struct ringbus_group *own_group = NULL;

    (void)context;
    store_u32(&callbacks, 0, ORDER_COUNT);
    place_open(&own);
    open_group_on(own_bus, &own, &own_group);
    MUST(ringbus_post(own_bus, "a", NULL, 0) == 1, "not posted");
    RUN_UNTIL(&own, load_u32(&calls, ORDER_COUNT) == 1);
    MUST(ringbus_uv_detach(own_group, RINGBUS_DRAIN, count_callback, NULL) == RINGBUS_PENDING,
        "not detached");
    RUN_UNTIL(&own, load_u32(&callbacks, ORDER_COUNT) == 1);
    place_close(&own);
    MUST(ringbus_close(own_bus) == RINGBUS_OK, "the bus does not close");
}

START_TEST(a_child_runs_a_loop_of_its_own)
{
    open_all();
    lock_acquire(&ringbus__process()->adapters.lock);
    fork_and(run_own_loop, NULL);
    lock_release(&ringbus__process()->adapters.lock);
    close_all();
}
END_TEST

/* As libuv does when the handle was woken; what was sent before the fork it may have forgotten. */
static void
call_async(uv_handle_t *handle, void *context)
{
    uv_async_t *async = (uv_async_t *)handle;

    (void)context;
    if (handle->type == UV_ASYNC)
        async->async_cb(async);
}

static void
run_inherited_loop(void *context)
{
    (void)context;
    MUST(uv_loop_fork(&place.loop) == 0, "libuv refuses its loop to the child");
    uv_walk(&place.loop, call_async, NULL);
    for (int i = 0; i < 8; i++)
        turn(&place);
    MUST(load_u32(&calls, ORDER_COUNT) == 0, "a handler of the parent's has run");
    call_everything(NULL);
}

START_TEST(a_loop_that_a_child_goes_on_with_runs_no_handler)
{
    open_all();
    ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 1); /* the loop is woken */
    fork_and(run_inherited_loop, NULL);
    RUN_UNTIL(&place, load_u32(&calls, ORDER_COUNT) == 1);
    store_u32(&calls, 0, ORDER_COUNT);
    close_all();
}
END_TEST

/* The child goes on with the turn in which the handle is being closed. */
static pid_t child = -1;

static void
fork_in_turn(uv_check_t *check)
{
    int status = 0;

    uv_close((uv_handle_t *)check, NULL);
    fflush(NULL);
    lock_acquire(&bus->lock);
    child = fork();
    if (child == 0) {
        end_in_time();
        return;
    }
    lock_release(&bus->lock);
    MUST(waitpid(child, &status, 0) == child && status == 0, "the child ended with %#x",
        (unsigned)status);
}

START_TEST(a_handle_that_is_closing_calls_back_in_the_parent_only)
{
    uv_check_t check;

    open_all();
    settle(&place);
    uv_check_init(&place.loop, &check);
    uv_check_start(&check, fork_in_turn);
    ck_assert_int_eq(
        ringbus_uv_detach(group, RINGBUS_DRAIN, count_callback, NULL), RINGBUS_PENDING);
    turn(&place);
    if (child == 0)
        _exit(load_u32(&callbacks, ORDER_COUNT) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    RUN_UNTIL(&place, load_u32(&callbacks, ORDER_COUNT) == 1);
    place_close(&place);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_OK);
}
END_TEST

int
main(void)
{
    if (!CHILDREN_START_THREADS)
        return TEST_SKIPPED;
    return RUN_TESTS("fork_uv", every_call_of_a_child_is_refused, a_child_runs_a_loop_of_its_own,
        a_loop_that_a_child_goes_on_with_runs_no_handler,
        a_handle_that_is_closing_calls_back_in_the_parent_only);
}
