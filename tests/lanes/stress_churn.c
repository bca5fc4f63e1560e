/* stress_churn.c - registrations, consumers, topics and groups come and go under load, many more than there is memory
 * for: what they took is given back while the bus runs, and everything when it is closed.
 *
 * As a test: small numbers. With arguments it runs for long, and prints a line for each tenth:
 *     ringbus_test_lanes_churn COUNT SEED     registrations ended, by all threads together */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lanes/fixture.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HAS_OWN_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_OWN_MEMORY 1
#endif
#endif
#ifndef HAS_OWN_MEMORY
#define HAS_OWN_MEMORY 0 /* what is released may be used again at once */
#endif

enum {
    COUNT = 100000,
    CHURNERS = 2,
    TOPICS = 4,
    PARTS = 10,
    PER_CONSUMER = 8,   /* registrations of one consumer */
    PER_GROUP = 500,    /* consumers between two changes of a churner's group */
    PER_LOOK = 16,      /* consumers between two looks at the memory in use */
    SLACK = 256 * 1024, /* bytes that are in use or not, by chance */
    SLACK_RESIDENT = 16 * 1024 * 1024
};

static const char *const names[TOPICS] = {"a", "b", "c", "d"};
static struct faulty_allocator memory;
static struct ringbus_bus *bus;
static struct atomic_u32 churners_left;
static struct atomic_u64 ended; /* registrations, by all churners */
static uint64_t ended_at_last;

/* ---- load ---- */

static int
ignore(const struct ringbus_event *event, void *context)
{
    struct atomic_u64 *calls = context;

    add_u64(calls, 1, ORDER_COUNT);
    return number_of(event) % 64 == 0 ? -1 : 0;
}

static void
post_on(void *context)
{
    struct ringbus_topic *topics[TOPICS] = {NULL};
    uint64_t random = 7;

    (void)context;
    for (int i = 0; i < TOPICS; i++)
        MUST(ringbus_topic_open(bus, names[i], &topics[i]) == RINGBUS_OK, "no topic");
    while (load_u32(&churners_left, TEST_ACQUIRE) > 0) {
        struct ringbus_post_options options = ringbus_post_options_default();
        const uint64_t number = next_random(&random);
        int outcome = 0;

        options.ordered = number % 5;
        outcome = ringbus_topic_post(topics[number % TOPICS], &number, sizeof number, &options);
        MUST(outcome >= 1, "a post gives %s", ringbus_error_name(outcome));
    }
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(topics[i]);
}

/* ---- churn ---- */

struct churner {
    struct worker worker;
    uint64_t random, number, rounds;
    struct ringbus_group *group; /* its own, or NULL */
    struct ringbus_consumer *stay;
    struct atomic_u64 calls, opened, destroyed;
};

static void
note_end(void *context)
{
    struct churner *churner = context;

    add_u64(&churner->destroyed, 1, ORDER_COUNT);
}

static int
handle(const struct ringbus_event *event, void *context)
{
    struct churner *churner = context;

    return ignore(event, &churner->calls);
}

static int
end_batch(void *context)
{
    (void)context;
    return 0;
}

static struct ringbus_consumer *
open_consumer(struct churner *churner)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    const uint64_t lot = next_random(&churner->random);
    int outcome = 0;

    options.group = churner->group;
    options.destroy = note_end;
    options.thread_safe = lot & 1;
    options.batch_end = lot & 2 ? end_batch : NULL;
    options.max_deliveries = lot & 4 ? 1 + lot % 32 : 0;
    options.after = &churner->stay;
    options.after_count = churner->group == NULL && lot & 8;
    outcome = ringbus_consumer_open(bus, handle, churner, &options, &consumer);
    MUST(outcome == RINGBUS_OK, "no consumer: %s", ringbus_error_name(outcome));
    add_u64(&churner->opened, 1, ORDER_COUNT);
    return consumer;
}

/* Registrations of one consumer on topics that stay and on one of its own; they end one by one, or with it. */
static void
churn_consumer(struct churner *churner)
{
    struct ringbus_consumer *consumer = open_consumer(churner);
    char own[PROBE_TOPIC];

    snprintf(own, sizeof own, "own-%" PRIu64 "-%" PRIu64, churner->number, churner->rounds % 100);
    for (int i = 0; i < PER_CONSUMER; i++) {
        const uint64_t lot = next_random(&churner->random);
        const char *topic = lot % (TOPICS + 1) < TOPICS ? names[lot % (TOPICS + 1)] : own;
        int outcome = ringbus_register_consumer(bus, consumer, topic);

        MUST(outcome == RINGBUS_OK || outcome == RINGBUS_ESHUTDOWN || outcome == RINGBUS_EEXIST,
            "register: %s", ringbus_error_name(outcome));
        if (lot >> 8 & 1)
            os_real()->yield();
        outcome = lot >> 9 & 1 ? ringbus_unregister_consumer(bus, consumer, topic) : RINGBUS_OK;
        MUST(outcome == RINGBUS_OK || outcome == RINGBUS_ENOENT, "unregister: %s",
            ringbus_error_name(outcome));
    }
    MUST(IN_TIME(bus, ringbus_consumer_close(consumer,
                          next_random(&churner->random) % 2 ? RINGBUS_DRAIN : RINGBUS_DISCARD)) ==
             RINGBUS_OK,
        "consumer_close");
    churner->rounds++;
    add_u64(&ended, PER_CONSUMER, ORDER_COUNT);
}

