/* fixture.h - the few lines every test of work sharing begins with. */
#ifndef TESTS_SHARE_FIXTURE_H
#define TESTS_SHARE_FIXTURE_H

#include "ring/fixture.h"
#include "ringbus/share.h"

static inline struct ringbus_share *
open_share_after(struct ringbus_ring *ring, uint32_t max_workers, uint32_t wait,
    struct ringbus_reader *const *after)
{
    struct ringbus_share_options options = ringbus_share_options_default();
    struct ringbus_share *share = NULL;

    options.max_workers = max_workers;
    options.wait = wait;
    options.custom = custom_wait(wait, false);
    options.after = after;
    options.after_count = after != NULL;
    MUST(ringbus_share_open(ring, &options, &share) == RINGBUS_OK, "no share");
    return share;
}

static inline struct ringbus_share *
open_share(struct ringbus_ring *ring, uint32_t max_workers)
{
    return open_share_after(ring, max_workers, RINGBUS_WAIT_PHASED, NULL);
}

static inline struct ringbus_worker *
open_worker(struct ringbus_share *share)
{
    struct ringbus_worker *worker = NULL;

    MUST(ringbus_worker_open(share, &worker) == RINGBUS_OK, "no worker");
    return worker;
}

static inline void
close_worker(struct ringbus_worker *worker)
{
    MUST(ringbus_worker_close(worker) == RINGBUS_OK, "the worker cannot be closed");
}

/* The worker gets exactly these, or if `wanted_count` is 0, nothing. */
#define CHECK_TAKES(worker, max, wanted_first, wanted_count)                                       \
    do {                                                                                           \
        struct ringbus_run check_run = {-1, 0};                                                    \
        const int check_outcome = ringbus_worker_poll(worker, max, &check_run);                    \
                                                                                                   \
        ck_assert_int_eq(check_outcome, (wanted_count) > 0 ? RINGBUS_OK : RINGBUS_EAGAIN);         \
        ck_assert_int_eq(check_run.first, (wanted_count) > 0 ? (wanted_first) : -1);               \
        ck_assert_uint_eq(check_run.count, wanted_count);                                          \
    } while (0)

#define CHECK_TAKES_NOTHING(worker) CHECK_TAKES(worker, UINT32_MAX, -1, 0u)

static inline int
take_outcome(struct ringbus_worker *worker)
{
    struct ringbus_run run;

    return ringbus_worker_poll(worker, UINT32_MAX, &run);
}

#define CHECK_FULL(ring) ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN)

#endif
