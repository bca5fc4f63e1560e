/* test_place.c - events made in place: claimed, filled, published or abandoned. */
#include <stdlib.h>

#include "post/payload.h"

static int
claim_until(
    struct ringbus_topic *topic, size_t size, int64_t deadline_ns, struct ringbus_claim *claim)
{
    return ringbus_topic_claim_until(topic, size, deadline_ns, NULL, claim);
}

/* Claim and fill; what was claimed for. */
static int
claim_number(struct ringbus_topic *topic, uint64_t number, struct ringbus_claim *claim)
{
    const int matched = claim_until(topic, sizeof number, RINGBUS_FOREVER, claim);

    if (matched > 0)
        memcpy(claim->data, &number, sizeof number);
    return matched;
}

/* A bus with a ring of so many slots and a probe in it, on "a". */
static struct ringbus_bus *
open_ring(uint32_t capacity, struct probe *probe, struct ringbus_topic **ret_topic)
{
    struct ringbus_bus *bus = bus_open_small(capacity, NULL);

    probe_open(bus, probe);
    probe_register(probe, "a");
    *ret_topic = topic_open(bus, "a");
    return bus;
}

static void
close_all(struct ringbus_bus *bus, struct ringbus_topic *topic)
{
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(what_was_filled_in_place_arrives_when_it_is_published)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(4, &probe, &topic);
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_claim claim;

    options.ordered = 9;
    for (uint64_t i = 1; i <= 10; i++) {
        ck_assert_int_eq(
            ringbus_topic_claim_until(topic, sizeof i, RINGBUS_FOREVER, &options, &claim), 1);
        ck_assert_uint_eq((uintptr_t)claim.data % 16, 0);
        memcpy(claim.data, &i, sizeof i);
        ck_assert_uint_eq(probe_calls(&probe), i - 1);
        ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
        AWAIT_CALLS(&probe, i);
    }
    CHECK_NUMBERS(&probe, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    ck_assert_uint_eq(probe.notes[9].ordered, 9);
    close_all(bus, topic);
}
END_TEST

START_TEST(events_behind_an_open_claim_wait_for_it)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(4, &probe, &topic);
    struct ringbus_claim first, second;

    ck_assert_int_eq(claim_number(topic, 1, &first), 1);
    ck_assert_int_eq(claim_number(topic, 2, &second), 1);
    ck_assert_int_eq(post_number(bus, "a", 3), 1);
    ck_assert_int_eq(ringbus_topic_publish(&second), 1);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_topic_publish(&first), 1);
    AWAIT_CALLS(&probe, 3);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    close_all(bus, topic);
}
END_TEST

START_TEST(what_is_abandoned_nobody_gets)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(2, &probe, &topic);
    struct ringbus_claim claim;

    for (uint64_t i = 1; i <= 9; i++) {
        ck_assert_int_eq(claim_number(topic, i, &claim), 1);
        ck_assert_int_eq(
            i % 3 == 0 ? ringbus_topic_publish(&claim) : ringbus_topic_abandon(&claim), i % 3 == 0);
    }
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 3, 6, 9);
    close_all(bus, topic);
}
END_TEST

START_TEST(an_event_may_be_made_smaller_not_larger)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(4, &probe, &topic);
    struct ringbus_claim claim;

    ck_assert_int_eq(claim_until(topic, 100, RINGBUS_FOREVER, &claim), 1);
    ck_assert_uint_eq(claim.size, 100);
    claim.size = 101;
    ck_assert_int_eq(ringbus_topic_publish(&claim), RINGBUS_EINVAL);
    claim.size = 30;
    ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
    ck_assert_int_eq(claim_until(topic, 0, RINGBUS_FOREVER, &claim), 1);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe.notes[0].size, 30);
    ck_assert_uint_eq(probe.notes[1].size, 0);
    close_all(bus, topic);
}
END_TEST

/* ---- several groups ---- */

START_TEST(every_group_gets_what_was_filled_once)
{
    static struct probe first, second, third;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(4, &first, &topic);
    struct ringbus_claim claim;

    second.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    third.group = group_open(bus, RINGBUS_GROUP_THREADS, 8);
    probe_open(bus, &second);
    probe_open(bus, &third);
    probe_register(&second, "a");
    probe_register(&third, "a");
    for (uint64_t i = 1; i <= 6; i++) {
        ck_assert_int_eq(claim_number(topic, i, &claim), 3);
        ck_assert_int_eq(
            i % 2 ? ringbus_topic_publish(&claim) : ringbus_topic_abandon(&claim), i % 2 ? 3 : 0);
        bus_flush(bus);
    }
    CHECK_NUMBERS(&first, 1, 3, 5);
    CHECK_NUMBERS(&second, 1, 3, 5);
    CHECK_NUMBERS(&third, 1, 3, 5);
    close_all(bus, topic);
}
END_TEST

