/* admin.c - HELLO, CLIENT, CONFIG, COMMAND, SELECT, INFO: as much of them as clients need to connect. */
#include "admin.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reply.h"

/* ---- who is there -------------------------------------------------------------------------- */

/* A name without blanks and line ends, short enough to be shown; an empty one takes it away.
 *
 * return  0, or -1: the name is refused, with a reply */
static int
take_name(struct connection *connection, const struct resp_argument *name)
{
    bool is_fine = name->size < sizeof connection->name;

    for (size_t i = 0; i < name->size; i++)
        is_fine = is_fine && name->data[i] > ' ' && name->data[i] <= '~';
    if (!is_fine) {
        reply_error(connection_output(connection),
            "ERR a client's name has up to 63 printable characters and no blanks");
        return -1;
    }
    memcpy(connection->name, name->data, name->size);
    connection->name[name->size] = '\0';
    return 0;
}

static enum command_verdict
answer_ok(struct connection *connection)
{
    reply_status(connection_output(connection), "OK");
    return COMMAND_DONE;
}

enum command_verdict
admin_client(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);
    const struct resp_argument *const verb = &arguments[1];

    if (resp_argument_is(verb, "setname") && count == 3) {
        if (take_name(connection, &arguments[2]) == 0)
            return answer_ok(connection);
    } else if (resp_argument_is(verb, "getname") && count == 2) {
        if (connection->name[0])
            reply_text(output, connection->name);
        else
            reply_null(output, connection->protocol);
    } else if (resp_argument_is(verb, "id") && count == 2) {
        reply_integer(output, connection->id);
    } else if (resp_argument_is(verb, "setinfo") || resp_argument_is(verb, "no-evict") ||
               resp_argument_is(verb, "no-touch")) {
        return answer_ok(connection);
    } else {
        reply_error(output, "ERR CLIENT knows SETNAME name, GETNAME, ID and SETINFO");
    }
    return COMMAND_DONE;
}

/* HELLO [2|3 [SETNAME name]]: speak this version of the protocol from the reply on, which tells what this is. */
enum command_verdict
admin_hello(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);

    int protocol = connection->protocol;

    if (count > 1)
        protocol = resp_argument_is(&arguments[1], "2")   ? 2
                   : resp_argument_is(&arguments[1], "3") ? 3
                                                          : 0;
    if (protocol == 0) {
        reply_error(output, "NOPROTO unsupported protocol version");
        return COMMAND_DONE;
    }
    if (count > 2 && (count != 4 || !resp_argument_is(&arguments[2], "setname"))) {
        reply_error(output, "ERR HELLO takes 2 or 3 and SETNAME name");
        return COMMAND_DONE;
    }
    if (count == 4 && take_name(connection, &arguments[3]) != 0)
        return COMMAND_DONE;
    connection->protocol = protocol;
    subscription_change_protocol(connection);
    reply_map(output, protocol, 7);
    reply_text(output, "server");
    reply_text(output, "ringbus-pubsub-server");
    reply_text(output, "version");
    reply_text(output, ringbus_version());
    reply_text(output, "proto");
    reply_integer(output, protocol);
    reply_text(output, "id");
    reply_integer(output, connection->id);
    reply_text(output, "mode");
    reply_text(output, "standalone");
    reply_text(output, "role");
    reply_text(output, "master");
    reply_text(output, "modules");
    reply_array(output, 0);
    return COMMAND_DONE;
}

/* ---- what is it like ----------------------------------------------------------------------- */

/* CONFIG GET name: nothing can be configured here, so every value is empty. */
enum command_verdict
admin_config(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);

    if (!resp_argument_is(&arguments[1], "get") || count < 3) {
        reply_error(output, "ERR CONFIG knows GET name");
        return COMMAND_DONE;
    }
    reply_map(output, connection->protocol, count - 2);
    for (size_t i = 2; i < count; i++) {
        reply_bulk(output, arguments[i].data, arguments[i].size);
        reply_text(output, "");
    }
    return COMMAND_DONE;
}

