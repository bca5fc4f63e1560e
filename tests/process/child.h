/* child.h - children of a test's process. A child may use MUST only; a signal ends one that hangs. */
#ifndef TESTS_PROCESS_CHILD_H
#define TESTS_PROCESS_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

/* ThreadSanitizer fails in a child that starts threads; of a sanitizer's allocator the child finds the locks as they
 * were. */
#if defined(__SANITIZE_THREAD__)
#define CHILDREN_START_THREADS 0
#elif defined(__SANITIZE_ADDRESS__)
#define CHILDREN_TAKE_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILDREN_START_THREADS 0
#elif __has_feature(address_sanitizer)
#define CHILDREN_TAKE_MEMORY 0
#endif
#endif
#ifndef CHILDREN_START_THREADS
#define CHILDREN_START_THREADS 1
#endif
#ifndef CHILDREN_TAKE_MEMORY
#define CHILDREN_TAKE_MEMORY CHILDREN_START_THREADS
#endif

enum { TEST_SKIPPED = 77 };

#define FORKED(call) MUST((call) == RINGBUS_EFORKED, "not refused in the child: %s", #call)

/* Seconds until a child is taken for dead. */
enum { CHILD_SECONDS = 60 };

/* By a child: it ends when its time is up. Check's own handler of the signal would end its parent. */
static inline void
end_in_time(void)
{
    signal(SIGALRM, SIG_DFL);
    alarm(CHILD_SECONDS);
}

/* A child of this process, threads or not, calls `run`; MUST end well. */
static inline void
fork_and(void (*run)(void *context), void *context)
{
    int status = 0;
    pid_t child = 0;

    fflush(NULL);
    child = fork();
    MUST(child >= 0, "no child process");
    if (child == 0) {
        end_in_time();
        run(context);
        _exit(EXIT_SUCCESS);
    }
    MUST(waitpid(child, &status, 0) == child, "the child is gone");
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
        "the child ended with status %#x", (unsigned)status);
}

#endif