/* Whatever the topic has become since. */
static void
check_late(uint32_t kind, bool is_retained)
{
    static struct probe early, late;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = topic_open(bus, "a");
    struct ringbus_claim claim;

    memset(&early, 0, sizeof early);
    memset(&late, 0, sizeof late);
    early.group = late.group = group_open(bus, kind, 4);
    probe_open(bus, &early);
    probe_open(bus, &late);
    probe_register(&early, "a");
    ck_assert_int_eq(claim_number(topic, 1, &claim), 1);
    if (is_retained)
        ck_assert_int_eq(ringbus_topic_retain(topic, sizeof(uint64_t)), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    probe_register(&late, "a");
    ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
    ck_assert_int_eq(post_number(bus, "a", 3), 2);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&early), 3);
    if (is_retained)
        CHECK_NUMBERS(&late, 2, 3);
    else
        CHECK_NUMBERS(&late, 3);
    close_all(bus, topic);
}

START_TEST(who_registers_after_the_claim_does_not_get_its_event)
{
    check_late(RINGBUS_GROUP_THREADS, false);
    check_late(RINGBUS_GROUP_THREADS, true);
    check_late(RINGBUS_GROUP_CALLER, false);
    check_late(RINGBUS_GROUP_CALLER, true);
}
END_TEST

static struct ringbus_bus *
open_caller(uint32_t capacity, struct probe *probe, struct ringbus_topic **ret_topic)
{
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    probe->group = group_open(bus, RINGBUS_GROUP_CALLER, capacity);
    probe_open(bus, probe);
    probe_register(probe, "a");
    *ret_topic = topic_open(bus, "a");
    return bus;
}

START_TEST(consumers_of_caller_groups_are_called_by_publish)
{
    static struct probe caller, ring;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_caller(2, &caller, &topic);
    struct ringbus_claim claim;

    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(claim_number(topic, i, &claim), 1);
        ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
        ck_assert_uint_eq(probe_calls(&caller), i);
        ck_assert_int_eq(claim_number(topic, 9, &claim), 1);
        ck_assert_int_eq(ringbus_topic_abandon(&claim), RINGBUS_OK);
    }
    probe_open(bus, &ring);
    probe_register(&ring, "a");
    ck_assert_int_eq(claim_number(topic, 4, &claim), 2);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 2);
    bus_flush(bus);
    CHECK_NUMBERS(&caller, 1, 2, 3, 4);
    CHECK_NUMBERS(&ring, 4);
    close_all(bus, topic);
}
END_TEST

START_TEST(a_claim_for_caller_groups_needs_a_place_for_a_nested_post)
{
    static struct probe caller;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_caller(2, &caller, &topic);
    struct ringbus_claim claims[3];

    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(claim_number(topic, 1, &claims[0]), 1);
        ck_assert_int_eq(claim_number(topic, 2, &claims[1]), 1);
        ck_assert_int_eq(claim_number(topic, 3, &claims[2]), RINGBUS_EDEADLK);
        ck_assert_int_eq(ringbus_topic_publish(&claims[1]), 1);
        ck_assert_int_eq(ringbus_topic_publish(&claims[0]), 1);
    }
    CHECK_NUMBERS(&caller, 2, 1, 2, 1, 2, 1);
    close_all(bus, topic);
}
END_TEST

static struct ringbus_topic *inner;

/* A claim in a handler of a caller group is a nested post. */
static void
claim_nested(struct probe *probe, const struct ringbus_event *event)
{
    const uint32_t calls = load_u32(&probe->begun, ORDER_COUNT);
    struct ringbus_claim claim;

    if (number_of(event) != 1)
        return;
    MUST(claim_number(inner, 2, &claim) == 1, "not claimed");
    MUST(ringbus_topic_publish(&claim) == 1, "not published");
    MUST(load_u32(&probe->begun, ORDER_COUNT) == calls, "delivered inside");
    MUST(try_post_number(probe->bus, "a", 3) == 1, "no room for two");
    MUST(claim_number(inner, 4, &claim) == RINGBUS_EDEADLK, "room for three");
}

START_TEST(what_is_published_in_a_caller_groups_handler_is_nested)
{
    static struct probe caller = {.act = claim_nested};
    struct ringbus_bus *bus = open_caller(2, &caller, &inner);

    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    CHECK_NUMBERS(&caller, 1, 2, 3);
    close_all(bus, inner);
}
END_TEST

/* The last place goes between claim and publish. */
static void
fill_places(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_claim claim;

    if (number_of(event) != 1)
        return;
    MUST(claim_number(inner, 2, &claim) == 2, "not claimed");
    MUST(try_post_number(probe->bus, "caller only", 3) == 1, "no room for one");
    MUST(ringbus_topic_publish(&claim) == RINGBUS_EDEADLK, "there was a place");
    MUST(claim.data == NULL, "still open");
}

