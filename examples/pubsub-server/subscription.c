/* subscription.c - a connection's subscriptions.
 *
 * I1. connection->subscriptions is sorted by channel; whoever is in it has an open consumer.
 * I2. The bus frees a subscription through the consumer's destroy function: at once when it is ended
 *     from a command, after the handler when a handler closed the connection. */
#include "subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "reply.h"

struct subscription {
    struct connection *connection;
    struct ringbus_consumer *consumer;
    bool is_ended;
    size_t header_size;
    char *channel; /* a C string, behind the header */
    char header[]; /* of every message: array of 3, "message", the channel */
};

int
channel_name(const struct resp_argument *channel, char *ret_name)
{
    if (channel->size == 0 || channel->size > CHANNEL_SIZE_MAX ||
        memchr(channel->data, '\0', channel->size))
        return -1;
    memcpy(ret_name, channel->data, channel->size);
    ret_name[channel->size] = '\0';
    return 0;
}

/* ---- on the bus ---------------------------------------------------------------------------- */

/* An event of the channel: a message for the client, gathered until the end of the pass. */
static int
on_event(const struct ringbus_event *event, void *context)
{
    struct subscription *const subscription = context;
    struct connection *const connection = subscription->connection;
    struct buffer *const output = connection_output(connection);
    const size_t message_at = connection->worker->server->message_at;
    const size_t size = event->size - message_at;

    if (subscription->is_ended)
        return 0;
    if (!connection_has_room(connection, subscription->header_size + REPLY_HEADER_MAX + size + 2)) {
        connection_cut_off(connection);
        return 0;
    }
    buffer_put(output, subscription->header, subscription->header_size);
    reply_bulk(output, size > 0 ? (const char *)event->data + message_at : NULL, size);
    return 0;
}

/* The pass is over: one write for all its messages, of whichever subscription. */
static int
on_batch_end(void *context)
{
    struct subscription *const subscription = context;

    connection_flush(subscription->connection);
    return 0;
}

static void
on_destroy(void *context)
{
    struct subscription *const subscription = context;

    atomic_fetch_sub(&subscription->connection->worker->server->figures.subscriptions, 1);
    connection_release(subscription->connection);
    free(subscription);
}

/* ---- of the connection --------------------------------------------------------------------- */

/* Where the channel is among the connection's subscriptions, or would be. */
static size_t
place_of(const struct connection *connection, const char *channel, bool *ret_found)
{
    size_t low = 0;
    size_t high = connection->subscription_count;

    *ret_found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(connection->subscriptions[middle]->channel, channel);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room for one more in the sorted list. */
static int
reserve(struct connection *connection)
{
    const size_t capacity =
        connection->subscription_capacity ? connection->subscription_capacity * 2 : 8;
    struct subscription **list;

    if (connection->subscription_count < connection->subscription_capacity)
        return RINGBUS_OK;
    list = realloc(connection->subscriptions, capacity * sizeof(struct subscription *));
    if (!list)
        return RINGBUS_ENOMEM;
    connection->subscriptions = list;
    connection->subscription_capacity = capacity;
    return RINGBUS_OK;
}

static struct subscription *
make(struct connection *connection, const char *channel)
{
    static const char begin[] = "*3\r\n$7\r\nmessage\r\n";
    const size_t size = strlen(channel);
    const size_t header_max = sizeof begin + REPLY_HEADER_MAX + size + 2;
    struct subscription *const subscription = malloc(sizeof *subscription + header_max + size + 1);
    int written;

    if (!subscription)
        return NULL;
    subscription->connection = connection;
    subscription->consumer = NULL;
    subscription->is_ended = false;
    written = snprintf(subscription->header, header_max, "%s$%zu\r\n%s\r\n", begin, size, channel);
    subscription->header_size = (size_t)written;
    subscription->channel = subscription->header + header_max;
    memcpy(subscription->channel, channel, size + 1);
    return subscription;
}

/* Open its consumer and register it; on failure the subscription is freed. */
static int
enter_bus(struct subscription *subscription)
{
    struct connection *const connection = subscription->connection;
    struct ringbus_bus *const bus = connection->worker->server->bus;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    char name[64];
    int outcome;

    (void)snprintf(name, sizeof name, "client-%lld", connection->id);
    options.group = connection->worker->group;
    options.name = name;
    options.batch_end = on_batch_end;
    options.destroy = on_destroy;
    outcome = ringbus_consumer_open(bus, on_event, subscription, &options, &subscription->consumer);
    if (outcome != RINGBUS_OK) {
        free(subscription);
        return outcome;
    }
    connection_hold(connection);
    atomic_fetch_add(&connection->worker->server->figures.subscriptions, 1);
    outcome = ringbus_register_consumer(bus, subscription->consumer, subscription->channel);
    if (outcome != RINGBUS_OK)
        (void)ringbus_consumer_close(subscription->consumer, RINGBUS_DISCARD);
    return outcome;
}

int
subscription_begin(struct connection *connection, const char *channel)
{
    bool is_there;
    const size_t place = place_of(connection, channel, &is_there);
    struct subscription *subscription;
    struct subscription **at;
    int outcome;

    if (is_there)
        return RINGBUS_OK;
    outcome = reserve(connection);
    if (outcome != RINGBUS_OK)
        return outcome;
    subscription = make(connection, channel);
    if (!subscription)
        return RINGBUS_ENOMEM;
    outcome = enter_bus(subscription);
    if (outcome != RINGBUS_OK)
        return outcome;
    at = connection->subscriptions + place;
    memmove(at + 1, at, (connection->subscription_count - place) * sizeof(struct subscription *));
    *at = subscription;
    connection->subscription_count++;
    return RINGBUS_OK;
}

static void
leave_bus(struct subscription *subscription)
{
    subscription->is_ended = true;
    (void)ringbus_consumer_close(subscription->consumer, RINGBUS_DISCARD);
}

void
subscription_end(struct connection *connection, const char *channel)
{
    bool is_there;
    const size_t place = place_of(connection, channel, &is_there);
    struct subscription *subscription;
    struct subscription **at;

    if (!is_there)
        return;
    at = connection->subscriptions + place;
    subscription = *at;
    connection->subscription_count--;
    memmove(at, at + 1, (connection->subscription_count - place) * sizeof(struct subscription *));
    leave_bus(subscription);
}

void
subscription_end_all(struct connection *connection)
{
    while (connection->subscription_count > 0)
        leave_bus(connection->subscriptions[--connection->subscription_count]);
}

const char *
subscription_channel(const struct connection *connection, size_t index)
{
    return connection->subscriptions[index]->channel;
}
