/* test_halt.c - processors that halt, from wherever they are, go on, end. */
#include "ring/fixture.h"
#include "support/stage.h"

enum { FOR_THE_TEST = -7 };

static int
drain_call(void *context)
{
    struct stage *stage = context;

    return ringbus_processor_drain_until(stage->processor, RINGBUS_FOREVER);
}

static int
halt_call(void *context)
{
    struct stage *stage = context;

    return ringbus_processor_halt(stage->processor);
}

static int
resume_call(void *context)
{
    struct stage *stage = context;

    return ringbus_processor_resume(stage->processor);
}

static int
resume(struct stage *stage)
{
    return IN_TIME(NULL, resume_call(stage));
}

static void
pass_gate(struct stage *stage)
{
    gate_pass(stage->of_act);
}

static void
halt_itself(struct stage *stage)
{
    MUST(halt_call(stage) == RINGBUS_PENDING, "a halt from on_start");
}

#define CHECK_DRAINED(stage) ck_assert_int_eq(IN_TIME(NULL, drain_call(stage)), RINGBUS_OK)
#define CHECK_HALTED(stage)                                                                        \
    do {                                                                                           \
        ck_assert_int_eq(IN_TIME(NULL, halt_call(stage)), RINGBUS_OK);                             \
        ck_assert_int_eq(stage_state(stage), RINGBUS_PROCESSOR_HALTED);                            \
    } while (0)

/* Halt it while it handles event 2 of a batch that goes on to event 4. Between calls_begin and calls_end. */
static void
halt_amid_batch(struct ringbus_ring *ring, struct stage *stage)
{
    struct gate gate;
    struct call call;

    gate_init(&gate);
    stage->gate = &gate;
    stage->gate_at = 2;
    stage->reading.wait = RINGBUS_WAIT_YIELD; /* so that it is not its sleeps that are noted */
    stage_open(ring, stage);
    publish(ring, 5);
    gate_await(&gate, 1);
    call_start(&call, halt_call, stage);
    ck_assert(!call_is_done(&call));
    ck_assert_int_eq(stage_state(stage), RINGBUS_PROCESSOR_HALTING);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "a halt"), RINGBUS_OK);
    stage->gate = NULL;
}

/* ---- halt, resume ---- */

