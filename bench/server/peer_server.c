/* peer_server.c - one server in a contest (peers/contest.h).
 *
 *   PROGRAM KIND SERVER serve server_<N>subs THREADS EVENTS
 *
 * Starts SERVER, which is of the KIND ringbus or redis, with so many loops or io-threads, and subscribes N connections
 * to a channel. Then one pass for each line on the standard input, and for each one line of JSON:
 *
 *   publish    PUBLISH requests answered a second, 64 bytes each, by redis-benchmark on 50 connections with 16 requests
 *              at once on each, EVENTS in all
 *   delivered  messages a second at all subscribers, from the start of redis-benchmark to the last message's arrival,
 *              less what that takes for 16 requests alone, the null baseline
 *   cpu        ns of CPU time that the server took meanwhile, for each message delivered; without subscribers for each
 *              request
 *   p50, p99   ns from a PUBLISH to the arrival of its message at a subscriber, over all subscribers, the next one
 *              being sent when all have it and it was answered; without subscribers to the answer
 *
 * Every byte of every message is compared with what was published, and a message more or less fails the pass. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "child.h"
#include "load.h"
#include "readers.h"
#include "ringbus/types.h"

/* Latency samples of a pass; for how many of its EVENTS there is one PUBLISH alone; looks at the null baseline. */
enum { SAMPLES_MAX = 100000, EVENTS_ALONE = 100, LOOKS = 3 };

struct bench {
    struct child server;
    struct readers readers;
    redisContext *publisher;
    uint64_t events;
    int64_t null_ns; /* what it takes to start redis-benchmark, to its first messages */
    int64_t samples[SAMPLES_MAX];
    size_t sample_count;
};

struct figures {
    double publish, delivered, cpu, p50, p99;
    int64_t elapsed_ns; /* from the start of redis-benchmark to the last message */
};

/* ---- many requests at once ---- */

/* Read until redis-benchmark has ended and all have everything. */
static bool
await_all(struct readers *readers, struct load_process *load)
{
    bool has_ended = false;

    while (!has_ended || readers->left > 0) {
        const int ready = readers_poll(readers);

        if (ready < 0)
            return false;
        if (ready > 0 && !load_take(load))
            has_ended = true;
        if (ready > 0 && has_ended && !readers_unwatch(readers, load->output))
            return false;
    }
    return true;
}

static bool
measure_load(struct bench *bench, uint64_t events, struct figures *ret_figures)
{
    struct readers *const readers = &bench->readers;
    const uint64_t count = (uint64_t)(readers->count > 0 ? readers->count : 1) * events;
    const int64_t began = ringbus_now_ns();
    struct load_process load;
    char payload[READERS_PAYLOAD + 1];
    const double cpu_began = child_cpu_ns(&bench->server);

    memset(payload, 'x', READERS_PAYLOAD);
    payload[READERS_PAYLOAD] = '\0';
    readers_expect(readers, payload, events);
    if (!load_start(&load, bench->server.port, READERS_CHANNEL, payload, events))
        return false;
    if (!readers_watch(readers, load.output) || !await_all(readers, &load)) {
        load_kill(&load);
        return false;
    }
    ret_figures->cpu = (child_cpu_ns(&bench->server) - cpu_began) / (double)count;
    ret_figures->publish = load_finish(&load);
    ret_figures->elapsed_ns = readers->last_ns - began;
    if (readers->count > 0)
        ret_figures->delivered =
            (double)count * 1e9 / (double)(ret_figures->elapsed_ns - bench->null_ns);
    if (ret_figures->publish <= 0)
        (void)fprintf(stderr, "compare: redis-benchmark tells no rate\n");
    return ret_figures->publish > 0;
}

/* The least of some looks. */
static bool
measure_null(struct bench *bench)
{
    int64_t least = INT64_MAX;

    for (int look = 0; look < LOOKS; look++) {
        struct figures figures = {0};

        if (!measure_load(bench, LOAD_PIPELINE, &figures))
            return false;
        least = figures.elapsed_ns < least ? figures.elapsed_ns : least;
    }
    bench->null_ns = bench->readers.count > 0 ? least : 0;
    return true;
}

/* ---- one at a time ---- */

/* The answer to a PUBLISH is that number. */
static bool
take_answer(const struct bench *bench)
{
    char wanted[32], bytes[64];
    const int length = snprintf(wanted, sizeof wanted, ":%d\r\n", bench->readers.count);
    const ssize_t size = recv(bench->publisher->fd, bytes, sizeof bytes, 0);
    const bool is_good = size == length && memcmp(bytes, wanted, (size_t)length) == 0;

    if (!is_good)
        (void)fprintf(stderr, "compare: PUBLISH is not answered with %d\n", bench->readers.count);
    return is_good;
}

