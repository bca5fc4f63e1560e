/* test_step.c - step mode: one step at a time, on the thread that asks, in an order that the seed chooses and nothing
 * else; and every order there can be is chosen by some seed. */
#include <stdio.h>

#include "executor/fixture.h"

enum { SEEDS = 100, TRACE = 256 };

/* ---- steps ---- */

static int
refuse_thread(struct os_thread *thread)
{
    (void)thread;
    return RINGBUS_ESYS;
}

START_TEST(nothing_is_handled_but_in_a_step)
{
    static struct probe probe = {.name = "stepped"};
    struct ringbus_bus *bus = NULL;

    os_watch_begin(0);
    ringbus__os.thread_start = refuse_thread;
    bus = open_stepped(1, 4, 16, NULL);
    join(NULL, bus, &probe, "a");
    ck_assert_int_eq(ringbus_step(bus), 0);
    post_numbers(bus, "a", 1, 16);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    ck_assert_int_eq(ringbus_step(bus), 1);
    ck_assert_uint_le(probe_calls(&probe), 4);
    ck_assert_uint_ge(step_all(bus), 4);
    ck_assert_int_eq(ringbus_step(bus), 0);
    ck_assert_uint_eq(probe_calls(&probe), 16);
    for (uint64_t i = 0; i < 16; i++) {
        ck_assert_uint_eq(probe.notes[i].number, i + 1);
        ck_assert(pthread_equal(probe.notes[i].thread, pthread_self()));
    }
    bus_close(bus);
    os_watch_end();
}
END_TEST

START_TEST(only_a_bus_in_step_mode_is_stepped)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(ringbus_step(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_step(bus), RINGBUS_EINVAL);
    bus_close(bus);
    options.is_stepped = 2;
    ck_assert_int_eq(ringbus_open(&options, &bus), RINGBUS_EINVAL);
}
END_TEST

static void
step_here(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_step(probe->bus) == RINGBUS_EDEADLK, "a handler steps its own bus");
    MUST(ringbus_step(probe->of_act) == RINGBUS_EDEADLK, "a handler steps another bus");
    MUST(IN_TIME(probe->bus, ringbus_flush(probe->bus, RINGBUS_FOREVER)) == RINGBUS_EDEADLK,
        "a handler flushes");
}

static void
step_in_hook(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)event;
    (void)hooks;
    MUST(ringbus_step(bus) == RINGBUS_EDEADLK, "a hook steps");
}

START_TEST(no_handler_and_no_hook_steps)
{
    static struct probe probe = {.name = "stepped", .act = step_here};
    static struct hooks hooks = {.on_dead = step_in_hook};
    struct ringbus_bus *bus = open_stepped(1, 1, 8, &hooks);
    struct ringbus_bus *other = open_stepped(1, 1, 8, NULL);

    probe.of_act = other;
    join(NULL, bus, &probe, "a");
    post_numbers(bus, "nobody", 1, 1);
    ck_assert_uint_eq(load_u32(&hooks.dead, TEST_ACQUIRE), 1);
    post_numbers(bus, "a", 1, 2);
    step_all(bus);
    CHECK_NUMBERS(&probe, 1, 2);
    bus_close(other);
    bus_close(bus);
}
END_TEST

static void
step_now(void *context)
{
    MUST(ringbus_step(context) == 1, "a step finds nothing");
}

static void
flush_now(void *context)
{
    bus_flush(context);
}

/* Who finds another thread in a step gives way. */
static struct atomic_u32 yields;

static void
count_yield(void)
{
    add_u32(&yields, 1, TEST_RELEASE);
    os_real()->yield();
}

START_TEST(one_thread_steps_at_a_time_and_a_flush_waits_for_it)
{
    static struct gate gate;
    static struct probe probe = {.name = "stepped", .gate = &gate};
    struct ringbus_bus *bus = NULL;
    struct worker stepper, flusher;

    os_watch_begin(0);
    ringbus__os.yield = count_yield;
    bus = open_stepped(1, 1, 8, NULL);
    gate_init(&gate);
    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1);
    worker_start(&stepper, step_now, bus);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_step(bus), RINGBUS_EBUSY);
    worker_start(&flusher, flush_now, bus);
    AWAIT(load_u32(&yields, TEST_ACQUIRE) > 0);
    ck_assert_int_eq(ringbus_step(bus), RINGBUS_EBUSY);
    gate_open(&gate);
    worker_join(&stepper, "the thread that steps");
    worker_join(&flusher, "the thread that flushes");
    post_numbers(bus, "a", 2, 2);
    ck_assert_int_eq(ringbus_step(bus), 1);
    CHECK_NUMBERS(&probe, 1, 2);
    bus_close(bus);
    os_watch_end();
}
END_TEST

