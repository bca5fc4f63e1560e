/* test_protocol.c - version 3 of the protocol, which clients ask for with HELLO 3. The same bytes must come from a
 * redis-server, where there is one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "server/subscriptions/redis_process.h"
#include "support/support.h"

static struct server_process server;

/* What comes is what is told about the server, up to its modules, of which there are none. */
static void
say_hello(struct client *client, const char *version, const char *header)
{
    CLIENT_COMMAND(client, "HELLO", version);
    client_expect(client, header);
    while (strcmp(client_line(client), "modules") != 0)
        ;
    client_expect(client, "*0\r\n");
}

static void
check_subscriptions(struct client *subscriber, struct client *publisher)
{
    CLIENT_COMMAND(subscriber, "UNSUBSCRIBE");
    client_expect(subscriber, ">3\r\n$11\r\nunsubscribe\r\n_\r\n:0\r\n");
    CLIENT_COMMAND(subscriber, "SUBSCRIBE", "news");
    client_expect(subscriber, ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    CLIENT_COMMAND(subscriber, "PSUBSCRIBE", "o*");
    client_expect(subscriber, ">3\r\n$10\r\npsubscribe\r\n$2\r\no*\r\n:2\r\n");
    CLIENT_COMMAND(publisher, "PUBLISH", "news", "hello");
    client_expect(publisher, ":1\r\n");
    client_expect(subscriber, ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    CLIENT_COMMAND(publisher, "PUBLISH", "orders", "");
    client_expect(publisher, ":1\r\n");
    client_expect(subscriber, ">4\r\n$8\r\npmessage\r\n$2\r\no*\r\n$6\r\norders\r\n$0\r\n\r\n");
    /* replies look different from messages: a subscriber may do anything */
    CLIENT_COMMAND(subscriber, "PING");
    client_expect(subscriber, "+PONG\r\n");
    CLIENT_COMMAND(subscriber, "PUBLISH", "nobody", "x");
    client_expect(subscriber, ":0\r\n");
}

static void
check_changes(struct client *subscriber, struct client *publisher)
{
    say_hello(subscriber, "2", "*14\r\n");
    CLIENT_COMMAND(publisher, "PUBLISH", "news", "two");
    client_expect(publisher, ":1\r\n");
    client_expect(subscriber, "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\ntwo\r\n");
    CLIENT_COMMAND(subscriber, "PING");
    client_expect(subscriber, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    CLIENT_COMMAND(subscriber, "HELLO", "3");
    client_expect_line(subscriber, "-ERR ");
    CLIENT_COMMAND(subscriber, "RESET");
    client_expect(subscriber, "+RESET\r\n");
    say_hello(subscriber, "3", "%7\r\n");
    CLIENT_COMMAND(subscriber, "HELLO", "4");
    client_expect(subscriber, "-NOPROTO unsupported protocol version\r\n");
    CLIENT_COMMAND(subscriber, "CLIENT", "GETNAME");
    client_expect(subscriber, "_\r\n");
    CLIENT_COMMAND(subscriber, "CONFIG", "GET", "save");
    client_expect(subscriber, "%1\r\n$4\r\nsave\r\n$0\r\n\r\n");
    CLIENT_COMMAND(subscriber, "RESET");
    client_expect(subscriber, "+RESET\r\n");
    CLIENT_COMMAND(subscriber, "CLIENT", "GETNAME");
    client_expect(subscriber, "$-1\r\n");
}

static void
check(int port)
{
    struct client *const subscriber = client_open(port);
    struct client *const publisher = client_open(port);

    CLIENT_COMMAND(publisher, "CLIENT", "GETNAME");
    client_expect(publisher, "$-1\r\n");
    say_hello(subscriber, "3", "%7\r\n");
    check_subscriptions(subscriber, publisher);
    check_changes(subscriber, publisher);
    client_close(subscriber);
    client_close(publisher);
}

START_TEST(with_version_3_messages_are_pushes_and_a_subscriber_may_do_anything)
{
    SERVER_START(&server, "--loops", "2");
    check(server.port);
    server_stop(&server);
}
END_TEST

START_TEST(so_it_is_with_a_redis_server)
{
    struct redis_process redis;

    if (!redis_is_here())
        return;
    redis_start(&redis);
    check(redis.port);
    redis_stop(&redis);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("protocol",
        with_version_3_messages_are_pushes_and_a_subscriber_may_do_anything,
        so_it_is_with_a_redis_server);
}
