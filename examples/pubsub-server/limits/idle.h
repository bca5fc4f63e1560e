/* idle.h - clients that neither say nor read anything for --timeout seconds are closed, subscribers never.
 * Thread: the connection's.
 * Source: Redis, timeout. */
#ifndef PUBSUB_LIMITS_IDLE_H
#define PUBSUB_LIMITS_IDLE_H

#include "due.h"

#include "../connection.h"

/* The client is there, or has said something just now. */
void idle_note(struct connection *connection);

/* Whether the client has read something since the last look, or the last idle_note. */
bool idle_has_read(struct connection *connection);

/* A client was idle for so long. */
void idle_on_due(struct due *due);

#endif