/* ---- orders ---- */

/* Which consumer got which event, one after the other: "A1 B1 A2 ". */
struct trace {
    char text[TRACE];
    size_t used;
};

static struct trace trace;

static void
note_call(struct probe *probe, const struct ringbus_event *event)
{
    trace.used += (size_t)snprintf(
        trace.text + trace.used, TRACE - trace.used, "%s%d ", probe->name, (int)number_of(event));
    MUST(trace.used < TRACE, "too many calls");
}

enum { PROBES = 4 };

/* Open consumers and post. */
typedef void prepare(struct ringbus_bus *bus, struct probe *probes);

/* What a seed makes of it. */ static void
play(prepare *scene, uint64_t seed, uint32_t lanes)
{
    static struct probe probes[PROBES];
    static const char *const names[PROBES] = {"A", "B", "C", "D"};
    struct ringbus_bus *bus = open_stepped(seed, lanes, 16, NULL);

    memset(probes, 0, sizeof probes);
    memset(&trace, 0, sizeof trace);
    for (int i = 0; i < PROBES; i++)
        probes[i] = (struct probe){.name = names[i], .act = note_call};
    scene(bus, probes);
    step_all(bus);
    bus_close(bus);
}

/* How many orders so many seeds lead to. */
static uint32_t
count_orders(prepare *scene, uint32_t lanes)
{
    static struct trace seen[SEEDS];
    uint32_t count = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint32_t at = 0;

        play(scene, seed, lanes);
        while (at < count && strcmp(seen[at].text, trace.text) != 0)
            at++;
        if (at == count)
            seen[count++] = trace;
    }
    return count;
}

static void
run_side_by_side(struct ringbus_bus *bus, struct probe *probes)
{
    join(NULL, bus, &probes[0], "a");
    join(NULL, bus, &probes[1], "a");
    post_numbers(bus, "a", 1, 2);
}

/* Each has its own lane: all ways to merge A1 A2 and B1 B2. On one lane an event is handled whole. */
START_TEST(lanes_are_stepped_in_every_order)
{
    ck_assert_uint_eq(count_orders(run_side_by_side, 2), 6);
    ck_assert_uint_eq(count_orders(run_side_by_side, 1), 1);
}
END_TEST

static void
run_in_two_groups(struct ringbus_bus *bus, struct probe *probes)
{
    join(NULL, bus, &probes[0], "a");
    join(group_open(bus, RINGBUS_GROUP_THREADS, 16), bus, &probes[1], "a");
    post_numbers(bus, "a", 1, 2);
}

START_TEST(groups_are_stepped_in_every_order)
{
    ck_assert_uint_eq(count_orders(run_in_two_groups, 1), 6);
}
END_TEST

static void
run_in_stages(struct ringbus_bus *bus, struct probe *probes)
{
    join(NULL, bus, &probes[0], "a");
    join_after(bus, &probes[1], &probes[0], "a");
    post_numbers(bus, "a", 1, 3);
}

/* All ways to merge A1 A2 A3 and B1 B2 B3 in which no B comes before its A. */
START_TEST(stages_are_stepped_in_every_order_that_after_allows)
{
    ck_assert_uint_eq(count_orders(run_in_stages, 2), 5);
    ck_assert_uint_eq(count_orders(run_in_stages, 1), 5);
}
END_TEST

static void
post_key(struct ringbus_bus *bus, uint64_t number, uint64_t key)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;

    options.ordered = key;
    MUST(ringbus_topic_open(bus, "a", &topic) == RINGBUS_OK, "no topic");
    MUST(ringbus_topic_try_post(topic, &number, sizeof number, &options) >= 0, "refused");
    ringbus_topic_close(topic);
}

