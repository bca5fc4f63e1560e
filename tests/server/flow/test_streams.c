/* test_streams.c - messages that many subscribers have in common: whatever a client has subscribed to, they come to it
 * whole and in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

enum { CHANNELS = 10, MESSAGES = 800, READERS = 12, SIZE_MAX_SENT = 20000, LEAVERS = 4 };

static struct server_process server;

/* What is published, the i-th: on which channel, and how many bytes. */
static struct {
    int channel;
    size_t size;
} messages[MESSAGES];

/* A bit for each of c0 .. c9, and for each pattern: more of one length than a loop has streams. */
struct reader {
    struct client *client;
    unsigned channels, patterns;
    int at;                              /* the message that comes next, or in part */
    unsigned channels_got, patterns_got; /* of it */
};

static const struct {
    const char *text;
    unsigned channels; /* that it matches */
} patterns[] = {{"c*", 0x3ff}, {"c?", 0x3ff}, {"?*", 0x3ff}, {"*?", 0x3ff}, {"??", 0x3ff},
    {"**", 0x3ff}, {"*0", 0x1}, {"*1", 0x2}, {"*2", 0x4}, {"?3", 0x8}, {"?4", 0x10},
    {"c[0-4]", 0x1f}};

enum { PATTERNS = sizeof patterns / sizeof *patterns };

static void
draw_messages(uint64_t *random)
{
    for (int i = 0; i < MESSAGES; i++) {
        const uint64_t draw = next_random(random);

        /* Runs of one channel, and all mixed. */
        messages[i].channel =
            i > 0 && draw % 4 > 0 ? messages[i - 1].channel : (int)((draw >> 8) % CHANNELS);
        messages[i].size = 8 + (draw >> 16) % ((draw >> 40) % 50 == 0 ? SIZE_MAX_SENT - 8 : 200);
    }
}

static void
fill(char *bytes, int i)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%08d", i);
    memset(bytes, 'a' + i % 26, messages[i].size);
    memcpy(bytes, number, 8);
}

/* ---- readers ---- */

static void
reader_open(struct reader *reader, unsigned channels, unsigned chosen, int buffer)
{
    char name[16];

    memset(reader, 0, sizeof *reader);
    reader->client = client_open_small(server.port, buffer);
    reader->channels = channels;
    reader->patterns = chosen;
    for (int i = 0; i < CHANNELS + PATTERNS; i++) {
        const bool is_pattern = i >= CHANNELS;

        if (!((is_pattern ? chosen >> (i - CHANNELS) : channels >> i) & 1))
            continue;
        (void)snprintf(name, sizeof name, "c%d", i);
        CLIENT_COMMAND(reader->client, is_pattern ? "PSUBSCRIBE" : "SUBSCRIBE",
            is_pattern ? patterns[i - CHANNELS].text : name);
        client_expect_line(reader->client, "*3");
        for (int line = 0; line < 5; line++)
            (void)client_line(reader->client);
    }
}

static unsigned
patterns_of(const struct reader *reader, int channel)
{
    unsigned chosen = 0;

    for (unsigned i = 0; i < PATTERNS; i++)
        if (patterns[i].channels >> channel & reader->patterns >> i & 1)
            chosen |= 1U << i;
    return chosen;
}

/* The message it is at has come for all its subscriptions, or matches none. */
static bool
has_all(const struct reader *reader)
{
    const int channel = messages[reader->at].channel;

    return (reader->channels_got != 0) == (reader->channels >> channel & 1) &&
           reader->patterns_got == patterns_of(reader, channel);
}

static void
go_on(struct reader *reader)
{
    while (reader->at < MESSAGES && has_all(reader)) {
        reader->at++;
        reader->channels_got = 0;
        reader->patterns_got = 0;
    }
}

/* A bulk string that MUST come next. */
static const char *
take_bulk(struct reader *reader, size_t wanted)
{
    size_t size = 0;
    const char *const bytes = client_bulk(reader->client, &size);

    MUST(bytes && (wanted == 0 || size == wanted), "message %d: %zu bytes, not %zu", reader->at,
        size, wanted);
    return bytes;
}

static unsigned
take_pattern(struct reader *reader)
{
    size_t size = 0;
    const char *const text = client_bulk(reader->client, &size);

    for (unsigned i = 0; i < PATTERNS; i++)
        if (text && strlen(patterns[i].text) == size && memcmp(patterns[i].text, text, size) == 0)
            return 1U << i;
    MUST(false, "message %d: no such pattern", reader->at);
    return 0;
}

