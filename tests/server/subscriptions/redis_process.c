/* redis_process.c - a redis-server of its own for a test. */
#include "server/subscriptions/redis_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "support/support.h"

bool
redis_is_here(void)
{
    return system("command -v redis-server >/dev/null") == 0;
}

/* A port that was free just now. */
static int
find_port(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    MUST(descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 &&
             getsockname(descriptor, (struct sockaddr *)&address, &size) == 0,
        "no port");
    (void)close(descriptor);
    return ntohs(address.sin_port);
}

static void
become_redis(int port, int output)
{
    char number[16];

#ifdef __linux__
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    (void)snprintf(number, sizeof number, "%d", port);
    (void)dup2(output, STDOUT_FILENO);
    (void)execlp("redis-server", "redis-server", "--port", number, "--bind", "127.0.0.1", "--save",
        "", (char *)NULL);
    _exit(127);
}

/* Whether it says that it is ready before it ends. */
static bool
becomes_ready(int output)
{
    const int64_t until = patience_ends();
    char said[16 * 1024];
    size_t used = 0;

    for (;;) {
        struct pollfd ready = {.fd = output, .events = POLLIN};
        ssize_t count;

        MUST(poll(&ready, 1, 100) > 0 || os_real()->now_ns() < until, "redis-server says nothing");
        if (ready.revents == 0)
            continue;
        count = read(output, said + used, sizeof said - 1 - used);
        if (count <= 0)
            return false;
        used += (size_t)count;
        said[used] = '\0';
        if (strstr(said, "Ready to accept connections"))
            return true;
    }
}

/* Another process may take the port in between: then it is tried again. */
void
redis_start(struct redis_process *redis)
{
    for (int tries = 0; tries < 5; tries++) {
        int ends[2];

        MUST(pipe(ends) == 0, "no pipe");
        redis->port = find_port();
        (void)fflush(NULL);
        redis->pid = fork();
        MUST(redis->pid >= 0, "no child process");
        if (redis->pid == 0)
            become_redis(redis->port, ends[1]);
        (void)close(ends[1]);
        redis->output = ends[0];
        if (becomes_ready(redis->output))
            return;
        (void)close(redis->output);
        (void)waitpid(redis->pid, NULL, 0);
    }
    MUST(false, "redis-server does not start");
}

void
redis_stop(struct redis_process *redis)
{
    int status;

    (void)kill(redis->pid, SIGKILL);
    AWAIT(waitpid(redis->pid, &status, WNOHANG) == redis->pid);
    (void)close(redis->output);
}
