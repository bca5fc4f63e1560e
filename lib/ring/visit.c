/* visit.c - every figure of a ring, and the dump; what the bus uses of both.
 *
 * I1  the lock is held to copy what it guards: names, who is open. Slots and counters are looked at without it, and
 *     nobody is called under it
 * I2  what is published stays so, and the oldest open claim only gets younger: a visit goes on where the last one has
 *     found all published, and a claim that it finds again has been open since
 * I3  positions are read before `next`: no reader is ahead of the cursor
 * Source: the questions of who is stuck in LMAX's next() for which there is no answer there (#118, #143, #303). */
#include "ring/visit.h"

#include "base/alloc.h"
#include "ring/ring.h"

#define RING_FIGURES(X)                                                                            \
    X("capacity", "events", "slots")                                                               \
    X("history", "events", "kept for readers that join late")                                      \
    X("cursor", "sequence", "the highest one claimed")                                             \
    X("published", "sequence", "all up to this one are published or abandoned")                    \
    X("gate", "sequence", "all readers have finished up to here; the cursor if the ring is lossy") \
    X("room", "events", "that can be claimed now")                                                 \
    X("open_claims", "events", "claimed, neither published nor abandoned")                         \
    X("oldest_open", "sequence", "the first of them; -1: there is none")                           \
    X("oldest_open_ns", "ns", "time since a visit first found it to be the oldest")                \
    X("readers", "count", "readers open")                                                          \
    X("waits", "count", "waits of producers for room")                                             \
    X("waiting", "count", "of these, not over")                                                    \
    X("ended", "flag", "the line has ended")
enum {
    CAPACITY,
    HISTORY,
    CURSOR,
    PUBLISHED,
    GATE,
    ROOM,
    OPEN_CLAIMS,
    OLDEST_OPEN,
    OLDEST_OPEN_NS,
    READERS,
    WAITS,
    WAITING,
    ENDED
};

#define READER_FIGURES(X)                                                                          \
    X("position", "sequence", "the last one finished")                                             \
    X("lag", "events", "claimed and not finished")                                                 \
    X("holds_gate", "flag", "producers wait for it first, and it has something to read")           \
    X("asleep", "flag", "whoever has something for it must wake it")                               \
    X("wakes", "count", "sleeps that ended")                                                       \
    X("lost", "events", "overwritten before it had read them")
enum { POSITION, LAG, HOLDS_GATE, ASLEEP, WAKES, LOST };

static const struct kind ring_kind = {"ring", {RING_FIGURES(FIGURE_ROW)}};
static const struct kind reader_kind = {"reader", {READER_FIGURES(FIGURE_ROW)}};
static const struct kind worker_kind = {"worker", {READER_FIGURES(FIGURE_ROW)}};

/* ---- objects ---- */

int
ringbus__object_visit(const struct object *object, figure_visit visit, void *context)
{
    const struct kind *kind = object->kind;
    int outcome = RINGBUS_OK;

    for (int i = 0; i < MOST_FIGURES && kind->figures[i][0] != NULL && outcome == 0; i++) {
        const struct ringbus_figure figure = {
            .object = kind->object,
            .name = object->name,
            .group = object->group,
            .figure = kind->figures[i][0],
            .unit = kind->figures[i][1],
            .help = kind->figures[i][2],
            .value = object->values[i],
        };

        outcome = visit(&figure, context);
    }
    return outcome;
}

void
ringbus__name_print(const char *name, FILE *stream)
{
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0'; at++) {
        if (*at >= 0x20 && *at < 0x7f && *at != '\\')
            fputc(*at, stream);
        else
            fprintf(stream, "\\x%02x", *at);
    }
}

void
ringbus__object_print(const struct object *object, FILE *stream)
{
    const struct kind *kind = object->kind;

    fprintf(stream, "%s%s", kind->object, object->name[0] ? " " : "");
    ringbus__name_print(object->name, stream);
    if (object->group != NULL) {
        fputs(" in ", stream);
        ringbus__name_print(object->group, stream);
    }
    fputc(':', stream);
    for (int i = 0; i < MOST_FIGURES && kind->figures[i][0] != NULL; i++)
        fprintf(stream, " %s=%lld", kind->figures[i][0], (long long)object->values[i]);
}

int
ringbus__stream_finish(FILE *stream)
{
    return fflush(stream) != 0 || ferror(stream) ? RINGBUS_ESYS : RINGBUS_OK;
}

/* ---- a ring as it was ---- */

struct place {
    struct object object;
    uint64_t bit, after;
    char name[RING_MAX_NAME + 1];
};

struct snapshot {
    size_t size;
    struct object ring;
    uint32_t count;
    struct place places[]; /* of readers */
};

