/* machine.h - the checker's own parts: choices and threads (schedule.c), memory (memory.c,
 * cells.c), the loop (explore.c). */
#ifndef RINGBUS_MODEL_MACHINE_H
#define RINGBUS_MODEL_MACHINE_H

#include "model.h"

struct bounds {
    int preempts; /* switches away from a thread that could go on */
    int stale;    /* loads that return another value than the newest */
    int operations;
    bool is_random;
    bool is_reduced; /* no choices at words that one thread uses, or that nobody writes */
    uint64_t seed;
    double seconds; /* 0: until all is explored */
};

/* ---- schedule.c ---- */

enum choice { CHOICE_THREAD, CHOICE_VALUE };

struct path {
    int count; /* choices made */
    struct {
        uint8_t options;
        uint8_t chosen;
    } at[4096];
};

struct run {
    const struct scenario *scenario;
    struct bounds bounds;
    struct path path;
    int done; /* of the path: choices before it are given */
    int preempts, stale, operations;
    int current; /* thread, -1: none */
    int thread_count;
    bool is_tracing;
    bool is_cut;     /* an execution was too long */
    bool is_changed; /* a word is not as quiet as was thought: explore again */
    const char *failure;
    char all_choices[8192]; /* while tracing: also those that the reduction leaves out */
    int all_count;
};
extern struct run run;

int schedule_choose(enum choice kind, int options);
/* Before an operation: perhaps others run first. `is_quiet`: it concerns nobody else. */
void schedule_point(bool is_quiet);
void schedule_sleep(const void *word);
void schedule_wake(const void *word);
bool schedule_is_pausing(void);
void schedule_stop_pausing(void);
_Noreturn void schedule_abort(void);
/* One execution along run.path. */
void schedule_execute(void);

/* ---- memory.c ---- */

void memory_forget_all(void);
void memory_begin(void);
void memory_barrier(void);
/* Newest value; an access as far as quietness is concerned. */
uint64_t memory_newest(const void *word, unsigned size);

void trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How much of what `thread` did happens before what `knower` does now. */
uint16_t memory_clock(int knower, int thread);

/* ---- cells.c ---- */

void cells_begin(void);
const char *memory_name(const void *address);

/* ---- explore.c ---- */

void model_pause(void);
enum outcome { ALL_EXPLORED, FAILED, TIME_IS_UP };
enum outcome explore(const struct scenario *scenario, const struct bounds *bounds);
enum outcome explore_again(const struct scenario *scenario, const char *choices);

#endif
