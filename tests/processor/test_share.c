/* test_share.c - processors that are the workers of a share. */
#include "share/fixture.h"
#include "support/stage.h"

enum { FOR_THE_TEST = -7 };

static int
handle_nothing(void *event, int64_t sequence, int end_of_batch, void *context)
{
    (void)event;
    (void)sequence;
    (void)end_of_batch;
    (void)context;
    return 0;
}

/* Each event once, by whichever worker. */
static int
count_event(struct stage *stage, void *event, int64_t sequence)
{
    struct atomic_u32 *seen = stage->of_act;

    (void)event;
    add_u32(&seen[sequence], 1, ORDER_COUNT);
    return 0;
}

START_TEST(each_event_is_handled_by_one_of_the_processors)
{
    enum { EVENTS = 2000, PROCESSORS = 3 };

    static struct atomic_u32 seen[EVENTS];
    struct ringbus_ring *ring = open_ring_at(16, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = open_share(ring, PROCESSORS);
    struct stage stages[PROCESSORS] = {{.act = count_event}, {.act = count_event},
        {.act = count_event, .options = {.max_batch = 2}}};

    for (int i = 0; i < PROCESSORS; i++) {
        stages[i].options.share = share;
        stages[i].of_act = seen;
        stage_open(ring, &stages[i]);
    }
    for (int64_t i = 0; i < EVENTS; i++) {
        MUST(ringbus_ring_claim_until(ring, 1, patience_ends()) == i, "no room");
        ringbus_ring_publish(ring, i, 1);
    }
    ck_assert_int_eq(
        ringbus_processor_drain_until(stages[0].processor, patience_ends()), RINGBUS_OK);
    ck_assert_int_eq(ringbus_share_position(share), EVENTS - 1);
    ringbus_ring_end(ring);
    for (int i = 0; i < PROCESSORS; i++) {
        AWAIT(stage_state(&stages[i]) == RINGBUS_PROCESSOR_ENDED);
        stage_close(&stages[i]);
    }
    for (int i = 0; i < EVENTS; i++)
        ck_assert_uint_eq(load_u32(&seen[i], ORDER_COUNT), 1);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_a_stopped_processor_has_taken_is_its_own_until_it_is_closed)
{
    struct ringbus_ring *ring = open_ring_at(8, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = open_share(ring, 2);
    struct stage first = {.fail_at = 1, .failures = 1, .code = FOR_THE_TEST};
    struct stage second = {.options = {.share = share}};

    first.options.share = share;
    first.answer = RINGBUS_STOP;
    publish(ring, 3);
    stage_open(ring, &first);
    AWAIT(stage_state(&first) == RINGBUS_PROCESSOR_STOPPED);
    ck_assert_int_eq(ringbus_share_position(share), 0);
    ck_assert_int_eq(
        ringbus_processor_drain_until(first.processor, patience_ends()), RINGBUS_ESHUTDOWN);
    stage_open(ring, &second);
    publish(ring, 1);
    stage_close(&first);
    ck_assert_int_eq(ringbus_processor_drain_until(second.processor, patience_ends()), RINGBUS_OK);
    stage_close(&second);
    ck_assert_str_eq(first.log, "start batch:3/3 0 1 failure:1:-7 shutdown ");
    ck_assert_ptr_nonnull(strstr(second.log, " 1 2. "));
    ck_assert_ptr_nonnull(strstr(second.log, " 3. "));
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_worker_rewinds_halts_and_goes_on)
{
    struct ringbus_ring *ring = open_ring_at(8, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = open_share(ring, 1);
    struct stage stage = {.fail_at = 2, .failures = 1, .code = FOR_THE_TEST};

    stage.options.share = share;
    stage.options.commit_every = 1;
    stage.answer = RINGBUS_REWIND;
    publish(ring, 3);
    stage_open(ring, &stage);
    ck_assert_int_eq(ringbus_processor_drain_until(stage.processor, patience_ends()), RINGBUS_OK);
    ck_assert_int_eq(IN_TIME(NULL, ringbus_processor_halt(stage.processor)), RINGBUS_OK);
    publish(ring, 1);
    ck_assert_int_eq(ringbus_processor_resume(stage.processor), RINGBUS_OK);
    ck_assert_int_eq(ringbus_processor_drain_until(stage.processor, patience_ends()), RINGBUS_OK);
    stage_close(&stage);
    ck_assert_str_eq(stage.log, "start batch:3/3 0 1 2. failure:2:-7 batch:1/1 2. shutdown "
                                "start batch:1/1 3. shutdown ");
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_stage_after_a_share_of_processors_sees_what_they_have_finished)
{
    struct ringbus_ring *ring = open_ring_at(8, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = open_share(ring, 1);
    struct stage worker = {.options = {.share = share}}, after = {.act = NULL};
    struct gate gate;

    gate_init(&gate);
    worker.gate = &gate;
    stage_open(ring, &worker);
    stage_open_after(ring, &after, &worker);
    publish(ring, 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_processor_drain_until(after.processor, 0), RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    ck_assert_int_eq(ringbus_processor_drain_until(after.processor, patience_ends()), RINGBUS_OK);
    stage_close(&worker); /* the share stays */
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_EBUSY);
    stage_close(&after);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_worker_has_no_reader_options_and_a_share_of_its_own_ring)
{
    struct ringbus_ring *ring = open_ring_at(8, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_ring *other = open_ring_at(8, 0, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = open_share(ring, 1);
    struct ringbus_processor *none = NULL;
    struct stage only = {.options = {.share = share}};

    ck_assert_int_eq(stage_try_open(other, &only), RINGBUS_EINVAL);
    stage_open(ring, &only);
    ck_assert_int_eq(stage_try_open(ring, &only), RINGBUS_ENOSPC);
    only.options.name = "a name of more than thirty-one bytes";
    ck_assert_int_eq(stage_try_open(ring, &only), RINGBUS_EINVAL);
    only.options.name = NULL;
    only.options.reader = &only.reading;
    ck_assert_int_eq(
        ringbus_processor_open(ring, handle_nothing, NULL, &only.options, &none), RINGBUS_EINVAL);
    stage_close(&only);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    ringbus_ring_close(other);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("processor share", each_event_is_handled_by_one_of_the_processors,
        what_a_stopped_processor_has_taken_is_its_own_until_it_is_closed,
        a_worker_rewinds_halts_and_goes_on,
        a_stage_after_a_share_of_processors_sees_what_they_have_finished,
        a_worker_has_no_reader_options_and_a_share_of_its_own_ring);
}
