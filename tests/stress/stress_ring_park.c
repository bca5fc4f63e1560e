/* stress_ring_park.c - two actors that wake each other and do nothing else: every wake-up that is lost hangs.
 *
 * No wait in here has a time-out; the joins have. */
#include "ring/ring.h"
#include "support/support.h"

enum { PARTS = 20 };

struct match {
    struct ringbus_ring *there, *back;
    struct ringbus_reader *served, *returned; /* of `there`, of `back` */
    struct ringbus_reader *chased;            /* `served`, or the one that comes after it */
    uint64_t rounds;
    bool is_whole;   /* every round is played, however long it takes */
    uint64_t spread; /* how late a publish may come: up to 16 << spread steps */
    bool is_pinned;  /* each player to its processor; who may spin looks at how many there are */
    struct atomic_u32 bell; /* how a ring with a wake of its own wakes its reader */
};

static struct ringbus_ring *
open_ring(uint32_t capacity, uint32_t wait)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = capacity;
    options.wait = wait;
    MUST(ringbus_ring_open(&options, &ring) == RINGBUS_OK, "no ring");
    return ring;
}

static struct ringbus_reader *
open_reader(struct ringbus_ring *ring, uint32_t wait, struct ringbus_reader *before)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    options.wait = wait;
    options.after = &before;
    options.after_count = before != NULL;
    MUST(ringbus_reader_open(ring, &options, &reader) == RINGBUS_OK, "no reader");
    return reader;
}

static void
open_match(struct match *match, uint32_t wait, uint64_t rounds)
{
    *match = (struct match){.there = open_ring(2, wait), .back = open_ring(2, wait)};
    match->served = open_reader(match->there, wait, NULL);
    match->returned = open_reader(match->back, wait, NULL);
    match->chased = match->served;
    match->rounds = scaled(rounds);
    match->spread = 10;
    match->is_pinned = wait == RINGBUS_WAIT_BLOCK;
    os_watch_begin(0);
}

/* Both sides have nothing to do but to sleep: unless they did `min_sleeps` times in ten rounds, nothing was tested. */
static void
close_match(struct match *match, uint64_t min_sleeps)
{
    const uint64_t sleeps = os_watch_sleeps();

    os_watch_end();
    ck_assert_uint_ge(sleeps, min_sleeps * match->rounds / 10);
    ringbus_ring_close(match->there);
    ringbus_ring_close(match->back);
}

static void
send(struct ringbus_ring *ring)
{
    const int64_t sequence = ringbus_ring_claim(ring, 1);

    MUST(sequence >= 0, "a claim ends with %s", ringbus_error_name((int)sequence));
    ringbus_ring_publish(ring, sequence, 1);
}

static void
receive(struct ringbus_reader *reader)
{
    struct ringbus_run run;
    const int outcome = ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run);

    MUST(outcome == RINGBUS_OK, "a wait ends with %s", ringbus_error_name(outcome));
    ringbus_reader_commit(reader, run.first);
}

static void
return_service(void *context)
{
    struct match *match = context;
    uint64_t random = 1077;

    if (match->is_pinned)
        worker_pin(1);
    for (uint64_t round = 0; round < match->rounds; round++) {
        receive(match->served);
        dawdle(&random, 1000);
        send(match->back);
    }
}

static void
serve(void *context)
{
    struct match *match = context;
    uint64_t random = 77;

    if (match->is_pinned)
        worker_pin(0);
    for (uint64_t round = 0; round < match->rounds; round++) {
        dawdle(&random, 1000);
        send(match->there);
        receive(match->returned);
    }
}

/* In parts: their joins have the deadline, and rounds that take long are no lost wake-up. */
static void
play(struct match *match, void (*first)(void *context), void (*second)(void *context))
{
    const int64_t begun = ringbus_now_ns();
    int parts = 0;

    match->rounds = match->rounds / PARTS + 1;
    for (; parts < PARTS && (match->is_whole || has_time_for_a_part(begun)); parts++) {
        struct worker workers[2];

        worker_start(&workers[0], first, match);
        worker_start(&workers[1], second, match);
        worker_join(&workers[0], "the first player: a wake-up is lost");
        worker_join(&workers[1], "the second player: a wake-up is lost");
    }
    match->rounds *= (uint64_t)parts;
}

START_TEST(readers_that_block_wake_each_other_without_a_loss)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_BLOCK, 100000);
    match.is_whole = true;
    play(&match, serve, return_service);
    close_match(&match, 1);
}
END_TEST