START_TEST(a_publish_that_a_caller_group_refuses_reaches_nobody)
{
    static struct probe caller = {.act = fill_places}, ring;
    struct ringbus_bus *bus = open_caller(2, &caller, &inner);

    probe_register(&caller, "caller only");
    probe_open(bus, &ring);
    probe_register(&ring, "a");
    ck_assert_int_eq(post_number(bus, "caller only", 1), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&caller, 1, 3);
    ck_assert_uint_eq(probe_calls(&ring), 0);
    ck_assert_int_eq(post_number(bus, "a", 5), 2);
    close_all(bus, inner);
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_nobody_would_get_is_no_claim)
{
    static struct hooks hooks;
    struct ringbus_bus *bus = bus_open_small(2, &hooks);
    struct ringbus_topic *topic = topic_open(bus, "a");
    struct ringbus_claim claim;

    ck_assert_int_eq(claim_number(topic, 1, &claim), 0);
    ck_assert_ptr_null(claim.data);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 0);
    ck_assert_int_eq(ringbus_topic_abandon(&claim), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 0);
    bus_flush(bus); /* which a thread with an open claim could not */
    close_all(bus, topic);
}
END_TEST

static void
publish_elsewhere(void *claim)
{
    MUST(ringbus_topic_publish(claim) == RINGBUS_EINVAL, "another thread's");
    MUST(ringbus_topic_abandon(claim) == RINGBUS_EINVAL, "another thread's");
}

