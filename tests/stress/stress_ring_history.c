/* stress_ring_history.c - producers and readers of every kind on one ring, and a reader's history of all that happened:
 * no event lost, none twice, each producer's in order, none torn, nobody in a slot that is not his. */
#include <sched.h>
#include <stdlib.h>

#include "ring/ring.h"
#include "support/support.h"

enum {
    MOST_PRODUCERS = 4,
    MOST_READERS = 4,
    HISTORY_SIZE = 48, /* of the payload: what the producers write */
    SLOT_SIZE = 64     /* its last word counts the stages an event has passed */
};

/* One run: a ring, and who uses it. */
struct trial {
    uint32_t capacity;
    uint32_t wait;
    uint32_t producer_count;
    uint32_t reader_count; /* that stay from the beginning to the end */
    uint32_t guest_count;  /* threads that open and close one reader after the other */
    bool is_pipeline;      /* each reader comes after the one before */
    uint32_t claims;       /* sequences each producer claims */

    struct ringbus_ring *ring;
    struct ringbus_view view;
    unsigned char *is_abandoned; /* by sequence; written before the slot is given back */
    struct atomic_u32 is_over;
};

struct actor {
    struct worker worker;
    struct trial *trial;
    uint32_t number;
    uint64_t random;
    /* a producer's */
    uint64_t published;
    /* a reader's */
    struct ringbus_reader *reader;
    struct history history;
    int64_t expected; /* the next sequence */
};

static uint64_t
below(struct actor *actor, uint64_t bound)
{
    return next_random(&actor->random) % bound;
}

static void
maybe_yield(struct actor *actor)
{
    if (below(actor, 16) == 0)
        sched_yield();
}

/* ---- producers ---- */

static int64_t
claim_somehow(struct actor *actor, uint32_t n)
{
    struct ringbus_ring *ring = actor->trial->ring;
    int64_t first = RINGBUS_EAGAIN;

    for (uint64_t tries = below(actor, 4); first == RINGBUS_EAGAIN && tries > 0; tries--)
        first = ringbus_ring_try_claim(ring, n);
    if (first == RINGBUS_EAGAIN && below(actor, 4) == 0)
        first = ringbus_ring_claim_until(ring, n, ringbus_now_ns() + 50000);
    return first >= 0 ? first : ringbus_ring_claim(ring, n);
}

static unsigned char *
payload_of(const struct trial *trial, int64_t sequence)
{
    return ringbus_ring_slot(&trial->view, sequence);
}

static uint64_t *
stage_of(const struct trial *trial, int64_t sequence)
{
    return (uint64_t *)(void *)(payload_of(trial, sequence) + HISTORY_SIZE);
}

static void
publish_events(struct actor *actor, int64_t first, uint32_t n)
{
    struct trial *trial = actor->trial;
    const uint32_t part = (uint32_t)below(actor, n + 1);

    for (uint32_t i = 0; i < n; i++) {
        history_write(payload_of(trial, first + i), HISTORY_SIZE, first + i, actor->number,
            actor->published + i);
        *stage_of(trial, first + i) = 0;
    }
    maybe_yield(actor);
    for (uint32_t i = 0; i < n; i++)
        history_verify(payload_of(trial, first + i), HISTORY_SIZE, first + i, actor->number,
            actor->published + i);
    actor->published += n;
    if (part < n)
        ringbus_ring_publish(trial->ring, first + part, n - part);
    if (part > 0)
        ringbus_ring_publish(trial->ring, first, part);
}

static void
abandon_slots(struct actor *actor, int64_t first, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        actor->trial->is_abandoned[first + i] = 1;
        history_write(
            payload_of(actor->trial, first + i), HISTORY_SIZE, -1, actor->number, UINT64_MAX);
    }
    maybe_yield(actor);
    ringbus_ring_abandon(actor->trial->ring, first, n);
}

static void
produce(void *context)
{
    struct actor *actor = context;
    const struct trial *trial = actor->trial;

    for (uint32_t left = trial->claims; left > 0;) {
        const uint32_t most = trial->capacity < 4 ? trial->capacity : 4;
        uint32_t n = 1 + (uint32_t)below(actor, most), given_back = 0;
        int64_t first = 0;

        if (n > left)
            n = left;
        first = claim_somehow(actor, n);
        MUST(first >= 0, "a claim ends with %s", ringbus_error_name((int)first));
        if (below(actor, 4) == 0)
            given_back = (uint32_t)below(actor, n + 1);
        if (given_back < n)
            publish_events(actor, first + given_back, n - given_back);
        if (given_back > 0)
            abandon_slots(actor, first, given_back);
        left -= n;
    }
}

/* ---- readers ---- */

