/* test_handle.c - what a processor calls, and when: hooks, batches, failures, release. */
#include "ring/fixture.h"
#include "support/stage.h"

enum { FOR_THE_TEST = -7 };

static void
drain(struct stage *stage)
{
    ck_assert_int_eq(
        IN_TIME(NULL, ringbus_processor_drain_until(stage->processor, RINGBUS_FOREVER)),
        RINGBUS_OK);
}

/* A processor that is busy with event 0 while `count` more are published: they are its next batch, if it takes so
 * many. It goes on when the gate is opened. */
static struct ringbus_ring *
begin_with(struct stage *stage, struct gate *gate, uint32_t count)
{
    struct ringbus_ring *ring = open_ring(16);

    gate_init(gate);
    stage->gate = gate;
    stage_open(ring, stage);
    publish(ring, 1);
    gate_await(gate, 1);
    publish(ring, count);
    return ring;
}

static void
end_with(struct ringbus_ring *ring, struct stage *stage)
{
    stage_close(stage);
    ringbus_ring_close(ring);
}

/* All that follows `begin_with`, of a processor that handles everything. */
#define CHECK_CALLS(stage, count, calls)                                                           \
    do {                                                                                           \
        struct gate check_gate;                                                                    \
        struct ringbus_ring *check_ring = begin_with(stage, &check_gate, count);                   \
                                                                                                   \
        gate_open(&check_gate);                                                                    \
        drain(stage);                                                                              \
        end_with(check_ring, stage);                                                               \
        ck_assert_str_eq((stage)->log, "start batch:1/1 0. " calls "shutdown ");                   \
    } while (0)

/* ---- hooks and batches ---- */

START_TEST(every_hook_is_called_when_it_should_be)
{
    struct stage stage = {.has_timeout_hook = true};

    CHECK_CALLS(&stage, 3, "batch:3/3 1 2 3. ");
}
END_TEST

START_TEST(on_start_has_returned_when_open_does)
{
    struct ringbus_ring *ring = open_ring(2);
    struct stage stage = {.act = NULL};

    stage_open(ring, &stage);
    ck_assert_str_eq(stage.log, "start ");
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_RUNNING);
    end_with(ring, &stage);
    ck_assert_str_eq(stage.log, "start shutdown ");
}
END_TEST

START_TEST(a_batch_is_no_longer_than_max_batch)
{
    struct stage stage = {.options = {.max_batch = 2}};

    CHECK_CALLS(&stage, 5, "batch:2/5 1 2. batch:2/3 3 4. batch:1/1 5. ");
}
END_TEST

START_TEST(the_depth_counts_what_is_claimed_and_not_finished)
{
    struct stage stage = {.options = {.max_batch = 2}};
    struct gate gate;
    struct ringbus_ring *ring = begin_with(&stage, &gate, 3);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 2), 4);
    gate_open(&gate);
    AWAIT(stage_position(&stage) == 3);
    end_with(ring, &stage);
    ck_assert_str_eq(stage.log, "start batch:1/1 0. batch:2/5 1 2. batch:1/3 3. shutdown ");
}
END_TEST

START_TEST(abandoned_slots_end_a_batch_and_are_not_handled)
{
    struct stage stage = {.act = NULL};
    struct gate gate;
    struct ringbus_ring *ring = begin_with(&stage, &gate, 2);

    abandon(ring, 1);
    publish(ring, 1);
    abandon(ring, 1);
    gate_open(&gate);
    drain(&stage);
    ck_assert_int_eq(stage_position(&stage), 5);
    end_with(ring, &stage);
    ck_assert_str_eq(stage.log, "start batch:1/1 0. batch:2/5 1 2. batch:1/2 4. shutdown ");
}
END_TEST

START_TEST(a_positive_number_is_no_failure)
{
    struct stage stage = {.fail_at = 1, .failures = 1, .code = 1, .batch_code = 1};

    stage.batch_failures = 2;
    CHECK_CALLS(&stage, 2, "batch:2/2 1 2. ");
}
END_TEST

/* ---- failures ---- */

