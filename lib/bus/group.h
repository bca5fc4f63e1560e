/* group.h - a group: a ring and its lanes, or a pool of nested posts (caller groups).
 *
 * I1  a group's memory stays until the bus is closed and is used again for a group of the same shape: a poster may
 *     hold the pointer for any time. Who has claimed looks at the topic's route again, and abandons the claim if the
 *     group is no longer in it (post.c)
 * I2  a group ends in this order: its bit leaves all routes; its line ends; its lanes read to the end; its
 *     registrations leave their sets */
#ifndef RINGBUS_BUS_GROUP_H
#define RINGBUS_BUS_GROUP_H

#include "bus/bus.h"
#include "bus/executor/lane.h"
#include "bus/executor/replay.h"
#include "bus/executor/stall.h"
#include "bus/figures/age.h"
#include "bus/overflow/overflow.h"

/* Bits of is_watched: a loop waits for the group to fall to half; a stall is over when it has; lanes look at
 * max_lag. */
enum { WATCHED_BY_LOOP = 1, WATCHED_FOR_FALL = 2, WATCHED_FOR_LAG = 4 };

/* A group that discards, as broken ones do, or has stages: a post to a caller group looks closer. */
#define GROUP_SPECIAL (UINT32_C(1) << 31)

enum group_state { GROUP_STARTING, GROUP_OPEN, GROUP_ENDING, GROUP_ENDED };

/* What a post leaves in a slot; the payload follows. */
struct entry {
    struct ringbus_topic *topic;
    uint64_t ordered;
    struct ringbus_reference *reference; /* NULL: the payload is here */
    size_t size; /* of the payload; in a drop_oldest ring of a reference its life (oldest.h) */
    unsigned char data[];
};

static inline size_t
entry_size(const struct entry *entry)
{
    return sizeof *entry + (entry->reference == NULL ? entry->size : 0);
}

struct ringbus_group {
    /* never written in one life */
    struct ringbus_bus *bus;
    uint64_t bit;
    uint32_t index;
    enum magic magic;
    uint32_t kind; /* enum ringbus_group_kind */
    uint32_t capacity;
    uint32_t slot_size;
    uint32_t lane_count;
    struct atomic_u32 reserve; /* a post that began in an earlier life may go by that one's */
    uint32_t overflow;         /* enum ringbus_overflow */
    bool has_plain_ring;       /* a lossless one */
    struct ringbus_ring *ring; /* NULL: caller group */
    struct lane *lanes;
    struct atomic_ptr loop; /* of a loop or polled group; publishers may read it late */
    struct polled *polled;  /* of a polled group */
    char name[BUS_MAX_NAME + 1];

    /* read in every pass, written by the control plane */
    struct atomic_u32 is_discarding;
    struct atomic_u32 is_watched; /* WATCHED_BY_LOOP, ... */
    struct atomic_u32 is_paused;
    struct atomic_u32
        is_broken; /* a thread has exited in a handler: posts are refused, the rest is discarded */
    struct atomic_u32 has_references; /* an event by reference may be in the ring (reference.h) */
    struct atomic_u32 replays;        /* not over; in caller groups read with every event */
    struct atomic_u32 special;        /* caller groups: `replays`, and GROUP_SPECIAL */
    struct atomic_u32 stage_count;    /* those that lanes run */
    struct atomic_u32 scanned;        /* those that the gate goes by */
    struct atomic_ptr
        stages[MAX_STAGES]; /* ring groups: struct stage; never freed before the group */

    /* caller groups: free entries for nested posts */
    _Alignas(CPU_LINE) struct lock pool_lock;
    struct pending *pool;
    void *pool_memory;
    uint32_t pool_free;
    /* also of conflate groups: stands for the sequence; grows with every registration and drain */
    struct atomic_u64 era;
    struct lossy lossy;

    struct replays to_replay; /* of those registered on retained topics */

    /* ring groups: references of events up to here were dropped; written by whoever has that turn */
    _Alignas(CPU_LINE) struct atomic_i64 released;
    struct atomic_u32 releasing;
    struct lock references_lock;

    /* figures of slow paths */
    struct atomic_u64 delivered; /* calls of handlers of consumers that are gone; bus lock */
    struct atomic_u64 refused;
    struct atomic_u64 blocked;
    struct atomic_u64 blocked_ns;
    struct stalls stalls;
    struct atomic_u64 waiting; /* posts, now */

    /* of the loop's thread */
    struct ringbus_group *next_on_loop;

    /* written when it starts */
    struct atomic_u32 go; /* its threads may run: 1, or leave: 2 */
    struct signal changed;

