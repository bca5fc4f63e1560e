/* options.h - the command line. */
#ifndef PUBSUB_OPTIONS_H
#define PUBSUB_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "http/options.h"

#define LOOPS_MAX 32

/* Bytes of a message, and of one that is to go to a journal (RECORD_MESSAGE_MAX). */
#define MESSAGE_SIZE_MAX (512 << 20)
#define MESSAGE_JOURNAL_MAX (1 << 20)

struct options {
    const char *bind;
    uint32_t port; /* 0: any that is free */
    uint32_t loops;
    uint32_t capacity;     /* events in the ring of each loop */
    uint32_t max_message;  /* bytes */
    size_t message_memory; /* bytes of long messages on their way, of all clients */
    uint32_t max_clients;
    uint32_t max_channels;  /* with subscribers, or on their way to the journal */
    uint32_t max_patterns;  /* of one client */
    uint32_t socket_buffer; /* bytes of SO_SNDBUF; 0: the system's */
    uint32_t keepalive;     /* seconds of silence before a probe; 0: none */
    uint32_t timeout;       /* seconds a client may be idle; 0: for ever */
    size_t output_limit;    /* bytes that may wait for one client */
    size_t
        output_soft; /* bytes that may wait for a subscriber longer than that; 0: no such limit */
    uint32_t output_seconds;
    const char *journal; /* a file; NULL: none */
    struct http_options http;
};

enum options_verdict { OPTIONS_GO, OPTIONS_HELP, OPTIONS_WRONG };

/* Read the command line. What is wrong is said on stderr, --help on stdout. */
enum options_verdict options_read(struct options *options, int argc, char **argv);

#endif
