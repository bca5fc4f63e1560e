/* connection.c - one client: its socket and the bytes to and from it.
 *
 * I1. Commands are answered in the order in which they came; none runs while an earlier one waits for room in the bus
 *     or memory.
 * I2. What waits to be written is bounded (limits/output.h): a subscriber over a limit is cut off, and who only sends
 *     commands is not read from while more than half the hard limit waits, so that he holds up himself.
 * I3. The memory lives until the socket's close callback has run, the last consumer was destroyed and
 *     no on_writable callback is due: `references`. */
#include "connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "limits/idle.h"
#include "limits/output.h"
#include "reply.h"
#include "socket/writing.h"

#define READ_SIZE ((size_t)16 * 1024)

static void run(struct connection *connection);

void
connection_hold(struct connection *connection)
{
    connection->references++;
}

void
connection_release(struct connection *connection)
{
    struct worker *const worker = connection->worker;

    if (--connection->references > 0)
        return;
    worker_remove(worker, connection);
    buffer_free(&connection->input);
    outbox_free(&connection->outbox);
    buffer_free(&connection->writing);
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        free(connection->subscriptions[kind].list);
    connection->handlers->freed(worker);
    free(connection);
}

static void
on_closed(uv_handle_t *handle)
{
    connection_release(handle->data);
}

void
connection_close(struct connection *connection)
{
    if (connection->is_closing)
        return;
    connection->is_closing = true;
    connection->is_reading = false;
    due_end(&connection->over);
    due_end(&connection->idle);
    stream_leave(connection);
    connection->outbox.shared_size = 0;
    connection->handlers->ending(connection);
    uv_close((uv_handle_t *)&connection->socket, on_closed);
}

void
connection_finish(struct connection *connection)
{
    if (connection->is_closing || connection->is_finishing)
        return;
    connection->is_finishing = true;
    if (connection->is_reading)
        (void)uv_read_stop((uv_stream_t *)&connection->socket);
    connection->is_reading = false;
    connection->handlers->ending(connection);
    connection_flush(connection);
}

/* ---- writing ------------------------------------------------------------------------------- */

void
connection_cut_off(struct connection *connection, enum cut_off cause)
{
    static const char *const causes[] = {"output limit", "soft output limit"};

    if (connection->is_closing)
        return;
    atomic_fetch_add(&connection->worker->server->figures.cut_off[cause], 1);
    (void)fprintf(stderr, "cut off %s (%s): %s\n", connection->address,
        connection->name[0] ? connection->name : "no name", causes[cause]);
    connection_close(connection);
}

void
connection_go_on(struct connection *connection)
{
    connection_flush(connection);
    if (connection->awaits_writes && !output_is_flooded(connection)) {
        connection->awaits_writes = false;
        run(connection);
    }
}

void
connection_flush(struct connection *connection)
{
    stream_leave(connection);
    if (connection->is_closing)
        return;
    if (connection->is_writing)
        outbox_own(&connection->outbox);
    else
        writing_begin(connection);
    if (!connection->is_closing)
        output_note(connection);
}

/* ---- reading ------------------------------------------------------------------------------- */

static void
on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_bytes)
{
    struct connection *const connection = handle->data;
    struct buffer *const input = &connection->input;
    char *const room = buffer_reserve(input, READ_SIZE);

    (void)suggested;
    *ret_bytes = uv_buf_init(room, room ? (unsigned)(input->capacity - input->end) : 0);
}

static void
on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *bytes)
{
    struct connection *const connection = stream->data;

    (void)bytes;
    if (size == UV_EOF) {
        connection_finish(connection);
    } else if (size < 0) {
        connection_close(connection);
    } else if (size > 0) {
        connection->input.end += (size_t)size;
        figure_add(&connection->worker->figures.input, size);
        run(connection);
        if (!connection->is_closing)
            idle_note(connection);
    }
}

/* Whether the next command may run. */
static bool
may_run(const struct connection *connection)
{
    return !connection->is_closing && !connection->is_finishing && !connection->awaits_room &&
           !connection->awaits_memory && !connection->awaits_writes;
}

/* Read, or leave the bytes to the socket and so to the client, as the state demands. */
static void
update_reading(struct connection *connection)
{
    uv_stream_t *const stream = (uv_stream_t *)&connection->socket;
    const bool shall_read = may_run(connection);

    if (shall_read == connection->is_reading || connection->is_closing)
        return;
    connection->is_reading = shall_read;
    if (!shall_read)
        (void)uv_read_stop(stream);
    else if (uv_read_start(stream, on_allocate, on_read) != 0)
        connection_close(connection);
}

