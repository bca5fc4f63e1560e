/* info.c - INFO: the figures of the server and of its bus, in the form of Redis, and by its names where it has the
 * figure too. */
#include "info.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
put_text(struct buffer *text, const char *bytes)
{
    buffer_put(text, bytes, strlen(bytes));
}

static void
put_figure(struct buffer *text, const char *name, long long value)
{
    char line[256];
    const int size = snprintf(line, sizeof line, "%s:%lld\r\n", name, value);

    buffer_put(text, line, (size_t)size);
}

/* ---- the sections -------------------------------------------------------------------------- */

static void
put_server(struct buffer *text, struct server *server)
{
    put_text(text, "server_name:ringbus-pubsub-server\r\nringbus_version:");
    put_text(text, ringbus_version());
    put_text(text, "\r\nredis_mode:standalone\r\n");
    put_figure(text, "process_id", (long long)getpid());
    put_figure(text, "tcp_port", server->port);
    put_figure(
        text, "uptime_in_seconds", (long long)((uv_hrtime() - server->started_ns) / 1000000000));
    put_figure(text, "loops", server->options.loops);
    put_figure(text, "loading", 0);
}

static void
put_clients(struct buffer *text, struct server *server)
{
    struct server_figures *const figures = &server->figures;
    const long long hard = atomic_load(&figures->cut_off[CUT_OFF_HARD]);
    const long long soft = atomic_load(&figures->cut_off[CUT_OFF_SOFT]);

    put_figure(text, "connected_clients", atomic_load(&figures->clients));
    put_figure(text, "maxclients", server->options.max_clients);
    put_figure(text, "clients_cut_off", hard + soft);
    put_figure(text, "clients_cut_off_hard", hard);
    put_figure(text, "clients_cut_off_soft", soft);
    put_figure(text, "clients_timed_out", atomic_load(&figures->timed_out));
}

static void
put_memory(struct buffer *text, struct server *server)
{
    uv_rusage_t usage;

    /* the most there was: what there is now would take a file to be read, on a loop's thread */
    if (uv_getrusage(&usage) == 0)
        put_figure(text, "used_memory_peak_rss", (long long)usage.ru_maxrss * 1024);
    put_figure(text, "message_memory", (long long)message_memory_used(&server->memory));
    put_figure(text, "message_memory_limit", (long long)server->options.message_memory);
}

static void
put_stats(struct buffer *text, struct server *server)
{
    struct server_figures *const figures = &server->figures;
    struct tally *const tallies = server->tallies;

    put_figure(text, "total_connections_received", atomic_load(&figures->accepted));
    put_figure(text, "rejected_connections", atomic_load(&figures->turned_away));
    put_figure(text, "total_commands_processed", LOOPS_SUM(server, commands));
    put_figure(text, "total_net_input_bytes", LOOPS_SUM(server, input));
    put_figure(text, "total_net_output_bytes", LOOPS_SUM(server, output));
    put_figure(text, "pubsub_channels", (long long)tally_names(&tallies[SUBSCRIPTION_CHANNEL]));
    put_figure(text, "pubsub_patterns", (long long)tally_names(&tallies[SUBSCRIPTION_PATTERN]));
    put_figure(text, "subscriptions", atomic_load(&figures->subscriptions));
    put_figure(text, "published", LOOPS_SUM(server, published));
    put_figure(text, "publish_waits", LOOPS_SUM(server, waits));
    put_figure(text, "delivered", LOOPS_SUM(server, delivered));
}

static void
put_journal(struct buffer *text, struct server *server)
{
    struct journal_figures *const journal = journal_figures(server->journal);

    put_figure(text, "messages_kept", atomic_load(&journal->kept));
    put_figure(text, "messages_not_kept", atomic_load(&journal->failed));
    put_figure(text, "journal_syncs", atomic_load(&journal->batches));
}

/* The figures of the bus and of the groups that are used. Topics and consumers, which may be many, are copied by the
 * visit all the same. */
static int
put_bus_figure(const struct ringbus_figure *figure, void *context)
{
    const bool is_bus = strcmp(figure->object, "bus") == 0;
    char name[200];

    if (!is_bus && strcmp(figure->object, "group") != 0)
        return 1;
    if (!is_bus && strcmp(figure->name, SERVER_UNUSED_GROUP) == 0)
        return 0;
    (void)snprintf(
        name, sizeof name, "%s_%s", is_bus ? figure->object : figure->name, figure->figure);
    put_figure(context, name, figure->value);
    return 0;
}

/* How the clients are spread over the loops, then what the bus says of them. */
static void
put_ringbus(struct buffer *text, struct server *server)
{
    char name[64];

    for (uint32_t i = 0; i < server->options.loops; i++) {
        (void)snprintf(name, sizeof name, LOOP_NAME "_clients", i + 1);
        put_figure(text, name, atomic_load(&server->workers[i].figures.clients));
    }
    if (ringbus_visit(server->bus, put_bus_figure, text) < 0)
        text->is_broken = true;
}

static const struct section {
    const char *name; /* as a client asks for it */
    const char *title;
    void (*put)(struct buffer *text, struct server *server);
    bool is_long; /* its time grows with the subscriptions: it is for who asks for it */
} sections[] = {
    {"server", "# Server\r\n", put_server, false},
    {"clients", "# Clients\r\n", put_clients, false},
    {"memory", "# Memory\r\n", put_memory, false},
    {"stats", "# Stats\r\n", put_stats, false},
    {"journal", "# Journal\r\n", put_journal, false},
    {"ringbus", "# Ringbus\r\n", put_ringbus, true},
};

/* ---- the command --------------------------------------------------------------------------- */

static bool
is_wanted(const struct section *section, const struct resp_argument *wanted, size_t count)
{
    bool is_named = count == 0 && !section->is_long;

    for (size_t i = 0; i < count; i++)
        is_named = is_named || resp_argument_is(&wanted[i], section->name) ||
                   (resp_argument_is(&wanted[i], "default") && !section->is_long) ||
                   resp_argument_is(&wanted[i], "all") ||
                   resp_argument_is(&wanted[i], "everything");
    return is_named;
}

enum command_verdict
info_tell(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct server *const server = connection->worker->server;
    struct buffer text;

    memset(&text, 0, sizeof text);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct section *const section = &sections[i];

        if (!is_wanted(section, arguments + 1, count - 1) ||
            (section->put == put_journal && !server->journal))
            continue;
        if (buffer_size(&text) > 0)
            put_text(&text, "\r\n");
        put_text(&text, section->title);
        section->put(&text, server);
    }
    if (text.is_broken)
        reply_error(connection_output(connection), "ERR out of memory");
    else
        reply_bulk(connection_output(connection), text.data, buffer_size(&text));
    buffer_free(&text);
    return COMMAND_DONE;
}