START_TEST(an_event_that_fails_is_skipped_if_nobody_says_otherwise)
{
    struct stage stage = {.fail_at = 2, .failures = 1, .code = FOR_THE_TEST};

    stage.has_no_failure_hook = true;
    CHECK_CALLS(&stage, 3, "batch:3/3 1 2 3. ");
}
END_TEST

START_TEST(skip_goes_on_with_the_next_event)
{
    struct stage stage = {.fail_at = 2, .failures = 1, .code = FOR_THE_TEST};

    CHECK_CALLS(&stage, 3, "batch:3/3 1 2 failure:2:-7 3. ");
}
END_TEST

START_TEST(retry_hands_out_the_same_event_again)
{
    struct stage stage = {.fail_at = 2, .failures = 2, .code = FOR_THE_TEST};

    stage.answer = RINGBUS_RETRY;
    CHECK_CALLS(&stage, 2, "batch:2/2 1 2. failure:2:-7 2. failure:2:-7 2. ");
}
END_TEST

START_TEST(rewind_begins_the_batch_again)
{
    struct stage stage = {.fail_at = 3, .failures = 1, .code = FOR_THE_TEST};

    stage.answer = RINGBUS_REWIND;
    CHECK_CALLS(&stage, 3, "batch:3/3 1 2 3. failure:3:-7 batch:3/3 1 2 3. ");
}
END_TEST

START_TEST(rewind_goes_back_to_the_first_event_that_is_not_released)
{
    struct stage stage = {.fail_at = 4, .failures = 1, .code = FOR_THE_TEST};

    stage.answer = RINGBUS_REWIND;
    stage.options.commit_every = 2;
    CHECK_CALLS(&stage, 5, "batch:5/5 1 2 3 4 failure:4:-7 batch:3/3 3 4 5. ");
}
END_TEST

START_TEST(an_on_batch_that_fails_loses_no_event)
{
    struct stage skipping = {.batch_failures = 2, .batch_code = FOR_THE_TEST};
    struct stage retrying = {.batch_failures = 2, .batch_code = FOR_THE_TEST};
    struct stage rewinding = {.batch_failures = 1, .batch_code = FOR_THE_TEST};
    struct gate gate;
    struct ringbus_ring *ring = begin_with(&skipping, &gate, 2);

    gate_open(&gate);
    drain(&skipping);
    end_with(ring, &skipping);
    ck_assert_str_eq(
        skipping.log, "start batch:1/1 !failure:0:-7 0. batch:2/2 !failure:1:-7 1 2. shutdown ");
    retrying.answer = RINGBUS_RETRY;
    ring = begin_with(&retrying, &gate, 2);
    gate_open(&gate);
    drain(&retrying);
    end_with(ring, &retrying);
    ck_assert_str_eq(retrying.log,
        "start batch:1/1 !failure:0:-7 batch:1/1 !failure:0:-7 batch:1/1 0. batch:2/2 1 2. "
        "shutdown ");
    rewinding.answer = RINGBUS_REWIND;
    ring = begin_with(&rewinding, &gate, 2);
    gate_open(&gate);
    drain(&rewinding);
    end_with(ring, &rewinding);
    ck_assert_str_eq(
        rewinding.log, "start batch:1/1 !failure:0:-7 batch:1/1 0. batch:2/2 1 2. shutdown ");
}
END_TEST

static void
check_stopped(struct stage *stage, int64_t position)
{
    int code = 0;

    AWAIT(stage_state(stage) == RINGBUS_PROCESSOR_STOPPED);
    ck_assert_int_eq(ringbus_processor_state(stage->processor, &code), RINGBUS_PROCESSOR_STOPPED);
    ck_assert_int_eq(code, FOR_THE_TEST);
    ck_assert_int_eq(stage_position(stage), position);
    ck_assert_int_eq(
        ringbus_processor_drain_until(stage->processor, RINGBUS_FOREVER), RINGBUS_ESHUTDOWN);
}

