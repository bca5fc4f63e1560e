/* test_drain.c - a signal in the midst of messages to many subscribers: what was answered arrives, at each of them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { SUBSCRIBERS = 24, MESSAGES = 6000 };

static struct server_process server;

/* How many were answered with a number before the server refused the others or closed. */
static int
count_answered(struct client *publisher)
{
    int answered = 0;
    const char *line;

    while ((line = client_line(publisher)) != NULL && line[0] == ':') {
        MUST(strcmp(line, ":24") == 0, "a subscriber is missing: %s", line);
        answered++;
    }
    MUST(!line || strcmp(line, "-ERR the server is shutting down") == 0, "%s", line);
    return answered;
}

/* They come from the first on, none missing; returns how many. */
static int
count_received(struct client *subscriber)
{
    int received = 0;
    const char *text;

    while ((text = client_message(subscriber, "a")) != NULL) {
        MUST(strtol(text, NULL, 10) == received, "behind %d comes %s", received - 1, text);
        received++;
    }
    return received;
}

/* When the signal comes most messages are not even on the bus, others are in the rings, in the loops' output, in the
 * sockets, which are small. */
static void
stop_amid_messages(const char *loops)
{
    static char text[MESSAGES * 80];
    struct client *subscribers[SUBSCRIBERS], *publisher;
    const int messages = (int)scaled(MESSAGES);
    int answered = messages / 6;
    size_t used = 0;

    SERVER_START(&server, "--loops", loops, "--socket-buffer", "16384");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        subscribers[i] = client_open_small(server.port, 32768);
        CLIENT_COMMAND(subscribers[i], "SUBSCRIBE", "a");
        client_expect(subscribers[i], "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    }
    publisher = client_open(server.port);
    for (int i = 0; i < messages; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "PUBLISH a %050d\r\n", i);
    client_send_bytes(publisher, text, used);
    for (int i = 0; i < answered; i++)
        client_expect(publisher, ":24\r\n");
    server_signal(&server, SIGTERM);
    answered += count_answered(publisher);
    for (int i = 0; i < SUBSCRIBERS; i++) {
        const int received = count_received(subscribers[i]);

        MUST(received >= answered, "subscriber %d has %d of %d", i, received, answered);
        client_close(subscribers[i]);
    }
    client_close(publisher);
    ck_assert_int_eq(server_wait(&server, 0), 0);
}

/* The publisher's own loop reads on before it hands out what it has read: what was answered is in the ring. */
START_TEST(what_was_answered_and_is_in_the_ring_reaches_every_subscriber)
{
    stop_amid_messages("1");
}
END_TEST

START_TEST(what_was_answered_reaches_every_subscriber_on_all_loops)
{
    stop_amid_messages("3");
}
END_TEST

int
main(void)
{
    return RUN_TESTS("drain", what_was_answered_and_is_in_the_ring_reaches_every_subscriber,
        what_was_answered_reaches_every_subscriber_on_all_loops);
}
