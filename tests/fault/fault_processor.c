/* fault_processor.c - a processor that opens or goes on while memory runs out or the system refuses: an outcome, the
 * ring as it was, and the same call succeeds afterwards. */
#include "ring/ring.h"
#include "support/stage.h"

enum { CAPACITY = 4 };

/* With room for one reader: a place that was not given back would be missed. */
static struct ringbus_ring *
open_tight_ring(struct faulty_allocator *faulty)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.allocator = &faulty->allocator;
    options.capacity = CAPACITY;
    options.max_readers = 1;
    MUST(ringbus_ring_open(&options, &ring) == RINGBUS_OK, "no ring");
    return ring;
}

/* Nobody holds producers back. */
static void
check_free(struct ringbus_ring *ring)
{
    for (int i = 0; i < 2 * CAPACITY; i++) {
        const int64_t sequence = ringbus_ring_try_claim(ring, 1);

        ck_assert_int_ge(sequence, 0);
        ringbus_ring_publish(ring, sequence, 1);
    }
}

static void
check_works(struct ringbus_ring *ring, struct stage *stage)
{
    for (int i = 0; i < 2 * CAPACITY; i++) {
        const int64_t sequence = ringbus_ring_claim_until(ring, 1, patience_ends());

        MUST(sequence >= 0, "no room");
        ringbus_ring_publish(ring, sequence, 1);
    }
    ck_assert_int_eq(ringbus_processor_drain_until(stage->processor, patience_ends()), RINGBUS_OK);
}

START_TEST(a_processor_opens_or_leaves_the_ring_as_it_was_whichever_system_call_fails)
{
    uint64_t refused = 0;

    for (uint64_t nth = 1;; nth++) {
        struct stage stage = {.options = {.cpu = stage_cpu()}};
        struct faulty_allocator faulty;
        struct ringbus_ring *ring = NULL;
        uint64_t asked = 0, live_bytes = 0;
        int outcome = RINGBUS_OK;

        faulty_allocator_init(&faulty, 0, 0);
        ring = open_tight_ring(&faulty);
        live_bytes = load_u64(&faulty.live_bytes, ORDER_COUNT);
        os_watch_begin(nth);
        outcome = stage_try_open(ring, &stage);
        asked = os_watch_fallible();
        if (outcome != RINGBUS_OK) {
            ck_assert_int_eq(outcome, RINGBUS_ESYS);
            ck_assert_ptr_null(stage.processor);
            ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), live_bytes);
            ck_assert_str_eq(stage.log, "");
            check_free(ring);
            stage_open(ring, &stage);
            refused++;
        }
        check_works(ring, &stage);
        stage_close(&stage);
        os_watch_end();
        ringbus_ring_close(ring);
        ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
        if (asked < nth)
            break;
    }
    ck_assert_uint_eq(refused, stage_cpu() > 0 ? 2 : 1); /* no thread, not on that CPU */
}
END_TEST

START_TEST(a_processor_goes_on_or_stands_where_it_stood_whichever_system_call_fails)
{
    uint64_t refused = 0, asked = 0;

    for (uint64_t nth = 1; asked + 1 >= nth; nth++) {
        struct stage stage = {.options = {.cpu = stage_cpu()}};
        struct faulty_allocator faulty;
        struct ringbus_ring *ring = NULL;

        faulty_allocator_init(&faulty, 0, 0);
        ring = open_tight_ring(&faulty);
        os_watch_begin(nth);
        if (stage_try_open(ring, &stage) == RINGBUS_OK) {
            ck_assert_int_eq(ringbus_processor_halt(stage.processor), RINGBUS_OK);
            if (ringbus_processor_resume(stage.processor) != RINGBUS_OK) {
                ck_assert_int_eq(stage_state(&stage), RINGBUS_PROCESSOR_HALTED);
                if (refused++ == 0) /* closed as it stands, or tried again */
                    ck_assert_int_eq(ringbus_processor_resume(stage.processor), RINGBUS_OK);
            }
            if (stage_state(&stage) == RINGBUS_PROCESSOR_RUNNING)
                check_works(ring, &stage);
            stage_close(&stage);
        }
        asked = os_watch_fallible();
        os_watch_end();
        ringbus_ring_close(ring);
        ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
    }
    ck_assert_uint_eq(refused, stage_cpu() > 0 ? 2 : 1);
}
END_TEST

START_TEST(a_refused_allocation_leaves_the_ring_as_it_was)
{
    struct stage stage = {.options = {.cpu = stage_cpu()}};
    struct faulty_allocator faulty;
    struct ringbus_ring *ring = NULL;
    uint64_t live_bytes = 0;

    faulty_allocator_init(&faulty, 0, 0);
    ring = open_tight_ring(&faulty);
    live_bytes = load_u64(&faulty.live_bytes, ORDER_COUNT);
    faulty.refuse_from = load_u64(&faulty.calls, ORDER_COUNT) + 1;
    faulty.refuse_count = 1;
    ck_assert_int_eq(stage_try_open(ring, &stage), RINGBUS_ENOMEM);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), live_bytes);
    check_free(ring);
    stage_open(ring, &stage);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), faulty.refuse_from + 1);
    check_works(ring, &stage);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), faulty.refuse_from + 1);
    stage_close(&stage);
    ringbus_ring_close(ring);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("fault processor",
        a_processor_opens_or_leaves_the_ring_as_it_was_whichever_system_call_fails,
        a_processor_goes_on_or_stands_where_it_stood_whichever_system_call_fails,
        a_refused_allocation_leaves_the_ring_as_it_was);
}
