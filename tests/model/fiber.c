/* fiber.c - threads as coroutines: the scenario's, and those that the library starts.
 *
 * A coroutine stays alive from one execution to the next, and is entered at its beginning in each.
 * I1  before and after the threads of the scenario (run.current < 0) memory is what it is, there are no choices, and a
 *     thread of the library runs alone (run.alone) from where it is to its next sleep
 * I2  a thread that has ended and was joined leaves its place, with its clock, to the next one that is started */
#include "fiber.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fiber fibers[MODEL_THREADS] CHECKERS_OWN;
static jmp_buf outside CHECKERS_OWN;

/* Below `base`: what `body` itself uses, and what a thread of the library may use. */
enum { BODY = 512, CLEARED = 16 * 1024, MOST_ROUNDS = 1000 };

int
model_thread(void)
{
    return run.current >= 0 ? run.current : run.alone;
}

static struct fiber *
self(void)
{
    return &fibers[model_thread()];
}

/* ---- coroutines ---- */

static void
enter(struct fiber *fiber)
{
    if (fiber->is_made)
        _longjmp(fiber->at, 1);
    fiber->is_made = true;
    setcontext(&fiber->context_of_stack);
}

void
fiber_run(int first)
{
    run.current = first;
    if (_setjmp(outside) == 0)
        enter(&fibers[first]);
}

void
fiber_switch(int thread)
{
    struct fiber *from = &fibers[run.current];

    run.current = thread;
    from->top = __builtin_frame_address(0);
    if (_setjmp(from->at) == 0)
        enter(&fibers[thread]);
}

void
fiber_leave(void)
{
    struct fiber *from = self();

    run.current = run.alone = -1;
    from->top = __builtin_frame_address(0);
    if (_setjmp(from->at) == 0)
        _longjmp(outside, 1);
}

_Noreturn void
fiber_give_up(void)
{
    run.current = run.alone = -1;
    _longjmp(outside, 1);
}

/* ---- threads ---- */

static void
end(struct fiber *fiber)
{
    if (fiber->run != NULL)
        model_exit();
    fiber->state = DONE;
    trace("ends");
    schedule_wake(fiber); /* who joins it */
    schedule_next();
}

static void
body(void)
{
    for (;;) {
        (void)_setjmp(self()->beginning);
        self()->has_begun = true;
        self()->base = __builtin_frame_address(0);
        schedule_wipe();
        if (self()->run != NULL)
            self()->run(self()->context);
        else
            run.scenario->threads[run.current]();
        end(self());
    }
}

static void
prepare(struct fiber *fiber, void (*run_thread)(void *context), void *context)
{
    fiber->run = run_thread;
    fiber->context = context;
    fiber->state = RUNNABLE;
    fiber->pauses = fiber->paused = 0;
    fiber->has_begun = false;
    if (fiber->is_made) {
        memcpy(fiber->at, fiber->beginning, sizeof fiber->at);
        return;
    }
    if (getcontext(&fiber->context_of_stack) != 0)
        exit(2);
    fiber->context_of_stack.uc_stack.ss_sp = fiber->stack;
    fiber->context_of_stack.uc_stack.ss_size = sizeof fiber->stack;
    fiber->context_of_stack.uc_link = NULL;
    makecontext(&fiber->context_of_stack, body, 0);
}

void
fiber_prepare_all(void)
{
    run.thread_count = 0;
    while (run.thread_count < MODEL_THREADS && run.scenario->threads[run.thread_count] != NULL)
        prepare(&fibers[run.thread_count++], NULL, NULL);
}

/* ---- threads of the library ---- */

static void
run_alone(int thread)
{
    struct fiber *fiber = &fibers[thread];

    fiber->state = RUNNABLE;
    if (fiber->is_made && !fiber->has_begun) /* alone, it leaves there what no operation wipes */
        memset(fiber->base - BODY - CLEARED, 0, CLEARED);
    run.alone = thread;
    if (_setjmp(outside) == 0)
        enter(fiber);
}

void
model_settle(void)
{
    int rounds = 0;

    for (int i = 0; i < run.thread_count && run.current < 0; i++) {
        if (fibers[i].run == NULL || fibers[i].state != RUNNABLE)
            continue;
        if (++rounds == MOST_ROUNDS) {
            model_fail("the library's threads wake each other for ever");
            schedule_abort();
        }
        run_alone(i);
        i = -1;
    }
}

/* A place that a thread of the library has left, or a new one; -1: there is none. */
static int
find_place(void)
{
    for (int i = 0; i < run.thread_count; i++)
        if (fibers[i].run != NULL && fibers[i].state == DONE && fibers[i].sleeps_on == &fibers[i])
            return i;
    return run.thread_count < MODEL_THREADS ? run.thread_count++ : -1;
}

int
fiber_start(void (*run_thread)(void *context), void *context)
{
    int place = -1;

    if (run.current >= 0)
        schedule_point(false);
    place = find_place();
    if (place < 0) {
        model_fail("the library starts too many threads for the checker");
        return -1;
    }
    prepare(&fibers[place], run_thread, context);
    fibers[place].sleeps_on = NULL;
    trace("starts T%d", place);
    if (run.current >= 0)
        memory_start(place);
    else
        run_alone(place);
    return place;
}

void
fiber_join(int thread)
{
    if (run.current < 0) {
        model_settle();
        if (fibers[thread].state != DONE)
            model_fail("a thread is joined that does not end");
    } else {
        schedule_point(false);
        if (fibers[thread].state != DONE)
            schedule_sleep(&fibers[thread]);
        memory_join(thread);
    }
    fibers[thread].sleeps_on = &fibers[thread]; /* its place is free */
}