/* COMMAND [DOCS ...]: no descriptions. */
enum command_verdict
admin_command(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    if (count > 1 && resp_argument_is(&arguments[1], "count"))
        reply_integer(connection_output(connection), 0);
    else if (count > 1 && resp_argument_is(&arguments[1], "docs"))
        reply_map(connection_output(connection), connection->protocol, 0);
    else
        reply_array(connection_output(connection), 0);
    return COMMAND_DONE;
}

/* There is one set of channels, whatever database is chosen. */
enum command_verdict
admin_select(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    (void)arguments;
    (void)count;
    return answer_ok(connection);
}

/* ---- INFO ---------------------------------------------------------------------------------- */

static void
put_figure(struct buffer *text, const char *name, long long value)
{
    char line[256];
    const int size = snprintf(line, sizeof line, "%s:%lld\r\n", name, value);

    buffer_put(text, line, (size_t)size);
}

static void
put_text(struct buffer *text, const char *bytes)
{
    buffer_put(text, bytes, strlen(bytes));
}

/* The figures of the bus and its groups; topics and consumers, which may be many, come after them. */
static int
put_bus_figure(const struct ringbus_figure *figure, void *context)
{
    const bool is_bus = strcmp(figure->object, "bus") == 0;
    char name[200];

    if (!is_bus && strcmp(figure->object, "group") != 0)
        return 1;
    (void)snprintf(
        name, sizeof name, "%s_%s", is_bus ? figure->object : figure->name, figure->figure);
    put_figure(context, name, figure->value);
    return 0;
}

static void
put_server_figures(struct buffer *text, struct server *server)
{
    struct server_figures *const figures = &server->figures;

    put_text(text, "# Server\r\nserver_name:ringbus-pubsub-server\r\nringbus_version:");
    put_text(text, ringbus_version());
    put_text(text, "\r\nredis_mode:standalone\r\n");
    put_figure(text, "process_id", (long long)getpid());
    put_figure(text, "loops", server->options.loops);
    put_figure(text, "loading", 0);
    put_text(text, "\r\n# Clients\r\n");
    put_figure(text, "connected_clients", atomic_load(&figures->clients));
    put_figure(text, "maxclients", server->options.max_clients);
    put_figure(text, "clients_accepted", atomic_load(&figures->accepted));
    put_figure(text, "clients_turned_away", atomic_load(&figures->turned_away));
    put_figure(text, "clients_cut_off", atomic_load(&figures->cut_off));
    put_text(text, "\r\n# Channels\r\n");
    put_figure(text, "subscriptions", atomic_load(&figures->subscriptions));
    put_figure(
        text, "pubsub_channels", (long long)tally_names(&server->tallies[SUBSCRIPTION_CHANNEL]));
    put_figure(
        text, "pubsub_patterns", (long long)tally_names(&server->tallies[SUBSCRIPTION_PATTERN]));
    put_figure(text, "published", atomic_load(&figures->publishes));
    put_figure(text, "publish_waits", atomic_load(&figures->waits));
    put_figure(text, "message_memory", (long long)message_memory_used(&server->memory));
    if (server->journal) {
        struct journal_figures *const journal = journal_figures(server->journal);

        put_text(text, "\r\n# Journal\r\n");
        put_figure(text, "messages_kept", atomic_load(&journal->kept));
        put_figure(text, "messages_not_kept", atomic_load(&journal->failed));
        put_figure(text, "journal_syncs", atomic_load(&journal->batches));
    }
}

enum command_verdict
admin_info(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct server *const server = connection->worker->server;
    struct buffer text;

    (void)arguments;
    (void)count;
    memset(&text, 0, sizeof text);
    put_server_figures(&text, server);
    put_text(&text, "\r\n# Bus\r\n");
    (void)ringbus_visit(server->bus, put_bus_figure, &text);
    if (text.is_broken)
        reply_error(connection_output(connection), "ERR out of memory");
    else
        reply_bulk(connection_output(connection), text.data, buffer_size(&text));
    buffer_free(&text);
    return COMMAND_DONE;
}
