/* test_lock.c - the lock of one word. */
#include <sched.h>

#include "base/lock.h"
#include "support/support.h"

enum { THREADS = 4 };

struct shared {
    struct lock lock;
    uint64_t count; /* guarded by the lock: ThreadSanitizer looks at it too */
    uint64_t rounds;
};

static void
count_under_the_lock(void *context)
{
    struct shared *shared = context;

    for (uint64_t i = 0; i < shared->rounds; i++) {
        uint64_t count = 0;

        lock_acquire(&shared->lock);
        count = shared->count;
        if (i % 64 == 0)
            sched_yield();
        shared->count = count + 1;
        lock_release(&shared->lock);
    }
}

START_TEST(one_thread_at_a_time_holds_the_lock)
{
    struct shared shared = {.rounds = scaled(50000)};
    struct worker workers[THREADS];

    for (int i = 0; i < THREADS; i++)
        worker_start(&workers[i], count_under_the_lock, &shared);
    for (int i = 0; i < THREADS; i++)
        worker_join(&workers[i], "a thread that takes the lock");
    ck_assert_uint_eq(shared.count, THREADS * shared.rounds);
}
END_TEST

START_TEST(a_free_lock_asks_nothing_of_the_system)
{
    struct lock lock = {0};

    os_watch_begin(0);
    for (int i = 0; i < 10; i++) {
        lock_acquire(&lock);
        lock_release(&lock);
    }
    ck_assert_uint_eq(os_watch_sleeps() + os_watch_wakes() + os_watch_barriers(), 0);
    os_watch_end();
}
END_TEST

static void
take_once(void *context)
{
    lock_acquire(context);
    lock_release(context);
}

START_TEST(a_release_lets_all_sleepers_go_on)
{
    struct lock lock = {0};
    struct worker workers[THREADS];

    os_watch_begin(0);
    lock_acquire(&lock);
    for (int i = 0; i < THREADS; i++)
        worker_start(&workers[i], take_once, &lock);
    AWAIT(os_watch_sleeps() >= THREADS);
    lock_release(&lock);
    for (int i = 0; i < THREADS; i++)
        worker_join(&workers[i], "a thread that slept for the lock");
    os_watch_end();
    ck_assert_uint_eq(load_u32(&lock.word, ORDER_OWN), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("lock", one_thread_at_a_time_holds_the_lock,
        a_free_lock_asks_nothing_of_the_system, a_release_lets_all_sleepers_go_on);
}
