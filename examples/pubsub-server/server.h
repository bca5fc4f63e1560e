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

/* Each figure is counted by any loop and read by INFO. */
struct server_figures {
    atomic_llong clients;       /* now */
    atomic_llong accepted;      /* ever */
    atomic_llong turned_away;   /* over --max-clients */
    atomic_llong cut_off;       /* did not read fast enough */
    atomic_llong subscriptions; /* now */
    atomic_llong publishes;     /* commands the bus took */
    atomic_llong waits;         /* times a PUBLISH had to wait for room in the bus */
};

struct server {
    struct options options;
    struct resp_limits limits;
    struct ringbus_bus *bus;
    struct journal *journal; /* NULL: none */
    size_t message_at;       /* what comes before the message in an event of a channel, in bytes */
    struct message_memory memory;
    struct tally tallies[SUBSCRIPTION_KINDS]; /* the subscriptions' names, of each kind */
    struct server_figures figures;
};

#endif
