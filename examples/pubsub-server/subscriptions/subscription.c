/* subscription.c - a connection's subscriptions.
 *
 * I1. The lists are sorted by name; whoever is in one has an open consumer, and is counted in the server's tally.
 * I2. The bus frees a subscription through the consumer's destroy function: at once when it is ended
 *     from a command, after the handler when a handler closed the connection. */
#include "subscription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../connection.h"
#include "../limits/output.h"
#include "glob.h"

struct subscription {
    struct connection *connection;
    struct ringbus_consumer *consumer;
    enum subscription_kind kind;
    bool is_ended;
    struct heading heading; /* of every message */
    size_t name_size;
    char *name;  /* and a NUL, behind the heading's text */
    char text[]; /* the heading's: how many parts, "message" or "pmessage", the name */
};

int
channel_name(const struct resp_argument *channel, char *ret_name)
{
    if (!subscription_may_be(SUBSCRIPTION_CHANNEL, channel))
        return -1;
    memcpy(ret_name, channel->data, channel->size);
    ret_name[channel->size] = '\0';
    return 0;
}

bool
subscription_may_be(enum subscription_kind kind, const struct resp_argument *name)
{
    if (kind == SUBSCRIPTION_PATTERN)
        return name->size <= PATTERN_SIZE_MAX;
    return name->size > 0 && name->size <= CHANNEL_SIZE_MAX &&
           !memchr(name->data, '\0', name->size);
}

/* ---- on the bus ---------------------------------------------------------------------------- */

/* Whether a pattern wants a topic; the topics of acknowledgements, which are longer, are no channels. Asked by any
 * thread. */
static int
matches(const char *topic, void *context)
{
    const struct subscription *const subscription = context;
    const size_t size = strlen(topic);

    return size <= CHANNEL_SIZE_MAX &&
           glob_matches(subscription->name, subscription->name_size, topic, size);
}

/* Whether so much more keeps within the hard limit, when what was given in this pass has been written. */
static bool
has_room(struct connection *connection, size_t size)
{
    if (output_has_room(connection, size))
        return true;
    connection_flush(connection);
    return connection->is_closing || output_has_room(connection, size);
}

/* An event of the channel: a message for the client, who gets it at the end of the pass. */
static int
on_event(const struct ringbus_event *event, void *context)
{
    const struct subscription *const subscription = context;
    struct connection *const connection = subscription->connection;
    struct worker *const worker = connection->worker;
    struct stream *const stream = stream_format(worker, &subscription->heading, event);

    if (subscription->is_ended)
        return 0;
    if (!stream)
        connection_close(connection);
    else if (!has_room(connection, stream_last_size(stream)))
        connection_cut_off(connection, CUT_OFF_HARD);
    if (connection->is_closing)
        return 0;
    stream_give(stream, connection);
    figure_add(&worker->figures.delivered, 1);
    return 0;
}

