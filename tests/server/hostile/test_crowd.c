/* test_crowd.c - ten thousand clients at once, and a server that runs out of descriptors. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/client.h"
#include "server/hostile/figures.h"
#include "server/server_process.h"
#include "support/support.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define CROWD 2000
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CROWD 2000
#endif
#endif
#ifndef CROWD
#define CROWD 10000
#endif

#define SPARE 100 /* descriptors for anything else */

static struct server_process server;

/* ---- a crowd ------------------------------------------------------------------------------- */

/* So many clients that this process and the server, which inherits the limit, may have descriptors for. */
static int
choose_size(void)
{
    struct rlimit limit;

    MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0, "no limit");
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max >= CROWD + SPARE)
        return CROWD;
    (void)printf("%d descriptors are permitted: a smaller crowd\n", (int)limit.rlim_max);
    return (int)limit.rlim_max - SPARE;
}

static int
open_socket(void)
{
    struct sockaddr_in address;
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)server.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(descriptor >= 0, "no socket: %s", strerror(errno));
    MUST(connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0,
        "cannot connect: %s", strerror(errno));
    return descriptor;
}

/* With a reset: no port of this machine is kept back for a while. */
static void
close_socket(int descriptor)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};

    (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    (void)close(descriptor);
}

static void
send_text(int descriptor, const char *text)
{
    const size_t size = strlen(text);

    MUST(send(descriptor, text, size, MSG_NOSIGNAL) == (ssize_t)size, "cannot send");
}

/* These bytes MUST come next, in time. */
static void
expect_text(int descriptor, const char *text)
{
    const int64_t until = patience_ends();
    char got[128] = "";
    size_t size = 0;

    while (size < strlen(text)) {
        struct pollfd ready = {.fd = descriptor, .events = POLLIN};
        ssize_t count;

        MUST(poll(&ready, 1, 250) > 0 || os_real()->now_ns() < until, "waited in vain for: %s",
            text);
        if (ready.revents == 0)
            continue;
        count = recv(descriptor, got + size, strlen(text) - size, 0);
        MUST(count > 0, "the server closed before: %s", text);
        size += (size_t)count;
    }
    ck_assert_str_eq(got, text);
}

START_TEST(ten_thousand_subscribers_get_one_message)
{
    static int sockets[CROWD];
    const int crowd = choose_size();
    struct client *witness;
    char text[64];
    long before;

    SERVER_START(&server, "--max-clients", "20000");
    witness = client_open(server.port);
    CLIENT_COMMAND(witness, "PING");
    client_expect(witness, "+PONG\r\n");
    before = figures_resident(server.pid);
    for (int i = 0; i < crowd; i++) {
        sockets[i] = open_socket();
        send_text(sockets[i], "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n");
    }
    for (int i = 0; i < crowd; i++)
        expect_text(sockets[i], "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    CLIENT_COMMAND(witness, "PUBLISH", "news", "one");
    (void)snprintf(text, sizeof text, ":%d\r\n", crowd);
    client_expect(witness, text);
    for (int i = 0; i < crowd; i++)
        expect_text(sockets[i], "*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\none\r\n");
    (void)printf("%d subscribers: %ld bytes of memory each\n", crowd,
        (figures_resident(server.pid) - before) / crowd);
    ck_assert_int_eq(client_info(witness, "subscriptions"), crowd);
    for (int i = 0; i < crowd; i++)
        close_socket(sockets[i]);
    AWAIT(client_info(witness, "connected_clients") == 1);
    ck_assert_int_eq(client_info(witness, "subscriptions"), 0);
    client_close(witness);
    server_stop(&server);
}
END_TEST

/* ---- no descriptors ------------------------------------------------------------------------ */

/* Whether the server answers on it; it may close it instead. */
static bool
is_served(int descriptor)
{
    const int64_t until = patience_ends();
    struct pollfd ready = {.fd = descriptor, .events = POLLIN};
    char got[7];

    (void)send(descriptor, "PING\r\n", 6, MSG_NOSIGNAL);
    while (poll(&ready, 1, 250) <= 0)
        MUST(os_real()->now_ns() < until, "neither served nor closed");
    return recv(descriptor, got, sizeof got, MSG_WAITALL) == (ssize_t)sizeof got;
}

START_TEST(a_server_without_descriptors_goes_on_and_takes_clients_again)
{
    enum { LIMIT = 60, CLIENTS = 200 };
    const struct rlimit limit = {LIMIT, LIMIT};
    struct client *witness;
    int sockets[CLIENTS];
    int served = 0;

    SERVER_START(&server, "--loops", "2");
    witness = client_open(server.port);
    CLIENT_COMMAND(witness, "PING");
    client_expect(witness, "+PONG\r\n");
    MUST(prlimit(server.pid, RLIMIT_NOFILE, &limit, NULL) == 0, "no limit");
    for (int round = 0; round < 3; round++) {
        served = 0;
        for (int i = 0; i < CLIENTS; i++) {
            const int socket = open_socket();

            if (is_served(socket))
                sockets[served++] = socket;
            else
                close_socket(socket);
            CLIENT_COMMAND(witness, "PUBLISH", "a", "b");
            client_expect(witness, ":0\r\n");
        }
        ck_assert_int_gt(served, 10);
        ck_assert_int_lt(served, LIMIT);
        for (int i = 0; i < served; i++)
            ck_assert(is_served(sockets[i]));
        ck_assert_int_eq(client_info(witness, "connected_clients"), served + 1);
        for (int i = 0; i < served; i++)
            close_socket(sockets[i]);
        AWAIT(client_info(witness, "connected_clients") == 1);
    }
    client_close(witness);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("crowd", ten_thousand_subscribers_get_one_message,
        a_server_without_descriptors_goes_on_and_takes_clients_again);
}
