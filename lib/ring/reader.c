/* reader.c - readers: join, look, finish, leave.
 *
 * I1  a reader reads a slot only after it has seen the slot's own stamp, so the limit of the readers before it and
 *     a dependency that has left can only make it wait, never run ahead
 * I2  join: store the position, heavy barrier, look at the cursor again and stay there (gate.c I2)
 * Edges: PUBLISH, POSITION (FREE, STAGE).
 * Source: LMAX SequenceBarrier and EventPoller; the safe join is LMAX SequenceGroups', with the fence it gets from
 * Java's volatiles written out. */
#include <assert.h>
#include <stdio.h>

#include "base/options.h"
#include "ring/ring.h"

int64_t
ringbus__ring_limit(const struct ringbus_ring *ring, uint64_t readers)
{
    int64_t limit = INT64_MAX;

    for (uint64_t left = readers; left != 0; left &= left - 1) {
        const struct ringbus_reader *before = &ring->readers[__builtin_ctzll(left)];
        /* STAGE acquire: what the reader before left in the slots is visible. */
        const int64_t position = load_i64(&before->position, ORDER_STAGE_ACQUIRE);

        if (position < limit)
            limit = position;
    }
    return limit;
}

/* How far the reader may poll; on a lossy ring not at all. */
static int64_t
limit_of(const struct ringbus_reader *reader)
{
    return reader->ring->is_lossy ? INT64_MIN : ringbus__ring_limit(reader->ring, reader->after);
}

ATOMIC_INLINE uint64_t
stamp_at(const struct ringbus_ring *ring, int64_t sequence)
{
    /* PUBLISH acquire: the slot's content is complete. */
    return load_u64(&ring_slot(ring, sequence)->stamp, ORDER_PUBLISH_ACQUIRE);
}

bool
ringbus__ring_is_at_end(const struct ringbus_ring *ring, int64_t next)
{
    /* STATE acquire: who finds the end finds what led to it. */
    if (ring->is_single)
        return load_i64(&ring->end, ORDER_STATE_ACQUIRE) <= next;
    /* STATE acquire: `next` no longer moves once the line has ended. */
    if (!load_u32(&ring->has_ended, ORDER_STATE_ACQUIRE) ||
        !(load_u64(&ring->next, ORDER_CUT_ACQUIRE) & RING_CLOSED))
        return false;
    return ringbus__ring_next(ring) == next;
}

static void
move_to(struct ringbus_reader *reader, int64_t sequence)
{
    reader->next = sequence + 1;
    /* POSITION release: our reads and notes in the slots come before the overwrite and before the next stage. */
    store_i64(&reader->position, sequence, ORDER_POSITION_RELEASE);
    ring_moved(reader->ring);
}

/* The events from `first` on, up to `max`; true if there are any. `ret_run->first` is behind the abandoned slots in
 * any case. */
ATOMIC_INLINE bool
find_run(
    const struct ringbus_reader *reader, int64_t first, uint32_t max, struct ringbus_run *ret_run)
{
    const struct ringbus_ring *ring = reader->ring;
    const int64_t limit = reader->is_limited ? limit_of(reader) : INT64_MAX;
    const struct slots slots = slots_of(ring);
    uint32_t count = 0;

    while (first <= limit && unlikely(stamp_at(ring, first) == (stamp_of(first) | 1)))
        first++;
    while (count < max && first + count <= limit &&
           /* PUBLISH acquire: the slot's content is complete. */
           load_u64(&slot_at(&slots, first + count)->stamp, ORDER_PUBLISH_ACQUIRE) ==
               stamp_of(first + count))
        count++;
    *ret_run = (struct ringbus_run){first, count};
    return count > 0;
}

ATOMIC_INLINE int
look(struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run)
{
    struct ringbus_run run;

    if (likely(find_run(reader, reader->next, max, &run))) {
        *ret_run = run;
        return RINGBUS_OK;
    }
    if (run.first != reader->next) { /* only abandoned slots: nobody will commit them but we */
        move_to(reader, run.first - 1);
        reader->has_stepped = true;
    }
    if (unlikely(reader->ring->is_lossy))
        return RINGBUS_EINVAL;
    return ringbus__ring_is_at_end(reader->ring, reader->next) ? RINGBUS_ESHUTDOWN : RINGBUS_EAGAIN;
}

