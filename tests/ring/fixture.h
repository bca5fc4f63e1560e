/* fixture.h - the few lines every test of the ring begins with. */
#ifndef TESTS_RING_FIXTURE_H
#define TESTS_RING_FIXTURE_H

#include "ring/ring.h"
#include "support/support.h"

enum { MILLISECOND = 1000000 };

static inline struct ringbus_ring *
open_ring_at(uint32_t capacity, int64_t first, uint32_t wait)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = capacity;
    options.first = first;
    options.wait = wait;
    MUST(ringbus_ring_open(&options, &ring) == RINGBUS_OK, "no ring of %u", (unsigned)capacity);
    return ring;
}

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
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)

#endif
