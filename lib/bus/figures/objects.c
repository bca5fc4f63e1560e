/* objects.c - every figure of a bus: what there is, and how it is read.
 *
 * A new figure is a line in one of the lists below.
 * I1  figures are kept by their single writers; reading them disturbs nobody
 * Source: nng's statistics (name, unit, help). */
#include "bus/figures/objects.h"

#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* name, unit, help, value: what the look at the object found */
#define BUS_FIGURES(X)                                                                             \
    X("topics", "count", "topics that exist", look->topics)                                        \
    X("groups", "count", "groups that have not ended", look->groups)                               \
    X("consumers", "count", "consumers open, or closing", look->consumers)                         \
    X("dead", "events", "posts that matched nobody", value_of(&bus->dead))                         \
    X("cached", "count", "topics kept for posts by name, while there are patterns", look->cached)  \
    X("memory", "bytes", "held by the bus", look->memory)                                          \
    X("state", "enum", "0 open, 1 shutting down, 2 its lines have ended, 3 shut down",             \
        load_u32(&bus->state, ORDER_COUNT))

#define GROUP_FIGURES(X)                                                                           \
    X("kind", "enum", "enum ringbus_group_kind", group->kind)                                      \
    X("capacity", "events", "slots of the ring, or nested posts that can be queued",               \
        group->capacity)                                                                           \
    X("reserve", "events", "slots that only posts by handlers take",                               \
        load_u32(&group->reserve, ORDER_COUNT))                                                    \
    X("posted", "events", "claimed in the ring, abandoned ones included; not of caller groups",    \
        look->next - group->first)                                                                 \
    X("abandoned", "events",                                                                       \
        "of these, claimed by a post that found its group gone, or another "                       \
        "one full",                                                                                \
        sum_of(group, offsetof(struct lane, abandoned)))                                           \
    X("overflow", "enum", "enum ringbus_overflow", group->overflow)                                \
    X("dropped", "events", "of a lossy group: overwritten, replaced, or not taken",                \
        ringbus__overflow_dropped(group))                                                          \
    X("lag", "events", "posted and not finished; nested posts that wait, in a caller group",       \
        look->lag)                                                                                 \
    X("lag_ns", "ns", "the oldest of them has been there at least so long, as visits saw",         \
        look->lag_ns)                                                                              \
    X("high_water", "events", "the largest lag, as passes found it when they began, and visits",   \
        high_water_of(group))                                                                      \
    X("delivered", "calls", "handler calls", (int64_t)ringbus__consumer_calls_in(group))           \
    X("failed", "calls", "handlers and batch_ends that returned a negative number",                \
        sum_of(group, offsetof(struct lane, failed)))                                              \
    X("filtered", "calls", "not made, since the consumer's filter did not want the event",         \
        sum_of(group, offsetof(struct lane, filtered)))                                            \
    X("withheld", "calls", "not made, since a consumer before had failed on the event",            \
        sum_of(group, offsetof(struct lane, withheld)))                                            \
    X("discarded", "events", "read after a discard, and handed to nobody",                         \
        sum_of(group, offsetof(struct lane, discarded)))                                           \
    X("passes", "count", "batches the executor has run",                                           \
        sum_of(group, offsetof(struct lane, passes)))                                              \
    X("wakes", "count", "sleeps of the executor that ended", wakes_of(group))                      \
    X("refused", "count", "posts refused since the group was full", value_of(&group->refused))     \
    X("waiting", "count", "posts that wait for room now", value_of(&group->waiting))               \
    X("blocked", "count", "waits of posts for room that are over", value_of(&group->blocked))      \
    X("blocked_ns", "ns", "time these have waited", value_of(&group->blocked_ns))                  \
    X("longest_wait_ns", "ns", "the longest of these waits",                                       \
        value_of(&group->stalls.longest_wait_ns))                                                  \
    X("stalls", "count", "episodes that on_stall was told of", value_of(&group->stalls.count))     \
    X("lanes", "count", "threads, or other executors", group->lane_count)                          \
    X("stages", "count", "places in the order that `after` makes",                                 \
        load_u32(&group->stage_count, ORDER_COUNT))                                                \
    X("replays", "count", "retained values that consumers have not got yet",                       \
        load_u32(&group->replays, ORDER_COUNT))                                                    \
    X("paused", "flag", "nothing is handed out", load_u32(&group->is_paused, ORDER_COUNT))         \
    X("ending", "flag", "it is being closed", group->state == GROUP_ENDING)                        \
    X("broken", "flag", "a thread has exited in one of its handlers", group_is_broken(group))

#define TOPIC_FIGURES(X)                                                                           \
    X("consumers", "count", "consumers registered", load_u32(&topic->consumers, ORDER_COUNT))      \
    X("passed", "events", "begun with by groups with a ring, each for itself", passed_of(topic))   \
    X("dead", "events", "posts that matched nobody", value_of(&topic->dead))                       \
    X("stored", "events", "kept as its retained value, the last one is", value_of(&topic->stored))

