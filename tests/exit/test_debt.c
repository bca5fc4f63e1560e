/* test_debt.c - what a thread that exits in a handler of a caller group owed: it is counted, and nobody waits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus/consumer.h"
#include "bus/group.h"
#include "exit/exit.h"

static struct hooks hooks;
static struct ringbus_bus *bus;
static struct ringbus_group *broken, *other;
static struct faulty_allocator memory;

static struct ringbus_bus *
open_with(struct hooks *told)
{
    struct ringbus_options options = options_with(told);

    options.allocator = &memory.allocator;
    options.max_topics = 8;
    return bus_open(&options);
}

static void
open_groups(void)
{
    memset(&hooks, 0, sizeof hooks);
    faulty_allocator_init(&memory, 0, 0);
    bus = open_with(&hooks);
    broken = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    other = group_open(bus, RINGBUS_GROUP_CALLER, 4);
}

/* Nothing is left behind, and so many events have been told of: of all topics and consumers. */
static void
check_end(uint64_t told)
{
    uint64_t sum = 0;

    end_bus(bus, RINGBUS_DRAIN);
    for (uint32_t i = 0; i < load_u32(&hooks.rows, ORDER_COUNT); i++)
        sum += hooks.row[i].count;
    ck_assert_uint_eq(sum, told);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}

/* ---- the event ---- */

START_TEST(those_after_the_handler_do_not_get_the_event_and_are_named)
{
    static struct probe before, leaver = {.act = exit_in_handler}, after, elsewhere, stage;

    open_groups();
    add_probe(bus, &before, "before", broken, "a");
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &after, "after", broken, "a");
    add_probe(bus, &elsewhere, "elsewhere", other, "a");
    stage.after = &before.consumer;
    stage.after_count = 1;
    add_probe(bus, &stage, "stage", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(probe_calls(&before), 1);
    ck_assert_uint_eq(probe_calls(&after) + probe_calls(&elsewhere) + probe_calls(&stage), 0);
    check_end(4);
    ck_assert_uint_eq(undelivered(&hooks, "a", "before"), 0);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "after"), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "elsewhere"), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "stage"), 1);
}
END_TEST

START_TEST(an_exit_in_a_late_stage_leaves_all_stages_of_other_groups)
{
    static struct probe before, leaver = {.act = exit_in_handler}, elsewhere, stage;

    open_groups();
    add_probe(bus, &before, "before", broken, "a");
    leaver.after = &before.consumer;
    leaver.after_count = 1;
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &elsewhere, "elsewhere", other, "a");
    stage.after = &elsewhere.consumer;
    stage.after_count = 1;
    add_probe(bus, &stage, "stage", other, "a");
    post_and_exit(bus, "a", 1);
    check_end(3);
    ck_assert_uint_eq(undelivered(&hooks, "a", "elsewhere"), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "stage"), 1);
}
END_TEST

START_TEST(a_group_that_was_done_with_the_event_owes_nothing)
{
    static struct probe first, leaver = {.act = exit_in_handler};

    open_groups();
    add_probe(bus, &first, "first", broken, "a");
    add_probe(bus, &leaver, "leaver", other, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    check_end(1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 1);
    CHECK_NUMBERS(&first, 1);
}
END_TEST

START_TEST(the_reference_of_a_post_by_name_is_given_back)
{
    static struct probe leaver = {.act = exit_in_handler};
    struct ringbus_topic *topics[8];
    char name[2] = "b";

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(leaver.consumer, RINGBUS_DRAIN)), 0);
    for (int i = 0; i < 8; i++, name[0]++) /* all that the bus may have */
        ck_assert_int_eq(ringbus_topic_open(bus, name, &topics[i]), RINGBUS_OK);
    for (int i = 0; i < 8; i++)
        ringbus_topic_close(topics[i]);
    check_end(1);
}
END_TEST

/* ---- nested posts ---- */

static struct ringbus_bus *foreign;

static void
post_nested_and_exit(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1) /* not the one that was queued */
        return;
    MUST(ringbus_post(bus, "a", NULL, 0) == 1, "not queued");
    MUST(ringbus_post(bus, "other", NULL, 0) == 1, "not queued");
    MUST(ringbus_post(bus, "other", NULL, 0) == 1, "not queued");
    if (foreign != NULL)
        MUST(ringbus_post(foreign, "foreign", NULL, 0) == 1, "not queued");
    leave_probe(probe);
}

