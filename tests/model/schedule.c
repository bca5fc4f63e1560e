/* schedule.c - choices, and who goes on. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/barrier.h"
#include "fiber.h"

/* More pauses in a row than any spin loop with a bound has. */
enum { FIRST_LOOKS = 1, MOST_PAUSES = 200, WIPED = 512 };

struct run run CHECKERS_OWN;
static uint64_t random_state CHECKERS_OWN;
static jmp_buf ending CHECKERS_OWN;
static int alone_paused CHECKERS_OWN; /* by who is no thread */

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

/* ---- the end of an execution ---- */

_Noreturn void
schedule_abort(void)
{
    if (run.is_ending) {
        run.current = run.alone = -1;
        _longjmp(ending, 1);
    }
    if (run.current < 0) {
        printf("%s: fails before its threads: %s\n", run.scenario->name,
            run.failure ? run.failure : "too long");
        exit(1);
    }
    fiber_give_up();
}

void
model_fail(const char *why)
{
    if (run.failure == NULL)
        run.failure = why;
    trace("FAILS: %s", why);
    if (run.current >= 0 || run.is_ending)
        schedule_abort();
}

/* Those who can go on, the present thread first. */
static int
list_runnable(int *list)
{
    int count = 0;

    if (run.current >= 0 && fibers[run.current].state == RUNNABLE)
        list[count++] = run.current;
    for (int i = 0; i < run.thread_count; i++)
        if (i != run.current && fibers[i].state == RUNNABLE)
            list[count++] = i;
    return count;
}

/* Leave nothing below the stack in use that later frames would keep in fields they do not write: states that differ in
 * nothing else would not be the same. */
__attribute__((noinline)) void
schedule_wipe(void)
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
        digest_number(digest, (uint64_t)(uintptr_t)fiber->context);
        if (fiber->state == SLEEPING || fiber->state == DONE)
            digest_number(digest, (uint64_t)(uintptr_t)fiber->sleeps_on);
        if (fiber->state == DONE || !fiber->has_begun)
            continue;
        digest_bytes(digest, fiber->at, sizeof fiber->at);
        digest_bytes(digest, fiber->top, (size_t)(fiber->stack + sizeof fiber->stack - fiber->top));
    }
}

void
schedule_next(void)
{
    int list[MODEL_THREADS];
    const int count = list_runnable(list);
    const bool is_preempt = count > 0 && list[0] == run.current;
    int next = 0;

    if (count == 0 || run.current < 0) {
        fiber_leave();
        return;
    }
    if (is_preempt && run.preempts >= run.bounds.preempts)
        return;
    next = list[schedule_choose(CHOICE_THREAD, count)];
    if (next == run.current)
        return;
    run.preempts += is_preempt;
    fiber_switch(next);
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
        schedule_wipe();
        schedule_next();
    } else if (run.is_tracing && run.preempts < run.bounds.preempts && list_runnable(list) > 1) {
        note_choice(0);
    }
}

/* What they have left is looked at, as nobody's thread; the library's go on meanwhile. */
static void
end(void)
{
    run.is_ending = true;
    if (_setjmp(ending) == 0)
        run.scenario->end();
    run.is_ending = false;
}

/* A thread of the library may sleep when all is done: the scenario's end says whether it may. */
static void
look_for_sleepers(void)
{
    for (int i = 0; i < run.thread_count && run.failure == NULL; i++)
        if (fibers[i].state == SPINNING)
            run.failure = "somebody spins for ever";
        else if (fibers[i].state != DONE && fibers[i].run == NULL)
            run.failure = "somebody sleeps for ever: a lost wake-up";
}

static void
run_threads(void)
{
    int list[MODEL_THREADS];
    const int count = list_runnable(list);

    fiber_run(list[schedule_choose(CHOICE_THREAD, count)]);
}

void
schedule_execute(void)
{
    run.done = run.preempts = run.stale = run.operations = run.all_count = 0;
    run.failure = NULL;
    run.is_cut = run.is_seen = run.is_changed = false;
    run.current = run.alone = -1;
    alone_paused = 0;
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
    fiber_prepare_all();
    run.scenario->begin();
    model_name(&ringbus__barrier_fenced, "barrier_fenced");
    if (run.failure == NULL)
        run_threads();
    if (run.failure != NULL || run.is_cut || run.is_seen || run.is_changed)
        return;
    look_for_sleepers();
    if (run.failure == NULL && run.scenario->end != NULL)
        end();
    if (run.failure == NULL)
        state_note_outcome();
}

/* ---- sleeping and spinning ---- */

void
schedule_sleep(const void *word)
{
    struct fiber *fiber = &fibers[model_thread()];

    fiber->state = SLEEPING;
    fiber->sleeps_on = word;
    schedule_next();
    fiber->sleeps_on = NULL;
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
    return model_thread() < 0 ? alone_paused : fibers[model_thread()].paused;
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
    if (run.current < 0) {
        *(model_thread() < 0 ? &alone_paused : &fibers[model_thread()].paused) += 1;
        return;
    }
    fibers[run.current].paused++;
    if (++fibers[run.current].pauses < MOST_PAUSES)
        return;
    /* It has looked at what is newest often enough: until that changes, it sees nothing else. */
    fibers[run.current].pauses = 0;
    fibers[run.current].state = SPINNING;
    trace("spins");
    schedule_next();
}
