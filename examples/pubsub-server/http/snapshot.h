/* snapshot.h - what the page shows: one object in JSON, made from a dump of the bus and from the one before it.
 *
 *   "now_ns", "interval_ns" (since the one before; 0: there is none), "version", "port"
 *   "server"             figures, see server_figures.c
 *   "bus", "groups"      as in the dump
 *   "topics"             those with most events a second, at most SNAPSHOT_TOPICS_MAX, as in the dump, with "rate"
 *                        and "in_groups": [id of a group, consumers in it], ...
 *   "consumers"          likewise; instead of its topics one has the id of the "first_topic" */
#ifndef PUBSUB_HTTP_SNAPSHOT_H
#define PUBSUB_HTTP_SNAPSHOT_H

#include "text.h"

#define SNAPSHOT_TOPICS_MAX 50
#define SNAPSHOT_CONSUMERS_MAX 50

struct server;
struct snapshot_counts;

/* What is kept of the snapshot before. All zero: there is none. */
struct snapshots {
    struct snapshot_counts *topics;
    struct snapshot_counts *consumers;
    long long taken_ns;
};

/* return  a text, without line ends; NULL for want of memory, or the bus refused */
struct text *snapshot_take(struct snapshots *snapshots, struct server *server);

/* Forget the one before. */
void snapshot_forget(struct snapshots *snapshots);

#endif
