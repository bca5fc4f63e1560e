/* deadlock.h - which groups wait for which: one graph for the process (os.h).
 *
 * Only an executor's thread that is about to sleep in a post, in a handler, for room in another group enters it. A
 * group waits when an executor of it does.
 * I1  a waiter has announced itself on its target's room, then looked, before its edge enters the graph, and does not
 *     look again before it sleeps: if the target gets room after that, the wake-up is under way and the edge about to
 *     go; while it is full the edge is live
 * I2  so whoever enters last into a ring of waits finds all the others: it is refused
 * Source: wait-for graphs of databases; Node's napi_would_deadlock shows what guessing instead leads to. */
#ifndef RINGBUS_BUS_EXECUTOR_DEADLOCK_H
#define RINGBUS_BUS_EXECUTOR_DEADLOCK_H

#include "bus/group.h"

/* Wait for room in `target`, from a handler of `waiter`: RINGBUS_OK (try again), RINGBUS_ETIMEDOUT, RINGBUS_EDEADLK. */
int ringbus__deadlock_wait(
    struct ringbus_group *waiter, struct ringbus_group *target, bool has_pass, int64_t deadline_ns);

#endif
