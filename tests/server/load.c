/* load.c - publishers and subscribers as threads. */
#include "server/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"

static void
receive(void *context)
{
    struct load_subscriber *const subscriber = context;

    for (uint64_t count = 1; count <= subscriber->expected; count++) {
        char *const text = client_message(subscriber->client, "load");
        char *rest;
        unsigned long publisher;

        if (!text)
            return;
        publisher = strtoul(text, &rest, 10);
        MUST(publisher < LOAD_PUBLISHERS && *rest == ':', "a message no one sent: %s", text);
        MUST(strtoull(rest + 1, NULL, 10) == subscriber->next[publisher],
            "after %llu messages of its publisher comes %s",
            (unsigned long long)subscriber->next[publisher], text);
        subscriber->next[publisher]++;
        store_u64(&subscriber->received, count, ORDER_COUNT);
    }
}

void
load_subscriber_start(struct load_subscriber *subscriber, int port, uint64_t expected)
{
    memset(subscriber, 0, sizeof *subscriber);
    subscriber->expected = expected;
    subscriber->client = client_open(port);
    CLIENT_COMMAND(subscriber->client, "SUBSCRIBE", "load");
    client_expect(subscriber->client, "*3\r\n$9\r\nsubscribe\r\n$4\r\nload\r\n:1\r\n");
    worker_start(&subscriber->thread, receive, subscriber);
}

/* Send the messages from `index` on. */
static void
send_pipeline(struct load_publisher *publisher, uint64_t index, uint64_t count)
{
    char text[LOAD_PIPELINE * 64];
    size_t used = 0;

    for (uint64_t i = index; i < index + count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used,
            "PUBLISH load %d:%llu\r\nECHO %llu\r\n", publisher->number, (unsigned long long)i,
            (unsigned long long)i);
    client_send_bytes(publisher->client, text, used);
}

/* Returns false when the server stops. */
static bool
read_replies(struct load_publisher *publisher, uint64_t index, uint64_t count)
{
    for (uint64_t i = index; i < index + count; i++) {
        const char *text = client_line(publisher->client);
        size_t size = 0;

        if (!text || strcmp(text, "-ERR the server is shutting down") == 0)
            return false;
        MUST(text[0] == ':' &&
                 (publisher->receivers < 0 || strtoll(text + 1, NULL, 10) == publisher->receivers),
            "PUBLISH answered %s", text);
        publisher->answered++;
        text = client_bulk(publisher->client, &size);
        if (!text)
            return false;
        MUST(strtoull(text, NULL, 10) == i, "ECHO %llu answered %s", (unsigned long long)i, text);
    }
    return true;
}

static void
publish(void *context)
{
    struct load_publisher *const publisher = context;
    bool goes_on = true;

    for (uint64_t index = 0; goes_on && index < publisher->count; index += LOAD_PIPELINE) {
        const uint64_t left = publisher->count - index;
        const uint64_t count = left < LOAD_PIPELINE ? left : LOAD_PIPELINE;

        send_pipeline(publisher, index, count);
        goes_on = read_replies(publisher, index, count);
    }
}

void
load_publisher_start(
    struct load_publisher *publisher, int port, int number, long long receivers, uint64_t count)
{
    memset(publisher, 0, sizeof *publisher);
    publisher->number = number;
    publisher->receivers = receivers;
    publisher->count = count;
    publisher->client = client_open(port);
    worker_start(&publisher->thread, publish, publisher);
}

void
load_subscriber_join(struct load_subscriber *subscriber)
{
    worker_join(&subscriber->thread, "a subscriber");
    client_close(subscriber->client);
}

void
load_publisher_join(struct load_publisher *publisher)
{
    worker_join(&publisher->thread, "a publisher");
    client_close(publisher->client);
}
