/* lossy.c - rings that never wait for a reader: events are copied in, copied out, and may be overwritten in between.
 *
 * I1  only who has claimed a sequence stores the words of its slot, after the stamp of the last lap: the values of a
 *     word follow each other as the laps do
 * I2  a copy counts if, after it, no claim has reached sequence + capacity: the claim comes before the words of that
 *     lap, so who has read one of them finds it (WORD). The stamp could not tell, for it comes after them
 * I3  from a reader's first on, each event is copied once or counted as lost once: nothing else moves `next`. How many
 *     are lost is told with the next copy, and there is one: a reader goes on at an event that no claim has reached,
 *     and nothing overwrites the last lap of a line. What it skips on its way there is copied, too, if it may hold
 *     something that nobody else would drop
 * I4  a claim that came too late for the end (claim_single.c I1) is void: its words are still those of the last lap,
 *     which counts as lost to a reader that had not yet copied it; the void one is stepped over and never lost
 * Edges: PUBLISH, WORD.
 * Source: Boehm, "Can seqlocks get along with programming language memory models?" (MSPC 2012), for words that are
 * atomic each; the ring's claims are the seqlock's counter. */
#include <assert.h>

#include "ring/ring.h"

/* Looks of one copy: producers that overwrite faster than it copies cannot keep it for ever. And what one of them looks
 * at on its way, and drops of that, since each drop may take long. */
enum { WORD_SIZE = sizeof(uint64_t), LOOKS = 4, SKIPS = 4096, DROPS = 16 };

/* The words of a slot; ring.c leaves room for the last one. */
static struct atomic_u64 *
words_at(const struct ringbus_ring *ring, int64_t sequence)
{
    return (struct atomic_u64 *)(void *)slot_payload(ring, ring_slot(ring, sequence));
}

/* ---- producers ---- */

static void
store_words(struct atomic_u64 *words, const unsigned char *data, size_t size)
{
    for (; size > 0; words++) {
        const size_t part = likely(size >= WORD_SIZE) ? WORD_SIZE : size;
        uint64_t word = 0;

        memcpy(&word, data, part);
        /* WORD release: who reads it sees our claim. */
        store_u64(words, word, ORDER_WORD_RELEASE);
        data += part;
        size -= part;
    }
}

void
ringbus__lossy_write(
    struct ringbus_ring *ring, int64_t sequence, size_t offset, const void *data, size_t size)
{
    store_words(words_at(ring, sequence) + offset / WORD_SIZE, data, size);
}

int64_t
ringbus__lossy_publish(
    struct ringbus_ring *ring, const void *data, size_t size, int64_t deadline_ns)
{
    int64_t sequence = RINGBUS_EAGAIN;

