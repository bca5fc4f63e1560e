/* commands.c - the commands the server understands: the table, PUBLISH, and those of the connection itself. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "reply.h"
#include "report/config.h"
#include "report/info.h"
#include "subscriptions/pubsub.h"
#include "subscriptions/subscribe.h"

typedef enum command_verdict (*command_function)(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

struct command {
    const char *name; /* in lower case */
    command_function run;
    size_t least; /* arguments, its own name included */
    size_t most;
    bool
        is_for_subscribers; /* a connection with subscriptions may use it with version 2 of the protocol too */
};

#define ANY SIZE_MAX

/* ---- publish ------------------------------------------------------------------------------- */

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
        outcome = message_post(worker, channel, message);
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
    outcome = journal_post(worker, channel, &ticket, message);
    if (outcome >= 0)
        outbox_promise(outbox, outcome);
    return outcome;
}

static enum command_verdict
run_publish(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct worker *const worker = connection->worker;
    const struct resp_argument *const message = &arguments[2];
    char channel[CHANNEL_SIZE_MAX + 1];
    int outcome;

    (void)count;
    if (channel_name(&arguments[1], channel) != 0) {
        subscribe_refuse_name(connection, SUBSCRIPTION_CHANNEL);
        return COMMAND_DONE;
    }
    if (message->size > worker->server->options.max_message) {
        reply_error(connection_output(connection), "ERR message too long");
        return COMMAND_DONE;
    }
    outcome = post(connection, channel, message);
    if (outcome == RINGBUS_EAGAIN)
        return COMMAND_AWAITS_ROOM;
    if (outcome == MESSAGE_NO_MEMORY)
        return COMMAND_AWAITS_MEMORY;
    if (outcome < 0)
        reply_refusal(connection_output(connection), outcome);
    else
        figure_add(&worker->figures.published, 1);
    return COMMAND_DONE;
}

/* ---- the connection itself ----------------------------------------------------------------- */

static enum command_verdict
run_ping(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);

    if (subscription_confines(connection)) {
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

/* What a browser sends whom a web page has told to: its lines are not to be taken for commands. */
static enum command_verdict
refuse_browser(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)connection;
    (void)arguments;
    (void)count;
    return COMMAND_LAST;
}

/* As after the accept, but for the commands that wait for their turn. */
static enum command_verdict
run_reset(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)arguments;
    (void)count;
    subscription_end_all(connection);
    connection->protocol = 2;
    connection->name[0] = '\0';
    reply_status(connection_output(connection), "RESET");
    return COMMAND_DONE;
}

/* ---- the table ----------------------------------------------------------------------------- */

static const struct command commands[] = {
    {"publish", run_publish, 3, 3, false},
    {"subscribe", subscribe_channels, 2, ANY, true},
    {"unsubscribe", subscribe_end_channels, 1, ANY, true},
    {"psubscribe", subscribe_patterns, 2, ANY, true},
    {"punsubscribe", subscribe_end_patterns, 1, ANY, true},
    {"pubsub", pubsub_tell, 2, ANY, false},
    {"ping", run_ping, 1, 2, true},
    {"echo", run_echo, 2, 2, false},
    {"quit", run_quit, 1, ANY, true},
    {"reset", run_reset, 1, 1, true},
    {"post", refuse_browser, 1, ANY, true},
    {"host:", refuse_browser, 1, ANY, true},
    {"select", admin_select, 2, 2, false},
    {"hello", admin_hello, 1, ANY, false},
    {"client", admin_client, 2, ANY, false},
    {"config", config_tell, 2, ANY, false},
    {"command", admin_command, 1, ANY, false},
    {"info", info_tell, 1, ANY, false},
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
    else if (subscription_confines(connection) && !command->is_for_subscribers)
        (void)snprintf(text, sizeof text,
            "ERR '%s': a subscriber may only (p)subscribe, (p)unsubscribe, ping, reset and quit",
            command->name);
    else
        return command->run(connection, arguments, count);
    reply_error(connection_output(connection), text);
    return COMMAND_DONE;
}
