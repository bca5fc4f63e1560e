/* stress_shutdown.c - a bus with lanes and stages ends at any moment: of what was posted each consumer has had each
 * event once, or it was withheld, or the report names it; and nobody gets what those it is after did not get. Groups of
 * lanes whose handlers post to each other end when the last event has been passed on for the last time, and never hang.
 *
 * As a test: small numbers. With arguments it runs for long:
 *     ringbus_test_lanes_shutdown ROUNDS SEED */
#include <stdio.h>
#include <stdlib.h>

#include "lanes/fixture.h"

enum { ROUNDS = 40, POSTERS = 2, EVENTS = 4000, TOPICS = 2, FIFTHS = 5 };

static const char *const topics[TOPICS] = {"a", "b"};

/* ---- at any moment ---- */

/* first -> second -> third, and aside. */
enum { FIRST, SECOND, THIRD, ASIDE, MEMBERS };

static const char *const names[MEMBERS] = {"first", "second", "third", "aside"};

struct member {
    uint32_t number;
    struct ringbus_consumer *consumer;
    struct atomic_u32 calls[TOPICS], unfinished[TOPICS];
    struct atomic_u32 has_had[POSTERS * EVENTS];
};

static struct ringbus_bus *bus;
static struct member members[MEMBERS];
static struct atomic_u32 posted[TOPICS];

static int
handle(const struct ringbus_event *event, void *context)
{
    struct member *member = context;
    const uint64_t number = number_of(event);

    MUST(add_u32(&member->has_had[number], 1, ORDER_COUNT) == 0, "%s gets event %d twice",
        names[member->number], (int)number);
    if (member->number == SECOND || member->number == THIRD) {
        MUST(load_u32(&members[member->number - 1].has_had[number], ORDER_COUNT) == 1,
            "%s gets event %d, and %s did not", names[member->number], (int)number,
            names[member->number - 1]);
        MUST(number % FIFTHS != 0, "%s gets event %d, which failed", names[member->number],
            (int)number);
    }
    add_u32(&member->calls[event->topic[0] - 'a'], 1, ORDER_COUNT);
    return member->number == FIRST && number % FIFTHS == 0 ? -1 : 0;
}

static int
end_batch(void *context)
{
    (void)context;
    os_real()->yield();
    return 0;
}

static void
note_undelivered(
    struct ringbus_bus *of, const struct ringbus_undelivered *undelivered, void *context)
{
    (void)of, (void)context;
    for (int i = 0; i < MEMBERS; i++)
        if (strcmp(undelivered->consumer, names[i]) == 0)
            add_u32(&members[i].unfinished[undelivered->topic[0] - 'a'],
                (uint32_t)undelivered->count, ORDER_COUNT);
}

struct poster {
    struct worker worker;
    uint32_t number;
};

static void
post_until_the_end(void *context)
{
    const struct poster *poster = context;

    for (uint32_t i = 0; i < EVENTS; i++) {
        const uint64_t number = poster->number * EVENTS + i;
        const int outcome = ringbus_post(bus, topics[number / 3 % TOPICS], &number, sizeof number);

        if (outcome == RINGBUS_ESHUTDOWN)
            return;
        MUST(outcome == MEMBERS, "a post gives %d", outcome);
        add_u32(&posted[number / 3 % TOPICS], 1, TEST_RELEASE);
    }
}

static void
open_members(struct ringbus_group *group, uint64_t lot)
{
    memset(members, 0, sizeof members);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct ringbus_consumer_options options = ringbus_consumer_options_default();

        members[i].number = i;
        options.group = group;
        options.name = names[i];
        options.thread_safe = lot >> i & 1;
        options.batch_end = lot >> (i + MEMBERS) & 1 ? end_batch : NULL;
        options.after = i > 0 ? &members[i - 1].consumer : NULL;
        options.after_count = i == SECOND || i == THIRD;
        MUST(ringbus_consumer_open(bus, handle, &members[i], &options, &members[i].consumer) ==
                 RINGBUS_OK,
            "no consumer");
        MUST(ringbus_register_topics(bus, members[i].consumer, topics, TOPICS) == RINGBUS_OK,
            "not registered");
    }
}

