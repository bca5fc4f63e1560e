/* subscribe.h - the commands that begin and end subscriptions. */
#ifndef PUBSUB_SUBSCRIPTIONS_SUBSCRIBE_H
#define PUBSUB_SUBSCRIPTIONS_SUBSCRIBE_H

#include "../connection.h"

/* SUBSCRIBE, UNSUBSCRIBE, PSUBSCRIBE, PUNSUBSCRIBE. arguments[0] is the command's own name. */
enum command_verdict subscribe_channels(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict subscribe_end_channels(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict subscribe_patterns(
    struct connection *connection, const struct resp_argument *arguments, size_t count);
enum command_verdict subscribe_end_patterns(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

/* Reply that a name cannot be one of this kind. */
void subscribe_refuse_name(struct connection *connection, enum subscription_kind kind);

#endif
