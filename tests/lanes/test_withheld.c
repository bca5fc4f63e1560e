/* test_withheld.c - an event on which a handler or a batch_end failed is withheld from those after it, and counted. */
#include "lanes/fixture.h"

enum { EVENTS = 300 };

/* ---- handlers ---- */

/* Fails on each third event. */
static int
fail_thirds(const struct ringbus_event *event, void *context)
{
    (void)context;
    return number_of(event) % 3 == 0 ? -7 : 0;
}

static struct ringbus_consumer *
join_thirds(struct ringbus_bus *bus, bool is_thread_safe, const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.name = "thirds";
    options.thread_safe = is_thread_safe;
    ck_assert_int_eq(
        ringbus_consumer_open(bus, fail_thirds, NULL, &options, &consumer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, consumer, topic), RINGBUS_OK);
    return consumer;
}

static void
check_failures(uint32_t lanes, bool is_thread_safe)
{
    struct probe behind = {.name = "behind", .is_thread_safe = is_thread_safe};
    struct probe last = {.name = "last", .is_thread_safe = !is_thread_safe};
    struct probe aside = {.name = "aside"};
    struct ringbus_bus *bus = open_lanes(lanes, 16, NULL);
    struct ringbus_consumer *thirds = join_thirds(bus, is_thread_safe, "a");

    behind.after = &thirds;
    behind.after_count = 1;
    join(bus, &behind, "a");
    join_after(bus, &last, &behind, "a");
    join(bus, &aside, "a");
    post_numbers(bus, "a", 1, EVENTS);
    bus_flush(bus);
    for (uint64_t i = 1; i <= EVENTS; i++) {
        ck_assert_uint_eq(calls_with(&behind, i), i % 3 != 0);
        ck_assert_uint_eq(calls_with(&last, i), i % 3 != 0);
        ck_assert_uint_eq(calls_with(&aside, i), 1);
    }
    ck_assert_int_eq(figure_of(bus, "consumer", "thirds", "failed"), EVENTS / 3);
    ck_assert_int_eq(withheld_from(bus, "behind"), EVENTS / 3);
    ck_assert_int_eq(withheld_from(bus, "last"), EVENTS / 3);
    ck_assert_int_eq(withheld_from(bus, "aside"), 0);
    ck_assert_int_eq(withheld_from(bus, "thirds"), 0);
    bus_close(bus);
}

START_TEST(what_failed_is_withheld_from_those_after_and_from_those_after_them)
{
    for (uint32_t lanes = 1; lanes <= 4; lanes *= 2) {
        check_failures(lanes, false);
        check_failures(lanes, true);
    }
}
END_TEST

/* "left" fails on each event, "right" on none. */
START_TEST(one_failing_branch_of_a_fork_is_enough)
{
    static struct probe first, left = {.name = "left", .code = -1}, right = {.name = "right"};
    static struct probe joined = {.name = "joined"}, behind_right = {.name = "behind right"};
    struct ringbus_consumer *branches[2];
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    join(bus, &first, "a");
    join_after(bus, &left, &first, "a");
    join_after(bus, &right, &first, "a");
    branches[0] = left.consumer;
    branches[1] = right.consumer;
    joined.after = branches;
    joined.after_count = 2;
    join(bus, &joined, "a");
    join_after(bus, &behind_right, &right, "a");
    post_numbers(bus, "a", 1, 20);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&left), 20);
    ck_assert_uint_eq(probe_calls(&joined), 0);
    ck_assert_int_eq(withheld_from(bus, "joined"), 20);
    ck_assert_uint_eq(probe_calls(&behind_right), 20);
    bus_close(bus);
}
END_TEST

START_TEST(a_failure_is_forgotten_when_the_slot_is_used_again)
{
    static struct probe behind = {.name = "behind"};
    struct ringbus_bus *bus = open_lanes(2, 2, NULL);
    struct ringbus_consumer *thirds = join_thirds(bus, true, "a");

    behind.after = &thirds;
    behind.after_count = 1;
    join(bus, &behind, "a");
    probe_register(&behind, "b");
    post_numbers(bus, "a", 3, 3);
    post_numbers(bus, "a", 6, 6);
    post_numbers(bus, "b", 9, 10);
    bus_flush(bus);
    CHECK_NUMBERS(&behind, 9, 10);
    bus_close(bus);
}
END_TEST

