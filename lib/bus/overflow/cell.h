/* cell.h - the cells of a conflate group: of each of its topics the last value, and whether it is queued.
 *
 * I1  a cell is queued at most once, and then an entry in the ring that the lane has not taken names its topic. Of a
 *     pass under way one entry is taken and not yet free: so a ring of twice as many slots as cells always has room
 * I2  the cell lock covers "is the line ended, replace the value, enter if it is not queued" and the lane's "take the
 *     value, it is not queued": a value that is replaced is never the last, and one that has entered is taken
 * I3  a value is judged by when it was posted, not by when its topic was queued: windows of a conflate group are eras
 *     (match.h I3), and the cell keeps its value's
 * I4  a cell is made before its topic's bit is set in the route, and freed after it was cleared, by whoever finds it
 *     with no registration and not queued
 * I5  a cell that is queued holds a count of its value's reference, one that is not holds none: the lane takes it with
 *     the value. Who replaces the value leaves it under the lock (reference.h I1); what is due then waits for its end
 * Source: conflated market data feeds, whose slow readers get the last price of every symbol. */
#ifndef RINGBUS_BUS_OVERFLOW_CELL_H
#define RINGBUS_BUS_OVERFLOW_CELL_H

#include "bus/group.h"
#include "bus/match.h"

struct posting;
struct release;

/* ringbus__overflow_enter of a conflate group: the cell has the value. */
int64_t ringbus__cell_enter(const struct posting *posting, struct ringbus_reference *reference,
    struct ringbus_group *group, bool has_pass, struct release *ret_due);

/* By the lane, for a topic it has found in the ring. */
struct taken {
    int64_t era;       /* of the value */
    uint64_t replaced; /* values before it */
};
struct taken ringbus__cell_take(
    struct ringbus_group *group, struct ringbus_topic *topic, struct entry *ret_entry);

/* ---- for groups that do not conflate these do nothing ---- */

/* Under the bus lock: see that the topic has a cell, for one registration more. RINGBUS_OK, RINGBUS_ENOMEM,
 * RINGBUS_ENOSPC. */
int ringbus__cell_acquire(struct ringbus_group *group, struct ringbus_topic *topic);

/* One registration less; also without that lock. */
void ringbus__cell_release(struct ringbus_group *group, struct ringbus_topic *topic);

/* A value that the registration is to get is queued. */
bool ringbus__cell_is_owed(struct ringbus_group *group, const struct registration *registration);

#endif
