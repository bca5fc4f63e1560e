/* test_consumer.c - consumers are opened and closed; their destroy function runs once, last. */
#include "support/probe.h"

/* ---- open ---- */

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

START_TEST(options_outside_their_range_are_refused)
{
    const size_t size = sizeof(struct ringbus_consumer_options);
    struct ringbus_bus *bus = bus_open(NULL), *other = bus_open(NULL);
    const struct ringbus_consumer_options bad[] = {
        {.size = 0},
        {.size = size, .name = ""},
        {.size = size, .name = "1234567890123456789012345678901234567890123456789012345678901234"},
        {.size = size, .thread_safe = 2},
        {.size = size, .after_count = 1},
        {.size = size, .group = group_open(other, RINGBUS_GROUP_CALLER, 2)},
    };
    struct ringbus_consumer *consumer = NULL;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(
            ringbus_consumer_open(bus, ignore, NULL, &bad[i], &consumer) == RINGBUS_EINVAL,
            "options %zu", i);
    ck_assert_int_eq(ringbus_consumer_open(NULL, ignore, NULL, NULL, &consumer), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_consumer_open(bus, NULL, NULL, NULL, &consumer), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_consumer_open(bus, ignore, NULL, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_consumer_close(NULL, RINGBUS_DRAIN), RINGBUS_EINVAL);
    ck_assert_ptr_null(consumer);
    bus_close(bus);
    bus_close(other);
}
END_TEST

START_TEST(a_consumer_knows_its_name_and_context)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    ck_assert_int_eq(ringbus_consumer_open(bus, ignore, bus, NULL, &consumer), RINGBUS_OK);
    ck_assert_str_eq(ringbus_consumer_name(consumer), "consumer-1");
    ck_assert_ptr_eq(ringbus_consumer_context(consumer), bus);
    options.name = "named";
    ck_assert_int_eq(ringbus_consumer_open(bus, ignore, NULL, &options, &consumer), RINGBUS_OK);
    ck_assert_str_eq(ringbus_consumer_name(consumer), "named");
    ck_assert_ptr_null(ringbus_consumer_context(consumer));
    ck_assert_ptr_null(ringbus_consumer_name(NULL));
    ck_assert_ptr_null(ringbus_consumer_context(NULL));
    bus_close(bus);
}
END_TEST

/* ---- close ---- */

static int
drain(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DRAIN);
}

static int
discard(void *context)
{
    return ringbus_consumer_close(context, RINGBUS_DISCARD);
}

/* A probe stopped in event 1, with events up to `count` posted. */
static struct ringbus_bus *
open_stopped(struct probe *probe, uint64_t count)
{
    struct ringbus_bus *bus = NULL;

    calls_begin();
    bus = bus_open(NULL);

    gate_init(probe->gate);
    probe_open(bus, probe);
    probe_register(probe, "a");
    for (uint64_t i = 1; i <= count; i++)
        MUST(post_number(bus, "a", i) == 1, "no post");
    gate_await(probe->gate, 1);
    return bus;
}

START_TEST(drain_waits_for_what_was_posted_before)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, 3);
    struct call call;

    call_start(&call, drain, probe.consumer);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(post_number(bus, "a", 4), 0); /* after it: for nobody */
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1, 2, 3);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(discard_waits_for_the_call_that_runs_and_no_more)
{
    static struct gate gate;
    static struct probe probe = {.gate = &gate};
    struct ringbus_bus *bus = open_stopped(&probe, 3);
    struct call call;

    call_start(&call, discard, probe.consumer);
    ck_assert(!call_is_done(&call));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

static int
take_all(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 1;
}

/* Twice: a thread's calls in a caller group are shorter from the second one on. */
static void *
post_to_both(void *context)
{
    struct probe *probes = context;
    struct gate *gates[] = {probes[0].gate, probes[1].gate};

    probes[0].gate = probes[1].gate = NULL;
    MUST(post_number(probes->bus, "both", 1) == 2, "no post");
    bus_flush(probes->bus);
    probes[0].gate = gates[0];
    probes[1].gate = gates[1];
    MUST(post_number(probes->bus, "both", 2) == 2, "no post");
    return NULL;
}

/* Of the second event the consumer that is closed is called, then another one, which blocks. */
static void
check_discard_ends_with_the_call(
    uint32_t kind, int (*filter)(const struct ringbus_event *event, void *context))
{
    static struct gate gates[2];
    static struct probe probes[2];
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, kind, 4);
    struct call call;
    pthread_t poster;

    for (int i = 0; i < 2; i++) {
        gate_init(&gates[i]);
        probes[i] = (struct probe){.gate = &gates[i], .group = group, .filter = filter};
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "both");
    }
    MUST(pthread_create(&poster, NULL, post_to_both, probes) == 0, "no thread");
    gate_await(&gates[0], 1);
    call_start(&call, discard, probes[0].consumer);
    gate_open(&gates[0]);
    gate_await(&gates[1], 1);
    ck_assert_int_eq(call_join(&call, "consumer_close"), RINGBUS_OK);
    gate_open(&gates[1]);
    pthread_join(poster, NULL);
    bus_close(bus);
}

