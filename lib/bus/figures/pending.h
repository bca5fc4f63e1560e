/* pending.h - what the rings still hold for whom. */
#ifndef RINGBUS_BUS_FIGURES_PENDING_H
#define RINGBUS_BUS_FIGURES_PENDING_H

#include "bus/bus.h"

/* Under the bus lock: add to each registration's `pending` the events in the group's ring that its consumer has not
 * finished. `looks` says how many looks at an event's consumers it may take, and gets those that are left. False: it
 * would have taken more, or had no reader. */
bool ringbus__pending_count(struct ringbus_group *group, int64_t *looks);

#endif