    /* guarded by the bus lock */
    uint32_t state;                   /* enum group_state */
    uint32_t life;                    /* how often it was opened */
    bool is_given_back;               /* ringbus_group_close has returned RINGBUS_OK in this life */
    int64_t begins_at;                /* the first sequence of this life */
    uint32_t lanes_at_end;            /* they have read to the end of the line */
    uint32_t homed[MAX_LANES];        /* consumers whose home it is */
    uint32_t mark_holders[MAX_MARKS]; /* consumers that set or look at a mark */
    uint64_t end_tag; /* a caller group's: deliveries that began before may still be for it */
    int64_t first;    /* of its sequences in this life */
    struct age age;
    int64_t seen_lag; /* by visits, the largest */
};

/* It is a group of a bus that is open; so is nothing. */
static inline bool
group_is_live(const struct ringbus_group *group)
{
    return group == NULL || group->magic == MAGIC_GROUP;
}

/* Nobody may use it any more; in a later life it is another one. */
static inline void
group_give_back(struct ringbus_group *group, uint32_t life)
{
    lock_acquire(&group->bus->lock);
    group->is_given_back |= group->life == life;
    lock_release(&group->bus->lock);
}

static inline struct ringbus_group *
ringbus__group_at(const struct ringbus_bus *bus, uint32_t index)
{
    /* TABLE acquire: the group is complete. */
    return load_ptr(&bus->groups[index], ORDER_TABLE_ACQUIRE);
}

/* The options with what is 0 in them filled in, and of the ring they ask for. RINGBUS_OK or RINGBUS_EINVAL. */
int ringbus__group_options(const struct ringbus_group_options *given, bool is_loop,
    struct ringbus_group_options *ret_options);
struct ringbus_ring_options ringbus__group_ring(const struct ringbus_group_options *options);

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

/* No lock held: a thread has exited in a handler of the group. */
void ringbus__group_break(struct ringbus_group *group);

/* Under the bus lock: its threads, if it has any, are past all hooks of the user's. */
bool ringbus__group_is_left(const struct ringbus_group *group);

/* Under the bus lock: end its registrations if its lanes have read to the end. */
void ringbus__group_settle(struct ringbus_group *group);

/* By each lane, no lock held: it has read to the end of the line. */
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

/* Have its executors look again: a word they go by has changed. */
void ringbus__group_call(struct ringbus_group *group);

/* Slots that a post must leave free: those with a pass have them all. */
static inline uint32_t
group_spare(const struct ringbus_group *group, bool has_pass)
{
    /* HINT: it does not change in a life. */
    return has_pass ? 0 : load_u32(&group->reserve, ORDER_HINT);
}

/* Half of what ordinary posts can fill. */
static inline int64_t
group_half(const struct ringbus_group *group)
{
    return (int64_t)(group->capacity - group_spare(group, false)) / 2;
}

/* Its events wait in a cell for each topic: a consumer needs to name its topics. */
static inline bool
group_conflates(const struct ringbus_group *group)
{
    return group->overflow == RINGBUS_CONFLATE;
}

/* Its lane has one event at a time, in its hand (overflow.h). */
static inline bool
group_copies_out(const struct ringbus_group *group)
{
    return group->overflow >= RINGBUS_DROP_OLDEST;
}

/* The stages that lanes run. */
static inline uint32_t
group_stage_count(const struct ringbus_group *group)
{
    /* TABLE acquire: a stage that lanes run has joined. */
    return load_u32(&group->stage_count, ORDER_TABLE_ACQUIRE);
}

/* Nothing is posted to it in this life any more. */
static inline bool
group_is_broken(const struct ringbus_group *group)
{
    /* STATE acquire: whoever finds its line closed finds why. */
    return load_u32(&group->is_broken, ORDER_STATE_ACQUIRE) != 0;
}

static inline void
group_make_special(struct ringbus_group *group)
{
    /* TABLE release: a consumer of a new stage is registered after this. */
    or_u32(&group->special, GROUP_SPECIAL, ORDER_TABLE_RELEASE);
}

/* Until its life is over, what it has not handed out is counted only. */
static inline void
group_discard(struct ringbus_group *group)
{
    store_u32(&group->is_discarding, 1, ORDER_HINT);
    group_make_special(group);
}

/* Some registration has not got its topic's retained value yet. */
static inline bool
group_has_replays(const struct ringbus_group *group)
{
    /* CALL acquire: what their handlers did is visible to who goes on because they are over. */
    return unlikely(load_u32(&group->replays, ORDER_CALL_ACQUIRE));
}

/* The lanes begin with no further event. */
static inline bool
group_rests(const struct ringbus_group *group)
{
    /* HINT: lanes are called after it has changed. */
    return unlikely(load_u32(&group->is_paused, ORDER_HINT)) &&
           !load_u32(&group->is_discarding, ORDER_HINT);
}

/* At the end of the bus: its threads have nothing to do any more. */
void ringbus__group_join(struct ringbus_group *group);
void ringbus__group_free(struct ringbus_group *group);

#endif
