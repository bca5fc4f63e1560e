/* test_fork_thread.c - what threads of the parent were doing is over in a child, for the one that forked, too. */
#include "process/parent.h"

/* ---- threads that are not there ---- */

static void
find_no_record(void *context)
{
    const uint64_t tag = ringbus__record_retire();

    MUST(!ringbus__record_is_called(context), "a call of a thread that is not there");
    MUST(!ringbus__record_serves(context, tag), "a delivery of a thread that is not there");
    MUST(ringbus__record_oldest() > tag, "a thread that is not there holds what is to be freed");
    use_own_bus();
}

static void
post_to_caller(void *context)
{
    (void)context;
    MUST(post_number(parent.bus, "b", 3) == 1, "not posted");
}

START_TEST(a_child_waits_for_no_thread_of_its_parent)
{
    static struct gate gate;
    struct worker worker;

    gate_init(&gate);
    open_parent();
    parent.direct.gate = &gate;
    worker_start(&worker, post_to_caller, NULL);
    gate_await(&gate, 1);
    ck_assert(ringbus__record_is_called(parent.bus));
    fork_and(find_no_record, parent.bus);
    gate_open(&gate);
    worker_join(&worker, "the post");
    bus_close(parent.bus);
}
END_TEST

static int
look_at_own_record(const struct ringbus_event *event, void *context)
{
    (void)event;
    MUST(ringbus__record_is_called(*(struct ringbus_bus **)context), "its delivery is not seen");
    return 0;
}

static void
deliver_seen(void *context)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_bus *bus = bus_open(NULL);

    (void)context;
    options.group = open_caller_group(bus, 2);
    MUST(ringbus_consumer_open(bus, look_at_own_record, &bus, &options, &consumer) == 0, "no");
    MUST(ringbus_register_consumer(bus, consumer, "own") == 0, "not registered");
    MUST(ringbus_post(bus, "own", NULL, 0) == 1, "not posted");
    MUST(ringbus_close(bus) == 0, "the bus does not close");
}

START_TEST(a_thread_that_delivered_in_the_parent_is_seen_to_deliver_in_the_child)
{
    open_parent();
    ck_assert(ringbus__record.is_linked);
    fork_and(deliver_seen, NULL);
    close_parent();
}
END_TEST

static void *
await_end_of(void *context)
{
    MUST(pthread_join(*(pthread_t *)context, NULL) == 0, "not joined");
    _exit(EXIT_SUCCESS);
}

static void
end_this_thread(void *context)
{
    static pthread_t self;
    pthread_t other;

    self = pthread_self();
    MUST(pthread_create(&other, NULL, await_end_of, &self) == 0, "no thread");
    pthread_exit(context);
}

static void
fork_from_here(void *context)
{
    (void)context;
    post_to_caller(NULL);
    fork_and(end_this_thread, NULL);
}

START_TEST(a_thread_may_end_in_the_child)
{
    struct worker worker;

    open_parent();
    worker_start(&worker, fork_from_here, NULL);
    worker_join(&worker, "the thread that forks");
    bus_close(parent.bus);
}
END_TEST

static void
fork_in_handler(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    (void)event;
    fork_and(call_everything_and_use_own, NULL);
}

START_TEST(a_child_made_in_a_handler_uses_a_bus_of_its_own)
{
    static struct probe queued = {.act = fork_in_handler}, direct = {.act = fork_in_handler};

    open_parent();
    direct.group = parent.caller;
    probe_open(parent.bus, &queued);
    probe_open(parent.bus, &direct);
    probe_register(&queued, "queued");
    probe_register(&direct, "direct");
    ck_assert_int_eq(post_number(parent.bus, "queued", 1), 1);
    ck_assert_int_eq(post_number(parent.bus, "direct", 1), 1);
    bus_flush(parent.bus);
    close_parent();
}
END_TEST

static void
fork_in_hook(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)bus;
    (void)event;
    (void)hooks;
    fork_and(call_everything_and_use_own, NULL);
}

START_TEST(a_child_made_in_a_hook_uses_a_bus_of_its_own)
{
    open_parent();
    parent.hooks.on_dead = fork_in_hook;
    ck_assert_int_eq(post_number(parent.bus, "nobody's", 1), 0);
    close_parent();
}
END_TEST

/* What another thread of the child opens. */
static struct {
    struct ringbus_bus *bus;
    struct atomic_u32 count;
} own;

static void *
open_own(void *context)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    own.bus = bus_open(NULL);
    options.group = open_caller_group(own.bus, 2);
    MUST(ringbus_consumer_open(own.bus, count_event, &own.count, &options, &consumer) == 0,
        "no consumer");
    MUST(ringbus_register_consumer(own.bus, consumer, "own") == 0, "not registered");
    return context;
}

/* Posted to in the handler, before it forks. */
static struct probe queued;

static void
post_to_another_threads(void *context)
{
    pthread_t thread;

    (void)context;
    MUST(pthread_create(&thread, NULL, open_own, NULL) == 0, "no thread");
    MUST(pthread_join(thread, NULL) == 0, "not joined");
    MUST(ringbus_post(own.bus, "own", NULL, 0) == 1, "not posted");
    MUST(load_u32(&own.count, TEST_ACQUIRE) == 1, "the handler has not run in the post");
    MUST(probe_calls(&queued) == 0, "the child delivers what the parent's post has queued");
    MUST(ringbus_close(own.bus) == RINGBUS_OK, "the bus does not close");
}

static void
fork_and_post(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "queued", 2) == 1, "not queued");
    fork_and(post_to_another_threads, NULL);
}

START_TEST(a_child_made_in_a_caller_groups_handler_is_in_no_post)
{
    static struct probe direct = {.act = fork_and_post};

    open_parent();
    direct.group = parent.caller;
    probe_open(parent.bus, &direct);
    probe_register(&direct, "direct");
    queued.group = parent.caller;
    probe_open(parent.bus, &queued);
    probe_register(&queued, "queued");
    ck_assert_int_eq(post_number(parent.bus, "direct", 1), 1);
    ck_assert_uint_eq(probe_calls(&queued), 1);
    close_parent();
}
END_TEST

int
main(void)
{
    if (!CHILDREN_START_THREADS)
        return TEST_SKIPPED;
    return RUN_TESTS("fork_thread", a_child_waits_for_no_thread_of_its_parent,
        a_thread_that_delivered_in_the_parent_is_seen_to_deliver_in_the_child,
        a_thread_may_end_in_the_child, a_child_made_in_a_handler_uses_a_bus_of_its_own,
        a_child_made_in_a_hook_uses_a_bus_of_its_own,
        a_child_made_in_a_caller_groups_handler_is_in_no_post);
}
