/* lock.h - lib/base/lock.h with a count before a lock is taken or tried (counts.h). */
#ifndef COST_COUNTED_LOCK_H
#define COST_COUNTED_LOCK_H

#include "cost/counts.h"

/* The library's own have other names here. */
#define lock_acquire uncounted_lock_acquire
#define lock_try uncounted_lock_try
#include "lib/base/lock.h"
#undef lock_acquire
#undef lock_try

static inline void
lock_acquire(struct lock *lock)
{
    count_one(COUNT_LOCKS);
    uncounted_lock_acquire(lock);
}

static inline bool
lock_try(struct lock *lock)
{
    count_one(COUNT_LOCKS);
    return uncounted_lock_try(lock);
}

#endif
