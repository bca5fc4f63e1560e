/* stress_beside.c - visits and dumps beside everything: posts, topics that come and go while rings hold their events,
 * consumers and groups that open and close. What is released is overwritten: whoever still looks at it is found out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/probe.h"

enum { POSTERS = 3, ROUNDS = 30000, BURST = 8, CAPACITY = 4096, NAMES = 1000 };

struct scene {
    struct ringbus_bus *bus;
    struct atomic_u32 has_ended;
};

struct actor {
    struct scene *scene;
    struct worker worker;
    uint64_t random;
    uint32_t number;
};

static int
handle(const struct ringbus_event *event, void *context)
{
    uint64_t random = 5;

    MUST(event->topic[0] == 't', "an event of a topic that is gone");
    if (context != NULL)
        dawdle(&random, 8000);
    return event->size % 7 == 3 ? -1 : 0;
}

/* A topic for some posts only: its memory is free as soon as the lanes have passed them. */
static void
burst(struct actor *actor, struct ringbus_consumer *consumer)
{
    struct ringbus_bus *bus = actor->scene->bus;
    char name[32];

    snprintf(name, sizeof name, "t%u.%u", (unsigned)actor->number,
        (unsigned)(next_random(&actor->random) % NAMES));
    MUST(ringbus_register_consumer(bus, consumer, name) == RINGBUS_OK, "no registration");
    for (uint64_t i = 1 + next_random(&actor->random) % BURST; i > 0; i--)
        MUST(ringbus_post(bus, name, name, i % 16) >= 0, "no post");
    MUST(ringbus_unregister_consumer(bus, consumer, NULL) == RINGBUS_OK, "no end");
    MUST(ringbus_post(bus, "t.slow", NULL, 0) == 1, "no slow post");
}

static void
act(void *context)
{
    struct actor *actor = context;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    for (uint64_t i = scaled(ROUNDS); i > 0; i--) {
        if (consumer == NULL) {
            options.thread_safe = next_random(&actor->random) % 2;
            MUST(ringbus_consumer_open(actor->scene->bus, handle, NULL, &options, &consumer) ==
                     RINGBUS_OK,
                "no consumer");
        }
        burst(actor, consumer);
        if (i % 300 == 1) {
            MUST(ringbus_consumer_close(consumer, i % 200 == 1 ? RINGBUS_DRAIN : RINGBUS_DISCARD) ==
                     RINGBUS_OK,
                "no close");
            consumer = NULL;
        }
    }
}

static int
check(const struct ringbus_figure *figure, void *context)
{
    (void)context;
    MUST(figure->value >= -1, "%s of %s is %lld", figure->figure, figure->name,
        (long long)figure->value);
    return 0;
}

static void
look(void *context)
{
    struct scene *scene = context;
    FILE *stream = fopen("/dev/null", "w");

    MUST(stream != NULL, "no stream");
    for (int format = RINGBUS_TEXT; !load_u32(&scene->has_ended, TEST_ACQUIRE);
         format = format < RINGBUS_DOT ? format + 1 : RINGBUS_TEXT) {
        MUST(ringbus_visit(scene->bus, check, NULL) == RINGBUS_OK, "no visit");
        MUST(
            ringbus_dump(scene->bus, (enum ringbus_format)format, stream) == RINGBUS_OK, "no dump");
    }
    fclose(stream);
}

static void
play(uint32_t lanes)
{
    static struct scene scene;
    static struct actor actors[POSTERS];
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct faulty_allocator memory;
    struct ringbus_consumer *slow = NULL;
    struct worker visitor;

    faulty_allocator_init(&memory, 0, 0);
    options.allocator = &memory.allocator;
    options.default_group = &group;
    group.capacity = CAPACITY;
    group.lanes = lanes;
    scene = (struct scene){.bus = bus_open(&options)};
    MUST(ringbus_consumer_open(scene.bus, handle, &scene, NULL, &slow) == RINGBUS_OK &&
             ringbus_register_consumer(scene.bus, slow, "t.slow") == RINGBUS_OK,
        "no slow consumer");
    worker_start(&visitor, look, &scene);
    for (uint32_t i = 0; i < POSTERS; i++) {
        actors[i] = (struct actor){.scene = &scene, .number = i, .random = 7 + i};
        worker_start(&actors[i].worker, act, &actors[i]);
    }
    for (uint32_t i = 0; i < POSTERS; i++)
        worker_join(&actors[i].worker, "a poster");
    store_u32(&scene.has_ended, 1, TEST_RELEASE);
    worker_join(&visitor, "the visitor");
    bus_close(scene.bus);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, TEST_ACQUIRE), 0);
}

START_TEST(visits_look_at_nothing_that_is_gone)
{
    play(1);
    play(4);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("visits", visits_look_at_nothing_that_is_gone);
}
