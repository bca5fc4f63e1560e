/* test_options.c - the command line: what it refuses and how, what it does. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* Run it with one option; it MUST end with `code`. Its standard error is still there. */
static void
run_with(const char *option, const char *value, int code)
{
    int errors;

    server_run(&server, (const char *const[]){"server", "--port", "0", option, value, NULL});
    errors = dup(server.errors);
    ck_assert_int_eq(server_wait(&server, code), code);
    server.errors = errors;
}

START_TEST(what_an_option_cannot_be_is_said_and_ends_with_2)
{
    static const char *const wrong[][3] = {
        {"--port", "65536", "--port takes a number from 0 to 65535, not '65536'"},
        {"--port", "x", "--port takes a number from 0 to 65535, not 'x'"},
        {"--port", "", "--port takes a number from 0 to 65535, not ''"},
        {"--port", "-1", "--port takes a number from 0 to 65535, not '-1'"},
        {"--port", "1 ", "--port takes a number from 0 to 65535, not '1 '"},
        {"--bind", "localhost", "--bind takes an IPv4 or IPv6 address, not 'localhost'"},
        {"--bind", "127.0.0.256", "--bind takes an IPv4 or IPv6 address, not '127.0.0.256'"},
        {"--bind", "[::1]", "--bind takes an IPv4 or IPv6 address, not '[::1]'"},
        {"--loops", "0", "--loops takes a number from 1 to 32, not '0'"},
        {"--loops", "33", "--loops takes a number from 1 to 32, not '33'"},
        {"--capacity", "1", "--capacity takes a number from 2 to 1048576, not '1'"},
        {"--max-message", "0", "--max-message takes a number from 1 to 536870912, not '0'"},
        {"--max-message", "18446744073709551617", "--max-message takes a number from 1 to"},
        {"--message-memory", "0", "--message-memory takes a number from 1 to 68719476736"},
        {"--output-limit", "1023", "--output-limit takes a number from 1024 to 1073741824"},
        {"--output-limit-soft", "1073741825", "--output-limit-soft takes a number from 0 to"},
        {"--output-limit-seconds", "0", "--output-limit-seconds takes a number from 1 to 86400"},
        {"--socket-buffer", "1073741825", "--socket-buffer takes a number from 0 to"},
        {"--keepalive", "32768", "--keepalive takes a number from 0 to 32767, not '32768'"},
        {"--timeout", "31536001", "--timeout takes a number from 0 to 31536000"},
        {"--max-clients", "0", "--max-clients takes a number from 1 to 1000000"},
        {"--max-patterns", "1000001", "--max-patterns takes a number from 0 to 1000000"},
        {"--http", "", "--http takes PORT, ADDRESS:PORT"},
        {"--http", "65536", "--http takes PORT, ADDRESS:PORT"},
        {"--http", "localhost:8380", "--http takes PORT, ADDRESS:PORT"},
        {"--metrics-topics", "10001", "--metrics-topics takes a number from 0 to 10000"},
        {"--nonsense", NULL, "--nonsense"},
        {"more", NULL, "'more' is not an option"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        run_with(wrong[i][0], wrong[i][1], 2);
        ck_assert_msg(server_said(&server, wrong[i][2]), "%s is not said", wrong[i][2]);
        (void)close(server.errors);
    }
}
END_TEST

START_TEST(an_address_of_another_machine_cannot_be_listened_on)
{
    run_with("--bind", "192.0.2.1", 1);
    ck_assert(server_said(&server, "cannot listen on 192.0.2.1:0: address not available"));
    (void)close(server.errors);
    run_with("--http", "192.0.2.1:0", 1);
    ck_assert(server_said(&server, "cannot listen for HTTP on 192.0.2.1:0: address not available"));
    (void)close(server.errors);
}
END_TEST

START_TEST(the_help_names_every_option)
{
    static const char *const options[] = {
        "--port=", "--bind=", "--loops=", "--capacity=", "--max-message=", "--message-memory=",
        "--output-limit=", "--output-limit-soft=", "--output-limit-seconds=", "--socket-buffer=",
        "--keepalive=", "--timeout=", "--max-clients=", "--max-patterns=", "--journal=", "--http=",
        "--metrics-topics=", "--help"};
    static char text[16 * 1024];

    server_run(&server, (const char *const[]){"server", "--help", NULL});
    server_read_all(&server, text, sizeof text);
    ck_assert_int_eq(server_wait(&server, 0), 0);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        ck_assert_msg(strstr(text, options[i]), "%s is not in the help", options[i]);
}
END_TEST

/* A socket to or at the loopback address of IPv6; -1: there is no such thing here. */
static int
open_ip6(int port, int (*join)(int, const struct sockaddr *, socklen_t))
{
    const int own = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 address;

    memset(&address, 0, sizeof address);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons((uint16_t)port);
    address.sin6_addr = in6addr_loopback;
    if (own >= 0 && join(own, (const struct sockaddr *)&address, sizeof address) == 0)
        return own;
    if (own >= 0)
        (void)close(own);
    return -1;
}

START_TEST(it_listens_on_ip6)
{
    char answer[8] = "";
    int own = open_ip6(0, bind);

    if (own < 0)
        return;
    (void)close(own);
    SERVER_START(&server, "--loops", "1", "--bind", "::1");
    own = open_ip6(server.port, connect);
    ck_assert_int_ge(own, 0);
    ck_assert_int_eq(send(own, "PING\r\n", 6, 0), 6);
    ck_assert_int_eq(recv(own, answer, 7, MSG_WAITALL), 7);
    ck_assert_str_eq(answer, "+PONG\r\n");
    (void)close(own);
    server_stop(&server);
}
END_TEST

/* In a process of its own, whose limit the server inherits. */
static void
start_with_few_descriptors(void)
{
    const struct rlimit few = {60, 60};
    struct client *clients[20];

    MUST(setrlimit(RLIMIT_NOFILE, &few) == 0, "the limit cannot be lowered");
    SERVER_START(&server, "--loops", "1");
    MUST(server_said(&server, "descriptors (ulimit -n) for 20 clients only"), "it says nothing");
    for (int i = 0; i < 20; i++) {
        clients[i] = client_open(server.port);
        CLIENT_COMMAND(clients[i], "PING");
        client_expect(clients[i], "+PONG\r\n");
    }
    MUST(client_info(clients[0], "maxclients") == 20, "another number of clients");
    for (int i = 0; i < 3; i++) {
        struct client *const more = client_open(server.port);

        client_expect(more, "-ERR max number of clients reached\r\n");
        client_close(more);
    }
    for (int i = 0; i < 20; i++)
        client_close(clients[i]);
    server_stop(&server);
}

START_TEST(with_few_descriptors_there_are_fewer_clients)
{
    run_in_child(start_with_few_descriptors);
}
END_TEST

/* Who watches takes none from the clients. */
static void
start_with_few_descriptors_and_a_page(void)
{
    const struct rlimit few = {132, 132};
    struct client *clients[20];

    MUST(setrlimit(RLIMIT_NOFILE, &few) == 0, "the limit cannot be lowered");
    SERVER_START(&server, "--loops", "1", "--http", "0");
    MUST(server_said(&server, "descriptors (ulimit -n) for 20 clients only"), "it says nothing");
    for (int i = 0; i < 64; i++)
        (void)client_open(server_http_port(&server));
    for (int i = 0; i < 20; i++) {
        clients[i] = client_open(server.port);
        CLIENT_COMMAND(clients[i], "PING");
        client_expect(clients[i], "+PONG\r\n");
    }
    server_stop(&server);
}

START_TEST(viewers_have_descriptors_of_their_own)
{
    run_in_child(start_with_few_descriptors_and_a_page);
}
END_TEST

static void
start_without_descriptors(void)
{
    const struct rlimit none = {35, 35};

    MUST(setrlimit(RLIMIT_NOFILE, &none) == 0, "the limit cannot be lowered");
    run_with("--loops", "1", 1);
    MUST(server_said(&server, "too few descriptors (ulimit -n)"), "it says nothing");
}

START_TEST(without_descriptors_it_does_not_start)
{
    run_in_child(start_without_descriptors);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("options", what_an_option_cannot_be_is_said_and_ends_with_2,
        an_address_of_another_machine_cannot_be_listened_on, the_help_names_every_option,
        it_listens_on_ip6, with_few_descriptors_there_are_fewer_clients,
        viewers_have_descriptors_of_their_own, without_descriptors_it_does_not_start);
}