bool
ringbus__reader_find(
    const struct ringbus_reader *reader, int64_t first, uint32_t max, struct ringbus_run *ret_run)
{
    return find_run(reader, first, max, ret_run);
}

/* What the wait before this run was good for: what there is counts, also if less was asked for. */
static void
learn(struct ringbus_reader *reader, uint32_t max, const struct ringbus_run *run)
{
    struct ringbus_run all = *run;

    if (run->count == max && max < PATIENCE_PAID)
        find_run(reader, reader->next, PATIENCE_PAID, &all);
    ringbus__waiter_learn(&reader->waiter, all.count);
}

int
ringbus_reader_poll(struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run)
{
    int outcome = RINGBUS_OK;

    assert(max > 0 && reader->share == NULL);
    outcome = look(reader, max, ret_run);
    if (outcome == RINGBUS_OK && unlikely(reader->waiter.idle > 0))
        learn(reader, max, ret_run);
    return outcome;
}

bool
ringbus__reader_has_something(struct ringbus_reader *reader)
{
    struct ringbus_run run;

    if (reader->ring->is_lossy)
        return ringbus__lossy_has_something(reader);
    return look(reader, 1, &run) != RINGBUS_EAGAIN || reader->has_stepped;
}

enum ringbus_reader_state
ringbus_reader_state(const struct ringbus_reader *reader)
{
    struct ringbus_run run;

    if (reader->ring->is_lossy)
        return ringbus__lossy_is_published(reader) ? RINGBUS_READER_PROCESSING
                                                   : RINGBUS_READER_IDLE;
    if (find_run(reader, reader->next, 1, &run))
        return RINGBUS_READER_PROCESSING;
    while (stamp_at(reader->ring, run.first) == (stamp_of(run.first) | 1))
        run.first++; /* void, and not stepped over: a reader before this one is not done with it */
    return stamp_at(reader->ring, run.first) == stamp_of(run.first) ? RINGBUS_READER_GATING
                                                                    : RINGBUS_READER_IDLE;
}

