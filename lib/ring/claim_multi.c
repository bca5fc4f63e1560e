/* claim_multi.c - many producers: one compare-and-swap claims, the stamp in the slot publishes.
 *
 * Capacity and the previous lap are checked before the claim: a refused claim leaves no trace, and after the
 * compare-and-swap nothing can fail. A claim counts only if `next` has not moved since the checks, so both still
 * hold for exactly these sequences (layout.h I3).
 * Edges: PUBLISH, GATE, CUT.
 * Source: LMAX 3 MultiProducerSequencer.tryNext; Vyukov's bounded queue for the stamp. The previous-lap check is ours:
 * LMAX's ring without readers lets two producers into one slot and can then stall for ever. */
#include <assert.h>

#include "ring/ring.h"

/* `spare`: slots that must be free behind them. `closed`: RING_CLOSED if a closed line is no reason to refuse, else 0.
 * `is_gated`: readers hold it back. */
ATOMIC_INLINE int64_t
claim(struct ringbus_ring *ring, uint32_t n, uint32_t spare, uint64_t closed, bool is_gated)
{
    /* CUT acquire: if the line is closed, so is what was closed before it. */
    uint64_t next = load_u64(&ring->next, ORDER_CUT_ACQUIRE);

    assert(n > 0 && n + spare <= ring->capacity - ring->history);
    for (;;) {
        const uint64_t seen = next;

        if (unlikely(next & RING_CLOSED & ~closed))
            return RINGBUS_ESHUTDOWN;
        if (likely(ring_claim(ring, &next, n, spare, is_gated)))
            return (int64_t)(seen & ~RING_CLOSED);
        next = load_u64(&ring->next, ORDER_CUT_ACQUIRE);
        if (next == seen)
            return is_gated && ring->is_lossy ? RINGBUS_EINVAL : RINGBUS_EAGAIN;
    }
}

/* On a restricted line: under the lock under which it ends, so that no claim comes after the end. */
static int64_t
claim_by_pass(struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool is_gated)
{
    int64_t first = RINGBUS_ESHUTDOWN;

    lock_acquire(&ring->lock);
    if (!load_u32(&ring->has_ended, ORDER_OWN))
        first = claim(ring, n, spare, RING_CLOSED, is_gated);
    lock_release(&ring->lock);
    return first;
}

int64_t
ringbus__ring_claim_now(struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass)
{
    int64_t first = 0;

    if (ring->is_single)
        return ringbus__claim_single(ring, n);
    first = claim(ring, n, spare, 0, true);
    return unlikely(first == RINGBUS_ESHUTDOWN) && has_pass ? claim_by_pass(ring, n, spare, true)
                                                            : first;
}

int64_t
ringbus__ring_claim_lossy(struct ringbus_ring *ring, bool has_pass)
{
    int64_t first = 0;

    if (ring->is_single)
        return ringbus__claim_single_lossy(ring);
    first = claim(ring, 1, 0, 0, false);
    return unlikely(first == RINGBUS_ESHUTDOWN) && has_pass ? claim_by_pass(ring, 1, 0, false)
                                                            : first;
}

int64_t
ringbus_ring_try_claim(struct ringbus_ring *ring, uint32_t n)
{
    return ringbus__ring_claim_now(ring, n, 0, false);
}

ATOMIC_INLINE void
stamp_slots(struct ringbus_ring *ring, int64_t first, uint32_t n, uint64_t mark)
{
    const struct slots slots = slots_of(ring);
    const int64_t end = first + n;

    assert(n > 0 && first + n <= ringbus__ring_next(ring)); /* claimed */
    assert(ring_is_lap_published(ring, first, n));          /* not yet published */
    do
        /* PUBLISH release: the slot's content is visible to whoever sees its stamp. */
        store_u64(&slot_at(&slots, first)->stamp, stamp_of(first) | mark, ORDER_PUBLISH_RELEASE);
    while (++first < end);
    ring_stamped(ring);
}

void
ringbus_ring_publish(struct ringbus_ring *ring, int64_t first, uint32_t n)
{
    stamp_slots(ring, first, n, 0);
}

void
ringbus_ring_abandon(struct ringbus_ring *ring, int64_t first, uint32_t n)
{
    stamp_slots(ring, first, n, 1);
}

int64_t
ringbus_ring_publish_copy(
    struct ringbus_ring *ring, const void *data, size_t size, int64_t deadline_ns)
{
    int64_t sequence = 0;

    if (size > ring->slot_size)
        return RINGBUS_EMSGSIZE;
    if (unlikely(ring->is_lossy))
        return ringbus__lossy_publish(ring, data, size, deadline_ns);
    sequence = ringbus_ring_claim_until(ring, 1, deadline_ns);
    if (sequence < 0)
        return sequence;
    if (size > 0)
        memcpy(slot_payload(ring, ring_slot(ring, sequence)), data, size);
    ringbus_ring_publish(ring, sequence, 1);
    return sequence;
}
