/* test_cycles.c - groups whose handlers wait for each other, in one bus or over two, with a reserve and without. */
#include "room/fixture.h"

enum { MOST = 4, RING = 4 };

/* A group of which one handler fills the next group's ring, when all of them are in such a handler, and then posts
 * there once more. */
struct member {
    struct probe probe;
    struct ringbus_bus *next_bus;
    const char *next; /* its topic */
    struct gate *together, *filled;
    int outcome; /* of the last post */
};

static void
fill_and_post(struct probe *probe, const struct ringbus_event *event)
{
    struct member *member = probe->of_act;

    if (number_of(event) != 1)
        return;
    gate_pass(member->together);
    MUST(fill(member->next_bus, member->next) >= 0, "the next ring is full");
    gate_pass(member->filled); /* all rings are */
    member->outcome = post_number(member->next_bus, member->next, 3);
}

static const char *const topics[MOST] = {"a", "b", "c", "d"};
static struct gate barriers[2];

static void
open_members(struct member *members, int count, struct ringbus_bus *const *buses, uint32_t reserve,
    void (*act)(struct probe *probe, const struct ringbus_event *event))
{
    struct gate *const gates = barriers;

    gate_init(&gates[0]);
    gate_init(&gates[1]);
    for (int i = 0; i < count; i++) {
        struct ringbus_bus *bus = buses[i % 2];

        members[i] = (struct member){.next = topics[(i + 1) % count],
            .next_bus = buses[(i + 1) % count % 2],
            .together = &gates[0],
            .filled = &gates[1]};
        members[i].probe.act = act;
        members[i].probe.of_act = &members[i];
        join(bus, &members[i].probe, open_reserved(bus, RINGBUS_GROUP_THREADS, RING, reserve),
            topics[i]);
        ck_assert_int_eq(post_number(bus, topics[i], 1), 1);
    }
}

static void
let_them_wait(int count)
{
    for (int i = 0; i < 2; i++) {
        gate_await(&barriers[i], (uint32_t)count);
        gate_open(&barriers[i]);
    }
}

static void
shut_down(struct ringbus_bus *bus)
{
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
}

/* `count` groups, each blocked on the next in a ring: exactly one is refused, the others get on. */
static void
check_cycle(int count, uint32_t reserve, bool is_over_two_buses)
{
    struct member members[MOST] = {0};
    struct ringbus_bus *first = bus_open(NULL);
    struct ringbus_bus *second = is_over_two_buses ? bus_open(NULL) : first;
    int refused = 0, posted = 0;

    open_members(
        members, count, (struct ringbus_bus *const[]){first, second}, reserve, fill_and_post);
    let_them_wait(count);
    for (int i = 0; i < count; i++)
        AWAIT_ON(members[i].probe.bus, probe_calls(&members[i].probe) >= 1);
    shut_down(first);
    if (is_over_two_buses)
        shut_down(second);
    for (int i = 0; i < count; i++) {
        refused += members[i].outcome == RINGBUS_EDEADLK;
        posted += members[i].outcome == 1;
    }
    ck_assert_int_eq(refused, 1);
    ck_assert_int_eq(posted, count - 1);
    bus_close(first);
    if (is_over_two_buses)
        bus_close(second);
}

START_TEST(of_four_groups_that_wait_in_a_ring_one_is_refused)
{
    for (int round = 0; round < 30; round++)
        check_cycle(4, RINGBUS_NO_RESERVE, false);
}
END_TEST

START_TEST(so_it_is_when_the_reserves_are_gone)
{
    for (int count = 2; count <= MOST; count++)
        for (int round = 0; round < 15; round++)
            check_cycle(count, 1 + (uint32_t)round % (RING - 1), false);
}
END_TEST

START_TEST(so_it_is_over_two_buses)
{
    for (int round = 0; round < 15; round++) {
        check_cycle(2, RINGBUS_NO_RESERVE, true);
        check_cycle(4, RINGBUS_NO_RESERVE, true);
        check_cycle(2, 2, true);
    }
}
END_TEST

/* While the reserve has room nobody in a ring of groups waits. */
static void
post_once(struct probe *probe, const struct ringbus_event *event)
{
    struct member *member = probe->of_act;

    if (number_of(event) != 1)
        return;
    gate_pass(member->together);
    member->outcome = post_number(member->next_bus, member->next, 3);
    gate_pass(member->filled);
}

START_TEST(nobody_in_a_ring_of_groups_is_refused_while_there_is_reserve)
{
    struct member members[3] = {0};
    struct ringbus_bus *bus = bus_open(NULL);

    open_members(members, 3, (struct ringbus_bus *const[]){bus, bus}, 1, post_once);
    gate_await(&barriers[0], 3);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fill(bus, topics[i]), RING - 2);
    let_them_wait(3);
    shut_down(bus);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(members[i].outcome, 1);
    bus_close(bus);
}
END_TEST

/* a -> b -> c, and c's handler is only slow. */
static void
forward(struct probe *probe, const struct ringbus_event *event)
{
    MUST(post_number(probe->bus, probe->of_act, number_of(event)) == 1, "a chain is no cycle");
}

START_TEST(a_chain_of_groups_that_wait_is_no_cycle)
{
    static struct gate gate;
    static struct probe first, second, last;
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    first = (struct probe){.act = forward, .of_act = "b"};
    second = (struct probe){.act = forward, .of_act = "c"};
    last = (struct probe){.gate = &gate};
    join(bus, &first, open_reserved(bus, RINGBUS_GROUP_THREADS, 64, 0), "a");
    join(bus, &second, open_reserved(bus, RINGBUS_GROUP_THREADS, RING, 1), "b");
    join(bus, &last, open_reserved(bus, RINGBUS_GROUP_THREADS, RING, 1), "c");
    for (uint64_t i = 1; i <= 12; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    /* One is in c's handler, three wait in its ring; one is in b's handler, three in its ring; one is in a's. */
    AWAIT_ON(bus, load_u32(&first.begun, TEST_ACQUIRE) == 9);
    ck_assert_uint_eq(probe_calls(&first), 8);
    ck_assert_uint_eq(probe_calls(&second), 4);
    gate_open(&gate);
    AWAIT_CALLS(&last, 12);
    CHECK_NUMBERS(&last, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("cycles", of_four_groups_that_wait_in_a_ring_one_is_refused,
        so_it_is_when_the_reserves_are_gone, so_it_is_over_two_buses,
        nobody_in_a_ring_of_groups_is_refused_while_there_is_reserve,
        a_chain_of_groups_that_wait_is_no_cycle);
}
