/* test_hiredis.c - the server with a client library nobody here wrote: 10 subscribers on 2 loops, 2 publishers, every
 * message once at each subscriber, in the order of its publisher. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_HIREDIS

#include <hiredis/hiredis.h>
#include <sys/time.h>

#include "server/server_process.h"
#include "support/support.h"

enum { SUBSCRIBERS = 10, PUBLISHERS = 2, PIPELINE = 100 };

static struct server_process server;
static uint64_t messages; /* of each publisher */

static redisContext *
open_context(void)
{
    const struct timeval patience = {.tv_sec = 60, .tv_usec = 0};
    redisContext *const context = redisConnectWithTimeout("127.0.0.1", server.port, patience);

    MUST(context && !context->err, "hiredis does not connect");
    MUST(redisSetTimeout(context, patience) == REDIS_OK, "hiredis takes no timeout");
    return context;
}

static redisReply *
next_reply(redisContext *context)
{
    void *reply = NULL;

    MUST(redisGetReply(context, &reply) == REDIS_OK, "hiredis: %s", context->errstr);
    return reply;
}

struct subscriber {
    struct worker thread;
    redisContext *context;
};

static void
subscribe(struct subscriber *subscriber)
{
    redisReply *reply;

    subscriber->context = open_context();
    reply = redisCommand(subscriber->context, "SUBSCRIBE %s", "a.b");
    MUST(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 3, "no confirmation");
    freeReplyObject(reply);
}

static void
receive(void *context)
{
    struct subscriber *const subscriber = context;
    uint64_t next[PUBLISHERS] = {0};

    for (uint64_t i = 0; i < PUBLISHERS * messages; i++) {
        redisReply *const reply = next_reply(subscriber->context);
        char *rest;
        unsigned long publisher;

        MUST(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3, "no message");
        MUST(strcmp(reply->element[0]->str, "message") == 0, "%s", reply->element[0]->str);
        MUST(strcmp(reply->element[1]->str, "a.b") == 0, "%s", reply->element[1]->str);
        publisher = strtoul(reply->element[2]->str, &rest, 10);
        MUST(publisher < PUBLISHERS && *rest == ' ', "%s", reply->element[2]->str);
        MUST(strtoull(rest, NULL, 10) == next[publisher], "out of order: %s",
            reply->element[2]->str);
        next[publisher]++;
        freeReplyObject(reply);
    }
}

struct publisher {
    struct worker thread;
    int number;
};

static void
publish(void *context)
{
    struct publisher *const publisher = context;
    redisContext *const connection = open_context();
    uint64_t index = 0;

    while (index < messages) {
        uint64_t count = 0;
        char text[32];

        for (; count < PIPELINE && index < messages; count++, index++) {
            (void)snprintf(
                text, sizeof text, "%d %llu", publisher->number, (unsigned long long)index);
            MUST(redisAppendCommand(connection, "PUBLISH %s %s", "a.b", text) == REDIS_OK,
                "hiredis: %s", connection->errstr);
        }
        for (; count > 0; count--) {
            redisReply *const reply = next_reply(connection);

            MUST(reply->type == REDIS_REPLY_INTEGER && reply->integer == SUBSCRIBERS,
                "PUBLISH answered %lld", reply->integer);
            freeReplyObject(reply);
        }
    }
    redisFree(connection);
}

START_TEST(every_message_arrives_once_at_each_in_the_order_of_its_publisher)
{
    static struct subscriber subscribers[SUBSCRIBERS];
    static struct publisher publishers[PUBLISHERS];

    messages = scaled(20000);
    SERVER_START(&server, "--loops", "2");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        subscribe(&subscribers[i]);
        worker_start(&subscribers[i].thread, receive, &subscribers[i]);
    }
    for (int i = 0; i < PUBLISHERS; i++) {
        publishers[i].number = i;
        worker_start(&publishers[i].thread, publish, &publishers[i]);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        worker_join(&publishers[i].thread, "a publisher");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        worker_join(&subscribers[i].thread, "a subscriber");
        redisFree(subscribers[i].context);
    }
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("hiredis", every_message_arrives_once_at_each_in_the_order_of_its_publisher);
}

#else

int
main(void)
{
    const char *const no_skip = getenv("RINGBUS_NO_SKIP");

    (void)puts("skipped: no hiredis when this was built");
    return no_skip && strcmp(no_skip, "1") == 0 ? 1 : 77;
}

#endif
