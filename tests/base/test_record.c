/* test_record.c - what threads announce: deliveries that keep objects alive, calls that are under way. */
#include "base/record.h"
#include "support/support.h"

static void
enter(void)
{
    MUST(record_enter(&ringbus__record), "the thread has no record");
}

static void
leave(void)
{
    record_leave(&ringbus__record);
}

/* No delivery that began before `tag` was given goes on. */
static bool
has_passed(uint64_t tag)
{
    return tag < ringbus__record_oldest();
}

/* ---- one thread ---- */

START_TEST(what_is_retired_while_nobody_delivers_has_been_passed)
{
    ck_assert(has_passed(ringbus__record_retire()));
}
END_TEST

START_TEST(a_delivery_that_began_before_holds_what_is_retired)
{
    uint64_t tag = 0;

    enter();
    tag = ringbus__record_retire();
    ck_assert(!has_passed(tag));
    leave();
    ck_assert(has_passed(tag));
}
END_TEST

START_TEST(a_delivery_that_begins_after_holds_nothing)
{
    const uint64_t tag = ringbus__record_retire();

    enter();
    ck_assert(has_passed(tag));
    leave();
}
END_TEST

START_TEST(a_nested_delivery_counts_from_the_outermost)
{
    uint64_t tag = 0;

    enter();
    tag = ringbus__record_retire();
    enter();
    ck_assert(!has_passed(tag));
    leave();
    ck_assert(!has_passed(tag));
    leave();
    ck_assert(has_passed(tag));
}
END_TEST

START_TEST(what_is_retired_after_a_look_has_not_been_passed_by_it)
{
    const uint64_t oldest = ringbus__record_oldest();

    ck_assert_uint_ge(ringbus__record_retire(), oldest);
}
END_TEST

START_TEST(tags_grow)
{
    const uint64_t tag = ringbus__record_retire();

    ck_assert_uint_gt(ringbus__record_retire(), tag);
}
END_TEST

START_TEST(a_callee_is_called_from_call_to_return)
{
    int callee = 0, other = 0;

    enter();
    ck_assert(!ringbus__record_is_called(&callee));
    record_call(&ringbus__record, &callee);
    ck_assert(ringbus__record_is_called(&callee));
    ck_assert(!ringbus__record_is_called(&other));
    record_return(&ringbus__record);
    ck_assert(!ringbus__record_is_called(&callee));
    leave();
}
END_TEST

START_TEST(nested_calls_are_all_under_way)
{
    int callees[RECORD_DEPTH];

    enter();
    for (int i = 0; i < RECORD_DEPTH; i++)
        record_call(&ringbus__record, &callees[i]);
    for (int i = RECORD_DEPTH - 1; i >= 0; i--) {
        for (int j = 0; j < RECORD_DEPTH; j++)
            ck_assert_int_eq(ringbus__record_is_called(&callees[j]), j <= i);
        record_return(&ringbus__record);
    }
    leave();
}
END_TEST

START_TEST(a_callee_that_calls_itself_is_called_until_the_outer_return)
{
    int callee = 0;

    enter();
    record_call(&ringbus__record, &callee);
    record_call(&ringbus__record, &callee);
    record_return(&ringbus__record);
    ck_assert(ringbus__record_is_called(&callee));
    record_return(&ringbus__record);
    ck_assert(!ringbus__record_is_called(&callee));
    leave();
}
END_TEST

/* ---- several threads ---- */

struct visit {
    struct atomic_u32 is_inside, may_leave;
    int callee;
};

static void
stay_inside(void *context)
{
    struct visit *visit = context;

    enter();
    record_call(&ringbus__record, &visit->callee);
    store_u32(&visit->is_inside, 1, ORDER_HINT);
    AWAIT(load_u32(&visit->may_leave, ORDER_HINT));
    record_return(&ringbus__record);
    leave();
}

