/* server.c - a publish-subscribe server that speaks the Redis protocol, with a ringbus inside.
 *
 * The main thread accepts sockets and deals them out to the loop threads (worker.c). A signal ends it:
 * the bus drains while the loops go on, then they write out what clients are owed and leave. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/http.h"
#include "limits/descriptors.h"
#include "socket/address.h"
#include "worker.h"

#define BACKLOG 511
#define DRAIN_NS (5 * INT64_C(1000000000))

/* The bounds of a command. SUBSCRIBE may name many channels; a message that is too long gets a proper
 * answer, not a closed connection, up to BULK_LEAST bytes. */
#define ARGUMENTS_MAX ((size_t)16384)
#define INLINE_MAX ((size_t)64 * 1024)
#define BULK_LEAST ((size_t)64 * 1024)
#define COMMAND_SPARE ((size_t)1 << 20)

struct acceptor {
    struct server *server;
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_async_t stop;
    struct worker *workers;
    uint32_t worker_count;
    uint32_t last; /* worker that got a socket */
    char address[ADDRESS_TEXT_MAX];
    struct http *http; /* NULL: none */
};

static int
complain(const char *what, const char *why)
{
    (void)fprintf(stderr, "ringbus-pubsub-server: %s: %s\n", what, why);
    return 1;
}

static int
complain_of_port(const char *what, const char *address, uint32_t port, const char *why)
{
    char text[128];

    (void)snprintf(text, sizeof text,
        strchr(address, ':') ? "cannot listen %s [%s]:%" PRIu32 : "cannot listen %s %s:%" PRIu32,
        what, address, port);
    return complain(text, why);
}

/* ---- signals ------------------------------------------------------------------------------- */

static volatile sig_atomic_t signals_seen;
static uv_async_t *signalled;

static void
on_signal(int number)
{
    const int saved_errno = errno;

    (void)number;
    if (signals_seen > 0)
        _exit(1);
    signals_seen = 1;
    (void)uv_async_send(signalled);
    errno = saved_errno;
}

static void
handle_signals(struct acceptor *acceptor)
{
    struct sigaction action;

    signalled = &acceptor->stop;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

/* ---- accepting ----------------------------------------------------------------------------- */

static void
on_socket_closed(uv_handle_t *handle)
{
    free(handle);
}

static void
turn_away(struct server *server, uv_tcp_t *socket)
{
    static char text[] = "-ERR max number of clients reached\r\n";
    const uv_buf_t bytes = uv_buf_init(text, sizeof text - 1);

    atomic_fetch_add(&server->figures.turned_away, 1);
    (void)uv_try_write((uv_stream_t *)socket, &bytes, 1);
}

/* The loop with the fewest clients; of several the one whose turn it is. */
static struct worker *
choose(struct acceptor *acceptor)
{
    const uint32_t count = acceptor->worker_count;
    uint32_t best = (acceptor->last + 1) % count;

    for (uint32_t i = 2; i <= count; i++) {
        const uint32_t other = (acceptor->last + i) % count;

        if (atomic_load(&acceptor->workers[other].figures.clients) <
            atomic_load(&acceptor->workers[best].figures.clients))
            best = other;
    }
    acceptor->last = best;
    return &acceptor->workers[best];
}

/* A descriptor of its own for the worker; this loop's handle is closed without further use.
 *
 * return  0, or -1: not taken over */
static int
hand_over(struct acceptor *acceptor, uv_tcp_t *socket)
{
    struct worker *const worker = choose(acceptor);
    uv_os_fd_t descriptor;
    int own;

    if (uv_fileno((uv_handle_t *)socket, &descriptor) != 0)
        return -1;
    own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return -1;
    atomic_fetch_add(&worker->figures.clients, 1);
    if (worker_hand_over(worker, own) != 0) {
        atomic_fetch_sub(&worker->figures.clients, 1);
        (void)close(own);
        return -1;
    }
    return 0;
}

static void
on_connection(uv_stream_t *listener, int status)
{
    struct acceptor *const acceptor = listener->data;
    struct server *const server = acceptor->server;
    uv_tcp_t *const socket = status == 0 ? malloc(sizeof *socket) : NULL;

    if (!socket || uv_tcp_init(&acceptor->loop, socket) != 0) {
        free(socket);
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)socket) == 0) {
        if (atomic_fetch_add(&server->figures.clients, 1) >= server->options.max_clients) {
            atomic_fetch_sub(&server->figures.clients, 1);
            turn_away(server, socket);
        } else if (hand_over(acceptor, socket) != 0) {
            atomic_fetch_sub(&server->figures.clients, 1);
        }
    }
    uv_close((uv_handle_t *)socket, on_socket_closed);
}

