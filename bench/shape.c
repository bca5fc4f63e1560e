/* shape.c - see shape.h. */
#include "shape.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "ringbus/types.h"

enum { SETTLE_NS = 5000000, PING_GAP_NS = 1000 };

const struct shape shapes[SHAPE_COUNT] = {
    {"ring_1p1c", 30000000, 6000000, 1, 1, 1, {{STEP_SUM, 0}}, false},
    {"ring_1p1c_batch10", 60000000, 30000000, 1, 10, 1, {{STEP_SUM, 0}}, false},
    {"ring_3p1c", 12000000, 9000000, 3, 1, 1, {{STEP_SUM, 0}}, false},
    {"ring_1p3c", 15000000, 6000000, 1, 1, 3, {{STEP_SUM, 0}, {STEP_SUM, 0}, {STEP_SUM, 0}}, false},
    {"ring_pipeline3", 15000000, 4500000, 1, 1, 3, {{STEP_ONE, 0}, {STEP_TWO, 1}, {STEP_LAST, 2}},
        false},
    {"ring_diamond", 15000000, 6000000, 1, 1, 3,
        {{STEP_FIZZ, 0}, {STEP_BUZZ, 0}, {STEP_FIZZBUZZ, 3}}, false},
    {"ring_pingpong", 60000, 12000, 1, 1, 1, {{STEP_SUM, 0}}, true},
};

static bool
    is_pinned; /* the producer of a pass with two threads to the first CPU, the reader to the second */

const struct shape *
shape_find(const char *name, bool *ret_is_block)
{
    for (int i = 0; i < SHAPE_COUNT; i++) {
        const size_t length = strlen(shapes[i].name);

        if (strncmp(name, shapes[i].name, length) != 0)
            continue;
        *ret_is_block = strcmp(name + length, "_block") == 0;
        if (name[length] == '\0' || *ret_is_block)
            return &shapes[i];
    }
    return NULL;
}

uint64_t
shape_events(const struct shape *shape, bool is_block)
{
    return is_block ? shape->block_events : shape->events;
}

bool
shape_has_notes(const struct shape *shape)
{
    return shape->reader[0].step != STEP_SUM;
}

/* ---- one pass ---- */

struct pass {
    const struct system *system;
    const struct shape *shape;
    void *line, *back; /* back: where the pongs come from */
    uint64_t events;
    pthread_barrier_t go;
};

struct actor {
    pthread_t thread;
    struct pass *pass;
    int index;
    int64_t began, ended;
    uint64_t sum;
};

static void
die(const char *what, const char *name)
{
    fprintf(stderr, "bench: %s: %s\n", name, what);
    exit(1);
}

/* What a reader's results add up to when each producer has published 0 .. n - 1. */
static uint64_t
expected(const struct shape *shape, int reader, uint64_t events)
{
    const uint64_t producers = (uint64_t)shape->producers, n = events / producers;
    const uint64_t all = producers * (n * (n - 1) / 2);

    switch (shape->reader[reader].step) {
    case STEP_ONE:
        return all + n;
    case STEP_TWO:
    case STEP_LAST:
        return all + 2 * n;
    case STEP_FIZZ:
        return (n + 2) / 3;
    case STEP_BUZZ:
        return (n + 4) / 5;
    case STEP_FIZZBUZZ:
        return (n + 14) / 15;
    case STEP_SUM:
        break;
    }
    return all;
}

static void *
read_events(void *context)
{
    struct actor *actor = context;
    struct pass *pass = actor->pass;

    if (is_pinned)
        bench_pin(1);
    actor->sum = pass->system->read(pass->line, actor->index, pass->events);
    actor->ended = ringbus_now_ns();
    return NULL;
}

static void *
produce_events(void *context)
{
    struct actor *actor = context;
    struct pass *pass = actor->pass;

    if (is_pinned)
        bench_pin(0);
    pthread_barrier_wait(&pass->go);
    actor->began = ringbus_now_ns();
    pass->system->produce(pass->line, 0, pass->events / (uint64_t)pass->shape->producers);
    return NULL;
}

