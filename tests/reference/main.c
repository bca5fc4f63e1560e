/* main.c - plays scripts: those of files, or so many drawn by lot; one that fails is shrunk and printed.
 *
 *   ringbus_reference [--keep FOLDER] COUNT [FIRST]   COUNT drawn scripts, from number FIRST (0)
 *   ringbus_reference FILE...                         scripts that were kept
 *   ringbus_reference --print NUMBER                  the script of that number, as it was drawn
 *
 * This process never uses the library: scripts are played in children of it, which may crash or hang. --keep: a script
 * that failed is also written to a new file there. */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference/play/play.h"
#include "reference/shrink.h"

enum { BATCH = 5000, PATIENCE_S = 20 };

static struct {
    uint64_t number; /* of the script that is played */
    uint64_t calls, handled;
    char why[400];
} * seen; /* shared with the children */

static char wanted[400]; /* what the script to be shrunk was refuted with, without numbers */

void
refute(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(seen->why, sizeof seen->why, format, list);
    va_end(list);
    _exit(1);
}

/* ---- children ---- */

static const char *
judge(int status)
{
    if (status == 0 && seen->why[0] == '\0')
        return NULL;
    if (seen->why[0] == '\0' && WIFSIGNALED(status))
        (void)snprintf(seen->why, sizeof seen->why, "%s",
            WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
    else if (seen->why[0] == '\0')
        (void)snprintf(seen->why, sizeof seen->why, "it ends with %d", WEXITSTATUS(status));
    return seen->why;
}

/* NULL, or what was wrong. */
static const char *
in_child(void (*run)(const void *context), const void *context)
{
    int status = 0;
    pid_t child = 0;

    seen->why[0] = '\0';
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        run(context);
        exit(0); /* looks for leaks, if built to */
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return "no child process";
    return judge(status);
}

/* The same calls on buses with the same seed go the same way. */
static void
play_twice(const struct script *script)
{
    uint64_t trace = 0;

    play(script);
    trace = player.trace;
    play(script);
    if (player.trace != trace)
        refute("the same calls have gone another way");
}

static void
run_script(const void *context)
{
    alarm(PATIENCE_S);
    play_twice(context);
}

static void
run_quietly(const void *context)
{
    if (freopen("/dev/null", "w", stderr) == NULL)
        return;
    alarm(2);
    play_twice(context);
}

struct batch {
    uint64_t first, end;
};

static void
run_batch(const void *context)
{
    const struct batch *batch = context;
    struct script script;

    for (seen->number = batch->first; seen->number < batch->end; seen->number++) {
        alarm(PATIENCE_S);
        script_draw(seen->number, &script);
        if (seen->number % 8 == 0)
            play_twice(&script);
        else
            play(&script);
        seen->handled += player.handled;
    }
    seen->calls += play_calls();
}

static void
strip_numbers(const char *text, char *ret_text)
{
    for (; *text != '\0'; text++)
        if (*text < '0' || *text > '9')
            *ret_text++ = *text;
    *ret_text = '\0';
}

bool
shrink_fails(const struct script *script)
{
    const char *why = in_child(run_quietly, script);
    char text[sizeof wanted];

    if (why == NULL)
        return false;
    strip_numbers(why, text);
    return strcmp(text, wanted) == 0;
}

/* ---- what is played ---- */

static void
report(const char *folder, const char *name, const char *why, struct script *script)
{
    char path[240];
    FILE *file = NULL;

    (void)printf("%s: %s\n", name, why);
    strip_numbers(why, wanted);
    if (shrink_fails(script))
        shrink(script);
    (void)in_child(run_quietly, script);
    (void)printf("# shrunk, as tests/reference/kept has them: %s\n", seen->why);
    script_print(stdout, script);
    if (folder == NULL)
        return;
    (void)snprintf(path, sizeof path, "%s/%s.txt", folder, name);
    file = fopen(path, "w");
    if (file == NULL)
        return;
    (void)fprintf(file, "# %s\n", seen->why);
    script_print(file, script);
    (void)fclose(file);
}

static int
play_drawn(const char *folder, uint64_t count, uint64_t first)
{
    static struct script script;

    for (uint64_t at = first; at < first + count; at += BATCH) {
        const uint64_t end = at + BATCH < first + count ? at + BATCH : first + count;
        const struct batch batch = {at, end};
        const char *why = in_child(run_batch, &batch);
        char name[40];

        if (why == NULL)
            continue;
        (void)snprintf(name, sizeof name, "drawn_%llu", (unsigned long long)seen->number);
        script_draw(seen->number, &script);
        report(folder, name, why, &script);
        return 1;
    }
    (void)printf("%llu scripts, %llu calls, %llu handlers\n", (unsigned long long)count,
        (unsigned long long)seen->calls, (unsigned long long)seen->handled);
    return 0;
}

static int
play_file(const char *path)
{
    static struct script script;
    FILE *file = fopen(path, "r");
    const char *why = NULL;
    bool is_script = false;

    if (file == NULL) {
        perror(path);
        return 1;
    }
    is_script = script_read(file, path, &script);
    (void)fclose(file);
    if (!is_script)
        return 1;
    why = in_child(run_script, &script);
    if (why != NULL)
        (void)printf("%s: %s\n", path, why);
    return why != NULL;
}

static int
print_drawn(uint64_t number)
{
    static struct script script;

    script_draw(number, &script);
    script_print(stdout, &script);
    return 0;
}

int
main(int argc, char **argv)
{
    const char *folder = NULL;
    int at = 1, failed = 0;

    seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (seen == MAP_FAILED || argc < 2)
        return 2;
    if (strcmp(argv[at], "--print") == 0 && argc > 2)
        return print_drawn(strtoull(argv[2], NULL, 10));
    if (strcmp(argv[at], "--keep") == 0 && argc > 3) {
        folder = argv[2];
        at = 3;
    }
    if (argv[at][strspn(argv[at], "0123456789")] == '\0')
        return play_drawn(folder, strtoull(argv[at], NULL, 10),
            at + 1 < argc ? strtoull(argv[at + 1], NULL, 10) : 0);
    for (; at < argc; at++)
        failed += play_file(argv[at]);
    return failed > 0;
}
