/* test_visit.c - a visit disturbs nobody, however slow the visitor, however many topics; what single figures mean. */
#include <stdio.h>
#include <string.h>

#include "bus/figures/pending.h"
#include "bus/group.h"
#include "bus/topic.h"
#include "executor/fixture.h"

/* ---- nobody waits for a visitor ---- */

struct slow {
    struct ringbus_bus *bus;
    struct ringbus_consumer *consumer;
    struct worker worker;
    uint32_t visited;
};

/* All that takes a lock of the bus. */
static void
use_bus(void *context)
{
    struct slow *slow = context;
    struct ringbus_topic *topic = NULL;

    MUST(post_number(slow->bus, "a", 1) == 1, "no post by name");
    MUST(ringbus_topic_open(slow->bus, "new", &topic) == RINGBUS_OK, "no topic");
    ringbus_topic_close(topic);
    MUST(ringbus_register_consumer(slow->bus, slow->consumer, "b") == RINGBUS_OK, "no register");
    MUST(ringbus_unregister_consumer(slow->bus, slow->consumer, "b") == RINGBUS_OK, "no end");
    bus_flush(slow->bus);
}

/* Until somebody else has used the bus. */
static int
dawdle_over(const struct ringbus_figure *figure, void *context)
{
    struct slow *slow = context;

    (void)figure;
    if (slow->visited++ % 8 != 0)
        return 0;
    worker_start(&slow->worker, use_bus, slow);
    worker_join(&slow->worker, "who uses the bus beside a visit");
    return 0;
}

START_TEST(nobody_waits_for_a_visitor_that_takes_its_time)
{
    static struct probe probe = {.name = "p"};
    struct ringbus_bus *bus = bus_open(NULL);
    struct slow slow = {.bus = bus};

    join(NULL, bus, &probe, "a");
    slow.consumer = probe.consumer;
    ck_assert_int_eq(ringbus_visit(bus, dawdle_over, &slow), RINGBUS_OK);
    ck_assert_uint_gt(slow.visited, 16);
    bus_close(bus);
}
END_TEST

/* ---- nor for many topics ---- */

enum { MANY = 1000, PART = 32 };

struct walk {
    struct ringbus_bus *bus;
    struct ringbus_topic *topics[MANY];
    uint32_t seen[MANY];
    uint32_t in_part, parts, news;
    uint64_t random;
};

static bool
see(struct ringbus_topic *topic, void *context)
{
    struct walk *walk = context;
    int number = -1;

    if (sscanf(topic->name, "t%d", &number) == 1)
        walk->seen[number]++;
    MUST(number < 0 || walk->topics[number] == topic, "a topic that is gone is visited");
    MUST(++walk->in_part <= PART, "a part of the walk is too long");
    return true;
}

/* No lock is held: topics go, that at which the walk stands with them, and come. */
static bool
change(void *context)
{
    struct walk *walk = context;
    char name[16];

    walk->in_part = 0;
    walk->parts++;
    MUST(IN_TIME(walk->bus, post_number(walk->bus, "t0", 1)) == 0, "no post by name");
    for (int i = 1; i < MANY; i++)
        if (walk->topics[i] != NULL && next_random(&walk->random) % 8 == 0) {
            ringbus_topic_close(walk->topics[i]);
            walk->topics[i] = NULL;
        }
    for (int i = 0; i < 100; i++) {
        struct ringbus_topic *topic = NULL;

        snprintf(name, sizeof name, "new%u", walk->news++);
        MUST(ringbus_topic_open(walk->bus, name, &topic) == RINGBUS_OK, "no topic");
    }
    return true;
}

