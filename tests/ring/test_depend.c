/* test_depend.c - readers that come after others: pipelines, fans, diamonds. */
#include "ring/fixture.h"

static struct ringbus_reader *
open_after_one(struct ringbus_reader *before)
{
    return open_reader_after(before->ring, RINGBUS_WAIT_PHASED, &before, 1);
}

START_TEST(a_dependent_never_overtakes_the_reader_before_it)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *before = open_reader(ring), *after = open_after_one(before);

    publish(ring, 4);
    CHECK_NOTHING(after);
    ringbus_reader_commit(before, 1);
    CHECK_RUN(after, 0, 2u);
    ringbus_reader_commit(before, 3);
    CHECK_RUN(after, 0, 4u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_pipeline_passes_events_from_stage_to_stage)
{
    enum { STAGES = 4 };
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *stages[STAGES] = {open_reader(ring)};

    for (int i = 1; i < STAGES; i++)
        stages[i] = open_after_one(stages[i - 1]);
    publish(ring, 4);
    for (int i = 0; i < STAGES; i++) {
        for (int j = i + 1; j < STAGES; j++)
            CHECK_NOTHING(stages[j]);
        CHECK_RUN(stages[i], 0, 4u);
        ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
        ringbus_reader_commit(stages[i], 3);
    }
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 4), 4);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_end_of_a_diamond_waits_for_both_sides)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *top = open_reader(ring);
    struct ringbus_reader *sides[] = {open_after_one(top), open_after_one(top)};
    struct ringbus_reader *bottom = open_reader_after(ring, RINGBUS_WAIT_PHASED, sides, 2);

    publish(ring, 4);
    ringbus_reader_commit(top, 3);
    CHECK_RUN(sides[0], 0, 4u);
    CHECK_RUN(sides[1], 0, 4u);
    CHECK_NOTHING(bottom);
    ringbus_reader_commit(sides[0], 3);
    CHECK_NOTHING(bottom);
    ringbus_reader_commit(sides[1], 1);
    CHECK_RUN(bottom, 0, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(whichever_side_of_a_diamond_is_behind_is_waited_for)
{
    for (int slow = 0; slow < 2; slow++) {
        struct ringbus_ring *ring = open_ring(4);
        struct ringbus_reader *sides[] = {open_reader(ring), open_reader(ring)};
        struct ringbus_reader *bottom = open_reader_after(ring, RINGBUS_WAIT_PHASED, sides, 2);

        publish(ring, 4);
        ringbus_reader_commit(sides[1 - slow], 3);
        CHECK_NOTHING(bottom);
        ringbus_reader_commit(sides[slow], 0);
        CHECK_RUN(bottom, 0, 1u);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_fan_reads_at_the_same_time)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *top = open_reader(ring);
    struct ringbus_reader *fan[3];

    for (int i = 0; i < 3; i++)
        fan[i] = open_after_one(top);
    publish(ring, 2);
    ringbus_reader_commit(top, 1);
    for (int i = 0; i < 3; i++)
        CHECK_RUN(fan[i], 0, 2u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dependent_steps_over_what_was_abandoned_only_behind_the_reader_before_it)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring), *after = open_after_one(before);

    abandon(ring, 2);
    publish(ring, 1);
    CHECK_NOTHING(after);
    ck_assert_int_eq(ringbus_reader_position(after), -1);
    CHECK_RUN(before, 2, 1u);
    ringbus_reader_commit(before, 2);
    CHECK_RUN(after, 2, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_with_dependents_cannot_leave)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring), *after = open_after_one(before);

    publish(ring, 1);
    ck_assert_int_eq(ringbus_reader_close(before), RINGBUS_EBUSY);
    CHECK_RUN(before, 0, 1u);
    ringbus_reader_commit(before, 0);
    CHECK_RUN(after, 0, 1u);
    close_reader(after);
    close_reader(before);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_named_twice_is_one_reader)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *twice[] = {before, before};
    struct ringbus_reader *after = open_reader_after(ring, RINGBUS_WAIT_PHASED, twice, 2);

    close_reader(after);
    close_reader(before);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_slot_used_again_has_none_of_the_old_readers_dependencies)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring), *after = open_after_one(before);
    struct ringbus_reader *free_one = NULL;

    close_reader(after);
    free_one = open_reader(ring);
    publish(ring, 1);
    CHECK_RUN(free_one, 0, 1u);
    close_reader(before);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dependent_that_joins_late_waits_for_a_slow_reader_before_it)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring), *after = NULL;

    publish(ring, 2);
    after = open_after_one(before);
    publish(ring, 1);
    CHECK_NOTHING(after);
    ringbus_reader_commit(before, 1);
    CHECK_NOTHING(after);
    ringbus_reader_commit(before, 2);
    CHECK_RUN(after, 2, 1u);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dependent_gets_the_end_after_the_reader_before_it)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *before = open_reader(ring), *after = open_after_one(before);

    publish(ring, 1);
    ringbus_ring_end(ring);
    CHECK_NOTHING(after);
    ringbus_reader_commit(before, 0);
    ck_assert_int_eq(poll_outcome(before), RINGBUS_ESHUTDOWN);
    CHECK_RUN(after, 0, 1u);
    ringbus_reader_commit(after, 0);
    ck_assert_int_eq(poll_outcome(after), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("depend", a_dependent_never_overtakes_the_reader_before_it,
        a_pipeline_passes_events_from_stage_to_stage, the_end_of_a_diamond_waits_for_both_sides,
        whichever_side_of_a_diamond_is_behind_is_waited_for, a_fan_reads_at_the_same_time,
        a_dependent_steps_over_what_was_abandoned_only_behind_the_reader_before_it,
        a_reader_with_dependents_cannot_leave, a_reader_named_twice_is_one_reader,
        a_slot_used_again_has_none_of_the_old_readers_dependencies,
        a_dependent_that_joins_late_waits_for_a_slow_reader_before_it,
        a_dependent_gets_the_end_after_the_reader_before_it);
}
