/* support.h - what all tests share: running them, waits that end, threads, faults, histories.
 *
 * Only the test's own thread may use check's assertions: other threads, and waits that expire, use MUST, which ends the
 * process. Nothing in here orders memory between the threads of a test more than it says: TSan must see the library's
 * edges, not ours. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/os.h"
#include "ringbus/error.h"
#include "ringbus/types.h"

/* The orders of a test's own words. A build that weakens an edge of the library leaves them alone. */
#define TEST_RELEASE memory_order_release
#define TEST_ACQUIRE memory_order_acquire

/* ---- running (run.c) ---- */

/* The body of a test program's main. */
#define RUN_TESTS(name, ...)                                                                       \
    tests_run(name, (const TTest *const[]){__VA_ARGS__},                                           \
        sizeof((const TTest *const[]){__VA_ARGS__}) / sizeof(const TTest *))

int tests_run(const char *name, const TTest *const *tests, size_t count);

/* `count` times RINGBUS_STRESS_SCALE (default 1), a quarter of it under ThreadSanitizer; at least 1. */
uint64_t scaled(uint64_t count);

/* Call `run` in a child of this process, which has not used the library yet; MUST end well. */
void run_in_child(void (*run)(void));

/* Builds with assertions: `run(context)`, in a child, is ended by one. Builds without: true, and nothing is run. */
bool is_caught(void (*run)(void *context), void *context);

/* The next number of a sequence that `state`, not 0, began. */
uint64_t next_random(uint64_t *state);

/* Lose up to so many steps of about a nanosecond, so that two threads meet at every moment of what they do. */
void dawdle(uint64_t *random, uint64_t steps);

/* ---- waits that end (run.c) ---- */

/* End the process, with a message, unless `condition` holds. From any thread. */
#define MUST(condition, ...)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            must_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)

void must_fail(const char *file, int line, const char *format, ...)
    __attribute__((noreturn, format(printf, 3, 4)));

/* When whatever the test waits for now has failed: in 20 s, later under a sanitizer. */
int64_t patience_ends(void);

/* For tests that go on for a number of parts: none begins when 3 s have passed since `begun_ns`, for on a busy
 * machine a part takes long. */
bool has_time_for_a_part(int64_t begun_ns);

/* Give way until `condition` holds. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        const int64_t await_until = patience_ends();                                               \
        while (!(condition))                                                                       \
            await_step(await_until, #condition, __FILE__, __LINE__);                               \
    } while (0)

void await_step(int64_t until, const char *what, const char *file, int line);

/* ---- threads (worker.c) ---- */

struct worker {
    pthread_t handle;
    void (*run)(void *context);
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
};

void worker_start(struct worker *worker, void (*run)(void *context), void *context);

/* Keep the calling thread on one processor: threads with different numbers on different ones, if there are. What two
 * threads do on one processor is never reordered. */
void worker_pin(uint32_t number);

/* MUST have returned in time. `name` says who hangs. */
void worker_join(struct worker *worker, const char *name);

/* ---- one thread stands for two (step.c) ---- */

/* Call `run(run_context)`, and `act(act_context)` in its midst, after the n-th instruction, from 1. Tried with
 * n = 1, 2, ... it meets every moment there is between two instructions; what the processor reorders it does not show.
 * False: `run` was over before, and nothing was done; always so where there are no single steps. */
bool act_at_step(uint64_t nth, void (*run)(void *context), void *run_context,
    void (*act)(void *context), void *act_context);

/* From within `run`: nothing is done any more. */
void stop_steps(void);

/* ---- faults (fault.c) ---- */

/* An allocator that counts, and refuses the n-th allocation. Give &faulty.allocator to the library. */
struct faulty_allocator {
    struct ringbus_allocator allocator;
    struct atomic_u64 calls;      /* allocations asked for */
    struct atomic_u64 live_bytes; /* what has not been released */
    struct atomic_u64 largest;    /* size of the largest one asked for */
    uint64_t refuse_from;         /* number of the first one refused, from 1; 0: none */
    uint64_t refuse_count;        /* how many in a row; UINT64_MAX: all from then on */
};

void faulty_allocator_init(struct faulty_allocator *faulty, uint64_t nth, uint64_t count);

/* Replace the operating system's table: calls are counted, and the n-th (from 1; 0: none) of those that can fail
 * does. Until os_watch_end; only while no other thread uses the library. Entries may be replaced further. */
void os_watch_begin(uint64_t fail_nth);
void os_watch_end(void);

uint64_t os_watch_fallible(void); /* calls that could have failed */
uint64_t os_watch_sleeps(
    void); /* calls of word_wait that have begun: the sleeper has looked for the last time */
uint64_t os_watch_wakes(void); /* calls of word_wake */
uint64_t os_watch_barriers(void);

/* The library uses the table's barrier: the system has one, and this is no build for ThreadSanitizer. A test can then
 * act between what a thread stores and what it looks at next, by replacing the entry. */
bool os_has_barrier(void);

/* The table as it was before os_watch_begin. */
const struct os *os_real(void);

/* ---- histories (history.c) ---- */

enum { HISTORY_PRODUCERS = 8 };

/* What a producer writes into a payload, and what a reader checks: nothing lost, nothing twice, each producer's
 * events in order, no event torn, each in its own sequence's slot. A payload is at least 32 bytes, in words of 8. */
struct history {
    uint64_t next[HISTORY_PRODUCERS]; /* index that must come next */
    bool has_seen[HISTORY_PRODUCERS]; /* a reader that joins late accepts any first index */
    uint64_t count;
};

/* Fill a payload. `index` counts a producer's events from 0. */
void history_write(void *payload, size_t size, int64_t sequence, uint32_t producer, uint64_t index);

/* MUST still be what history_write left. */
void history_verify(
    const void *payload, size_t size, int64_t sequence, uint32_t producer, uint64_t index);

/* Note an event that was read; MUST be the one that comes next. */
void history_read(struct history *history, const void *payload, size_t size, int64_t sequence);

#endif
