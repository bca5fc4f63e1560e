/* test_idle.c - idle clients, and probes for those whose machine is gone. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* Whether the server has closed, by now. */
static bool
is_closed(const struct client *client)
{
    char byte;

    return recv(client->socket, &byte, 1, MSG_PEEK) == 0;
}

enum { REPLIES = 60, REPLY = 50000 };

/* A client that is owed much. */
static struct client *
open_reader(void)
{
    static char text[REPLY + 1];
    struct client *const reader = client_open_small(server.port, 65536);

    memset(text, 'x', REPLY);
    for (int i = 0; i < REPLIES; i++)
        CLIENT_COMMAND(reader, "ECHO", text);
    return reader;
}

/* Read a little, if it is time; returns when it is time again. What it is owed lasts for six seconds. */
static int64_t
read_slowly(const struct client *reader, int64_t next)
{
    char bytes[500];

    if (os_real()->now_ns() < next)
        return next;
    MUST(recv(reader->socket, bytes, sizeof bytes, MSG_DONTWAIT) != 0, "who reads is closed");
    return os_real()->now_ns() + 1000000;
}

/* Until the server has closed those two, the others say or read something, or are subscribers. */
START_TEST(an_idle_client_is_closed_and_a_subscriber_or_a_busy_one_is_not)
{
    struct client *idle, *former, *reader, *speaker, *witness, *subscriber;
    int64_t next = 0;

    SERVER_START(&server, "--loops", "1", "--timeout", "1", "--socket-buffer", "65536");
    witness = client_open(server.port);
    subscriber = client_open(server.port);
    CLIENT_COMMAND(subscriber, "SUBSCRIBE", "a");
    client_expect(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    speaker = client_open(server.port);
    client_send(speaker, "*2\r\n$4\r\nECHO\r\n$1000000\r\n");
    reader = open_reader();
    idle = client_open(server.port);
    former = client_open(server.port);
    CLIENT_COMMAND(former, "SUBSCRIBE", "a");
    CLIENT_COMMAND(former, "UNSUBSCRIBE", "a");
    for (int i = 0; i < 12; i++)
        client_expect_line(former, "");
    for (int64_t until = patience_ends(); !is_closed(idle) || !is_closed(former);) {
        CLIENT_COMMAND(witness, "PING");
        client_expect(witness, "+PONG\r\n");
        client_send(speaker, "x");
        next = read_slowly(reader, next);
        MUST(os_real()->now_ns() < until, "they are not closed");
    }
    ck_assert_int_eq(client_info(witness, "clients_timed_out"), 2);
    ck_assert_int_eq(client_info(witness, "connected_clients"), 4);
    ck_assert_int_eq(client_info(witness, "clients_cut_off"), 0);
    CLIENT_COMMAND(witness, "PUBLISH", "a", "still there");
    client_expect(witness, ":1\r\n");
    ck_assert_str_eq(client_message(subscriber, "a"), "still there");
    client_close(idle);
    client_close(former);
    client_close(reader);
    client_close(speaker);
    client_close(witness);
    client_close(subscriber);
    server_stop(&server);
}
END_TEST

/* The timer that runs for the server's end of a connection, by the system's list: none of 0, 2 of a probe. And when
 * it is due, in hundredths of a second. */
static int
timer_of(const struct client *client, unsigned long *ret_due)
{
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    FILE *const list = fopen("/proc/net/tcp", "r");
    char line[512];
    int timer = -1;

    if (!list)
        return -1;
    MUST(getsockname(client->socket, (struct sockaddr *)&own, &size) == 0, "no name");
    while (fgets(line, sizeof line, list)) {
        unsigned here, there, which;
        unsigned long due;

        if (sscanf(line, " %*d: %*x:%x %*x:%x %*x %*x:%*x %x:%lx", &here, &there, &which, &due) ==
                4 &&
            here == (unsigned)server.port && there == ntohs(own.sin_port)) {
            timer = (int)which;
            *ret_due = due;
        }
    }
    (void)fclose(list);
    return timer;
}

START_TEST(a_silent_client_is_probed)
{
    unsigned long due = 0;
    struct client *client;

    SERVER_START(&server, "--loops", "1", "--keepalive", "1000");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    if (timer_of(client, &due) >= 0) {
        AWAIT(timer_of(client, &due) == 2);
        ck_assert_uint_le(due, 100000);
        ck_assert_uint_gt(due, 90000);
    }
    client_close(client);
    server_stop(&server);

    SERVER_START(&server, "--loops", "1", "--keepalive", "0");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    if (timer_of(client, &due) >= 0)
        AWAIT(timer_of(client, &due) == 0);
    client_close(client);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("idle", an_idle_client_is_closed_and_a_subscriber_or_a_busy_one_is_not,
        a_silent_client_is_probed);
}
