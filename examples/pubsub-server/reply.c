/* reply.c - replies of the Redis protocol. */
#include "reply.h"

#include <stdio.h>
#include <string.h>

#include "ringbus/error.h"

size_t
reply_header(char *text, char kind, unsigned long long value)
{
    char digits[REPLY_HEADER_MAX];
    size_t count = 0;
    size_t size = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    text[size++] = kind;
    while (count > 0)
        text[size++] = digits[--count];
    text[size++] = '\r';
    text[size++] = '\n';
    return size;
}

static void
put_header(struct buffer *buffer, char kind, unsigned long long value)
{
    char *const at = buffer_reserve(buffer, REPLY_HEADER_MAX);

    if (at)
        buffer->end += reply_header(at, kind, value);
}

static void
put_line(struct buffer *buffer, char kind, const char *text)
{
    buffer_put(buffer, &kind, 1);
    buffer_put(buffer, text, strlen(text));
    buffer_put(buffer, "\r\n", 2);
}

void
reply_status(struct buffer *buffer, const char *text)
{
    put_line(buffer, '+', text);
}

void
reply_error(struct buffer *buffer, const char *text)
{
    put_line(buffer, '-', text);
}

void
reply_refusal(struct buffer *buffer, int outcome)
{
    char text[128];

    if (outcome == RINGBUS_ESHUTDOWN)
        (void)snprintf(text, sizeof text, "ERR the server is shutting down");
    else
        (void)snprintf(text, sizeof text, "ERR %s", ringbus_error_text(outcome));
    reply_error(buffer, text);
}

void
reply_integer(struct buffer *buffer, long long value)
{
    put_header(buffer, ':', (unsigned long long)value);
}

void
reply_array(struct buffer *buffer, size_t count)
{
    put_header(buffer, '*', count);
}

void
reply_map(struct buffer *buffer, int protocol, size_t count)
{
    put_header(buffer, protocol == 3 ? '%' : '*', protocol == 3 ? count : 2 * count);
}

void
reply_push(struct buffer *buffer, int protocol, size_t count)
{
    put_header(buffer, protocol == 3 ? '>' : '*', count);
}

void
reply_bulk(struct buffer *buffer, const void *data, size_t size)
{
    put_header(buffer, '$', size);
    buffer_put(buffer, data, size);
    buffer_put(buffer, "\r\n", 2);
}

void
reply_text(struct buffer *buffer, const char *text)
{
    reply_bulk(buffer, text, strlen(text));
}

void
reply_null(struct buffer *buffer, int protocol)
{
    put_line(buffer, protocol == 3 ? '_' : '$', protocol == 3 ? "" : "-1");
}
