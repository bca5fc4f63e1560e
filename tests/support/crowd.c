/* crowd.c - what the actors of a crowd do. */
#include "support/crowd.h"

#include <inttypes.h>
#include <sched.h>

enum { HISTORY_SIZE = 48 };

static uint64_t
below(struct crowd_actor *actor, uint64_t bound)
{
    return next_random(&actor->random) % bound;
}

static void
maybe_yield(struct crowd_actor *actor)
{
    if (below(actor, 16) == 0)
        sched_yield();
}

static size_t
index_of(const struct crowd *crowd, int64_t sequence)
{
    return (size_t)(sequence - crowd->options.first);
}

static unsigned char *
payload_of(const struct crowd *crowd, int64_t sequence)
{
    return ringbus_ring_slot(&crowd->view, sequence);
}

/* ---- waits ---- */

uint32_t
crowd_draw_wait(const struct crowd *crowd, uint64_t *random, uint32_t count)
{
    const uint32_t wait = (uint32_t)(next_random(random) % count);

    return wait == RINGBUS_WAIT_BUSY_SPIN && !crowd->is_small ? RINGBUS_WAIT_YIELD : wait;
}

static void
wait_by_yield(uint64_t round, int64_t deadline_ns, void *context)
{
    (void)round;
    (void)deadline_ns;
    (void)context;
    sched_yield();
}

static void
wait_by_bell(uint64_t round, int64_t deadline_ns, void *context)
{
    struct crowd_actor *actor = context;

    (void)round;
    if (exchange_u32(&actor->bell, 0, ORDER_WAKE) == 0)
        ringbus__os.word_wait(&actor->bell, 0, deadline_ns);
}

static void
ring_bell(void *context)
{
    struct crowd_actor *actor = context;

    MUST(actor->reader != NULL, "somebody is woken who has left");
    exchange_u32(&actor->bell, 1, ORDER_WAKE);
    ringbus__os.word_wake(&actor->bell);
}

/* ---- the hook ---- */

void
crowd_clear(void *payload, int64_t sequence, void *context)
{
    struct crowd *crowd = context;
    const size_t at = index_of(crowd, sequence);
    const uint32_t passed = load_u32(&crowd->passed[at], ORDER_HINT);
    struct history alone = {0};

    MUST(crowd->fates[at] == PUBLISHED, "sequence %" PRId64 " is cleared", sequence);
    MUST(payload == payload_of(crowd, sequence), "a wrong payload is cleared");
    history_read(&alone, payload, HISTORY_SIZE, sequence);
    MUST(exchange_u32(&crowd->cleared[at], 1, ORDER_HINT) == 0,
        "sequence %" PRId64 " is cleared twice", sequence);
    MUST(load_u32(&crowd->has_left, ORDER_HINT) || passed == (1u << crowd->reader_count) - 1,
        "sequence %" PRId64 " is cleared before readers %#x have passed it", sequence,
        ((1u << crowd->reader_count) - 1) & ~passed);
    history_write(payload, HISTORY_SIZE, -1, HISTORY_PRODUCERS, UINT64_MAX);
}

/* ---- producers ---- */

static int64_t
claim_somehow(struct crowd_actor *actor, uint32_t n)
{
    struct ringbus_ring *ring = actor->crowd->ring;
    int64_t first = RINGBUS_EAGAIN;

    for (uint64_t tries = below(actor, 4); first == RINGBUS_EAGAIN && tries > 0; tries--)
        first = ringbus_ring_try_claim(ring, n);
    if (first == RINGBUS_EAGAIN && below(actor, 4) == 0)
        first = ringbus_ring_claim_until(ring, n, ringbus_now_ns() + 50000);
    return first >= 0 || first == RINGBUS_ESHUTDOWN ? first : ringbus_ring_claim(ring, n);
}

