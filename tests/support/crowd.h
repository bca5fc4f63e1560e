/* crowd.h - producers and readers of one ring that do all they may do, by lot, and check what they see.
 *
 * No event is lost, comes twice, out of its producer's order, torn or before the readers before; with a clear hook
 * each is cleared once, behind all readers that stay. Nothing has a time-out. */
#ifndef TESTS_SUPPORT_CROWD_H
#define TESTS_SUPPORT_CROWD_H

#include "ring/ring.h"
#include "support/support.h"

enum { CROWD_PRODUCERS = 4, CROWD_READERS = 4, CROWD_GUESTS = 2 };

/* The most sequences a claim takes, and a producer holds. */
enum { CROWD_CLAIM = 4, CROWD_HELD = CROWD_CLAIM + 1 };

/* What became of a sequence; 0: it was not claimed. */
enum crowd_fate { PUBLISHED = 1, ABANDONED = 2 };

struct crowd {
    struct ringbus_ring_options options;
    uint32_t producer_count, reader_count, guest_count;
    uint32_t claims;   /* sequences each producer claims, or a few more */
    int64_t end_after; /* sequences, for crowd_end_sometime */
    bool is_small;     /* so few threads that all may spin without end */

    struct ringbus_ring *ring;
    struct ringbus_view view;
    /* by sequence, the first one's at 0 */
    uint8_t *fates;            /* written before the publish */
    struct atomic_u32 *passed; /* bits of the readers that stay and are done with it */
    struct atomic_u32 *cleared;
    struct atomic_u32 has_produced;
    struct atomic_u32 has_left; /* the readers that stay begin to leave */
};

struct crowd_actor {
    struct worker worker;
    struct crowd *crowd;
    uint32_t number;
    uint64_t random;
    /* a producer's */
    uint64_t published, claimed;
    /* a reader's */
    struct ringbus_reader *reader;
    struct ringbus_custom_wait custom;
    struct atomic_u32 bell;
    uint32_t after; /* bits of the readers before this one */
    struct history history;
    int64_t expected; /* the next sequence */
};

/* The ring's clear hook; its context is the crowd. */
void crowd_clear(void *payload, int64_t sequence, void *context);

/* What the threads do; the context is the actor. A guest stands behind those that stay in an array, and comes and goes
 * until all is produced. */
void crowd_produce(void *context);
void crowd_read_all(void *context);
void crowd_come_and_go(void *context);

/* The context is the crowd. */
void crowd_end_sometime(void *context);

/* A way to wait, of the first so many. */
uint32_t crowd_draw_wait(const struct crowd *crowd, uint64_t *random, uint32_t count);

/* Join so many events before the cursor, after those of `readers` that `actor->after` names, with any wait. */
void crowd_join(struct crowd_actor *actor, const struct crowd_actor *readers, uint32_t back);
void crowd_leave(struct crowd_actor *actor);

#endif
