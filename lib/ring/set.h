/* set.h - a set in memory: what its owner knows, and the two words that others write. */
#ifndef RINGBUS_RING_SET_H
#define RINGBUS_RING_SET_H

#include "ring/ring.h"
#include "ringbus/set.h"

struct member {
    struct ringbus_set *set;
    struct ringbus_reader *reader; /* NULL: the place is free */
    void *context;
};

struct ringbus_set {
    /* written by who publishes for a member */
    _Alignas(CPU_LINE) struct atomic_u64 ready; /* armed members that were woken */
    struct signal bell;                         /* the owner sleeps on it */

    /* written by the owner; bits are places in `members` */
    _Alignas(CPU_LINE) uint64_t taken;
    uint64_t warm;  /* not armed: to be looked at */
    uint64_t empty; /* warm, and empty in the last look */
    uint32_t next;  /* the next look begins there */
    uint32_t waits; /* that found something */
    uint64_t looks; /* figure: at members */
    struct waiter waiter;

    /* never written after open */
    uint32_t max_members;
    struct ringbus_allocator allocator;
    struct member members[];
};

#endif