#define CONSUMER_FIGURES(X)                                                                        \
    X("matched", "events", "the sum of the next five; -1: pending is not known",                   \
        look->pending < 0 ? -1 : look->done + look->pending)                                       \
    X("delivered", "calls", "handler calls", (int64_t)ringbus__consumer_delivered(consumer))       \
    X("filtered", "events", "its filter did not want", part_of(filtered))                          \
    X("withheld", "events", "on which a consumer before had failed", part_of(withheld))            \
    X("discarded", "events", "read after a discard, or left by a thread that exited",              \
        part_of(discarded) + value_of(&consumer->discarded_replays))                               \
    X("pending", "events", "in the ring, and not finished; -1: too many to count", look->pending)  \
    X("failed", "calls", "calls that returned a negative number", part_of(failed))                 \
    X("calls_left", "calls", "of max_deliveries; -1: no limit",                                    \
        consumer->is_counted_out ? value_of(&consumer->calls_left) : -1)                           \
    X("running", "count", "threads that are in its handler or batch_end now", look->running)       \
    X("registrations", "count", "topics it is registered on", look->registrations)                 \
    X("patterns", "count", "patterns and predicates it is registered by", consumer->pattern_count) \
    X("stage", "count", "its place in the order that `after` makes", consumer->stage)              \
    X("lane", "count", "its home; -1: any lane", lane_of(consumer))                                \
    X("closing", "flag", "ringbus_consumer_close has begun",                                       \
        load_u32(&consumer->is_closing, ORDER_COUNT))

#define ROW(name, unit, help, value) FIGURE_ROW(name, unit, help)
#define VALUE(name, unit, help, value) (int64_t)(value),
#define COUNT(name, unit, help, value) +1

static const struct kind bus_kind = {"bus", {BUS_FIGURES(ROW)}};
static const struct kind group_kind = {"group", {GROUP_FIGURES(ROW)}};
static const struct kind topic_kind = {"topic", {TOPIC_FIGURES(ROW)}};
static const struct kind consumer_kind = {"consumer", {CONSUMER_FIGURES(ROW)}};

/* There is room for them, and for the end of the list. */
_Static_assert((0 BUS_FIGURES(COUNT)) < MOST_FIGURES && (0 GROUP_FIGURES(COUNT)) < MOST_FIGURES &&
                   (0 TOPIC_FIGURES(COUNT)) < MOST_FIGURES &&
                   (0 CONSUMER_FIGURES(COUNT)) < MOST_FIGURES,
    "MOST_FIGURES in ring/visit.h");

/* ---- groups ---- */

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
high_water_of(const struct ringbus_group *group)
{
    int64_t most = group->seen_lag;

    for (uint32_t i = 0; i < group->lane_count; i++) {
        const int64_t high_water = load_i64(&group->lanes[i].high_water, ORDER_COUNT);

        most = high_water > most ? high_water : most;
    }
    return most;
}

static int64_t
wakes_of(const struct ringbus_group *group)
{
    int64_t sum = 0;

    for (uint32_t i = 0; group->ring != NULL && i < group->lane_count; i++)
        sum += value_of(&group->lanes[i].reader->wakes);
    return sum;
}

struct group_look {
    int64_t next, lag, lag_ns;
};

static void
look_at_ring(struct ringbus_group *group, struct group_look *look)
{
    const int64_t now = ringbus__os.now_ns();
    /* In this order: no lag is below 0, no age too great. */
    const int64_t position = ringbus__group_position(group);

    look->next = ringbus__group_next(group);
    look->lag = look->next - 1 - position - (int64_t)ringbus__overflow_unfound(group);
    if (look->lag > 0)
        look->lag_ns = ringbus__age_of(&group->age, position + 1, now);
    ringbus__age_note(&group->age, look->next, ringbus__os.now_ns());
}

static void
look_at_pool(struct ringbus_group *group, struct group_look *look)
{
    lock_acquire(&group->pool_lock);
    look->lag = group->capacity - group->pool_free;
    lock_release(&group->pool_lock);
}

void
ringbus__list_group(struct snapshot *snapshot, struct ringbus_group *group)
{
    struct group_look at = {0}, *look = &at;
    const struct shape shape = {&group_kind, group->name, NULL, 0 GROUP_FIGURES(COUNT), 0};

    if (group->ring != NULL)
        look_at_ring(group, look);
    else
        look_at_pool(group, look);
    if (look->lag > group->seen_lag)
        group->seen_lag = look->lag;
    if (ringbus__snapshot_room(snapshot, &shape)) {
        const int64_t values[] = {GROUP_FIGURES(VALUE)};

        ringbus__snapshot_add(snapshot, LISTED_GROUPS, &shape, values)->id = group->index;
    }
}

