/* server.h - what all loops of the server share. */
#ifndef PUBSUB_SERVER_H
#define PUBSUB_SERVER_H

#include <stdatomic.h>

#include "ringbus/uv.h"

#include "journal/journal.h"
#include "message.h"
#include "options.h"
#include "resp.h"
#include "subscriptions/subscription.h"

/* Why a client that does not read was cut off. */
enum cut_off { CUT_OFF_HARD, CUT_OFF_SOFT, CUT_OFF_CAUSES };

/* What is rare: counted by any thread and read by INFO. */
struct server_figures {
    atomic_llong clients;     /* now */
    atomic_llong accepted;    /* ever */
    atomic_llong turned_away; /* over --max-clients */
    atomic_llong cut_off[CUT_OFF_CAUSES];
    atomic_llong timed_out;     /* idle for --timeout */
    atomic_llong subscriptions; /* now */
};

/* What is frequent: counted by one loop each and read by INFO. */
struct loop_figures {
    atomic_llong clients;   /* now; changed by the acceptor too */
    atomic_llong commands;  /* that were answered */
    atomic_llong published; /* PUBLISH commands the bus took */
    atomic_llong waits;     /* times a PUBLISH had to wait for room in the bus, or for memory */
    atomic_llong delivered; /* messages, to clients */
    atomic_llong input;     /* bytes, from sockets */
    atomic_llong output;    /* bytes, to sockets */
};

/* By the loop's own thread: no other writes it, so that nobody waits for the line of cache. */
static inline void
figure_add(atomic_llong *figure, long long count)
{
    atomic_store_explicit(
        figure, atomic_load_explicit(figure, memory_order_relaxed) + count, memory_order_relaxed);
}

/* The default group, which is there because a bus has one: every consumer lives in a loop's or the journal's. */
#define SERVER_UNUSED_GROUP "default"

struct worker;

struct server {
    struct options options;
    int port;               /* that it listens on */
    uint64_t started_ns;    /* by uv_hrtime */
    struct worker *workers; /* one a loop; all serve before there are clients */
    struct resp_limits limits;
    struct ringbus_bus *bus;
    struct journal *journal; /* NULL: none */
    size_t message_at;       /* what comes before the message in an event of a channel, in bytes */
    struct message_memory memory;
    struct tally tallies[SUBSCRIPTION_KINDS]; /* the subscriptions' names, of each kind */
    struct server_figures figures;
};

#endif
