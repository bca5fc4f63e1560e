/* buses.h - what the bus's scenarios share: one bus, its groups, consumers that count, threads that post. */
#ifndef RINGBUS_MODEL_BUSES_H
#define RINGBUS_MODEL_BUSES_H

#include "bus/group.h"
#include "bus/topic.h"
#include "model.h"

enum { BUSES_GROUPS = 3, BUSES_CONSUMERS = 4, BUSES_TOPICS = 3 };

struct buses {
    struct ringbus_bus *bus;
    struct ringbus_group *groups[BUSES_GROUPS];
    struct ringbus_topic *topics[BUSES_TOPICS]; /* "0", "1", ... */
    struct ringbus_consumer *consumers[BUSES_CONSUMERS];
    uint64_t alive[BUSES_CONSUMERS];     /* 1: its context is */
    uint64_t handled[BUSES_CONSUMERS];   /* calls */
    uint64_t sums[BUSES_CONSUMERS];      /* of what was posted */
    uint64_t histories[BUSES_CONSUMERS]; /* the same in order, a byte each */
    struct atomic_u32
        calls[BUSES_CONSUMERS]; /* of one that is thread-safe, four bits for each value below 8 */
    struct atomic_u32 flags[2]; /* something was done before: buses_raise, buses_is_raised */
};
extern struct buses buses;

/* A bus whose default group is of that kind, with `groups` places. Two events fit in a group, waits do not spin. */
void buses_open(enum ringbus_group_kind kind, uint32_t groups);
/* The same for a threads group with so many lanes. */
void buses_open_lanes(uint32_t lanes);
/* The same for a lossy threads group. */
void buses_open_lossy(enum ringbus_overflow overflow, uint32_t groups);
/* Group `index` of a bus, not the default one; a closed one's place is taken. */
void buses_open_group(int index, enum ringbus_group_kind kind);
/* Its executor and its posters do not spin, nor are they patient. */
void buses_calm(struct ringbus_group *group);

/* Consumer `index` of a group; then on topic `topic`. `after`: another one, -1: none. */
void buses_open_consumer(int index, int group);
void buses_open_after(int index, int group, int after);
/* One that several threads may call at once: its calls are counted for each value, in `calls`. */
void buses_open_safe(int index, int group);
void buses_register(int index, int topic);
/* Both. */
void buses_consume(int index, int group, int topic);

/* What a consumer does in a call beyond counting it, and at the end of a batch. Set before it is opened. */
extern int (*buses_on_event)(const struct ringbus_event *event, int consumer);
extern int (*buses_on_batch_end)(void *alive);
/* The bus's on_stall, and the reserve of its groups. Set before they are opened. */
extern void (*buses_on_stall)(
    struct ringbus_bus *bus, const struct ringbus_stall *stall, void *context);
extern uint32_t buses_reserve;
extern uint32_t buses_capacity; /* of lossy groups; 0: two */

/* Post a number below 256. What the post returned. */
int buses_post(int topic, uint64_t value);
int buses_post_ordered(int topic, uint64_t value, uint64_t key);
int buses_try_post(int topic, uint64_t value);

void buses_raise(int flag);
bool buses_is_raised(int flag);

/* Until `begin` or `end` does that for another one, it is this thread of the scenario. -1: itself. */
void buses_act_as(int thread);

/* Each thread has its record on the list already: that is no part of what is looked at. */
void buses_link_all(void);

/* In `end`. All is done: nothing is left in a group's ring, and who posts into it wakes its executor. */
void buses_check_idle(int group);
/* The bus shuts down, closes, and has called each destroy function once. */
void buses_check_close(void);

/* ---- rows of the tables of groups and ends ---- */

#define GROUP_FENCED(title, what, first, last, ...)                                                \
    {                                                                                              \
        .name = "group_" title "_fenced", .proves = what, .begin = first, .end = last,             \
        .threads = {__VA_ARGS__}, .is_fenced = true                                                \
    }
#define GROUP_BOTH(title, what, first, last, ...)                                                  \
    {.name = "group_" title,                                                                       \
        .proves = what,                                                                            \
        .begin = first,                                                                            \
        .end = last,                                                                               \
        .threads = {__VA_ARGS__}},                                                                 \
        GROUP_FENCED(title, what, first, last, __VA_ARGS__)

/* One preemption and one stale read. */
#define GROUP_HEAVY(title, what, first, last, ...)                                                 \
    {                                                                                              \
        .name = "group_" title, .proves = what, .begin = first, .end = last,                       \
        .threads = {__VA_ARGS__}, .most_preempts = 1, .most_stale = 1                              \
    }

#endif
