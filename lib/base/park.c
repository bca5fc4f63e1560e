/* park.c - sleeping on a word: futex on Linux, a table of mutexes and conditions elsewhere. */
#include "base/park.h"

#include <time.h>

#include "ringbus/error.h"
#include "ringbus/types.h"

#if defined(__linux__) && !defined(RINGBUS_PORTABLE_PARK)

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

int
ringbus__park_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    const struct timespec deadline = {
        .tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    const struct timespec *until = deadline_ns == RINGBUS_FOREVER ? NULL : &deadline;
    const int before = errno;
    bool is_late = false;

    if (deadline_ns <= 0)
        return RINGBUS_ETIMEDOUT;
    /* The bitset form takes an absolute deadline of the monotonic clock. */
    is_late = syscall(SYS_futex, &word->value, FUTEX_WAIT_BITSET_PRIVATE, expected, until, NULL,
                  FUTEX_BITSET_MATCH_ANY) != 0 &&
              errno == ETIMEDOUT;
    errno = before;
    return is_late ? RINGBUS_ETIMEDOUT : RINGBUS_OK;
}

void
ringbus__park_wake(struct atomic_u32 *word)
{
    syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

/* A word's sleepers meet in the bucket of its address. I1 holds since the word is compared under the bucket's
 * mutex, which the waker takes after it changed the word. */
enum { BUCKETS = 64 };

static struct bucket {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
} buckets[BUCKETS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
init_buckets(void)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    for (int i = 0; i < BUCKETS; i++) {
        pthread_mutex_init(&buckets[i].mutex, NULL);
        pthread_cond_init(&buckets[i].changed, &attributes);
    }
    pthread_condattr_destroy(&attributes);
}

/* A forked child begins with new ones: whoever held or slept on the old ones is not there. */
static void
make_buckets(void)
{
    init_buckets();
    pthread_atfork(NULL, NULL, init_buckets);
}

static struct bucket *
bucket_of(const struct atomic_u32 *word)
{
    pthread_once(&once, make_buckets);
    return &buckets[((uintptr_t)word >> 7 ^ (uintptr_t)word >> 2) % BUCKETS];
}

int
ringbus__park_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    struct bucket *bucket = bucket_of(word);
    const struct timespec deadline = {
        .tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
    int failed = 0, cancel = 0;

    if (deadline_ns <= 0)
        return RINGBUS_ETIMEDOUT;
    /* As with a futex, no thread is cancelled here. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    pthread_mutex_lock(&bucket->mutex);
    /* WAKE: the caller looks at its condition again; the compare needs no order of its own. */
    if (load_u32(word, ORDER_HINT) == expected) {
        if (deadline_ns == RINGBUS_FOREVER)
            failed = pthread_cond_wait(&bucket->changed, &bucket->mutex);
        else
            failed = pthread_cond_timedwait(&bucket->changed, &bucket->mutex, &deadline);
    }
    pthread_mutex_unlock(&bucket->mutex);
    pthread_setcancelstate(cancel, NULL);
    return failed == ETIMEDOUT ? RINGBUS_ETIMEDOUT : RINGBUS_OK;
}

void
ringbus__park_wake(struct atomic_u32 *word)
{
    struct bucket *bucket = bucket_of(word);

    pthread_mutex_lock(&bucket->mutex);
    pthread_cond_broadcast(&bucket->changed);
    pthread_mutex_unlock(&bucket->mutex);
}

#endif
