/* bell.h - what a bus and a loop of libuv share: the async handle, the loop's groups, those who wait to write.
 *
 * I1  uv_async_send is called by the loop's own thread, or by whoever took ASLEEP from the core's state word: never
 *     after ringbus__loop_silence, which comes before uv_close
 * I2  after a turn the loop either sleeps by ringbus__loop_sleep, or has sent to itself: its I/O and timers come first.
 *     What is asked for in a turn needs no send therefore
 * I3  a bell leaves the list when its last group has left, and is freed in libuv's close callback
 * I4  the handle is referenced unless the user has unreferenced it and no group is leaving: a loop runs no turn for a
 *     handle that is not
 * Edges: STATE.
 * Source: BIND's isc_async and Node's thread-safe functions (one handle, a bound per turn). */
#ifndef RINGBUS_UV_BELL_H
#define RINGBUS_UV_BELL_H

#include <stdbool.h>

#include "bus/executor/loop.h"
#include "ringbus/uv.h"

/* Who wants to know that posts may succeed again. */
struct writer {
    struct writer *next;
    void (*callback)(void *context);
    void *context;
};

/* A group on the loop, and what to call when it has left. */
struct attachment {
    struct attachment *next;
    struct ringbus_group *group;
    void (*callback)(void *context);
    void *context;
};

struct bell {
    uv_async_t async;
    struct bell *next; /* of all bells */
    struct ringbus_bus *bus;
    struct ringbus__loop *loop;
    uint32_t budget;
    int64_t budget_ns;
    uv_thread_t thread; /* that attached: the loop's */
    /* of the loop's thread */
    struct writer *first_writer, **last_writer;
    uint32_t writer_count;
    struct attachment *left; /* groups that have left in this turn */
    struct attachment *last; /* the bell's last one: its callback comes when the handle is closed */
    bool is_in_turn;
    bool is_unreferenced; /* by the user */
    /* guarded by the adapters' lock: detach may come from any thread */
    struct attachment *attachments;
    /* written under that lock, read by the loop's thread: groups that were told to leave and have not yet */
    struct atomic_u32 leaving;
};

/* The bell of a bus and a loop; NULL: no group of the bus is on it. Thread: the loop's. */
struct bell *ringbus__bell_find(const struct ringbus_bus *bus, const uv_loop_t *loop);

/* Make the handle, as the last thing of an attachment, since giving it back would take a turn of the loop. RINGBUS_OK
 * or RINGBUS_ESYS. */
int ringbus__bell_start(struct bell *bell, uv_loop_t *loop);

/* See to it that a turn comes, or goes on. Thread: the loop's. */
void ringbus__bell_call(struct bell *bell);

/* Bring the handle's reference up to date (I4). Thread: the loop's. */
void ringbus__bell_refer(struct bell *bell);

/* Wake the loop: what the core calls. */
void ringbus__bell_wake(void *context);

/* The calling thread is the one that attached. */
static inline bool
bell_is_here(const struct bell *bell)
{
    const uv_thread_t self = uv_thread_self();

    return uv_thread_equal(&self, &bell->thread) != 0;
}

#endif
