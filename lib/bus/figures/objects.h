/* objects.h - the objects of a bus are put on a snapshot's lists, with their figures. */
#ifndef RINGBUS_BUS_FIGURES_OBJECTS_H
#define RINGBUS_BUS_FIGURES_OBJECTS_H

#include "bus/figures/snapshot.h"

struct ringbus_group;

enum { MOST_CALLS = 256 };

/* What all consumers are looked at with. */
struct calls {
    const void *callees[MOST_CALLS];
    uint32_t count;
    bool is_counted[BUS_MAX_GROUPS]; /* what is pending in the group */
};

/* What the snapshot has found before it comes to the bus. */
struct bus_look {
    int64_t topics, cached, groups, consumers, memory;
};

/* ---- under the bus lock ---- */

/* The group begins a life, nobody runs it yet: its figures are of that. */
void ringbus__figures_begin(struct ringbus_group *group);

void ringbus__list_group(struct snapshot *snapshot, struct ringbus_group *group);
void ringbus__list_consumer(
    struct snapshot *snapshot, struct ringbus_consumer *consumer, const struct calls *calls);

/* ---- under the table's lock ---- */

/* False: there is no room. */
bool ringbus__list_topic(struct ringbus_topic *topic, void *snapshot);

/* ---- no lock ---- */

void ringbus__list_bus(struct snapshot *snapshot, const struct bus_look *look);

#endif
