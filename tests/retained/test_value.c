/* test_value.c - a topic that retains its last value: who gets it, in which kind of group, what a post to it does. */
#include "retained/fixture.h"

/* ---- who gets it ---- */

START_TEST(who_registers_gets_the_last_value_and_then_every_event)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    retain(bus, "a", 8);
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 0);
    join(bus, &probe, NULL);
    ck_assert_int_eq(post_number(bus, "a", 4), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 3, 4);
    ck_assert_str_eq(probe.notes[0].topic, "a");
    ck_assert_int_eq(probe.notes[0].sequence, -1);
    bus_close(bus);
}
END_TEST

START_TEST(nothing_is_replayed_before_a_value_was_posted)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    retain(bus, "a", 8);
    join(bus, &probe, NULL);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
}
END_TEST

START_TEST(the_value_has_its_key_and_its_sequence_in_the_group_it_was_posted_to)
{
    static struct probe first, second, other;
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = topic_of(bus, "a");
    const uint64_t number = 7;

    ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_OK);
    join(bus, &first, NULL);
    ck_assert_int_eq(post_number(bus, "a", 6), 1);
    options.ordered = 99;
    ck_assert_int_eq(ringbus_topic_post(topic, &number, sizeof number, &options), 1);
    join(bus, &second, NULL);
    join(bus, &other, group_open(bus, RINGBUS_GROUP_THREADS, 2));
    bus_flush(bus);
    CHECK_NUMBERS(&first, 6, 7);
    CHECK_NUMBERS(&second, 7);
    CHECK_NUMBERS(&other, 7);
    ck_assert_uint_eq(second.notes[0].ordered, 99);
    ck_assert_int_eq(second.notes[0].sequence, first.notes[1].sequence);
    ck_assert_int_eq(other.notes[0].sequence, -1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(a_value_of_an_earlier_life_of_a_group_has_no_sequence)
{
    static struct probe first, second;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 4);

    retain(bus, "a", 8);
    join(bus, &first, group);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_ptr_eq(group_open(bus, RINGBUS_GROUP_THREADS, 4), group);
    join(bus, &second, group);
    bus_flush(bus);
    CHECK_NUMBERS(&second, 1);
    ck_assert_int_eq(first.notes[0].sequence, 0);
    ck_assert_int_eq(second.notes[0].sequence, -1);
    bus_close(bus);
}
END_TEST

START_TEST(a_list_replays_each_topics_value)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    const char *const topics[] = {"a", "b", "c"};

    retain(bus, "a", 8);
    retain(bus, "c", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    ck_assert_int_eq(post_number(bus, "b", 2), 0);
    ck_assert_int_eq(post_number(bus, "c", 3), 0);
    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_topics(bus, probe.consumer, topics, 3), RINGBUS_OK);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    ck_assert_uint_eq(probe.notes[0].number + probe.notes[1].number, 4);
    bus_close(bus);
}
END_TEST

START_TEST(a_pattern_replays_nothing)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_pattern(bus, probe.consumer, "*"), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    retain(bus, "a", 1);
    ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 0);
    join(bus, &probe, NULL);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 1);
    ck_assert_uint_eq(probe.notes[0].size, 0);
    bus_close(bus);
}
END_TEST

/* ---- posts ---- */

START_TEST(a_value_that_was_stored_is_not_dead)
{
    static struct hooks hooks;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 0);
    ck_assert_int_eq(figure_of(bus, "bus", "", "dead"), 0);
    ck_assert_int_eq(figure_of(bus, "topic", "a", "stored"), 1);
    retain(bus, "a", 8); /* as it is: the value stays */
    ck_assert_int_eq(figure_of(bus, "topic", "a", "stored"), 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 1), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(a_post_of_more_than_max_size_is_refused_and_stores_nothing)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    const char text[16] = "0123456789abcde";

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 5), 0);
    ck_assert_int_eq(ringbus_post(bus, "a", text, 9), RINGBUS_EMSGSIZE);
    join(bus, &probe, NULL);
    ck_assert_int_eq(ringbus_post(bus, "a", text, 9), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_try_post(bus, "a", text, 16), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_post(bus, "a", text, 8), 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    ck_assert_uint_eq(probe.notes[0].number, 5);
    bus_close(bus);
}
END_TEST

START_TEST(a_value_larger_than_a_groups_slots_is_replayed_there)
{
    static struct probe probe;
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_bus *bus = bus_open(NULL);
    char text[100] = "";

    options.slot_size = 8;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    retain(bus, "a", sizeof text);
    ck_assert_int_eq(ringbus_post(bus, "a", text, sizeof text), 0);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    bus_flush(bus);
    ck_assert_uint_eq(probe.notes[0].size, sizeof text);
    ck_assert_int_eq(ringbus_post(bus, "a", text, sizeof text), RINGBUS_EMSGSIZE);
    bus_close(bus);
}
END_TEST

