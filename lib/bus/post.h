/* post.h - one post on its way to the groups. */
#ifndef RINGBUS_BUS_POST_H
#define RINGBUS_BUS_POST_H

#include "bus/dispatch.h"
#include "bus/topic.h"

/* Copied into each group's ring, or delivered by the posting thread. */
struct posting {
    struct ringbus_topic *topic;
    const void *data;
    size_t size;
    uint64_t ordered;
    bool may_wait;
    int64_t deadline_ns;
    bool holds_topic; /* a reference, for the time of the post */
};

/* ---- caller groups (caller.c) ---- */

/* A post's part in caller groups: queued behind the event this thread is delivering, or delivered by the post. */
struct caller_post {
    const struct posting *posting;
    uint64_t groups; /* bits */
    struct pending *nested;
    bool is_outermost;
};

/* Secure what the post will need in the caller groups of `groups`: RINGBUS_OK; RINGBUS_EAGAIN: a group has no room for
 * a nested post; RINGBUS_ESHUTDOWN; RINGBUS_ESYS: the thread could not be announced. */
int ringbus__caller_begin(struct caller_post *post, const struct posting *posting, uint64_t groups);

/* Then one of these. */
void ringbus__caller_cancel(struct caller_post *post);
void ringbus__caller_deliver(struct caller_post *post);

/* Take a caller group's memory for nested posts, and give it back; false: out of memory. */
bool ringbus__caller_open_pool(struct ringbus_group *group);
void ringbus__caller_free_pool(struct ringbus_group *group);

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
