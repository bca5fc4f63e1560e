/* subscription.h - a connection's subscriptions: each is a consumer on the bus, in the loop group of
 * the connection's worker, registered on the channel's name. Thread: the worker's. */
#ifndef PUBSUB_SUBSCRIPTION_H
#define PUBSUB_SUBSCRIPTION_H

#include <stddef.h>

#include "resp.h"

struct connection;

/* A topic is a C string of up to 255 bytes, a channel any bytes. */
#define CHANNEL_SIZE_MAX 255

/* Copy a channel's name into a C string, with room for CHANNEL_SIZE_MAX + 1 bytes.
 *
 * return  0, or -1 if it cannot be a topic: empty, too long, or with a NUL */
int channel_name(const struct resp_argument *channel, char *ret_name);

/* Subscribe. Already subscribed is success.
 *
 * return  RINGBUS_OK or what the bus refused with */
int subscription_begin(struct connection *connection, const char *channel);

/* Unsubscribe; not subscribed is success. Messages still in the ring are not delivered. */
void subscription_end(struct connection *connection, const char *channel);
void subscription_end_all(struct connection *connection);

/* The channel of the index-th subscription. */
const char *subscription_channel(const struct connection *connection, size_t index);

#endif
