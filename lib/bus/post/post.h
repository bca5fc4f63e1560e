/* post.h - one post on its way to the groups. */
#ifndef RINGBUS_BUS_POST_H
#define RINGBUS_BUS_POST_H

#include "bus/dispatch.h"
#include "bus/executor/reference.h"
#include "bus/topic.h"

/* Copied into each group's ring, or named there, or delivered by the posting thread. */
struct posting {
    struct ringbus_topic *topic;
    const void *data;
    size_t size;
    uint64_t ordered;
    int64_t deadline_ns;
    bool may_wait;
    bool holds_topic; /* a reference, for the time of the post; so is the next */
    bool is_held;     /* the topic, by this thread's record (lookup.h) */
    bool is_claimed;  /* in place, before: the bus has not come to its end since */
    const struct ringbus_post_options *by_reference; /* NULL: by copy */
};

/* What a post has in the groups of its topic. */
struct claims {
    uint64_t rings; /* lossless ones */
    uint64_t lossy;
    uint64_t callers;
    int64_t sequences[BUS_MAX_GROUPS]; /* of caller groups: eras */
    int matched;
    struct ringbus_group *full; /* the group that refused */
    /* by reference: a block that the post has beside its slots (reference.h I1), and, once nothing can refuse it, the
     * reference that it has taken for lossy groups. Else NULL */
    struct kept *holder;
    struct ringbus_reference *reference;
    /* of what was replaced or overwritten */
    uint32_t due_count;
    struct release due[BUS_MAX_GROUPS];
};

struct caller_post;

/* The groups have changed under the post. */
enum { START_AGAIN = 1 << 30 };

/* By a handler, which may have the topic from its event alone: whoever enters a lossy group, where nobody looks at the
 * route again, holds it meanwhile. */
static inline bool
post_borrows_topic(const struct posting *posting)
{
    return ringbus__record.deliveries > 0 && !posting->holds_topic && !posting->is_held;
}

/* To more than one group, in a handler to caller groups, or by reference (several.c). What the post returns, or
 * START_AGAIN. */
int ringbus__post_several(const struct posting *posting, uint64_t route);

/* By copy, to one caller group (direct.c). As above; START_AGAIN also in a handler to caller groups. */
int ringbus__post_directly(struct ringbus_topic *topic, const void *data, size_t size,
    uint64_t ordered, struct ringbus_group *group, bool holds_topic);

/* The first parts of it: which groups there are; claim in the rings, all or none (`caller` NULL: in place, which is
 * RINGBUS_EINVAL in a retained topic); give all or some of them back. */
int ringbus__claims_sort(const struct posting *posting, uint64_t route, struct claims *claims);
int ringbus__claims_take(const struct posting *posting, struct claims *claims,
    const struct caller_post *caller, bool has_pass);
void ringbus__claims_abandon(
    const struct posting *posting, const struct claims *claims, uint64_t rings);

/* Nobody has a reference to the post's payload: it is released, if it is by reference. No lock held. */
void ringbus__post_release(const struct posting *posting);

/* The bus ends, and this thread has no business in it any more. */
bool ringbus__post_is_late(const struct ringbus_bus *bus);

/* The ring of `group` was full. RINGBUS_OK: try again; else what to answer (room.c). */
int ringbus__post_wait(const struct posting *posting, struct ringbus_group *group, bool has_pass);

/* The line of `group` is closed to this post: its group has ended, START_AGAIN, or the bus, RINGBUS_ESHUTDOWN. */
int ringbus__post_is_closed(const struct posting *posting, const struct ringbus_group *group);

/* All of an entry but its payload. */
ATOMIC_INLINE void
entry_describe(
    const struct posting *posting, struct entry *entry, struct ringbus_reference *reference)
{
    entry->topic = posting->topic;
    entry->ordered = posting->ordered;
    entry->reference = reference;
    entry->size = posting->size;
}

ATOMIC_INLINE void
entry_fill(const struct posting *posting, struct entry *entry)
{
    entry_describe(posting, entry, NULL);
    if (posting->size > 0)
        memcpy(entry->data, posting->data, posting->size);
}

/* Fill a slot that the post has claimed, but for the payload; `dropped` as in post_fill. */
ATOMIC_INLINE void
post_enter(const struct posting *posting, struct ringbus_group *group, int64_t sequence,
    uint64_t dropped, struct ringbus_reference *reference)
{
    struct slot *slot = ring_slot(group->ring, sequence);

    /* OWN: nobody has failed on it. */
    store_u64(&slot->spare, dropped, ORDER_OWN);
    entry_describe(posting, (struct entry *)slot->payload, reference);
}