static void
start(struct actor *actor, struct pass *pass, int index, void *(*run)(void *context))
{
    *actor = (struct actor){.pass = pass, .index = index};
    if (pthread_create(&actor->thread, NULL, run, actor) != 0)
        die("no thread", pass->shape->name);
}

/* Readers are given time to begin to wait. */
static void
settle(void)
{
    const struct timespec time = {0, SETTLE_NS};

    nanosleep(&time, NULL);
}

/* Seconds from the first claim to the end of the last reader. */
static double
run_stream(struct pass *pass)
{
    struct actor readers[SHAPE_MAX_ACTORS], producers[SHAPE_MAX_ACTORS];
    const struct shape *shape = pass->shape;
    int64_t began = INT64_MAX, ended = 0;

    pthread_barrier_init(&pass->go, NULL, (unsigned)shape->producers);
    for (int i = 0; i < shape->readers; i++)
        start(&readers[i], pass, i, read_events);
    settle();
    for (int i = 0; i < shape->producers; i++)
        start(&producers[i], pass, i, produce_events);
    for (int i = 0; i < shape->producers; i++) {
        pthread_join(producers[i].thread, NULL);
        began = producers[i].began < began ? producers[i].began : began;
    }
    for (int i = 0; i < shape->readers; i++) {
        pthread_join(readers[i].thread, NULL);
        ended = readers[i].ended > ended ? readers[i].ended : ended;
        if (readers[i].sum != expected(shape, i, pass->events))
            die("wrong sum", shape->name);
    }
    pthread_barrier_destroy(&pass->go);
    return (double)(ended - began) / 1e9;
}

static void *
answer(void *context)
{
    struct actor *actor = context;
    const struct pass *pass = actor->pass;

    if (is_pinned)
        bench_pin(1);
    for (uint64_t i = 0; i < pass->events; i++)
        pass->system->produce(pass->back, pass->system->read(pass->line, 0, 1), 1);
    return NULL;
}

static int
compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Round trips a microsecond apart: ns at the median, 99 % and 99.9 %. */
static void
run_ping(struct pass *pass, double ret_ns[3])
{
    static const double at[3] = {.5, .99, .999};
    int64_t *const times = malloc(pass->events * sizeof *times);
    struct actor actor;

    if (times == NULL)
        die("no memory", pass->shape->name);
    start(&actor, pass, 0, answer);
    settle();
    if (is_pinned)
        bench_pin(0);
    for (uint64_t i = 0; i < pass->events; i++) {
        const int64_t began = ringbus_now_ns();
        int64_t ended = 0;

        pass->system->produce(pass->line, i, 1);
        if (pass->system->read(pass->back, 0, 1) != i)
            die("wrong answer", pass->shape->name);
        ended = ringbus_now_ns();
        times[i] = ended - began;
        while (ringbus_now_ns() - ended < PING_GAP_NS)
            continue;
    }
    pthread_join(actor.thread, NULL);
    qsort(times, pass->events, sizeof *times, compare);
    for (int i = 0; i < 3; i++)
        ret_ns[i] = (double)times[(uint64_t)(at[i] * (double)pass->events)];
    free(times);
}

/* One pass: seconds, or of a ping-pong the three latencies. */
static double
run(const struct system *system, const struct shape *shape, const char *wait, uint64_t events,
    double ret_ns[3])
{
    const uint32_t capacity = shape->is_ping ? SHAPE_PING_CAPACITY : SHAPE_CAPACITY;
    struct pass pass = {.system = system, .shape = shape, .events = events};
    double seconds = 0;

    pass.line = system->open(shape, capacity, wait);
    pass.back = shape->is_ping ? system->open(shape, capacity, wait) : NULL;
    if (pass.line == NULL || (shape->is_ping && pass.back == NULL))
        die("cannot open the line", shape->name);
    if (shape->is_ping)
        run_ping(&pass, ret_ns);
    else
        seconds = run_stream(&pass);
    system->close(pass.line);
    if (pass.back != NULL)
        system->close(pass.back);
    return seconds;
}

/* ---- the program ---- */

