/* sleep.c - scenarios: who sleeps is woken. */
#include "scenarios/rings.h"

static void
begin_empty(void)
{
    rings_open(1);
    rings_join(0, 0);
}

static void
produce_one(void)
{
    model_check(rings_produce(7));
}

static void
consume_one(void)
{
    rings_consume_all(0, 1);
    model_check(rings.sums[0] == 7);
}

/* The reader's second sleep follows one that ended. */
static void
produce_seven_twice(void)
{
    produce_one();
    produce_one();
}

static void
consume_one_by_one(void)
{
    model_check(rings_consume(0, 1) == 1);
    model_check(rings_consume(0, 1) == 1);
}

static void
begin_full(void)
{
    begin_empty();
    model_check(rings_produce(1) && rings_produce(2));
}

static void
consume_a_run(void)
{
    model_check(rings_consume(0, 1) == 1);
}

static void
consume_two_runs(void)
{
    consume_a_run();
    consume_a_run();
}

static void
leave(void)
{
    model_check(ringbus_reader_close(rings.readers[0]) == RINGBUS_OK);
}

/* ---- the last lap's publish ---- */

static int64_t held;

static void
begin_lap(void)
{
    rings_open(1);
    held = ringbus_ring_claim(rings.ring, 1);
    model_write(rings_cell(held, 0), 1);
    model_check(rings_produce(2));
}

static void
publish_held(void)
{
    model_write(rings_cell(held, 0), 3);
    ringbus_ring_publish(rings.ring, held, 1);
}

static void
abandon_held(void)
{
    model_write(rings_cell(held, 0), 3);
    ringbus_ring_abandon(rings.ring, held, 1);
}

/* ---- stages ---- */

static void
begin_dependent(void)
{
    rings_open(2);
    rings_join(0, 0);
    rings_join(1, 1);
    model_check(rings_produce(7));
}

static void
first_stage(void)
{
    rings_consume_all(0, 1);
}

static void
second_stage(void)
{
    rings_consume_all(1, 1);
    model_check(rings.sums[1] == 7);
}

static void
begin_two_readers(void)
{
    rings_open(2);
    rings_join(0, 0);
    rings_join(1, 0);
}

/* Who was woken is off the list: later publishes do not look at it again. */
static void
begin_armed(void)
{
    begin_empty();
    ringbus__reader_arm(rings.readers[0]);
}

static void
check_nobody_sleeps(void)
{
    model_check(load_u64(&rings.ring->sleepers, ORDER_OWN) == 0);
}

/* ---- a little patience, a little spinning, then sleep ---- */

static void
be_phased(void)
{
    rings.ring->wait = RINGBUS_WAIT_PHASED;
    rings.readers[0]->waiter.strategy = RINGBUS_WAIT_PHASED;
    rings.readers[0]->waiter.is_eager = false;
}

static void
begin_empty_phased(void)
{
    begin_empty();
    be_phased();
}

static void
begin_full_phased(void)
{
    begin_full();
    be_phased();
}

/* ---- a ring whose readers sleep in a way of their own ---- */

static struct atomic_u32 bell;

static void
ring_bell(void *context)
{
    (void)context;
    exchange_u32(&bell, 1, memory_order_acq_rel);
    ringbus__os.word_wake(&bell);
}

static void
begin_own_wake(void)
{
    begin_empty();
    bell.value = 0;
    model_name(&bell, "bell");
    ringbus__ring_on_wake(rings.ring, ring_bell, NULL);
}

static void
consume_by_bell(void)
{
    struct ringbus_run each;

    for (int count = 0; count < 2;) {
        if (ringbus_reader_poll(rings.readers[0], 1, &each) == RINGBUS_OK) {
            model_check(model_read(rings_cell(each.first, 0)) == 7);
            ringbus_reader_commit(rings.readers[0], each.first);
            count++;
            continue;
        }
        exchange_u32(&bell, 0, memory_order_acq_rel);
        ringbus__reader_arm(rings.readers[0]);
        if (ringbus_reader_poll(rings.readers[0], 1, &each) != RINGBUS_OK)
            ringbus__os.word_wait(&bell, 0, RINGBUS_FOREVER);
    }
}

/* ---- deadlines ---- */

static void
consume_until(void)
{
    struct ringbus_run each;
    int outcome = 0;

    do
        outcome = ringbus_reader_wait_until(rings.readers[0], 1, 1, &each);
    while (outcome == RINGBUS_ETIMEDOUT && ringbus_reader_position(rings.readers[0]) >= 0);
    if (outcome == RINGBUS_OK)
        model_check(model_read(rings_cell(each.first, 0)) == 7);
    else
        model_check(outcome == RINGBUS_ETIMEDOUT);
}

static void
claim_until(void)
{
    const int64_t sequence = ringbus_ring_claim_until(rings.ring, 1, 1);

    if (sequence != RINGBUS_ETIMEDOUT) {
        model_check(sequence == 2);
        model_write(rings_cell(sequence, 0), 3);
        ringbus_ring_publish(rings.ring, sequence, 1);
    }
}

/* NAME, what it proves, begin, threads: with and without the asymmetric barrier. */
#define BOTH(title, what, first, ...)                                                              \
    {.name = "sleep_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},            \
    {                                                                                              \
        .name = "sleep_" title "_fenced", .proves = what, .begin = first,                          \
        .threads = {__VA_ARGS__}, .is_fenced = true                                                \
    }

const struct scenario model_sleep[] = {
    BOTH("reader", "a publish wakes a reader, or is seen by it", begin_empty, produce_one,
        consume_one),
    BOTH("reader_again", "also the second time", begin_empty, produce_seven_twice,
        consume_one_by_one),
    BOTH("producer", "a commit wakes a producer that waits for room", begin_full, produce_one,
        consume_a_run),
    BOTH("lap", "without readers the last lap's publish wakes a producer", begin_lap, produce_one,
        publish_held),
    BOTH("dependent", "a commit wakes the reader after it", begin_dependent, first_stage,
        second_stage),
    BOTH("leave", "a reader that leaves wakes a producer", begin_full, produce_one, leave),
    BOTH("own_wake", "a ring with a wake of its own calls it", begin_own_wake, produce_seven_twice,
        consume_by_bell),
    {.name = "sleep_lap_abandoned",
        .proves = "so does its abandoning",
        .begin = begin_lap,
        .threads = {produce_one, abandon_held}},
    BOTH("phased", "a reader that spun and then slept is woken, or has seen it while it spun",
        begin_empty_phased, produce_seven_twice, consume_one_by_one),
    BOTH("phased_producer", "so is a producer", begin_full_phased, produce_one, consume_a_run),
    {.name = "sleep_armed",
        .proves = "a publish takes the bits of whom it wakes",
        .begin = begin_armed,
        .threads = {produce_one},
        .end = check_nobody_sleeps},
    {.name = "sleep_two_producers",
        .proves = "two producers that wait for room are both woken",
        .begin = begin_full,
        .threads = {produce_one, produce_one, consume_two_runs}},
    {.name = "sleep_two_readers",
        .proves = "two readers that sleep are both woken",
        .begin = begin_two_readers,
        .threads = {produce_one, first_stage, second_stage}},
    {.name = "sleep_reader_until",
        .proves = "a deadline that passes loses no event",
        .begin = begin_empty,
        .threads = {produce_one, consume_until}},
    {.name = "sleep_producer_until",
        .proves = "a claim that times out has claimed nothing",
        .begin = begin_full,
        .threads = {claim_until, consume_a_run}},
    {0},
};
