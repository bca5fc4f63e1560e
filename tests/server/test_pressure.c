/* test_pressure.c - a bus without room, clients that do not read, more clients than there may be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/load.h"
#include "server/server_process.h"
#include "support/support.h"

enum { SUBSCRIBERS = 4 };

static struct server_process server;

START_TEST(with_a_tiny_ring_everything_arrives_in_order)
{
    static struct load_subscriber subscribers[SUBSCRIBERS];
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    const uint64_t count = scaled(20000);
    struct client *client;

    SERVER_START(&server, "--loops", "2", "--capacity", "4", "--max-message", "64");
    for (int i = 0; i < SUBSCRIBERS; i++)
        load_subscriber_start(&subscribers[i], server.port, LOAD_PUBLISHERS * count);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, SUBSCRIBERS, count);
    for (int i = 0; i < LOAD_PUBLISHERS; i++) {
        load_publisher_join(&publishers[i]);
        ck_assert_uint_eq(publishers[i].answered, count);
    }
    for (int i = 0; i < SUBSCRIBERS; i++) {
        load_subscriber_join(&subscribers[i]);
        ck_assert_uint_eq(load_u64(&subscribers[i].received, ORDER_COUNT), LOAD_PUBLISHERS * count);
    }
    client = client_open(server.port);
    ck_assert_int_eq(client_info(client, "published"), (long long)(LOAD_PUBLISHERS * count));
    ck_assert_int_gt(client_info(client, "publish_waits"), 0);
    client_close(client);
    server_stop(&server);
}
END_TEST

/* Ten messages of a kilobyte, each read by a client that reads. */
static void
publish_ten(struct client *publisher, struct client *reader)
{
    static char text[1001];

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 10; i++)
        CLIENT_COMMAND(publisher, "PUBLISH", "a", text);
    for (int i = 0; i < 10; i++) {
        client_expect_line(publisher, ":");
        ck_assert_str_eq(client_message(reader, "a"), text);
    }
}

