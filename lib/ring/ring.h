/* ring.h - what the bus uses of the ring beyond ringbus/ring.h. */
#ifndef RINGBUS_RING_RING_H
#define RINGBUS_RING_RING_H

#include "ring/layout.h"
#include "ringbus/share.h"

/* ---- the line (ring.c) ---- */

/* Bytes that ringbus_ring_open would take, or RINGBUS_EINVAL, RINGBUS_ENOMEM (more than there can be). */
int64_t ringbus__ring_memory(const struct ringbus_ring_options *options);

/* Have `wake` called instead of waking readers that sleep; before the first publish. */
void ringbus__ring_on_wake(struct ringbus_ring *ring, void (*wake)(void *context), void *context);

/* Have the gate go by `board`, too; before the first claim. Its positions join as readers do (gate.c I1, I2), and
 * whoever moves one calls ring_moved. */
void ringbus__ring_on_scan(
    struct ringbus_ring *ring, int64_t (*board)(void *context), void *context);

/* Close the line to producers that hold no pass, while it goes on for those who do. Whatever was stored before is
 * visible to whoever finds it closed. */
void ringbus__ring_restrict(struct ringbus_ring *ring);

/* Open a line that was ended and read to its end, for a new life; sequences go on. */
void ringbus__ring_reopen(struct ringbus_ring *ring);

/* The first unclaimed sequence. A later claim sees everything this thread did before. */
int64_t ringbus__ring_cut(struct ringbus_ring *ring);

/* The first unclaimed sequence, as a look. */
int64_t ringbus__ring_next(const struct ringbus_ring *ring);

/* Wake all who sleep on the ring. */
void ringbus__ring_wake_everybody(struct ringbus_ring *ring);

/* Every reader has finished everything claimed. */
bool ringbus__ring_is_idle(struct ringbus_ring *ring);

/* Wake the readers whose bits are set in `sleepers`, one of the ring's two words (wait.c). */
void ringbus__ring_wake(struct ringbus_ring *ring, struct atomic_u64 *sleepers);

/* Look at all positions again; true if `sequence` has been passed by all. `claimed` is the first unclaimed sequence
 * the caller has seen (gate.c). */
bool ringbus__gate_refresh(struct ringbus_ring *ring, int64_t sequence, int64_t claimed);

/* ---- claims (claim_single.c, claim_multi.c) ---- */

/* The slots of n sequences from `first` on hold what was published one lap before. */
ATOMIC_INLINE bool
ring_is_lap_published(const struct ringbus_ring *ring, int64_t first, uint32_t n)
{
    const struct slots slots = slots_of(ring);
    const int64_t end = first + n, lap = (int64_t)ring->capacity;

    for (int64_t sequence = first; sequence < end; sequence++)
        /* PUBLISH acquire: the previous lap's producer has left the slot. */
        if ((load_u64(&slot_at(&slots, sequence)->stamp, ORDER_PUBLISH_ACQUIRE) & ~UINT64_C(1)) !=
            stamp_of(sequence - lap))
            return false;
    return true;
}

/* One attempt of many producers' at n slots from `next` on, which was seen last and becomes what is there now: slots
 * that readers have finished with, as with `spare` more (`is_gated`: they hold it back), and that were published one
 * lap before. It counts only if `next` has not moved since the looks. */
ATOMIC_INLINE bool
ring_claim(struct ringbus_ring *ring, uint64_t *next, uint32_t n, uint32_t spare, bool is_gated)
{
    const int64_t first = (int64_t)(*next & ~RING_CLOSED);
    const int64_t wrap = first + n - 1 - (int64_t)ring->capacity + spare;

    /* GATE acquire: the readers have finished with the slots up to here. */
    if (is_gated && unlikely(load_i64(&ring->gate, ORDER_GATE_ACQUIRE) < wrap) &&
        !ringbus__gate_refresh(ring, wrap, first))
        return false;
    /* CUT acquire: what was cut in before this claim is visible to it. */
    return likely(ring_is_lap_published(ring, first, n)) &&
           likely(cas_u64(&ring->next, next, *next + n, ORDER_CUT_ACQUIRE));
}

/* After a stamp has been stored: wake who sleeps for it. */
ATOMIC_INLINE void
ring_stamped(struct ringbus_ring *ring)
{
    /* The light side of the pair of who falls asleep. */
    barrier_compiler();
    if (unlikely(load_u32(&ring->brake, ORDER_HINT) & BRAKE_FENCED))
        barrier_full();
    /* HINT: a sleeper announces itself, then the barrier's other half, then looks at the stamp. */
    if (unlikely(load_u64(&ring->sleepers, ORDER_HINT)))
        ringbus__ring_wake(ring, &ring->sleepers);
}

