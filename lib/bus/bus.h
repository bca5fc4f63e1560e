/* bus.h - the bus itself, and what the files of this layer share.
 *
 * One lock guards the control plane: registrations, consumers, groups, closings, shutdown. A second one, taken
 * inside it or alone, guards the topic table: a topic enters it under both. No handler or hook runs under either; the
 * predicates of ringbus_register_match do.
 *
 * Attention: whoever waits for executors to get somewhere (flush, close, shutdown) raises `attention`, then looks,
 * then sleeps on `changed`. An executor that has committed a pass looks at `attention` and, if it is raised, settles
 * what has become possible and raises `changed` (ringbus__bus_settle). One mechanism serves them all, and costs an
 * executor one relaxed load a pass.
 * I1  attention is raised, then a heavy barrier, then the waiter looks; an executor commits, then a light barrier
 *     (in ring_moved), then looks at attention: one of them sees the other
 *
 * Fork: a child has the bus's memory and none of its threads. Every public function looks at bus_is_forked before it
 * does anything with the bus but read what never changes.
 * Edges: STATE, TABLE. */
#ifndef RINGBUS_BUS_BUS_H
#define RINGBUS_BUS_BUS_H

#include "base/alloc.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/os.h"
#include "base/park.h"
#include "base/record.h"
#include "bus/executor/reference.h"
#include "bus/magic.h"
#include "bus/pattern/trie.h"
#include "ringbus/ringbus.h"

enum { BUS_MAX_GROUPS = 64, BUS_MAX_NAME = 63, BUS_LOOKUP_BITS = 8 };

enum bus_state {
    BUS_OPEN,
    BUS_ENDING, /* posts by ordinary threads are refused */
    BUS_QUIET,  /* all lines have ended; on_shutdown runs */
    BUS_ENDED
};

struct ringbus_bus {
    /* never written after open */
    struct ringbus_allocator allocator; /* counts in `memory` what it has from the user's */
    struct ringbus_allocator given;
    struct ringbus_options options;
    struct hash_key hash_key;
    enum magic magic;

    /* read by every post and pass, written by the control plane, or (home) never */
    _Alignas(CPU_LINE) struct os_home home;
    struct atomic_ptr groups[BUS_MAX_GROUPS]; /* never freed, reused */
    struct atomic_u32 state;                  /* enum bus_state */
    struct atomic_u32 attention;
    struct atomic_u32 has_many_topics; /* or had (pass.h) */
    struct ringbus_group *default_group;

    /* step mode; of the thread that steps */
    struct lock stepping; /* only tried */
    uint64_t step_random;

    /* written on slow paths */
    _Alignas(CPU_LINE) struct signal changed;
    struct atomic_u64 dead;   /* figure: posts that matched nobody */
    struct atomic_u64 memory; /* figure: bytes held */
    struct atomic_u32
        owed; /* nested posts queued and batch_ends due on threads that post (caller.c) */
    struct atomic_u32 foreign_owed; /* of these, by posts to other buses */
    struct atomic_u32 pins;         /* threads that will look at the bus once more (caller.c) */
    struct references references;   /* has a lock of its own */

    /* guarded by `lock` */
    struct lock lock;
    struct ringbus_consumer *consumers; /* newest first */
    struct ringbus_consumer *closing;   /* closed, and not yet finished */
    struct retired *retired_first;
    struct retired *retired_last;
    uint32_t retired_count;
    struct trie patterns; /* pattern/pattern.c; so is the next */
    struct trie_leaf *predicates;
    struct atomic_u32
        pattern_count; /* of both; posts to unknown names look at it, without the lock */
    struct ringbus_topic *first_cached; /* oldest first; pattern/cache.c */
    struct ringbus_topic *last_cached;
    uint32_t cached_count;
    struct ringbus__loop *loops;
    bool has_dropped;      /* a replay: who waits for it has not been told */
    struct row *report;    /* to be told to on_undelivered */
    uint32_t reporters;    /* callers that will tell it; 0: whoever settles does */
    uint32_t group_number; /* for default names; so is the next */
    uint32_t consumer_number;

    /* guarded by `names` */
    struct lock names;
    struct ringbus_topic *topics; /* uthash's head */
    uint32_t topic_count;
    uint64_t topic_number; /* how many there ever were */
    struct ringbus_topic *retired_topics;
    struct ringbus_topic *last_retired_topic;
    struct topic_walk *walks;

    /* read by posts by name, written under `names` */
    _Alignas(CPU_LINE) struct atomic_ptr lookup[1 << BUS_LOOKUP_BITS]; /* topics (post/lookup.h) */
};

/* It is a bus, and open; so is nothing. */
static inline bool
bus_is_live(const struct ringbus_bus *bus)
{
    return bus == NULL || bus->magic == MAGIC_BUS;
}

/* This process is a child of the one that opened the bus. */
static inline bool
bus_is_forked(const struct ringbus_bus *bus)
{
    return unlikely(!home_is_here(&bus->home));
}

/* This thread runs an executor, a handler or a hook of any bus, or a loop, or has an open claim: it must not wait for
 * handlers. */
bool ringbus__bus_must_not_wait(void);

/* The thread is about to run handlers as a polled group's executor, or a step: RINGBUS_OK, RINGBUS_EDEADLK (it is in a
 * handler or hook), RINGBUS_ESYS. */
int ringbus__bus_begin_turn(void);

/* This thread is in a pass or a synchronous post of this bus: its handlers and hooks may post while the bus drains.
 * What an executor runs behind a pass may not, nor may what it delivers there. If a handler runs a loop, the loop's own
 * pass counts. */
bool ringbus__bus_has_pass(const struct ringbus_bus *bus);

/* Around a call of a user's hook, or destroy: what it calls must not wait for handlers. */
static inline void
bus_enter_hook(void)
{
    record_here(&ringbus__record)->hooks++;
}

static inline void
bus_leave_hook(void)
{
    ringbus__record.hooks--;
}

/* Finish closings, group ends and the shutdown as far as they have become possible; wake who waits for them. No
 * lock may be held. */
void ringbus__bus_settle(struct ringbus_bus *bus);

/* The part of it that may be done while a handler runs: tell those who wait that a position has moved. */
void ringbus__bus_moved(struct ringbus_bus *bus);

/* After a registration has ended: tell those who waited for a replay that it dropped. */
void ringbus__bus_dropped(struct ringbus_bus *bus);

/* Raise and lower attention; raising includes the heavy barrier. */
void ringbus__bus_watch(struct ringbus_bus *bus);
void ringbus__bus_unwatch(struct ringbus_bus *bus);

/* Wait until `is_done` says so, called with the bus lock held. RINGBUS_OK or RINGBUS_ETIMEDOUT. */
int ringbus__bus_wait(struct ringbus_bus *bus, bool (*is_done)(struct ringbus_bus *bus, void *what),
    void *what, int64_t deadline_ns);

/* The options with what is 0 in them filled in. RINGBUS_OK or RINGBUS_EINVAL. */
int ringbus__bus_options(const struct ringbus_options *given, struct ringbus_options *ret_options);

/* Copy a name of at most BUS_MAX_NAME bytes, or make "<prefix>-<number>". False: too long or empty. */
bool ringbus__bus_name(
    char to[BUS_MAX_NAME + 1], const char *given, const char *prefix, uint32_t number);

#endif
