/* test_patterns.c - PSUBSCRIBE and PUNSUBSCRIBE, byte by byte; who gets what, once; patterns made to do harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;
static struct client *client; /* subscribes */
static struct client *other;  /* publishes and asks */

static void
begin(void)
{
    SERVER_START(&server, "--loops", "2", "--max-patterns", "300");
    client = client_open(server.port);
    other = client_open(server.port);
}

static void
end(void)
{
    client_close(client);
    client_close(other);
    server_stop(&server);
}

/* "psubscribe|<pattern>|:<count>" MUST come next. */
static void
expect_confirmation(const char *verb, const char *name, int count)
{
    char expected[512];

    (void)snprintf(expected, sizeof expected, "*3\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n:%d\r\n",
        strlen(verb), verb, strlen(name), name, count);
    client_expect(client, expected);
}

static void
subscribe(const char *pattern, int count)
{
    CLIENT_COMMAND(client, "PSUBSCRIBE", pattern);
    expect_confirmation("psubscribe", pattern, count);
}

/* PUBLISH, which MUST be answered with so many receivers. */
static void
publish(const char *channel, const char *message, int receivers)
{
    char expected[32];

    CLIENT_COMMAND(other, "PUBLISH", channel, message);
    (void)snprintf(expected, sizeof expected, ":%d\r\n", receivers);
    client_expect(other, expected);
}

static int
compare(const void *one, const void *another)
{
    return strcmp(one, another);
}

/* The next `count` replies, sorted, one behind the other. */
static char *
sorted_replies(size_t count)
{
    enum { REPLIES = 4, SIZE = 640 };
    static char text[REPLIES * SIZE];
    char replies[REPLIES][SIZE];
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        replies[i][0] = '\0';
        client_reply(client, replies[i], SIZE);
    }
    qsort(replies, count, SIZE, compare);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + used, replies[i], strlen(replies[i]) + 1);
        used += strlen(replies[i]);
    }
    return text;
}

START_TEST(a_message_comes_once_for_each_subscription_that_matches)
{
    begin();
    CLIENT_COMMAND(client, "PSUBSCRIBE", "a*", "a?", "b*", "a*");
    expect_confirmation("psubscribe", "a*", 1);
    expect_confirmation("psubscribe", "a?", 2);
    expect_confirmation("psubscribe", "b*", 3);
    expect_confirmation("psubscribe", "a*", 3);
    CLIENT_COMMAND(client, "SUBSCRIBE", "ab", "a*");
    expect_confirmation("subscribe", "ab", 4);
    expect_confirmation("subscribe", "a*", 5);
    publish("ab", "hello", 3);
    ck_assert_str_eq(sorted_replies(3), "*3|$7|message|$2|ab|$5|hello|"
                                        "*4|$8|pmessage|$2|a*|$2|ab|$5|hello|"
                                        "*4|$8|pmessage|$2|a?|$2|ab|$5|hello|");
    publish("c", "nobody", 0);
    publish("b", "", 1);
    ck_assert_str_eq(sorted_replies(1), "*4|$8|pmessage|$2|b*|$1|b|$0||");
    publish("a*", "star", 3);
    ck_assert_str_eq(sorted_replies(3), "*3|$7|message|$2|a*|$4|star|"
                                        "*4|$8|pmessage|$2|a*|$2|a*|$4|star|"
                                        "*4|$8|pmessage|$2|a?|$2|a*|$4|star|");
    end();
}
END_TEST

