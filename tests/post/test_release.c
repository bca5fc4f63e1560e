/* test_release.c - a payload that is posted by reference is released once, when everybody is done with it. */
#include "post/payload.h"

#include <stdlib.h>

enum { MANY = 64 };

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

static void
post_all(struct ringbus_topic *topic, struct payload *payloads, int count, int matched)
{
    for (int i = 0; i < count; i++) {
        payloads[i].number = (uint64_t)i;
        ck_assert_int_eq(payload_post(topic, &payloads[i]), matched);
    }
}

static void
check_all(const struct payload *payloads, int count)
{
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(payload_released(&payloads[i]), 1);
}

START_TEST(handlers_get_the_posters_own_memory_of_any_size)
{
    static struct {
        struct payload payload;
        char rest[100000];
    } large;
    static struct probe probe;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");
    const struct ringbus_post_options options = payload_options(&large.payload);

    payload_probe(bus, &probe, NULL, "a");
    ck_assert_int_eq(ringbus_topic_post(topic, &large, sizeof large, &options), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe.notes[0].size, sizeof large);
    ck_assert_uint_eq(payload_released(&large.payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(it_is_released_while_its_executor_has_nothing_else_to_do)
{
    static struct probe probe;
    static struct payload payloads[MANY];
    struct ringbus_bus *bus = bus_open_small(4, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    payload_probe(bus, &probe, NULL, "a");
    for (int i = 0; i < MANY; i++) {
        ck_assert_int_eq(payload_post(topic, &payloads[i]), 1);
        AWAIT_ON(bus, payload_released(&payloads[i]) == 1);
        ck_assert(pthread_equal(payloads[i].thread, probe.notes[i].thread));
    }
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(a_flush_waits_for_the_release)
{
    static struct probe probe;
    static struct gate gate;
    static struct payload payload = {.gate = &gate};
    struct call call;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    gate_init(&gate);
    calls_begin();
    bus = bus_open_small(4, NULL);
    topic = topic_open(bus, "a");
    payload_probe(bus, &probe, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    gate_await(&gate, 1);
    call_start(&call, flush, bus);
    ck_assert(!call_is_done(&call));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(the_slot_is_taken_until_the_release_is_over)
{
    static struct probe probe;
    static struct gate gate;
    static struct payload payloads[3] = {{.gate = &gate}};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    gate_init(&gate);
    payload_probe(bus, &probe, NULL, "a");
    post_all(topic, payloads, 2, 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(payload_try_post(topic, &payloads[2]), RINGBUS_EAGAIN);
    ck_assert_uint_eq(payload_released(&payloads[2]), 0);
    gate_open(&gate);
    ck_assert_int_eq(IN_TIME(bus, payload_post(topic, &payloads[2])), 1);
    bus_flush(bus);
    check_all(payloads, 3);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static int
post_one(void *payload)
{
    return payload_post(((struct payload *)payload)->of_act, payload);
}

static void
await_call(void *call)
{
    AWAIT(call_is_done(call));
}

START_TEST(room_is_told_of_before_a_release_that_may_wait_for_it)
{
    static struct probe probe;
    static struct gate gate;
    static struct call call;
    static struct payload payloads[3] = {{.gate = &gate}, {.act = await_call, .of_act = &call}};
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    calls_begin();
    bus = bus_open_small(2, NULL);
    topic = topic_open(bus, "a");
    payloads[2].of_act = topic;
    gate_init(&gate);
    payload_probe(bus, &probe, NULL, "a");
    post_all(topic, payloads, 2, 1);
    gate_await(&gate, 1);
    call_start(&call, post_one, &payloads[2]);
    ck_assert(!call_is_done(&call));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "a post"), 1);
    bus_flush(bus);
    check_all(payloads, 3);
    ringbus_topic_close(topic);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(it_is_released_when_the_last_of_several_groups_is_done)
{
    static struct probe fast, slow, caller;
    static struct gate gate;
    static struct payload payload;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    gate_init(&gate);
    slow.gate = &gate;
    payload_probe(bus, &fast, NULL, "a");
    payload_probe(bus, &slow, group_open(bus, RINGBUS_GROUP_THREADS, 2), "a");
    payload_probe(bus, &caller, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    ck_assert_int_eq(payload_post(topic, &payload), 3);
    ck_assert_uint_eq(probe_calls(&caller), 1);
    AWAIT_CALLS(&fast, 1);
    ck_assert_uint_eq(payload_released(&payload), 0);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert(pthread_equal(payload.thread, slow.notes[0].thread));
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- lanes and stages ---- */

static void
check_lanes(uint32_t lanes)
{
    struct probe *probes = calloc(4, sizeof *probes);
    struct payload *payloads = calloc(MANY, sizeof *payloads);
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_group *group = lanes_open(bus, lanes, 4);
    struct ringbus_topic *topic = topic_open(bus, "a");

    probes[0].is_thread_safe = true;
    probes[1].has_batch_end = true;
    probes[3].after = &probes[1].consumer;
    probes[3].after_count = 1;
    for (int i = 0; i < 4; i++)
        payload_probe(bus, &probes[i], group, "a");
    post_all(topic, payloads, MANY, 4);
    bus_flush(bus);
    check_all(payloads, MANY);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(probe_calls(&probes[i]), MANY);
    ringbus_topic_close(topic);
    bus_close(bus);
    free(payloads);
    free(probes);
}

START_TEST(one_lane_or_four_with_stages_release_each_payload_once)
{
    check_lanes(1);
    check_lanes(4);
}
END_TEST

START_TEST(it_is_kept_for_a_later_stage)
{
    static struct probe first, second;
    static struct gate gate;
    static struct payload payload;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    gate_init(&gate);
    second.gate = &gate;
    second.after = &first.consumer;
    second.after_count = 1;
    payload_probe(bus, &first, NULL, "a");
    payload_probe(bus, &second, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 2);
    gate_await(&gate, 1);
    ck_assert_uint_eq(payload_released(&payload), 0);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static void
check_not_released(struct probe *probe)
{
    MUST(payload_released(probe->of_act) == 0, "released before its batch_end");
}

/* Also in a caller group. */
static void
check_batch_end(uint32_t kind)
{
    struct probe *probe = calloc(1, sizeof *probe);
    struct payload payload = {.number = 1};
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    probe->has_batch_end = true;
    probe->batch_act = check_not_released;
    probe->of_act = &payload;
    payload_probe(bus, probe, group_open(bus, kind, 2), "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&probe->batches, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
    free(probe);
}

START_TEST(it_is_released_after_the_batch_end_that_is_due)
{
    check_batch_end(RINGBUS_GROUP_THREADS);
    check_batch_end(RINGBUS_GROUP_CALLER);
}
END_TEST

/* ---- nobody gets it ---- */

static void
check_dead(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)bus;
    MUST(payload_released(hooks->of_test) == 0, "released before on_dead");
    MUST(event->data == hooks->of_test && event->reference == NULL, "another event");
}

START_TEST(what_nobody_gets_is_released_before_the_post_returns)
{
    static struct payload payload = {.number = 9};
    static struct hooks hooks = {.on_dead = check_dead, .of_test = &payload};
    struct ringbus_bus *bus = bus_open_small(2, &hooks);
    struct ringbus_topic *topic = topic_open(bus, "a");

    ck_assert_int_eq(payload_post(topic, &payload), 0);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert_uint_eq(hooks.number, 9);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static int
take_none(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

START_TEST(what_is_filtered_or_withheld_is_released)
{
    static struct probe picky = {.filter = take_none}, failing = {.code = -1}, after;
    static struct payload payload;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    after.after = &failing.consumer;
    after.after_count = 1;
    payload_probe(bus, &picky, NULL, "a");
    payload_probe(bus, &failing, NULL, "a");
    payload_probe(bus, &after, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 3);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&picky) + probe_calls(&after), 0);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(what_a_consumer_that_is_gone_was_to_get_is_released)
{
    static struct probe probe;
    static struct payload payloads[2];
    struct ringbus_bus *bus = bus_open_small(4, NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    struct ringbus_topic *topic = topic_open(bus, "a");

    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    payload_probe(bus, &probe, group, "a");
    post_all(topic, payloads, 2, 1);
    ck_assert_int_eq(ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    bus_flush(bus);
    check_all(payloads, 2);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- posts in handlers and in releases ---- */

static struct payload first_two[2];

/* In the call for the second event of a pass the first one is done. */
static void
post_to_full(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 0)
        return;
    MUST(try_post_number(probe->bus, "full", 0) == RINGBUS_EAGAIN, "there is room");
    MUST(payload_released(&first_two[0]) == 1 && payload_released(&first_two[1]) == 0,
        "what is done is not released before the post could wait");
}

START_TEST(before_a_handlers_post_waits_what_is_done_is_released)
{
    static struct probe probe = {.act = post_to_full}, full;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    struct ringbus_group *polled = group_open(bus, RINGBUS_GROUP_POLLED, 4);
    struct ringbus_topic *topic = topic_open(bus, "a");

    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    full.group = group;
    probe_open(bus, &full);
    probe_register(&full, "full");
    ck_assert_int_eq(try_post_number(bus, "full", 1) + try_post_number(bus, "full", 2), 2);
    payload_probe(bus, &probe, polled, "a");
    post_all(topic, first_two, 2, 1);
    ck_assert_int_eq(ringbus_group_poll(polled, 8), 2);
    check_all(first_two, 2);
    ringbus_topic_close(topic);
    end_polled(bus, polled);
}
END_TEST

static void
post_copy(void *topic)
{
    const uint64_t number = 7;

    MUST(ringbus_topic_try_post(topic, &number, sizeof number, NULL) == 1, "a release cannot post");
}

START_TEST(a_release_is_a_hook_that_may_post)
{
    static struct probe probe;
    static struct payload payload = {.number = 1, .act = post_copy};
    struct ringbus_bus *bus = bus_open_small(4, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a"), *other = topic_open(bus, "b");

    payload.of_act = other;
    payload_probe(bus, &probe, NULL, "a");
    probe.act = NULL;
    probe_register(&probe, "b");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    AWAIT_CALLS(&probe, 2);
    CHECK_NUMBERS(&probe, 1, 7);
    ringbus_topic_close(topic);
    ringbus_topic_close(other);
    bus_close(bus);
}
END_TEST

static void
flush_in_vain(void *bus)
{
    MUST(ringbus_flush(bus, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "a release may wait");
    MUST(ringbus_close(bus) == RINGBUS_EBUSY, "a release may close");
}

START_TEST(a_release_does_not_wait_for_handlers)
{
    static struct payload payload = {.act = flush_in_vain};
    struct ringbus_bus *bus = bus_open_small(4, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    payload.of_act = bus;
    ck_assert_int_eq(payload_post(topic, &payload), 0);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- refused ---- */

static int
post_until_now(struct ringbus_topic *topic, struct payload *payload)
{
    const struct ringbus_post_options options = payload_options(payload);

    return ringbus_topic_post_until(topic, payload, sizeof payload->number, 0, &options);
}

START_TEST(what_is_refused_stays_with_the_caller)
{
    static struct probe probe, other;
    static struct payload payloads[2], refused;
    const struct ringbus_post_options options = payload_options(&refused);
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    struct ringbus_topic *topic = topic_open(bus, "a");

    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    payload_probe(bus, &probe, group, "a");
    post_all(topic, payloads, 2, 1);
    payload_probe(bus, &other, NULL, "a"); /* has room */
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 1, &options), RINGBUS_EINVAL);
    ck_assert_int_eq(payload_try_post(topic, &refused), RINGBUS_EAGAIN);
    ck_assert_int_eq(post_until_now(topic, &refused), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(payload_post(topic, &refused), RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(payload_released(&refused), 0);
    ck_assert_uint_eq(probe_calls(&other), 0);
    check_all(payloads, 2);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static struct payload refused_in_handler;

static void
post_to_own(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_topic *topic = probe->of_act;
    static struct payload taken;

    (void)event;
    if (load_u32(&probe->begun, ORDER_COUNT) > 1)
        return;
    MUST(payload_post(topic, &taken) == 1, "no room for one more");
    MUST(payload_post(topic, &refused_in_handler) == RINGBUS_EDEADLK, "it would wait for itself");
}

START_TEST(what_would_be_a_deadlock_stays_with_the_caller)
{
    static struct probe probe = {.act = post_to_own};
    static struct payload payload;
    struct ringbus_bus *bus = bus_open_small(2, NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");

    probe.of_act = topic;
    payload_probe(bus, &probe, NULL, "a");
    ck_assert_int_eq(payload_post(topic, &payload), 1);
    AWAIT_CALLS(&probe, 2);
    bus_flush(bus);
    ck_assert_uint_eq(payload_released(&payload), 1);
    ck_assert_uint_eq(payload_released(&refused_in_handler), 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_release", handlers_get_the_posters_own_memory_of_any_size,
        it_is_released_while_its_executor_has_nothing_else_to_do, a_flush_waits_for_the_release,
        the_slot_is_taken_until_the_release_is_over,
        room_is_told_of_before_a_release_that_may_wait_for_it,
        it_is_released_when_the_last_of_several_groups_is_done,
        one_lane_or_four_with_stages_release_each_payload_once, it_is_kept_for_a_later_stage,
        it_is_released_after_the_batch_end_that_is_due,
        what_nobody_gets_is_released_before_the_post_returns,
        what_is_filtered_or_withheld_is_released,
        what_a_consumer_that_is_gone_was_to_get_is_released,
        before_a_handlers_post_waits_what_is_done_is_released, a_release_is_a_hook_that_may_post,
        a_release_does_not_wait_for_handlers, what_is_refused_stays_with_the_caller,
        what_would_be_a_deadlock_stays_with_the_caller);
}
