/* test_shutdown.c - how the server ends, and what keeps it from beginning. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/client.h"
#include "server/load.h"
#include "server/server_process.h"
#include "support/support.h"

enum { SUBSCRIBERS = 4 };

static struct server_process server;

/* It MUST end with 0 within ten seconds of the signal. */
static void
expect_quick_end(int64_t signalled_ns)
{
    ck_assert_int_eq(server_wait(&server, 0), 0);
    MUST(os_real()->now_ns() - signalled_ns < 10 * INT64_C(1000000000), "it took longer than 10 s");
}

START_TEST(sigterm_and_sigint_end_an_idle_server)
{
    struct client *client;

    SERVER_START(&server, "--loops", "3");
    server_stop(&server);

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "SUBSCRIBE", "a");
    client_expect_line(client, "*3");
    server_signal(&server, SIGINT);
    while (!client->has_ended)
        (void)client_line(client);
    client_close(client);
    ck_assert_int_eq(server_wait(&server, 0), 0);
}
END_TEST

/* Every message a PUBLISH was answered for arrives, and the server ends in time. */
static void
stop_under_load(const char *capacity)
{
    static struct load_subscriber subscribers[SUBSCRIBERS];
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    int64_t signalled_ns;

    SERVER_START(&server, "--loops", "2", "--capacity", capacity);
    for (int i = 0; i < SUBSCRIBERS; i++)
        load_subscriber_start(&subscribers[i], server.port, UINT64_MAX);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, SUBSCRIBERS, UINT64_MAX);
    for (int i = 0; i < SUBSCRIBERS; i++)
        AWAIT(load_u64(&subscribers[i].received, ORDER_COUNT) > scaled(2000));
    signalled_ns = os_real()->now_ns();
    server_signal(&server, SIGTERM);
    expect_quick_end(signalled_ns);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_join(&publishers[i]);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        load_subscriber_join(&subscribers[i]);
        for (int j = 0; j < LOAD_PUBLISHERS; j++)
            ck_assert_uint_ge(subscribers[i].next[j], publishers[j].answered);
    }
}

START_TEST(sigterm_under_load_delivers_what_was_answered)
{
    stop_under_load("4096");
}
END_TEST

START_TEST(sigterm_with_publishers_that_wait_for_room_delivers_what_was_answered)
{
    stop_under_load("4");
}
END_TEST

/* Whether somebody listens. */
static bool
is_served(int port)
{
    const int probe = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    bool is_there;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    is_there = connect(probe, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(probe);
    return is_there;
}

enum { OWED = 1000 };

/* A client to whom as many messages are owed, and that does not read. */
static struct client *
open_stuck(const char *channel)
{
    struct client *const stuck = client_open_small(server.port, 8192);
    struct client *const publisher = client_open(server.port);
    char text[1001];

    CLIENT_COMMAND(stuck, "SUBSCRIBE", channel);
    client_expect_line(stuck, "*3");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < OWED; i++)
        CLIENT_COMMAND(publisher, "PUBLISH", channel, text);
    for (int i = 0; i < OWED; i++)
        client_expect(publisher, ":1\r\n");
    client_close(publisher);
    return stuck;
}

START_TEST(what_a_client_is_owed_is_written_before_the_end)
{
    struct client *slow;
    int64_t signalled_ns;

    SERVER_START(&server, "--socket-buffer", "8192");
    slow = open_stuck("a");
    signalled_ns = os_real()->now_ns();
    server_signal(&server, SIGTERM);
    AWAIT(!is_served(server.port));
    client_expect_line(slow, "$9");
    client_expect_line(slow, "subscribe");
    for (int i = 0; i < 3; i++)
        client_expect_line(slow, "");
    for (int i = 0; i < OWED; i++)
        ck_assert_ptr_nonnull(client_message(slow, "a"));
    client_expect_end(slow);
    expect_quick_end(signalled_ns);
    client_close(slow);
}
END_TEST

/* Read on, so that it takes longer than a client has that does not read. */
static void
read_slowly(struct client *slow)
{
    enum { LINES = 6 + OWED * 7, NS_A_LINE = 2600 * 1000 / LINES * 1000 };
    const int64_t begun_ns = os_real()->now_ns();

    for (int i = 1; i < LINES; i++) {
        AWAIT(os_real()->now_ns() >= begun_ns + i * (int64_t)NS_A_LINE);
        MUST(client_line(slow), "line %d of %d is missing", i, LINES);
    }
    client_expect_end(slow);
}

/* Not each loop's clients after those of another. */
START_TEST(clients_that_do_not_read_delay_the_end_only_so_long_and_who_reads_gets_all)
{
    enum { LOOPS = 8 };
    struct client *stuck[LOOPS], *slow;
    int64_t signalled_ns;

    SERVER_START(&server, "--socket-buffer", "8192", "--loops", "8");
    for (int i = 0; i < LOOPS; i++) {
        const char channel[] = {(char)('a' + i), '\0'};

        stuck[i] = open_stuck(channel);
    }
    slow = open_stuck("slow");
    signalled_ns = os_real()->now_ns();
    server_signal(&server, SIGTERM);
    read_slowly(slow);
    expect_quick_end(signalled_ns);
    for (int i = 0; i < LOOPS; i++)
        client_close(stuck[i]);
    client_close(slow);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    struct client *stuck;

    SERVER_START(&server, "--loops", "1", "--socket-buffer", "8192");
    stuck = open_stuck("a");
    server_signal(&server, SIGTERM);
    AWAIT(!is_served(server.port));
    server_signal(&server, SIGTERM);
    ck_assert_int_eq(server_wait(&server, 1), 1);
    client_close(stuck);
}
END_TEST

START_TEST(a_port_in_use_is_said)
{
    struct server_process other;
    char port[16];

    SERVER_START(&server, "--loops", "1");
    (void)snprintf(port, sizeof port, "%d", server.port);
    server_run(&other, (const char *const[]){"server", "--port", port, NULL});
    ck_assert_int_eq(server_wait(&other, 1), 1);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("shutdown", sigterm_and_sigint_end_an_idle_server,
        sigterm_under_load_delivers_what_was_answered,
        sigterm_with_publishers_that_wait_for_room_delivers_what_was_answered,
        what_a_client_is_owed_is_written_before_the_end,
        clients_that_do_not_read_delay_the_end_only_so_long_and_who_reads_gets_all,
        a_second_signal_ends_it_at_once, a_port_in_use_is_said);
}
