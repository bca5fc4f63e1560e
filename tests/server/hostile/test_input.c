/* test_input.c - bytes that no client would send, and commands as long as they may be. What a redis-server says to
 * them, where there is one, is what is expected here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/hostile/figures.h"
#include "server/server_process.h"
#include "server/subscriptions/redis_process.h"
#include "support/support.h"

static struct server_process server;

/* ---- what is refused ----------------------------------------------------------------------- */

/* Bytes, and how the answer begins; then the connection is closed. */
struct refusal {
    const char *bytes;
    const char *answer; /* "": none */
};

#define PROTOCOL_ERROR "-ERR Protocol error: "

/* By redis-server 7.0.15 with the same words. */
static const struct refusal refusals[] = {
    {"*1\r\n*1\r\n$1\r\nx\r\n", PROTOCOL_ERROR "expected '$'"},
    {"*2\r\n$4\r\nPING\r\n:1\r\n", PROTOCOL_ERROR "expected '$'"},
    {"*\r\n", PROTOCOL_ERROR "invalid multibulk length"},
    {"*1x\r\n", PROTOCOL_ERROR "invalid multibulk length"},
    {"*99999999999999999999\r\n", PROTOCOL_ERROR "invalid multibulk length"},
    {"*-99999999999999999999\r\n", PROTOCOL_ERROR "invalid multibulk length"},
    {"*1\r\n$\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"*1\r\n$-1\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"*1\r\n$ 1\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"*1\r\n$536870913\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"*1\r\n$4294967297\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"*1\r\n$18446744073709551617\r\n", PROTOCOL_ERROR "invalid bulk length"},
    {"ECHO 'x\r\n", PROTOCOL_ERROR "unbalanced quotes in request"},
    {"ECHO \"x\"y\r\n", PROTOCOL_ERROR "unbalanced quotes in request"},
    /* what a browser can be made to send */
    {"POST / HTTP/1.1\r\nHost: here\r\n\r\nPUBLISH a b\r\n", ""},
    {"host: here\r\n\r\nPUBLISH a b\r\n", ""},
};

/* A redis-server takes these, or closes without an answer. */
static const struct refusal refusals_of_ours[] = {
    {"*1\r\n$4\r\nPINGxx", PROTOCOL_ERROR "expected a line end after the bulk string"},
    {"GET / HTTP/1.1\r\nHost: here\r\n\r\nPUBLISH a b\r\n", "-ERR unknown command 'GET'"},
    {"*16385\r\n", PROTOCOL_ERROR "too many arguments"},
    {"*2147483647\r\n", PROTOCOL_ERROR "too many arguments"},
    {"*00000000000000000000000000000000001\r\n", PROTOCOL_ERROR "invalid multibulk length"},
};

static void
check_refusals(int port, struct client *witness, const struct refusal *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct client *const client = client_open(port);

        client_send(client, list[i].bytes);
        if (list[i].answer[0])
            client_expect_line(client, list[i].answer);
        client_expect_end(client);
        client_close(client);
        CLIENT_COMMAND(witness, "PING");
        client_expect(witness, "+PONG\r\n");
    }
}

/* ---- what is passed over ------------------------------------------------------------------- */

static void
check_what_is_passed_over(int port)
{
    struct client *const client = client_open(port);

    client_send(client, "*0\r\n*-1\r\n\r\n\n   \r\n*-2147483648\r\nECHO 1\r\n");
    client_expect(client, "$1\r\n1\r\n");
    client_close(client);
}

/* Bytes of anything but the protocol are commands nobody knows. */
static void
check_garbage(int port)
{
    uint64_t state = 42;

    for (int round = 0; round < 50; round++) {
        struct client *const client = client_open(port);
        char bytes[1000];
        const char *line;

        for (size_t i = 0; i < sizeof bytes; i++) {
            bytes[i] = (char)(next_random(&state) >> 32);
            if (strchr("\"'*", bytes[i])) /* not a NUL either */
                bytes[i] = '\n';
        }
        client_send_bytes(client, bytes, sizeof bytes);
        client_send(client, "\r\nPING\r\n");
        do {
            line = client_line(client);
            MUST(line &&
                     (strncmp(line, "-ERR unknown command", 20) == 0 || strcmp(line, "+PONG") == 0),
                "garbage is answered with: %s", line ? line : "(the end)");
        } while (line[0] != '+');
        client_close(client);
    }
}

#define LINE_MAX ((size_t)64 * 1024)

static void
check_lines(int port)
{
    static char line[LINE_MAX + 2];
    struct client *client = client_open(port);
    size_t size = 0;

    memset(line, 'x', sizeof line);
    memcpy(line, "ECHO ", 5);
    client_send_bytes(client, line, LINE_MAX - 100);
    client_send(client, "\r\n");
    ck_assert_ptr_nonnull(client_bulk(client, &size));
    ck_assert_uint_eq(size, LINE_MAX - 105);
    client_send_bytes(client, line, sizeof line);
    client_expect(client, PROTOCOL_ERROR "too big inline request\r\n");
    client_expect_end(client);
    client_close(client);
}

static void
check_both(int port)
{
    struct client *const witness = client_open(port);

    check_refusals(port, witness, refusals, sizeof refusals / sizeof refusals[0]);
    check_what_is_passed_over(port);
    check_garbage(port);
    check_lines(port);
    client_close(witness);
}

