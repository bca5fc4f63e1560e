/* test_commands.c - what the server answers, byte by byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

#define BAD_CHANNEL "-ERR a channel's name has 1 to 255 bytes, none of them NUL\r\n"

static struct server_process server;
static struct client *client;

static void
begin(void)
{
    SERVER_START(&server, "--loops", "1", "--max-message", "100");
    client = client_open(server.port);
}

static void
end(void)
{
    client_close(client);
    server_stop(&server);
}

START_TEST(a_command_may_be_an_array_or_a_line)
{
    begin();
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    client_send(client, "ping\r\n");
    client_expect(client, "+PONG\r\n");
    client_send(client, "PING \"two words\"\n\r\n");
    client_expect(client, "$9\r\ntwo words\r\n");
    CLIENT_COMMAND(client, "ECHO", "");
    client_expect(client, "$0\r\n\r\n");
    end();
}
END_TEST

START_TEST(a_command_may_come_in_pieces)
{
    static const char command[] = "*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$2\r\nhi\r\n";

    begin();
    for (size_t i = 0; i < sizeof command - 1; i++)
        client_send_bytes(client, command + i, 1);
    client_expect(client, ":0\r\n");
    end();
}
END_TEST

START_TEST(many_commands_at_once_are_answered_in_order)
{
    char text[32];

    begin();
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "PUBLISH a b\r\nECHO %d\r\n", i);
        client_send(client, text);
    }
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "%d", i);
        client_expect(client, ":0\r\n");
        client_expect_line(client, "$");
        client_expect_line(client, text);
    }
    end();
}
END_TEST

START_TEST(a_message_reaches_each_client_that_subscribed)
{
    struct client *other;

    begin();
    other = client_open(server.port);
    CLIENT_COMMAND(client, "SUBSCRIBE", "a", "b", "a");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:2\r\n");
    CLIENT_COMMAND(other, "PUBLISH", "a", "first");
    client_expect(other, ":1\r\n");
    CLIENT_COMMAND(other, "PUBLISH", "c", "nobody");
    client_expect(other, ":0\r\n");
    client_send(other, "*3\r\n$7\r\npublish\r\n$1\r\nb\r\n$5\r\n");
    client_send_bytes(other, "\0\r\n\xff\xfe\r\n", 7);
    client_expect(other, ":1\r\n");
    CLIENT_COMMAND(other, "PUBLISH", "b", "");
    client_expect(other, ":1\r\n");
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nfirst\r\n");
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$5\r\n");
    ck_assert(memcmp(client_line(client), "", 1) == 0);
    client_expect(client, "\xff\xfe\r\n");
    client_expect(client, "*3\r\n$7\r\nmessage\r\n$1\r\nb\r\n$0\r\n\r\n");
    client_close(other);
    end();
}
END_TEST

START_TEST(a_subscriber_may_only_do_so_much)
{
    begin();
    CLIENT_COMMAND(client, "SUBSCRIBE", "a");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    client_expect_line(client, "-ERR 'publish': a subscriber may only");
    CLIENT_COMMAND(client, "INFO");
    client_expect_line(client, "-ERR 'info': a subscriber may only");
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    CLIENT_COMMAND(client, "PING", "hello");
    client_expect(client, "*2\r\n$4\r\npong\r\n$5\r\nhello\r\n");
    CLIENT_COMMAND(client, "UNSUBSCRIBE", "a");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    client_expect(client, ":0\r\n");
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    end();
}
END_TEST

START_TEST(unsubscribe_answers_for_each_channel)
{
    begin();
    CLIENT_COMMAND(client, "UNSUBSCRIBE");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n");
    CLIENT_COMMAND(client, "UNSUBSCRIBE", "x");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:0\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE", "b", "a", "c");
    for (int i = 0; i < 3 * 6; i++)
        client_expect_line(client, "");
    CLIENT_COMMAND(client, "UNSUBSCRIBE", "b", "b", "x");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:2\r\n");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:2\r\n");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nx\r\n:2\r\n");
    CLIENT_COMMAND(client, "UNSUBSCRIBE");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n:1\r\n");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    ck_assert_int_eq(client_info(client, "subscriptions"), 0);
    end();
}
END_TEST

START_TEST(many_channels_are_one_command)
{
    enum { CHANNELS = 2000 };
    char text[64];

    begin();
    (void)snprintf(text, sizeof text, "*%d\r\n$9\r\nsubscribe\r\n", CHANNELS + 1);
    client_send(client, text);
    for (int i = 0; i < CHANNELS; i++) {
        (void)snprintf(text, sizeof text, "$4\r\n%04d\r\n", (i * 7) % CHANNELS);
        client_send(client, text);
    }
    for (int i = 0; i < CHANNELS; i++) {
        (void)snprintf(text, sizeof text, "*3\r\n$9\r\nsubscribe\r\n$4\r\n%04d\r\n:%d\r\n",
            (i * 7) % CHANNELS, i + 1);
        client_expect(client, text);
    }
    CLIENT_COMMAND(client, "UNSUBSCRIBE");
    for (int i = 0; i < CHANNELS; i++) {
        client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$4\r\n");
        client_expect_line(client, "");
        (void)snprintf(text, sizeof text, ":%d\r\n", CHANNELS - 1 - i);
        client_expect(client, text);
    }
    end();
}
END_TEST

START_TEST(a_message_has_a_longest_length)
{
    char text[102];

    begin();
    memset(text, 'x', 101);
    text[101] = '\0';
    CLIENT_COMMAND(client, "PUBLISH", "a", text);
    client_expect(client, "-ERR message too long\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", text + 1);
    client_expect(client, ":0\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE", "a");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    end();
}
END_TEST

START_TEST(a_channel_is_1_to_255_bytes_without_nul)
{
    char name[257];

    begin();
    memset(name, 'c', 256);
    name[256] = '\0';
    CLIENT_COMMAND(client, "PUBLISH", "", "x");
    client_expect(client, BAD_CHANNEL);
    CLIENT_COMMAND(client, "PUBLISH", name, "x");
    client_expect(client, BAD_CHANNEL);
    CLIENT_COMMAND(client, "PUBLISH", name + 1, "x");
    client_expect(client, ":0\r\n");
    client_send(client, "*3\r\n$7\r\nPUBLISH\r\n$3\r\n");
    client_send_bytes(client, "a\0b\r\n$1\r\nx\r\n", 12);
    client_expect(client, BAD_CHANNEL);
    /* one bad name, and none is subscribed to */
    CLIENT_COMMAND(client, "SUBSCRIBE", "a", "");
    client_expect(client, BAD_CHANNEL);
    CLIENT_COMMAND(client, "UNSUBSCRIBE", "a", "");
    client_expect(client, BAD_CHANNEL);
    ck_assert_int_eq(client_info(client, "subscriptions"), 0);
    CLIENT_COMMAND(client, "SUBSCRIBE", "*", "a b\r\n", "\xff");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\n*\r\n:1\r\n");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$5\r\na b\r\n\r\n:2\r\n");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\n\xff\r\n:3\r\n");
    end();
}
END_TEST

