/* lane.h - lanes share the events of a group, and take them through its stages.
 *
 * A lane is a dispatcher: a thread, a loop's turn or whoever polls. Each looks at every event and runs the consumers
 * homed on it; what is for thread-safe consumers the lanes take from each other in ranges. How far they are stands on
 * the group's board (board.h); a lane's reader on the ring is for sleeping only.
 * I1  a lane takes only what it has passed itself
 * I2  marks of an event (who failed, who was called) are set before a position, or `work`, passes it
 * I3  a pass is one stage's: nothing in it waits for another lane. What a lane could not do yet it finds again
 * I4  a range is short where calls are slow: so that what is homed on the lane does not wait long, and others get their
 *     part
 * Edges: PUBLISH, POSITION, STAGE, TAKE, TABLE, STATE.
 * Source: LMAX's batching readers; ranges were measured against a dispatcher thread (docs/decisions/0005). */
#ifndef RINGBUS_BUS_EXECUTOR_LANE_H
#define RINGBUS_BUS_EXECUTOR_LANE_H

#include "base/os.h"
#include "bus/executor/board.h"
#include "bus/overflow/overflow.h"

/* A lane's share of a consumer: its figures, and its place among those that are owed a batch_end. */
struct consumer_part {
    _Alignas(CPU_LINE) struct ringbus_consumer *consumer;
    struct consumer_part *next_touched;
    bool is_touched;
    struct atomic_u64 delivered;
    struct atomic_u64 failed;
    struct atomic_u64 withheld;
    struct atomic_u64 filtered;
    struct atomic_u64 discarded;
};

struct lane {
    /* never written in one life */
    _Alignas(CPU_LINE) struct ringbus_group *group;
    uint32_t index;
    struct ringbus_reader *reader; /* sleeps for it */
    struct os_thread thread;
    bool has_thread; /* to be joined; of whoever starts the group */

    struct atomic_u32 started; /* LANE_STARTED, ... */

    /* of the lane's thread */
    uint32_t range; /* events it takes at once */
    int64_t
        until_ns; /* a pass ends with the event in which this comes, by the clock; 0: no clock is read */
    /* the pass under way */
    struct part *part; /* NULL: there is none */
    uint32_t stage;
    bool is_range;
    bool is_first;  /* every event passes here first, and once: where events are counted */
    uint32_t ahead; /* so many events later slots are fetched; 0: there may be none */
    int64_t safe;   /* the last event before one that is owed a batch_end */
    struct consumer_part *touched;
    struct consumer_part **touched_last;
    struct replay *replay; /* a pass of its own */
    struct hand hand;      /* of a lossy group */
    struct lane *outer;    /* in a handler of which the thread runs a loop, whose lane this is */
    /* looked at by who tells of stalls */
    struct atomic_i64
        at; /* the event that is handed out, or was last: none of the user's code runs until the next one is; NO_EVENT:
               none in this pass yet, or it is in a batch_end */
    struct atomic_ptr record; /* of the thread, in a pass; NULL: between two */

    /* figures */
    struct atomic_u64 passes;
    struct atomic_u64 failed;
    struct atomic_u64 discarded;
    struct atomic_u64 withheld;
    struct atomic_u64 filtered;
    struct atomic_u64 abandoned;
    struct atomic_i64 high_water; /* the most it found unfinished at the beginning of a pass */
};

enum { LANE_STARTED = 1, LANE_REFUSED = 2, LANE_GONE = 3 };

enum { NO_EVENT = -1 };

/* Events a lane takes at once in one stage. */
enum { MAX_PASS = 256 };

/* A thread of the library (thread.c): run a lane until the line has ended; and what is left of it, after a handler has
 * ended the thread. */
void ringbus__lane_main(void *context);
void ringbus__lane_go_on(struct lane *lane);

/* Discard what a line that has ended still holds; the group discards, and has one lane. */
void ringbus__lane_discard(struct lane *lane);

/* By a thread that exits in a handler, of `called`, or a batch_end of the lane's pass: end the pass, with nobody called
 * any more. The group discards. */
void ringbus__lane_abandon(struct lane *lane, const struct ringbus_consumer *called);

/* Handle up to `max` events in each stage; how many there were. Thread: the lane's. */
uint32_t ringbus__lane_run(struct lane *lane, uint32_t max);

/* The lane has no time left. Looked at behind each event, for slow handlers are why there is a bound on time, and of
 * those one is enough. */
ATOMIC_INLINE bool
lane_is_late(const struct lane *lane)
{
    return unlikely(lane->until_ns != 0) && ringbus__os.now_ns() >= lane->until_ns;
}

/* At most `max` in all, of late stages first: so that a bound keeps no stage from its events. One at least, if there
 * are any, however late it is. */
uint32_t ringbus__lane_run_bounded(struct lane *lane, uint32_t max);

/* The same for one stage: those in order, or a range. */
uint32_t ringbus__lane_run_in_order(struct lane *lane, uint32_t stage, uint32_t max);
uint32_t ringbus__lane_run_range(struct lane *lane, uint32_t stage);

/* Such a run would find something. */
bool ringbus__lane_can_run_in_order(const struct lane *lane, uint32_t stage);
bool ringbus__lane_can_run_range(const struct lane *lane, uint32_t stage);

/* A run would, or the lane has come to the end of the line. */
bool ringbus__lane_has_something(const struct lane *lane);

/* The line has ended, and the lane has nothing left to do. */
bool ringbus__lane_is_at_end(const struct lane *lane);

/* From within a handler of the lane: commit what is finished of the pass, to make room. */
void ringbus__lane_commit_early(struct lane *lane);

/* After a position has moved: see whether anybody waits for that. */
void ringbus__lane_attend(struct ringbus_group *group);

/* Read a line that ends to its end, and run nobody: a life that has no executor. */
void ringbus__lane_skip(struct lane *lane);

/* The lane that runs thread-safe consumers for a key. */
static inline uint32_t
lane_of_key(uint64_t key, uint32_t lane_count)
{
    /* Fibonacci hashing: keys that are small numbers spread, too. */
    return (uint32_t)(((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) * lane_count >> 32);
}

#endif
