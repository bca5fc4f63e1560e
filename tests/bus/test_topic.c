/* test_topic.c - topics are made and reclaimed; a topic's events reach all its groups, in one order, or none. */
#include <stdio.h>

#include "bus/bus.h"
#include "support/probe.h"

/* ---- handles ---- */

START_TEST(a_handle_tells_its_name_and_consumers)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = NULL, *again = NULL;
    char name[] = "a";

    ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_OK);
    name[0] = 'x';
    ck_assert_str_eq(ringbus_topic_name(topic), "a");
    ck_assert_uint_eq(ringbus_topic_consumers(topic), 0);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_uint_eq(ringbus_topic_consumers(topic), 1);
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &again), RINGBUS_OK);
    ck_assert_ptr_eq(again, topic);
    ringbus_topic_close(again);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_uint_eq(ringbus_topic_consumers(topic), 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(handles_check_their_arguments)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = NULL;

    ck_assert_int_eq(ringbus_topic_open(NULL, "a", &topic), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_open(bus, NULL, &topic), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_open(bus, "", &topic), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_topic_open(bus, "a", NULL), RINGBUS_EINVAL);
    ck_assert_ptr_null(topic);
    ringbus_topic_close(NULL);
    ck_assert_uint_eq(ringbus_topic_consumers(NULL), 0);
    ck_assert_ptr_null(ringbus_topic_name(NULL));
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
}
END_TEST

START_TEST(stars_and_greater_signs_are_ordinary_characters)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a.*");
    probe_register(&probe, "a.>");
    ck_assert_int_eq(post_number(bus, "a.b", 1), 0);
    ck_assert_int_eq(post_number(bus, "a.*", 2), 1);
    ck_assert_int_eq(post_number(bus, "a.>", 3), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 2, 3);
    bus_close(bus);
}
END_TEST

/* ---- posts by name ---- */

enum { NAMES = (1 << BUS_LOOKUP_BITS) + 88 };

static const char *
name_of(uint64_t number, char name[PROBE_TOPIC])
{
    (void)snprintf(name, PROBE_TOPIC, "name.%u", (unsigned)number);
    return name;
}

static void
check_name(struct probe *probe, const struct ringbus_event *event)
{
    char name[PROBE_TOPIC];
    uint64_t number = 0;

    (void)probe;
    memcpy(&number, event->data, sizeof number);
    MUST(strcmp(event->topic, name_of(number, name)) == 0, "%s", event->topic);
}

/* So many that some have the same place. */
START_TEST(posts_by_name_find_each_its_topic_among_many)
{
    static struct probe probe = {.act = check_name};
    struct ringbus_bus *bus = bus_open(NULL);
    char name[PROBE_TOPIC];

    probe_open(bus, &probe);
    for (uint64_t i = 0; i < NAMES; i++)
        probe_register(&probe, name_of(i, name));
    for (uint64_t i = 0; i < 3 * NAMES; i++)
        ck_assert_int_eq(post_number(bus, name_of(i % NAMES, name), i % NAMES), 1);
    for (uint64_t i = 0; i < 3 * NAMES; i++) /* each at once a second time */
        ck_assert_int_eq(post_number(bus, name_of(i / 3, name), i / 3), 1);
    ck_assert_int_eq(post_number(bus, "name", 0), 0);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 6 * NAMES);
    bus_close(bus);
}
END_TEST

static void
leave_second(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_topic *topic = NULL;

    if (*(const unsigned char *)event->data != 2)
        return;
    MUST(ringbus_unregister_consumer(probe->bus, probe->consumer, NULL) == RINGBUS_OK, "it stays");
    MUST(post_number(probe->bus, "a", 3) == 0, "somebody is there");
    MUST(ringbus_topic_open(probe->bus, "b", &topic) == RINGBUS_ENOSPC, "its topic is gone");
    MUST(strcmp(event->topic, "a") == 0, "its name is gone");
}

START_TEST(a_topic_that_only_a_post_by_name_has_stays_until_that_is_over)
{
    static struct probe probe = {.act = leave_second};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;

    options.max_topics = 1;
    bus = bus_open(&options);
    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1); /* has found it without a lock */
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topic), RINGBUS_OK);
    ringbus_topic_close(topic);
    ck_assert_uint_eq(probe_calls(&probe), 2);
    bus_close(bus);
}
END_TEST

