/* stream.h - messages on their way to the clients of a loop: each is formatted once for all subscriptions that get the
 * same bytes, and stays in the stream until the pass is over, or it is full. Meanwhile a client's outbox shares what it
 * is to get, so that a whole pass is one system call for a client and no copy, if the socket takes it and it lies
 * together: headings are spread over some streams, that what one subscription gets may follow each other.
 * Thread: the worker's.
 *
 * I1. Whoever shares bytes of a stream is in the list, and has written or copied them before the stream is emptied. */
#ifndef PUBSUB_SUBSCRIPTIONS_STREAM_H
#define PUBSUB_SUBSCRIPTIONS_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "../buffer.h"

#define STREAM_COUNT 8

struct connection;
struct ringbus_event;
struct worker;

/* How a subscription's messages begin. */
struct heading {
    const char *text;
    size_t size;
    bool has_channel; /* the channel comes behind it, for a pattern */
    unsigned stream;  /* its place, the same for the same text */
};

struct stream {
    struct buffer bytes;
    int64_t sequence; /* of the last message's event */
    size_t last;      /* where that message begins, and its heading */
    size_t heading_size;
};

/* A loop's. All zero: empty. */
struct streams {
    struct stream list[STREAM_COUNT];
    size_t size;              /* bytes in all */
    struct connection *first; /* of those that have got something in this pass */
};

/* Where a heading with this text has its place. */
unsigned stream_place(const char *text, size_t size);

/* The event's message behind this heading: the last one in the stream that is returned. Before it is added to streams
 * that are full they are emptied, which may close connections.
 *
 * return  NULL for want of memory */
struct stream *stream_format(
    struct worker *worker, const struct heading *heading, const struct ringbus_event *event);

/* Bytes of the last message. */
static inline size_t
stream_last_size(const struct stream *stream)
{
    return stream->bytes.end - stream->last;
}

/* Give the last message to a connection. */
void stream_give(struct stream *stream, struct connection *connection);

/* The connection has written or copied what it shares, or is closed. */
void stream_leave(struct connection *connection);

/* Write what is there to those who share it. */
void stream_empty_all(struct worker *worker);

void stream_free_all(struct worker *worker);

#endif
