/* stress_reference.c - payloads by reference, through groups of all kinds, kept and dropped by anybody, while consumers
 * come and go and the bus ends in either way: each is released once, and nobody sees one after that. */
#include <stdlib.h>

#include "support/probe.h"

enum { POSTERS = 3, TOPICS = 4, SHELF = 8, CONSUMERS = 8, POSTS = 3000, ROUNDS = 6, WORDS = 8 };

/* Allocated for each post; freed by its release. */
struct cargo {
    uint64_t words[WORDS];
    struct scene *scene;
};

struct scene {
    struct ringbus_bus *bus;
    struct ringbus_group *polled;
    struct ringbus_topic *topics[TOPICS];
    struct ringbus_consumer *consumers[CONSUMERS];
    struct atomic_ptr shelf[SHELF]; /* kept events */
    struct atomic_u64 posted;       /* by reference, and taken */
    struct atomic_u64 released;
    struct atomic_u64 random; /* of the handlers */
    struct atomic_u32 has_ended;
};

struct poster {
    struct worker worker;
    struct scene *scene;
    uint64_t random;
};

static void
check_words(const struct ringbus_event *event)
{
    uint64_t words[WORDS];

    MUST(event->size == sizeof words, "another size");
    memcpy(words, event->data, sizeof words);
    for (int i = 1; i < WORDS; i++)
        MUST(words[i] == words[0] + (uint64_t)i, "torn, or released");
}

static void
release(void *data, void *context)
{
    struct cargo *cargo = data;

    MUST(context == cargo->scene, "another context");
    add_u64(&cargo->scene->released, 1, ORDER_COUNT);
    memset(cargo, 0, sizeof *cargo);
    free(cargo);
}

/* Put a kept event on the shelf, or nothing; drop what lay there. */
static void
exchange(struct scene *scene, uint64_t place, const struct ringbus_event *kept)
{
    void *word = load_ptr(&scene->shelf[place % SHELF], ORDER_HINT);
    void *const put = (void *)(uintptr_t)kept;

    while (!atomic_compare_exchange_strong(&scene->shelf[place % SHELF].value, &word, put))
        ;
    if (word == NULL)
        return;
    check_words(word);
    ringbus_event_drop(word);
}

static int
handle(const struct ringbus_event *event, void *context)
{
    struct scene *scene = context;
    const uint64_t lot = add_u64(&scene->random, UINT64_C(0x9E3779B97F4A7C15), ORDER_COUNT) >> 32;
    const struct ringbus_event *kept = NULL;

    check_words(event);
    if (event->reference != NULL && lot % 4 == 0) {
        MUST(ringbus_event_keep(event, &kept) == RINGBUS_OK, "not kept");
        exchange(scene, lot / 4, kept);
    }
    return lot % 16 == 1 ? -1 : 0;
}

static int
end_batch(void *context)
{
    (void)context;
    return 0;
}

/* ---- posts ---- */

static void
fill(uint64_t *words, uint64_t first)
{
    for (int i = 0; i < WORDS; i++)
        words[i] = first + (uint64_t)i;
}

static bool
is_refusal(int outcome)
{
    return outcome == RINGBUS_EAGAIN || outcome == RINGBUS_ETIMEDOUT ||
           outcome == RINGBUS_ESHUTDOWN || outcome == RINGBUS_EDEADLK;
}

static void
post_cargo(struct scene *scene, struct ringbus_topic *topic, uint64_t lot)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct cargo *cargo = malloc(sizeof *cargo);
    int outcome = 0;

    fill(cargo->words, lot);
    cargo->scene = scene;
    options.ordered = lot % 3;
    options.release = release;
    options.release_context = scene;
    add_u64(&scene->posted, 1, ORDER_COUNT);
    outcome = lot % 2 ? ringbus_topic_try_post(topic, cargo, sizeof cargo->words, &options)
                      : ringbus_topic_post_until(
                            topic, cargo, sizeof cargo->words, ringbus_now_ns() + 100000, &options);
    MUST(outcome >= 0 || is_refusal(outcome), "post: %s", ringbus_error_name(outcome));
    if (outcome >= 0)
        return;
    add_u64(&scene->posted, (uint64_t)-1, ORDER_COUNT);
    free(cargo);
}

static void
claim(struct ringbus_topic *topic, uint64_t lot)
{
    struct ringbus_claim claim;
    int outcome = ringbus_topic_claim_until(
        topic, sizeof(uint64_t) * WORDS, ringbus_now_ns() + 100000, NULL, &claim);

    MUST(outcome >= 0 || is_refusal(outcome), "claim: %s", ringbus_error_name(outcome));
    if (outcome < 0 || claim.data == NULL)
        return;
    fill(claim.data, lot);
    outcome = lot % 4 ? ringbus_topic_publish(&claim) : ringbus_topic_abandon(&claim);
    MUST(outcome >= 0 || outcome == RINGBUS_EDEADLK, "publish: %s", ringbus_error_name(outcome));
}

/* One of the consumers leaves a topic, or comes to it. */
static void
move(struct scene *scene, uint64_t lot)
{
    struct ringbus_consumer *consumer = scene->consumers[lot % CONSUMERS];
    const char *topic = ringbus_topic_name(scene->topics[lot / 8 % TOPICS]);

    if (ringbus_unregister_consumer(scene->bus, consumer, topic) == RINGBUS_OK)
        return;
    (void)!ringbus_register_consumer(scene->bus, consumer, topic);
}

