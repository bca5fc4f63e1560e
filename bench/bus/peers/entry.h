/* entry.h - what the peers that are queues share: entries that carry the number of their topic (a queue has no names),
 * one thread that calls that topic's consumers, and how it waits. */
#ifndef RINGBUS_BENCH_PEERS_ENTRY_H
#define RINGBUS_BENCH_PEERS_ENTRY_H

#include <sched.h>

#include "base/cpu.h"
#include "workload.h"

enum { ENTRY_CAPACITY = 65536, ENTRY_RUN = 256 };

struct entry {
    int topic;
    struct workload_event event;
};

static inline void
entry_deliver(const struct entry *entry, int consumers)
{
    for (int k = 0; k < consumers; k++)
        workload_deliver(&workload_consumers[entry->topic][k], &entry->event);
}

/* After so many looks in vain: half a microsecond, so that the other side has its lines for itself; from the 64th on
 * the core is given away. */
static inline void
entry_idle(unsigned *looks)
{
    enum { PAUSES = 16, LOOKS = 64 };

    if (++*looks >= LOOKS)
        sched_yield();
    for (int i = 0; i < PAUSES && *looks < LOOKS; i++)
        cpu_pause();
}

#endif
