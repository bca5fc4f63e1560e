/* test_several.c - lossy groups beside others on one topic: they hold up nobody, and see the same order. */
#include "overflow/fixture.h"

static struct loser loser;
static struct probe keeper;
static struct gate gate;

/* A bus whose default group is a thread with a ring of `capacity`, and on "a" a consumer there and one in a lossy
 * group of two places, which stops at the gate. */
static struct ringbus_bus *
open_both(uint32_t capacity, uint32_t overflow)
{
    struct ringbus_bus *bus = bus_open_small(capacity, NULL);

    memset(&loser, 0, sizeof loser);
    memset(&keeper, 0, sizeof keeper);
    gate_init(&gate);
    keeper.name = "keeper";
    probe_open(bus, &keeper);
    probe_register(&keeper, "a");
    loser.probe.gate = &gate;
    lose_on(bus, &loser, lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 2), "a");
    return bus;
}

static void
check_order(const struct probe *probe)
{
    const uint32_t calls = probe_calls(probe);

    for (uint32_t i = 1; i < calls && i < PROBE_NOTES; i++)
        ck_assert_uint_lt(probe->notes[i - 1].number, probe->notes[i].number);
}

START_TEST(a_slow_lossy_group_holds_up_no_post_and_costs_nobody_else)
{
    const uint32_t kinds[] = {RINGBUS_DROP_NEWEST, RINGBUS_DROP_OLDEST, RINGBUS_CONFLATE};

    for (size_t k = 0; k < 3; k++) {
        struct ringbus_bus *bus = open_both(4, kinds[k]);

        for (uint64_t i = 1; i <= 300; i++) /* the lossy consumer is still in its first call */
            ck_assert_int_eq(post_number(bus, "a", i), 2);
        AWAIT_CALLS(&keeper, 300);
        ck_assert_uint_eq(probe_calls(&loser.probe), 0);
        gate_open(&gate);
        bus_flush(bus);
        check_order(&keeper);
        check_order(&loser.probe);
        ck_assert_uint_eq(probe_calls(&keeper), 300);
        ck_assert_int_eq(post_number(bus, "a", 301), 2);
        bus_flush(bus);
        ck_assert_int_eq((int64_t)loser.sum, dropped(bus));
        ck_assert_uint_eq(probe_calls(&loser.probe) + loser.sum, 301);
        bus_close(bus);
    }
}
END_TEST

static int
post_again(void *bus)
{
    return try_post_number(bus, "a", 9);
}

START_TEST(a_post_that_a_lossless_group_refuses_has_not_come_to_a_lossy_one)
{
    const uint32_t kinds[] = {RINGBUS_DROP_NEWEST, RINGBUS_DROP_OLDEST, RINGBUS_CONFLATE};

    for (size_t k = 0; k < 3; k++) {
        struct ringbus_bus *bus = open_both(2, kinds[k]);

        ck_assert_int_eq(ringbus_group_pause(loser.probe.group), RINGBUS_OK);
        gate_open(&gate);
        ck_assert_int_eq(ringbus_consumer_close(keeper.consumer, RINGBUS_DRAIN), RINGBUS_OK);
        memset(&keeper, 0, sizeof keeper);
        gate_init(&gate);
        keeper.gate = &gate;
        keeper.name = "keeper";
        probe_open(bus, &keeper);
        probe_register(&keeper, "a");
        ck_assert_int_eq(post_number(bus, "a", 1), 2);
        ck_assert_int_eq(post_number(bus, "a", 2), 2);
        ck_assert_int_eq(post_again(bus), RINGBUS_EAGAIN);
        ck_assert_int_eq(post_again(bus), RINGBUS_EAGAIN);
        ck_assert_int_eq(dropped(bus), kinds[k] == RINGBUS_CONFLATE ? 1 : 0);
        gate_open(&gate);
        ck_assert_int_eq(ringbus_group_resume(loser.probe.group), RINGBUS_OK);
        bus_flush(bus);
        ck_assert_uint_eq(loser.probe.notes[probe_calls(&loser.probe) - 1].number, 2);
        bus_close(bus);
    }
}
END_TEST

START_TEST(lossy_groups_and_caller_groups_share_a_topic)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_CONFLATE, 2, &loser, NULL);
    static struct loser newest;
    struct probe caller = {.name = "caller"};

    memset(&newest, 0, sizeof newest);
    newest.probe.name = "newest";
    lose_on(bus, &newest, lossy_open(bus, RINGBUS_DROP_NEWEST, RINGBUS_GROUP_POLLED, 2), "a");
    probe_open(bus, &caller);
    probe_register(&caller, "a");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 3);
    ck_assert_uint_eq(probe_calls(&caller), 5);
    ck_assert_int_eq(ringbus_group_poll(newest.probe.group, ALL), 2);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 5);
    CHECK_NUMBERS(&newest.probe, 1, 2);
    ck_assert_int_ge(ringbus_shutdown(bus, RINGBUS_DRAIN, 0), RINGBUS_OK);
    while (ringbus_group_poll(newest.probe.group, ALL) != RINGBUS_ESHUTDOWN)
        ;
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_several", a_slow_lossy_group_holds_up_no_post_and_costs_nobody_else,
        a_post_that_a_lossless_group_refuses_has_not_come_to_a_lossy_one,
        lossy_groups_and_caller_groups_share_a_topic);
}
