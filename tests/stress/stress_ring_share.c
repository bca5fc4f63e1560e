/* stress_ring_share.c - workers of one reader that come and go, leaving things behind: each event is handled by one of
 * them, once, before anybody writes into its slot again or the next stage looks at it. */
#include <sched.h>
#include <stdlib.h>

#include "ring/ring.h"
#include "support/support.h"

enum {
    MOST_PRODUCERS = 2,
    MOST_WORKERS = 4,
    HISTORY_SIZE = 48, /* of the payload: what the producers write */
    SLOT_SIZE = 64     /* its last word says whether a worker has handled it */
};

/* One run: a ring, and who uses it. */
struct trial {
    uint32_t capacity;
    int64_t first;
    uint32_t wait;
    uint32_t producer_count;
    uint32_t worker_count;
    bool is_restless; /* workers leave all the time */
    bool has_stage;   /* a reader comes after the share */
    uint32_t claims;  /* sequences each producer claims */

    struct ringbus_ring *ring;
    struct ringbus_view view;
    struct ringbus_share *share;
    unsigned char *is_published; /* by sequence, from `first` on */
    unsigned char *is_handled;
};

struct actor {
    struct worker thread;
    struct trial *trial;
    uint32_t number;
    uint64_t random;
    uint64_t published;
    struct ringbus_worker *worker;
    struct ringbus_reader *reader;
};

static uint64_t
below(struct actor *actor, uint64_t bound)
{
    return next_random(&actor->random) % bound;
}

static uint64_t *
mark_of(const struct trial *trial, int64_t sequence)
{
    unsigned char *payload = ringbus_ring_slot(&trial->view, sequence);

    return (uint64_t *)(void *)(payload + HISTORY_SIZE);
}

/* ---- producers ---- */

static void
fill(struct actor *actor, int64_t sequence)
{
    const struct trial *trial = actor->trial;

    history_write(ringbus_ring_slot(&trial->view, sequence), HISTORY_SIZE, sequence, actor->number,
        actor->published);
    *mark_of(trial, sequence) = 0;
    trial->is_published[sequence - trial->first] = 1;
    actor->published++;
}

static void
produce(void *context)
{
    struct actor *actor = context;
    const struct trial *trial = actor->trial;

    for (uint32_t left = trial->claims; left > 0;) {
        uint32_t n = 1 + (uint32_t)below(actor, trial->capacity < 4 ? trial->capacity : 4);
        int64_t first = 0;

        if (n > left)
            n = left;
        first = ringbus_ring_claim(trial->ring, n);
        MUST(first >= 0, "a claim ends with %s", ringbus_error_name((int)first));
        left -= n;
        if (below(actor, 8) == 0) {
            ringbus_ring_abandon(trial->ring, first, n);
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            fill(actor, first + i);
        ringbus_ring_publish(trial->ring, first, n);
    }
}

/* ---- workers ---- */

static void
handle(const struct actor *actor, int64_t sequence)
{
    const struct trial *trial = actor->trial;
    struct history any = {0};

    history_read(&any, ringbus_ring_slot(&trial->view, sequence), HISTORY_SIZE, sequence);
    MUST(trial->is_published[sequence - trial->first], "sequence %d was abandoned",
        (int)(sequence - trial->first));
    MUST(*mark_of(trial, sequence) == 0 && !trial->is_handled[sequence - trial->first]++,
        "event %d is handled twice", (int)(sequence - trial->first));
    *mark_of(trial, sequence) = 1;
}

/* Wait for a range, handle some of it. False at the end. */
static bool
work(struct actor *actor)
{
    const uint32_t max = below(actor, 4) == 0 ? UINT32_MAX : 1 + (uint32_t)below(actor, 4);
    struct ringbus_run run;
    const int outcome = ringbus_worker_wait_until(actor->worker, max, patience_ends(), &run);
    uint32_t count = 0;

    MUST(outcome != RINGBUS_ETIMEDOUT, "a worker waits in vain");
    if (outcome != RINGBUS_OK)
        return false;
    MUST(run.count >= 1 && run.count <= max, "a run of %u, asked for %u", run.count, max);
    count = (uint32_t)below(actor, run.count + 1);
    for (uint32_t i = 0; i < count; i++)
        handle(actor, run.first + i);
    if (below(actor, 16) == 0)
        sched_yield();
    ringbus_worker_commit(actor->worker, run.first + count - 1);
    return true;
}

static void
come_and_go(void *context)
{
    struct actor *actor = context;
    bool has_more = true;

    while (has_more) {
        uint64_t times = actor->trial->is_restless ? below(actor, 10) : UINT64_MAX;

        MUST(ringbus_worker_open(actor->trial->share, &actor->worker) == RINGBUS_OK, "no worker");
        for (; times > 0 && has_more; times--)
            has_more = work(actor);
        MUST(ringbus_worker_close(actor->worker) == RINGBUS_OK, "a worker cannot leave");
        if (below(actor, 4) == 0)
            sched_yield();
    }
}

/* ---- the stage after them ---- */

static void
look_after(void *context)
{
    struct actor *actor = context;
    struct ringbus_run run;

    while (
        ringbus_reader_wait_until(actor->reader, UINT32_MAX, patience_ends(), &run) == RINGBUS_OK) {
        for (uint32_t i = 0; i < run.count; i++)
            MUST(*mark_of(actor->trial, run.first + i) == 1,
                "event %d is passed before it is handled", (int)(run.first - actor->trial->first));
        ringbus_reader_commit(actor->reader, run.first + run.count - 1);
    }
}

/* ---- a trial ---- */

static void
open_trial(struct trial *trial)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_share_options shared = ringbus_share_options_default();

    options.capacity = trial->capacity;
    options.slot_size = SLOT_SIZE;
    options.wait = trial->wait;
    options.first = trial->first;
    options.producers =
        trial->producer_count == 1 ? RINGBUS_PRODUCERS_SINGLE : RINGBUS_PRODUCERS_MULTI;
    MUST(ringbus_ring_open(&options, &trial->ring) == RINGBUS_OK, "no ring");
    trial->view = ringbus_ring_view(trial->ring);
    shared.max_workers = trial->worker_count;
    shared.wait = trial->wait;
    MUST(ringbus_share_open(trial->ring, &shared, &trial->share) == RINGBUS_OK, "no share");
    trial->is_published = calloc(trial->producer_count, trial->claims);
    trial->is_handled = calloc(trial->producer_count, trial->claims);
}