int
ringbus_reader_wait_until(
    struct ringbus_reader *reader, uint32_t max, int64_t deadline_ns, struct ringbus_run *ret_run)
{
    for (;;) {
        const int outcome = ringbus_reader_poll(reader, max, ret_run);

        if (outcome != RINGBUS_EAGAIN)
            return outcome;
        reader->has_stepped = false;
        if (ringbus__reader_wait_step(reader, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    }
}

void
ringbus_reader_commit(struct ringbus_reader *reader, int64_t sequence)
{
    assert(!reader->ring->is_lossy);
    assert(sequence < reader->next || /* it was there to be read */
           (stamp_at(reader->ring, sequence) & ~UINT64_C(1)) == stamp_of(sequence));
    if (likely(sequence >= reader->next))
        move_to(reader, sequence);
}

int64_t
ringbus_reader_position(const struct ringbus_reader *reader)
{
    return ringbus__ring_limit(reader->ring, reader->stands_for);
}

/* ---- join and leave ---- */

/* The bits of the readers in `options`; false if one of them is not an open reader of this ring. */
static bool
resolve_after(const struct ringbus_ring *ring, const struct ringbus_reader_options *options,
    uint64_t *ret_after)
{
    uint64_t after = 0;

    for (uint32_t i = 0; i < options->after_count; i++) {
        const struct ringbus_reader *before = options->after[i];

        if (before == NULL || before->ring != ring || !before->is_open)
            return false;
        after |= before->stands_for;
    }
    *ret_after = after;
    return true;
}

static struct ringbus_reader *
take_free(struct ringbus_ring *ring, uint32_t first)
{
    for (uint32_t i = first; i < ring->max_readers; i++)
        if (!ring->readers[i].is_open)
            return &ring->readers[i];
    return NULL;
}

static void
raise_bound(struct ringbus_reader *reader)
{
    struct ringbus_ring *ring = reader->ring;
    const uint32_t index = (uint32_t)(reader - ring->readers);

    if (index >= load_u32(&ring->reader_bound, ORDER_OWN))
        /* TABLE release: the position is there before the scan may look at it. */
        store_u32(&ring->reader_bound, index + 1, ORDER_TABLE_RELEASE);
}

static void
begin_at(struct ringbus_reader *reader, int64_t position)
{
    struct atomic_i64 *joined = &reader->ring->joined;

    /* HINT: goes with the position. The reader has not seen these events, so they may be open (claim_single.c I3). */
    if (position > load_i64(joined, ORDER_OWN))
        store_i64(joined, position, ORDER_HINT);
    /* POSITION release: goes on with what the slot's last reader released when it left. */
    store_i64(&reader->position, position, ORDER_POSITION_RELEASE);
}

static void
activate(struct ringbus_reader *reader, int64_t position)
{
    begin_at(reader, position);
    raise_bound(reader);
    ringbus__barrier_heavy();
}

static void
prepare(struct ringbus_reader *reader, const struct ringbus_reader_options *options, uint64_t after)
{
    const uint32_t index = (uint32_t)(reader - reader->ring->readers);

    reader->is_open = true;
    reader->after = after;
    reader->is_limited = after != 0 || reader->ring->is_lossy;
    reader->gap = 0;
    store_u64(&reader->lost, 0, ORDER_OWN);
    store_u64(&reader->wakes, 0, ORDER_OWN);
    store_u32(&reader->is_called, 0, ORDER_OWN);
    reader->dependents = 0;
    reader->stands_for = reader->bit;
    reader->share = NULL;
    reader->worker = NULL;
    reader->is_lent = false;
    reader->has_something = ringbus__reader_has_something;
    reader->owner = NULL;
    reader->has_stepped = false;
    reader->is_in_set = false;
    reader->waits_for_readers = after != 0;
    reader->waiter = (struct waiter){.strategy = options->wait, .is_eager = options->is_eager != 0};
    reader->wake = NULL;
    if (options->custom != NULL) {
        reader->waiter.custom = *options->custom;
        reader->wake = options->custom->wake;
        reader->wake_context = options->custom->context;
    }
    if (options->name != NULL)
        snprintf(reader->name, sizeof reader->name, "%s", options->name);
    else
        snprintf(reader->name, sizeof reader->name, "reader-%u", (unsigned)index);
}

static void
settle_at(struct ringbus_reader *reader, int64_t position)
{
    reader->next = position + 1;
    begin_at(reader, position);
}

static void
count_dependents(struct ringbus_ring *ring, uint64_t after, uint32_t change)
{
    for (uint64_t left = after; left != 0; left &= left - 1)
        ring->readers[__builtin_ctzll(left)].dependents += change;
}

/* Where a reader begins that joins now, `back` events before the cursor. */
static int64_t
position_back(const struct ringbus_ring *ring, uint32_t back)
{
    const int64_t position = ringbus__ring_next(ring) - 1 - (int64_t)back;

    return position < ring->first - 1 ? ring->first - 1 : position;
}

static bool
is_valid(const struct ringbus_reader_options *options)
{
    return (options->after_count == 0 || options->after != NULL) &&
           (options->name == NULL || strlen(options->name) <= RING_MAX_NAME) &&
           ringbus__wait_is_valid(options->wait, options->custom, true);
}

static uint32_t
count_free(const struct ringbus_ring *ring)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ring->max_readers; i++)
        count += !ring->readers[i].is_open;
    return count;
}

/* Places for `count` workers after the reader's own. Their positions are as they were left: that of no reader. */
static void
take_places(struct ringbus_reader *reader, const struct ringbus_reader_options *options,
    struct ringbus_share *share, uint32_t count)
{
    struct ringbus_ring *ring = reader->ring;
    uint32_t number = 0;

    reader->share = share;
    while (count-- > 0) {
        struct ringbus_reader *place = take_free(ring, (uint32_t)(reader - ring->readers) + 1);

        prepare(place, options, reader->after);
        place->share = share;
        snprintf(place->name, sizeof place->name, "%.20s/%u", reader->name, (unsigned)++number);
        reader->stands_for |= place->bit;
        raise_bound(place);
    }
}

int
ringbus__reader_join(struct ringbus_ring *ring, const struct ringbus_reader_options *options,
    struct ringbus_share *share, uint32_t workers, struct ringbus_reader **ret_reader)
{
    struct ringbus_reader *reader = NULL;
    uint64_t after = 0;
    int outcome = RINGBUS_OK;

