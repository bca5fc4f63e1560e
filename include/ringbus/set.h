/* set.h - one thread waits on many rings.
 *
 * A set holds readers of any rings, its members. One wait looks for those that have something to poll, and sleeps on
 * one word while none has. Who publishes for a member that was empty marks it and wakes the thread, so a wait costs as
 * much as there are members with something, or that had something lately, however many wait beside them.
 *
 *   who may call what                        | threads
 *   -----------------------------------------+------------------------------------------------
 *   ringbus_set_add, _remove, _wait_until    | the set's owner: one thread at a time
 *   ringbus_reader_poll, _commit of a member | the same
 *   ringbus_set_close                        | the owner, the last call
 *
 *     struct ringbus_ready ready[8];
 *     int count;
 *
 *     while ((count = ringbus_set_wait_until(set, 8, RINGBUS_FOREVER, ready)) > 0)
 *         for (int i = 0; i < count; i++)
 *             handle(ready[i].reader, ready[i].context);      poll, commit; RINGBUS_ESHUTDOWN: ringbus_set_remove
 *
 * Every call checks its arguments.
 * Source: epoll's ready list, on one word; LMAX has a class of a performance test for it, which polls. */
#ifndef RINGBUS_SET_H
#define RINGBUS_SET_H

#include "ringbus/ring.h"

#define RINGBUS_SET_MAX_MEMBERS 64u

RINGBUS_BEGIN_DECLS

struct ringbus_set;

struct ringbus_set_options {
    size_t size;          /* of this struct */
    uint32_t max_members; /* 1..RINGBUS_SET_MAX_MEMBERS; 0: RINGBUS_SET_MAX_MEMBERS */
    /* enum ringbus_wait: how the set's owner waits. Those who look without sleeping look at every member each time. */
    uint32_t wait;
    const struct ringbus_custom_wait *custom;  /* with RINGBUS_WAIT_CUSTOM; its `wake` is NULL */
    const struct ringbus_allocator *allocator; /* copied; NULL: the C library's */
};

static inline struct ringbus_set_options
ringbus_set_options_default(void)
{
    struct ringbus_set_options options;

    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    return options;
}

/* A member that has something to poll. */
struct ringbus_ready {
    struct ringbus_reader *reader;
    void *context; /* given to ringbus_set_add */
};

/* Make a set without members.
 *
 * options  NULL: the defaults
 * ret_set  written on success only; close it with ringbus_set_close
 * return   RINGBUS_OK, RINGBUS_EINVAL, RINGBUS_ENOMEM
 * Thread   any. Allocates all the set will ever use. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_set_open(
    const struct ringbus_set_options *options, struct ringbus_set **ret_set);

/* Free the set. Its members leave it and stay open. NULL is allowed. */
RINGBUS_API void ringbus_set_close(struct ringbus_set *set);

/* Make a reader a member: it is waited for through the set alone, whatever way of waiting it was opened with, and it
 * and its ring stay open until it leaves.
 *
 * context  handed out with it
 * return   RINGBUS_OK, RINGBUS_EINVAL (a closed reader), RINGBUS_EEXIST (in this set or another),
 *          RINGBUS_ENOSPC (max_members are in it)
 * Thread   the owner. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_set_add(
    struct ringbus_set *set, struct ringbus_reader *reader, void *context);

/* Let a member leave: it can be waited for, added and closed again. What it has not read stays to be read.
 *
 * return  RINGBUS_OK: nobody wakes the set for it any more; RINGBUS_EINVAL, RINGBUS_ENOENT (it is not in this set)
 * Thread  the owner. Waits for a publisher that is just waking the set, which never blocks. */
RINGBUS_API int ringbus_set_remove(struct ringbus_set *set, struct ringbus_reader *reader);

/* Wait until members have something to poll, or their line has ended (the poll then says RINGBUS_ESHUTDOWN).
 *
 * max          of them, at least 1: who waits with less than there are gets the others next time, before the same ones
 *              again
 * deadline_ns  one in the past: look, do not wait. What is just being published may then be found by the next wait only
 * ret_ready    room for `max`; as many are written as are returned. A member not read to its end is ready
 *              again. Whom you remove while you handle them are still in your array.
 * return       how many (1..max), or RINGBUS_ETIMEDOUT, RINGBUS_EINVAL, RINGBUS_ENOENT (the set has no members)
 * Thread       the owner. */
RINGBUS_API RINGBUS_NODISCARD int ringbus_set_wait_until(
    struct ringbus_set *set, uint32_t max, int64_t deadline_ns, struct ringbus_ready *ret_ready);

RINGBUS_END_DECLS

#endif
