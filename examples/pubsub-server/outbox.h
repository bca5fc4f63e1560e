/* outbox.h - what a client is to get, in the order of its commands. A reply may be promised and kept later; what comes
 * behind it is held back until then. Bytes that many clients get may stay where they are for a while. */
#ifndef PUBSUB_OUTBOX_H
#define PUBSUB_OUTBOX_H

#include <stdint.h>

#include "buffer.h"

/* All zero: empty. */
struct outbox {
    struct buffer ready;    /* may be written */
    struct buffer *shared;  /* so may bytes of another buffer, behind `ready` */
    size_t shared_at;       /* from that buffer's beginning */
    size_t shared_size;     /* 0: none */
    struct buffer held;     /* behind the oldest promise */
    struct buffer promises; /* struct promise, oldest first */
    uint64_t released;      /* bytes that were held and are ready */
    uint64_t next;          /* number of the next promise */
};

/* Share `size` bytes of a buffer, at `at` from its beginning, which MUST stay there until they are taken or owned. */
void outbox_share(struct outbox *outbox, struct buffer *buffer, size_t at, size_t size);

/* Copy what is shared: it is the outbox's own then. */
void outbox_own(struct outbox *outbox);

/* Where the next bytes go. */
static inline struct buffer *
outbox_end(struct outbox *outbox)
{
    if (outbox->shared_size > 0)
        outbox_own(outbox);
    return buffer_size(&outbox->promises) > 0 ? &outbox->held : &outbox->ready;
}

static inline size_t
outbox_size(const struct outbox *outbox)
{
    return buffer_size(&outbox->ready) + outbox->shared_size + buffer_size(&outbox->held);
}

/* `size` bytes have been written: of `ready`, then of what is shared. */
void outbox_take(struct outbox *outbox, size_t size);

/* Whether a promise is still to be kept. */
static inline bool
outbox_owes(const struct outbox *outbox)
{
    return buffer_size(&outbox->promises) > 0;
}

/* Memory was refused: something that should be here is not. */
static inline bool
outbox_is_broken(const struct outbox *outbox)
{
    return outbox->ready.is_broken || outbox->held.is_broken || outbox->promises.is_broken;
}

/* Room for one more promise.
 *
 * return  0, or -1 for want of memory: then it is broken */
int outbox_reserve(struct outbox *outbox);

/* Promise a reply, for which there is room: the integer `value`, if all goes well. Its number is `next` before the
 * call. */
void outbox_promise(struct outbox *outbox, long long value);

/* Keep a promise, in any order: with its integer, or with an error (NULL: none). One that was not made is no matter. */
void outbox_keep(struct outbox *outbox, uint64_t number, const char *error);

void outbox_free(struct outbox *outbox);

#endif
