/* share.c - work sharing: the workers of one reader take ranges of what is there, each event once.
 *
 * A share is a reader whose position is the last event taken, and workers with a place each after it. The position in a
 * worker's place is the last event of its range it has finished, INT64_MAX while it has no range.
 * I1  a worker stores its position, then takes: who finds the reader's position moved finds the worker's, or a later
 *     one (TAKE), if it looks at the reader first, as the gate and the readers after a share do. So no event is passed
 *     before it is finished
 * I2  the reader's position only grows, and a range is taken only if it stands where it stood before the look at the
 *     slots: then nobody else has taken them, and no producer has used them again
 * I3  a position that was stored in vain is too small, never too large; who stored it tells the producers afterwards
 * I4  what is left behind stays where it is: the worker that takes it over exchanges places with the one that has left,
 *     under the share's lock. No position moves, so no look can miss it
 * I5  the end is told when all is finished, not when all is taken: until then a worker may leave something behind
 * Edges: TAKE, POSITION, STAGE.
 * Source: ranges and announcements are ours; LMAX WorkProcessor takes one event at a time, before it is there. */
#include <assert.h>

#include "base/alloc.h"
#include "base/options.h"
#include "ring/ring.h"

enum { DEFAULT_WORKERS = 4 };

struct ringbus_worker {
    /* written by the worker's thread */
    _Alignas(CPU_LINE) int64_t next; /* the first event of its range it has not committed */
    int64_t end;                     /* behind the last one; `next`: it has none */

    /* written under the share's lock */
    _Alignas(CPU_LINE) struct ringbus_share *share;
    struct ringbus_reader *reader; /* waits for it */
    struct ringbus_reader *place;  /* has its position */
    bool is_open;
};

struct ringbus_share {
    /* never written after open */
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    uint32_t max_workers;

    _Alignas(CPU_LINE) struct lock lock;
    struct atomic_u32 rests; /* bits of workers that have left something behind */

    struct ringbus_worker workers[];
};

/* ---- taking ---- */

static void
move_to(const struct ringbus_worker *worker, int64_t position)
{
    /* POSITION release: what this worker did before, also with earlier ranges, comes before the overwrite. */
    store_i64(&worker->place->position, position, ORDER_POSITION_RELEASE);
}

/* Take the next range, or step over abandoned slots. False: somebody else was first. */
static bool
try_take(struct ringbus_worker *worker, int64_t taken, const struct ringbus_run *run)
{
    const int64_t last = run->first + run->count - 1;

    if (run->count > 0)
        move_to(worker, run->first - 1);
    /* TAKE release: the position just stored is found by whoever finds these taken (I1). */
    if (!cas_i64(&worker->share->reader->position, &taken, last, ORDER_TAKE_RELEASE))
        return false;
    worker->next = run->first;
    worker->end = last + 1;
    return true;
}

static bool
take(struct ringbus_worker *worker, uint32_t max)
{
    const struct ringbus_reader *reader = worker->share->reader;
    bool has_range = false, is_changed = false;

    while (!has_range) {
        /* HINT: the compare-and-swap decides. */
        const int64_t taken = load_i64(&reader->position, ORDER_HINT);
        struct ringbus_run run;

        if (!ringbus__reader_find(reader, taken + 1, max, &run) && run.first == taken + 1) {
            /* HINT: else the look was at slots that others have taken. */
            if (load_i64(&reader->position, ORDER_HINT) == taken)
                break;
            continue;
        }
        has_range = try_take(worker, taken, &run) && run.count > 0;
        is_changed |= !has_range || run.first != taken + 1;
    }
    if (likely(!is_changed))
        return has_range;
    if (!has_range)
        move_to(worker, INT64_MAX);
    /* A producer may have seen a position stored in vain, or wait for slots that were stepped over. */
    ring_moved(worker->share->ring);
    return has_range;
}

/* ---- what is left behind ---- */

/* The oldest there is, for it is what producers wait for. Under the lock. */
static struct ringbus_worker *
oldest_rest(struct ringbus_share *share)
{
    struct ringbus_worker *oldest = NULL;

    for (uint32_t left = load_u32(&share->rests, ORDER_OWN); left != 0; left &= left - 1) {
        struct ringbus_worker *worker = &share->workers[__builtin_ctz(left)];

        if (oldest == NULL || worker->next - oldest->next < 0)
            oldest = worker;
    }
    return oldest;
}

/* `worker` is one that has left. Under the lock. */
static void
forget_rest(struct ringbus_share *share, const struct ringbus_worker *worker)
{
    and_u32(&share->rests, ~(UINT32_C(1) << (worker - share->workers)), ORDER_OWN);
}

