/* test_fork.c - in a forked child what the parent made is refused, what the child makes works. */
#include <string.h>

#include "bus/bus.h"
#include "process/fixture.h"

/* ThreadSanitizer lets no child start threads otherwise. */
const char *__tsan_default_options(void);
const char *
__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* ---- what the parent has ---- */

static struct {
    struct faulty_allocator memory;
    struct hooks hooks;
    struct ringbus_bus *bus;
    struct ringbus_group *threads, *caller;
    struct ringbus_topic *topic;
    struct probe queued, direct;
} parent;

static void
open_parent(void)
{
    struct ringbus_options options = ringbus_options_default();

    memset(&parent, 0, sizeof parent);
    faulty_allocator_init(&parent.memory, 0, 0);
    options = options_with(&parent.hooks);
    options.allocator = &parent.memory.allocator;
    parent.bus = bus_open(&options);
    parent.threads = group_open(parent.bus, RINGBUS_GROUP_THREADS, 4);
    parent.caller = group_open(parent.bus, RINGBUS_GROUP_CALLER, 4);
    parent.queued.name = "queued";
    parent.direct.name = "direct";
    parent.direct.group = parent.caller;
    probe_open(parent.bus, &parent.queued);
    probe_open(parent.bus, &parent.direct);
    probe_register(&parent.queued, "a");
    probe_register(&parent.direct, "b");
    MUST(ringbus_topic_open(parent.bus, "a", &parent.topic) == RINGBUS_OK, "no topic");
    MUST(post_number(parent.bus, "a", 1) == 1 && post_number(parent.bus, "b", 1) == 1, "no post");
    bus_flush(parent.bus);
}

static void
close_parent(void)
{
    ck_assert_int_eq(post_number(parent.bus, "a", 2), 1);
    ck_assert_int_eq(post_number(parent.bus, "b", 2), 1);
    bus_flush(parent.bus);
    CHECK_NUMBERS(&parent.queued, 1, 2);
    CHECK_NUMBERS(&parent.direct, 1, 2);
    ringbus_topic_close(parent.topic);
    bus_close(parent.bus);
    ck_assert_uint_eq(load_u64(&parent.memory.live_bytes, ORDER_COUNT), 0);
}

/* ---- every call ---- */

static int
take_figure(const struct ringbus_figure *figure, void *context)
{
    (void)figure;
    (void)context;
    return 0;
}

static void
control_groups(void)
{
    struct ringbus_group *group = NULL;

    FORKED(ringbus_group_open(parent.bus, NULL, &group));
    FORKED(ringbus_group_close(parent.threads, RINGBUS_DRAIN));
    FORKED(ringbus_group_close(parent.caller, RINGBUS_DISCARD));
    MUST(group == NULL, "a result was written");
}

static void
control_consumers(void)
{
    const char *const topics[] = {"a", "c"};
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_topic *topic = NULL;

    FORKED(ringbus_consumer_open(parent.bus, count_event, NULL, NULL, &consumer));
    FORKED(ringbus_consumer_close(parent.queued.consumer, RINGBUS_DRAIN));
    FORKED(ringbus_consumer_close(parent.direct.consumer, RINGBUS_DISCARD));
    FORKED(ringbus_register_consumer(parent.bus, parent.queued.consumer, "c"));
    FORKED(ringbus_register_topics(parent.bus, parent.queued.consumer, topics, 2));
    FORKED(ringbus_unregister_consumer(parent.bus, parent.queued.consumer, "a"));
    FORKED(ringbus_unregister_consumer(parent.bus, parent.queued.consumer, NULL));
    FORKED(ringbus_is_subscribed(parent.bus, parent.queued.consumer, "a"));
    FORKED(ringbus_topic_open(parent.bus, "a", &topic));
    MUST(consumer == NULL && topic == NULL, "a result was written");
}

static void
post(const char *name)
{
    const struct ringbus_post_options options = ringbus_post_options_default();

    FORKED(ringbus_post(parent.bus, name, "x", 1));
    FORKED(ringbus_try_post(parent.bus, name, "x", 1));
    FORKED(ringbus_post_until(parent.bus, name, "x", 1, RINGBUS_FOREVER));
    FORKED(ringbus_topic_post(parent.topic, "x", 1, NULL));
    FORKED(ringbus_topic_try_post(parent.topic, "x", 1, &options));
    FORKED(ringbus_topic_post_until(parent.topic, "x", 1, RINGBUS_FOREVER, NULL));
}

static void
control_bus(void)
{
    FORKED(ringbus_visit(parent.bus, take_figure, NULL));
    FORKED(ringbus_dump(parent.bus, stderr));
    FORKED(ringbus_flush(parent.bus, RINGBUS_FOREVER));
    FORKED(ringbus_shutdown(parent.bus, RINGBUS_DRAIN, RINGBUS_FOREVER));
    FORKED(ringbus_shutdown(parent.bus, RINGBUS_DISCARD, 0));
    FORKED(ringbus_close(parent.bus));
}

/* Those that have no code to return. */
static void
read_what_never_changes(void)
{
    ringbus_topic_close(parent.topic);
    MUST(ringbus_topic_consumers(parent.topic) == 1, "another count of consumers");
    MUST(strcmp(ringbus_topic_name(parent.topic), "a") == 0, "another name of the topic");
    MUST(ringbus_consumer_context(parent.queued.consumer) == &parent.queued, "another context");
    MUST(strcmp(ringbus_consumer_name(parent.queued.consumer), "queued") == 0, "another name");
}

