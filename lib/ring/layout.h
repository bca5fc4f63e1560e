/* layout.h - the ring in memory: who writes which line.
 *
 * I1  `next` is the first unclaimed sequence; its top bit says that the line is closed to those who hold no pass (many
 *     producers; a single one has `has_settled`, see claim_single.c)
 * I2  a slot's stamp is (sequence + 1) * 2, plus 1 if abandoned: it names the last sequence published in the slot,
 *     and only the claimer of the next lap changes it
 * I3  a sequence is claimed only when every active reader's position has reached sequence - capacity and the slot's
 *     stamp names sequence - capacity: nobody writes a slot somebody may still read or write
 * I4  position is the last sequence a reader has finished; INT64_MAX: the reader is not open. It only grows while
 *     the reader is open
 * I5  gate is at most the smallest position, as of some moment at which every claim lay below gate's bound, and the
 *     history short of that bound
 * I6  a reader that sleeps for a publish has its bit in `sleepers`, one that sleeps for readers before it in
 *     `dependent_sleepers`; who clears the bit wakes it */
#ifndef RINGBUS_RING_LAYOUT_H
#define RINGBUS_RING_LAYOUT_H

#include <stdbool.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "base/park.h"
#include "ringbus/ring.h"

enum { RING_MAX_NAME = 31 };

#define RING_CLOSED (UINT64_C(1) << 63)
/* In `sleepers`: a producer waits for another one's publish. Readers have the bits below. */
#define RING_PRODUCER_SLEEPS (UINT64_C(1) << 63)

/* What `asleep` says of a reader. */
enum { ASLEEP_PARKED = 1, ASLEEP_ELSEWHERE = 2, ASLEEP_WAKER = 4 };

/* With the usual alignment of 16; ring->padding says where the payload is. */
struct slot {
    struct atomic_u64 stamp;
    uint64_t spare; /* the layer above may use it, from claim to commit */
    unsigned char payload[];
};

/* How one actor waits, and what it learnt from the last time. Private to its thread. */
struct waiter {
    uint32_t strategy; /* enum ringbus_wait */
    bool is_eager;
    bool slept_last;
    bool was_patient;   /* the look under way was put off */
    uint32_t eager_for; /* waits until patience is tried again */
    uint64_t idle;      /* steps since something was found */
    struct ringbus_custom_wait custom;
};

struct ringbus_reader {
    /* written by the reader's thread */
    _Alignas(CPU_LINE) struct atomic_i64 position;
    int64_t next;     /* first sequence it has not committed and not stepped over */
    bool has_stepped; /* a poll has moved the position over abandoned slots */
    struct waiter waiter;
    struct atomic_u64 wakes; /* figure: sleeps that ended */

    /* written around a sleep: ASLEEP_PARKED or ASLEEP_ELSEWHERE, and how many are inside `wake` */
    _Alignas(CPU_LINE) struct atomic_u32 asleep;
    /* Not NULL: it sleeps elsewhere, and this wakes it. Written while it is not announced. */
    void (*wake)(void *context);
    void *wake_context;

    /* written at open and close, under the ring's lock */
    _Alignas(CPU_LINE) struct ringbus_ring *ring;
    uint64_t after; /* bits of the readers before this one */
    uint64_t bit;
    uint32_t dependents; /* readers open after this one */
    bool is_open;
    char name[RING_MAX_NAME + 1];
};

struct ringbus_ring {
    /* never written after open */
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
     * reader that has gone. They announce a sleep by a fence, and publishers fence too (docs/decisions/0002). */
    void (*wake)(void *context);
    void *wake_context;
    struct ringbus_allocator allocator;
    struct ringbus_reader *readers;

    /* written by producers */
    _Alignas(CPU_LINE) struct atomic_u64 next;
    struct atomic_i64 gate;

    /* written around sleeps */
    _Alignas(CPU_LINE) struct atomic_u64 sleepers;
    struct atomic_u64 dependent_sleepers;
    struct signal room; /* producers that wait for a position to move */

    /* written at open, close, end */
    _Alignas(CPU_LINE) struct atomic_u32 has_ended;
    struct atomic_u32 has_settled;  /* a single producer claims no more */
    struct atomic_u32 reader_bound; /* readers with a higher index were never open */
    struct atomic_ptr producer;     /* debug builds: the single producer's thread */
    struct lock lock;

    /* written by who clears; used with a clear hook only */
    _Alignas(CPU_LINE) struct atomic_i64 cleared;
    struct atomic_u32 clearing; /* CLEAR_HELD, CLEAR_AGAIN */
    int64_t published;          /* all up to here are, seen by who clears */
};

ATOMIC_INLINE struct slot *
ring_slot(const struct ringbus_ring *ring, int64_t sequence)
{
    return (struct slot *)(void *)(ring->slots + ((uint64_t)sequence & ring->mask) * ring->stride);
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
