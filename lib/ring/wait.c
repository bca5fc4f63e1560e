/* wait.c - waiting: a little patience, a little spinning, then sleep without ever missing a publish.
 *
 * I1  a sleeper sets its word, then its bit, then a barrier, then looks again; a publisher stamps, then a barrier,
 *     then looks at the bits: one of them sees the other
 * I2  whoever takes a bit away (one exchange) wakes that reader; nobody else needs to
 * I3  there is no time-out in here but the caller's deadline; SLEEP's nap is not a sleep that somebody could end
 * I4  a reader's `wake` is called only by who has counted itself in `asleep`, and not after disarm
 * I5  who calls a reader says so, then changes the sleepers' bits; the reader sets its bit, then looks whether it is
 *     called: both are read-modify-writes of one word, so the second of them knows of the first
 *
 * Phased waiting spins for about twice the price of a process-wide barrier, which interrupts every other core; a
 * wait that follows one that slept does not spin, so an idle or slow stream costs no CPU. At most one thread less
 * than there are CPUs spins at a time. Measured in docs/decisions/0001.
 *
 * Patience: a reader right behind its producer takes the line of every event from it while the producer writes the
 * next one. So the second look is put off a little; if that look finds fewer than a handful, waiting did not pay, and
 * the reader looks at once for its next waits. Measured in docs/decisions/0004. A lane that is alone in
 * its group does without the first look, which would be at the line that the producer writes next (0008).
 * Source: the lost wake-ups of LMAX#119 and the ways out compared in liburcu; the spin rule and patience are ours. */
#include <assert.h>

#include "base/os.h"
#include "ring/ring.h"

enum { SPIN_NS = 20000, PAUSES_A_LOOK = 16 };
enum { LOOKS_BEFORE_YIELD = 100, LOOKS_BEFORE_NAP = 200, NAP_NS = 50000 };
enum { PATIENCE_NS = 300, MOST_PATIENCE_NS = 4000, EAGER_WAITS = 64 };

/* Threads of this process that spin. */
static struct atomic_u32 *
spinners(void)
{
    static struct atomic_u32 nowhere; /* where the system refused all of it */
    struct os_process *process = ringbus__process();

    return process != NULL ? &process->spinners : &nowhere;
}

bool
ringbus__wait_is_valid(uint32_t wait, const struct ringbus_custom_wait *custom, bool may_be_woken)
{
    if (wait != RINGBUS_WAIT_CUSTOM)
        return wait < RINGBUS_WAIT_CUSTOM && custom == NULL;
    return custom != NULL && custom->idle != NULL && (may_be_woken || custom->wake == NULL);
}

bool
ringbus__wait_is_over(int64_t deadline_ns)
{
    return deadline_ns != RINGBUS_FOREVER && ringbus__os.now_ns() >= deadline_ns;
}

/* ---- between two looks ---- */

/* As wait_is_over, but a clock costs more than a look: who spins asks it now and then. */
static bool
is_look_over(uint32_t strategy, uint64_t round, int64_t deadline_ns)
{
    if (strategy == RINGBUS_WAIT_BUSY_SPIN && round % PAUSES_A_LOOK != 0)
        return false;
    return ringbus__wait_is_over(deadline_ns);
}

static void
nap(int64_t deadline_ns)
{
    const int64_t until = ringbus__os.now_ns() + NAP_NS;
    struct atomic_u32 nobody = {0};

    ringbus__os.word_wait(&nobody, 0, until < deadline_ns ? until : deadline_ns);
}

/* Let time pass, by a strategy that nobody has to wake. */
static void
idle(uint32_t strategy, const struct ringbus_custom_wait *custom, uint64_t round,
    int64_t deadline_ns)
{
    if (strategy == RINGBUS_WAIT_CUSTOM)
        custom->idle(round, deadline_ns, custom->context);
    else if (strategy == RINGBUS_WAIT_BUSY_SPIN || round < LOOKS_BEFORE_YIELD)
        cpu_pause();
    else if (strategy == RINGBUS_WAIT_YIELD || round < LOOKS_BEFORE_NAP)
        ringbus__os.yield();
    else
        nap(deadline_ns);
}

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
    return load_u32(spinners(), ORDER_HINT) + 1 < count;
}