START_TEST(nested_posts_are_given_back_and_named)
{
    static struct probe leaver = {.act = post_nested_and_exit}, healthy;

    foreign = NULL;
    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &healthy, "healthy", other, "other");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(probe_calls(&healthy), 0);
    ck_assert_uint_eq(other->pool_free, other->capacity);
    ck_assert_uint_eq(broken->pool_free, broken->capacity);
    ck_assert_int_eq(post_number(bus, "other", 7), 1);
    CHECK_NUMBERS(&healthy, 7);
    check_end(4);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
    ck_assert_uint_eq(undelivered(&hooks, "other", "healthy"), 2);
}
END_TEST

/* The foreign bus, and a probe in a caller group of it. */
static void
open_foreign(struct hooks *told, struct probe *probe)
{
    memset(told, 0, sizeof *told);
    foreign = open_with(told);
    probe->name = "foreigner";
    probe->group = group_open(foreign, RINGBUS_GROUP_CALLER, 4);
    probe_open(foreign, probe);
    probe_register(probe, "foreign");
}

START_TEST(a_nested_post_to_another_bus_keeps_that_one_from_nothing)
{
    static struct hooks told;
    static struct probe leaver = {.act = post_nested_and_exit}, healthy, foreigner;

    open_groups();
    open_foreign(&told, &foreigner);
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &healthy, "healthy", other, "other");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(post_number(foreign, "foreign", 7), 1);
    end_bus(foreign, RINGBUS_DRAIN);
    CHECK_NUMBERS(&foreigner, 7);
    ck_assert_uint_eq(undelivered(&told, "foreign", "foreigner"), 1);
    check_end(4);
}
END_TEST

static void
post_foreign(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    (void)event;
    MUST(ringbus_post(foreign, "foreign", NULL, 0) == 1, "not queued");
}

START_TEST(an_exit_in_a_handler_of_another_bus_breaks_the_group_there)
{
    static struct hooks told;
    static struct probe poster = {.act = post_foreign}, foreigner = {.act = exit_in_handler};

    open_groups();
    open_foreign(&told, &foreigner);
    add_probe(bus, &poster, "poster", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_int_eq(ringbus_post(foreign, "foreign", NULL, 0), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(load_u32(&told.errors, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 0);
    end_bus(foreign, RINGBUS_DRAIN);
    ck_assert_uint_eq(undelivered(&told, "foreign", "foreigner"), 1);
    ck_assert_uint_eq(probe_calls(&poster), 1);
    check_end(0); /* the group of this bus is whole: the event was handled */
}
END_TEST

static const uint64_t two = 2;

/* ---- another thread's ---- */

static void
queue_one(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_post(bus, "a", NULL, 0) == 1, "not queued");
    gate_pass(probe->of_act);
}

static void *
post_healthy(void *context)
{
    MUST(ringbus_post(bus, "other", NULL, 0) == 1, "not posted");
    return context;
}

START_TEST(what_another_thread_has_queued_for_the_group_is_discarded)
{
    static struct gate gate;
    static struct probe leaver = {.act = exit_in_handler};
    static struct probe healthy = {.act = queue_one, .of_act = &gate};
    pthread_t thread;

    gate_init(&gate);
    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &healthy, "healthy", other, "other");
    ck_assert_int_eq(pthread_create(&thread, NULL, post_healthy, NULL), 0);
    gate_await(&gate, 1);
    post_and_exit(bus, "a", 1);
    gate_open(&gate);
    join_thread(bus, thread);
    ck_assert_uint_eq(load_u32(&leaver.begun, ORDER_COUNT), 1);
    ck_assert_uint_eq(probe_calls(&healthy), 1);
    check_end(2);
}
END_TEST

static void
post_two(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(ringbus_post(probe->bus, "a", &two, sizeof two) >= 1, "not queued");
    if (number_of(event) == 2)
        leave_probe(probe);
}

START_TEST(an_exit_in_a_nested_event_counts_that_one)
{
    static struct probe leaver = {.act = post_two}, after;

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &after, "after", broken, "a");
    post_and_exit(bus, "a", 1);
    CHECK_NUMBERS(&leaver, 1);
    CHECK_NUMBERS(&after, 1);
    ck_assert_uint_eq(broken->pool_free, broken->capacity);
    check_end(2);
}
END_TEST

/* ---- batch_ends ---- */

START_TEST(batch_ends_that_were_due_do_not_come_and_their_events_are_named)
{
    static struct probe batched = {.has_batch_end = true}, healthy = {.has_batch_end = true};
    static struct probe leaver = {.act = post_two, .has_batch_end = true};

    open_groups();
    add_probe(bus, &batched, "batched", broken, "a");
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &healthy, "healthy", other, "a");
    post_and_exit(bus, "a", 1);
    /* Of the second event only `batched` has come to the end of its handler, and `leaver` to its middle. */
    ck_assert_uint_eq(probe_calls(&batched), 2);
    ck_assert_uint_eq(probe_calls(&healthy), 1);
    ck_assert_uint_eq(load_u32(&batched.batches, ORDER_COUNT), 0);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(batched.consumer, RINGBUS_DRAIN)), 0);
    check_end(2 + 2 + 2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "batched"), 2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "healthy"), 2);
}
END_TEST

