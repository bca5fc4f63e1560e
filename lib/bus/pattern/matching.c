/* matching.c - all that can fail is prepared, then everything is changed: one set for each group, however many match
 * it. */
#include "bus/pattern/matching.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/pattern/pattern.h"
#include "bus/registration.h"

struct matching {
    struct ringbus_topic *topic;
    struct registration *made; /* a list, by `next` */
    uint64_t groups;
    uint32_t counts[BUS_MAX_GROUPS]; /* of those made */
    struct match_set *sets[BUS_MAX_GROUPS];
    bool has_failed;
};

static bool
note_consumer(struct trie_leaf *leaf, void *context)
{
    struct matching *matching = context;
    struct ringbus_consumer *consumer = ringbus__pattern_consumer(leaf);

    if (consumer->matched == NULL) {
        consumer->matched = ringbus__registration_make(consumer, matching->topic);
        matching->has_failed = consumer->matched == NULL;
        if (matching->has_failed)
            return false;
        consumer->matched->next = matching->made;
        matching->made = consumer->matched;
        matching->groups |= consumer->group->bit;
        matching->counts[consumer->group->index]++;
    }
    consumer->matched->pattern_count++;
    return true;
}

static void
make_sets(struct matching *matching)
{
    for (uint64_t left = matching->groups; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        matching->sets[index] = ringbus__match_make(matching->topic->bus, matching->counts[index]);
        matching->has_failed = matching->has_failed || matching->sets[index] == NULL;
    }
}

static void
undo(struct matching *matching)
{
    const struct ringbus_allocator *allocator = &matching->topic->bus->allocator;

    for (uint32_t i = 0; i < BUS_MAX_GROUPS; i++)
        ringbus__release(allocator, matching->sets[i], ringbus__match_size(matching->counts[i]));
    while (matching->made != NULL) {
        struct registration *registration = matching->made;

        matching->made = registration->next;
        ringbus__release(allocator, registration, sizeof *registration);
    }
}

/* Nobody sees the topic before the locks are released. */
static void
apply(struct matching *matching)
{
    struct ringbus_topic *topic = matching->topic;

    while (matching->made != NULL) {
        struct registration *registration = matching->made;

        matching->made = registration->next;
        ringbus__registration_begin(
            registration, matching->sets[registration->consumer->group->index]);
    }
    for (uint64_t left = matching->groups; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        ringbus__match_replace(topic, ringbus__group_at(topic->bus, index), matching->sets[index]);
    }
    topic->ever_routed = matching->groups;
    topic->is_matched = matching->groups != 0;
    /* TABLE release: as for one that is seen. */
    store_u64(&topic->route, matching->groups, ORDER_TABLE_RELEASE);
}

int
ringbus__matching_run(struct ringbus_topic *topic)
{
    struct matching matching = {.topic = topic};

    if (load_u32(&topic->bus->pattern_count, ORDER_OWN) == 0)
        return RINGBUS_OK;
    ringbus__pattern_each(topic->bus, topic->name, note_consumer, &matching);
    for (struct registration *at = matching.made; at != NULL; at = at->next)
        at->consumer->matched = NULL;
    if (!matching.has_failed)
        make_sets(&matching);
    if (matching.has_failed) {
        undo(&matching);
        return RINGBUS_ENOMEM;
    }
    apply(&matching);
    return RINGBUS_OK;
}
