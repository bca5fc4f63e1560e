/* record.c - scenarios: who delivers, who takes things out of reach and frees them (lib/base/record.c). */
#include "base/record.h"
#include "base/order.h"
#include "model.h"

static struct record records[2];
static struct atomic_ptr place;
static uint64_t old_object, new_object;
static struct atomic_u32 is_wanted;
static uint64_t callee; /* what its handler did */

static void
begin_unlinked(void)
{
    old_object = 1;
    store_ptr(&place, &old_object, ORDER_OWN);
    store_u32(&is_wanted, 1, ORDER_OWN);
    model_name(&place, "place");
    model_name(&is_wanted, "is_wanted");
    model_name(&old_object, "old_object");
    model_name(&new_object, "new_object");
    model_name(&callee, "callee");
    model_name(&ringbus__record_epoch, "global epoch");
    model_name(&records[0].epoch, "epoch[0]");
    model_name(&records[1].epoch, "epoch[1]");
    model_name(&records[0].called[0], "called[0]");
    model_name(&records[1].called[0], "called[1]");
}

static void
begin(void)
{
    begin_unlinked();
    model_check(ringbus__record_link(&records[0]) == 0);
}

static void
begin_two(void)
{
    begin();
    model_check(ringbus__record_link(&records[1]) == 0);
}

static void
begin_other(void)
{
    begin_unlinked();
    model_check(ringbus__record_link(&records[1]) == 0);
}

/* ---- what a delivery holds is not freed (EPOCH, TABLE) ---- */

static void
deliver(struct record *record)
{
    uint64_t *object = NULL;

    model_check(record_enter(record));
    /* As the bus follows a topic's match-set. */
    object = load_ptr(&place, ORDER_TABLE_ACQUIRE);
    model_check(model_read(object) == (object == &old_object ? 1 : 2));
    record_leave(record);
}

static void
deliver_once(void)
{
    deliver(&records[0]);
}

static void
deliver_twice(void)
{
    deliver(&records[0]);
    deliver(&records[0]);
}

static void
deliver_too(void)
{
    deliver(&records[1]);
}

static void
deliver_nested(void)
{
    model_check(record_enter(&records[0]));
    deliver(&records[0]);
    model_check(model_read(load_ptr(&place, ORDER_TABLE_ACQUIRE)) != 0);
    record_leave(&records[0]);
}

static void
deliver_and_exit(void)
{
    deliver(&records[0]);
    model_exit();
    model_check(!records[0].is_linked);
}

static void
replace_and_free(void)
{
    uint64_t tag = 0;

    model_write(&new_object, 2);
    store_ptr(&place, &new_object, ORDER_TABLE_RELEASE);
    tag = ringbus__record_retire();
    for (int i = 0; i < 2; i++)
        if (ringbus__record_oldest() > tag) {
            model_write(&old_object, 0);
            break;
        }
}

/* ---- after the last call (CALL) ---- */

static void
call_if_wanted(struct record *record)
{
    model_check(record_enter(record));
    record_call(record, &callee);
    if (load_u32(&is_wanted, ORDER_HINT))
        model_write(&callee, model_read(&callee) + 1);
    record_return(record);
    record_leave(record);
}

static void
call_once(void)
{
    call_if_wanted(&records[0]);
}

static void
call_twice(void)
{
    call_if_wanted(&records[0]);
    call_if_wanted(&records[0]);
}

/* Whoever sees the second callee has not seen that the first call was over. */
static void
call_then_other(void)
{
    call_if_wanted(&records[0]);
    model_check(record_enter(&records[0]));
    record_call(&records[0], &records[1]);
    record_return(&records[0]);
    record_leave(&records[0]);
}

/* The handler that calls another one, too. */
static void
call_nested(void)
{
    model_check(record_enter(&records[0]));
    record_call(&records[0], &records[1]);
    record_call(&records[0], &callee);
    if (load_u32(&is_wanted, ORDER_HINT))
        model_write(&callee, model_read(&callee) + 1);
    record_return(&records[0]);
    record_return(&records[0]);
    record_leave(&records[0]);
}

static void
remove_and_free(void)
{
    store_u32(&is_wanted, 0, ORDER_HINT);
    for (int i = 0; i < 2; i++)
        if (!ringbus__record_is_called(&callee)) {
            model_write(&callee, 0);
            break;
        }
}

/* What began before the tag was given is waited for, and what it did is seen. */
static void
remove_and_pass(void)
{
    uint64_t tag = 0;

    store_u32(&is_wanted, 0, ORDER_HINT);
    tag = ringbus__record_retire();
    for (int i = 0; i < 2; i++)
        if (!ringbus__record_serves(&callee, tag)) {
            model_write(&callee, 0);
            break;
        }
}

/* NAME, what it proves, begin, threads: with and without the asymmetric barrier. */
#define BOTH(title, what, first, ...)                                                              \
    {.name = "record_" title, .proves = what, .begin = first, .threads = {__VA_ARGS__}},           \
    {                                                                                              \
        .name = "record_" title "_fenced", .proves = what, .begin = first,                         \
        .threads = {__VA_ARGS__}, .is_fenced = true                                                \
    }

const struct scenario model_record[] = {
    BOTH("delivery", "what a delivery holds is freed after it only (EPOCH, TABLE)", begin,
        deliver_twice, replace_and_free),
    BOTH("first", "the same for a thread's first delivery", begin_unlinked, deliver_once,
        replace_and_free),
    {.name = "record_two",
        .proves = "and for two that deliver",
        .begin = begin_two,
        .threads = {deliver_once, deliver_too, replace_and_free}},
    {.name = "record_nested",
        .proves = "a delivery inside a delivery does not end it",
        .begin = begin,
        .threads = {deliver_nested, replace_and_free}},
    {.name = "record_exit",
        .proves = "a thread that ends leaves the list while another walks it",
        .begin = begin_other,
        .threads = {deliver_and_exit, replace_and_free}},
    BOTH("call", "who is removed is called no more once nobody announces a call (CALL)", begin,
        call_twice, remove_and_free),
    {.name = "record_call_other",
        .proves = "a call that another one followed is over",
        .begin = begin,
        .threads = {call_then_other, remove_and_free}},
    {.name = "record_call_nested",
        .proves = "a call inside a call is announced too",
        .begin = begin,
        .threads = {call_nested, remove_and_free}},
    BOTH("serves", "a delivery that began before the tag is waited for", begin, call_once,
        remove_and_pass),
    {0},
};
