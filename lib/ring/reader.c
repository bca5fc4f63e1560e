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

/* The last sequence the readers before this one have all finished. */
static int64_t
dependency_limit(const struct ringbus_reader *reader)
{
    int64_t limit = INT64_MAX;

    for (uint64_t left = reader->after; left != 0; left &= left - 1) {
        const struct ringbus_reader *before = &reader->ring->readers[__builtin_ctzll(left)];
        /* STAGE acquire: what the reader before left in the slots is visible. */
        const int64_t position = load_i64(&before->position, ORDER_STAGE_ACQUIRE);

        if (position < limit)
            limit = position;
    }
    return limit;
}

ATOMIC_INLINE uint64_t
stamp_at(const struct ringbus_ring *ring, int64_t sequence)
{
    /* PUBLISH acquire: the slot's content is complete. */
    return load_u64(&ring_slot(ring, sequence)->stamp, ORDER_PUBLISH_ACQUIRE);
}

static bool
is_at_end(const struct ringbus_reader *reader)
{
    const struct ringbus_ring *ring = reader->ring;

    /* STATE acquire: `next` no longer moves once the line has ended. */
    if (!load_u32(&ring->has_ended, ORDER_STATE_ACQUIRE))
        return false;
    /* STATE acquire: claims that were under way are visible, or will be taken back. */
    if (ring->is_single ? !load_u32(&ring->has_settled, ORDER_STATE_ACQUIRE)
                        : !(load_u64(&ring->next, ORDER_CUT_ACQUIRE) & RING_CLOSED))
        return false;
    return ringbus__ring_next(ring) - reader->next <=
           0; /* less: it joined at a claim that was taken back */
}

static void
move_to(struct ringbus_reader *reader, int64_t sequence)
{
    reader->next = sequence + 1;
    /* POSITION release: our reads and notes in the slots come before the overwrite and before the next stage. */
    store_i64(&reader->position, sequence, ORDER_POSITION_RELEASE);
    ring_moved(reader->ring);
}

/* The events after the last committed one, up to `max`; true if there are any. `ret_run->first` is behind the abandoned
 * slots in any case. */
ATOMIC_INLINE bool
find_run(const struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run)
{
    const struct ringbus_ring *ring = reader->ring;
    const int64_t limit = reader->after ? dependency_limit(reader) : INT64_MAX;
    int64_t first = reader->next;
    uint32_t count = 0;

    while (first <= limit && unlikely(stamp_at(ring, first) == (stamp_of(first) | 1)))
        first++;
    while (count < max && first + count <= limit &&
           stamp_at(ring, first + count) == stamp_of(first + count))
        count++;
    *ret_run = (struct ringbus_run){first, count};
    return count > 0;
}

ATOMIC_INLINE int
look(struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run)
{
    struct ringbus_run run;

    if (likely(find_run(reader, max, &run))) {
        *ret_run = run;
        return RINGBUS_OK;
    }
    if (run.first != reader->next) { /* only abandoned slots: nobody will commit them but we */
        move_to(reader, run.first - 1);
        reader->has_stepped = true;
    }
    return is_at_end(reader) ? RINGBUS_ESHUTDOWN : RINGBUS_EAGAIN;
}

int
ringbus_reader_poll(struct ringbus_reader *reader, uint32_t max, struct ringbus_run *ret_run)
{
    int outcome = RINGBUS_OK;

    assert(max > 0);
    outcome = look(reader, max, ret_run);
    if (outcome == RINGBUS_OK && unlikely(reader->waiter.idle > 0))
        ringbus__waiter_learn(&reader->waiter, ret_run->count == max ? UINT32_MAX : ret_run->count);
    return outcome;
}

bool
ringbus__reader_has_something(struct ringbus_reader *reader)
{
    struct ringbus_run run;

    return look(reader, 1, &run) != RINGBUS_EAGAIN || reader->has_stepped;
}

enum ringbus_reader_state
ringbus_reader_state(const struct ringbus_reader *reader)
{
    struct ringbus_run run;

    if (find_run(reader, 1, &run))
        return RINGBUS_READER_PROCESSING;
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
    assert(sequence >= reader->next - 1 && sequence < ringbus__ring_next(reader->ring));
    if (likely(sequence >= reader->next))
        move_to(reader, sequence);
}

