/* test_flood.c - names chosen by a stranger: that collide, that are many, that nobody has, that find no memory. */
#include <stdio.h>
#include <stdlib.h>

#include "bus/bus.h"
#include "support/probe.h"

/* ---- names that collide ---- */

/* Bob Jenkins' hash of 12 bytes, with the start that uthash's default has: the one a stranger would count on. Each of
 * its steps can be undone. */
enum { NAME = 12, STEPS = 9, WORDS = 3 };

static const uint32_t start[WORDS] = {0x9e3779b9u, 0x9e3779b9u, 0xfeedbeefu};
static const int shifts[STEPS] = {13, -8, 13, 12, -16, 5, 3, -10, 15};
static const uint32_t target = 0xdeadbeefu;

static uint32_t
shifted(uint32_t word, int by)
{
    return by > 0 ? word >> by : word << -by;
}

static void
mix(uint32_t words[WORDS])
{
    for (int i = 0; i < STEPS; i++) {
        const uint32_t next = words[(i + 1) % WORDS], last = words[(i + 2) % WORDS];

        words[i % WORDS] = (words[i % WORDS] - next - last) ^ shifted(last, shifts[i]);
    }
}

static void
unmix(uint32_t words[WORDS])
{
    for (int i = STEPS - 1; i >= 0; i--) {
        const uint32_t next = words[(i + 1) % WORDS], last = words[(i + 2) % WORDS];

        words[i % WORDS] = (words[i % WORDS] ^ shifted(last, shifts[i])) + next + last;
    }
}

/* Twelve bytes, none of them 0, as the hash reads them. False: one is. */
static bool
write_name(const uint32_t words[WORDS], char name[NAME + 1])
{
    for (int i = 0; i < NAME; i++)
        name[i] = (char)(unsigned char)(words[i / 4] >> 8 * (i % 4));
    name[NAME] = '\0';
    return strlen(name) == NAME;
}

static uint32_t
jenkins(const char name[NAME + 1])
{
    uint32_t words[WORDS] = {start[0], start[1], start[2]};

    for (int i = 0; i < NAME; i++)
        words[i / 4] += (uint32_t)(unsigned char)name[i] << 8 * (i % 4);
    mix(words);
    words[2] += NAME;
    mix(words);
    return words[2];
}

static void
forge_name(uint64_t *random, char name[NAME + 1])
{
    uint32_t words[WORDS];

    do {
        words[0] = (uint32_t)next_random(random);
        words[1] = (uint32_t)next_random(random);
        words[2] = target;
        unmix(words);
        words[2] -= NAME;
        unmix(words);
        for (int i = 0; i < WORDS; i++)
            words[i] -= start[i];
    } while (!write_name(words, name));
}

static void
draw_name(uint64_t *random, char name[NAME + 1])
{
    uint32_t words[WORDS];

    do
        for (int i = 0; i < WORDS; i++)
            words[i] = (uint32_t)next_random(random);
    while (!write_name(words, name));
}

/* ---- what a look-up costs ---- */

enum { FEW = 4096, MANY = 100000, LOOKUPS = 5000, ROUNDS = 15 };

/* MANY, or fewer where all is slower. */
static uint64_t
many(void)
{
    const uint64_t count = scaled(MANY);

    return count < MANY ? count : MANY;
}

/* A bus with topics that nobody is registered on. */
struct table {
    struct ringbus_bus *bus;
    uint64_t count;
    char name[MANY][NAME + 1];
    struct ringbus_topic *topic[MANY];
};

static struct table *
table_open(void)
{
    struct table *table = calloc(1, sizeof *table);
    struct ringbus_options options = ringbus_options_default();

    MUST(table != NULL, "no memory");
    options.max_topics = MANY;
    options.max_groups = 1; /* a topic has a part for each */
    table->bus = bus_open(&options);
    return table;
}

static void
table_grow(struct table *table, uint64_t count, uint64_t *random,
    void (*make)(uint64_t *random, char name[NAME + 1]))
{
    for (; table->count < count; table->count++) {
        make(random, table->name[table->count]);
        ck_assert_int_eq(
            ringbus_topic_open(table->bus, table->name[table->count], &table->topic[table->count]),
            RINGBUS_OK);
    }
}

static void
table_close(struct table *table)
{
    for (uint64_t i = 0; i < table->count; i++)
        ringbus_topic_close(table->topic[i]);
    bus_close(table->bus);
    free(table);
}

