/* worker.h - a loop thread: its libuv loop, its loop group on the bus, its connections. */
#ifndef PUBSUB_WORKER_H
#define PUBSUB_WORKER_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>

#include "limits/due.h"
#include "server.h"
#include "subscriptions/stream.h"

/* How a loop is called, by its number from 1. */
#define LOOP_NAME "loop-%" PRIu32

struct connection;

struct worker {
    struct server *server;
    uv_thread_t thread;
    uv_sem_t started; /* posted by the thread when it serves, or has failed to */
    const char
        *failure; /* NULL, or what went wrong; the thread's own between `started` and its end */

    /* the thread's own */
    uv_loop_t loop;
    uint32_t number; /* from 0 */
    struct ringbus_group *group;
    struct connection **connections; /* by place; NULL: a place that is free */
    uint32_t place_count;
    uint32_t connection_count;
    uint32_t first_free;             /* no place before it is free */
    struct connection *acknowledged; /* of this pass */
    struct resp_argument *arguments; /* of the command that runs now */
    uv_timer_t patience;             /* with clients that do not read, when it stops */
    unsigned patience_used;          /* how often it has run out */
    struct due_list over;            /* connections over the soft limit */
    struct due_list idle;            /* connections, if there is a --timeout */
    struct streams streams;          /* what goes to its subscribers in this pass */
    bool awaits_memory;              /* one of its connections does: see message.c */
    bool is_stopping;

    struct loop_figures figures; /* read by any thread */

    /* how other threads reach it: under the lock, then `wake` */
    uv_async_t wake;
    uv_mutex_t lock;
    int *sockets; /* accepted, not yet fetched */
    size_t socket_count;
    size_t socket_capacity;
    bool shall_stop;

    /* guarded by the memory's lock */
    struct worker *next_waiting;
    bool is_waiting;
};

/* The sum of a figure over all loops. Thread: any. */
#define LOOPS_SUM(server, figure) worker_sum(server, offsetof(struct loop_figures, figure))
long long worker_sum(const struct server *server, size_t at);

/* Start the thread and wait until it serves.
 *
 * return  NULL, or what went wrong; then there is nothing to stop */
const char *worker_start(struct worker *worker, struct server *server, uint32_t number);

/* Give the worker an accepted socket. Thread: the acceptor's.
 *
 * return  0, or -1 for want of memory: the socket stays with the caller */
int worker_hand_over(struct worker *worker, int socket);

/* Let it write out what its clients are owed, close them and leave the bus, which must have shut down. */
void worker_stop(struct worker *worker);

/* Wait for the end of its thread, which was told to stop.
 *
 * return  NULL, or what went wrong */
const char *worker_join(struct worker *worker);

/* Give a connection, which has its id, a place among the worker's. Thread: the worker's, here and below.
 *
 * return  0, or -1 for want of memory */
int worker_add(struct worker *worker, struct connection *connection);
void worker_remove(struct worker *worker, const struct connection *connection);

/* The connection with this id, which was given this place; NULL: it is gone. */
struct connection *worker_find(const struct worker *worker, uint32_t place, long long id);

#endif
