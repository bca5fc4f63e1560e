/* schedule.c - threads as coroutines, and who goes on.
 *
 * A coroutine stays alive from one execution to the next: at its end it waits to be entered again. One that an
 * execution left in its midst is made anew. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/barrier.h"
#include "base/os.h"
#include "machine.h"
#include "ringbus/error.h"

enum { STACK = 64 * 1024 };
enum state { RUNNABLE, SLEEPING, DONE };

struct fiber {
    enum state state;
    bool is_made;
    bool is_pausing; /* in a spin loop: looks again, and nobody runs in between */
    const void *sleeps_on;
    jmp_buf at;
    ucontext_t context;
    unsigned char stack[STACK] __attribute__((aligned(16)));
};

struct run run;
static struct fiber fibers[MODEL_THREADS];
static jmp_buf outside;
static uint64_t random_state;

void
trace(const char *format, ...)
{
    va_list arguments;

    if (!run.is_tracing)
        return;
    printf("  T%d ", run.current);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

/* ---- memory of one execution ---- */

static unsigned char arena[64 * 1024] __attribute__((aligned(4096)));
static size_t arena_used;

static void *
allocate(size_t size, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    arena_used = (arena_used + alignment - 1) / alignment * alignment;
    if (arena_used + size > sizeof arena)
        return NULL;
    memory = arena + arena_used;
    arena_used += size;
    return memory;
}

static void
release(void *memory, size_t size, void *context)
{
    (void)memory;
    (void)size;
    (void)context;
}

const struct ringbus_allocator model_allocator = {allocate, release, NULL};

/* ---- choices ---- */

static int
draw(enum choice kind, int options)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    /* The first option, which is to go on, or the newest value, is the likely one. */
    if (kind == CHOICE_THREAD ? (random_state >> 20) % 6 != 0 : (random_state >> 20) % 3 != 0)
        return 0;
    return (int)((random_state >> 33) % (uint64_t)options);
}

static void
note_choice(int chosen)
{
    if (run.is_tracing && run.all_count < (int)sizeof run.all_choices - 1)
        run.all_choices[run.all_count++] = (char)('0' + chosen);
}

int
schedule_choose(enum choice kind, int options)
{
    const int limit = (int)(sizeof run.path.at / sizeof run.path.at[0]);

    if (options <= 1)
        return 0;
    if (run.done == run.path.count) {
        if (run.path.count == limit) {
            run.is_cut = true;
            schedule_abort();
        }
        run.path.at[run.done].options = (uint8_t)options;
        run.path.at[run.done].chosen = (uint8_t)(run.bounds.is_random ? draw(kind, options) : 0);
        run.path.count++;
    }
    note_choice(run.path.at[run.done].chosen);
    return run.path.at[run.done++].chosen;
}

/* ---- coroutines ---- */

static void
enter(struct fiber *fiber)
{
    if (fiber->is_made)
        _longjmp(fiber->at, 1);
    fiber->is_made = true;
    setcontext(&fiber->context);
}

static void
switch_to(int thread)
{
    struct fiber *from = &fibers[run.current];

    run.current = thread;
    if (_setjmp(from->at) == 0)
        enter(&fibers[thread]);
}

static void
leave(void)
{
    struct fiber *from = &fibers[run.current];

    run.current = -1;
    if (_setjmp(from->at) == 0)
        _longjmp(outside, 1);
}

_Noreturn void
schedule_abort(void)
{
    if (run.current < 0) {
        printf("%s: fails before its threads: %s\n", run.scenario->name,
            run.failure ? run.failure : "too long");
        exit(2);
    }
    fibers[run.current].is_made = false;
    run.current = -1;
    _longjmp(outside, 1);
}

void
model_fail(const char *why)
{
    if (run.failure == NULL)
        run.failure = why;
    trace("FAILS: %s", why);
    if (run.current >= 0)
        schedule_abort();
}

/* Those who can go on, the present thread first. */
static int
list_runnable(int *list)
{
    int count = 0;

    if (fibers[run.current].state == RUNNABLE)
        list[count++] = run.current;
    for (int i = 0; i < run.thread_count; i++)
        if (i != run.current && fibers[i].state == RUNNABLE)
            list[count++] = i;
    return count;
}