START_TEST(a_thread_may_exit_in_a_batch_end)
{
    static struct probe first = {.has_batch_end = true}, last = {.has_batch_end = true};
    static struct probe leaver = {.has_batch_end = true, .batch_act = leave_probe};

    open_groups();
    add_probe(bus, &first, "first", broken, "a");
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &last, "last", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(load_u32(&first.batches, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&last.batches, ORDER_COUNT), 0);
    ck_assert_ptr_eq(hooks.consumer, leaver.consumer);
    ck_assert_int_eq(post_number(bus, "a", 2), RINGBUS_ESHUTDOWN);
    check_end(2);
    ck_assert_uint_eq(undelivered(&hooks, "a", "first"), 0);
}
END_TEST

START_TEST(a_batch_end_that_comes_after_each_event_is_not_owed_for_ever)
{
    static struct probe first = {.act = exit_in_handler, .has_batch_end = true}, second;

    open_groups();
    add_probe(bus, &first, "first", broken, "a");
    second.after = &first.consumer;
    second.after_count = 1;
    add_probe(bus, &second, "second", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(load_u32(&first.consumer->batch_due, ORDER_COUNT), 0);
    check_end(2);
}
END_TEST

START_TEST(a_batch_end_that_came_after_its_event_is_not_taken_back)
{
    static struct probe first = {.has_batch_end = true}, second, leaver = {.act = post_two};

    open_groups();
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &first, "first", broken, "a");
    second.after = &first.consumer;
    second.after_count = 1;
    add_probe(bus, &second, "second", broken, "a");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(load_u32(&first.batches, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&first.consumer->batch_due, ORDER_COUNT), 0);
    check_end(3);
}
END_TEST

static int
leave_filter(const struct ringbus_event *event, void *context)
{
    (void)context;
    if (number_of(event) == 2)
        pthread_exit(NULL);
    return 1;
}

START_TEST(a_thread_may_exit_in_a_filter)
{
    static struct probe first = {.act = post_two}, leaver;

    open_groups();
    leaver.filter = leave_filter;
    leaver.has_batch_end = true;
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &first, "first", broken, "a");
    post_and_exit(bus, "a", 1);
    CHECK_NUMBERS(&leaver, 1);
    CHECK_NUMBERS(&first, 1);
    ck_assert_uint_eq(load_u32(&leaver.consumer->serial.word, ORDER_COUNT), 0);
    check_end(2 + 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "leaver"), 2);
}
END_TEST

/* ---- hooks ---- */

static void
post_alarm(struct ringbus_bus *on, struct ringbus_consumer *consumer, struct hooks *told)
{
    (void)consumer;
    (void)told;
    MUST(ringbus_post(on, "a", NULL, 0) == RINGBUS_ESHUTDOWN, "the group is not broken");
    MUST(ringbus_post(on, "alarm", NULL, 0) == 1, "no alarm");
    MUST(ringbus_flush(on, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "a hook must not wait");
}

START_TEST(the_error_hook_may_post_and_what_it_posts_is_delivered)
{
    static struct probe leaver = {.act = exit_in_handler, .has_batch_end = true}, alarmed;

    open_groups();
    hooks.on_error = post_alarm;
    add_probe(bus, &leaver, "leaver", broken, "a");
    add_probe(bus, &alarmed, "alarmed", other, "alarm");
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(probe_calls(&alarmed), 1);
    check_end(1);
}
END_TEST

static int
leave_error(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return -1;
}

static void
leave_hook(struct ringbus_bus *on, struct ringbus_consumer *consumer, struct hooks *told)
{
    (void)on;
    (void)consumer;
    if (told->code == -1)
        pthread_exit(NULL);
}

START_TEST(a_thread_may_exit_in_the_error_hook_of_a_handler)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *failing = NULL;

    open_groups();
    hooks.on_error = leave_hook;
    options.group = broken;
    ck_assert_int_eq(ringbus_consumer_open(bus, leave_error, NULL, &options, &failing), 0);
    ck_assert_int_eq(ringbus_register_consumer(bus, failing, "a"), RINGBUS_OK);
    post_and_exit(bus, "a", 1);
    ck_assert_uint_eq(load_u32(&hooks.errors, ORDER_COUNT), 2);
    ck_assert_int_eq(hooks.code, RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(failing, RINGBUS_DRAIN)), RINGBUS_OK);
    check_end(1);
}
END_TEST

