/* fiber.h - threads as coroutines: fiber.c runs them, schedule.c says whom. */
#ifndef RINGBUS_MODEL_FIBER_H
#define RINGBUS_MODEL_FIBER_H

#include <setjmp.h>
#include <ucontext.h>

#include "machine.h"

enum { STACK = 64 * 1024 };
enum fiber_state { RUNNABLE, SLEEPING, SPINNING, DONE };

struct fiber {
    enum fiber_state state;
    int pauses; /* in a row */
    int paused; /* in all */
    const void *sleeps_on;
    bool is_made, has_begun;
    /* of a thread that the library has started; NULL: the scenario's own */
    void (*run)(void *context);
    void *context;
    const unsigned char *top; /* of its stack, as far as that is in use */
    unsigned char *base;      /* where `run` finds it */
    jmp_buf at;
    jmp_buf beginning;
    ucontext_t context_of_stack;
    unsigned char stack[STACK] __attribute__((aligned(16)));
};
extern struct fiber fibers[MODEL_THREADS];

/* The scenario's threads, each at its beginning; those that the library starts come after them. */
void fiber_prepare_all(void);

/* Enter `first`, and come back when all threads are done or asleep, or the execution is given up. */
void fiber_run(int first);

/* From the current thread to another one, and out of all of them. */
void fiber_switch(int thread);
void fiber_leave(void);
_Noreturn void fiber_give_up(void);

#endif
