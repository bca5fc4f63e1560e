/* atomic.h - the one door to shared memory: typed words, every access with an order of order.h.
 *
 * A model checker or a weaker build replaces this header and nothing else. cas_* are strong and have
 * relaxed failure; add_* and or_* return the value before. */
#ifndef RINGBUS_BASE_ATOMIC_H
#define RINGBUS_BASE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/order.h"

#define ATOMIC_INLINE static inline __attribute__((always_inline))

struct atomic_u32 {
    _Atomic uint32_t value;
};
struct atomic_u64 {
    _Atomic uint64_t value;
};
struct atomic_i64 {
    _Atomic int64_t value;
};
struct atomic_ptr {
    _Atomic(void *) value;
};

ATOMIC_INLINE uint32_t
load_u32(const struct atomic_u32 *word, memory_order order)
{
    return atomic_load_explicit(&word->value, order);
}

ATOMIC_INLINE void
store_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    atomic_store_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint32_t
add_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return atomic_fetch_add_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint32_t
or_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return atomic_fetch_or_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint32_t
and_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return atomic_fetch_and_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint32_t
exchange_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return atomic_exchange_explicit(&word->value, value, order);
}

ATOMIC_INLINE bool
cas_u32(struct atomic_u32 *word, uint32_t *expected, uint32_t desired, memory_order order)
{
    return atomic_compare_exchange_strong_explicit(
        &word->value, expected, desired, order, ORDER_FAILED);
}

ATOMIC_INLINE uint64_t
load_u64(const struct atomic_u64 *word, memory_order order)
{
    return atomic_load_explicit(&word->value, order);
}

ATOMIC_INLINE void
store_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    atomic_store_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint64_t
add_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return atomic_fetch_add_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint64_t
or_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return atomic_fetch_or_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint64_t
and_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return atomic_fetch_and_explicit(&word->value, value, order);
}

ATOMIC_INLINE uint64_t
exchange_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return atomic_exchange_explicit(&word->value, value, order);
}

ATOMIC_INLINE bool
cas_u64(struct atomic_u64 *word, uint64_t *expected, uint64_t desired, memory_order order)
{
    return atomic_compare_exchange_strong_explicit(
        &word->value, expected, desired, order, ORDER_FAILED);
}

ATOMIC_INLINE int64_t
load_i64(const struct atomic_i64 *word, memory_order order)
{
    return atomic_load_explicit(&word->value, order);
}

ATOMIC_INLINE void
store_i64(struct atomic_i64 *word, int64_t value, memory_order order)
{
    atomic_store_explicit(&word->value, value, order);
}

ATOMIC_INLINE bool
cas_i64(struct atomic_i64 *word, int64_t *expected, int64_t desired, memory_order order)
{
    return atomic_compare_exchange_strong_explicit(
        &word->value, expected, desired, order, ORDER_FAILED);
}

ATOMIC_INLINE void *
load_ptr(const struct atomic_ptr *word, memory_order order)
{
    return atomic_load_explicit(&word->value, order);
}

ATOMIC_INLINE void
store_ptr(struct atomic_ptr *word, void *value, memory_order order)
{
    atomic_store_explicit(&word->value, value, order);
}

/* One more in a figure that only this thread counts. */
ATOMIC_INLINE void
count_u64(struct atomic_u64 *figure, uint64_t more)
{
    store_u64(figure, load_u64(figure, ORDER_OWN) + more, ORDER_COUNT);
}

#endif
