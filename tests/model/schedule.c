/* schedule.c - threads as coroutines, and who goes on.
 *
 * A coroutine stays alive from one execution to the next, and is entered at its beginning in each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/barrier.h"
#include "machine.h"

/* More pauses in a row than any spin loop with a bound has. */
enum { STACK = 64 * 1024, FIRST_LOOKS = 1, MOST_PAUSES = 200, WIPED = 512 };
enum state { RUNNABLE, SLEEPING, SPINNING, DONE };

struct fiber {
    enum state state;
    int pauses; /* in a row */
    int paused; /* in all */
    const void *sleeps_on;
    bool is_made, has_begun;
    const unsigned char *top; /* of its stack, as far as that is in use */
    jmp_buf at;
    jmp_buf beginning;
    ucontext_t context;
    unsigned char stack[STACK] __attribute__((aligned(16)));
};

struct run run CHECKERS_OWN;
static struct fiber fibers[MODEL_THREADS] CHECKERS_OWN;
static jmp_buf outside CHECKERS_OWN;
static uint64_t random_state CHECKERS_OWN;

void
trace_line(const char *format, ...)
{
    va_list arguments;

    printf("  T%d ", run.current);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

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
    if (options <= 1)
        return 0;
    if (run.done == run.path.count) {
        if (run.path.count == PATH) {
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
    from->top = __builtin_frame_address(0);
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

/* Leave nothing below the stack in use that later frames would keep in fields they do not write: states that differ in
 * nothing else would not be the same. */
static __attribute__((noinline)) void
wipe(void)
{
    unsigned char below[WIPED];

    memset(below, 0, sizeof below);
    __asm__ volatile("" : : "r"(below) : "memory");
}

/* Beyond the choices that were given. */
static __attribute__((noinline)) void
look_if_known(void)
{
    struct fiber *fiber = &fibers[run.current];

    if (!run.bounds.is_compared || run.is_tracing || run.done < run.path.count)
        return;
    fiber->top = __builtin_frame_address(0);
    (void)_setjmp(fiber->at);
    if (state_is_known()) {
        run.is_seen = true;
        schedule_abort();
    }
}

bool
schedule_is_done(int thread)
{
    return fibers[thread].state == DONE;
}

bool
schedule_is_stack(const void *address)
{
    return (const unsigned char *)address >= (const unsigned char *)fibers &&
           (const unsigned char *)address < (const unsigned char *)(fibers + MODEL_THREADS);
}

void
schedule_digest(struct digest *digest)
{
    for (int i = 0; i < run.thread_count; i++) {
        const struct fiber *fiber = &fibers[i];

        digest_number(digest, (uint64_t)fiber->paused << 32 | (uint64_t)fiber->state << 16 |
                                  (uint64_t)fiber->pauses << 1 | fiber->has_begun);
        if (fiber->state == SLEEPING)
            digest_number(digest, (uint64_t)(uintptr_t)fiber->sleeps_on);
        if (fiber->state == DONE || !fiber->has_begun)
            continue;
        digest_bytes(digest, fiber->at, sizeof fiber->at);
        digest_bytes(digest, fiber->top, (size_t)(fiber->stack + sizeof fiber->stack - fiber->top));
    }
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
    if (!is_quiet) {
        look_if_known();
        wipe();
        pass_on();
    } else if (run.is_tracing && run.preempts < run.bounds.preempts && list_runnable(list) > 1) {
        note_choice(0);
    }
}

static void
body(void)
{
    for (;;) {
        (void)_setjmp(fibers[run.current].beginning);
        fibers[run.current].has_begun = true;
        wipe();
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

static void
prepare_threads(void)
{
    for (run.thread_count = 0; run.thread_count < MODEL_THREADS; run.thread_count++) {
        struct fiber *fiber = &fibers[run.thread_count];

        if (run.scenario->threads[run.thread_count] == NULL)
            break;
        if (fiber->is_made)
            memcpy(fiber->at, fiber->beginning, sizeof fiber->at);
        else
            make(fiber);
        fiber->state = RUNNABLE;
        fiber->pauses = fiber->paused = 0;
        fiber->has_begun = false;
    }
}

void
schedule_execute(void)
{
    run.done = run.preempts = run.stale = run.operations = run.all_count = 0;
    run.failure = NULL;
    run.is_cut = run.is_seen = run.is_changed = false;
    run.current = -1;
    if (random_state == 0)
        random_state = run.bounds.seed * 2 + 1;
    state_restore_variables();
    memory_begin();
    cells_begin();
    plain_begin();
    state_begin();
    system_begin();
    ringbus__barrier_fenced.value =
        run.scenario->is_fenced || run.bounds.is_fenced; /* before a ring is opened */
    run.scenario->begin();
    model_name(&ringbus__barrier_fenced, "barrier_fenced");
    prepare_threads();
    if (run.failure == NULL)
        run_threads(schedule_choose(CHOICE_THREAD, run.thread_count));
    if (run.failure != NULL || run.is_cut || run.is_seen || run.is_changed)
        return;
    for (int i = 0; i < run.thread_count && run.failure == NULL; i++)
        if (fibers[i].state != DONE)
            run.failure = fibers[i].state == SPINNING ? "somebody spins for ever"
                                                      : "somebody sleeps for ever: a lost wake-up";
    if (run.failure == NULL && run.scenario->end != NULL)
        run.scenario->end();
    if (run.failure == NULL)
        state_note_outcome();
}

/* ---- sleeping and spinning ---- */

void
schedule_sleep(const void *word)
{
    fibers[run.current].state = SLEEPING;
    fibers[run.current].sleeps_on = word;
    pass_on();
}

void
schedule_wake(const void *word)
{
    for (int i = 0; i < run.thread_count; i++)
        if (fibers[i].state == SLEEPING && fibers[i].sleeps_on == word)
            fibers[i].state = RUNNABLE;
}

void
schedule_wake_spinners(void)
{
    for (int i = 0; i < run.thread_count; i++)
        if (fibers[i].state == SPINNING)
            fibers[i].state = RUNNABLE;
}

int
schedule_pauses(void)
{
    return run.current < 0 ? 0 : fibers[run.current].paused;
}

bool
schedule_is_pausing(void)
{
    return fibers[run.current].pauses > FIRST_LOOKS;
}

void
schedule_stop_pausing(void)
{
    fibers[run.current].pauses = 0;
}

void
model_pause(void)
{
    if (run.current < 0)
        return;
    fibers[run.current].paused++;
    if (++fibers[run.current].pauses < MOST_PAUSES)
        return;
    /* It has looked at what is newest often enough: until that changes, it sees nothing else. */
    fibers[run.current].pauses = 0;
    fibers[run.current].state = SPINNING;
    trace("spins");
    pass_on();
}
