/* channels.h - the channels whose messages go to the journal: topics on which its consumers are registered. A server
 * that lives long sees channels without number, so those that are idle are left again. */
#ifndef PUBSUB_JOURNAL_CHANNELS_H
#define PUBSUB_JOURNAL_CHANNELS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "ringbus/ringbus.h"

/* More than so many are kept only while all of them have events under way. */
#define CHANNELS_KEPT 1024
#define CHANNELS_CONSUMERS 2

struct channel {
    struct ringbus_topic *topic;
    atomic_uint under_way; /* events posted and not settled: it is not left before */
    bool is_recent;        /* used since the hand last passed */
    struct channel *next;  /* of the same bucket */
    struct channel *after; /* in the circle of all */
};

struct channels {
    struct ringbus_bus *bus;
    struct ringbus_consumer *consumers[CHANNELS_CONSUMERS]; /* registered in this order */
    struct channel *buckets[CHANNELS_KEPT];
    struct channel *hand; /* the one before the next that may be left; NULL: there are none */
    size_t count;
};

/* All zero but for `bus` and `consumers`: empty. The caller sees to it that one thread at a time is in these calls. */

/* The channel of this name, with the consumers registered on it.
 *
 * return  RINGBUS_OK or what the bus refused with */
int channels_find(struct channels *channels, const char *name, struct channel **ret_channel);

/* Leave all of them; nothing MUST be under way. */
void channels_free(struct channels *channels);

#endif
