/* poll.c - a polled group's turns, and whose thread it is. */
#include "bus/executor/poll.h"

#include "base/os.h"
#include "bus/executor/loop.h"
#include "bus/group.h"

struct polled {
    struct ringbus__loop loop; /* only its bell is used */
    struct ringbus_group *group;
    struct os_bell bell;
    struct lock turn; /* only tried */
    bool is_at_end;   /* of whoever polls */

    /* guarded by the list's lock: it is of the process, since a thread must not wait for what it alone can do, in
     * whichever bus that is */
    struct polled *next;
    uint64_t thread; /* whose it is; 0: nobody's */
};

bool
ringbus__poll_is_ours(void)
{
    const struct record *record = record_here(&ringbus__record);
    struct os_list *list = NULL;
    bool is_ours = false;

    if (!record->is_linked) /* who polls is */
        return false;
    list = &ringbus__process()->polled;
    lock_acquire(&list->lock);
    for (const struct polled *at = list->first; at != NULL && !is_ours; at = at->next)
        is_ours = at->thread == record->id &&
                  load_u32(&at->group->bus->state, ORDER_STATE_ACQUIRE) != BUS_ENDED;
    lock_release(&list->lock);
    return is_ours;
}

static void
give_to(struct polled *polled, uint64_t thread)
{
    struct os_list *list = &ringbus__process()->polled;

    lock_acquire(&list->lock);
    polled->thread = thread;
    lock_release(&list->lock);
}

/* ---- open ---- */

static void
wake(void *context)
{
    struct polled *polled = context;

    ringbus__os.bell_set(&polled->bell);
}

int
ringbus__poll_open(struct ringbus_group *group, struct polled **ret_polled)
{
    struct os_list *list = &ringbus__process()->polled;
    struct ringbus_bus *bus = group->bus;
    struct polled *polled = ringbus__alloc(&bus->allocator, sizeof *polled, CPU_LINE);

    if (polled == NULL)
        return RINGBUS_ENOMEM;
    if (ringbus__os.bell_open(&polled->bell) != RINGBUS_OK) {
        ringbus__release(&bus->allocator, polled, sizeof *polled);
        return RINGBUS_ESYS;
    }
    polled->group = group;
    polled->loop.bus = bus;
    polled->loop.wake = wake;
    polled->loop.wake_context = polled;
    lock_acquire(&list->lock);
    polled->next = list->first;
    list->first = polled;
    lock_release(&list->lock);
    *ret_polled = polled;
    return RINGBUS_OK;
}

void
ringbus__poll_free(struct polled *polled)
{
    struct os_list *list = &ringbus__process()->polled;
    struct polled *at = NULL;

    lock_acquire(&list->lock);
    at = list->first;
    if (at == polled)
        list->first = polled->next;
    while (at != NULL && at->next != polled)
        at = at->next;
    if (at != NULL)
        at->next = polled->next;
    lock_release(&list->lock);
    ringbus__os.bell_close(&polled->bell);
    ringbus__release(&polled->group->bus->allocator, polled, sizeof *polled);
}

size_t
ringbus__poll_memory(void)
{
    return sizeof(struct polled);
}

/* ---- sleep ---- */

/* Leave the group so that the descriptor tells when there is something (I2). */
static void
arm(struct polled *polled)
{
    struct lane *lane = polled->group->lanes;

    ringbus__os.bell_clear(&polled->bell);
    ringbus__loop_doze(&polled->loop);
    ringbus__reader_arm(lane->reader);
    if (!polled->is_at_end && !ringbus__lane_has_something(lane))
        return;
    ringbus__loop_rouse(&polled->loop);
    ringbus__os.bell_set(&polled->bell);
}

int
ringbus__poll_begin(struct polled *polled)
{
    struct record *record = record_here(&ringbus__record);

    if (!record->is_linked && ringbus__record_link(record) != RINGBUS_OK)
        return RINGBUS_ESYS;
    polled->is_at_end = false;
    /* TABLE release: the bell is complete. */
    store_ptr(&polled->group->loop, &polled->loop, ORDER_TABLE_RELEASE);
    give_to(polled, record->id);
    arm(polled);
    return RINGBUS_OK;
}

/* ---- poll ---- */

/* How many events; none and `ret_has_ended`: the line has been read to its end, for the first time. */
static uint32_t
poll_group(struct polled *polled, uint32_t max, bool *ret_has_ended)
{
    struct ringbus_group *group = polled->group;
    struct record *record = record_here(&ringbus__record);
    uint32_t count = 0;

    give_to(polled, record->id);
    record->executor = group->lanes;
    count = ringbus__lane_run_bounded(group->lanes, max);
    record->executor = NULL;
    *ret_has_ended = count == 0 && ringbus__lane_is_at_end(group->lanes);
    polled->is_at_end = *ret_has_ended;
    if (*ret_has_ended)
        give_to(polled, 0);
    arm(polled);
    return count;
}

int
ringbus_group_poll(struct ringbus_group *group, uint32_t max)
{
    bool was_at_end = false, has_ended = false;
    uint32_t count = 0;
    int outcome = RINGBUS_OK;

    assert(group_is_live(group));
    if (group == NULL || group->kind != RINGBUS_GROUP_POLLED || max == 0 || max > INT32_MAX)
        return RINGBUS_EINVAL;
    if (bus_is_forked(group->bus))
        return RINGBUS_EFORKED;
    outcome = ringbus__bus_begin_turn();
    if (outcome != RINGBUS_OK)
        return outcome;
    if (!lock_try(&group->polled->turn))
        return RINGBUS_EBUSY;
    was_at_end = group->polled->is_at_end;
    if (!was_at_end)
        count = poll_group(group->polled, max, &has_ended);
    lock_release(&group->polled->turn);
    if (has_ended) /* the group may have another life after this */
        ringbus__group_reached_end(group);
    return was_at_end || has_ended ? RINGBUS_ESHUTDOWN : (int)count;
}

void
ringbus__poll_leave(struct polled *polled)
{
    give_to(polled, 0);
    arm(polled);
    lock_release(&polled->turn);
}

int
ringbus_group_fd(const struct ringbus_group *group)
{
    assert(group_is_live(group));
    if (group == NULL || group->kind != RINGBUS_GROUP_POLLED)
        return RINGBUS_EINVAL;
    if (bus_is_forked(group->bus))
        return RINGBUS_EFORKED;
    return group->polled->bell.fd;
}
