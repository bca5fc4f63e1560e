/* test_caller.c - a thread exits in a handler of a caller group: the group ends loudly, and nobody waits for it. */
#include <semaphore.h>
#include <string.h>

#include "bus/post/serial.h"
#include "exit/cancel.h"
#include "exit/exit.h"

static struct hooks hooks;
static struct ringbus_bus *bus;
static struct ringbus_group *broken, *other;

static void
open_groups(void)
{
    struct ringbus_options options = options_with(&hooks);

    memset(&hooks, 0, sizeof hooks);
    bus = bus_open(&options);
    broken = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    other = group_open(bus, RINGBUS_GROUP_CALLER, 4);
}

START_TEST(the_error_hook_is_told_once_of_whom_the_thread_was_calling)
{
    static struct probe leaver = {.act = exit_in_handler};

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 1);
    ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
    ck_assert_ptr_eq(hooks.consumer, leaver.consumer);
    ck_assert(!hooks.has_event);
    ck_assert(!pthread_equal(hooks.thread, pthread_self()));
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
}
END_TEST

START_TEST(posts_that_would_reach_the_group_are_refused_and_reach_nobody)
{
    static struct probe leaver = {.act = exit_in_handler}, direct, queued;
    struct ringbus_topic *topic = NULL;

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &direct, "direct", other, "a");
    add_probe(bus, &queued, "queued", NULL, "a");
    probe_register(&direct, "b");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(try_post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 0, NULL), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(post_number(bus, "b", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&direct, 3);
    CHECK_NUMBERS(&queued, 1);
    ringbus_topic_close(topic);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

START_TEST(posts_go_on_to_the_others_when_the_group_is_closed)
{
    static struct probe leaver = {.act = exit_in_handler}, queued;

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &queued, "queued", NULL, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(broken, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&queued, 1, 2);
    end_bus(bus, RINGBUS_DISCARD);
}
END_TEST

START_TEST(a_new_group_takes_the_place_of_a_broken_one)
{
    static struct probe leaver = {.act = exit_in_handler}, heir;

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(broken, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_ptr_eq(group_open(bus, RINGBUS_GROUP_CALLER, 4), broken);
    add_probe(bus, &heir, "heir", broken, "a");
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    CHECK_NUMBERS(&heir, 2);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

static int
leave(const struct ringbus_event *event, void *context)
{
    (void)event;
    pthread_exit(context);
}

START_TEST(nothing_is_registered_in_a_broken_group)
{
    static struct probe leaver = {.act = exit_in_handler};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *late = NULL;

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    options.group = broken;
    ck_assert_int_eq(ringbus_consumer_open(bus, leave, NULL, &options, &late), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_register_consumer(bus, leaver.consumer, "b"), RINGBUS_ESHUTDOWN);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

/* ---- how it ends ---- */

static void
check_close_of(enum ringbus_how how, bool is_thread_safe)
{
    static struct probe leaver;

    leaver = (struct probe){.act = exit_in_handler, .is_thread_safe = is_thread_safe};
    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(leaver.consumer, how)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&leaver.destroyed, ORDER_COUNT), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 0);
    end_bus(bus, how);
}

START_TEST(the_consumer_can_be_closed)
{
    check_close_of(RINGBUS_DRAIN, false);
    check_close_of(RINGBUS_DISCARD, false);
    check_close_of(RINGBUS_DRAIN, true);
    check_close_of(RINGBUS_DISCARD, true);
}
END_TEST

START_TEST(a_bus_that_was_not_shut_down_can_be_closed)
{
    static struct probe leaver = {.act = exit_in_handler};

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&leaver.destroyed, ORDER_COUNT), 1);
}
END_TEST

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

