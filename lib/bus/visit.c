/* visit.c - every figure of a bus, and the dump written on it.
 *
 * The objects are copied under the locks into one list, and visited after that: a visitor may take its time, and
 * nobody waits for it. Figures are kept by their single writers; reading them disturbs nobody.
 * Source: nng's statistics (name, kind, unit, help); asterisk#1585 (figures that froze the bus) for the copying. */
#include "ring/visit.h"
#include "bus/bus.h"
#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* name, unit, help */
#define BUS_FIGURES(X)                                                                             \
    X("topics", "count", "topics that exist")                                                      \
    X("dead", "events", "posts that matched nobody")                                               \
    X("cached", "count", "topics kept for posts by name, while there are patterns")
#define GROUP_FIGURES(X)                                                                           \
    X("capacity", "events", "slots of the ring, or nested posts that can be queued")               \
    X("reserve", "events", "slots that only posts by handlers take")                               \
    X("posted", "events", "claims made in the ring, abandoned ones included")                      \
    X("lag", "events", "posted and not yet finished")                                              \
    X("delivered", "calls", "handler calls")                                                       \
    X("failed", "calls", "handlers and batch_ends that returned a negative number")                \
    X("discarded", "events", "read after a discard, and handed to nobody")                         \
    X("dropped", "events", "of a lossy group: overwritten, replaced, or not taken")                \
    X("withheld", "calls", "not made, since a consumer before had failed on the event")            \
    X("passes", "count", "batches the executor has run")                                           \
    X("wakes", "count", "sleeps of the executor that ended")                                       \
    X("refused", "count", "posts refused since the group was full")                                \
    X("blocked", "count", "waits of posts for room")                                               \
    X("blocked_ns", "ns", "time posts have waited for room")                                       \
    X("longest_wait_ns", "ns", "the longest of these waits")                                       \
    X("stalls", "count", "episodes that on_stall was told of")                                     \
    X("lanes", "count", "threads, or other executors")                                             \
    X("stages", "count", "places in the order that `after` makes")                                 \
    X("paused", "flag", "nothing is handed out")                                                   \
    X("replays", "count", "retained values that consumers have not got yet")
#define TOPIC_FIGURES(X)                                                                           \
    X("consumers", "count", "consumers registered")                                                \
    X("stored", "events", "kept as its retained value, the last one is")
#define CONSUMER_FIGURES(X)                                                                        \
    X("delivered", "calls", "handler calls")                                                       \
    X("failed", "calls", "calls that returned a negative number")                                  \
    X("withheld", "calls", "not made, since a consumer before had failed on the event")            \
    X("filtered", "events", "its filter did not want")                                             \
    X("registrations", "count", "topics it is registered on")                                      \
    X("patterns", "count", "patterns and predicates it is registered by")

static const struct kind bus_kind = {"bus", {BUS_FIGURES(FIGURE_ROW)}};
static const struct kind group_kind = {"group", {GROUP_FIGURES(FIGURE_ROW)}};
static const struct kind topic_kind = {"topic", {TOPIC_FIGURES(FIGURE_ROW)}};
static const struct kind consumer_kind = {"consumer", {CONSUMER_FIGURES(FIGURE_ROW)}};

/* An object in the list. */
struct listed {
    struct object object;
    struct listed *next;
    size_t size;
    char group[BUS_MAX_NAME + 1];
    char name[];
};

struct snapshot {
    struct ringbus_bus *bus;
    struct listed *first, **last;
    bool has_failed;
};

static struct listed *
add(struct snapshot *snapshot, const struct kind *kind, const char *name)
{
    const size_t size = sizeof(struct listed) + strlen(name) + 1;
    struct listed *listed = ringbus__alloc(&snapshot->bus->allocator, size, sizeof(void *));

    if (listed == NULL) {
        snapshot->has_failed = true;
        return NULL;
    }
    listed->size = size;
    memcpy(listed->name, name, strlen(name) + 1);
    listed->object.kind = kind;
    listed->object.name = listed->name;
    *snapshot->last = listed;
    snapshot->last = &listed->next;
    return listed;
}

static int64_t
value_of(const struct atomic_u64 *figure)
{
    return (int64_t)load_u64(figure, ORDER_COUNT);
}

/* A figure of all lanes. */
static int64_t
sum_of(const struct ringbus_group *group, size_t figure)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < group->lane_count; i++) {
        const char *lane = (const char *)&group->lanes[i];

        sum += value_of((const struct atomic_u64 *)(const void *)(lane + figure));
    }
    return sum;
}

static int64_t
wakes_of(const struct ringbus_group *group)
{
    int64_t sum = 0;

    for (uint32_t i = 0; group->ring != NULL && i < group->lane_count; i++)
        sum += value_of(&group->lanes[i].reader->wakes);
    return sum;
}