START_TEST(stop_holds_the_gate_can_be_seen_and_closing_lets_producers_go_on)
{
    struct stage stage = {.fail_at = 2, .failures = 1, .code = FOR_THE_TEST};
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct sleeper producer = {.ring = ring};

    stage.answer = RINGBUS_STOP;
    stage.reading.wait = RINGBUS_WAIT_YIELD;
    stage_open(ring, &stage);
    publish(ring, 4);
    check_stopped(&stage, 1);
    publish(ring, 2);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), RINGBUS_EAGAIN);
    let_sleep(&producer, claim_one, os_watch_sleeps() + 1);
    stage_close(&stage);
    worker_join(&producer.worker, "a producer");
    ck_assert_int_eq(producer.result, 6);
    ck_assert_str_eq(strstr(stage.log, "2 f"), "2 failure:2:-7 shutdown ");
    end_watched(ring);
}
END_TEST

START_TEST(stop_before_a_batch_keeps_all_of_it)
{
    struct stage stage = {.batch_failures = 1, .batch_code = FOR_THE_TEST};
    struct ringbus_ring *ring = open_ring(4);

    stage.answer = RINGBUS_STOP;
    stage_open(ring, &stage);
    publish(ring, 1);
    check_stopped(&stage, -1);
    ck_assert_str_eq(stage.log, "start batch:1/1 !failure:0:-7 shutdown ");
    end_with(ring, &stage);
}
END_TEST

START_TEST(what_is_no_answer_stops)
{
    struct stage stage = {.fail_at = 1, .failures = 1, .code = FOR_THE_TEST};
    struct ringbus_ring *ring = open_ring(4);

    stage.answer = (enum ringbus_answer)(RINGBUS_STOP + 1);
    stage_open(ring, &stage);
    publish(ring, 2);
    check_stopped(&stage, 0);
    end_with(ring, &stage);
}
END_TEST

/* ---- release ---- */

static int
check_release(struct stage *stage, void *event, int64_t sequence)
{
    const int64_t every = stage->options.commit_every;
    const int64_t batch_first = sequence == 0 ? 0 : 1;
    const int64_t handled = sequence - batch_first;
    const int64_t released = every > 0 ? handled / every * every : 0;

    (void)event;
    MUST(ringbus_reader_position(stage->of_act) == batch_first - 1 + released,
        "at %d the position is %d", (int)sequence, (int)ringbus_reader_position(stage->of_act));
    return 0;
}

/* The reader it will have is not known yet, but there is only one. */
static void
check_releases(uint32_t every)
{
    struct stage stage = {.act = check_release, .options = {.commit_every = every}};
    struct ringbus_ring *ring = open_ring(16);
    struct gate gate;

    gate_init(&gate);
    stage.gate = &gate;
    stage.of_act = open_reader(ring);
    close_reader(stage.of_act);
    stage_open(ring, &stage);
    ck_assert_ptr_eq(ringbus_processor_reader(stage.processor), stage.of_act);
    publish(ring, 1);
    gate_await(&gate, 1);
    publish(ring, 7);
    gate_open(&gate);
    drain(&stage);
    end_with(ring, &stage);
}

START_TEST(a_batch_is_released_at_its_end)
{
    check_releases(0);
}
END_TEST

START_TEST(so_many_events_are_released_early)
{
    check_releases(1);
    check_releases(3);
    check_releases(7);
    check_releases(UINT32_MAX);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("processor handle", every_hook_is_called_when_it_should_be,
        on_start_has_returned_when_open_does, a_batch_is_no_longer_than_max_batch,
        the_depth_counts_what_is_claimed_and_not_finished,
        abandoned_slots_end_a_batch_and_are_not_handled, a_positive_number_is_no_failure,
        an_event_that_fails_is_skipped_if_nobody_says_otherwise, skip_goes_on_with_the_next_event,
        retry_hands_out_the_same_event_again, rewind_begins_the_batch_again,
        rewind_goes_back_to_the_first_event_that_is_not_released,
        an_on_batch_that_fails_loses_no_event,
        stop_holds_the_gate_can_be_seen_and_closing_lets_producers_go_on,
        stop_before_a_batch_keeps_all_of_it, what_is_no_answer_stops,
        a_batch_is_released_at_its_end, so_many_events_are_released_early);
}
