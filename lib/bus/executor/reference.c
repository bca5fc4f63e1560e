/* reference.c - blocks of references, how they are dropped, and kept events. */
#include "bus/executor/reference.h"

#include <assert.h>

#include "bus/group.h"
#include "bus/post/post.h"

/* What `releasing` says. */
enum { TURN_HELD = 1, TURN_AGAIN = 2 };

/* What `has_references` says: the gate and the lanes go by `released`; and posts by reference may claim. */
enum { REFERENCES_JOIN = 1, REFERENCES_OPEN = 2 };

/* Blocks of one group. */
struct reference_pool {
    struct reference_pool *next;
    uint32_t count;
    struct ringbus_reference blocks[];
};

/* ---- the pool ---- */

/* Under the lock. */
static void
give_back(struct ringbus_bus *bus, struct ringbus_reference *reference)
{
    reference->bus = bus;
    reference->next = bus->references.free;
    bus->references.free = reference;
}

size_t
ringbus__reference_memory(uint32_t count)
{
    return sizeof(struct reference_pool) + count * sizeof(struct ringbus_reference);
}

int
ringbus__reference_grow(struct ringbus_bus *bus, uint32_t count)
{
    struct references *references = &bus->references;
    struct reference_pool *pool = ringbus__alloc(
        &bus->allocator, ringbus__reference_memory(count), _Alignof(struct reference_pool));

    if (pool == NULL)
        return RINGBUS_ENOMEM;
    pool->count = count;
    lock_acquire(&references->lock);
    pool->next = references->pools;
    references->pools = pool;
    for (uint32_t i = count; i-- > 0;)
        give_back(bus, &pool->blocks[i]);
    lock_release(&references->lock);
    return RINGBUS_OK;
}

void
ringbus__reference_fini(struct ringbus_bus *bus)
{
    struct references *references = &bus->references;

    while (references->pools != NULL) {
        struct reference_pool *pool = references->pools;

        references->pools = pool->next;
        ringbus__release(&bus->allocator, pool, ringbus__reference_memory(pool->count));
    }
    while (references->made != NULL) {
        struct kept *kept = references->made;

        references->made = kept->next_made;
        ringbus__release(&bus->allocator, kept, sizeof *kept);
    }
}

bool
ringbus__reference_is_kept(struct ringbus_bus *bus)
{
    bool is_kept = false;

    lock_acquire(&bus->references.lock);
    is_kept = bus->references.kept_count > 0;
    lock_release(&bus->references.lock);
    return is_kept;
}

struct kept *
ringbus__reference_hold(struct ringbus_bus *bus)
{
    struct references *references = &bus->references;
    struct kept *kept = NULL;

    lock_acquire(&references->lock);
    kept = references->free_kept;
    if (kept != NULL)
        references->free_kept = kept->next;
    lock_release(&references->lock);
    if (kept != NULL)
        return kept;
    kept = ringbus__alloc(&bus->allocator, sizeof *kept, _Alignof(struct kept));
    if (kept == NULL)
        return NULL;
    lock_acquire(&references->lock);
    kept->next_made = references->made;
    references->made = kept;
    give_back(bus, &kept->spare);
    lock_release(&references->lock);
    return kept;
}

void
ringbus__reference_unhold(struct ringbus_bus *bus, struct kept *kept)
{
    struct references *references = &bus->references;

    lock_acquire(&references->lock);
    kept->next = references->free_kept;
    references->free_kept = kept;
    lock_release(&references->lock);
}

/* ---- take and drop ---- */

/* Of a block that nobody names. */
static void
begin_life(struct ringbus_reference *reference, uint32_t count)
{
    const uint64_t life = (load_u64(&reference->count, ORDER_OWN) >> 32) + 1;

    reference->is_in_frame = false;
    /* OWN: nobody changes it in between, for it counts nothing; who finds its name finds this before it. */
    store_u64(&reference->count, life << 32 | count, ORDER_OWN);
}

static struct ringbus_reference *
take(struct ringbus_bus *bus)
{
    struct ringbus_reference *reference = NULL;

    lock_acquire(&bus->references.lock);
    reference = bus->references.free;
    assert(reference != NULL); /* reference.h I1 */
    bus->references.free = reference->next;
    lock_release(&bus->references.lock);
    return reference;
}