    if (!is_valid(options) || (ring->is_lossy && (options->after_count > 0 || share != NULL)))
        return RINGBUS_EINVAL;
    if (options->back > ring->history)
        return RINGBUS_ERANGE;
    lock_acquire(&ring->lock);
    if (!resolve_after(ring, options, &after))
        outcome = RINGBUS_EINVAL;
    else if (count_free(ring) <= workers)
        outcome = RINGBUS_ENOSPC;
    if (outcome == RINGBUS_OK) {
        reader = take_free(ring, 0);
        prepare(reader, options, after);
        take_places(reader, options, share, workers);
        count_dependents(ring, after, 1);
        activate(reader, position_back(ring, options->back));
        /* Claims that were let through without us, and what was cleared, lie before this second look. */
        settle_at(reader, position_back(ring, options->back));
        *ret_reader = reader;
    }
    lock_release(&ring->lock);
    /* A producer may have seen the first position, and sleep for it to move. No hook runs under the lock. */
    if (outcome == RINGBUS_OK)
        ring_moved(ring);
    return outcome;
}

int
ringbus_reader_open(struct ringbus_ring *ring, const struct ringbus_reader_options *given,
    struct ringbus_reader **ret_reader)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();

    if (ring == NULL || ret_reader == NULL ||
        ringbus__options_read(&options, sizeof options, sizeof options, given) != 0)
        return RINGBUS_EINVAL;
    return ringbus__reader_join(ring, &options, NULL, 0, ret_reader);
}

int
ringbus__reader_open_behind(struct ringbus_ring *ring, uint32_t first,
    int64_t (*position)(void *context), void *context, struct ringbus_reader **ret_reader)
{
    const struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    lock_acquire(&ring->lock);
    reader = take_free(ring, first);
    if (reader != NULL) {
        prepare(reader, &options, 0);
        activate(reader, position(context));
        /* A producer that did not see us was held by what is not behind this second look. */
        settle_at(reader, position(context));
        *ret_reader = reader;
    }
    lock_release(&ring->lock);
    if (reader == NULL)
        return RINGBUS_ENOSPC;
    ring_moved(ring);
    return RINGBUS_OK;
}

static int64_t
position_of(void *reader)
{
    return ringbus_reader_position(reader);
}

int
ringbus__reader_open_at(
    struct ringbus_ring *ring, struct ringbus_reader *other, struct ringbus_reader **ret_reader)
{
    const uint32_t first = (uint32_t)(other - ring->readers) + 1; /* gate.c I3 */

    return ringbus__reader_open_behind(ring, first, position_of, other, ret_reader);
}

int
ringbus__reader_open_idle(struct ringbus_ring *ring,
    bool (*has_something)(struct ringbus_reader *reader), void *owner,
    struct ringbus_reader **ret_reader)
{
    const struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    lock_acquire(&ring->lock);
    reader = take_free(ring, 0);
    if (reader != NULL) {
        prepare(reader, &options, 0);
        reader->has_something = has_something;
        reader->owner = owner;
        *ret_reader = reader;
    }
    lock_release(&ring->lock);
    return reader != NULL ? RINGBUS_OK : RINGBUS_ENOSPC;
}

/* The reader, and the workers it stands for. */
static void
leave(const struct ringbus_reader *reader)
{
    for (uint64_t left = reader->stands_for; left != 0; left &= left - 1) {
        struct ringbus_reader *each = &reader->ring->readers[__builtin_ctzll(left)];

        /* POSITION release: our last reads come before the overwrite. */
        store_i64(&each->position, INT64_MAX, ORDER_POSITION_RELEASE);
        each->is_open = false;
        each->share = NULL;
    }
}

int
ringbus_reader_close(struct ringbus_reader *reader)
{
    if (reader == NULL || reader->share != NULL || reader->is_lent)
        return RINGBUS_EINVAL;
    return reader->is_in_set ? RINGBUS_EBUSY : ringbus__reader_leave(reader);
}

int
ringbus__reader_leave(struct ringbus_reader *reader)
{
    struct ringbus_ring *ring = reader->ring;

    ringbus__reader_disarm(reader);
    lock_acquire(&ring->lock);
    if (!reader->is_open || reader->dependents > 0) {
        const int outcome = reader->is_open ? RINGBUS_EBUSY : RINGBUS_EINVAL;

        lock_release(&ring->lock);
        return outcome;
    }
    count_dependents(ring, reader->after, UINT32_MAX);
    leave(reader);
    lock_release(&ring->lock);
    ring_moved(ring);
    return RINGBUS_OK;
}