static void
call_everything(void *context)
{
    const uint64_t live = load_u64(&parent.memory.live_bytes, ORDER_COUNT);
    const uint64_t calls = load_u64(&parent.memory.calls, ORDER_COUNT);

    (void)context;
    control_groups();
    control_consumers();
    post("a");
    post("b");
    post("nobody's");
    read_what_never_changes();
    control_bus();
    MUST(load_u64(&parent.memory.live_bytes, ORDER_COUNT) == live, "memory was freed");
    MUST(load_u64(&parent.memory.calls, ORDER_COUNT) == calls, "memory was taken");
    MUST(probe_calls(&parent.queued) == 1 && probe_calls(&parent.direct) == 1, "a handler ran");
    MUST(load_u32(&parent.queued.destroyed, ORDER_COUNT) == 0, "a consumer was destroyed");
    MUST(load_u32(&parent.hooks.dead, ORDER_COUNT) == 0, "a hook ran");
    MUST(load_u32(&parent.hooks.shutdowns, ORDER_COUNT) == 0, "a hook ran");
}

START_TEST(every_call_of_a_child_is_refused_and_does_nothing)
{
    open_parent();
    fork_and(call_everything, NULL);
    close_parent();
}
END_TEST

static void
take_all_locks(void)
{
    lock_acquire(&parent.bus->lock);
    lock_acquire(&parent.bus->names);
    lock_acquire(&ringbus__process()->records.lock);
    lock_acquire(&ringbus__process()->waits.lock);
    lock_acquire(&ringbus__process()->adapters.lock);
}

static void
release_all_locks(void)
{
    lock_release(&ringbus__process()->adapters.lock);
    lock_release(&ringbus__process()->waits.lock);
    lock_release(&ringbus__process()->records.lock);
    lock_release(&parent.bus->names);
    lock_release(&parent.bus->lock);
}

static void
call_everything_and_use_own(void *context)
{
    call_everything(context);
    use_own_bus();
    call_everything(context);
}

START_TEST(locks_that_are_held_at_the_fork_hold_up_nothing_in_the_child)
{
    open_parent();
    take_all_locks();
    fork_and(call_everything_and_use_own, NULL);
    release_all_locks();
    close_parent();
}
END_TEST

static void
fork_again(void *context)
{
    call_everything_and_use_own(context);
    fork_and(call_everything_and_use_own, context);
}

START_TEST(a_child_of_a_child_is_refused_too)
{
    open_parent();
    fork_and(fork_again, NULL);
    close_parent();
}
END_TEST

static void
be_refused_by_both(void *context)
{
    struct ringbus_bus *bus = context;

    call_everything(NULL);
    FORKED(ringbus_flush(bus, RINGBUS_FOREVER));
    FORKED(ringbus_close(bus));
}

static void
hand_down_two(void *context)
{
    struct ringbus_bus *bus = bus_open(NULL);

    (void)context;
    fork_and(be_refused_by_both, bus);
    MUST(ringbus_close(bus) == RINGBUS_OK, "the child's own bus does not close");
}

START_TEST(a_childs_own_bus_is_not_its_childs)
{
    open_parent();
    fork_and(hand_down_two, NULL);
    close_parent();
}
END_TEST

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

static void
end_this_thread(void *context)
{
    (void)context;
    pthread_exit(NULL); /* the child's last thread: the process ends well */
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

/* ---- what the system has ---- */

static struct atomic_u32 registered;

static int
count_registration(void)
{
    add_u32(&registered, 1, ORDER_COUNT);
    return RINGBUS_OK;
}

static void
register_once_more(void *context)
{
    (void)context;
    ringbus__os.barrier_register = count_registration;
    use_own_bus();
    use_own_bus();
    MUST(load_u32(&registered, ORDER_COUNT) == 1, "the child did not ask once for its barrier");
}

START_TEST(a_child_asks_for_its_own_barrier)
{
    open_parent();
    fork_and(register_once_more, NULL);
    close_parent();
}
END_TEST

static void *
no_page(void)
{
    return NULL;
}

static int
no_handler(void (*run)(void))
{
    (void)run;
    return RINGBUS_ESYS;
}

/* In a process that has not used the library yet. */
static void
go_without_page(void)
{
    ringbus__os.wiped_page = no_page;
    end_in_time();
    open_parent();
    take_all_locks();
    fork_and(fork_again, NULL);
    release_all_locks();
    MUST(post_number(parent.bus, "a", 2) == 1, "the parent has lost its bus");
    bus_close(parent.bus);
}

START_TEST(where_no_page_is_wiped_a_child_is_refused_all_the_same)
{
    run_in_child(go_without_page);
}
END_TEST

static void
go_without_anything(void)
{
    struct ringbus_bus *bus = NULL;

    ringbus__os.wiped_page = no_page;
    ringbus__os.at_fork = no_handler;
    MUST(ringbus_open(NULL, &bus) == RINGBUS_ESYS && bus == NULL, "a child would not be refused");
}

START_TEST(where_a_fork_cannot_be_seen_no_bus_is_opened)
{
    run_in_child(go_without_anything);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("fork", where_no_page_is_wiped_a_child_is_refused_all_the_same,
        where_a_fork_cannot_be_seen_no_bus_is_opened,
        every_call_of_a_child_is_refused_and_does_nothing,
        locks_that_are_held_at_the_fork_hold_up_nothing_in_the_child,
        a_child_of_a_child_is_refused_too, a_childs_own_bus_is_not_its_childs,
        a_child_waits_for_no_thread_of_its_parent,
        a_thread_that_delivered_in_the_parent_is_seen_to_deliver_in_the_child,
        a_thread_may_end_in_the_child, a_child_made_in_a_handler_uses_a_bus_of_its_own,
        a_child_asks_for_its_own_barrier);
}
