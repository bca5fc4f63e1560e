/* test_failures.c - a server with a journal on a disk that stands still, or fails. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "server/client.h"
#include "server/journal/place.h"
#include "server/server_process.h"
#include "support/support.h"

#define REFUSAL "-ERR journal: the message was not written to the disk\r\n"

static struct server_process server;

/* ---- a disk that stands still -------------------------------------------------------------- */

static bool
has_answer(const struct client *client)
{
    struct pollfd ready = {.fd = client->socket, .events = POLLIN};

    return client->end > client->start || poll(&ready, 1, 0) > 0;
}

START_TEST(replies_wait_behind_a_publish_whose_message_is_not_on_the_disk)
{
    struct client *client, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    client = client_open(server.port);
    witness = client_open(server.port);
    client_send(client, "PING\r\nPUBLISH a b\r\nPING behind\r\nPUBLISH a c\r\nPING last\r\n");
    AWAIT(client_info(witness, "published") == 2);
    client_expect(client, "+PONG\r\n");
    ck_assert(!has_answer(client));
    journal_empty_pipe();
    client_expect(client, REFUSAL "$6\r\nbehind\r\n" REFUSAL "$4\r\nlast\r\n");
    ck_assert_int_eq(client_info(client, "messages_kept"), 0);
    ck_assert_int_eq(client_info(client, "messages_not_kept"), 2);
    client_close(client);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

/* A reset closes the connection at once; an end of its input would wait for the answers. */
static void
reset(struct client *client)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(client->socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    client_close(client);
}

START_TEST(clients_that_leave_before_their_answers_are_no_matter)
{
    struct client *client, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    witness = client_open(server.port);
    for (int i = 1; i <= 3; i++) {
        client = client_open(server.port);
        CLIENT_COMMAND(client, "PUBLISH", "a", "b");
        AWAIT(client_info(witness, "published") == i);
        reset(client);
        AWAIT(client_info(witness, "connected_clients") == 1);
    }
    client = client_open(server.port);
    client_send(client, "PING\r\nPUBLISH a b\r\nPUBLISH a b\r\nPING behind\r\n");
    AWAIT(client_info(witness, "published") == 5);
    client_expect(client, "+PONG\r\n");
    journal_empty_pipe();
    client_expect(client, REFUSAL REFUSAL "$6\r\nbehind\r\n");
    ck_assert_int_eq(client_info(client, "messages_not_kept"), 5);
    client_close(client);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

/* The second client has the first one's place while that one's answer is under way. */
START_TEST(an_answer_never_reaches_another_client_than_its_own)
{
    struct client *client, *witness;

    journal_make();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    witness = client_open(server.port);
    for (int i = 0; i < 20; i++) {
        client = client_open(server.port);
        CLIENT_COMMAND(client, "PUBLISH", "a", "first");
        AWAIT(client_info(witness, "published") == 2 * i + 1);
        reset(client);
        AWAIT(client_info(witness, "connected_clients") == 1);
        client = client_open(server.port);
        CLIENT_COMMAND(client, "PUBLISH", "a", "second");
        client_expect(client, ":0\r\n");
        ck_assert_int_eq(client_info(client, "messages_kept"), 2 * i + 2);
        client_close(client);
    }
    client_close(witness);
    server_stop(&server);
    journal_remove();
}
END_TEST

START_TEST(any_number_of_channels_may_have_messages_under_way)
{
    enum { CHANNELS = 2000 };
    struct client *client, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--capacity", "4096", "--journal", journal_path);
    client = client_open(server.port);
    witness = client_open(server.port);
    for (int i = 0; i < CHANNELS; i++) {
        char text[64];

        (void)snprintf(text, sizeof text, "PUBLISH channel-%d x\r\n", i);
        client_send(client, text);
    }
    AWAIT(client_info(witness, "published") == CHANNELS);
    ck_assert(!has_answer(client));
    journal_empty_pipe();
    for (int i = 0; i < CHANNELS; i++)
        client_expect(client, REFUSAL);
    client_close(client);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

START_TEST(a_client_that_has_ended_its_input_gets_its_answers)
{
    struct client *client, *witness;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--journal", journal_path);
    witness = client_open(server.port);
    client = client_open(server.port);
    client_send(client, "PUBLISH a b\r\nPING behind\r\n");
    (void)shutdown(client->socket, SHUT_WR);
    AWAIT(client_info(witness, "published") == 1);
    journal_empty_pipe();
    client_expect(client, REFUSAL "$6\r\nbehind\r\n");
    client_expect_end(client);
    client_close(client);
    client_close(witness);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

START_TEST(a_client_with_much_behind_an_answer_is_not_read_from_until_it_comes)
{
    static char command[1024];
    const size_t size = (size_t)snprintf(command, sizeof command, "ECHO %0500d\r\n", 7);
    struct client *client;
    size_t sent = 0;
    size_t bytes;

    journal_make_pipe();
    SERVER_START(&server, "--loops", "1", "--output-limit", "65536", "--journal", journal_path);
    client = client_open_small(server.port, 8192);
    client_send(client, "PUBLISH a b\r\n");
    do {
        bytes = client_try_send(client, command, size);
        sent += bytes;
        MUST(sent < (size_t)64 << 20, "the server reads on");
    } while (bytes == size);
    ck_assert(!has_answer(client));
    journal_empty_pipe();
    client_expect(client, REFUSAL);
    client_send_bytes(client, command + bytes, size - bytes);
    for (size_t i = 0; i < sent / size + 1; i++) {
        client_expect_line(client, "$500");
        client_expect_line(client, "000");
    }
    client_close(client);
    server_stop(&server);
    journal_remove_pipe();
}
END_TEST

/* ---- a disk that fails --------------------------------------------------------------------- */

START_TEST(a_message_that_cannot_be_written_is_delivered_and_answered_with_an_error)
{
    struct client *client, *other;

    SERVER_START(&server, "--loops", "2", "--journal", "/dev/full");
    client = client_open(server.port);
    other = client_open(server.port);
    CLIENT_COMMAND(other, "SUBSCRIBE", "a");
    client_expect(other, "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    for (int i = 0; i < 3; i++) {
        CLIENT_COMMAND(client, "PUBLISH", "a", "b");
        client_expect(client, REFUSAL);
        ck_assert_str_eq(client_message(other, "a"), "b");
    }
    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    ck_assert(server_said(&server, "journal /dev/full: "));
    client_close(client);
    client_close(other);
    server_stop(&server);
}
END_TEST

/* How far the server's files may grow.
 *
 * return  0, or -1: that cannot be said here */
static int
limit_files(rlim_t size)
{
#ifdef __linux__
    struct rlimit limit;

    if (prlimit(server.pid, RLIMIT_FSIZE, NULL, &limit) != 0)
        return -1;
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    return prlimit(server.pid, RLIMIT_FSIZE, &limit, NULL);
#else
    (void)size;
    return -1;
#endif
}

START_TEST(after_a_failure_the_journal_goes_on_without_what_failed)
{
    struct client *client;

    journal_make();
    SERVER_START(&server, "--loops", "2", "--journal", journal_path);
    client = client_open(server.port);
    CLIENT_COMMAND(client, "PUBLISH", "a", "before");
    client_expect(client, ":0\r\n");
    if (limit_files(16 + 9 + 7 + 12) != 0) {
        client_close(client);
        server_stop(&server);
        journal_remove();
        return;
    }
    for (int i = 0; i < 10; i++) {
        client_send(client, "PUBLISH a during\r\nPING\r\nPUBLISH b during\r\nPING\r\n");
        client_expect(client, REFUSAL "+PONG\r\n" REFUSAL "+PONG\r\n");
    }
    ck_assert_int_eq(limit_files(RLIM_INFINITY), 0);
    client_send(client, "PUBLISH a after\r\nPUBLISH b after\r\n");
    client_expect(client, ":0\r\n:0\r\n");
    ck_assert_int_eq(client_info(client, "messages_kept"), 3);
    ck_assert_int_eq(client_info(client, "messages_not_kept"), 20);
    client_close(client);
    server_stop(&server);
    journal_check("a=before a=after b=after ");
    journal_remove();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("journal_failures",
        replies_wait_behind_a_publish_whose_message_is_not_on_the_disk,
        clients_that_leave_before_their_answers_are_no_matter,
        an_answer_never_reaches_another_client_than_its_own,
        any_number_of_channels_may_have_messages_under_way,
        a_client_that_has_ended_its_input_gets_its_answers,
        a_client_with_much_behind_an_answer_is_not_read_from_until_it_comes,
        a_message_that_cannot_be_written_is_delivered_and_answered_with_an_error,
        after_a_failure_the_journal_goes_on_without_what_failed);
}