START_TEST(another_threads_delivery_and_call_are_seen)
{
    struct visit visit = {0};
    struct worker worker;
    uint64_t tag = 0;

    worker_start(&worker, stay_inside, &visit);
    AWAIT(load_u32(&visit.is_inside, ORDER_HINT));
    tag = ringbus__record_retire();
    ck_assert(!has_passed(tag));
    ck_assert(ringbus__record_is_called(&visit.callee));
    store_u32(&visit.may_leave, 1, ORDER_HINT);
    AWAIT(has_passed(tag));
    ck_assert(!ringbus__record_is_called(&visit.callee));
    worker_join(&worker, "a thread that delivers");
}
END_TEST

static void
end_inside(void *context)
{
    enter();
    record_call(&ringbus__record, context);
}

START_TEST(a_thread_that_ends_holds_nothing)
{
    int callee = 0;
    struct worker worker;

    worker_start(&worker, end_inside, &callee);
    worker_join(&worker, "a thread that ends in a delivery");
    ck_assert(has_passed(ringbus__record_retire()));
    ck_assert(!ringbus__record_is_called(&callee));
}
END_TEST

static void
fail_to_enter(void *context)
{
    (void)context;
    MUST(!record_enter(&ringbus__record), "the record was linked without a hook");
    MUST(record_enter(&ringbus__record), "the second time nothing fails");
    leave();
}

START_TEST(a_thread_the_system_refuses_a_hook_can_try_again)
{
    struct worker worker;

    os_watch_begin(1);
    worker_start(&worker, fail_to_enter, NULL);
    worker_join(&worker, "a thread without a hook");
    ck_assert_uint_eq(os_watch_fallible(), 2);
    os_watch_end();
    ck_assert(has_passed(ringbus__record_retire()));
}
END_TEST

/* Destructors of the thread's other keys run after the record's own. */
static pthread_key_t late_key;

static void
enter_too_late(void *context)
{
    (void)context;
    MUST(!record_enter(&ringbus__record), "a thread's record is linked after its end");
}

static void
enter_and_end(void *context)
{
    enter();
    leave();
    MUST(pthread_key_create(&late_key, enter_too_late) == 0, "no key");
    MUST(pthread_setspecific(late_key, context) == 0, "no value");
}

START_TEST(a_thread_that_ends_is_not_linked_again)
{
    struct worker worker;

    worker_start(&worker, enter_and_end, &worker);
    worker_join(&worker, "a thread that ends");
    pthread_key_delete(late_key);
    ck_assert(has_passed(ringbus__record_retire()));
}
END_TEST

static void
come_and_go(void *context)
{
    (void)context;
    enter();
    leave();
}

START_TEST(records_of_threads_that_come_and_go_at_once_are_kept_apart)
{
    enum { THREADS = 4 };

    for (uint64_t round = scaled(500); round > 0; round--) {
        struct worker workers[THREADS];

        for (int i = 0; i < THREADS; i++)
            worker_start(&workers[i], come_and_go, NULL);
        ringbus__record_oldest();
        for (int i = 0; i < THREADS; i++)
            worker_join(&workers[i], "a thread that comes and goes");
    }
    ck_assert(has_passed(ringbus__record_retire()));
}
END_TEST

START_TEST(who_looks_at_the_records_passes_the_systems_barrier)
{
    int callee = 0;

    if (!os_has_barrier())
        return;
    os_watch_begin(0);
    ringbus__record_oldest();
    ck_assert_uint_eq(os_watch_barriers(), 1);
    ck_assert(!ringbus__record_is_called(&callee));
    ck_assert_uint_eq(os_watch_barriers(), 2);
    os_watch_end();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("record", what_is_retired_while_nobody_delivers_has_been_passed,
        a_delivery_that_began_before_holds_what_is_retired,
        a_delivery_that_begins_after_holds_nothing, a_nested_delivery_counts_from_the_outermost,
        what_is_retired_after_a_look_has_not_been_passed_by_it, tags_grow,
        a_callee_is_called_from_call_to_return, nested_calls_are_all_under_way,
        a_callee_that_calls_itself_is_called_until_the_outer_return,
        another_threads_delivery_and_call_are_seen, a_thread_that_ends_holds_nothing,
        a_thread_that_ends_is_not_linked_again, a_thread_the_system_refuses_a_hook_can_try_again,
        records_of_threads_that_come_and_go_at_once_are_kept_apart,
        who_looks_at_the_records_passes_the_systems_barrier);
}
