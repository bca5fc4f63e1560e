/* consumer.h - consumers and their registrations.
 *
 * I1  a consumer belongs to one group for life and leaves the bus's list when it is closed
 * I2  it is called only between record_call and record_return naming it, after a look at the registration's until:
 *     once until has been lowered, and a heavy barrier passed, whoever is not announced will not call
 * I3  batch_due counts the threads that owe it a batch_end; raised inside the call that owes it
 * I4  its memory is retired after its destroy function has returned */
#ifndef RINGBUS_BUS_CONSUMER_H
#define RINGBUS_BUS_CONSUMER_H

#include "bus/match.h"

struct ringbus_consumer {
    struct retired retired;
    /* never written after open */
    ringbus_handler handler;
    void *context;
    int (*batch_end)(void *context);
    void (*destroy)(void *context);
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    uint32_t life; /* of the group, when it was opened */
    bool is_thread_safe;
    char name[BUS_MAX_NAME + 1];

    /* written by whoever closes it */
    struct atomic_u32 is_closing;

    /* written by its executors */
    _Alignas(CPU_LINE) struct atomic_u32 batch_due;
    struct lock serial; /* caller groups: held around a call of a serialized consumer */
    struct atomic_u64 delivered;
    struct atomic_u64 failed;
    struct ringbus_consumer *next_touched; /* of its lane's pass */

    /* guarded by the bus lock */
    struct registration *registrations;
    struct ringbus_consumer *previous, *next; /* of the bus's list, or of `closing` */
    bool is_awaited;    /* closing: whoever closes it waits, and finishes it */
    int64_t close_at;   /* drain: finished when its ring group has passed this */
    uint64_t close_tag; /* drain; in a caller group, when deliveries that began before are over */
};

/* Under the bus lock: end all registrations of a consumer. DRAIN: at the group's next sequence. */
void ringbus__consumer_unregister_all(struct ringbus_consumer *consumer, enum ringbus_how how);

/* Under the bus lock: no call or batch_end of it runs or will run; heavy. */
bool ringbus__consumer_is_finished(struct ringbus_consumer *consumer);

/* Under the bus lock: take those that are finished, and that nobody awaits, off bus->closing. */
struct ringbus_consumer *ringbus__consumer_take_finished(struct ringbus_bus *bus);

/* No lock held: destroy and retire a list of them. */
void ringbus__consumer_destroy(struct ringbus_bus *bus, struct ringbus_consumer *list);

/* Under the bus lock: take a registration out of routes and counts; it is still in its set and can be chosen. */
void ringbus__registration_leave(struct registration *registration);

/* At the end of the bus: destroy and free all consumers. */
void ringbus__consumer_fini(struct ringbus_bus *bus);

#endif
