/* system.c - system calls of a thread, counted by a seccomp filter that traps all of them, and then made.
 *
 * I1  the filter lets pass what is called at one place, below, and the return from a signal handler; everything else
 *     raises SIGSYS, whose handler counts it and makes it at that place
 * I2  a filter stays with its thread, and who is trapped while SIGSYS is blocked is killed: it never is
 * I3  a watched thread starts no thread: that one would begin in the handler */
#include "cost/counts.h"

#if defined(__linux__) && defined(__x86_64__) && defined(__LP64__)

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <unistd.h>

/* A system call at a known place: returns what the kernel does. cost_called is where the kernel returns to. */
long cost_call(long number, long a, long b, long c, long d, long e, long f);
extern const char cost_called[] __attribute__((visibility("hidden")));

__asm__(".text\n"
        ".hidden cost_call\n"
        ".globl cost_call\n"
        ".type cost_call, @function\n"
        "cost_call:\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    mov %rcx, %rdx\n"
        "    mov %r8, %r10\n"
        "    mov %r9, %r8\n"
        "    mov 8(%rsp), %r9\n"
        "    syscall\n"
        ".hidden cost_called\n"
        ".globl cost_called\n"
        "cost_called:\n"
        "    ret\n"
        ".size cost_call, . - cost_call\n");

static void
count_call(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *const at = context;
    greg_t *const registers = at->uc_mcontext.gregs;
    const int number = info->si_syscall;

    (void)signal_number;
    if (counts_here.is_on && counts_here.of[COUNT_SYSTEM] == 0)
        counts_here.first_call = number;
    count_one(COUNT_SYSTEM);
    registers[REG_RAX] = cost_call(number, registers[REG_RDI], registers[REG_RSI],
        registers[REG_RDX], registers[REG_R10], registers[REG_R8], registers[REG_R9]);
    if (number == SYS_rt_sigprocmask) { /* the mask to return to (I2); the kernel's is 8 bytes */
        cost_call(SYS_rt_sigprocmask, SIG_BLOCK, 0, (long)&at->uc_sigmask, 8, 0, 0);
        sigdelset(&at->uc_sigmask, SIGSYS);
    }
}

static bool
filter_calls(void)
{
    const uint64_t place = (uint64_t)(uintptr_t)cost_called;
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 6),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 4, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)place, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(place >> 32), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    const struct sock_fprog program = {sizeof rules / sizeof *rules, rules};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

bool
calls_watch(void)
{
    struct sigaction action = {.sa_sigaction = count_call, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigset_t trap;

    sigemptyset(&trap);
    sigaddset(&trap, SIGSYS);
    return sigaction(SIGSYS, &action, NULL) == 0 &&
           pthread_sigmask(SIG_UNBLOCK, &trap, NULL) == 0 && filter_calls();
}

#else

bool
calls_watch(void)
{
    return false;
}

#endif
