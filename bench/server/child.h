/* child.h - a server of its own: ours or a redis-server, on a free port of the loopback, with settings as alike as the
 * two allow. It ends with this program. */
#ifndef RINGBUS_BENCH_CHILD_H
#define RINGBUS_BENCH_CHILD_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

struct child {
    pid_t pid;
    int output; /* what it says */
    int port;
    clockid_t clock; /* of its CPU time */
};

/* Start it and wait until it listens.
 *
 * kind     "ringbus" or "redis"
 * threads  loops, or io-threads
 * return   false if it does not start; it has been said on stderr why */
bool child_start(struct child *child, const char *kind, const char *program, const char *threads);

/* The CPU time that all its threads have taken, the system's on their behalf included. */
double child_cpu_ns(const struct child *child);

void child_stop(struct child *child);

#endif
