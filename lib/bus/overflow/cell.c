/* cell.c - a conflate group's cells: posts replace values, the lane takes them, registrations make and free them. */
#include "bus/overflow/cell.h"

#include <assert.h>

#include "bus/executor/reference.h"
#include "bus/post/post.h"
#include "bus/topic.h"

/* The last value of a topic; an entry follows. */
struct cell {
    uint32_t registrations; /* 0: whoever finds it not queued frees it */
    bool is_queued;
    int64_t era;       /* of the value */
    uint64_t replaced; /* values since the last one that was taken */
};

static struct entry *
value_of(struct cell *cell)
{
    return (struct entry *)(void *)(cell + 1);
}

static size_t
cell_size(const struct ringbus_group *group)
{
    return sizeof(struct cell) + sizeof(struct entry) + group->slot_size;
}

static struct cell *
cell_of(const struct ringbus_group *group, const struct ringbus_topic *topic)
{
    return topic->parts[group->index].cell;
}

/* Under the cell lock: the topic has none any more. */
static void
take_out(struct ringbus_group *group, struct ringbus_topic *topic)
{
    topic->parts[group->index].cell = NULL;
    group->lossy.cell_count--;
}

/* ---- posts ---- */

/* Under the cell lock: enter, if the topic is not queued yet. */
static int64_t
claim_cell(struct cell *cell, struct ringbus_group *group, bool has_pass)
{
    int64_t sequence = OVERFLOW_DONE;

    if (cell->is_queued)
        return ringbus__ring_is_closed(group->ring, has_pass) ? RINGBUS_ESHUTDOWN : OVERFLOW_DONE;
    sequence = ringbus__ring_claim_now(group->ring, 1, 0, has_pass);
    assert(sequence != RINGBUS_EAGAIN); /* I1 */
    return sequence;
}

/* Under the cell lock: the cell has this value. What is due of the one before, if that is replaced. */
static void
put_in(struct cell *cell, const struct posting *posting, struct ringbus_reference *reference,
    struct release *ret_due)
{
    struct entry *value = value_of(cell);
    struct ringbus_reference *before = cell->is_queued ? value->reference : NULL;

    if (unlikely(before != NULL))
        ringbus__reference_leave(before, ret_due);
    if (likely(reference == NULL)) {
        entry_fill(posting, value);
        return;
    }
    ringbus__reference_share(reference, 1);
    entry_describe(posting, value, reference);
}

int64_t
ringbus__cell_enter(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, bool has_pass, struct release *ret_due)
{
    struct lossy *lossy = &group->lossy;
    int64_t sequence = RINGBUS_ESHUTDOWN;
    struct cell *cell = NULL;

    lock_acquire(&lossy->cell_lock);
    cell = cell_of(group, posting->topic);
    if (cell != NULL) /* else the post finds the route without us, and starts again (I4) */
        sequence = claim_cell(cell, group, has_pass);
    if (sequence >= 0 || sequence == OVERFLOW_DONE) {
        cell->replaced += cell->is_queued;
        if (cell->is_queued)
            add_u64(&lossy->dropped, 1, ORDER_COUNT);
        /* CUT acquire: what was cut in before this value is visible to whoever takes it. */
        cell->era = (int64_t)load_u64(&group->era, ORDER_CUT_ACQUIRE);
        put_in(cell, posting, reference, ret_due);
        cell->is_queued = true;
    }
    lock_release(&lossy->cell_lock);
    return sequence;
}

/* ---- the lane ---- */

struct taken
ringbus__cell_take(
    struct ringbus_group *group, struct ringbus_topic *topic, struct entry *ret_entry)
{
    struct cell *cell = NULL;
    struct taken taken;
    bool is_over = false;

    lock_acquire(&group->lossy.cell_lock);
    cell = cell_of(group, topic);
    memcpy(ret_entry, value_of(cell), entry_size(value_of(cell)));
    taken = (struct taken){cell->era, cell->replaced};
    cell->replaced = 0;
    cell->is_queued = false;
    is_over = cell->registrations == 0;
    if (is_over)
        take_out(group, topic);
    lock_release(&group->lossy.cell_lock);
    if (is_over)
        ringbus__release(&group->bus->allocator, cell, cell_size(group));
    return taken;
}

/* ---- registrations ---- */

/* Under the cell lock. */
static int
acquire_if_there(struct ringbus_group *group, const struct ringbus_topic *topic)
{
    struct cell *cell = cell_of(group, topic);

    if (cell == NULL)
        return group->lossy.cell_count < group->capacity ? RINGBUS_ENOENT : RINGBUS_ENOSPC;
    cell->registrations++;
    return RINGBUS_OK;
}

int
ringbus__cell_acquire(struct ringbus_group *group, struct ringbus_topic *topic)
{
    struct lossy *lossy = &group->lossy;
    struct cell *cell = NULL;
    int outcome = RINGBUS_OK;

    if (!group_conflates(group))
        return RINGBUS_OK;
    lock_acquire(&lossy->cell_lock);
    outcome = acquire_if_there(group, topic);
    lock_release(&lossy->cell_lock);
    if (outcome != RINGBUS_ENOENT)
        return outcome;
    cell = ringbus__alloc(&group->bus->allocator, cell_size(group), CPU_LINE);
    if (cell == NULL)
        return RINGBUS_ENOMEM;
    cell->registrations = 1;
    lock_acquire(&lossy->cell_lock);
    topic->parts[group->index].cell = cell; /* the bus lock: nobody else makes one */
    lossy->cell_count++;
    lock_release(&lossy->cell_lock);
    return RINGBUS_OK;
}

void
ringbus__cell_release(struct ringbus_group *group, struct ringbus_topic *topic)
{
    struct cell *cell = NULL;
    bool is_over = false;

    if (!group_conflates(group))
        return;
    lock_acquire(&group->lossy.cell_lock);
    cell = cell_of(group, topic);
    is_over = --cell->registrations == 0 && !cell->is_queued;
    if (is_over)
        take_out(group, topic);
    lock_release(&group->lossy.cell_lock);
    if (is_over)
        ringbus__release(&group->bus->allocator, cell, cell_size(group));
}

/* ---- reports ---- */

bool
ringbus__cell_is_owed(struct ringbus_group *group, const struct registration *registration)
{
    const struct cell *cell = NULL;
    bool is_owed = false;

    lock_acquire(&group->lossy.cell_lock);
    cell = cell_of(group, registration->topic);
    is_owed = cell != NULL && cell->is_queued && window_holds(registration, cell->era);
    lock_release(&group->lossy.cell_lock);
    return is_owed;
}