/* Nanoseconds of posts by name, and of opening what is open. */
static int64_t
time_lookups(struct table *table, uint64_t seed)
{
    const int64_t begun_ns = ringbus_now_ns();

    for (int i = 0; i < LOOKUPS; i++) {
        const uint64_t number = next_random(&seed) % table->count;
        struct ringbus_topic *topic = NULL;

        if (i % 4 != 0) {
            MUST(ringbus_try_post(table->bus, table->name[number], NULL, 0) == 0, "no dead post");
            continue;
        }
        MUST(ringbus_topic_open(table->bus, table->name[number], &topic) == RINGBUS_OK &&
                 topic == table->topic[number],
            "another topic");
        ringbus_topic_close(topic);
    }
    return ringbus_now_ns() - begun_ns;
}

/* The best of many rounds each, turn by turn: what else the machine does takes part in none of them. */
static void
check_ratio(struct table *forged, struct table *ordinary)
{
    int64_t best[2] = {INT64_MAX, INT64_MAX};

    for (uint64_t round = 1; round <= ROUNDS; round++)
        for (int i = 0; i < 2; i++) {
            const int64_t ns = time_lookups(i == 0 ? forged : ordinary, round);

            if (ns < best[i])
                best[i] = ns;
        }
    ck_assert_msg(best[0] <= 2 * best[1], "%d look-ups among %d forged names: %d ns; ordinary: %d",
        LOOKUPS, (int)forged->count, (int)best[0], (int)best[1]);
}

START_TEST(names_forged_to_collide_are_found_as_quickly_as_others)
{
    uint64_t random = 20261122;
    struct table *forged = table_open(), *ordinary = table_open();

    table_grow(forged, FEW, &random, forge_name);
    table_grow(ordinary, FEW, &random, draw_name);
    for (uint64_t i = 0; i < FEW; i++)
        ck_assert_uint_eq(jenkins(forged->name[i]), target);
    ck_assert_uint_ne(jenkins(ordinary->name[0]), jenkins(ordinary->name[1]));
    check_ratio(forged, ordinary); /* where they collide, more would take minutes */
    table_grow(forged, many(), &random, forge_name);
    table_grow(ordinary, many(), &random, draw_name);
    check_ratio(forged, ordinary);
    table_close(forged);
    table_close(ordinary);
}
END_TEST

START_TEST(each_bus_has_a_key_of_its_own_for_names)
{
    const struct hash_key none = {{0, 0}};
    struct ringbus_bus *buses[2] = {bus_open(NULL), bus_open(NULL)};

    for (int i = 0; i < 2; i++)
        ck_assert_mem_ne(&buses[i]->hash_key, &none, sizeof none);
    ck_assert_mem_ne(&buses[0]->hash_key, &buses[1]->hash_key, sizeof none);
    for (int i = 0; i < 2; i++)
        bus_close(buses[i]);
}
END_TEST

/* ---- names that are many ---- */

enum { PLACES = 1000 };

static void
number_name(char name[24], uint64_t number)
{
    snprintf(name, 24, "topic-%llu", (unsigned long long)number);
}

START_TEST(a_flood_of_names_is_refused_and_those_that_were_there_are_found)
{
    struct ringbus_options options = ringbus_options_default();
    static struct ringbus_topic *topics[PLACES];
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    char name[24];

    options.max_topics = PLACES + 1;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_register(&probe, "mine");
    for (uint64_t i = 0; i < 10 * PLACES; i++) {
        struct ringbus_topic *topic = NULL;

        number_name(name, i);
        ck_assert_int_eq(
            ringbus_topic_open(bus, name, &topic), i < PLACES ? RINGBUS_OK : RINGBUS_ENOSPC);
        if (i < PLACES)
            topics[i] = topic;
        else
            ck_assert_ptr_null(topic);
    }
    ck_assert_int_eq(ringbus_register_consumer(bus, probe.consumer, name), RINGBUS_ENOSPC);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), PLACES + 1);
    ck_assert_int_eq(post_number(bus, "mine", 1), 1);
    for (uint64_t i = 0; i < PLACES; i++) {
        struct ringbus_topic *again = NULL;

        number_name(name, i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &again), RINGBUS_OK);
        ck_assert_ptr_eq(again, topics[i]);
        ringbus_topic_close(again);
        ringbus_topic_close(topics[i]);
    }
    bus_close(bus);
}
END_TEST

