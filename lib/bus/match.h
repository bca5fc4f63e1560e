/* match.h - who gets a topic's events in one group: a set that is replaced to grow, and how replaced things go.
 *
 * I1  a visible set never grows or moves a member: one that leaves is struck out (NULL), which needs no memory; the
 *     set is replaced under the bus lock when one joins, or when half of it is struck out
 * I2  what was replaced is freed when no delivery that began before can hold it (record.h)
 * I3  a registration's window is [from, until): each is a cut, the first sequence of its group's ring that a later
 *     claim can get. `from` is WINDOW_OPENS from before its set is visible until it is decided; `until` is
 *     WINDOW_STAYS, WINDOW_CLOSES from the beginning of a drain until it is decided, or INT64_MIN (ended). Whoever
 *     needs to know first decides (window_edge), so that all lanes go by the same edge: if only who registers could,
 *     one lane might step over an event and another deliver an earlier one. In caller and conflate groups eras stand
 *     for sequences; they are read, not claimed: so an edge brings the era it was made of to whoever registers
 * Edges: TABLE, CUT.  Source: copy-on-write lists of java.util.concurrent, without its collector. */
#ifndef RINGBUS_BUS_MATCH_H
#define RINGBUS_BUS_MATCH_H

#include "bus/bus.h"

#define WINDOW_OPENS INT64_MAX
#define WINDOW_STAYS INT64_MAX
#define WINDOW_CLOSES (INT64_MIN + 1)

/* At the head of what is freed late. */
struct retired {
    struct retired *next;
    uint64_t tag;
    size_t size;
};

struct registration {
    struct retired retired;
    struct atomic_i64 from;
    struct atomic_i64 until;
    uint32_t where;       /* the consumer is called (board.h) */
    uint32_t plain_where; /* the same, if it is a plain one (consumer.h), else NOWHERE */
    struct ringbus_consumer *consumer;
    struct ringbus_topic *topic;          /* holds a reference if it is exact */
    struct registration *previous, *next; /* of the consumer's; bus lock */
    uint32_t
        pattern_count; /* of the consumer's patterns that match the topic; bus lock, as is the next */
    bool is_exact;     /* the consumer is registered on the topic by its name, too, or only so */
    bool is_counted;   /* in topic->consumers and route; bus lock */
    uint64_t pending;            /* scratch of a report; bus lock */
    struct atomic_u64 discarded; /* figure */
    uint64_t reported;           /* of those, named by on_undelivered; bus lock */
};

struct match_set {
    struct retired retired;
    uint32_t count;              /* of members, those struck out included */
    uint32_t live;               /* bus lock */
    struct atomic_ptr members[]; /* struct registration, NULL: struck out */
};

/* As a look: an edge that is not decided yet counts as none. */
static inline bool
window_holds(const struct registration *registration, int64_t sequence)
{
    const int64_t until = load_i64(&registration->until, ORDER_HINT);

    return sequence >= load_i64(&registration->from, ORDER_HINT) &&
           (sequence < until || until == WINDOW_CLOSES);
}

/* Decide an edge of a window of the group, if nobody has. Any thread, no lock; what it is now. */
int64_t ringbus__window_decide(
    struct atomic_i64 *edge, int64_t undecided, struct ringbus_group *group);

/* HINT, of both: what an edge was decided to, or that it is undecided, came before the claim of any event it cuts off.
 * Undecided it lets no event pass. */

/* For a delivery: the window begins before the event. */
ATOMIC_INLINE bool
window_has_begun(struct registration *registration, int64_t sequence, struct ringbus_group *group)
{
    const int64_t from = load_i64(&registration->from, ORDER_HINT);

    return likely(sequence >= from) ||
           (from == WINDOW_OPENS &&
               sequence >= ringbus__window_decide(&registration->from, WINDOW_OPENS, group));
}

/* And it ends behind it. */
ATOMIC_INLINE bool
window_goes_on(struct registration *registration, int64_t sequence, struct ringbus_group *group)
{
    const int64_t until = load_i64(&registration->until, ORDER_HINT);

    return likely(sequence < until) ||
           (until == WINDOW_CLOSES &&
               sequence < ringbus__window_decide(&registration->until, WINDOW_CLOSES, group));
}

/* ---- these under the bus lock ---- */

/* An empty set with room for `count`; NULL: out of memory. */
struct match_set *ringbus__match_make(struct ringbus_bus *bus, uint32_t count);

/* A set for (topic, group) with its live members and `more` (NULL: none); NULL: out of memory. */
struct match_set *ringbus__match_prepare(
    struct ringbus_topic *topic, struct ringbus_group *group, struct registration *more);

/* Make `set` the set of (topic, group); the old one is retired. */
void ringbus__match_replace(
    struct ringbus_topic *topic, struct ringbus_group *group, struct match_set *set);

/* Strike a registration out of its set, and retire it. */
void ringbus__match_remove(struct registration *registration);

/* How many of a set's members still count for routes. */
uint32_t ringbus__match_counted(struct ringbus_topic *topic, struct ringbus_group *group);

/* Free it later. */
void ringbus__retire(struct ringbus_bus *bus, struct retired *retired, size_t size);

/* Free what can be freed; heavy. */
void ringbus__retire_sweep(struct ringbus_bus *bus);

/* Free everything, when nobody delivers any more. */
void ringbus__retire_fini(struct ringbus_bus *bus);

size_t ringbus__match_size(uint32_t count);

#endif
