/* config.c - CONFIG GET: how the server was started, by the names Redis has for it. Nothing is set while it runs. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "../subscriptions/glob.h"

struct setting {
    const char *name;
    char value[128];
};

enum { SETTINGS = 10 };

static void
set_number(struct setting *setting, const char *name, size_t value)
{
    setting->name = name;
    (void)snprintf(setting->value, sizeof setting->value, "%zu", value);
}

static void
set_text(struct setting *setting, const char *name, const char *value)
{
    setting->name = name;
    (void)snprintf(setting->value, sizeof setting->value, "%s", value);
}

static void
read_settings(const struct server *server, struct setting *settings)
{
    const struct options *const options = &server->options;
    struct setting *next = settings;

    set_text(next++, "appendonly", options->journal ? "yes" : "no");
    set_text(next++, "bind", options->bind);
    next->name = "client-output-buffer-limit";
    (void)snprintf(next->value, sizeof next->value,
        "normal 0 0 0 slave 0 0 0 pubsub %zu %zu %" PRIu32, options->output_limit,
        options->output_soft, options->output_seconds);
    next++;
    set_number(next++, "io-threads", options->loops);
    set_number(next++, "maxclients", options->max_clients);
    set_number(next++, "port", (size_t)server->port);
    set_number(next++, "proto-max-bulk-len", options->max_message);
    set_text(next++, "save", "");
    set_number(next++, "tcp-keepalive", options->keepalive);
    set_number(next, "timeout", options->timeout);
}

/* Whether one of the patterns, in upper or lower case, matches a name. */
static bool
is_wanted(const char *name, const struct resp_argument *patterns, size_t count)
{
    char lower[PATTERN_SIZE_MAX];

    for (size_t i = 0; i < count; i++) {
        const size_t size = patterns[i].size;

        if (size > sizeof lower)
            continue;
        for (size_t j = 0; j < size; j++) {
            const char byte = patterns[i].data[j];

            lower[j] = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
        }
        if (glob_matches(lower, size, name, strlen(name)))
            return true;
    }
    return false;
}

enum command_verdict
config_tell(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    struct buffer *const output = connection_output(connection);
    struct setting settings[SETTINGS];
    bool wanted[SETTINGS];
    size_t found = 0;

    if (!resp_argument_is(&arguments[1], "get") || count < 3) {
        reply_error(output, "ERR CONFIG knows GET pattern");
        return COMMAND_DONE;
    }
    read_settings(connection->worker->server, settings);
    for (size_t i = 0; i < SETTINGS; i++) {
        wanted[i] = is_wanted(settings[i].name, arguments + 2, count - 2);
        found += wanted[i];
    }
    reply_map(output, connection->protocol, found);
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!wanted[i])
            continue;
        reply_text(output, settings[i].name);
        reply_text(output, settings[i].value);
    }
    return COMMAND_DONE;
}
