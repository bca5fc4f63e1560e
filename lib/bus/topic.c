/* topic.c - the table of topics: uthash under a lock, hashed with a key of the bus's own. */
#include "bus/topic.h"

#include "bus/group.h"
#include "bus/match.h"
#include "bus/pass.h"
#include "bus/pattern/cache.h"
#include "bus/pattern/matching.h"
#include "bus/post/lookup.h"
#include "bus/registration.h"
#include "bus/retain.h"

/* An allocation that fails in uthash sets the flag of the table operation under way, which undoes itself. */
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(bytes) ringbus__alloc(table_allocator, bytes, sizeof(void *))
#define uthash_free(memory, bytes) ringbus__release(table_allocator, memory, bytes)
#define uthash_nonfatal_oom(element) (out_of_memory = true)
#include <uthash.h>

/* Retired topics looked at in one call; at the limit all are. */
enum { SWEEP = 4 };

/* Topics a walk looks at before it gives the lock back. */
enum { WALK_PART = 32 };

struct topic_node {
    struct ringbus_topic *topic;
    UT_hash_handle hh;
};

/* On its way through the table; guarded by its lock. */
struct topic_walk {
    struct topic_walk *other;
    struct topic_node *at;
    uint32_t left; /* the walk ends, however many come meanwhile */
};

static unsigned
hash_name(const struct ringbus_bus *bus, const char *name, size_t length)
{
    const uint64_t hash = ringbus__hash(&bus->hash_key, name, length);

    return (unsigned)(hash ^ hash >> 32);
}

/* The table's head is kept as a void pointer in the bus: uthash stays in this file. */
static struct topic_node *
table_of(struct ringbus_bus *bus)
{
    return bus->topics ? bus->topics->node : NULL;
}

static void
set_table(struct ringbus_bus *bus, struct topic_node *head)
{
    bus->topics = head ? head->topic : NULL;
}

static struct ringbus_topic *
find(struct ringbus_bus *bus, const char *name, size_t length, unsigned hash)
{
    struct topic_node *head = table_of(bus), *node = NULL;

    HASH_FIND_BYHASHVALUE(hh, head, name, length, hash, node);
    return node ? node->topic : NULL;
}

/* ---- memory ---- */

static size_t
whole_lines(size_t size)
{
    return (size + CPU_LINE - 1) / CPU_LINE * CPU_LINE;
}

/* One allocation: the topic, its parts, its node, its name; on lines that nobody else looks at, what its groups have
 * passed. */
static struct ringbus_topic *
make(struct ringbus_bus *bus, const char *name, size_t length)
{
    const uint32_t groups = bus->options.max_groups;
    const size_t node_at = sizeof(struct ringbus_topic) + groups * sizeof(struct topic_part);
    const size_t name_at = node_at + sizeof(struct topic_node);
    const size_t passed_at = whole_lines(name_at + length + 1);
    const size_t size = passed_at + whole_lines(groups * sizeof(struct atomic_u64));
    struct ringbus_topic *topic = ringbus__alloc(&bus->allocator, size, CPU_LINE);

    if (topic == NULL)
        return NULL;
    topic->magic = MAGIC_TOPIC;
    topic->bus = bus;
    topic->size = size;
    topic->number = bus->topic_number++;
    topic->passed = (struct atomic_u64 *)(void *)((char *)topic + passed_at);
    topic->node = (struct topic_node *)(void *)((char *)topic + node_at);
    topic->node->topic = topic;
    topic->name = (char *)topic + name_at;
    topic->name_length = length;
    topic->place = lookup_place(bus, name, length);
    memcpy((char *)topic + name_at, name, length);
    return topic;
}

static bool
is_passed(const struct ringbus_topic *topic)
{
    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        if (ringbus__group_position(ringbus__group_at(topic->bus, index)) + 1 <
            topic->parts[index].retired_at)
            return false;
    }
    return true;
}

static void
append_retired(struct ringbus_bus *bus, struct ringbus_topic *topic)
{
    topic->is_retired = true;
    topic->next_retired = NULL;
    if (bus->last_retired_topic != NULL)
        bus->last_retired_topic->next_retired = topic;
    else
        bus->retired_topics = topic;
    bus->last_retired_topic = topic;
}

static void
move_walks(const struct ringbus_topic *topic)
{
    for (struct topic_walk *walk = topic->bus->walks; walk != NULL; walk = walk->other)
        if (walk->at == topic->node)
            walk->at = topic->node->hh.next;
}

