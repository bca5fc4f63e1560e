/* test_wait.c - processors that find nothing: time-outs, and halts that reach them asleep. */
#include "ring/fixture.h"
#include "support/stage.h"

#define CHECK_DRAINED(stage)                                                                       \
    ck_assert_int_eq(ringbus_processor_drain_until((stage)->processor, patience_ends()), RINGBUS_OK)

/* ---- time-outs ---- */

START_TEST(on_timeout_comes_again_and_again_while_nothing_does)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_ring(4);
        struct stage stage = {.has_timeout_hook = true, .reading = {.wait = wait}};
        uint32_t seen = 0;

        stage.reading.custom = custom_wait(wait, true);
        stage.options.timeout_ns = MILLISECOND;
        stage_open(ring, &stage);
        AWAIT(load_u32(&stage.timeouts, TEST_ACQUIRE) >= 2);
        publish(ring, 1);
        CHECK_DRAINED(&stage);
        seen = load_u32(&stage.timeouts, TEST_ACQUIRE);
        AWAIT(load_u32(&stage.timeouts, TEST_ACQUIRE) > seen);
        stage_close(&stage);
        ringbus_ring_close(ring);
        ck_assert_ptr_nonnull(strstr(stage.log, " batch:1/1 0. timeout:1 "));
        ck_assert_ptr_eq(strstr(stage.log, "start timeout:0 timeout:0 "), stage.log);
    }
}
END_TEST

static struct atomic_u64 finite_sleeps;

static int
note_deadline(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    if (deadline_ns != RINGBUS_FOREVER)
        add_u64(&finite_sleeps, 1, ORDER_COUNT);
    add_u64(&finite_sleeps, UINT64_C(1) << 32, ORDER_COUNT);
    return os_real()->word_wait(word, expected, deadline_ns);
}

START_TEST(without_timeout_ns_no_sleep_has_a_deadline)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct stage stage = {.has_timeout_hook = true, .reading = {.wait = RINGBUS_WAIT_BLOCK}};

    ringbus__os.word_wait = note_deadline;
    stage_open(ring, &stage);
    AWAIT(load_u64(&finite_sleeps, ORDER_COUNT) >> 32 > 0);
    stage_close(&stage);
    ck_assert_uint_eq((uint32_t)load_u64(&finite_sleeps, ORDER_COUNT), 0);
    ck_assert_str_eq(stage.log, "start shutdown ");
    end_watched(ring);
}
END_TEST

START_TEST(a_timeout_beyond_the_end_of_time_never_comes)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.has_timeout_hook = true, .options = {.timeout_ns = RINGBUS_FOREVER}};

    stage_open(ring, &stage);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
    stage_close(&stage);
    ringbus_ring_close(ring);
    ck_assert_str_eq(stage.log, "start batch:1/1 0. shutdown ");
}
END_TEST

static struct atomic_i64 fake_ns;
static struct atomic_u32 looks;

static int64_t
fake_now(void)
{
    return load_i64(&fake_ns, TEST_ACQUIRE);
}

static void
note_look(void)
{
    add_u32(&looks, 1, TEST_RELEASE);
    os_real()->yield();
}

/* It is `now_ns`, and the processor has seen that. */
static void
let_it_be(int64_t now_ns)
{
    uint32_t before = 0;

    store_i64(&fake_ns, now_ns, TEST_RELEASE);
    before = load_u32(&looks, TEST_ACQUIRE);
    AWAIT(load_u32(&looks, TEST_ACQUIRE) > before + 1);
}

START_TEST(the_time_runs_from_the_last_event_or_timeout)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.has_timeout_hook = true, .options = {.timeout_ns = 1000}};

    stage.reading.wait = RINGBUS_WAIT_YIELD;
    stage.reading.is_eager = 1; /* patience would wait for this clock */
    os_watch_begin(0);
    ringbus__os.now_ns = fake_now;
    ringbus__os.yield = note_look;
    stage_open(ring, &stage);
    let_it_be(999);
    publish(ring, 1);
    CHECK_DRAINED(&stage);
    let_it_be(999);
    let_it_be(1998);
    ck_assert_uint_eq(load_u32(&stage.timeouts, TEST_ACQUIRE), 0);
    let_it_be(1999);
    ck_assert_uint_eq(load_u32(&stage.timeouts, TEST_ACQUIRE), 1);
    let_it_be(2998);
    ck_assert_uint_eq(load_u32(&stage.timeouts, TEST_ACQUIRE), 1);
    let_it_be(2999);
    ck_assert_uint_eq(load_u32(&stage.timeouts, TEST_ACQUIRE), 2);
    stage_close(&stage);
    os_watch_end();
    ringbus_ring_close(ring);
}
END_TEST

