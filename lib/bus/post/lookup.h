/* lookup.h - topics that posts by name have found, in places where the next such post finds them without a lock.
 *
 * A place is that of all names with the same quick hash; it names one topic of theirs, or nothing. Who does not find
 * its topic here asks the table (topic.c), which then puts the topic in its place. So names that a stranger made to
 * collide here cost that much, and no more: the table has a hash that they cannot be made for.
 * I1  a topic in its place is in the table and referenced: it is put there under the table's lock, and taken out under
 *     it when its last reference goes
 * I2  a post that finds a topic here holds it (record.h I5), looks at the place again, and at the topic only if that
 *     still names it. It lets it go when it is over, and holds one at a time: a post by name within it counts a
 *     reference, as one by a thread whose record is on no list
 * I3  a topic that was in its place (is_named) is freed when it is no longer there, then nobody holds it, and then
 *     rings have passed what those who held it had claimed
 * Edges: TABLE, EPOCH. */
#ifndef RINGBUS_BUS_POST_LOOKUP_H
#define RINGBUS_BUS_POST_LOOKUP_H

#include "base/record.h"
#include "bus/topic.h"

static inline struct atomic_ptr *
lookup_place(struct ringbus_bus *bus, const char *name, size_t length)
{
    return &bus->lookup[hash_quickly(&bus->hash_key, name, length) >> (64 - BUS_LOOKUP_BITS)];
}

/* Under the table's lock: put there a topic that is referenced. */
static inline void
lookup_enter(struct ringbus_topic *topic)
{
    topic->is_named = true;
    if (load_ptr(topic->place, ORDER_OWN) != topic) /* who posts by name has the line */
        /* TABLE release: it is complete. */
        store_ptr(topic->place, topic, ORDER_TABLE_RELEASE);
}

/* Under the table's lock: a topic that no longer is leaves, if it is there. */
static inline void
lookup_leave(struct ringbus_topic *topic)
{
    if (load_ptr(topic->place, ORDER_OWN) == topic)
        /* HINT: a barrier comes before the look at who holds it. */
        store_ptr(topic->place, NULL, ORDER_HINT);
}

static inline bool
lookup_is_named(const struct ringbus_topic *topic, const char *name, size_t length)
{
    return topic->name_length == length && memcmp(topic->name, name, length) == 0;
}

/* The topic of that name, held by `record`, the calling thread's; NULL: it is not here, or this thread cannot hold
 * it. */
static inline struct ringbus_topic *
lookup_hold(struct record *record, struct ringbus_bus *bus, const char *name, size_t length)
{
    struct atomic_ptr *place = lookup_place(bus, name, length);
    /* HINT: looked at again when it is held. */
    struct ringbus_topic *topic = load_ptr(place, ORDER_HINT);

    if (unlikely(topic == NULL) || unlikely(!record_can_hold(record)))
        return NULL;
    record_hold(record, topic);
    /* TABLE acquire: the topic is complete, also if it is another one in the same memory. */
    if (likely(load_ptr(place, ORDER_TABLE_ACQUIRE) == topic) &&
        likely(lookup_is_named(topic, name, length)))
        return topic;
    record_let_go(record);
    return NULL;
}

#endif
