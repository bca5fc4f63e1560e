/* idle.c - clients that neither say nor read anything. */
#include "idle.h"

#include <stddef.h>

#include "../subscriptions/subscription.h"

bool
idle_has_read(struct connection *connection)
{
    const uint64_t before = connection->read;

    connection->read = connection->handed -
                       uv_stream_get_write_queue_size((const uv_stream_t *)&connection->socket);
    return connection->read != before;
}

void
idle_note(struct connection *connection)
{
    if (connection->worker->server->options.timeout == 0)
        return;
    (void)idle_has_read(connection);
    due_begin(&connection->worker->idle, &connection->idle);
}

/* Whether he waits for us, and not we for him. */
static bool
is_kept_waiting(const struct connection *connection)
{
    return connection->awaits_room || connection->awaits_memory ||
           outbox_owes(&connection->outbox) || subscription_count(connection) > 0;
}

void
idle_on_due(struct due *due)
{
    struct connection *const connection =
        (struct connection *)(void *)((char *)due - offsetof(struct connection, idle));

    if (is_kept_waiting(connection) || idle_has_read(connection)) {
        idle_note(connection);
        return;
    }
    atomic_fetch_add(&connection->worker->server->figures.timed_out, 1);
    connection_close(connection);
}