static void
check_member(const struct member *member)
{
    const char *name = names[member->number];
    uint64_t known = (uint64_t)figure_of(bus, "consumer", name, "withheld"), sum = 0;

    for (int at = 0; at < TOPICS; at++) {
        const uint32_t calls = load_u32(&member->calls[at], ORDER_OWN);
        const uint32_t unfinished = load_u32(&member->unfinished[at], ORDER_OWN);

        MUST(calls + unfinished <= load_u32(&posted[at], ORDER_OWN),
            "%s on %s: %u calls and %u reported, of %u", name, topics[at], calls, unfinished,
            load_u32(&posted[at], ORDER_OWN));
        known += calls + unfinished;
        sum += load_u32(&posted[at], ORDER_OWN);
    }
    MUST(known == sum, "%s: %d are known of %d", name, (int)known, (int)sum);
}

/* The report of a drain that timed out is said again by the discard. */
static void
end_somehow(uint64_t lot)
{
    int outcome = RINGBUS_ETIMEDOUT;

    if (lot & 1)
        outcome = ringbus_shutdown(bus, RINGBUS_DRAIN, lot & 2 ? 0 : ringbus_now_ns() + 100000);
    MUST(outcome == RINGBUS_OK || outcome == RINGBUS_ETIMEDOUT, "shutdown gives %d", outcome);
    for (int i = 0; i < MEMBERS && outcome == RINGBUS_ETIMEDOUT; i++)
        for (int at = 0; at < TOPICS; at++)
            store_u32(&members[i].unfinished[at], 0, ORDER_COUNT);
    MUST(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)) == RINGBUS_OK,
        "no end");
}

static void
check_end(uint64_t *random)
{
    static const uint32_t capacities[] = {2, 8, 256};
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct poster posters[POSTERS];
    const uint64_t lot = next_random(random);
    const uint32_t moment = (uint32_t)(next_random(random) % EVENTS);

    group.lanes = 1u << (lot >> 40) % 3;
    group.capacity = capacities[(lot >> 32) % 3];
    options.default_group = &group;
    options.on_undelivered = note_undelivered;
    bus = bus_open(&options);
    open_members(NULL, lot);
    for (int at = 0; at < TOPICS; at++)
        store_u32(&posted[at], 0, ORDER_OWN);
    for (uint32_t i = 0; i < POSTERS; i++) {
        posters[i].number = i;
        worker_start(&posters[i].worker, post_until_the_end, &posters[i]);
    }
    AWAIT_ON(
        bus, load_u32(&posted[0], TEST_ACQUIRE) + load_u32(&posted[1], TEST_ACQUIRE) >= moment / 4);
    end_somehow(lot >> 16);
    for (int i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
    for (int i = 0; i < MEMBERS; i++)
        check_member(&members[i]);
    bus_close(bus);
}

static void
check_ends(uint64_t rounds, uint64_t seed)
{
    for (uint64_t round = 0; round < rounds; round++)
        check_end(&seed);
}

START_TEST(at_any_end_each_event_is_delivered_withheld_or_reported)
{
    check_ends(scaled(ROUNDS), 1);
}
END_TEST

/* ---- a group of a bus that goes on ---- */

static void
check_drained_group(uint64_t lot)
{
    enum { COUNT = 60 };
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.lanes = 1u << lot % 3;
    options.capacity = 64;
    bus = bus_open(NULL);
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "no group");
    open_members(group, lot >> 8);
    post_numbers(bus, "a", 1, COUNT);
    MUST(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)) == RINGBUS_OK, "no end");
    for (int i = 0; i < MEMBERS; i++)
        MUST(load_u32(&members[i].calls[0], ORDER_OWN) ==
                 (i == SECOND || i == THIRD ? COUNT - COUNT / FIFTHS : COUNT),
            "%s: %u calls", names[i], load_u32(&members[i].calls[0], ORDER_OWN));
    bus_close(bus);
}