static void
must_be_abandoned_up_to(struct actor *actor, int64_t end)
{
    for (; actor->expected < end; actor->expected++)
        MUST(actor->trial->is_abandoned[actor->expected], "sequence %d is lost",
            (int)actor->expected);
}

static void
read_event(struct actor *actor, int64_t sequence)
{
    struct trial *trial = actor->trial;

    MUST(!trial->is_abandoned[sequence], "sequence %d was abandoned", (int)sequence);
    history_read(&actor->history, payload_of(trial, sequence), HISTORY_SIZE, sequence);
    if (trial->is_pipeline) {
        MUST(*stage_of(trial, sequence) == actor->number,
            "stage %u gets sequence %d after stage %d", actor->number, (int)sequence,
            (int)*stage_of(trial, sequence));
        *stage_of(trial, sequence) = actor->number + 1;
    }
    actor->expected++;
}

/* Wait for a run, read some of it. False after the last event. */
static bool
read_some(struct actor *actor, int64_t deadline_ns)
{
    const uint32_t max = below(actor, 4) == 0 ? UINT32_MAX : 1 + (uint32_t)below(actor, 4);
    struct ringbus_run run;
    const int outcome = ringbus_reader_wait_until(actor->reader, max, deadline_ns, &run);

    if (outcome != RINGBUS_OK)
        return outcome == RINGBUS_ETIMEDOUT;
    MUST(run.count >= 1 && run.count <= max, "a run of %u, asked for %u", run.count, max);
    must_be_abandoned_up_to(actor, run.first);
    MUST(run.first == actor->expected, "sequence %d comes where %d is due", (int)run.first,
        (int)actor->expected);
    for (uint64_t left = 1 + below(actor, run.count); left > 0; left--)
        read_event(actor, actor->expected);
    maybe_yield(actor);
    ringbus_reader_commit(actor->reader, actor->expected - 1);
    return true;
}

static void
read_all(void *context)
{
    struct actor *actor = context;
    int64_t until = patience_ends();

    for (; read_some(actor, until); until = patience_ends())
        MUST(ringbus_now_ns() < until, "a reader waits in vain for sequence %d",
            (int)actor->expected);
    must_be_abandoned_up_to(actor, ringbus_ring_cursor(actor->trial->ring) + 1);
}

static void
join(struct actor *actor, struct ringbus_reader *behind)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    int outcome = RINGBUS_OK;

    options.wait = actor->trial->wait;
    if (behind != NULL)
        outcome = ringbus__reader_open_at(actor->trial->ring, behind, &actor->reader);
    else
        outcome = ringbus_reader_open(actor->trial->ring, &options, &actor->reader);
    MUST(outcome == RINGBUS_OK, "a reader cannot join: %s", ringbus_error_name(outcome));
    actor->history = (struct history){0};
    actor->expected = actor->reader->next;
}

static void
come_and_go(void *context)
{
    struct actor *actor = context;
    struct trial *trial = actor->trial;
    struct ringbus_reader *oldest = trial->reader_count > 0 ? &trial->ring->readers[0] : NULL;

    while (!load_u32(&trial->is_over, ORDER_HINT)) {
        join(actor, below(actor, 2) ? oldest : NULL);
        for (uint64_t times = below(actor, 20); times > 0; times--)
            if (!read_some(actor, ringbus_now_ns() + 20000))
                break;
        MUST(ringbus_reader_close(actor->reader) == RINGBUS_OK, "a reader cannot leave");
        for (uint64_t times = below(actor, 20); times > 0; times--)
            sched_yield();
    }
}

/* ---- a trial ---- */

static void
open_trial(struct trial *trial)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = trial->capacity;
    options.slot_size = SLOT_SIZE;
    options.wait = trial->wait;
    MUST(ringbus_ring_open(&options, &trial->ring) == RINGBUS_OK, "no ring");
    trial->view = ringbus_ring_view(trial->ring);
    trial->is_abandoned = calloc(trial->producer_count, trial->claims);
}

static void
open_readers(struct trial *trial, struct actor *readers)
{
    for (uint32_t i = 0; i < trial->reader_count; i++) {
        struct ringbus_reader_options options = ringbus_reader_options_default();

        options.wait = trial->wait;
        options.after = i > 0 ? &readers[i - 1].reader : NULL;
        options.after_count = trial->is_pipeline && i > 0;
        readers[i] = (struct actor){.trial = trial, .number = i, .random = 7 + i};
        MUST(ringbus_reader_open(trial->ring, &options, &readers[i].reader) == RINGBUS_OK,
            "no reader");
    }
}