static struct gate in_hook;

static void
wait_and_leave(struct ringbus_bus *on, struct ringbus_consumer *consumer, struct hooks *told)
{
    (void)on;
    (void)consumer;
    if (told->code != -1)
        return;
    gate_pass(&in_hook);
    pthread_exit(NULL);
}

static void *
post_returning(void *context)
{
    MUST(ringbus_post(bus, "a", context, sizeof(uint64_t)) == 1, "not posted");
    return NULL;
}

static const uint64_t three = 3;

/* The first call is over, and its lock given back, when its thread exits in the hook. */
START_TEST(a_lock_that_another_thread_holds_is_left_alone)
{
    static struct gate inside;
    static struct probe failing = {.code = -1};
    struct last_post first = {.topic = "a", .number = 1};
    pthread_t threads[3];

    gate_init(&in_hook);
    gate_init(&inside);
    open_groups();
    first.bus = bus;
    hooks.on_error = wait_and_leave;
    add_probe(bus, &failing, "failing", broken, "a");
    ck_assert_int_eq(pthread_create(&threads[0], NULL, post_last, &first), 0);
    gate_await(&in_hook, 1);
    failing.gate = &inside;
    failing.code = 0;
    ck_assert_int_eq(pthread_create(&threads[1], NULL, post_returning, (void *)(uintptr_t)&two), 0);
    gate_await(&inside, 1);
    ck_assert_int_eq(
        pthread_create(&threads[2], NULL, post_returning, (void *)(uintptr_t)&three), 0);
    AWAIT(load_u32(&failing.consumer->serial.word, ORDER_HINT) == 2); /* the third sleeps there */
    gate_open(&in_hook);
    join_thread(bus, threads[0]);
    ck_assert_uint_eq(load_u32(&failing.consumer->serial.word, ORDER_HINT), 2);
    gate_open(&inside);
    join_thread(bus, threads[1]);
    join_thread(bus, threads[2]);
    ck_assert_uint_eq(load_u32(&failing.most_inside, ORDER_COUNT), 1);
    check_end(1);
}
END_TEST

/* ---- memory ---- */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

static struct atomic_u32 is_refusing;

/* In place of the C library's, for a thread that has not posted to a caller group before. */
int
posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    if (load_u32(&is_refusing, ORDER_HINT))
        return ENOMEM;
    *ret_memory = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    return *ret_memory != NULL ? 0 : ENOMEM;
}

static void *
post_without_memory(void *context)
{
    store_u32(&is_refusing, 1, ORDER_HINT);
    MUST(ringbus_post(bus, "a", NULL, 0) == RINGBUS_ESYS, "posted without memory");
    store_u32(&is_refusing, 0, ORDER_HINT);
    MUST(ringbus_post(bus, "a", NULL, 0) == 1, "not posted with memory");
    return context;
}

START_TEST(a_thread_that_gets_no_memory_posts_nothing)
{
    static struct probe probe;
    pthread_t thread;

    open_groups();
    add_probe(bus, &probe, "probe", broken, "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, post_without_memory, NULL), 0);
    join_thread(bus, thread);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    check_end(0);
}
END_TEST

#else

START_TEST(a_thread_that_gets_no_memory_posts_nothing)
{
    ck_assert(true); /* the sanitizer has taken posix_memalign's place */
}
END_TEST

#endif

int
main(void)
{
    return RUN_TESTS("exit_debt", those_after_the_handler_do_not_get_the_event_and_are_named,
        an_exit_in_a_late_stage_leaves_all_stages_of_other_groups,
        a_group_that_was_done_with_the_event_owes_nothing,
        the_reference_of_a_post_by_name_is_given_back, nested_posts_are_given_back_and_named,
        a_nested_post_to_another_bus_keeps_that_one_from_nothing,
        an_exit_in_a_handler_of_another_bus_breaks_the_group_there,
        what_another_thread_has_queued_for_the_group_is_discarded,
        an_exit_in_a_nested_event_counts_that_one,
        batch_ends_that_were_due_do_not_come_and_their_events_are_named,
        a_thread_may_exit_in_a_batch_end,
        a_batch_end_that_comes_after_each_event_is_not_owed_for_ever,
        a_batch_end_that_came_after_its_event_is_not_taken_back, a_thread_may_exit_in_a_filter,
        the_error_hook_may_post_and_what_it_posts_is_delivered,
        a_thread_may_exit_in_the_error_hook_of_a_handler,
        a_lock_that_another_thread_holds_is_left_alone, a_thread_that_gets_no_memory_posts_nothing);
}