static void
copy_reader(struct snapshot *snapshot, const struct ringbus_reader *reader)
{
    struct place *place = &snapshot->places[snapshot->count];
    const bool is_worker = reader->share != NULL && reader->stands_for == reader->bit;
    /* STAGE acquire: what it has read was claimed, which the look at `next` will see (I3). */
    const int64_t position = ringbus__ring_limit(reader->ring, reader->stands_for);
    const uint32_t word = load_u32(&reader->asleep, ORDER_COUNT);

    if (is_worker && position == INT64_MAX)
        return; /* it has no range */
    memcpy(place->name, reader->name, sizeof place->name);
    place->bit = reader->bit;
    place->after = reader->after;
    place->object =
        (struct object){is_worker ? &worker_kind : &reader_kind, place->name, NULL, {0}};
    place->object.values[POSITION] = position;
    place->object.values[ASLEEP] = (word & (ASLEEP_PARKED | ASLEEP_ELSEWHERE)) != 0;
    place->object.values[WAKES] = (int64_t)load_u64(&reader->wakes, ORDER_COUNT);
    place->object.values[LOST] = (int64_t)load_u64(&reader->lost, ORDER_COUNT);
    snapshot->ring.values[READERS] += !is_worker;
    snapshot->count++;
}

/* What the lock guards. Returns up to where the last visit has found all published. */
static int64_t
copy_guarded(struct ringbus_ring *ring, struct snapshot *snapshot)
{
    int64_t published = 0;

    lock_acquire(&ring->lock);
    published = ring->seen_published;
    for (uint32_t i = 0; i < ring->max_readers; i++)
        if (ring->readers[i].is_open)
            copy_reader(snapshot, &ring->readers[i]);
    lock_release(&ring->lock);
    return published;
}

static bool
is_open(const struct ringbus_ring *ring, int64_t sequence)
{
    /* COUNT: the slot is not looked into. A later lap's stamp is higher. */
    const uint64_t stamp = load_u64(&ring_slot(ring, sequence)->stamp, ORDER_COUNT);

    return (int64_t)((stamp & ~UINT64_C(1)) - stamp_of(sequence)) < 0;
}

/* `published`: so is all up to there. Claims are never a lap apart (layout.h I3). */
static void
find_open_claims(const struct ringbus_ring *ring, int64_t published, int64_t *values)
{
    const int64_t cursor = ringbus__ring_next(ring) - 1;
    int64_t at = published + 1;

    if (at <= cursor - (int64_t)ring->capacity)
        at = cursor - (int64_t)ring->capacity + 1;
    values[CURSOR] = cursor;
    values[OLDEST_OPEN] = -1;
    for (; at <= cursor; at++) {
        if (!is_open(ring, at))
            continue;
        if (values[OPEN_CLAIMS]++ == 0)
            values[OLDEST_OPEN] = at;
    }
    values[PUBLISHED] = values[OPEN_CLAIMS] > 0 ? values[OLDEST_OPEN] - 1 : cursor;
}

/* The age of the oldest open claim; remember what was found. */
static void
remember(struct ringbus_ring *ring, int64_t *values)
{
    int64_t now = 0;

    lock_acquire(&ring->lock);
    now = ringbus__os.now_ns();
    if (values[PUBLISHED] > ring->seen_published)
        ring->seen_published = values[PUBLISHED];
    if (values[OLDEST_OPEN] > ring->seen_open) {
        ring->seen_open = values[OLDEST_OPEN];
        ring->seen_open_ns = now;
    }
    if (values[OPEN_CLAIMS] > 0 && values[OLDEST_OPEN] == ring->seen_open)
        values[OLDEST_OPEN_NS] = now - ring->seen_open_ns;
    lock_release(&ring->lock);
}

/* ---- what follows from it ---- */

/* The slowest reader's position, or the cursor. */
static int64_t
slowest_of(const struct snapshot *snapshot)
{
    int64_t slowest = snapshot->ring.values[CURSOR];

    for (uint32_t i = 0; i < snapshot->count; i++)
        if (snapshot->places[i].object.values[POSITION] < slowest)
            slowest = snapshot->places[i].object.values[POSITION];
    return slowest;
}

/* One of the readers before this one is no further. */
static bool
waits_for_readers(const struct snapshot *snapshot, const struct place *place)
{
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const struct place *before = &snapshot->places[i];

        if ((place->after & before->bit) &&
            before->object.values[POSITION] <= place->object.values[POSITION])
            return true;
    }
    return false;
}

/* The slowest readers, of those that have something to read: the others wait for them, or for an open claim. */
static void
find_holders(const struct ringbus_ring *ring, struct snapshot *snapshot)
{
    const int64_t cursor = snapshot->ring.values[CURSOR], slowest = slowest_of(snapshot);

    for (uint32_t i = 0; i < snapshot->count; i++) {
        int64_t *values = snapshot->places[i].object.values;

        values[LAG] = cursor > values[POSITION] ? cursor - values[POSITION] : 0;
        values[HOLDS_GATE] = !ring->is_lossy && values[POSITION] == slowest && slowest < cursor &&
                             !is_open(ring, slowest + 1) &&
                             !waits_for_readers(snapshot, &snapshot->places[i]);
    }
}

