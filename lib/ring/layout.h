/* layout.h - the ring in memory: who writes which line.
 *
 * I1  `next` is the first unclaimed sequence; its top bit says that the line is closed to those who hold no pass (many
 *     producers; a single one's line has an `end`, see claim_single.c)
 * I2  a slot's stamp is (sequence + 1) * 2, plus 1 if abandoned: it names the last sequence published in the slot,
 *     and only the claimer of the next lap changes it
 * I3  a sequence is claimed only when every active reader's position has reached sequence - capacity and the slot's
 *     stamp names sequence - capacity: nobody writes a slot somebody may still read or write
 * I4  position is the last sequence a reader has finished; INT64_MAX: the reader is not open. It only grows while
 *     the reader is open. Of a share and its workers share.c says what it is
 * I5  gate is at most the smallest position, as of some moment at which every claim lay below gate's bound, and the
 *     history short of that bound
 * I6  a reader that sleeps for a publish has its bit in `sleepers`, one that sleeps for readers before it in
 *     `dependent_sleepers`; who clears the bit wakes it
 * I7  on a lossy ring I3 and I5 are without readers: positions are figures, the gate lets no claim pass but those of
 *     lossy.c, which do not look at it */
#ifndef RINGBUS_RING_LAYOUT_H
#define RINGBUS_RING_LAYOUT_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "base/park.h"
#include "ringbus/ring.h"

enum { RING_MAX_NAME = 31 };

/* What stops a producer short after a claim or a publish. */
enum { BRAKE_FENCED = 1, BRAKE_ENDED = 2 };

#define RING_CLOSED (UINT64_C(1) << 63)
/* In `sleepers`: a producer waits for another one's publish. Readers have the bits below. */
#define RING_PRODUCER_SLEEPS (UINT64_C(1) << 63)

/* What `asleep` says of a reader. */
enum { ASLEEP_PARKED = 1, ASLEEP_ELSEWHERE = 2, ASLEEP_WAKER = 4 };

/* With the usual alignment of 16; ring->padding says where the payload is. */
struct slot {
    struct atomic_u64 stamp;
    struct atomic_u64 spare; /* the layer above may use it, from claim to commit */
    unsigned char payload[];
};

/* How one actor waits, and what it learnt from the last time. Private to its thread. */
struct waiter {
    uint32_t strategy; /* enum ringbus_wait */
    bool is_eager;
    bool slept_last;
    bool was_patient;   /* the look under way was put off */
    bool has_patience;  /* the wait under way began so, which counts as no round */
    uint32_t eager_for; /* waits until patience is tried again */
    int64_t
        looked_ns; /* when patience was over, if something has been found at every look since; else 0 */
    uint64_t idle; /* steps since something was found, a first look that was spared included */
    struct ringbus_custom_wait custom;
};

struct ringbus_share;
struct ringbus_worker;

struct ringbus_reader {
    /* written by the reader's thread */
    _Alignas(CPU_LINE) struct atomic_i64 position;
    int64_t next;           /* first sequence it has not committed and not stepped over */
    bool has_stepped;       /* a poll has moved the position over abandoned slots */
    bool waits_for_readers; /* what it waits for may come with a position */
    bool is_in_set;         /* a set waits for it (set.c) */
    bool is_lent;           /* it is a processor's */
    struct waiter waiter;
    struct atomic_u64 wakes; /* figure: sleeps that ended */
    struct atomic_u64 lost;  /* lossy rings: events it did not get */
    uint64_t gap;            /* of these, since its last copy */

    /* written around a sleep: ASLEEP_PARKED or ASLEEP_ELSEWHERE, and how many are inside `wake` */
    _Alignas(CPU_LINE) struct atomic_u32 asleep;
    struct atomic_u32 is_called; /* its owner is to look at something else than the ring */
    /* Not NULL: it sleeps elsewhere, and this wakes it. Written while it is not announced. */
    void (*wake)(void *context);
    void *wake_context;

    /* written at open and close, under the ring's lock */
    _Alignas(CPU_LINE) struct ringbus_ring *ring;
    uint64_t after;  /* bits of the readers before this one */
    bool is_limited; /* it has such, or it may not poll at all */
    uint64_t bit;
    uint64_t stands_for;           /* whom a reader after this one waits for: its workers, too */
    struct ringbus_share *share;   /* not NULL: this is a share's, or one of its workers' */
    struct ringbus_worker *worker; /* then: whom it waits for */
    /* There is a run to poll, or something else for which it must not sleep. */
    bool (*has_something)(struct ringbus_reader *reader);
    void *owner;         /* of has_something, when it is not the ring's */
    uint32_t dependents; /* readers open after this one */
    bool is_open;
    char name[RING_MAX_NAME + 1];
};

