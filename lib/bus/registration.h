/* registration.h - a consumer is registered on topics, and leaves them; its window is exact (match.h I3). */
#ifndef RINGBUS_BUS_REGISTRATION_H
#define RINGBUS_BUS_REGISTRATION_H

#include "bus/match.h"

/* ---- under the bus lock ---- */

/* End all registrations of a consumer. DRAIN: at the group's next sequence. */
void ringbus__registration_end_all(struct ringbus_consumer *consumer, enum ringbus_how how);

/* Take a registration out of routes and counts; it is still in its set and can be chosen. */
void ringbus__registration_leave(struct registration *registration);

#endif