START_TEST(what_is_no_command_harms_nobody_but_its_sender)
{
    struct client *witness;

    SERVER_START(&server, "--max-message", "536870912");
    check_both(server.port);
    witness = client_open(server.port);
    check_refusals(server.port, witness, refusals_of_ours,
        sizeof refusals_of_ours / sizeof refusals_of_ours[0]);
    ck_assert_int_eq(client_info(witness, "published"), 0);
    client_close(witness);
    server_stop(&server);
}
END_TEST

START_TEST(so_it_is_with_a_redis_server)
{
    struct redis_process redis;

    if (!redis_is_here())
        return;
    redis_start(&redis);
    check_both(redis.port);
    redis_stop(&redis);
}
END_TEST

/* ---- sizes --------------------------------------------------------------------------------- */

START_TEST(memory_is_taken_for_bytes_that_came_not_for_bytes_that_were_announced)
{
    enum { CLIENTS = 100 };
    struct client *clients[CLIENTS];
    struct client *witness;
    long before;

    SERVER_START(&server, "--loops", "1", "--max-message", "536870912");
    witness = client_open(server.port);
    CLIENT_COMMAND(witness, "PING");
    client_expect(witness, "+PONG\r\n");
    before = figures_memory(server.pid);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_open(server.port);
        client_send(clients[i], "PING\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$536870912\r\n");
        client_expect(clients[i], "+PONG\r\n");
        client_send(clients[i], "only this much");
    }
    /* the loop has read that when it has read this */
    CLIENT_COMMAND(witness, "PING");
    client_expect(witness, "+PONG\r\n");
    /* addresses, of which a redis-server takes 50 GiB here */
    ck_assert_int_lt(figures_memory(server.pid) - before, CLIENTS * 256L * 1024);
    for (int i = 0; i < CLIENTS; i++)
        client_close(clients[i]);
    AWAIT(client_info(witness, "connected_clients") == 1);
    client_close(witness);
    server_stop(&server);
}
END_TEST

START_TEST(a_command_may_be_cut_anywhere)
{
    static const char commands[] = "PING\r\n*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n*"
                                   "0\r\necho \"a b\"\n*1\r\n$4\r\nPING\r\n";
    struct client *client, *subscriber;

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    subscriber = client_open(server.port);
    CLIENT_COMMAND(subscriber, "SUBSCRIBE", "a");
    client_expect(subscriber, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    for (size_t cut = 1; cut < sizeof commands - 1; cut++) {
        client_send_bytes(client, commands, cut);
        /* the loop has read the first part when it has read this */
        CLIENT_COMMAND(subscriber, "PING");
        if (cut >= 6)
            client_expect(client, "+PONG\r\n");
        client_send_bytes(client, commands + cut, sizeof commands - 1 - cut);
        if (cut < 6)
            client_expect(client, "+PONG\r\n");
        client_expect(client, ":1\r\n$3\r\na b\r\n+PONG\r\n");
    }
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    client_close(client);
    client_close(subscriber);
    server_stop(&server);
}
END_TEST

/* ---- names --------------------------------------------------------------------------------- */

START_TEST(patterns_of_stars_take_no_more_time_than_their_length)
{
    enum { PATTERNS = 256, LENGTH = 255 };
    char pattern[LENGTH + 1], name[LENGTH + 1], text[400];
    struct client *subscriber, *publisher;

    SERVER_START(&server, "--loops", "1");
    subscriber = client_open(server.port);
    publisher = client_open(server.port);
    memset(name, 'a', LENGTH);
    pattern[LENGTH] = name[LENGTH] = '\0';
    for (int i = 0; i < PATTERNS; i++) {
        for (int at = 0; at < LENGTH; at++)
            pattern[at] = at % 2 ? 'a' : '*';
        for (int bit = 0; bit < 8; bit++) /* each another one */
            pattern[2 * bit + 1] = i >> bit & 1 ? '?' : 'a';
        pattern[LENGTH - 1] = 'b'; /* that it does not match shows at the end only */
        CLIENT_COMMAND(subscriber, "PSUBSCRIBE", pattern);
    }
    for (int i = 0; i < PATTERNS; i++) {
        text[0] = '\0';
        client_reply(subscriber, text, sizeof text);
    }
    CLIENT_COMMAND(publisher, "PUBLISH", name, "x");
    client_expect(publisher, ":0\r\n");
    name[LENGTH - 1] = 'b';
    CLIENT_COMMAND(publisher, "PUBLISH", name, "x");
    client_expect(publisher, ":256\r\n");
    client_close(subscriber);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(a_pattern_may_have_a_nul_and_a_channel_not)
{
    struct client *client;

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    client_send(client, "*2\r\n$10\r\nPSUBSCRIBE\r\n$3\r\n");
    client_send_bytes(client, "a\0b\r\n", 5);
    client_expect(client, "*3\r\n$10\r\npsubscribe\r\n$3\r\n");
    ck_assert_int_eq(memcmp(client_line(client), "a\0b", 4), 0);
    client_expect(client, ":1\r\n");
    client_send(client, "*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\n");
    client_send_bytes(client, "a\0b\r\n", 5);
    client_expect_line(client, "-ERR a channel's name");
    client_close(client);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("input", what_is_no_command_harms_nobody_but_its_sender,
        so_it_is_with_a_redis_server,
        memory_is_taken_for_bytes_that_came_not_for_bytes_that_were_announced,
        a_command_may_be_cut_anywhere, patterns_of_stars_take_no_more_time_than_their_length,
        a_pattern_may_have_a_nul_and_a_channel_not);
}
