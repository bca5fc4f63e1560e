/* fixture.h - the few lines every test of the ring begins with. */
#ifndef TESTS_RING_FIXTURE_H
#define TESTS_RING_FIXTURE_H

#include "ring/ring.h"
#include "support/support.h"

enum { MILLISECOND = 1000000 };

/* ---- waits of one's own ---- */

/* A word that keeps its trace, as an eventfd does. */
static inline void
ring_bell(void *bell)
{
    exchange_u32(bell, 1, memory_order_acq_rel);
    ringbus__os.word_wake(bell);
}

static inline void
sleep_by_bell(uint64_t round, int64_t deadline_ns, void *bell)
{
    (void)round;
    if (exchange_u32(bell, 0, memory_order_acq_rel) == 0)
        ringbus__os.word_wait(bell, 0, deadline_ns);
}

static inline void
yield_once(uint64_t round, int64_t deadline_ns, void *context)
{
    (void)round;
    (void)deadline_ns;
    (void)context;
    ringbus__os.yield();
}

/* A reader's, with a bell for each, or a producer's, which nobody wakes. */
static inline const struct ringbus_custom_wait *
custom_wait(uint32_t wait, bool is_reader)
{
    static struct ringbus_custom_wait custom;
    static struct atomic_u32 bells[8];
    static uint32_t next;

    custom = (struct ringbus_custom_wait){sleep_by_bell, ring_bell, &bells[next++ % 8]};
    if (!is_reader)
        custom = (struct ringbus_custom_wait){yield_once, NULL, NULL};
    return wait == RINGBUS_WAIT_CUSTOM ? &custom : NULL;
}

/* ---- rings and readers ---- */

static inline struct ringbus_ring *
open_ring_with(const struct ringbus_ring_options *options)
{
    struct ringbus_ring *ring = NULL;

    MUST(ringbus_ring_open(options, &ring) == RINGBUS_OK, "no ring");
    return ring;
}

static inline struct ringbus_ring *
open_ring_of(uint32_t producers, uint32_t capacity, int64_t first, uint32_t wait)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.producers = producers;
    options.capacity = capacity;
    options.first = first;
    options.wait = wait;
    options.custom = custom_wait(wait, false);
    return open_ring_with(&options);
}

static inline struct ringbus_ring *
open_ring_at(uint32_t capacity, int64_t first, uint32_t wait)
{
    return open_ring_of(RINGBUS_PRODUCERS_MULTI, capacity, first, wait);
}

/* For what many producers and a single one have in common. */
#define FOR_EACH_PRODUCERS(producers)                                                              \
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;      \
         producers++)

static inline struct ringbus_ring *
open_ring(uint32_t capacity)
{
    return open_ring_at(capacity, 0, RINGBUS_WAIT_PHASED);
}

/* `after` has `count` readers. */
static inline struct ringbus_reader *
open_reader_after(
    struct ringbus_ring *ring, uint32_t wait, struct ringbus_reader *const *after, uint32_t count)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    options.wait = wait;
    options.custom = custom_wait(wait, true);
    options.after = after;
    options.after_count = count;
    MUST(ringbus_reader_open(ring, &options, &reader) == RINGBUS_OK, "no reader");
    return reader;
}

static inline struct ringbus_reader *
open_reader(struct ringbus_ring *ring)
{
    return open_reader_after(ring, RINGBUS_WAIT_PHASED, NULL, 0);
}

static inline void
close_reader(struct ringbus_reader *reader)
{
    MUST(ringbus_reader_close(reader) == RINGBUS_OK, "the reader cannot be closed");
}

/* Claim `n` and publish them; the first sequence. */
static inline int64_t
publish(struct ringbus_ring *ring, uint32_t n)
{
    const int64_t first = ringbus_ring_try_claim(ring, n);

    MUST(first >= 0, "a claim of %u gives %s", (unsigned)n, ringbus_error_name((int)first));
    ringbus_ring_publish(ring, first, n);
    return first;
}

static inline int64_t
abandon(struct ringbus_ring *ring, uint32_t n)
{
    const int64_t first = ringbus_ring_try_claim(ring, n);

    MUST(first >= 0, "a claim of %u gives %s", (unsigned)n, ringbus_error_name((int)first));
    ringbus_ring_abandon(ring, first, n);
    return first;
}

static inline int
poll_outcome(struct ringbus_reader *reader)
{
    struct ringbus_run run;

    return ringbus_reader_poll(reader, UINT32_MAX, &run);
}

/* What a poll finds is exactly this run, or if `count` is 0, nothing. */
#define CHECK_RUN_OF(reader, max, wanted_first, wanted_count)                                      \
    do {                                                                                           \
        struct ringbus_run check_run = {-1, 0};                                                    \
        const int check_outcome = ringbus_reader_poll(reader, max, &check_run);                    \
                                                                                                   \
        ck_assert_int_eq(check_outcome, (wanted_count) > 0 ? RINGBUS_OK : RINGBUS_EAGAIN);         \
        ck_assert_int_eq(check_run.first, (wanted_count) > 0 ? (wanted_first) : -1);               \
        ck_assert_uint_eq(check_run.count, wanted_count);                                          \
    } while (0)

#define CHECK_RUN(reader, wanted_first, wanted_count)                                              \
    CHECK_RUN_OF(reader, UINT32_MAX, wanted_first, wanted_count)

#define CHECK_NOTHING(reader) ck_assert_int_eq(poll_outcome(reader), RINGBUS_EAGAIN)

/* ---- sleeping ---- */

/* Somebody who waits in a thread of its own. */
struct sleeper {
    struct worker worker;
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    struct ringbus_run run;
    int64_t result; /* the claim's, or the wait's */
};

static inline void
claim_one(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->result = ringbus_ring_claim(sleeper->ring, 1);
}

static inline void
wait_for_run(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->result =
        ringbus_reader_wait_until(sleeper->reader, UINT32_MAX, RINGBUS_FOREVER, &sleeper->run);
}

/* Start it, and come back when it sleeps for the `nth` time. */
static inline void
let_sleep(struct sleeper *sleeper, void (*run)(void *context), uint64_t nth)
{
    worker_start(&sleeper->worker, run, sleeper);
    AWAIT(os_watch_sleeps() >= nth);
}

static inline struct ringbus_ring *
begin_watched(uint32_t capacity, uint32_t wait)
{
    struct ringbus_ring *ring = open_ring_at(capacity, 0, wait);

    os_watch_begin(0);
    return ring;
}

static inline void
end_watched(struct ringbus_ring *ring)
{
    os_watch_end();
    ringbus_ring_close(ring);
}

#define FOR_EACH_WAIT(wait)                                                                        \
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_CUSTOM; wait++)

/* Those in which the library sleeps until somebody wakes it. */
#define FOR_EACH_SLEEP(wait)                                                                       \
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)

#endif
