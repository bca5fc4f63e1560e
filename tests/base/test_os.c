/* test_os.c - what the system's table promises. */
#include <errno.h>
#include <signal.h>

#include "base/os.h"
#include "support/support.h"

START_TEST(the_clock_never_goes_back)
{
    int64_t last = ringbus_now_ns();

    for (int i = 0; i < 10000; i++) {
        const int64_t now = ringbus_now_ns();

        ck_assert_int_ge(now, last);
        last = now;
    }
}
END_TEST

START_TEST(there_is_at_least_one_processor)
{
    ck_assert_uint_ge(ringbus__os.cpu_count(), 1);
}
END_TEST

START_TEST(random_bytes_differ_from_call_to_call)
{
    unsigned char one[16] = {0}, other[16] = {0};

    ck_assert_int_eq(ringbus__os.random(one, sizeof one), RINGBUS_OK);
    ck_assert_int_eq(ringbus__os.random(other, sizeof other), RINGBUS_OK);
    ck_assert_mem_ne(one, other, sizeof one);
}
END_TEST

static void
read_mask(void *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, context);
}

START_TEST(a_thread_of_the_library_handles_no_signal)
{
    struct os_thread thread = {.run = read_mask, .name = "ringbus"};
    sigset_t inside, before, after;

    thread.context = &inside;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ck_assert_int_eq(ringbus__os.thread_start(&thread), RINGBUS_OK);
    ringbus__os.thread_join(&thread);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_eq(sigismember(&inside, SIGINT), 1);
    ck_assert_int_eq(sigismember(&inside, SIGALRM), 1);
    ck_assert_int_eq(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}
END_TEST

static void
count_one(void *context)
{
    add_u32(context, 1, ORDER_COUNT);
}

static void
ask_at_exit(void *context)
{
    MUST(ringbus__os.thread_at_exit(count_one, context) == RINGBUS_OK, "no room for a hook");
    MUST(load_u32(context, ORDER_COUNT) == 0, "the hook ran too early");
}

START_TEST(a_hook_runs_once_when_its_thread_ends)
{
    struct atomic_u32 count = {0};
    struct os_thread thread = {.run = ask_at_exit, .context = &count, .name = "ringbus"};

    ck_assert_int_eq(ringbus__os.thread_start(&thread), RINGBUS_OK);
    ringbus__os.thread_join(&thread);
    ck_assert_uint_eq(load_u32(&count, ORDER_COUNT), 1);
}
END_TEST

START_TEST(a_sleep_leaves_errno_alone)
{
    struct atomic_u32 word = {0};

    errno = 0;
    ck_assert_int_eq(ringbus__os.word_wait(&word, 0, 1), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(ringbus__os.word_wait(&word, 1, RINGBUS_FOREVER), RINGBUS_OK);
    ck_assert_int_eq(errno, 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("os", the_clock_never_goes_back, there_is_at_least_one_processor,
        random_bytes_differ_from_call_to_call, a_thread_of_the_library_handles_no_signal,
        a_hook_runs_once_when_its_thread_ends, a_sleep_leaves_errno_alone);
}
