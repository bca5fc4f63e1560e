/* test_join.c - readers that join and leave, one after the other and while producers run. */
#include <string.h>

#include "ring/fixture.h"

START_TEST(a_reader_sees_what_is_claimed_after_it_has_joined)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = NULL;

    publish(ring, 3);
    reader = open_reader(ring);
    CHECK_NOTHING(reader);
    publish(ring, 2);
    CHECK_RUN(reader, 3, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_does_not_see_a_claim_older_than_itself)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = NULL;

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 0);
    reader = open_reader(ring);
    publish(ring, 1);
    CHECK_RUN(reader, 2, 1u);
    ringbus_ring_publish(ring, 0, 2);
    CHECK_RUN(reader, 2, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_that_joins_a_full_ring_holds_nobody_back_for_what_it_will_not_see)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = NULL;

    publish(ring, 4);
    reader = open_reader(ring);
    ck_assert_int_eq(publish(ring, 4), 4);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_RUN(reader, 4, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_that_leaves_frees_the_producers)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *slow = open_reader(ring), *fast = open_reader(ring);

    publish(ring, 4);
    ringbus_reader_commit(fast, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    close_reader(slow);
    ck_assert_int_eq(publish(ring, 4), 4);
    CHECK_RUN(fast, 4, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_ring_without_readers_goes_round_and_round)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_reader(ring);

    publish(ring, 2);
    close_reader(reader);
    for (int64_t sequence = 2; sequence < 20; sequence++)
        ck_assert_int_eq(publish(ring, 1), sequence);
    reader = open_reader(ring);
    ck_assert_int_eq(publish(ring, 2), 20);
    CHECK_RUN(reader, 20, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(one_reader_more_than_the_limit_is_refused_until_one_leaves)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *readers[3] = {NULL}, *refused = NULL;

    options.max_readers = 3;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    for (int i = 0; i < 3; i++)
        readers[i] = open_reader(ring);
    ck_assert_int_eq(ringbus_reader_open(ring, NULL, &refused), RINGBUS_ENOSPC);
    ck_assert_ptr_null(refused);
    close_reader(readers[1]);
    readers[1] = open_reader(ring);
    publish(ring, 1);
    for (int i = 0; i < 3; i++)
        CHECK_RUN(readers[i], 0, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_last_of_all_readers_is_one_like_the_others)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *last = NULL;

    options.max_readers = RINGBUS_RING_MAX_READERS;
    options.capacity = 2;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    for (uint32_t i = 0; i < RINGBUS_RING_MAX_READERS; i++)
        last = open_reader(ring);
    publish(ring, 2);
    for (uint32_t i = 0; i < RINGBUS_RING_MAX_READERS - 1; i++)
        ringbus_reader_commit(&ring->readers[i], 1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_RUN(last, 0, 2u);
    ringbus_reader_commit(last, 1);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 2);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- bad input ---- */

static int
open_after(struct ringbus_ring *ring, struct ringbus_reader *before)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;
    int outcome = RINGBUS_OK;

    options.after = &before;
    options.after_count = 1;
    outcome = ringbus_reader_open(ring, &options, &reader);
    MUST((outcome == RINGBUS_OK) == (reader != NULL), "a reader is given exactly on success");
    return outcome;
}

START_TEST(no_ring_and_no_place_for_the_reader_are_refused)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = NULL;

    ck_assert_int_eq(ringbus_reader_open(NULL, NULL, &reader), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_reader_open(ring, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_reader_close(NULL), RINGBUS_EINVAL);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(wrong_reader_options_are_refused)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = NULL;
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.wait = RINGBUS_WAIT_CUSTOM; /* and no custom way */
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_EINVAL);
    options = ringbus_reader_options_default();
    options.after_count = 1;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_EINVAL);
    options = ringbus_reader_options_default();
    options.size = 0;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_EINVAL);
    ck_assert_ptr_null(reader);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_cannot_come_after_none_or_another_rings_or_a_closed_one)
{
    struct ringbus_ring *ring = open_ring(2), *other = open_ring(2);
    struct ringbus_reader *stranger = open_reader(other), *gone = open_reader(ring);

    close_reader(gone);
    ck_assert_int_eq(open_after(ring, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(open_after(ring, stranger), RINGBUS_EINVAL);
    ck_assert_int_eq(open_after(ring, gone), RINGBUS_EINVAL);
    ringbus_ring_close(ring);
    ringbus_ring_close(other);
}
END_TEST

START_TEST(a_refused_reader_leaves_no_trace)
{
    struct ringbus_ring *ring = open_ring(2), *other = open_ring(2);
    struct ringbus_reader *before = open_reader(ring), *reader = NULL;
    struct ringbus_reader *after[] = {before, open_reader(other)};
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.after = after;
    options.after_count = 2;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_EINVAL);
    close_reader(before); /* it has no dependent */
    publish(ring, 2);
    publish(ring, 2); /* nobody holds them */
    ringbus_ring_close(ring);
    ringbus_ring_close(other);
}
END_TEST

START_TEST(a_reader_can_be_closed_once)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, &before, 1);

    close_reader(after);
    ck_assert_int_eq(ringbus_reader_close(after), RINGBUS_EINVAL);
    close_reader(before);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- joining behind another reader ---- */