/* ---- batch_end ---- */

static struct gate first_gate;

static void
stop_first(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    if (number_of(event) == 1)
        gate_pass(&first_gate);
}

/* of_act: which of its batch_ends fails, from 0. */
static void
fail_batch(struct probe *probe)
{
    uint32_t *failing = probe->of_act;

    probe->batch_code = load_u32(&probe->batches, ORDER_COUNT) == *failing ? -1 : 0;
}

/* Two passes, of event 1 and of events 2..5; the writer is not called for 3. */
static void
check_passes(uint32_t lanes, uint32_t failing, const uint64_t *wanted, size_t count)
{
    struct probe writer = {.name = "writer",
        .has_batch_end = true,
        .act = stop_first,
        .batch_act = fail_batch,
        .of_act = &failing};
    struct probe behind = {.name = "behind"};
    struct ringbus_bus *bus = open_lanes(lanes, 16, NULL);

    gate_init(&first_gate);
    join(bus, &writer, "a");
    join_after(bus, &behind, &writer, "a");
    probe_register(&behind, "b");
    post_numbers(bus, "a", 1, 1);
    gate_await(&first_gate, 1);
    post_numbers(bus, "a", 2, 2);
    post_numbers(bus, "b", 3, 3);
    post_numbers(bus, "a", 4, 5);
    gate_open(&first_gate);
    bus_flush(bus);
    ck_assert_uint_eq(load_u32(&writer.batches, TEST_ACQUIRE), 2);
    check_numbers(&behind, wanted, count);
    ck_assert_int_eq(withheld_from(bus, "behind"), (int64_t)(5 - count));
    ck_assert_int_eq(figure_of(bus, "consumer", "writer", "failed"), 1);
    bus_close(bus);
}

START_TEST(a_failing_batch_end_withholds_its_pass_and_no_other)
{
    static const uint64_t later[] = {2, 3, 4, 5}, first[] = {1, 3};

    for (uint32_t lanes = 1; lanes <= 4; lanes += 3) {
        check_passes(lanes, 0, later, 4);
        check_passes(lanes, 1, first, 2);
    }
}
END_TEST

/* A thread-safe writer: each lane has one event, and its batch_end, which is over when `written` says so; that of 2
 * fails. */
static _Thread_local uint64_t mine;
static struct gate batch_gate;
static struct atomic_u32 written[EVENTS];

static int
write_one(const struct ringbus_event *event, void *context)
{
    (void)context;
    mine = number_of(event);
    return 0;
}

static int
end_one(void *context)
{
    (void)context;
    gate_pass(&batch_gate);
    store_u32(&written[mine], 1, ORDER_COUNT);
    return mine == 2 ? -1 : 0;
}

static void
be_written(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    MUST(load_u32(&written[number_of(event)], ORDER_COUNT) == 1, "batch_end has not returned");
}

/* A lane that is free looks at all its stages: it has done so between the two. */
static void
let_a_lane_look(struct ringbus_bus *bus, struct probe *other)
{
    join(bus, other, "other");
    for (uint32_t i = 1; i <= 2; i++) {
        post_numbers(bus, "other", i, i);
        AWAIT_CALLS(other, i);
    }
}

