/* child.h - children of a test's process. A child may use MUST only; a signal ends one that hangs. */
#ifndef TESTS_PROCESS_CHILD_H
#define TESTS_PROCESS_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

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
