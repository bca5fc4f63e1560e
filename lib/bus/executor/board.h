/* board.h - how far a group's lanes have come, stage by stage.
 *
 * Progress is a position for each lane and stage; the ring's gate goes by the smallest.
 * I1  a stage has finished an event when all lanes' positions in it have passed it, and what is taken of it is done
 *     (board_finished); the next stage reads no further
 * I2  a lane announces what it is about to take (`work`), then takes (`taken`): whoever sees the event taken sees who
 *     has it, if it looks at `taken` first (TAKE). Until it has taken, the announcement may be in vain, and older than
 *     what others have finished since: too small, never too large. Who announced in vain tells the producers; who needs
 *     a position that never falls waits until it is decided (ringbus__board_settled)
 * I3  a stage, and the sharing in it, joins as a reader does (gate.c I2): the gate looks at it, heavy barrier, its
 *     positions become the claim cursor, then the lanes begin with it. Who needs it registers after that
 * Edges: POSITION, STAGE, TAKE, TABLE, STATE.
 * Source: the disruptor's dependency graph, within one group; ranges are share.c's. */
#ifndef RINGBUS_BUS_EXECUTOR_BOARD_H
#define RINGBUS_BUS_EXECUTOR_BOARD_H

#include "ring/ring.h"

struct ringbus_group;

/* Who is in the last stage holds every mark: nobody comes after it. */
enum { MAX_LANES = 32, MAX_MARKS = 32, MAX_STAGES = MAX_MARKS + 1 };

/* Where a consumer is called: its stage, and its lane or, for a thread-safe one on several lanes, LANE_ANY. */
enum { LANE_ANY = MAX_LANES };
#define NOWHERE UINT32_MAX

static inline uint32_t
where_of(uint32_t stage, uint32_t lane)
{
    return stage * (MAX_LANES + 1) + lane;
}

/* How far a lane has come in a pass that it has not finished. */
struct progress {
    struct atomic_i64 done; /* the last event all of whose handlers have returned */
    /* the last one before those that are discarded; INT64_MAX: none is in this life */
    struct atomic_i64 handed_out;
};

/* One lane's part of a stage; written by the lane's thread. */
struct part {
    _Alignas(CPU_LINE) struct atomic_i64 position; /* the last event finished of those homed here */
    struct atomic_i64 work; /* the same of the range it has taken, or announces; INT64_MAX: none */
    /* with every event; on a line that producers who wait for room do not look at */
    _Alignas(CPU_LINE) struct progress in_order;
    struct progress in_range;
    struct atomic_i64 range_end;
};

struct stage {
    /* written by all lanes */
    _Alignas(CPU_LINE) struct atomic_i64 taken; /* INT64_MAX: nothing is shared here */
    /* written under the bus lock, once a life */
    _Alignas(CPU_LINE) struct atomic_u32 is_shared;
    struct part parts[];
};

/* What `work` is while the lane is about to take the events behind `taken`. */
static inline int64_t
announcement(int64_t taken)
{
    return taken + 1 + INT64_MIN; /* a sequence is not below -1 */
}

static inline bool
is_announcement(int64_t work)
{
    return work < -1;
}

/* `taken` again, or `work` as it is. */
static inline int64_t
behind_work(int64_t work)
{
    return is_announcement(work) ? work - INT64_MIN - 1 : work;
}

/* The last event all lanes have finished in the stage. */
static inline int64_t
board_finished(const struct stage *stage, uint32_t lane_count)
{
    /* STAGE acquire: `taken` first, since it brings the `work` of whoever took (I2). What was done with the events is
     * visible, to the next stage and to a producer. */
    int64_t least = load_i64(&stage->taken, ORDER_STAGE_ACQUIRE);

    for (uint32_t i = 0; i < lane_count; i++) {
        const int64_t position = load_i64(&stage->parts[i].position, ORDER_STAGE_ACQUIRE);
        const int64_t behind = behind_work(load_i64(&stage->parts[i].work, ORDER_STAGE_ACQUIRE));

        least = position < least ? position : least;
        least = behind < least ? behind : least;
    }
    return least;
}

/* The last event that all lanes have finished in all stages; and the last whose reference was dropped, too: the group
 * is done with it. The latter is what the ring's gate goes by. */
int64_t ringbus__board_passed(const struct ringbus_group *group);
int64_t ringbus__board_position(void *group);

/* As passed, but never less than it was before for anybody: waits for announcements to be decided. */
int64_t ringbus__board_settled(void *group);

/* ---- under the bus lock ---- */

/* Make the first stage, at the ring's cursor, before anybody posts. False: out of memory. */
bool ringbus__board_open(struct ringbus_group *group);

/* A new life begins: one stage, nothing shared. No executor runs. */
void ringbus__board_reset(struct ringbus_group *group);

/* See that there is a stage with this number; false: out of memory. */
bool ringbus__board_add_stage(struct ringbus_group *group, uint32_t stage);

/* Share the stage's events for thread-safe consumers. */
void ringbus__board_share(struct ringbus_group *group, uint32_t stage);

void ringbus__board_free(struct ringbus_group *group);

/* Bytes of a stage for so many lanes. */
size_t ringbus__board_memory(uint32_t lane_count);

/* Whether an event still has to be finished by whoever is called at `where`, with an ordering key. A snapshot. */
bool ringbus__board_owes(const struct ringbus_group *group, int64_t sequence, uint32_t where,
    uint64_t ordered, bool has_batch_end);

#endif
