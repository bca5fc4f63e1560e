/* test_post.c - what a post returns, what it leaves behind, and what it does when a ring is full. */
#include "support/probe.h"

/* ---- what arrives ---- */

START_TEST(a_post_returns_how_many_consumers_matched)
{
    static struct probe probes[3];
    struct ringbus_bus *bus = bus_open(NULL);

    for (int i = 0; i < 3; i++) {
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
        ck_assert_int_eq(post_number(bus, "a", 1), i + 1);
    }
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probes[0].consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    bus_close(bus);
}
END_TEST

static void
check_event(struct probe *probe, const struct ringbus_event *event)
{
    MUST(event->size == 5 && memcmp(event->data, "hello", 5) == 0, "the payload is not there");
    MUST((uintptr_t)event->data % 16 == 0, "the payload is not aligned");
    MUST(event->ordered == 77, "the ordering key is not there");
    MUST(event->lost == 0, "a lossless group has lost something");
    MUST(event->handle == probe->of_act, "the handle is another one");
}

START_TEST(an_event_carries_what_was_posted)
{
    static struct probe probe = {.act = check_event};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;
    char data[] = "hello";

    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    options.ordered = 77;
    probe.of_act = topic;
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(ringbus_topic_post(topic, data, 5, &options), 1);
        memset(data, 'x', 5); /* it was copied */
        memcpy(data, "hello", 5);
    }
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(probe.notes[i].sequence, i);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static void
check_empty(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    MUST(event->size == 0 && event->data == NULL, "an empty event has data");
}

START_TEST(an_event_may_be_empty)
{
    static struct probe probe = {.act = check_empty};
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 1);
    ck_assert_int_eq(ringbus_post(bus, "a", "x", 0), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    bus_close(bus);
}
END_TEST

START_TEST(a_payload_that_does_not_fit_leaves_nothing_behind)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group_options options = ringbus_group_options_default();
    const char data[33] = {0};

    options.slot_size = 32;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_post(bus, "a", data, 33), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_try_post(bus, "a", data, SIZE_MAX), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_post_until(bus, "a", data, (size_t)1 << 32, 0), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "posted"), 0);
    ck_assert_int_eq(ringbus_post(bus, "a", data, 32), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe.notes[0].size, 32);
    bus_close(bus);
}
END_TEST

START_TEST(posting_checks_its_arguments)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    options.size = 0;
    ck_assert_int_eq(ringbus_post(NULL, "a", "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post(bus, NULL, "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post(bus, "", "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post(bus, "a", NULL, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post(bus, "nobody", NULL, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_try_post(NULL, "a", "x", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_try_post(bus, "a", NULL, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post_until(NULL, "a", "x", 1, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_post_until(bus, "a", NULL, 1, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_post(NULL, "x", 1, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 1, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_post(topic, "x", 1, &options), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_try_post(NULL, "x", 1, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_post_until(NULL, "x", 1, 0, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "posted"), 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(a_name_that_is_too_long_is_refused)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    options.max_topic_length = 4;
    bus = bus_open(&options);
    ck_assert_int_eq(post_number(bus, "1234", 1), 0);
    ck_assert_int_eq(post_number(bus, "12345", 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_open(bus, "12345", &topic), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

/* ---- nobody ---- */

START_TEST(a_post_that_matches_nobody_is_counted_and_told)
{
    static struct hooks hooks;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);
    struct ringbus_topic *topic = NULL;
    const uint64_t number = 8;

    ck_assert_int_eq(post_number(bus, "unknown", 7), 0);
    ck_assert_uint_eq(hooks.number, 7);
    ck_assert(!hooks.has_handle);
    ck_assert(pthread_equal(hooks.thread, pthread_self()));
    ck_assert_int_eq(ringbus_topic_open(bus, "known", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_post(topic, &number, sizeof number, NULL), 0);
    ck_assert_uint_eq(hooks.number, 8);
    ck_assert(hooks.has_handle);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 2);
    ck_assert_int_eq(figure_of(bus, "bus", "", "dead"), 2);
    ringbus_topic_close(topic);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
}
END_TEST

static void
post_dead_again(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)event, (void)hooks;
    MUST(post_number(bus, "nobody either", 2) == 0, "the hook may post");
    MUST(post_number(bus, "somebody", 3) == 1, "the hook may post to somebody");
}

START_TEST(a_dead_post_in_the_hook_is_only_counted)
{
    static struct hooks hooks = {.on_dead = post_dead_again};
    static struct probe probe;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    probe_open(bus, &probe);
    probe_register(&probe, "somebody");
    ck_assert_int_eq(post_number(bus, "nobody", 1), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 1);
    ck_assert_int_eq(figure_of(bus, "bus", "", "dead"), 2);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 3);
    bus_close(bus);
}
END_TEST

/* ---- full rings ---- */

/* A ring of 2 that is full, its handler stopped. */
static struct ringbus_bus *
open_full(struct probe *probe, struct hooks *hooks)
{
    struct ringbus_bus *bus = NULL;

    calls_begin();
    gate_init(probe->gate);
    bus = bus_open_small(2, hooks);
    probe_open(bus, probe);
    probe_register(probe, "a");
    for (uint64_t i = 1; i <= 2; i++)
        MUST(post_number(bus, "a", i) == 1, "no post");
    gate_await(probe->gate, 1);
    return bus;
}

static void
close_full(struct ringbus_bus *bus)
{
    bus_close(bus);
    calls_end();
}

START_TEST(try_post_is_refused_by_a_full_ring_and_leaves_nothing)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_full(&probe, NULL);
    struct ringbus_topic *topic = NULL;

    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    ck_assert_int_eq(try_post_number(bus, "a", 9), RINGBUS_EAGAIN);
    ck_assert_int_eq(ringbus_topic_try_post(topic, NULL, 0, NULL), RINGBUS_EAGAIN);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "refused"), 2);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_int_eq(try_post_number(bus, "a", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ringbus_topic_close(topic);
    close_full(bus);
}
END_TEST

START_TEST(post_until_gives_up_at_its_deadline)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_full(&probe, NULL);
    struct ringbus_topic *topic = NULL;
    const int64_t soon = ringbus_now_ns() + 2000000;

    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    ck_assert_int_eq(ringbus_post_until(bus, "a", "x", 1, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_post_until(bus, "a", "x", 1, INT64_MIN), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_topic_post_until(topic, "x", 1, soon, NULL)), RINGBUS_ETIMEDOUT);
    ck_assert_int_ge(ringbus_now_ns(), soon);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_post_until(bus, "a", "x", 1, 0), 1); /* with room, at once */
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 3);
    ringbus_topic_close(topic);
    close_full(bus);
}
END_TEST

