/* ledger.h - what posters put into events, and the book a consumer keeps of those it gets: each once, whole, in the
 * order that is promised. A book takes the same memory for any number of events. */
#ifndef TESTS_SUPPORT_LEDGER_H
#define TESTS_SUPPORT_LEDGER_H

#include "support/probe.h"

enum { LEDGER_POSTERS = 4, LEDGER_TOPICS = 3, LEDGER_KEYS = 8, LEDGER_REST = 3 };

/* ---- postings ---- */

/* A payload. */
struct posting {
    uint64_t poster, topic;
    uint64_t index; /* among its poster's on its topic, from 0 */
    uint64_t key;   /* 1..LEDGER_KEYS; 0: none */
    uint64_t fails; /* the test's own */
    uint64_t rest[LEDGER_REST];
};

/* Fill in what follows from the others. */
void posting_seal(struct posting *posting);

/* The event's payload, which MUST be whole. */
const struct posting *posting_of(const struct ringbus_event *event);

/* ---- tallies ---- */

/* How many events, and which: no two sets of as many events have the same sum, by any chance worth a thought. */
struct tally {
    struct atomic_u64 count, sum;
};

void tally_add(struct tally *tally, const struct posting *posting);

/* MUST be those of `parts` together. `name` says whose. */
void tally_must_be(const struct tally *tally, const char *name, const struct tally *const *parts,
    size_t part_count);

/* ---- books ---- */

/* Of a poster's events on a topic: first..next-1, if there are any. */
struct line {
    struct atomic_u64 first, next; /* UINT64_MAX and 0: none */
    struct tally tally;
    struct atomic_u32
        *laps; /* by index, modulo the ring's capacity: how often it came; NULL: not kept */
};

/* Where events with a key are handled. */
struct key {
    struct atomic_u32 inside;
    struct atomic_i64 last;     /* sequence */
    struct atomic_u64 *threads; /* of this key, for all books; 0: not known yet */
};

struct book {
    /* set by the test, the rest by book_open */
    const char *name;
    bool is_thread_safe;
    bool has_holes; /* some events are not for it: filtered, withheld */

    uint32_t capacity;
    struct line lines[LEDGER_POSTERS][LEDGER_TOPICS];
    struct key keys[LEDGER_KEYS];
    struct atomic_u32 inside;
    struct atomic_u32 destroyed;
    struct atomic_u64 calls;
    /* of a serialized consumer */
    struct atomic_u64 thread;
    int64_t last; /* sequence; plain: a call sees what the call before did */
};

/* threads  of each key, LEDGER_KEYS; shared by the books of a group
 * keeps_laps  for a consumer that gets all events of its topics: of what is wrong it says so at once */
void book_open(struct book *book, uint32_t capacity, struct atomic_u64 *threads, bool keeps_laps);
void book_close(struct book *book);

/* In the handler: note the event, which MUST be due. */
const struct posting *book_enter(struct book *book, const struct ringbus_event *event);
void book_leave(struct book *book, const struct posting *posting);

/* destroy, of a consumer whose context is a book. */
void book_destroy(void *context);

/* It got all of a poster's events on a topic, 0..count-1. */
void book_must_be_full(const struct book *book, uint32_t poster, uint32_t topic, uint64_t count);

/* Between its first and its last of a line it got all; and it got `from`..`end`-1, if there are any. */
void book_must_hold(
    const struct book *book, uint32_t poster, uint32_t topic, uint64_t from, uint64_t end);

#endif