START_TEST(readers_that_spin_first_wake_each_other_without_a_loss)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_PHASED, 10000);
    play(&match, serve, return_service);
    close_match(&match, 0);
}
END_TEST

/* The ring is full but for the slot the reader has just freed. */
static void
fill(void *context)
{
    struct match *match = context;
    uint64_t random = 77;

    if (match->is_pinned)
        worker_pin(0);
    for (uint64_t round = 0; round < match->rounds; round++) {
        dawdle(&random, 1000);
        send(match->there);
    }
}

static void
empty(void *context)
{
    struct match *match = context;
    uint64_t random = 1077;

    if (match->is_pinned)
        worker_pin(1);
    for (uint64_t round = 0; round < match->rounds; round++) {
        dawdle(&random, 1000);
        receive(match->served);
    }
}

START_TEST(a_producer_that_blocks_is_woken_without_a_loss)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_BLOCK, 20000);
    play(&match, fill, empty);
    close_match(&match, 0);
}
END_TEST

/* ---- one who does not sleep wakes one who is just falling asleep ---- */

/* Publish when `match->chased` has finished everything, at any moment of its falling asleep: that takes tens of
 * nanoseconds, or microseconds where it asks the system for a barrier. */
static void
chase(void *context)
{
    struct match *match = context;
    uint64_t random = 77;

    worker_pin(0);
    for (uint64_t round = 0; round < match->rounds; round++) {
        const int64_t last = ringbus_ring_cursor(match->there);
        const int64_t until = patience_ends();

        while (ringbus_reader_position(match->chased) < last)
            for (int i = 0; i < 1000 && ringbus_reader_position(match->chased) < last; i++)
                MUST(i < 999 || ringbus_now_ns() < until, "a wake-up is lost");
        dawdle(&random, UINT64_C(16) << round % match->spread);
        /* With its line at hand the look that follows the publish is sooner done than the publish is seen. */
        load_u64(&match->there->sleepers, ORDER_HINT);
        send(match->there);
        if (match->chased != match->served)
            receive(match->served); /* which lets the one after it go on */
    }
}

static void
be_chased(void *context)
{
    struct match *match = context;

    worker_pin(1);
    for (uint64_t round = 0; round < match->rounds; round++)
        receive(match->chased);
}

START_TEST(a_reader_that_falls_asleep_misses_no_publish)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_BLOCK, 50000);
    play(&match, chase, be_chased);
    close_match(&match, 0);
}
END_TEST

START_TEST(a_dependent_that_falls_asleep_misses_no_commit)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_BLOCK, 50000);
    match.chased = open_reader(match.there, RINGBUS_WAIT_BLOCK, match.served);
    play(&match, chase, be_chased);
    close_match(&match, 0);
}
END_TEST

/* A reader that sleeps in its own way, as that of an event loop. */
static void
ring_the_bell(void *context)
{
    struct match *match = context;

    if (exchange_u32(&match->bell, 1, TEST_RELEASE) == 0)
        ringbus__os.word_wake(&match->bell);
}

static void
be_chased_by_bell(void *context)
{
    struct match *match = context;
    struct ringbus_run run;

    worker_pin(1);
    for (uint64_t round = 0; round < match->rounds; round++) {
        while (ringbus_reader_poll(match->served, 1, &run) != RINGBUS_OK) {
            store_u32(&match->bell, 0, ORDER_HINT);
            ringbus__reader_arm(match->served);
            if (ringbus_reader_poll(match->served, 1, &run) == RINGBUS_OK)
                break;
            while (load_u32(&match->bell, TEST_ACQUIRE) == 0)
                ringbus__os.word_wait(&match->bell, 0, RINGBUS_FOREVER);
        }
        ringbus_reader_commit(match->served, run.first);
    }
}

START_TEST(a_reader_that_falls_asleep_in_its_own_way_misses_no_publish)
{
    struct match match;

    open_match(&match, RINGBUS_WAIT_BLOCK, 500000);
    match.spread = 4; /* it announces its sleep by a fence, which takes less time */
    ringbus__ring_on_wake(match.there, ring_the_bell, &match);
    play(&match, chase, be_chased_by_bell);
    close_match(&match, 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring park", readers_that_block_wake_each_other_without_a_loss,
        readers_that_spin_first_wake_each_other_without_a_loss,
        a_producer_that_blocks_is_woken_without_a_loss,
        a_reader_that_falls_asleep_misses_no_publish,
        a_dependent_that_falls_asleep_misses_no_commit,
        a_reader_that_falls_asleep_in_its_own_way_misses_no_publish);
}
