/* server_process.c - a server of its own for a test. */
#include "server/server_process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "support/support.h"

static void
become_server(const struct server_process *server, int output, const char *const *arguments)
{
#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    (void)dup2(output, STDOUT_FILENO);
    (void)dup2(server->errors, STDERR_FILENO);
    (void)close(output);
    (void)execv(SERVER_PROGRAM, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

/* What the server has said; by the test, or by a check of it that fails. */
static void
show_errors(const struct server_process *server)
{
    char text[4096];
    off_t at = 0;
    ssize_t size;

    while ((size = pread(server->errors, text, sizeof text, at)) > 0) {
        (void)!write(STDERR_FILENO, text, (size_t)size);
        at += size;
    }
}

static const struct server_process *running;

static void
show_running(int number)
{
    if (running != NULL)
        show_errors(running);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void
server_run(struct server_process *server, const char *const *arguments)
{
    FILE *errors = tmpfile();
    int ends[2];

    MUST(errors != NULL, "no temporary file");
    server->errors = dup(fileno(errors));
    MUST(server->errors >= 0, "no descriptor");
    (void)fclose(errors);
    MUST(pipe(ends) == 0, "no pipe");
    (void)fflush(NULL);
    server->pid = fork();
    MUST(server->pid >= 0, "no child process");
    if (server->pid == 0)
        become_server(server, ends[1], arguments);
    (void)close(ends[1]);
    server->output = ends[0];
    server->port = 0;
    server->said[0] = '\0';
    running = server;
    (void)signal(SIGABRT, show_running);
}

/* Have the first `count` lines that it prints in `said`. */
static void
read_lines(struct server_process *server, int count)
{
    const int64_t until = patience_ends();
    char *const said = server->said;
    size_t used = strlen(said);

    for (const char *at = said; count > 0;) {
        const char *const end = strchr(at, '\n');
        struct pollfd ready = {.fd = server->output, .events = POLLIN};
        ssize_t size;

        if (end) {
            at = end + 1;
            count--;
            continue;
        }
        MUST(poll(&ready, 1, 100) > 0 || os_real()->now_ns() < until, "the server says nothing");
        if (ready.revents == 0)
            continue;
        size = read(server->output, said + used, sizeof server->said - 1 - used);
        MUST(size > 0, "the server ended, or says too much: %s", said);
        used += (size_t)size;
        said[used] = '\0';
    }
}

void
server_start(struct server_process *server, const char *const *arguments)
{
    static const char begin[] = "ringbus-pubsub-server: listening on ";
    const char *end, *colon;

    server_run(server, arguments);
    read_lines(server, 1);
    MUST(strncmp(server->said, begin, sizeof begin - 1) == 0, "the server begins with: %s",
        server->said);
    end = strchr(server->said, '\n');
    colon = memrchr(server->said, ':', (size_t)(end - server->said)); /* an IPv6 address has more */
    server->port = colon ? (int)strtol(colon + 1, NULL, 10) : 0;
    MUST(server->port > 0, "no port in: %s", server->said);
}

int
server_http_port(struct server_process *server)
{
    const char *at;
    int port;

    read_lines(server, 2);
    at = strstr(server->said, "\nringbus-pubsub-server: watch it on http://127.0.0.1:");
    port = at ? (int)strtol(strrchr(at, ':') + 1, NULL, 10) : 0;
    MUST(port > 0, "no port in: %s", server->said);
    return port;
}

void
server_signal(const struct server_process *server, int number)
{
    MUST(kill(server->pid, number) == 0, "the server is gone");
}

int
server_wait(struct server_process *server, int expected)
{
    int status = 0;
    int code;

    AWAIT(waitpid(server->pid, &status, WNOHANG) == server->pid);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code != expected)
        show_errors(server);
    (void)close(server->output);
    (void)close(server->errors);
    running = NULL;
    return code;
}

void
server_stop(struct server_process *server)
{
    int code;

    server_signal(server, SIGTERM);
    code = server_wait(server, 0);
    MUST(code == 0, "the server ended with %d", code);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

long
server_peak_memory(const struct server_process *server)
{
    char line[256];
    long peak = -1;
    FILE *status;

    (void)snprintf(line, sizeof line, "/proc/%d/status", (int)server->pid);
    status = IS_SANITIZED ? NULL : fopen(line, "r");
    if (!status)
        return -1;
    while (fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            peak = strtol(line + 6, NULL, 10);
    (void)fclose(status);
    return peak;
}

void
server_read_all(const struct server_process *server, char *text, size_t size)
{
    const int64_t until = patience_ends();
    size_t used = 0;
    ssize_t count = 1;

    while (count > 0) {
        struct pollfd ready = {.fd = server->output, .events = POLLIN};

        MUST(poll(&ready, 1, 100) > 0 || os_real()->now_ns() < until, "the server does not end");
        if (ready.revents == 0)
            continue;
        MUST(used + 1 < size, "the server says more than fits");
        count = read(server->output, text + used, size - 1 - used);
        used += count > 0 ? (size_t)count : 0;
    }
    text[used] = '\0';
}

bool
server_said(const struct server_process *server, const char *text)
{
    static char said[64 * 1024];
    const ssize_t size = pread(server->errors, said, sizeof said - 1, 0);

    said[size > 0 ? size : 0] = '\0';
    return strstr(said, text) != NULL;
}