/* ---- limits ---- */

static struct ringbus_bus *
open_with_topics(uint32_t max_topics, struct faulty_allocator *faulty)
{
    struct ringbus_options options = ringbus_options_default();

    faulty_allocator_init(faulty, 0, 0);
    options.max_topics = max_topics;
    options.allocator = &faulty->allocator;
    return bus_open(&options);
}

START_TEST(there_are_at_most_max_topics)
{
    struct faulty_allocator faulty;
    static struct probe probe;
    struct ringbus_bus *bus = open_with_topics(2, &faulty);
    struct ringbus_topic *topics[3] = {0};

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topics[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "b", &topics[1]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &topics[2]), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "c"), RINGBUS_ENOSPC);
    ck_assert_int_eq(post_number(bus, "c", 1), 0); /* makes no topic */
    probe_register(&probe, "a");
    ringbus_topic_close(topics[1]);
    probe_register(&probe, "c");
    ringbus_topic_close(topics[0]);
    bus_close(bus);
}
END_TEST

START_TEST(a_topic_without_handle_or_consumer_is_reclaimed)
{
    struct faulty_allocator faulty;
    static struct probe probe;
    struct ringbus_bus *bus = open_with_topics(16, &faulty);
    uint64_t live = 0;

    probe_open(bus, &probe);
    for (uint64_t i = 0; i < 100000; i++) {
        struct ringbus_topic *topic = NULL;
        char name[24];

        snprintf(name, sizeof name, "topic-%llu", (unsigned long long)i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_OK);
        if (i % 16 == 0) { /* some were used, too */
            probe_register(&probe, name);
            ck_assert_int_eq(ringbus_topic_post(topic, &i, sizeof i, NULL), 1);
            ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, name), RINGBUS_OK);
            bus_flush(bus);
        }
        ringbus_topic_close(topic);
        if (i == 10000)
            live = load_u64(&faulty.live_bytes, ORDER_COUNT);
        if (i > 10000) /* what waits to be freed is bounded */
            ck_assert_uint_le(load_u64(&faulty.live_bytes, ORDER_COUNT), live + 32768);
    }
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
}
END_TEST

/* Topics that a stopped ring still names must not keep those that it never saw. */
START_TEST(topics_are_reclaimed_while_a_handler_blocks)
{
    struct faulty_allocator faulty;
    static struct gate gate;
    static struct probe stopped = {.gate = &gate}, gone;
    struct ringbus_bus *bus = open_with_topics(16, &faulty);

    gate_init(&gate);
    probe_open(bus, &stopped);
    probe_open(bus, &gone);
    probe_register(&stopped, "a");
    probe_register(&gone, "gone");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(post_number(bus, "gone", 2), 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, gone.consumer, "gone"), RINGBUS_OK);
    for (int i = 0; i < 1000; i++) {
        struct ringbus_topic *topic = NULL;
        char name[24];

        snprintf(name, sizeof name, "topic-%d", i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_OK);
        ringbus_topic_close(topic);
    }
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&gone), 0);
    bus_close(bus);
}
END_TEST

/* Topics named in the ring of a stopped group are in the way of topics that can be freed. */
START_TEST(a_limit_counts_no_topic_that_can_be_freed)
{
    struct faulty_allocator faulty;
    static struct gate gates[2];
    static struct probe stopped[2];
    struct ringbus_bus *bus = open_with_topics(18, &faulty);
    struct ringbus_topic *topic = NULL;

    for (int g = 0; g < 2; g++) {
        gate_init(&gates[g]);
        stopped[g].gate = &gates[g];
        stopped[g].group = group_open(bus, RINGBUS_GROUP_THREADS, 64);
        probe_open(bus, &stopped[g]);
        probe_register(&stopped[g], g == 0 ? "a" : "b");
        ck_assert_int_eq(post_number(bus, g == 0 ? "a" : "b", 1), 1);
        gate_await(&gates[g], 1);
        for (char name[] = {g == 0 ? '0' : 'A', '\0'}; name[0] < (g == 0 ? '=' : 'D'); name[0]++) {
            probe_register(&stopped[g], name);
            ck_assert_int_eq(post_number(bus, name, 1), 1);
            ck_assert_int_eq(
                ringbus_unregister_consumer(bus, stopped[g].consumer, name), RINGBUS_OK);
        }
    }
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &topic), RINGBUS_ENOSPC);
    gate_open(&gates[1]);
    AWAIT_ON(bus, figure_of(bus, "group", "group-2", "lag") == 0);
    ck_assert_int_eq(ringbus_topic_open(bus, "c", &topic), RINGBUS_OK);
    ringbus_topic_close(topic);
    gate_open(&gates[0]);
    bus_close(bus);
}
END_TEST