START_TEST(a_halt_amid_a_batch_finishes_the_call_that_runs_and_keeps_the_exact_position)
{
    struct ringbus_ring *ring = open_ring(8);
    struct stage stage = {.act = NULL};

    calls_begin();
    halt_amid_batch(ring, &stage);
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_HALTED);
    ck_assert_int_eq(stage_position(&stage), 2);
    ck_assert_int_eq(stage.shutdown_position, -1); /* it had to be good until then */
    ck_assert_ptr_nonnull(strstr(stage.log, " 2 shutdown "));
    ck_assert_int_eq(drain_call(&stage), RINGBUS_ESHUTDOWN);
    stage_close(&stage);
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(another_processor_goes_on_where_a_halted_one_was)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct stage first = {.act = NULL}, second = {.act = NULL};
    struct ringbus_ring *ring = NULL;

    options.capacity = 16;
    options.history = 8;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    calls_begin();
    halt_amid_batch(ring, &first);
    second.reading.back = (uint32_t)(ringbus_ring_cursor(ring) - stage_position(&first));
    stage_close(&first);
    stage_open(ring, &second);
    CHECK_DRAINED(&second);
    stage_close(&second);
    ck_assert_str_eq(second.log, "start batch:2/2 3 4. shutdown ");
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_halted_processor_goes_on_where_it_was)
{
    struct ringbus_ring *ring = open_ring(8);
    struct stage stage = {.act = NULL};

    calls_begin();
    halt_amid_batch(ring, &stage);
    ck_assert_int_eq(resume(&stage), RINGBUS_OK);
    CHECK_DRAINED(&stage);
    CHECK_HALTED(&stage);
    ck_assert_ptr_nonnull(strstr(stage.log, " 2 shutdown start batch:2/2 3 4. shutdown "));
    stage_close(&stage);
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_stopped_processor_goes_on_with_the_event_it_stopped_at)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.failures = 1, .code = FOR_THE_TEST, .answer = RINGBUS_STOP};
    int code = 1;

    stage_open(ring, &stage);
    publish(ring, 1);
    AWAIT(stage_state(&stage) == RINGBUS_PROCESSOR_STOPPED);
    ck_assert_int_eq(resume(&stage), RINGBUS_OK);
    CHECK_DRAINED(&stage);
    ck_assert_int_eq(ringbus_processor_state(stage.processor, &code), RINGBUS_PROCESSOR_RUNNING);
    ck_assert_int_eq(code, 0);
    stage_close(&stage);
    ck_assert_str_eq(
        stage.log, "start batch:1/1 0. failure:0:-7 shutdown start batch:1/1 0. shutdown ");
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_resume_that_fails_leaves_the_processor_where_it_stood)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};

    stage_open(ring, &stage);
    CHECK_HALTED(&stage);
    publish(ring, 1);
    stage.start_code = FOR_THE_TEST;
    ck_assert_int_eq(resume(&stage), FOR_THE_TEST);
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_HALTED);
    ck_assert_int_eq(drain_call(&stage), RINGBUS_ESHUTDOWN);
    CHECK_HALTED(&stage);
    stage.start_code = 0;
    ck_assert_int_eq(resume(&stage), RINGBUS_OK);
    CHECK_DRAINED(&stage);
    stage_close(&stage);
    ck_assert_str_eq(stage.log, "start shutdown start start batch:1/1 0. shutdown ");
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(only_what_has_halted_is_resumed)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};

    stage_open(ring, &stage);
    ck_assert_int_eq(resume(&stage), RINGBUS_EBUSY);
    ringbus_ring_end(ring);
    AWAIT(stage_state(&stage) == RINGBUS_PROCESSOR_ENDED);
    ck_assert_int_eq(resume(&stage), RINGBUS_ESHUTDOWN);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_halt_ends_endless_retries)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.failures = UINT32_MAX, .code = FOR_THE_TEST, .answer = RINGBUS_RETRY};

    stage_open(ring, &stage);
    publish(ring, 1);
    AWAIT(ringbus_ring_cursor(ring) == 0);
    CHECK_HALTED(&stage);
    ck_assert_int_eq(stage_position(&stage), -1);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(halts_at_the_same_time_and_again_are_one)
{
    enum { CALLS = 4 };

    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};
    struct call calls[CALLS];

    calls_begin();
    stage_open(ring, &stage);
    for (int i = 0; i < CALLS; i++)
        call_start(&calls[i], halt_call, &stage);
    for (int i = 0; i < CALLS; i++)
        ck_assert_int_eq(call_join(&calls[i], "a halt"), RINGBUS_OK);
    CHECK_HALTED(&stage);
    stage_close(&stage);
    ck_assert_str_eq(stage.log, "start shutdown ");
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(who_waits_is_told_when_a_resume_fails)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.reading = {.wait = RINGBUS_WAIT_YIELD}};
    struct call resuming, draining;
    struct gate gate;

    gate_init(&gate);
    calls_begin();
    stage_open(ring, &stage);
    CHECK_HALTED(&stage);
    publish(ring, 1);
    stage.start_code = FOR_THE_TEST;
    stage.start_act = pass_gate;
    stage.of_act = &gate;
    call_start(&resuming, resume_call, &stage);
    gate_await(&gate, 1);
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_STARTING);
    call_start(&draining, drain_call, &stage);
    ck_assert(!call_is_done(&draining));
    gate_open(&gate);
    ck_assert_int_eq(call_join(&resuming, "a resume"), FOR_THE_TEST);
    ck_assert_int_eq(call_join(&draining, "a drain"), RINGBUS_ESHUTDOWN);
    stage_close(&stage);
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_halt_that_comes_while_a_processor_starts_is_not_lost)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};

    stage_open(ring, &stage);
    CHECK_HALTED(&stage);
    publish(ring, 1);
    stage.start_act = halt_itself;
    ck_assert_int_eq(resume(&stage), RINGBUS_OK);
    AWAIT(stage_state(&stage) == RINGBUS_PROCESSOR_HALTED);
    stage_close(&stage);
    ck_assert_str_eq(stage.log, "start shutdown start shutdown ");
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(an_answer_to_stop_outranks_a_halt)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.failures = 1, .code = FOR_THE_TEST, .answer = RINGBUS_STOP};
    struct call call;
    struct gate gate;
    int code = 0;

    gate_init(&gate);
    stage.gate = &gate;
    stage.reading.wait = RINGBUS_WAIT_YIELD;
    calls_begin();
    stage_open(ring, &stage);
    publish(ring, 1);
    gate_await(&gate, 1);
    call_start(&call, halt_call, &stage);
    gate_open(&gate);
    ck_assert_int_eq(call_join(&call, "a halt"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_processor_state(stage.processor, &code), RINGBUS_PROCESSOR_STOPPED);
    ck_assert_int_eq(code, FOR_THE_TEST);
    stage_close(&stage);
    calls_end();
    ringbus_ring_close(ring);
}
END_TEST

/* ---- from its own thread ---- */

static int
act_on_itself(struct stage *stage, void *event, int64_t sequence)
{
    struct stage *other = stage->of_act;
    int outcome = RINGBUS_OK;

    (void)event;
    MUST(ringbus_processor_drain_until(other->processor, 0) == RINGBUS_EDEADLK, "a drain");
    MUST(ringbus_processor_close(other->processor) == RINGBUS_EDEADLK, "a close");
    MUST(ringbus_processor_resume(stage->processor) == RINGBUS_EBUSY, "a resume");
    MUST(sequence == 0, "handled after the halt");
    outcome = ringbus_processor_halt(other->processor);
    /* Another one may be out already. */
    MUST(outcome == RINGBUS_PENDING || (outcome == RINGBUS_OK && other != stage), "a halt");
    return 0;
}