/* Fill and publish it; `dropped`: what it tells in a drop_newest group, else 0. Slots and stamp by hand: an address is
 * computed once. */
ATOMIC_INLINE void
post_fill(
    const struct posting *posting, struct ringbus_group *group, int64_t sequence, uint64_t dropped)
{
    struct ringbus_ring *ring = group->ring;
    const struct slots slots = slots_of(ring);
    struct slot *slot = slot_at(&slots, sequence);

    /* OWN: nobody has failed on it; in a lossy group nobody ever will, since nobody comes after another one there. */
    store_u64(&slot->spare, dropped, ORDER_OWN);
    slot_fetch_ahead(&slots, sequence, sizeof(struct entry) + posting->size);
    entry_fill(posting, (struct entry *)slot->payload);
    /* PUBLISH release: the entry is visible to whoever sees its stamp. */
    store_u64(&slot->stamp, stamp_of(sequence), ORDER_PUBLISH_RELEASE);
    ring_stamped(ring);
}

/* ---- caller groups (caller.c) ---- */

/* A post's part in caller groups: queued behind the event this thread is delivering, or delivered by the post. */
struct caller_post {
    const struct posting *posting;
    uint64_t groups; /* bits */
    struct pending *nested;
    bool is_outermost;
    const int64_t *eras; /* by the index of their group; set before it is delivered */
    /* by reference, and somebody beside this post names it */
    struct ringbus_reference *reference;
    struct kept *holder; /* NULL, or whose block it is */
    /* of what the post has replaced or overwritten in lossy groups */
    const struct release *due;
    uint32_t due_count;
    struct pending
        *place; /* NULL, or where a claim in place has its event: it goes with the delivery */
};

/* Secure what the post will need in the caller groups of `groups`: RINGBUS_OK; RINGBUS_EAGAIN: a group has no room for
 * a nested post; RINGBUS_ESHUTDOWN; RINGBUS_ESYS: the thread could not be announced. */
int ringbus__caller_begin(struct caller_post *post, const struct posting *posting, uint64_t groups);

/* Once nothing can refuse the post, and under the claim lock of a retained topic: settle whose windows it is in, by the
 * eras of the groups of `groups`. */
void ringbus__caller_mark(const struct ringbus_bus *bus, uint64_t groups, int64_t *ret_eras);

/* Then one of these. */
void ringbus__caller_cancel(struct caller_post *post);
void ringbus__caller_deliver(struct caller_post *post);

/* A place for a nested post, for a claim; the bus does not come to its end before it is given back, with no lock held.
 * NULL: there is none. */
struct pending *ringbus__caller_reserve(struct ringbus_group *group);
void ringbus__caller_unreserve(struct pending *pending);

/* Around a registration in a caller group: begin (RINGBUS_OK; RINGBUS_ESHUTDOWN, RINGBUS_ESYS), queue replays, held by
 * the caller, and end. They are delivered in the end, or after the event that this thread is in. */
int ringbus__caller_begin_replays(struct ringbus_bus *bus, bool *ret_is_outermost);
void ringbus__caller_queue_replay(struct replay *replay);
void ringbus__caller_end_replays(bool is_outermost);

/* Take a caller group's memory for nested posts, and give it back; false: out of memory. */
bool ringbus__caller_open_pool(struct ringbus_group *group);
void ringbus__caller_free_pool(struct ringbus_group *group);
size_t ringbus__caller_memory(uint32_t capacity, uint32_t slot_size);

/* Under the bus lock: some thread delivers a post of this bus itself, will deliver one that is queued, or owes a
 * batch_end for one; heavy. */
bool ringbus__caller_is_busy(struct ringbus_bus *bus);

/* Under the bus lock: all such deliveries that began before `tag` was given (ringbus__record_retire) are over. */
bool ringbus__caller_has_passed(struct ringbus_bus *bus, uint64_t tag);

/* See that a thread has what it needs to post to caller groups, from an allocator that outlives it. False: out of
 * memory. A first post does it with the C library's; ringbus__caller_forget, at the thread's exit, knows no other. */
bool ringbus__caller_prepare(struct record *record, const struct ringbus_allocator *allocator);
void ringbus__caller_forget(struct record *record);

/* The bus whose caller-group handlers this thread is running; NULL: none. */
struct ringbus_bus *ringbus__caller_inside(void);

#endif
