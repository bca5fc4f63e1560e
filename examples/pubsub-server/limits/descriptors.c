/* descriptors.c - a descriptor for each client.
 * Source: Redis, which lowers maxclients likewise. */
#include "descriptors.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

/* Those besides the clients': of each loop, of the HTTP port besides its connections', and of all the rest, a few
 * clients to be turned away included. */
#define A_LOOP 8
#define HTTP 8
#define SPARE 32

static rlim_t
own_descriptors(const struct options *options)
{
    const rlim_t http = options->http.is_on ? HTTP + (rlim_t)options->http.connections_max : 0;

    return SPARE + http + (rlim_t)options->loops * A_LOOP;
}

uint32_t
descriptors_reserve(const struct options *options)
{
    const rlim_t own = own_descriptors(options);
    const rlim_t wanted = own + options->max_clients;
    struct rlimit limit;
    uint32_t clients;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return options->max_clients;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= wanted)
        return options->max_clients;
    clients = limit.rlim_cur > own ? (uint32_t)(limit.rlim_cur - own) : 0;
    if (clients > 0)
        (void)fprintf(stderr,
            "ringbus-pubsub-server: descriptors (ulimit -n) for %" PRIu32 " clients only\n",
            clients);
    return clients;
}
