/* uv.c - the calls of a libuv program: attach, detach, wait to write, stay alive. */
#include <assert.h>

#include "uv/bell.h"

enum { DEFAULT_BUDGET = 256, MAX_BUDGET = 1 << 20 };

/* ---- attaching ---- */

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
    outcome = ringbus__loop_attach(bus, ringbus__bell_wake, bell, &bell->loop);
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
        outcome = ringbus__bell_start(bell, loop);
    if (outcome != RINGBUS_OK) {
        if (group != NULL)
            ringbus__loop_group_undo(bell->loop, group);
        ringbus__loop_release(bell->bus, attachment, sizeof *attachment);
        return outcome;
    }
    attachment->group = group;
    ringbus__loop_lock();
    attachment->next = bell->attachments;
    bell->attachments = attachment;
    ringbus__loop_unlock();
    ringbus__bell_call(bell); /* a first turn arms the group */
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
    bell = ringbus__bell_find(bus, loop);
    assert(bell == NULL || bell_is_here(bell));
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

/* Under the lock. Counted first, so that the loop finds it when it finds the group's end. */
static int
begin_to_leave(struct bell *bell, struct ringbus_group *group, enum ringbus_how how)
{
    int outcome = RINGBUS_OK;

    /* STATE: as in ringbus__bell_refer. */
    add_u32(&bell->leaving, 1, ORDER_STATE_RELEASE);
    outcome = ringbus__loop_group_end(group, how);
    if (outcome == RINGBUS_OK)
        return RINGBUS_PENDING;
    add_u32(&bell->leaving, (uint32_t)-1, ORDER_COUNT);
    return outcome;
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
    /* Over all of it: the loop must not forget the attachment before it is told whom to call. */
    at = find_attachment(*ringbus__loop_lock(), group, &bell);
    if (at != NULL)
        outcome = begin_to_leave(bell, group, how);
    if (outcome == RINGBUS_PENDING) {
        at->callback = callback;
        at->context = context;
        if (bell_is_here(bell)) /* else the next turn does it */
            ringbus__bell_refer(bell);
    }
    ringbus__loop_unlock();
    return outcome;
}

/* ---- writing again, staying alive ---- */

static int
find_own(const struct ringbus_bus *bus, const uv_loop_t *loop, struct bell **ret_bell)
{
    if (bus == NULL || loop == NULL)
        return RINGBUS_EINVAL;
    if (ringbus__loop_is_forked(bus, NULL))
        return RINGBUS_EFORKED;
    *ret_bell = ringbus__bell_find(bus, loop);
    assert(*ret_bell == NULL || bell_is_here(*ret_bell));
    return *ret_bell != NULL ? RINGBUS_OK : RINGBUS_EINVAL;
}

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
    ringbus__bell_call(bell); /* the next turn looks, and asks to be woken if it is too early */
    return RINGBUS_OK;
}

int
ringbus_uv_ref(struct ringbus_bus *bus, uv_loop_t *loop)
{
    struct bell *bell = NULL;
    const int outcome = find_own(bus, loop, &bell);

    if (outcome != RINGBUS_OK)
        return outcome;
    bell->is_unreferenced = false;
    ringbus__bell_refer(bell);
    return RINGBUS_OK;
}

int
ringbus_uv_unref(struct ringbus_bus *bus, uv_loop_t *loop)
{
    struct bell *bell = NULL;
    const int outcome = find_own(bus, loop, &bell);

    if (outcome != RINGBUS_OK)
        return outcome;
    bell->is_unreferenced = true;
    ringbus__bell_refer(bell);
    return RINGBUS_OK;
}
