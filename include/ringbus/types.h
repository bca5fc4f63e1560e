/* types.h - what ring.h and ringbus.h share: the allocator, the clock, the modes of waiting, figures. */
#ifndef RINGBUS_TYPES_H
#define RINGBUS_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include "ringbus/export.h"

/* Deadlines are absolute, in nanoseconds of the monotonic clock: ringbus_now_ns() + 5000000 is in
 * five milliseconds. One in the past means "do not wait". */
#define RINGBUS_FOREVER INT64_MAX

/* Where memory comes from. Both functions or neither; NULL means the C library's.
 *
 * allocate  `size` bytes, aligned to `alignment` (a power of two, at most 4096); NULL if refused
 * release   gives back what `allocate` gave, with the same size
 * Thread    called from any thread that calls the library, and from the library's own. They must
 *           not call back into it.
 * Owner     the struct is copied; `context` must outlive the object it was given to. */
struct ringbus_allocator {
    void *(*allocate)(size_t size, size_t alignment, void *context);
    void (*release)(void *memory, size_t size, void *context);
    void *context;
};

/* How an actor that finds nothing to do waits. Those who sleep cost a publisher no more than those who spin, as long
 * as they are awake. SLEEP naps for 50 us at a time; YIELD and SLEEP look a hundred times first.
 * Source: LMAX's wait strategies, one for each actor instead of one for each ring, and producers have one too. */
enum ringbus_wait {
    RINGBUS_WAIT_PHASED = 0, /* spin a little where that has paid off, then sleep (the default) */
    RINGBUS_WAIT_BLOCK = 1,  /* sleep without spinning first: least CPU, one wake-up more */
    RINGBUS_WAIT_BUSY_SPIN = 2, /* look without end: lowest latency, one CPU each */
    RINGBUS_WAIT_YIELD = 3,     /* look, and let others run: for as many actors as CPUs */
    RINGBUS_WAIT_SLEEP = 4,     /* look, yield, then nap: nobody ever has to wake this one */
    RINGBUS_WAIT_CUSTOM = 5     /* of your own: struct ringbus_custom_wait in ringbus/ring.h */
};

/* One figure of one object, as a visitor of a bus or a ring gets it. */
struct ringbus_figure {
    const char *object; /* "bus", "group", "topic", "consumer"; "ring", "reader", "worker" */
    const char *name;   /* of the object; of a bus, of a ring: "" */
    const char *group;  /* a consumer's group, else NULL */
    const char *figure; /* "posted", "delivered", "lag", ... */
    /* "events", "bytes", "count", "calls", "sequence", "ns", "flag" (0 or 1), "enum" (one of the values in `help`) */
    const char *unit;
    const char *help; /* one sentence */
    int64_t value;
};

RINGBUS_BEGIN_DECLS

/* The monotonic clock, in nanoseconds. Thread: any. */
RINGBUS_API int64_t ringbus_now_ns(void);

/* How a bus, a group or a consumer ends. */
enum ringbus_how {
    RINGBUS_DRAIN = 1,  /* deliver what was posted before */
    RINGBUS_DISCARD = 2 /* do not; count it */
};

/* What becomes of an event for which a group has no room. A lossy group (all but LOSSLESS) refuses no post and makes
 * none wait: what it drops is counted (figure `dropped`) and told, once, in the `lost` of a later event; consumers of
 * it count in what a post returns. It has one executor, no consumer has an `after`, and it goes on dropping while it is
 * paused. With DROP_OLDEST and CONFLATE a batch is one event, so that what is handed out is as new as can be.
 * What it drops of events by reference is released: by the post that finds no room, overwrites or replaces it, or by
 * the lane that skips it. Events made in place are RINGBUS_EINVAL on a topic with consumers in a lossy group. */
enum ringbus_overflow {
    RINGBUS_LOSSLESS = 0, /* the post waits, or is refused */
    /* A full ring takes no more; `lost`: dropped between the post of the one before and that of this one. */
    RINGBUS_DROP_NEWEST = 1,
    /* The oldest event not yet handed out is overwritten. Who is overtaken goes on up to a quarter of the ring ahead of
     * the oldest one left, so that it is not overtaken again at once; what it skips is lost too. */
    RINGBUS_DROP_OLDEST = 2,
    /* The last value of every topic arrives, in the order in which the topics first had one; `lost`: values of its
     * topic that it has replaced. `capacity` is how many topics the consumers of the group may be registered on. A
     * value counts by when it was posted, also where it replaces an earlier one: one posted before a registration is
     * not for it; one posted after the end of a registration may have replaced the last that was. */
    RINGBUS_CONFLATE = 3
};

RINGBUS_END_DECLS

#endif