START_TEST(subscriptions_of_both_kinds_are_counted_together_and_ended_apart)
{
    begin();
    CLIENT_COMMAND(client, "PUNSUBSCRIBE");
    client_expect(client, "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE", "a", "b");
    CLIENT_COMMAND(client, "PSUBSCRIBE", "a", "x*");
    expect_confirmation("subscribe", "a", 1);
    expect_confirmation("subscribe", "b", 2);
    expect_confirmation("psubscribe", "a", 3);
    expect_confirmation("psubscribe", "x*", 4);
    CLIENT_COMMAND(client, "PUNSUBSCRIBE", "b", "a", "a");
    expect_confirmation("punsubscribe", "b", 4);
    expect_confirmation("punsubscribe", "a", 3);
    expect_confirmation("punsubscribe", "a", 3);
    CLIENT_COMMAND(client, "UNSUBSCRIBE");
    expect_confirmation("unsubscribe", "b", 2);
    expect_confirmation("unsubscribe", "a", 1);
    CLIENT_COMMAND(client, "UNSUBSCRIBE");
    client_expect(client, "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
    publish("a", "nobody", 0);
    publish("xyz", "one", 1);
    ck_assert_str_eq(sorted_replies(1), "*4|$8|pmessage|$2|x*|$3|xyz|$3|one|");
    CLIENT_COMMAND(client, "PUNSUBSCRIBE");
    expect_confirmation("punsubscribe", "x*", 0);
    publish("xyz", "nobody", 0);
    end();
}
END_TEST

START_TEST(who_has_a_pattern_is_restricted_until_the_last_is_gone)
{
    begin();
    subscribe("*", 1);
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    client_expect_line(client, "-ERR 'publish': a subscriber may only");
    CLIENT_COMMAND(client, "PUBSUB", "NUMPAT");
    client_expect_line(client, "-ERR 'pubsub': a subscriber may only");
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    CLIENT_COMMAND(client, "PUNSUBSCRIBE");
    expect_confirmation("punsubscribe", "*", 0);
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    end();
}
END_TEST

START_TEST(reset_ends_all_subscriptions_without_a_word)
{
    begin();
    CLIENT_COMMAND(client, "CLIENT", "SETNAME", "bob");
    client_expect(client, "+OK\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE", "a");
    expect_confirmation("subscribe", "a", 1);
    subscribe("a*", 2);
    publish("a", "two", 2);
    (void)sorted_replies(2);
    CLIENT_COMMAND(client, "RESET");
    client_expect(client, "+RESET\r\n");
    publish("a", "nobody", 0);
    CLIENT_COMMAND(client, "CLIENT", "GETNAME");
    client_expect(client, "$-1\r\n");
    end();
}
END_TEST

/* A topic's consumers are known to the bus before; then patterns come and go. */
START_TEST(a_pattern_counts_from_its_confirmation_to_its_end_for_channels_old_and_new)
{
    char channel[16];

    begin();
    for (int i = 0; i < 50; i++) {
        (void)snprintf(channel, sizeof channel, "old%d", i % 2);
        publish(channel, "nobody", 0);
        subscribe("*[01]", 1);
        publish(channel, "one", 1);
        (void)sorted_replies(1);
        (void)snprintf(channel, sizeof channel, "new%d1", i);
        publish(channel, "one", 1);
        (void)sorted_replies(1);
        CLIENT_COMMAND(client, "PUNSUBSCRIBE");
        expect_confirmation("punsubscribe", "*[01]", 0);
    }
    end();
}
END_TEST

START_TEST(more_channels_than_the_bus_has_topics_for_may_be_published_to)
{
    const int count = (int)scaled(100000);
    enum { PIPELINE = 500 };
    char text[64];

    begin();
    subscribe("c*", 1);
    for (int i = 0; i < count; i += PIPELINE) {
        for (int k = 0; k < PIPELINE; k++) {
            (void)snprintf(text, sizeof text, "PUBLISH c%d x\r\n", i + k);
            client_send(other, text);
        }
        for (int k = 0; k < PIPELINE; k++) {
            char expected[128];

            client_expect(other, ":1\r\n");
            (void)snprintf(text, sizeof text, "c%d", i + k);
            (void)snprintf(expected, sizeof expected, "*4|$8|pmessage|$2|c*|$%zu|%s|$1|x|",
                strlen(text), text);
            ck_assert_str_eq(sorted_replies(1), expected);
        }
    }
    end();
}
END_TEST

START_TEST(there_is_a_limit_to_the_patterns_of_one_client)
{
    char pattern[16];

    begin();
    for (int i = 0; i < 300; i++) {
        (void)snprintf(pattern, sizeof pattern, "%d*", i);
        subscribe(pattern, i + 1);
    }
    CLIENT_COMMAND(client, "PSUBSCRIBE", "x*", "7*");
    client_expect(client, "-ERR a client may subscribe to 300 patterns\r\n");
    expect_confirmation("psubscribe", "7*", 300);
    CLIENT_COMMAND(client, "SUBSCRIBE", "x");
    expect_confirmation("subscribe", "x", 301);
    CLIENT_COMMAND(client, "PUNSUBSCRIBE", "7*");
    expect_confirmation("punsubscribe", "7*", 300);
    subscribe("x*", 301);
    publish("xyz", "one", 1);
    end();
}
END_TEST

START_TEST(a_pattern_is_any_bytes_up_to_255)
{
    char pattern[257];
    char confirmation[320];

    begin();
    memset(pattern, '*', 256);
    pattern[256] = '\0';
    CLIENT_COMMAND(client, "PSUBSCRIBE", "a", pattern);
    client_expect(client, "-ERR a pattern has up to 255 bytes\r\n");
    CLIENT_COMMAND(client, "PUNSUBSCRIBE", pattern);
    client_expect(client, "-ERR a pattern has up to 255 bytes\r\n");
    subscribe("", 1);
    CLIENT_COMMAND(client, "PSUBSCRIBE", pattern + 1);
    (void)snprintf(confirmation, sizeof confirmation,
        "*3\r\n$10\r\npsubscribe\r\n$255\r\n%s\r\n:2\r\n", pattern + 1);
    client_expect(client, confirmation);
    publish("a", "one", 1);
    (void)sorted_replies(1);
    CLIENT_COMMAND(client, "PUNSUBSCRIBE", pattern + 1);
    client_expect(client, "*3\r\n$12\r\npunsubscribe\r\n$255\r\n");
    client_expect_line(client, "***");
    client_expect(client, ":1\r\n");
    client_send_bytes(client, "*2\r\n$10\r\nPSUBSCRIBE\r\n$6\r\n[\0\r\n]a\r\n", 34);
    ck_assert_str_eq(sorted_replies(1), "*3|$10|psubscribe|$6|[0\r\n]a|:2|");
    publish("\na", "one", 1);
    ck_assert_str_eq(sorted_replies(1), "*4|$8|pmessage|$6|[0\r\n]a|$2|\na|$3|one|");
    end();
}
END_TEST

/* The other clients are served as if nothing were there. */
START_TEST(patterns_made_to_take_long_do_not)
{
    char pattern[256];
    char name[256];

    begin();
    for (int i = 0; i < 250; i++) {
        memset(pattern, '[', 255);
        pattern[255] = '\0';
        for (int k = 0; k < 254; k += 2)
            memcpy(pattern + k, k < i ? "*a" : "*[", 2);
        pattern[254] = 'b';
        CLIENT_COMMAND(client, "PSUBSCRIBE", pattern);
        client_expect(client, "*3\r\n$10\r\npsubscribe\r\n$255\r\n");
        client_expect_line(client, "*");
        client_expect_line(client, ":");
    }
    memset(name, 'a', 255);
    name[255] = '\0';
    for (int i = 0; i < 50; i++)
        publish(name + i, "nobody", 0);
    CLIENT_COMMAND(other, "PUBSUB", "CHANNELS", pattern);
    client_expect(other, "*0\r\n");
    end();
}
END_TEST

START_TEST(a_client_that_leaves_takes_its_patterns_along)
{
    struct client *guest;

    begin();
    guest = client_open(server.port);
    CLIENT_COMMAND(guest, "PSUBSCRIBE", "a*", "*b");
    client_expect(guest, "*3\r\n$10\r\npsubscribe\r\n$2\r\na*\r\n:1\r\n");
    publish("ab", "two", 2);
    client_close(guest);
    AWAIT(client_info(other, "subscriptions") == 0);
    publish("ab", "nobody", 0);
    ck_assert_int_eq(client_info(other, "pubsub_patterns"), 0);
    end();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("patterns", a_message_comes_once_for_each_subscription_that_matches,
        subscriptions_of_both_kinds_are_counted_together_and_ended_apart,
        who_has_a_pattern_is_restricted_until_the_last_is_gone,
        reset_ends_all_subscriptions_without_a_word,
        a_pattern_counts_from_its_confirmation_to_its_end_for_channels_old_and_new,
        more_channels_than_the_bus_has_topics_for_may_be_published_to,
        there_is_a_limit_to_the_patterns_of_one_client, a_pattern_is_any_bytes_up_to_255,
        patterns_made_to_take_long_do_not, a_client_that_leaves_takes_its_patterns_along);
}
