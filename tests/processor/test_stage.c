/* test_stage.c - processors that are opened, work in stages, are waited for. */
#include <pthread.h>
#include <sched.h>

#include "ring/fixture.h"
#include "ringbus/set.h"
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

#define CHECK_DRAINED(stage) ck_assert_int_eq(IN_TIME(NULL, drain_call(stage)), RINGBUS_OK)
#define CHECK_HALTED(stage)                                                                        \
    do {                                                                                           \
        ck_assert_int_eq(IN_TIME(NULL, halt_call(stage)), RINGBUS_OK);                             \
        ck_assert_int_eq(stage_state(stage), RINGBUS_PROCESSOR_HALTED);                            \
    } while (0)

/* ---- open ---- */

static int
handle_nothing(void *event, int64_t sequence, int end_of_batch, void *context)
{
    (void)event;
    (void)sequence;
    (void)end_of_batch;
    (void)context;
    return 0;
}

#define CHECK_REFUSED(change, outcome)                                                             \
    do {                                                                                           \
        struct ringbus_reader_options reading = ringbus_reader_options_default();                  \
        struct ringbus_processor_options options = ringbus_processor_options_default();            \
        struct ringbus_processor *none = NULL;                                                     \
                                                                                                   \
        options.reader = &reading;                                                                 \
        change;                                                                                    \
        ck_assert_int_eq(                                                                          \
            ringbus_processor_open(ring, handle_nothing, NULL, &options, &none), outcome);         \
        ck_assert_ptr_null(none);                                                                  \
    } while (0)