static void
open_stage(struct actor *stage)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *before = ringbus_share_reader(stage->trial->share);

    options.wait = stage->trial->wait;
    options.after = &before;
    options.after_count = 1;
    MUST(ringbus_reader_open(stage->trial->ring, &options, &stage->reader) == RINGBUS_OK,
        "no reader");
}

static void
check_trial(const struct trial *trial)
{
    const uint32_t count = trial->producer_count * trial->claims;

    for (uint32_t i = 0; i < count; i++)
        MUST(trial->is_handled[i] == trial->is_published[i], "event %u is handled %d times", i,
            trial->is_handled[i]);
    MUST(ringbus_share_position(trial->share) == trial->first + count - 1, "the share is behind");
}

static void
run_trial(struct trial *trial)
{
    struct actor producers[MOST_PRODUCERS], workers[MOST_WORKERS], stage = {.trial = trial};

    open_trial(trial);
    if (trial->has_stage) {
        open_stage(&stage);
        worker_start(&stage.thread, look_after, &stage);
    }
    for (uint32_t i = 0; i < trial->worker_count; i++) {
        workers[i] = (struct actor){.trial = trial, .number = i, .random = 7 + i};
        worker_start(&workers[i].thread, come_and_go, &workers[i]);
    }
    for (uint32_t i = 0; i < trial->producer_count; i++) {
        producers[i] = (struct actor){.trial = trial, .number = i, .random = 70 + i};
        worker_start(&producers[i].thread, produce, &producers[i]);
    }
    for (uint32_t i = 0; i < trial->producer_count; i++)
        worker_join(&producers[i].thread, "a producer");
    ringbus_ring_end(trial->ring);
    for (uint32_t i = 0; i < trial->worker_count; i++)
        worker_join(&workers[i].thread, "a worker");
    if (trial->has_stage)
        worker_join(&stage.thread, "the stage after the workers");
    check_trial(trial);
    ringbus_ring_close(trial->ring);
    free(trial->is_published);
    free(trial->is_handled);
}

/* The pattern with each wait that sleeps, 1 and 2 producers, 2 to 4 workers, and each first sequence in turn. */
static void
run_all(struct trial pattern, uint64_t claims)
{
    static const int64_t firsts[] = {
        0, (INT64_C(1) << 31) - 50, (INT64_C(1) << 32) - 50, (INT64_C(1) << 62) - 50};
    uint32_t turn = 0;

    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++)
        for (uint32_t producers = 1; producers <= MOST_PRODUCERS; producers++)
            for (uint32_t workers = 2; workers <= MOST_WORKERS; workers++) {
                struct trial trial = pattern;

                trial.wait = wait;
                trial.first = firsts[turn++ % (sizeof firsts / sizeof *firsts)];
                trial.producer_count = producers;
                trial.worker_count = workers;
                trial.claims = (uint32_t)scaled(claims) / producers + 1;
                run_trial(&trial);
            }
}

START_TEST(each_event_is_handled_by_one_worker_on_a_ring_of_two)
{
    run_all((struct trial){.capacity = 2}, 1500);
}
END_TEST

START_TEST(each_event_is_handled_by_one_worker_on_a_ring_of_four)
{
    run_all((struct trial){.capacity = 4}, 2000);
}
END_TEST

START_TEST(each_event_is_handled_by_one_worker_on_a_large_ring)
{
    run_all((struct trial){.capacity = 1024}, 10000);
}
END_TEST

START_TEST(workers_that_come_and_go_lose_nothing_they_leave_behind)
{
    run_all((struct trial){.capacity = 2, .is_restless = true}, 1500);
    run_all((struct trial){.capacity = 4, .is_restless = true}, 2000);
    run_all((struct trial){.capacity = 1024, .is_restless = true}, 10000);
}
END_TEST

START_TEST(a_stage_after_workers_sees_only_what_they_have_handled)
{
    run_all((struct trial){.capacity = 2, .has_stage = true, .is_restless = true}, 1000);
    run_all((struct trial){.capacity = 4, .has_stage = true}, 1500);
    run_all((struct trial){.capacity = 1024, .has_stage = true, .is_restless = true}, 10000);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring share", each_event_is_handled_by_one_worker_on_a_ring_of_two,
        each_event_is_handled_by_one_worker_on_a_ring_of_four,
        each_event_is_handled_by_one_worker_on_a_large_ring,
        workers_that_come_and_go_lose_nothing_they_leave_behind,
        a_stage_after_workers_sees_only_what_they_have_handled);
}
