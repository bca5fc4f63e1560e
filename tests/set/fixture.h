/* fixture.h - a set of rings, for its tests. */
#ifndef TESTS_SET_FIXTURE_H
#define TESTS_SET_FIXTURE_H

#include "ring/fixture.h"
#include "ring/set.h"

enum { MOST = RINGBUS_SET_MAX_MEMBERS };

/* A set, and rings with a reader each, which are its members; each has its index for a context. */
struct scene {
    struct ringbus_set *set;
    struct ringbus_ring *rings[MOST];
    struct ringbus_reader *readers[MOST];
    int index[MOST];
    int count;
    struct ringbus_ready ready[MOST];
};

static inline struct ringbus_set *
open_set(uint32_t max_members, uint32_t wait)
{
    struct ringbus_set_options options = ringbus_set_options_default();
    struct ringbus_set *set = NULL;

    options.max_members = max_members;
    options.wait = wait;
    MUST(ringbus_set_open(&options, &set) == RINGBUS_OK, "no set");
    return set;
}

static inline void
begin(struct scene *scene, int count, uint32_t wait)
{
    *scene = (struct scene){.set = open_set((uint32_t)count, wait), .count = count};
    for (int i = 0; i < count; i++) {
        scene->index[i] = i;
        scene->rings[i] = open_ring(4);
        scene->readers[i] = open_reader(scene->rings[i]);
        ck_assert_int_eq(
            ringbus_set_add(scene->set, scene->readers[i], &scene->index[i]), RINGBUS_OK);
    }
    os_watch_begin(0);
}

static inline void
end(struct scene *scene)
{
    os_watch_end();
    ringbus_set_close(scene->set);
    for (int i = 0; i < scene->count; i++)
        ringbus_ring_close(scene->rings[i]);
}

static inline int
look(struct scene *scene)
{
    return ringbus_set_wait_until(scene->set, MOST, 0, scene->ready);
}

/* Wait in vain: then every member is armed. */
static inline void
fall_asleep(struct scene *scene)
{
    ck_assert_int_eq(ringbus_set_wait_until(scene->set, MOST, ringbus_now_ns() + 1, scene->ready),
        RINGBUS_ETIMEDOUT);
    for (int outcome = RINGBUS_OK; scene->set->warm != 0;) {
        outcome =
            ringbus_set_wait_until(scene->set, MOST, ringbus_now_ns() + MILLISECOND, scene->ready);
        ck_assert_int_eq(outcome, RINGBUS_ETIMEDOUT);
    }
}

/* Exactly one member was returned, and it is this one. */
static inline void
check_one(const struct scene *scene, int count, int index)
{
    ck_assert_int_eq(count, 1);
    ck_assert_ptr_eq(scene->ready[0].reader, scene->readers[index]);
    ck_assert_ptr_eq(scene->ready[0].context, &scene->index[index]);
}

static inline void
read_all(struct ringbus_reader *reader)
{
    struct ringbus_run run;

    while (ringbus_reader_poll(reader, UINT32_MAX, &run) == RINGBUS_OK)
        ringbus_reader_commit(reader, run.first + run.count - 1);
}

#endif
