/* load.c - see load.h. */
#include "load.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void
become(int port, const char *channel, const char *payload, uint64_t requests, int output)
{
    char port_text[16], requests_text[32], connections[16], pipeline[16];

    (void)snprintf(port_text, sizeof port_text, "%d", port);
    (void)snprintf(requests_text, sizeof requests_text, "%llu", (unsigned long long)requests);
    (void)snprintf(connections, sizeof connections, "%d", LOAD_CONNECTIONS);
    (void)snprintf(pipeline, sizeof pipeline, "%d", LOAD_PIPELINE);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (dup2(output, STDOUT_FILENO) >= 0)
        (void)execlp("redis-benchmark", "redis-benchmark", "-p", port_text, "-n", requests_text,
            "-c", connections, "-P", pipeline, "--csv", "PUBLISH", channel, payload, (char *)NULL);
    _exit(127);
}

bool
load_start(struct load_process *load, int port, const char *channel, const char *payload,
    uint64_t requests)
{
    int ends[2] = {-1, -1};

    *load = (struct load_process){.output = -1};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    load->pid = fork();
    if (load->pid == 0)
        become(port, channel, payload, requests, ends[1]);
    (void)close(ends[1]);
    load->output = ends[0];
    return load->pid > 0;
}

bool
load_take(struct load_process *load)
{
    const ssize_t size =
        read(load->output, load->said + load->used, sizeof load->said - 1 - load->used);

    if (size > 0)
        load->used += (size_t)size;
    return size > 0;
}

/* Its last line: "the command","requests a second","mean latency",... */
static double
rate_in(const char *said)
{
    const char *at = said;

    for (const char *next = said; (next = strstr(next, "\n\"")) != NULL; next++)
        at = next + 1;
    at = strstr(at, "\",\"");
    return at != NULL ? strtod(at + 3, NULL) : 0;
}

double
load_finish(struct load_process *load)
{
    int status = -1;

    (void)close(load->output);
    (void)waitpid(load->pid, &status, 0);
    load->said[load->used] = '\0';
    return status == 0 ? rate_in(load->said) : 0;
}

void
load_kill(struct load_process *load)
{
    (void)kill(load->pid, SIGKILL);
    (void)close(load->output);
    (void)waitpid(load->pid, NULL, 0);
}
