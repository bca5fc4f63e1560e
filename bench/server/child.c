/* child.c - see child.h.
 *
 * Both write nothing to the disk, listen on the loopback, and let any number of bytes wait for a client, so that nobody
 * is cut off. */
#include "child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ringbus/types.h"

enum { SAID_MAX = 16 * 1024, TRIES = 5 };
#define START_NS INT64_C(10000000000)

/* A port that nobody listens on. */
static int
find_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    int port = 0;

    if (descriptor < 0)
        return 0;
    if (bind(descriptor, (struct sockaddr *)&address, size) == 0 &&
        getsockname(descriptor, (struct sockaddr *)&address, &size) == 0)
        port = ntohs(address.sin_port);
    (void)close(descriptor);
    return port;
}

static void
become(const char *kind, const char *program, const char *threads, int port, int output)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", port);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    if (strcmp(kind, "ringbus") == 0)
        (void)execlp(program, program, "--port", number, "--loops", threads, "--output-limit",
            "1073741824", "--output-limit-soft", "0", (char *)NULL);
    else
        (void)execlp(program, program, "--port", number, "--bind", "127.0.0.1", "--io-threads",
            threads, "--save", "", "--appendonly", "no", "--client-output-buffer-limit",
            "pubsub 0 0 0", (char *)NULL);
    _exit(127);
}

/* Whether it says that it is ready before it ends. */
static bool
becomes_ready(int output)
{
    const int64_t until = ringbus_now_ns() + START_NS;
    char said[SAID_MAX];
    size_t used = 0;

    while (used < sizeof said - 1 && ringbus_now_ns() < until) {
        struct pollfd ready = {.fd = output, .events = POLLIN};
        ssize_t size = 0;

        if (poll(&ready, 1, 100) <= 0)
            continue;
        size = read(output, said + used, sizeof said - 1 - used);
        if (size <= 0)
            return false;
        used += (size_t)size;
        said[used] = '\0';
        if (strstr(said, "listening on") != NULL || strstr(said, "Ready to accept") != NULL)
            return true;
    }
    return false;
}

/* Another process may take the port in between: then it is tried again. */
bool
child_start(struct child *child, const char *kind, const char *program, const char *threads)
{
    for (int tries = 0; tries < TRIES; tries++) {
        int ends[2] = {-1, -1};

        *child = (struct child){.output = -1, .port = find_port()};
        if (pipe2(ends, O_CLOEXEC) != 0)
            return false;
        child->pid = fork();
        if (child->pid == 0)
            become(kind, program, threads, child->port, ends[1]);
        (void)close(ends[1]);
        child->output = ends[0];
        if (child->pid > 0 && becomes_ready(child->output) &&
            clock_getcpuclockid(child->pid, &child->clock) == 0)
            return true;
        child_stop(child);
    }
    (void)fprintf(stderr, "compare: %s does not start\n", program);
    return false;
}

double
child_cpu_ns(const struct child *child)
{
    struct timespec taken = {0, 0};

    (void)clock_gettime(child->clock, &taken);
    return (double)taken.tv_sec * 1e9 + (double)taken.tv_nsec;
}

void
child_stop(struct child *child)
{
    if (child->pid > 0) {
        (void)kill(child->pid, SIGKILL);
        (void)waitpid(child->pid, NULL, 0);
    }
    if (child->output >= 0)
        (void)close(child->output);
    child->pid = 0;
    child->output = -1;
}