static void
release_topic(struct ringbus_topic *topic)
{
    struct ringbus_bus *bus = topic->bus;
    const struct ringbus_allocator *table_allocator = &bus->allocator;
    struct topic_node *head = table_of(bus);

    move_walks(topic);
    HASH_DELETE(hh, head, topic->node);
    set_table(bus, head);
    bus->topic_count--;
    topic->magic = MAGIC_GONE;
    ringbus__release(&bus->allocator, topic, topic->size);
}

static bool
is_referenced(const struct ringbus_topic *topic)
{
    /* LOCK acquire: the uses of whoever released last lie before the free. */
    return load_u32(&topic->references, ORDER_LOCK_ACQUIRE) > 0;
}

/* What is claimed now is all that will name it, unless it is in a route. */
static void
note_cuts(struct ringbus_topic *topic)
{
    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        topic->parts[index].retired_at = ringbus__group_cut(ringbus__group_at(topic->bus, index));
    }
}

/* Under both locks, of a retired topic: nobody posts to it from here on, but who opens it again. */
static void
close_topic(struct ringbus_topic *topic)
{
    lock_acquire(&topic->claim_lock); /* who claims in several groups comes before or after */
    add_u32(&topic->closings, 1, ORDER_COUNT);
    /* TABLE release: who finds it empty finds why. */
    store_u64(&topic->route, 0, ORDER_TABLE_RELEASE);
    lock_release(&topic->claim_lock);
    note_cuts(topic);
}

/* Of a retired topic, which has left its place: no post by name has it any more, and what they have claimed is among
 * what rings must pass. */
static bool
is_let_go(struct ringbus_topic *topic)
{
    if (ringbus__record_is_held(topic))
        return false;
    topic->is_named = false;
    note_cuts(topic);
    return true;
}

/* Nothing names the retired topic any more. What patterns have registered on it ends then, under both locks. */
static bool
is_over(struct ringbus_topic *topic, bool has_bus_lock)
{
    if (topic->is_named && !is_let_go(topic))
        return false;
    /* In this order: a handler that has kept its event is seen to have done so once rings have passed the event. */
    if (!is_passed(topic) || is_referenced(topic))
        return false;
    if (!topic->is_matched)
        return true;
    if (!has_bus_lock)
        return false;
    if (!topic_is_closed(load_u32(&topic->closings, ORDER_OWN)))
        close_topic(topic);
    if (!is_passed(topic) || is_referenced(topic))
        return false;
    ringbus__registration_end_topic(topic);
    return true;
}

/* Free some of the retired topics that no ring entry names any more; those that do go to the end of the line, those
 * that somebody wants again leave it. Under the table's lock; those that patterns have registered on need the bus lock,
 * too. */
static void
sweep(struct ringbus_bus *bus, uint32_t most, bool has_bus_lock)
{
    for (uint32_t i = 0; i < most && bus->retired_topics != NULL; i++) {
        struct ringbus_topic *topic = bus->retired_topics;

        bus->retired_topics = topic->next_retired;
        if (bus->retired_topics == NULL)
            bus->last_retired_topic = NULL;
        topic->is_retired = false;
        if (is_referenced(topic))
            continue;
        if (is_over(topic, has_bus_lock))
            release_topic(topic);
        else
            append_retired(bus, topic);
    }
}

/* Nobody can post to it any more, but for the handler of an event of it: what is claimed now is all that will ever name
 * it, unless somebody acquires it again. It stays in the table, and counts as a topic, until its memory is free. */
static void
retire(struct ringbus_topic *topic, bool has_bus_lock)
{
    struct ringbus_bus *bus = topic->bus;

    lookup_leave(topic);
    if (!topic->is_named) /* else when nobody holds it */
        note_cuts(topic);
    if (!topic->is_retired) {
        if (is_over(topic, has_bus_lock))
            release_topic(topic);
        else
            append_retired(bus, topic);
    }
    sweep(bus, SWEEP, has_bus_lock);
}

/* Under the table's lock: one reference less. */
static void
drop(struct ringbus_topic *topic, bool has_bus_lock)
{
    /* LOCK acquire and release: our last use lies before the free by whoever releases last. */
    if (add_u32(&topic->references, (uint32_t)-1, ORDER_WAKE) == 1)
        retire(topic, has_bus_lock);
}

/* ---- references ---- */

/* Under both locks: of the topics that only the cache holds the oldest make room for a new one, if need be. */
static void
make_room(struct ringbus_bus *bus)
{
    const uint32_t most = bus->options.max_topics;
    const bool is_cached = bus->first_cached != NULL;
    struct ringbus_topic *oldest = NULL;

    sweep(bus, bus->topic_count < most ? SWEEP : bus->topic_count, true);
    while (bus->topic_count >= most && (oldest = ringbus__cache_take(bus)) != NULL)
        drop(oldest, true);
    if (bus->topic_count >= most && is_cached)
        sweep(bus, bus->topic_count, true); /* some were on the list before */
}