START_TEST(a_subscriber_that_does_not_read_is_cut_off_and_named)
{
    struct client *stuck, *reader, *publisher;

    SERVER_START(&server, "--output-limit", "65536", "--socket-buffer", "8192");
    stuck = client_open_small(server.port, 8192);
    CLIENT_COMMAND(stuck, "CLIENT", "SETNAME", "sleepy");
    CLIENT_COMMAND(stuck, "SUBSCRIBE", "a");
    client_expect(stuck, "+OK\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    reader = client_open(server.port);
    CLIENT_COMMAND(reader, "SUBSCRIBE", "a");
    client_expect(reader, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    publisher = client_open(server.port);
    CLIENT_COMMAND(publisher, "PUBLISH", "a", "hello");
    client_expect(publisher, ":2\r\n");
    ck_assert_str_eq(client_message(reader, "a"), "hello");

    for (int64_t until = patience_ends(); !server_said(&server, "cut off 127.0.0.1:");) {
        publish_ten(publisher, reader);
        MUST(os_real()->now_ns() < until, "it is not cut off");
    }
    ck_assert(server_said(&server, " (sleepy): output limit\n"));
    AWAIT(client_info(publisher, "subscriptions") == 1);
    ck_assert_int_eq(client_info(publisher, "clients_cut_off"), 1);
    CLIENT_COMMAND(publisher, "PUBLISH", "a", "still there");
    client_expect(publisher, ":1\r\n");
    ck_assert_str_eq(client_message(reader, "a"), "still there");

    /* What it was sent before is whole. */
    ck_assert_str_eq(client_message(stuck, "a"), "hello");
    while (!stuck->has_ended)
        (void)client_line(stuck);
    client_close(stuck);
    client_close(reader);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(a_client_that_only_sends_is_not_read_from_and_not_cut_off)
{
    static char command[1024];
    const size_t size = (size_t)snprintf(command, sizeof command, "ECHO %0500d\r\n", 7);
    struct client *sender, *other;
    size_t sent = 0;
    size_t bytes;

    SERVER_START(&server, "--loops", "1", "--output-limit", "65536", "--socket-buffer", "8192");
    sender = client_open_small(server.port, 8192);
    do {
        bytes = client_try_send(sender, command, size);
        sent += bytes;
        MUST(sent < (size_t)64 << 20, "the server reads on");
    } while (bytes == size);

    other = client_open(server.port);
    CLIENT_COMMAND(other, "PING");
    client_expect(other, "+PONG\r\n");
    for (size_t i = 0; i < sent / size; i++) {
        size_t length = 0;

        ck_assert_ptr_nonnull(client_bulk(sender, &length));
        ck_assert_uint_eq(length, 500);
    }
    client_send_bytes(sender, command + bytes, size - bytes);
    client_expect_line(sender, "$500");
    client_expect_line(sender, "000");
    ck_assert_int_eq(client_info(sender, "clients_cut_off"), 0);
    client_close(sender);
    client_close(other);
    server_stop(&server);
}
END_TEST

/* A client that subscribes, publishes, and is gone without having read it all. */
static void
come_and_go(int number)
{
    struct client *const client = client_open(server.port);

    if (number % 4 == 0) {
        CLIENT_COMMAND(client, "PSUBSCRIBE", "lo*", "?", "[^x]*d");
        client_expect(client, "*3\r\n$10\r\npsubscribe\r\n$3\r\nlo*\r\n:1\r\n");
    } else if (number % 2 == 0) {
        CLIENT_COMMAND(client, "SUBSCRIBE", "x", "load", "y");
        client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n");
    } else {
        for (int i = 0; i < 100; i++)
            client_send(client, "PUBLISH x noise\r\nPUBLISH y noise\r\n");
        client_expect_line(client, ":");
    }
    client_close(client);
}

START_TEST(clients_come_and_go_while_messages_flow)
{
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    static struct load_subscriber subscriber;
    const uint64_t count = scaled(20000);
    struct client *client;

    SERVER_START(&server, "--loops", "3", "--capacity", "8", "--max-message", "64");
    load_subscriber_start(&subscriber, server.port, LOAD_PUBLISHERS * count);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, -1, count);
    for (int i = 0; i < 200; i++)
        come_and_go(i);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_join(&publishers[i]);
    load_subscriber_join(&subscriber);
    ck_assert_uint_eq(load_u64(&subscriber.received, ORDER_COUNT), LOAD_PUBLISHERS * count);
    client = client_open(server.port);
    AWAIT(client_info(client, "connected_clients") == 1);
    ck_assert_int_eq(client_info(client, "subscriptions"), 0);
    ck_assert_int_eq(client_info(client, "pubsub_patterns"), 0);
    ck_assert_int_eq(client_info(client, "pubsub_channels"), 0);
    client_close(client);
    server_stop(&server);
}
END_TEST

START_TEST(more_clients_than_allowed_are_turned_away)
{
    struct client *first, *second, *third;

    SERVER_START(&server, "--max-clients", "2");
    first = client_open(server.port);
    second = client_open(server.port);
    CLIENT_COMMAND(second, "PING");
    client_expect(second, "+PONG\r\n");
    third = client_open(server.port);
    client_expect(third, "-ERR max number of clients reached\r\n");
    client_expect_end(third);
    client_close(third);
    client_close(second);
    AWAIT(client_info(first, "connected_clients") == 1);
    third = client_open(server.port);
    CLIENT_COMMAND(third, "PING");
    client_expect(third, "+PONG\r\n");
    ck_assert_int_eq(client_info(third, "rejected_connections"), 1);
    client_close(third);
    client_close(first);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("pressure", with_a_tiny_ring_everything_arrives_in_order,
        a_subscriber_that_does_not_read_is_cut_off_and_named,
        a_client_that_only_sends_is_not_read_from_and_not_cut_off,
        clients_come_and_go_while_messages_flow, more_clients_than_allowed_are_turned_away);
}
