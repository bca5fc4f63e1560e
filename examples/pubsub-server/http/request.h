/* request.h - the header of an HTTP request, as much of it as a server that only shows things needs. */
#ifndef PUBSUB_HTTP_REQUEST_H
#define PUBSUB_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a header, its empty line included. */
#define REQUEST_SIZE_MAX ((size_t)8192)

struct request {
    bool is_head;     /* HEAD: the answer goes without its body */
    const char *path; /* in the request, without the query */
    size_t path_size;
    bool has_name; /* its Host is the name of some machine: neither an address nor "localhost" */
};

/* Look at the beginning of a request. What follows the header is not looked at.
 *
 * return  0: the header is not complete yet; 200, with *ret_request; else the status to answer with: 400 (this is not
 *         HTTP), 405 (neither GET nor HEAD), 431 (it will be too long), 505 (HTTP, but not HTTP/1) */
int request_parse(const char *data, size_t size, struct request *ret_request);

#endif
