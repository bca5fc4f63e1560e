/* test_park.c - sleeping on a word. Built with each of the two ways to park. */
#include "base/park.h"
#include "support/support.h"

enum { SLEEPERS = 4, MILLISECOND = 1000000, PARTS = 20 };

struct bed {
    struct atomic_u32 word;
    struct atomic_u32 looked; /* sleepers that are about to call park_wait */
};

static void
sleep_until_it_changes(void *context)
{
    struct bed *bed = context;

    add_u32(&bed->looked, 1, ORDER_COUNT);
    while (load_u32(&bed->word, ORDER_HINT) == 0)
        MUST(ringbus__park_wait(&bed->word, 0, RINGBUS_FOREVER) == RINGBUS_OK, "no wake-up");
}

START_TEST(all_sleepers_wake_when_their_word_changes)
{
    for (uint64_t round = scaled(300); round > 0; round--) {
        struct bed bed = {0};
        struct worker workers[SLEEPERS];

        for (int i = 0; i < SLEEPERS; i++)
            worker_start(&workers[i], sleep_until_it_changes, &bed);
        AWAIT(load_u32(&bed.looked, ORDER_COUNT) == SLEEPERS);
        store_u32(&bed.word, 1, ORDER_HINT);
        ringbus__park_wake(&bed.word);
        for (int i = 0; i < SLEEPERS; i++)
            worker_join(&workers[i], "a sleeper");
    }
}
END_TEST

struct table {
    struct atomic_u32 ball; /* even: the first player's turn */
    uint32_t rounds;
};

static void
play(struct table *table, uint32_t side)
{
    for (uint32_t turn = side; turn < 2 * table->rounds; turn += 2) {
        uint32_t ball = 0;

        while ((ball = load_u32(&table->ball, ORDER_HINT)) != turn)
            ringbus__park_wait(&table->ball, ball, RINGBUS_FOREVER);
        store_u32(&table->ball, turn + 1, ORDER_HINT);
        ringbus__park_wake(&table->ball);
    }
}

static void
play_second(void *context)
{
    play(context, 1);
}

START_TEST(two_threads_wake_each_other_without_a_loss)
{
    struct table table = {.rounds = (uint32_t)scaled(10000)};
    struct worker second;

    worker_start(&second, play_second, &table);
    play(&table, 0);
    worker_join(&second, "the second player");
    ck_assert_uint_eq(load_u32(&table.ball, ORDER_OWN), 2 * table.rounds);
}
END_TEST

/* One falls asleep round after round; the other changes the word at any moment of it. */
struct chase {
    struct atomic_u32 word, begun;
    uint32_t rounds;
};

static void
fall_asleep(void *context)
{
    struct chase *chase = context;
    uint64_t random = 1077;

    worker_pin(0);
    for (uint32_t round = 0; round < chase->rounds; round++) {
        store_u32(&chase->begun, round + 1, ORDER_HINT);
        dawdle(&random, 256); /* until the other one knows */
        while (load_u32(&chase->word, ORDER_HINT) == round)
            ringbus__park_wait(&chase->word, round, RINGBUS_FOREVER);
    }
}

static void
change_meanwhile(void *context)
{
    struct chase *chase = context;
    uint64_t random = 77;

    worker_pin(1);
    for (uint32_t round = 0; round < chase->rounds; round++) {
        for (const int64_t until = patience_ends(); load_u32(&chase->begun, ORDER_HINT) <= round;)
            MUST(ringbus_now_ns() < until, "a wake-up is lost in round %u", (unsigned)round);
        dawdle(&random, UINT64_C(16) << round % 8);
        store_u32(&chase->word, round + 1, ORDER_HINT);
        ringbus__park_wake(&chase->word);
    }
}

START_TEST(no_change_is_missed_while_falling_asleep)
{
    const int64_t begun = ringbus_now_ns();

    for (int part = 0; part < PARTS && has_time_for_a_part(begun); part++) {
        struct chase chase = {.rounds = (uint32_t)scaled(50000 / PARTS)};
        struct worker workers[2];

        worker_start(&workers[0], fall_asleep, &chase);
        worker_start(&workers[1], change_meanwhile, &chase);
        worker_join(&workers[1], "the one who wakes");
        worker_join(&workers[0], "the one who sleeps");
    }
}
END_TEST

START_TEST(a_sleep_ends_at_its_deadline)
{
    struct atomic_u32 word = {0};
    const int64_t deadline = ringbus_now_ns() + 5 * MILLISECOND;
    int outcome = RINGBUS_OK;

    while (outcome == RINGBUS_OK)
        outcome = ringbus__park_wait(&word, 0, deadline);
    ck_assert_int_eq(outcome, RINGBUS_ETIMEDOUT);
    ck_assert_int_ge(ringbus_now_ns(), deadline);
}
END_TEST

START_TEST(a_word_that_differs_is_not_slept_on)
{
    struct atomic_u32 word = {1};

    ck_assert_int_eq(ringbus__park_wait(&word, 0, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(ringbus__park_wait(&word, 0, patience_ends()), RINGBUS_OK);
}
END_TEST

START_TEST(a_deadline_in_the_past_is_no_sleep)
{
    static const int64_t past[] = {INT64_MIN, -1, 0, 1, MILLISECOND};
    struct atomic_u32 word = {0};

    for (size_t i = 0; i < sizeof past / sizeof *past; i++)
        ck_assert_int_eq(ringbus__park_wait(&word, 0, past[i]), RINGBUS_ETIMEDOUT);
}
END_TEST

START_TEST(a_wake_up_without_a_sleeper_is_forgotten)
{
    struct atomic_u32 word = {0};
    int outcome = RINGBUS_OK;
    const int64_t deadline = ringbus_now_ns() + 5 * MILLISECOND;

    ringbus__park_wake(&word);
    while (outcome == RINGBUS_OK)
        outcome = ringbus__park_wait(&word, 0, deadline);
    ck_assert_int_eq(outcome, RINGBUS_ETIMEDOUT);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("park", all_sleepers_wake_when_their_word_changes,
        two_threads_wake_each_other_without_a_loss, no_change_is_missed_while_falling_asleep,
        a_sleep_ends_at_its_deadline, a_word_that_differs_is_not_slept_on,
        a_deadline_in_the_past_is_no_sleep, a_wake_up_without_a_sleeper_is_forgotten);
}