static void
add_group(struct snapshot *snapshot, const struct ringbus_group *group)
{
    struct listed *listed = add(snapshot, &group_kind, group->name);
    const int64_t values[] = {
        group->capacity,
        load_u32(&group->reserve, ORDER_COUNT),
        ringbus__group_next(group),
        ringbus__group_lag(group),
        sum_of(group, offsetof(struct lane, delivered)),
        sum_of(group, offsetof(struct lane, failed)),
        sum_of(group, offsetof(struct lane, discarded)),
        (int64_t)ringbus__overflow_dropped(group),
        sum_of(group, offsetof(struct lane, withheld)),
        sum_of(group, offsetof(struct lane, passes)),
        wakes_of(group),
        value_of(&group->refused),
        value_of(&group->blocked),
        value_of(&group->blocked_ns),
        value_of(&group->stalls.longest_wait_ns),
        value_of(&group->stalls.count),
        group->lane_count,
        load_u32(&group->stage_count, ORDER_COUNT),
        load_u32(&group->is_paused, ORDER_COUNT),
        load_u32(&group->replays, ORDER_COUNT),
    };

    if (listed != NULL)
        memcpy(listed->object.values, values, sizeof values);
}

static void
add_topic(struct ringbus_topic *topic, void *context)
{
    struct listed *listed = add(context, &topic_kind, topic->name);

    if (listed == NULL)
        return;
    listed->object.values[0] = load_u32(&topic->consumers, ORDER_COUNT);
    listed->object.values[1] = value_of(&topic->stored);
}

static void
add_consumer(struct snapshot *snapshot, const struct ringbus_consumer *consumer)
{
    struct listed *listed = add(snapshot, &consumer_kind, consumer->name);
    int64_t *values = NULL;

    if (listed == NULL)
        return;
    memcpy(listed->group, consumer->group->name, sizeof listed->group);
    listed->object.group = listed->group;
    values = listed->object.values;
    values[0] = (int64_t)ringbus__consumer_sum(consumer, offsetof(struct consumer_part, delivered));
    values[1] = (int64_t)ringbus__consumer_sum(consumer, offsetof(struct consumer_part, failed));
    values[2] = (int64_t)ringbus__consumer_sum(consumer, offsetof(struct consumer_part, withheld));
    values[3] = (int64_t)ringbus__consumer_sum(consumer, offsetof(struct consumer_part, filtered));
    for (const struct registration *r = consumer->registrations; r != NULL; r = r->next)
        values[4]++;
    values[5] = consumer->pattern_count;
}

static void
take(struct snapshot *snapshot)
{
    struct ringbus_bus *bus = snapshot->bus;
    struct listed *listed = NULL;

    lock_acquire(&bus->lock);
    listed = add(snapshot, &bus_kind, "");
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        const struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group != NULL && group->state != GROUP_ENDED)
            add_group(snapshot, group);
    }
    ringbus__topic_each(bus, add_topic, snapshot);
    if (listed != NULL) {
        lock_acquire(&bus->names);
        listed->object.values[0] = bus->topic_count;
        lock_release(&bus->names);
        listed->object.values[1] = value_of(&bus->dead);
        listed->object.values[2] = bus->cached_count;
    }
    for (const struct ringbus_consumer *at = bus->consumers; at != NULL; at = at->next)
        add_consumer(snapshot, at);
    lock_release(&bus->lock);
}

/* Call `each` for every object, until it returns something else than 0, which is returned. */
static int
walk(
    struct ringbus_bus *bus, int (*each)(const struct object *object, void *context), void *context)
{
    struct snapshot snapshot = {.bus = bus};
    int outcome = RINGBUS_OK;

    snapshot.last = &snapshot.first;
    take(&snapshot);
    if (snapshot.has_failed)
        outcome = RINGBUS_ENOMEM;
    while (snapshot.first != NULL) {
        struct listed *listed = snapshot.first;

        snapshot.first = listed->next;
        bus_enter_hook();
        if (outcome == RINGBUS_OK)
            outcome = each(&listed->object, context);
        bus_leave_hook();
        ringbus__release(&bus->allocator, listed, listed->size);
    }
    return outcome;
}

struct visitor {
    figure_visit visit;
    void *context;
};

static int
visit_object(const struct object *object, void *context)
{
    const struct visitor *visitor = context;

    return ringbus__object_visit(object, visitor->visit, visitor->context);
}

int
ringbus_visit(struct ringbus_bus *bus, figure_visit visit, void *context)
{
    struct visitor visitor = {visit, context};

    assert(bus_is_live(bus));
    if (bus == NULL || visit == NULL)
        return RINGBUS_EINVAL;
    return bus_is_forked(bus) ? RINGBUS_EFORKED : walk(bus, visit_object, &visitor);
}

static int
print_object(const struct object *object, void *context)
{
    ringbus__object_print(object, context);
    fputc('\n', context);
    return 0;
}

int
ringbus_dump(struct ringbus_bus *bus, FILE *stream)
{
    int outcome = RINGBUS_OK;

    assert(bus_is_live(bus));
    if (bus == NULL || stream == NULL)
        return RINGBUS_EINVAL;
    if (bus_is_forked(bus))
        return RINGBUS_EFORKED;
    outcome = walk(bus, print_object, stream);
    return outcome != RINGBUS_OK ? outcome : ringbus__stream_finish(stream);
}
