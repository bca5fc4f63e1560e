/* serial.c - see serial.h. */
#include "bus/post/serial.h"

void
ringbus__serial_wake(struct ringbus_consumer *consumer)
{
    ringbus__os.word_wake(&consumer->is_inside);
}

/* With the lock: the thread becomes the owner, if nobody ever was. */
static void
settle_owner(struct ringbus_consumer *consumer, uint64_t thread)
{
    /* OWN: it changes under the lock. */
    const uint64_t first = load_u64(&consumer->first_thread, ORDER_OWN);

    if (first == 0) {
        store_u64(&consumer->first_thread, thread, ORDER_HINT);
        return;
    }
    if (first & SERIAL_SHARED)
        return;
    store_u64(&consumer->first_thread, first | SERIAL_SHARED, ORDER_HINT);
    ringbus__barrier_heavy();
    /* LOCK acquire: what the owner did is visible. */
    while (load_u32(&consumer->is_inside, ORDER_LOCK_ACQUIRE))
        ringbus__os.word_wait(&consumer->is_inside, 1, RINGBUS_FOREVER);
}

bool
ringbus__serial_enter(struct ringbus_consumer *consumer, uint64_t thread)
{
    const bool has_owner = !consumer->is_thread_safe;

    if (has_owner && serial_is_owner(consumer, thread) && serial_enter(consumer, thread, false))
        return false;
    lock_acquire(&consumer->serial);
    if (has_owner)
        settle_owner(consumer, thread);
    return true;
}

void
ringbus__serial_leave(struct ringbus_consumer *consumer, uint64_t thread)
{
    if ((load_u64(&consumer->first_thread, ORDER_HINT) & ~SERIAL_SHARED) == thread &&
        load_u32(&consumer->is_inside, ORDER_OWN))
        serial_leave(consumer, thread, false);
}
