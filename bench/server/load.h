/* load.h - redis-benchmark, which publishes as fast as the server answers. */
#ifndef RINGBUS_BENCH_LOAD_H
#define RINGBUS_BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { LOAD_CONNECTIONS = 50, LOAD_PIPELINE = 16, LOAD_SAID_MAX = 4096 };

struct load_process {
    pid_t pid;
    int output; /* readable when it has said something or has ended */
    char said[LOAD_SAID_MAX];
    size_t used;
};

/* Start it.
 *
 * requests  a multiple of LOAD_PIPELINE, or it sends others */
bool load_start(struct load_process *load, int port, const char *channel, const char *payload,
    uint64_t requests);

/* Take what it says.
 *
 * return  false when it has said all */
bool load_take(struct load_process *load);

/* It has said all: wait for its end.
 *
 * return  the requests a second that were answered, or 0 if it failed */
double load_finish(struct load_process *load);

/* It shall not go on. */
void load_kill(struct load_process *load);

#endif
