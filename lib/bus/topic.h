/* topic.h - topics: the table of names, and what a post needs to know of one.
 *
 * I1  route has the bit of every group in which a registration of this topic is open
 * I2  references counts handles, registrations, replays, the retained value, nested posts that wait and posts by name
 *     under way, but for those that hold the topic instead (post/lookup.h); at 0 the topic is retired: posts by name do
 *     not find it, and it leaves the table, and memory, when nobody holds it, and then every ring has passed what was
 *     claimed by then (retired_at). Who acquires it before that has the same topic, as has the handler of an old event
 * I3  the count falls to 0 only under the table's lock, so that a look-up and the last release cannot miss each other
 * I4  a topic enters the table under the bus lock, and while nobody holds both locks each topic in it, retired or not,
 *     has the registrations of all patterns that match it. They hold no reference: they end when the topic is freed,
 *     under both locks. Before that it is closed: its route is emptied, and then rings must pass what was claimed by
 *     then. Who registers on it, or posts to it and finds the route empty, opens it again
 * I5  a walk that holds no lock stands at a topic in the table: whoever frees that one moves it on
 * Edges: TABLE. */
#ifndef RINGBUS_BUS_TOPIC_H
#define RINGBUS_BUS_TOPIC_H

#include <string.h>

#include "bus/bus.h"

struct cell;

struct topic_part {
    struct atomic_ptr set; /* struct match_set of this topic in this group, NULL: nobody */
    int64_t retired_at;
    struct cell *cell; /* in a conflate group; its cell lock */
};

struct ringbus_topic {
    /* read by every post, written by registrations */
    struct atomic_u64 route;
    struct atomic_u32 consumers;
    struct atomic_u32 is_retained; /* posts take the claim lock, and store their value (retain.h) */
    enum magic magic;
    struct atomic_u32 closings; /* odd: it is closed (I4); bus lock */
    struct ringbus_bus *bus;
    const char *name;
    size_t name_length;
    struct atomic_ptr *place;  /* where posts by name look for it (post/lookup.h) */
    struct atomic_u64 *passed; /* figure, for each group: events it has begun with */
    uint64_t number;           /* among the bus's topics, for dumps */

    /* written by posts to several groups, and by posts by name */
    _Alignas(CPU_LINE) struct lock claim_lock;
    struct atomic_u32 references;
    struct atomic_u64 dead;    /* figure: posts that matched nobody */
    struct retained *retained; /* NULL: no value is kept */
    struct atomic_u64 stored;  /* figure */

    struct topic_node *node; /* of the table */
    uint64_t ever_routed; /* groups whose rings may name it; bus lock, then of whoever retires it */
    struct ringbus_topic *next_retired;
    struct ringbus_topic *next_cached;
    bool is_retired; /* it is on that list; the table's lock */
    bool is_cached;  /* it is on that list; bus lock */
    bool is_named;   /* posts by name may hold it (post/lookup.h); the table's lock */
    bool is_matched; /* patterns have registered on it; both locks, looked at under the table's */
    size_t size;     /* of this allocation */
    /* read by every delivery */
    _Alignas(CPU_LINE) struct topic_part parts[];
};

/* It is a topic that somebody holds, or that is still in the table; so is nothing. */
static inline bool
topic_is_live(const struct ringbus_topic *topic)
{
    return topic == NULL || topic->magic == MAGIC_TOPIC;
}

/* The length of a name; 0: it is too long, or none. */
static inline size_t
topic_length(const struct ringbus_bus *bus, const char *name)
{
    const size_t length = name ? strnlen(name, (size_t)bus->options.max_topic_length + 1) : 0;

    return length <= bus->options.max_topic_length ? length : 0;
}

/* It may cease to be, or begin, until the claim lock is held, or a claim is made; in a post to caller groups at any
 * time. */
static inline bool
topic_is_retained(const struct ringbus_topic *topic)
{
    return unlikely(load_u32(&topic->is_retained, ORDER_HINT));
}

/* Under the bus lock: find or make a topic and count a reference. RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM,
 * RINGBUS_ENOSPC. */
int ringbus__topic_acquire(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* Find a topic and count a reference. RINGBUS_OK (NULL if nobody knows it), RINGBUS_EINVAL. */
int ringbus__topic_find(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* The same for a post, which has not found it in its place: from here on posts find it there. */
struct ringbus_topic *ringbus__topic_find_place(
    struct ringbus_bus *bus, const char *name, size_t length);

/* One reference more, of a topic the caller holds or reads from a ring entry. */
void ringbus__topic_keep(struct ringbus_topic *topic);

void ringbus__topic_release(struct ringbus_topic *topic);

/* A post has found the route empty. True: look again. Takes the bus lock if the topic is closed, to open it. */
bool ringbus__topic_is_back(struct ringbus_topic *topic);

/* Under the bus lock: if it is closed, have its registrations in the route again. */
void ringbus__topic_reopen(struct ringbus_topic *topic);

static inline bool
topic_is_closed(uint32_t closings)
{
    return closings % 2 != 0;
}

/* Under both locks: call `visit` for every topic in the table, retired or not. */
void ringbus__topic_walk(struct ringbus_bus *bus,
    void (*visit)(struct ringbus_topic *topic, void *context), void *context);

/* Call `visit` for every topic that is referenced, with the table's lock held, for so few at a time that a post by name
 * waits for microseconds. False from `visit`: it cannot take this one now; it gets it again after `between`, which is
 * called with no lock held, and ends the walk by returning false. Topics that come meanwhile may be left out. */
void ringbus__topic_each(struct ringbus_bus *bus,
    bool (*visit)(struct ringbus_topic *topic, void *context), bool (*between)(void *context),
    void *context);

/* Free all topics, at the end of the bus. */
void ringbus__topic_fini(struct ringbus_bus *bus);

/* In a delivery, which keeps it from being freed: who gets the topic's events in this group. NULL: nobody. */
ATOMIC_INLINE const struct match_set *
topic_set(const struct ringbus_topic *topic, uint32_t group)
{
    /* TABLE acquire: the set is complete. */
    return load_ptr(&topic->parts[group].set, ORDER_TABLE_ACQUIRE);
}

#endif