static void
pass_on(void)
{
    int list[MODEL_THREADS];
    const int count = list_runnable(list);
    const bool is_preempt = count > 0 && list[0] == run.current;
    int next = 0;

    if (count == 0) {
        leave();
        return;
    }
    if (is_preempt && run.preempts >= run.bounds.preempts)
        return;
    next = list[schedule_choose(CHOICE_THREAD, count)];
    if (next == run.current)
        return;
    run.preempts += is_preempt;
    switch_to(next);
}

void
schedule_point(bool is_quiet)
{
    int list[MODEL_THREADS];

    if (++run.operations > run.bounds.operations) {
        run.is_cut = true;
        schedule_abort();
    }
    if (!is_quiet)
        pass_on();
    else if (run.is_tracing && run.preempts < run.bounds.preempts && list_runnable(list) > 1)
        note_choice(0);
}

static void
body(void)
{
    for (;;) {
        run.scenario->threads[run.current]();
        fibers[run.current].state = DONE;
        trace("ends");
        pass_on();
    }
}

static void
make(struct fiber *fiber)
{
    if (getcontext(&fiber->context) != 0)
        exit(2);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = sizeof fiber->stack;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, body, 0);
}

static void
run_threads(int first)
{
    run.current = first;
    if (_setjmp(outside) == 0)
        enter(&fibers[first]);
}

void
schedule_execute(void)
{
    run.done = run.preempts = run.stale = run.operations = run.all_count = 0;
    run.failure = NULL;
    run.is_cut = run.is_changed = false;
    run.current = -1;
    if (random_state == 0)
        random_state = run.bounds.seed * 2 + 1;
    memory_begin();
    cells_begin();
    arena_used = 0;
    run.scenario->begin();
    ringbus__barrier_fenced.value = run.scenario->is_fenced;
    model_name(&ringbus__barrier_fenced, "barrier_fenced");
    for (run.thread_count = 0; run.thread_count < MODEL_THREADS; run.thread_count++) {
        struct fiber *fiber = &fibers[run.thread_count];

        if (run.scenario->threads[run.thread_count] == NULL)
            break;
        if (!fiber->is_made)
            make(fiber);
        fiber->state = RUNNABLE;
        fiber->is_pausing = false;
    }
    if (run.failure == NULL)
        run_threads(schedule_choose(CHOICE_THREAD, run.thread_count));
    for (int i = 0; i < run.thread_count; i++) {
        if (fibers[i].state == DONE)
            continue;
        fibers[i].is_made = false;
        if (!run.is_cut && !run.is_changed && run.failure == NULL)
            run.failure = "somebody sleeps for ever: a lost wake-up";
    }
    if (run.failure == NULL && !run.is_cut && !run.is_changed && run.scenario->end != NULL)
        run.scenario->end();
}

/* ---- the operating system ---- */

bool
schedule_is_pausing(void)
{
    return fibers[run.current].is_pausing;
}

void
schedule_stop_pausing(void)
{
    fibers[run.current].is_pausing = false;
}

void
model_pause(void)
{
    if (run.current >= 0)
        fibers[run.current].is_pausing = true;
}

static int
word_wait(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    schedule_stop_pausing();
    if ((uint32_t)memory_newest(&word->value, sizeof word->value) != expected) {
        trace("does not sleep on %s", memory_name(&word->value));
        return RINGBUS_OK;
    }
    if (deadline_ns != RINGBUS_FOREVER && schedule_choose(CHOICE_VALUE, 2) == 1) {
        trace("the time is up");
        return RINGBUS_ETIMEDOUT;
    }
    trace("sleeps on %s", memory_name(&word->value));
    fibers[run.current].state = SLEEPING;
    fibers[run.current].sleeps_on = &word->value;
    pass_on();
    return RINGBUS_OK;
}

static void
word_wake(struct atomic_u32 *word)
{
    if (run.current < 0)
        return;
    memory_newest(&word->value, sizeof word->value);
    trace("wakes %s", memory_name(&word->value));
    for (int i = 0; i < run.thread_count; i++)
        if (fibers[i].state == SLEEPING && fibers[i].sleeps_on == &word->value)
            fibers[i].state = RUNNABLE;
}

static int
barrier_register(void)
{
    return RINGBUS_OK;
}

static void
yield(void)
{
    model_pause();
}

static int64_t
now_ns(void)
{
    return 0;
}

static uint32_t
cpu_count(void)
{
    return 1;
}

struct os ringbus__os = {
    .word_wait = word_wait,
    .word_wake = word_wake,
    .barrier_register = barrier_register,
    .barrier = memory_barrier,
    .yield = yield,
    .now_ns = now_ns,
    .cpu_count = cpu_count,
};