static struct ringbus_reader *
open_behind(struct ringbus_reader *other)
{
    struct ringbus_reader *reader = NULL;

    MUST(ringbus__reader_open_at(other->ring, other, &reader) == RINGBUS_OK, "no reader");
    return reader;
}

START_TEST(a_reader_behind_another_sees_what_that_one_has_not_finished)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *other = open_reader(ring), *reader = NULL;

    publish(ring, 3);
    ringbus_reader_commit(other, 0);
    reader = open_behind(other);
    CHECK_RUN(reader, 1, 2u);
    CHECK_RUN(other, 1, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_behind_another_holds_producers_by_itself)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *other = open_reader(ring), *reader = NULL;

    publish(ring, 4);
    reader = open_behind(other);
    ringbus_reader_commit(other, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    CHECK_RUN(reader, 0, 4u);
    ringbus_reader_commit(reader, 3);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(no_more_readers_than_the_limit_join_behind_another)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *refused = NULL;

    options.max_readers = 1;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    ck_assert_int_eq(ringbus__reader_open_at(ring, open_reader(ring), &refused), RINGBUS_ENOSPC);
    ck_assert_ptr_null(refused);
    ringbus_ring_close(ring);
}
END_TEST

/* What happens while a reader joins, when the joiner passes its barrier. */
static struct {
    struct ringbus_ring *ring;
    struct ringbus_reader *other;
    uint32_t times;
} meanwhile;

static void
read_and_publish_more(void)
{
    if (meanwhile.times == 0)
        return;
    meanwhile.times--;
    for (int i = 0; i < 3; i++) {
        const int64_t sequence = ringbus_ring_try_claim(meanwhile.ring, 1);

        if (sequence < 0)
            continue;
        ringbus_ring_publish(meanwhile.ring, sequence, 1);
        if (meanwhile.other != NULL)
            ringbus_reader_commit(meanwhile.other, sequence);
    }
}

static void
end_meanwhile(void)
{
    os_watch_end();
    MUST(meanwhile.times == 0 || !os_has_barrier(), "a reader joins without a barrier");
}

static void
begin_meanwhile(struct ringbus_ring *ring, struct ringbus_reader *other)
{
    os_watch_begin(0);
    meanwhile.ring = ring;
    meanwhile.other = other;
    meanwhile.times = 1;
    ringbus__os.barrier = read_and_publish_more;
}

START_TEST(a_reader_that_joins_behind_one_that_goes_on_holds_nobody_for_what_both_are_past)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *other = open_reader(ring), *reader = NULL;

    begin_meanwhile(ring, other);
    reader = open_behind(other);
    end_meanwhile();
    CHECK_NOTHING(reader);
    ck_assert(ringbus__ring_is_idle(ring));
    ck_assert_int_ge(ringbus_ring_try_claim(ring, 4), 0);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_that_joins_while_events_pass_loses_none_after_its_position)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = NULL;
    int64_t expected = 0, last = 0;

    begin_meanwhile(ring, NULL);
    reader = open_reader(ring);
    end_meanwhile();
    expected = ringbus_reader_position(reader) + 1;
    last = publish(ring, 1);
    ck_assert_int_le(expected, last);
    for (struct ringbus_run run; ringbus_reader_poll(reader, 1, &run) == RINGBUS_OK; expected++) {
        ck_assert_int_eq(run.first, expected);
        ringbus_reader_commit(reader, run.first);
    }
    ck_assert_int_eq(expected, last + 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_behind_another_waits_like_a_new_one)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *other = open_reader(ring), *reader = NULL;

    close_reader(open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0));
    reader = open_behind(other);
    ck_assert_uint_eq(reader->waiter.strategy, other->waiter.strategy);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("join", a_reader_sees_what_is_claimed_after_it_has_joined,
        a_reader_does_not_see_a_claim_older_than_itself,
        a_reader_that_joins_a_full_ring_holds_nobody_back_for_what_it_will_not_see,
        a_reader_that_leaves_frees_the_producers, a_ring_without_readers_goes_round_and_round,
        one_reader_more_than_the_limit_is_refused_until_one_leaves,
        the_last_of_all_readers_is_one_like_the_others,
        no_ring_and_no_place_for_the_reader_are_refused, wrong_reader_options_are_refused,
        a_reader_cannot_come_after_none_or_another_rings_or_a_closed_one,
        a_refused_reader_leaves_no_trace, a_reader_can_be_closed_once,
        a_reader_behind_another_sees_what_that_one_has_not_finished,
        a_reader_behind_another_holds_producers_by_itself,
        no_more_readers_than_the_limit_join_behind_another,
        a_reader_that_joins_behind_one_that_goes_on_holds_nobody_for_what_both_are_past,
        a_reader_that_joins_while_events_pass_loses_none_after_its_position,
        a_reader_behind_another_waits_like_a_new_one);
}
