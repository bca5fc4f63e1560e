/* test_signal.c - the event count: nobody sleeps through a change. */
#include "base/cpu.h"
#include "base/park.h"
#include "support/support.h"

enum { SLEEPERS = 4, MILLISECOND = 1000000, PARTS = 20 };

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

static uint64_t
play_part(void)
{
    struct table table = {.rounds = (uint32_t)scaled(25000 / PARTS)};
    struct worker first, second;

    worker_start(&first, play_first, &table);
    worker_start(&second, play_second, &table);
    worker_join(&first, "the first player");
    worker_join(&second, "the second player");
    ck_assert_uint_eq(load_u32(&table.ball, ORDER_OWN), 2 * table.rounds);
    return table.rounds;
}

START_TEST(no_wake_up_is_lost_between_two_threads_that_sleep)
{
    const int64_t begun = ringbus_now_ns();
    uint64_t rounds = 0;

    ringbus__barrier_init();
    os_watch_begin(0);
    for (int part = 0; part < PARTS && has_time_for_a_part(begun); part++)
        rounds += play_part();
    /* They have nothing else to do than to sleep. */
    ck_assert_uint_gt(os_watch_sleeps(), rounds / 10);
    os_watch_end();
}
END_TEST

/* One falls asleep round after round; the other raises at any moment of it. */
struct chase {
    _Alignas(CPU_LINE) struct atomic_u32 changes;
    _Alignas(CPU_LINE) struct atomic_u32 begun;
    _Alignas(CPU_LINE) struct signal changed;
    uint32_t rounds;
    uint32_t spread; /* how late a change may come: up to 16 << spread steps */
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
        for (;;) {
            const uint32_t key = signal_prepare(&chase->changed);

            if (load_u32(&chase->changes, ORDER_HINT) > round)
                break;
            signal_wait(&chase->changed, key, RINGBUS_FOREVER);
        }
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
        dawdle(&random, UINT64_C(16) << round % chase->spread);
        /* With its line at hand the look of the raise is sooner done than the change is seen. */
        load_u32(&chase->changed.word, ORDER_HINT);
        store_u32(&chase->changes, round + 1, ORDER_HINT);
        signal_raise(&chase->changed);
    }
}

static void
run_chase(uint32_t spread)
{
    const int64_t begun = ringbus_now_ns();

    ringbus__barrier_init();
    for (int part = 0; part < PARTS && has_time_for_a_part(begun); part++) {
        struct chase chase = {.rounds = (uint32_t)scaled(100000 / PARTS), .spread = spread};
        struct worker workers[2];

        worker_start(&workers[0], fall_asleep, &chase);
        worker_start(&workers[1], change_meanwhile, &chase);
        worker_join(&workers[1], "the one who raises");
        worker_join(&workers[0], "the one who sleeps");
    }
}

START_TEST(no_raise_is_missed_while_falling_asleep)
{
    run_chase(8);
}
END_TEST

static int
refuse_barrier(void)
{
    return RINGBUS_ESYS;
}

static void
run_chase_without_barrier(void)
{
    ringbus__os.barrier_register = refuse_barrier;
    run_chase(4);
}

/* First: what comes after it has found out what the system has. */
START_TEST(no_raise_is_missed_where_the_system_has_no_barrier)
{
    run_in_child(run_chase_without_barrier);
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

/* Somebody who looks at the signal's word alone. */
struct messenger {
    struct signal signal;
    struct atomic_u32 is_announced;
    uint32_t message; /* plain: ThreadSanitizer looks at it too */
    uint32_t received;
};

static void
read_when_raised(void *context)
{
    struct messenger *messenger = context;
    const uint32_t key = signal_prepare(&messenger->signal);

    store_u32(&messenger->is_announced, 1, ORDER_HINT);
    AWAIT(signal_prepare(&messenger->signal) != key);
    messenger->received = messenger->message;
}

START_TEST(what_was_done_before_a_raise_is_seen_by_whoever_finds_it_raised)
{
    struct messenger messenger = {0};
    struct worker worker;

    worker_start(&worker, read_when_raised, &messenger);
    AWAIT(load_u32(&messenger.is_announced, ORDER_HINT));
    messenger.message = 7;
    signal_raise(&messenger.signal);
    worker_join(&worker, "a thread that looks at the signal");
    ck_assert_uint_eq(messenger.received, 7);
}
END_TEST

START_TEST(whoever_may_sleep_passes_the_systems_barrier_before_looking)
{
    struct signal signal = {0};

    if (!os_has_barrier())
        return;
    os_watch_begin(0);
    signal_prepare(&signal);
    ck_assert_uint_eq(os_watch_barriers(), 1);
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
    return RUN_TESTS("signal", no_raise_is_missed_where_the_system_has_no_barrier,
        no_raise_is_missed_while_falling_asleep, no_wake_up_is_lost_between_two_threads_that_sleep,
        raising_wakes_all_sleepers_by_one_call,
        what_was_done_before_a_raise_is_seen_by_whoever_finds_it_raised,
        whoever_may_sleep_passes_the_systems_barrier_before_looking,
        raising_asks_nothing_of_the_system_while_nobody_sleeps,
        a_key_from_before_the_raise_is_not_slept_on,
        a_key_from_before_the_raise_is_void_though_others_wait_again, a_wait_ends_at_its_deadline);
}
