/* commands.c - the commands the server understands: the table, and those that publish and subscribe. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "reply.h"
#include "subscription.h"

typedef enum command_verdict (*command_function)(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

struct command {
    const char *name; /* in lower case */
    command_function run;
    size_t least; /* arguments, its own name included */
    size_t most;
    bool is_for_subscribers; /* a connection with subscriptions may use it */
};

#define ANY SIZE_MAX

static enum command_verdict
answer_outcome(struct connection *connection, int outcome)
{
    char text[128];

    if (outcome == RINGBUS_ESHUTDOWN)
        (void)snprintf(text, sizeof text, "ERR the server is shutting down");
    else
        (void)snprintf(text, sizeof text, "ERR %s", ringbus_error_text(outcome));
    reply_error(connection_output(connection), text);
    return COMMAND_DONE;
}

static enum command_verdict
answer_bad_channel(struct connection *connection)
{
    reply_error(
        connection_output(connection), "ERR a channel's name has 1 to 255 bytes, none of them NUL");
    return COMMAND_DONE;
}

/* ---- publish and subscribe ----------------------------------------------------------------- */

/* Post a message, or with a journal promise what comes of it. */
static int
post(struct connection *connection, const char *channel, const struct resp_argument *message)
{
    struct worker *const worker = connection->worker;
    struct server *const server = worker->server;
    struct outbox *const outbox = &connection->outbox;
    struct ticket ticket;
    int outcome;

    if (!server->journal) {
        outcome = ringbus_try_post(server->bus, channel, message->data, message->size);
        if (outcome >= 0)
            reply_integer(outbox_end(outbox), outcome);
        return outcome;
    }
    if (outbox_reserve(outbox) != 0)
        return RINGBUS_ENOMEM;
    memset(&ticket, 0, sizeof ticket);
    ticket.connection = connection->id;
    ticket.number = outbox->next;
    ticket.loop = worker->number;
    ticket.place = connection->place;
    outcome = journal_post(server->journal, channel, &ticket, message);
    if (outcome >= 0)
        outbox_promise(outbox, outcome);
    return outcome;
}

static enum command_verdict
run_publish(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct server *const server = connection->worker->server;
    const struct resp_argument *const message = &arguments[2];
    char channel[CHANNEL_SIZE_MAX + 1];
    int outcome;

    (void)count;
    if (channel_name(&arguments[1], channel) != 0)
        return answer_bad_channel(connection);
    if (message->size > server->options.max_message) {
        reply_error(connection_output(connection), "ERR message too long");
        return COMMAND_DONE;
    }
    outcome = post(connection, channel, message);
    if (outcome == RINGBUS_EAGAIN)
        return COMMAND_AGAIN;
    if (outcome < 0)
        return answer_outcome(connection, outcome);
    atomic_fetch_add(&server->figures.publishes, 1);
    return COMMAND_DONE;
}

/* channel  NULL: none */
static void
confirm(struct connection *connection, const char *verb, const char *channel)
{
    struct buffer *const output = connection_output(connection);

    reply_array(output, 3);
    reply_text(output, verb);
    if (channel)
        reply_text(output, channel);
    else
        reply_null(output);
    reply_integer(output, (long long)connection->subscription_count);
}

static enum command_verdict
run_subscribe(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    char channel[CHANNEL_SIZE_MAX + 1];
    int outcome;

    for (size_t i = 1; i < count; i++)
        if (channel_name(&arguments[i], channel) != 0)
            return answer_bad_channel(connection);
    for (size_t i = 1; i < count; i++) {
        (void)channel_name(&arguments[i], channel);
        outcome = subscription_begin(connection, channel);
        if (outcome == RINGBUS_OK)
            confirm(connection, "subscribe", channel);
        else
            (void)answer_outcome(connection, outcome);
    }
    return COMMAND_DONE;
}

