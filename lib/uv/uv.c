/* uv.c - loop groups on libuv: one async handle per (bus, loop), a budget per turn, an orderly way out.
 *
 * A bell is what a bus and a loop share: the async handle, the loop's groups, those who wait to write.
 * I1  uv_async_send is called by the loop's own thread, or by whoever took ASLEEP from the core's state word: never
 *     after ringbus__loop_detach, which comes before uv_close
 * I2  after a turn the loop either sleeps by ringbus__loop_sleep, or has sent to itself: its I/O and timers come first
 * I3  a bell leaves the list when its last group has left, and is freed in libuv's close callback
 * Source: BIND's isc_async and Node's thread-safe functions (one handle, a bound per turn). */
#include <stdbool.h>

#include "bus/executor/loop.h"
#include "ringbus/uv.h"

enum { DEFAULT_BUDGET = 256, MAX_BUDGET = 1 << 20 };

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
    uv_thread_t thread; /* that attached */
    /* of the loop's thread */
    struct writer *first_writer, **last_writer;
    uint32_t writer_count;
    struct attachment *left; /* groups that have left in this turn */
    struct attachment *last; /* the bell's last one: its callback comes when the handle is closed */
    /* guarded by the adapters' lock: detach may come from any thread */
    struct attachment *attachments;
};

static struct bell *
find_bell(const struct ringbus_bus *bus, const uv_loop_t *loop)
{
    struct bell *bell = *ringbus__loop_lock();

    while (bell != NULL && (bell->bus != bus || bell->async.loop != loop))
        bell = bell->next;
    ringbus__loop_unlock();
    return bell;
}

