/* writing.h - the bytes of a connection's outbox go to its socket. */
#ifndef PUBSUB_SOCKET_WRITING_H
#define PUBSUB_SOCKET_WRITING_H

struct connection;

/* Write what is ready and what is shared, and leave nothing shared. What the socket does not take at once libuv writes
 * as it can; before that is done this MUST not be called again. A connection that is finished with it, or broken, is
 * closed. */
void writing_begin(struct connection *connection);

#endif
