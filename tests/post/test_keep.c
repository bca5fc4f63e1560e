/* test_keep.c - events that are kept beyond their handlers. */
#include "post/payload.h"

static const struct ringbus_event *kept[8];
static struct payload payload, second;

/* What a test before has left: under the sanitizers they share a process. */
static void
forget(void)
{
    memset(kept, 0, sizeof kept);
    memset(&payload, 0, sizeof payload);
    memset(&second, 0, sizeof second);
}

static void
keep(struct probe *probe, const struct ringbus_event *event)
{
    const uint32_t at = load_u32(&probe->begun, ORDER_COUNT) - 1;

    MUST(ringbus_event_keep(event, &kept[at]) == RINGBUS_OK, "not kept");
}

static void
keep_not(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    MUST(ringbus_event_keep(event, &kept[0]) == RINGBUS_EINVAL, "kept a copy");
    MUST(ringbus_event_keep(event, NULL) == RINGBUS_EINVAL, "kept nowhere");
    MUST(ringbus_event_keep(NULL, &kept[0]) == RINGBUS_EINVAL, "kept nothing");
}

START_TEST(a_copy_is_not_kept)
{
    static struct probe probe = {.act = keep_not};
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    forget();
    payload_probe(bus, &probe, NULL, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_ptr_null(kept[0]);
    ringbus_event_drop(NULL);
    bus_close(bus);
}
END_TEST

/* It stays as it was in the handler, name and all, though its topic has no handle any more. */
static void
check_kept(uint32_t kind)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "orders");

    memset(&probe, 0, sizeof probe);
    memset(&payload, 0, sizeof payload);
    payload.number = 5;
    probe.act = keep;
    payload_probe(bus, &probe, group_open(bus, kind, 2), "orders");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    bus_flush(bus);
    ringbus_topic_close(topic);
    ck_assert_int_eq(ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    for (int i = 0; i < 200; i++) { /* topics that nobody refers to are swept */
        char name[16];

        snprintf(name, sizeof name, "%d", i);
        ringbus_topic_close(topic_open(bus, name));
    }
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    ck_assert_int_eq(post_number(bus, "goes on", 1), 0);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    ck_assert_str_eq(kept[0]->topic, "orders");
    ck_assert_ptr_eq(kept[0]->data, &payload);
    ck_assert_uint_eq(number_of(kept[0]), 5);
    ck_assert_uint_eq(payload_released(&payload), 0);
    ringbus_event_drop(kept[0]);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert(pthread_equal(payload.thread, pthread_self()));
    bus_close(bus);
}

START_TEST(a_kept_event_outlives_handler_consumer_and_shutdown)
{
    check_kept(RINGBUS_GROUP_THREADS);
    check_kept(RINGBUS_GROUP_CALLER);
}
END_TEST

static int
close_bus(void *bus)
{
    return ringbus_close(bus);
}

START_TEST(a_close_is_refused_when_a_handler_has_kept_an_event_meanwhile)
{
    static struct probe probe = {.act = keep};
    static struct gate gate;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;
    struct call call;

    forget();
    gate_init(&gate);
    probe.gate = &gate;
    calls_begin();
    bus = bus_open_small(2, NULL);
    topic = topic_open(bus, "a");
    payload_probe(bus, &probe, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    gate_await(&gate, 1);
    call_start(&call, close_bus, bus);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "close"), RINGBUS_EBUSY);
    ringbus_event_drop(kept[0]);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
    calls_end();
}
END_TEST

static void
drop_first(void *context)
{
    (void)context;
    ringbus_event_drop(kept[0]);
}

START_TEST(the_last_drop_releases_on_its_thread)
{
    static struct probe probe = {.act = keep}, other;
    const struct ringbus_event *again = NULL;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");
    struct worker worker;

    forget();
    payload_probe(bus, &probe, NULL, "a");
    payload_probe(bus, &other, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 2);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_event_keep(kept[0], &again), RINGBUS_OK);
    worker_start(&worker, drop_first, NULL);
    worker_join(&worker, "the first drop");
    ck_assert_uint_eq(payload_released(&payload), 0);
    ck_assert_ptr_eq(again->data, &payload);
    ringbus_event_drop(again);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert(pthread_equal(payload.thread, pthread_self()));
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* Keep it, then give it back. */
static void
keep_and_drop(struct probe *probe, const struct ringbus_event *event)
{
    const struct ringbus_event *own = NULL;

    (void)probe;
    MUST(ringbus_event_keep(event, &own) == RINGBUS_OK, "not kept");
    ringbus_event_drop(own);
    MUST(payload_released(&payload) == 0, "released in the handler");
}