static int
find_own(const struct ringbus_bus *bus, const uv_loop_t *loop, struct bell **ret_bell)
{
    if (bus == NULL || loop == NULL)
        return RINGBUS_EINVAL;
    if (ringbus__loop_is_forked(bus, NULL))
        return RINGBUS_EFORKED;
    *ret_bell = find_bell(bus, loop);
    return *ret_bell != NULL ? RINGBUS_OK : RINGBUS_EINVAL;
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

static void
wake(void *context)
{
    struct bell *bell = context;

    uv_async_send(&bell->async);
}

static void
on_async(uv_async_t *async)
{
    struct bell *bell = async->data;
    const uint32_t writers = bell->writer_count;
    uint32_t handled = 0;

    if (ringbus__loop_is_forked(bell->bus, NULL)) /* a child runs its copy of the loop */
        return;
    handled = ringbus__loop_turn(bell->loop, bell->budget, bell->budget_ns, on_left, bell);
    if (finish_left(bell)) {
        close_bell(bell);
        return;
    }
    call_writers(bell, writers);
    if (handled >= bell->budget || !ringbus__loop_sleep(bell->loop))
        uv_async_send(&bell->async);
}

/* ---- attaching ---- */

static void
forget(struct ringbus_group *group, void *context)
{
    (void)group;
    (void)context;
}

/* The loop's handle comes last, since giving it back would take a turn of the loop. */
static int
start_handle(struct bell *bell, uv_loop_t *loop, struct ringbus_group *group)
{
    void **first = NULL;

    if (uv_async_init(loop, &bell->async, on_async) != 0) {
        ringbus__loop_group_end(group, RINGBUS_DISCARD);
        ringbus__loop_turn(bell->loop, 1, 0, forget, NULL);
        return RINGBUS_ESYS;
    }
    bell->async.data = bell;
    first = ringbus__loop_lock();
    bell->next = *first;
    *first = bell;
    ringbus__loop_unlock();
    return RINGBUS_OK;
}

static int
make_bell(
    struct ringbus_bus *bus, const struct ringbus_uv_group_options *options, struct bell **ret_bell)
{
    struct bell *bell = ringbus__loop_alloc(bus, sizeof *bell);
    int outcome = RINGBUS_OK;

    if (bell == NULL)
        return RINGBUS_ENOMEM;
    bell->bus = bus;
    bell->budget = options->budget;
    bell->budget_ns = options->budget_ns;
    bell->thread = uv_thread_self();
    bell->last_writer = &bell->first_writer;
    outcome = ringbus__loop_attach(bus, wake, bell, &bell->loop);
    if (outcome == RINGBUS_OK)
        *ret_bell = bell;
    else
        ringbus__loop_release(bus, bell, sizeof *bell);
    return outcome;
}

static int
read_options(
    const struct ringbus_uv_group_options *given, struct ringbus_uv_group_options *ret_options)
{
    *ret_options = ringbus_uv_group_options_default();
    if (ringbus__loop_options(ret_options, sizeof *ret_options, given) != RINGBUS_OK)
        return RINGBUS_EINVAL;
    if (ret_options->budget == 0)
        ret_options->budget = DEFAULT_BUDGET;
    return ret_options->budget <= MAX_BUDGET && ret_options->budget_ns >= 0 ? RINGBUS_OK
                                                                            : RINGBUS_EINVAL;
}

static int
open_group(struct bell *bell, uv_loop_t *loop, bool is_new,
    const struct ringbus_uv_group_options *options, struct ringbus_group **ret_group)
{
    struct ringbus_group_options core = ringbus_group_options_default();
    struct attachment *attachment = ringbus__loop_alloc(bell->bus, sizeof *attachment);
    struct ringbus_group *group = NULL;
    int outcome = RINGBUS_ENOMEM;

    core.name = options->name;
    core.capacity = options->capacity;
    core.slot_size = options->slot_size;
    core.overflow = options->overflow;
    core.reserve = options->reserve;
    core.max_lag = options->max_lag;
    core.max_call_ns = options->max_call_ns;
    if (attachment != NULL)
        outcome = ringbus__loop_group_open(bell->loop, &core, &group);
    if (outcome == RINGBUS_OK && is_new)
        outcome = start_handle(bell, loop, group);
    if (outcome != RINGBUS_OK) {
        ringbus__loop_release(bell->bus, attachment, sizeof *attachment);
        return outcome;
    }
    attachment->group = group;
    ringbus__loop_lock();
    attachment->next = bell->attachments;
    bell->attachments = attachment;
    ringbus__loop_unlock();
    uv_async_send(&bell->async); /* a first turn arms the group */
    *ret_group = group;
    return RINGBUS_OK;
}

int
ringbus_uv_group_open(struct ringbus_bus *bus, uv_loop_t *loop,
    const struct ringbus_uv_group_options *given, struct ringbus_group **ret_group)
{
    struct ringbus_uv_group_options options;
    struct bell *bell = NULL;
    bool is_new = false;
    int outcome = RINGBUS_OK;

    if (bus == NULL || loop == NULL || ret_group == NULL ||
        read_options(given, &options) != RINGBUS_OK)
        return RINGBUS_EINVAL;
    if (ringbus__loop_is_forked(bus, NULL))
        return RINGBUS_EFORKED;
    bell = find_bell(bus, loop);
    is_new = bell == NULL;
    if (is_new)
        outcome = make_bell(bus, &options, &bell);
    if (outcome != RINGBUS_OK)
        return outcome;
    outcome = open_group(bell, loop, is_new, &options, ret_group);
    if (outcome != RINGBUS_OK && is_new) {
        ringbus__loop_detach(bell->loop);
        ringbus__loop_release(bus, bell, sizeof *bell);
    }
    return outcome;
}

/* Under the lock: of all that have not left. */
static struct attachment *
find_attachment(struct bell *bells, const struct ringbus_group *group, struct bell **ret_bell)
{
    for (struct bell *bell = bells; bell != NULL; bell = bell->next)
        for (struct attachment *at = bell->attachments; at != NULL; at = at->next)
            if (at->group == group) {
                *ret_bell = bell;
                return at;
            }
    return NULL;
}

int
ringbus_uv_detach(struct ringbus_group *group, enum ringbus_how how,
    void (*callback)(void *context), void *context)
{
    struct bell *bell = NULL;
    struct attachment *at = NULL;
    int outcome = RINGBUS_EINVAL;

    if (group == NULL || (how != RINGBUS_DRAIN && how != RINGBUS_DISCARD))
        return RINGBUS_EINVAL;
    if (ringbus__loop_is_forked(NULL, group))
        return RINGBUS_EFORKED;
    /* Over both: the loop must not forget the attachment before it is told whom to call. */
    at = find_attachment(*ringbus__loop_lock(), group, &bell);
    if (at != NULL)
        outcome = ringbus__loop_group_end(group, how);
    if (outcome == RINGBUS_OK) {
        const uv_thread_t self = uv_thread_self();

        at->callback = callback;
        at->context = context;
        outcome = RINGBUS_PENDING;
        if (uv_thread_equal(
                &self, &bell->thread)) /* a loop runs no turn for an unreferenced handle */
            uv_ref((uv_handle_t *)&bell->async);
    }
    ringbus__loop_unlock();
    return outcome;
}

/* ---- writing again, staying alive ---- */

int
ringbus_uv_on_writable(
    struct ringbus_bus *bus, uv_loop_t *loop, void (*callback)(void *context), void *context)
{
    struct bell *bell = NULL;
    struct writer *writer = NULL;
    const int outcome = callback ? find_own(bus, loop, &bell) : RINGBUS_EINVAL;

    if (outcome != RINGBUS_OK)
        return outcome;
    writer = ringbus__loop_alloc(bus, sizeof *writer);
    if (writer == NULL)
        return RINGBUS_ENOMEM;
    writer->callback = callback;
    writer->context = context;
    *bell->last_writer = writer;
    bell->last_writer = &writer->next;
    bell->writer_count++;
    bell->loop->awaits_writable = 1;
    uv_async_send(&bell->async); /* the next turn looks, and asks to be woken if it is too early */
    return RINGBUS_OK;
}

int
ringbus_uv_ref(struct ringbus_bus *bus, uv_loop_t *loop)
{
    struct bell *bell = NULL;
    const int outcome = find_own(bus, loop, &bell);

    if (outcome != RINGBUS_OK)
        return outcome;
    uv_ref((uv_handle_t *)&bell->async);
    return RINGBUS_OK;
}

int
ringbus_uv_unref(struct ringbus_bus *bus, uv_loop_t *loop)
{
    struct bell *bell = NULL;
    const int outcome = find_own(bus, loop, &bell);

    if (outcome != RINGBUS_OK)
        return outcome;
    uv_unref((uv_handle_t *)&bell->async);
    return RINGBUS_OK;
}