bool
ringbus__waiter_spin(struct waiter *waiter, bool (*is_ready)(void *context), void *context)
{
    bool ready = false;
    int64_t until = 0;

    if (!may_spin(waiter))
        return false;
    add_u32(spinners(), 1, ORDER_COUNT);
    until = ringbus__os.now_ns() + SPIN_NS;
    do {
        for (int i = 0; i < PAUSES_A_LOOK && !ready; i++) {
            cpu_pause();
            ready = is_ready(context);
        }
    } while (!ready && ringbus__os.now_ns() < until);
    add_u32(spinners(), (uint32_t)-1, ORDER_COUNT);
    return ready;
}

int
ringbus__wait_by_looking(const struct waiter *waiter, bool (*is_ready)(void *context),
    void *context, int64_t deadline_ns)
{
    for (uint64_t round = 0; !is_ready(context); round++) {
        if (is_look_over(waiter->strategy, round, deadline_ns))
            return RINGBUS_ETIMEDOUT;
        idle(waiter->strategy, &waiter->custom, round, deadline_ns);
    }
    return RINGBUS_OK;
}

/* ---- a producer waits for room ---- */

bool
ringbus__ring_has_room(struct ringbus_ring *ring, uint32_t n, uint32_t spare)
{
    const int64_t first = ringbus__ring_next(ring);
    const int64_t wrap = first + n - 1 - (int64_t)ring->capacity + spare;

    return (ring->is_lossy || load_i64(&ring->gate, ORDER_GATE_ACQUIRE) >= wrap ||
               ringbus__gate_refresh(ring, wrap, first)) &&
           ring_is_lap_published(ring, first, n);
}

bool
ringbus__ring_is_closed(const struct ringbus_ring *ring, bool has_pass)
{
    /* As the claim itself looks: who waits for an answer that the claim does not give yet would only spin. */
    if (ring->is_single)
        return (load_u32(&ring->brake, ORDER_STATE_ACQUIRE) & BRAKE_ENDED) != 0;
    if (has_pass)
        return load_u32(&ring->has_ended, ORDER_STATE_ACQUIRE) != 0;
    return (load_u64(&ring->next, ORDER_CUT_ACQUIRE) & RING_CLOSED) != 0;
}

uint32_t
ringbus__ring_announce(struct ringbus_ring *ring)
{
    /* In this order: whoever takes our bit in `sleepers`, and raises the signal for it, finds the signal announced. */
    const uint32_t key = signal_announce(&ring->room);

    /* WAKE: a slot that waits for its last lap is freed by a publish, not by a position. */
    or_u64(&ring->sleepers, RING_PRODUCER_SLEEPS, ORDER_WAKE);
    ringbus__barrier_heavy();
    return key;
}

bool
ringbus__ring_is_decided(struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass)
{
    return ringbus__ring_has_room(ring, n, spare) || ringbus__ring_is_closed(ring, has_pass);
}

struct wish {
    struct ringbus_ring *ring;
    uint32_t n;
    uint32_t spare;
    bool has_pass;
};

static bool
is_decided(void *context)
{
    const struct wish *wish = context;

    return ringbus__ring_is_decided(wish->ring, wish->n, wish->spare, wish->has_pass);
}

int
ringbus__ring_wait_room(
    struct ringbus_ring *ring, uint32_t n, uint32_t spare, bool has_pass, int64_t deadline_ns)
{
    struct waiter waiter = {.strategy = ring->wait, .custom = ring->custom};
    struct wish wish = {ring, n, spare, has_pass};
    int outcome = RINGBUS_OK;

    if (ringbus__wait_is_over(deadline_ns))
        return RINGBUS_ETIMEDOUT;
    add_u64(&ring->waits, 1, ORDER_COUNT);
    if (ring->wait > RINGBUS_WAIT_BLOCK)
        outcome = ringbus__wait_by_looking(&waiter, is_decided, &wish, deadline_ns);
    else if (!ringbus__waiter_spin(&waiter, is_decided, &wish)) {
        const uint32_t key = ringbus__ring_announce(ring);

        outcome = is_decided(&wish) ? RINGBUS_OK : signal_wait(&ring->room, key, deadline_ns);
    }
    add_u64(&ring->waits_over, 1, ORDER_COUNT);
    return outcome;
}

