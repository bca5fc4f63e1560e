/* connection.h - one client: its socket and the bytes to and from it. Everything here runs on the
 * thread of its worker. */
#ifndef PUBSUB_CONNECTION_H
#define PUBSUB_CONNECTION_H

#include <stdbool.h>

#include "limits/due.h"
#include "outbox.h"
#include "resp.h"
#include "socket/address.h"
#include "subscriptions/subscription.h"
#include "worker.h"

enum command_verdict {
    COMMAND_DONE, /* answered: the next one, please */
    /* Run it again, and read no more until then: */
    COMMAND_AWAITS_ROOM,   /* when there is room in the bus */
    COMMAND_AWAITS_MEMORY, /* when there is memory for messages */
    COMMAND_LAST,          /* answered: write that out, then close */
};

/* What a connection calls. */
struct connection_handlers {
    enum command_verdict (*command)(
        struct connection *connection, const struct resp_argument *arguments, size_t count);
    void (*ending)(struct connection *connection); /* no more messages: end the subscriptions */
    void (*freed)(struct worker *worker);          /* it is gone, memory and all */
};

struct connection {
    uv_tcp_t socket;
    struct worker *worker;
    const struct connection_handlers *handlers;
    unsigned references; /* the socket's, one a subscription, one while it awaits room */
    long long id;
    uint32_t place; /* among the worker's connections */
    char address[ADDRESS_TEXT_MAX];
    char name[64]; /* given by CLIENT SETNAME */
    int protocol;  /* 2 or 3, by HELLO */

    struct buffer input;
    struct resp_parser parser;
    struct outbox outbox;  /* replies and messages */
    struct buffer writing; /* what `write` writes */
    uv_write_t write;

    struct connection *next_given; /* with messages of this pass: see stream.h */
    struct connection **given_at;  /* NULL: it is none of them */

    struct connection *next_acknowledged; /* see acknowledgement.c */
    bool is_acknowledged;

    bool is_reading;
    bool is_writing;
    bool awaits_room;   /* a PUBLISH was refused: input waits until the bus has room */
    bool awaits_memory; /* likewise, and the worker is woken when there is memory for messages */
    bool awaits_writes; /* its replies pile up: input waits until the client has read some */
    bool is_finishing;  /* closes when all is written */
    bool is_closing;

    struct due over; /* more waits for it than the soft limit: see limits/output.h */
    struct due idle; /* see limits/idle.h */
    uint64_t handed; /* bytes ever given to libuv to be written */
    uint64_t read;   /* of these, what the socket had taken at the last look: see limits/idle.h */

    struct subscriptions subscriptions[SUBSCRIPTION_KINDS]; /* see subscription.c */
};

/* Serve an accepted socket, which is closed if that fails.
 *
 * return  0, or libuv's code; `freed` is called in either case, later */
int connection_open(struct worker *worker, int socket, const struct connection_handlers *handlers);

/* Close it now; what was not written is lost. */
void connection_close(struct connection *connection);

/* Take no more commands, end the subscriptions, close when all is written. */
void connection_finish(struct connection *connection);

/* Close it because it does not read, count that, and say so. */
void connection_cut_off(struct connection *connection, enum cut_off cause);

/* Where the next reply or message goes. */
static inline struct buffer *
connection_output(struct connection *connection)
{
    return outbox_end(&connection->outbox);
}

/* Write what is ready. May close the connection. */
void connection_flush(struct connection *connection);

/* A promised reply was kept: write what is ready now, and go on with what waited for that. */
void connection_go_on(struct connection *connection);

/* There may be memory for the message it waits with. */
void connection_try_again(struct connection *connection);

/* Keep the memory, beyond the closing. */
void connection_hold(struct connection *connection);
void connection_release(struct connection *connection);

#endif
