/* barrier.h - the StoreLoad pairs of the library: one thread stores A and looks at B, another stores B and looks
 * at A; at least one must see the other's store.
 *
 * The frequent side calls barrier_light between its store and its look, the rare side ringbus__barrier_heavy.
 * With membarrier the light one costs nothing: the heavy one makes every running thread of the process execute a
 * full fence, so it falls either before the light side's look or after its store. Elsewhere both are full fences;
 * under ThreadSanitizer both are read-modify-writes of one word, which it understands.
 * barrier_full, on both sides, is for pairs whose rare side is not rare enough for a system call.
 * Source: liburcu's membarrier flavour; measured in docs/decisions/0002. */
#ifndef RINGBUS_BASE_BARRIER_H
#define RINGBUS_BASE_BARRIER_H

#include "base/atomic.h"

/* The process has no membarrier: light barriers must be fences. Written once, by ringbus__barrier_init. */
extern struct atomic_u32 ringbus__barrier_fenced;
/* Only a meeting point: its value means nothing. */
extern struct atomic_u32 ringbus__barrier_word;

#if defined(__SANITIZE_THREAD__)
#define BARRIER_BY_RMW 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BARRIER_BY_RMW 1
#endif
#endif

ATOMIC_INLINE void
barrier_full(void)
{
#ifdef BARRIER_BY_RMW
    add_u32(&ringbus__barrier_word, 1, ORDER_WAKE);
#else
    atomic_thread_fence(ORDER_FULL);
#endif
}

ATOMIC_INLINE void
barrier_light(void)
{
#ifdef BARRIER_BY_RMW
    barrier_full();
#else
    /* HINT: written before the first object of the library exists. */
    if (__builtin_expect(load_u32(&ringbus__barrier_fenced, ORDER_HINT) != 0, 0))
        atomic_thread_fence(ORDER_FULL);
    else
        atomic_signal_fence(ORDER_FULL);
#endif
}

/* For a light side that has found out by itself whether barriers must be fences: only the compiler keeps the order. */
ATOMIC_INLINE void
barrier_compiler(void)
{
    atomic_signal_fence(ORDER_FULL);
}

/* For one that may have: `is_unfenced`, it knows that they need not be. */
ATOMIC_INLINE void
barrier_light_unless(bool is_unfenced)
{
    if (is_unfenced)
        barrier_compiler();
    else
        barrier_light();
}

/* Light barriers are full fences in this process, or read-modify-writes. For who keeps the answer. */
ATOMIC_INLINE bool
barrier_is_fenced(void)
{
#ifdef BARRIER_BY_RMW
    return true;
#else
    /* HINT: written before the first object of the library exists. */
    return load_u32(&ringbus__barrier_fenced, ORDER_HINT) != 0;
#endif
}

void ringbus__barrier_heavy(void);

/* Find out what this process has; called by every open, does its work once (in a forked child once more). */
void ringbus__barrier_init(void);

#endif
