/* visit.c - every figure of a bus, and the dump written on it.
 *
 * The objects are copied under the locks into one list, and visited after that: a visitor may take its time, and
 * nobody waits for it. Figures are kept by their single writers; reading them disturbs nobody.
 * Source: nng's statistics (name, kind, unit, help); asterisk#1585 (figures that froze the bus) for the copying. */
#include "bus/bus.h"
#include "bus/consumer.h"
#include "bus/group.h"
#include "bus/topic.h"

/* name, unit, help */
#define BUS_FIGURES(X)                                                                             \
    X("topics", "count", "topics that exist")                                                      \
    X("dead", "events", "posts that matched nobody")
#define GROUP_FIGURES(X)                                                                           \
    X("capacity", "events", "slots of the ring, or nested posts that can be queued")               \
    X("posted", "events", "claims made in the ring, abandoned ones included")                      \
    X("lag", "events", "posted and not yet finished")                                              \
    X("delivered", "calls", "handler calls")                                                       \
    X("failed", "calls", "handlers and batch_ends that returned a negative number")                \
    X("discarded", "events", "read after a discard, and handed to nobody")                         \
    X("passes", "count", "batches the executor has run")                                           \
    X("wakes", "count", "sleeps of the executor that ended")                                       \
    X("refused", "count", "posts refused since the group was full")                                \
    X("blocked", "count", "waits of posts for room")                                               \
    X("blocked_ns", "ns", "time posts have waited for room")
#define TOPIC_FIGURES(X) X("consumers", "count", "consumers registered")
#define CONSUMER_FIGURES(X)                                                                        \
    X("delivered", "calls", "handler calls")                                                       \
    X("failed", "calls", "calls that returned a negative number")                                  \
    X("registrations", "count", "topics it is registered on")

enum { MAX_FIGURES = 16 };

static const struct kind {
    const char *object;
    const char *figures[MAX_FIGURES][3];
} kinds[] = {
#define FIGURE_ROW(name, unit, help) {name, unit, help},
    {"bus", {BUS_FIGURES(FIGURE_ROW)}},
    {"group", {GROUP_FIGURES(FIGURE_ROW)}},
    {"topic", {TOPIC_FIGURES(FIGURE_ROW)}},
    {"consumer", {CONSUMER_FIGURES(FIGURE_ROW)}},
#undef FIGURE_ROW
};
enum { BUS, GROUP, TOPIC, CONSUMER };

/* One object as it was. */
struct object {
    struct object *next;
    size_t size;
    uint32_t kind;
    int64_t values[MAX_FIGURES];
    char group[BUS_MAX_NAME + 1];
    char name[];
};

struct snapshot {
    struct ringbus_bus *bus;
    struct object *first, **last;
    bool has_failed;
};

static struct object *
add(struct snapshot *snapshot, uint32_t kind, const char *name)
{
    const size_t size = sizeof(struct object) + strlen(name) + 1;
    struct object *object = ringbus__alloc(&snapshot->bus->allocator, size, sizeof(void *));

    if (object == NULL) {
        snapshot->has_failed = true;
        return NULL;
    }
    object->size = size;
    object->kind = kind;
    memcpy(object->name, name, strlen(name) + 1);
    *snapshot->last = object;
    snapshot->last = &object->next;
    return object;
}

static int64_t
value_of(const struct atomic_u64 *figure)
{
    return (int64_t)load_u64(figure, ORDER_COUNT);
}

static void
add_group(struct snapshot *snapshot, const struct ringbus_group *group)
{
    const struct lane *lane = &group->lane;
    struct object *object = add(snapshot, GROUP, group->name);
    const int64_t values[] = {
        group->capacity,
        ringbus__group_next(group),
        ringbus__group_lag(group),
        value_of(&lane->delivered),
        value_of(&lane->failed),
        value_of(&lane->discarded),
        value_of(&lane->passes),
        lane->reader ? value_of(&lane->reader->wakes) : 0,
        value_of(&group->refused),
        value_of(&group->blocked),
        value_of(&group->blocked_ns),
    };

    if (object != NULL)
        memcpy(object->values, values, sizeof values);
}

static void
add_topic(struct ringbus_topic *topic, void *context)
{
    struct object *object = add(context, TOPIC, topic->name);

    if (object != NULL)
        object->values[0] = load_u32(&topic->consumers, ORDER_COUNT);
}

