/* ring.h - the ring alone: a disruptor whose readers own their positions, join and leave at any time.
 *
 * A ring is a power of two of slots of one size. Producers claim sequences (0, 1, 2, ...), fill the
 * slots, publish. Every reader sees every event, in sequence order, and says when it is done with
 * it; a slot is used again when the slowest reader has passed it. Threads that do this for you:
 * ringbus/processor.h; several workers for one stream: ringbus/share.h; one thread for many rings: ringbus/set.h.
 *
 *   who may call what                          | threads
 *   -------------------------------------------+----------------------------------------------
 *   ringbus_ring_claim, _try_claim,            | any number at once, with a single producer: one at
 *   _claim_until, _publish_copy                |   a time, and the same one until _hand_over
 *   ringbus_ring_publish, _abandon             | whoever the claimer hands the claim to
 *   ringbus_ring_end                           | any
 *   ringbus_reader_open, _close                | any, while producers and other readers run
 *   ringbus_reader_poll, _wait_until, _commit, | one thread at a time per reader
 *   _state                                     |
 *   ringbus_reader_copy, _copy_until           | the same, for readers of a lossy ring
 *   ringbus_reader_position, _lost             | any
 *   ringbus_ring_cursor, _view, _visit, _dump  | any
 *   ringbus_ring_hand_over                     | who takes over from the single producer
 *   ringbus_ring_close                         | one, when nobody else uses the ring any more
 *
 * The claim/publish/poll/commit calls are the hot path: they check their arguments only in debug
 * builds (NDEBUG not defined), by assert.
 * Source: LMAX Disruptor (sequences, gating, barriers), Vyukov's bounded queue (the stamp in the
 * slot); see lib/ring for where this one differs and why. */
#ifndef RINGBUS_RING_H
#define RINGBUS_RING_H

#include <stdio.h>
#include <string.h>

#include "ringbus/error.h"
#include "ringbus/types.h"

#define RINGBUS_RING_MAX_CAPACITY (1u << 30)
#define RINGBUS_RING_MAX_SLOT (1u << 24)
#define RINGBUS_RING_MAX_READERS 63u

RINGBUS_BEGIN_DECLS

struct ringbus_ring;
struct ringbus_reader;

/* Who may claim. A single producer claims by plain stores, many by one compare-and-swap. */
enum ringbus_producers { RINGBUS_PRODUCERS_MULTI = 0, RINGBUS_PRODUCERS_SINGLE = 1 };

/* A way of waiting of your own, for RINGBUS_WAIT_CUSTOM. Copied; `context` must outlive the actor.
 *
 * idle   called between two looks that found nothing; `round` counts from 0 in each wait, `deadline_ns` is the wait's.
 * wake   NULL: `idle` returns by itself. Else `idle` may sleep until `wake` is called: by a publisher or another
 *        reader, from any of their threads, when there may be something. It may be called before `idle` sleeps, or
 *        in vain, by several at once, so it must leave a trace (an eventfd, a semaphore). NULL for producers, shares
 *        and sets (else RINGBUS_EINVAL).
 * Neither may call the ring. */
struct ringbus_custom_wait {
    void (*idle)(uint64_t round, int64_t deadline_ns, void *context);
    void (*wake)(void *context);
    void *context;
};

struct ringbus_ring_options {
    size_t size;          /* of this struct; ringbus_ring_options_default sets it */
    uint32_t capacity;    /* slots: a power of two, 2..RINGBUS_RING_MAX_CAPACITY; 0: 1024 */
    uint32_t slot_size;   /* bytes of payload: 1..RINGBUS_RING_MAX_SLOT; 0: 48 */
    uint32_t max_readers; /* 1..RINGBUS_RING_MAX_READERS; 0: 8 */
    uint32_t wait;        /* enum ringbus_wait: how a producer waits for room */
    int64_t first;        /* the first sequence, 0..2^62; 0 for everybody but tests */
    const struct ringbus_allocator *allocator; /* copied; NULL: the C library's */