static void
stop_accepting(struct acceptor *acceptor)
{
    uv_close((uv_handle_t *)&acceptor->listener, NULL);
    uv_close((uv_handle_t *)&acceptor->stop, NULL);
}

static void
on_stop(uv_async_t *stop)
{
    stop_accepting(stop->data);
}

/* Bind and listen; connections wait in the socket until the loop runs. */
static int
start_listening(struct acceptor *acceptor)
{
    struct server *const server = acceptor->server;
    struct sockaddr_storage address;
    int size = sizeof address;
    int status = address_read(server->options.bind, server->options.port, &address);

    if (status == 0)
        status = uv_tcp_bind(&acceptor->listener, (const struct sockaddr *)&address, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&acceptor->listener, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(&acceptor->listener, (struct sockaddr *)&address, &size);
    if (status == 0) {
        server->port = address_port(&address);
        address_write(&address, acceptor->address);
    }
    return status;
}

/* ---- the bus ------------------------------------------------------------------------------- */

static void
on_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    (void)bus;
    (void)context;
    (void)fprintf(stderr, "undelivered: %" PRIu64 " messages of %s to %s\n", undelivered->count,
        undelivered->topic, undelivered->consumer);
}

static int
open_bus(struct server *server)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options unused = ringbus_group_options_default();

    unused.name = SERVER_UNUSED_GROUP;
    unused.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &unused;
    options.max_groups = LOOPS_MAX + 2;
    /* With a journal each loop has a topic of its own for acknowledgements. */
    options.max_topics = server->options.max_channels + (server->options.journal ? LOOPS_MAX : 0);
    options.max_topic_length = JOURNAL_TOPIC_SIZE_MAX;
    options.on_undelivered = on_undelivered;
    return ringbus_open(&options, &server->bus);
}

static int
open_journal(struct server *server)
{
    const char *failure;

    if (!server->options.journal)
        return 0;
    failure = journal_open(server->bus, &server->options, &server->journal);
    if (failure)
        return complain(server->options.journal, failure);
    server->message_at = sizeof(struct publication);
    return 0;
}

/* A disk that hangs holds up the group's thread: then the journal stays as it is. */
static void
close_journal(struct server *server)
{
    if (server->journal && ringbus_shutdown(server->bus, RINGBUS_DISCARD, 0) == RINGBUS_OK)
        journal_close(server->journal);
}

static int
drain_bus(struct server *server)
{
    int outcome = ringbus_shutdown(server->bus, RINGBUS_DRAIN, ringbus_now_ns() + DRAIN_NS);

    if (outcome == RINGBUS_OK)
        return 0;
    (void)ringbus_shutdown(server->bus, RINGBUS_DISCARD, ringbus_now_ns() + DRAIN_NS);
    return complain("the bus did not drain", ringbus_error_text(outcome));
}

static int
open_tallies(struct server *server)
{
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        if (tally_init(&server->tallies[kind]) != 0)
            return complain("cannot start", "no memory or no random bytes");
    return 0;
}

static void
close_tallies(struct server *server)
{
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        tally_free(&server->tallies[kind]);
}

/* ---- from start to end --------------------------------------------------------------------- */

static void
announce(const struct acceptor *acceptor)
{
    const char *const http_address = acceptor->server->options.http.address;
    struct sockaddr_storage address;
    char text[ADDRESS_TEXT_MAX];

    (void)printf("ringbus-pubsub-server: listening on %s, %" PRIu32 " loops\n", acceptor->address,
        acceptor->worker_count);
    if (acceptor->http &&
        address_read(http_address, (uint32_t)http_port(acceptor->http), &address) == 0) {
        address_write(&address, text);
        (void)printf("ringbus-pubsub-server: watch it on http://%s/\n", text);
    }
    (void)fflush(stdout);
}