static void
add_consumer(struct snapshot *snapshot, const struct ringbus_consumer *consumer)
{
    struct object *object = add(snapshot, CONSUMER, consumer->name);

    if (object == NULL)
        return;
    memcpy(object->group, consumer->group->name, sizeof object->group);
    object->values[0] = value_of(&consumer->delivered);
    object->values[1] = value_of(&consumer->failed);
    for (const struct registration *r = consumer->registrations; r != NULL; r = r->next)
        object->values[2]++;
}

static void
take(struct snapshot *snapshot)
{
    struct ringbus_bus *bus = snapshot->bus;
    struct object *object = NULL;

    lock_acquire(&bus->lock);
    object = add(snapshot, BUS, "");
    for (uint32_t i = 0; i < bus->options.max_groups; i++) {
        const struct ringbus_group *group = ringbus__group_at(bus, i);

        if (group != NULL && group->state != GROUP_ENDED)
            add_group(snapshot, group);
    }
    ringbus__topic_each(bus, add_topic, snapshot);
    if (object != NULL) {
        lock_acquire(&bus->names);
        object->values[0] = bus->topic_count;
        lock_release(&bus->names);
        object->values[1] = value_of(&bus->dead);
    }
    for (const struct ringbus_consumer *at = bus->consumers; at != NULL; at = at->next)
        add_consumer(snapshot, at);
    lock_release(&bus->lock);
}

static int
visit_object(const struct object *object,
    int (*visit)(const struct ringbus_figure *figure, void *context), void *context)
{
    const struct kind *kind = &kinds[object->kind];
    int outcome = 0;

    for (int i = 0; i < MAX_FIGURES && kind->figures[i][0] != NULL && outcome == 0; i++) {
        const struct ringbus_figure figure = {
            .object = kind->object,
            .name = object->name,
            .group = object->kind == CONSUMER ? object->group : NULL,
            .figure = kind->figures[i][0],
            .unit = kind->figures[i][1],
            .help = kind->figures[i][2],
            .value = object->values[i],
        };

        outcome = visit(&figure, context);
    }
    return outcome;
}

int
ringbus_visit(struct ringbus_bus *bus,
    int (*visit)(const struct ringbus_figure *figure, void *context), void *context)
{
    struct snapshot snapshot = {.bus = bus};
    int outcome = RINGBUS_OK;

    if (bus == NULL || visit == NULL)
        return RINGBUS_EINVAL;
    snapshot.last = &snapshot.first;
    take(&snapshot);
    if (snapshot.has_failed)
        outcome = RINGBUS_ENOMEM;
    while (snapshot.first != NULL) {
        struct object *object = snapshot.first;

        snapshot.first = object->next;
        bus_enter_hook();
        if (outcome == RINGBUS_OK)
            outcome = visit_object(object, visit, context);
        bus_leave_hook();
        ringbus__release(&bus->allocator, object, object->size);
    }
    return outcome;
}

/* ---- dump ---- */

struct dump {
    FILE *stream;
    char object[16]; /* of the line under way */
};

/* Names are anybody's bytes: what is not printable is written as \xNN, so that a line is a line. */
static void
print_name(FILE *stream, const char *name)
{
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        if (*at >= 0x20 && *at < 0x7f && *at != '\\')
            fputc(*at, stream);
        else
            fprintf(stream, "\\x%02x", *at);
    }
}

static int
print_figure(const struct ringbus_figure *figure, void *context)
{
    struct dump *dump = context;
    const struct kind *kind = kinds;

    while (strcmp(kind->object, figure->object) != 0)
        kind++;
    if (figure->figure == kind->figures[0][0]) { /* a new object */
        fputs(dump->object[0] ? "\n" : "", dump->stream);
        snprintf(dump->object, sizeof dump->object, "%s", figure->object);
        fprintf(dump->stream, "%s", figure->object);
        fputs(figure->name[0] ? " " : "", dump->stream);
        print_name(dump->stream, figure->name);
        if (figure->group != NULL) {
            fputs(" in ", dump->stream);
            print_name(dump->stream, figure->group);
        }
        fputc(':', dump->stream);
    }
    fprintf(dump->stream, " %s=%lld", figure->figure, (long long)figure->value);
    return 0;
}

int
ringbus_dump(struct ringbus_bus *bus, FILE *stream)
{
    struct dump dump = {.stream = stream};
    int outcome = RINGBUS_OK;

    if (bus == NULL || stream == NULL)
        return RINGBUS_EINVAL;
    outcome = ringbus_visit(bus, print_figure, &dump);
    if (outcome != RINGBUS_OK)
        return outcome;
    fputc('\n', stream);
    return fflush(stream) != 0 || ferror(stream) ? RINGBUS_ESYS : RINGBUS_OK;
}
