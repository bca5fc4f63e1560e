/* exchange.h - one connection to the HTTP port: a request, an answer, the end. Or no end: a viewer gets event after
 * event. */
#ifndef PUBSUB_HTTP_EXCHANGE_H
#define PUBSUB_HTTP_EXCHANGE_H

#include <uv.h>

#include "request.h"
#include "text.h"

struct exchange;

/* What the exchanges of a loop share. */
struct exchanges {
    uv_loop_t *loop;
    uint64_t patience_ms;
    void (*on_request)(struct exchange *exchange, const struct request *request);
    void (*on_gone)(struct exchange *exchange); /* it is not in the list any more */
    void *context;

    struct exchange *first; /* by next */
    size_t count;
    uv_timer_t patience; /* runs while there are any */
};

/* What is sent. The bytes are static, or a text's. */
struct answer {
    int status;
    const char *type; /* of the content */
    const char *data;
    size_t size;
    struct text *text; /* NULL: static bytes */
};

struct exchange {
    uv_tcp_t socket;
    struct exchanges *all;
    struct exchange *next;
    enum {
        EXCHANGE_READS,   /* the request */
        EXCHANGE_WRITES,  /* the answer */
        EXCHANGE_WATCHES, /* it is a viewer */
        EXCHANGE_LINGERS, /* all is written; the other side closes first, or what it sent meanwhile might make the
                             system throw away what it has not read yet */
        EXCHANGE_CLOSES
    } state;
    uint64_t deadline_ms; /* of the loop's clock; 0: none */

    size_t received;
    char header[REQUEST_SIZE_MAX];
    bool is_head;

    bool is_viewer;
    bool has_ended; /* the other side has, and awaits the answer */
    bool is_writing;
    uv_write_t write;
    char answer[768]; /* its header */
    struct text *text;
    uv_shutdown_t shutdown;
};

void exchanges_open(struct exchanges *all);

/* Close them all at once, and the timer; the memory is needed until the loop has ended. */
void exchanges_close(struct exchanges *all);

/* Take the connection that the listener has. */
void exchange_accept(struct exchanges *all, uv_stream_t *listener);

/* Answer the request. Its reference to a text passes over. */
void exchange_answer(struct exchange *exchange, const struct answer *answer);

/* An answer that names its status and nothing else. */
void exchange_refuse(struct exchange *exchange, int status);

/* Answer the request with this event, or NULL, and with others from now on. The text is held as long as needed, here
 * and below. */
void exchange_watch(struct exchange *exchange, struct text *event);

/* Write to a viewer, unless it has not read what it got before: then it does without, and who does not read at all is
 * dropped in time. */
void exchange_write(struct exchange *exchange, struct text *event);

void exchange_close(struct exchange *exchange);

#endif