/* ---- asleep ---- */

START_TEST(a_processor_sleeps_again_after_abandoned_slots)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct stage stage = {.reading = {.wait = RINGBUS_WAIT_BLOCK}};
    uint64_t sleeps = 0;

    stage_open(ring, &stage);
    AWAIT(os_watch_sleeps() >= 1);
    abandon(ring, 1);
    AWAIT(stage_position(&stage) == 0);
    sleeps = os_watch_sleeps();
    abandon(ring, 1);
    AWAIT(stage_position(&stage) == 1);
    AWAIT(os_watch_sleeps() > sleeps);
    stage_close(&stage);
    end_watched(ring);
}
END_TEST

START_TEST(a_halt_wakes_a_processor_however_it_waits)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_ring(4);
        struct stage before = {.act = NULL}, stage = {.reading = {.wait = wait}};

        stage.reading.custom = custom_wait(wait, true);
        os_watch_begin(0);
        stage_open(ring, &stage);
        if (wait <= RINGBUS_WAIT_BLOCK || wait == RINGBUS_WAIT_CUSTOM)
            AWAIT(os_watch_sleeps() >= 1);
        ck_assert_int_eq(IN_TIME(NULL, ringbus_processor_halt(stage.processor)), RINGBUS_OK);
        stage_close(&stage);
        stage_open(ring, &before);
        stage_open_after(ring, &stage, &before);
        ck_assert_int_eq(IN_TIME(NULL, ringbus_processor_halt(stage.processor)), RINGBUS_OK);
        stage_close(&stage);
        stage_close(&before);
        os_watch_end();
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_reader_in_the_place_of_a_halted_one_sleeps_well)
{
    struct ringbus_ring *ring = open_ring(4);
    struct stage stage = {.act = NULL};
    struct sleeper sleeper = {.ring = ring};

    stage_open(ring, &stage);
    sleeper.reader = ringbus_processor_reader(stage.processor);
    stage_close(&stage);
    ck_assert_ptr_eq(open_reader_after(ring, RINGBUS_WAIT_BLOCK, NULL, 0), sleeper.reader);
    os_watch_begin(0);
    let_sleep(&sleeper, wait_for_run, 1);
    publish(ring, 1);
    worker_join(&sleeper.worker, "a reader");
    os_watch_end();
    ringbus_ring_close(ring);
}
END_TEST

/* ---- every moment of falling asleep ---- */

static struct {
    struct ringbus_reader *reader;
    bool is_over, has_acted;
} scene;

static void
call_reader(void *context)
{
    (void)context;
    scene.is_over = true;
    scene.has_acted = true;
    ringbus__reader_call(scene.reader);
}

static int
sleep_in_scene(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)deadline_ns;
    stop_steps();
    if (!scene.has_acted && load_u32(word, ORDER_HINT) == expected)
        call_reader(NULL);
    MUST(load_u32(word, ORDER_HINT) != expected, "the reader sleeps, and was called");
    return RINGBUS_OK;
}

static void
wait_until_over(void *context)
{
    struct ringbus_run run;

    (void)context;
    while (!scene.is_over && ringbus_reader_poll(scene.reader, 1, &run) == RINGBUS_EAGAIN)
        ringbus__reader_wait_step(scene.reader, RINGBUS_FOREVER);
}

START_TEST(a_call_at_any_moment_of_falling_asleep_ends_the_wait)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        struct ringbus_ring *ring = open_ring(2);
        struct ringbus_reader *before = open_reader(ring);
        const bool is_dependent = nth % 2 == 0;

        scene.reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, &before, is_dependent);
        scene.is_over = scene.has_acted = false;
        os_watch_begin(0);
        ringbus__os.word_wait = sleep_in_scene;
        has_more = act_at_step(nth / 2 + 1, wait_until_over, NULL, call_reader, NULL);
        os_watch_end();
        ck_assert(scene.is_over);
        ringbus_ring_close(ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("processor wait", on_timeout_comes_again_and_again_while_nothing_does,
        without_timeout_ns_no_sleep_has_a_deadline, a_timeout_beyond_the_end_of_time_never_comes,
        the_time_runs_from_the_last_event_or_timeout,
        a_processor_sleeps_again_after_abandoned_slots, a_halt_wakes_a_processor_however_it_waits,
        a_reader_in_the_place_of_a_halted_one_sleeps_well,
        a_call_at_any_moment_of_falling_asleep_ends_the_wait);
}