START_TEST(discard_ends_with_the_call_and_not_with_the_event)
{
    calls_begin();
    check_discard_ends_with_the_call(RINGBUS_GROUP_THREADS, NULL);
    check_discard_ends_with_the_call(RINGBUS_GROUP_THREADS, take_all);
    check_discard_ends_with_the_call(RINGBUS_GROUP_CALLER, NULL);
    check_discard_ends_with_the_call(RINGBUS_GROUP_CALLER, take_all);
    calls_end();
}
END_TEST

START_TEST(discard_does_not_wait_for_another_consumer_of_the_group)
{
    static struct gate gate;
    static struct probe blocked = {.gate = &gate}, other;
    struct ringbus_bus *bus = open_stopped(&blocked, 1);

    probe_open(bus, &other);
    probe_register(&other, "b");
    ck_assert_int_eq(post_number(bus, "b", 2), 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(other.consumer, RINGBUS_DISCARD)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&other.destroyed, ORDER_COUNT), 1);
    gate_open(&gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&other), 0);
    bus_close(bus);
    calls_end();
}
END_TEST

START_TEST(closing_checks_how)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    ck_assert_int_eq(ringbus_consumer_close(probe.consumer, (enum ringbus_how)0), RINGBUS_EINVAL);
    probe_register(&probe, "a"); /* it is open still */
    bus_close(bus);
}
END_TEST

/* of_act: what consumer_close of that probe must return. */
struct victim {
    struct probe *probe;
    enum ringbus_how how;
    int outcome;
};

static void
close_victim(struct probe *probe, const struct ringbus_event *event)
{
    struct victim *victim = probe->of_act;
    int outcome = 0;

    if (number_of(event) != 1)
        return;
    outcome = IN_TIME(probe->bus, ringbus_consumer_close(victim->probe->consumer, victim->how));
    MUST(outcome == victim->outcome, "consumer_close gives %s", ringbus_error_name(outcome));
}

static void
check_close_of_self(uint32_t kind, enum ringbus_how how, uint32_t calls)
{
    struct gate gate;
    struct victim victim = {.how = how, .outcome = RINGBUS_PENDING};
    struct probe probe = {.act = close_victim, .of_act = &victim, .gate = &gate};
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    victim.probe = &probe;
    probe.group = group_open(bus, kind, 8);
    if (kind == RINGBUS_GROUP_CALLER)
        gate_open(&gate);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_ge(post_number(bus, "a", i), 0);
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&probe.destroyed, TEST_ACQUIRE) == 1);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&probe), calls);
    bus_close(bus);
}

START_TEST(a_handler_closes_its_own_consumer)
{
    check_close_of_self(RINGBUS_GROUP_THREADS, RINGBUS_DRAIN, 3);
    check_close_of_self(RINGBUS_GROUP_THREADS, RINGBUS_DISCARD, 1);
    check_close_of_self(RINGBUS_GROUP_CALLER, RINGBUS_DRAIN, 1);
    check_close_of_self(RINGBUS_GROUP_CALLER, RINGBUS_DISCARD, 1);
}
END_TEST

