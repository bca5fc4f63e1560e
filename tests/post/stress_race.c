/* stress_race.c - posters against the lane of a lossy group that is too slow for them, by reference and by copy, with a
 * lossless and a caller group beside: each payload is released once, and nobody sees one after that. */
#include <stdlib.h>

#include "support/probe.h"

enum { POSTERS = 3, TOPICS = 3, POSTS = 4000, WORDS = 6 };

/* Allocated for each post; freed by its release. */
struct cargo {
    uint64_t words[WORDS];
};

static struct ringbus_bus *bus;
static struct ringbus_topic *topics[TOPICS];
static struct atomic_u64 posted, released, delivered;
static struct atomic_ptr shelf; /* a kept event */

struct poster {
    struct worker worker;
    uint64_t random;
};

static void
fill(uint64_t *words, uint64_t first)
{
    for (uint64_t i = 0; i < WORDS; i++)
        words[i] = first * (2 * i + 1);
}

static void
check_words(const struct ringbus_event *event)
{
    uint64_t words[WORDS];

    MUST(event->size == sizeof words, "an event of %zu bytes", event->size);
    memcpy(words, event->data, sizeof words);
    for (uint64_t i = 1; i < WORDS; i++)
        MUST(words[i] == words[0] * (2 * i + 1), "torn, or released");
}

static void
release(void *data, void *context)
{
    struct cargo *cargo = data;

    MUST(context == &released, "another context");
    add_u64(&released, 1, ORDER_COUNT);
    memset(cargo, 0x55, sizeof *cargo);
    free(cargo);
}

/* Put a kept event on the shelf, or nothing; drop what lay there. */
static void
exchange(const struct ringbus_event *kept)
{
    void *word = load_ptr(&shelf, ORDER_HINT);
    void *const put = (void *)(uintptr_t)kept;

    while (!atomic_compare_exchange_strong(&shelf.value, &word, put))
        ;
    if (word != NULL)
        ringbus_event_drop(word);
}

static int
handle(const struct ringbus_event *event, void *context)
{
    const struct ringbus_event *kept = NULL;
    uint64_t *random = context;
    const uint64_t lot = random != NULL ? next_random(random) : 1;

    check_words(event);
    add_u64(&delivered, 1, ORDER_COUNT);
    if (event->reference != NULL && lot % 32 == 0) {
        MUST(ringbus_event_keep(event, &kept) == RINGBUS_OK, "not kept");
        exchange(kept);
    }
    if (lot % 8 == 2)
        dawdle(random, 3000);
    check_words(event); /* it stays while its slot is used again */
    return 0;
}

static void
post_cargo(struct ringbus_topic *topic, uint64_t lot)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct cargo *cargo = malloc(sizeof *cargo);
    int outcome = 0;

    fill(cargo->words, lot);
    options.release = release;
    options.release_context = &released;
    outcome = lot / 32 % 4 == 0
                  ? ringbus_topic_try_post(topic, cargo, sizeof cargo->words, &options)
                  : ringbus_topic_post(topic, cargo, sizeof cargo->words, &options);
    MUST(outcome >= 0 || outcome == RINGBUS_EAGAIN, "post: %s", ringbus_error_name(outcome));
    if (outcome >= 0)
        add_u64(&posted, 1, ORDER_COUNT);
    else
        free(cargo);
}

static void
post_all(void *context)
{
    struct poster *poster = context;
    const uint64_t posts = scaled(POSTS);

    for (uint64_t i = 0; i < posts; i++) {
        const uint64_t lot = next_random(&poster->random);
        struct ringbus_topic *topic = topics[lot % TOPICS];
        uint64_t words[WORDS];

        fill(words, lot);
        if (lot / 8 % 4 > 0)
            post_cargo(topic, lot);
        else
            MUST(ringbus_topic_post(topic, words, sizeof words, NULL) >= 1, "not posted");
    }
}

static struct ringbus_group *
open_lossy(uint32_t overflow, uint32_t capacity)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = capacity;
    options.slot_size = sizeof(struct cargo);
    options.overflow = overflow;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "group_open");
    return group;
}

static void
consume(struct ringbus_group *group, uint64_t *random, int first_topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = group;
    MUST(ringbus_consumer_open(bus, handle, random, &options, &consumer) == RINGBUS_OK, "consumer");
    for (int i = first_topic; i < TOPICS; i++)
        MUST(ringbus_register_consumer(bus, consumer, ringbus_topic_name(topics[i])) == RINGBUS_OK,
            "register");
}

static void
play(uint32_t overflow, uint32_t capacity)
{
    static struct poster posters[POSTERS];
    uint64_t random = capacity;

    store_u64(&posted, 0, ORDER_COUNT);
    store_u64(&released, 0, ORDER_COUNT);
    store_u64(&delivered, 0, ORDER_COUNT);
    bus = bus_open_small(4, NULL);
    for (int i = 0; i < TOPICS; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        MUST(ringbus_topic_open(bus, name, &topics[i]) == RINGBUS_OK, "topic_open");
    }
    consume(open_lossy(overflow, capacity), &random, 0);
    consume(NULL, NULL, 1);
    consume(group_open(bus, RINGBUS_GROUP_CALLER, 4), NULL, 2);
    for (uint64_t i = 0; i < POSTERS; i++) {
        posters[i].random = capacity * POSTERS + i + 1;
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
    for (int i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
    bus_flush(bus);
    exchange(NULL);
    MUST(load_u64(&posted, ORDER_COUNT) == load_u64(&released, ORDER_COUNT),
        "%llu payloads were released, not %llu",
        (unsigned long long)load_u64(&released, ORDER_COUNT),
        (unsigned long long)load_u64(&posted, ORDER_COUNT));
    MUST(load_u64(&delivered, ORDER_COUNT) > scaled(POSTS), "too little came");
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(topics[i]);
    bus_close(bus);
}

START_TEST(each_payload_of_a_lossy_group_is_released_once)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++)
        for (uint32_t capacity = overflow == RINGBUS_CONFLATE ? 4 : 2; capacity <= 8; capacity *= 2)
            play(overflow, capacity);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_race", each_payload_of_a_lossy_group_is_released_once);
}
