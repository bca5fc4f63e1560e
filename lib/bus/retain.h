/* retain.h - the last value of a topic.
 *
 * I1  every post to a retained topic takes its claim lock, and stores its value there once nothing can refuse it
 * I2  a registration is made with the lock held, its window included: what is stored then came before `from` in its
 *     group, and whatever comes later is claimed behind it
 * I3  retaining begins with a cut in the rings the topic is routed to, under the lock: who claims without it has done
 *     so before any value is stored, or finds the topic retained when it has claimed. In a lossy group that would be
 *     too late: whoever is entering one is waited for. In caller groups nothing is claimed: who takes their eras
 *     without the lock looks at the topic after that, so what it posts is in no window of a later registration
 * Edges: CUT, CALL. */
#ifndef RINGBUS_BUS_RETAIN_H
#define RINGBUS_BUS_RETAIN_H

#include "bus/match.h"
#include "bus/topic.h"

struct replay;

/* Guarded by the claim lock; made and freed under the bus lock, too. */
struct retained {
    size_t max_size;
    size_t allocated;
    bool has_value;
    uint64_t ordered;
    size_t size;
    unsigned char *data;
    int64_t sequences[]; /* in the rings of the groups; -1: it is in no ring of that one */
};

/* ---- under the claim lock ---- */

/* Before anything is claimed in the groups of `groups`: RINGBUS_OK; RINGBUS_EMSGSIZE; RINGBUS_EAGAIN: the groups have
 * changed under the post, or the topic is not retained and has none. */
int ringbus__retain_check(const struct ringbus_topic *topic, size_t size, uint64_t groups);

/* Store the value. `rings`: the groups it was claimed in. */
void ringbus__retain_store(struct ringbus_topic *topic, const void *data, size_t size,
    uint64_t ordered, uint64_t rings, const int64_t *sequences);

/* Under the bus lock, too: the registration has been made; give it the value. False: there is none. */
bool ringbus__retain_replay(const struct registration *registration, struct replay *replay);

/* ---- under the bus lock ---- */

/* The most a topic retains; 0: nothing. */
size_t ringbus__retain_size(const struct ringbus_topic *topic);

/* The topic's memory goes. */
void ringbus__retain_fini(struct ringbus_topic *topic);

#endif