START_TEST(a_group_that_was_drained_has_delivered_all_in_all_stages)
{
    uint64_t random = 1;

    for (uint64_t round = 0; round < scaled(ROUNDS); round++)
        check_drained_group(next_random(&random));
}
END_TEST

/* ---- groups that post to each other ---- */

enum { GROUPS = 3, TOKENS = 64, HOPS = 100, PASS_ROUNDS = 40 };

static struct atomic_u64 passed, died;

/* Passes the number on, less one, to the next group's topic; where that would never end, the event dies. */
static int
pass_on(const struct ringbus_event *event, void *context)
{
    const uint64_t left = number_of(event), next = left - 1;
    int outcome = 1;

    if (left > 0)
        outcome = ringbus_post(bus, context, &next, sizeof next);
    MUST(outcome == 1 || outcome == RINGBUS_EDEADLK, "an event is passed on: %d", outcome);
    if (outcome != 1)
        add_u64(&died, left, ORDER_COUNT);
    add_u64(&passed, 1, ORDER_COUNT);
    return 0;
}

static void
open_passers(uint64_t lot)
{
    static char cycle[GROUPS][2] = {"a", "b", "c"};

    for (int i = 0; i < GROUPS; i++) {
        struct ringbus_consumer_options options = ringbus_consumer_options_default();
        struct ringbus_group_options group = ringbus_group_options_default();
        struct ringbus_consumer *consumer = NULL;

        group.lanes = 1 + (uint32_t)(lot >> (4 * i)) % 3;
        group.capacity = 8u << (lot >> (16 + 2 * i)) % 2;
        MUST(ringbus_group_open(bus, &group, &options.group) == RINGBUS_OK, "no group");
        options.thread_safe = lot >> (32 + i) & 1;
        MUST(ringbus_consumer_open(bus, pass_on, cycle[(i + 1) % GROUPS], &options, &consumer) ==
                 RINGBUS_OK,
            "no consumer");
        MUST(ringbus_register_consumer(bus, consumer, cycle[i]) == RINGBUS_OK, "register");
    }
}

static void
check_passing(uint64_t rounds, uint64_t seed)
{
    for (uint64_t round = 0; round < rounds; round++) {
        bus = bus_open(NULL);
        store_u64(&passed, 0, ORDER_OWN);
        store_u64(&died, 0, ORDER_OWN);
        open_passers(next_random(&seed));
        for (int i = 0; i < TOKENS; i++)
            MUST(post_number(bus, i % 2 ? "a" : "b", HOPS) == 1, "no post");
        MUST(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)) == RINGBUS_OK,
            "no end");
        MUST(load_u64(&passed, ORDER_OWN) + load_u64(&died, ORDER_OWN) == TOKENS * (HOPS + 1),
            "%d calls and %d given up", (int)load_u64(&passed, ORDER_OWN),
            (int)load_u64(&died, ORDER_OWN));
        bus_close(bus);
    }
}

/* Room made in a range was not told before its next call began: who waited for it slept for ever if that call waited,
 * too. */
START_TEST(groups_of_lanes_that_post_to_each_other_never_hang)
{
    check_passing(scaled(PASS_ROUNDS), 1);
}
END_TEST

int
main(int count, char **arguments)
{
    if (count == 1)
        return RUN_TESTS("lanes_shutdown", at_any_end_each_event_is_delivered_withheld_or_reported,
            a_group_that_was_drained_has_delivered_all_in_all_stages,
            groups_of_lanes_that_post_to_each_other_never_hang);
    if (count != 3)
        return EXIT_FAILURE;
    check_ends(strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10));
    check_passing(strtoull(arguments[1], NULL, 10) / 10, strtoull(arguments[2], NULL, 10));
    return EXIT_SUCCESS;
}
