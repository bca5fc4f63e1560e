/* cache.h - topics that nobody holds but posts by name, kept while there are patterns.
 *
 * A post to a name that has no topic makes one, so that the patterns are asked once and not for each post; also if none
 * of them matches. The cache has a counted reference of each such topic, and gives the oldest back when it is full, or
 * when the topic's place is needed; a topic that rings or posts still name stays until they have left it (topic.h).
 * I1  without patterns it is empty */
#ifndef RINGBUS_BUS_PATTERN_CACHE_H
#define RINGBUS_BUS_PATTERN_CACHE_H

#include "bus/bus.h"

/* For a post to a name that nobody has a topic of, if there are patterns: a topic, with a reference for the post. NULL:
 * nobody wants it. RINGBUS_OK, RINGBUS_EINVAL; RINGBUS_ENOMEM, RINGBUS_ENOSPC: somebody does, but there is no topic. */
int ringbus__cache_acquire(
    struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic);

/* Under the bus lock: take out the oldest, with its reference; NULL: the cache is empty. */
struct ringbus_topic *ringbus__cache_take(struct ringbus_bus *bus);

/* Under the bus lock: empty it. */
void ringbus__cache_clear(struct ringbus_bus *bus);

#endif