START_TEST(a_walk_over_topics_gives_the_lock_back_and_goes_on_whatever_has_gone)
{
    static struct walk walk;
    char name[16];

    for (uint64_t seed = 1; seed <= 20; seed++) {
        walk = (struct walk){.bus = bus_open(NULL), .random = seed};
        for (int i = 0; i < MANY; i++) {
            snprintf(name, sizeof name, "t%d", i);
            MUST(ringbus_topic_open(walk.bus, name, &walk.topics[i]) == RINGBUS_OK, "no topic");
        }
        ringbus__topic_each(walk.bus, see, change, &walk);
        ck_assert_uint_ge(walk.parts, 5);
        ck_assert_uint_le(walk.parts, MANY / PART + 1);
        for (int i = 0; i < MANY; i++) {
            ck_assert_uint_le(walk.seen[i], 1);
            ck_assert_msg(walk.topics[i] == NULL || walk.seen[i] == 1, "t%d was not visited", i);
        }
        bus_close(walk.bus);
    }
}
END_TEST

static int
count_topics(const struct ringbus_figure *figure, void *context)
{
    uint32_t *count = context;

    *count += strcmp(figure->object, "topic") == 0 && strcmp(figure->figure, "dead") == 0;
    return 0;
}

START_TEST(a_visit_shows_many_topics_with_long_names_or_there_is_no_memory)
{
    struct ringbus_options options = ringbus_options_default();
    struct faulty_allocator memory;
    struct ringbus_bus *bus = NULL;
    uint64_t held = 0, nth = 0;
    int outcome = RINGBUS_ENOMEM;
    static char name[60000];

    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    options.max_topic_length = 65535;
    bus = bus_open(&options);
    memset(name, 'x', sizeof name - 1);
    for (int i = 0; i < 300; i++) {
        struct ringbus_topic *topic = NULL;

        memset(name, 'a' + i % 26, i % 20 == 0 ? sizeof name - 1 : 200);
        name[i % 20 == 0 ? sizeof name - 1 : 200] = '\0';
        name[i % 150] = (char)('A' + i % 25);
        name[i % 149 + 1] = '.';
        name[0] = (char)('0' + i / 60);
        MUST(ringbus_topic_open(bus, name, &topic) == RINGBUS_OK, "no topic");
    }
    held = load_u64(&memory.live_bytes, TEST_ACQUIRE);
    while (outcome == RINGBUS_ENOMEM) {
        uint32_t count = 0;

        memory.refuse_from = load_u64(&memory.calls, TEST_ACQUIRE) + ++nth;
        memory.refuse_count = 1;
        outcome = ringbus_visit(bus, count_topics, &count);
        memory.refuse_from = 0;
        ck_assert_int_eq(count, outcome == RINGBUS_OK ? figure_of(bus, "bus", "", "topics") : 0);
        ck_assert_uint_eq(load_u64(&memory.live_bytes, TEST_ACQUIRE), held);
    }
    ck_assert_int_eq(outcome, RINGBUS_OK);
    ck_assert_uint_gt(nth, 10);
    bus_close(bus);
}
END_TEST

/* ---- nor looks at what has gone ---- */

static struct {
    struct ringbus_group *group;
    struct ringbus_topic *topic;
    uint32_t wakes;
} between;

/* A producer that waits for room is woken whenever a position moves: by the reader that counts when it joins, then
 * after each part. After the first one, all is finished and the topic goes. */
static void
finish_all(struct atomic_u32 *word)
{
    (void)word;
    if (++between.wakes == 1)
        (void)signal_prepare(&between.group->ring->room);
    if (between.wakes != 2)
        return;
    while (ringbus__lane_run(between.group->lanes, ALL) > 0)
        ;
    ringbus_topic_close(between.topic);
}

