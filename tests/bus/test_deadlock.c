/* test_deadlock.c - a handler that posts into a full ring: it waits where that can end, and is told at once where
 * not. */
#include "support/probe.h"

/* ---- into the own group ---- */

static void
overfill_own_ring(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    for (uint64_t i = 2; i <= 4; i++) /* the ring of 4 holds event 1 */
        MUST(post_number(probe->bus, "a", i) == 1, "there is room for three");
    MUST(post_number(probe->bus, "a", 9) == RINGBUS_EDEADLK, "post waits for itself");
    MUST(try_post_number(probe->bus, "a", 9) == RINGBUS_EAGAIN, "try_post finds room");
    MUST(ringbus_post_until(probe->bus, "a", NULL, 0, RINGBUS_FOREVER) == RINGBUS_EDEADLK,
        "post_until waits for itself");
}

START_TEST(a_handler_cannot_wait_for_room_in_its_own_ring)
{
    static struct probe probe = {.act = overfill_own_ring};
    struct ringbus_bus *bus = bus_open_small(4, NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_CALLS(&probe, 4);
    CHECK_NUMBERS(&probe, 1, 2, 3, 4);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "refused"), 3);
    bus_close(bus);
}
END_TEST

/* In event 4 of a pass of events 2, 3, 4, in a ring of 4: one slot is free, and two more when 2 and 3 are committed. */
static void
post_three_more(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 4)
        return;
    MUST(post_number(probe->bus, "a", 5) == 1, "a slot is free");
    MUST(post_number(probe->bus, "a", 6) == 1, "event 2 is done and makes room");
    MUST(try_post_number(probe->bus, "a", 7) == 1, "event 3 is done and makes room");
    MUST(post_number(probe->bus, "a", 8) == RINGBUS_EDEADLK, "the ring is full");
}

START_TEST(what_a_handler_has_done_of_its_pass_makes_room_for_it)
{
    static struct gate gate;
    static struct probe stopper = {.gate = &gate}, probe = {.act = post_three_more};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    stopper.group = probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &stopper);
    probe_open(bus, &probe);
    probe_register(&stopper, "stop");
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "stop", 0), 1);
    gate_await(&gate, 1);
    for (uint64_t i = 2; i <= 4; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_open(&gate);
    AWAIT_CALLS(&probe, 6);
    CHECK_NUMBERS(&probe, 2, 3, 4, 5, 6, 7);
    bus_close(bus);
}
END_TEST

static struct call flushing;
static struct gate room_gate;

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

/* In a pass of events 1 and 2, in a ring of 4. Who was woken at the end of the pass before sleeps again in event 1. */
static void
make_room_and_stop(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        AWAIT_ON(probe->bus, load_u32(&flushing.sleeps, TEST_ACQUIRE) >= 2);
    if (number_of(event) != 2)
        return;
    for (uint64_t i = 3; i <= 5; i++)
        MUST(post_number(probe->bus, "a", i) == 1, "event 1 is done and makes room");
    gate_pass(&room_gate);
}

START_TEST(who_waits_for_an_event_is_told_when_it_has_made_room)
{
    static struct gate gate;
    static struct probe stopper = {.gate = &gate}, probe = {.act = make_room_and_stop};
    struct ringbus_bus *bus = NULL;

    gate_init(&gate);
    gate_init(&room_gate);
    calls_begin();
    bus = bus_open_small(4, NULL);
    probe_open(bus, &stopper);
    probe_open(bus, &probe);
    probe_register(&stopper, "stop");
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "stop", 0), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    call_start(&flushing, flush, bus);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    gate_open(&gate);
    gate_await(&room_gate, 1);
    ck_assert_int_eq(call_join(&flushing, "flush"), RINGBUS_OK);
    gate_open(&room_gate);
    bus_close(bus);
    calls_end();
}
END_TEST

/* ---- groups that wait for each other ---- */

enum { RING = 2, MOST_GROUPS = 3 };

/* A group that, for its first event, fills the ring of the next group and then posts there once more. */
struct member {
    struct probe probe;
    const char *next; /* its topic */
    struct gate *together;
    int outcome;
};

