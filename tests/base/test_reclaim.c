/* test_reclaim.c - records under fire: nothing is freed under a delivery, no call goes on once it is over. */
#include <stdlib.h>

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

/* Whoever begins a delivery after `change` was retired. */
struct news {
    struct atomic_u32 is_reading;
    uint64_t before;
    uint32_t change; /* plain: ThreadSanitizer looks at it too */
    uint32_t seen;
};

static void
enter_after(void *context)
{
    struct news *news = context;
    uint64_t epoch = 0;
    const int64_t until = patience_ends();

    store_u32(&news->is_reading, 1, ORDER_HINT);
    while (epoch <= news->before) {
        await_step(until, "a later epoch", __FILE__, __LINE__);
        enter();
        epoch = load_u64(&ringbus__record.epoch, ORDER_OWN);
        leave();
    }
    news->seen = news->change;
}

START_TEST(a_delivery_of_a_later_epoch_sees_what_was_changed_before)
{
    struct news news = {.before = ringbus__record_retire() + 1};
    struct worker worker;

    worker_start(&worker, enter_after, &news);
    AWAIT(load_u32(&news.is_reading, ORDER_HINT));
    news.change = 7;
    ringbus__record_retire();
    worker_join(&worker, "a thread that delivers");
    ck_assert_uint_eq(news.seen, 7);
}
END_TEST

/* A writer replaces an object, and frees the old one when it has been passed. */
struct exhibit {
    struct atomic_ptr shown;
    struct atomic_u32 is_over;
};

enum { INTACT = 0x600d };

static void
look_at_exhibits(void *context)
{
    struct exhibit *exhibit = context;

    while (!load_u32(&exhibit->is_over, ORDER_HINT)) {
        enter();
        for (int i = 0; i < 4; i++)
            MUST(*(const int *)load_ptr(&exhibit->shown, TEST_ACQUIRE) == INTACT, "freed");
        leave();
    }
}

static int *
make_intact(void)
{
    int *made = malloc(sizeof *made);

    MUST(made != NULL, "no memory");
    *made = INTACT;
    return made;
}

static void
replace_exhibits(uint64_t rounds)
{
    const int64_t begun = ringbus_now_ns();
    struct exhibit exhibit = {.is_over = {0}};
    struct worker workers[2];

    ringbus__barrier_init();
    store_ptr(&exhibit.shown, make_intact(), ORDER_OWN);
    for (int i = 0; i < 2; i++)
        worker_start(&workers[i], look_at_exhibits, &exhibit);
    for (; rounds > 0 && has_time_for_a_part(begun); rounds--) {
        int *old = load_ptr(&exhibit.shown, ORDER_OWN);
        uint64_t tag = 0;

        store_ptr(&exhibit.shown, make_intact(), TEST_RELEASE);
        tag = ringbus__record_retire();
        AWAIT(has_passed(tag));
        *old = 0;
        free(old);
    }
    store_u32(&exhibit.is_over, 1, ORDER_HINT);
    for (int i = 0; i < 2; i++)
        worker_join(&workers[i], "a thread that looks");
    free(load_ptr(&exhibit.shown, ORDER_OWN));
}

START_TEST(nothing_is_freed_under_a_delivery)
{
    replace_exhibits(scaled(5000));
}
END_TEST

/* A consumer is taken away: whoever saw it there has announced the call before it looked. */
struct stage {
    struct atomic_u32 is_wanted, is_over;
    /* Written by the handler. Plain, so that ThreadSanitizer sees a call that comes too late. */
    uint32_t calls;
};

static void
call_while_wanted(void *context)
{
    struct stage *stage = context;

    while (!load_u32(&stage->is_over, ORDER_HINT)) {
        enter();
        record_call(&ringbus__record, stage);
        if (load_u32(&stage->is_wanted, TEST_ACQUIRE))
            (*(volatile uint32_t *)&stage->calls)++;
        record_return(&ringbus__record);
        leave();
    }
}

static void
take_away(uint64_t rounds)
{
    const int64_t begun = ringbus_now_ns();
    struct stage stage = {.calls = 0};
    struct worker worker;
    uint64_t random = 77;

    ringbus__barrier_init();
    worker_start(&worker, call_while_wanted, &stage);
    for (; rounds > 0 && has_time_for_a_part(begun); rounds--) {
        uint32_t calls = 0;

        store_u32(&stage.is_wanted, 1, TEST_RELEASE);
        dawdle(&random, UINT64_C(16) << rounds % 8);
        store_u32(&stage.is_wanted, 0, ORDER_HINT);
        AWAIT(!ringbus__record_is_called(&stage));
        calls = stage.calls;
        for (int pauses = 0; pauses < 16; pauses++)
            cpu_pause();
        MUST(*(volatile uint32_t *)&stage.calls == calls, "a call is not over");
    }
    store_u32(&stage.is_over, 1, ORDER_HINT);
    worker_join(&worker, "a thread that calls");
}

START_TEST(no_call_begins_or_goes_on_once_it_is_over)
{
    take_away(scaled(20000));
}
END_TEST

static int
refuse_barrier(void)
{
    return RINGBUS_ESYS;
}

static void
work_without_barrier(void)
{
    ringbus__os.barrier_register = refuse_barrier;
    replace_exhibits(scaled(20000));
    take_away(scaled(100000));
}

/* First: what comes after it has found out what the system has. */
START_TEST(nothing_changes_where_the_system_has_no_barrier)
{
    run_in_child(work_without_barrier);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("reclaim", nothing_changes_where_the_system_has_no_barrier,
        a_delivery_of_a_later_epoch_sees_what_was_changed_before, nothing_is_freed_under_a_delivery,
        no_call_begins_or_goes_on_once_it_is_over);
}
