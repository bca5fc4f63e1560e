/* redis_process.h - a redis-server of its own for a test. It ends with the test, whatever happens. */
#ifndef TESTS_SERVER_SUBSCRIPTIONS_REDIS_PROCESS_H
#define TESTS_SERVER_SUBSCRIPTIONS_REDIS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct redis_process {
    pid_t pid;
    int port;
    int output; /* its standard output, a pipe */
};

/* Whether there is such a program. */
bool redis_is_here(void);

/* Run it, on a port that is free, until it listens. It keeps nothing on the disk. */
void redis_start(struct redis_process *redis);

void redis_stop(struct redis_process *redis);

#endif
