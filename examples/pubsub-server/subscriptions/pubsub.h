/* pubsub.h - PUBSUB: which subscriptions there are, of all clients. */
#ifndef PUBSUB_SUBSCRIPTIONS_PUBSUB_H
#define PUBSUB_SUBSCRIPTIONS_PUBSUB_H

#include "../connection.h"

/* PUBSUB CHANNELS [pattern], NUMSUB [channel ...], NUMPAT. arguments[0] is the command's own name. */
enum command_verdict pubsub_tell(
    struct connection *connection, const struct resp_argument *arguments, size_t count);

#endif