static void
post_to_next(struct probe *probe, const struct ringbus_event *event)
{
    struct member *member = probe->of_act;

    if (number_of(event) != 1)
        return;
    gate_pass(member->together); /* all are in their handlers, all rings are full */
    member->outcome = post_number(probe->bus, member->next, 3);
}

/* `count` groups, each blocked on the next in a ring: exactly one is refused, and nothing is lost. */
static void
check_cycle(int count)
{
    static const char *const topics[] = {"a", "b", "c"};
    struct member members[MOST_GROUPS] = {0};
    struct gate together;
    struct ringbus_bus *bus = bus_open(NULL);
    int refused = 0, posted = 0;
    uint32_t calls = 0;

    gate_init(&together);
    for (int i = 0; i < count; i++) {
        members[i].next = topics[(i + 1) % count];
        members[i].together = &together;
        members[i].probe.act = post_to_next;
        members[i].probe.of_act = &members[i];
        members[i].probe.group = group_open(bus, RINGBUS_GROUP_THREADS, RING);
        probe_open(bus, &members[i].probe);
        probe_register(&members[i].probe, topics[i]);
    }
    for (int i = 0; i < count; i++)
        for (uint64_t n = 1; n <= RING; n++)
            ck_assert_int_eq(post_number(bus, topics[i], n), 1);
    gate_await(&together, (uint32_t)count);
    gate_open(&together);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    for (int i = 0; i < count; i++) {
        refused += members[i].outcome == RINGBUS_EDEADLK;
        posted += members[i].outcome == 1;
        calls += probe_calls(&members[i].probe);
    }
    ck_assert_int_eq(refused, 1);
    ck_assert_int_eq(posted, count - 1);
    ck_assert_uint_eq(calls, (uint32_t)(count * RING + posted));
    bus_close(bus);
}

START_TEST(of_two_groups_that_wait_for_each_other_one_is_refused)
{
    for (int round = 0; round < 50; round++)
        check_cycle(2);
}
END_TEST

START_TEST(of_three_groups_that_wait_in_a_ring_one_is_refused)
{
    for (int round = 0; round < 50; round++)
        check_cycle(3);
}
END_TEST

static void
forward(struct probe *probe, const struct ringbus_event *event)
{
    MUST(post_number(probe->bus, probe->of_act, number_of(event)) == 1, "a slow group is no cycle");
}

START_TEST(a_handler_waits_for_room_in_a_group_that_is_only_slow)
{
    static struct gate gate;
    static struct probe source = {.act = forward, .of_act = "slow"}, slow = {.gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    slow.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &source);
    probe_open(bus, &slow);
    probe_register(&source, "a");
    probe_register(&slow, "slow");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_await(&gate, 1);
    AWAIT_ON(bus, probe_calls(&source) == 2 && load_u32(&source.begun, TEST_ACQUIRE) == 3);
    gate_open(&gate);
    AWAIT_CALLS(&slow, 5);
    CHECK_NUMBERS(&slow, 1, 2, 3, 4, 5);
    bus_close(bus);
}
END_TEST

/* Two groups wait for a third, which waits for nobody. */
START_TEST(two_groups_may_wait_for_the_same_one)
{
    static struct gate gate;
    static struct probe sources[2], slow = {.gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    slow.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &slow);
    probe_register(&slow, "slow");
    for (int i = 0; i < 2; i++) {
        sources[i].act = forward;
        sources[i].of_act = "slow";
        sources[i].group = group_open(bus, RINGBUS_GROUP_THREADS, 64);
        probe_open(bus, &sources[i]);
        probe_register(&sources[i], "a");
    }
    for (uint64_t i = 1; i <= 20; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 2);
    gate_await(&gate, 1);
    gate_open(&gate);
    AWAIT_CALLS(&slow, 40);
    bus_close(bus);
}
END_TEST

/* A handler that waits until a deadline for a group that stays full. */
static void
post_until_soon(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_post_until(probe->bus, "slow", NULL, 0, ringbus_now_ns() + 1000000) ==
             RINGBUS_ETIMEDOUT,
        "the group is full");
}

