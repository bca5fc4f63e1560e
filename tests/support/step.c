/* step.c - one thread in two roles: the processor's single-step trap lets the second act between any two instructions
 * of the first. */
#include <signal.h>
#include <string.h>

#include "support/support.h"

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_THREAD__) &&                  \
    !defined(__SANITIZE_ADDRESS__)
#define HAS_STEPS 1
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#undef HAS_STEPS
#endif
#endif
#endif

#ifdef HAS_STEPS

#include <ucontext.h>

enum { TRAP_FLAG = 0x100 };

static struct {
    uint64_t count, nth;
    void (*act)(void *context);
    void *context;
} step;

static void
on_trap(int number, siginfo_t *info, void *frame)
{
    ucontext_t *interrupted = frame;

    (void)number;
    (void)info;
    if (++step.count < step.nth)
        return;
    interrupted->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    step.act(step.context);
}

/* Below the red zone, which belongs to the compiler. */
#define CHANGE_FLAGS(operation)                                                                    \
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"                                                 \
                     "pushfq\n\t" operation ", (%%rsp)\n\t"                                        \
                     "popfq\n\t"                                                                   \
                     "leaq 128(%%rsp), %%rsp" ::                                                   \
                         : "memory", "cc")

void
stop_steps(void)
{
    CHANGE_FLAGS("andq $~0x100");
}

bool
act_at_step(uint64_t nth, void (*run)(void *context), void *run_context, void (*act)(void *context),
    void *act_context)
{
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO;
    MUST(sigaction(SIGTRAP, &action, &before) == 0, "no handler for single steps");
    step.count = 0;
    step.nth = nth;
    step.act = act;
    step.context = act_context;
    CHANGE_FLAGS("orq $0x100");
    run(run_context);
    stop_steps();
    MUST(sigaction(SIGTRAP, &before, NULL) == 0, "no handler to go back to");
    return step.count >= nth;
}

#else

void
stop_steps(void)
{
}

bool
act_at_step(uint64_t nth, void (*run)(void *context), void *run_context, void (*act)(void *context),
    void *act_context)
{
    (void)nth;
    (void)act;
    (void)act_context;
    run(run_context);
    return false;
}

#endif