START_TEST(what_cannot_be_is_refused_and_leaves_the_ring_as_it_was)
{
    struct ringbus_ring_options tight = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL, *other = open_ring(2);
    struct ringbus_reader *foreign = open_reader(other);
    struct stage only = {.start_code = FOR_THE_TEST};
    struct ringbus_processor *processor = NULL;

    tight.max_readers = 1;
    ring = open_ring_with(&tight);
    CHECK_REFUSED(options.size = 1, RINGBUS_EINVAL);
    CHECK_REFUSED(options.timeout_ns = -1, RINGBUS_EINVAL);
    CHECK_REFUSED(options.timeout_ns = 1, RINGBUS_EINVAL);
    CHECK_REFUSED(options.name = "a name of more than thirty-one bytes", RINGBUS_EINVAL);
    CHECK_REFUSED(reading.size = 0, RINGBUS_EINVAL);
    CHECK_REFUSED(reading.wait = RINGBUS_WAIT_CUSTOM, RINGBUS_EINVAL);
    CHECK_REFUSED(reading.after_count = 1, RINGBUS_EINVAL);
    CHECK_REFUSED((reading.after = &foreign, reading.after_count = 1), RINGBUS_EINVAL);
    CHECK_REFUSED(reading.back = 1, RINGBUS_ERANGE);
    CHECK_REFUSED(options.cpu = UINT32_MAX, RINGBUS_ESYS);
    ck_assert_int_eq(stage_try_open(ring, &only), FOR_THE_TEST);
    ck_assert_str_eq(only.log, "start ");
    only.start_code = 0;
    stage_open(ring, &only);
    CHECK_REFUSED(options.max_batch = 1, RINGBUS_ENOSPC);
    ck_assert_int_eq(
        ringbus_processor_open(NULL, handle_nothing, NULL, NULL, &processor), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_processor_open(ring, NULL, NULL, NULL, &processor), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_processor_resume(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_processor_halt(NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(
        ringbus_processor_open(ring, handle_nothing, NULL, NULL, NULL), RINGBUS_EINVAL);
    stage_close(&only);
    ringbus_ring_close(ring);
    ringbus_ring_close(other);
}
END_TEST

START_TEST(options_of_a_later_version_are_read)
{
    struct {
        struct ringbus_reader_options known;
        unsigned char later[64];
    } reading = {.known = {.size = sizeof reading, .name = "later"}};
    const struct ringbus_processor_options options = {sizeof options, .reader = &reading.known};
    struct ringbus_processor *processor = NULL;
    struct ringbus_ring *ring = open_ring(4);

    ck_assert_int_eq(
        ringbus_processor_open(ring, handle_nothing, NULL, &options, &processor), RINGBUS_OK);
    ck_assert_str_eq(ringbus_processor_reader(processor)->name, "later");
    ck_assert_int_eq(ringbus_processor_close(processor), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_processors_reader_is_closed_and_waited_for_by_the_processor_alone)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_set *set = NULL;
    struct stage stage = {.code = 0};
    struct ringbus_reader *reader = NULL;

    stage_open(ring, &stage);
    reader = ringbus_processor_reader(stage.processor);
    ck_assert_int_eq(ringbus_reader_close(reader), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_open(NULL, &set), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(set, reader, NULL), RINGBUS_EINVAL);
    ringbus_set_close(set);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_lossy_ring_has_no_processors)
{
    struct ringbus_ring_options lossy = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    lossy.is_lossy = 1;
    ring = open_ring_with(&lossy);
    CHECK_REFUSED(options.max_batch = 1, RINGBUS_EINVAL);
    ringbus_ring_close(ring);
}
END_TEST

/* What the thread of a processor is like. */
struct likeness {
    char name[16];
    uint32_t cpus, cpu;
};

static int
note_likeness(struct stage *stage, void *event, int64_t sequence)
{
    struct likeness *likeness = stage->of_act;

    (void)event;
    (void)sequence;
#ifdef __linux__
    cpu_set_t set;

    MUST(sched_getaffinity(0, sizeof set, &set) == 0, "no affinity");
    likeness->cpus = (uint32_t)CPU_COUNT(&set);
    likeness->cpu = stage_cpu();
    pthread_getname_np(pthread_self(), likeness->name, sizeof likeness->name);
#else
    *likeness = (struct likeness){"a processor of ", ringbus__os.cpu_count(), 0};
#endif
    return 0;
}

START_TEST(reader_and_thread_bear_the_name_and_the_thread_runs_on_its_cpu_only)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = note_likeness, .options = {.name = "a processor of the test"}};
    struct likeness likeness = {.cpus = 0};

    stage.of_act = &likeness;
    stage_open(ring, &stage);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
    ck_assert_str_eq(likeness.name, "a processor of ");
    ck_assert_uint_eq(likeness.cpus, ringbus__os.cpu_count());
    ck_assert_str_eq(ringbus_processor_reader(stage.processor)->name, "a processor of the test");
    stage_close(&stage);
    stage.reading.name = "its reader's";
    stage.options.cpu = stage_cpu();
    stage_open(ring, &stage);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
    ck_assert_str_eq(ringbus_processor_reader(stage.processor)->name, "its reader's");
    ck_assert_str_eq(likeness.name, "a processor of ");
    ck_assert_uint_eq(likeness.cpus, stage.options.cpu > 0 ? 1 : ringbus__os.cpu_count());
    ck_assert_uint_eq(likeness.cpu, stage.options.cpu);
    stage_close(&stage);
    stage.options.name = NULL;
    stage_open(ring, &stage);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
#ifdef __linux__
    ck_assert_str_eq(likeness.name, "its reader's");
#endif
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- stages ---- */

/* One writer to a field. */
struct note {
    int64_t number, twice, square, sum;
};

static int
write_twice(struct stage *stage, void *event, int64_t sequence)
{
    struct note *slot = event;

    (void)stage;
    (void)sequence;
    slot->twice = slot->number * 2;
    return 0;
}

static int
write_square(struct stage *stage, void *event, int64_t sequence)
{
    struct note *slot = event;

    (void)stage;
    (void)sequence;
    slot->square = slot->number * slot->number;
    return 0;
}

static int
write_sum(struct stage *stage, void *event, int64_t sequence)
{
    struct note *slot = event;

    (void)stage;
    MUST(slot->number == sequence && slot->twice == sequence * 2 &&
             slot->square == sequence * sequence,
        "event %d comes before its notes", (int)sequence);
    slot->sum = slot->twice + slot->square;
    return 0;
}

static int
check_sum(struct stage *stage, void *event, int64_t sequence)
{
    const struct note *slot = event;

    (void)stage;
    MUST(slot->sum == sequence * 2 + sequence * sequence, "no sum in event %d", (int)sequence);
    return 0;
}

/* Two beside each other, then one, then another: a diamond and a chain. */
START_TEST(each_event_comes_with_the_notes_of_the_stages_before)
{
    enum { EVENTS = 2000, STAGES = 4 };

    struct ringbus_ring *ring = open_ring(8);
    const struct ringbus_view view = ringbus_ring_view(ring);
    struct ringbus_reader *sides[2] = {NULL, NULL};
    struct stage stages[STAGES] = {{.act = write_twice, .options = {.max_batch = 2}},
        {.act = write_square}, {.act = write_sum}, {.act = check_sum}};

    for (int i = 0; i < 2; i++) {
        stage_open(ring, &stages[i]);
        sides[i] = ringbus_processor_reader(stages[i].processor);
    }
    stages[2].reading.after = sides;
    stages[2].reading.after_count = 2;
    stage_open(ring, &stages[2]);
    stage_open_after(ring, &stages[3], &stages[2]);
    for (int64_t i = 0; i < EVENTS; i++) {
        MUST(ringbus_ring_claim_until(ring, 1, patience_ends()) == i, "no room for event %d",
            (int)i);
        *(struct note *)ringbus_ring_slot(&view, i) = (struct note){i, -1, -1, -1};
        ringbus_ring_publish(ring, i, 1);
    }
    ringbus_ring_end(ring);
    for (int i = STAGES - 1; i >= 0; i--) {
        CHECK_DRAINED(&stages[i]);
        ck_assert_int_eq(stage_position(&stages[i]), EVENTS - 1);
        stage_close(&stages[i]);
    }
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_processor_is_not_closed_while_somebody_comes_after_it)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage before = {.act = NULL}, after = {.act = NULL};

    stage_open(ring, &before);
    stage_open_after(ring, &after, &before);
    ck_assert_int_eq(ringbus_processor_close(before.processor), RINGBUS_EBUSY);
    ck_assert_int_eq(stage_state(&before), RINGBUS_PROCESSOR_RUNNING);
    publish(ring, 1);
    CHECK_DRAINED(&after);
    stage_close(&after);
    stage_close(&before);
    ck_assert_int_eq(ringbus_processor_close(NULL), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- drain ---- */

START_TEST(a_drain_right_after_open_counts_what_was_published)
{
    for (int i = 0; i < 100; i++) {
        struct ringbus_ring *ring = open_ring(4);
        struct stage stage = {.act = NULL};

        stage_open(ring, &stage);
        publish(ring, 3);
        CHECK_DRAINED(&stage);
        ck_assert_int_eq(stage_position(&stage), 2);
        stage_close(&stage);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* For each event it publishes two. */
static int
publish_more(struct stage *stage, void *event, int64_t sequence)
{
    (void)event;
    (void)sequence;
    if (ringbus_ring_cursor(stage->ring) - sequence < 1000)
        publish(stage->ring, 2);
    return 0;
}

START_TEST(a_drain_does_not_wait_for_what_comes_after_it)
{
    struct ringbus_ring *ring = open_ring(2048);
    struct stage stage = {.act = publish_more};

    stage_open(ring, &stage);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
    ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_RUNNING);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_drain_that_times_out_changes_nothing)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};
    struct gate gate;

    gate_init(&gate);
    stage.gate = &gate;
    stage_open(ring, &stage);
    publish(ring, 2);
    ck_assert_int_eq(ringbus_processor_drain_until(stage.processor, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_processor_drain_until(stage.processor, ringbus_now_ns() + MILLISECOND),
        RINGBUS_ETIMEDOUT);
    gate_open(&gate);
    CHECK_DRAINED(&stage);
    ck_assert_int_eq(ringbus_processor_drain_until(stage.processor, 0), RINGBUS_OK);
    stage_close(&stage);
    ringbus_ring_close(ring);
}
END_TEST

/* A drain that sleeps is ended by `end`. */
static void
check_drain_ended_by(void (*end)(struct stage *stage), int outcome)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.reading = {.wait = RINGBUS_WAIT_YIELD}};
    struct call call;

    calls_begin();
    stage_open(ring, &stage);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 0);
    call_start(&call, drain_call, &stage);
    ck_assert(!call_is_done(&call));
    end(&stage);
    ck_assert_int_eq(call_join(&call, "a drain"), outcome);
    stage_close(&stage);
    calls_end();
    ringbus_ring_close(ring);
}