START_TEST(a_handler_halts_its_own_processor_and_waits_for_none_of_its_ring)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = act_on_itself};

    stage.of_act = &stage;
    stage_open(ring, &stage);
    publish(ring, 2);
    AWAIT(stage_state(&stage) == RINGBUS_PROCESSOR_HALTED);
    ck_assert_int_eq(stage_position(&stage), 0);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_handler_halts_a_processor_after_it_without_waiting)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage before = {.act = act_on_itself}, after = {.reading = {.wait = 0}};
    struct gate gate;

    gate_init(&gate);
    before.gate = &gate;
    before.of_act = &after;
    stage_open(ring, &before);
    stage_open_after(ring, &after, &before);
    publish(ring, 1);
    gate_open(&gate);
    AWAIT(stage_state(&after) == RINGBUS_PROCESSOR_HALTED);
    stage_close(&after);
    stage_close(&before);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- the end ---- */

START_TEST(at_the_end_of_the_line_a_processor_handles_the_rest_and_ends)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};
    struct gate gate;

    gate_init(&gate);
    stage.gate = &gate;
    stage_open(ring, &stage);
    publish(ring, 1);
    gate_await(&gate, 1);
    publish(ring, 2);
    ringbus_ring_end(ring);
    gate_open(&gate);
    CHECK_DRAINED(&stage);
    AWAIT(stage_state(&stage) == RINGBUS_PROCESSOR_ENDED);
    ck_assert_str_eq(stage.log, "start batch:1/1 0. batch:2/2 1 2. shutdown ");
    ck_assert_int_eq(halt_call(&stage), RINGBUS_OK);
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_ENDED);
    CHECK_DRAINED(&stage);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

/* Whom the thread that is about to sleep resumes first. */
static _Thread_local struct stage *to_resume;

static int
sleep_after_resume(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    struct stage *stage = to_resume;

    to_resume = NULL;
    if (stage != NULL) {
        AWAIT(stage_state(stage) == RINGBUS_PROCESSOR_HALTED);
        MUST(ringbus_processor_resume(stage->processor) == RINGBUS_OK, "it stands");
    }
    return os_real()->word_wait(word, expected, deadline_ns);
}

START_TEST(who_halts_is_told_though_somebody_has_resumed_it_before_it_looked)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.reading.wait = RINGBUS_WAIT_YIELD};
    struct gate gate;

    gate_init(&gate);
    stage.gate = &gate;
    os_watch_begin(0);
    ringbus__os.word_wait = sleep_after_resume;
    stage_open(ring, &stage);
    publish(ring, 1);
    gate_await(&gate, 1);
    to_resume = &stage;
    gate_open(&gate);
    ck_assert_int_eq(IN_TIME(NULL, halt_call(&stage)), RINGBUS_OK);
    to_resume = NULL;
    stage_close(&stage);
    end_watched(ring);
}
END_TEST

static int
note_itself(struct stage *stage, void *event, int64_t sequence)
{
    struct ringbus_processor **ret_processor = stage->of_act;

    (void)event, (void)sequence;
    *ret_processor = stage->processor;
    return 0;
}

START_TEST(a_handler_knows_its_processor)
{
    for (int i = 0; i < 200; i++) {
        struct ringbus_processor *processor = NULL;
        struct ringbus_ring_options options = ringbus_ring_options_default();
        struct stage stage = {.act = note_itself, .of_act = &processor};
        struct ringbus_ring *ring = NULL;

        options.history = 1;
        ring = open_ring_with(&options);
        publish(ring, 1);
        stage.reading.back = 1; /* there is an event when the thread starts */
        stage_open(ring, &stage);
        CHECK_DRAINED(&stage);
        ck_assert_ptr_eq(processor, stage.processor);
        stage_close(&stage);
        ringbus_ring_close(ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("processor halt",
        a_halt_amid_a_batch_finishes_the_call_that_runs_and_keeps_the_exact_position,
        another_processor_goes_on_where_a_halted_one_was, a_halted_processor_goes_on_where_it_was,
        a_stopped_processor_goes_on_with_the_event_it_stopped_at,
        a_resume_that_fails_leaves_the_processor_where_it_stood, only_what_has_halted_is_resumed,
        a_halt_ends_endless_retries, halts_at_the_same_time_and_again_are_one,
        who_halts_is_told_though_somebody_has_resumed_it_before_it_looked,
        a_handler_knows_its_processor, who_waits_is_told_when_a_resume_fails,
        a_halt_that_comes_while_a_processor_starts_is_not_lost, an_answer_to_stop_outranks_a_halt,
        a_handler_halts_its_own_processor_and_waits_for_none_of_its_ring,
        a_handler_halts_a_processor_after_it_without_waiting,
        at_the_end_of_the_line_a_processor_handles_the_rest_and_ends);
}
