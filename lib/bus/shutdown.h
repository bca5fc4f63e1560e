/* shutdown.h - how a bus ends, and the report of what was not delivered. */
#ifndef RINGBUS_BUS_SHUTDOWN_H
#define RINGBUS_BUS_SHUTDOWN_H

#include "bus/match.h"

/* Under the bus lock: if the bus is ending, and empty and idle, end all lines. True: the caller runs
 * ringbus__shutdown_complete, without the lock. */
bool ringbus__shutdown_settle(struct ringbus_bus *bus);

/* No lock held: tell the user, then everybody who waits. */
void ringbus__shutdown_complete(struct ringbus_bus *bus);

/* Under the bus lock: note for the report what registrations, of one group or of all (NULL), have pending, or had
 * thrown away since the last one; or what one has, which is about to go. */
void ringbus__report_collect(struct ringbus_bus *bus, const struct ringbus_group *group);
void ringbus__report_registration(struct registration *registration);

/* Under the bus lock: what was noted, unless somebody who waits for the end will tell it; then, with no lock held, call
 * on_undelivered for it. */
struct row *ringbus__report_take(struct ringbus_bus *bus);
void ringbus__report_tell(struct ringbus_bus *bus, struct row *rows);

/* By a caller that was counted in bus->reporters: tell everything, then be counted no more. */
void ringbus__report_done(struct ringbus_bus *bus);

#endif