START_TEST(a_refused_post_stores_nothing)
{
    static struct probe probe, late;
    struct gate gate;
    struct ringbus_bus *bus = bus_open_small(2, NULL);

    gate_init(&gate);
    retain(bus, "a", 8);
    probe.gate = &gate;
    join(bus, &probe, NULL);
    for (uint64_t i = 1; i <= 2; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    ck_assert_int_eq(try_post_number(bus, "a", 3), RINGBUS_EAGAIN);
    join(bus, &late, group_open(bus, RINGBUS_GROUP_THREADS, 2));
    AWAIT_CALLS(&late, 1);
    CHECK_NUMBERS(&late, 2);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

START_TEST(a_claim_in_place_is_refused)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = topic_of(bus, "a");
    struct ringbus_claim claim;

    ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_OK);
    ck_assert_int_eq(
        ringbus_topic_claim_until(topic, 8, RINGBUS_FOREVER, NULL, &claim), RINGBUS_EINVAL);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

static uint32_t released;

static void
count_release(void *memory, void *context)
{
    (void)memory, (void)context;
    released++;
}

START_TEST(a_payload_by_reference_is_copied_and_released)
{
    static struct probe probe;
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = topic_of(bus, "a");
    uint64_t number = 7;

    ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_OK);
    options.release = count_release;
    ck_assert_int_eq(ringbus_topic_post(topic, &number, 8, &options), 0);
    ck_assert_uint_eq(released, 1);
    number = 8;
    join(bus, &probe, NULL);
    ck_assert_int_eq(ringbus_topic_post(topic, &number, 8, &options), 1);
    bus_flush(bus);
    ck_assert_uint_eq(released, 2);
    CHECK_NUMBERS(&probe, 7, 8);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- on and off ---- */

START_TEST(wrong_arguments_and_other_sizes_are_refused)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = topic_of(bus, "a");

    ck_assert_int_eq(ringbus_topic_retain(NULL, 8), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_retain(topic, (1 << 20) + 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_retain(topic, 0), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, 1 << 20), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, 1 << 20), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_EBUSY);
    ck_assert_int_eq(ringbus_topic_retain(topic, 0), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, 8), RINGBUS_OK);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_retain(topic, 0), RINGBUS_ESHUTDOWN);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(the_value_goes_when_the_topic_retains_no_more)
{
    static struct hooks hooks;
    static struct probe probe;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);
    struct ringbus_topic *topic = topic_of(bus, "a");

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    retain(bus, "a", 0);
    ck_assert_int_eq(post_number(bus, "a", 2), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 1);
    retain(bus, "a", 8);
    join(bus, &probe, NULL);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(a_retained_topic_stays_and_takes_its_place_among_max_topics)
{
    static struct probe probe;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    options.max_topics = 1;
    bus = bus_open(&options);
    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_ENOSPC);
    join(bus, &probe, NULL);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_ENOSPC);
    retain(bus, "a", 0);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_OK);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- consumers' options ---- */

static int
want_odd(const struct ringbus_event *event, void *context)
{
    (void)context;
    return (int)(number_of(event) % 2);
}

START_TEST(filters_apply_to_a_replay)
{
    static struct probe probe = {.filter = want_odd};
    struct ringbus_bus *bus = bus_open(NULL);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 2), 0);
    join(bus, &probe, NULL);
    ck_assert_int_eq(post_number(bus, "a", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 3);
    bus_close(bus);
}
END_TEST

START_TEST(a_replay_counts_among_max_deliveries)
{
    static struct probe probe = {.max_deliveries = 1};
    struct ringbus_bus *bus = bus_open(NULL);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    join(bus, &probe, NULL);
    ck_assert_int_ge(post_number(bus, "a", 2), 0);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a"), 0);
    bus_close(bus);
}
END_TEST

static void
check_failing(uint32_t kind)
{
    static struct hooks hooks;
    static struct probe first, second;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = NULL;
    struct ringbus_group *group = NULL;

    memset(&hooks, 0, sizeof hooks);
    bus = bus_open(&options);
    memset(&first, 0, sizeof first);
    memset(&second, 0, sizeof second);
    group = group_open(bus, kind, 4);
    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    first.code = -5;
    join(bus, &first, group);
    second.after = &first.consumer;
    second.after_count = 1;
    second.has_batch_end = true;
    join(bus, &second, group);
    bus_flush(bus);
    CHECK_NUMBERS(&first, 1);
    CHECK_NUMBERS(&second, 1);
    ck_assert_uint_eq(load_u32(&second.batches, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(load_u32(&hooks.errors, TEST_ACQUIRE), 1);
    ck_assert_int_eq(hooks.code, -5);
    ck_assert_uint_eq(hooks.number, 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 2); /* this one is withheld */
    bus_flush(bus);
    CHECK_NUMBERS(&second, 1);
    bus_close(bus);
}

START_TEST(a_failing_replay_is_told_and_withholds_nothing)
{
    check_failing(RINGBUS_GROUP_THREADS);
    check_failing(RINGBUS_GROUP_CALLER);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_value", who_registers_gets_the_last_value_and_then_every_event,
        nothing_is_replayed_before_a_value_was_posted,
        the_value_has_its_key_and_its_sequence_in_the_group_it_was_posted_to,
        a_value_of_an_earlier_life_of_a_group_has_no_sequence, a_list_replays_each_topics_value,
        a_pattern_replays_nothing, an_empty_value_is_a_value, a_value_that_was_stored_is_not_dead,
        a_post_of_more_than_max_size_is_refused_and_stores_nothing,
        a_value_larger_than_a_groups_slots_is_replayed_there, a_refused_post_stores_nothing,
        a_claim_in_place_is_refused, a_payload_by_reference_is_copied_and_released,
        wrong_arguments_and_other_sizes_are_refused, the_value_goes_when_the_topic_retains_no_more,
        a_retained_topic_stays_and_takes_its_place_among_max_topics, filters_apply_to_a_replay,
        a_replay_counts_among_max_deliveries, a_failing_replay_is_told_and_withholds_nothing);
}
