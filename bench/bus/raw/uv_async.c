/* uv_async.c - the least a wake-up of a loop can be: uv_async_send to a loop that has nothing else. */
#include <pthread.h>
#include <uv.h>

#include "base/atomic.h"
#include "raw.h"
#include "wakes.h"

static struct {
    uv_loop_t loop;
    uv_async_t async;
    pthread_t thread;
    struct atomic_i64 began; /* 0: it is over */
} bare;

static void
on_async(uv_async_t *async)
{
    /* STATE acquire: of the store before uv_async_send. */
    const int64_t began = load_i64(&bare.began, ORDER_STATE_ACQUIRE);

    if (began == 0)
        uv_close((uv_handle_t *)async, NULL);
    else
        wakes_arrive(began);
}

static void *
run_loop(void *context)
{
    uv_run(&bare.loop, UV_RUN_DEFAULT);
    return context;
}

static bool
async_open(void)
{
    return uv_loop_init(&bare.loop) == 0 && uv_async_init(&bare.loop, &bare.async, on_async) == 0 &&
           pthread_create(&bare.thread, NULL, run_loop, NULL) == 0;
}

static bool
async_post(int64_t began)
{
    /* STATE release: see on_async. */
    store_i64(&bare.began, began, ORDER_STATE_RELEASE);
    return uv_async_send(&bare.async) == 0;
}

static bool
async_close(void)
{
    return async_post(0) && pthread_join(bare.thread, NULL) == 0 && uv_loop_close(&bare.loop) == 0;
}

bool
uv_async_run(const struct request *request, struct figures *ret_figures)
{
    static const struct wakes_system system = {async_open, async_post, async_close};

    return wakes_run(&system, request, ret_figures);
}
