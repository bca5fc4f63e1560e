/* message.h - messages on their way to the bus. Short ones are copied into the rings; a long one is copied once, into
 * memory of its own, and the bus gives that back when nobody needs it any more. What long messages occupy is bounded:
 * over the bound publishers wait, and with them their clients. */
#ifndef PUBSUB_MESSAGE_H
#define PUBSUB_MESSAGE_H

#include <uv.h>

#include "resp.h"
#include "ringbus/ringbus.h"

/* Bytes of a message that is copied into the rings. */
#define MESSAGE_COPIED_MAX 4096

/* What a post may be refused with besides the codes of the bus. */
#define MESSAGE_NO_MEMORY (-1000)

struct worker;

/* The memory of the long messages of all loops. */
struct message_memory {
    uv_mutex_t lock;
    size_t limit;           /* bytes; a message that is over it alone goes when there is no other */
    size_t used;            /* bytes */
    struct worker *waiting; /* to be woken; by worker->next_waiting */
};

void message_memory_open(struct message_memory *memory, size_t limit);

/* All messages MUST be gone, as they are when the bus is closed. */
void message_memory_close(struct message_memory *memory);

/* Bytes that are used now. Thread: any. */
size_t message_memory_used(struct message_memory *memory);

/* Post a message to a channel.
 *
 * return  like ringbus_try_post, or MESSAGE_NO_MEMORY: over the bound; the worker's `wake` is sent when it is worth
 *         another try
 * Thread  the worker's, here and below */
int message_post(struct worker *worker, const char *channel, const struct resp_argument *message);

/* Post `head_size` bytes and behind them a long message, by reference.
 *
 * return  like ringbus_topic_try_post, or as above */
int message_post_long(struct worker *worker, struct ringbus_topic *topic, const void *head,
    size_t head_size, const struct resp_argument *message);

/* The worker leaves: it is not woken any more. */
void message_forget(struct worker *worker);

#endif