START_TEST(what_it_does_not_know_is_an_error_and_the_connection_lives)
{
    begin();
    CLIENT_COMMAND(client, "GET", "x");
    client_expect(client, "-ERR unknown command 'GET'\r\n");
    CLIENT_COMMAND(client, "\r\n+OK");
    client_expect(client, "-ERR unknown command '??+OK'\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a");
    client_expect(client, "-ERR wrong number of arguments for 'publish' command\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "b", "c");
    client_expect(client, "-ERR wrong number of arguments for 'publish' command\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE");
    client_expect(client, "-ERR wrong number of arguments for 'subscribe' command\r\n");
    CLIENT_COMMAND(client, "PSUBSCRIBE");
    client_expect(client, "-ERR wrong number of arguments for 'psubscribe' command\r\n");
    CLIENT_COMMAND(client, "RESET", "x");
    client_expect(client, "-ERR wrong number of arguments for 'reset' command\r\n");
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    end();
}
END_TEST

START_TEST(what_is_not_the_protocol_is_answered_and_closed)
{
    static const char *const wrong[][2] = {
        {"*1\r\nx\r\n", "-ERR Protocol error: expected '$'\r\n"},
        {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\r\n$-2\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
        {"*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$99999999\r\n",
            "-ERR Protocol error: invalid bulk length\r\n"},
        {"*16385\r\n", "-ERR Protocol error: too many arguments\r\n"},
        {"*1000000000\r\n", "-ERR Protocol error: too many arguments\r\n"},
        {"echo \"x\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
    };

    begin();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct client *const other = client_open(server.port);

        client_send(other, "PING\r\n");
        client_send(other, wrong[i][0]);
        client_expect(other, "+PONG\r\n");
        client_expect(other, wrong[i][1]);
        client_expect_end(other);
        client_close(other);
    }
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    end();
}
END_TEST

START_TEST(a_line_without_end_is_closed)
{
    static char line[64 * 1024 + 4];

    begin();
    memset(line, 'x', sizeof line);
    client_send_bytes(client, line, sizeof line);
    client_expect(client, "-ERR Protocol error: too big inline request\r\n");
    client_expect_end(client);
    end();
}
END_TEST

START_TEST(quit_answers_and_closes)
{
    begin();
    client_send(client, "SUBSCRIBE a\r\nQUIT\r\nPING\r\n");
    client_expect(client, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n");
    client_expect_end(client);
    end();
}
END_TEST

START_TEST(clients_may_introduce_themselves)
{
    begin();
    CLIENT_COMMAND(client, "HELLO");
    client_expect(
        client, "*14\r\n$6\r\nserver\r\n$21\r\nringbus-pubsub-server\r\n$7\r\nversion\r\n");
    for (int i = 0; i < 2; i++)
        client_expect_line(client, "");
    client_expect(
        client, "$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n");
    client_expect(client, "$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n");
    CLIENT_COMMAND(client, "HELLO", "4");
    client_expect(client, "-NOPROTO unsupported protocol version\r\n");
    CLIENT_COMMAND(client, "HELLO", "2", "AUTH", "a", "b");
    client_expect_line(client, "-ERR HELLO takes");
    CLIENT_COMMAND(client, "CLIENT", "SETNAME", "bob");
    client_expect(client, "+OK\r\n");
    CLIENT_COMMAND(client, "CLIENT", "SETNAME", "bob the builder");
    client_expect_line(client, "-ERR a client's name");
    CLIENT_COMMAND(client, "CLIENT", "GETNAME");
    client_expect(client, "$3\r\nbob\r\n");
    CLIENT_COMMAND(client, "CLIENT", "ID");
    client_expect(client, ":1\r\n");
    CLIENT_COMMAND(client, "CLIENT", "SETINFO", "LIB-NAME", "x");
    client_expect(client, "+OK\r\n");
    CLIENT_COMMAND(client, "CLIENT", "KILL");
    client_expect_line(client, "-ERR CLIENT knows");
    end();
}
END_TEST

START_TEST(questions_about_the_server_are_answered_harmlessly)
{
    begin();
    CLIENT_COMMAND(client, "COMMAND");
    client_expect(client, "*0\r\n");
    CLIENT_COMMAND(client, "COMMAND", "DOCS", "get");
    client_expect(client, "*0\r\n");
    CLIENT_COMMAND(client, "CONFIG", "GET", "save");
    client_expect(client, "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
    CLIENT_COMMAND(client, "CONFIG", "SET", "save", "");
    client_expect_line(client, "-ERR CONFIG knows");
    CLIENT_COMMAND(client, "SELECT", "0");
    client_expect(client, "+OK\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    client_expect(client, ":0\r\n");
    ck_assert_int_eq(client_info(client, "connected_clients"), 1);
    ck_assert_int_eq(client_info(client, "published"), 1);
    ck_assert_int_eq(client_info(client, "clients_cut_off"), 0);
    ck_assert_int_eq(client_info(client, "loading"), 0);
    end();
}
END_TEST

START_TEST(a_client_that_leaves_takes_its_subscriptions_along)
{
    struct client *other;

    begin();
    other = client_open(server.port);
    CLIENT_COMMAND(other, "SUBSCRIBE", "a", "b");
    client_expect(other, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    ck_assert_int_eq(client_info(client, "subscriptions"), 2);
    client_close(other);
    AWAIT(client_info(client, "subscriptions") == 0);
    AWAIT(client_info(client, "connected_clients") == 1);
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    client_expect(client, ":0\r\n");
    end();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("commands", a_command_may_be_an_array_or_a_line, a_command_may_come_in_pieces,
        many_commands_at_once_are_answered_in_order, a_message_reaches_each_client_that_subscribed,
        a_subscriber_may_only_do_so_much, unsubscribe_answers_for_each_channel,
        many_channels_are_one_command, a_message_has_a_longest_length,
        a_channel_is_1_to_255_bytes_without_nul,
        what_it_does_not_know_is_an_error_and_the_connection_lives,
        what_is_not_the_protocol_is_answered_and_closed, a_line_without_end_is_closed,
        quit_answers_and_closes, clients_may_introduce_themselves,
        questions_about_the_server_are_answered_harmlessly,
        a_client_that_leaves_takes_its_subscriptions_along);
}