/* Under both locks. */
static int
insert(struct ringbus_bus *bus, const char *name, size_t length, unsigned hash,
    struct ringbus_topic **ret_topic)
{
    const struct ringbus_allocator *table_allocator = &bus->allocator;
    struct topic_node *head = NULL;
    struct ringbus_topic *topic = NULL;
    bool out_of_memory = false;
    int outcome = RINGBUS_OK;

    make_room(bus);
    head = table_of(bus);
    if (bus->topic_count >= bus->options.max_topics)
        return RINGBUS_ENOSPC;
    topic = make(bus, name, length);
    if (topic == NULL)
        return RINGBUS_ENOMEM;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, head, topic->name, length, hash, topic->node);
    if (out_of_memory) {
        ringbus__release(&bus->allocator, topic, topic->size);
        return RINGBUS_ENOMEM;
    }
    set_table(bus, head);
    if (++bus->topic_count == FETCH_TOPICS)
        /* HINT: whether something pays. */
        store_u32(&bus->has_many_topics, 1, ORDER_HINT);
    outcome = ringbus__matching_run(topic);
    if (outcome == RINGBUS_OK)
        *ret_topic = topic;
    else
        release_topic(topic);
    return outcome;
}

int
ringbus__topic_acquire(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    const size_t length = topic_length(bus, name);
    struct ringbus_topic *topic = NULL;
    unsigned hash = 0;
    int outcome = RINGBUS_OK;

    if (length == 0)
        return RINGBUS_EINVAL;
    hash = hash_name(bus, name, length);
    lock_acquire(&bus->names);
    topic = find(bus, name, length, hash);
    if (topic == NULL)
        outcome = insert(bus, name, length, hash, &topic);
    if (outcome == RINGBUS_OK) {
        ringbus__topic_keep(topic);
        *ret_topic = topic;
    }
    lock_release(&bus->names);
    return outcome;
}

/* Under the table's lock: one that is not retired, with a reference more. */
static struct ringbus_topic *
find_live(struct ringbus_bus *bus, const char *name, size_t length, unsigned hash)
{
    struct ringbus_topic *topic = find(bus, name, length, hash);

    if (topic == NULL || !is_referenced(topic))
        return NULL;
    ringbus__topic_keep(topic);
    return topic;
}

int
ringbus__topic_find(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    const size_t length = topic_length(bus, name);
    unsigned hash = 0;

    if (length == 0)
        return RINGBUS_EINVAL;
    hash = hash_name(bus, name, length);
    lock_acquire(&bus->names);
    *ret_topic = find_live(bus, name, length, hash);
    lock_release(&bus->names);
    return RINGBUS_OK;
}

struct ringbus_topic *
ringbus__topic_find_place(struct ringbus_bus *bus, const char *name, size_t length)
{
    const unsigned hash = hash_name(bus, name, length);
    struct ringbus_topic *topic = NULL;

    lock_acquire(&bus->names);
    topic = find_live(bus, name, length, hash);
    if (topic != NULL)
        lookup_enter(topic);
    lock_release(&bus->names);
    return topic;
}

void
ringbus__topic_keep(struct ringbus_topic *topic)
{
    /* COUNT: whoever calls holds a reference, the table's lock or the topic (post/lookup.h), or handles its event. */
    add_u32(&topic->references, 1, ORDER_COUNT);
}

void
ringbus__topic_release(struct ringbus_topic *topic)
{
    struct ringbus_bus *bus = topic->bus;
    uint32_t count = load_u32(&topic->references, ORDER_HINT);

    assert(count > 0); /* a handle is given back once */
    while (count > 1)
        /* LOCK release: our last use lies before the free by whoever releases last. */
        if (cas_u32(&topic->references, &count, count - 1, ORDER_LOCK_RELEASE))
            return;
    lock_acquire(&bus->names);
    drop(topic, false);
    lock_release(&bus->names);
}

void
ringbus__topic_reopen(struct ringbus_topic *topic)
{
    uint64_t route = 0;

    if (!topic_is_closed(load_u32(&topic->closings, ORDER_OWN)))
        return;
    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1) {
        struct ringbus_group *group =
            ringbus__group_at(topic->bus, (uint32_t)__builtin_ctzll(left));

        route |= ringbus__match_counted(topic, group) > 0 ? group->bit : 0;
    }
    /* TABLE release: the sets are there. */
    store_u64(&topic->route, route, ORDER_TABLE_RELEASE);
    /* TABLE release: who finds it open finds the route. */
    store_u32(&topic->closings, load_u32(&topic->closings, ORDER_OWN) + 1, ORDER_TABLE_RELEASE);
}

