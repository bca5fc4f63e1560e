/* test_kinds.c - a retained value in groups that are polled, stepped, shared by lanes, or run by callers. */
#include <poll.h>

#include "retained/fixture.h"

/* ---- other kinds of groups ---- */

static bool
is_readable(const struct ringbus_group *group)
{
    struct pollfd tells = {.fd = ringbus_group_fd(group), .events = POLLIN};

    return poll(&tells, 1, 0) == 1;
}

START_TEST(a_polled_group_gets_it_in_the_next_poll)
{
    static struct probe probe, second;
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_POLLED, 4);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    ck_assert(!is_readable(group));
    join(bus, &probe, group);
    ck_assert(is_readable(group));
    join(bus, &second, group);
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    ck_assert(is_readable(group)); /* of the second one's replay */
    ck_assert_int_eq(ringbus_group_poll(group, 1), 1);
    ck_assert(!is_readable(group));
    CHECK_NUMBERS(&probe, 1);
    CHECK_NUMBERS(&second, 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 2);
    ck_assert_int_eq(ringbus_group_poll(group, 8), 1);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(ringbus_group_poll(group, 8), 0);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DRAIN), RINGBUS_PENDING);
    ck_assert_int_eq(ringbus_group_poll(group, 8), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

START_TEST(a_stepped_group_gets_it_in_a_step)
{
    static struct probe probe;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct ringbus_options options = ringbus_options_default();
        struct ringbus_bus *bus = NULL;

        memset(&probe, 0, sizeof probe);
        options.is_stepped = 1;
        options.step_seed = seed;
        bus = bus_open(&options);
        retain(bus, "a", 8);
        ck_assert_int_eq(post_number(bus, "a", 1), 0);
        join(bus, &probe, NULL);
        ck_assert_int_eq(post_number(bus, "a", 2), 1);
        while (ringbus_step(bus) == 1)
            continue;
        CHECK_NUMBERS(&probe, 1, 2);
        bus_close(bus);
    }
}
END_TEST

/* The events that the consumer's lanes have not begun before the copy is done, while it is held. */
START_TEST(a_thread_safe_consumer_on_lanes_gets_nothing_before_the_replay_is_over)
{
    static struct probe probe = {.is_thread_safe = true};
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_bus *bus = bus_open(NULL);
    struct gate gate;

    gate_init(&gate);
    options.lanes = 4;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    probe.gate = &gate;
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 2; i <= 9; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_await(&gate, 1);
    ck_assert_uint_eq(load_u32(&probe.begun, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(probe.notes[0].number, 1);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), 9);
    bus_close(bus);
}
END_TEST

/* One that drops the newest, the oldest, or conflates. */
static void
check_lossy(uint32_t overflow)
{
    static struct probe probe;
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_bus *bus = bus_open(NULL);

    memset(&probe, 0, sizeof probe);
    options.overflow = overflow;
    options.capacity = 8;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &probe.group), RINGBUS_OK);
    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    ck_assert_int_eq(ringbus_group_pause(probe.group), RINGBUS_OK);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    ck_assert_int_eq(ringbus_group_resume(probe.group), RINGBUS_OK);
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    probe_register(&probe, "a");
    bus_flush(bus);
    CHECK_NUMBERS(&probe, 1, 2, 2);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
}

START_TEST(lossy_groups_get_it_first_too)
{
    check_lossy(RINGBUS_DROP_NEWEST);
    check_lossy(RINGBUS_DROP_OLDEST);
    check_lossy(RINGBUS_CONFLATE);
}
END_TEST

/* ---- caller groups ---- */

START_TEST(registering_in_a_caller_group_delivers_the_value_before_it_returns)
{
    static struct probe probe = {.has_batch_end = true};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_CALLER, 2);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    join(bus, &probe, group);
    CHECK_NUMBERS(&probe, 1);
    ck_assert(pthread_equal(probe.notes[0].thread, pthread_self()));
    ck_assert_uint_eq(load_u32(&probe.batches, TEST_ACQUIRE), 1);
    ck_assert_int_eq(post_number(bus, "a", 2), 1);
    CHECK_NUMBERS(&probe, 1, 2);
    bus_close(bus);
}
END_TEST

/* Event 1 of "start" registers the same consumer on "a", and posts 5 there. */
static void
register_itself(struct probe *probe, const struct ringbus_event *event)
{
    const uint32_t begun = load_u32(&probe->begun, ORDER_COUNT);

    if (strcmp(event->topic, "start") != 0)
        return;
    MUST(ringbus_register_consumer(probe->bus, probe->consumer, "a") == RINGBUS_OK, "register");
    MUST(post_number(probe->bus, "a", 5) == 1, "post");
    MUST(load_u32(&probe->begun, ORDER_COUNT) == begun, "it was entered twice");
}

static void
check_from_a_handler(bool is_thread_safe)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    memset(&probe, 0, sizeof probe);
    probe.act = register_itself;
    probe.is_thread_safe = is_thread_safe;
    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 4), 0);
    probe_open(bus, &probe);
    probe_register(&probe, "start");
    ck_assert_int_eq(post_number(bus, "start", 1), 1);
    CHECK_NUMBERS(&probe, 1, 4, 5);
    ck_assert_uint_eq(load_u32(&probe.most_inside, ORDER_COUNT), 1);
    bus_flush(bus);
    bus_close(bus);
}

START_TEST(a_handler_of_a_caller_group_that_registers_gets_the_value_after_its_event)
{
    check_from_a_handler(false);
    check_from_a_handler(true);
}
END_TEST

/* In the replay itself. */
static void
post_again(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1)
        MUST(post_number(probe->bus, "a", 2) == 1, "post");
}

START_TEST(a_post_in_a_replay_is_a_nested_post)
{
    static struct probe probe = {.act = post_again};
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_CALLER, 2);

    retain(bus, "a", 8);
    ck_assert_int_eq(post_number(bus, "a", 1), 0);
    join(bus, &probe, group);
    CHECK_NUMBERS(&probe, 1, 2);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("retained_kinds", a_polled_group_gets_it_in_the_next_poll,
        a_stepped_group_gets_it_in_a_step,
        a_thread_safe_consumer_on_lanes_gets_nothing_before_the_replay_is_over,
        lossy_groups_get_it_first_too,
        registering_in_a_caller_group_delivers_the_value_before_it_returns,
        a_handler_of_a_caller_group_that_registers_gets_the_value_after_its_event,
        a_post_in_a_replay_is_a_nested_post);
}
