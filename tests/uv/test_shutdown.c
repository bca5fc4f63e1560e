/* test_shutdown.c - shutdown, flush and close of a bus that has a loop, from the loop's thread and from others. */
#include "bus/group.h"
#include "ring/ring.h"
#include "uv/inbox.h"

enum { CAPACITY = 16, POSTED = 10 };

/* One loop with one group that handles one event a turn, ten events in its ring. */
struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    struct ringbus_group *group;
    struct ringbus_consumer *consumer;
    struct inbox inbox;
    struct atomic_u32 ends;    /* calls of on_shutdown */
    struct atomic_u64 unheard; /* events that on_undelivered has named */
    struct worker worker;      /* a thread that calls something of the bus, */
    int (*call)(struct scene *scene);
    struct atomic_u32 is_calling;
    int outcome; /* and what it was answered */
};

static void
on_shutdown(struct ringbus_bus *bus, void *context)
{
    struct scene *scene = context;

    MUST(bus == scene->bus, "another bus");
    add_u32(&scene->ends, 1, ORDER_WAKE);
}

static void
on_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    struct scene *scene = context;

    MUST(bus == scene->bus && strcmp(undelivered->topic, "t") == 0, "another topic");
    add_u64(&scene->unheard, undelivered->count, ORDER_WAKE);
}

static void
scene_open(struct scene *scene, ringbus_handler handler, void *context)
{
    struct ringbus_options options = ringbus_options_default();

    memset(scene, 0, sizeof *scene);
    options.on_shutdown = on_shutdown;
    options.on_undelivered = on_undelivered;
    options.hook_context = scene;
    scene->bus = open_bus_with(&scene->memory, options);
    place_open(&scene->place);
    inbox_open(&scene->inbox);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
    scene->consumer = consume(scene->bus, scene->group, handler, context, "t");
    settle(&scene->place);
    MUST(post_numbers(scene->bus, "t", POSTED) == POSTED, "the ring is full");
}

static uint32_t
ends(const struct scene *scene)
{
    return load_u32(&scene->ends, ORDER_STATE_ACQUIRE);
}

static void
scene_close(struct scene *scene)
{
    detach_and_close(scene->bus, &scene->memory, &scene->place, scene->group);
}

static void
run_call(void *context)
{
    struct scene *scene = context;

    store_u32(&scene->is_calling, 1, ORDER_STATE_RELEASE);
    scene->outcome = scene->call(scene);
}

/* Begin a call on another thread; it sleeps, or is about to. */
static void
call_begin(struct scene *scene, int (*call)(struct scene *scene))
{
    scene->call = call;
    worker_start(&scene->worker, run_call, scene);
    AWAIT(load_u32(&scene->is_calling, ORDER_STATE_ACQUIRE));
}

/* Run the loop until `condition`, then wait for the call. */
#define CALL_END(scene, condition)                                                                 \
    do {                                                                                           \
        RUN_UNTIL(&(scene)->place, condition);                                                     \
        worker_join(&(scene)->worker, "the call");                                                 \
    } while (0)

/* ---- from another thread ---- */

static int
shut_down_drain(struct scene *scene)
{
    return ringbus_shutdown(scene->bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

static int
shut_down_discard(struct scene *scene)
{
    return ringbus_shutdown(scene->bus, RINGBUS_DISCARD, RINGBUS_FOREVER);
}

START_TEST(another_thread_shuts_the_bus_down_while_the_loop_drains_it)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    call_begin(&scene, shut_down_drain);
    CALL_END(&scene, ends(&scene) > 0);
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    ck_assert_int_eq(post_number(scene.bus, "t", 0), RINGBUS_ESHUTDOWN);
    scene_close(&scene);
    ck_assert_uint_eq(ends(&scene), 1);
}
END_TEST

START_TEST(another_thread_discards_what_the_loop_has_not_handled)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    turn(&scene.place);
    turn(&scene.place);
    call_begin(&scene, shut_down_discard);
    RUN_UNTIL(&scene.place, ends(&scene) > 0);
    worker_join(&scene.worker, "the call");
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    ck_assert_uint_ge(received(&scene.inbox), 2);
    ck_assert_uint_eq(
        received(&scene.inbox) + load_u64(&scene.unheard, ORDER_STATE_ACQUIRE), POSTED);
    scene_close(&scene);
}
END_TEST

