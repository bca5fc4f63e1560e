/* subscribe.c - the commands that begin and end subscriptions. */
#include "subscribe.h"

#include <stdio.h>
#include <string.h>

#include "../reply.h"

void
subscribe_refuse_name(struct connection *connection, enum subscription_kind kind)
{
    reply_error(connection_output(connection),
        kind == SUBSCRIPTION_PATTERN ? "ERR a pattern has up to 255 bytes"
                                     : "ERR a channel's name has 1 to 255 bytes, none of them NUL");
}

/* name  NULL: there was none */
static void
confirm(struct connection *connection, const char *verb, const struct resp_argument *name)
{
    struct buffer *const output = connection_output(connection);

    reply_push(output, connection->protocol, 3);
    reply_text(output, verb);
    if (name)
        reply_bulk(output, name->data, name->size);
    else
        reply_null(output, connection->protocol);
    reply_integer(output, (long long)subscription_count(connection));
}

static void
refuse(struct connection *connection, enum subscription_kind kind, int outcome)
{
    char text[96];

    if (outcome == RINGBUS_ENOSPC && subscription_is_full(connection, kind)) {
        (void)snprintf(text, sizeof text, "ERR a client may subscribe to %u patterns",
            (unsigned)connection->worker->server->options.max_patterns);
        reply_error(connection_output(connection), text);
    } else if (outcome == RINGBUS_ENOSPC) {
        (void)snprintf(text, sizeof text, "ERR there are %u channels",
            (unsigned)connection->worker->server->options.max_channels);
        reply_error(connection_output(connection), text);
    } else {
        reply_refusal(connection_output(connection), outcome);
    }
}

/* Whether all names may be; if not that is the reply. */
static bool
check_names(struct connection *connection, enum subscription_kind kind,
    const struct resp_argument *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!subscription_may_be(kind, &names[i])) {
            subscribe_refuse_name(connection, kind);
            return false;
        }
    }
    return true;
}

static enum command_verdict
begin(struct connection *connection, enum subscription_kind kind, const char *verb,
    const struct resp_argument *names, size_t count)
{
    if (!check_names(connection, kind, names, count))
        return COMMAND_DONE;
    for (size_t i = 0; i < count; i++) {
        const int outcome = subscription_begin(connection, kind, &names[i]);

        if (outcome == RINGBUS_OK)
            confirm(connection, verb, &names[i]);
        else
            refuse(connection, kind, outcome);
    }
    return COMMAND_DONE;
}

static void
end_all(struct connection *connection, enum subscription_kind kind, const char *verb)
{
    const struct subscriptions *const subscriptions = &connection->subscriptions[kind];
    char bytes[CHANNEL_SIZE_MAX > PATTERN_SIZE_MAX ? CHANNEL_SIZE_MAX : PATTERN_SIZE_MAX];

    if (subscriptions->count == 0)
        confirm(connection, verb, NULL);
    while (subscriptions->count > 0) {
        struct resp_argument name = subscription_name(connection, kind, subscriptions->count - 1);

        memcpy(bytes, name.data, name.size);
        name.data = bytes;
        subscription_end(connection, kind, &name);
        confirm(connection, verb, &name);
    }
}

static enum command_verdict
end(struct connection *connection, enum subscription_kind kind, const char *verb,
    const struct resp_argument *names, size_t count)
{
    if (count == 0)
        end_all(connection, kind, verb);
    if (!check_names(connection, kind, names, count))
        return COMMAND_DONE;
    for (size_t i = 0; i < count; i++) {
        subscription_end(connection, kind, &names[i]);
        confirm(connection, verb, &names[i]);
    }
    return COMMAND_DONE;
}

enum command_verdict
subscribe_channels(
    struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    return begin(connection, SUBSCRIPTION_CHANNEL, "subscribe", arguments + 1, count - 1);
}

enum command_verdict
subscribe_end_channels(
    struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    return end(connection, SUBSCRIPTION_CHANNEL, "unsubscribe", arguments + 1, count - 1);
}

enum command_verdict
subscribe_patterns(
    struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    return begin(connection, SUBSCRIPTION_PATTERN, "psubscribe", arguments + 1, count - 1);
}

enum command_verdict
subscribe_end_patterns(
    struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    return end(connection, SUBSCRIPTION_PATTERN, "punsubscribe", arguments + 1, count - 1);
}
