/* loop.h - what an adapter for event loops needs of the bus. The functions are exported for our own adapters, with
 * a private prefix and no promise: adapter and core are of one version.
 *
 * A loop is one event loop's share in one bus. Its groups are executed by the loop's thread, turn by turn; before
 * the thread goes to sleep it says so, and whoever then has something for it wakes it, once.
 * I1  `wake` is called only by the one who took ASLEEP away, and never after CLOSED was set and the senders counted
 *     above it have left
 * I2  ASLEEP is set before the readers are armed, so whoever takes a reader's bit finds it
 * Source: the state word and the order of closing were proved against libuv's own races, see docs/decisions/0002. */
#ifndef RINGBUS_BUS_EXECUTOR_LOOP_H
#define RINGBUS_BUS_EXECUTOR_LOOP_H

#include "base/atomic.h"
#include "ringbus/ringbus.h"

struct ringbus__loop {
    struct ringbus_bus *bus;
    struct atomic_u32 state; /* ASLEEP, CLOSED, and from bit 2 on the threads inside `wake` */

    /* written at attach, while the loop is closed */
    void (*wake)(void *context); /* make the loop run a turn soon; from any thread */
    void *wake_context;

    /* Groups that have refused a post of this loop since it was last writable, and those of them that have fallen to
     * half since; set and cleared by the loop's thread, and under the bus lock. */
    struct atomic_u64 refused;
    struct atomic_u64 fallen;

    /* of the loop's thread */
    struct ringbus_group *groups;
    struct ringbus_group *turn; /* whose turn is next; NULL: the first's */
    uint32_t share;             /* events left of that one's quantum; 0: all */
    uint32_t awaits_writable;   /* somebody does */
    struct ringbus__loop *next_on_thread;

    /* guarded by the bus lock */
    struct ringbus__loop *next_on_bus;
    uint32_t is_attached;
};

/* Whoever finds ASLEEP set takes it away and calls `wake`. */
void ringbus__loop_ring(struct ringbus__loop *loop);

/* Say that the loop sleeps; its readers are armed after it, then looked at. And take it back. */
void ringbus__loop_doze(struct ringbus__loop *loop);
void ringbus__loop_rouse(struct ringbus__loop *loop);

/* Join the bus, on the loop's thread. RINGBUS_OK, RINGBUS_ENOMEM, RINGBUS_ESHUTDOWN, RINGBUS_ESYS. */
RINGBUS_API int ringbus__loop_attach(struct ringbus_bus *bus, void (*wake)(void *context),
    void *wake_context, struct ringbus__loop **ret_loop);

/* All groups have left: no `wake` is under way, or will be, when it returns. */
RINGBUS_API void ringbus__loop_silence(struct ringbus__loop *loop);

/* Then, as the adapter's last call: leave the bus, which may be closed from now on. The memory stays with the bus,
 * since a publisher may still hold a pointer to it, and serves the next loop. */
RINGBUS_API void ringbus__loop_detach(struct ringbus__loop *loop);

/* A group on the loop. `options->kind` is ignored. */
RINGBUS_API int ringbus__loop_group_open(struct ringbus__loop *loop,
    const struct ringbus_group_options *options, struct ringbus_group **ret_group);

/* Begin to end it, from any thread: RINGBUS_OK, RINGBUS_EBUSY (already), RINGBUS_EINVAL (no loop group). The loop is
 * woken, and goes on with its turns until the group has left it. */
RINGBUS_API int ringbus__loop_group_end(struct ringbus_group *group, enum ringbus_how how);

/* One that nobody knows yet, the loop's only one: end it, and read its line to the end. Thread: the loop's. */
RINGBUS_API void ringbus__loop_group_undo(struct ringbus__loop *loop, struct ringbus_group *group);

/* One turn: handle up to `budget` events, round robin over the groups, and none after the one in which budget_ns were
 * over (0: no bound). A group that has read its line to the end leaves the loop: `on_left` is called for it, which must
 * call nothing of the user's. How many events there were. */
RINGBUS_API uint32_t ringbus__loop_turn(struct ringbus__loop *loop, uint32_t budget,
    int64_t budget_ns, void (*on_left)(struct ringbus_group *group, void *context), void *context);

/* 1: nothing is there, and `wake` will be called when that changes. 0: run another turn. */
RINGBUS_API int ringbus__loop_sleep(struct ringbus__loop *loop);

/* Every group in `refused` has fallen to half or ended, or the bus shuts down; then refused is 0 again. */
RINGBUS_API int ringbus__loop_is_writable(struct ringbus__loop *loop);

/* The bus, or the group's (NULL: no group), belongs to a parent process. */
RINGBUS_API int ringbus__loop_is_forked(
    const struct ringbus_bus *bus, const struct ringbus_group *group);

/* Take the lock that adapters have once for the process; returned is the place of the first of what they list under it,
 * NULL at the beginning, in a forked child, too. Not before a bus is open. */
RINGBUS_API void **ringbus__loop_lock(void);
RINGBUS_API void ringbus__loop_unlock(void);

/* For an adapter's own options struct: as ringbus__options_read. */
RINGBUS_API int ringbus__loop_options(void *known, size_t known_size, const void *given);

/* The bus's memory, for adapters; zeroed. */
RINGBUS_API void *ringbus__loop_alloc(struct ringbus_bus *bus, size_t size);
RINGBUS_API void ringbus__loop_release(struct ringbus_bus *bus, void *memory, size_t size);

#endif
