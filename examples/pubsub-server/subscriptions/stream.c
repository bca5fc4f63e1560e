/* stream.c - messages on their way to the clients of a loop. */
#include "stream.h"

#include <string.h>

#include "../connection.h"

/* As much as a buffer keeps, and as stays in the cache while it is written to one client after the other. */
#define STREAMS_SIZE ((size_t)64 * 1024)

unsigned
stream_place(const char *text, size_t size)
{
    unsigned hash = 0;

    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + (unsigned char)text[i];
    return (hash ^ hash >> 16) % STREAM_COUNT;
}

void
stream_leave(struct connection *connection)
{
    struct connection *const next = connection->next_given;

    if (!connection->given_at)
        return;
    *connection->given_at = next;
    if (next)
        next->given_at = connection->given_at;
    connection->given_at = NULL;
}

static void
enter(struct streams *streams, struct connection *connection)
{
    if (connection->given_at)
        return;
    connection->next_given = streams->first;
    connection->given_at = &streams->first;
    if (streams->first)
        streams->first->given_at = &connection->next_given;
    streams->first = connection;
}

void
stream_give(struct stream *stream, struct connection *connection)
{
    outbox_share(&connection->outbox, &stream->bytes, stream->last, stream_last_size(stream));
    enter(&connection->worker->streams, connection);
}

void
stream_empty_all(struct worker *worker)
{
    struct streams *const streams = &worker->streams;

    while (streams->first)
        connection_flush(streams->first);
    if (streams->size == 0)
        return;
    for (size_t i = 0; i < STREAM_COUNT; i++)
        buffer_take(&streams->list[i].bytes, buffer_size(&streams->list[i].bytes));
    streams->size = 0;
}

void
stream_free_all(struct worker *worker)
{
    for (size_t i = 0; i < STREAM_COUNT; i++)
        buffer_free(&worker->streams.list[i].bytes);
}

static bool
is_last(const struct stream *stream, const struct heading *heading, int64_t sequence)
{
    return stream->sequence == sequence && buffer_size(&stream->bytes) > 0 &&
           stream->heading_size == heading->size &&
           memcmp(stream->bytes.data + stream->last, heading->text, heading->size) == 0;
}

/* Add the event's message to a stream; the first of its subscriptions does. */
static __attribute__((noinline)) struct stream *
add(struct worker *worker, struct stream *stream, const struct heading *heading,
    const struct ringbus_event *event)
{
    struct streams *const streams = &worker->streams;
    struct buffer *const bytes = &stream->bytes;
    const size_t message_at = worker->server->message_at;
    const size_t size = event->size - message_at;
    const size_t channel_size = heading->has_channel ? strlen(event->topic) : 0;
    const size_t most = heading->size + channel_size + size + 2 * (REPLY_HEADER_MAX + 2);

    if (streams->size + most > STREAMS_SIZE)
        stream_empty_all(worker);
    if (!buffer_reserve(bytes, most)) {
        bytes->is_broken = false; /* nothing is missing in it */
        return NULL;
    }
    stream->sequence = event->sequence;
    stream->last = bytes->end;
    stream->heading_size = heading->size;
    buffer_put(bytes, heading->text, heading->size);
    if (heading->has_channel)
        reply_bulk(bytes, event->topic, channel_size);
    reply_bulk(bytes, size > 0 ? (const char *)event->data + message_at : NULL, size);
    streams->size += stream_last_size(stream);
    return stream;
}

struct stream *
stream_format(
    struct worker *worker, const struct heading *heading, const struct ringbus_event *event)
{
    struct stream *const stream = &worker->streams.list[heading->stream];

    return is_last(stream, heading, event->sequence) ? stream : add(worker, stream, heading, event);
}
