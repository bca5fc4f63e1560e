/* match.c - match-sets are built, replaced and freed. */
#include "bus/match.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* So many before a sweep, which interrupts every core, is worth it. */
enum { SWEEP_AT = 64 };

size_t
ringbus__match_size(uint32_t count)
{
    return sizeof(struct match_set) + count * sizeof(struct atomic_ptr);
}

static struct match_set *
set_of(struct ringbus_topic *topic, struct ringbus_group *group)
{
    return load_ptr(&topic->parts[group->index].set, ORDER_OWN);
}

static struct registration *
member(const struct match_set *set, uint32_t index)
{
    return load_ptr(&set->members[index], ORDER_OWN);
}

struct match_set *
ringbus__match_make(struct ringbus_bus *bus, uint32_t count)
{
    return ringbus__alloc(&bus->allocator, ringbus__match_size(count), sizeof(void *));
}

struct match_set *
ringbus__match_prepare(
    struct ringbus_topic *topic, struct ringbus_group *group, struct registration *more)
{
    const struct match_set *old = set_of(topic, group);
    const uint32_t count = (old ? old->live : 0) + (more ? 1 : 0);
    struct match_set *set = ringbus__match_make(topic->bus, count);

    if (set == NULL)
        return NULL;
    for (uint32_t i = 0; old != NULL && i < old->count; i++)
        if (member(old, i) != NULL)
            store_ptr(&set->members[set->count++], member(old, i), ORDER_OWN);
    if (more)
        store_ptr(&set->members[set->count++], more, ORDER_OWN);
    set->live = set->count;
    return set;
}

void
ringbus__match_replace(
    struct ringbus_topic *topic, struct ringbus_group *group, struct match_set *set)
{
    struct match_set *old = set_of(topic, group);

    /* TABLE release: the set is complete. */
    store_ptr(&topic->parts[group->index].set, set, ORDER_TABLE_RELEASE);
    if (old != NULL)
        ringbus__retire(topic->bus, &old->retired, ringbus__match_size(old->count));
}

void
ringbus__match_remove(struct registration *registration)
{
    struct ringbus_topic *topic = registration->topic;
    struct ringbus_group *group = registration->consumer->group;
    struct match_set *set = set_of(topic, group), *smaller = NULL;

    for (uint32_t i = 0; i < set->count; i++)
        if (member(set, i) == registration)
            /* HINT: who still has it finds its window closed. */
            store_ptr(&set->members[i], NULL, ORDER_HINT);
    set->live--;
    if (set->live == 0)
        ringbus__match_replace(topic, group, NULL);
    else if (set->live <= set->count / 2)
        smaller = ringbus__match_prepare(topic, group, NULL);
    if (smaller != NULL)
        ringbus__match_replace(topic, group, smaller);
    ringbus__retire(topic->bus, &registration->retired, sizeof *registration);
}

uint32_t
ringbus__match_counted(struct ringbus_topic *topic, struct ringbus_group *group)
{
    const struct match_set *set = set_of(topic, group);
    uint32_t counted = 0;

    for (uint32_t i = 0; set != NULL && i < set->count; i++)
        counted += member(set, i) != NULL && member(set, i)->is_counted;
    return counted;
}

void
ringbus__retire(struct ringbus_bus *bus, struct retired *retired, size_t size)
{
    retired->next = NULL;
    retired->size = size;
    retired->tag = ringbus__record_retire();
    if (bus->retired_last != NULL)
        bus->retired_last->next = retired;
    else
        bus->retired_first = retired;
    bus->retired_last = retired;
    bus->retired_count++;
}

static void
free_below(struct ringbus_bus *bus, uint64_t oldest)
{
    while (bus->retired_first != NULL && bus->retired_first->tag < oldest) {
        struct retired *retired = bus->retired_first;

        bus->retired_first = retired->next;
        bus->retired_count--;
        ringbus__release(&bus->allocator, retired, retired->size);
    }
    if (bus->retired_first == NULL)
        bus->retired_last = NULL;
}

void
ringbus__retire_sweep(struct ringbus_bus *bus)
{
    if (bus->retired_count >= SWEEP_AT)
        free_below(bus, ringbus__record_oldest());
}

void
ringbus__retire_fini(struct ringbus_bus *bus)
{
    free_below(bus, UINT64_MAX);
}

/* What a window that is to begin, or end, now has for an edge. */
static int64_t
edge_now(struct ringbus_group *group)
{
    if (!group_conflates(group))
        return ringbus__group_cut(group);
    /* CUT release: a post that finds the new era finds what was changed before. */
    return (int64_t)(add_u64(&group->era, 1, ORDER_CUT_RELEASE) + 1);
}

int64_t
ringbus__window_decide(struct atomic_i64 *edge, int64_t undecided, struct ringbus_group *group)
{
    const int64_t cut = edge_now(group);

    /* CUT release: who finds it decided, and posts after that, finds the era that it is, or a later one. */
    if (cas_i64(edge, &undecided, cut, ORDER_CUT_RELEASE))
        return cut;
    /* CUT acquire: of whoever was first. Both cuts are true ones, of which the first counts. */
    return load_i64(edge, ORDER_CUT_ACQUIRE);
}
