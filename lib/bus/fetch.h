/* fetch.h - many topics: what the dispatch of the next events will look at is fetched for all of them together.
 *
 * A dispatch goes from the slot to the topic, its set, the registration, the consumer: each is found in the one before,
 * and with many topics none is in a cache. One event after the other, all of that is waited for.
 * I1  what is read is what the dispatch itself would: of an entry that is published, not abandoned, and not passed by
 *     this lane, in whose delivery it is read. So topics stay (topic.h I2), and sets and registrations (match.h I2)
 * Edges: TABLE.  Source: group prefetching (Chen, Ailamaki, Gibbons, Mowry 2004); measured in docs/decisions/0010. */
#ifndef RINGBUS_BUS_FETCH_H
#define RINGBUS_BUS_FETCH_H

#include "bus/group.h"

/* Of how many events at once; and with how many topics. */
enum { MOST_FETCHED = 32, FETCH_TOPICS = 2000 };

/* In a delivery, of a group whose bus has so many topics, or had: fetch for events behind `last`, up to `limit`. */
void ringbus__fetch(const struct ringbus_group *group, int64_t last, int64_t limit);

#endif
