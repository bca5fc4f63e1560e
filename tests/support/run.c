/* run.c - running tests, and waits that end. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"

#if defined(__SANITIZE_THREAD__)
#define IS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_TSAN 1
#endif
#endif
#ifndef IS_TSAN
#define IS_TSAN 0
#endif

#ifdef NDEBUG
enum { HAS_ASSERTIONS = 0 };
#else
enum { HAS_ASSERTIONS = 1 };
#endif

enum { PATIENCE_S = IS_TSAN ? 60 : 20, PARTS_S = 3 };

int
tests_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *row = tcase_create(name);
    SRunner *runner = NULL;
    int failed = 0;

    /* The waits inside end first, and say what was waited for. */
    tcase_set_timeout(row, 600);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(row, tests[i]);
    suite_add_tcase(suite, row);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

uint64_t
scaled(uint64_t count)
{
    const char *scale = getenv("RINGBUS_STRESS_SCALE");
    double result = (double)count * (scale != NULL ? strtod(scale, NULL) : 1.0);

    if (IS_TSAN)
        result /= 4;
    return result < 1 ? 1 : (uint64_t)result;
}

void
run_in_child(void (*run)(void))
{
    int status = 0;
    pid_t child = 0;

    fflush(NULL);
    child = fork();
    MUST(child >= 0, "no child process");
    if (child == 0) {
        run();
        _exit(EXIT_SUCCESS);
    }
    MUST(waitpid(child, &status, 0) == child, "the child is gone");
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
        "the child ended with status %#x", (unsigned)status);
}

bool
is_caught(void (*run)(void *context), void *context)
{
    const struct rlimit nothing = {0, 0};
    int status = 0;
    pid_t child = 0;

    if (!HAS_ASSERTIONS)
        return true;
    fflush(NULL);
    child = fork();
    MUST(child >= 0, "no child process");
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &nothing);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        run(context);
        _exit(EXIT_SUCCESS);
    }
    MUST(waitpid(child, &status, 0) == child, "the child is gone");
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

uint64_t
next_random(uint64_t *state)
{
    /* xorshift64* (Vigna 2014) */
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du >> 11;
}

void
dawdle(uint64_t *random, uint64_t steps)
{
    static struct atomic_u32 nothing;

    for (uint64_t left = next_random(random) % steps; left > 0; left--)
        load_u32(&nothing, ORDER_HINT);
}

void
must_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    fflush(NULL);
    fprintf(stderr, "%s:%d: ", file, line);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    abort();
}

int64_t
patience_ends(void)
{
    return os_real()->now_ns() + PATIENCE_S * INT64_C(1000000000);
}

bool
has_time_for_a_part(int64_t begun_ns)
{
    return os_real()->now_ns() - begun_ns < PARTS_S * INT64_C(1000000000);
}

void
await_step(int64_t until, const char *what, const char *file, int line)
{
    if (os_real()->now_ns() > until)
        must_fail(file, line, "waited in vain: %s", what);
    sched_yield();
}