static int
drain(void *context)
{
    return ringbus_shutdown(context, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

static int
close_group(void *context)
{
    (void)context;
    return ringbus_group_close(broken, RINGBUS_DRAIN);
}

static int
close_consumer(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

/* Who waits for the handler is woken by the exit. */
static void
check_that_wakes(int (*wait)(void *context), bool is_of_consumer)
{
    static struct gate gate;
    static struct probe leaver;
    struct last_post post = {.topic = "a", .number = 1};
    struct call call;
    pthread_t thread;

    gate_init(&gate);
    leaver = (struct probe){.act = exit_in_handler, .gate = &gate};
    calls_begin();
    open_groups();
    post.bus = bus;
    add_probe(bus, &leaver, "leaver", broken, "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, post_last, &post), 0);
    gate_await(&gate, 1);
    call_start(&call, wait, is_of_consumer ? (void *)leaver.consumer : (void *)bus);
    ck_assert(!call_is_done(&call));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "who waits for the handler"), RINGBUS_OK);
    join_thread(bus, thread);
    bus_close(bus);
    calls_end();
}

START_TEST(who_waits_for_the_handler_is_woken)
{
    check_that_wakes(flush, false);
    check_that_wakes(drain, false);
    check_that_wakes(close_group, false);
    check_that_wakes(close_consumer, true);
}
END_TEST

/* ---- other threads ---- */

static void *
post_once(void *context)
{
    const struct last_post *post = context;

    MUST(ringbus_post(post->bus, post->topic, &post->number, sizeof post->number) == 1,
        "not posted");
    return NULL;
}

START_TEST(a_serialized_consumer_is_entered_by_who_waited_for_it)
{
    static struct gate gate;
    static const uint64_t one = 1;
    static struct probe leaver = {
        .act = exit_for_number, .of_act = (void *)(uintptr_t)&one, .gate = &gate};
    struct last_post first = {.topic = "a", .number = 1}, second = {.topic = "a", .number = 2};
    pthread_t threads[2];

    gate_init(&gate);
    open_groups();
    first.bus = second.bus = bus;
    add_probe(bus, &leaver, "leaver", broken, "a");
    ck_assert_int_eq(pthread_create(&threads[0], NULL, post_last, &first), 0);
    gate_await(&gate, 1);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, post_once, &second), 0);
    AWAIT(load_u32(&leaver.consumer->serial.word, ORDER_HINT) == 2); /* it sleeps there */
    gate_open(&gate);
    join_thread(bus, threads[0]);
    join_thread(bus, threads[1]);
    ck_assert_uint_eq(probe_calls(&leaver), 1);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

static void
stay_and_leave(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 2)
        return;
    gate_pass(probe->of_act);
    leave_probe(probe);
}

static void *
post_once_and_last(void *context)
{
    struct last_post once = *(const struct last_post *)context;

    once.number = 1;
    (void)post_once(&once);
    return post_last(context);
}

START_TEST(so_it_is_when_its_usual_thread_exits)
{
    static struct gate gate;
    static struct probe leaver = {.act = stay_and_leave, .of_act = &gate};
    struct last_post first = {.topic = "a", .number = 2}, second = {.topic = "a", .number = 3};
    pthread_t threads[2];

    gate_init(&gate);
    open_groups();
    first.bus = second.bus = bus;
    add_probe(bus, &leaver, "leaver", broken, "a");
    ck_assert_int_eq(pthread_create(&threads[0], NULL, post_once_and_last, &first), 0);
    gate_await(&gate, 1);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, post_once, &second), 0);
    AWAIT(load_u64(&leaver.consumer->first_thread, ORDER_HINT) & SERIAL_SHARED);
    gate_open(&gate);
    join_thread(bus, threads[0]);
    join_thread(bus, threads[1]);
    ck_assert_uint_eq(probe_calls(&leaver), 2);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