bool
ringbus__topic_is_back(struct ringbus_topic *topic)
{
    struct ringbus_bus *bus = topic->bus;
    uint32_t before = 0;

    do {
        /* TABLE acquire: even after it was odd, the route is back. */
        before = load_u32(&topic->closings, ORDER_TABLE_ACQUIRE);
        if (topic_is_closed(before)) {
            lock_acquire(&bus->lock);
            ringbus__topic_reopen(topic);
            lock_release(&bus->lock);
        }
        if (load_u64(&topic->route, ORDER_TABLE_ACQUIRE) != 0)
            return true;
        /* HINT: the route that was just found empty brings the closing that emptied it. */
    } while (load_u32(&topic->closings, ORDER_HINT) != before);
    return false;
}

void
ringbus__topic_walk(struct ringbus_bus *bus,
    void (*visit)(struct ringbus_topic *topic, void *context), void *context)
{
    struct topic_node *node = NULL, *next = NULL;

    HASH_ITER(hh, table_of(bus), node, next)
    {
        visit(node->topic, context);
    }
}

/* ---- walks ---- */

static void
begin_walk(struct ringbus_bus *bus, struct topic_walk *walk)
{
    lock_acquire(&bus->names);
    *walk = (struct topic_walk){bus->walks, table_of(bus), bus->topic_count};
    bus->walks = walk;
    lock_release(&bus->names);
}

static void
end_walk(struct ringbus_bus *bus, const struct topic_walk *walk)
{
    struct topic_walk **at = &bus->walks;

    lock_acquire(&bus->names);
    while (*at != walk)
        at = &(*at)->other;
    *at = walk->other;
    lock_release(&bus->names);
}

/* False: it has come to its end. */
static bool
walk_part(struct ringbus_bus *bus, struct topic_walk *walk,
    bool (*visit)(struct ringbus_topic *topic, void *context), void *context)
{
    bool goes_on = false;

    lock_acquire(&bus->names);
    for (int i = 0; i < WALK_PART && walk->at != NULL && walk->left > 0; i++, walk->left--) {
        if (is_referenced(walk->at->topic) && !visit(walk->at->topic, context))
            break;
        walk->at = walk->at->hh.next;
    }
    goes_on = walk->at != NULL && walk->left > 0;
    ringbus__lock_release_to_others(&bus->names);
    return goes_on;
}

void
ringbus__topic_each(struct ringbus_bus *bus,
    bool (*visit)(struct ringbus_topic *topic, void *context), bool (*between)(void *context),
    void *context)
{
    struct topic_walk walk;

    begin_walk(bus, &walk);
    while (walk_part(bus, &walk, visit, context) && between(context))
        ;
    end_walk(bus, &walk);
}

void
ringbus__topic_fini(struct ringbus_bus *bus)
{
    const struct ringbus_allocator *table_allocator = &bus->allocator;
    struct topic_node *head = table_of(bus), *node = NULL, *next = NULL;

    HASH_ITER(hh, head, node, next)
    {
        HASH_DELETE(hh, head, node);
        node->topic->magic = MAGIC_GONE;
        ringbus__retain_fini(node->topic);
        ringbus__release(&bus->allocator, node->topic, node->topic->size);
    }
    set_table(bus, NULL);
}

/* ---- public ---- */

int
ringbus_topic_open(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    struct ringbus_topic *topic = NULL;
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || ret_topic == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    outcome = ringbus__topic_find(bus, name, &topic);
    if (outcome == RINGBUS_OK && topic == NULL) {
        lock_acquire(&bus->lock);
        outcome = ringbus__topic_acquire(bus, name, &topic);
        ringbus__retire_sweep(bus);
        lock_release(&bus->lock);
    }
    if (outcome == RINGBUS_OK)
        *ret_topic = topic;
    return outcome;
}

void
ringbus_topic_close(struct ringbus_topic *topic)
{
    assert(topic_is_live(topic));
    if (topic != NULL && !bus_is_forked(topic->bus))
        ringbus__topic_release(topic);
}

uint32_t
ringbus_topic_consumers(const struct ringbus_topic *topic)
{
    assert(topic_is_live(topic));
    return topic ? load_u32(&topic->consumers, ORDER_COUNT) : 0;
}

const char *
ringbus_topic_name(const struct ringbus_topic *topic)
{
    assert(topic_is_live(topic));
    return topic ? topic->name : NULL;
}