static bool
take_over(struct ringbus_worker *worker)
{
    struct ringbus_share *share = worker->share;
    struct ringbus_worker *rest = NULL;

    lock_acquire(&share->lock);
    rest = oldest_rest(share);
    if (rest != NULL) {
        struct ringbus_reader *place = worker->place;

        worker->place = rest->place;
        worker->next = rest->next;
        worker->end = rest->end;
        rest->place = place;
        rest->next = rest->end;
        forget_rest(share, rest);
    }
    lock_release(&share->lock);
    return rest != NULL;
}

/* ---- looking ---- */

/* There is no event to take. */
static int
outcome_of_nothing(struct ringbus_worker *worker)
{
    const struct ringbus_share *share = worker->share;
    /* STAGE acquire: the workers' positions are looked at after it (I1). */
    const int64_t taken = load_i64(&share->reader->position, ORDER_STAGE_ACQUIRE);

    if (!ringbus__ring_is_at_end(share->ring, taken + 1))
        return RINGBUS_EAGAIN;
    if (ringbus__ring_limit(share->ring, share->reader->stands_for) >= taken)
        return RINGBUS_ESHUTDOWN;
    worker->reader->waits_for_readers = true; /* for the other workers (I5) */
    return RINGBUS_EAGAIN;
}

int
ringbus_worker_poll(struct ringbus_worker *worker, uint32_t max, struct ringbus_run *ret_run)
{
    uint32_t count = 0;

    assert(max > 0 && worker->is_open);
    /* HINT: the lock decides. */
    if (worker->next == worker->end &&
        !(unlikely(load_u32(&worker->share->rests, ORDER_HINT)) && take_over(worker)) &&
        !take(worker, max))
        return outcome_of_nothing(worker);
    count = worker->end - worker->next < max ? (uint32_t)(worker->end - worker->next) : max;
    *ret_run = (struct ringbus_run){worker->next, count};
    if (unlikely(worker->reader->waiter.idle > 0))
        ringbus__waiter_learn(&worker->reader->waiter, count);
    return RINGBUS_OK;
}

/* The slot of the next event that is not taken has it, an abandoned one included, or a later one: then the look at the
 * position was an old one. */
static bool
has_next(const struct ringbus_reader *reader)
{
    /* HINT: a poll looks again. */
    const int64_t next = load_i64(&reader->position, ORDER_HINT) + 1;
    /* PUBLISH acquire: who finds a later lap finds what led to it. */
    const uint64_t stamp = load_u64(&ring_slot(reader->ring, next)->stamp, ORDER_PUBLISH_ACQUIRE);

    return (int64_t)(stamp - stamp_of(next)) >= 0 &&
           (reader->after == 0 || next <= ringbus__ring_limit(reader->ring, reader->after));
}

static bool
has_something(struct ringbus_reader *reader)
{
    struct ringbus_worker *worker = reader->worker;
    const bool waited_for_readers = reader->waits_for_readers;

    /* HINT: looked at after the sleeper's barrier; who leaves something behind sets it before its own. */
    return worker->next != worker->end || load_u32(&worker->share->rests, ORDER_HINT) ||
           has_next(worker->share->reader) || outcome_of_nothing(worker) != RINGBUS_EAGAIN ||
           reader->waits_for_readers != waited_for_readers; /* it must sleep elsewhere */
}

