/* caller.h - what a thread that posts to caller groups keeps: on memory of its own, since the thread may exit in a
 * handler, and its stack is gone before what it owes is settled (exit.c). */
#ifndef RINGBUS_BUS_EXECUTOR_CALLER_H
#define RINGBUS_BUS_EXECUTOR_CALLER_H

#include "bus/post/post.h"

/* A nested post that waits for the current event to be done. */
struct pending {
    struct pending *next;
    struct ringbus_group *group;
    struct ringbus_topic *topic;         /* holds a reference */
    int64_t era;                         /* of the group when it was posted */
    struct ringbus_reference *reference; /* NULL: the payload is here */
    uint64_t ordered;
    size_t size;
    _Alignas(16) unsigned char data[];
};

/* A batch_end that is due when the outermost post is done. */
struct touched {
    struct ringbus_consumer *consumer; /* NULL: it was called meanwhile */
    struct ringbus_group *group;
    /* for reports: its events so far, the number of the last one, and what that came by */
    uint64_t count;
    uint64_t last;
    struct registration *registration;
};

enum { CALLER_TOUCHED = 32 };

/* A thread's outermost post. */
struct frame {
    struct ringbus_bus *owner;   /* the post's */
    struct ringbus_topic *topic; /* the post's */
    bool holds_topic;            /* by a reference */
    bool has_debts; /* something was queued, or a batch_end became due, since it began */
    uint32_t depth; /* where record.called names the owner */

    struct ringbus_bus *bus; /* of the event under delivery */
    uint64_t left;           /* groups that are not done with the post's own event */
    struct pending *pending; /* a nested post under delivery */
    uint64_t number;         /* of the event under delivery, counted for each group */
    struct pending *first, **last;
    /* by reference: the post's own event, and nested ones that were delivered; done when no batch_end is due */
    struct ringbus_reference *reference; /* NULL: by copy */
    struct ringbus_reference own;        /* of a post to nothing else */
    struct kept *holder;
    struct pending *place; /* of the post's own event, if it was claimed in place */
    struct pending *held;
    struct replay *replays; /* of registrations made by this thread, the one under delivery first */
    struct delivery delivery;
    uint32_t ended; /* of those touched */
    uint32_t touched_count;
    struct touched touched[CALLER_TOUCHED];
    int64_t eras[BUS_MAX_GROUPS]; /* of the groups, when the post's own event came */
};

/* Give a nested post back; `owner`: the bus of the outermost post of the thread. */
void ringbus__caller_give_back(struct pending *pending, const struct ringbus_bus *owner);

/* Drop the references of a frame's events: nobody will see them any more. */
void ringbus__caller_release_all(struct frame *frame);

/* Have the thread's frame as a post leaves it. False: it cannot be announced, or out of memory. */
bool ringbus__caller_get_ready(struct record *record);

/* Have a group's consumers called for an event. */
void ringbus__caller_hand_out(struct frame *frame, struct ringbus_group *group,
    const struct ringbus_event *event, int64_t era);

/* What handlers have left to be done, and the end of the thread's outermost post. */
void ringbus__caller_end(struct frame *frame);

/* After that end, and the barrier in it. */
ATOMIC_INLINE void
caller_left(struct ringbus_bus *bus)
{
    /* HINT: whoever waits for this delivery raises it, then a heavy barrier, then looks at our record. */
    if (unlikely(load_u32(&bus->attention, ORDER_HINT)))
        ringbus__bus_settle(bus);
}

/* That end, when nothing is left. */
ATOMIC_INLINE void
caller_leave(struct record *record, struct ringbus_bus *bus)
{
    record_served(record);
    caller_left(bus);
}

/* Of a post to `topic`, or of a registration (NULL), that is announced at `depth`: what differs from one to the next,
 * but for `left`. */
ATOMIC_INLINE void
frame_begin(struct frame *frame, uint32_t depth, struct ringbus_bus *bus,
    struct ringbus_topic *topic, bool holds_topic)
{
    frame->owner = frame->bus = bus;
    frame->topic = topic;
    frame->holds_topic = holds_topic;
    frame->depth = depth;
}

/* A batch_end, or a nested post, that was owed to `bus` is done. */
void ringbus__caller_settle_debt(struct ringbus_bus *bus, const struct ringbus_bus *owner);

#endif
