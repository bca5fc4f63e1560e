/* writing.c - the bytes of a connection's outbox go to its socket. */
#include "writing.h"

#include "../connection.h"

/* The socket took so many bytes, or will as it can. */
static void
note_handed(struct connection *connection, size_t size)
{
    figure_add(&connection->worker->figures.output, (long long)size);
    connection->handed += size;
}

static void
on_written(uv_write_t *write, int status)
{
    struct connection *const connection = write->data;

    connection->is_writing = false;
    buffer_take(&connection->writing, buffer_size(&connection->writing));
    if (connection->is_closing)
        return;
    if (status != 0) {
        connection_close(connection);
        return;
    }
    connection_go_on(connection);
}

/* Hand to libuv what the socket did not take at once. */
static void
write_rest(struct connection *connection)
{
    const struct buffer rest = connection->outbox.ready;
    uv_buf_t bytes;
    int status;

    connection->outbox.ready = connection->writing;
    connection->writing = rest;
    bytes = uv_buf_init(rest.data + rest.start, (unsigned)buffer_size(&rest));
    connection->write.data = connection;
    status =
        uv_write(&connection->write, (uv_stream_t *)&connection->socket, &bytes, 1, on_written);
    if (status == 0) {
        note_handed(connection, buffer_size(&rest));
        connection->is_writing = true;
    } else {
        connection_close(connection);
    }
}

/* What the socket takes at once of both parts of the outbox.
 *
 * return  how many bytes, or libuv's code */
static int
try_write(struct connection *connection)
{
    const struct outbox *const outbox = &connection->outbox;
    uv_buf_t parts[2];
    unsigned count = 0;
    int taken;

    if (buffer_size(&outbox->ready) > 0)
        parts[count++] = uv_buf_init(
            outbox->ready.data + outbox->ready.start, (unsigned)buffer_size(&outbox->ready));
    if (outbox->shared_size > 0)
        parts[count++] =
            uv_buf_init(outbox->shared->data + outbox->shared_at, (unsigned)outbox->shared_size);
    taken = count > 0 ? uv_try_write((uv_stream_t *)&connection->socket, parts, count) : 0;
    return taken == UV_EAGAIN ? 0 : taken;
}

void
writing_begin(struct connection *connection)
{
    struct outbox *const outbox = &connection->outbox;
    int taken;

    if (outbox_is_broken(outbox)) {
        connection_close(connection);
        return;
    }
    taken = try_write(connection);
    if (taken < 0) {
        connection_close(connection);
        return;
    }
    note_handed(connection, (size_t)taken);
    outbox_take(outbox, (size_t)taken);
    outbox_own(outbox);
    if (outbox_is_broken(outbox))
        connection_close(connection);
    else if (buffer_size(&outbox->ready) > 0)
        write_rest(connection);
    else if (connection->is_finishing && !outbox_owes(outbox))
        connection_close(connection);
}
