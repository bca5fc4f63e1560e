/* test_oldest.c - a drop_oldest group goes on with what is new, and tells how much it has not handed out. */
#include <stdio.h>

#include "overflow/fixture.h"

static struct loser loser;

START_TEST(the_oldest_are_overwritten_and_counted)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 4, &loser, NULL);

    post_numbers(bus, "a", 1, 4);
    ck_assert_int_eq(dropped(bus), 0);
    ck_assert_int_eq(figure_of(bus, "group", "lossy", "lag"), 4);
    post_numbers(bus, "a", 5, 6);
    ck_assert_int_eq(dropped(bus), 2); /* also while nobody has looked */
    ck_assert_int_eq(figure_of(bus, "group", "lossy", "lag"), 4);
    check_polls(&loser, 3); /* a quarter of the ring ahead */
    CHECK_NUMBERS(&loser.probe, 4, 5, 6);
    CHECK_LOST(&loser, 3, 0, 0);
    ck_assert_int_eq(dropped(bus), 3);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

/* What it skips it looks at, one by one, and who runs the lane may have a bound on time. */
START_TEST(in_a_large_ring_less_than_a_quarter_is_skipped)
{
    enum { SLOTS = 1 << 15, MOST = 4096 };
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, SLOTS, &loser, NULL);

    post_numbers(bus, "a", 1, SLOTS + 3);
    ck_assert_int_eq(ringbus_group_poll(loser.probe.group, 1), 1);
    CHECK_NUMBERS(&loser.probe, 3 + MOST + 1);
    CHECK_LOST(&loser, 3 + MOST);
    end_polled(bus, loser.probe.group, RINGBUS_DISCARD);
}
END_TEST

START_TEST(what_is_not_overwritten_comes_whole)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 2, &loser, NULL);

    post_numbers(bus, "a", 1, 2);
    check_polls(&loser, 2);
    post_numbers(bus, "a", 3, 3);
    check_polls(&loser, 1);
    CHECK_NUMBERS(&loser.probe, 1, 2, 3);
    CHECK_LOST(&loser, 0, 0, 0);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

static unsigned char seen[72];
static size_t seen_size;
static uint64_t seen_key;

static int
see(const struct ringbus_event *event, void *context)
{
    (void)context;
    seen_size = event->size;
    seen_key = event->ordered;
    if (event->size > 0)
        memcpy(seen, event->data, event->size);
    ck_assert((event->size == 0) == (event->data == NULL));
    ck_assert_uint_eq((uintptr_t)event->data % 16, 0);
    ck_assert_str_eq(ringbus_topic_name(event->handle), "sizes");
    return 0;
}

static void
check_sizes(uint32_t overflow)
{
    struct ringbus_bus *bus = open_polled_loser(overflow, 2, &loser, NULL);
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_post_options keyed = ringbus_post_options_default();
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_topic *topic = NULL;
    unsigned char payload[73];

    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (unsigned char)(i * 7 + 1);
    options.group = loser.probe.group;
    ck_assert_int_eq(ringbus_consumer_open(bus, see, NULL, &options, &consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, "sizes"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "sizes", &topic), RINGBUS_OK);
    for (size_t size = 0; size <= 72; size++) {
        keyed.ordered = size + 3;
        ck_assert_int_eq(ringbus_topic_post(topic, payload, size, &keyed), 1);
        check_polls(&loser, 1);
        ck_assert_uint_eq(seen_size, size);
        ck_assert_uint_eq(seen_key, size + 3);
        ck_assert_int_eq(memcmp(seen, payload, size), 0);
    }
    ck_assert_int_eq(ringbus_topic_post(topic, payload, 73, NULL), RINGBUS_EMSGSIZE);
    ringbus_topic_close(topic);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}

START_TEST(payloads_of_any_size_are_copied)
{
    check_sizes(RINGBUS_DROP_NEWEST);
    check_sizes(RINGBUS_DROP_OLDEST);
    check_sizes(RINGBUS_CONFLATE);
}
END_TEST

START_TEST(a_paused_group_goes_on_losing)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 4, &loser, NULL);

    ck_assert_int_eq(ringbus_group_pause(loser.probe.group), RINGBUS_OK);
    post_numbers(bus, "a", 1, 100);
    check_polls(&loser, 0);
    ck_assert_int_eq(dropped(bus), 96);
    ck_assert_int_eq(ringbus_group_resume(loser.probe.group), RINGBUS_OK);
    check_polls(&loser, 3);
    CHECK_NUMBERS(&loser.probe, 98, 99, 100);
    CHECK_LOST(&loser, 97, 0, 0);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

START_TEST(topics_of_what_was_overwritten_are_freed_when_it_is_passed)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 4, &loser, NULL);
    char name[8];

    for (int round = 0; round < 50; round++) {
        snprintf(name, sizeof name, "t%d", round);
        probe_register(&loser.probe, name);
        post_numbers(bus, name, 1, 3);
        ck_assert_int_eq(ringbus_unregister_consumer(bus, loser.probe.consumer, name), RINGBUS_OK);
        post_numbers(bus, "a", 1, 6); /* nothing of that topic is left in the ring */
        ck_assert_int_eq(ringbus_group_poll(loser.probe.group, 1), 1);
    }
    ck_assert_int_le(figure_of(bus, "bus", "", "topics"), 5);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

START_TEST(each_event_has_the_end_of_its_batch)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 4, &loser, NULL);
    struct loser second = {.probe = {.name = "second", .has_batch_end = true}};

    lose_on(bus, &second, loser.probe.group, "b");
    post_numbers(bus, "b", 1, 3);
    check_polls(&loser, 3);
    ck_assert_uint_eq(load_u32(&second.probe.batches, TEST_ACQUIRE), 3);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

static void
post_three_more(struct probe *probe, const struct ringbus_event *event)
{
    note_lost(probe, event);
    if (number_of(event) == 1)
        for (uint64_t i = 2; i <= 7; i++)
            MUST(post_number(probe->bus, "a", i) == 1, "not posted");
}

START_TEST(a_handler_may_overwrite_the_event_it_is_in)
{
    struct ringbus_bus *bus = open_polled_loser(RINGBUS_DROP_OLDEST, 4, &loser, NULL);

    loser.probe.act = post_three_more;
    post_numbers(bus, "a", 1, 1);
    ck_assert_int_eq(ringbus_group_poll(loser.probe.group, ALL), 4);
    CHECK_NUMBERS(&loser.probe, 1, 5, 6, 7);
    CHECK_LOST(&loser, 0, 3, 0, 0);
    end_polled(bus, loser.probe.group, RINGBUS_DRAIN);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("overflow_oldest", the_oldest_are_overwritten_and_counted,
        in_a_large_ring_less_than_a_quarter_is_skipped, what_is_not_overwritten_comes_whole,
        payloads_of_any_size_are_copied, a_paused_group_goes_on_losing,
        topics_of_what_was_overwritten_are_freed_when_it_is_passed,
        each_event_has_the_end_of_its_batch, a_handler_may_overwrite_the_event_it_is_in);
}
