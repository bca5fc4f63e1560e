/* serial.h - a serialized consumer of a caller group: one thread is inside at a time.
 *
 * Usually it is always the same one. So the first that enters, by the lock, is its owner, and goes in and out by plain
 * stores from then on. The first other one that comes takes that away, for good: then all go by the lock.
 * I1  the owner raises is_inside, then a light barrier, then looks whether it is the owner still. Who takes that away
 *     holds the lock, says so, then a heavy barrier, then waits until is_inside is lowered: one of them sees the other
 * I2  is_inside is written by the owner alone, also by one that finds out that it is none any more, and lowers it
 *     again. Who lowers it looks at the owner after a light barrier, and wakes who may sleep
 * Edges: LOCK.  Source: lock reservation (Kawachiya, Koseki, Onodera 2002), its fences left to who takes it away. */
#ifndef RINGBUS_BUS_POST_SERIAL_H
#define RINGBUS_BUS_POST_SERIAL_H

#include "bus/consumer.h"

/* Of first_thread: it is no owner any more. */
#define SERIAL_SHARED (UINT64_C(1) << 63)

/* By any thread, which has announced that it calls the consumer: true: by the lock; false: as the owner. A thread-safe
 * one is entered so for a replay, and has no owner. */
bool ringbus__serial_enter(struct ringbus_consumer *consumer, uint64_t thread);

/* By one that exits: if it is inside as the owner, it leaves. */
void ringbus__serial_leave(struct ringbus_consumer *consumer, uint64_t thread);

/* Somebody has taken the owner's place, and may sleep until it is outside. */
void ringbus__serial_wake(struct ringbus_consumer *consumer);

ATOMIC_INLINE bool
serial_is_owner(const struct ringbus_consumer *consumer, uint64_t thread)
{
    /* HINT: only this thread makes itself the owner; who takes that away is seen after a barrier (I1). */
    return likely(load_u64(&consumer->first_thread, ORDER_HINT) == thread);
}

/* By the owner: go out. */
ATOMIC_INLINE void
serial_leave(struct ringbus_consumer *consumer, uint64_t thread, bool is_unfenced)
{
    /* LOCK release: what it did inside is visible to who enters next. */
    store_u32(&consumer->is_inside, 0, ORDER_LOCK_RELEASE);
    barrier_light_unless(is_unfenced);
    if (!serial_is_owner(consumer, thread))
        ringbus__serial_wake(consumer);
}

/* By the owner: false: it is none any more, and is outside. */
ATOMIC_INLINE bool
serial_enter(struct ringbus_consumer *consumer, uint64_t thread, bool is_unfenced)
{
    store_u32(&consumer->is_inside, 1, ORDER_OWN);
    barrier_light_unless(is_unfenced);
    if (serial_is_owner(consumer, thread))
        return true;
    serial_leave(consumer, thread, is_unfenced);
    return false;
}

#endif