static void
post_all(void *context)
{
    struct poster *poster = context;
    struct scene *scene = poster->scene;
    const uint64_t posts = scaled(POSTS);

    for (uint64_t i = 0; i < posts; i++) {
        const uint64_t lot = next_random(&poster->random);
        struct ringbus_topic *topic = scene->topics[lot % TOPICS];
        uint64_t words[WORDS];

        fill(words, lot);
        if (lot / 8 % 8 < 5)
            post_cargo(scene, topic, lot);
        else if (lot / 8 % 8 == 5)
            (void)!ringbus_topic_try_post(topic, words, sizeof words, NULL);
        else if (lot / 8 % 8 == 6)
            claim(topic, lot / 64);
        else if (lot / 64 % 4 == 0)
            move(scene, lot / 256);
        else
            exchange(scene, lot / 256, NULL);
    }
}

/* ---- scenes ---- */

static void
add_consumer(
    struct scene *scene, int index, struct ringbus_group *group, uint32_t thread_safe, int after)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = group;
    options.thread_safe = thread_safe;
    options.after = after >= 0 ? &scene->consumers[after] : NULL;
    options.after_count = after >= 0;
    options.batch_end = index % 2 ? end_batch : NULL;
    MUST(ringbus_consumer_open(scene->bus, handle, scene, &options, &scene->consumers[index]) ==
             RINGBUS_OK,
        "consumer_open");
    MUST(ringbus_register_consumer(scene->bus, scene->consumers[index],
             ringbus_topic_name(scene->topics[index % TOPICS])) == RINGBUS_OK,
        "register");
}

static void
scene_open(struct scene *scene, uint64_t round)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL, *caller = NULL;

    memset(scene, 0, sizeof *scene);
    store_u64(&scene->random, round, ORDER_COUNT);
    scene->bus = bus_open_small(2, NULL);
    for (int i = 0; i < TOPICS; i++) {
        const char name[] = {(char)('a' + i), '\0'};

        MUST(ringbus_topic_open(scene->bus, name, &scene->topics[i]) == RINGBUS_OK, "topic_open");
    }
    options.lanes = 3;
    options.capacity = 4;
    MUST(ringbus_group_open(scene->bus, &options, &group) == RINGBUS_OK, "group_open");
    scene->polled = group_open(scene->bus, RINGBUS_GROUP_POLLED, 4);
    caller = group_open(scene->bus, RINGBUS_GROUP_CALLER, 4);
    add_consumer(scene, 0, NULL, 0, -1);
    add_consumer(scene, 1, group, 1, -1);
    add_consumer(scene, 2, group, 0, 1);
    add_consumer(scene, 3, group, 1, 2);
    add_consumer(scene, 4, scene->polled, 0, -1);
    add_consumer(scene, 5, caller, 1, -1);
    add_consumer(scene, 6, caller, 0, 5);
    add_consumer(scene, 7, NULL, 0, 0);
}

static int
shut_down(void *context)
{
    const struct scene *scene = context;
    const bool drains = load_u64(&scene->posted, ORDER_COUNT) % 2;

    return ringbus_shutdown(scene->bus, drains ? RINGBUS_DRAIN : RINGBUS_DISCARD, RINGBUS_FOREVER);
}

static void
shut_down_by_thread(void *context)
{
    struct scene *scene = context;

    MUST(shut_down(scene) == RINGBUS_OK, "shutdown");
    store_u32(&scene->has_ended, 1, TEST_RELEASE);
}

static void
play(struct scene *scene, uint64_t round)
{
    struct poster posters[POSTERS];
    struct worker ender;
    int outcome = 0;

    scene_open(scene, round);
    for (int i = 0; i < POSTERS; i++) {
        posters[i].scene = scene;
        posters[i].random = round * POSTERS + (uint64_t)i + 1;
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
    for (int i = 0; i < POSTERS * 200; i++)
        ringbus_group_poll(scene->polled, 1 + (uint32_t)i % 4);
    if (round % 3 > 0) /* in the midst of it */
        worker_start(&ender, shut_down_by_thread, scene);
    while ((outcome = ringbus_group_poll(scene->polled, 4)) >= 0 && round % 3 > 0)
        ;
    for (int i = 0; i < POSTERS; i++)
        worker_join(&posters[i].worker, "a poster");
    if (round % 3 == 0)
        worker_start(&ender, shut_down_by_thread, scene);
    while (outcome != RINGBUS_ESHUTDOWN)
        outcome = ringbus_group_poll(scene->polled, 4);
    worker_join(&ender, "the shutdown");
    for (uint64_t i = 0; i < SHELF; i++)
        exchange(scene, i, NULL);
    MUST(load_u64(&scene->posted, ORDER_COUNT) == load_u64(&scene->released, ORDER_COUNT),
        "%d payloads were released, not %d", (int)load_u64(&scene->released, ORDER_COUNT),
        (int)load_u64(&scene->posted, ORDER_COUNT));
    for (int i = 0; i < TOPICS; i++)
        ringbus_topic_close(scene->topics[i]);
    bus_close(scene->bus);
}

START_TEST(each_payload_is_released_once_after_all_who_have_it)
{
    static struct scene scene;

    for (uint64_t round = 0; round < ROUNDS; round++)
        play(&scene, round);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_reference", each_payload_is_released_once_after_all_who_have_it);
}