START_TEST(what_is_finished_already_closes_at_once_in_a_handler)
{
    static struct probe idle;
    static struct victim victim = {.probe = &idle, .how = RINGBUS_DISCARD, .outcome = RINGBUS_OK};
    static struct probe probe = {.act = close_victim, .of_act = &victim};
    struct ringbus_bus *bus = bus_open(NULL);

    idle.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &probe);
    probe_open(bus, &idle);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&idle.destroyed, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

/* Who begins a close and does not wait says so first, and looks how far the executor is after that: the system's
 * barrier stands between. */
static void
close_behind_barrier(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *stopped = probe->of_act;
    const uint64_t before = os_watch_barriers();

    (void)event;
    MUST(ringbus_consumer_close(stopped->consumer, RINGBUS_DRAIN) == RINGBUS_PENDING, "it lags");
    MUST(os_watch_barriers() > before || !os_has_barrier(), "it looked without a barrier");
}

START_TEST(a_close_that_is_begun_in_a_handler_passes_the_systems_barrier)
{
    static struct gate gate;
    static struct probe stopped = {.gate = &gate};
    static struct probe probe = {.act = close_behind_barrier, .of_act = &stopped};
    struct ringbus_bus *bus = open_stopped(&stopped, 1);

    probe.group = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    probe_open(bus, &probe);
    probe_register(&probe, "b");
    ck_assert_int_eq(post_number(bus, "b", 1), 1);
    AWAIT_CALLS(&probe, 1);
    gate_open(&gate);
    AWAIT_ON(bus, load_u32(&stopped.destroyed, TEST_ACQUIRE) == 1);
    bus_close(bus);
    calls_end();
}
END_TEST

static struct gate second_gate;

static void
close_the_other(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *other = probe->of_act;

    (void)event;
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DRAIN) == RINGBUS_PENDING, "it runs");
    MUST(ringbus_consumer_close(other->consumer, RINGBUS_DRAIN) == RINGBUS_EBUSY, "closed twice");
    gate_pass(&second_gate);
}

START_TEST(two_consumers_close_each_other_from_their_handlers)
{
    static struct gate gate;
    static struct probe probes[2];
    struct ringbus_bus *bus = bus_open(NULL);

    gate_init(&gate);
    gate_init(&second_gate);
    for (int i = 0; i < 2; i++) {
        probes[i].gate = &gate;
        probes[i].act = close_the_other;
        probes[i].of_act = &probes[1 - i];
        probes[i].group = i == 0 ? NULL : group_open(bus, RINGBUS_GROUP_THREADS, 4);
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    gate_await(&gate, 2);
    gate_open(&gate);
    gate_await(&second_gate, 2);
    ck_assert_uint_eq(load_u32(&probes[0].destroyed, ORDER_COUNT), 0);
    gate_open(&second_gate);
    for (int i = 0; i < 2; i++)
        AWAIT_ON(bus, load_u32(&probes[i].destroyed, TEST_ACQUIRE) == 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_consumer_nobody_closed_is_destroyed_with_the_bus)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 0);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
}
END_TEST

START_TEST(a_consumer_closes_after_the_shutdown)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

static void
look_around(void *context)
{
    struct ringbus_bus *bus = context;

    MUST(figure_of(bus, "bus", "", "topics") >= 0, "a destroy function may use the bus");
    MUST(post_number(bus, "nobody", 1) == 0, "a destroy function may post");
}

START_TEST(a_destroy_function_is_called_with_no_lock_held)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.destroy = look_around;
    ck_assert_int_eq(ringbus_consumer_open(bus, ignore, bus, &options, &consumer), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(bus, ringbus_consumer_close(consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("consumer", options_outside_their_range_are_refused,
        a_consumer_knows_its_name_and_context, drain_waits_for_what_was_posted_before,
        discard_waits_for_the_call_that_runs_and_no_more,
        discard_ends_with_the_call_and_not_with_the_event,
        discard_does_not_wait_for_another_consumer_of_the_group, closing_checks_how,
        a_handler_closes_its_own_consumer, what_is_finished_already_closes_at_once_in_a_handler,
        a_close_that_is_begun_in_a_handler_passes_the_systems_barrier,
        two_consumers_close_each_other_from_their_handlers,
        a_consumer_nobody_closed_is_destroyed_with_the_bus, a_consumer_closes_after_the_shutdown,
        a_destroy_function_is_called_with_no_lock_held);
}