int
ringbus_worker_wait_until(
    struct ringbus_worker *worker, uint32_t max, int64_t deadline_ns, struct ringbus_run *ret_run)
{
    for (;;) {
        const int outcome = ringbus_worker_poll(worker, max, ret_run);

        if (outcome != RINGBUS_EAGAIN)
            return outcome;
        if (ringbus__reader_wait_step(worker->reader, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    }
}

void
ringbus_worker_commit(struct ringbus_worker *worker, int64_t sequence)
{
    assert(sequence >= worker->next - 1 && sequence < worker->end);
    if (unlikely(sequence < worker->next))
        return;
    worker->next = sequence + 1;
    move_to(worker, worker->next < worker->end ? sequence : INT64_MAX);
    ring_moved(worker->share->ring);
}

/* ---- workers come and go ---- */

/* One that has not left anything behind, if possible. Under the lock. */
static struct ringbus_worker *
take_closed(struct ringbus_share *share)
{
    for (uint32_t i = 0; i < share->max_workers; i++)
        if (!share->workers[i].is_open && share->workers[i].next == share->workers[i].end)
            return &share->workers[i];
    return oldest_rest(share);
}

int
ringbus_worker_open(struct ringbus_share *share, struct ringbus_worker **ret_worker)
{
    struct ringbus_worker *worker = NULL;

    if (share == NULL || ret_worker == NULL)
        return RINGBUS_EINVAL;
    lock_acquire(&share->lock);
    worker = take_closed(share);
    if (worker != NULL) {
        worker->is_open = true;
        worker->reader->waits_for_readers = share->reader->after != 0;
        forget_rest(share, worker);
        *ret_worker = worker;
    }
    lock_release(&share->lock);
    return worker != NULL ? RINGBUS_OK : RINGBUS_ENOSPC;
}

int
ringbus_worker_close(struct ringbus_worker *worker)
{
    struct ringbus_share *share = worker != NULL ? worker->share : NULL;
    bool was_open = false, has_rest = false;

    if (worker == NULL)
        return RINGBUS_EINVAL;
    ringbus__reader_disarm(worker->reader);
    lock_acquire(&share->lock);
    was_open = worker->is_open;
    has_rest = was_open && worker->next != worker->end;
    worker->is_open = false;
    if (has_rest)
        or_u32(&share->rests, UINT32_C(1) << (worker - share->workers), ORDER_OWN);
    lock_release(&share->lock);
    if (has_rest)
        ringbus__ring_wake_everybody(share->ring);
    return was_open ? RINGBUS_OK : RINGBUS_EINVAL;
}

struct ringbus_reader *
ringbus__worker_reader(struct ringbus_worker *worker)
{
    return worker->reader;
}

/* ---- the share ---- */

static size_t
size_of(uint32_t workers)
{
    return sizeof(struct ringbus_share) + workers * sizeof(struct ringbus_worker);
}

static void
set_up(struct ringbus_share *share)
{
    const uint64_t places = share->reader->stands_for & ~share->reader->bit;
    struct ringbus_worker *worker = share->workers;

    for (uint64_t left = places; left != 0; left &= left - 1) {
        worker->share = share;
        worker->place = worker->reader = &share->ring->readers[__builtin_ctzll(left)];
        worker->reader->worker = worker;
        worker->reader->has_something = has_something;
        worker++;
    }
}

static struct ringbus_reader_options
reader_options(const struct ringbus_share_options *options)
{
    return (struct ringbus_reader_options){
        .size = sizeof(struct ringbus_reader_options),
        .after = options->after,
        .after_count = options->after_count,
        .wait = options->wait,
        .back = options->back,
        .is_eager = options->is_eager,
        .custom = options->custom,
        .name = options->name,
    };
}

int
ringbus_share_open(struct ringbus_ring *ring, const struct ringbus_share_options *given,
    struct ringbus_share **ret_share)
{
    struct ringbus_share_options options = ringbus_share_options_default();
    struct ringbus_reader_options each;
    struct ringbus_share *share = NULL;
    int outcome = RINGBUS_OK;

    if (ring == NULL || ret_share == NULL ||
        ringbus__options_read(&options, sizeof options, sizeof options, given) != 0 ||
        options.max_workers > RINGBUS_SHARE_MAX_WORKERS ||
        (options.custom != NULL && options.custom->wake != NULL))
        return RINGBUS_EINVAL;
    if (options.max_workers == 0)
        options.max_workers = DEFAULT_WORKERS;
    share = ringbus__alloc(&ring->allocator, size_of(options.max_workers), CPU_LINE);
    if (share == NULL)
        return RINGBUS_ENOMEM;
    share->ring = ring;
    share->max_workers = options.max_workers;
    each = reader_options(&options);
    outcome = ringbus__reader_join(ring, &each, share, options.max_workers, &share->reader);
    if (outcome != RINGBUS_OK) {
        ringbus__share_release(share);
        return outcome;
    }
    set_up(share);
    *ret_share = share;
    return RINGBUS_OK;
}

void
ringbus__share_release(struct ringbus_share *share)
{
    if (share != NULL)
        ringbus__release(&share->ring->allocator, share, size_of(share->max_workers));
}

int
ringbus_share_close(struct ringbus_share *share)
{
    bool is_busy = false;
    int outcome = RINGBUS_OK;

    if (share == NULL)
        return RINGBUS_EINVAL;
    lock_acquire(&share->lock);
    for (uint32_t i = 0; i < share->max_workers; i++)
        is_busy |= share->workers[i].is_open;
    lock_release(&share->lock);
    outcome = is_busy ? RINGBUS_EBUSY : ringbus__reader_leave(share->reader);
    if (outcome == RINGBUS_OK)
        ringbus__share_release(share);
    return outcome;
}

struct ringbus_reader *
ringbus_share_reader(const struct ringbus_share *share)
{
    return share->reader;
}

int64_t
ringbus_share_position(const struct ringbus_share *share)
{
    return ringbus__ring_limit(share->ring, share->reader->stands_for);
}
