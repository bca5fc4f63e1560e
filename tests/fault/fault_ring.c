/* fault_ring.c - a ring that opens while memory runs out or the system refuses: an outcome, no leak, and the same call
 * succeeds afterwards. */
#include "ring/ring.h"
#include "support/support.h"

enum { CAPACITY = 4 };

static int
open_with(struct faulty_allocator *faulty, struct ringbus_ring **ret_ring)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.allocator = &faulty->allocator;
    options.capacity = CAPACITY;
    return ringbus_ring_open(&options, ret_ring);
}

static int
open_reader(
    struct ringbus_ring *ring, struct ringbus_reader *before, struct ringbus_reader **ret_reader)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();

    options.wait = RINGBUS_WAIT_BLOCK;
    options.after = &before;
    options.after_count = before != NULL;
    return ringbus_reader_open(ring, &options, ret_reader);
}

static void
receive_all(void *context)
{
    struct ringbus_reader *reader = context;
    struct ringbus_run run;

    while (ringbus_reader_wait_until(reader, UINT32_MAX, RINGBUS_FOREVER, &run) == RINGBUS_OK)
        ringbus_reader_commit(reader, run.first + run.count - 1);
}

/* The ring does what it should, sleeping and waking: two readers in a row, a producer that must wait. */
static void
must_work(struct ringbus_ring *ring)
{
    struct ringbus_reader *readers[2] = {NULL, NULL};
    struct worker workers[2];

    for (int i = 0; i < 2; i++) {
        MUST(open_reader(ring, i > 0 ? readers[0] : NULL, &readers[i]) == RINGBUS_OK, "no reader");
        worker_start(&workers[i], receive_all, readers[i]);
    }
    for (int64_t sequence = 0; sequence < 1000; sequence++) {
        MUST(ringbus_ring_claim(ring, 1) == sequence, "no claim");
        ringbus_ring_publish(ring, sequence, 1);
    }
    ringbus_ring_end(ring);
    for (int i = 0; i < 2; i++) {
        worker_join(&workers[i], "a reader");
        MUST(ringbus_reader_position(readers[i]) == 999, "reader %d is not at the end", i);
    }
}

/* Open with `faulty` as it is, then again without a fault; the number of allocations the first one asked for. */
static uint64_t
open_twice(struct faulty_allocator *faulty)
{
    struct ringbus_ring *ring = NULL;
    const int outcome = open_with(faulty, &ring);
    const uint64_t calls = load_u64(&faulty->calls, ORDER_COUNT);

    if (faulty->refuse_from != 0 && calls >= faulty->refuse_from) {
        ck_assert_int_eq(outcome, RINGBUS_ENOMEM);
        ck_assert_ptr_null(ring);
        ck_assert_uint_eq(load_u64(&faulty->live_bytes, ORDER_COUNT), 0);
        faulty->refuse_from = 0;
        ck_assert_int_eq(open_with(faulty, &ring), RINGBUS_OK);
    } else
        ck_assert_int_eq(outcome, RINGBUS_OK);
    must_work(ring);
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&faulty->live_bytes, ORDER_COUNT), 0);
    return calls;
}

static int
refuse_barrier(void)
{
    return RINGBUS_ESYS;
}

/* In a process that has not asked for the barrier yet. */
static void
fail_each_system_call(void)
{
    for (uint64_t nth = 1;; nth++) {
        struct faulty_allocator faulty;
        uint64_t asked = 0;

        faulty_allocator_init(&faulty, 0, 0);
        os_watch_begin(nth);
        open_twice(&faulty);
        asked = os_watch_fallible();
        os_watch_end();
        if (asked < nth)
            break;
    }
    MUST(load_u32(&ringbus__barrier_fenced, ORDER_OWN) == 1, "no system call failed");
}

static void
never_succeed(void)
{
    struct faulty_allocator faulty;

    ringbus__os.barrier_register = refuse_barrier;
    faulty_allocator_init(&faulty, 0, 0);
    open_twice(&faulty);
}

/* The two tests with a child come first: what comes after them has found out what the system has. */
START_TEST(a_ring_opens_and_works_whichever_system_call_fails)
{
    run_in_child(fail_each_system_call);
}
END_TEST

START_TEST(a_ring_works_where_the_system_has_no_barrier)
{
    run_in_child(never_succeed);
}
END_TEST

START_TEST(any_refused_allocation_is_an_outcome_without_a_leak)
{
    for (uint64_t nth = 1;; nth++) {
        struct faulty_allocator faulty;

        faulty_allocator_init(&faulty, nth, 1);
        if (open_twice(&faulty) < nth)
            break;
    }
}
END_TEST

START_TEST(memory_that_stays_out_is_an_outcome_without_a_leak)
{
    for (uint64_t nth = 1;; nth++) {
        struct faulty_allocator faulty;

        faulty_allocator_init(&faulty, nth, UINT64_MAX);
        if (open_twice(&faulty) < nth)
            break;
    }
}
END_TEST

START_TEST(a_reader_opens_without_asking_for_anything)
{
    struct faulty_allocator faulty;
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *readers[2] = {NULL, NULL};

    faulty_allocator_init(&faulty, 0, 0);
    ck_assert_int_eq(open_with(&faulty, &ring), RINGBUS_OK);
    faulty.refuse_from = 1;
    faulty.refuse_count = UINT64_MAX;
    os_watch_begin(1);
    ck_assert_int_eq(open_reader(ring, NULL, &readers[0]), RINGBUS_OK);
    ck_assert_int_eq(open_reader(ring, readers[0], &readers[1]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_reader_close(readers[1]), RINGBUS_OK);
    ck_assert_uint_eq(os_watch_fallible(), 0);
    os_watch_end();
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("fault ring", a_ring_opens_and_works_whichever_system_call_fails,
        a_ring_works_where_the_system_has_no_barrier,
        any_refused_allocation_is_an_outcome_without_a_leak,
        memory_that_stays_out_is_an_outcome_without_a_leak,
        a_reader_opens_without_asking_for_anything);
}
