/* overflow.h - lossy groups: what becomes of an event when there is no room, and how that is told.
 *
 * No post waits for a lossy group or is refused by it for want of room: it enters the group, or is counted.
 * drop_newest  the ring and the lane of a lossless group; a post that finds no room is counted
 * drop_oldest  a lossy ring (ring/lossy.c): entries are written and copied out a word at a time
 * conflate     a cell for each topic holds its last value (cell.h); the ring says in which order they are handed out
 * In the last two a pass is one event, which the lane has in its hand.
 * I1  each event dropped is counted once. By a post: in `dropped`, and in `unreported`, which is taken by exchange, so
 *     that each unit is taken once: by the post whose entry tells it (drop_newest) or by the lane (drop_oldest). By
 *     the lane, in drop_oldest: the gap before a copy. In a cell, under its lock: each value replaced
 * I2  what a lane has taken of that is in its hand's `untold` until an event is handed out, which tells it
 * I3  an entry's topic is looked at only by a lane that has a copy that counts, or the entry itself, and has not passed
 *     it: so the topic is not freed (topic.h I2)
 * I4  a post that has entered a lossy group does not look at the route again. If its consumer has left since, or the
 *     group has a new life, nobody else had a claim on the event, and it is an event of the group. So it holds the
 *     topic until it has: who retires a topic goes by what was claimed before
 * I5  by reference, what is in the group counts: a slot (drop_newest: reference.h; drop_oldest: oldest.h), a cell, and
 *     from there on the hand, until its event is finished. What is dropped was never counted, or is left by who
 *     overwrites or replaces it
 * I6  a post to one lossy group alone takes no claim lock, and what has entered cannot be taken back. So its thread
 *     announces that it enters, then looks whether the topic is retained (record.h I3); who retains waits for those
 *     who had looked before (retain.h I3)
 * Source: message queues that drop at the head or at the tail; that each drop is told, and once, is ours. */
#ifndef RINGBUS_BUS_OVERFLOW_OVERFLOW_H
#define RINGBUS_BUS_OVERFLOW_OVERFLOW_H

#include "base/atomic.h"
#include "base/cpu.h"
#include "base/lock.h"
#include "ringbus/ringbus.h"

struct delivery;
struct entry;
struct lane;
struct posting;
struct release;
struct ringbus_ring_options;

/* Of a group; written by posts. */
struct lossy {
    _Alignas(CPU_LINE) struct lock cell_lock;
    uint32_t cell_count; /* the lock */
    struct atomic_u64 dropped;
    struct atomic_u64 unreported;
};

/* Of a lane; written by its thread. */
struct hand {
    uint64_t untold;
    struct entry *entry; /* NULL: entries are read where they stand */
    /* of the event in it; of its reference, if it has one, the hand holds a count */
    struct atomic_ptr topic; /* NULL: the hand is empty */
    struct atomic_i64
        edge; /* what its windows are compared with: its sequence, or its value's era */
};

/* ---- group.c ---- */

/* Options that are possible: a lossy group has one executor, which is not the poster; it gets no reserve. */
bool ringbus__overflow_read(struct ringbus_group_options *options);

/* Under what policy a group of its kind is. */
void ringbus__overflow_choose(struct ringbus_group *group, uint32_t overflow);

/* What its ring has to be. */
void ringbus__overflow_shape(
    const struct ringbus_group_options *options, struct ringbus_ring_options *ret_options);

/* What its lane needs, once the ring is open; false: out of memory. */
bool ringbus__overflow_open(struct ringbus_group *group);
void ringbus__overflow_free(struct ringbus_group *group);

/* A new life begins, with nothing to tell. */
void ringbus__overflow_reset(struct ringbus_group *group);

/* What it takes beside its ring. */
size_t ringbus__overflow_memory(const struct ringbus_group_options *options);

/* Blocks for references (reference.h I1): a slot or a cell each, and the hand, of a group under that policy. */
static inline uint32_t
overflow_blocks(uint32_t capacity, uint32_t overflow)
{
    return capacity + (overflow >= RINGBUS_DROP_OLDEST ? 1 : 0);
}

/* ---- posts ---- */

/* What an enter may answer but a sequence to be filled, and RINGBUS_ESHUTDOWN: nothing is left to be done. */
enum { OVERFLOW_DONE = INT32_MIN };

/* A post's part in one lossy group, under the topic's claim lock if there are several; then, outside it, fill what was
 * claimed. `reference`: NULL, or by reference; the post holds one. Each may write what is due after it, of the event
 * that it replaces or overwrites; of one post and group one of them does. */
int64_t ringbus__overflow_enter(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, bool has_pass, struct release *ret_due);
void ringbus__overflow_fill(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, int64_t sequence, struct release *ret_due);

/* A post that has entered other groups finds this one's line closed: it is dropped, unless the group has ended. */
void ringbus__overflow_leave_out(const struct posting *posting, struct ringbus_group *group);

/* A post by copy to a topic in this lossy group alone. */
int ringbus__overflow_post(const struct posting *posting, struct ringbus_group *group);

/* ---- the lane ---- */

/* Of a group whose entries are copied out: take the event behind `position`, if there is one. Where the lane stands
 * then; at `position`: there is nothing yet. */
int64_t ringbus__overflow_take(struct lane *lane, int64_t position, bool *ret_is_event);

/* The event in the hand, if there is one, is finished; no lock held. */
void ringbus__overflow_finish(struct lane *lane);

/* ringbus__dispatch, for lossy groups: the event tells what was dropped before. */
void ringbus__overflow_dispatch(
    struct delivery *delivery, struct ringbus_event *event, int64_t sequence);

/* ---- under the bus lock ---- */

/* Count what the group holds for each registration; of a group whose entries are copied out. */
void ringbus__overflow_count_pending(struct ringbus_group *group);

/* ---- figures ---- */

/* Events that are overwritten, which the lane has not found yet. */
uint64_t ringbus__overflow_unfound(const struct ringbus_group *group);
uint64_t ringbus__overflow_dropped(const struct ringbus_group *group);

#endif
