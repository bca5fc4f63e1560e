/* parent.h - a parent with a bus, and all that a child may try to do with it. */
#ifndef TESTS_PROCESS_PARENT_H
#define TESTS_PROCESS_PARENT_H

#include <string.h>

#include "bus/bus.h"
#include "process/fixture.h"

/* ---- what the parent has ---- */

static struct {
    struct faulty_allocator memory;
    struct hooks hooks;
    struct ringbus_bus *bus;
    struct ringbus_group *threads, *caller;
    struct ringbus_topic *topic;
    struct probe queued, direct;
} parent;

static inline void
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

static inline void
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

static inline int
take_figure(const struct ringbus_figure *figure, void *context)
{
    (void)figure;
    (void)context;
    return 0;
}

static inline void
control_groups(void)
{
    struct ringbus_group *group = NULL;

    FORKED(ringbus_group_open(parent.bus, NULL, &group));
    FORKED(ringbus_group_close(parent.threads, RINGBUS_DRAIN));
    FORKED(ringbus_group_close(parent.caller, RINGBUS_DISCARD));
    FORKED(ringbus_group_pause(parent.threads));
    FORKED(ringbus_group_resume(parent.threads));
    MUST(group == NULL, "a result was written");
}

static inline int
want_topic(const char *topic, void *context)
{
    (void)topic, (void)context;
    return 1;
}

static inline void
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
    FORKED(ringbus_register_pattern(parent.bus, parent.queued.consumer, "*"));
    FORKED(ringbus_register_match(parent.bus, parent.queued.consumer, want_topic, NULL));
    FORKED(ringbus_unregister_pattern(parent.bus, parent.queued.consumer, "*"));
    FORKED(ringbus_unregister_match(parent.bus, parent.queued.consumer, want_topic, NULL));
    FORKED(ringbus_is_subscribed(parent.bus, parent.queued.consumer, "a"));
    FORKED(ringbus_topic_open(parent.bus, "a", &topic));
    FORKED(ringbus_topic_retain(parent.topic, 8));
    MUST(consumer == NULL && topic == NULL, "a result was written");
}

static inline void
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

static inline void
control_bus(void)
{
    FORKED(ringbus_visit(parent.bus, take_figure, NULL));
    FORKED(ringbus_dump(parent.bus, RINGBUS_TEXT, stderr));
    FORKED(ringbus_step(parent.bus));
    FORKED(ringbus_flush(parent.bus, RINGBUS_FOREVER));
    FORKED(ringbus_shutdown(parent.bus, RINGBUS_DRAIN, RINGBUS_FOREVER));
    FORKED(ringbus_shutdown(parent.bus, RINGBUS_DISCARD, 0));
    FORKED(ringbus_close(parent.bus));
}

/* Those that have no code to return. */
static inline void
read_what_never_changes(void)
{
    ringbus_topic_close(parent.topic);
    MUST(ringbus_topic_consumers(parent.topic) == 1, "another count of consumers");
    MUST(strcmp(ringbus_topic_name(parent.topic), "a") == 0, "another name of the topic");
    MUST(ringbus_consumer_context(parent.queued.consumer) == &parent.queued, "another context");
    MUST(strcmp(ringbus_consumer_name(parent.queued.consumer), "queued") == 0, "another name");
}

static inline void
call_everything(void *context)
{
    const uint64_t live = load_u64(&parent.memory.live_bytes, ORDER_COUNT);
    const uint64_t calls = load_u64(&parent.memory.calls, ORDER_COUNT);
    const uint32_t dead = load_u32(&parent.hooks.dead, ORDER_COUNT);

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
    MUST(load_u32(&parent.hooks.dead, ORDER_COUNT) == dead, "a hook ran");
    MUST(load_u32(&parent.hooks.shutdowns, ORDER_COUNT) == 0, "a hook ran");
}

static inline void
take_all_locks(void)
{
    lock_acquire(&parent.bus->lock);
    lock_acquire(&parent.bus->names);
    lock_acquire(&ringbus__process()->records.lock);
    lock_acquire(&ringbus__process()->waits.lock);
    lock_acquire(&ringbus__process()->adapters.lock);
    lock_acquire(&ringbus__process()->polled.lock);
}

static inline void
release_all_locks(void)
{
    lock_release(&ringbus__process()->polled.lock);
    lock_release(&ringbus__process()->adapters.lock);
    lock_release(&ringbus__process()->waits.lock);
    lock_release(&ringbus__process()->records.lock);
    lock_release(&parent.bus->names);
    lock_release(&parent.bus->lock);
}

static inline void
call_everything_and_use_own(void *context)
{
    call_everything(context);
    use_own_bus();
    call_everything(context);
}

#endif
