/* message.h - what ZeroMQ's and nng's side share: a message is the topic's name and the event, a worker takes them
 * from its socket and calls the consumers. One worker: with a second one, for half of the topics, two cores get through
 * less. */
#ifndef RINGBUS_BENCH_PEERS_MESSAGE_H
#define RINGBUS_BENCH_PEERS_MESSAGE_H

#include <string.h>

#include "workload.h"

enum { MESSAGE_TOPIC = 16, MESSAGE_PATIENCE_MS = 5000 };

struct message {
    char topic[MESSAGE_TOPIC]; /* ends with a 0 */
    struct workload_event event;
};

/* The bytes to subscribe to: with the 0, or topic.1 would be topic.10 too. */
static inline size_t
message_prefix(int topic)
{
    return strlen(workload_topics[topic]) + 1;
}

static inline void
message_set(struct message *message, uint64_t number, int poster)
{
    strcpy(message->topic, workload_topics[number % WORKLOAD_TOPICS]);
    message->event = (struct workload_event){.number = number, .rest = {(uint64_t)poster}};
}

static inline void
message_deliver(const struct message *message, int consumers)
{
    int topic = 0;

    for (const char *at = message->topic + strlen("topic."); *at != '\0'; at++)
        topic = topic * 10 + (*at - '0');
    for (int k = 0; k < consumers; k++)
        workload_deliver(&workload_consumers[topic][k], &message->event);
}

#endif
