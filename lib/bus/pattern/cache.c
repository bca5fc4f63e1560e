/* cache.c - first in, first out: what is posted to often comes back by the next post. */
#include "bus/pattern/cache.h"

#include "bus/match.h"
#include "bus/pattern/pattern.h"
#include "bus/topic.h"

struct ringbus_topic *
ringbus__cache_take(struct ringbus_bus *bus)
{
    struct ringbus_topic *topic = bus->first_cached;

    if (topic == NULL)
        return NULL;
    bus->first_cached = topic->next_cached;
    if (bus->first_cached == NULL)
        bus->last_cached = NULL;
    bus->cached_count--;
    topic->next_cached = NULL;
    topic->is_cached = false;
    return topic;
}

void
ringbus__cache_clear(struct ringbus_bus *bus)
{
    struct ringbus_topic *topic = NULL;

    while ((topic = ringbus__cache_take(bus)) != NULL)
        ringbus__topic_release(topic);
}

static void
add(struct ringbus_topic *topic)
{
    struct ringbus_bus *bus = topic->bus;

    if (topic->is_cached)
        return;
    ringbus__topic_keep(topic);
    topic->is_cached = true;
    if (bus->last_cached != NULL)
        bus->last_cached->next_cached = topic;
    else
        bus->first_cached = topic;
    bus->last_cached = topic;
    bus->cached_count++;
    if (bus->cached_count > bus->options.max_cached_topics)
        ringbus__topic_release(ringbus__cache_take(bus));
}

/* Under the bus lock, with patterns. */
static int
acquire(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    const int outcome = ringbus__topic_acquire(bus, name, ret_topic);

    if (outcome == RINGBUS_OK)
        add(*ret_topic);
    else if (outcome != RINGBUS_EINVAL && !ringbus__pattern_is_wanted_by_any(bus, name))
        return RINGBUS_OK;
    return outcome;
}

int
ringbus__cache_acquire(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    int outcome = RINGBUS_OK;

    /* COUNT: who has registered a pattern before this post finds it; the lock tells for sure. */
    if (load_u32(&bus->pattern_count, ORDER_COUNT) == 0)
        return RINGBUS_OK;
    lock_acquire(&bus->lock);
    if (load_u32(&bus->pattern_count, ORDER_OWN) != 0)
        outcome = acquire(bus, name, ret_topic);
    ringbus__retire_sweep(bus);
    lock_release(&bus->lock);
    return outcome;
}
