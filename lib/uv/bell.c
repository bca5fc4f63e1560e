/* bell.c - a bell from its first turn to the closing of its handle.
 *
 * Edges: STATE. */
#include "uv/bell.h"

#include <assert.h>

/* ---- the list ---- */

struct bell *
ringbus__bell_find(const struct ringbus_bus *bus, const uv_loop_t *loop)
{
    struct bell *bell = *ringbus__loop_lock();

    while (bell != NULL && (bell->bus != bus || bell->async.loop != loop))
        bell = bell->next;
    ringbus__loop_unlock();
    return bell;
}

static void
unlist(struct bell *bell)
{
    void **first = ringbus__loop_lock();
    struct bell *at = *first;

    if (at == bell)
        *first = bell->next;
    while (at != bell && at->next != bell)
        at = at->next;
    if (at != bell)
        at->next = bell->next;
    ringbus__loop_unlock();
}

/* ---- leaving ---- */

/* Release an attachment, and tell whoever asked to be told; `bus` may be gone after it. */
static void
finish(struct ringbus_bus *bus, struct attachment *attachment)
{
    const struct attachment copy = *attachment;

    ringbus__loop_release(bus, attachment, sizeof *attachment);
    if (copy.callback != NULL)
        copy.callback(copy.context);
}

static void
on_closed(uv_handle_t *handle)
{
    struct bell *bell = handle->data;
    struct ringbus_bus *bus = bell->bus;
    struct ringbus__loop *loop = bell->loop;
    struct attachment *last = bell->last;
    void (*const callback)(void *context) = last->callback;
    void *const context = last->context;

    if (ringbus__loop_is_forked(bus, NULL)) /* as in on_async */
        return;
    ringbus__loop_release(bus, last, sizeof *last);
    ringbus__loop_release(bus, bell, sizeof *bell);
    ringbus__loop_detach(loop); /* the bus may be closed from here on */
    if (callback != NULL)
        callback(context);
}

static void
call_writer(struct bell *bell)
{
    struct writer *writer = bell->first_writer;
    const struct writer copy = *writer;

    bell->first_writer = writer->next;
    if (bell->first_writer == NULL)
        bell->last_writer = &bell->first_writer;
    bell->writer_count--;
    ringbus__loop_release(bell->bus, writer, sizeof *writer);
    copy.callback(copy.context);
}

/* The last group has left: nobody finds the bell any more. */
static void
close_bell(struct bell *bell)
{
    unlist(bell);
    while (bell->first_writer != NULL)
        call_writer(bell);
    ringbus__loop_silence(bell->loop);
    uv_close((uv_handle_t *)&bell->async, on_closed);
}

/* By the core, in a turn: the group's line is read to its end. */
static void
on_left(struct ringbus_group *group, void *context)
{
    struct bell *bell = context;
    struct attachment **at = &bell->attachments, *attachment = NULL;

    ringbus__loop_lock();
    while ((*at)->group != group)
        at = &(*at)->next;
    attachment = *at;
    *at = attachment->next;
    add_u32(&bell->leaving, (uint32_t)-1, ORDER_COUNT); /* COUNT: read by this thread */
    ringbus__loop_unlock();
    attachment->next = bell->left;
    bell->left = attachment;
}

/* After the turn: true if the bell's last group has left. */
static bool
finish_left(struct bell *bell)
{
    while (bell->left != NULL) {
        struct attachment *attachment = bell->left;

        bell->left = attachment->next;
        if (bell->left == NULL && bell->attachments == NULL) {
            bell->last = attachment;
            return true;
        }
        finish(bell->bus, attachment);
    }
    return false;
}

/* ---- turns ---- */

/* Those who waited when the turn began, in order, until one of them is refused again. */
static void
call_writers(struct bell *bell, uint32_t count)
{
    for (; count > 0; count--) {
        if (!ringbus__loop_is_writable(bell->loop))
            break;
        call_writer(bell);
    }
    bell->loop->awaits_writable = bell->writer_count > 0;
}

void
ringbus__bell_wake(void *context)
{
    struct bell *bell = context;

    uv_async_send(&bell->async);
}

void
ringbus__bell_call(struct bell *bell)
{
    if (!bell->is_in_turn) /* which looks again at its end (I2) */
        uv_async_send(&bell->async);
}

void
ringbus__bell_refer(struct bell *bell)
{
    /* STATE acquire: who is leaving was counted before the loop was told of it. */
    if (bell->is_unreferenced && load_u32(&bell->leaving, ORDER_STATE_ACQUIRE) == 0)
        uv_unref((uv_handle_t *)&bell->async);
    else
        uv_ref((uv_handle_t *)&bell->async);
}

/* What has been posted, then who has left, then who waits to write. False: the bell is closing. */
static bool
run_turn(struct bell *bell)
{
    const uint32_t writers = bell->writer_count;
    const uint32_t handled =
        ringbus__loop_turn(bell->loop, bell->budget, bell->budget_ns, on_left, bell);

    if (finish_left(bell)) {
        close_bell(bell);
        return false;
    }
    call_writers(bell, writers);
    if (handled >= bell->budget || !ringbus__loop_sleep(bell->loop))
        uv_async_send(&bell->async);
    return true;
}

static void
on_async(uv_async_t *async)
{
    struct bell *bell = async->data;

    if (ringbus__loop_is_forked(bell->bus, NULL)) /* a child runs its copy of the loop */
        return;
    assert(bell_is_here(bell)); /* attach on the thread that runs the loop */
    bell->is_in_turn = true;
    if (run_turn(bell))
        ringbus__bell_refer(bell);
    bell->is_in_turn = false;
}

int
ringbus__bell_start(struct bell *bell, uv_loop_t *loop)
{
    void **first = NULL;

    if (uv_async_init(loop, &bell->async, on_async) != 0)
        return RINGBUS_ESYS;
    bell->async.data = bell;
    first = ringbus__loop_lock();
    bell->next = *first;
    *first = bell;
    ringbus__loop_unlock();
    return RINGBUS_OK;
}
