/* lossy.h - payloads that are posted by reference into lossy groups. */
#ifndef TESTS_POST_LOSSY_H
#define TESTS_POST_LOSSY_H

#include "post/payload.h"

enum { LOSSY_PAYLOADS = 16, EVERY = 1000 };

/* What one test uses: payload i has the number i. */
struct lossy_scene {
    struct hooks hooks;
    struct ringbus_bus *bus;
    struct ringbus_topic *topic; /* "a" */
    struct probe probe;          /* of the lossy group, on "a" */
    struct payload payloads[LOSSY_PAYLOADS];
};

static const uint32_t policies[] = {
    RINGBUS_DROP_NEWEST, RINGBUS_DROP_OLDEST, RINGBUS_CONFLATE, RINGBUS_LOSSLESS};

#define EACH_POLICY(policy)                                                                        \
    const uint32_t *policy = policies;                                                             \
    *policy != RINGBUS_LOSSLESS;                                                                   \
    policy++

static inline struct ringbus_group *
lossy_open(struct ringbus_bus *bus, uint32_t overflow, uint32_t kind, uint32_t capacity)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.name = "lossy";
    options.kind = kind;
    options.capacity = capacity;
    options.slot_size = 16;
    options.overflow = overflow;
    MUST(ringbus_group_open(bus, &options, &group) == RINGBUS_OK, "group_open");
    return group;
}

/* A bus whose default group is a caller group, and a lossy group of that kind; its probe is set up already, or zero. */
static inline void
lossy_begin(struct lossy_scene *scene, uint32_t overflow, uint32_t kind, uint32_t capacity)
{
    struct ringbus_options options;
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(scene->payloads, 0, sizeof scene->payloads);
    memset(&scene->hooks, 0, sizeof scene->hooks);
    for (uint64_t i = 0; i < LOSSY_PAYLOADS; i++)
        scene->payloads[i].number = i;
    group.kind = RINGBUS_GROUP_CALLER;
    options = options_with(&scene->hooks);
    options.default_group = &group;
    scene->bus = bus_open(&options);
    scene->topic = topic_open(scene->bus, "a");
    scene->probe.name = "loser";
    payload_probe(scene->bus, &scene->probe, lossy_open(scene->bus, overflow, kind, capacity), "a");
}

static inline void
lossy_post(struct lossy_scene *scene, int first, int last, int matched)
{
    for (int i = first; i <= last; i++)
        ck_assert_int_eq(payload_post(scene->topic, &scene->payloads[i]), matched);
}

static inline void
lossy_post_copy(struct lossy_scene *scene, uint64_t number)
{
    ck_assert_int_ge(ringbus_topic_post(scene->topic, &number, sizeof number, NULL), 1);
}

/* Of the payloads `first` to `last` each was released so often. */
static inline void
check_released(const struct lossy_scene *scene, int first, int last, uint32_t times)
{
    for (int i = first; i <= last; i++)
        ck_assert_msg(payload_released(&scene->payloads[i]) == times,
            "payload %d was released %u times", i, payload_released(&scene->payloads[i]));
}

static inline int
lossy_poll(const struct lossy_scene *scene)
{
    return ringbus_group_poll(scene->probe.group, EVERY);
}

static inline int64_t
lossy_dropped(const struct lossy_scene *scene)
{
    return figure_of(scene->bus, "group", "lossy", "dropped");
}

/* Polled groups first. */
static inline void
lossy_end(struct lossy_scene *scene, struct ringbus_group *polled)
{
    ringbus_topic_close(scene->topic);
    if (polled != NULL)
        end_polled(scene->bus, polled);
    else
        bus_close(scene->bus);
    memset(scene, 0, sizeof *scene);
}

#endif
