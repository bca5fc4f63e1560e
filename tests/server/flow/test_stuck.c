/* test_stuck.c - from end to end: publishers that flood, a subscriber that is stuck, and others that are not. */
#include <stdio.h>
#include <string.h>

#include "server/client.h"
#include "server/load.h"
#include "server/server_process.h"
#include "support/support.h"

enum {
    SUBSCRIBERS = 4,
    LIMIT = 2 << 20, /* bytes that may wait for one client */
    SIZE = 1000,     /* of a message */
    WINDOW =
        1000, /* messages by which the publishers are ahead of the slowest who reads: half the limit */
    GROWTH_MAX = 20 * 1024,  /* KiB: the limit for everybody, and buffers that are half full */
    PIPELINE = LOAD_PIPELINE /* messages sent at once */
};

static struct server_process server;
static struct load_subscriber subscribers[SUBSCRIBERS];
static struct atomic_u64 published;
static uint64_t count; /* messages of each publisher */

static uint64_t
slowest(void)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < SUBSCRIBERS; i++) {
        const uint64_t received = load_u64(&subscribers[i].received, ORDER_COUNT);

        least = received < least ? received : least;
    }
    return least;
}

/* "<publisher>:<index>", and dots. */
static void
flood(void *context)
{
    const int number = *(const int *)context;
    struct client *const client = client_open(server.port);
    char text[PIPELINE * (SIZE + 64)];

    for (uint64_t index = 0; index < count; index += PIPELINE) {
        size_t used = 0;

        AWAIT(load_u64(&published, ORDER_COUNT) < slowest() + WINDOW);
        for (uint64_t i = index; i < index + PIPELINE; i++) {
            char *const message = text + used + 13;

            used += (size_t)snprintf(text + used, sizeof text - used, "PUBLISH load ");
            memset(message, '.', SIZE);
            message[snprintf(message, SIZE, "%d:%llu", number, (unsigned long long)i)] = '.';
            memcpy(message + SIZE, "\r\n", 2);
            used += SIZE + 2;
        }
        client_send_bytes(client, text, used);
        for (int i = 0; i < PIPELINE; i++)
            client_expect_line(client, ":");
        add_u64(&published, PIPELINE, ORDER_COUNT);
    }
    client_close(client);
}

static struct client *
open_stuck(void)
{
    struct client *const stuck = client_open_small(server.port, 8192);

    CLIENT_COMMAND(stuck, "CLIENT", "SETNAME", "sleepy");
    CLIENT_COMMAND(stuck, "SUBSCRIBE", "load");
    client_expect(stuck, "+OK\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nload\r\n:1\r\n");
    return stuck;
}

START_TEST(a_stuck_subscriber_beside_a_flood_costs_so_much_memory_and_nobody_a_message)
{
    static struct worker publishers[LOAD_PUBLISHERS];
    static const int numbers[LOAD_PUBLISHERS] = {0, 1};
    struct client *stuck, *witness;
    long before, after;

    count = scaled(400) * PIPELINE;
    SERVER_START(&server, "--loops", "2", "--capacity", "64", "--output-limit", "2097152",
        "--output-limit-soft", "0", "--socket-buffer", "65536");
    for (int i = 0; i < SUBSCRIBERS; i++)
        load_subscriber_start(&subscribers[i], server.port, LOAD_PUBLISHERS * count);
    stuck = open_stuck();
    before = server_peak_memory(&server);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        worker_start(&publishers[i], flood, (void *)(uintptr_t)&numbers[i]);
    for (int i = 0; i < LOAD_PUBLISHERS; i++)
        worker_join(&publishers[i], "a publisher");
    for (int i = 0; i < SUBSCRIBERS; i++) {
        load_subscriber_join(&subscribers[i]);
        ck_assert_uint_eq(load_u64(&subscribers[i].received, ORDER_COUNT), LOAD_PUBLISHERS * count);
    }
    after = server_peak_memory(&server);
    ck_assert(server_said(&server, " (sleepy): output limit\n"));
    witness = client_open(server.port);
    ck_assert_int_eq(client_info(witness, "clients_cut_off_hard"), 1);
    ck_assert_int_eq(client_info(witness, "clients_cut_off"), 1);
    ck_assert_int_eq(client_info(witness, "published"), (long long)(LOAD_PUBLISHERS * count));
    if (before > 0)
        ck_assert_int_lt(after - before, GROWTH_MAX);
    client_close(stuck);
    client_close(witness);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS(
        "stuck", a_stuck_subscriber_beside_a_flood_costs_so_much_memory_and_nobody_a_message);
}
