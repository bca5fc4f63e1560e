/* model.h - what a scenario uses of the model checker.
 *
 * A scenario is one to four threads that call the library; threads that the library starts count with them. They run as
 * coroutines of one real thread; at each atomic access the checker chooses who goes on and which of the values still
 * visible a load returns, and tries all choices within the bounds. `begin` and `end` run alone, before and after;
 * everything before is visible to the threads. What the library starts in `begin` runs to its first sleep at once, and
 * goes on with the threads if it is woken; it may sleep at the end. */
#ifndef RINGBUS_MODEL_MODEL_H
#define RINGBUS_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ringbus/types.h"

enum { MODEL_THREADS = 4 };

struct scenario {
    const char *name;
    const char *proves;
    void (*begin)(void);
    void (*threads[MODEL_THREADS])(void);
    void (*end)(void);
    /* After all executions: what was wrong with them taken together, or NULL. */
    const char *(*judge)(void);
    bool is_fenced;    /* the process has no asymmetric barrier */
    int most_preempts; /* not 0: bounds below those asked for */
    int most_stale;
};

/* The end of a table of scenarios has no name; a table that is not linked is NULL. */
__attribute__((weak)) extern const struct scenario model_litmus[], model_flow[], model_sleep[],
    model_line[], model_join[], model_base[], model_record[], model_set[], model_lossy[],
    model_share[], model_single[], model_kept[], model_custom[], model_bus[], model_group[],
    model_loop[], model_lane[], model_end[], model_room[], model_reference[], model_pattern[],
    model_overflow[], model_retained[], model_payload[];

/* The execution is wrong. Does not return to a thread. */
void model_fail(const char *why);
#define model_check(condition) ((condition) ? (void)0 : model_fail(#condition))

/* Plain memory, one cell: two accesses that no happens-before orders, one of them a write, are a race. */
uint64_t model_read(const uint64_t *cell);
void model_write(uint64_t *cell, uint64_t value);

/* Its number, or -1 before and after the threads. */
int model_thread(void);
/* The current thread's exit hooks run (os.h): its last act. One that the library has started does it by itself. */
void model_exit(void);
/* By the scenarios, if they are linked with some: its thread-local variables begin anew. */
__attribute__((weak)) void model_forget_thread(int thread);
/* In `begin` and `end` the threads of the library go on until all of them sleep; elsewhere they do so anyway. */
void model_settle(void);

/* A variable that goes on from one execution to the next. All others begin each execution with the same value. */
#define MODEL_KEPT __attribute__((section("checkers_own")))

/* What a trace calls a word or cell. */
void model_name(const void *address, const char *name);

/* Memory for one execution: the same addresses each time. */
extern const struct ringbus_allocator model_allocator;

#endif
