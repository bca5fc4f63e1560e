/* test_answers.c - a server with a journal: a PUBLISH is answered when its message is on the disk. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/client.h"
#include "server/journal/place.h"
#include "server/load.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* ---- answers ------------------------------------------------------------------------------- */

START_TEST(a_message_is_delivered_answered_and_in_the_journal)
{
    struct client *client, *other;

    journal_make();
    SERVER_START(&server, "--loops", "2", "--journal", journal_path);
    client = client_open(server.port);
    other = client_open(server.port);
    CLIENT_COMMAND(client, "PUBLISH", "a", "nobody listens");
    client_expect(client, ":0\r\n");
    CLIENT_COMMAND(other, "SUBSCRIBE", "a");
    client_expect(other, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "one does");
    client_expect(client, ":1\r\n");
    CLIENT_COMMAND(client, "PUBLISH", "a", "");
    client_expect(client, ":1\r\n");
    ck_assert_str_eq(client_message(other, "a"), "one does");
    ck_assert_str_eq(client_message(other, "a"), "");
    CLIENT_COMMAND(client, "PUBLISH", "", "no channel");
    client_expect_line(client, "-ERR a channel's name");
    ck_assert_int_eq(client_info(client, "messages_kept"), 3);
    ck_assert_int_eq(client_info(client, "published"), 3);
    client_close(client);
    client_close(other);
    server_stop(&server);
    journal_check("a=nobody listens a=one does a= ");
    journal_remove();
}
END_TEST

/* What a crash may leave behind the last record. */
static void
tear_journal(void)
{
    const int descriptor = open(journal_path, O_WRONLY | O_APPEND);

    ck_assert_int_eq(write(descriptor, "12345", 5), 5);
    (void)close(descriptor);
}

START_TEST(a_journal_goes_on_in_the_next_life_of_the_server)
{
    static const char *const messages[] = {"x", "y", "z"};

    journal_make();
    for (int i = 0; i < 3; i++) {
        struct client *client;

        SERVER_START(&server, "--loops", "1", "--journal", journal_path);
        ck_assert_int_eq(
            server_said(&server, "5 bytes behind the last whole record are cut off"), i == 1);
        client = client_open(server.port);
        CLIENT_COMMAND(client, "PUBLISH", "life", messages[i]);
        client_expect(client, ":0\r\n");
        client_close(client);
        server_stop(&server);
        if (i == 0)
            tear_journal();
    }
    journal_check("life=x life=y life=z ");
    journal_remove();
}
END_TEST

START_TEST(pipelined_commands_are_answered_in_order)
{
    static char text[64 * 1024];
    enum { ROUNDS = 20, COMMANDS = 1000 };
    struct client *client;

    journal_make();
    SERVER_START(&server, "--loops", "2", "--journal", journal_path);
    client = client_open(server.port);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t random = (uint64_t)i + 1;
        size_t used = 0;

        for (int j = 0; j < COMMANDS; j++)
            used += (size_t)snprintf(text + used, sizeof text - used,
                next_random(&random) % 2 ? "PUBLISH a b\r\n" : "PING %d\r\n", j);
        client_send_bytes(client, text, used);
        random = (uint64_t)i + 1;
        for (int j = 0; j < COMMANDS; j++) {
            char expected[32];

            if (next_random(&random) % 2) {
                client_expect(client, ":0\r\n");
                continue;
            }
            (void)snprintf(expected, sizeof expected, "%d", j);
            client_expect_line(client, "$");
            client_expect_line(client, expected);
        }
    }
    CLIENT_COMMAND(client, "PUBLISH", "a", "b");
    CLIENT_COMMAND(client, "SUBSCRIBE", "a");
    CLIENT_COMMAND(client, "QUIT");
    client_expect(client, ":0\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n+OK\r\n");
    client_expect_end(client);
    client_close(client);
    server_stop(&server);
    journal_remove();
}
END_TEST

/* ---- many ---------------------------------------------------------------------------------- */

/* Each publisher's messages, in order, and how many there are. */
struct tally {
    uint64_t next[LOAD_PUBLISHERS];
};

static void
tally_record(const struct record *record, void *context)
{
    struct tally *const tally = context;
    char text[64];
    char *rest;
    unsigned long publisher;

    MUST(record->message_size < sizeof text, "a record of nothing that was sent");
    memcpy(text, record->message, record->message_size);
    text[record->message_size] = '\0';
    publisher = strtoul(text, &rest, 10);
    MUST(publisher < LOAD_PUBLISHERS && strtoull(rest + 1, NULL, 10) == tally->next[publisher],
        "after %llu messages of its publisher the journal has %s",
        (unsigned long long)tally->next[publisher], text);
    tally->next[publisher]++;
}