static void
begin_lane(struct lane *lane)
{
    struct atomic_u64 *const figures[] = {&lane->passes, &lane->failed, &lane->discarded,
        &lane->withheld, &lane->filtered, &lane->abandoned};

    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        store_u64(figures[i], 0, ORDER_COUNT);
    store_i64(&lane->high_water, 0, ORDER_COUNT);
    if (lane->reader != NULL)
        store_u64(&lane->reader->wakes, 0, ORDER_COUNT);
}

void
ringbus__figures_begin(struct ringbus_group *group)
{
    group->first = ringbus__group_next(group);
    group->age = (struct age){.count = 0};
    group->seen_lag = 0;
    store_u64(&group->delivered, 0, ORDER_COUNT);
    store_u64(&group->refused, 0, ORDER_COUNT);
    store_u64(&group->blocked, 0, ORDER_COUNT);
    store_u64(&group->blocked_ns, 0, ORDER_COUNT);
    for (uint32_t i = 0; i < group->lane_count; i++) {
        begin_lane(&group->lanes[i]);
    }
}

/* ---- topics ---- */

static int64_t
passed_of(const struct ringbus_topic *topic)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < topic->bus->options.max_groups; i++)
        sum += value_of(&topic->passed[i]);
    return sum;
}

/* Under the table's lock. */
bool
ringbus__list_topic(struct ringbus_topic *topic, void *context)
{
    struct snapshot *snapshot = context;
    const struct shape shape = {&topic_kind, topic->name, NULL, 0 TOPIC_FIGURES(COUNT), 0};
    const int64_t values[] = {TOPIC_FIGURES(VALUE)};

    if (!ringbus__snapshot_has_room(snapshot, &shape))
        return false;
    ringbus__snapshot_add(snapshot, LISTED_TOPICS, &shape, values)->id = topic->number;
    return true;
}

/* ---- consumers ---- */

struct consumer_look {
    int64_t done, pending, running, registrations;
};

static int64_t
lane_of(const struct ringbus_consumer *consumer)
{
    return consumer->home == LANE_ANY ? -1 : (int64_t)consumer->home;
}

#define part_of(figure)                                                                            \
    ((int64_t)ringbus__consumer_sum(consumer, offsetof(struct consumer_part, figure)))

static struct consumer_look
look_at_consumer(struct ringbus_consumer *consumer, const struct calls *calls)
{
    struct consumer_look look = {0};

    look.done = (int64_t)ringbus__consumer_delivered(consumer) + part_of(filtered) +
                part_of(withheld) + part_of(discarded) + value_of(&consumer->discarded_replays);
    for (struct registration *r = consumer->registrations; r != NULL; r = r->next) {
        look.registrations++;
        look.pending += (int64_t)r->pending;
        r->pending = 0;
    }
    if (!calls->is_counted[consumer->group->index])
        look.pending = -1;
    for (uint32_t i = 0; i < calls->count; i++)
        look.running += calls->callees[i] == consumer;
    return look;
}

void
ringbus__list_consumer(
    struct snapshot *snapshot, struct ringbus_consumer *consumer, const struct calls *calls)
{
    const struct consumer_look at = look_at_consumer(consumer, calls), *look = &at;
    const bool is_here = consumer->life == consumer->group->life;
    const struct shape shape = {&consumer_kind, consumer->name,
        is_here ? consumer->group->name : "", 0 CONSUMER_FIGURES(COUNT),
        (uint32_t)at.registrations};
    const int64_t values[] = {CONSUMER_FIGURES(VALUE)};
    struct listed *listed = NULL;
    uint32_t topic = 0;

    if (!ringbus__snapshot_room(snapshot, &shape))
        return;
    listed = ringbus__snapshot_add(snapshot, LISTED_CONSUMERS, &shape, values);
    listed->id = consumer->number;
    listed->group_id = BUS_MAX_GROUPS;
    if (is_here && consumer->group->state != GROUP_ENDED) {
        listed->group_id = consumer->group->index;
        listed->own_mark = load_u32(&consumer->own_mark, ORDER_COUNT);
        listed->after_marks = consumer->after_marks;
    }
    for (const struct registration *r = consumer->registrations; r != NULL; r = r->next)
        listed->topics[topic++] = r->topic->number;
}

/* ---- the bus ---- */

void
ringbus__list_bus(struct snapshot *snapshot, const struct bus_look *look)
{
    const struct ringbus_bus *bus = snapshot->bus;
    const struct shape shape = {&bus_kind, "", NULL, 0 BUS_FIGURES(COUNT), 0};
    const int64_t values[] = {BUS_FIGURES(VALUE)};

    if (ringbus__snapshot_room(snapshot, &shape))
        ringbus__snapshot_add(snapshot, LISTED_BUS, &shape, values);
}
