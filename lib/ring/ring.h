/* ring.h - what the bus uses of the ring beyond ringbus/ring.h. */
#ifndef RINGBUS_RING_RING_H
#define RINGBUS_RING_RING_H

#include "ring/layout.h"

/* ---- the line (ring.c) ---- */

/* Close the line to producers that hold no pass, while it goes on for those who do. Whatever was stored before is
 * visible to whoever finds it closed. */
void ringbus__ring_restrict(struct ringbus_ring *ring);

/* Open a line that was ended and read to its end, for a new life; sequences go on. */
void ringbus__ring_reopen(struct ringbus_ring *ring);

/* The first unclaimed sequence. A later claim sees everything this thread did before. */
int64_t ringbus__ring_cut(struct ringbus_ring *ring);

/* The first unclaimed sequence, as a look. */
int64_t ringbus__ring_next(const struct ringbus_ring *ring);

/* Every reader has finished everything claimed. */
bool ringbus__ring_is_idle(struct ringbus_ring *ring);

/* ---- claims (claim_multi.c) ---- */

/* Like ringbus_ring_try_claim; with a pass also on a restricted line. */
int64_t ringbus__ring_claim_now(struct ringbus_ring *ring, uint32_t n, bool has_pass);

/* Wait until such a claim may succeed, or will never: RINGBUS_OK, or RINGBUS_ETIMEDOUT. */
int ringbus__ring_wait_room(
    struct ringbus_ring *ring, uint32_t n, bool has_pass, int64_t deadline_ns);

/* The parts of it, for a waiter that must look at more: say that it will sleep on ring->room (the key is for
 * signal_wait); then look whether trying is worth it: there is room, or there will never be. */
uint32_t ringbus__ring_announce(struct ringbus_ring *ring);
bool ringbus__ring_is_decided(struct ringbus_ring *ring, uint32_t n, bool has_pass);

/* The line is closed to such a claim: it will never succeed. */
bool ringbus__ring_is_closed(const struct ringbus_ring *ring, bool has_pass);

/* There would be room for `n` now. */
bool ringbus__ring_has_room(struct ringbus_ring *ring, uint32_t n);

/* ---- the gate (gate.c) ---- */

/* Look at all positions again; true if `sequence` has been passed by all. `claimed` is the first unclaimed sequence
 * the caller has seen. */
bool ringbus__gate_refresh(struct ringbus_ring *ring, int64_t sequence, int64_t claimed);

/* ---- readers (reader.c) ---- */

/* Join behind `other`: at its position, with its events still to read. RINGBUS_ENOSPC: no free place after its own. */
int ringbus__reader_open_at(struct ringbus_ring *ring, const struct ringbus_reader *other,
    struct ringbus_reader **ret_reader);

/* ---- sleeping (wait.c) ---- */

/* Announce that the reader's owner will sleep. The caller looks again (poll) after it, then sleeps in its own way
 * until `wake` is called. */
void ringbus__reader_arm(struct ringbus_reader *reader);

/* Wake the readers whose bits are set in `sleepers`. */
void ringbus__ring_wake(struct ringbus_ring *ring, struct atomic_u64 *sleepers, uint64_t which);

/* One step of waiting for the reader's next event: a little spinning or one sleep. Also over when the reader has
 * stepped over abandoned slots (has_stepped, which the owner clears). RINGBUS_OK, RINGBUS_ETIMEDOUT. */
int ringbus__reader_wait_step(struct ringbus_reader *reader, int64_t deadline_ns);

/* The deadline has passed. */
bool ringbus__wait_is_over(int64_t deadline_ns);

/* Spin a little while `is_ready` says no, if the strategy and the machine's load allow. True when ready. */
bool ringbus__wait_spin(struct waiter *waiter, bool (*is_ready)(void *context), void *context);

/* Called after a position has moved. */
ATOMIC_INLINE void
ring_moved(struct ringbus_ring *ring)
{
    signal_raise(&ring->room);
    /* HINT: signal_raise began with the barrier of this pair. */
    if (unlikely(load_u64(&ring->dependent_sleepers, ORDER_HINT)))
        ringbus__ring_wake(ring, &ring->dependent_sleepers, ~UINT64_C(0));
}

#endif
