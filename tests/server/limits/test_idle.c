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

START_TEST(an_idle_client_is_closed_and_a_subscriber_or_a_busy_one_is_not)
{
    struct client *idle, *busy, *channels, *patterns;

    SERVER_START(&server, "--loops", "1", "--timeout", "1");
    channels = client_open(server.port);
    patterns = client_open(server.port);
    busy = client_open(server.port);
    CLIENT_COMMAND(channels, "SUBSCRIBE", "a");
    client_expect(channels, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    CLIENT_COMMAND(patterns, "PSUBSCRIBE", "a");
    client_expect(patterns, "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n");
    idle = client_open(server.port);
    AWAIT(client_info(busy, "clients_timed_out") == 1);
    AWAIT(is_closed(idle));
    ck_assert_int_eq(client_info(busy, "connected_clients"), 3);
    CLIENT_COMMAND(busy, "PUBLISH", "a", "still there");
    client_expect(busy, ":2\r\n");
    ck_assert_str_eq(client_message(channels, "a"), "still there");
    client_expect_line(patterns, "*4");

    /* a subscriber no more */
    CLIENT_COMMAND(channels, "UNSUBSCRIBE");
    client_expect_line(channels, "*3");
    AWAIT(client_info(busy, "clients_timed_out") == 2);
    AWAIT(client_info(busy, "connected_clients") == 2);
    ck_assert_int_eq(client_info(busy, "clients_cut_off"), 0);
    client_close(idle);
    client_close(busy);
    client_close(channels);
    client_close(patterns);
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
