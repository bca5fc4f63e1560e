/* zeromq_inproc.c - ZeroMQ's publish and subscribe inside a process: a socket for each poster, one for the worker,
 * which subscribes to the topics by name. A publisher drops what is over the high-water mark unless it is told to wait,
 * as here; the mark is its usual one (300 and 4,000 are as fast, and so are messages that are written and read where
 * they are). A poster has an XPUB, which tells of the subscriptions, so that it can be seen that all are there. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "message.h"

enum { ADDRESS_SIZE = 32 };

static struct {
    void *context;
    void *posters[WORKLOAD_MAX_POSTERS], *worker;
    pthread_t thread;
    const struct workload *workload;
} net;

static void
name_address(int poster, char *ret_address)
{
    snprintf(ret_address, ADDRESS_SIZE, "inproc://poster.%d", poster);
}

static bool
set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool
open_poster(int poster)
{
    void *const socket = net.posters[poster] = zmq_socket(net.context, ZMQ_XPUB);
    char address[ADDRESS_SIZE];

    name_address(poster, address);
    return socket != NULL && set(socket, ZMQ_XPUB_NODROP, 1) && set(socket, ZMQ_LINGER, 0) &&
           set(socket, ZMQ_RCVTIMEO, MESSAGE_PATIENCE_MS) && zmq_bind(socket, address) == 0;
}

static bool
open_worker(void)
{
    void *const socket = net.worker = zmq_socket(net.context, ZMQ_SUB);
    char address[ADDRESS_SIZE];

    if (socket == NULL || !set(socket, ZMQ_RCVTIMEO, MESSAGE_PATIENCE_MS))
        return false;
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        if (zmq_setsockopt(socket, ZMQ_SUBSCRIBE, workload_topics[i], message_prefix(i)) != 0)
            return false;
    for (int i = 0; i < net.workload->posters; i++) {
        name_address(i, address);
        if (zmq_connect(socket, address) != 0)
            return false;
    }
    return true;
}

static void *
work(void *context)
{
    struct message message;

    for (uint64_t left = net.workload->events; left > 0; left--) {
        if (zmq_recv(net.worker, &message, sizeof message, 0) != (int)sizeof message) {
            fprintf(stderr, "zeromq_inproc: %s\n", zmq_strerror(zmq_errno()));
            exit(1);
        }
        message_deliver(&message, net.workload->consumers);
    }
    return context;
}

/* Each poster was told of each topic. */
static bool
await_subscriptions(void)
{
    char told[MESSAGE_TOPIC];

    for (int i = 0; i < net.workload->posters; i++)
        for (int k = 0; k < WORKLOAD_TOPICS; k++)
            if (zmq_recv(net.posters[i], told, sizeof told, 0) <= 0)
                return false;
    return true;
}

static bool
net_open(const struct workload *workload)
{
    net.workload = workload;
    net.context = zmq_ctx_new();
    for (int i = 0; i < workload->posters; i++)
        if (!open_poster(i))
            return false;
    /* a socket may go to another thread with a full barrier between: the thread's creation */
    return open_worker() && await_subscriptions() &&
           pthread_create(&net.thread, NULL, work, NULL) == 0;
}

static void
net_post(const struct workload *workload, int poster)
{
    struct message message;

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        message_set(&message, i, poster);
        (void)zmq_send(net.posters[poster], &message, sizeof message, 0);
    }
}

static void
net_close(void)
{
    pthread_join(net.thread, NULL);
    zmq_close(net.worker);
    for (int i = 0; i < net.workload->posters; i++)
        zmq_close(net.posters[i]);
    zmq_ctx_term(net.context);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"zeromq_inproc", net_open, net_post, net_close};

    return workload_main(argc, argv, &system);
}
