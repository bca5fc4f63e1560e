/* gate.c - how far producers may go: the smallest position of all open readers.
 *
 * I1  the bound is also held below `claimed`: a reader that joins while we scan, and that we do not see, joins at
 *     or behind it, so the gate never lets a claim pass it by a lap
 * I2  join stores its position, heavy barrier, looks at `next`; we looked at `next`, light barrier, look at the
 *     positions: either we see the position, or it sees our `claimed`
 * I3  a reader that joins behind another one has a higher index, and we look at the bound and the positions in order of
 *     their indexes: if we do not see it, its second look at the other's position comes after our look at that
 * Edges: FREE, GATE.  Source: LMAX SequenceGroups.addSequences reads the cursor twice for the same reason. */
#include "ring/ring.h"

bool
ringbus__gate_refresh(struct ringbus_ring *ring, int64_t sequence, int64_t claimed)
{
    int64_t slowest = claimed - 1;

    barrier_light();
    /* TABLE acquire: a reader below the bound has its position. Looked at each time (I3). */
    for (uint32_t i = 0; i < load_u32(&ring->reader_bound, ORDER_TABLE_ACQUIRE); i++) {
        /* FREE acquire: the reader has finished with the slots up to here. */
        const int64_t position = load_i64(&ring->readers[i].position, ORDER_FREE_ACQUIRE);

        if (position < slowest)
            slowest = position;
    }
    /* GATE release: hands FREE on. An older scan may store an older bound after us: it is only stricter. */
    store_i64(&ring->gate, slowest, ORDER_GATE_RELEASE);
    return slowest >= sequence;
}
