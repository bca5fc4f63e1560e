/* buffer.h - bytes that are gathered at the end and taken from the front. */
#ifndef PUBSUB_BUFFER_H
#define PUBSUB_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: empty. The bytes are data[start] .. data[end - 1]; `capacity` are allocated. */
struct buffer {
    char *data;
    size_t start;
    size_t end;
    size_t capacity;
    bool is_broken; /* memory was refused: something that should be here is not */
};

static inline size_t
buffer_size(const struct buffer *buffer)
{
    return buffer->end - buffer->start;
}

/* Move, or allocate: see buffer_reserve. */
char *buffer_make_room(struct buffer *buffer, size_t size);

/* Make room for `size` bytes behind `end`.
 *
 * return  where they go, or NULL for want of memory: then the buffer is broken */
static inline char *
buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->end >= size)
        return buffer->data + buffer->end;
    return buffer_make_room(buffer, size);
}

/* Append bytes. */
void buffer_put(struct buffer *buffer, const void *data, size_t size);

/* Take `size` bytes from the front. A buffer that is empty then gives much memory back. */
void buffer_take(struct buffer *buffer, size_t size);

void buffer_free(struct buffer *buffer);

#endif