static int
shut_down_now(struct scene *scene)
{
    return ringbus_shutdown(scene->bus, RINGBUS_DRAIN, 0);
}

START_TEST(a_deadline_ends_a_shutdown_that_waits_for_a_loop_that_does_not_run)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    call_begin(&scene, shut_down_now);
    worker_join(&scene.worker, "the shutdown");
    ck_assert_int_eq(scene.outcome, RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(load_u64(&scene.unheard, ORDER_STATE_ACQUIRE), POSTED);
    ck_assert_uint_eq(ends(&scene), 0);
    call_begin(&scene, shut_down_drain);
    CALL_END(&scene, ends(&scene) > 0);
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

START_TEST(an_abandoned_claim_in_a_loops_ring_does_not_hold_up_a_shutdown)
{
    struct scene scene;
    int64_t sequence = 0;

    scene_open(&scene, receive, &scene.inbox);
    sequence = ringbus__ring_claim_now(scene.group->ring, 3, 0, false);
    call_begin(&scene, shut_down_drain);
    AWAIT(post_number(scene.bus, "nobody", 0) == RINGBUS_ESHUTDOWN);
    settle(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    ck_assert_uint_eq(ends(&scene), 0);
    ringbus_ring_abandon(scene.group->ring, sequence, 3);
    CALL_END(&scene, ends(&scene) > 0);
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    scene_close(&scene);
}
END_TEST

static int
flush_bus(struct scene *scene)
{
    return ringbus_flush(scene->bus, RINGBUS_FOREVER);
}

START_TEST(another_thread_flushes_what_is_in_the_loops_ring)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    call_begin(&scene, flush_bus);
    CALL_END(&scene, received(&scene.inbox) == POSTED);
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    scene_close(&scene);
}
END_TEST

/* ---- on the loop's thread ---- */

START_TEST(a_shutdown_on_the_loops_thread_begins_and_the_loop_completes_it)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    ck_assert_int_eq(shut_down_drain(&scene), RINGBUS_PENDING);
    ck_assert_int_eq(shut_down_drain(&scene), RINGBUS_PENDING);
    ck_assert_int_eq(post_number(scene.bus, "t", 0), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(ends(&scene), 0);
    settle(&scene.place);
    ck_assert_uint_eq(ends(&scene), 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    ck_assert_int_eq(shut_down_drain(&scene), RINGBUS_OK);
    settle(&scene.place);
    ck_assert(!is_woken(&scene.place));
    scene_close(&scene);
    ck_assert_uint_eq(ends(&scene), 1);
}
END_TEST

START_TEST(a_shutdown_with_discard_on_the_loops_thread_names_what_is_thrown_away)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    turn(&scene.place);
    ck_assert_int_eq(shut_down_discard(&scene), RINGBUS_PENDING);
    settle(&scene.place);
    ck_assert_uint_eq(ends(&scene), 1);
    ck_assert(has_received(&scene.inbox, 0, 1));
    ck_assert_uint_eq(load_u64(&scene.unheard, ORDER_STATE_ACQUIRE), POSTED - 1);
    scene_close(&scene);
}
END_TEST

/* Shut down at the first event, and post two more while the bus drains. */
static int
shut_down_in_handler(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    if (received(&scene->inbox) == 0)
        MUST(shut_down_drain(scene) == RINGBUS_PENDING, "shutdown in a handler");
    if (received(&scene->inbox) < 2)
        MUST(post_number(scene->bus, "t", POSTED + received(&scene->inbox)) == 1, "a post");
    MUST(ends(scene) == 0, "the bus has ended under a handler");
    return receive(event, &scene->inbox);
}

START_TEST(a_handler_shuts_the_bus_down_and_handlers_go_on_posting)
{
    struct scene scene;

    scene_open(&scene, shut_down_in_handler, &scene);
    settle(&scene.place);
    ck_assert_uint_eq(ends(&scene), 1);
    ck_assert(has_received(&scene.inbox, 0, POSTED + 2));
    scene_close(&scene);
}
END_TEST

static int
flush_in_handler(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    MUST(flush_bus(scene) == RINGBUS_EDEADLK, "flush");
    MUST(ringbus_close(scene->bus) == RINGBUS_EBUSY, "close");
    return receive(event, &scene->inbox);
}

START_TEST(a_flush_on_the_loops_thread_would_wait_for_itself)
{
    struct scene scene;

    scene_open(&scene, flush_in_handler, &scene);
    ck_assert_int_eq(flush_bus(&scene), RINGBUS_EDEADLK);
    settle(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    scene_close(&scene);
}
END_TEST

START_TEST(a_bus_is_not_closed_while_a_loop_is_attached)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    ck_assert_int_eq(ringbus_close(scene.bus), RINGBUS_EBUSY);
    settle(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, POSTED));
    ck_assert_int_eq(ringbus_close(scene.bus), RINGBUS_EBUSY);
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 1); /* nothing has changed */
    scene_close(&scene);
}
END_TEST

