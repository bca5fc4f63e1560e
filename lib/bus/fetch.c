/* fetch.c - see fetch.h: each step for all events, for what it waits for it waits once. */
#include "bus/fetch.h"

#include "bus/consumer.h"
#include "bus/topic.h"

/* Each topic, but for those that have several events in a row. How many. */
static uint32_t
fetch_topics(const struct ringbus_group *group, int64_t last, int64_t end,
    const struct ringbus_topic *topics[MOST_FETCHED])
{
    const struct slots slots = slots_of(group->ring);
    const struct ringbus_topic *before = NULL;
    uint32_t count = 0;

    while (++last <= end) {
        const struct slot *slot = slot_at(&slots, last);
        const struct ringbus_topic *topic = ((const struct entry *)slot->payload)->topic;

        /* HINT: seen to be published before. */
        if (topic == before || load_u64(&slot->stamp, ORDER_HINT) & 1)
            continue;
        topics[count++] = before = topic;
        __builtin_prefetch(topic);
        __builtin_prefetch(&topic->parts[group->index]);
    }
    return count;
}

/* The set of each, and where the event will be counted. How many there are. */
static uint32_t
fetch_sets(const struct ringbus_group *group, const struct ringbus_topic *const *topics,
    uint32_t count, const struct match_set *sets[MOST_FETCHED])
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        /* TABLE acquire: the set is complete. */
        const struct match_set *set =
            load_ptr(&topics[i]->parts[group->index].set, ORDER_TABLE_ACQUIRE);

        __builtin_prefetch(&topics[i]->passed[group->index]);
        if (unlikely(set == NULL))
            continue;
        sets[found++] = set;
        __builtin_prefetch(&set->count);
        __builtin_prefetch(set->members);
    }
    return found;
}

/* The first of each set. How many there are. */
static uint32_t
fetch_registrations(const struct match_set *const *sets, uint32_t count,
    const struct registration *registrations[MOST_FETCHED])
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < count; i++) {
        /* TABLE acquire: the registration is complete. */
        const struct registration *first = load_ptr(&sets[i]->members[0], ORDER_TABLE_ACQUIRE);

        if (unlikely(first == NULL))
            continue;
        registrations[found++] = first;
        __builtin_prefetch(&first->from);
        __builtin_prefetch(&first->consumer);
    }
    return found;
}

void
ringbus__fetch(const struct ringbus_group *group, int64_t last, int64_t limit)
{
    const int64_t end = limit - last > MOST_FETCHED ? last + MOST_FETCHED : limit;
    const struct ringbus_topic *topics[MOST_FETCHED];
    const struct match_set *sets[MOST_FETCHED];
    const struct registration *registrations[MOST_FETCHED];
    uint32_t count = fetch_topics(group, last, end, topics);

    count = fetch_sets(group, topics, count, sets);
    count = fetch_registrations(sets, count, registrations);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&registrations[i]->consumer->handler);
}
