/* test_pipeline.c - ten thousand commands under way at once, cut up anyhow. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { COMMANDS = 10000, COMMAND_MAX = 64 };

static struct server_process server;

/* The i-th command, in one of five forms. Returns its bytes. */
static size_t
write_command(char *text, int i)
{
    switch (i % 5) {
    case 0:
        return (size_t)snprintf(text, COMMAND_MAX, "*2\r\n$4\r\nECHO\r\n$6\r\n%06d\r\n", i);
    case 1:
        return (size_t)snprintf(text, COMMAND_MAX, "ECHO %06d\r\n", i);
    case 2:
        return (size_t)snprintf(
            text, COMMAND_MAX, "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$6\r\n%06d\r\n", i);
    case 3:
        return (size_t)snprintf(text, COMMAND_MAX, "\r\n*0\r\nNONSENSE%06d\r\n", i);
    default:
        return (size_t)snprintf(text, COMMAND_MAX, "publish 'a' \"%06d\"\n", i);
    }
}

static void
expect_reply(struct client *client, int i)
{
    char text[COMMAND_MAX];

    if (i % 5 <= 1)
        (void)snprintf(text, sizeof text, "$6\r\n%06d\r\n", i);
    else if (i % 5 == 3)
        (void)snprintf(text, sizeof text, "-ERR unknown command 'NONSENSE%06d'\r\n", i);
    else
        (void)snprintf(text, sizeof text, ":1\r\n");
    client_expect(client, text);
}

/* In chunks of 1 to `most` bytes. */
static void
send_cut_up(struct client *client, const char *bytes, size_t size, size_t most, uint64_t seed)
{
    size_t sent = 0;

    while (sent < size) {
        const size_t wanted = 1 + next_random(&seed) % most;
        const size_t chunk = wanted < size - sent ? wanted : size - sent;

        client_send_bytes(client, bytes + sent, chunk);
        sent += chunk;
    }
}

START_TEST(ten_thousand_commands_in_chunks_of_any_size_are_answered_in_order)
{
    static const size_t most[] = {97, 4099, 65537};
    static char bytes[COMMANDS * COMMAND_MAX];
    struct client *client, *reader;
    char text[COMMAND_MAX];
    size_t size = 0;

    SERVER_START(&server, "--loops", "2", "--capacity", "8");
    client = client_open(server.port);
    reader = client_open(server.port);
    CLIENT_COMMAND(reader, "SUBSCRIBE", "a");
    client_expect(reader, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    for (int i = 0; i < COMMANDS; i++)
        size += write_command(bytes + size, i);
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        send_cut_up(client, bytes, size, most[i], 4711 + i);
        for (int j = 0; j < COMMANDS; j++)
            expect_reply(client, j);
        for (int j = 0; j < COMMANDS; j++) {
            if (j % 5 != 2 && j % 5 != 4)
                continue;
            (void)snprintf(text, sizeof text, "%06d", j);
            ck_assert_str_eq(client_message(reader, "a"), text);
        }
    }
    client_close(reader);
    client_close(client);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("pipeline", ten_thousand_commands_in_chunks_of_any_size_are_answered_in_order);
}
