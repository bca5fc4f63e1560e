/* test_lossy.c - lossy rings: events are copied, overwritten, and counted. */
#include "ring/fixture.h"
#include "support/lossy.h"

/* ---- copies ---- */

START_TEST(a_copy_is_what_was_published_whatever_its_size)
{
    for (uint32_t size = 1; size < LOSSY_MOST_SIZE; size++) {
        struct ringbus_ring *ring = open_lossy(4, size, 0, RINGBUS_PRODUCERS_MULTI);
        struct ringbus_reader *reader = open_reader(ring);

        publish_events(
            ring, 4); /* all slots are written before one is read: none reaches into the next */
        for (int64_t sequence = 0; sequence < 4; sequence++)
            CHECK_COPY(reader, sequence, 0u);
        CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_small_event_is_padded_to_its_last_word_with_zeros)
{
    struct ringbus_ring *ring = open_lossy(2, 16, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *reader = open_reader(ring);
    static const unsigned char zeros[5];
    unsigned char buffer[16];
    struct ringbus_copy each;

    publish_events(ring, 2);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "abc", 3, 0), 2);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, NULL, 0, 0), 3);
    ck_assert_int_eq(ringbus_reader_copy(reader, buffer, &each), RINGBUS_OK);
    ck_assert_int_eq(each.sequence, 2);
    ck_assert_mem_eq(buffer, "abc", 3);
    ck_assert_mem_eq(buffer + 3, zeros, 5);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_event_larger_than_a_slot_is_refused)
{
    FOR_EACH_KIND(kind)
    {
        struct ringbus_ring *ring = open_lossy(2, 9, 0, kind);

        ck_assert_int_eq(try_publish_event(ring, 10), RINGBUS_EMSGSIZE);
        ck_assert_int_eq(try_publish_event(ring, 16), RINGBUS_EMSGSIZE);
        ck_assert_int_eq(ringbus_ring_cursor(ring), -1);
        ck_assert_int_eq(try_publish_event(ring, 9), 0);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- losses ---- */

START_TEST(a_reader_within_one_lap_loses_nothing)
{
    FOR_EACH_FIRST(i) for (uint32_t capacity = 2; capacity <= 16; capacity *= 2)
    {
        struct ringbus_ring *ring =
            open_lossy(capacity, 24, lossy_firsts[i], RINGBUS_PRODUCERS_SINGLE);
        struct ringbus_reader *reader = open_reader(ring);

        for (int64_t at = lossy_firsts[i]; at < lossy_firsts[i] + 3 * (int64_t)capacity;
             at += capacity) {
            publish_events(ring, capacity);
            for (int64_t sequence = at; sequence < at + capacity; sequence++)
                CHECK_COPY(reader, sequence, 0u);
        }
        CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
        ck_assert_uint_eq(ringbus_reader_lost(reader), 0);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_reader_that_is_overtaken_goes_on_a_quarter_before_the_next_loss_and_is_told)
{
    static const struct {
        uint32_t capacity;
        uint64_t published, lost;
    } rows[] = {{2, 3, 1}, {2, 4, 2}, {2, 7, 5}, {4, 5, 2}, {4, 6, 3}, {8, 9, 3}, {8, 16, 10},
        {8, 1000, 994}, {1024, 1025, 257}};

    FOR_EACH_FIRST(i) for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
    {
        struct ringbus_ring *ring =
            open_lossy(rows[row].capacity, 24, lossy_firsts[i], RINGBUS_PRODUCERS_MULTI);
        struct ringbus_reader *reader = open_reader(ring);
        const int64_t next = lossy_firsts[i] + (int64_t)rows[row].lost;

        publish_events(ring, rows[row].published);
        CHECK_COPY(reader, next, rows[row].lost);
        ck_assert_int_eq(ringbus_reader_position(reader), next);
        for (uint64_t left = rows[row].lost + 1; left < rows[row].published; left++)
            CHECK_COPY(reader, lossy_firsts[i] + (int64_t)left, 0u);
        CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
        ck_assert_uint_eq(ringbus_reader_lost(reader), rows[row].lost);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(every_event_is_copied_once_or_lost_once)
{
    uint64_t random = 7;

    FOR_EACH_FIRST(i) for (uint32_t capacity = 2; capacity <= 8; capacity *= 2)
    {
        struct ringbus_ring *ring =
            open_lossy(capacity, 16, lossy_firsts[i], RINGBUS_PRODUCERS_SINGLE);
        struct ringbus_reader *reader = open_reader(ring);
        int64_t expected = lossy_firsts[i];
        uint64_t lost = 0;

        for (int round = 0; round < 1000; round++) {
            struct ringbus_copy each = {0, 0};

            publish_events(ring, next_random(&random) % (2 * capacity));
            for (uint64_t tries = next_random(&random) % (2 * capacity); tries > 0; tries--) {
                if (copy_event(reader, &each) != RINGBUS_OK)
                    break;
                ck_assert_int_eq(each.sequence, expected + (int64_t)each.lost);
                expected = each.sequence + 1;
                lost += each.lost;
            }
            ck_assert_int_eq(ringbus_reader_position(reader), expected - 1);
            ck_assert_uint_eq(ringbus_reader_lost(reader), lost);
        }
        ck_assert_uint_gt(lost, 0);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_reader_that_joins_later_has_lost_nothing_of_what_was_before)
{
    struct ringbus_ring *ring = open_lossy(4, 8, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *reader = NULL;

    publish_events(ring, 7);
    reader = open_reader(ring);
    CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
    publish_events(ring, 5);
    CHECK_COPY(reader, 9, 2u);
    close_reader(reader);
    reader = open_reader(ring);
    ck_assert_uint_eq(ringbus_reader_lost(reader), 0);
    publish_events(ring, 1);
    CHECK_COPY(reader, 12, 0u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(each_reader_has_losses_of_its_own)
{
    struct ringbus_ring *ring = open_lossy(4, 8, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *fast = open_reader(ring), *slow = open_reader(ring);

    for (int64_t sequence = 0; sequence < 9; sequence++) {
        publish_events(ring, 1);
        CHECK_COPY(fast, sequence, 0u);
    }
    CHECK_COPY(slow, 6, 6u);
    ck_assert_uint_eq(ringbus_reader_lost(fast), 0);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- producers ---- */

START_TEST(a_producer_never_waits_for_a_reader)
{
    FOR_EACH_KIND(kind)
    {
        struct ringbus_ring *ring = open_lossy(2, 8, 0, kind);
        struct ringbus_reader *reader = open_reader(ring);

        for (int64_t sequence = 0; sequence < 100; sequence++)
            ck_assert_int_eq(try_publish_event(ring, 8), sequence);
        CHECK_COPY(reader, 98, 98u);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_producer_waits_for_one_that_is_still_in_the_slot)
{
    struct ringbus_ring *ring = open_lossy(2, 8, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *reader = open_reader(ring);
    const int64_t deadline = ringbus_now_ns() + 2 * MILLISECOND;

    ck_assert_int_eq(ringbus__ring_claim_lossy(ring, false), 0); /* and is slow */
    ck_assert_int_eq(try_publish_event(ring, 8), 1);
    ck_assert_int_eq(try_publish_event(ring, 8), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "late", 4, deadline), RINGBUS_ETIMEDOUT);
    ck_assert_int_ge(ringbus_now_ns(), deadline);
    ck_assert_int_eq(ringbus_ring_cursor(ring), 1);
    CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
    ringbus_ring_publish(ring, 0, 1);
    ck_assert_int_eq(try_publish_event(ring, 8), 2);
    CHECK_COPY(reader, 1, 1u);
    ringbus_ring_close(ring);
}
END_TEST

static void
publish_waiting(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->result = ringbus_ring_publish_copy(sleeper->ring, "event", 5, RINGBUS_FOREVER);
}

START_TEST(a_producer_that_sleeps_is_woken_when_the_slot_is_free_or_the_line_ends)
{
    for (int ends = 0; ends <= 1; ends++) {
        struct ringbus_ring *ring = open_lossy(2, 8, 0, RINGBUS_PRODUCERS_MULTI);
        struct sleeper sleeper = {.ring = ring};

        os_watch_begin(0);
        ck_assert_int_eq(ringbus__ring_claim_lossy(ring, false), 0);
        ck_assert_int_eq(try_publish_event(ring, 8), 1);
        let_sleep(&sleeper, publish_waiting, 1);
        if (ends)
            ringbus_ring_end(ring);
        else
            ringbus_ring_publish(ring, 0, 1);
        worker_join(&sleeper.worker, "a producer");
        ck_assert_int_eq(sleeper.result, ends ? RINGBUS_ESHUTDOWN : 2);
        end_watched(ring);
    }
}
END_TEST

/* ---- waiting, and the end ---- */

/* A reader that waits for a copy in a thread of its own. */
struct copier {
    struct sleeper sleeper;
    struct ringbus_copy copy;
    unsigned char buffer[8];
};

static void
wait_for_copy(void *context)
{
    struct copier *copier = context;

    copier->sleeper.result = ringbus_reader_copy_until(
        copier->sleeper.reader, RINGBUS_FOREVER, copier->buffer, &copier->copy);
}

START_TEST(a_sleeping_reader_of_a_lossy_ring_is_woken)
{
    for (int ends = 0; ends <= 1; ends++)
        FOR_EACH_SLEEP(wait)
        {
            struct ringbus_ring *ring = open_lossy(2, 8, 0, RINGBUS_PRODUCERS_SINGLE);
            struct copier copier = {.sleeper.reader = open_reader_after(ring, wait, NULL, 0)};

            os_watch_begin(0);
            worker_start(&copier.sleeper.worker, wait_for_copy, &copier);
            AWAIT(os_watch_sleeps() >= 1);
            if (ends)
                ringbus_ring_end(ring);
            else
                publish_events(ring, 1);
            worker_join(&copier.sleeper.worker, "a reader");
            ck_assert_int_eq(copier.sleeper.result, ends ? RINGBUS_ESHUTDOWN : RINGBUS_OK);
            ck_assert_int_eq(copier.copy.sequence, 0);
            ck_assert_uint_eq(os_watch_sleeps(), 1);
            end_watched(ring);
        }
}
END_TEST

START_TEST(a_wait_for_a_copy_ends_at_its_deadline)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_lossy(2, 8, 0, RINGBUS_PRODUCERS_SINGLE);
        struct ringbus_reader *reader = open_reader_after(ring, wait, NULL, 0);
        const int64_t deadline = ringbus_now_ns() + 2 * MILLISECOND;
        struct ringbus_copy each = {-1, 77};
        unsigned char buffer[8];

        ck_assert_int_eq(
            ringbus_reader_copy_until(reader, deadline, buffer, &each), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(ringbus_now_ns(), deadline);
        ck_assert_int_eq(ringbus_reader_copy_until(reader, 0, buffer, &each), RINGBUS_ETIMEDOUT);
        ck_assert_int_eq(each.sequence, -1);
        ck_assert_int_eq(ringbus_reader_state(reader), RINGBUS_READER_IDLE);
        publish_events(ring, 3);
        ck_assert_int_eq(ringbus_reader_state(reader), RINGBUS_READER_PROCESSING);
        ck_assert_int_eq(ringbus_reader_copy_until(reader, 0, buffer, &each), RINGBUS_OK);
        ck_assert_int_eq(each.sequence, 1);
        ck_assert_uint_eq(each.lost, 1);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(after_the_end_the_last_lap_is_copied_and_then_nothing)
{
    FOR_EACH_FIRST(i) FOR_EACH_KIND(kind)
    {
        struct ringbus_ring *ring = open_lossy(4, 8, lossy_firsts[i], kind);
        struct ringbus_reader *reader = open_reader(ring), *none = NULL;

        publish_events(ring, 6);
        none = open_reader(ring);
        ringbus_ring_end(ring);
        ck_assert_int_eq(try_publish_event(ring, 8), RINGBUS_ESHUTDOWN);
        CHECK_NO_COPY(none, RINGBUS_ESHUTDOWN);
        for (int64_t at = 3; at < 6; at++)
            CHECK_COPY(reader, lossy_firsts[i] + at, at == 3 ? 3u : 0u);
        CHECK_NO_COPY(reader, RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(ringbus_ring_cursor(ring), lossy_firsts[i] + 5);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(an_open_claim_keeps_the_end_away)
{
    struct ringbus_ring *ring = open_lossy(2, 8, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *reader = open_reader(ring);

    ck_assert_int_eq(ringbus__ring_claim_lossy(ring, false), 0);
    ringbus_ring_end(ring);
    CHECK_NO_COPY(reader, RINGBUS_EAGAIN);
    ringbus_ring_abandon(ring, 0, 1);
    CHECK_NO_COPY(reader, RINGBUS_ESHUTDOWN);
    ck_assert_uint_eq(ringbus_reader_lost(reader), 0);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- what is refused ---- */

START_TEST(nothing_is_claimed_or_polled_on_a_lossy_ring)
{
    FOR_EACH_KIND(kind)
    {
        struct ringbus_ring *ring = open_lossy(4, 8, 0, kind);
        struct ringbus_reader *reader = open_reader(ring);
        struct ringbus_run run = {-1, 0};

        for (int64_t count = 0; count < 6; count++) {
            ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EINVAL);
            ck_assert_int_eq(ringbus_ring_claim(ring, 4), RINGBUS_EINVAL);
            ck_assert_int_eq(ringbus_ring_claim_until(ring, 2, RINGBUS_FOREVER), RINGBUS_EINVAL);
            ck_assert_int_eq(ringbus_reader_poll(reader, 1, &run), RINGBUS_EINVAL);
            ck_assert_int_eq(
                ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_EINVAL);
            ck_assert_int_eq(run.first, -1);
            ck_assert_int_eq(ringbus_ring_cursor(ring), count - 1);
            publish_events(ring, 1);
        }
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(nothing_is_copied_from_a_ring_that_is_not_lossy)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);
    unsigned char buffer[48];
    struct ringbus_copy each = {-1, 77};

    publish(ring, 1);
    ck_assert_int_eq(ringbus_reader_copy(reader, buffer, &each), RINGBUS_EINVAL);
    ck_assert_int_eq(
        ringbus_reader_copy_until(reader, RINGBUS_FOREVER, buffer, &each), RINGBUS_EINVAL);
    ck_assert_int_eq(each.sequence, -1);
    ck_assert_uint_eq(ringbus_reader_lost(reader), 0);
    CHECK_RUN(reader, 0, 1u);
    ringbus_ring_close(ring);
}
END_TEST

static void
clear_nothing(void *payload, int64_t sequence, void *context)
{
    (void)payload;
    (void)sequence;
    (void)context;
}

START_TEST(options_that_hold_slots_are_refused)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.is_lossy = 1;
    options.history = 1;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    options.history = 0;
    options.clear = clear_nothing;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_EINVAL);
    options.clear = NULL;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_of_a_lossy_ring_comes_after_nobody_and_not_from_before)
{
    struct ringbus_ring *ring = open_lossy(4, 8, 0, RINGBUS_PRODUCERS_MULTI);
    struct ringbus_reader *before = open_reader(ring), *reader = NULL;
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.after = &before;
    options.after_count = 1;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_EINVAL);
    options.after_count = 0;
    options.back = 1;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_ERANGE);
    ck_assert_ptr_null(reader);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("lossy", a_copy_is_what_was_published_whatever_its_size,
        a_small_event_is_padded_to_its_last_word_with_zeros, an_event_larger_than_a_slot_is_refused,
        a_reader_within_one_lap_loses_nothing,
        a_reader_that_is_overtaken_goes_on_a_quarter_before_the_next_loss_and_is_told,
        every_event_is_copied_once_or_lost_once,
        a_reader_that_joins_later_has_lost_nothing_of_what_was_before,
        each_reader_has_losses_of_its_own, a_producer_never_waits_for_a_reader,
        a_producer_waits_for_one_that_is_still_in_the_slot,
        a_producer_that_sleeps_is_woken_when_the_slot_is_free_or_the_line_ends,
        a_sleeping_reader_of_a_lossy_ring_is_woken, a_wait_for_a_copy_ends_at_its_deadline,
        after_the_end_the_last_lap_is_copied_and_then_nothing, an_open_claim_keeps_the_end_away,
        nothing_is_claimed_or_polled_on_a_lossy_ring,
        nothing_is_copied_from_a_ring_that_is_not_lossy, options_that_hold_slots_are_refused,
        a_reader_of_a_lossy_ring_comes_after_nobody_and_not_from_before);
}
