/* figures.c - what the system tells about a server's process. */
#include "server/hostile/figures.h"

#include <stdio.h>
#include <unistd.h>

/* The index-th number of /proc/<pid>/statm, in pages. */
static long
read_pages(pid_t process, int index)
{
    char path[64];
    long pages[2] = {0, 0};
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%ld/statm", (long)process);
    file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%ld %ld", &pages[0], &pages[1]) != 2)
        pages[index] = 0;
    (void)fclose(file);
    return pages[index] * sysconf(_SC_PAGESIZE);
}

long
figures_memory(pid_t process)
{
    return read_pages(process, 0);
}

long
figures_resident(pid_t process)
{
    return read_pages(process, 1);
}

bool
figures_keeps_alive(int server_port, int client_port)
{
    FILE *const file = fopen("/proc/net/tcp", "r");
    char line[256];
    bool keeps_alive = !file;

    while (file && fgets(line, sizeof line, file)) {
        unsigned local, remote, timer;

        /* slot, local and remote address:port, state, queues, timer: 2 is the one that keeps alive */
        if (sscanf(line, " %*d: %*x:%x %*x:%x %*x %*x:%*x %x:", &local, &remote, &timer) == 3 &&
            local == (unsigned)server_port && remote == (unsigned)client_port)
            keeps_alive = timer == 2;
    }
    if (file)
        (void)fclose(file);
    return keeps_alive;
}