static int
post_nine(void *context)
{
    return post_number(context, "a", 9);
}

static int
post_nine_until(void *context)
{
    const uint64_t number = 9;

    return ringbus_post_until(context, "a", &number, sizeof number, patience_ends());
}

static void
check_wait_for_room(int (*post)(void *context))
{
    struct gate gate;
    struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_full(&probe, NULL);
    struct call posting;

    call_start(&posting, post, bus);
    ck_assert(!call_is_done(&posting));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&posting, "a post that waits for room"), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 9);
    ck_assert_int_ge(figure_of(bus, "group", "group-0", "blocked"), 1);
    ck_assert_int_gt(figure_of(bus, "group", "group-0", "blocked_ns"), 0);
    close_full(bus);
}

START_TEST(an_ordinary_thread_waits_for_room)
{
    check_wait_for_room(post_nine);
    check_wait_for_room(post_nine_until);
}
END_TEST

static void
post_into_full(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)event, (void)hooks;
    MUST(try_post_number(bus, "a", 3) == RINGBUS_EAGAIN, "the ring is full");
    MUST(post_number(bus, "a", 3) == 1, "a hook on an ordinary thread waits for room");
}

static int
post_to_nobody(void *context)
{
    return post_number(context, "nobody", 1);
}

START_TEST(a_hook_on_an_ordinary_thread_waits_for_room)
{
    static struct hooks hooks = {.on_dead = post_into_full};
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_full(&probe, &hooks);
    struct call posting;

    call_start(&posting, post_to_nobody, bus);
    ck_assert(!call_is_done(&posting));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&posting, "a post in a hook"), 0);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_full(bus);
}
END_TEST

/* ---- memory ---- */

static void
post_nested(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) > 0)
        MUST(post_number(probe->bus, "caller", number_of(event) - 1) == 1, "no nested post");
}

START_TEST(no_post_allocates)
{
    struct faulty_allocator faulty;
    static struct probe ring, other, caller = {.act = post_nested};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;
    uint64_t before = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    bus = bus_open(&options);
    other.group = group_open(bus, RINGBUS_GROUP_THREADS, 1024);
    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &ring);
    probe_open(bus, &other);
    probe_open(bus, &caller);
    probe_register(&ring, "one");
    probe_register(&ring, "many");
    probe_register(&other, "many");
    probe_register(&caller, "caller");
    ck_assert_int_eq(ringbus_topic_open(bus, "one", &topic), RINGBUS_OK);
    before = load_u64(&faulty.calls, ORDER_COUNT);
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert_int_eq(ringbus_topic_post(topic, &i, sizeof i, NULL), 1);
        ck_assert_int_eq(post_number(bus, "one", i), 1);
        ck_assert_int_eq(post_number(bus, "many", i), 2);
        ck_assert_int_eq(post_number(bus, "caller", 3), 1);
        ck_assert_int_eq(post_number(bus, "nobody", i), 0);
    }
    bus_flush(bus);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), before);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post", a_post_returns_how_many_consumers_matched,
        an_event_carries_what_was_posted, an_event_may_be_empty,
        a_payload_that_does_not_fit_leaves_nothing_behind, posting_checks_its_arguments,
        a_name_that_is_too_long_is_refused, a_post_that_matches_nobody_is_counted_and_told,
        a_dead_post_in_the_hook_is_only_counted,
        try_post_is_refused_by_a_full_ring_and_leaves_nothing, post_until_gives_up_at_its_deadline,
        an_ordinary_thread_waits_for_room, a_hook_on_an_ordinary_thread_waits_for_room,
        no_post_allocates);
}
