/* port.c - an HTTP port on a bus of the test's own. */
#include "server/http/port.h"

#include <string.h>

#include "http/http.h"
#include "http/server_figures.h"
#include "server.h"
#include "support/support.h"

static struct server server;
static struct http *http;

/* Stands for the server's own. */
void
server_figures_visit(
    struct server *of, void (*visit)(const struct server_figure *, void *), void *context)
{
    const struct server_figure figure = {"clients", "Connected now.", false, 7};

    MUST(of == &server, "another server");
    visit(&figure, context);
}

int
port_start(const struct http_options *options)
{
    const char *const failure = http_start(&server, options, &http);

    MUST(!failure, "%s", failure);
    return http_port(http);
}

struct http_options
port_patient(void)
{
    struct http_options options = HTTP_OPTIONS_DEFAULT;

    options.patience_ms = 100000;
    return options;
}

struct ringbus_bus *
port_open_bus(void)
{
    memset(&server, 0, sizeof server);
    server.port = 6380;
    MUST(ringbus_open(NULL, &server.bus) == RINGBUS_OK, "no bus");
    return server.bus;
}

void
port_close(void)
{
    http_stop(http);
    http = NULL;
    MUST(ringbus_shutdown(server.bus, RINGBUS_DISCARD, RINGBUS_FOREVER) == RINGBUS_OK,
        "the bus refused");
    MUST(ringbus_close(server.bus) == RINGBUS_OK, "the bus refused");
}

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

void
port_consume(const char *name, const char *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer;

    options.name = name;
    MUST(ringbus_consumer_open(server.bus, ignore, NULL, &options, &consumer) == RINGBUS_OK,
        "the bus refused");
    MUST(ringbus_register_consumer(server.bus, consumer, topic) == RINGBUS_OK, "the bus refused");
}
