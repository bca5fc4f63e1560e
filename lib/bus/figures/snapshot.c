/* snapshot.c - all objects of a bus are copied, and then looked at by whoever takes his time.
 *
 * I1  groups and consumers are copied under the bus lock; topics a few at a time under the table's, so that a post by
 *     name waits for microseconds. Memory is taken in chunks, and never under the table's lock
 * I2  nobody is called under a lock
 * Source: asterisk#1585, figures that froze the bus. */
#include "bus/figures/snapshot.h"

#include "bus/consumer.h"
#include "bus/executor/replay.h"
#include "bus/figures/objects.h"
#include "bus/figures/pending.h"
#include "bus/group.h"
#include "bus/topic.h"

/* Looks at an event's consumers that one visit may take. */
enum { MOST_LOOKS = 1 << 20 };

/* ---- memory ---- */

struct chunk {
    struct chunk *next;
    size_t size, used;
};

enum { LEAST_CHUNK = 4096, MOST_CHUNK = 65536 };

/* There is room for `size` bytes, or the snapshot has failed. */
static bool
make_room(struct snapshot *snapshot, size_t size)
{
    struct chunk *chunk = snapshot->chunk;
    size_t next = chunk != NULL ? 2 * chunk->size : LEAST_CHUNK;

    if (chunk != NULL && chunk->size - chunk->used >= size)
        return true;
    next = next < MOST_CHUNK ? next : MOST_CHUNK;
    if (next < sizeof *chunk + size)
        next = sizeof *chunk + size;
    chunk = ringbus__alloc(&snapshot->bus->allocator, next, _Alignof(max_align_t));
    if (chunk == NULL) {
        snapshot->has_failed = true;
        return false;
    }
    *chunk = (struct chunk){snapshot->chunk, next, sizeof *chunk};
    snapshot->chunk = chunk;
    return true;
}

static size_t
size_of(const struct shape *shape)
{
    const size_t names =
        strlen(shape->name) + 1 + (shape->group != NULL ? strlen(shape->group) + 1 : 0);

    return (sizeof(struct listed) + shape->figures * sizeof(int64_t) +
               shape->topics * sizeof(uint64_t) + names + 7) /
           8 * 8;
}

static char *
copy_name(char *to, const char *name)
{
    const size_t size = strlen(name) + 1;

    memcpy(to, name, size);
    return to + size;
}

struct listed *
ringbus__snapshot_add(
    struct snapshot *snapshot, int list, const struct shape *shape, const int64_t *values)
{
    struct chunk *chunk = snapshot->chunk;
    struct listed *listed = (void *)((char *)chunk + chunk->used);
    char *names = NULL;

    chunk->used += size_of(shape);
    *listed = (struct listed){.kind = shape->kind, .topic_count = shape->topics};
    memcpy(listed->values, values, shape->figures * sizeof *values);
    listed->topics = (uint64_t *)(void *)(listed->values + shape->figures);
    names = (char *)(listed->topics + shape->topics);
    listed->name = names;
    names = copy_name(names, shape->name);
    if (shape->group != NULL) {
        listed->group = names;
        copy_name(names, shape->group);
    }
    *snapshot->of[list].last = listed;
    snapshot->of[list].last = &listed->next;
    return listed;
}

bool
ringbus__snapshot_room(struct snapshot *snapshot, const struct shape *shape)
{
    return make_room(snapshot, size_of(shape));
}

bool
ringbus__snapshot_has_room(struct snapshot *snapshot, const struct shape *shape)
{
    snapshot->missing = size_of(shape);
    return snapshot->chunk->size - snapshot->chunk->used >= snapshot->missing;
}

/* ---- take ---- */

static void
add_groups(struct snapshot *snapshot, struct calls *calls, struct bus_look *look)
{
    const struct ringbus_bus *bus = snapshot->bus;
    int64_t looks = MOST_LOOKS;

    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        struct ringbus_group *group = ringbus__group_at(bus, i);

        calls->is_counted[i] = true;
        if (group == NULL || group->state == GROUP_ENDED)
            continue;
        look->groups++;
        if (group->ring != NULL && ringbus__group_lag(group) > 0)
            calls->is_counted[i] = ringbus__pending_count(group, &looks);
        if (group_has_replays(group))
            ringbus__replay_count(group);
        ringbus__list_group(snapshot, group);
    }
}

static void
add_consumers(struct snapshot *snapshot, struct ringbus_consumer *list, const struct calls *calls,
    struct bus_look *look)
{
    for (; list != NULL; list = list->next) {
        ringbus__list_consumer(snapshot, list, calls);
        look->consumers++;
    }
}

static bool
make_missing_room(void *context)
{
    struct snapshot *snapshot = context;

    return make_room(snapshot, snapshot->missing);
}

static void
take(struct snapshot *snapshot)
{
    struct ringbus_bus *bus = snapshot->bus;
    struct bus_look look = {.memory = (int64_t)load_u64(&bus->memory, ORDER_COUNT)};
    struct calls calls;

    if (!make_room(snapshot, sizeof(struct listed)))
        return; /* topics find a chunk, full or not */
    lock_acquire(&bus->lock);
    calls.count = ringbus__record_called(calls.callees, MOST_CALLS);
    add_groups(snapshot, &calls, &look);
    add_consumers(snapshot, bus->consumers, &calls, &look);
    add_consumers(snapshot, bus->closing, &calls, &look);
    look.cached = bus->cached_count;
    lock_release(&bus->lock);
    ringbus__topic_each(bus, ringbus__list_topic, make_missing_room, snapshot);
    lock_acquire(&bus->names);
    look.topics = bus->topic_count;
    lock_release(&bus->names);
    ringbus__list_bus(snapshot, &look);
}

int
ringbus__snapshot_take(struct ringbus_bus *bus, struct snapshot *snapshot)
{
    *snapshot = (struct snapshot){.bus = bus};
    for (int i = 0; i < LISTED_KINDS; i++)
        snapshot->of[i].last = &snapshot->of[i].first;
    take(snapshot);
    if (!snapshot->has_failed)
        return RINGBUS_OK;
    ringbus__snapshot_free(snapshot);
    return RINGBUS_ENOMEM;
}

void
ringbus__snapshot_free(struct snapshot *snapshot)
{
    while (snapshot->chunk != NULL) {
        struct chunk *chunk = snapshot->chunk;

        snapshot->chunk = chunk->next;
        ringbus__release(&snapshot->bus->allocator, chunk, chunk->size);
    }
}

static int
count_of(const struct kind *kind)
{
    int count = 0;

    while (kind->figures[count][0] != NULL)
        count++;
    return count;
}

struct object
ringbus__snapshot_object(const struct listed *listed)
{
    struct object object = {listed->kind, listed->name, listed->group, {0}};

    memcpy(object.values, listed->values, (size_t)count_of(listed->kind) * sizeof(int64_t));
    return object;
}

int64_t
ringbus__snapshot_figure(const struct listed *listed, const char *figure)
{
    int i = 0;

    while (strcmp(listed->kind->figures[i][0], figure) != 0)
        i++;
    return listed->values[i];
}
