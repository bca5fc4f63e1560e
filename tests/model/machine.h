/* machine.h - the checker's own parts: choices (schedule.c), threads (fiber.c), the operating system (system.c), memory
 * (memory.c, cells.c, plain.c), what was explored before (state.c), the loop (explore.c). */
#ifndef RINGBUS_MODEL_MACHINE_H
#define RINGBUS_MODEL_MACHINE_H

#include "model.h"

/* Everything that the checker itself remembers: no part of a state. */
#define CHECKERS_OWN MODEL_KEPT

struct bounds {
    int preempts; /* switches away from a thread that could go on, sleeps that end for no reason */
    int stale;    /* loads that return another value than the newest */
    int pairs;    /* not 0: both of these, for scenarios of two threads */
    int operations;
    bool is_random;
    bool is_reduced; /* no choices at words that one thread uses, or that nobody writes */
    bool keeps_outcomes;
    bool is_fenced;   /* no scenario has the asymmetric barrier */
    bool is_strict;   /* C++20's release sequences */
    bool is_compared; /* no execution goes on from a state that was explored before */
    uint64_t seed;
    double seconds; /* 0: until all is explored */
};

/* Inline: of all that the checker does it is what it does most. */
struct digest {
    uint64_t lane[4];
};

static inline uint64_t
digest_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 32;
}

static inline void
digest_number(struct digest *digest, uint64_t number)
{
    digest->lane[0] = digest_mix(digest->lane[0], number);
    digest->lane[1] = digest_mix(digest->lane[1], ~number);
}

/* ---- schedule.c ---- */

enum choice { CHOICE_THREAD, CHOICE_VALUE };

enum { PATH = 4096 };

struct path {
    int count; /* choices made */
    struct {
        uint8_t options;
        uint8_t chosen;
    } at[PATH];
};

struct run {
    const struct scenario *scenario;
    struct bounds bounds;
    struct path path;
    int done; /* of the path: choices before it are given */
    int preempts, stale, operations;
    int current; /* thread, -1: none */
    int alone;   /* then: a thread of the library that runs before or after the others; -1: none */
    int thread_count;
    bool is_tracing;
    bool is_cut;     /* an execution was too long */
    bool is_seen;    /* it went on from a state that was explored before */
    bool is_changed; /* a word is not as quiet as was thought: explore again */
    bool is_ending;  /* the scenario's end looks at what is left */
    const char *failure;
    char all_choices[8192]; /* while tracing: also those that the reduction leaves out */
    int all_count;
};
extern struct run run;

int schedule_choose(enum choice kind, int options);
/* Before an operation: perhaps others run first. `is_quiet`: it concerns nobody else. */
void schedule_point(bool is_quiet);
/* Who goes on, if the current thread can or not. */
void schedule_next(void);
/* Leave nothing of former calls below the stack in use. */
void schedule_wipe(void);
/* The current thread sleeps until the word is woken. */
void schedule_sleep(const void *word);
void schedule_wake(const void *word);
/* In a spin loop, beyond its first looks: the thread sees what is newest, and nobody runs in between. */
bool schedule_is_pausing(void);
void schedule_stop_pausing(void);
/* How often the current thread has paused. */
int schedule_pauses(void);
/* A value was stored: whoever spins for one may go on. */
void schedule_wake_spinners(void);
_Noreturn void schedule_abort(void);
bool schedule_is_done(int thread);
bool schedule_is_stack(const void *address);
/* Stacks, registers, who can go on. */
void schedule_digest(struct digest *digest);
/* One execution along run.path. */
void schedule_execute(void);

/* ---- fiber.c ---- */

/* A thread of the library begins; its number, -1: there are too many. */
int fiber_start(void (*run_thread)(void *context), void *context);
/* The current thread goes on when that one has ended. */
void fiber_join(int thread);

/* ---- state.c ---- */

/* Bounds of which states are compared. */
enum { STATE_BOUNDS = 5 };

void digest_bytes(struct digest *digest, const void *bytes, size_t size);

/* A part of a larger memory, as it was when it was digested last, and that digest. */
enum { DIGESTED_PART = 256 };
struct digested {
    unsigned char bytes[DIGESTED_PART];
    size_t size;
    uint64_t sum[2];
};
/* As digest_bytes, of what changes little from one state to the next. `parts`: one for each DIGESTED_PART bytes. */
void digest_changes(struct digest *digest, struct digested *parts, const void *bytes, size_t size);

/* The program's variables at the beginning of every execution: as they were when they were saved. */
void state_save_variables(void);
void state_restore_variables(void);
void state_forget(void);
void state_begin(void);
/* The execution is over: what it has left is one of the outcomes. */
void state_note_outcome(void);
/* How many there were, and which, as a sum. */
size_t state_outcomes(uint64_t *ret_sum);
/* What the current thread would do next was explored before; else it is from now on. */
bool state_is_known(void);
size_t state_count(void);

/* ---- memory.c ---- */

void memory_forget_all(void);
void memory_begin(void);
void memory_barrier(void);
/* What the current thread did happens before what `thread` does from its beginning on. And what that one did, up to its
 * end, before what the current one does now. */
void memory_start(int thread);
void memory_join(int thread);
/* Newest value; an access as far as quietness is concerned. */
uint64_t memory_newest(const void *word, unsigned size);

void trace_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define trace(...) (run.is_tracing ? trace_line(__VA_ARGS__) : (void)0)

/* How much of what `thread` did happens before what `knower` does now. */
uint16_t memory_clock(int knower, int thread);

/* ---- cells.c ---- */

void cells_begin(void);
/* `known_to_all`: of each thread, the clock that all others know. */
void cells_digest(struct digest *digest, const uint16_t *known_to_all);
const char *memory_name(const void *address);

/* ---- system.c ---- */

void system_begin(void);
bool system_is_freed(const void *address);
/* The memory that was allocated. */
void system_digest(struct digest *digest);
/* In a spin loop, between two looks. */
void model_pause(void);

/* ---- plain.c ---- */

void plain_begin(void);
/* As if the library had told it. */
void plain_write(const void *address, size_t size);
/* An atomic access is in no race but with a plain write, or with who frees it. */
void plain_note_atomic(const void *address, unsigned size);
void plain_digest(struct digest *digest, const uint16_t *known_to_all);

/* ---- explore.c ---- */

enum outcome { ALL_EXPLORED, FAILED, TIME_IS_UP };
enum outcome explore(const struct scenario *scenario, const struct bounds *bounds);
/* All executions with and without what makes exploring cheap: the outcomes must be the same. */
enum outcome explore_in_all_ways(const struct scenario *scenario, const struct bounds *bounds);
enum outcome explore_again(
    const struct scenario *scenario, const char *what, const struct bounds *given);

#endif
