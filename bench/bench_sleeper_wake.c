/* bench_sleeper_wake.c - a reader that must sleep as soon as it finds nothing, as an event loop does: who pays for the
 * store-load barrier, every post (a fence) or every sleep (a process-wide barrier)?
 *
 * One poster, paced or not, on the first CPU, one such reader on the second; both ways in every round. Per rate: what
 * one post costs the poster, and what the reader burns of its core. docs/decisions/0002 draws the conclusion. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/os.h"
#include "bench.h"
#include "ring/ring.h"

enum { RATES = 4, WAYS = 2, MAX_RUN = 256 };

static const int64_t gaps_ns[RATES] = {100000, 10000, 1000, 0};
static const char *const rate_names[RATES] = {"10 k/s", "100 k/s", "1 M/s", "flood"};
static const char *const way_names[WAYS] = {"fence a post", "barrier a sleep"};

struct run {
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    double reader_cpu; /* of its core, in percent */
};

/* The loop's way to be woken, reduced to the word. */
static void
wake(void *context)
{
    struct run *run = context;

    if (exchange_u32(&run->reader->asleep, 0, ORDER_WAKE))
        ringbus__os.word_wake(&run->reader->asleep);
}

static int64_t
cpu_ns(void)
{
    struct timespec spent;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (int64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

static void *
read_all(void *context)
{
    struct run *run = context;
    struct ringbus_run events;
    const int64_t began = ringbus_now_ns(), began_cpu = cpu_ns();
    int outcome = RINGBUS_OK;

    bench_pin(1);
    while ((outcome = ringbus_reader_poll(run->reader, MAX_RUN, &events)) != RINGBUS_ESHUTDOWN) {
        if (outcome == RINGBUS_OK) {
            ringbus_reader_commit(run->reader, events.first + events.count - 1);
            continue;
        }
        ringbus__reader_arm(run->reader);
        if (ringbus_reader_poll(run->reader, 1, &events) != RINGBUS_EAGAIN)
            continue;
        while (load_u32(&run->reader->asleep, ORDER_STATE_ACQUIRE))
            ringbus__os.word_wait(&run->reader->asleep, 1, RINGBUS_FOREVER);
    }
    run->reader_cpu = 100.0 * (double)(cpu_ns() - began_cpu) / (double)(ringbus_now_ns() - began);
    return NULL;
}

/* Mean ns a post costs. */
static double
post_all(struct run *run, int64_t gap_ns, int count)
{
    const uint64_t payload[4] = {0};
    int64_t due = ringbus_now_ns(), spent = 0;

    for (int i = 0; i < count; i++) {
        int64_t began = ringbus_now_ns();

        while (began < due)
            began = ringbus_now_ns();
        due += gap_ns;
        if (ringbus_ring_publish_copy(run->ring, payload, sizeof payload, RINGBUS_FOREVER) < 0)
            return 0;
        spent += ringbus_now_ns() - began;
    }
    return (double)spent / count;
}

static double
measure(int way, int64_t gap_ns, double *ret_cpu)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct run run = {0};
    pthread_t thread;
    double post_ns = 0;

    options.capacity = 65536;
    if (ringbus_ring_open(&options, &run.ring) != RINGBUS_OK)
        return 0;
    if (way == 0) { /* such rings fence: see layout.h */
        run.ring->wake = wake;
        run.ring->wake_context = &run;
    }
    if (ringbus_reader_open(run.ring, NULL, &run.reader) != RINGBUS_OK ||
        pthread_create(&thread, NULL, read_all, &run) != 0)
        return 0;
    bench_pin(0);
    post_ns = post_all(&run, gap_ns, gap_ns ? (int)(50000000 / gap_ns) : 2000000);
    ringbus_ring_end(run.ring);
    pthread_join(thread, NULL);
    ringbus_ring_close(run.ring);
    *ret_cpu = run.reader_cpu;
    return post_ns;
}

int
main(void)
{
    static struct bench_row rows[RATES][2 * WAYS];
    static char names[RATES][2 * WAYS][64];

    printf("null %.1f ns, round trip %.0f ns\n", bench_null_ns(), bench_round_trip_ns());
    for (int round = bench_rounds(15); round > 0; round--)
        for (int rate = 0; rate < RATES; rate++)
            for (int way = 0; way < WAYS; way++) {
                double cpu = 0;
                const double post_ns = measure(way, gaps_ns[rate], &cpu);
                struct bench_row *post = &rows[rate][way], *core = &rows[rate][WAYS + way];

                snprintf(names[rate][way], 64, "%s, %s: post", rate_names[rate], way_names[way]);
                snprintf(names[rate][WAYS + way], 64, "%s, %s: reader", rate_names[rate],
                    way_names[way]);
                post->name = names[rate][way];
                post->unit = "ns";
                core->name = names[rate][WAYS + way];
                core->unit = "% of a core";
                bench_add(post, post_ns);
                bench_add(core, cpu);
            }
    for (int rate = 0; rate < RATES; rate++) {
        bench_print(rows[rate], WAYS);
        bench_print(rows[rate] + WAYS, WAYS);
    }
    return 0;
}
