/* test_pubsub.c - PUBSUB CHANNELS, NUMSUB and NUMPAT tell of all clients, on whichever loop; the journal is none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { CLIENTS = 4 };

static struct server_process server;
static struct client *clients[CLIENTS];
static struct client *other;

static void
begin(void)
{
    SERVER_START(&server, "--loops", "3");
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = client_open(server.port);
    other = client_open(server.port);
}

static void
end(void)
{
    for (int i = 0; i < CLIENTS; i++)
        client_close(clients[i]);
    client_close(other);
    server_stop(&server);
}

/* Run a command of client `i` that has one reply. */
static void
say(int i, const char *verb, const char *name)
{
    char text[256] = "";

    CLIENT_COMMAND(clients[i], verb, name);
    client_reply(clients[i], text, sizeof text);
    ck_assert_msg(text[0] == '*', "%s", text);
}

/* The reply to a PUBSUB command MUST be this. */
#define EXPECT_PUBSUB(expected, ...)                                                               \
    expect_pubsub(expected, (const char *const[]){"PUBSUB", __VA_ARGS__},                          \
        sizeof((const char *const[]){"PUBSUB", __VA_ARGS__}) / sizeof(const char *))

static void
expect_pubsub(const char *expected, const char *const *arguments, size_t count)
{
    char text[512] = "";

    client_command(other, arguments, count);
    client_reply(other, text, sizeof text);
    ck_assert_str_eq(text, expected);
}

START_TEST(numsub_tells_how_many_have_a_channel_whatever_their_patterns)
{
    begin();
    EXPECT_PUBSUB("*0|", "NUMSUB");
    for (int i = 0; i < CLIENTS; i++) {
        say(i, "SUBSCRIBE", "a");
        say(i, "PSUBSCRIBE", "*");
    }
    say(0, "SUBSCRIBE", "b");
    say(0, "SUBSCRIBE", "b");
    EXPECT_PUBSUB("*8|$1|b|:1|$1|a|:4|$1|c|:0|$1|b|:1|", "numsub", "b", "a", "c", "b");
    EXPECT_PUBSUB("*2|$0||:0|", "NUMSUB", "");
    say(0, "UNSUBSCRIBE", "b");
    say(1, "UNSUBSCRIBE", "a");
    EXPECT_PUBSUB("*4|$1|a|:3|$1|b|:0|", "NUMSUB", "a", "b");
    end();
}
END_TEST

START_TEST(channels_are_those_with_subscriptions_of_their_own)
{
    begin();
    EXPECT_PUBSUB("*0|", "CHANNELS");
    say(0, "PSUBSCRIBE", "news.*");
    CLIENT_COMMAND(other, "PUBLISH", "news.x", "hello");
    client_expect(other, ":1\r\n");
    EXPECT_PUBSUB("*0|", "CHANNELS");
    say(1, "SUBSCRIBE", "news.a");
    say(2, "SUBSCRIBE", "news.a");
    EXPECT_PUBSUB("*1|$6|news.a|", "CHANNELS");
    say(3, "SUBSCRIBE", "old[1]");
    EXPECT_PUBSUB("*1|$6|news.a|", "CHANNELS", "n*");
    EXPECT_PUBSUB("*1|$6|old[1]|", "channels", "old\\[?]");
    EXPECT_PUBSUB("*0|", "CHANNELS", "old[1]");
    EXPECT_PUBSUB("*0|", "CHANNELS", "");
    say(1, "UNSUBSCRIBE", "news.a");
    EXPECT_PUBSUB("*1|$6|news.a|", "CHANNELS", "n*");
    say(2, "UNSUBSCRIBE", "news.a");
    EXPECT_PUBSUB("*0|", "CHANNELS", "n*");
    end();
}
END_TEST