/* Take what comes for one of the subscriptions, which MUST be owed: a message's channel and its bytes. */
static void
take(struct reader *reader)
{
    static char wanted[SIZE_MAX_SENT];
    const int at = reader->at;
    const char *const line = client_line(reader->client);
    const bool is_pattern = line && strcmp(line, "*4") == 0;
    unsigned got = 1;

    MUST(line && line[0] == '*', "message %d: the server closed", at);
    (void)take_bulk(reader, is_pattern ? 8 : 7);
    if (is_pattern)
        got = take_pattern(reader);
    MUST(is_pattern ? !(reader->patterns_got & got) : !reader->channels_got,
        "message %d comes twice", at);
    MUST(take_bulk(reader, 2)[1] == '0' + messages[at].channel, "message %d: its channel", at);
    fill(wanted, at);
    MUST(memcmp(take_bulk(reader, messages[at].size), wanted, messages[at].size) == 0,
        "message %d is another", at);
    if (is_pattern)
        reader->patterns_got |= got;
    else
        reader->channels_got = 1;
}

/* All that it is owed MUST come, and nothing behind it but the answer to a PING. */
static void
reader_finish(struct reader *reader)
{
    go_on(reader);
    while (reader->at < MESSAGES) {
        take(reader);
        go_on(reader);
    }
    CLIENT_COMMAND(reader->client, "PING");
    client_expect(reader->client, "*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    client_close(reader->client);
}

/* ---- */

static void
publish(struct client *publisher, int i)
{
    static char text[SIZE_MAX_SENT + 64];
    const int size = snprintf(text, sizeof text, "*3\r\n$7\r\nPUBLISH\r\n$2\r\nc%d\r\n$%zu\r\n",
        messages[i].channel, messages[i].size);

    fill(text + size, i);
    memcpy(text + size + messages[i].size, "\r\n", 2);
    client_send_bytes(publisher, text, (size_t)size + messages[i].size + 2);
}

/* The readers read when all is published, half of them with small sockets, so that the server keeps most of it for
 * them; some others leave in the midst of it. */
START_TEST(whatever_a_client_has_subscribed_to_comes_whole_and_in_order)
{
    static struct reader readers[READERS], leavers[LEAVERS];
    struct client *publisher = NULL;
    uint64_t random = 4712;

    draw_messages(&random);
    SERVER_START(&server, "--loops", "2", "--socket-buffer", "8192");
    publisher = client_open(server.port);
    for (int i = 0; i < READERS; i++) {
        const uint64_t draw = next_random(&random);

        /* One channel; one pattern; several of both. */
        reader_open(&readers[i],
            i % 3 == 0   ? 1U << draw % CHANNELS
            : i % 3 == 1 ? 0
                         : (unsigned)draw & 0x3ff,
            i % 3 == 0   ? 0
            : i % 3 == 1 ? 1U << (draw >> 10) % PATTERNS
                         : (unsigned)(draw >> 16) & ((1U << PATTERNS) - 1),
            i % 2 ? 16384 : 0);
    }
    for (int i = 0; i < LEAVERS; i++)
        reader_open(&leavers[i], 0x3ff, 1, 16384);
    for (int i = 0; i < MESSAGES; i++) {
        publish(publisher, i);
        if (i >= MESSAGES / 2 && i < MESSAGES / 2 + LEAVERS)
            client_close(leavers[i - MESSAGES / 2].client);
    }
    for (int i = 0; i < MESSAGES; i++)
        client_expect_line(publisher, ":");
    for (int i = 0; i < READERS; i++)
        reader_finish(&readers[i]);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(what_a_socket_takes_counts_against_no_limit)
{
    struct reader reader;
    struct client *publisher = NULL;

    for (int i = 0; i < MESSAGES; i++) {
        messages[i].channel = 0;
        messages[i].size = 1000;
    }
    SERVER_START(&server, "--output-limit", "20000", "--output-limit-soft", "0");
    reader_open(&reader, 1, 1, 0);
    publisher = client_open(server.port);
    for (int i = 0; i < MESSAGES; i += 50) {
        for (int j = i; j < i + 50; j++)
            publish(publisher, j);
        for (int j = i; j < i + 50; j++)
            client_expect(publisher, ":2\r\n");
        while (reader.at < i + 50) {
            take(&reader);
            go_on(&reader);
        }
    }
    reader_finish(&reader);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("streams", whatever_a_client_has_subscribed_to_comes_whole_and_in_order,
        what_a_socket_takes_counts_against_no_limit);
}
