/* notices.h - buses that note what on_stall is told, and their small groups. */
#ifndef TESTS_ROOM_NOTICES_H
#define TESTS_ROOM_NOTICES_H

#include <stdio.h>

#include "room/fixture.h"

enum { NOTICES = 16, TEXT = 128, RING = 4 };

/* ---- notices ---- */

struct notice {
    char group[TEXT], consumer[TEXT], where[TEXT], topic[TEXT];
    uint64_t lag;
    int64_t running_ns;
    uint32_t is_paused;
    pthread_t thread;
};

static struct notice notices[NOTICES];
static struct atomic_u32 told;
static void (*on_notice)(struct ringbus_bus *bus);

static inline void
note_stall(struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context)
{
    const uint32_t at = load_u32(&told, TEST_ACQUIRE);
    struct notice *notice = &notices[at];

    (void)context;
    MUST(at < NOTICES, "too many notices");
    snprintf(notice->group, TEXT, "%s", stall->group);
    snprintf(notice->consumer, TEXT, "%s", stall->consumer);
    snprintf(notice->where, TEXT, "%s", stall->where);
    snprintf(notice->topic, TEXT, "%s", stall->topic);
    notice->lag = stall->lag;
    notice->running_ns = stall->running_ns;
    notice->is_paused = stall->is_paused;
    notice->thread = pthread_self();
    add_u32(&told, 1, TEST_RELEASE);
    if (on_notice != NULL)
        on_notice(bus);
}

static inline uint32_t
told_count(void)
{
    return load_u32(&told, TEST_ACQUIRE);
}

static inline void
check_notice(uint32_t at, const char *consumer, const char *topic, uint64_t lag)
{
    ck_assert_uint_eq(told_count(), at + 1);
    ck_assert_str_eq(notices[at].group, "small");
    ck_assert_str_eq(notices[at].consumer, consumer);
    ck_assert_str_eq(notices[at].topic, topic);
    ck_assert_uint_eq(notices[at].lag, lag);
}

/* ---- scenes ---- */

static inline struct ringbus_bus *
open_bus(void)
{
    struct ringbus_options options = ringbus_options_default();

    store_u32(&told, 0, TEST_RELEASE);
    on_notice = NULL;
    options.on_stall = note_stall;
    return bus_open(&options);
}

static inline struct ringbus_group_options
small(uint32_t kind)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.name = "small";
    options.kind = kind;
    options.capacity = RING;
    return options;
}

static inline struct ringbus_group *
open_small(struct ringbus_bus *bus, const struct ringbus_group_options *options)
{
    struct ringbus_group *group = NULL;

    ck_assert_int_eq(ringbus_group_open(bus, options, &group), RINGBUS_OK);
    return group;
}

static inline struct ringbus_group *
open_kind(struct ringbus_bus *bus, uint32_t kind)
{
    const struct ringbus_group_options options = small(kind);

    return open_small(bus, &options);
}

static inline void
add(struct ringbus_bus *bus, struct ringbus_group *group, struct probe *probe, const char *name,
    const char *topic)
{
    probe->name = name;
    join(bus, probe, group, topic);
}

static inline int
post_one(void *context)
{
    return ringbus_post(context, "b", NULL, 0);
}

#endif