struct ringbus_ring {
    /* never written after open; `brake` once more, when a single producer's line ends */
    struct atomic_u32 brake; /* BRAKE_FENCED, BRAKE_ENDED */
    unsigned char *slots;
    uint64_t mask;
    size_t stride;
    uint32_t capacity;
    uint32_t slot_size;
    size_t alignment; /* of the slots' memory */
    uint32_t padding; /* bytes from a slot's stamp to its payload */
    uint32_t max_readers;
    uint32_t wait;
    uint32_t history;
    bool is_single;
    bool is_lossy;
    int64_t first;
    struct ringbus_custom_wait custom;
    void (*clear)(void *payload, int64_t sequence, void *context);
    void *clear_context;
    /* Not NULL: its readers sleep in a way of their own, and this wakes them; a publisher may call it late, for a
     * reader that has gone. They announce a sleep by a fence, and publishers fence too (docs/decisions/0002). Set by
     * ringbus__ring_on_wake. */
    void (*wake)(void *context);
    void *wake_context;
    /* Not NULL: what the layer above has finished; the gate goes by it as by a reader's position. It only grows, or
     * is too small for a moment. Set by ringbus__ring_on_scan. */
    int64_t (*board)(void *context);
    void *board_context;
    struct ringbus_allocator allocator;
    struct ringbus_reader *readers;

    /* written by producers */
    _Alignas(CPU_LINE) struct atomic_u64 next;
    struct atomic_i64 gate;
    struct atomic_i64
        unread; /* a single producer's: slots up to here may not be published (claim_single.c I3) */

    /* written around sleeps */
    _Alignas(CPU_LINE) struct atomic_u64 sleepers;
    struct atomic_u64 dependent_sleepers;
    struct signal room;           /* producers that wait for a position to move */
    struct atomic_u64 waits;      /* figure: of producers, for room */
    struct atomic_u64 waits_over; /* of these */

    /* written at open, close, end */
    _Alignas(CPU_LINE) struct atomic_u32 has_ended;
    struct atomic_i64
        end; /* a single producer's line: no claim from here on stands; INT64_MAX: not known yet */
    struct atomic_i64 joined;       /* the last position a reader has begun at */
    struct atomic_u32 reader_bound; /* readers with a higher index were never open */
    struct atomic_ptr producer;     /* debug builds: the single producer's thread */
    struct lock lock;

    /* written by visits, under the lock: what the last one found (visit.c I2) */
    int64_t seen_published;
    int64_t seen_open; /* the oldest open claim */
    int64_t seen_open_ns;

    /* written by who clears; used with a clear hook only */
    _Alignas(CPU_LINE) struct atomic_i64 cleared;
    struct atomic_u32 clearing; /* CLEAR_HELD, CLEAR_AGAIN */
};

/* Where the slots are, for loops: the compiler cannot know that a stamp does not change the ring's own fields. */
struct slots {
    unsigned char *first;
    uint64_t mask;
    size_t stride;
};

ATOMIC_INLINE struct slots
slots_of(const struct ringbus_ring *ring)
{
    return (struct slots){ring->slots, ring->mask, ring->stride};
}

ATOMIC_INLINE struct slot *
slot_at(const struct slots *slots, int64_t sequence)
{
    return (
        struct slot *)(void *)(slots->first + ((uint64_t)sequence & slots->mask) * slots->stride);
}

ATOMIC_INLINE struct slot *
ring_slot(const struct ringbus_ring *ring, int64_t sequence)
{
    const struct slots slots = slots_of(ring);

    return slot_at(&slots, sequence);
}

ATOMIC_INLINE unsigned char *
slot_payload(const struct ringbus_ring *ring, struct slot *slot)
{
    return (unsigned char *)slot + ring->padding;
}

/* What a slot's stamp is once `sequence` is published in it. */
ATOMIC_INLINE uint64_t
stamp_of(int64_t sequence)
{
    return ((uint64_t)sequence + 1) << 1;
}

#endif