int64_t
ringbus_reader_position(const struct ringbus_reader *reader)
{
    return load_i64(&reader->position, ORDER_STAGE_ACQUIRE);
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
        after |= before->bit;
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
activate(struct ringbus_reader *reader, int64_t position)
{
    struct ringbus_ring *ring = reader->ring;
    const uint32_t index = (uint32_t)(reader - ring->readers);

    /* POSITION release: goes on with what the slot's last reader released when it left. */
    store_i64(&reader->position, position, ORDER_POSITION_RELEASE);
    if (index >= load_u32(&ring->reader_bound, ORDER_OWN))
        /* TABLE release: the position is there before the scan may look at it. */
        store_u32(&ring->reader_bound, index + 1, ORDER_TABLE_RELEASE);
    ringbus__barrier_heavy();
}

static void
prepare(struct ringbus_reader *reader, const struct ringbus_reader_options *options, uint64_t after)
{
    const uint32_t index = (uint32_t)(reader - reader->ring->readers);

    reader->is_open = true;
    reader->after = after;
    reader->dependents = 0;
    reader->has_stepped = false;
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
    store_i64(&reader->position, position, ORDER_POSITION_RELEASE);
    /* A producer may have seen the first position, and sleep for it to move. */
    ring_moved(reader->ring);
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

int
ringbus_reader_open(struct ringbus_ring *ring, const struct ringbus_reader_options *given,
    struct ringbus_reader **ret_reader)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;
    uint64_t after = 0;
    int outcome = RINGBUS_OK;

    if (ring == NULL || ret_reader == NULL ||
        ringbus__options_read(&options, sizeof options, sizeof options, given) != 0 ||
        !is_valid(&options))
        return RINGBUS_EINVAL;
    if (options.back > ring->history)
        return RINGBUS_ERANGE;
    lock_acquire(&ring->lock);
    if (!resolve_after(ring, &options, &after))
        outcome = RINGBUS_EINVAL;
    else if ((reader = take_free(ring, 0)) == NULL)
        outcome = RINGBUS_ENOSPC;
    if (outcome == RINGBUS_OK) {
        prepare(reader, &options, after);
        count_dependents(ring, after, 1);
        activate(reader, position_back(ring, options.back));
        /* Claims that were let through without us, and what was cleared, lie before this second look. */
        settle_at(reader, position_back(ring, options.back));
        *ret_reader = reader;
    }
    lock_release(&ring->lock);
    return outcome;
}

int
ringbus__reader_open_at(struct ringbus_ring *ring, const struct ringbus_reader *other,
    struct ringbus_reader **ret_reader)
{
    const struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;

    lock_acquire(&ring->lock);
    reader = take_free(ring, (uint32_t)(other - ring->readers) + 1); /* gate.c I3 */
    if (reader != NULL) {
        prepare(reader, &options, 0);
        activate(reader, ringbus_reader_position(other));
        /* A producer that did not see us was held by `other`, which is not behind this second look. */
        settle_at(reader, ringbus_reader_position(other));
        *ret_reader = reader;
    }
    lock_release(&ring->lock);
    return reader != NULL ? RINGBUS_OK : RINGBUS_ENOSPC;
}

int
ringbus_reader_close(struct ringbus_reader *reader)
{
    struct ringbus_ring *ring = NULL;

    if (reader == NULL)
        return RINGBUS_EINVAL;
    ring = reader->ring;
    ringbus__reader_disarm(reader);
    lock_acquire(&ring->lock);
    if (!reader->is_open || reader->dependents > 0) {
        const int outcome = reader->is_open ? RINGBUS_EBUSY : RINGBUS_EINVAL;

        lock_release(&ring->lock);
        return outcome;
    }
    count_dependents(ring, reader->after, UINT32_MAX);
    /* POSITION release: our last reads come before the overwrite. */
    store_i64(&reader->position, INT64_MAX, ORDER_POSITION_RELEASE);
    reader->is_open = false;
    lock_release(&ring->lock);
    ring_moved(ring);
    return RINGBUS_OK;
}
