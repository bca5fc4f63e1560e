/* wait.c - waiting: a little spinning, then sleep without ever missing a publish.
 *
 * I1  a sleeper sets its word, then its bit, then a barrier, then looks again; a publisher stamps, then a barrier,
 *     then looks at the bits: one of them sees the other
 * I2  whoever takes a bit away (one exchange) wakes that reader; nobody else needs to
 * I3  there is no time-out in here but the caller's deadline
 *
 * Phased waiting spins for about twice the price of a process-wide barrier, which interrupts every other core; a
 * wait that follows one that slept does not spin, so an idle or slow stream costs no CPU. At most one thread less
 * than there are CPUs spins at a time. Measured in docs/decisions/0001.
 * Source: the lost wake-ups of LMAX#119 and the ways out compared in liburcu; the spin rule is ours. */
#include "base/os.h"
#include "ring/ring.h"

enum { SPIN_NS = 20000, PAUSES_A_LOOK = 16 };

static struct atomic_u32 spinners;

static bool
may_spin(const struct waiter *waiter)
{
    static struct atomic_u32 cpus; /* HINT: every thread finds the same number */
    uint32_t count = load_u32(&cpus, ORDER_HINT);

    if (waiter->strategy != RINGBUS_WAIT_PHASED || waiter->slept_last)
        return false;
    if (count == 0) {
        count = ringbus__os.cpu_count();
        store_u32(&cpus, count, ORDER_HINT);
    }
    return load_u32(&spinners, ORDER_HINT) + 1 < count;
}

bool
ringbus__wait_is_over(int64_t deadline_ns)
{
    return deadline_ns != RINGBUS_FOREVER && ringbus__os.now_ns() >= deadline_ns;
}

bool
ringbus__wait_spin(struct waiter *waiter, bool (*is_ready)(void *context), void *context)
{
    bool ready = false;
    int64_t until = 0;

    if (!may_spin(waiter))
        return false;
    add_u32(&spinners, 1, ORDER_COUNT);
    until = ringbus__os.now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < PAUSES_A_LOOK && !ready; i++) {
            cpu_pause();
            ready = is_ready(context);
        }
    } while (!ready && ringbus__os.now_ns() < until);
    add_u32(&spinners, (uint32_t)-1, ORDER_COUNT);
    return ready;
}

static bool
has_something(void *context)
{
    struct ringbus_reader *reader = context;
    struct ringbus_run run;

    return ringbus_reader_poll(reader, 1, &run) != RINGBUS_EAGAIN || reader->has_stepped;
}

static struct atomic_u64 *
sleepers_of(struct ringbus_reader *reader)
{
    return reader->after ? &reader->ring->dependent_sleepers : &reader->ring->sleepers;
}

void
ringbus__reader_arm(struct ringbus_reader *reader)
{
    /* WAKE: announced; the barrier orders it before the look that follows. */
    store_u32(&reader->asleep, 1, ORDER_HINT);
    or_u64(sleepers_of(reader), reader->bit, ORDER_WAKE);
    if (reader->ring->wake != NULL && reader->after == 0)
        barrier_full();
    else
        ringbus__barrier_heavy();
}

int
ringbus__reader_wait_step(struct ringbus_reader *reader, int64_t deadline_ns)
{
    int outcome = RINGBUS_OK;

    if (ringbus__wait_is_over(deadline_ns))
        return RINGBUS_ETIMEDOUT;
    if (ringbus__wait_spin(&reader->waiter, has_something, reader)) {
        reader->waiter.slept_last = false;
        return RINGBUS_OK;
    }
    reader->waiter.slept_last = false;
    ringbus__reader_arm(reader);
    if (has_something(reader))
        return RINGBUS_OK; /* the bit stays: one wake-up in vain at worst */
    reader->waiter.slept_last = true;
    while (load_u32(&reader->asleep, ORDER_STATE_ACQUIRE) && outcome == RINGBUS_OK) {
        outcome = ringbus__os.word_wait(&reader->asleep, 1, deadline_ns);
        count_u64(&reader->wakes, 1);
    }
    return outcome == RINGBUS_ETIMEDOUT && !has_something(reader) ? RINGBUS_ETIMEDOUT : RINGBUS_OK;
}

static void
wake_reader(struct ringbus_reader *reader)
{
    if (reader->ring->wake != NULL) {
        reader->ring->wake(reader->ring->wake_context);
        return;
    }
    /* WAKE: the word is changed before the sleeper is called (park.h I1). */
    if (exchange_u32(&reader->asleep, 0, ORDER_WAKE))
        ringbus__os.word_wake(&reader->asleep);
}

void
ringbus__ring_wake(struct ringbus_ring *ring, struct atomic_u64 *sleepers, uint64_t which)
{
    /* WAKE: each bit is taken by one waker only. */
    uint64_t taken = exchange_u64(sleepers, 0, ORDER_WAKE) & which;

    if (taken & RING_PRODUCER_SLEEPS)
        signal_raise(&ring->room);
    for (taken &= ~RING_PRODUCER_SLEEPS; taken != 0; taken &= taken - 1)
        wake_reader(&ring->readers[__builtin_ctzll(taken)]);
}
