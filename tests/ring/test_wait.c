/* test_wait.c - readers that sleep, and what wakes them. */
#include "ring/fixture.h"

START_TEST(a_sleeping_reader_is_woken_by_a_publish)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleeper = {.reader = open_reader_after(ring, wait, NULL, 0)};

        let_sleep(&sleeper, wait_for_run, 1);
        publish(ring, 1);
        worker_join(&sleeper.worker, "a reader");
        ck_assert_int_eq(sleeper.result, RINGBUS_OK);
        ck_assert_int_eq(sleeper.run.first, 0);
        end_watched(ring);
    }
}
END_TEST

START_TEST(all_sleeping_readers_are_woken_by_one_publish)
{
    enum { READERS = 4 };

    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleepers[READERS];

        for (int i = 0; i < READERS; i++) {
            sleepers[i] = (struct sleeper){.reader = open_reader_after(ring, wait, NULL, 0)};
            let_sleep(&sleepers[i], wait_for_run, (uint64_t)i + 1);
        }
        publish(ring, 1);
        for (int i = 0; i < READERS; i++)
            worker_join(&sleepers[i].worker, "a reader");
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_reader_steps_over_abandoned_slots_and_sleeps_on)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct sleeper sleeper = {.reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0)};

    let_sleep(&sleeper, wait_for_run, 1);
    abandon(ring, 2);
    AWAIT(ringbus_reader_position(sleeper.reader) == 1);
    AWAIT(os_watch_sleeps() >= 2);
    publish(ring, 1);
    worker_join(&sleeper.worker, "a reader");
    ck_assert_int_eq(sleeper.run.first, 2);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_reader_is_woken_by_the_end)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct sleeper sleeper = {.reader = open_reader_after(ring, wait, NULL, 0)};

        let_sleep(&sleeper, wait_for_run, 1);
        ringbus_ring_end(ring);
        worker_join(&sleeper.worker, "a reader");
        ck_assert_int_eq(sleeper.result, RINGBUS_ESHUTDOWN);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_reader_gets_the_last_event_before_the_end)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct sleeper sleeper = {.reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0)};

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    let_sleep(&sleeper, wait_for_run, 1);
    ringbus_ring_end(ring);
    AWAIT(os_watch_sleeps() >= 2);
    ringbus_ring_publish(ring, 0, 1);
    worker_join(&sleeper.worker, "a reader");
    ck_assert_int_eq(sleeper.result, RINGBUS_OK);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_dependent_is_woken_by_a_commit)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *before = open_reader(ring);
        struct sleeper sleeper = {.reader = open_reader_after(ring, wait, &before, 1)};

        publish(ring, 1);
        let_sleep(&sleeper, wait_for_run, 1);
        ringbus_reader_commit(before, 0);
        worker_join(&sleeper.worker, "a dependent");
        ck_assert_int_eq(sleeper.run.first, 0);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_dependent_is_woken_when_the_reader_before_it_steps_to_the_end)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *before = open_reader(ring);
    struct sleeper sleeper = {.reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, &before, 1)};

    abandon(ring, 1);
    let_sleep(&sleeper, wait_for_run, 1);
    ringbus_ring_end(ring);
    AWAIT(os_watch_sleeps() >= 2);
    ck_assert_int_eq(poll_outcome(before), RINGBUS_ESHUTDOWN);
    worker_join(&sleeper.worker, "a dependent");
    ck_assert_int_eq(sleeper.result, RINGBUS_ESHUTDOWN);
    end_watched(ring);
}
END_TEST

START_TEST(a_wait_ends_at_its_deadline)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader_after(ring, wait, NULL, 0);
        const int64_t deadline = ringbus_now_ns() + 5 * MILLISECOND;
        struct ringbus_run run = {77, 7};

        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, deadline, &run), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(ringbus_now_ns(), deadline);
        ck_assert_int_eq(run.first, 77);
        publish(ring, 1);
        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, deadline, &run), RINGBUS_OK);
        ck_assert_int_eq(run.first, 0);
        end_watched(ring);
    }
}
END_TEST

static struct ringbus_ring *falling_asleep;

/* What happens when a reader has looked in vain, and looks at the clock before it announces its sleep. */
static int64_t
publish_and_tell_time(void)
{
    if (ringbus_ring_cursor(falling_asleep) < 0)
        publish(falling_asleep, 1);
    return os_real()->now_ns();
}

START_TEST(what_is_published_after_a_reader_has_looked_is_found_before_it_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0);
    struct ringbus_run run = {-1, 0};

    falling_asleep = ring;
    ringbus__os.now_ns = publish_and_tell_time;
    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, patience_ends(), &run), RINGBUS_OK);
    ck_assert_int_eq(run.first, 0);
    ck_assert_uint_eq(os_watch_sleeps(), 0);
    end_watched(ring);
}
END_TEST

/* What happens when it has announced its sleep, and has not looked again. */

static void
publish_meanwhile(void)
{
    publish(falling_asleep, 1);
}

