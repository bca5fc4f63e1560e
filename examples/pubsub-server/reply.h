/* reply.h - replies of the Redis protocol (RESP2), appended to a buffer. */
#ifndef PUBSUB_REPLY_H
#define PUBSUB_REPLY_H

#include <stddef.h>

#include "buffer.h"

/* Bytes of a header ("*<n>\r\n", "$<n>\r\n", ":<n>\r\n") at most. */
#define REPLY_HEADER_MAX ((size_t)24)

/* Write such a header. Returns its bytes, of which there MUST be room for REPLY_HEADER_MAX. */
size_t reply_header(char *text, char kind, unsigned long long value);

/* "+<text>\r\n" and "-<text>\r\n". The text must be one line. */
void reply_status(struct buffer *buffer, const char *text);
void reply_error(struct buffer *buffer, const char *text);

/* What the bus refused with, as an error. */
void reply_refusal(struct buffer *buffer, int outcome);

/* value  0.. */
void reply_integer(struct buffer *buffer, long long value);

/* The beginning of an array: the next `count` replies are its elements. */
void reply_array(struct buffer *buffer, size_t count);

void reply_bulk(struct buffer *buffer, const void *data, size_t size);
void reply_text(struct buffer *buffer, const char *text);

/* The null bulk string, "$-1\r\n". */
void reply_null(struct buffer *buffer);

#endif
