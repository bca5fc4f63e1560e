/* counts.h - what one thread has done between two points of a test that must not be free of charge unseen: memory,
 * locks, read-modify-writes, fences, system calls.
 *
 * The library of these tests is compiled once more, over counted/base, whose atomic.h and lock.h are the library's own
 * with a count before each call. Only COUNTS_ATOMICS says so; without it the same tests look at the library as it is,
 * where locks, claims, changes and fences cannot be seen. */
#ifndef TESTS_COST_COUNTS_H
#define TESTS_COST_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

enum count_kind {
    /* library.c: functions of the C library, whoever calls them, and the bus's allocator */
    COUNT_MEMORY,  /* taken or given back */
    COUNT_PTHREAD, /* mutexes, rwlocks, spin locks, condition variables, semaphores */
    /* system.c */
    COUNT_SYSTEM, /* system calls of a watched thread */
    /* counted/base: the library's */
    COUNT_LOCKS,   /* taken, or tried */
    COUNT_CLAIMS,  /* read-modify-writes of the claim word; one that fails counts */
    COUNT_CHANGES, /* those of all other words, a lock's included */
    COUNT_FENCES,
    COUNT_KINDS
};

struct counts {
    bool is_on;
    const void *claim_word;
    uint64_t of[COUNT_KINDS];
    int first_call; /* number of the first system call */
};

/* Of the calling thread. */
extern _Thread_local struct counts counts_here __attribute__((tls_model("initial-exec")));

static inline void
count_one(enum count_kind kind)
{
    counts_here.of[kind] += counts_here.is_on;
}

static inline void
count_change(const void *word)
{
    count_one(word == counts_here.claim_word ? COUNT_CLAIMS : COUNT_CHANGES);
}

/* Begin at nothing. */
static inline void
counts_begin(const void *claim_word)
{
    counts_here = (struct counts){.is_on = true, .claim_word = claim_word};
}

static inline struct counts
counts_end(void)
{
    counts_here.is_on = false;
    return counts_here;
}

/* For a bus: what it takes and gives back is counted. */
extern const struct ringbus_allocator counting_allocator;

/* Count the calling thread's system calls, for the rest of its life; they are made all the same. False: they cannot be
 * counted here. */
bool calls_watch(void);

#endif
