/* atomic.h - lib/base/atomic.h for the model checker: every access is an operation of the view machine (memory.c).
 *
 * The words hold the newest value of their modification order, so that what runs before and after the threads needs
 * no machine. barrier.h of the library is used as it is: its fences come here too. */
#ifndef RINGBUS_MODEL_ATOMIC_H
#define RINGBUS_MODEL_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/order.h"

/* The library tells its plain accesses (plain.c); that makes it no build for ThreadSanitizer. */
#ifdef MODEL_WATCHED
#undef __SANITIZE_THREAD__
#ifdef __clang__
#pragma clang diagnostic ignored "-Wbuiltin-macro-redefined"
#undef __has_feature
#define __has_feature(feature) 0
#endif
#endif

#undef atomic_thread_fence
#define atomic_thread_fence(order) model_fence(order)

#define ATOMIC_INLINE static inline __attribute__((always_inline))

enum model_change { MODEL_ADD, MODEL_OR, MODEL_AND, MODEL_EXCHANGE };

uint64_t model_load(const void *word, unsigned size, memory_order order);
void model_store(void *word, unsigned size, uint64_t value, memory_order order);
/* Returns the value before. */
uint64_t model_change(
    void *word, unsigned size, enum model_change change, uint64_t operand, memory_order order);
bool model_cas(void *word, unsigned size, uint64_t *expected, uint64_t desired, memory_order order);
void model_fence(memory_order order);

struct atomic_u32 {
    uint32_t value;
};
struct atomic_u64 {
    uint64_t value;
};
struct atomic_i64 {
    int64_t value;
};
struct atomic_ptr {
    void *value;
};

ATOMIC_INLINE uint32_t
load_u32(const struct atomic_u32 *word, memory_order order)
{
    return (uint32_t)model_load(&word->value, sizeof word->value, order);
}

ATOMIC_INLINE void
store_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    model_store(&word->value, sizeof word->value, value, order);
}

ATOMIC_INLINE uint32_t
add_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return (uint32_t)model_change(&word->value, sizeof word->value, MODEL_ADD, value, order);
}

ATOMIC_INLINE uint32_t
or_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return (uint32_t)model_change(&word->value, sizeof word->value, MODEL_OR, value, order);
}

ATOMIC_INLINE uint32_t
and_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return (uint32_t)model_change(&word->value, sizeof word->value, MODEL_AND, value, order);
}

ATOMIC_INLINE uint32_t
exchange_u32(struct atomic_u32 *word, uint32_t value, memory_order order)
{
    return (uint32_t)model_change(&word->value, sizeof word->value, MODEL_EXCHANGE, value, order);
}

ATOMIC_INLINE bool
cas_u32(struct atomic_u32 *word, uint32_t *expected, uint32_t desired, memory_order order)
{
    uint64_t seen = *expected;
    const bool done = model_cas(&word->value, sizeof word->value, &seen, desired, order);

    *expected = (uint32_t)seen;
    return done;
}

ATOMIC_INLINE uint64_t
load_u64(const struct atomic_u64 *word, memory_order order)
{
    return model_load(&word->value, sizeof word->value, order);
}

ATOMIC_INLINE void
store_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    model_store(&word->value, sizeof word->value, value, order);
}

ATOMIC_INLINE uint64_t
add_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return model_change(&word->value, sizeof word->value, MODEL_ADD, value, order);
}

ATOMIC_INLINE uint64_t
or_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return model_change(&word->value, sizeof word->value, MODEL_OR, value, order);
}

ATOMIC_INLINE uint64_t
and_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return model_change(&word->value, sizeof word->value, MODEL_AND, value, order);
}

ATOMIC_INLINE uint64_t
exchange_u64(struct atomic_u64 *word, uint64_t value, memory_order order)
{
    return model_change(&word->value, sizeof word->value, MODEL_EXCHANGE, value, order);
}

ATOMIC_INLINE bool
cas_u64(struct atomic_u64 *word, uint64_t *expected, uint64_t desired, memory_order order)
{
    uint64_t seen = *expected;
    const bool done = model_cas(&word->value, sizeof word->value, &seen, desired, order);

    *expected = seen;
    return done;
}

ATOMIC_INLINE int64_t
load_i64(const struct atomic_i64 *word, memory_order order)
{
    return (int64_t)model_load(&word->value, sizeof word->value, order);
}

ATOMIC_INLINE void
store_i64(struct atomic_i64 *word, int64_t value, memory_order order)
{
    model_store(&word->value, sizeof word->value, (uint64_t)value, order);
}

ATOMIC_INLINE bool
cas_i64(struct atomic_i64 *word, int64_t *expected, int64_t desired, memory_order order)
{
    uint64_t seen = (uint64_t)*expected;
    const bool done = model_cas(&word->value, sizeof word->value, &seen, (uint64_t)desired, order);

    *expected = (int64_t)seen;
    return done;
}

ATOMIC_INLINE void *
load_ptr(const struct atomic_ptr *word, memory_order order)
{
    return (void *)(uintptr_t)model_load(&word->value, sizeof word->value, order);
}

ATOMIC_INLINE void
store_ptr(struct atomic_ptr *word, void *value, memory_order order)
{
    model_store(&word->value, sizeof word->value, (uint64_t)(uintptr_t)value, order);
}

/* Figures are not counted: nothing is decided by them, but states would differ by them. */
ATOMIC_INLINE void
count_u64(struct atomic_u64 *figure, uint64_t more)
{
    (void)figure;
    (void)more;
}

#endif
