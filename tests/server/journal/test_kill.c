/* test_kill.c - a server with a journal is killed under load: what it acknowledged is there. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/file.h"
#include "server/client.h"
#include "server/journal/place.h"
#include "server/load.h"
#include "server/server_process.h"
#include "support/support.h"

enum { KILLS = 20, ACKNOWLEDGED_MOST = 2000 };

static struct server_process server;

/* What is in the journal. Each life of the server begins with message 0 of each publisher. */
struct contents {
    uint64_t before;                /* records of earlier lives */
    uint64_t count;                 /* all records */
    uint64_t next[LOAD_PUBLISHERS]; /* messages of each publisher in the last life */
};

static void
check_record(const struct record *record, void *context)
{
    struct contents *const contents = context;
    char text[64];
    char *rest;
    unsigned long publisher;

    MUST(record->message_size < sizeof text && record->channel_size == 4 &&
             memcmp(record->channel, "load", 4) == 0,
        "a record of nothing that was sent");
    if (contents->count++ < contents->before)
        return;
    memcpy(text, record->message, record->message_size);
    text[record->message_size] = '\0';
    publisher = strtoul(text, &rest, 10);
    MUST(publisher < LOAD_PUBLISHERS && *rest == ':' &&
             strtoull(rest + 1, NULL, 10) == contents->next[publisher],
        "after %llu messages of its publisher the journal has %s",
        (unsigned long long)contents->next[publisher], text);
    contents->next[publisher]++;
}

/* Where the last whole record ends. */
static off_t
read_journal(struct contents *contents)
{
    const int descriptor = open(journal_path, O_RDONLY);
    const char *failure;
    off_t end = 0;

    contents->before = contents->count;
    contents->count = 0;
    memset(contents->next, 0, sizeof contents->next);
    failure = file_read(descriptor, check_record, contents, &end);
    MUST(!failure, "the journal cannot be read: %s", failure);
    MUST(contents->count >= contents->before, "the journal has lost what earlier lives wrote");
    (void)close(descriptor);
    return end;
}

/* As if the machine had stopped in the middle of a batch. */
static void
tear(off_t end, uint64_t *random)
{
    const struct record record = {"load", "0:0", 4, 3};
    char bytes[32];
    const int descriptor = open(journal_path, O_WRONLY);
    const size_t size = 1 + next_random(random) % (record_size(&record) - 1);

    record_write(&record, bytes);
    MUST(pwrite(descriptor, bytes, size, end) == (ssize_t)size, "the journal cannot be written");
    (void)close(descriptor);
}

/* One life: under load, until so many messages are acknowledged, or a few more. */
static void
live(struct load_publisher *publishers, long long acknowledged, uint64_t *random)
{
    struct client *client;

    SERVER_START(&server, "--loops", "2", "--journal", journal_path);
    client = client_open(server.port);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_start(&publishers[i], server.port, i, 0, UINT64_MAX);
    AWAIT(client_info(client, "messages_kept") >= acknowledged);
    dawdle(random, 1 << 20);
    server_signal(&server, SIGKILL);
    ck_assert_int_eq(server_wait(&server, 128 + SIGKILL), 128 + SIGKILL);
    client_close(client);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        load_publisher_join(&publishers[i]);
}

START_TEST(every_message_that_was_acknowledged_before_a_kill_is_in_the_journal_in_order)
{
    static struct load_publisher publishers[LOAD_PUBLISHERS];
    static struct contents contents;
    uint64_t random = 20;

    journal_make();
    for (int i = 0; i < KILLS; i++) {
        off_t end;

        live(publishers, (long long)(next_random(&random) % scaled(ACKNOWLEDGED_MOST)), &random);
        end = read_journal(&contents);
        for (int j = 0; j < LOAD_PUBLISHERS; j++)
            ck_assert_uint_ge(contents.next[j], publishers[j].answered);
        if (i % 2 == 1)
            tear(end, &random);
    }
    journal_remove();
}
END_TEST

int
main(void)
{
    return RUN_TESTS(
        "kill", every_message_that_was_acknowledged_before_a_kill_is_in_the_journal_in_order);
}