START_TEST(what_is_finished_between_two_looks_into_the_ring_is_not_looked_at)
{
    static struct probe probe = {.name = "p"};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct faulty_allocator memory;
    struct ringbus_bus *bus = NULL;
    int64_t looks = 100000;

    faulty_allocator_init(&memory, 0, 0);
    os_watch_begin(0);
    group.capacity = 1024;
    options.default_group = &group;
    options.is_stepped = 1;
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    memset(&between, 0, sizeof between);
    between.group = bus->default_group;
    join(NULL, bus, &probe, "a");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &between.topic), RINGBUS_OK);
    post_numbers(bus, "a", 1, 700);
    ck_assert_int_eq(ringbus_unregister_consumer(bus, probe.consumer, "a"), RINGBUS_OK);
    ringbus__os.word_wake = finish_all;
    (void)signal_prepare(&between.group->ring->room);
    lock_acquire(&bus->lock);
    ck_assert(ringbus__pending_count(between.group, &looks));
    lock_release(&bus->lock);
    ck_assert_uint_ge(between.wakes, 2);
    ringbus__os.word_wake = os_real()->word_wake;
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
    os_watch_end();
}
END_TEST

START_TEST(a_count_that_takes_too_long_is_given_up)
{
    static struct probe probe = {.name = "p"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_stepped(1, 1, 1024, NULL);
    int64_t looks = 300;

    group = bus->default_group;
    join(NULL, bus, &probe, "a");
    post_numbers(bus, "a", 1, 1000);
    lock_acquire(&bus->lock);
    ck_assert(!ringbus__pending_count(group, &looks));
    ck_assert_int_gt(looks, -1000);
    looks = 10000;
    ck_assert(ringbus__pending_count(group, &looks));
    ck_assert_int_eq(looks, 10000 - 2 * 1000);
    lock_release(&bus->lock);
    bus_close(bus);
}
END_TEST

/* ---- single figures ---- */

START_TEST(the_high_water_is_the_most_that_a_pass_or_a_visit_found)
{
    static struct probe probe = {.name = "p"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(1024, NULL, &group);

    join(group, bus, &probe, "a");
    post_numbers(bus, "a", 1, 10);
    ck_assert_int_eq(ringbus_group_poll(group, ALL), 10);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "high_water"), 10);
    post_numbers(bus, "a", 1, 700); /* behind a pass there is more */
    ck_assert_int_eq(ringbus_group_poll(group, 5), 5);
    post_numbers(bus, "a", 1, 3);
    ck_assert_int_eq(ringbus_group_poll(group, 500), 500);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "high_water"), 700);
    while (ringbus_group_poll(group, ALL) > 0)
        ;
    post_numbers(bus, "a", 1, 1000);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "high_water"), 1000);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_PENDING);
    AWAIT_ON(bus, ringbus_group_poll(group, ALL) == RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "high_water"), 1000);
    bus_close(bus);
}
END_TEST

/* What waits in a late stage waits, too. */
START_TEST(the_high_water_is_that_of_all_stages)
{
    static struct probe first = {.name = "first"}, second = {.name = "second"};
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_polled(64, NULL, &group);

    join(group, bus, &first, "a");
    join_after(bus, &second, &first, "a");
    for (int i = 0; i < 4; i++) {
        post_numbers(bus, "a", 1, 10);
        ck_assert_uint_ge(ringbus__lane_run_in_order(group->lanes, 0, 5), 5);
    }
    ck_assert_int_eq(load_i64(&group->lanes->high_water, ORDER_COUNT), 40);
    AWAIT_ON(bus, ringbus_group_poll(group, ALL) == 0);
    (void)ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER);
    AWAIT_ON(bus, ringbus_group_poll(group, ALL) == RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

static int
post_third(void *context)
{
    return post_number(context, "a", 3);
}

START_TEST(a_visit_names_the_handler_that_runs_and_counts_who_waits_for_it)
{
    static struct gate gate;
    static struct probe probe = {.name = "stuck", .gate = &gate};
    struct ringbus_bus *bus = NULL;
    struct call call;

    calls_begin();
    gate_init(&gate);
    bus = bus_open_small(2, NULL);
    join(NULL, bus, &probe, "a");
    MUST(post_number(bus, "a", 1) == 1 && post_number(bus, "a", 2) == 1, "no post");
    gate_await(&gate, 1);
    call_start(&call, post_third, bus);
    ck_assert_int_eq(figure_of(bus, "consumer", "stuck", "running"), 1);
    ck_assert_int_eq(figure_of(bus, "consumer", "stuck", "pending"), 2);
    ck_assert_int_eq(figure_of(bus, "consumer", "stuck", "matched"), 2);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "waiting"), 1);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "the third post"), 1);
    bus_flush(bus);
    ck_assert_int_eq(figure_of(bus, "consumer", "stuck", "running"), 0);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "waiting"), 0);
    ck_assert_int_ge(figure_of(bus, "group", "group-0", "blocked"), 1);
    bus_close(bus);
    calls_end();
}
END_TEST