/* Two events of a key between two that any lane may take. */
static void
run_ranges(struct ringbus_bus *bus, struct probe *probes)
{
    probes[0].is_thread_safe = true;
    join(NULL, bus, &probes[0], "a");
    post_key(bus, 1, 0);
    post_key(bus, 2, 7);
    post_key(bus, 3, 7);
    post_key(bus, 4, 0);
}

/* All ways to merge 1 4 and 2 3. */
START_TEST(ranges_are_stepped_apart_from_what_is_in_order)
{
    ck_assert_uint_eq(count_orders(run_ranges, 2), 6);
}
END_TEST

static void
run_beside_ranges(struct ringbus_bus *bus, struct probe *probes)
{
    probes[2].is_thread_safe = true;
    for (int i = 0; i < 3; i++)
        join(NULL, bus, &probes[i], "a");
    post_numbers(bus, "a", 1, 2);
}

/* The lanes have A and B. */
START_TEST(a_lane_takes_a_range_while_it_has_more_in_order)
{
    bool is_met = false;

    for (uint64_t seed = 0; seed < SEEDS && !is_met; seed++) {
        const char *shared = NULL;

        play(run_beside_ranges, seed, 2);
        shared = strstr(trace.text, "C1 ");
        is_met = shared < strstr(trace.text, "A2 ") && shared < strstr(trace.text, "B2 ");
    }
    ck_assert_msg(is_met, "no seed leads to it");
}
END_TEST

/* All of it: chains, ranges, keys, posts from handlers. */
static void
note_and_post(struct probe *probe, const struct ringbus_event *event)
{
    const uint64_t number = number_of(event);

    note_call(probe, event);
    if (number <= 2)
        MUST(try_post_number(probe->bus, "b", number + 4) >= 0, "refused");
}

static void
run_all(struct ringbus_bus *bus, struct probe *probes)
{
    probes[0].act = note_and_post;
    probes[2].is_thread_safe = true;
    join(NULL, bus, &probes[0], "a");
    join_after(bus, &probes[1], &probes[0], "a");
    join(NULL, bus, &probes[2], "b");
    probe_register(&probes[2], "a");
    join(group_open(bus, RINGBUS_GROUP_THREADS, 16), bus, &probes[3], "b");
    post_numbers(bus, "a", 1, 4);
    post_key(bus, 9, 3);
}

START_TEST(the_same_seed_leads_to_the_same_order)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct trace first;

        play(run_all, seed, 3);
        first = trace;
        play(run_all, seed, 3);
        ck_assert_str_eq(first.text, trace.text);
    }
}
END_TEST

START_TEST(another_seed_leads_to_another_order)
{
    ck_assert_uint_ge(count_orders(run_all, 3), SEEDS / 2);
}
END_TEST

/* ---- batches ---- */

START_TEST(batches_of_one_event_and_of_several_are_met)
{
    bool of_one = false, of_several = false;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct probe probe = {.name = "batched", .has_batch_end = true};
        struct ringbus_bus *bus = open_stepped(seed, 1, 8, NULL);

        join(NULL, bus, &probe, "a");
        post_numbers(bus, "a", 1, 8);
        while (probe_calls(&probe) < 8) {
            const uint32_t before = probe_calls(&probe);

            ck_assert_int_eq(ringbus_step(bus), 1);
            of_one = of_one || probe_calls(&probe) == before + 1;
            of_several = of_several || probe_calls(&probe) > before + 1;
        }
        ck_assert_uint_le(load_u32(&probe.batches, TEST_ACQUIRE), 8);
        bus_close(bus);
    }
    ck_assert(of_one && of_several);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("step", nothing_is_handled_but_in_a_step, only_a_bus_in_step_mode_is_stepped,
        no_handler_and_no_hook_steps, one_thread_steps_at_a_time_and_a_flush_waits_for_it,
        lanes_are_stepped_in_every_order, groups_are_stepped_in_every_order,
        stages_are_stepped_in_every_order_that_after_allows,
        ranges_are_stepped_apart_from_what_is_in_order,
        a_lane_takes_a_range_while_it_has_more_in_order, the_same_seed_leads_to_the_same_order,
        another_seed_leads_to_another_order, batches_of_one_event_and_of_several_are_met);
}
