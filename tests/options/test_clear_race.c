/* test_clear_race.c - the clear hook with several threads that could call it. */
#include "options/clear.h"

struct passer {
    struct worker worker;
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    int64_t sequence;
};

static void
commit_to(void *context)
{
    struct passer *passer = context;

    ringbus_reader_commit(passer->reader, passer->sequence);
}

/* Who comes while another one clears leaves a mark and goes on; nothing is forgotten for it, nobody sleeps for ever. */
START_TEST(who_passes_events_while_another_clears_leaves_them_to_it)
{
    FOR_EACH_WAIT(wait)
    {
        struct gate gate;
        struct ringbus_ring_options options = ringbus_ring_options_default();
        struct ringbus_ring *ring = NULL;
        struct ringbus_reader *other = NULL;
        struct passer first = {.sequence = 0};
        struct sleeper producer = {0};

        options.capacity = 2;
        options.wait = wait;
        options.custom = custom_wait(wait, false);
        ring = open_clearing_with(options);
        other = open_reader(ring);
        first.reader = open_reader(ring);
        publish_numbers(ring, 2);
        gate_init(&gate);
        cleared.gate = &gate;
        ringbus_reader_commit(other, 0);
        worker_start(&first.worker, commit_to, &first);
        gate_await(&gate, 1);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        producer.ring = ring;
        worker_start(&producer.worker, claim_one, &producer);
        ringbus_reader_commit(other, 1);
        CHECK_NONE_CLEARED();
        close_reader(other);
        gate_open(&gate);
        worker_join(&first.worker, "who clears");
        worker_join(&producer.worker, "a producer that waits for what is cleared");
        ck_assert_int_eq(producer.result, 2);
        CHECK_CLEARED(0);
        ringbus_reader_commit(first.reader, 1);
        CHECK_CLEARED(0, 1);
        ringbus_ring_close(ring);
        CHECK_CLEARED(0, 1);
    }
}
END_TEST

static struct ringbus_reader *slowest;

static int
sleep_and_commit(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)deadline_ns;
    MUST(load_u32(word, ORDER_HINT) == expected, "a producer has woken itself");
    ringbus_reader_commit(slowest, 0);
    return RINGBUS_OK;
}

/* It looks for what can be cleared when it has announced its sleep. */
START_TEST(a_producer_that_finds_nothing_to_clear_does_not_wake_itself)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = 2;
    options.wait = RINGBUS_WAIT_BLOCK;
    ring = open_clearing_with(options);
    slowest = open_reader(ring);
    publish_numbers(ring, 2);
    os_watch_begin(0);
    ringbus__os.word_wait = sleep_and_commit;
    ck_assert_int_eq(ringbus_ring_claim(ring, 1), 2);
    os_watch_end();
    CHECK_CLEARED(0);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_is_passed_while_another_clears_is_cleared_before_it_goes)
{
    struct gate gate;
    struct ringbus_ring *ring = open_clearing(4);
    struct ringbus_reader *other = open_reader(ring);
    struct passer first = {.reader = open_reader(ring), .sequence = 2};

    publish_numbers(ring, 3);
    gate_init(&gate);
    cleared.gate = &gate;
    ringbus_reader_commit(other, 0);
    worker_start(&first.worker, commit_to, &first);
    gate_await(&gate, 1);
    ringbus_reader_commit(other, 2);
    CHECK_NONE_CLEARED();
    gate_open(&gate);
    worker_join(&first.worker, "who clears");
    CHECK_CLEARED(0, 1, 2);
    ringbus_ring_close(ring);
}
END_TEST

static void
join(void *context)
{
    struct passer *passer = context;

    passer->reader = open_reader(passer->ring);
}

static void
join_and_end(void *context)
{
    join(context);
    ringbus_ring_end(((struct passer *)context)->ring);
}

/* A hook that takes long, on the thread of one who joins, would hold the lock that all who join need. */
START_TEST(the_hook_of_one_who_joins_holds_up_no_other)
{
    struct gate gate;
    struct ringbus_ring *ring = open_clearing(4);
    struct passer first = {.ring = ring}, second = {.ring = ring};

    publish_numbers(ring, 2);
    gate_init(&gate);
    cleared.gate = &gate;
    worker_start(&first.worker, join, &first);
    gate_await(&gate, 1);
    worker_start(&second.worker, join_and_end, &second);
    worker_join(&second.worker, "who joins while a hook runs");
    gate_open(&gate);
    worker_join(&first.worker, "who joins");
    CHECK_CLEARED(0, 1);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("clear race", who_passes_events_while_another_clears_leaves_them_to_it,
        a_producer_that_finds_nothing_to_clear_does_not_wake_itself,
        what_is_passed_while_another_clears_is_cleared_before_it_goes,
        the_hook_of_one_who_joins_holds_up_no_other);
}