struct ringbus_reference *
ringbus__reference_take(const struct posting *posting, uint32_t count)
{
    struct ringbus_reference *reference = take(posting->topic->bus);

    ringbus__reference_in_frame(reference, posting);
    begin_life(reference, count);
    return reference;
}

void
ringbus__reference_in_frame(struct ringbus_reference *frame, const struct posting *posting)
{
    frame->bus = posting->topic->bus;
    frame->release = posting->by_reference->release;
    frame->context = posting->by_reference->release_context;
    frame->data = (void *)(uintptr_t)posting->data;
    frame->size = posting->size;
    frame->is_in_frame = true;
    frame->moved = NULL;
    frame->holder = NULL;
}

void
ringbus__reference_release(void (*release)(void *data, void *context), void *data, void *context)
{
    bus_enter_hook();
    release(data, context);
    bus_leave_hook();
}

void
ringbus__reference_share(struct ringbus_reference *reference, uint32_t count)
{
    /* COUNT: whoever calls holds one already. */
    add_u64(&reference->count, count, ORDER_COUNT);
}

bool
ringbus__reference_catch(struct ringbus_reference *reference, uint32_t life)
{
    uint64_t count = load_u64(&reference->count, ORDER_HINT);

    while ((uint32_t)count != 0 && count >> 32 == life)
        /* COUNT: what the block says came with its name, and stays in that life. */
        if (cas_u64(&reference->count, &count, count + 1, ORDER_COUNT))
            return true;
    return false;
}

void
ringbus__reference_leave(struct ringbus_reference *reference, struct release *ret_due)
{
    struct ringbus_bus *bus = reference->bus;
    const struct release due = {reference->release, reference->data, reference->context};

    /* DROP: what every holder did with the payload lies before its release, and before the block is used again. */
    if ((uint32_t)add_u64(&reference->count, (uint64_t)-1, ORDER_DROP) != 1)
        return;
    lock_acquire(&bus->references.lock);
    give_back(bus, reference);
    lock_release(&bus->references.lock);
    *ret_due = due;
}

static void
drop_one(struct ringbus_reference *reference)
{
    struct release due = {.run = NULL};

    ringbus__reference_leave(reference, &due);
    release_due(&due);
}

void
ringbus__reference_drop(struct ringbus_reference *reference)
{
    if (!reference->is_in_frame) {
        drop_one(reference);
    } else if (reference->moved == NULL) {
        ringbus__reference_release(reference->release, reference->data, reference->context);
    } else {
        drop_one(reference->moved);
        ringbus__reference_unhold(reference->bus, reference->holder);
    }
}

/* ---- events that are done ---- */

/* The event's reference, of a slot that all lanes have passed. */
static void
drop_slot(struct ringbus_group *group, int64_t sequence)
{
    const struct slot *slot = ring_slot(group->ring, sequence);
    const struct entry *entry = (const struct entry *)slot->payload;

    /* HINT: the lanes have seen it to be published, or void. */
    if ((load_u64(&slot->stamp, ORDER_HINT) & 1) || entry->reference == NULL)
        return;
    ring_moved(group->ring); /* for what was released before: this release may take long */
    drop_one(entry->reference);
}

static void
advance(struct ringbus_group *group)
{
    const int64_t limit = ringbus__board_passed(group);
    int64_t at = load_i64(&group->released, ORDER_OWN);

    if (at >= limit)
        return;
    while (at < limit) {
        drop_slot(group, ++at);
        /* POSITION release: the slot is not looked at any more, and what the release did is visible to a flush. */
        store_i64(&group->released, at, ORDER_POSITION_RELEASE);
    }
    ring_moved(group->ring);
}

/* The turn is held. */
static void
take_turns(struct ringbus_group *group)
{
    uint32_t expected = TURN_HELD;

    do {
        /* WAKE: the positions of those who left a mark are visible to the look. */
        and_u32(&group->releasing, ~(uint32_t)TURN_AGAIN, ORDER_WAKE);
        advance(group);
        expected = TURN_HELD;
        /* WAKE: no mark was left, and who has the next turn goes on where we stopped. */
    } while (!cas_u32(&group->releasing, &expected, 0, ORDER_WAKE));
}