/* Like ringbus_ring_try_claim, by the only producer. */
int64_t ringbus__claim_single(struct ringbus_ring *ring, uint32_t n);

/* One slot of a lossy ring, held back by no reader; RINGBUS_EAGAIN: its last lap is not yet published. */
int64_t ringbus__claim_single_lossy(struct ringbus_ring *ring);
int64_t ringbus__ring_claim_lossy(struct ringbus_ring *ring, bool has_pass);

/* Like ringbus_ring_try_claim, if `spare` more slots are free behind these (which counts with many producers only);
 * with a pass also on a restricted line. */
int64_t ringbus__ring_claim_now(
    struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass);

/* ---- waiting for room (wait.c) ---- */

/* Wait until such a claim may succeed, or will never: RINGBUS_OK, or RINGBUS_ETIMEDOUT. */
int ringbus__ring_wait_room(
    struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass, int64_t deadline_ns);

/* The parts of it, for a waiter that must look at more: say that it will sleep on ring->room (the key is for
 * signal_wait); then look whether trying is worth it: there is room, or there will never be. */
uint32_t ringbus__ring_announce(struct ringbus_ring *ring);
bool ringbus__ring_is_decided(struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass);

/* The line is closed to such a claim: it will never succeed. */
bool ringbus__ring_is_closed(const struct ringbus_ring *ring, bool has_pass);

/* There would be room for `n` now, with `spare` more slots free behind them. */
bool ringbus__ring_has_room(struct ringbus_ring *ring, uint32_t n, uint32_t spare);

/* A producer fetches the slot of some events later, as far as `size` bytes of payload go, while it fills this one: else
 * its next claim, a locked instruction, waits for lines that a reader had. Measured in docs/decisions/0008. */
ATOMIC_INLINE void
slot_fetch_ahead(const struct slots *slots, int64_t sequence, size_t size)
{
    enum { AHEAD = 16, MOST_LINES = 4, LINE = 64 };
    const char *at = (const char *)slot_at(slots, sequence + AHEAD);

    for (uint32_t line = 0; line < MOST_LINES && line * LINE < sizeof(struct slot) + size; line++)
        cpu_fetch_to_write(at + (size_t)line * LINE);
}

/* ---- the gate (gate.c) ---- */

enum { CLEAR_HELD = 1, CLEAR_AGAIN = 2 };

/* Clear what all readers have passed. With a clear hook only. */
void ringbus__gate_clear(struct ringbus_ring *ring);

/* Clear everything that stands in the ring; nobody uses it any more. */
void ringbus__gate_clear_rest(struct ringbus_ring *ring);

/* ---- readers (reader.c) ---- */

/* Join behind `other`: at its position, with its events still to read. RINGBUS_ENOSPC: no free place after its own. */
int ringbus__reader_open_at(
    struct ringbus_ring *ring, struct ringbus_reader *other, struct ringbus_reader **ret_reader);

/* The same at any position that holds producers back and never falls, in a place from `first` on. */
int ringbus__reader_open_behind(struct ringbus_ring *ring, uint32_t first,
    int64_t (*position)(void *context), void *context, struct ringbus_reader **ret_reader);

/* A reader that holds nobody back and polls nothing: for who reads by ways of his own, and sleeps by wait_step or _arm.
 * `has_something` is called by its thread only. RINGBUS_ENOSPC. */
int ringbus__reader_open_idle(struct ringbus_ring *ring,
    bool (*has_something)(struct ringbus_reader *reader), void *owner,
    struct ringbus_reader **ret_reader);

/* There is a run to poll, or the line has ended, or the reader has stepped over abandoned slots. */
bool ringbus__reader_has_something(struct ringbus_reader *reader);

/* As ringbus_reader_open; with a share also for that many workers of it, in places after the reader's own. */
int ringbus__reader_join(struct ringbus_ring *ring, const struct ringbus_reader_options *options,
    struct ringbus_share *share, uint32_t workers, struct ringbus_reader **ret_reader);

/* As ringbus_reader_close; a share's reader with its workers. */
int ringbus__reader_leave(struct ringbus_reader *reader);

/* The events from `first` on that the reader may read, up to `max`; true if there are any. `ret_run->first` is behind
 * the abandoned slots in any case. */
bool ringbus__reader_find(
    const struct ringbus_reader *reader, int64_t first, uint32_t max, struct ringbus_run *ret_run);

/* The last sequence that all of these readers (bits) have finished. Looks at them in the order of their places. */
int64_t ringbus__ring_limit(const struct ringbus_ring *ring, uint64_t readers);

