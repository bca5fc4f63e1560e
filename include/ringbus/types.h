/* types.h - what ring.h and ringbus.h share: the allocator, the clock, the modes of waiting. */
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

/* How an actor that finds nothing to do waits. */
enum ringbus_wait {
    RINGBUS_WAIT_PHASED = 0, /* spin a little where that has paid off, then sleep (the default) */
    RINGBUS_WAIT_BLOCK = 1   /* sleep at once: least CPU, one wake-up more */
};

RINGBUS_BEGIN_DECLS

/* The monotonic clock, in nanoseconds. Thread: any. */
RINGBUS_API int64_t ringbus_now_ns(void);

RINGBUS_END_DECLS

#endif
