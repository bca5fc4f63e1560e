/* memory.h - what the view machine knows: for memory.c, which runs it, and state.c, which compares its states. */
#ifndef RINGBUS_MODEL_MEMORY_H
#define RINGBUS_MODEL_MEMORY_H

#include "machine.h"

#ifndef MODEL_WORDS
#define MODEL_WORDS 64
#endif

enum { WORDS = MODEL_WORDS, HISTORY = 128, BUCKETS = 256 };

struct view {
    uint8_t oldest[WORDS] __attribute__((aligned(16)));
};
struct clock {
    uint16_t at[MODEL_THREADS];
};
struct knowledge {
    struct clock clock;
    struct view view;
};
struct message {
    uint64_t value;
    int stored_by; /* by a store, not a read-modify-write; -1: neither */
    struct knowledge known;
};
/* By which threads, in all executions. */
struct use {
    unsigned touched_by, written_by;
};
struct word {
    const void *address;
    uint64_t execution; /* in which the messages are valid */
    int count;
    struct use use;
    struct message
        *messages; /* HISTORY of them, elsewhere: all words are looked through for each state */
};

struct memory {
    struct word words[WORDS];
    int word_count;
    uint8_t buckets[BUCKETS];
    uint64_t execution;
    struct {
        struct knowledge now, released, pending;
    } threads[MODEL_THREADS];
    struct view fences;
};
extern struct memory memory;

#endif
