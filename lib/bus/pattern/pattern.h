/* pattern.h - registrations by pattern: ordinary ones, made on every topic that a pattern matches.
 *
 * A pattern is looked at when it comes, for all topics in the table, and when a topic enters the table; a post knows
 * nothing of patterns. New topics: matching.h; posts to names that have none: cache.h.
 * I1  a pattern's consumer is open, and so is its group: when either begins to end, its patterns go
 * I2  a registration's pattern_count is the number of its consumer's patterns that match its topic
 * Source: subscriptions of NATS and Redis, matched once per topic instead of once per message. */
#ifndef RINGBUS_BUS_PATTERN_PATTERN_H
#define RINGBUS_BUS_PATTERN_PATTERN_H

#include "bus/match.h"

/* ---- under the bus lock ---- */

/* End all patterns of a consumer; its registrations stay. */
void ringbus__pattern_end_all(struct ringbus_consumer *consumer);

/* Some pattern, of this consumer or of anybody, matches the name. */
bool ringbus__pattern_is_wanted(const struct ringbus_consumer *consumer, const char *name);
bool ringbus__pattern_is_wanted_by_any(const struct ringbus_bus *bus, const char *name);

/* Call `visit` for each pattern of the bus that matches the name, until it returns false; whose pattern it is. */
void ringbus__pattern_each(const struct ringbus_bus *bus, const char *name,
    bool (*visit)(struct trie_leaf *leaf, void *context), void *context);
struct ringbus_consumer *ringbus__pattern_consumer(struct trie_leaf *leaf);

#endif