    uint32_t producers; /* enum ringbus_producers */
    /* Bytes from slot to slot: a multiple of the alignment with room for 8 bytes, padding to the alignment, and the
     * payload; 0: rounded up to 64. Small strides are for long runs of small events: neighbours share a line. */
    uint32_t stride;
    uint32_t alignment; /* of the payload: a power of two, 8..4096; 0: 16 */
    /* Events kept for readers that join late (`back`): 0..capacity / 2. A claim takes at most capacity - history. */
    uint32_t history;
    /* Not 0: never full. Producers overwrite the oldest events, readers are told what they lost. Only publish_copy
     * publishes, only copies are read; no history, no `clear`. */
    uint32_t is_lossy;
    const struct ringbus_custom_wait *custom; /* with RINGBUS_WAIT_CUSTOM */
    /* NULL, or called once for each published event when the last reader has passed it, or, if it still stands in the
     * ring, by ringbus_ring_close: to give back what the event holds. On the thread of the reader that was last, of a
     * producer, of who opens or closes a reader, ends or closes the ring. It must not call the ring. */
    void (*clear)(void *payload, int64_t sequence, void *context);
    void *clear_context;
};

static inline struct ringbus_ring_options
ringbus_ring_options_default(void)
{
    struct ringbus_ring_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

struct ringbus_reader_options {
    size_t size;                         /* of this struct */
    struct ringbus_reader *const *after; /* readers of the same ring that must be done with an */
    uint32_t after_count;                /*   event before this one sees it; 0: none */
    uint32_t wait;                       /* enum ringbus_wait */
    /* Begin so many events before the cursor (all there are, if fewer): 0..the ring's history. */
    uint32_t back;
    /* Not 0: look again at once after finding nothing. 0: wait up to a third of a microsecond before the second
     * look while that pays: more throughput where a reader keeps up; feedback keeps the latency of a dialogue. */
    uint32_t is_eager;
    const struct ringbus_custom_wait *custom; /* with RINGBUS_WAIT_CUSTOM */
    const char *name; /* for figures and dumps, at most 31 bytes; NULL: "reader-<number>" */
};

static inline struct ringbus_reader_options
ringbus_reader_options_default(void)
{
    struct ringbus_reader_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Where the slots are. It never changes while the ring is open: take a copy and keep it. */
struct ringbus_view {
    unsigned char *payload; /* of the slot with index 0 */
    uint64_t mask;          /* capacity - 1 */
    size_t stride;          /* bytes from one slot to the next */
    size_t slot_size;       /* bytes of payload in a slot, aligned as asked */
};

/* The payload of a sequence: writable from claim to publish by its producer, readable from poll to
 * commit by each reader. */
static inline void *
ringbus_ring_slot(const struct ringbus_view *view, int64_t sequence)
{
    return view->payload + ((uint64_t)sequence & view->mask) * view->stride;
}

/* A run of events a reader may handle: sequences first .. first + count - 1. */
struct ringbus_run {
    int64_t first;
    uint32_t count;
};

/* Make a ring.
 *
 * options   NULL: the defaults. A capacity that is not a power of two is RINGBUS_EINVAL, never rounded.
 * ret_ring  written on success only; close it with ringbus_ring_close
 * return    RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM
 * Thread    any. Allocates all that producers and readers will ever use. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_ring_open(
    const struct ringbus_ring_options *options, struct ringbus_ring **ret_ring);

/* Free the ring and its readers. Nobody may be inside any of its calls: who was told RINGBUS_ESHUTDOWN waits for the
 * thread that ended the line, and for publishers. NULL is allowed. */
RINGBUS_API void ringbus_ring_close(struct ringbus_ring *ring);

/* End the sequence line: later claims, and producers blocked in one, get RINGBUS_ESHUTDOWN; what
 * was claimed before is still delivered; readers get RINGBUS_ESHUTDOWN after the last event.
 * Again: no effect. Thread: any. Waits for no producer and no handler. */
RINGBUS_API void ringbus_ring_end(struct ringbus_ring *ring);

/* The layout of the ring's slots. Thread: any. */
RINGBUS_API struct ringbus_view ringbus_ring_view(const struct ringbus_ring *ring);

/* The highest sequence claimed so far, first - 1 if none. A snapshot. Thread: any. */
RINGBUS_API int64_t ringbus_ring_cursor(const struct ringbus_ring *ring);

/* A single producer's ring changes hands: the next thread that claims is its producer. The caller makes sure that the
 * claims of the old one happened before. Only debug builds check who claims; this has no effect in others. */
RINGBUS_API void ringbus_ring_hand_over(struct ringbus_ring *ring);

/* Reserve the next `n` sequences; the _claim form waits for room, _try_ never does, _until waits to
 * the deadline.
 *
 * n       1..capacity - history; contiguous sequences, not contiguous memory
 * return  the first of them (>= 0), or RINGBUS_ESHUTDOWN after ringbus_ring_end, RINGBUS_EAGAIN (try)
 *         or RINGBUS_ETIMEDOUT (until) while the slowest reader has not freed n slots; nothing is
 *         reserved then. The three do not let a claim pass a slot whose previous publish is still
 *         open, so a ring without readers waits for slow producers too. RINGBUS_EINVAL on a lossy ring.
 * owes    ringbus_ring_publish or ringbus_ring_abandon for exactly these n sequences
 * Thread  any, or the single producer. A claim you hold while you claim again can be the one you wait for.
 * Source  LMAX {Single,Multi}ProducerSequencer.tryNext, a code where it throws; the check of the previous lap is ours:
 *         without it two producers can be in one slot while there is no reader. */
RINGBUS_API RINGBUS_NODISCARD int64_t ringbus_ring_claim(struct ringbus_ring *ring, uint32_t n);
RINGBUS_API RINGBUS_NODISCARD int64_t ringbus_ring_try_claim(struct ringbus_ring *ring, uint32_t n);
RINGBUS_API RINGBUS_NODISCARD int64_t ringbus_ring_claim_until(
    struct ringbus_ring *ring, uint32_t n, int64_t deadline_ns);

/* Make `n` claimed and filled sequences visible, beginning with `first`. Thread: any. Lock-free. */
RINGBUS_API void ringbus_ring_publish(struct ringbus_ring *ring, int64_t first, uint32_t n);

/* Give back `n` claimed sequences: readers step over them. Thread: any. Lock-free. */
RINGBUS_API void ringbus_ring_abandon(struct ringbus_ring *ring, int64_t first, uint32_t n);

/* Claim one slot, copy `size` bytes into it, publish.
 *
 * size    at most the slot_size. The slot does not record it: fixed-size events, or a length of your own inside.
 * return  the sequence, or RINGBUS_EMSGSIZE, RINGBUS_ETIMEDOUT, RINGBUS_ESHUTDOWN: then nothing happened
 * Thread  any, or the single producer; waits like ringbus_ring_claim_until. On a lossy ring only for a producer that
 *         has been copying into the same slot for a whole lap, never for a reader. */
RINGBUS_API RINGBUS_NODISCARD int64_t ringbus_ring_publish_copy(
    struct ringbus_ring *ring, const void *data, size_t size, int64_t deadline_ns);

/* Join the ring as a reader, while producers and other readers run. The reader sees every event
 * whose claim begins after this call has returned, and, unless the ring is lossy, holds producers back from then on.
 *
 * options     NULL: the defaults. To go on where a closed reader was, open with `back`, then commit what it had done
 *             (if ringbus_reader_position is beyond that already, events in between are gone).
 * ret_reader  written on success only
 * return      RINGBUS_OK, RINGBUS_EINVAL (a reader of another ring, or a closed one, in `after`; any on a lossy ring),
 *             RINGBUS_ENOSPC (max_readers are open), RINGBUS_ERANGE (`back` is more than the ring's history)
 * Thread      any; takes the ring's lock for readers, never a lock producers take. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_reader_open(struct ringbus_ring *ring,
    const struct ringbus_reader_options *options, struct ringbus_reader **ret_reader);

/* Leave the ring: producers and readers that waited for this one go on. No thread may be inside a
 * call on it.
 *
 * return  RINGBUS_OK, RINGBUS_EBUSY (a reader that comes `after` this one is still open, or it is in a set),
 *         RINGBUS_EINVAL (closed already, and nobody has its place yet; or it is a share's or a processor's) */
RINGBUS_API int ringbus_reader_close(struct ringbus_reader *reader);

/* What there is to read now: the longest contiguous run after what was last committed, at most `max`
 * events long. Abandoned slots end a run, and those at its beginning are stepped over.
 *
 * max     1..UINT32_MAX
 * ret_run written on success only. The slots stay valid until they are committed; polling again
 *         without a commit gives the same run, or a longer one.
 * return  RINGBUS_OK, RINGBUS_EAGAIN (nothing yet), RINGBUS_ESHUTDOWN (the line ended, all is read), RINGBUS_EINVAL
 *         (a lossy ring)
 * Thread  the reader's own. Never blocks. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_reader_poll(
    struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run);

/* The same, but waits for the run to `deadline_ns`.
 *
 * return  RINGBUS_OK, RINGBUS_ETIMEDOUT, RINGBUS_ESHUTDOWN, RINGBUS_EINVAL (a lossy ring) */
RINGBUS_API RINGBUS_NODISCARD int ringbus_reader_wait_until(
    struct ringbus_reader *reader, uint32_t max, int64_t deadline_ns, struct ringbus_run *ret_run);

/* Why there is nothing to poll. */
enum ringbus_reader_state {
    RINGBUS_READER_PROCESSING, /* there is something */
    RINGBUS_READER_GATING, /* the next event is published; a reader before this one is not done with it */
    RINGBUS_READER_IDLE /* it is not published */
};

/* A snapshot. Thread: the reader's own. Source: LMAX EventPoller.PollState. */
RINGBUS_API enum ringbus_reader_state ringbus_reader_state(const struct ringbus_reader *reader);

/* Be done with all events up to and including `sequence`, which lies in the last polled run; an earlier one changes
 * nothing. Producers may overwrite them, readers `after` this one may read them.
 * Thread: the reader's own. Lock-free, but wakes whoever sleeps for it. */
RINGBUS_API void ringbus_reader_commit(struct ringbus_reader *reader, int64_t sequence);

/* The last sequence this reader has finished; of a share, its workers. Thread: any. */
RINGBUS_API int64_t ringbus_reader_position(const struct ringbus_reader *reader);

/* ---- what is going on ---------------------------------------------------------------------- */

/* Call `visit` for every figure of the ring, then of its open readers (and of workers that have a range): cursor,
 * positions, lags, who holds the gate, the oldest open claim and its age, waits. Producers and readers are not
 * disturbed; each figure is a snapshot, read whole. The strings are valid during the call of `visit` only, which is
 * called without a lock and may use the ring. A claim costs nothing for this: its age counts from the first visit that
 * saw it as the oldest one. Takes as long as looking at the slots claimed since the last visit, a lap at most.
 *
 * visit   returns 0 to go on, anything else to stop
 * return  RINGBUS_OK, what `visit` returned, RINGBUS_EINVAL, RINGBUS_ENOMEM
 * Thread  any. */
RINGBUS_API int ringbus_ring_visit(struct ringbus_ring *ring,
    int (*visit)(const struct ringbus_figure *figure, void *context), void *context);

/* Write all figures as text, the ring and each reader on a line. The ring's line ends with the readers that hold the
 * gate, by name, and the oldest open claim: what to read when a producer is stuck.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ESYS (the stream failed) */
RINGBUS_API int ringbus_ring_dump(struct ringbus_ring *ring, FILE *stream);

/* ---- lossy rings (is_lossy) ----
 *
 * A producer never waits for a reader, so a reader copies events out, and only learns afterwards whether it was fast
 * enough. No copy is torn, and every event is accounted for: those copied and those lost are together those published
 * since the reader joined. A slot is overwritten a word at a time: do not look at it by ringbus_ring_slot. */

struct ringbus_copy {
    int64_t sequence;
    uint64_t lost; /* events directly before this one that the reader did not get */
};

/* Copy the next event that is not yet overwritten. Who was overtaken goes on a quarter of the ring ahead of the oldest
 * one there is, so that it is not overtaken again at once; what it skips is lost too.
 *
 * buffer    slot_size bytes of any alignment. Those beyond the size the event was published with, and everything
 *           unless the outcome is RINGBUS_OK, are what they happen to be.
 * ret_copy  written on success only
 * return    RINGBUS_OK, RINGBUS_EAGAIN (nothing yet, or it was overtaken several times in a row), RINGBUS_ESHUTDOWN
 *           (the line ended, all of it is copied or lost), RINGBUS_EINVAL (the ring is not lossy)
 * Thread    the reader's own. Never blocks.
 * Source    a sequence lock in which the ring's claims are the counter. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_reader_copy(
    struct ringbus_reader *reader, void *buffer, struct ringbus_copy *ret_copy);

/* The same, but waits for the event to `deadline_ns`.
 *
 * return  RINGBUS_OK, RINGBUS_ETIMEDOUT, RINGBUS_ESHUTDOWN, RINGBUS_EINVAL */
RINGBUS_API RINGBUS_NODISCARD int ringbus_reader_copy_until(struct ringbus_reader *reader,
    int64_t deadline_ns, void *buffer, struct ringbus_copy *ret_copy);

/* How many events this reader has lost since it joined. A snapshot. Thread: any. */
RINGBUS_API uint64_t ringbus_reader_lost(const struct ringbus_reader *reader);

RINGBUS_END_DECLS

#endif