static int
serve(const struct system *system, char **argv)
{
    bool is_block = false;
    const struct shape *shape = shape_find(argv[0], &is_block);
    const uint64_t events = strtoull(argv[2], NULL, 10);
    char line[16];

    if (shape == NULL || events == 0)
        die("no such case", argv[0]);
    while (fgets(line, sizeof line, stdin) != NULL) {
        double ns[3] = {0};
        const double seconds = run(system, shape, argv[1], events, ns);

        printf("{\"system\":\"%s\",\"case\":\"%s\",\"wait\":\"%s\",\"events\":%llu,", system->name,
            argv[0], argv[1], (unsigned long long)events);
        if (shape->is_ping)
            printf("\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f}\n", ns[0], ns[1], ns[2]);
        else
            printf("\"value\":%.0f}\n", (double)events / seconds);
        fflush(stdout);
    }
    return 0;
}

struct wish {
    int rounds;
    const char *wait; /* NULL: the case's own */
    uint64_t events;  /* 0: the case's own */
};

static const char *
usual_wait(const struct shape *shape, bool is_block)
{
    return is_block ? "phased" : shape->is_ping ? "busy_spin" : "yield";
}

static void
measure(
    const struct system *system, const char *name, const struct wish *wish, struct bench_row *row)
{
    bool is_block = false;
    const struct shape *shape = shape_find(name, &is_block);
    const uint64_t events = wish->events ? wish->events : shape_events(shape, is_block);
    const char *wait = wish->wait ? wish->wait : usual_wait(shape, is_block);
    double ns[3] = {0};
    const double seconds = run(system, shape, wait, events, ns);

    row->name = name;
    row->unit = shape->is_ping ? "ns a round trip (p50)" : "ns an event";
    bench_add(row, shape->is_ping ? ns[0] : seconds * 1e9 / (double)events);
}

static void
tabulate(const struct system *system, const struct wish *wish, char **names, int count)
{
    struct bench_row *const rows = calloc((size_t)count, sizeof *rows);

    printf("%s: null %.1f ns, round trip %.0f ns\n", system->name, bench_null_ns(),
        bench_round_trip_ns());
    for (int round = 0; rows != NULL && round < wish->rounds; round++)
        for (int i = 0; i < count; i++)
            measure(system, names[i], wish, &rows[i]);
    if (rows != NULL)
        bench_print(rows, count);
    free(rows);
}

/* Every case, blocking or not, but no blocking ping-pong: the last one, as it happens. */
static void
tabulate_all(const struct system *system, const struct wish *wish)
{
    enum { CASES = 2 * SHAPE_COUNT - 1 };
    static char names[CASES][64];
    char *all[CASES];

    for (int i = 0; i < CASES; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", shapes[i % SHAPE_COUNT].name,
            i < SHAPE_COUNT ? "" : "_block");
        all[i] = names[i];
    }
    tabulate(system, wish, all, CASES);
}

int
shape_main(const struct system *system, int argc, char **argv)
{
    struct wish wish = {.rounds = bench_rounds(15)};
    bool is_block = false;
    int i = 1;

    if (argc == 5 && strcmp(argv[1], "serve") == 0)
        return serve(system, argv + 2);
    for (; i < argc && argv[i][0] == '-'; i++)
        if (strcmp(argv[i], "--pin") == 0)
            is_pinned = true;
        else if (i + 1 < argc && strcmp(argv[i], "--rounds") == 0)
            wish.rounds = atoi(argv[++i]);
        else if (i + 1 < argc && strcmp(argv[i], "--wait") == 0)
            wish.wait = argv[++i];
        else if (i + 1 < argc && strcmp(argv[i], "--events") == 0)
            wish.events = strtoull(argv[++i], NULL, 10);
        else
            die("no such option", argv[i]);
    for (int k = i; k < argc; k++)
        if (shape_find(argv[k], &is_block) == NULL)
            die("no such case", argv[k]);
    if (i < argc)
        tabulate(system, &wish, argv + i, argc - i);
    else
        tabulate_all(system, &wish);
    return 0;
}
