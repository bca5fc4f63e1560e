/* test_debug.c - what debug builds catch of calls that are not checked elsewhere. */
#include "ring/fixture.h"

static struct ringbus_ring *
open_with_producers(uint32_t producers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = 4;
    options.producers = producers;
    return open_ring_with(&options);
}

static void
claim_any(void *context)
{
    MUST(ringbus_ring_try_claim(context, 1) >= 0, "no claim");
}

static void
claim_in_another_thread(void *context)
{
    struct worker worker;

    worker_start(&worker, claim_any, context);
    worker_join(&worker, "another producer");
}

static void
publish_first(void *context)
{
    ringbus_ring_publish(context, 0, 1);
}

static void
publish_second(void *context)
{
    ringbus_ring_publish(context, 1, 1);
}

static void
abandon_first(void *context)
{
    ringbus_ring_abandon(context, 0, 1);
}

static void
publish_error(void *context)
{
    ringbus_ring_publish(context, RINGBUS_EAGAIN, 1);
}

static void
claim_too_many(void *context)
{
    MUST(ringbus_ring_try_claim(context, 5) == RINGBUS_EAGAIN, "a claim of more than there is");
}

START_TEST(debug_builds_catch_a_second_thread_until_the_ring_is_handed_over)
{
    struct ringbus_ring *ring = open_with_producers(RINGBUS_PRODUCERS_SINGLE);

    claim_any(ring);
    ck_assert(is_caught(claim_in_another_thread, ring));
    claim_any(ring);
    ringbus_ring_hand_over(ring);
    claim_in_another_thread(ring);
    ck_assert(is_caught(claim_any, ring));
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(debug_builds_catch_what_is_published_twice_or_was_not_claimed)
{
    for (uint32_t producers = RINGBUS_PRODUCERS_MULTI; producers <= RINGBUS_PRODUCERS_SINGLE;
         producers++) {
        struct ringbus_ring *ring = open_with_producers(producers);

        ck_assert(is_caught(publish_first, ring));
        ck_assert(is_caught(publish_error, ring));
        ck_assert(is_caught(claim_too_many, ring));
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
        ck_assert(is_caught(publish_second, ring));
        ringbus_ring_publish(ring, 0, 1);
        ck_assert(is_caught(publish_first, ring));
        ck_assert(is_caught(abandon_first, ring));
        publish(ring, 4);
        ck_assert(is_caught(publish_first, ring)); /* one lap later */
        ringbus_ring_close(ring);
    }
}
END_TEST

static void
commit_beyond(void *context)
{
    struct ringbus_reader *reader = open_reader(context);

    ringbus_reader_commit(reader, ringbus_ring_cursor(context) + 1);
}

static void
poll_for_nothing(void *context)
{
    struct ringbus_run run;

    MUST(ringbus_reader_poll(open_reader(context), 0, &run) != RINGBUS_OK, "a run of nothing");
}

START_TEST(debug_builds_catch_commits_of_what_was_not_read_and_polls_for_nothing)
{
    struct ringbus_ring *ring = open_ring(4);

    publish(ring, 2);
    ck_assert(is_caught(commit_beyond, ring));
    ck_assert(is_caught(poll_for_nothing, ring));
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("debug", debug_builds_catch_a_second_thread_until_the_ring_is_handed_over,
        debug_builds_catch_what_is_published_twice_or_was_not_claimed,
        debug_builds_catch_commits_of_what_was_not_read_and_polls_for_nothing);
}
