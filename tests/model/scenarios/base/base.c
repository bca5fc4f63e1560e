/* base.c - scenarios: the lock and the signal. */
#include "base/lock.h"
#include "base/park.h"
#include "model.h"

static struct lock lock;
static struct signal signal_;
static uint64_t counter;
static struct atomic_u32 condition;

static void
begin(void)
{
    lock.word.value = 0;
    signal_.word.value = 0;
    condition.value = 0;
    counter = 0;
    model_name(&lock, "lock");
    model_name(&signal_, "signal");
    model_name(&condition, "condition");
    model_name(&counter, "counter");
}

static void
count_under_lock(void)
{
    lock_acquire(&lock);
    model_write(&counter, model_read(&counter) + 1);
    lock_release(&lock);
}

static void
count_twice(void)
{
    count_under_lock();
    count_under_lock();
}

static void
end_two(void)
{
    model_check(counter == 2);
}

static void
end_three(void)
{
    model_check(counter == 3);
}

static void
make_true(void)
{
    model_write(&counter, 7);
    store_u32(&condition, 1, memory_order_release);
    signal_raise(&signal_);
}

static void
wait_true(void)
{
    for (;;) {
        const uint32_t key = signal_prepare(&signal_);

        if (load_u32(&condition, memory_order_acquire))
            break;
        signal_wait(&signal_, key, RINGBUS_FOREVER);
    }
    model_check(model_read(&counter) == 7);
}

static void
make_half_true(void)
{
    add_u32(&condition, 1, memory_order_acq_rel);
    signal_raise(&signal_);
}

static void
wait_both(void)
{
    for (;;) {
        const uint32_t key = signal_prepare(&signal_);

        if (load_u32(&condition, memory_order_acquire) == 2)
            break;
        signal_wait(&signal_, key, RINGBUS_FOREVER);
    }
}

const struct scenario model_base[] = {
    {.name = "base_lock",
        .proves = "one holder at a time, who sees what the last one did",
        .begin = begin,
        .threads = {count_twice, count_under_lock},
        .end = end_three},
    {.name = "base_lock_three",
        .proves = "who sleeps for the lock is woken",
        .begin = begin,
        .threads = {count_under_lock, count_under_lock, count_under_lock},
        .end = end_three},
    {.name = "base_lock_two",
        .proves = "two that find it held",
        .begin = begin,
        .threads = {count_under_lock, count_under_lock},
        .end = end_two},
    {.name = "base_signal",
        .proves = "who raises a signal wakes who waits for the condition, or is seen by it",
        .begin = begin,
        .threads = {make_true, wait_true}},
    {.name = "base_signal_fenced",
        .proves = "the same without an asymmetric barrier",
        .begin = begin,
        .threads = {make_true, wait_true},
        .is_fenced = true},
    {.name = "base_signal_two_wait",
        .proves = "all who wait are woken",
        .begin = begin,
        .threads = {make_true, wait_true, wait_true}},
    {.name = "base_signal_two_raise",
        .proves = "of two changes neither wake-up is lost",
        .begin = begin,
        .threads = {make_half_true, make_half_true, wait_both}},
    {0},
};