/* The topic has no handle, and for a moment no consumer, but an event of it is under way. */
static int
register_again(const struct ringbus_event *event, void *context)
{
    struct probe *probe = context;

    if (event->size == 0)
        return 0;
    MUST(ringbus_unregister_consumer(probe->bus, probe->consumer, "t") == RINGBUS_OK, "kept");
    MUST(ringbus_register_consumer(probe->bus, probe->consumer, "t") == RINGBUS_OK, "refused");
    MUST(ringbus_topic_post(event->handle, NULL, 0, NULL) == 1, "another topic");
    return 0;
}

START_TEST(an_event_keeps_its_topic_the_same_for_who_registers_anew)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe.bus = bus;
    ck_assert_int_eq(
        ringbus_consumer_open(bus, register_again, &probe, NULL, &probe.consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "t"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_post(bus, "t", "", 1), 1);
    ck_assert_int_eq(ringbus_flush(bus, RINGBUS_FOREVER), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

/* ---- several groups ---- */

/* Probes on "a": one in the default group; one in a thread of its own, a ring of `capacity`; one in a caller group. */
static struct ringbus_bus *
open_three(struct probe probes[3], uint32_t capacity)
{
    struct ringbus_bus *bus = bus_open_small(8, NULL);

    probes[1].group = group_open(bus, RINGBUS_GROUP_THREADS, capacity);
    probes[2].group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    for (int i = 0; i < 3; i++) {
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    return bus;
}

START_TEST(a_post_reaches_every_group)
{
    static struct probe probes[3];
    struct ringbus_bus *bus = open_three(probes, 8);

    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 3);
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        CHECK_NUMBERS(&probes[i], 1, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(one_full_ring_refuses_the_post_for_all_groups)
{
    static struct gate gate;
    static struct probe probes[3] = {{0}, {.gate = &gate}};
    struct ringbus_bus *bus = open_three(probes, 2);

    gate_init(&gate);
    ck_assert_int_eq(post_number(bus, "a", 1), 3);
    ck_assert_int_eq(post_number(bus, "a", 2), 3);
    ck_assert_int_eq(try_post_number(bus, "a", 3), RINGBUS_EAGAIN);
    ck_assert_int_eq(ringbus_post_until(bus, "a", NULL, 0, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "posted"), 2);
    AWAIT_CALLS(&probes[0], 2);
    CHECK_NUMBERS(&probes[0], 1, 2);
    CHECK_NUMBERS(&probes[2], 1, 2);
    gate_open(&gate);
    ck_assert_int_eq(post_number(bus, "a", 4), 3);
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        CHECK_NUMBERS(&probes[i], 1, 2, 4);
    bus_close(bus);
}
END_TEST

START_TEST(one_small_slot_refuses_the_post_for_all_groups)
{
    static struct probe probes[3], small;
    struct ringbus_bus *bus = open_three(probes, 8);
    struct ringbus_group_options options = ringbus_group_options_default();
    const char data[16] = {0};

    options.slot_size = 8;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &small.group), RINGBUS_OK);
    probe_open(bus, &small);
    probe_register(&small, "a");
    ck_assert_int_eq(ringbus_post(bus, "a", data, 16), RINGBUS_EMSGSIZE);
    ck_assert_int_eq(ringbus_post(bus, "a", data, 8), 4);
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(probe_calls(&probes[i]), 1);
    bus_close(bus);
}
END_TEST

static int
post_nine(void *context)
{
    return post_number(context, "a", 9);
}

START_TEST(a_post_to_several_groups_waits_for_the_full_one)
{
    static struct gate gate;
    static struct probe probes[3] = {{0}, {.gate = &gate}};
    struct ringbus_bus *bus = NULL;
    struct call posting;

    calls_begin();
    gate_init(&gate);
    bus = open_three(probes, 2);
    ck_assert_int_eq(post_number(bus, "a", 1), 3);
    ck_assert_int_eq(post_number(bus, "a", 2), 3);
    call_start(&posting, post_nine, bus);
    ck_assert(!call_is_done(&posting));
    ck_assert_uint_eq(probe_calls(&probes[2]), 2);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&posting, "a post that waits for room"), 3);
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        CHECK_NUMBERS(&probes[i], 1, 2, 9);
    bus_close(bus);
    calls_end();
}
END_TEST