static void
check_reader(const struct actor *reader, const struct actor *producers)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < reader->trial->producer_count; i++) {
        MUST(reader->history.next[i] == producers[i].published,
            "reader %u has %d of the %d events of producer %u", reader->number,
            (int)reader->history.next[i], (int)producers[i].published, i);
        count += producers[i].published;
    }
    MUST(reader->history.count == count, "reader %u has %d of %d events", reader->number,
        (int)reader->history.count, (int)count);
}

static void
run_trial(struct trial *trial)
{
    struct actor producers[MOST_PRODUCERS], readers[MOST_READERS], guests[MOST_READERS];

    open_trial(trial);
    open_readers(trial, readers);
    for (uint32_t i = 0; i < trial->reader_count; i++)
        worker_start(&readers[i].worker, read_all, &readers[i]);
    for (uint32_t i = 0; i < trial->guest_count; i++) {
        guests[i] = (struct actor){.trial = trial, .number = i, .random = 70 + i};
        worker_start(&guests[i].worker, come_and_go, &guests[i]);
    }
    for (uint32_t i = 0; i < trial->producer_count; i++) {
        producers[i] = (struct actor){.trial = trial, .number = i, .random = 700 + i};
        worker_start(&producers[i].worker, produce, &producers[i]);
    }
    for (uint32_t i = 0; i < trial->producer_count; i++)
        worker_join(&producers[i].worker, "a producer");
    store_u32(&trial->is_over, 1, ORDER_HINT);
    for (uint32_t i = 0; i < trial->guest_count; i++)
        worker_join(&guests[i].worker, "a reader that comes and goes");
    ringbus_ring_end(trial->ring);
    for (uint32_t i = 0; i < trial->reader_count; i++) {
        worker_join(&readers[i].worker, "a reader");
        check_reader(&readers[i], producers);
    }
    ringbus_ring_close(trial->ring);
    free(trial->is_abandoned);
}

/* The pattern with 1 to 4 producers, each wait, `from` to 4 readers; `claims` in each run. */
static void
run_all(struct trial pattern, uint32_t from, uint64_t claims)
{
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)
        for (uint32_t producers = 1; producers <= MOST_PRODUCERS; producers++)
            for (uint32_t readers = from; readers <= MOST_READERS; readers++) {
                struct trial trial = pattern;

                trial.wait = wait;
                trial.producer_count = producers;
                trial.reader_count = readers;
                trial.claims = (uint32_t)scaled(claims) / producers + 1;
                run_trial(&trial);
            }
}

START_TEST(every_reader_sees_every_event_on_a_ring_of_two)
{
    run_all((struct trial){.capacity = 2}, 1, 400);
}
END_TEST

START_TEST(every_reader_sees_every_event_on_a_ring_of_four)
{
    run_all((struct trial){.capacity = 4}, 1, 600);
}
END_TEST

START_TEST(every_reader_sees_every_event_on_a_large_ring)
{
    run_all((struct trial){.capacity = 1024}, 1, 6000);
}
END_TEST

START_TEST(every_stage_of_a_pipeline_sees_what_the_stage_before_has_done)
{
    run_all((struct trial){.capacity = 2, .is_pipeline = true}, 2, 250);
    run_all((struct trial){.capacity = 4, .is_pipeline = true}, 2, 350);
    run_all((struct trial){.capacity = 1024, .is_pipeline = true}, 2, 2500);
}
END_TEST

/* The trials with no, one and two readers that stay, beside those that come and go. */
static void
run_with_guests(uint32_t capacity, uint64_t claims)
{
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)
        for (uint32_t readers = 0; readers <= 2; readers++) {
            struct trial trial = {.capacity = capacity, .wait = wait, .producer_count = 2};

            trial.reader_count = readers;
            trial.guest_count = 2;
            trial.claims = (uint32_t)scaled(claims);
            run_trial(&trial);
        }
}

START_TEST(readers_that_come_and_go_see_all_between)
{
    run_with_guests(2, 2000);
    run_with_guests(4, 2000);
    run_with_guests(1024, 10000);
}
END_TEST

START_TEST(producers_without_any_reader_never_share_a_slot)
{
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)
        for (uint32_t capacity = 2; capacity <= 8; capacity *= 2) {
            struct trial trial = {.capacity = capacity, .wait = wait};

            trial.producer_count = MOST_PRODUCERS;
            trial.claims = (uint32_t)scaled(10000);
            run_trial(&trial);
        }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring history", every_reader_sees_every_event_on_a_ring_of_two,
        every_reader_sees_every_event_on_a_ring_of_four,
        every_reader_sees_every_event_on_a_large_ring,
        every_stage_of_a_pipeline_sees_what_the_stage_before_has_done,
        readers_that_come_and_go_see_all_between, producers_without_any_reader_never_share_a_slot);
}