/* ---- a consumer is closed ---- */

START_TEST(on_the_loops_thread_a_consumer_is_discarded_at_once)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    ck_assert_int_eq(ringbus_consumer_close(scene.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    settle(&scene.place);
    ck_assert_uint_eq(received(&scene.inbox), 0);
    scene_close(&scene);
}
END_TEST

static int
close_in_handler(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;

    if (received(&scene->inbox) == 0)
        MUST(ringbus_consumer_close(scene->consumer, RINGBUS_DRAIN) == RINGBUS_PENDING, "close");
    return receive(event, &scene->inbox);
}

START_TEST(a_handler_closes_its_own_consumer_with_drain)
{
    struct scene scene;

    scene_open(&scene, close_in_handler, &scene);
    ck_assert_int_eq(post_number(scene.bus, "t", POSTED), 1);
    turn(&scene.place);
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 0);
    settle(&scene.place);
    ck_assert(has_received(&scene.inbox, 0, POSTED + 1));
    scene_close(&scene);
}
END_TEST

static int
close_drain(struct scene *scene)
{
    return ringbus_consumer_close(scene->consumer, RINGBUS_DRAIN);
}

START_TEST(another_thread_closes_a_consumer_and_waits_for_the_loop)
{
    struct scene scene;

    scene_open(&scene, receive, &scene.inbox);
    call_begin(&scene, close_drain);
    CALL_END(&scene, received(&scene.inbox) == POSTED);
    ck_assert_int_eq(scene.outcome, RINGBUS_OK);
    ck_assert_int_eq(post_number(scene.bus, "t", 0), 0);
    scene_close(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("uv shutdown", another_thread_shuts_the_bus_down_while_the_loop_drains_it,
        another_thread_discards_what_the_loop_has_not_handled,
        a_deadline_ends_a_shutdown_that_waits_for_a_loop_that_does_not_run,
        an_abandoned_claim_in_a_loops_ring_does_not_hold_up_a_shutdown,
        another_thread_flushes_what_is_in_the_loops_ring,
        a_shutdown_on_the_loops_thread_begins_and_the_loop_completes_it,
        a_shutdown_with_discard_on_the_loops_thread_names_what_is_thrown_away,
        a_handler_shuts_the_bus_down_and_handlers_go_on_posting,
        a_flush_on_the_loops_thread_would_wait_for_itself,
        a_bus_is_not_closed_while_a_loop_is_attached,
        on_the_loops_thread_a_consumer_is_discarded_at_once,
        a_handler_closes_its_own_consumer_with_drain,
        another_thread_closes_a_consumer_and_waits_for_the_loop);
}
