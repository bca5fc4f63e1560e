/* lock.h - a lock of one word, for the control plane: registrations, the topic table, a topic's claims.
 *
 * No initialisation can fail, nothing is to be freed: zero is an open lock. No handler runs under one, but for those
 * that are only tried.
 * Source: Ulrich Drepper, "Futexes are tricky", the three-state mutex. */
#ifndef RINGBUS_BASE_LOCK_H
#define RINGBUS_BASE_LOCK_H

#include "base/atomic.h"

struct lock {
    struct atomic_u32 word; /* 0 open, 1 held, 2 held and somebody may sleep */
};

void ringbus__lock_wait(struct lock *lock);
void ringbus__lock_wake(struct lock *lock);

/* Release it, by a thread that will want it again at once: one that has slept for it meanwhile gets it first, unless it
 * takes long to wake up. */
void ringbus__lock_release_to_others(struct lock *lock);

static inline void
lock_acquire(struct lock *lock)
{
    uint32_t expected = 0;

    /* LOCK acquire: what the last holder did is visible. */
    if (!cas_u32(&lock->word, &expected, 1, ORDER_LOCK_ACQUIRE))
        ringbus__lock_wait(lock);
}

/* For turns that one thread at a time may have: nobody waits for them, and what is run in them may be anything. */
static inline bool
lock_try(struct lock *lock)
{
    uint32_t expected = 0;

    /* LOCK acquire: what the last holder did is visible. */
    return cas_u32(&lock->word, &expected, 1, ORDER_LOCK_ACQUIRE);
}

static inline void
lock_release(struct lock *lock)
{
    /* LOCK release: what this holder did goes to the next. */
    if (exchange_u32(&lock->word, 0, ORDER_LOCK_RELEASE) == 2)
        ringbus__lock_wake(lock);
}

#endif
