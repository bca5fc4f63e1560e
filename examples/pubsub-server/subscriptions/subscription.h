/* subscription.h - a connection's subscriptions, of channels and of patterns: each is a consumer on the bus, in the
 * loop group of the connection's worker, registered on the channel's name or with the pattern as its predicate. So the
 * bus counts for PUBLISH, and a client gets a message once for each subscription that matches.
 * Thread: the worker's. */
#ifndef PUBSUB_SUBSCRIPTIONS_SUBSCRIPTION_H
#define PUBSUB_SUBSCRIPTIONS_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "../reply.h"
#include "../resp.h"
#include "tally.h"

/* A topic is a C string of up to 255 bytes, a channel any bytes. A pattern may be any bytes, and none. */
#define CHANNEL_SIZE_MAX 255
#define PATTERN_SIZE_MAX 255

struct connection;
struct server;
struct subscription;

enum subscription_kind { SUBSCRIPTION_CHANNEL, SUBSCRIPTION_PATTERN, SUBSCRIPTION_KINDS };

/* A connection's of one kind, sorted by name. All zero: none. */
struct subscriptions {
    struct subscription **list;
    size_t count;
    size_t capacity;
};

/* Copy a channel's name into a C string, with room for CHANNEL_SIZE_MAX + 1 bytes.
 *
 * return  0, or -1 if it cannot be a topic: empty, too long, or with a NUL */
int channel_name(const struct resp_argument *channel, char *ret_name);

/* Whether it can be the name of a subscription. */
bool subscription_may_be(enum subscription_kind kind, const struct resp_argument *name);

/* Whether a connection has as many of this kind as it may. */
bool subscription_is_full(const struct connection *connection, enum subscription_kind kind);

/* Subscribe. Already subscribed is success.
 *
 * name    may be the name of a subscription
 * return  RINGBUS_OK, RINGBUS_ENOSPC (more than --max-patterns) or what the bus refused with */
int subscription_begin(
    struct connection *connection, enum subscription_kind kind, const struct resp_argument *name);

/* Unsubscribe; not subscribed is success. Messages still in the ring are not delivered. */
void subscription_end(
    struct connection *connection, enum subscription_kind kind, const struct resp_argument *name);
void subscription_end_all(struct connection *connection);

/* The name of the index-th subscription; as long as there is that. */
struct resp_argument subscription_name(
    const struct connection *connection, enum subscription_kind kind, size_t index);

/* How many a connection has, of both kinds. */
size_t subscription_count(const struct connection *connection);

/* Whether it has any, and its version of the protocol cannot tell messages from replies. */
bool subscription_confines(const struct connection *connection);

/* The connection speaks another version of the protocol: so do its messages from now on. */
void subscription_change_protocol(struct connection *connection);

#endif
