/* atomic.h - lib/base/atomic.h with a count before every read-modify-write and fence (counts.h). */
#ifndef COST_COUNTED_ATOMIC_H
#define COST_COUNTED_ATOMIC_H

#include <stdatomic.h>

#include "cost/counts.h"

#define COUNTED_CHANGES(X)                                                                         \
    X(add_u32, atomic_u32, uint32_t)                                                               \
    X(or_u32, atomic_u32, uint32_t)                                                                \
    X(and_u32, atomic_u32, uint32_t)                                                               \
    X(exchange_u32, atomic_u32, uint32_t)                                                          \
    X(add_u64, atomic_u64, uint64_t)                                                               \
    X(or_u64, atomic_u64, uint64_t)                                                                \
    X(and_u64, atomic_u64, uint64_t)                                                               \
    X(exchange_u64, atomic_u64, uint64_t)

#define COUNTED_SWAPS(X)                                                                           \
    X(cas_u32, atomic_u32, uint32_t)                                                               \
    X(cas_u64, atomic_u64, uint64_t)                                                               \
    X(cas_i64, atomic_i64, int64_t)

/* The library's own have other names here. */
#define add_u32 uncounted_add_u32
#define or_u32 uncounted_or_u32
#define and_u32 uncounted_and_u32
#define exchange_u32 uncounted_exchange_u32
#define cas_u32 uncounted_cas_u32
#define add_u64 uncounted_add_u64
#define or_u64 uncounted_or_u64
#define and_u64 uncounted_and_u64
#define exchange_u64 uncounted_exchange_u64
#define cas_u64 uncounted_cas_u64
#define cas_i64 uncounted_cas_i64
#include "lib/base/atomic.h"
#undef add_u32
#undef or_u32
#undef and_u32
#undef exchange_u32
#undef cas_u32
#undef add_u64
#undef or_u64
#undef and_u64
#undef exchange_u64
#undef cas_u64
#undef cas_i64

#define COUNTED_CHANGE(name, word, type)                                                           \
    ATOMIC_INLINE type name(struct word *at, type value, memory_order order)                       \
    {                                                                                              \
        count_change(at);                                                                          \
        return uncounted_##name(at, value, order);                                                 \
    }

#define COUNTED_SWAP(name, word, type)                                                             \
    ATOMIC_INLINE bool name(struct word *at, type *expected, type desired, memory_order order)     \
    {                                                                                              \
        count_change(at);                                                                          \
        return uncounted_##name(at, expected, desired, order);                                     \
    }

COUNTED_CHANGES(COUNTED_CHANGE)
COUNTED_SWAPS(COUNTED_SWAP)

#undef atomic_thread_fence
#define atomic_thread_fence(order) (count_one(COUNT_FENCES), __atomic_thread_fence(order))

#endif