/* ---- one order ---- */

enum { POSTERS = 3, ORDERED_GROUPS = 3, MOST_POSTED = 40000 };

/* What one group saw, poster and index in one number. */
struct seen {
    uint64_t numbers[MOST_POSTED];
    uint64_t count;
};

static struct seen seen[ORDERED_GROUPS];
static struct ringbus_bus *order_bus;

static int
see(const struct ringbus_event *event, void *context)
{
    struct seen *at = context;

    at->numbers[at->count++] = number_of(event);
    return 0;
}

static uint64_t
posted_each(void)
{
    const uint64_t count = scaled(MOST_POSTED / POSTERS);

    return count < MOST_POSTED / POSTERS ? count : MOST_POSTED / POSTERS;
}

static void
post_many(void *context)
{
    const uint64_t poster = (uint64_t)(uintptr_t)context, count = posted_each();

    for (uint64_t i = 0; i < count; i++)
        MUST(post_number(order_bus, "a", poster << 32 | i) == ORDERED_GROUPS, "no post");
}

START_TEST(all_ring_groups_see_a_topic_in_the_same_order)
{
    struct worker posters[POSTERS];
    uint64_t next[POSTERS] = {0};

    order_bus = bus_open_small(16, NULL);
    for (int i = 0; i < ORDERED_GROUPS; i++) {
        struct ringbus_consumer_options options = ringbus_consumer_options_default();
        struct ringbus_consumer *consumer = NULL;

        options.group = i == 0 ? NULL : group_open(order_bus, RINGBUS_GROUP_THREADS, 4u << i);
        ck_assert_int_eq(
            ringbus_consumer_open(order_bus, see, &seen[i], &options, &consumer), RINGBUS_OK);
        ck_assert_int_eq(ringbus_register_consumer(order_bus, consumer, "a"), RINGBUS_OK);
    }
    for (uintptr_t i = 0; i < POSTERS; i++)
        worker_start(&posters[i], post_many, (void *)i);
    for (int i = 0; i < POSTERS; i++)
        worker_join(&posters[i], "a poster");
    bus_flush(order_bus);
    bus_close(order_bus);
    for (int i = 0; i < ORDERED_GROUPS; i++)
        ck_assert_uint_eq(seen[i].count, POSTERS * posted_each());
    for (uint64_t i = 0; i < seen[0].count; i++) {
        ck_assert_uint_eq(seen[0].numbers[i], seen[1].numbers[i]);
        ck_assert_uint_eq(seen[0].numbers[i], seen[2].numbers[i]);
        ck_assert_uint_eq(seen[0].numbers[i] & UINT32_MAX, next[seen[0].numbers[i] >> 32]++);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("topic", a_handle_tells_its_name_and_consumers, handles_check_their_arguments,
        stars_and_greater_signs_are_ordinary_characters,
        posts_by_name_find_each_its_topic_among_many,
        a_topic_that_only_a_post_by_name_has_stays_until_that_is_over, there_are_at_most_max_topics,
        a_topic_without_handle_or_consumer_is_reclaimed,
        topics_are_reclaimed_while_a_handler_blocks, a_limit_counts_no_topic_that_can_be_freed,
        an_event_keeps_its_topic_the_same_for_who_registers_anew, a_post_reaches_every_group,
        one_full_ring_refuses_the_post_for_all_groups,
        one_small_slot_refuses_the_post_for_all_groups,
        a_post_to_several_groups_waits_for_the_full_one,
        all_ring_groups_see_a_topic_in_the_same_order);
}
