/* test_register.c - consumers are registered and unregistered: lists, windows, and both from within handlers. */
#include "bus/consumer.h"
#include "support/probe.h"

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

/* ---- register ---- */

START_TEST(registering_twice_is_refused_and_delivers_once)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "a"), RINGBUS_EEXIST);
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_consumer_gets_the_events_of_all_its_topics_in_order)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    const char *const topics[] = {"a", "b", "c"};

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_topics(bus, probe.consumer, topics, 3), RINGBUS_OK);
    for (uint64_t i = 0; i < 9; i++)
        ck_assert_int_eq(post_number(bus, topics[i % 3], i), 1);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 0, 1, 2, 3, 4, 5, 6, 7, 8);
    for (int i = 0; i < 9; i++)
        ck_assert_str_eq(probe.notes[i].topic, topics[i % 3]);
    bus_close(bus);
}
END_TEST

/* A list that must be refused with `outcome`; its first topic, "fresh", must not have been made. */
static void
check_list(struct probe *probe, int outcome, const char *second, const char *third)
{
    const char *const topics[] = {"fresh", second, third};
    const int64_t before = figure_of(probe->bus, "bus", "", "topics");

    ck_assert_int_eq(ringbus_register_topics(probe->bus, probe->consumer, topics, 3), outcome);
    ck_assert_int_eq(ringbus_is_subscribed(probe->bus, probe->consumer, "fresh"), 0);
    ck_assert_int_eq(figure_of(probe->bus, "bus", "", "topics"), before);
    ck_assert_int_eq(post_number(probe->bus, "fresh", 1), 0);
}

START_TEST(a_list_is_registered_as_a_whole_or_not_at_all)
{
    static struct probe probe;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_topics = 3;
    options.max_topic_length = 8;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_register(&probe, "have");
    check_list(&probe, RINGBUS_EEXIST, "have", "more");
    check_list(&probe, RINGBUS_EEXIST, "fresh", "more");
    check_list(&probe, RINGBUS_EEXIST, "more", "more");
    check_list(&probe, RINGBUS_EINVAL, "123456789", "more");
    check_list(&probe, RINGBUS_EINVAL, "", "more");
    check_list(&probe, RINGBUS_EINVAL, NULL, "more");
    check_list(&probe, RINGBUS_ENOSPC, "more", "most");
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "have"), 1);
    bus_close(bus);
}
END_TEST

START_TEST(registering_checks_its_arguments)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    const char *const topics[] = {"a"};

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_consumer(NULL, probe.consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_consumer(bus, NULL, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, ""), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_topics(NULL, probe.consumer, topics, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_topics(bus, NULL, topics, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_topics(bus, probe.consumer, NULL, 1), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_register_topics(bus, probe.consumer, topics, 0), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_consumer(NULL, probe.consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, NULL, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_is_subscribed(NULL, probe.consumer, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_is_subscribed(bus, NULL, "a"), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, NULL), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

START_TEST(unregistering_what_is_not_registered_is_refused)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_ENOENT);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "b"), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_ENOENT);
    bus_close(bus);
}
END_TEST

START_TEST(unregistering_ends_one_registration_or_all)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    const char *const topics[] = {"a", "b", "c"};

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_register_topics(bus, probe.consumer, topics, 3), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "b"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "b"), 0);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a"), 1);
    ck_assert_int_eq(post_number(bus, "b", 1), 0);
    ck_assert_int_eq(post_number(bus, "c", 2), 1);
    bus_flush(bus);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_OK);
    ck_assert_int_eq(ringbus_is_subscribed(bus, probe.consumer, "a"), 0);
    ck_assert_int_eq(post_number(bus, "a", 3), 0);
    CHECK_NUMBERS(&probe, 2);
    bus_close(bus);
}
END_TEST

/* ---- windows ---- */

START_TEST(a_registration_sees_nothing_that_was_posted_before)
{
    static struct gate gate;
    static struct probe first = {.gate = &gate}, late;
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    probe_open(bus, &first);
    probe_open(bus, &late);
    probe_register(&first, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    gate_await(&gate, 1);
    probe_register(&late, "a");
    ck_assert_int_eq(post_number(bus, "a", 3), 2);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&first, 1, 2, 3);
    CHECK_NUMBERS(&late, 3);
    bus_close(bus);
}
END_TEST

START_TEST(nothing_posted_before_is_delivered_after_unregistering)
{
    static struct gate gate;
    static struct probe stopped = {.gate = &gate}, gone;
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    probe_open(bus, &stopped);
    probe_open(bus, &gone);
    probe_register(&stopped, "a");
    probe_register(&gone, "b");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(post_number(bus, "b", 2), 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, gone.consumer, "b"), RINGBUS_OK);
    probe_register(&gone, "b"); /* a new window, which does not reach back */
    ck_assert_int_eq(post_number(bus, "b", 3), 1);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&gone, 3);
    bus_close(bus);
}
END_TEST

static void
post_one(void *context)
{
    MUST(post_number(context, "a", 1) >= 1, "no post");
}

/* The second thread has announced its call, and sleeps until the first one's is over. */
START_TEST(a_call_that_waits_for_its_turn_is_not_made_after_unregistering)
{
    static struct gate gate;
    static struct probe probe = {.name = "serialized", .gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);
    struct worker workers[2];

    gate_init(&gate);
    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (int i = 0; i < 2; i++)
        worker_start(&workers[i], post_one, bus);
    AWAIT_ON(bus, load_u32(&probe.consumer->serial.word, ORDER_HINT) == 2);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    gate_open(&gate);
    for (int i = 0; i < 2; i++)
        worker_join(&workers[i], "a poster");
    ck_assert_uint_eq(probe_calls(&probe), 1);
    bus_close(bus);
}
END_TEST