START_TEST(numpat_counts_a_pattern_once_for_all_clients)
{
    begin();
    EXPECT_PUBSUB(":0|", "NUMPAT");
    for (int i = 0; i < CLIENTS; i++)
        say(i, "PSUBSCRIBE", "a*");
    EXPECT_PUBSUB(":1|", "NUMPAT");
    say(0, "PSUBSCRIBE", "b*");
    say(1, "SUBSCRIBE", "a*");
    EXPECT_PUBSUB(":2|", "numpat");
    CLIENT_COMMAND(other, "PUBLISH", "ab", "each");
    client_expect(other, ":4\r\n");
    for (int i = 0; i < CLIENTS; i++) {
        client_expect_line(clients[i], "*4");
        for (int k = 0; k < 2 * 4; k++)
            client_expect_line(clients[i], "");
        EXPECT_PUBSUB(":2|", "NUMPAT");
        say(i, "PUNSUBSCRIBE", "a*");
    }
    ck_assert_int_eq(client_info(other, "pubsub_patterns"), 1);
    ck_assert_int_eq(client_info(other, "pubsub_channels"), 1);
    ck_assert_int_eq(client_info(other, "subscriptions"), 2);
    end();
}
END_TEST

START_TEST(other_questions_are_errors)
{
    char long_pattern[257];

    begin();
    CLIENT_COMMAND(other, "PUBSUB");
    client_expect(other, "-ERR wrong number of arguments for 'pubsub' command\r\n");
    CLIENT_COMMAND(other, "PUBSUB", "HELLO");
    client_expect_line(other, "-ERR PUBSUB knows");
    CLIENT_COMMAND(other, "PUBSUB", "NUMPAT", "a");
    client_expect_line(other, "-ERR PUBSUB knows");
    CLIENT_COMMAND(other, "PUBSUB", "CHANNELS", "a", "b");
    client_expect_line(other, "-ERR PUBSUB knows");
    memset(long_pattern, '*', 256);
    long_pattern[256] = '\0';
    CLIENT_COMMAND(other, "PUBSUB", "CHANNELS", long_pattern);
    client_expect_line(other, "-ERR a pattern has");
    end();
}
END_TEST

START_TEST(with_a_journal_patterns_see_messages_and_nothing_else)
{
    char path[32];
    char text[256];

    (void)snprintf(path, sizeof path, "journal-%ld", (long)getpid());
    SERVER_START(&server, "--loops", "2", "--journal", path);
    clients[0] = client_open(server.port);
    other = client_open(server.port);
    say(0, "PSUBSCRIBE", "*");
    for (int i = 0; i < 20; i++) {
        CLIENT_COMMAND(other, "PUBLISH", "a", "hello");
        client_expect(other, ":1\r\n");
    }
    for (int i = 0; i < 20; i++) {
        text[0] = '\0';
        client_reply(clients[0], text, sizeof text);
        ck_assert_str_eq(text, "*4|$8|pmessage|$1|*|$1|a|$5|hello|");
    }
    EXPECT_PUBSUB("*0|", "CHANNELS");
    say(0, "PUNSUBSCRIBE", "*");
    CLIENT_COMMAND(other, "PUBLISH", "a", "hello");
    client_expect(other, ":0\r\n");
    client_close(clients[0]);
    client_close(other);
    server_stop(&server);
    (void)unlink(path);
}
END_TEST

START_TEST(there_are_as_many_channels_as_the_operator_allows)
{
    SERVER_START(&server, "--max-channels", "3");
    clients[0] = client_open(server.port);
    CLIENT_COMMAND(clients[0], "SUBSCRIBE", "one", "two", "three", "four", "one");
    for (int i = 0; i < 3; i++) {
        client_expect_line(clients[0], "*3");
        for (int part = 0; part < 5; part++)
            (void)client_line(clients[0]);
    }
    client_expect(
        clients[0], "-ERR there are 3 channels\r\n*3\r\n$9\r\nsubscribe\r\n$3\r\none\r\n:3\r\n");
    CLIENT_COMMAND(clients[0], "UNSUBSCRIBE", "two");
    client_expect(clients[0], "*3\r\n$11\r\nunsubscribe\r\n$3\r\ntwo\r\n:2\r\n");
    client_close(clients[0]);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("pubsub", numsub_tells_how_many_have_a_channel_whatever_their_patterns,
        channels_are_those_with_subscriptions_of_their_own,
        numpat_counts_a_pattern_once_for_all_clients, other_questions_are_errors,
        there_are_as_many_channels_as_the_operator_allows,
        with_a_journal_patterns_see_messages_and_nothing_else);
}
