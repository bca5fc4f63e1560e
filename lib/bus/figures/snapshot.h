/* snapshot.h - all objects of a bus as they were, for visits and dumps. */
#ifndef RINGBUS_BUS_FIGURES_SNAPSHOT_H
#define RINGBUS_BUS_FIGURES_SNAPSHOT_H

#include "bus/bus.h"
#include "ring/visit.h"

/* In this order objects are visited. */
enum { LISTED_BUS, LISTED_GROUPS, LISTED_TOPICS, LISTED_CONSUMERS, LISTED_KINDS };

/* One object. */
struct listed {
    struct listed *next;
    const struct kind *kind;
    const char *name;
    const char *group; /* of a consumer */
    uint64_t id;       /* among its kind, in one bus; of a group its place in the bus */
    uint64_t group_id; /* of a consumer; BUS_MAX_GROUPS: its group has ended */
    uint32_t own_mark; /* of a consumer: its place in the order that `after` makes */
    uint32_t after_marks;
    uint32_t topic_count; /* of a consumer */
    uint64_t *topics;     /* their ids */
    int64_t values[];     /* of the kind's figures */
};

struct listing {
    struct listed *first, **last;
};

struct snapshot {
    struct ringbus_bus *bus;
    struct listing of[LISTED_KINDS];
    /* while it is taken */
    struct chunk *chunk; /* the newest */
    size_t missing;      /* room for the next topic */
    bool has_failed;     /* no memory */
};

/* RINGBUS_OK; RINGBUS_ENOMEM, and there is nothing to free. */
int ringbus__snapshot_take(struct ringbus_bus *bus, struct snapshot *ret_snapshot);
void ringbus__snapshot_free(struct snapshot *snapshot);

/* What an object needs besides its struct. */
struct shape {
    const struct kind *kind;
    const char *name, *group; /* NULL: none */
    uint32_t figures, topics;
};

/* There is room for one, or the snapshot has failed. Not under the table's lock. */
bool ringbus__snapshot_room(struct snapshot *snapshot, const struct shape *shape);

/* There is room for one; else what is missing is noted. */
bool ringbus__snapshot_has_room(struct snapshot *snapshot, const struct shape *shape);

/* Put it on a list; there is room. */
struct listed *ringbus__snapshot_add(
    struct snapshot *snapshot, int list, const struct shape *shape, const int64_t *values);

/* The listed object with its figures. */
struct object ringbus__snapshot_object(const struct listed *listed);

/* A figure by its name, which the kind has. */
int64_t ringbus__snapshot_figure(const struct listed *listed, const char *figure);

#endif