static int64_t
gate_of(const struct ringbus_ring *ring, const struct snapshot *snapshot)
{
    const int64_t kept = snapshot->ring.values[CURSOR] - (int64_t)ring->history;
    const bool is_clearing = (load_u32(&ring->clearing, ORDER_COUNT) & CLEAR_HELD) != 0;
    const int64_t cleared = load_i64(&ring->cleared, ORDER_COUNT);
    int64_t gate = slowest_of(snapshot);

    if (ring->is_lossy)
        return snapshot->ring.values[CURSOR];
    if (is_clearing && cleared < gate) /* the hook is not done with the next one */
        gate = cleared;
    return kept < gate ? kept : gate;
}

/* Both counts of one moment, if producers do not begin and end waits all the time. */
static void
count_waits(const struct ringbus_ring *ring, int64_t *values)
{
    int64_t over = 0, now = 0;

    for (int tries = 0; tries < 100 && (tries == 0 || now != over); tries++) {
        /* STATE acquire: looked at in this order. */
        over = (int64_t)load_u64(&ring->waits_over, ORDER_STATE_ACQUIRE);
        values[WAITS] = (int64_t)load_u64(&ring->waits, ORDER_STATE_ACQUIRE);
        now = (int64_t)load_u64(&ring->waits_over, ORDER_STATE_ACQUIRE);
    }
    values[WAITING] = values[WAITS] > now ? values[WAITS] - now : 0;
}

static void
fill_in(struct ringbus_ring *ring, struct snapshot *snapshot)
{
    int64_t *values = snapshot->ring.values;

    snapshot->ring.kind = &ring_kind;
    snapshot->ring.name = "";
    values[CAPACITY] = ring->capacity;
    values[HISTORY] = ring->history;
    count_waits(ring, values);
    values[ENDED] = load_u32(&ring->has_ended, ORDER_COUNT) != 0;
    find_open_claims(ring, copy_guarded(ring, snapshot), values);
    remember(ring, values);
    find_holders(ring, snapshot);
    values[GATE] = gate_of(ring, snapshot);
    values[ROOM] = values[GATE] < values[PUBLISHED] ? values[GATE] : values[PUBLISHED];
    values[ROOM] += ring->capacity - values[CURSOR];
    if (values[ROOM] < 0) /* all have moved on while this looked */
        values[ROOM] = 0;
}

static int
take(struct ringbus_ring *ring, struct snapshot **ret_snapshot)
{
    const size_t size = sizeof(struct snapshot) + ring->max_readers * sizeof(struct place);
    struct snapshot *snapshot = ringbus__alloc(&ring->allocator, size, _Alignof(struct snapshot));

    if (snapshot == NULL)
        return RINGBUS_ENOMEM;
    snapshot->size = size;
    fill_in(ring, snapshot);
    *ret_snapshot = snapshot;
    return RINGBUS_OK;
}

int
ringbus_ring_visit(struct ringbus_ring *ring, figure_visit visit, void *context)
{
    struct snapshot *snapshot = NULL;
    int outcome = RINGBUS_OK;

    if (ring == NULL || visit == NULL)
        return RINGBUS_EINVAL;
    outcome = take(ring, &snapshot);
    if (outcome != RINGBUS_OK)
        return outcome;
    outcome = ringbus__object_visit(&snapshot->ring, visit, context);
    for (uint32_t i = 0; i < snapshot->count && outcome == RINGBUS_OK; i++)
        outcome = ringbus__object_visit(&snapshot->places[i].object, visit, context);
    ringbus__release(&ring->allocator, snapshot, snapshot->size);
    return outcome;
}

/* ---- dump ---- */

/* Whom producers wait for next. */
static void
print_holders(const struct snapshot *snapshot, FILE *stream)
{
    const int64_t *values = snapshot->ring.values;
    const char *before = "; gate held by ";

    for (uint32_t i = 0; i < snapshot->count; i++)
        if (snapshot->places[i].object.values[HOLDS_GATE]) {
            fputs(before, stream);
            ringbus__name_print(snapshot->places[i].name, stream);
            before = ", ";
        }
    if (values[OPEN_CLAIMS] > 0)
        fprintf(stream, "; claim %lld open for %lld us", (long long)values[OLDEST_OPEN],
            (long long)values[OLDEST_OPEN_NS] / 1000);
}

int
ringbus_ring_dump(struct ringbus_ring *ring, FILE *stream)
{
    struct snapshot *snapshot = NULL;
    int outcome = RINGBUS_OK;

    if (ring == NULL || stream == NULL)
        return RINGBUS_EINVAL;
    outcome = take(ring, &snapshot);
    if (outcome != RINGBUS_OK)
        return outcome;
    ringbus__object_print(&snapshot->ring, stream);
    print_holders(snapshot, stream);
    fputc('\n', stream);
    for (uint32_t i = 0; i < snapshot->count; i++) {
        ringbus__object_print(&snapshot->places[i].object, stream);
        fputc('\n', stream);
    }
    ringbus__release(&ring->allocator, snapshot, snapshot->size);
    return ringbus__stream_finish(stream);
}