START_TEST(what_is_published_while_a_reader_falls_asleep_is_found_before_it_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0);
    struct ringbus_run run = {-1, 0};

    falling_asleep = ring;
    ringbus__os.barrier = publish_meanwhile;
    if (os_has_barrier()) {
        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, patience_ends(), &run), RINGBUS_OK);
        ck_assert_int_eq(run.first, 0);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
    }
    end_watched(ring);
}
END_TEST

static void
count_wake(void *context)
{
    add_u64(context, 1, ORDER_COUNT);
}

START_TEST(a_ring_with_a_wake_of_its_own_calls_it_once_for_an_announced_sleep)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);
    struct atomic_u64 wakes = {0};

    ringbus__ring_on_wake(ring, count_wake, &wakes);
    publish(ring, 1);
    ck_assert_uint_eq(load_u64(&wakes, ORDER_COUNT), 0);
    ringbus__reader_arm(reader);
    publish(ring, 1);
    publish(ring, 1);
    ck_assert_uint_eq(load_u64(&wakes, ORDER_COUNT), 1);
    ringbus__reader_arm(reader);
    ringbus_ring_end(ring);
    ck_assert_uint_eq(load_u64(&wakes, ORDER_COUNT), 2);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- the system ---- */

static struct atomic_u64 spurious;

/* Every second sleep ends for no reason. */
static int
wake_for_nothing(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    if (add_u64(&spurious, 1, ORDER_COUNT) % 2 == 0)
        return RINGBUS_OK;
    return os_real()->word_wait(word, expected, deadline_ns);
}

START_TEST(a_wake_up_for_no_reason_has_no_effect)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0);
    struct sleeper asleep = {.reader = reader}, blocked = {.ring = ring};

    ringbus__os.word_wait = wake_for_nothing;
    worker_start(&asleep.worker, wait_for_run, &asleep);
    AWAIT(load_u64(&spurious, ORDER_COUNT) >= 2);
    publish(ring, 2);
    worker_join(&asleep.worker, "a reader");
    ck_assert_int_eq(asleep.result, RINGBUS_OK);
    worker_start(&blocked.worker, claim_one, &blocked);
    AWAIT(load_u64(&spurious, ORDER_COUNT) >= 4);
    ringbus_reader_commit(reader, 1);
    worker_join(&blocked.worker, "a producer");
    ck_assert_int_eq(blocked.result, 2);
    end_watched(ring);
}
END_TEST

START_TEST(nothing_is_asked_of_the_system_while_nobody_sleeps)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_BLOCK, &before, 1);
    const uint64_t barriers = os_watch_barriers();

    for (int64_t sequence = 0; sequence < 100; sequence++) {
        struct ringbus_run run;

        ck_assert_int_eq(ringbus_ring_claim(ring, 1), sequence);
        ringbus_ring_publish(ring, sequence, 1);
        ck_assert_int_eq(ringbus_reader_wait_until(before, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
        ringbus_reader_commit(before, sequence);
        ck_assert_int_eq(ringbus_reader_wait_until(after, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
        ringbus_reader_commit(after, sequence);
    }
    ck_assert_uint_eq(os_watch_sleeps() + os_watch_wakes(), 0);
    ck_assert_uint_eq(os_watch_barriers(), barriers);
    end_watched(ring);
}
END_TEST

START_TEST(a_deadline_in_the_past_is_a_look)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_reader *reader = open_reader_after(ring, wait, NULL, 0);
        const uint64_t barriers = os_watch_barriers();
        struct ringbus_run run;

        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, 0, &run), RINGBUS_ETIMEDOUT);
        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, INT64_MIN, &run), RINGBUS_ETIMEDOUT);
        publish(ring, 2);
        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, 0, &run), RINGBUS_OK);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, 0), RINGBUS_ETIMEDOUT);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, -1), RINGBUS_ETIMEDOUT);
        ringbus_reader_commit(reader, 0);
        ck_assert_int_eq(ringbus_ring_claim_until(ring, 1, 0), 2);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
        ck_assert_uint_eq(os_watch_barriers(), barriers);
        end_watched(ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("wait", a_sleeping_reader_is_woken_by_a_publish,
        all_sleeping_readers_are_woken_by_one_publish,
        a_sleeping_reader_steps_over_abandoned_slots_and_sleeps_on,
        a_sleeping_reader_is_woken_by_the_end, a_sleeping_reader_gets_the_last_event_before_the_end,
        a_sleeping_dependent_is_woken_by_a_commit,
        a_sleeping_dependent_is_woken_when_the_reader_before_it_steps_to_the_end,
        a_wait_ends_at_its_deadline,
        what_is_published_after_a_reader_has_looked_is_found_before_it_sleeps,
        what_is_published_while_a_reader_falls_asleep_is_found_before_it_sleeps,
        a_ring_with_a_wake_of_its_own_calls_it_once_for_an_announced_sleep,
        a_wake_up_for_no_reason_has_no_effect, nothing_is_asked_of_the_system_while_nobody_sleeps,
        a_deadline_in_the_past_is_a_look);
}