/* The line has ended, and nothing is claimed from `next` on. */
bool ringbus__ring_is_at_end(const struct ringbus_ring *ring, int64_t next);

/* ---- workers of one reader (share.c) ---- */

/* Who waits for the worker's next event: for ringbus__reader_wait_step and _arm. */
struct ringbus_reader *ringbus__worker_reader(struct ringbus_worker *worker);

/* Free a share that nobody uses any more. NULL is allowed. */
void ringbus__share_release(struct ringbus_share *share);

/* ---- lossy rings (lossy.c) ---- */

/* ringbus_ring_publish_copy, of a size that fits. */
int64_t ringbus__lossy_publish(
    struct ringbus_ring *ring, const void *data, size_t size, int64_t deadline_ns);

/* Write `size` bytes of an event that has been claimed, `offset` bytes, a multiple of 8, from its beginning. */
void ringbus__lossy_write(
    struct ringbus_ring *ring, int64_t sequence, size_t offset, const void *data, size_t size);

/* How much of an event there is to copy: told by its first `head` bytes, a multiple of 8, which may be torn. */
struct lossy_shape {
    size_t head;
    size_t (*size_of)(const void *head); /* the whole; what is beyond the slot is not copied */
    /* Not NULL: an event may hold something, and its slot's `spare` is not 0 as long as it does. Take that, of a copy
     * that counts; false: it has gone since with the event, which is overwritten. */
    bool (*take)(const void *head);
    void (*drop)(
        const void *head, struct slot *slot); /* what was taken, of an event that is skipped */
};

/* ringbus_reader_copy of so much. `buffer` has the whole slot's size. NULL: the whole slot. */
int ringbus__lossy_copy(struct ringbus_reader *reader, const struct lossy_shape *shape,
    void *buffer, struct ringbus_copy *ret_copy);

/* The reader's next event is published, or was. */
bool ringbus__lossy_is_published(const struct ringbus_reader *reader);

/* That, or the line has ended. */
bool ringbus__lossy_has_something(const struct ringbus_reader *reader);

/* ---- sleeping (wait.c) ---- */

/* Announce that the reader's owner will sleep. The caller looks again (poll) after it, then sleeps in its own way
 * until `wake` is called. */
void ringbus__reader_arm(struct ringbus_reader *reader);

/* The first half of it, for who announces several before one heavy barrier and a look at each. */
void ringbus__reader_announce(struct ringbus_reader *reader);

/* One step of waiting for the reader's next event: a pause, a little spinning or one sleep; the caller looks again
 * after each. Also over when the reader has stepped over abandoned slots (has_stepped, which the owner clears).
 * RINGBUS_OK, RINGBUS_ETIMEDOUT. */
int ringbus__reader_wait_step(struct ringbus_reader *reader, int64_t deadline_ns);

/* End the wait step under way, or the next one: its owner has something else to look at. Called after that has changed;
 * several calls may end one step. Thread: any. */
void ringbus__reader_call(struct ringbus_reader *reader);

/* So many events make a wait worth having been patient. */
enum { PATIENCE_PAID = 4 };

/* A poll found `count` events: what the waiter learns from it. */
void ringbus__waiter_learn(struct waiter *waiter, uint32_t count);

/* After a run that took all there was: be patient before the next look, instead of after an empty one. */
void ringbus__waiter_put_off(struct waiter *waiter);

/* Nobody wakes the reader any more, and nobody is inside its `wake`. */
void ringbus__reader_disarm(struct ringbus_reader *reader);

/* Spin a little while `is_ready` says no, if the strategy and the machine's load allow. True when ready. */
bool ringbus__waiter_spin(struct waiter *waiter, bool (*is_ready)(void *context), void *context);

/* Wait until `is_ready`, by a strategy that nobody has to wake. RINGBUS_OK, RINGBUS_ETIMEDOUT. */
int ringbus__wait_by_looking(const struct waiter *waiter, bool (*is_ready)(void *context),
    void *context, int64_t deadline_ns);

/* The options name a way of waiting that there is. */
bool ringbus__wait_is_valid(
    uint32_t wait, const struct ringbus_custom_wait *custom, bool may_be_woken);

/* The deadline has passed. */
bool ringbus__wait_is_over(int64_t deadline_ns);

/* Called after a position has moved. */
ATOMIC_INLINE void
ring_moved(struct ringbus_ring *ring)
{
    if (unlikely(ring->clear != NULL))
        ringbus__gate_clear(ring);
    signal_raise(&ring->room);
    /* HINT: signal_raise began with the barrier of this pair. */
    if (unlikely(load_u64(&ring->dependent_sleepers, ORDER_HINT)))
        ringbus__ring_wake(ring, &ring->dependent_sleepers);
}

#endif
