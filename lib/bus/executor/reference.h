/* reference.h - events by reference: who still holds a payload, and that it is released when nobody does.
 *
 * A reference is a block that a post takes from a pool of its bus, and that its slots, its cells, its nested posts and
 * kept events name; it counts them. Who drops the last one gives the block back, and calls the release function.
 * I1  blocks are freed with the bus, not before. There are as many as slots in all rings (of a conflate group: cells),
 *     hands of lossy groups, and places for nested posts in all caller groups, and one for each kept event and each
 *     post that names one beside those: in its frame, or while it goes to lossy groups (a `kept` brings one with it).
 *     Who puts another one into a slot or a cell drops the one before under the same claim or lock. So a block is given
 *     back before its last slot, cell, hand, place or `kept` is: a post that has claimed always finds one
 * I2  the reference of a slot is dropped when all lanes have finished the event in all stages; `released` says how far
 *     that is done, and the group's position (the ring's gate, flush, every close) goes no further. One thread at a
 *     time does it, in order; who moves a position meanwhile leaves a mark, for which that one looks again
 * I3  a group that never had an event by reference does nothing of it. Its first one has `released` join the board as a
 *     reader joins (gate.c I2), then claims. So the claim of every event by reference comes after `has_references` was
 *     set, and what a lane has read of its slot after that: whoever finds a position that has passed it, and looks at
 *     has_references after the position, finds it set, and goes by `released`. It is set for all lives of the group
 * I4  a post to nothing but caller groups, from outside of them, has its block in its frame; the first keep of its
 *     event moves it to one of the bus
 * I5  a post that goes to lossy groups, too, names its block until it has entered all: it may enter none
 * I6  a lane that finds a block's name in a copy holds no count of it: it takes one in the life that was named with it
 *     only, and where there is one. So nobody but who was posted to ever holds a payload up. (A life comes again after
 *     2^32 posts that took this very block: no lane is that late with a copy.)
 * Edges: DROP, POSITION, FREE, TABLE, WAKE.
 * Source: reference counts as anywhere; the mark is gate.c's I4. */
#ifndef RINGBUS_BUS_EXECUTOR_REFERENCE_H
#define RINGBUS_BUS_EXECUTOR_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/atomic.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "ringbus/ringbus.h"

struct posting;

struct ringbus_reference {
    /* Slots, cells, hands, nested posts and kept events that name it, and a post under way; in the upper half: in which
     * life of the block. */
    struct atomic_u64 count;
    struct ringbus_bus *bus;
    void (*release)(void *data, void *context);
    void *context;
    void *data;
    size_t size;
    struct ringbus_reference *next; /* a free one's */
    /* of one in a frame (I4) */
    bool is_in_frame;
    struct ringbus_reference *moved; /* to here */
    struct kept *holder;             /* then it brought a block for it */
};

struct kept {
    struct ringbus_event event;
    struct kept *next; /* a free one's */
    struct kept *next_made;
    struct ringbus_reference spare; /* goes to the pool when this is made */
};

/* A release that is due, when no lock is held and no claim is open. */
struct release {
    void (*run)(void *data, void *context); /* NULL: none is */
    void *data;
    void *context;
};

/* Of a bus. */
struct references {
    struct lock lock;
    struct ringbus_reference *free;
    struct kept *free_kept;
    struct kept *made; /* all of them */
    struct reference_pool *pools;
    uint32_t kept_count; /* kept events */
};

/* `count` blocks more. RINGBUS_OK, RINGBUS_ENOMEM. */
int ringbus__reference_grow(struct ringbus_bus *bus, uint32_t count);

/* Bytes that so many blocks take. */
size_t ringbus__reference_memory(uint32_t count);
void ringbus__reference_fini(struct ringbus_bus *bus);
bool ringbus__reference_is_kept(struct ringbus_bus *bus);

/* A block more, until it is given back: for what holds a reference and is no slot, nor a place for a nested post. NULL:
 * out of memory. */
struct kept *ringbus__reference_hold(struct ringbus_bus *bus);
void ringbus__reference_unhold(struct ringbus_bus *bus, struct kept *kept);

/* Before a post by reference claims in a group. */
void ringbus__reference_begin(struct ringbus_group *group);

/* A block for what has been claimed, or for the frame of a post (I4). */
struct ringbus_reference *ringbus__reference_take(const struct posting *posting, uint32_t count);
void ringbus__reference_in_frame(struct ringbus_reference *frame, const struct posting *posting);

/* So many more name it; the caller holds one. */
void ringbus__reference_share(struct ringbus_reference *reference, uint32_t count);

/* Take one, in that life only; false: there is none. By who holds none (I6). */
bool ringbus__reference_catch(struct ringbus_reference *reference, uint32_t life);

/* No lock held. The last one's drop calls the release function. Of a frame's own: its post is done. */
void ringbus__reference_drop(struct ringbus_reference *reference);

/* The same of what stands there, if anything does: not any more when the release is called, in which the thread may
 * exit. */
static inline void
reference_drop_at(struct ringbus_reference **at)
{
    struct ringbus_reference *reference = *at;

    *at = NULL;
    if (reference != NULL)
        ringbus__reference_drop(reference);
}

/* The same but for the call, also with locks held; `ret_due` is written if it is due. */
void ringbus__reference_leave(struct ringbus_reference *reference, struct release *ret_due);

/* Release a payload that nobody has a reference to. No lock held. */
void ringbus__reference_release(
    void (*release)(void *data, void *context), void *data, void *context);

/* Call it, if one is due. No lock held. */
static inline void
release_due(const struct release *due)
{
    if (unlikely(due->run != NULL))
        ringbus__reference_release(due->run, due->data, due->context);
}

static inline void
release_all_due(const struct release *due, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        release_due(&due[i]);
}

/* For who holds one. */
static inline uint32_t
reference_life(const struct ringbus_reference *reference)
{
    return (uint32_t)(load_u64(&reference->count, ORDER_OWN) >> 32);
}

/* No lock held, after a position of the group has moved: drop the references of the events that are done. */
void ringbus__reference_advance(struct ringbus_group *group);

/* Put the payload into an event. */
static inline void
ringbus__reference_show(struct ringbus_reference *reference, struct ringbus_event *event)
{
    event->data = reference->size > 0 ? reference->data : NULL;
    event->size = reference->size;
    event->reference = reference;
}

#endif