START_TEST(what_cannot_be_claimed_is_refused)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(2, &probe, &topic);
    struct payload payload;
    const struct ringbus_post_options by_reference = payload_options(&payload);
    struct ringbus_post_options unknown = ringbus_post_options_default();
    struct ringbus_claim claim;
    struct worker worker;

    unknown.size = 0;
    ck_assert_int_eq(claim_number(NULL, 1, &claim), RINGBUS_EINVAL);
    ck_assert_int_eq(claim_until(topic, 1, 0, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_claim_until(topic, 1, 0, &by_reference, &claim), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_claim_until(topic, 1, 0, &unknown, &claim), RINGBUS_EINVAL);
    ck_assert_int_eq(claim_until(topic, 209, 0, &claim), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_topic_publish(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_abandon(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(claim_until(topic, 208, 0, &claim), 1);
    worker_start(&worker, publish_elsewhere, &claim);
    worker_join(&worker, "another thread");
    ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(claim_number(topic, 1, &claim), RINGBUS_ESHUTDOWN);
    close_all(bus, topic);
}
END_TEST

START_TEST(a_claim_waits_for_room_until_its_deadline)
{
    static struct probe probe;
    static struct gate gate;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;
    struct ringbus_claim claim;

    gate_init(&gate);
    probe.gate = &gate;
    bus = open_ring(2, &probe, &topic);
    ck_assert_int_eq(post_number(bus, "a", 1) + post_number(bus, "a", 2), 2);
    ck_assert_int_eq(claim_until(topic, 8, 0, &claim), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(claim_until(topic, 8, ringbus_now_ns() + 1000000, &claim), RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    ck_assert_int_eq(IN_TIME(bus, claim_number(topic, 3, &claim)), 1);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 1);
    AWAIT_CALLS(&probe, 3);
    close_all(bus, topic);
}
END_TEST

START_TEST(a_thread_with_an_open_claim_does_not_wait)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_ring(2, &probe, &topic);
    struct ringbus_claim claims[2], third;

    ck_assert_int_eq(claim_number(topic, 1, &claims[0]), 1);
    ck_assert_int_eq(claim_number(topic, 2, &claims[1]), 1);
    ck_assert_int_eq(post_number(bus, "a", 3), RINGBUS_EDEADLK);
    ck_assert_int_eq(try_post_number(bus, "a", 3), RINGBUS_EAGAIN);
    ck_assert_int_eq(claim_number(topic, 3, &third), RINGBUS_EDEADLK);
    ck_assert_int_eq(ringbus_flush(bus, RINGBUS_FOREVER), RINGBUS_EDEADLK);
    ck_assert_int_eq(ringbus_topic_abandon(&claims[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_flush(bus, RINGBUS_FOREVER), RINGBUS_EDEADLK);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_topic_publish(&claims[1]), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 2);
    close_all(bus, topic);
}
END_TEST

/* ---- ends ---- */

static int
drain(void *bus)
{
    return ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER);
}

static int
end_group(void *group)
{
    return ringbus_group_close(group, RINGBUS_DRAIN);
}

START_TEST(a_drain_waits_for_an_open_claim_of_any_kind_of_group)
{
    static struct probe ring, caller;
    struct ringbus_topic *a = NULL, *b = NULL;
    struct ringbus_bus *bus = NULL;
    struct ringbus_claim of_ring, of_caller;
    struct call call;

    calls_begin();
    bus = open_ring(2, &ring, &a);
    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &caller);
    probe_register(&caller, "b");
    b = topic_open(bus, "b");
    ck_assert_int_eq(claim_number(a, 1, &of_ring), 1);
    ck_assert_int_eq(claim_number(b, 2, &of_caller), 1);
    call_start(&call, drain, bus);
    ck_assert_int_eq(ringbus_topic_publish(&of_ring), 1);
    AWAIT_CALLS(&ring, 1);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(claim_number(b, 3, &of_ring), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_topic_publish(&of_caller), 1);
    ck_assert_int_eq(call_join(&call, "shutdown"), RINGBUS_OK);
    CHECK_NUMBERS(&caller, 2);
    ringbus_topic_close(b);
    close_all(bus, a);
    calls_end();
}
END_TEST

static int
discard(void *bus)
{
    return ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER);
}

static int
discard_group(void *group)
{
    return ringbus_group_close(group, RINGBUS_DISCARD);
}

/* Its memory is in use. */
static void
check_discard(int (*run)(void *context), uint32_t kind)
{
    struct probe probe = {0};
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;
    struct ringbus_claim claim;
    struct call call;

    calls_begin();
    bus = bus_open_small(2, NULL);
    probe.group = group_open(bus, kind, 2);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    topic = topic_open(bus, "a");
    ck_assert_int_eq(claim_number(topic, 1, &claim), 1);
    call_start(&call, run, run == discard ? (void *)bus : (void *)probe.group);
    ck_assert(!call_is_done(&call));
    ck_assert_int_ge(ringbus_topic_publish(&claim), 0);
    ck_assert_int_eq(call_join(&call, "a discard"), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    close_all(bus, topic);
    calls_end();
}

START_TEST(so_does_a_discard)
{
    check_discard(discard, RINGBUS_GROUP_THREADS);
    check_discard(discard, RINGBUS_GROUP_CALLER);
    check_discard(discard_group, RINGBUS_GROUP_THREADS);
}
END_TEST

START_TEST(a_group_ends_when_its_open_claims_are_over)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;
    struct ringbus_claim claims[2];
    struct call call;

    calls_begin();
    bus = bus_open_small(2, NULL);
    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    topic = topic_open(bus, "a");
    ck_assert_int_eq(claim_number(topic, 1, &claims[0]), 1);
    ck_assert_int_eq(claim_number(topic, 2, &claims[1]), 1);
    call_start(&call, end_group, probe.group);
    ck_assert_int_eq(ringbus_topic_publish(&claims[0]), 1);
    AWAIT_CALLS(&probe, 1);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(ringbus_topic_abandon(&claims[1]), RINGBUS_OK);
    ck_assert_int_eq(call_join(&call, "group_close"), RINGBUS_OK);
    close_all(bus, topic);
    calls_end();
}
END_TEST

START_TEST(a_caller_group_that_ends_between_claim_and_publish_is_left_out)
{
    static struct probe caller, ring;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_caller(2, &caller, &topic);
    struct ringbus_claim claim;

    probe_open(bus, &ring);
    probe_register(&ring, "a");
    ck_assert_int_eq(claim_number(topic, 1, &claim), 2);
    ck_assert_int_eq(ringbus_group_close(caller.group, RINGBUS_DISCARD), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_topic_publish(&claim), 2);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&caller), 0);
    CHECK_NUMBERS(&ring, 1);
    close_all(bus, topic);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_place", what_was_filled_in_place_arrives_when_it_is_published,
        events_behind_an_open_claim_wait_for_it, what_is_abandoned_nobody_gets,
        who_registers_after_the_claim_does_not_get_its_event,
        an_event_may_be_made_smaller_not_larger, every_group_gets_what_was_filled_once,
        consumers_of_caller_groups_are_called_by_publish,
        a_claim_for_caller_groups_needs_a_place_for_a_nested_post,
        what_is_published_in_a_caller_groups_handler_is_nested,
        a_publish_that_a_caller_group_refuses_reaches_nobody, what_nobody_would_get_is_no_claim,
        what_cannot_be_claimed_is_refused, a_claim_waits_for_room_until_its_deadline,
        a_thread_with_an_open_claim_does_not_wait,
        a_drain_waits_for_an_open_claim_of_any_kind_of_group, so_does_a_discard,
        a_group_ends_when_its_open_claims_are_over,
        a_caller_group_that_ends_between_claim_and_publish_is_left_out);
}