static void
look_at_lag(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) != 1)
        return;
    MUST(post_number(probe->bus, "a", 2) == 1 && post_number(probe->bus, "a", 3) == 1, "nested");
    MUST(figure_of(probe->bus, "group", "group-0", "lag") == 2, "queued posts are no lag");
}

START_TEST(nested_posts_that_wait_are_the_lag_of_a_caller_group)
{
    static struct probe probe = {.name = "p", .act = look_at_lag};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;

    group.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &group;
    bus = bus_open(&options);
    join(NULL, bus, &probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    ck_assert_uint_eq(probe_calls(&probe), 3);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "lag"), 0);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "high_water"), 2);
    bus_close(bus);
}
END_TEST

START_TEST(a_dead_post_is_counted_by_its_topic_and_by_the_bus)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *topic = NULL;

    ck_assert_int_eq(ringbus_topic_open(bus, "known", &topic), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "known", 1), 0);
    ck_assert_int_eq(ringbus_topic_post(topic, NULL, 0, NULL), 0);
    ck_assert_int_eq(post_number(bus, "unknown", 1), 0);
    ck_assert_int_eq(figure_of(bus, "topic", "known", "dead"), 2);
    ck_assert_int_eq(figure_of(bus, "bus", "", "dead"), 3);
    ck_assert_int_eq(figure_of(bus, "topic", "unknown", "dead"), -1);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

START_TEST(a_group_that_takes_the_place_of_another_begins_at_zero)
{
    static struct probe probes[2] = {{.name = "old"}, {.name = "new"}};
    struct ringbus_bus *bus = bus_open(NULL);

    for (int life = 0; life < 2; life++) {
        struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_THREADS, 16);
        char name[16];

        snprintf(name, sizeof name, "group-%d", 1 + life);
        join(group, bus, &probes[life], "a");
        ck_assert_int_eq(figure_of(bus, "group", name, "posted"), 0);
        ck_assert_int_eq(figure_of(bus, "group", name, "delivered"), 0);
        ck_assert_int_eq(figure_of(bus, "group", name, "passes"), 0);
        ck_assert_int_eq(figure_of(bus, "group", name, "high_water"), 0);
        post_numbers(bus, "a", 1, 5);
        bus_flush(bus);
        ck_assert_int_eq(figure_of(bus, "group", name, "posted"), 5);
        ck_assert_int_eq(figure_of(bus, "group", name, "delivered"), 5);
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
    }
    ck_assert_int_eq(figure_of(bus, "consumer", "old", "delivered"), 5);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("visit", nobody_waits_for_a_visitor_that_takes_its_time,
        a_walk_over_topics_gives_the_lock_back_and_goes_on_whatever_has_gone,
        a_visit_shows_many_topics_with_long_names_or_there_is_no_memory,
        what_is_finished_between_two_looks_into_the_ring_is_not_looked_at,
        a_count_that_takes_too_long_is_given_up,
        the_high_water_is_the_most_that_a_pass_or_a_visit_found,
        the_high_water_is_that_of_all_stages,
        a_visit_names_the_handler_that_runs_and_counts_who_waits_for_it,
        nested_posts_that_wait_are_the_lag_of_a_caller_group,
        a_dead_post_is_counted_by_its_topic_and_by_the_bus,
        a_group_that_takes_the_place_of_another_begins_at_zero);
}