/* A group of its own for a while, with lanes. */
static void
change_group(struct churner *churner)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.lanes = 1 + (uint32_t)(next_random(&churner->random) % 3);
    options.capacity = 16;
    if (churner->group == NULL) {
        const int outcome = ringbus_group_open(bus, &options, &churner->group);

        MUST(outcome == RINGBUS_OK, "no group: %s", ringbus_error_name(outcome));
        return;
    }
    MUST(IN_TIME(bus, ringbus_group_close(churner->group, RINGBUS_DRAIN)) == RINGBUS_OK, "group");
    churner->group = NULL;
}

static void
churn_once(struct churner *churner)
{
    if (churner->rounds % PER_GROUP == PER_GROUP - 1)
        change_group(churner);
    churn_consumer(churner);
}

static void
end_churn(struct churner *churner)
{
    if (churner->group != NULL)
        change_group(churner);
    MUST(load_u64(&churner->opened, ORDER_COUNT) == load_u64(&churner->destroyed, ORDER_COUNT),
        "destroyed %d of %d", (int)load_u64(&churner->destroyed, ORDER_COUNT),
        (int)load_u64(&churner->opened, ORDER_COUNT));
    add_u32(&churners_left, (uint32_t)-1, TEST_RELEASE);
}

static void
churn(void *context)
{
    struct churner *churner = context;

    while (load_u64(&ended, ORDER_COUNT) < ended_at_last)
        churn_once(churner);
    end_churn(churner);
}

/* ---- memory ---- */

struct use {
    uint64_t live, resident; /* bytes */
};

static struct use
look(void)
{
    struct use use = {.live = load_u64(&memory.live_bytes, ORDER_COUNT)};
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long total = 0, resident = 0;

    if (file == NULL)
        return use;
    if (fscanf(file, "%lu %lu", &total, &resident) == 2)
        use.resident = (uint64_t)resident * (uint64_t)sysconf(_SC_PAGESIZE);
    fclose(file);
    return use;
}

static void
widen(struct use *most, struct use use)
{
    most->live = use.live > most->live ? use.live : most->live;
    most->resident = use.resident > most->resident ? use.resident : most->resident;
}

/* Churn, too, until a part of the work is done: the most that was used meanwhile. */
static struct use
churn_part(struct churner *churner, uint64_t until_ended)
{
    struct use most = look();

    while (load_u64(&ended, ORDER_COUNT) < until_ended) {
        churn_once(churner);
        if (churner->rounds % PER_LOOK == 0)
            widen(&most, look());
    }
    return most;
}

/* The first fifth warms up. */
static void
churn_and_watch(struct churner *churner, bool is_long)
{
    struct use warm = {0};
    const int64_t begun = ringbus_now_ns();

    for (uint64_t part = 1; part <= PARTS; part++) {
        const struct use most = churn_part(churner, ended_at_last / PARTS * part);

        if (is_long)
            printf("%3d %%: %8" PRIu64 " KiB of the bus, %8" PRIu64 " KiB resident, %7.1f s\n",
                (int)part * 100 / PARTS, most.live / 1024, most.resident / 1024,
                (double)(ringbus_now_ns() - begun) / 1e9);
        if (part <= PARTS / 5) {
            widen(&warm, most);
            continue;
        }
        MUST(most.live <= warm.live + SLACK, "%d KiB instead of %d", (int)(most.live / 1024),
            (int)(warm.live / 1024));
        MUST(HAS_OWN_MEMORY || most.resident <= warm.resident + SLACK_RESIDENT,
            "%d KiB are resident instead of %d", (int)(most.resident / 1024),
            (int)(warm.resident / 1024));
    }
}

/* ---- the trial ---- */

static void
open_bus(void)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    group.lanes = 2;
    group.capacity = 64;
    options.default_group = &group;
    bus = bus_open(&options);
}

static struct ringbus_consumer *
open_resident(struct atomic_u64 *calls, bool is_thread_safe)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.thread_safe = is_thread_safe;
    MUST(ringbus_consumer_open(bus, ignore, calls, &options, &consumer) == RINGBUS_OK, "open");
    MUST(ringbus_register_topics(bus, consumer, names, TOPICS) == RINGBUS_OK, "register");
    return consumer;
}

static void
run(uint64_t count, uint64_t seed, bool is_long)
{
    static struct churner churners[CHURNERS];
    static struct atomic_u64 calls;
    struct worker poster;

    open_bus();
    ended_at_last = count;
    store_u64(&ended, 0, ORDER_OWN);
    store_u32(&churners_left, CHURNERS, ORDER_OWN);
    for (uint64_t i = 0; i < CHURNERS; i++) {
        churners[i] = (struct churner){.number = i, .random = seed + i + 1};
        churners[i].stay = open_resident(&calls, i % 2 != 0);
        if (i > 0)
            worker_start(&churners[i].worker, churn, &churners[i]);
    }
    worker_start(&poster, post_on, NULL);
    churn_and_watch(&churners[0], is_long);
    end_churn(&churners[0]);
    for (int i = 1; i < CHURNERS; i++)
        worker_join(&churners[i].worker, "a churner");
    worker_join(&poster, "a poster");
    bus_close(bus);
    MUST(load_u64(&memory.live_bytes, ORDER_OWN) == 0, "%d bytes are left",
        (int)load_u64(&memory.live_bytes, ORDER_OWN));
}

START_TEST(what_registrations_took_is_given_back_while_the_bus_runs)
{
    run(scaled(COUNT), 1, false);
}
END_TEST

int
main(int count, char **arguments)
{
    if (count == 1)
        return RUN_TESTS("lanes_churn", what_registrations_took_is_given_back_while_the_bus_runs);
    if (count != 3)
        return EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    run(strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10), true);
    return EXIT_SUCCESS;
}
