/* pages.h - the files of the page, as they were when the server was built (pages.cmake). */
#ifndef PUBSUB_HTTP_PAGES_H
#define PUBSUB_HTTP_PAGES_H

#include <stddef.h>

struct page {
    const char *path;
    const char *type;
    const unsigned char *data;
    size_t size;
};

extern const struct page pages[];
extern const size_t page_count;

#endif
