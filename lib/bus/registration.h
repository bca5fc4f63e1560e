/* registration.h - a consumer is registered on topics, and leaves them; its window is exact (match.h I3).
 *
 * I1  a consumer has at most one registration on a topic, whether by the topic's name, by patterns, or both; it ends
 *     with the last of these */
#ifndef RINGBUS_BUS_REGISTRATION_H
#define RINGBUS_BUS_REGISTRATION_H

#include "bus/match.h"

/* What one topic of a registration needs before anything is changed. */
struct plan {
    struct registration *registration; /* to be made, with its set; or */
    struct registration *existing;     /* the consumer's on this topic */
    struct match_set *set;
    struct replay *replay; /* of a retained topic: held, to be listed */
    bool has_value;        /* it was */
    struct ringbus_topic *topic;
    bool holds_topic; /* a reference */
    bool has_cell;    /* the registration's, if it is to be made */
    struct plan *next;
};

/* ---- under the bus lock ---- */

/* Plan the consumer's registration on a topic, in front of `plans`: RINGBUS_OK, RINGBUS_ENOMEM. What was planned is
 * undone by ringbus__plan_undo, without the lock. */
int ringbus__plan_add(
    struct ringbus_consumer *consumer, struct ringbus_topic *topic, struct plan **plans);
void ringbus__plan_undo(struct ringbus_bus *bus, struct plan *plans);

/* Make it; nothing can fail. The registration: the caller says why it is there. */
struct registration *ringbus__plan_apply(struct plan *plan);

/* A registration that nobody sees; NULL: out of memory. Then, on a topic that nobody sees yet: put it into its set. */
struct registration *ringbus__registration_make(
    struct ringbus_consumer *consumer, struct ringbus_topic *topic);
void ringbus__registration_begin(struct registration *registration, struct match_set *set);

/* A pattern of its consumer that matches its topic has gone. */
void ringbus__registration_lose_pattern(struct registration *registration);

/* Of a topic that is about to be freed: end all its registrations, which patterns have made. */
void ringbus__registration_end_topic(struct ringbus_topic *topic);

/* End all registrations of a consumer, and its patterns. DRAIN: at the group's next sequence. */
void ringbus__registration_end_all(struct ringbus_consumer *consumer, enum ringbus_how how);

/* Take a registration out of routes and counts; it is still in its set and can be chosen. */
void ringbus__registration_leave(struct registration *registration);

#endif