static int64_t
claim_wait(struct ringbus_ring *ring, uint32_t n, int64_t deadline_ns)
{
    for (;;) {
        const int64_t first = ringbus__ring_claim_now(ring, n, 0, false);

        if (first != RINGBUS_EAGAIN)
            return first;
        if (ringbus__ring_wait_room(ring, n, 0, false, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    }
}

int64_t
ringbus_ring_claim(struct ringbus_ring *ring, uint32_t n)
{
    return claim_wait(ring, n, RINGBUS_FOREVER);
}

int64_t
ringbus_ring_claim_until(struct ringbus_ring *ring, uint32_t n, int64_t deadline_ns)
{
    return claim_wait(ring, n, deadline_ns);
}

/* ---- a reader waits for its next event ---- */

static bool
has_something(void *context)
{
    struct ringbus_reader *reader = context;

    /* HINT: of a sleeper, the bit orders it (I5). */
    return load_u32(&reader->is_called, ORDER_HINT) || reader->has_something(reader);
}

void
ringbus__waiter_learn(struct waiter *waiter, uint32_t count)
{
    if (waiter->was_patient && count < PATIENCE_PAID)
        waiter->eager_for = EAGER_WAITS;
    waiter->was_patient = false;
    waiter->idle = 0;
}

/* As long as what the last one found has taken: who is busy half of the time may be so in longer stretches, which move
 * more lines at once. */
static int64_t
patience(const struct waiter *waiter, int64_t now)
{
    const int64_t took = waiter->looked_ns != 0 ? now - waiter->looked_ns : 0;

    if (took <= PATIENCE_NS)
        return PATIENCE_NS;
    return took < MOST_PATIENCE_NS ? took : MOST_PATIENCE_NS;
}

/* Put the second look off, if that has paid. */
static bool
be_patient(struct waiter *waiter)
{
    int64_t now = 0, until = 0;

    if (waiter->is_eager)
        return false;
    if (waiter->eager_for > 0) {
        waiter->eager_for--;
        return false;
    }
    waiter->was_patient = true;
    now = ringbus__os.now_ns();
    until = now + patience(waiter, now);
    do {
        cpu_pause();
        now = ringbus__os.now_ns();
    } while (now < until);
    waiter->looked_ns = now;
    return true;
}

void
ringbus__waiter_put_off(struct waiter *waiter)
{
    if (waiter->eager_for > 0)
        return; /* counted by the wait that may follow */
    waiter->has_patience = be_patient(waiter);
    waiter->idle = waiter->has_patience; /* an empty look that was spared */
}

void
ringbus__reader_announce(struct ringbus_reader *reader)
{
    struct ringbus_ring *ring = reader->ring;

    /* WAKE: announced; a barrier will order it before the look that follows. */
    if (reader->wake != NULL)
        or_u32(&reader->asleep, ASLEEP_ELSEWHERE, ORDER_WAKE);
    else
        store_u32(&reader->asleep, ASLEEP_PARKED, ORDER_HINT);
    if (reader->waits_for_readers)
        or_u64(&ring->dependent_sleepers, reader->bit, ORDER_WAKE);
    /* Also who comes after readers may wait for a publish: they can have begun behind an open claim where it began
     * before it. And what a worker waits for, another one may take. */
    if (!reader->waits_for_readers || reader->worker != NULL ||
        ringbus__ring_limit(ring, reader->after) >= reader->next)
        or_u64(&ring->sleepers, reader->bit, ORDER_WAKE);
}

void
ringbus__reader_arm(struct ringbus_reader *reader)
{
    ringbus__reader_announce(reader);
    if (reader->ring->wake != NULL && reader->after == 0)
        barrier_full();
    else
        ringbus__barrier_heavy();
}

void
ringbus__reader_disarm(struct ringbus_reader *reader)
{
    /* WAKE: whoever looks at the word after this calls nobody. */
    and_u32(&reader->asleep, ~(uint32_t)(ASLEEP_PARKED | ASLEEP_ELSEWHERE), ORDER_WAKE);
    /* STATE acquire: the last waker has returned. */
    while (load_u32(&reader->asleep, ORDER_STATE_ACQUIRE) != 0)
        ringbus__os.yield();
}

static int
park(struct ringbus_reader *reader, int64_t deadline_ns)
{
    int outcome = RINGBUS_OK;
    const bool is_ready = ringbus__waiter_spin(&reader->waiter, has_something, reader);

    reader->waiter.slept_last = false;
    if (is_ready)
        return RINGBUS_OK;
    ringbus__reader_arm(reader);
    if (!has_something(reader)) {
        reader->waiter.slept_last = true;
        while (load_u32(&reader->asleep, ORDER_STATE_ACQUIRE) && outcome == RINGBUS_OK) {
            outcome = ringbus__os.word_wait(&reader->asleep, ASLEEP_PARKED, deadline_ns);
            count_u64(&reader->wakes, 1);
        }
    }
    /* OWN: who takes the bit after this finds nobody to wake. */
    store_u32(&reader->asleep, 0, ORDER_OWN);
    return outcome == RINGBUS_ETIMEDOUT && !has_something(reader) ? RINGBUS_ETIMEDOUT : RINGBUS_OK;
}

static int
wait_step(struct ringbus_reader *reader, int64_t deadline_ns)
{
    struct waiter *waiter = &reader->waiter;
    const uint64_t round = waiter->idle;

    assert(!reader->is_in_set); /* who is in a set is waited for through it */
    /* WAKE: the one who called has made its change before. */
    if (unlikely(load_u32(&reader->is_called, ORDER_HINT)) &&
        exchange_u32(&reader->is_called, 0, ORDER_WAKE))
        return RINGBUS_OK;
    if (is_look_over(waiter->strategy, round, deadline_ns))
        return RINGBUS_ETIMEDOUT;
    waiter->idle++;
    if (round == 0) {
        waiter->has_patience = be_patient(waiter);
        if (waiter->has_patience)
            return RINGBUS_OK;
    }
    waiter->was_patient = false;
    waiter->looked_ns = 0;
    if (waiter->strategy <= RINGBUS_WAIT_BLOCK)
        return park(reader, deadline_ns);
    if (reader->wake != NULL) {
        ringbus__reader_arm(reader);
        if (has_something(reader))
            return RINGBUS_OK;
        count_u64(&reader->wakes, 1);
    }
    idle(waiter->strategy, &waiter->custom, round - waiter->has_patience, deadline_ns);
    return RINGBUS_OK;
}

int
ringbus__reader_wait_step(struct ringbus_reader *reader, int64_t deadline_ns)
{
    const int outcome = wait_step(reader, deadline_ns);

    if (outcome != RINGBUS_OK)
        reader->waiter.idle = 0; /* the next wait begins anew */
    return outcome;
}

/* ---- waking ---- */

static void
wake_reader(struct ringbus_reader *reader)
{
    uint32_t word = 0;

    if (reader->ring->wake != NULL) {
        reader->ring->wake(reader->ring->wake_context);
        return;
    }
    word = load_u32(&reader->asleep, ORDER_HINT);
    while (word & (ASLEEP_PARKED | ASLEEP_ELSEWHERE)) {
        const uint32_t awake =
            word & ASLEEP_PARKED ? 0 : (word & ~(uint32_t)ASLEEP_ELSEWHERE) + ASLEEP_WAKER;

        /* WAKE: the word is changed before the sleeper is called (park.h I1), and `wake` is what it set. */
        if (!cas_u32(&reader->asleep, &word, awake, ORDER_WAKE))
            continue;
        if (word & ASLEEP_PARKED) {
            ringbus__os.word_wake(&reader->asleep);
            return;
        }
        reader->wake(reader->wake_context);
        /* WAKE: we are out of it. */
        add_u32(&reader->asleep, (uint32_t)-ASLEEP_WAKER, ORDER_WAKE);
        return;
    }
}

void
ringbus__ring_wake(struct ringbus_ring *ring, struct atomic_u64 *sleepers)
{
    /* WAKE: each bit is taken by one waker only. */
    uint64_t taken = exchange_u64(sleepers, 0, ORDER_WAKE);

    if (taken & RING_PRODUCER_SLEEPS)
        signal_raise(&ring->room);
    for (taken &= ~RING_PRODUCER_SLEEPS; taken != 0; taken &= taken - 1)
        wake_reader(&ring->readers[__builtin_ctzll(taken)]);
}

void
ringbus__reader_call(struct ringbus_reader *reader)
{
    /* WAKE: what the caller has changed goes with it. */
    exchange_u32(&reader->is_called, 1, ORDER_WAKE);
    /* WAKE: whoever else takes the bit wakes the reader, too. Which word has it, only the owner knows. */
    if ((and_u64(&reader->ring->sleepers, ~reader->bit, ORDER_WAKE) |
            and_u64(&reader->ring->dependent_sleepers, ~reader->bit, ORDER_WAKE)) &
        reader->bit)
        wake_reader(reader);
}
