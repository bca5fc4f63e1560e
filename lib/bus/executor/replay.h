/* replay.h - a retained value on its way to a consumer that has registered (retain.h).
 *
 * I1  a replay stands in its group's list until its handler has returned, or it was dropped; `replays` counts them
 * I2  a lane on which the consumer is called goes no further than the registration's `from` while the replay stands
 *     there (ringbus__replay_limit). It looks after it has seen how far events are published: who claimed an event of
 *     the topic behind `from` had the claim lock after the replay was listed (retain.h I2)
 * I3  in a caller group who is about to deliver an event of the topic delivers its replays first, or waits until they
 *     are delivered: a replay has its consumer's lock, also of a thread-safe one
 * I4  whoever holds a replay outside the list's lock is counted in it; it is freed when it is over and held by nobody.
 *     What its registration points to is kept by the delivery of whoever looks at it
 * Edges: CALL. */
#ifndef RINGBUS_BUS_EXECUTOR_REPLAY_H
#define RINGBUS_BUS_EXECUTOR_REPLAY_H

#include "bus/match.h"

struct delivery;
struct frame;
struct lane;

enum replay_state { REPLAY_IS_OVER, REPLAY_WAITS, REPLAY_RUNS };

struct replay {
    /* guarded by the list's lock */
    struct replay *next;
    uint32_t state; /* enum replay_state; over, too, before it is listed */
    uint32_t holders;
    /* never written once it is listed */
    struct ringbus_group *group;
    struct registration *registration;
    struct ringbus_topic *topic; /* holds a reference */
    uint64_t number;             /* in the order of listing */
    int64_t from;                /* the registration's */
    int64_t sequence;
    uint64_t ordered;
    size_t size;
    size_t capacity;
    /* of whoever delivers it */
    struct replay *next_queued; /* in a frame's queue */
    bool is_due;                /* the consumer is owed a batch_end for it */
    _Alignas(16) unsigned char data[];
};

/* Of a group: what its registrations still wait for. */
struct replays {
    struct lock lock;
    struct replay *first;
    struct replay *last;
    uint64_t next; /* number */
};

/* Room for a value of a registration's topic, held by the caller; NULL: out of memory. */
struct replay *ringbus__replay_make(struct registration *registration, size_t capacity);

/* The caller holds it no more. */
void ringbus__replay_release(struct replay *replay);

/* It is complete: list it. Under the bus lock and the topic's claim lock. */
void ringbus__replay_list(struct replay *replay);

/* ---- lanes ---- */

/* How far a lane may go in a stage, of what it has seen to be there. */
int64_t ringbus__replay_limit(const struct lane *lane, uint32_t stage, int64_t limit);

/* There is a replay that waits for this lane; and it may run now. */
bool ringbus__replay_is_due(const struct lane *lane);
bool ringbus__replay_can_run(const struct lane *lane);

/* Deliver up to `max` replays; how many there were. Thread: the lane's. */
uint32_t ringbus__replay_run(struct lane *lane, uint32_t max);

/* By a lane that has an event in its hand (bus/overflow/overflow.h), which may be in any window: deliver all. */
void ringbus__replay_run_first(struct lane *lane);

/* By a thread that exits in the handler, or batch_end, of a lane's replay. */
void ringbus__replay_abandon(struct lane *lane);

/* ---- caller groups ---- */

/* Deliver what waits for an event's topic and is in the event's window. */
void ringbus__replay_before(
    struct delivery *delivery, const struct ringbus_topic *topic, int64_t era);

/* Deliver it, if nobody else did; when this returns it is over. */
void ringbus__replay_deliver(struct delivery *delivery, struct replay *replay);

/* Under the consumer's lock: it is this thread that calls the handler; the handler has returned. */
bool ringbus__replay_begin(struct replay *replay);
void ringbus__replay_end(struct replay *replay);

/* By a thread that exits in a handler of a caller group: what it was delivering, and its queue. */
void ringbus__replay_settle(struct frame *frame);

/* ---- who waits for them ---- */

/* Those with a smaller number than this are over. */
uint64_t ringbus__replay_oldest(struct ringbus_group *group);
/* The number the next one will have. */
uint64_t ringbus__replay_next(struct ringbus_group *group);

/* Under the bus lock: a consumer waits for one. */
bool ringbus__replay_is_owed(const struct ringbus_consumer *consumer);

/* Under the bus lock: the registration ends; if its replay has not begun it is discarded. */
void ringbus__replay_drop(struct registration *registration);

/* Under the bus lock: count them as pending for their registrations. */
void ringbus__replay_count(struct ringbus_group *group);

#endif