START_TEST(with_a_tiny_ring_everything_is_answered_delivered_and_kept_in_order)
{
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    static struct load_subscriber subscriber;
    const uint64_t count = scaled(500);
    struct tally tally = {{0}};
    struct client *client;

    journal_make();
    SERVER_START(&server, "--loops", "2", "--capacity", "4", "--max-message", "64", "--journal",
        journal_path);
    load_subscriber_start(&subscriber, server.port, LOAD_PUBLISHERS * count);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, 1, count);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_join(&publishers[i]);
    load_subscriber_join(&subscriber);
    client = client_open(server.port);
    ck_assert_int_eq(client_info(client, "messages_kept"), (long long)(LOAD_PUBLISHERS * count));
    ck_assert_int_gt(client_info(client, "publish_waits"), 0);
    client_close(client);
    server_stop(&server);
    journal_read(tally_record, &tally);
    for (int i = 0; i < LOAD_PUBLISHERS; i++) {
        ck_assert_uint_eq(publishers[i].answered, count);
        ck_assert_uint_eq(tally.next[i], count);
    }
    journal_remove();
}
END_TEST

START_TEST(sigterm_under_load_delivers_and_keeps_what_was_answered)
{
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    static struct load_subscriber subscriber;
    struct tally tally = {{0}};

    journal_make();
    SERVER_START(&server, "--loops", "2", "--journal", journal_path);
    load_subscriber_start(&subscriber, server.port, UINT64_MAX);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, 1, UINT64_MAX);
    AWAIT(load_u64(&subscriber.received, ORDER_COUNT) > scaled(2000));
    server_stop(&server);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_join(&publishers[i]);
    load_subscriber_join(&subscriber);
    journal_read(tally_record, &tally);
    for (int i = 0; i < LOAD_PUBLISHERS; i++) {
        ck_assert_uint_ge(tally.next[i], publishers[i].answered);
        ck_assert_uint_eq(subscriber.next[i], tally.next[i]);
    }
    journal_remove();
}
END_TEST

struct channels_seen {
    unsigned next;
    unsigned count;
};

static void
check_channel(const struct record *record, void *context)
{
    struct channels_seen *const seen = context;
    char expected[32];
    const int size = snprintf(expected, sizeof expected, "channel-%u", seen->next++ % seen->count);

    MUST(record->channel_size == (size_t)size &&
             memcmp(record->channel, expected, (size_t)size) == 0,
        "the journal does not go on with %s", expected);
}

START_TEST(channels_without_number_can_be_published_to)
{
    enum { CHANNELS = 2000, MESSAGES = 2 * CHANNELS, PIPELINE = 100 };
    struct channels_seen seen = {0, CHANNELS};
    struct client *client;

    journal_make();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    client = client_open(server.port);
    for (int i = 0; i < MESSAGES; i += PIPELINE) {
        for (int j = i; j < i + PIPELINE; j++) {
            char text[64];

            (void)snprintf(text, sizeof text, "PUBLISH channel-%d x\r\n", j % CHANNELS);
            client_send(client, text);
        }
        for (int j = 0; j < PIPELINE; j++)
            client_expect(client, ":0\r\n");
    }
    ck_assert_int_lt(client_info(client, "bus_topics"), 1500);
    client_close(client);
    server_stop(&server);
    journal_read(check_channel, &seen);
    ck_assert_uint_eq(seen.next, MESSAGES);
    journal_remove();
}
END_TEST

START_TEST(a_file_that_is_no_journal_and_a_journal_in_use_are_refused)
{
    struct server_process other;
    int descriptor;

    journal_make();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    server_run(
        &other, (const char *const[]){"server", "--port", "0", "--journal", journal_path, NULL});
    ck_assert_int_eq(server_wait(&other, 1), 1);
    server_stop(&server);

    descriptor = open(journal_path, O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(descriptor, "a letter", 8), 8);
    (void)close(descriptor);
    server_run(
        &other, (const char *const[]){"server", "--port", "0", "--journal", journal_path, NULL});
    ck_assert_int_eq(server_wait(&other, 1), 1);
    journal_remove();
    server_run(
        &other, (const char *const[]){"server", "--port", "0", "--journal", "no/such/place", NULL});
    ck_assert_int_eq(server_wait(&other, 1), 1);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("journal_answers", a_message_is_delivered_answered_and_in_the_journal,
        a_journal_goes_on_in_the_next_life_of_the_server, pipelined_commands_are_answered_in_order,
        with_a_tiny_ring_everything_is_answered_delivered_and_kept_in_order,
        sigterm_under_load_delivers_and_keeps_what_was_answered,
        channels_without_number_can_be_published_to,
        a_file_that_is_no_journal_and_a_journal_in_use_are_refused);
}
