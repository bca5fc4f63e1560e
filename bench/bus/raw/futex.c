/* futex.c - the least a wake-up of a thread can be: it sleeps on a word, which is stored, and woken. */
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/atomic.h"
#include "raw.h"
#include "wakes.h"

static struct {
    pthread_t thread;
    struct atomic_u32 word; /* changes with every post */
    int64_t began;
    bool is_over;
} sleeper;

static void *
sleep_and_wake(void *context)
{
    for (uint32_t last = 0;; last++) {
        /* STATE acquire: what was posted is visible. */
        while (load_u32(&sleeper.word, ORDER_STATE_ACQUIRE) == last)
            syscall(SYS_futex, &sleeper.word, FUTEX_WAIT_PRIVATE, last, NULL, NULL, 0);
        if (sleeper.is_over)
            return context;
        wakes_arrive(sleeper.began);
    }
}

static void
wake(void)
{
    /* STATE release: what is posted is written. */
    store_u32(&sleeper.word, load_u32(&sleeper.word, ORDER_OWN) + 1, ORDER_STATE_RELEASE);
    syscall(SYS_futex, &sleeper.word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static bool
futex_open(void)
{
    store_u32(&sleeper.word, 0, ORDER_OWN);
    sleeper.is_over = false;
    return pthread_create(&sleeper.thread, NULL, sleep_and_wake, NULL) == 0;
}

static bool
futex_post(int64_t began)
{
    sleeper.began = began;
    wake();
    return true;
}

static bool
futex_close(void)
{
    sleeper.is_over = true;
    wake();
    return pthread_join(sleeper.thread, NULL) == 0;
}

bool
futex_run(const struct request *request, struct figures *ret_figures)
{
    static const struct wakes_system system = {futex_open, futex_post, futex_close};

    return wakes_run(&system, request, ret_figures);
}
