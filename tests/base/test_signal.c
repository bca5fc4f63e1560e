/* test_signal.c - the event count: nobody sleeps through a change. */
#include "base/park.h"
#include "support/support.h"

enum { SLEEPERS = 4, MILLISECOND = 1000000 };

struct table {
    struct atomic_u32 ball; /* even: the first player's turn */
    struct signal turned[2];
    uint32_t rounds;
};

static void
play(struct table *table, uint32_t side)
{
    worker_pin(side);
    for (uint32_t turn = side; turn < 2 * table->rounds; turn += 2) {
        for (;;) {
            const uint32_t key = signal_prepare(&table->turned[side]);

            if (load_u32(&table->ball, ORDER_HINT) == turn)
                break;
            MUST(signal_wait(&table->turned[side], key, RINGBUS_FOREVER) == RINGBUS_OK, "no wake");
        }
        store_u32(&table->ball, turn + 1, ORDER_HINT);
        signal_raise(&table->turned[1 - side]);
    }
}

static void
play_first(void *context)
{
    play(context, 0);
}

static void
play_second(void *context)
{
    play(context, 1);
}

START_TEST(no_wake_up_is_lost_between_two_threads_that_sleep)
{
    struct table table = {.rounds = (uint32_t)scaled(25000)};
    struct worker first, second;

    ringbus__barrier_init();
    os_watch_begin(0);
    worker_start(&first, play_first, &table);
    worker_start(&second, play_second, &table);
    worker_join(&first, "the first player");
    worker_join(&second, "the second player");
    ck_assert_uint_eq(load_u32(&table.ball, ORDER_OWN), 2 * table.rounds);
    /* They have nothing else to do than to sleep. */
    ck_assert_uint_gt(os_watch_sleeps(), table.rounds / 2);
    os_watch_end();
}
END_TEST

struct crowd {
    struct atomic_u32 is_open;
    struct signal opened;
};

static void
wait_for_the_door(void *context)
{
    struct crowd *crowd = context;

    for (;;) {
        const uint32_t key = signal_prepare(&crowd->opened);

        if (load_u32(&crowd->is_open, ORDER_HINT))
            return;
        signal_wait(&crowd->opened, key, RINGBUS_FOREVER);
    }
}

START_TEST(raising_wakes_all_sleepers_by_one_call)
{
    struct crowd crowd = {0};
    struct worker workers[SLEEPERS];

    os_watch_begin(0);
    for (int i = 0; i < SLEEPERS; i++)
        worker_start(&workers[i], wait_for_the_door, &crowd);
    AWAIT(os_watch_sleeps() >= SLEEPERS);
    store_u32(&crowd.is_open, 1, ORDER_HINT);
    signal_raise(&crowd.opened);
    ck_assert_uint_eq(os_watch_wakes(), 1);
    for (int i = 0; i < SLEEPERS; i++)
        worker_join(&workers[i], "a sleeper");
    os_watch_end();
}
END_TEST

START_TEST(raising_asks_nothing_of_the_system_while_nobody_sleeps)
{
    struct signal signal = {0};

    os_watch_begin(0);
    signal_raise(&signal);
    ck_assert_uint_eq(os_watch_wakes(), 0);
    signal_prepare(&signal);
    signal_raise(&signal);
    ck_assert_uint_eq(os_watch_wakes(), 1);
    signal_raise(&signal);
    ck_assert_uint_eq(os_watch_wakes(), 1);
    os_watch_end();
}
END_TEST

START_TEST(a_key_from_before_the_raise_is_not_slept_on)
{
    struct signal signal = {0};
    const uint32_t key = signal_prepare(&signal);

    signal_raise(&signal);
    ck_assert_int_eq(signal_wait(&signal, key, RINGBUS_FOREVER), RINGBUS_OK);
}
END_TEST

START_TEST(a_key_from_before_the_raise_is_void_though_others_wait_again)
{
    struct signal signal = {0};
    const uint32_t key = signal_prepare(&signal);

    signal_raise(&signal);
    signal_prepare(&signal);
    ck_assert_int_eq(signal_wait(&signal, key, RINGBUS_FOREVER), RINGBUS_OK);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    struct signal signal = {0};
    const uint32_t key = signal_prepare(&signal);
    const int64_t deadline = ringbus_now_ns() + 5 * MILLISECOND;
    int outcome = RINGBUS_OK;

    while (outcome == RINGBUS_OK)
        outcome = signal_wait(&signal, key, deadline);
    ck_assert_int_eq(outcome, RINGBUS_ETIMEDOUT);
    ck_assert_int_ge(ringbus_now_ns(), deadline);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("signal", no_wake_up_is_lost_between_two_threads_that_sleep,
        raising_wakes_all_sleepers_by_one_call,
        raising_asks_nothing_of_the_system_while_nobody_sleeps,
        a_key_from_before_the_raise_is_not_slept_on,
        a_key_from_before_the_raise_is_void_though_others_wait_again, a_wait_ends_at_its_deadline);
}
