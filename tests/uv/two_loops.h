/* two_loops.h - two loops of one bus, both turned by the test's own thread: `place` asks to be told when it may write,
 * `other` is one that may refuse. Each has a group of eight slots and handles one event a turn. */
#ifndef TESTS_UV_TWO_LOOPS_H
#define TESTS_UV_TWO_LOOPS_H

#include "uv/inbox.h"

enum { CAPACITY = 8, HALF = CAPACITY / 2 };

struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place, other;
    struct ringbus_group *group, *other_group;
    struct inbox inbox, other_inbox;
    struct calls calls;
};

static inline void
scene_open(struct scene *scene)
{
    scene->bus = open_bus(&scene->memory);
    place_open(&scene->place);
    place_open(&scene->other);
    inbox_open(&scene->inbox);
    inbox_open(&scene->other_inbox);
    scene->group = attach(scene->bus, &scene->place, CAPACITY, 1);
    scene->other_group = attach(scene->bus, &scene->other, CAPACITY, 1);
    consume(scene->bus, scene->group, receive, &scene->inbox, "own");
    consume(scene->bus, scene->other_group, receive, &scene->other_inbox, "other");
    scene->calls = (struct calls){pthread_self(), 0};
    settle(&scene->place);
    settle(&scene->other);
}

static inline void
scene_close(struct scene *scene)
{
    detach(&scene->other, scene->other_group, RINGBUS_DRAIN);
    place_close(&scene->other);
    detach_and_close(scene->bus, &scene->memory, &scene->place, scene->group);
}

static inline void
fill(struct scene *scene, const char *topic)
{
    post_numbers(scene->bus, topic, CAPACITY);
    MUST(post_number(scene->bus, topic, 0) == RINGBUS_EAGAIN, "the ring is not full");
}

static inline void
ask(struct scene *scene, void (*callback)(void *context), void *context)
{
    MUST(ringbus_uv_on_writable(scene->bus, &scene->place.loop, callback, context) == RINGBUS_OK,
        "on_writable");
}

#endif