static void
publish_claimed(struct stage *stage)
{
    ringbus_ring_publish(stage->ring, 0, 1);
}

static void
abandon_claimed(struct stage *stage)
{
    ringbus_ring_abandon(stage->ring, 0, 1);
}

static void
end_and_abandon(struct stage *stage)
{
    ringbus_ring_end(stage->ring);
    ringbus_ring_abandon(stage->ring, 0, 1);
}

static void
halt_it(struct stage *stage)
{
    CHECK_HALTED(stage);
}

START_TEST(a_drain_ends_when_what_was_claimed_is_published_or_abandoned_or_never_handled)
{
    check_drain_ended_by(publish_claimed, RINGBUS_OK);
    check_drain_ended_by(abandon_claimed, RINGBUS_OK);
    check_drain_ended_by(end_and_abandon, RINGBUS_OK);
    check_drain_ended_by(halt_it, RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus_processor_drain_until(NULL, 0), RINGBUS_EINVAL);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("processor stage", what_cannot_be_is_refused_and_leaves_the_ring_as_it_was,
        options_of_a_later_version_are_read, a_lossy_ring_has_no_processors,
        a_processors_reader_is_closed_and_waited_for_by_the_processor_alone,
        reader_and_thread_bear_the_name_and_the_thread_runs_on_its_cpu_only,
        each_event_comes_with_the_notes_of_the_stages_before,
        a_processor_is_not_closed_while_somebody_comes_after_it,
        a_drain_right_after_open_counts_what_was_published,
        a_drain_does_not_wait_for_what_comes_after_it, a_drain_that_times_out_changes_nothing,
        a_drain_ends_when_what_was_claimed_is_published_or_abandoned_or_never_handled);
}
