/* topic.c - the table of topics: uthash under a lock, hashed with a key of the bus's own. */
#include "bus/topic.h"

#include "bus/group.h"

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

static size_t
checked_length(const struct ringbus_bus *bus, const char *name)
{
    const size_t length = name ? strnlen(name, (size_t)bus->options.max_topic_length + 1) : 0;

    return length <= bus->options.max_topic_length ? length : 0;
}

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

/* Free some of the retired topics that no ring entry names any more; those that do go to the end of the line, those
 * that somebody wants again leave it. Under the table's lock. */
static void
sweep(struct ringbus_bus *bus, uint32_t most)
{
    for (uint32_t i = 0; i < most && bus->retired_topics != NULL; i++) {
        struct ringbus_topic *topic = bus->retired_topics;

        bus->retired_topics = topic->next_retired;
        if (bus->retired_topics == NULL)
            bus->last_retired_topic = NULL;
        topic->is_retired = false;
        if (is_referenced(topic))
            continue;
        if (is_passed(topic))
            release_topic(topic);
        else
            append_retired(bus, topic);
    }
}

/* Nobody can post to it any more, but for the handler of an event of it: what is claimed now is all that will ever name
 * it, unless somebody acquires it again. It stays in the table, and counts as a topic, until its memory is free. */
static void
retire(struct ringbus_topic *topic)
{
    struct ringbus_bus *bus = topic->bus;

    for (uint64_t left = topic->ever_routed; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctzll(left);

        topic->parts[index].retired_at = ringbus__group_cut(ringbus__group_at(bus, index));
    }
    if (!topic->is_retired) {
        if (is_passed(topic))
            release_topic(topic);
        else
            append_retired(bus, topic);
    }
    sweep(bus, SWEEP);
}

/* ---- references ---- */

static int
insert(struct ringbus_bus *bus, const char *name, size_t length, unsigned hash,
    struct ringbus_topic **ret_topic)
{
    const struct ringbus_allocator *table_allocator = &bus->allocator;
    struct topic_node *head = NULL;
    struct ringbus_topic *topic = NULL;
    bool out_of_memory = false;

    sweep(bus, bus->topic_count < bus->options.max_topics ? SWEEP : bus->topic_count);
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
    bus->topic_count++;
    *ret_topic = topic;
    return RINGBUS_OK;
}

int
ringbus__topic_acquire(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    const size_t length = checked_length(bus, name);
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

int
ringbus__topic_find(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    const size_t length = checked_length(bus, name);
    unsigned hash = 0;

    if (length == 0)
        return RINGBUS_EINVAL;
    hash = hash_name(bus, name, length);
    lock_acquire(&bus->names);
    *ret_topic = find(bus, name, length, hash);
    if (*ret_topic != NULL && !is_referenced(*ret_topic))
        *ret_topic = NULL; /* retired */
    if (*ret_topic != NULL)
        ringbus__topic_keep(*ret_topic);
    lock_release(&bus->names);
    return RINGBUS_OK;
}

void
ringbus__topic_keep(struct ringbus_topic *topic)
{
    /* COUNT: whoever calls holds a reference or the table's lock already. */
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
    /* LOCK acquire and release, as above. */
    if (add_u32(&topic->references, (uint32_t)-1, ORDER_WAKE) == 1)
        retire(topic);
    lock_release(&bus->names);
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
        ringbus__release(&bus->allocator, node->topic, node->topic->size);
    }
    set_table(bus, NULL);
}

/* ---- public ---- */

int
ringbus_topic_open(struct ringbus_bus *bus, const char *name, struct ringbus_topic **ret_topic)
{
    assert(bus_is_live(bus));
    if (bus == NULL || ret_topic == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    return ringbus__topic_acquire(bus, name, ret_topic);
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