/* The pass is over: one write for all messages of a connection, of whichever subscription. */
static int
on_batch_end(void *context)
{
    const struct subscription *const subscription = context;

    stream_empty_all(subscription->connection->worker);
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

static int
enter(struct ringbus_bus *bus, struct subscription *subscription)
{
    if (subscription->kind == SUBSCRIPTION_PATTERN)
        return ringbus_register_match(bus, subscription->consumer, matches, subscription);
    return ringbus_register_consumer(bus, subscription->consumer, subscription->name);
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
    outcome = enter(bus, subscription);
    if (outcome != RINGBUS_OK)
        (void)ringbus_consumer_close(subscription->consumer, RINGBUS_DISCARD);
    return outcome;
}

/* ---- of the connection --------------------------------------------------------------------- */

static int
compare(const struct subscription *subscription, const struct resp_argument *name)
{
    const size_t size = subscription->name_size < name->size ? subscription->name_size : name->size;
    const int order = memcmp(subscription->name, name->data, size);

    if (order != 0)
        return order;
    return (subscription->name_size > name->size) - (subscription->name_size < name->size);
}

/* Where the name is in the list, or would be. */
static size_t
place_of(
    const struct subscriptions *subscriptions, const struct resp_argument *name, bool *ret_found)
{
    size_t low = 0;
    size_t high = subscriptions->count;

    *ret_found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare(subscriptions->list[middle], name);

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

/* A message is an array, or a push. */
static void
mark(struct subscription *subscription)
{
    struct heading *const heading = &subscription->heading;

    subscription->text[0] = subscription->connection->protocol == 3 ? '>' : '*';
    heading->stream = stream_place(heading->text, heading->size);
}

/* Room for one more in the sorted list. */
static int
reserve(struct subscriptions *subscriptions)
{
    const size_t capacity = subscriptions->capacity ? subscriptions->capacity * 2 : 8;
    struct subscription **list;

    if (subscriptions->count < subscriptions->capacity)
        return RINGBUS_OK;
    list = realloc(subscriptions->list, capacity * sizeof(struct subscription *));
    if (!list)
        return RINGBUS_ENOMEM;
    subscriptions->list = list;
    subscriptions->capacity = capacity;
    return RINGBUS_OK;
}

static struct subscription *
make(struct connection *connection, enum subscription_kind kind, const struct resp_argument *name)
{
    static const char *const begins[] = {"*3\r\n$7\r\nmessage\r\n", "*4\r\n$8\r\npmessage\r\n"};
    const char *const begin = begins[kind];
    const size_t text_max = strlen(begin) + REPLY_HEADER_MAX + name->size + 2;
    struct subscription *const subscription =
        malloc(sizeof *subscription + text_max + name->size + 1);
    size_t written;

    if (!subscription)
        return NULL;
    subscription->connection = connection;
    subscription->consumer = NULL;
    subscription->kind = kind;
    subscription->is_ended = false;
    written = (size_t)snprintf(subscription->text, text_max, "%s$%zu\r\n", begin, name->size);
    memcpy(subscription->text + written, name->data, name->size);
    memcpy(subscription->text + written + name->size, "\r\n", 2);
    written += name->size + 2;
    subscription->heading.text = subscription->text;
    subscription->heading.size = written;
    subscription->heading.has_channel = kind == SUBSCRIPTION_PATTERN;
    mark(subscription);
    subscription->name = subscription->text + text_max;
    subscription->name_size = name->size;
    memcpy(subscription->name, name->data, name->size);
    subscription->name[name->size] = '\0';
    return subscription;
}

bool
subscription_is_full(const struct connection *connection, enum subscription_kind kind)
{
    return kind == SUBSCRIPTION_PATTERN && connection->subscriptions[kind].count >=
                                               connection->worker->server->options.max_patterns;
}

/* A new subscription on the bus and in the tally. */
static int
start(struct connection *connection, enum subscription_kind kind, const struct resp_argument *name,
    struct subscription **ret_subscription)
{
    struct tally *const tally = &connection->worker->server->tallies[kind];
    struct subscription *const subscription = make(connection, kind, name);
    int outcome;

    if (!subscription)
        return RINGBUS_ENOMEM;
    if (tally_add(tally, name->data, name->size) != 0) {
        free(subscription);
        return RINGBUS_ENOMEM;
    }
    outcome = enter_bus(subscription);
    if (outcome != RINGBUS_OK)
        tally_remove(tally, name->data, name->size);
    else
        *ret_subscription = subscription;
    return outcome;
}

int
subscription_begin(
    struct connection *connection, enum subscription_kind kind, const struct resp_argument *name)
{
    struct subscriptions *const subscriptions = &connection->subscriptions[kind];
    bool is_there;
    const size_t place = place_of(subscriptions, name, &is_there);
    struct subscription *subscription;
    struct subscription **at;
    int outcome;

    if (is_there)
        return RINGBUS_OK;
    if (subscription_is_full(connection, kind))
        return RINGBUS_ENOSPC;
    outcome = reserve(subscriptions);
    if (outcome == RINGBUS_OK)
        outcome = start(connection, kind, name, &subscription);
    if (outcome != RINGBUS_OK)
        return outcome;
    at = subscriptions->list + place;
    memmove(at + 1, at, (subscriptions->count - place) * sizeof(struct subscription *));
    *at = subscription;
    subscriptions->count++;
    return RINGBUS_OK;
}

static void
leave_bus(struct subscription *subscription)
{
    struct server *const server = subscription->connection->worker->server;

    subscription->is_ended = true;
    tally_remove(&server->tallies[subscription->kind], subscription->name, subscription->name_size);
    (void)ringbus_consumer_close(subscription->consumer, RINGBUS_DISCARD);
}

void
subscription_end(
    struct connection *connection, enum subscription_kind kind, const struct resp_argument *name)
{
    struct subscriptions *const subscriptions = &connection->subscriptions[kind];
    bool is_there;
    const size_t place = place_of(subscriptions, name, &is_there);
    struct subscription *subscription;
    struct subscription **at;

    if (!is_there)
        return;
    at = subscriptions->list + place;
    subscription = *at;
    subscriptions->count--;
    memmove(at, at + 1, (subscriptions->count - place) * sizeof(struct subscription *));
    leave_bus(subscription);
}

void
subscription_end_all(struct connection *connection)
{
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++) {
        struct subscriptions *const subscriptions = &connection->subscriptions[kind];

        while (subscriptions->count > 0)
            leave_bus(subscriptions->list[--subscriptions->count]);
    }
}

struct resp_argument
subscription_name(const struct connection *connection, enum subscription_kind kind, size_t index)
{
    const struct subscription *const subscription = connection->subscriptions[kind].list[index];
    const struct resp_argument name = {subscription->name, subscription->name_size};

    return name;
}

size_t
subscription_count(const struct connection *connection)
{
    size_t count = 0;

    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        count += connection->subscriptions[kind].count;
    return count;
}

bool
subscription_confines(const struct connection *connection)
{
    return connection->protocol == 2 && subscription_count(connection) > 0;
}

void
subscription_change_protocol(struct connection *connection)
{
    for (int kind = 0; kind < SUBSCRIPTION_KINDS; kind++)
        for (size_t i = 0; i < connection->subscriptions[kind].count; i++)
            mark(connection->subscriptions[kind].list[i]);
}