START_TEST(nobody_comes_after_a_batch_end_that_runs)
{
    static struct gate gate;
    static struct probe writer = {.name = "writer", .has_batch_end = true, .batch_gate = &gate};
    static struct probe behind = {.name = "behind", .is_thread_safe = true};
    static struct probe other = {.name = "other", .is_thread_safe = true};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    gate_init(&gate);
    join(bus, &writer, "a");
    join_after(bus, &behind, &writer, "a");
    post_numbers(bus, "a", 1, 1);
    gate_await(&gate, 1);
    let_a_lane_look(bus, &other);
    ck_assert_uint_eq(load_u32(&behind.begun, ORDER_COUNT), 0);
    gate_open(&gate);
    bus_flush(bus);
    CHECK_NUMBERS(&behind, 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_batch_end_of_one_lane_fails_what_that_lane_has_done)
{
    static struct probe behind = {.name = "behind", .is_thread_safe = true, .act = be_written};
    static struct probe other = {.name = "other", .is_thread_safe = true};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *writer = NULL;
    struct ringbus_bus *bus = open_lanes(4, 16, NULL);

    gate_init(&batch_gate);
    options.thread_safe = 1;
    options.batch_end = end_one;
    ck_assert_int_eq(ringbus_consumer_open(bus, write_one, NULL, &options, &writer), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(bus, writer, "a"), RINGBUS_OK);
    behind.after = &writer;
    behind.after_count = 1;
    join(bus, &behind, "a");
    for (uint32_t i = 1; i <= 3; i++) {
        post_numbers(bus, "a", i, i);
        gate_await(&batch_gate, i);
    }
    let_a_lane_look(bus, &other);
    ck_assert_int_eq(ringbus_flush(bus, ringbus_now_ns() + 1000000), RINGBUS_ETIMEDOUT);
    gate_open(&batch_gate);
    bus_flush(bus);
    ck_assert_uint_eq(probe_calls(&behind), 2);
    ck_assert_uint_eq(calls_with(&behind, 2), 0);
    ck_assert_int_eq(withheld_from(bus, "behind"), 1);
    bus_close(bus);
}
END_TEST

START_TEST(who_is_called_for_nothing_gets_no_batch_end)
{
    static struct probe first = {.name = "first", .code = -1};
    static struct probe behind = {.name = "behind", .has_batch_end = true};
    struct ringbus_bus *bus = open_lanes(2, 16, NULL);

    join(bus, &first, "a");
    join_after(bus, &behind, &first, "a");
    post_numbers(bus, "a", 1, 20);
    bus_flush(bus);
    ck_assert_int_eq(withheld_from(bus, "behind"), 20);
    ck_assert_uint_eq(load_u32(&behind.batches, TEST_ACQUIRE), 0);
    bus_close(bus);
}
END_TEST

/* ---- caller groups ---- */

static void
be_after_batch(struct probe *probe, const struct ringbus_event *event)
{
    const struct probe *before = probe->of_act;

    MUST(probe_calls(before) == number_of(event), "%s is called first", probe->name);
    MUST(load_u32(&before->batches, ORDER_COUNT) == number_of(event), "before batch_end");
}

START_TEST(in_a_caller_group_those_after_come_after_the_batch_end)
{
    static struct probe writer = {.name = "writer", .has_batch_end = true};
    static struct probe behind = {.name = "behind", .act = be_after_batch, .of_act = &writer};
    struct ringbus_bus *bus = bus_open(NULL);

    writer.group = behind.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &writer);
    join_after(bus, &behind, &writer, "a");
    probe_register(&writer, "a");
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 2);
    CHECK_NUMBERS(&behind, 1, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(in_a_caller_group_what_failed_is_withheld)
{
    static uint32_t second = 1;
    static struct probe writer = {
        .name = "writer", .has_batch_end = true, .batch_act = fail_batch, .of_act = &second};
    static struct probe behind = {.name = "behind", .code = -1}, last = {.name = "last"};
    struct ringbus_bus *bus = bus_open(NULL);

    writer.group = behind.group = last.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    join(bus, &writer, "a");
    join_after(bus, &behind, &writer, "a");
    join_after(bus, &last, &behind, "a");
    for (uint64_t i = 1; i <= 3; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 3);
    CHECK_NUMBERS(&behind, 1, 3);
    ck_assert_uint_eq(probe_calls(&last), 0);
    ck_assert_int_eq(withheld_from(bus, "behind"), 1);
    ck_assert_int_eq(withheld_from(bus, "last"), 3);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("withheld", what_failed_is_withheld_from_those_after_and_from_those_after_them,
        one_failing_branch_of_a_fork_is_enough, a_failure_is_forgotten_when_the_slot_is_used_again,
        a_failing_batch_end_withholds_its_pass_and_no_other,
        nobody_comes_after_a_batch_end_that_runs,
        a_batch_end_of_one_lane_fails_what_that_lane_has_done,
        who_is_called_for_nothing_gets_no_batch_end,
        in_a_caller_group_those_after_come_after_the_batch_end,
        in_a_caller_group_what_failed_is_withheld);
}
