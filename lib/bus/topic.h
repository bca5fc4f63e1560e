/* topic.h - topics: the table of names, and what a post needs to know of one.
 *
 * I1  route has the bit of every group in which a registration of this topic is open
 * I2  references counts handles, registrations, posts by name under way and nested posts that wait; at 0 the topic is
 *     retired: posts by name do not find it, and it leaves the table, and memory, when every ring has passed what was
 *     claimed by then (retired_at). Who acquires it before that has the same topic, as has the handler of an old event
 * I3  the count falls to 0 only under the table's lock, so that a look-up and the last release cannot miss each other
 * I4  a walk that holds no lock stands at a topic in the table: whoever frees that one moves it on
 * Edges: TABLE. */
#ifndef RINGBUS_BUS_TOPIC_H
#define RINGBUS_BUS_TOPIC_H

#include "bus/bus.h"

struct topic_part {
    struct atomic_ptr set; /* struct match_set of this topic in this group, NULL: nobody */
    int64_t retired_at;
};

struct ringbus_topic {
    /* read by every post, written by registrations */
    struct atomic_u64 route;
    struct atomic_u32 consumers;
    enum magic magic;
    struct ringbus_bus *bus;
    const char *name;
    size_t name_length;
    struct atomic_u64 *passed; /* figure, for each group: events it has begun with */
    uint64_t number;           /* among the bus's topics, for dumps */

    /* written by posts to several groups, and by posts by name */
    _Alignas(CPU_LINE) struct lock claim_lock;
    struct atomic_u32 references;
    struct atomic_u64 dead; /* figure: posts that matched nobody */

    struct topic_node *node; /* of the table */
    uint64_t ever_routed; /* groups whose rings may name it; bus lock, then of whoever retires it */
    struct ringbus_topic *next_retired;
    bool is_retired; /* it is on that list; the table's lock */
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

/* Find or make a topic and count a reference. RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ENOSPC. */
int ringbus__topic_acquire(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* Find a topic and count a reference. RINGBUS_OK (NULL if nobody knows it), RINGBUS_EINVAL. */
int ringbus__topic_find(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* One reference more, of a topic the caller holds or reads from a ring entry. */
void ringbus__topic_keep(struct ringbus_topic *topic);

void ringbus__topic_release(struct ringbus_topic *topic);

/* Call `visit` for every topic that is referenced, with the table's lock held, for so few at a time that a post by name
 * waits for microseconds. False from `visit`: it cannot take this one now; it gets it again after `between`, which is
 * called with no lock held, and ends the walk by returning false. Topics that come meanwhile may be left out. */
void ringbus__topic_each(struct ringbus_bus *bus,
    bool (*visit)(struct ringbus_topic *topic, void *context), bool (*between)(void *context),
    void *context);

/* Free all topics, at the end of the bus. */
void ringbus__topic_fini(struct ringbus_bus *bus);

#endif
