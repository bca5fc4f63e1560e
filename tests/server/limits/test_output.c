/* test_output.c - the soft limit of what may wait for a subscriber. (The hard one: flow/test_stuck.c.) */
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { MESSAGES = 800 };

static struct server_process server;

static void
subscribe(struct client *client, const char *name)
{
    CLIENT_COMMAND(client, "CLIENT", "SETNAME", name);
    client_expect(client, "+OK\r\n");
    CLIENT_COMMAND(client, "SUBSCRIBE", name);
    for (int i = 0; i < 6; i++)
        client_expect_line(client, "");
}

/* More than sockets of 32 KiB and the soft limit hold, and less than the hard one. */
static void
publish(struct client *publisher, const char *channel)
{
    static char text[1001];

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < MESSAGES; i++)
        CLIENT_COMMAND(publisher, "PUBLISH", channel, text);
    for (int i = 0; i < MESSAGES; i++)
        client_expect_line(publisher, ":");
}

static void
catch_up(struct client *slow, const char *channel)
{
    for (int i = 0; i < MESSAGES; i++)
        ck_assert_ptr_nonnull(client_message(slow, channel));
}

/* Two of whom one is over the limit at any time, and neither for long. */
static void
alternate(struct client *publisher, struct client *first, struct client *second)
{
    while (!server_said(&server, " (stuck): soft output limit\n")) {
        catch_up(first, "first");
        publish(publisher, "first");
        catch_up(second, "second");
        publish(publisher, "second");
    }
    catch_up(first, "first");
    catch_up(second, "second");
}

/* A client without subscriptions to whom more than the limit is owed. */
static struct client *
open_talker(void)
{
    static char command[1100] = "ECHO ";
    struct client *const talker = client_open_small(server.port, 32768);

    memset(command + 5, 'x', 1000);
    memcpy(command + 1005, "\r\n", 3);
    for (int i = 0; i < MESSAGES; i++)
        client_send(talker, command);
    return talker;
}

START_TEST(who_stays_over_the_soft_limit_is_cut_off_and_who_catches_up_is_not)
{
    struct client *stuck, *first, *second, *talker, *publisher;

    SERVER_START(&server, "--loops", "1", "--socket-buffer", "32768", "--output-limit", "2097152",
        "--output-limit-soft", "65536", "--output-limit-seconds", "1");
    stuck = client_open_small(server.port, 32768);
    first = client_open_small(server.port, 32768);
    second = client_open_small(server.port, 32768);
    publisher = client_open(server.port);
    subscribe(stuck, "stuck");
    subscribe(first, "first");
    subscribe(second, "second");
    talker = open_talker();
    publish(publisher, "first");
    publish(publisher, "second");
    publish(publisher, "stuck");
    alternate(publisher, first, second);
    ck_assert_int_eq(client_info(publisher, "clients_cut_off_soft"), 1);
    ck_assert_int_eq(client_info(publisher, "clients_cut_off_hard"), 0);
    AWAIT(client_info(publisher, "subscriptions") == 2);
    for (int i = 0; i < MESSAGES; i++) {
        client_expect(talker, "$1000\r\n");
        client_expect_line(talker, "xxx");
    }
    client_close(stuck);
    client_close(first);
    client_close(second);
    client_close(talker);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

/* Another server, in whose output so much waits, too. */
START_TEST(without_a_soft_limit_nobody_is_cut_off_below_the_hard_one)
{
    static struct server_process limited;
    struct client *stuck, *publisher, *limited_stuck, *limited_publisher;

    SERVER_START(&server, "--socket-buffer", "32768", "--output-limit", "2097152",
        "--output-limit-soft", "0", "--output-limit-seconds", "1");
    SERVER_START(&limited, "--socket-buffer", "32768", "--output-limit", "2097152",
        "--output-limit-soft", "1", "--output-limit-seconds", "1");
    stuck = client_open_small(server.port, 32768);
    publisher = client_open(server.port);
    limited_stuck = client_open_small(limited.port, 32768);
    limited_publisher = client_open(limited.port);
    subscribe(stuck, "stuck");
    subscribe(limited_stuck, "stuck");
    publish(publisher, "stuck");
    publish(limited_publisher, "stuck");
    AWAIT(server_said(&limited, " (stuck): soft output limit\n"));
    ck_assert_int_eq(client_info(publisher, "clients_cut_off"), 0);
    publish(publisher, "stuck");
    publish(publisher, "stuck");
    AWAIT(server_said(&server, " (stuck): output limit\n"));
    ck_assert_int_eq(client_info(publisher, "clients_cut_off_soft"), 0);
    client_close(stuck);
    client_close(publisher);
    client_close(limited_stuck);
    client_close(limited_publisher);
    server_stop(&limited);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("output", who_stays_over_the_soft_limit_is_cut_off_and_who_catches_up_is_not,
        without_a_soft_limit_nobody_is_cut_off_below_the_hard_one);
}