/* The set a thread walks through is replaced; sets of the other topic, of another size, come and go meanwhile. */
static void
check_replaced_set(uint32_t kind)
{
    struct faulty_allocator memory;
    struct gate gate;
    struct probe probes[7] = {{.gate = &gate}}, guest = {0};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct worker worker;

    gate_init(&gate);
    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    guest.group = group_open(bus, kind, 8);
    probe_open(bus, &guest);
    for (int i = 0; i < 7; i++) {
        probes[i].group = guest.group;
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    worker_start(&worker, post_one, bus);
    gate_await(&gate, 1);
    probe_register(&guest, "a");
    for (int i = 0; i < 200; i++) {
        probe_register(&guest, "b");
        ck_assert_int_eq(ringbus_unregister_consumer(bus, guest.consumer, "b"), RINGBUS_OK);
    }
    gate_open(&gate);
    worker_join(&worker, "a poster");
    bus_flush(bus);
    for (int i = 0; i < 7; i++)
        ck_assert_uint_eq(probe_calls(&probes[i]), 1);
    ck_assert_uint_eq(probe_calls(&guest), 0);
    bus_close(bus);
}

START_TEST(what_a_delivery_looks_at_is_not_freed_under_it)
{
    check_replaced_set(RINGBUS_GROUP_THREADS);
    check_replaced_set(RINGBUS_GROUP_CALLER);
}
END_TEST

/* ---- from within handlers ---- */

static struct probe *others[3]; /* all registered on "a"; which of them comes first is not told */

static void
unregister_the_others(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    for (int i = 0; i < 3; i++)
        if (others[i] != probe)
            MUST(ringbus_unregister_consumer(probe->bus, others[i]->consumer, "a") == RINGBUS_OK,
                "a handler may unregister others");
}

static void
check_removal_in_a_handler(uint32_t kind)
{
    struct probe probes[3] = {0};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, kind, 8);
    uint32_t calls = 0;

    for (int i = 0; i < 3; i++) {
        others[i] = &probes[i];
        probes[i].group = group;
        probes[i].act = unregister_the_others;
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    ck_assert_int_eq(post_number(bus, "a", 1), 3);
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        calls += probe_calls(&probes[i]);
    ck_assert_uint_eq(calls, 1);
    bus_close(bus);
}

START_TEST(who_is_unregistered_during_an_event_is_not_called_for_it)
{
    check_removal_in_a_handler(RINGBUS_GROUP_THREADS);
    check_removal_in_a_handler(RINGBUS_GROUP_CALLER);
}
END_TEST

static void
unregister_self(struct probe *probe, const struct ringbus_event *event)
{
    MUST(ringbus_unregister_consumer(probe->bus, probe->consumer, event->topic) == RINGBUS_OK,
        "a handler may unregister itself");
}

START_TEST(a_handler_can_unregister_itself)
{
    static struct probe probe = {.act = unregister_self};
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_ge(post_number(bus, "a", i), 0);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1);
    bus_close(bus);
}
END_TEST

static void
register_the_other(struct probe *probe, const struct ringbus_event *event)
{
    struct probe *other = probe->of_act;

    if (number_of(event) == 1)
        probe_register(other, event->topic);
}

static void
check_registration_in_a_handler(uint32_t kind)
{
    struct probe late = {0}, first = {.act = register_the_other, .of_act = &late};
    struct ringbus_bus *bus = bus_open(NULL);

    first.group = late.group = group_open(bus, kind, 8);
    probe_open(bus, &first);
    probe_open(bus, &late);
    probe_register(&first, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_int_eq(post_number(bus, "a", 2), 2);
    bus_flush(bus);
    CHECK_NUMBERS(&first, 1, 2);
    CHECK_NUMBERS(&late, 2);
    bus_close(bus);
}

START_TEST(who_is_registered_during_an_event_is_called_from_the_next_one_on)
{
    check_registration_in_a_handler(RINGBUS_GROUP_THREADS);
    check_registration_in_a_handler(RINGBUS_GROUP_CALLER);
}
END_TEST

START_TEST(nobody_registers_on_a_bus_that_has_shut_down)
{
    static struct probe probe;
    struct ringbus_consumer *consumer = NULL;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, "a"), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_consumer_open(bus, ignore, NULL, NULL, &consumer), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, NULL), RINGBUS_ENOENT);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("register", registering_twice_is_refused_and_delivers_once,
        a_consumer_gets_the_events_of_all_its_topics_in_order,
        a_list_is_registered_as_a_whole_or_not_at_all, registering_checks_its_arguments,
        unregistering_what_is_not_registered_is_refused, unregistering_ends_one_registration_or_all,
        a_registration_sees_nothing_that_was_posted_before,
        nothing_posted_before_is_delivered_after_unregistering,
        a_call_that_waits_for_its_turn_is_not_made_after_unregistering,
        what_a_delivery_looks_at_is_not_freed_under_it,
        who_is_unregistered_during_an_event_is_not_called_for_it, a_handler_can_unregister_itself,
        who_is_registered_during_an_event_is_called_from_the_next_one_on,
        nobody_registers_on_a_bus_that_has_shut_down);
}