static int
start_http(struct acceptor *acceptor)
{
    const struct options *const options = &acceptor->server->options;
    const char *failure = NULL;

    if (options->http.is_on)
        failure = http_start(acceptor->server, &options->http, &acceptor->http);
    return failure
               ? complain_of_port("for HTTP on", options->http.address, options->http.port, failure)
               : 0;
}

static int
run(struct acceptor *acceptor)
{
    struct server *const server = acceptor->server;
    const char *failure = NULL;
    int result = 0;

    while (!failure && acceptor->worker_count < server->options.loops) {
        failure = worker_start(
            &acceptor->workers[acceptor->worker_count], server, acceptor->worker_count);
        if (!failure)
            acceptor->worker_count++;
    }
    if (failure)
        result = complain("cannot start a loop", failure);
    else
        result = start_http(acceptor);
    if (result != 0) {
        stop_accepting(acceptor);
    } else {
        handle_signals(acceptor);
        announce(acceptor);
    }
    (void)uv_run(&acceptor->loop, UV_RUN_DEFAULT);

    http_stop(acceptor->http);
    result |= drain_bus(server);
    for (uint32_t i = 0; i < acceptor->worker_count; i++)
        worker_stop(&acceptor->workers[i]);
    while (acceptor->worker_count > 0) {
        failure = worker_join(&acceptor->workers[--acceptor->worker_count]);
        if (failure)
            result = complain("a loop did not end well", failure);
    }
    return result;
}

static int
serve(struct server *server)
{
    static struct worker workers[LOOPS_MAX];
    static struct acceptor acceptor;
    int result;
    int status;

    acceptor.server = server;
    acceptor.workers = server->workers = workers;
    server->started_ns = uv_hrtime();
    if (uv_loop_init(&acceptor.loop) != 0 ||
        uv_async_init(&acceptor.loop, &acceptor.stop, on_stop) != 0 ||
        uv_tcp_init(&acceptor.loop, &acceptor.listener) != 0)
        return complain("cannot start", "no loop");
    acceptor.stop.data = &acceptor;
    acceptor.listener.data = &acceptor;
    status = start_listening(&acceptor);
    if (status == 0) {
        result = run(&acceptor);
    } else {
        result =
            complain_of_port("on", server->options.bind, server->options.port, uv_strerror(status));
        stop_accepting(&acceptor);
        (void)uv_run(&acceptor.loop, UV_RUN_DEFAULT);
    }
    if (uv_loop_close(&acceptor.loop) != 0)
        result = complain("cannot stop", "the acceptor's loop is busy");
    return result;
}

int
main(int argc, char **argv)
{
    static struct server server;
    const enum options_verdict verdict = options_read(&server.options, argc, argv);
    int outcome;
    int result;

    if (verdict != OPTIONS_GO)
        return verdict == OPTIONS_HELP ? 0 : 2;
    server.options.max_clients = descriptors_reserve(&server.options);
    if (server.options.max_clients == 0)
        return complain("cannot start", "too few descriptors (ulimit -n)");
    server.limits.arguments = ARGUMENTS_MAX;
    server.limits.inline_line = INLINE_MAX;
    server.limits.bulk =
        server.options.max_message > BULK_LEAST ? server.options.max_message : BULK_LEAST;
    server.limits.command = server.limits.bulk + COMMAND_SPARE;
    message_memory_open(&server.memory, server.options.message_memory);
    outcome = open_bus(&server);
    if (outcome != RINGBUS_OK)
        return complain("cannot open the bus", ringbus_error_text(outcome));
    result = open_tallies(&server);
    if (result == 0)
        result = open_journal(&server);
    if (result == 0)
        result = serve(&server);
    close_journal(&server);
    outcome = ringbus_close(server.bus);
    if (outcome == RINGBUS_OK)
        message_memory_close(&server.memory);
    else
        result = complain("cannot close the bus", ringbus_error_text(outcome));
    close_tallies(&server);
    if (result == 0)
        (void)puts("ringbus-pubsub-server: drained and stopped");
    return result;
}