static void
on_room(void *context)
{
    struct connection *const connection = context;

    connection->awaits_room = false;
    run(connection);
    connection_release(connection);
}

static void
await(struct connection *connection, enum command_verdict what)
{
    struct worker *const worker = connection->worker;

    figure_add(&worker->figures.waits, 1);
    if (what == COMMAND_AWAITS_MEMORY) {
        connection->awaits_memory = worker->awaits_memory = true;
        return;
    }
    if (ringbus_uv_on_writable(worker->server->bus, &worker->loop, on_room, connection) != 0) {
        connection_close(connection);
        return;
    }
    connection_hold(connection);
    connection->awaits_room = true;
}

void
connection_try_again(struct connection *connection)
{
    if (!connection->awaits_memory)
        return;
    connection->awaits_memory = false;
    run(connection);
}

static void
refuse_input(struct connection *connection)
{
    char text[128];

    (void)snprintf(text, sizeof text, "ERR Protocol error: %s", connection->parser.error);
    reply_error(connection_output(connection), text);
    connection_finish(connection);
}

/* Run the next command of the input.
 *
 * return  whether to go on */
static bool
step(struct connection *connection)
{
    struct buffer *const input = &connection->input;
    struct resp_argument *const arguments = connection->worker->arguments;
    enum command_verdict verdict = COMMAND_DONE;
    size_t count = 0;
    size_t size = 0;
    const enum resp_status status = resp_parse(&connection->parser, input->data + input->start,
        buffer_size(input), arguments, &count, &size);

    if (status == RESP_MORE)
        return false;
    if (status == RESP_ERROR) {
        refuse_input(connection);
        return false;
    }
    if (count > 0)
        verdict = connection->handlers->command(connection, arguments, count);
    if (verdict == COMMAND_AWAITS_ROOM || verdict == COMMAND_AWAITS_MEMORY) {
        await(connection, verdict);
        return false;
    }
    buffer_take(input, size);
    resp_parser_next(&connection->parser);
    figure_add(&connection->worker->figures.commands, count > 0);
    if (verdict == COMMAND_LAST)
        connection_finish(connection);
    return true;
}

/* Run what there is of commands, then write the replies at once. */
static void
run(struct connection *connection)
{
    while (may_run(connection) && buffer_size(&connection->input) > 0 && step(connection)) {
        if (!output_is_flooded(connection))
            continue;
        connection_flush(connection);
        connection->awaits_writes = output_is_flooded(connection);
    }
    connection_flush(connection);
    update_reading(connection);
}

/* ---- opening ------------------------------------------------------------------------------- */

static void
set_up_socket(struct connection *connection)
{
    const struct options *const options = &connection->worker->server->options;
    struct sockaddr_storage peer;
    int peer_size = sizeof peer;
    int size = (int)options->socket_buffer;

    (void)uv_tcp_nodelay(&connection->socket, 1);
    (void)uv_tcp_keepalive(&connection->socket, options->keepalive > 0, options->keepalive);
    if (size > 0)
        (void)uv_send_buffer_size((uv_handle_t *)&connection->socket, &size);
    memset(&peer, 0, sizeof peer);
    (void)uv_tcp_getpeername(&connection->socket, (struct sockaddr *)&peer, &peer_size);
    address_write(&peer, connection->address);
}

/* A connection in its place, with its handle; NULL: no memory. */
static struct connection *
make(struct worker *worker)
{
    struct connection *const connection = calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    connection->id = atomic_fetch_add(&worker->server->figures.accepted, 1) + 1;
    if (worker_add(worker, connection) == 0) {
        if (uv_tcp_init(&worker->loop, &connection->socket) == 0)
            return connection;
        worker_remove(worker, connection);
    }
    free(connection);
    return NULL;
}

int
connection_open(struct worker *worker, int socket, const struct connection_handlers *handlers)
{
    struct connection *const connection = make(worker);
    int status;

    if (!connection) {
        (void)close(socket);
        handlers->freed(worker);
        return UV_ENOMEM;
    }
    connection->socket.data = connection;
    connection->worker = worker;
    connection->handlers = handlers;
    connection->references = 1;
    connection->protocol = 2;
    resp_parser_init(&connection->parser, &worker->server->limits);
    status = uv_tcp_open(&connection->socket, socket);
    if (status != 0) {
        (void)close(socket);
        connection_close(connection);
        return status;
    }
    set_up_socket(connection);
    idle_note(connection);
    update_reading(connection);
    return 0;
}