static void
unsubscribe_all(struct connection *connection)
{
    char channel[CHANNEL_SIZE_MAX + 1];

    if (connection->subscription_count == 0)
        confirm(connection, "unsubscribe", NULL);
    while (connection->subscription_count > 0) {
        (void)snprintf(channel, sizeof channel, "%s",
            subscription_channel(connection, connection->subscription_count - 1));
        subscription_end(connection, channel);
        confirm(connection, "unsubscribe", channel);
    }
}

static enum command_verdict
run_unsubscribe(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    char channel[CHANNEL_SIZE_MAX + 1];

    for (size_t i = 1; i < count; i++)
        if (channel_name(&arguments[i], channel) != 0)
            return answer_bad_channel(connection);
    for (size_t i = 1; i < count; i++) {
        (void)channel_name(&arguments[i], channel);
        subscription_end(connection, channel);
        confirm(connection, "unsubscribe", channel);
    }
    if (count == 1)
        unsubscribe_all(connection);
    return COMMAND_DONE;
}

static enum command_verdict
run_pattern(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)count;
    if (resp_argument_is(&arguments[0], "psubscribe"))
        reply_error(connection_output(connection), "ERR PSUBSCRIBE is not offered yet");
    else
        reply_error(connection_output(connection), "ERR PUNSUBSCRIBE is not offered yet");
    return COMMAND_DONE;
}

/* ---- the connection itself ----------------------------------------------------------------- */

static enum command_verdict
run_ping(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);

    if (connection->subscription_count > 0) {
        reply_array(output, 2);
        reply_text(output, "pong");
        reply_bulk(output, count > 1 ? arguments[1].data : NULL, count > 1 ? arguments[1].size : 0);
    } else if (count > 1) {
        reply_bulk(output, arguments[1].data, arguments[1].size);
    } else {
        reply_status(output, "PONG");
    }
    return COMMAND_DONE;
}

static enum command_verdict
run_echo(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)count;
    reply_bulk(connection_output(connection), arguments[1].data, arguments[1].size);
    return COMMAND_DONE;
}

static enum command_verdict
run_quit(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)arguments;
    (void)count;
    reply_status(connection_output(connection), "OK");
    return COMMAND_LAST;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command commands[] = {
    {"publish", run_publish, 3, 3, false},
    {"subscribe", run_subscribe, 2, ANY, true},
    {"unsubscribe", run_unsubscribe, 1, ANY, true},
    {"psubscribe", run_pattern, 2, ANY, true},
    {"punsubscribe", run_pattern, 1, ANY, true},
    {"ping", run_ping, 1, 2, true},
    {"echo", run_echo, 2, 2, false},
    {"quit", run_quit, 1, ANY, true},
    {"select", admin_select, 2, 2, false},
    {"hello", admin_hello, 1, ANY, false},
    {"client", admin_client, 2, ANY, false},
    {"config", admin_config, 2, ANY, false},
    {"command", admin_command, 1, ANY, false},
    {"info", admin_info, 1, ANY, false},
};

static const struct command *
find(const struct resp_argument *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (resp_argument_is(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static enum command_verdict
answer_unknown(struct connection *connection, const struct resp_argument *name)
{
    char shown[65];
    char text[128];
    size_t size = 0;

    for (; size < name->size && size < sizeof shown - 1; size++) {
        const char byte = name->data[size];

        shown[size] = byte >= ' ' && byte <= '~' ? byte : '?';
    }
    shown[size] = '\0';
    (void)snprintf(text, sizeof text, "ERR unknown command '%s'", shown);
    reply_error(connection_output(connection), text);
    return COMMAND_DONE;
}

enum command_verdict
commands_run(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    const struct command *const command = find(&arguments[0]);
    char text[128];

    if (!command)
        return answer_unknown(connection, &arguments[0]);
    if (count < command->least || count > command->most)
        (void)snprintf(
            text, sizeof text, "ERR wrong number of arguments for '%s' command", command->name);
    else if (connection->subscription_count > 0 && !command->is_for_subscribers)
        (void)snprintf(text, sizeof text,
            "ERR '%s': a subscriber may only subscribe, unsubscribe, ping and quit", command->name);
    else
        return command->run(connection, arguments, count);
    reply_error(connection_output(connection), text);
    return COMMAND_DONE;
}
