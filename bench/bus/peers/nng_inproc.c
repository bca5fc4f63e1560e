/* nng_inproc.c - nng's publish and subscribe inside a process: a socket for each poster, one for the worker, which
 * subscribes to the topics by name. Messages are written and read where they are. A publisher drops what a subscriber
 * has no room for, so that the posters keep to a window of so many events that are not delivered yet: nearly as many as
 * its largest buffer has room for, fewer are slower. */
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "entry.h"
#include "message.h"

enum { ADDRESS_SIZE = 32, BUFFER = 8192, WINDOW = 7000 };

struct count {
    _Alignas(CPU_LINE) struct atomic_u64 value;
};

static struct {
    nng_socket posters[WORKLOAD_MAX_POSTERS], worker;
    pthread_t thread;
    const struct workload *workload;
    sem_t connected;
    struct count posted, delivered;
} net;

static bool
is_good(int code)
{
    if (code != 0)
        fprintf(stderr, "nng_inproc: %s\n", nng_strerror(code));
    return code == 0;
}

static void
name_address(int poster, char *ret_address)
{
    snprintf(ret_address, ADDRESS_SIZE, "inproc://poster.%d", poster);
}

static void
tell_connected(nng_pipe pipe, nng_pipe_ev event, void *context)
{
    (void)pipe;
    (void)event;
    sem_post(context);
}

static bool
open_poster(int poster)
{
    nng_socket *const socket = &net.posters[poster];
    char address[ADDRESS_SIZE];

    name_address(poster, address);
    return is_good(nng_pub0_open(socket)) &&
           is_good(nng_socket_set_int(*socket, NNG_OPT_SENDBUF, BUFFER)) &&
           is_good(
               nng_pipe_notify(*socket, NNG_PIPE_EV_ADD_POST, tell_connected, &net.connected)) &&
           is_good(nng_listen(*socket, address, NULL, 0));
}

static bool
open_worker(void)
{
    nng_socket *const socket = &net.worker;
    char address[ADDRESS_SIZE];

    if (!is_good(nng_sub0_open(socket)) ||
        !is_good(nng_socket_set_int(*socket, NNG_OPT_RECVBUF, BUFFER)) ||
        !is_good(nng_socket_set_ms(*socket, NNG_OPT_RECVTIMEO, MESSAGE_PATIENCE_MS)))
        return false;
    for (int i = 0; i < WORKLOAD_TOPICS; i++)
        if (!is_good(nng_socket_set(
                *socket, NNG_OPT_SUB_SUBSCRIBE, workload_topics[i], message_prefix(i))))
            return false;
    for (int i = 0; i < net.workload->posters; i++) {
        name_address(i, address);
        if (!is_good(nng_dial(*socket, address, NULL, 0)))
            return false;
    }
    return true;
}

static void *
work(void *context)
{
    nng_msg *message = NULL;

    for (uint64_t left = net.workload->events; left > 0; left--) {
        if (!is_good(nng_recvmsg(net.worker, &message, 0)))
            exit(1);
        message_deliver(nng_msg_body(message), net.workload->consumers);
        nng_msg_free(message);
        count_u64(&net.delivered.value, 1);
    }
    return context;
}

static bool
net_open(const struct workload *workload)
{
    memset(&net, 0, sizeof net);
    net.workload = workload;
    if (sem_init(&net.connected, 0, 0) != 0)
        return false;
    for (int i = 0; i < workload->posters; i++)
        if (!open_poster(i))
            return false;
    if (!open_worker())
        return false;
    for (int i = 0; i < workload->posters; i++)
        while (sem_wait(&net.connected) != 0)
            ;
    return pthread_create(&net.thread, NULL, work, NULL) == 0;
}

static void
wait_for_window(void)
{
    const uint64_t mine = add_u64(&net.posted.value, 1, ORDER_COUNT) + 1;
    unsigned looks = 0;

    while (mine > load_u64(&net.delivered.value, ORDER_COUNT) + WINDOW)
        entry_idle(&looks);
}

static void
net_post(const struct workload *workload, int poster)
{
    nng_msg *message = NULL;

    for (uint64_t i = 0; i < workload->per_poster; i++) {
        if (!is_good(nng_msg_alloc(&message, sizeof(struct message))))
            exit(1);
        message_set(nng_msg_body(message), i, poster);
        wait_for_window();
        (void)nng_sendmsg(net.posters[poster], message, 0);
    }
}

static void
net_close(void)
{
    pthread_join(net.thread, NULL);
    nng_close(net.worker);
    for (int i = 0; i < net.workload->posters; i++)
        nng_close(net.posters[i]);
    sem_destroy(&net.connected);
}

int
main(int argc, char **argv)
{
    static const struct bus_system system = {"nng_inproc", net_open, net_post, net_close};

    return workload_main(argc, argv, &system);
}