    assert(data != NULL || size == 0);
    sequence = ringbus__ring_claim_lossy(ring, false);
    while (unlikely(sequence == RINGBUS_EAGAIN)) {
        if (ringbus__ring_wait_room(ring, 1, 0, false, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
        sequence = ringbus__ring_claim_lossy(ring, false);
    }
    if (unlikely(sequence < 0))
        return sequence;
    store_words(words_at(ring, sequence), data, size);
    ringbus_ring_publish(ring, sequence, 1);
    return sequence;
}

/* ---- readers ---- */

enum { LEAD_VOID = 1 };

/* What the slot of the reader's next event holds. 0: that event; LEAD_VOID: it, but void; less: an earlier one, more: a
 * later one. */
ATOMIC_INLINE int64_t
lead_of(const struct ringbus_reader *reader)
{
    const struct slot *slot = ring_slot(reader->ring, reader->next);

    /* PUBLISH acquire: the slot's words are complete, and their claim is visible. */
    return (int64_t)(load_u64(&slot->stamp, ORDER_PUBLISH_ACQUIRE) - stamp_of(reader->next));
}

bool
ringbus__lossy_is_published(const struct ringbus_reader *reader)
{
    return lead_of(reader) >= 0;
}

bool
ringbus__lossy_has_something(const struct ringbus_reader *reader)
{
    return lead_of(reader) >= 0 || ringbus__ring_is_at_end(reader->ring, reader->next);
}

static void
load_words(const struct atomic_u64 *words, unsigned char *buffer, size_t size)
{
    for (; size > 0; words++) {
        const size_t part = likely(size >= WORD_SIZE) ? WORD_SIZE : size;
        /* WORD acquire: if it is of a later lap, that lap's claim is visible to the look that follows. */
        const uint64_t word = load_u64(words, ORDER_WORD_ACQUIRE);

        memcpy(buffer, &word, part);
        buffer += part;
        size -= part;
    }
}

static void
move_to(struct ringbus_reader *reader, int64_t next)
{
    reader->next = next;
    /* COUNT: nobody waits for it. */
    store_i64(&reader->position, next - 1, ORDER_COUNT);
}

/* The oldest event that no claim has reached. */
ATOMIC_INLINE int64_t
oldest(const struct ringbus_ring *ring)
{
    /* HINT: what it must not miss is visible by WORD or PUBLISH. */
    return (int64_t)(load_u64(&ring->next, ORDER_HINT) & ~RING_CLOSED) - (int64_t)ring->capacity;
}

/* What of the event follows its head. */
static void
load_rest(const struct ringbus_ring *ring, int64_t sequence, const struct lossy_shape *shape,
    unsigned char *buffer)
{
    const size_t told = shape->size_of(buffer);
    const size_t size = told < ring->slot_size ? told : ring->slot_size;

    if (size > shape->head)
        load_words(words_at(ring, sequence) + shape->head / WORD_SIZE, buffer + shape->head,
            size - shape->head);
}

/* The words of the next event are copied: whether they count, with what it holds. */
ATOMIC_INLINE bool
counts(const struct ringbus_reader *reader, const struct lossy_shape *shape, const void *buffer)
{
    if (unlikely(oldest(reader->ring) > reader->next))
        return false;
    return shape == NULL || shape->take == NULL || shape->take(buffer);
}

/* True if the event has been copied whole. */
ATOMIC_INLINE bool
copy_next(struct ringbus_reader *reader, const struct lossy_shape *shape, void *buffer,
    struct ringbus_copy *ret_copy)
{
    const struct ringbus_ring *ring = reader->ring;
    const int64_t sequence = reader->next;

    load_words(words_at(ring, sequence), buffer, shape != NULL ? shape->head : ring->slot_size);
    if (shape != NULL)
        load_rest(ring, sequence, shape, buffer);
    if (unlikely(!counts(reader, shape, buffer)))
        return false;
    *ret_copy = (struct ringbus_copy){sequence, reader->gap};
    reader->gap = 0;
    move_to(reader, sequence + 1);
    return true;
}

static void
lose_to(struct ringbus_reader *reader, int64_t next)
{
    const uint64_t lost = (uint64_t)(next - reader->next);

    reader->gap += lost;
    count_u64(&reader->lost, lost);
    move_to(reader, next);
}

/* Skip events with what they hold, up to `next`, or to one that is not there yet, or is overwritten meanwhile; or for
 * so many drops. */
static void
drop_to(struct ringbus_reader *reader, const struct lossy_shape *shape, void *buffer, int64_t next)
{
    int drops = 0;

    while (reader->next < next && drops < DROPS && lead_of(reader) == 0) {
        struct slot *slot = ring_slot(reader->ring, reader->next);
        /* HINT: the stamp has brought it. */
        const bool is_holding = load_u64(&slot->spare, ORDER_HINT) != 0;

        if (is_holding) {
            load_words(words_at(reader->ring, reader->next), buffer, shape->head);
            if (!counts(reader, shape, buffer))
                return;
        }
        lose_to(reader, reader->next + 1);
        if (is_holding)
            shape->drop(buffer, slot);
        drops += is_holding;
    }
}

/* The next event is overwritten: go on at one that the claims of the next quarter of a lap do not reach. */
static void
skip_lost(struct ringbus_reader *reader, const struct lossy_shape *shape, void *buffer)
{
    const int64_t first = oldest(reader->ring);
    const int64_t next = first + (int64_t)reader->ring->capacity / 4;

    if (shape == NULL || shape->take == NULL) {
        lose_to(reader, next);
        return;
    }
    /* That what it held is gone says so, too, before its claim may be seen. */
    lose_to(reader, first > reader->next ? first : reader->next + 1);
    drop_to(reader, shape, buffer, next - first < SKIPS ? next : first + SKIPS);
}

int
ringbus__lossy_copy(struct ringbus_reader *reader, const struct lossy_shape *shape, void *buffer,
    struct ringbus_copy *ret_copy)
{
    const struct ringbus_ring *ring = reader->ring;

    assert(buffer != NULL && ret_copy != NULL);
    if (unlikely(!ring->is_lossy))
        return RINGBUS_EINVAL;
    for (int look = 0; look < LOOKS; look++) {
        const int64_t lead = lead_of(reader);

        if (lead < 0)
            return ringbus__ring_is_at_end(ring, reader->next) ? RINGBUS_ESHUTDOWN : RINGBUS_EAGAIN;
        if (unlikely(lead == LEAD_VOID)) {
            move_to(reader, reader->next + 1);
        } else if (likely(lead == 0) && likely(copy_next(reader, shape, buffer, ret_copy))) {
            if (unlikely(reader->waiter.idle > 0))
                ringbus__waiter_learn(
                    &reader->waiter, (uint32_t)(ringbus_ring_cursor(ring) - reader->next) + 2);
            return RINGBUS_OK;
        } else {
            skip_lost(reader, shape, buffer);
        }
    }
    return RINGBUS_EAGAIN;
}

int
ringbus_reader_copy(struct ringbus_reader *reader, void *buffer, struct ringbus_copy *ret_copy)
{
    return ringbus__lossy_copy(reader, NULL, buffer, ret_copy);
}

int
ringbus_reader_copy_until(
    struct ringbus_reader *reader, int64_t deadline_ns, void *buffer, struct ringbus_copy *ret_copy)
{
    for (;;) {
        const int outcome = ringbus_reader_copy(reader, buffer, ret_copy);

        if (outcome != RINGBUS_EAGAIN)
            return outcome;
        if (ringbus__reader_wait_step(reader, deadline_ns) != RINGBUS_OK)
            return RINGBUS_ETIMEDOUT;
    }
}

uint64_t
ringbus_reader_lost(const struct ringbus_reader *reader)
{
    return load_u64(&reader->lost, ORDER_COUNT);
}
