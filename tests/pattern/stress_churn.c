/* stress_churn.c - posts by name, by handle and back from handlers, while patterns come and go, topics are kept and
 * leave: what a post counted is delivered, once, to the consumer whose pattern stays. */
#include <stdio.h>

#include "support/probe.h"

enum { POSTERS = 2, NAMES = 40, RINGS = 2 };

struct poster {
    struct worker worker;
    struct ringbus_bus *bus;
    uint64_t random;
    struct ringbus_topic *handle; /* NULL: by name */
    uint64_t posts;
};

static struct atomic_u64 calls[RINGS], echoes, others;
static struct atomic_u32 is_over;

/* Every fourth event comes back once, to a topic that perhaps nobody holds. */
static int
on_event(const struct ringbus_event *event, void *context)
{
    const uint64_t number = number_of(event);

    MUST(event->topic[0] == 's', "%s", event->topic);
    add_u64(context, 1, ORDER_COUNT);
    if (context == &calls[0] && number % 4 == 0) {
        const uint64_t echo = 1;
        const int outcome = ringbus_topic_try_post(event->handle, &echo, sizeof echo, NULL);

        MUST(outcome >= RINGS || outcome == RINGBUS_EAGAIN, "an echo: %d", outcome);
        if (outcome > 0)
            add_u64(&echoes, 1, ORDER_COUNT);
    }
    return 0;
}

static int
on_other(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    add_u64(&others, 1, ORDER_COUNT);
    return 0;
}

static void
post_all(void *context)
{
    struct poster *poster = context;
    const uint64_t count = scaled(60000);

    for (uint64_t i = 0; i < count; i++) {
        char name[24];
        const uint64_t number = next_random(&poster->random);
        int outcome = 0;

        snprintf(name, sizeof name, "%s.%llu", number % 8 != 0 ? "s" : "dead",
            (unsigned long long)(number >> 8) % NAMES);
        if (poster->handle != NULL && number % 3 == 0)
            outcome = ringbus_topic_post(poster->handle, &number, sizeof number, NULL);
        else
            outcome = post_number(poster->bus, name, number);
        if (outcome == 0 && name[0] == 'd')
            continue;
        MUST(outcome >= RINGS || (outcome == 1 && name[0] == 'd'), "%s: %d", name, outcome);
        poster->posts += outcome >= RINGS;
    }
}

static void
come_and_go(void *context)
{
    struct poster *poster = context;
    struct ringbus_consumer *consumer = NULL;

    while (!load_u32(&is_over, TEST_ACQUIRE)) {
        char name[24];
        struct ringbus_topic *topic = NULL;

        MUST(ringbus_consumer_open(poster->bus, on_other, NULL, NULL, &consumer) == RINGBUS_OK,
            "consumer_open");
        snprintf(
            name, sizeof name, "s.%llu", (unsigned long long)next_random(&poster->random) % NAMES);
        MUST(ringbus_register_pattern(poster->bus, consumer, "s.*") == RINGBUS_OK, "a pattern");
        MUST(ringbus_register_consumer(poster->bus, consumer, name) == RINGBUS_OK, "a name");
        MUST(ringbus_topic_open(poster->bus, name, &topic) == RINGBUS_OK, "a topic");
        MUST(ringbus_topic_consumers(topic) >= RINGS + 1, "too few consumers");
        dawdle(&poster->random, 2000);
        MUST(ringbus_unregister_pattern(poster->bus, consumer, "s.*") == RINGBUS_OK, "no pattern");
        ringbus_topic_close(topic);
        MUST(ringbus_consumer_close(consumer, RINGBUS_DISCARD) == RINGBUS_OK, "close");
    }
}

static struct ringbus_bus *
open_rings(struct faulty_allocator *faulty)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_consumer_options consumer = ringbus_consumer_options_default();
    struct ringbus_consumer *opened = NULL;
    struct ringbus_bus *bus = NULL;

    faulty_allocator_init(faulty, 0, 0);
    options.allocator = &faulty->allocator;
    options.max_cached_topics = 4;
    bus = bus_open(&options);
    group.capacity = 64;
    for (int i = 0; i < RINGS; i++) {
        consumer.group = NULL;
        if (i > 0)
            MUST(ringbus_group_open(bus, &group, &consumer.group) == RINGBUS_OK, "group_open");
        MUST(ringbus_consumer_open(bus, on_event, &calls[i], &consumer, &opened) == RINGBUS_OK,
            "consumer_open");
        MUST(ringbus_register_pattern(bus, opened, "s.>") == RINGBUS_OK, "a pattern");
    }
    return bus;
}

START_TEST(what_posts_counted_is_delivered_while_patterns_come_and_go)
{
    struct poster posters[POSTERS] = {{.random = 3}, {.random = 5}}, guest = {.random = 7};
    struct faulty_allocator faulty;
    struct ringbus_bus *bus = open_rings(&faulty);
    uint64_t posts = 0;

    guest.bus = posters[0].bus = posters[1].bus = bus;
    ck_assert_int_eq(ringbus_topic_open(bus, "s.0", &posters[0].handle), RINGBUS_OK);
    worker_start(&guest.worker, come_and_go, &guest);
    for (int i = 0; i < POSTERS; i++)
        worker_start(&posters[i].worker, post_all, &posters[i]);
    for (int i = 0; i < POSTERS; i++) {
        worker_join(&posters[i].worker, "a poster");
        posts += posters[i].posts;
    }
    store_u32(&is_over, 1, TEST_RELEASE);
    worker_join(&guest.worker, "the guest");
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    for (int i = 0; i < RINGS; i++)
        ck_assert_uint_eq(load_u64(&calls[i], ORDER_COUNT), posts + load_u64(&echoes, ORDER_COUNT));
    ck_assert_uint_gt(load_u64(&echoes, ORDER_COUNT), 0);
    ringbus_topic_close(posters[0].handle);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("churn", what_posts_counted_is_delivered_while_patterns_come_and_go);
}
