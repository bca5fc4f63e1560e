/* buffer.c - bytes that are gathered at the end and taken from the front. */
#include "buffer.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_MIN ((size_t)16 * 1024)
#define CAPACITY_KEPT ((size_t)64 * 1024)

/* Move what is there into `capacity` bytes. */
static int
relocate(struct buffer *buffer, size_t capacity)
{
    const size_t used = buffer_size(buffer);
    char *const data = malloc(capacity);

    if (!data) {
        buffer->is_broken = true;
        return -1;
    }
    if (used > 0)
        memcpy(data, buffer->data + buffer->start, used);
    free(buffer->data);
    buffer->data = data;
    buffer->start = 0;
    buffer->end = used;
    buffer->capacity = capacity;
    return 0;
}

char *
buffer_make_room(struct buffer *buffer, size_t size)
{
    const size_t used = buffer_size(buffer);
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : CAPACITY_MIN;

    if (buffer->capacity - used >= size && buffer->start >= used) {
        memcpy(buffer->data, buffer->data + buffer->start, used);
        buffer->start = 0;
        buffer->end = used;
        return buffer->data + used;
    }
    while (capacity - used < size)
        capacity *= 2;
    return relocate(buffer, capacity) == 0 ? buffer->data + buffer->end : NULL;
}

void
buffer_put(struct buffer *buffer, const void *data, size_t size)
{
    char *const at = size > 0 ? buffer_reserve(buffer, size) : NULL;

    if (!at)
        return;
    memcpy(at, data, size);
    buffer->end += size;
}

void
buffer_take(struct buffer *buffer, size_t size)
{
    buffer->start += size;
    if (buffer->start < buffer->end)
        return;
    buffer->start = 0;
    buffer->end = 0;
    if (buffer->capacity > CAPACITY_KEPT) {
        free(buffer->data);
        buffer->data = NULL;
        buffer->capacity = 0;
    }
}

void
buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    memset(buffer, 0, sizeof *buffer);
}
