/* uv.h - delivery on libuv loops (library ringbus-uv, CMake target ringbus::uv).
 *
 * A loop group's handlers run on the thread that runs the loop, between its I/O callbacks: always queued, never
 * called directly from a post. All groups of one bus on one loop share one async handle, which is woken only when
 * the loop sleeps.
 *
 *   call                                | thread
 *   ------------------------------------+------------------------------------------------------------
 *   ringbus_uv_group_open, _on_writable,| the one that runs the loop, always the same while a group is attached:
 *   _ref, _unref                        | builds with assertions check it, in every turn, too
 *   ringbus_uv_detach                   | any, the loop's own handlers included
 *
 * A thread that has attached a loop never waits in a post, to whatever bus: a full ring is RINGBUS_EDEADLK (post,
 * post_until) or RINGBUS_EAGAIN (try_post) there; ringbus_uv_on_writable tells when to try again.
 *
 * The order of leaving: ringbus_uv_detach every group; run the loop until the callbacks came; close your own handles;
 * uv_run returns 0 and uv_loop_close succeeds; ringbus_close, which is RINGBUS_EBUSY before. More of all this:
 * docs/guide/libuv.md.
 * Source: libuv's uv_async_t; its lost wake-ups: docs/decisions/0002-loops-sleep-by-a-fence.md. */
#ifndef RINGBUS_UV_H
#define RINGBUS_UV_H

#include <uv.h>

#include "ringbus/ringbus.h"

RINGBUS_BEGIN_DECLS

struct ringbus_uv_group_options {
    size_t size;        /* of this struct */
    const char *name;   /* of the group, 1..63 bytes; NULL: "loop-<number>" */
    uint32_t capacity;  /* as in ringbus_group_options */
    uint32_t slot_size; /* as in ringbus_group_options */
    uint32_t
        budget; /* events a turn of the loop handles, over all groups of this bus on it, before I/O and timers
                           get their turn, 1..2^20; 0: 256. The first group of the bus on the loop sets it.
                           A group alone there has it in one pass, with one batch_end, but no more than a
                           quarter of its ring, or 64 events; several have up to 64 at a time, in turn. */
    uint32_t overflow; /* enum ringbus_overflow */
    uint32_t reserve;  /* as in ringbus_group_options; so are the next two */
    uint32_t max_lag;
    int64_t max_call_ns;
    int64_t
        budget_ns; /* of time, for slow handlers: when it is over, the turn ends with the call that is running, and
                          the batch_ends and releases that are due. Costs a look at the clock behind each event. Set
                          with budget, by the first group; 0: none; negative: RINGBUS_EINVAL */
};

static inline struct ringbus_uv_group_options
ringbus_uv_group_options_default(void)
{
    struct ringbus_uv_group_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* Attach a group to a loop. It keeps the loop alive (see _unref) until it is detached.
 *
 * ret_group  written on success only; use it in ringbus_consumer_options.group
 * return     RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM, RINGBUS_ENOSPC (max_groups), RINGBUS_ESYS (uv_async_init
 *            failed: no descriptor), RINGBUS_ESHUTDOWN
 * Thread     the one that runs, or will run, the loop. Another one may run it, and attach, when all have left */
RINGBUS_API RINGBUS_NODISCARD int ringbus_uv_group_open(struct ringbus_bus *bus, uv_loop_t *loop,
    const struct ringbus_uv_group_options *options, struct ringbus_group **ret_group);

/* Call `callback` once, on the loop, from its turn, when every group of `bus` that refused a post on this loop since
 * the last time has fallen to half its capacity (less its reserve) or has ended (is it so already: on the next turn),
 * or when the bus shuts down. Callbacks run in the order they were asked for; when one of them is refused again, those
 * behind it wait on, in order.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL (no group of the bus is attached to this loop), RINGBUS_ENOMEM
 * Thread  the loop's */
RINGBUS_API RINGBUS_NODISCARD int ringbus_uv_on_writable(
    struct ringbus_bus *bus, uv_loop_t *loop, void (*callback)(void *context), void *context);

/* End a loop group: its consumers are unregistered, posts go on to the other groups. DRAIN delivers what its ring
 * holds, over as many turns as that takes; DISCARD counts it. Then `callback` (may be NULL) is called on the loop;
 * for the bus's last group there, from libuv's close callback, when no handle is left; on_writable callbacks still
 * waiting then are called first.
 *
 * return  RINGBUS_PENDING (the usual), RINGBUS_EBUSY (already detaching), RINGBUS_EINVAL (also when it has left) */
RINGBUS_API int ringbus_uv_detach(struct ringbus_group *group, enum ringbus_how how,
    void (*callback)(void *context), void *context);

/* Whether the bus's handle on this loop keeps it alive (it does from the start; once for all groups of the bus there).
 * While a group is leaving it does in any case: from ringbus_uv_detach on, or from the loop's next turn on if another
 * thread has called that. A loop that ends while it is unreferenced leaves events in the ring: detach on its thread and
 * run it once more; was it detached elsewhere meanwhile, _ref before that run.
 *
 * return  RINGBUS_OK, RINGBUS_EINVAL. Thread: the loop's */
RINGBUS_API int ringbus_uv_ref(struct ringbus_bus *bus, uv_loop_t *loop);
RINGBUS_API int ringbus_uv_unref(struct ringbus_bus *bus, uv_loop_t *loop);

RINGBUS_END_DECLS

#endif
