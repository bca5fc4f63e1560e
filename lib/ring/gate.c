/* gate.c - how far producers may go: the smallest position of all open readers, and of the layer above (the board); and
 * what is cleared behind them.
 *
 * I1  the bound is also held below `claimed`: a reader that joins while we scan, and that we do not see, joins at
 *     or behind it, so the gate never lets a claim pass it by a lap. With a history the bound is so much lower, and
 *     such a reader may join so much further back
 * I2  join stores its position, heavy barrier, looks at `next`; we looked at `next`, light barrier, look at the
 *     positions: either we see the position, or it sees our `claimed`
 * I3  a reader that joins behind another one has a higher index, and we look at the bound and the positions in order of
 *     their indexes, the board first: if we do not see it, its second look at the other's position comes after our look
 *     at that
 * I4  with a clear hook, producers go by `cleared`, which follows the positions; one thread at a time clears, and
 *     who moves a position meanwhile leaves a mark, for which the clearing thread scans again
 * Edges: FREE, GATE, TABLE.
 * Source: LMAX SequenceGroups.addSequences reads the cursor twice for the same reason. The mark of I4 is flat combining
 * (Hendler, Incze, Shavit, Tzafrir) for a single bit. */
#include "ring/ring.h"

/* The smallest position; INT64_MAX: there is no reader. */
static int64_t
scan(struct ringbus_ring *ring)
{
    int64_t slowest = INT64_MAX;

    barrier_light();
    if (ring->board != NULL) {
        slowest = ring->board(ring->board_context);
        barrier_light(); /* between this look and those after it, for I3 */
    }
    /* TABLE acquire: a reader below the bound has its position. Looked at each time (I3). */
    for (uint32_t i = 0; i < load_u32(&ring->reader_bound, ORDER_TABLE_ACQUIRE); i++) {
        /* FREE acquire: the reader has finished with the slots up to here. */
        const int64_t position = load_i64(&ring->readers[i].position, ORDER_FREE_ACQUIRE);

        if (position < slowest)
            slowest = position;
        barrier_light(); /* between this look and those after it, for I3 */
    }
    return slowest;
}

static int64_t
least(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

/* By a single producer: what its next claims have to look at themselves (claim_single.c I3). */
static void
note_unread(struct ringbus_ring *ring, bool has_readers, int64_t bound)
{
    /* HINT: who acquired a reader's position finds where it began. */
    const int64_t may_be_open = has_readers ? load_i64(&ring->joined, ORDER_HINT) : bound;

    if (may_be_open > load_i64(&ring->unread, ORDER_OWN))
        store_i64(&ring->unread, may_be_open, ORDER_OWN);
}

bool
ringbus__gate_refresh(struct ringbus_ring *ring, int64_t sequence, int64_t claimed)
{
    const int64_t bound = claimed - 1 - (int64_t)ring->history;
    int64_t slowest = 0;

    if (unlikely(ring->is_lossy))
        return false; /* layout.h I7 */
    slowest = scan(ring);
    if (ring->is_single)
        note_unread(ring, slowest != INT64_MAX, bound);
    slowest = least(slowest, bound);
    if (unlikely(ring->clear != NULL)) {
        /* HINT: who finds nothing to clear leaves no mark, so that who clears comes to an end. */
        if (slowest > load_i64(&ring->cleared, ORDER_HINT))
            ringbus__gate_clear(ring);
        /* FREE acquire: the hook has finished with the slots up to here. */
        slowest = load_i64(&ring->cleared, ORDER_FREE_ACQUIRE);
    }
    /* GATE release: hands FREE on. An older scan may store an older bound after us: it is only stricter. */
    store_i64(&ring->gate, slowest, ORDER_GATE_RELEASE);
    return slowest >= sequence;
}

/* ---- the clear hook ---- */

static bool
is_published(const struct ringbus_ring *ring, int64_t sequence)
{
    /* PUBLISH acquire: also an event that nobody reads is complete before it is cleared. */
    return (load_u64(&ring_slot(ring, sequence)->stamp, ORDER_PUBLISH_ACQUIRE) & ~UINT64_C(1)) ==
           stamp_of(sequence);
}

static void
clear_one(struct ringbus_ring *ring, int64_t sequence)
{
    struct slot *slot = ring_slot(ring, sequence);

    /* HINT: is_published has looked at it; only a void bit is wanted. */
    if (!(load_u64(&slot->stamp, ORDER_HINT) & 1))
        ring->clear(slot_payload(ring, slot), sequence, ring->clear_context);
}

/* Clear what all readers have passed, and, with a history, nothing that a reader may still join at. True if there was
 * something. */
static bool
clear_passed(struct ringbus_ring *ring)
{
    const int64_t bound = ringbus__ring_next(ring) - 1 - (int64_t)ring->history;
    const int64_t limit = least(scan(ring), bound);
    const int64_t before = load_i64(&ring->cleared, ORDER_OWN);
    int64_t at = before;

    for (; at < limit && is_published(ring, at + 1); at++) {
        clear_one(ring, at + 1);
        /* POSITION release: the hook is done with the slot before it is overwritten. */
        store_i64(&ring->cleared, at + 1, ORDER_POSITION_RELEASE);
    }
    return at != before;
}

void
ringbus__gate_clear(struct ringbus_ring *ring)
{
    uint32_t expected = CLEAR_HELD;
    bool has_cleared = false;

    /* WAKE: our position goes with the mark to whoever clears. */
    if (or_u32(&ring->clearing, CLEAR_HELD | CLEAR_AGAIN, ORDER_WAKE) & CLEAR_HELD)
        return;
    do {
        /* WAKE: the positions of those who left a mark are visible to the scan. */
        and_u32(&ring->clearing, ~(uint32_t)CLEAR_AGAIN, ORDER_WAKE);
        has_cleared |= clear_passed(ring);
        expected = CLEAR_HELD;
        /* WAKE: no mark was left, and who clears next goes on where we stopped. */
    } while (!cas_u32(&ring->clearing, &expected, 0, ORDER_WAKE));
    /* Else a producer that looks, and is about to sleep, would wake itself. */
    if (has_cleared)
        signal_raise(&ring->room);
}

void
ringbus__gate_clear_rest(struct ringbus_ring *ring)
{
    int64_t at = load_i64(&ring->cleared, ORDER_OWN) + 1;

    for (; ring->clear != NULL && at < ringbus__ring_next(ring); at++)
        if (is_published(ring, at))
            clear_one(ring, at);
}