START_TEST(places_come_back_as_handles_are_closed)
{
    struct ringbus_options options = ringbus_options_default();
    static struct ringbus_topic *topics[PLACES];
    struct ringbus_bus *bus = NULL;
    char name[24];

    options.max_topics = PLACES;
    bus = bus_open(&options);
    for (uint64_t i = 0; i < PLACES; i++) {
        number_name(name, i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &topics[i]), RINGBUS_OK);
    }
    for (uint64_t i = 0; i < PLACES; i += 2) {
        struct ringbus_topic *none = NULL;

        ringbus_topic_close(topics[i]);
        number_name(name, PLACES + i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &topics[i]), RINGBUS_OK);
        ck_assert_int_eq(ringbus_topic_open(bus, "one more", &none), RINGBUS_ENOSPC);
    }
    for (uint64_t i = 0; i < PLACES; i++)
        ringbus_topic_close(topics[i]);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    bus_close(bus);
}
END_TEST

/* ---- names that nobody has ---- */

static int
count_topics(const struct ringbus_figure *figure, void *context)
{
    if (strcmp(figure->object, "topic") == 0)
        ++*(uint64_t *)context;
    return 0;
}

START_TEST(a_post_to_a_topic_nobody_has_leaves_nothing_behind)
{
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    uint64_t random = 1, calls = 0, topic_figures = 0;
    char name[NAME + 1];

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    bus = bus_open(&options);
    calls = load_u64(&faulty.calls, ORDER_COUNT);
    for (uint64_t i = 0; i < many(); i++) {
        draw_name(&random, name);
        ck_assert_int_eq(i % 2 ? post_number(bus, name, i) : try_post_number(bus, name, i), 0);
    }
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), calls);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 0);
    ck_assert_int_eq(figure_of(bus, "bus", "", "dead"), (int64_t)many());
    ck_assert_int_eq(ringbus_visit(bus, count_topics, &topic_figures), RINGBUS_OK);
    ck_assert_uint_eq(topic_figures, 0);
    bus_close(bus);
}
END_TEST

/* ---- names that find no memory ---- */

enum { GROWN = 5000 };

static void
check_found(struct ringbus_bus *bus, struct ringbus_topic *const *topics, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        struct ringbus_topic *again = NULL;
        char name[24];

        number_name(name, i);
        ck_assert_int_eq(ringbus_topic_open(bus, name, &again), RINGBUS_OK);
        ck_assert_ptr_eq(again, topics[i]);
        ringbus_topic_close(again);
    }
}

/* The topic itself is the first allocation of its opening; what comes behind it is the table's. */
START_TEST(a_table_that_cannot_grow_refuses_the_name_and_finds_all_others)
{
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    static struct ringbus_topic *topics[GROWN];
    struct ringbus_bus *bus = NULL;
    uint64_t refused = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    bus = bus_open(&options);
    for (uint64_t i = 0; i < GROWN; i++) {
        uint64_t live = load_u64(&faulty.live_bytes, ORDER_COUNT);
        char name[24];
        int outcome = RINGBUS_ENOMEM;

        number_name(name, i);
        for (uint64_t nth = 2; outcome == RINGBUS_ENOMEM; nth++) {
            faulty.refuse_from = load_u64(&faulty.calls, ORDER_COUNT) + nth;
            faulty.refuse_count = 1 + nth % 2 * UINT32_MAX; /* one, or all from then on */
            outcome = ringbus_topic_open(bus, name, &topics[i]);
            faulty.refuse_from = 0;
            if (outcome == RINGBUS_OK)
                break;
            refused++;
            ck_assert_int_eq(outcome, RINGBUS_ENOMEM);
            ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), live);
            check_found(bus, topics, i);
        }
    }
    ck_assert_uint_ge(refused, 5); /* it has grown */
    check_found(bus, topics, GROWN);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), GROWN);
    for (uint64_t i = 0; i < GROWN; i++)
        ringbus_topic_close(topics[i]);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("flood", names_forged_to_collide_are_found_as_quickly_as_others,
        each_bus_has_a_key_of_its_own_for_names,
        a_flood_of_names_is_refused_and_those_that_were_there_are_found,
        places_come_back_as_handles_are_closed, a_post_to_a_topic_nobody_has_leaves_nothing_behind,
        a_table_that_cannot_grow_refuses_the_name_and_finds_all_others);
}
