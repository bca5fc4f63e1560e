/* output.c - how much may wait for a client that does not read. */
#include "output.h"

#include <stddef.h>

#include "../subscriptions/subscription.h"

static size_t
outstanding(const struct connection *connection)
{
    const uv_stream_t *const stream = (const uv_stream_t *)&connection->socket;

    return outbox_size(&connection->outbox) +
           (connection->is_writing ? uv_stream_get_write_queue_size(stream) : 0);
}

bool
output_has_room(const struct connection *connection, size_t size)
{
    return outstanding(connection) + size <= connection->worker->server->options.output_limit;
}

bool
output_is_flooded(const struct connection *connection)
{
    return outstanding(connection) > connection->worker->server->options.output_limit / 2;
}

/* Whether this is a subscriber for whom more than the soft limit waits. */
static bool
is_over(const struct connection *connection)
{
    const size_t limit = connection->worker->server->options.output_soft;

    return limit > 0 && outstanding(connection) > limit && subscription_count(connection) > 0;
}

void
output_note(struct connection *connection)
{
    if (!is_over(connection))
        due_end(&connection->over);
    else if (!due_waits(&connection->over))
        due_begin(&connection->worker->over, &connection->over);
}

void
output_on_due(struct due *due)
{
    struct connection *const connection =
        (struct connection *)(void *)((char *)due - offsetof(struct connection, over));

    /* What is being written may have become less since the last look. */
    if (is_over(connection))
        connection_cut_off(connection, CUT_OFF_SOFT);
}