START_TEST(what_is_kept_and_dropped_in_the_handler_is_released_after_it)
{
    static struct probe ring = {.act = keep_and_drop}, caller = {.act = keep_and_drop};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *a = topic_open(bus, "a"), *b = topic_open(bus, "b");

    forget();
    payload_probe(bus, &ring, NULL, "a");
    payload_probe(bus, &caller, group_open(bus, RINGBUS_GROUP_CALLER, 2), "b");
    ck_assert_int_eq(payload_post(a, &payload), 1);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 1);
    memset(&payload, 0, sizeof payload);
    ck_assert_int_eq(payload_post(b, &payload), 1);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(a);
    ringbus_topic_close(b);
    bus_close(bus);
}
END_TEST

/* ---- how many blocks there are ---- */

/* More events are kept than rings have slots, and posts go on. */
START_TEST(any_number_of_events_may_be_kept_while_posts_go_on)
{
    enum { KEPT = 40 };
    static const struct ringbus_event *many[KEPT];
    static struct payload payloads[KEPT];
    static struct probe probe = {.act = keep};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    forget();
    payload_probe(bus, &probe, NULL, "a");
    for (int round = 0; round < 2; round++) {
        memset(payloads, 0, sizeof payloads);
        for (int i = 0; i < KEPT; i++) {
            store_u32(&probe.begun, 0, ORDER_COUNT);
            ck_assert_int_eq(payload_post(topic, &payloads[i]), 1);
            bus_flush(bus);
            many[i] = kept[0];
        }
        for (int i = 0; i < KEPT; i++) {
            ck_assert_uint_eq(payload_released(&payloads[i]), 0);
            ringbus_event_drop(many[i]);
            ck_assert_uint_eq(payload_released(&payloads[i]), 1);
        }
    }
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static struct gate inside;

static void
pass_inside(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe, (void)event;
    gate_pass(&inside);
}

struct posting_thread {
    struct worker worker;
    struct ringbus_topic *topic;
    struct payload payload;
};

static void
post_both(void *context)
{
    struct posting_thread *thread = context;

    MUST(payload_post(thread->topic, &thread->payload) == 2, "refused");
}

START_TEST(any_number_of_posts_may_be_in_caller_handlers_while_their_slots_are_used_again)
{
    enum { THREADS = 8 };
    static struct posting_thread threads[THREADS];
    static struct probe ring, caller = {.act = pass_inside, .is_thread_safe = true};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    forget();
    gate_init(&inside);
    payload_probe(bus, &ring, NULL, "a");
    payload_probe(bus, &caller, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    for (int i = 0; i < THREADS; i++) {
        threads[i].topic = topic;
        worker_start(&threads[i].worker, post_both, &threads[i]);
    }
    gate_await(&inside, THREADS);
    AWAIT_CALLS(&ring, THREADS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_uint_eq(payload_released(&threads[i].payload), 0);
    gate_open(&inside);
    for (int i = 0; i < THREADS; i++)
        worker_join(&threads[i].worker, "a post");
    bus_flush(bus);
    for (int i = 0; i < THREADS; i++)
        ck_assert_uint_eq(payload_released(&threads[i].payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- nested posts ---- */

static struct {
    struct payload payload;
    char rest[100000];
} large;

static int
post_large(struct ringbus_topic *topic)
{
    const struct ringbus_post_options options = payload_options(&large.payload);

    return ringbus_topic_post(topic, &large, sizeof large, &options);
}

static void
post_nested(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_topic *topic = probe->of_act;
    static struct payload third;

    if (number_of(event) != 1)
        return;
    second.number = 2;
    MUST(payload_post(topic, &second) == 1, "no room for one nested post");
    MUST(post_large(topic) == 1, "no room for two nested posts");
    MUST(payload_post(topic, &third) == RINGBUS_EDEADLK, "room for three");
    MUST(payload_try_post(topic, &third) == RINGBUS_EAGAIN, "room for three");
    MUST(payload_released(&second) + payload_released(&third) == 0, "released at once");
}

static void
check_all_there(struct probe *probe)
{
    (void)probe;
    MUST(
        payload_released(&payload) + payload_released(&second) + payload_released(&large.payload) ==
            0,
        "released before the batch_end");
}

START_TEST(a_nested_post_is_released_after_the_batch_end_that_is_due)
{
    static struct probe probe = {
        .act = post_nested, .has_batch_end = true, .batch_act = check_all_there};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    forget();
    probe.of_act = topic;
    payload.number = 1;
    payload_probe(bus, &probe, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    CHECK_NUMBERS(&probe, 1, 2, 0);
    ck_assert_uint_eq(probe.notes[2].size, sizeof large);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert_uint_eq(payload_released(&second), 1);
    ck_assert_uint_eq(payload_released(&large.payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static void
post_again(void *topic)
{
    MUST(payload_post(topic, &second) == 1, "a release cannot post");
    MUST(payload_released(&second) == 0, "delivered inside the release");
}

START_TEST(what_a_release_posts_in_a_caller_groups_post_is_nested_in_that)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    forget();
    payload_probe(bus, &probe, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    payload.number = 1;
    payload.act = post_again;
    payload.of_act = topic;
    second.number = 2;
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert_uint_eq(payload_released(&second), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- memory ---- */

static struct faulty_allocator memory;

/* Refuse all allocations from the n-th from now on. */
static void
refuse_from(uint64_t nth)
{
    memory.refuse_count = UINT64_MAX;
    memory.refuse_from = load_u64(&memory.calls, ORDER_COUNT) + nth;
}

static void
keep_refused(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    /* The event of a caller group moves first, which needs as much again. */
    for (uint64_t nth = 1; nth <= (event->sequence < 0 ? 2 : 1); nth++) {
        refuse_from(nth);
        MUST(ringbus_event_keep(event, &kept[0]) == RINGBUS_ENOMEM, "kept without memory");
    }
    memory.refuse_from = 0;
    MUST(ringbus_event_keep(event, &kept[0]) == RINGBUS_OK, "not kept");
}

static void
check_refused(uint32_t kind)
{
    struct ringbus_options options = ringbus_options_default();
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    memset(&probe, 0, sizeof probe);
    memset(&payload, 0, sizeof payload);
    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    topic = topic_open(bus, "a");
    probe.act = keep_refused;
    payload_probe(bus, &probe, group_open(bus, kind, 2), "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 0);
    ringbus_event_drop(kept[0]);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}

START_TEST(a_keep_without_memory_changes_nothing)
{
    check_refused(RINGBUS_GROUP_THREADS);
    check_refused(RINGBUS_GROUP_CALLER);
}
END_TEST

START_TEST(a_post_to_rings_and_callers_without_memory_changes_nothing)
{
    struct ringbus_options options = ringbus_options_default();
    static struct probe ring, caller;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    forget();
    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    topic = topic_open(bus, "a");
    payload_probe(bus, &ring, NULL, "a");
    payload_probe(bus, &caller, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    refuse_from(1);
    ck_assert_int_eq(payload_post(topic, &payload), RINGBUS_ENOMEM);
    memory.refuse_from = 0;
    ck_assert_uint_eq(payload_released(&payload), 0);
    ck_assert_uint_eq(probe_calls(&caller), 0);
    ck_assert_int_eq(payload_post(topic, &payload), 2);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert_uint_eq(probe_calls(&ring) + probe_calls(&caller), 2);
    ringbus_topic_close(topic);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_keep", a_copy_is_not_kept,
        a_kept_event_outlives_handler_consumer_and_shutdown,
        a_close_is_refused_when_a_handler_has_kept_an_event_meanwhile,
        the_last_drop_releases_on_its_thread,
        what_is_kept_and_dropped_in_the_handler_is_released_after_it,
        any_number_of_events_may_be_kept_while_posts_go_on,
        any_number_of_posts_may_be_in_caller_handlers_while_their_slots_are_used_again,
        a_nested_post_is_released_after_the_batch_end_that_is_due,
        what_a_release_posts_in_a_caller_groups_post_is_nested_in_that,
        a_keep_without_memory_changes_nothing,
        a_post_to_rings_and_callers_without_memory_changes_nothing);
}