void
ringbus__reference_advance(struct ringbus_group *group)
{
    /* WAKE: our position goes with the mark to whoever has the turn. */
    if (!(or_u32(&group->releasing, TURN_HELD | TURN_AGAIN, ORDER_WAKE) & TURN_HELD))
        take_turns(group);
}

static void
join_board(struct ringbus_group *group)
{
    /* WAKE: the lanes leave their marks. */
    or_u32(&group->releasing, TURN_HELD | TURN_AGAIN, ORDER_WAKE);
    /* POSITION release: as a reader that joins (reader.c). */
    store_i64(&group->released, ringbus__ring_next(group->ring) - 1, ORDER_POSITION_RELEASE);
    /* TABLE release: with `released`. */
    store_u32(&group->has_references, REFERENCES_JOIN, ORDER_TABLE_RELEASE);
    ringbus__barrier_heavy();
    /* Claims that were let through without it lie before this second look. */
    store_i64(&group->released, ringbus__ring_next(group->ring) - 1, ORDER_POSITION_RELEASE);
    take_turns(group); /* what has passed meanwhile has no references */
    /* TABLE release: `released` is the lanes' from here on. */
    store_u32(&group->has_references, REFERENCES_OPEN, ORDER_TABLE_RELEASE);
}

void
ringbus__reference_begin(struct ringbus_group *group)
{
    bool has_joined = false;

    /* TABLE acquire: `released` has joined. */
    if (likely(load_u32(&group->has_references, ORDER_TABLE_ACQUIRE) == REFERENCES_OPEN))
        return;
    lock_acquire(&group->references_lock);
    has_joined = load_u32(&group->has_references, ORDER_OWN) != REFERENCES_OPEN;
    if (has_joined)
        join_board(group);
    lock_release(&group->references_lock);
    if (!has_joined)
        return;
    ring_moved(group->ring);         /* a producer may have seen the first value */
    ringbus__bus_settle(group->bus); /* and so may whoever looked whether all is done */
}

/* ---- kept events ---- */

/* The reference that other threads may name: a frame's own moves. NULL: out of memory. */
static struct ringbus_reference *
shared(struct ringbus_reference *reference)
{
    struct ringbus_reference *moved = reference->moved;

    if (!reference->is_in_frame || moved != NULL)
        return reference->is_in_frame ? moved : reference;
    reference->holder = ringbus__reference_hold(reference->bus);
    if (reference->holder == NULL)
        return NULL;
    moved = take(reference->bus);
    moved->release = reference->release;
    moved->context = reference->context;
    moved->data = reference->data;
    moved->size = reference->size;
    begin_life(moved, 1);
    reference->moved = moved;
    return moved;
}

int
ringbus_event_keep(const struct ringbus_event *event, const struct ringbus_event **ret_kept)
{
    struct ringbus_reference *reference = NULL;
    struct ringbus_bus *bus = NULL;
    struct kept *kept = NULL;

    if (event == NULL || ret_kept == NULL || event->reference == NULL)
        return RINGBUS_EINVAL;
    bus = event->reference->bus;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    reference = shared(event->reference);
    if (reference != NULL)
        kept = ringbus__reference_hold(bus);
    if (kept == NULL)
        return RINGBUS_ENOMEM;
    ringbus__reference_share(reference, 1);
    ringbus__topic_keep(event->handle);
    kept->event = *event;
    kept->event.reference = reference;
    lock_acquire(&bus->references.lock);
    bus->references.kept_count++;
    lock_release(&bus->references.lock);
    *ret_kept = &kept->event;
    return RINGBUS_OK;
}

void
ringbus_event_drop(const struct ringbus_event *event)
{
    struct kept *kept = (struct kept *)(uintptr_t)event;
    struct ringbus_bus *bus = event != NULL ? event->reference->bus : NULL;

    if (bus == NULL || bus_is_forked(bus))
        return;
    ringbus__topic_release(kept->event.handle);
    drop_one(kept->event.reference);
    ringbus__reference_unhold(bus, kept);
    lock_acquire(&bus->references.lock);
    bus->references.kept_count--;
    lock_release(&bus->references.lock);
}
