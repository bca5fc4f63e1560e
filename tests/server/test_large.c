/* test_large.c - messages that are too long for a ring's slot: whole, in order, bounded in length and in number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/journal/place.h"
#include "server/server_process.h"
#include "support/support.h"

#define MIB ((size_t)1 << 20)
#define KIB ((size_t)1 << 10)

static struct server_process server;

/* `size` bytes that tell their place, and that are different for each `number`. */
static char *
make_message(size_t size, uint64_t number)
{
    uint64_t state = number * 2 + 1;
    char *const bytes = malloc(size + 8);

    MUST(bytes, "no memory");
    for (size_t i = 0; i < size; i += 8) {
        const uint64_t next = next_random(&state);

        memcpy(bytes + i, &next, sizeof next);
    }
    return bytes;
}

static void
send_message(struct client *client, size_t size, uint64_t number)
{
    char *const bytes = make_message(size, number);
    char text[64];

    (void)snprintf(text, sizeof text, "*3\r\n$7\r\nPUBLISH\r\n$3\r\nbig\r\n$%zu\r\n", size);
    client_send(client, text);
    client_send_bytes(client, bytes, size);
    client_send(client, "\r\n");
    free(bytes);
}

/* This message MUST come next, behind the part of its reply that is before the size. */
static void
expect_message(struct client *client, const char *header, size_t size, uint64_t number)
{
    char *const expected = make_message(size, number);
    char *const got = malloc(size);
    char text[128];

    MUST(got, "no memory");
    (void)snprintf(text, sizeof text, "%s$%zu\r\n", header, size);
    client_expect(client, text);
    client_take(client, got, size);
    MUST(memcmp(got, expected, size) == 0, "message %d is not what was sent", (int)number);
    client_expect(client, "\r\n");
    free(got);
    free(expected);
}

#define BY_CHANNEL "*3\r\n$7\r\nmessage\r\n$3\r\nbig\r\n"
#define BY_PATTERN "*4\r\n$8\r\npmessage\r\n$2\r\nb*\r\n$3\r\nbig\r\n"

