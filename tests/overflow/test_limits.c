/* test_limits.c - what lossy groups cannot be, and do not share. */
#include "bus/group.h"
#include "overflow/fixture.h"

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

START_TEST(a_lossy_group_has_one_executor_that_is_not_the_poster)
{
    const size_t size = sizeof(struct ringbus_group_options);
    const struct ringbus_group_options bad[] = {
        {.size = size, .overflow = RINGBUS_CONFLATE + 1},
        {.size = size, .overflow = RINGBUS_DROP_NEWEST, .lanes = 2},
        {.size = size, .overflow = RINGBUS_DROP_OLDEST, .lanes = 2},
        {.size = size, .overflow = RINGBUS_CONFLATE, .lanes = 2},
        {.size = size, .overflow = RINGBUS_DROP_NEWEST, .kind = RINGBUS_GROUP_CALLER},
        {.size = size, .overflow = RINGBUS_DROP_OLDEST, .kind = RINGBUS_GROUP_CALLER},
        {.size = size, .overflow = RINGBUS_CONFLATE, .kind = RINGBUS_GROUP_CALLER},
    };
    struct ringbus_bus *bus = bus_open(NULL);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ringbus_group *group = NULL;

        ck_assert_msg(ringbus_group_open(bus, &bad[i], &group) == RINGBUS_EINVAL, "options %zu", i);
        ck_assert_ptr_null(group);
    }
    bus_close(bus);
}
END_TEST

START_TEST(nobody_comes_after_another_one_in_a_lossy_group)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *first = NULL, *second = NULL;

    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++) {
        options.group = lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 4);
        options.after_count = 0;
        ck_assert_int_eq(ringbus_consumer_open(bus, ignore, NULL, &options, &first), RINGBUS_OK);
        options.after_count = 1;
        options.after = &first;
        ck_assert_int_eq(
            ringbus_consumer_open(bus, ignore, NULL, &options, &second), RINGBUS_EINVAL);
    }
    ck_assert_ptr_null(second);
    bus_close(bus);
}
END_TEST

START_TEST(a_closed_group_gives_its_place_to_one_that_overflows_alike)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *closed[4];

    for (uint32_t overflow = 0; overflow < 4; overflow++)
        closed[overflow] = lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 4);
    for (uint32_t overflow = 0; overflow < 4; overflow++)
        ck_assert_int_eq(ringbus_group_close(closed[overflow], RINGBUS_DRAIN), RINGBUS_OK);
    for (uint32_t overflow = 4; overflow-- > 0;)
        ck_assert_ptr_eq(lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 4), closed[overflow]);
    bus_close(bus);
}
END_TEST

START_TEST(nothing_is_made_in_place_for_a_lossy_group)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++) {
        struct ringbus_bus *bus = bus_open(NULL);
        struct probe probe = {.name = "probe"};
        struct ringbus_topic *topic = NULL;
        struct ringbus_claim claim;

        probe.group = lossy_open(bus, overflow, RINGBUS_GROUP_THREADS, 4);
        probe_open(bus, &probe);
        probe_register(&probe, "a");
        ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
        ck_assert_int_eq(ringbus_topic_claim_until(topic, 4, 0, NULL, &claim), RINGBUS_EINVAL);
        ringbus_topic_close(topic);
        bus_close(bus);
        ck_assert_uint_eq(probe_calls(&probe), 0);
    }
}
END_TEST

static struct loser loser;

START_TEST(a_group_that_is_used_again_has_nothing_to_tell)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++) {
        struct ringbus_bus *bus = open_polled_loser(overflow, 2, &loser, NULL);
        struct ringbus_group *group = loser.probe.group;

        post_numbers(bus, "a", 1, 9);
        check_polls(&loser, (int)(overflow == RINGBUS_CONFLATE ? 1 : 2));
        post_numbers(bus, "a", 10, 19);
        ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DISCARD), RINGBUS_PENDING);
        ck_assert_int_eq(ringbus_group_poll(group, ALL) > 0, 1);
        ck_assert_int_eq(ringbus_group_poll(group, ALL), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(ringbus_consumer_close(loser.probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
        memset(&loser, 0, sizeof loser);
        lose_on(bus, &loser, lossy_open(bus, overflow, RINGBUS_GROUP_POLLED, 2), "a");
        ck_assert_ptr_eq(loser.probe.group, group);
        post_numbers(bus, "a", 20, 20);
        check_polls(&loser, 1);
        CHECK_NUMBERS(&loser.probe, 20);
        CHECK_LOST(&loser, 0);
        end_polled(bus, group, RINGBUS_DRAIN);
    }
}
END_TEST

START_TEST(the_default_group_may_be_lossy)
{
    struct ringbus_options options = options_with(NULL);
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;
    struct probe probe = {.name = "probe"};

    group.overflow = RINGBUS_DROP_OLDEST;
    options.default_group = &group;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    post_numbers(bus, "a", 1, 10);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 10);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_limits", a_lossy_group_has_one_executor_that_is_not_the_poster,
        nobody_comes_after_another_one_in_a_lossy_group, nothing_is_made_in_place_for_a_lossy_group,
        a_closed_group_gives_its_place_to_one_that_overflows_alike,
        a_group_that_is_used_again_has_nothing_to_tell, the_default_group_may_be_lossy);
}
