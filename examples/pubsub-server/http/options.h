/* options.h - what the server is told about its HTTP port. */
#ifndef PUBSUB_HTTP_OPTIONS_H
#define PUBSUB_HTTP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_options {
    bool is_on;
    char address[64];         /* an IPv4 or IPv6 address */
    uint32_t port;            /* 0: any that is free */
    uint32_t names_max;       /* topics, and consumers, that /metrics names */
    uint32_t connections_max; /* at once; three quarters of them may watch the page */
    uint32_t patience_ms;     /* with who does not send its request, or does not read */
    uint32_t interval_ms;     /* between two looks at the bus while somebody watches */
};

#define HTTP_LOOPBACK "127.0.0.1"

#define HTTP_OPTIONS_DEFAULT                                                                       \
    {                                                                                              \
        .address = HTTP_LOOPBACK, .names_max = 100, .connections_max = 64, .patience_ms = 10000,   \
        .interval_ms = 1000                                                                        \
    }

/* Read "off", "PORT" or "ADDRESS:PORT", an IPv6 address in brackets.
 *
 * return  0, or -1: it is none of these, and nothing is changed */
int http_options_read(struct http_options *options, const char *text);

#endif
