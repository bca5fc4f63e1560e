/* output.h - how much may wait for a client that does not read: never more than --output-limit; over
 * --output-limit-soft a subscriber may be for --output-limit-seconds, and no longer.
 * Thread: the connection's.
 * Source: Redis, client-output-buffer-limit pubsub 32mb 8mb 60. */
#ifndef PUBSUB_LIMITS_OUTPUT_H
#define PUBSUB_LIMITS_OUTPUT_H

#include "due.h"

#include "../connection.h"

/* Whether `size` more bytes keep within the hard limit. */
bool output_has_room(const struct connection *connection, size_t size);

/* Whether he sends commands faster than he reads the replies: more than half the hard limit waits. */
bool output_is_flooded(const struct connection *connection);

/* What waits has changed: the clock of the soft limit begins, or ends. */
void output_note(struct connection *connection);

/* A clock of the soft limit has run down. */
void output_on_due(struct due *due);

#endif
