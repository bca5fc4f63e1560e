/* claim_single.c - one producer: the claim word is its own, and claims are plain stores.
 *
 * The stamps are those of many producers, so readers are the same, claims may be nested and published in any order,
 * and no claim gets a slot whose claim of the previous lap is still open.
 * I1  the producer stores `next`, light barrier, looks at the brake; who ends the line puts the brake on, heavy
 *     barrier, takes `next` for the end. So a claim stands and lies before the end, or finds the brake on
 * I2  such a claim came too late: it is abandoned. Before the end its slots are stepped over like any others, behind
 *     it nobody looks. `next` never goes back, for a reader may have joined behind that claim, or cleared up to it
 * I3  what the gate has let pass because of a reader's position, that reader has seen published, but for what lay
 *     before the place where it began. Only up to there (`unread`), or everywhere if there was no reader, has a claim
 *     to look at the previous lap's stamps itself
 * I4  the gate of a line that has ended is closed, so that a claim looks for the end only where it is refused. Should
 *     the producer open it once more meanwhile, the claim that passes is too late (I2), and closes it for good
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

/* The line has ended, or barriers are fences here. */
static int64_t
look_again(struct ringbus_ring *ring, int64_t first, uint32_t n)
{
    barrier_full();
    /* HINT: see I1. */
    if (!(load_u32(&ring->brake, ORDER_HINT) & BRAKE_ENDED))
        return first;
    store_i64(&ring->gate, INT64_MIN, ORDER_OWN); /* I4 */
    ringbus_ring_abandon(ring, first, n);
    return RINGBUS_ESHUTDOWN;
}

static bool
has_ended(const struct ringbus_ring *ring)
{
    /* STATE acquire: who finds the line ended finds what led to it. */
    return (load_u32(&ring->brake, ORDER_STATE_ACQUIRE) & BRAKE_ENDED) != 0;
}

/* The gate does not let a claim pass: RINGBUS_OK if it does now. */
static int64_t
open_gate(struct ringbus_ring *ring, int64_t wrap, int64_t first, bool is_gated)
{
    if (has_ended(ring))
        return RINGBUS_ESHUTDOWN;
    if (!is_gated || ringbus__gate_refresh(ring, wrap, first))
        return RINGBUS_OK;
    return ring->is_lossy ? RINGBUS_EINVAL : RINGBUS_EAGAIN;
}

/* `is_gated`: readers hold it back. */
ATOMIC_INLINE int64_t
claim(struct ringbus_ring *ring, uint32_t n, bool is_gated)
{
    const int64_t first = (int64_t)load_u64(&ring->next, ORDER_OWN);
    const int64_t wrap = first + n - 1 - (int64_t)ring->capacity;

    assert(n > 0 && n <= ring->capacity - ring->history);
    assert(is_the_producer(ring)); /* two threads claim on a ring with a single producer */
    /* GATE acquire: the readers have finished with the slots up to here. */
    if (!is_gated || unlikely(load_i64(&ring->gate, ORDER_GATE_ACQUIRE) < wrap)) {
        const int64_t outcome = open_gate(ring, wrap, first, is_gated);

        if (outcome != RINGBUS_OK)
            return outcome;
    }
    if ((!is_gated || unlikely(wrap - n < load_i64(&ring->unread, ORDER_OWN))) &&
        unlikely(!ring_is_lap_published(ring, first, n)))
        return has_ended(ring) ? RINGBUS_ESHUTDOWN : RINGBUS_EAGAIN;
    /* HINT: a look; joiners and the end order it by barriers (gate.c I2, I1). */
    store_u64(&ring->next, (uint64_t)(first + n), ORDER_HINT);
    barrier_compiler();
    /* HINT: the light side of I1. */
    return likely(load_u32(&ring->brake, ORDER_HINT) == 0) ? first : look_again(ring, first, n);
}

int64_t
ringbus__claim_single(struct ringbus_ring *ring, uint32_t n)
{
    return claim(ring, n, true);
}

int64_t
ringbus__claim_single_lossy(struct ringbus_ring *ring)
{
    return claim(ring, 1, false);
}
