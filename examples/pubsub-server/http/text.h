/* text.h - text that is gathered once and written to many. Of one thread. */
#ifndef PUBSUB_HTTP_TEXT_H
#define PUBSUB_HTTP_TEXT_H

#include "../buffer.h"

struct text {
    unsigned references;
    struct buffer bytes; /* broken: memory was refused */
};

/* An empty one, with one reference; NULL for want of memory. */
struct text *text_open(void);

void text_hold(struct text *text);
void text_release(struct text *text);

void text_put(struct text *text, const char *bytes);

/* What printf would write, at most 511 bytes of it. */
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of the UTF-8 character that begins at `at`, a part of a C string; 0: none does. */
size_t text_character(const char *at);

#endif
