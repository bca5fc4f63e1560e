/* park.h - sleeping: on a word until it changes, and on a condition that has no word of its own.
 *
 * park_wait and park_wake are what stands behind os.h's word_wait and word_wake; the library calls them through the
 * table. A signal is an event count on top of them:
 *
 *     for (;;) {
 *         uint32_t key = signal_prepare(&signal);
 *         if (condition()) break;
 *         if (signal_wait(&signal, key, deadline)) return RINGBUS_ETIMEDOUT;
 *     }
 *
 * and whoever makes the condition true calls signal_raise after it. Raising costs one relaxed load while nobody
 * sleeps.
 * I1  a waker changes the word before it calls park_wake: then no sleeper of the old value stays asleep
 * I2  no time-out but the caller's own deadline
 * I3  a signal's lowest bit is set while somebody may sleep; raising clears it and changes the rest
 * I4  prepare | heavy barrier | look, against change | light barrier | look at the bit: one of them sees the other
 * Source: Dmitry Vyukov's eventcount; one word instead of two. */
#ifndef RINGBUS_BASE_PARK_H
#define RINGBUS_BASE_PARK_H

#include "base/atomic.h"
#include "base/barrier.h"
#include "base/os.h"

int ringbus__park_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns);
void ringbus__park_wake(struct atomic_u32 *word);

struct signal {
    struct atomic_u32 word;
};

/* The first half of prepare, for a sleeper that announces itself elsewhere too before the barrier. */
static inline uint32_t
signal_announce(struct signal *signal)
{
    /* WAKE: announced; the barrier orders it before the look that follows. */
    return or_u32(&signal->word, 1, ORDER_WAKE) | 1;
}

/* Thread: whoever may sleep. A key that is not waited for is forgotten; at worst one wake-up is in vain. */
static inline uint32_t
signal_prepare(struct signal *signal)
{
    const uint32_t key = signal_announce(signal);

    ringbus__barrier_heavy();
    return key;
}

static inline int
signal_wait(struct signal *signal, uint32_t key, int64_t deadline_ns)
{
    return ringbus__os.word_wait(&signal->word, key, deadline_ns);
}

/* Called after the condition has changed, from any thread. */
static inline void
signal_raise(struct signal *signal)
{
    uint32_t word = 0;

    barrier_light();
    word = load_u32(&signal->word, ORDER_HINT);
    while (word & 1) {
        /* WAKE: the change made before is visible to whoever finds the word changed. */
        if (cas_u32(&signal->word, &word, word + 1, ORDER_WAKE)) {
            ringbus__os.word_wake(&signal->word);
            return;
        }
    }
}

#endif