/* Fill a claim; what is not PUBLISHED is ABANDONED. */
static void
fill(struct crowd_actor *actor, int64_t first, uint32_t n, uint8_t fate)
{
    struct crowd *crowd = actor->crowd;

    for (uint32_t i = 0; i < n; i++) {
        MUST(crowd->fates[index_of(crowd, first + i)] == 0, "a sequence is claimed twice");
        crowd->fates[index_of(crowd, first + i)] = fate;
        history_write(payload_of(crowd, first + i), HISTORY_SIZE, first + i, actor->number,
            fate == PUBLISHED ? actor->published++ : UINT64_MAX);
    }
    actor->claimed += n;
}

static void
give(struct crowd_actor *actor, int64_t first, uint32_t n, uint8_t fate)
{
    maybe_yield(actor);
    for (uint32_t i = 0; i < n; i++)
        MUST(((uint64_t *)(void *)payload_of(actor->crowd, first + i))[2] == (uint64_t)first + i,
            "somebody else has written into a slot that is claimed");
    if (fate == ABANDONED)
        ringbus_ring_abandon(actor->crowd->ring, first, n);
    else
        ringbus_ring_publish(actor->crowd->ring, first, n);
}

/* A claim, published and abandoned in parts; perhaps another one within it, which is published before it. */
static bool
produce_some(struct crowd_actor *actor)
{
    const struct crowd *crowd = actor->crowd;
    const uint32_t room = crowd->options.capacity - crowd->options.history;
    const uint32_t n = 1 + (uint32_t)below(actor, room < CROWD_CLAIM ? room : CROWD_CLAIM);
    const uint32_t given_back = below(actor, 4) == 0 ? (uint32_t)below(actor, n + 1) : 0;
    const int64_t first = claim_somehow(actor, n);
    int64_t inner = RINGBUS_EAGAIN;

    if (first < 0) {
        MUST(first == RINGBUS_ESHUTDOWN, "a claim ends with %s", ringbus_error_name((int)first));
        return false;
    }
    if (given_back > 0)
        fill(actor, first, given_back, ABANDONED);
    if (given_back < n)
        fill(actor, first + given_back, n - given_back, PUBLISHED);
    if (below(actor, 8) == 0)
        inner = ringbus_ring_try_claim(crowd->ring, 1);
    if (inner >= 0) {
        fill(actor, inner, 1, PUBLISHED);
        give(actor, inner, 1, PUBLISHED);
    }
    if (given_back < n)
        give(actor, first + given_back, n - given_back, PUBLISHED);
    if (given_back > 0)
        give(actor, first, given_back, ABANDONED);
    return true;
}

void
crowd_produce(void *context)
{
    struct crowd_actor *actor = context;

    while (actor->claimed < actor->crowd->claims && produce_some(actor))
        ;
}

void
crowd_end_sometime(void *context)
{
    const struct crowd *crowd = context;
    const int64_t at = crowd->options.first + crowd->end_after;

    while (!load_u32(&crowd->has_produced, ORDER_HINT) && ringbus_ring_cursor(crowd->ring) < at)
        sched_yield();
    ringbus_ring_end(crowd->ring);
}

/* ---- readers ---- */

/* Between two runs lie slots that were abandoned, or, at the end of a single producer's line, that its last claim came
 * too late for. */
static void
step_to(struct crowd_actor *actor, int64_t end)
{
    const struct crowd *crowd = actor->crowd;

    for (; actor->expected < end; actor->expected++) {
        const uint8_t fate = crowd->fates[index_of(crowd, actor->expected)];

        MUST(fate == ABANDONED || (fate == 0 && crowd->options.producers),
            "reader %u: sequence %" PRId64 " is lost", actor->number, actor->expected);
    }
}

static void
read_event(struct crowd_actor *actor)
{
    struct crowd *crowd = actor->crowd;
    const size_t at = index_of(crowd, actor->expected);

    MUST(crowd->fates[at] == PUBLISHED, "sequence %" PRId64 " was abandoned", actor->expected);
    MUST((load_u32(&crowd->passed[at], ORDER_HINT) & actor->after) == actor->after,
        "reader %u overtakes one before it", actor->number);
    history_read(
        &actor->history, payload_of(crowd, actor->expected), HISTORY_SIZE, actor->expected);
    if (actor->number < crowd->reader_count)
        or_u32(&crowd->passed[at], 1u << actor->number, ORDER_HINT);
    actor->expected++;
}

