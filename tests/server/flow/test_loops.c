/* test_loops.c - several loops: clients are spread over them, and see one order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { LOOPS = 4 };

static struct server_process server;

/* A client that is served by now. */
static struct client *
open_served(void)
{
    struct client *const client = client_open(server.port);

    CLIENT_COMMAND(client, "PING");
    client_expect(client, "+PONG\r\n");
    return client;
}

/* Each loop has so many clients. */
static bool
is_even(struct client *client, long long each)
{
    char name[32];

    for (int i = 1; i <= LOOPS; i++) {
        (void)snprintf(name, sizeof name, "loop-%d_clients", i);
        if (client_info(client, name) != each)
            return false;
    }
    return true;
}

START_TEST(a_client_comes_to_the_loop_with_the_fewest)
{
    struct client *clients[3 * LOOPS];

    SERVER_START(&server, "--loops", "4");
    for (int i = 0; i < 3 * LOOPS; i++)
        clients[i] = open_served();
    ck_assert(is_even(clients[0], 3));

    /* All but one of a loop go, and the next come there. */
    client_close(clients[1]);
    client_close(clients[1 + LOOPS]);
    AWAIT(client_info(clients[0], "connected_clients") == 3 * LOOPS - 2);
    ck_assert(!is_even(clients[0], 3));
    clients[1] = open_served();
    clients[1 + LOOPS] = open_served();
    ck_assert(is_even(clients[0], 3));
    for (int i = 0; i < 3 * LOOPS; i++)
        client_close(clients[i]);
    server_stop(&server);
}
END_TEST

enum { PUBLISHERS = 4, SUBSCRIBERS = 8, ROUNDS = 200, PIPELINE = 100 };

/* Every publisher has some commands under way at any time. */
static void
publish(struct client *const *publishers, int rounds)
{
    char text[PIPELINE * 32];

    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < PUBLISHERS; i++) {
            size_t used = 0;

            for (int j = 0; j < PIPELINE; j++)
                used += (size_t)snprintf(text + used, sizeof text - used, "PUBLISH all %d:%d\r\n",
                    i, round * PIPELINE + j);
            client_send_bytes(publishers[i], text, used);
        }
    }
    for (int i = 0; i < PUBLISHERS; i++)
        for (int j = 0; j < rounds * PIPELINE; j++)
            client_expect(publishers[i], ":9\r\n");
}

/* Take the next message; it MUST be its publisher's next. */
static int
take(struct client *subscriber, int *next)
{
    const char *const text = client_message(subscriber, "all");
    char *rest = NULL;
    const long publisher = text ? strtol(text, &rest, 10) : -1;

    MUST(publisher >= 0 && publisher < PUBLISHERS, "the server closed");
    MUST(strtol(rest + 1, NULL, 10) == next[publisher], "publisher %ld's %d did not come: %s",
        publisher, next[publisher], text);
    next[publisher]++;
    return (int)publisher;
}

/* One connection more is subscribed by a pattern, so that the bus asks predicates too. */
START_TEST(on_all_loops_a_channel_has_one_order)
{
    const int rounds = (int)scaled(ROUNDS);
    const int messages = rounds * PUBLISHERS * PIPELINE;
    struct client *publishers[PUBLISHERS], *subscribers[SUBSCRIBERS], *pattern;
    int *const order = malloc((size_t)messages * sizeof *order);

    MUST(order, "no memory");
    SERVER_START(&server, "--loops", "4", "--capacity", "1024");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = open_served();
        CLIENT_COMMAND(subscribers[i], "SUBSCRIBE", "all");
        client_expect(subscribers[i], "*3\r\n$9\r\nsubscribe\r\n$3\r\nall\r\n:1\r\n");
    }
    for (int i = 0; i < PUBLISHERS; i++)
        publishers[i] = open_served();
    ck_assert(is_even(publishers[0], 3));
    pattern = open_served();
    CLIENT_COMMAND(pattern, "PSUBSCRIBE", "a*");
    client_expect_line(pattern, "*3");
    publish(publishers, rounds);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        int next[PUBLISHERS] = {0};

        for (int j = 0; j < messages; j++) {
            const int publisher = take(subscribers[i], next);

            MUST(i == 0 || order[j] == publisher, "subscriber %d has another order", i);
            order[j] = publisher;
        }
        client_close(subscribers[i]);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        client_close(publishers[i]);
    client_close(pattern);
    free(order);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS(
        "loops", a_client_comes_to_the_loop_with_the_fewest, on_all_loops_a_channel_has_one_order);
}