START_TEST(a_handler_waits_until_its_deadline)
{
    static struct gate gate;
    static struct probe source = {.act = post_until_soon}, slow = {.gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    slow.group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(bus, &source);
    probe_open(bus, &slow);
    probe_register(&source, "a");
    probe_register(&slow, "slow");
    ck_assert_int_eq(post_number(bus, "slow", 1), 1);
    ck_assert_int_eq(post_number(bus, "slow", 2), 1);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    AWAIT_CALLS(&source, 1);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

/* Two buses whose groups wait for each other: the graph is the process's. */
struct far_end {
    struct ringbus_bus *bus;
    struct gate *together;
    int outcome;
};

static void
post_to_far_end(struct probe *probe, const struct ringbus_event *event)
{
    struct far_end *far = probe->of_act;

    if (number_of(event) != 1)
        return;
    gate_pass(far->together);
    far->outcome = post_number(far->bus, "a", 3);
}

START_TEST(a_cycle_over_two_buses_is_found)
{
    static struct gate together;
    static struct probe probes[2];
    static struct far_end ends[2];
    struct ringbus_bus *buses[2] = {bus_open_small(RING, NULL), bus_open_small(RING, NULL)};

    gate_init(&together);
    for (int i = 0; i < 2; i++) {
        ends[i] = (struct far_end){buses[1 - i], &together, 0};
        probes[i].act = post_to_far_end;
        probes[i].of_act = &ends[i];
        probe_open(buses[i], &probes[i]);
        probe_register(&probes[i], "a");
        for (uint64_t n = 1; n <= RING; n++)
            ck_assert_int_eq(post_number(buses[i], "a", n), 1);
    }
    gate_await(&together, 2);
    gate_open(&together);
    for (int i = 0; i < 2; i++)
        AWAIT_ON(buses[i], probe_calls(&probes[i]) >= RING);
    bus_flush(buses[0]);
    bus_flush(buses[1]);
    ck_assert_int_eq(ends[0].outcome + ends[1].outcome, 1 + RINGBUS_EDEADLK);
    bus_close(buses[0]);
    bus_close(buses[1]);
}
END_TEST

/* ---- handlers of caller groups ---- */

static void
post_into_full_ring(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(post_number(probe->bus, "ring", 9) == RINGBUS_EDEADLK, "a caller handler does not wait");
    MUST(ringbus_post_until(probe->bus, "ring", NULL, 0, RINGBUS_FOREVER) == RINGBUS_EDEADLK,
        "a caller handler does not wait");
    MUST(try_post_number(probe->bus, "ring", 9) == RINGBUS_EAGAIN, "the ring is full");
}

START_TEST(a_caller_handler_does_not_wait_for_room_in_a_ring)
{
    static struct gate gate;
    static struct probe ring = {.gate = &gate}, caller = {.act = post_into_full_ring};
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    gate_init(&gate);
    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &ring);
    probe_open(bus, &caller);
    probe_register(&ring, "ring");
    probe_register(&caller, "caller");
    ck_assert_int_eq(post_number(bus, "ring", 1), 1);
    ck_assert_int_eq(post_number(bus, "ring", 2), 1);
    ck_assert_int_eq(post_number(bus, "caller", 1), 1);
    CHECK_NUMBERS(&caller, 1);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&ring, 1, 2);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("deadlock", a_handler_cannot_wait_for_room_in_its_own_ring,
        what_a_handler_has_done_of_its_pass_makes_room_for_it,
        who_waits_for_an_event_is_told_when_it_has_made_room,
        of_two_groups_that_wait_for_each_other_one_is_refused,
        of_three_groups_that_wait_in_a_ring_one_is_refused,
        a_handler_waits_for_room_in_a_group_that_is_only_slow, two_groups_may_wait_for_the_same_one,
        a_handler_waits_until_its_deadline, a_cycle_over_two_buses_is_found,
        a_caller_handler_does_not_wait_for_room_in_a_ring);
}
