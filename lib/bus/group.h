/* group.h - a group: a ring and its executor, or a pool of nested posts (caller groups).
 *
 * I1  a group's memory stays until the bus is closed and is used again for a group of the same shape: a poster may
 *     hold the pointer for any time. Who has claimed looks at the topic's route again, and abandons the claim if the
 *     group is no longer in it (post.c)
 * I2  a group ends in this order: its bit leaves all routes; its line ends; its reader reads to the end; its
 *     registrations leave their sets */
#ifndef RINGBUS_BUS_GROUP_H
#define RINGBUS_BUS_GROUP_H

#include "base/os.h"
#include "bus/bus.h"
#include "ring/ring.h"

enum group_state { GROUP_STARTING, GROUP_OPEN, GROUP_ENDING, GROUP_ENDED };

/* What a post leaves in a slot; the payload follows. */
struct entry {
    struct ringbus_topic *topic;
    uint64_t ordered;
    void (*release)(
        void *memory, void *context); /* of an event by reference; none in this version */
    uint32_t size;
    uint32_t flags;
    unsigned char data[];
};

/* One executor's share of a group; in this version a group has one. */
struct lane {
    struct ringbus_reader *reader;
    struct os_thread thread;
    bool has_thread; /* to be joined; of whoever starts the group */
    /* of the executor's thread */
    struct atomic_i64 done; /* last event all of whose handlers have returned; read by reports */
    struct atomic_i64 handed_out; /* last event that was not discarded; read by reports */
    int64_t safe;                 /* last event before one that is owed a batch_end */
    struct ringbus_consumer *touched;
    struct ringbus_consumer **touched_last;
    struct atomic_u32 started; /* 1: it runs, 2: it could not, 3: it has run */
    struct signal changed;
    /* figures of the executor's thread */
    struct atomic_u64 passes;
    struct atomic_u64 delivered;
    struct atomic_u64 failed;
    struct atomic_u64 discarded;
};

struct ringbus_group {
    /* never written in one life */
    struct ringbus_bus *bus;
    uint64_t bit;
    uint32_t index;
    uint32_t kind; /* enum ringbus_group_kind */
    uint32_t capacity;
    uint32_t slot_size;
    struct ringbus_ring *ring; /* NULL: caller group */
    struct atomic_ptr loop;    /* of a loop group; publishers may read it late */
    char name[BUS_MAX_NAME + 1];

    /* read in every pass, written by the control plane */
    struct atomic_u32 is_discarding;
    struct atomic_u32 is_watched; /* a loop waits for it to fall to half */

    _Alignas(CPU_LINE) struct lane lane;

    /* caller groups: free entries for nested posts */
    _Alignas(CPU_LINE) struct lock pool_lock;
    struct pending *pool;
    void *pool_memory;
    uint32_t pool_free;
    struct atomic_u64 era; /* stands for the sequence: grows with every registration and drain */

    /* figures of slow paths */
    struct atomic_u64 refused;
    struct atomic_u64 blocked;
    struct atomic_u64 blocked_ns;

    /* of the loop's thread */
    struct ringbus_group *next_on_loop;

    /* guarded by the bus lock */
    uint32_t state;   /* enum group_state */
    uint32_t life;    /* how often it was opened */
    bool is_at_end;   /* the executor has read to the end of the line */
    uint64_t end_tag; /* a caller group's: deliveries that began before may still be for it */
};

static inline struct ringbus_group *
ringbus__group_at(const struct ringbus_bus *bus, uint32_t index)
{
    /* TABLE acquire: the group is complete. */
    return load_ptr(&bus->groups[index], ORDER_TABLE_ACQUIRE);
}

/* The last sequence the group has finished; INT64_MAX for a caller group. */
int64_t ringbus__group_position(const struct ringbus_group *group);

/* The first sequence nobody has claimed; 0 for a caller group. */
int64_t ringbus__group_next(const struct ringbus_group *group);

/* The first sequence a later post can get; what this thread did before is visible to it. */
int64_t ringbus__group_cut(struct ringbus_group *group);

/* Events claimed and not finished. */
int64_t ringbus__group_lag(const struct ringbus_group *group);

/* Open a group of any kind; for a loop group `loop` is its loop. */
int ringbus__group_make(struct ringbus_bus *bus, const struct ringbus_group_options *options,
    struct ringbus__loop *loop, struct ringbus_group **ret_group);

/* Under the bus lock: begin to end a group. */
void ringbus__group_begin_end(struct ringbus_group *group, enum ringbus_how how);

/* Under the bus lock: end its registrations if its executor has read to the end. */
void ringbus__group_settle(struct ringbus_group *group);

/* By its executor, no lock held: it has read to the end of the line. */
void ringbus__group_reached_end(struct ringbus_group *group);

/* Under the bus lock: wake every loop of the bus, since a group it may wait for has changed. */
void ringbus__loop_notify(struct ringbus_bus *bus);

/* Under the bus lock: a watched group has fallen to half. */
void ringbus__loop_has_fallen(struct ringbus_group *group);

/* Under the bus lock: the group begins a new life, with no refusals. */
void ringbus__loop_forget(const struct ringbus_group *group);

/* By a thread that was refused by a full group: remember it for its loops of that bus. */
void ringbus__loop_note_refusal(const struct ringbus_group *group);

/* By a publisher: the reader of a loop's group has something to read. */
void ringbus__loop_wake(void *context);

/* At the end of the bus: its threads have nothing to do any more. */
void ringbus__group_join(struct ringbus_group *group);
void ringbus__group_free(struct ringbus_group *group);

#endif
