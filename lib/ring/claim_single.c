/* claim_single.c - one producer: the claim word is its own, and claims are plain stores.
 *
 * The stamps are those of many producers, so readers are the same, claims may be nested and published in any order,
 * and the check of the previous lap keeps a producer off a slot whose claim is still open.
 * I1  the producer stores `next`, light barrier, looks at has_ended; who ends the line sets has_ended, heavy barrier,
 *     sets has_settled. So once it has settled, a claim either stands and is seen in `next`, or is taken back
 * I2  a claim that is taken back was never handed out; who saw it meanwhile waits for a publish, and is woken
 * Edges: GATE, STATE.
 * Source: LMAX SingleProducerSequencer, which is bounded by what is claimed and exposes unpublished slots for it
 * (LMAX#477); the bound here is the slot's own stamp. */
#include <assert.h>

#include "ring/ring.h"

#ifndef NDEBUG
/* Who claims must be who claimed first, or first since a hand-over. */
static bool
is_the_producer(struct ringbus_ring *ring)
{
    static _Thread_local char self;
    void *owner = load_ptr(&ring->producer, ORDER_OWN);

    if (owner == NULL)
        store_ptr(&ring->producer, owner = &self, ORDER_OWN);
    return owner == &self;
}
#endif

void
ringbus_ring_hand_over(struct ringbus_ring *ring)
{
    store_ptr(&ring->producer, NULL, ORDER_OWN);
}

static int64_t
take_back(struct ringbus_ring *ring, int64_t first)
{
    /* HINT: the barriers on both sides of the end order it (I1). */
    store_u64(&ring->next, (uint64_t)first, ORDER_HINT);
    barrier_light();
    ringbus__ring_wake(ring, &ring->sleepers, ~UINT64_C(0));
    return RINGBUS_ESHUTDOWN;
}

int64_t
ringbus__claim_single(struct ringbus_ring *ring, uint32_t n)
{
    const int64_t first = (int64_t)load_u64(&ring->next, ORDER_OWN);
    const int64_t wrap = first + n - 1 - (int64_t)ring->capacity;

    assert(n > 0 && n <= ring->capacity - ring->history);
    assert(is_the_producer(ring)); /* two threads claim on a ring with a single producer */
    /* STATE acquire: who finds the line ended finds what led to it. */
    if (unlikely(load_u32(&ring->has_ended, ORDER_STATE_ACQUIRE)))
        return RINGBUS_ESHUTDOWN;
    /* GATE acquire: the readers have finished with the slots up to here. */
    if (unlikely(load_i64(&ring->gate, ORDER_GATE_ACQUIRE) < wrap) &&
        !ringbus__gate_refresh(ring, wrap, first))
        return RINGBUS_EAGAIN;
    if (unlikely(!ring_is_lap_published(ring, first, n)))
        return RINGBUS_EAGAIN;
    /* HINT: a look; joiners and the end order it by barriers (gate.c I2, I1). */
    store_u64(&ring->next, (uint64_t)(first + n), ORDER_HINT);
    barrier_light();
    if (unlikely(load_u32(&ring->has_ended, ORDER_HINT)))
        return take_back(ring, first);
    return first;
}
