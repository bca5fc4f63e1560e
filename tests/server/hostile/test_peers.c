/* test_peers.c - clients that drip, break off, half close, vanish, or send without reading. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/client.h"
#include "server/hostile/figures.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

static void
subscribe(struct client *client, const char *channel)
{
    char text[128];

    CLIENT_COMMAND(client, "SUBSCRIBE", channel);
    (void)snprintf(text, sizeof text, "*3\r\n$9\r\nsubscribe\r\n$%zu\r\n%s\r\n:1\r\n",
        strlen(channel), channel);
    client_expect(client, text);
}

/* Nothing is left of all clients but this one. */
static void
await_alone(struct client *witness)
{
    AWAIT(client_info(witness, "connected_clients") == 1);
    AWAIT(client_info(witness, "subscriptions") == 0);
}

/* ---- slow ---------------------------------------------------------------------------------- */

START_TEST(clients_that_send_a_byte_at_a_time_hold_up_nobody)
{
    static const char command[] = "*3\r\n$7\r\nPUBLISH\r\n$4\r\nslow\r\n$5\r\nhello\r\n";
    enum { CLIENTS = 300 };
    struct client *clients[CLIENTS];
    struct client *publisher, *subscriber;

    SERVER_START(&server, "--loops", "2");
    publisher = client_open(server.port);
    subscriber = client_open(server.port);
    subscribe(subscriber, "quick");
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_open(server.port);
    for (size_t at = 0; at < sizeof command - 1; at++) {
        for (int i = 0; i < CLIENTS; i++)
            client_send_bytes(clients[i], command + at, 1);
        CLIENT_COMMAND(publisher, "PUBLISH", "quick", "message");
        client_expect(publisher, ":1\r\n");
        ck_assert_str_eq(client_message(subscriber, "quick"), "message");
    }
    for (int i = 0; i < CLIENTS; i++)
        client_expect(clients[i], ":0\r\n");
    ck_assert_int_eq(client_info(publisher, "published"), CLIENTS + (long long)sizeof command - 1);
    for (int i = 0; i < CLIENTS; i++)
        client_close(clients[i]);
    client_close(subscriber);
    await_alone(publisher);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

/* Nobody is closed for being silent, as with the `timeout 0` of Redis; so a peer that is gone must be noticed. */
START_TEST(a_client_that_vanished_is_asked_whether_it_is_there)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    struct client *client;

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    ck_assert_int_eq(getsockname(client->socket, (struct sockaddr *)&address, &size), 0);
    AWAIT(figures_keeps_alive(server.port, ntohs(address.sin_port)));
    client_close(client);
    server_stop(&server);
}
END_TEST

/* ---- breaking off -------------------------------------------------------------------------- */

/* No end of its bytes, but an error. */
static void
reset(struct client *client)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(client->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    client_close(client);
}

START_TEST(clients_that_break_off_leave_nothing_behind)
{
    struct client *witness;

    SERVER_START(&server, "--loops", "2", "--capacity", "4");
    witness = client_open(server.port);
    for (int i = 0; i < 200; i++) {
        struct client *const client = client_open(server.port);

        if (i % 4 == 0) { /* in the middle of a command */
            client_send(client, "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$100\r\nhalf a mess");
        } else if (i % 4 == 1) { /* with messages on their way */
            subscribe(client, "a");
            for (int k = 0; k < 20; k++)
                CLIENT_COMMAND(witness, "PUBLISH", "a", "message");
        } else if (i % 4 == 2) { /* with replies on their way */
            for (int k = 0; k < 100; k++)
                CLIENT_COMMAND(client, "PUBLISH", "a", "message");
        } /* or before anything, perhaps while it is accepted */
        reset(client);
        for (int k = 0; i % 4 == 1 && k < 20; k++)
            client_expect_line(witness, ":");
    }
    await_alone(witness);
    CLIENT_COMMAND(witness, "PUBLISH", "a", "message");
    client_expect(witness, ":0\r\n");
    client_close(witness);
    server_stop(&server);
}
END_TEST

START_TEST(who_closes_his_half_gets_all_replies)
{
    static const char command[] = "PUBLISH a b\r\nECHO c\r\n";
    enum { COMMANDS = 2000, SIZE = sizeof command - 1 };
    static char commands[COMMANDS * SIZE];
    const int room = 256 * 1024;
    struct client *client, *witness;

    SERVER_START(&server, "--loops", "1", "--output-limit", "65536", "--socket-buffer", "8192");
    witness = client_open(server.port);
    client = client_open_small(server.port, 8192);
    /* What it sends fits into a window. Beyond that its system would not see that the server takes it: while it has no
     * room for what comes in, it drops that with the acknowledgements. */
    ck_assert_int_eq(setsockopt(client->socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    for (int i = 0; i < COMMANDS; i++)
        memcpy(commands + i * SIZE, command, SIZE);
    client_send_bytes(client, commands, sizeof commands);
    client_send(client, "PING half a comm");
    ck_assert_int_eq(shutdown(client->socket, SHUT_WR), 0);
    AWAIT(client_info(witness, "published") == COMMANDS);
    for (int i = 0; i < COMMANDS; i++)
        client_expect(client, ":0\r\n$1\r\nc\r\n");
    client_expect_end(client);
    client_close(client);
    await_alone(witness);
    client_close(witness);
    server_stop(&server);
}
END_TEST

START_TEST(a_subscriber_that_closes_his_half_has_left)
{
    struct client *reader, *witness;

    SERVER_START(&server, "--loops", "1");
    witness = client_open(server.port);
    reader = client_open(server.port);
    subscribe(reader, "a");
    ck_assert_int_eq(shutdown(reader->socket, SHUT_WR), 0);
    client_expect_end(reader);
    client_close(reader);
    await_alone(witness);
    client_close(witness);
    server_stop(&server);
}
END_TEST

/* ---- not reading --------------------------------------------------------------------------- */

START_TEST(a_publisher_that_does_not_read_waits_and_loses_nothing)
{
    static const char command[] = "PUBLISH a b\r\n";
    enum { BATCH = 100, SIZE = sizeof command - 1 };
    static char batch[BATCH * SIZE];
    struct client *publisher, *witness;
    size_t sent = 0;
    size_t bytes;

    for (int i = 0; i < BATCH; i++)
        memcpy(batch + i * SIZE, command, SIZE);
    SERVER_START(&server, "--loops", "1", "--output-limit", "4096", "--socket-buffer", "8192");
    publisher = client_open_small(server.port, 8192);
    witness = client_open(server.port);
    do {
        bytes = client_try_send(publisher, batch, sizeof batch);
        sent += bytes;
        MUST(sent < (size_t)64 << 20, "the server reads on");
        CLIENT_COMMAND(witness, "PING");
        client_expect(witness, "+PONG\r\n");
    } while (bytes == sizeof batch);
    for (size_t i = 0; i < sent / SIZE; i++)
        client_expect(publisher, ":0\r\n");
    client_send(publisher, command + sent % SIZE);
    client_expect(publisher, ":0\r\n");
    ck_assert_int_eq(client_info(witness, "published"), (long long)(sent / SIZE) + 1);
    ck_assert_int_eq(client_info(witness, "clients_cut_off"), 0);
    client_close(publisher);
    await_alone(witness);
    client_close(witness);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("peers", clients_that_send_a_byte_at_a_time_hold_up_nobody,
        a_client_that_vanished_is_asked_whether_it_is_there,
        clients_that_break_off_leave_nothing_behind, who_closes_his_half_gets_all_replies,
        a_subscriber_that_closes_his_half_has_left,
        a_publisher_that_does_not_read_waits_and_loses_nothing);
}
