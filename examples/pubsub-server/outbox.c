/* outbox.c - what a client is to get, in the order of its commands.
 *
 * I1. `held` has bytes only while there is a promise, and then the oldest one is not kept yet.
 * I2. Shared bytes come behind all of `ready`, which gets no more before they are owned. */
#include "outbox.h"

#include "reply.h"

struct promise {
    uint64_t at; /* how many bytes were ever held when it was made: those come before it */
    long long value;
    const char *error;
    bool is_kept;
};

static struct promise *
promises_of(const struct outbox *outbox)
{
    const struct buffer *const promises = &outbox->promises;

    return (struct promise *)(void *)(promises->data + promises->start);
}

static size_t
promise_count(const struct outbox *outbox)
{
    return buffer_size(&outbox->promises) / sizeof(struct promise);
}

void
outbox_own(struct outbox *outbox)
{
    const size_t size = outbox->shared_size;

    outbox->shared_size = 0;
    if (size > 0)
        buffer_put(&outbox->ready, outbox->shared->data + outbox->shared_at, size);
}

void
outbox_share(struct outbox *outbox, struct buffer *buffer, size_t at, size_t size)
{
    if (outbox_owes(outbox)) {
        buffer_put(outbox_end(outbox), buffer->data + at, size);
        return;
    }
    if (outbox->shared != buffer || outbox->shared_at + outbox->shared_size != at)
        outbox_own(outbox);
    if (outbox->shared_size == 0) {
        outbox->shared = buffer;
        outbox->shared_at = at;
    }
    outbox->shared_size += size;
}

void
outbox_take(struct outbox *outbox, size_t size)
{
    const size_t first = buffer_size(&outbox->ready);

    if (size >= first) {
        outbox->shared_at += size - first;
        outbox->shared_size -= size - first;
        size = first;
    }
    buffer_take(&outbox->ready, size);
}

int
outbox_reserve(struct outbox *outbox)
{
    return buffer_reserve(&outbox->promises, sizeof(struct promise)) ? 0 : -1;
}

void
outbox_promise(struct outbox *outbox, long long value)
{
    const struct promise promise = {
        .at = outbox->released + buffer_size(&outbox->held),
        .value = value,
    };

    buffer_put(&outbox->promises, &promise, sizeof promise);
    outbox->next++;
}

/* What was held up to `at` is ready. */
static void
release(struct outbox *outbox, uint64_t at)
{
    struct buffer *const held = &outbox->held;
    const size_t size = (size_t)(at - outbox->released);

    if (size == 0)
        return;
    buffer_put(&outbox->ready, held->data + held->start, size);
    buffer_take(held, size);
    outbox->released = at;
}

void
outbox_keep(struct outbox *outbox, uint64_t number, const char *error)
{
    const uint64_t first = outbox->next - promise_count(outbox);

    if (number - first >= promise_count(outbox))
        return;
    outbox_own(outbox);
    promises_of(outbox)[number - first].error = error;
    promises_of(outbox)[number - first].is_kept = true;
    while (outbox_owes(outbox) && promises_of(outbox)->is_kept) {
        const struct promise promise = *promises_of(outbox);

        if (promise.error)
            reply_error(&outbox->ready, promise.error);
        else
            reply_integer(&outbox->ready, promise.value);
        buffer_take(&outbox->promises, sizeof promise);
        release(outbox, outbox_owes(outbox) ? promises_of(outbox)->at
                                            : outbox->released + buffer_size(&outbox->held));
    }
}

void
outbox_free(struct outbox *outbox)
{
    buffer_free(&outbox->ready);
    buffer_free(&outbox->held);
    buffer_free(&outbox->promises);
}