START_TEST(a_long_message_arrives_whole_at_everyone)
{
    struct client *channel, *pattern, *publisher;

    SERVER_START(&server, "--loops", "2", "--max-message", "5000000");
    channel = client_open(server.port);
    pattern = client_open(server.port);
    publisher = client_open(server.port);
    CLIENT_COMMAND(channel, "SUBSCRIBE", "big");
    client_expect(channel, "*3\r\n$9\r\nsubscribe\r\n$3\r\nbig\r\n:1\r\n");
    CLIENT_COMMAND(pattern, "PSUBSCRIBE", "b*");
    client_expect(pattern, "*3\r\n$10\r\npsubscribe\r\n$2\r\nb*\r\n:1\r\n");
    send_message(publisher, 5000000, 1);
    client_expect(publisher, ":2\r\n");
    expect_message(channel, BY_CHANNEL, 5000000, 1);
    expect_message(pattern, BY_PATTERN, 5000000, 1);
    AWAIT(client_info(publisher, "message_memory") == 0);
    client_close(channel);
    client_close(pattern);
    send_message(publisher, 5000000, 2);
    client_expect_line(publisher, ":");
    AWAIT(client_info(publisher, "message_memory") == 0);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

/* One by copy, one by reference: on both sides of the line between them. */
START_TEST(long_and_short_messages_keep_their_order)
{
    enum { MESSAGES = 300 };
    struct client *reader, *publisher;

    SERVER_START(&server, "--loops", "2", "--capacity", "2");
    reader = client_open(server.port);
    publisher = client_open(server.port);
    CLIENT_COMMAND(reader, "SUBSCRIBE", "big");
    client_expect(reader, "*3\r\n$9\r\nsubscribe\r\n$3\r\nbig\r\n:1\r\n");
    for (int i = 0; i < MESSAGES; i++)
        send_message(publisher, 4096 + (size_t)(i % 3) - 1, (uint64_t)i);
    for (int i = 0; i < MESSAGES; i++) {
        expect_message(reader, BY_CHANNEL, 4096 + (size_t)(i % 3) - 1, (uint64_t)i);
        client_expect(publisher, ":1\r\n");
    }
    client_close(reader);
    AWAIT(client_info(publisher, "message_memory") == 0);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(the_size_of_a_message_over_the_limit_is_refused_before_its_bytes)
{
    struct client *client;

    SERVER_START(&server, "--loops", "1", "--max-message", "1000000");
    client = client_open(server.port);
    send_message(client, 1000000, 1);
    client_expect(client, ":0\r\n");
    client_send(client, "*3\r\n$7\r\nPUBLISH\r\n$3\r\nbig\r\n$1000001\r\n");
    client_expect(client, "-ERR Protocol error: invalid bulk length\r\n");
    client_expect_end(client);
    client_close(client);
    server_stop(&server);
}
END_TEST

/* The journal stands still, and with it the messages. */
START_TEST(publishers_wait_while_long_messages_occupy_what_they_may)
{
    enum { MESSAGES = 10 };
    struct client *publisher, *other, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "2", "--message-memory", "35000", "--journal", journal_path);
    publisher = client_open(server.port);
    other = client_open(server.port);
    witness = client_open(server.port);
    for (int i = 0; i < MESSAGES; i++)
        send_message(i % 2 ? publisher : other, 10 * KIB, (uint64_t)i);
    AWAIT(client_info(witness, "published") == 3);
    AWAIT(client_info(witness, "publish_waits") == 2);
    ck_assert_int_le(client_info(witness, "message_memory"), 35000);
    ck_assert_int_ge(client_info(witness, "message_memory"), 3 * 10 * (int)KIB);
    CLIENT_COMMAND(witness, "PUBLISH", "big", "a short one goes");
    journal_empty_pipe();
    client_expect_line(witness, "-ERR journal");
    for (int i = 0; i < MESSAGES; i++)
        client_expect_line(i % 2 ? publisher : other, "-ERR journal");
    AWAIT(client_info(witness, "message_memory") == 0);
    ck_assert_int_eq(client_info(witness, "published"), MESSAGES + 1);
    client_close(publisher);
    client_close(other);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

/* It could not go at all if there had to be memory for it. */
START_TEST(a_message_over_the_memory_goes_alone)
{
    enum { MESSAGES = 20 };
    struct client *reader, *publisher;

    SERVER_START(&server, "--loops", "2", "--message-memory", "1000");
    reader = client_open(server.port);
    publisher = client_open(server.port);
    CLIENT_COMMAND(reader, "SUBSCRIBE", "big");
    client_expect(reader, "*3\r\n$9\r\nsubscribe\r\n$3\r\nbig\r\n:1\r\n");
    for (int i = 0; i < MESSAGES; i++)
        send_message(publisher, 20 * KIB, (uint64_t)i);
    for (int i = 0; i < MESSAGES; i++) {
        expect_message(reader, BY_CHANNEL, 20 * KIB, (uint64_t)i);
        client_expect(publisher, ":1\r\n");
    }
    client_close(reader);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

/* Those who wait are gone before it is their turn; and a server may stop while messages are under way. */
START_TEST(a_client_that_leaves_while_it_waits_holds_up_nobody)
{
    struct client *publisher, *other, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--message-memory", "10000", "--journal", journal_path);
    publisher = client_open(server.port);
    other = client_open(server.port);
    witness = client_open(server.port);
    send_message(publisher, 8 * KIB, 0);
    AWAIT(client_info(witness, "published") == 1);
    send_message(publisher, 8 * KIB, 1);
    send_message(other, 8 * KIB, 2);
    AWAIT(client_info(witness, "publish_waits") == 2);
    client_close(publisher);
    journal_empty_pipe();
    client_expect_line(other, "-ERR journal");
    AWAIT(client_info(witness, "message_memory") == 0);
    client_close(other);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

static void
check_record(const struct record *record, void *context)
{
    uint64_t *const number = context;
    char *const expected = make_message(MIB, *number);

    MUST(record->message_size == MIB, "a record of %zu bytes", record->message_size);
    MUST(memcmp(record->message, expected, MIB) == 0, "record %d is another", (int)*number);
    free(expected);
    (*number)++;
}

START_TEST(a_long_message_is_in_the_journal)
{
    struct client *client;
    uint64_t number = 0;

    journal_make();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    client = client_open(server.port);
    for (uint64_t i = 0; i < 5; i++)
        send_message(client, MIB, i);
    for (int i = 0; i < 5; i++)
        client_expect(client, ":0\r\n");
    client_close(client);
    server_stop(&server);
    journal_read(check_record, &number);
    ck_assert_uint_eq(number, 5);
    journal_remove();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("large", a_long_message_arrives_whole_at_everyone,
        long_and_short_messages_keep_their_order,
        the_size_of_a_message_over_the_limit_is_refused_before_its_bytes,
        publishers_wait_while_long_messages_occupy_what_they_may,
        a_message_over_the_memory_goes_alone, a_client_that_leaves_while_it_waits_holds_up_nobody,
        a_long_message_is_in_the_journal);
}
