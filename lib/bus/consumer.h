/* consumer.h - consumers and their registrations.
 *
 * I1  a consumer belongs to one group for life and leaves the bus's list when it is closed
 * I2  it is called only while it is announced (record_call, record_announce), after a look at the registration's until:
 *     once until has been lowered, and a heavy barrier passed, whoever is not announced will not call
 * I3  batch_due counts the threads that owe it a batch_end; raised inside the call that owes it
 * I4  its memory is retired after its destroy function has returned */
#ifndef RINGBUS_BUS_CONSUMER_H
#define RINGBUS_BUS_CONSUMER_H

#include "bus/executor/lane.h"
#include "bus/match.h"

enum { CONSUMER_MAX_WHERE = 127 };

struct ringbus_consumer {
    struct retired retired;
    /* written by whoever closes it, and by whoever opens the first consumer after it */
    struct atomic_u32 is_closing;
    struct atomic_u32 own_mark; /* the bit it sets in an event's marks; 0: nobody comes after it */

    /* never written after open; first what every call looks at */
    ringbus_handler handler;
    void *context;
    uint32_t part_count;
    bool
        is_plain; /* it has no filter, batch_end or max_deliveries, comes after nobody, and one part is enough */
    int (*batch_end)(void *context);
    void (*destroy)(void *context);
    int (*filter)(const struct ringbus_event *event, void *context);
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    uint32_t life;   /* of the group, when it was opened */
    uint32_t number; /* among the bus's consumers, for dumps */
    uint32_t stage;
    uint32_t home;        /* its lane, or LANE_ANY */
    uint32_t after_marks; /* of all it comes after, directly or not */
    enum magic magic;     /* until its memory is retired */
    bool is_thread_safe;
    bool is_counted_out; /* max_deliveries was given */
    char name[BUS_MAX_NAME + 1];
    char where[CONSUMER_MAX_WHERE + 1]; /* the end of it */

    /* written by its executors */
    _Alignas(CPU_LINE) struct atomic_u32 batch_due;
    struct lock
        serial; /* caller groups: of a serialized consumer (post/serial.h); so is the next */
    struct atomic_u32 is_inside;
    struct atomic_u64 calls_left;        /* of max_deliveries */
    struct atomic_u64 discarded_replays; /* figure; by any thread */
    /* caller groups: the id (record.h) of the first thread that entered it, with SERIAL_SHARED if others have, or, if
     * it is thread-safe, whose call of it was over; and figure: of its calls those in no part */
    struct atomic_u64 first_thread;
    struct atomic_u64 first_delivered;

    /* guarded by the bus lock */
    bool is_exhausted; /* no calls are left */
    struct registration *registrations;
    struct pattern *patterns;
    uint32_t pattern_count;
    struct registration *matched;             /* scratch, while a new topic is matched */
    struct ringbus_consumer *previous, *next; /* of the bus's list, or of `closing` */
    bool is_awaited;  /* closing: whoever closes it waits, and finishes it */
    int64_t close_at; /* drain: finished when its ring group has passed this */
    uint64_t
        close_tag; /* 0: discard; else in a caller group: finished when deliveries that began before are over */

    struct consumer_part parts[]; /* one for each lane that may call it */
};

/* It is a consumer that is not closed yet; so is nothing. */
static inline bool
consumer_is_live(const struct ringbus_consumer *consumer)
{
    return consumer == NULL || consumer->magic == MAGIC_CONSUMER;
}

/* The part of a lane, or of the posting threads (NULL). */
static inline struct consumer_part *
consumer_part(struct ringbus_consumer *consumer, const struct lane *lane)
{
    return &consumer->parts[consumer->part_count > 1 ? lane->index : 0];
}

/* By an executor: a call of it is over, and a barrier behind that. Whoever closes it may be waiting for just that; it
 * may be gone after this. */
ATOMIC_INLINE void
consumer_is_left(struct ringbus_consumer *consumer)
{
    /* HINT: the barrier is of this pair. */
    if (unlikely(load_u32(&consumer->is_closing, ORDER_HINT)))
        signal_raise(&consumer->bus->changed);
}

/* By an executor: the last of its calls is under way. Unregisters it everywhere. */
void ringbus__consumer_exhaust(struct ringbus_consumer *consumer);

/* A figure of all its parts; and its handler's calls. */
uint64_t ringbus__consumer_sum(const struct ringbus_consumer *consumer, size_t figure);
uint64_t ringbus__consumer_delivered(const struct ringbus_consumer *consumer);

/* Under the bus lock: calls of the handlers of a group's consumers, those that are gone included. */
uint64_t ringbus__consumer_calls_in(const struct ringbus_group *group);

/* Under the bus lock: it is not being closed, and its group is open, in the same life as when the consumer was. */
bool ringbus__consumer_is_open(const struct ringbus_consumer *consumer);

/* Under the bus lock: no call or batch_end of it runs or will run; heavy. */
bool ringbus__consumer_is_finished(struct ringbus_consumer *consumer);

/* Under the bus lock: take those that are finished, and that nobody awaits, off bus->closing. */
struct ringbus_consumer *ringbus__consumer_take_finished(struct ringbus_bus *bus);

/* No lock held: destroy and retire a list of them. */
void ringbus__consumer_destroy(struct ringbus_bus *bus, struct ringbus_consumer *list);

/* At the end of the bus: destroy and free all consumers. */
void ringbus__consumer_fini(struct ringbus_bus *bus);

#endif