/* Wait for a run, read some of it. False after the last event, or the deadline. */
static bool
read_some(struct crowd_actor *actor, int64_t deadline_ns)
{
    const uint32_t max = below(actor, 4) == 0 ? UINT32_MAX : 1 + (uint32_t)below(actor, 4);
    struct ringbus_run run;
    const int outcome = ringbus_reader_wait_until(actor->reader, max, deadline_ns, &run);

    if (outcome != RINGBUS_OK) {
        MUST(outcome == RINGBUS_ETIMEDOUT || ringbus_reader_poll(actor->reader, 1, &run) < 0,
            "something comes after the end");
        return false;
    }
    MUST(run.count >= 1 && run.count <= max, "a run of %u, asked for %u", run.count, max);
    step_to(actor, run.first);
    MUST(run.first == actor->expected, "sequence %" PRId64 " comes where %" PRId64 " is due",
        run.first, actor->expected);
    for (uint64_t left = 1 + below(actor, run.count); left > 0; left--)
        read_event(actor);
    maybe_yield(actor);
    ringbus_reader_commit(actor->reader, actor->expected - 1);
    return true;
}

void
crowd_read_all(void *context)
{
    struct crowd_actor *actor = context;

    while (read_some(actor, RINGBUS_FOREVER))
        ;
    step_to(actor, ringbus_ring_cursor(actor->crowd->ring) + 1);
}

/* Join somehow, `back` events before the cursor, after the readers of `actor->after`. */
void
crowd_join(struct crowd_actor *actor, const struct crowd_actor *readers, uint32_t back)
{
    struct crowd *crowd = actor->crowd;
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *after[CROWD_READERS], *reader = NULL;
    const int64_t earliest = ringbus_ring_cursor(crowd->ring) + 1 - back;

    for (uint32_t i = 0; i < crowd->reader_count; i++)
        if (actor->after & 1u << i)
            after[options.after_count++] = readers[i].reader;
    options.after = after;
    options.back = back;
    options.is_eager = (uint32_t)below(actor, 2);
    options.wait = crowd_draw_wait(crowd, &actor->random, RINGBUS_WAIT_CUSTOM + 1);
    actor->custom = (struct ringbus_custom_wait){wait_by_yield, NULL, actor};
    if (below(actor, 2))
        actor->custom = (struct ringbus_custom_wait){wait_by_bell, ring_bell, actor};
    options.custom = options.wait == RINGBUS_WAIT_CUSTOM ? &actor->custom : NULL;
    MUST(ringbus_reader_open(crowd->ring, &options, &reader) == RINGBUS_OK, "no reader");
    actor->reader = reader;
    actor->history = (struct history){0};
    actor->expected = reader->next;
    MUST(actor->expected >= earliest && actor->expected >= crowd->options.first,
        "a reader is further back than asked");
    MUST(actor->expected == crowd->options.first ||
             actor->expected <= ringbus_ring_cursor(crowd->ring) + 1 - back,
        "a reader is not as far back as asked");
}

void
crowd_leave(struct crowd_actor *actor)
{
    MUST(ringbus_reader_close(actor->reader) == RINGBUS_OK, "a reader cannot leave");
    actor->reader = NULL;
}

/* A guest, beside the readers that stay. */
void
crowd_come_and_go(void *context)
{
    struct crowd_actor *actor = context;
    struct crowd *crowd = actor->crowd;
    const struct crowd_actor *readers = actor - actor->number; /* which the guests come behind */

    while (!load_u32(&crowd->has_produced, ORDER_HINT)) {
        actor->after = (uint32_t)below(actor, 1u << crowd->reader_count);
        if (below(actor, 2))
            actor->after = 0;
        crowd_join(actor, readers, (uint32_t)below(actor, crowd->options.history + 1));
        for (uint64_t times = below(actor, 20); times > 0; times--)
            if (!read_some(actor, ringbus_now_ns() + 20000))
                break;
        crowd_leave(actor);
        for (uint64_t times = below(actor, 20); times > 0; times--)
            sched_yield();
    }
}