START_TEST(another_thread_in_a_thread_safe_consumer_goes_on)
{
    static struct gate gate;
    static const uint64_t one = 1;
    static struct probe leaver = {.act = exit_for_number,
        .of_act = (void *)(uintptr_t)&one,
        .gate = &gate,
        .is_thread_safe = true};
    struct last_post first = {.topic = "a", .number = 1}, second = {.topic = "a", .number = 2};
    pthread_t threads[2];

    gate_init(&gate);
    open_groups();
    first.bus = second.bus = bus;
    add_probe(bus, &leaver, "leaver", broken, "a");
    ck_assert_int_eq(pthread_create(&threads[0], NULL, post_last, &first), 0);
    ck_assert_int_eq(pthread_create(&threads[1], NULL, post_once, &second), 0);
    gate_await(&gate, 2);
    gate_open(&gate);
    join_thread(bus, threads[0]);
    join_thread(bus, threads[1]);
    ck_assert_uint_eq(probe_calls(&leaver), 1);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
}
END_TEST

/* ---- cancelled ---- */

static void
be_cancelled(void *context)
{
    struct probe *probe = context;

    add_u32(&probe->inside, (uint32_t)-1, ORDER_COUNT);
    forget_stack(NULL);
}

static void
wait_to_be_cancelled(struct probe *probe, const struct ringbus_event *event)
{
    sem_t never;

    (void)event;
    sem_init(&never, 0, 0);
    pthread_cleanup_push(be_cancelled, probe);
    sem_wait(&never);
    pthread_cleanup_pop(0);
}

START_TEST(a_thread_that_is_cancelled_in_a_handler_ends_its_group)
{
    static struct gate gate;
    static struct probe leaver = {.act = wait_to_be_cancelled, .gate = &gate};
    struct last_post post = {.topic = "a", .number = 1};
    pthread_t thread;

    gate_init(&gate);
    gate_open(&gate);
    open_groups();
    post.bus = bus;
    add_probe(bus, &leaver, "leaver", broken, "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, post_last, &post), 0);
    gate_await(&gate, 1);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    join_thread(bus, thread);
    ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    end_bus(bus, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
}
END_TEST

static void *
post_and_post_last(void *context)
{
    MUST(post_number(context, "a", 1) == 1, "the first post fails");
    MUST(post_number(context, "a", 2) == 0 && false, "the thread has come back");
    return NULL;
}

/* The second post has found the topic without a lock, and has no reference that anybody could give back. */
START_TEST(a_topic_that_a_post_by_name_has_found_goes_after_its_thread)
{
    static const uint64_t second = 2;
    static struct probe leaver = {.act = exit_for_number, .of_act = (void *)(uintptr_t)&second};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_topic *topic = NULL;
    pthread_t thread;

    memset(&hooks, 0, sizeof hooks);
    options.max_topics = 1;
    bus = bus_open(&options);
    add_probe(bus, &leaver, "leaver", group_open(bus, RINGBUS_GROUP_CALLER, 4), "a");
    MUST(pthread_create(&thread, NULL, post_and_post_last, bus) == 0, "no thread");
    join_thread(bus, thread);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_consumer_close(leaver.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_OK);
    ringbus_topic_close(topic);
    end_bus(bus, RINGBUS_DRAIN);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("exit", the_error_hook_is_told_once_of_whom_the_thread_was_calling,
        posts_that_would_reach_the_group_are_refused_and_reach_nobody,
        posts_go_on_to_the_others_when_the_group_is_closed,
        a_new_group_takes_the_place_of_a_broken_one, nothing_is_registered_in_a_broken_group,
        the_consumer_can_be_closed, a_bus_that_was_not_shut_down_can_be_closed,
        who_waits_for_the_handler_is_woken, a_serialized_consumer_is_entered_by_who_waited_for_it,
        so_it_is_when_its_usual_thread_exits, another_thread_in_a_thread_safe_consumer_goes_on,
        a_thread_that_is_cancelled_in_a_handler_ends_its_group,
        a_topic_that_a_post_by_name_has_found_goes_after_its_thread);
}
