/* share.h - work sharing: the workers of one reader of a ring, each event handled by exactly one of them.
 *
 * A worker takes a range of events that are there to read, handles them, commits them, takes the next. No worker
 * waits for another one, so events are begun in order but finished in any. Where the order of some events matters,
 * give each its key and read by key lanes instead (ringbus_lane_of).
 *
 *   who may call what                          | threads
 *   -------------------------------------------+----------------------------------------------
 *   ringbus_share_open, _close, _position      | any, while producers, readers and workers run
 *   ringbus_worker_open, _close                | any, while the other workers run
 *   ringbus_worker_poll, _wait_until, _commit  | one thread at a time per worker
 *
 * Poll and commit are hot: they check their arguments only in debug builds, by assert.
 * Source: LMAX WorkerPool, which takes an event by one compare-and-swap each before it is there, and loses one where a
 * worker stops (LMAX#481); LMAX 4 has none (LMAX#323). */
#ifndef RINGBUS_SHARE_H
#define RINGBUS_SHARE_H

#include "ringbus/ring.h"

#define RINGBUS_SHARE_MAX_WORKERS 32u

RINGBUS_BEGIN_DECLS

struct ringbus_share;
struct ringbus_worker;

struct ringbus_share_options {
    size_t size;                         /* of this struct */
    struct ringbus_reader *const *after; /* readers of the same ring that must be done with an */
    uint32_t after_count;                /*   event before a worker takes it; 0: none */
    uint32_t max_workers;                /* 1..RINGBUS_SHARE_MAX_WORKERS; 0: 4 */
    uint32_t wait;                       /* enum ringbus_wait, of each worker */
    uint32_t is_eager;                   /* as of a reader */
    uint32_t back;                       /* as of a reader */
    /* With RINGBUS_WAIT_CUSTOM, the same for all workers. Its `wake` is NULL: it could not tell which of them is
     * meant. */
    const struct ringbus_custom_wait *custom;
    const char *name; /* for figures and dumps, at most 31 bytes; NULL: "reader-<number>" */
};

static inline struct ringbus_share_options
ringbus_share_options_default(void)
{
    struct ringbus_share_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Join the ring with a reader whose events are shared out. Like any reader it gets every event whose claim begins after
 * this call has returned, and holds producers back from then on, with or without workers.
 *
 * options    NULL: the defaults
 * ret_share  written on success only
 * return     RINGBUS_OK, RINGBUS_EINVAL (also: a lossy ring), RINGBUS_ENOMEM, RINGBUS_ERANGE (`back` is more than the
 *            ring's history), RINGBUS_ENOSPC: it takes max_workers + 1 of the ring's max_readers
 * Thread     any; takes the ring's lock for readers */
RINGBUS_API RINGBUS_NODISCARD int ringbus_share_open(struct ringbus_ring *ring,
    const struct ringbus_share_options *options, struct ringbus_share **ret_share);

/* Leave the ring. What no worker has finished is not handled any more.
 *
 * return  RINGBUS_OK, RINGBUS_EBUSY (a worker is open, or a reader that comes after the share; no way to wait for
 *         workers: join their threads first), RINGBUS_EINVAL (NULL)
 * Thread  one, and nobody uses the share any more. Closing the ring closes it too. */
RINGBUS_API int ringbus_share_close(struct ringbus_share *share);

/* What a reader names in `after` to see events only when their workers have finished them. Nothing else may be done
 * with it. */
RINGBUS_API struct ringbus_reader *ringbus_share_reader(const struct ringbus_share *share);

/* Everything up to this sequence is finished. A snapshot; a worker that is just looking for events may make it smaller
 * for a moment. Thread: any. */
RINGBUS_API int64_t ringbus_share_position(const struct ringbus_share *share);

/* A worker more.
 *
 * ret_worker  written on success only
 * return      RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOSPC (max_workers are open)
 * Thread      any; takes the share's lock. Needs no memory. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_worker_open(
    struct ringbus_share *share, struct ringbus_worker **ret_worker);

/* A worker leaves. What it has taken and not committed goes to the next worker that looks for events, before newer
 * ones; if there is none, it waits for one to open, and producers wait for it as for any event. No thread may be inside
 * a call on the worker.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL (closed already, and nobody has its place yet) */
RINGBUS_API int ringbus_worker_close(struct ringbus_worker *worker);

/* What is this worker's to handle: first what it has not committed of its last range, then what another one left
 * behind, then the next events that nobody has taken. A range has no abandoned slot in it.
 *
 * max      1..UINT32_MAX: how many to take at most. What one worker has taken the others cannot have: small numbers
 *          share evenly, large ones cost less for each event.
 * ret_run  written on success only; the slots stay valid until they are committed
 * return   RINGBUS_OK, RINGBUS_EAGAIN (nothing yet), RINGBUS_ESHUTDOWN: the line has ended and all its events are
 *          finished, so none can be left behind any more
 * Thread   the worker's own. Never waits for another worker, but for the lock while it takes over what one left. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_worker_poll(
    struct ringbus_worker *worker, uint32_t max, struct ringbus_run *ret_run);

/* The same, but waits for events to `deadline_ns`.
 *
 * return  RINGBUS_OK, RINGBUS_ETIMEDOUT, RINGBUS_ESHUTDOWN */
RINGBUS_API RINGBUS_NODISCARD int ringbus_worker_wait_until(
    struct ringbus_worker *worker, uint32_t max, int64_t deadline_ns, struct ringbus_run *ret_run);

/* Be done with all events of the last polled run up to and including `sequence`, or with none: its first - 1.
 * Thread: the worker's own. Lock-free, but wakes whoever sleeps for it. */
RINGBUS_API void ringbus_worker_commit(struct ringbus_worker *worker, int64_t sequence);

/* ---- key lanes ---- */

/* Which of `lane_count` lanes a key belongs to. With one reader a lane, each handling only the events of its own,
 * events of the same key are handled one after the other in their order, those of others at the same time. The readers
 * need no more than the ring; each steps over the events of other lanes, which costs a look at the key.
 *
 * key         any number, such as an id or a hash: neighbours are spread as evenly as any others
 * lane_count  1..UINT32_MAX
 * return      0..lane_count - 1: the same in all versions, on all machines
 * Source      SplitMix64's last steps to mix the bits (Steele, Lea, Flood 2014, after Stafford); the upper half times
 *             the number of lanes instead of a division (Lemire 2016) */
static inline uint32_t
ringbus_lane_of(uint64_t key, uint32_t lane_count)
{
    key = (key ^ (key >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    key = (key ^ (key >> 27)) * UINT64_C(0x94d049bb133111eb);
    key ^= key >> 31;
    return (uint32_t)((key >> 32) * lane_count >> 32);
}

RINGBUS_END_DECLS

#endif
