/* lock.c - a lock that was not free. */
#include "base/lock.h"

#include "base/cpu.h"
#include "base/os.h"
#include "ringbus/types.h"

enum { SPINS = 64, WAKING_NS = 50000 };

void
ringbus__lock_wait(struct lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t expected = 0;

        /* LOCK acquire: as in lock_acquire. */
        if (load_u32(&lock->word, ORDER_HINT) == 0 &&
            cas_u32(&lock->word, &expected, 1, ORDER_LOCK_ACQUIRE))
            return;
        cpu_pause();
    }
    /* LOCK acquire: taken as "2", since others may sleep beside us. */
    while (exchange_u32(&lock->word, 2, ORDER_LOCK_ACQUIRE) != 0)
        ringbus__os.word_wait(&lock->word, 2, RINGBUS_FOREVER);
}

void
ringbus__lock_wake(struct lock *lock)
{
    /* All, not one: the portable park knows no "one". Those who lose sleep again. */
    ringbus__os.word_wake(&lock->word);
}

void
ringbus__lock_release_to_others(struct lock *lock)
{
    int64_t until = 0;

    /* LOCK release: as in lock_release. */
    if (exchange_u32(&lock->word, 0, ORDER_LOCK_RELEASE) != 2)
        return;
    ringbus__lock_wake(lock);
    until = ringbus__os.now_ns() + WAKING_NS;
    while (load_u32(&lock->word, ORDER_HINT) == 0 && ringbus__os.now_ns() < until)
        ringbus__os.yield();
}