static bool
send_all(int socket, const char *bytes, int size)
{
    return size > 0 && send(socket, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

/* One PUBLISH, with the time in its payload, and what comes of it. */
static bool
publish_alone(struct bench *bench)
{
    struct readers *const readers = &bench->readers;
    char payload[READERS_PAYLOAD + 1];
    char *command = NULL;
    const int64_t sent_ns = ringbus_now_ns();
    int64_t answered_ns = 0;
    int ready = 0, size = 0;
    bool is_sent = false;

    (void)snprintf(payload, sizeof payload, "%0*lld", READERS_PAYLOAD, (long long)sent_ns);
    readers_expect(readers, payload, 1);
    size = redisFormatCommand(&command, "PUBLISH " READERS_CHANNEL " %s", payload);
    is_sent = send_all(bench->publisher->fd, command, size);
    redisFreeCommand(command);
    while (is_sent && (answered_ns == 0 || readers->left > 0)) {
        ready = readers_poll(readers);
        if (ready < 0 || (ready > 0 && !take_answer(bench)))
            return false;
        if (ready > 0)
            answered_ns = ringbus_now_ns();
    }
    for (int i = 0; i < readers->count && bench->sample_count < SAMPLES_MAX; i++)
        bench->samples[bench->sample_count++] = readers->finished_ns[i] - sent_ns;
    if (readers->count == 0 && bench->sample_count < SAMPLES_MAX)
        bench->samples[bench->sample_count++] = answered_ns - sent_ns;
    return is_sent;
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static double
quantile(const struct bench *bench, double q)
{
    return (double)bench->samples[(size_t)(q * (double)(bench->sample_count - 1) + .5)];
}

static bool
measure_latency(struct bench *bench, struct figures *ret_figures)
{
    bool is_good = readers_watch(&bench->readers, bench->publisher->fd);

    bench->sample_count = 0;
    for (uint64_t i = 0; i < bench->events / EVENTS_ALONE + 1 && is_good; i++)
        is_good = publish_alone(bench);
    if (!is_good || !readers_unwatch(&bench->readers, bench->publisher->fd))
        return false;
    qsort(bench->samples, bench->sample_count, sizeof *bench->samples, compare);
    ret_figures->p50 = quantile(bench, .5);
    ret_figures->p99 = quantile(bench, .99);
    return true;
}

/* ---- passes ---- */

static bool
serve(struct bench *bench)
{
    char line[64];

    while (fgets(line, sizeof line, stdin) != NULL) {
        struct figures figures = {0};

        if (!measure_load(bench, bench->events, &figures) || !measure_latency(bench, &figures))
            return false;
        (void)printf("{\"publish\":%.0f,\"delivered\":%.0f,\"cpu\":%.2f,\"p50\":%.0f,\"p99\":%.0f,"
                     "\"null_ns\":%lld}\n",
            figures.publish, figures.delivered, figures.cpu, figures.p50, figures.p99,
            (long long)bench->null_ns);
        (void)fflush(stdout);
    }
    return true;
}

static bool
open_and_serve(struct bench *bench, int subscribers)
{
    bool is_good = readers_open(&bench->readers, bench->server.port, subscribers);

    if (is_good)
        bench->publisher = redisConnect("127.0.0.1", bench->server.port);
    is_good = is_good && bench->publisher != NULL && bench->publisher->err == 0 &&
              measure_null(bench) && serve(bench);
    if (bench->publisher != NULL)
        redisFree(bench->publisher);
    readers_close(&bench->readers);
    return is_good;
}

int
main(int argc, char **argv)
{
    static struct bench bench; /* large */
    int subscribers = -1;
    bool is_good = false;

    if (argc == 7 && strcmp(argv[3], "serve") == 0)
        (void)sscanf(argv[4], "server_%dsubs", &subscribers);
    if (subscribers < 0 || subscribers > READERS_MAX) {
        (void)fputs("compare: see the head of peer_server.c for the arguments\n", stderr);
        return 2;
    }
    bench.events = strtoull(argv[6], NULL, 10) / LOAD_PIPELINE * LOAD_PIPELINE + LOAD_PIPELINE;
    if (!child_start(&bench.server, argv[1], argv[2], argv[5]))
        return 1;
    is_good = open_and_serve(&bench, subscribers);
    child_stop(&bench.server);
    return is_good ? 0 : 1;
}
