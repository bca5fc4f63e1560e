/* test_newest.c - a full drop_newest group takes no more, and says so once. */
#include "overflow/fixture.h"

static struct loser loser;

START_TEST(a_full_ring_takes_no_more_and_the_post_goes_on)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_NEWEST, 4, &loser, NULL);

    post_numbers(bus, "a", 1, 7);
    ck_assert_int_eq(dropped(bus), 3);
    check_polls(&loser, 4);
    CHECK_NUMBERS(&loser.probe, 1, 2, 3, 4);
    CHECK_LOST(&loser, 0, 0, 0, 0);
    post_numbers(bus, "a", 8, 9);
    check_polls(&loser, 2);
    CHECK_NUMBERS(&loser.probe, 1, 2, 3, 4, 8, 9);
    CHECK_LOST(&loser, 0, 0, 0, 0, 3, 0);
    ck_assert_int_eq(figure_of(bus, "group", "lossy", "refused"), 0);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

START_TEST(a_waiting_post_does_not_wait_for_it)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_NEWEST, 2, &loser, NULL);

    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(figure_of(bus, "group", "lossy", "blocked"), 0);
    check_polls(&loser, 2);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

static int
wants_odd(const struct ringbus_event *event, void *context)
{
    (void)context;
    return number_of(event) % 2 == 1;
}

START_TEST(what_an_event_that_nobody_wants_would_tell_the_next_one_tells)
{
    struct ringbus_bus *bus = NULL;

    bus = open_polled_loser(RINGBUS_DROP_NEWEST, 2, &loser, NULL);
    ck_assert_int_eq(ringbus_consumer_close(loser.probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
    loser.probe.filter = wants_odd;
    store_u32(&loser.probe.destroyed, 0, ORDER_COUNT);
    lose_on(bus, &loser, loser.probe.group, "a");
    post_numbers(bus, "a", 1, 5); /* 3, 4, 5 are dropped */
    check_polls(&loser, 2);
    post_numbers(bus, "a", 6, 7);
    check_polls(&loser, 2);
    CHECK_NUMBERS(&loser.probe, 1, 7);
    CHECK_LOST(&loser, 0, 3);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

START_TEST(a_batch_is_all_that_was_there)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_NEWEST, 4, &loser, NULL);
    struct loser second = {.probe = {.name = "second", .has_batch_end = true}};

    lose_on(bus, &second, loser.probe.group, "b");
    post_numbers(bus, "b", 1, 3);
    check_polls(&loser, 3);
    ck_assert_uint_eq(load_u32(&second.probe.batches, TEST_ACQUIRE), 1);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_newest", a_full_ring_takes_no_more_and_the_post_goes_on,
        a_waiting_post_does_not_wait_for_it,
        what_an_event_that_nobody_wants_would_tell_the_next_one_tells,
        a_batch_is_all_that_was_there);
}
