/* lossy.h - what the tests of lossy rings share: rings, payloads that tell a torn copy, copies. */
#ifndef TESTS_SUPPORT_LOSSY_H
#define TESTS_SUPPORT_LOSSY_H

#include <string.h>

#include "ring/ring.h"
#include "support/support.h"

enum { LOSSY_MOST_SIZE = 64, LOSSY_GUARD = 0x5a };

static const int64_t lossy_firsts[] = {
    0, 1, (INT64_C(1) << 31) - 3, (INT64_C(1) << 32) - 3, INT64_C(1) << 62};

#define FOR_EACH_FIRST(i) for (size_t i = 0; i < sizeof lossy_firsts / sizeof *lossy_firsts; i++)
#define FOR_EACH_KIND(kind)                                                                        \
    for (uint32_t kind = RINGBUS_PRODUCERS_MULTI; kind <= RINGBUS_PRODUCERS_SINGLE; kind++)

static inline struct ringbus_ring *
open_lossy(uint32_t capacity, uint32_t slot_size, int64_t first, uint32_t producers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;

    options.capacity = capacity;
    options.slot_size = slot_size;
    options.first = first;
    options.producers = producers;
    options.alignment = 8;
    options.stride = 8 + (slot_size + 7) / 8 * 8; /* the least there is */
    options.is_lossy = 1;
    MUST(ringbus_ring_open(&options, &ring) == RINGBUS_OK, "no ring of %u", (unsigned)capacity);
    return ring;
}

/* What stands in the payload of a sequence, so that no two of them have a word in common. */
static inline void
fill_event(unsigned char *payload, size_t size, int64_t sequence)
{
    for (size_t at = 0; at < size; at++)
        payload[at] = (unsigned char)(at % 8 == 7 ? at : (size_t)sequence >> at % 8 * 8);
}

static inline int64_t
try_publish_event(struct ringbus_ring *ring, size_t size)
{
    unsigned char payload[LOSSY_MOST_SIZE];

    fill_event(payload, size, ringbus_ring_cursor(ring) + 1);
    return ringbus_ring_publish_copy(ring, payload, size, 0);
}

static inline void
publish_events(struct ringbus_ring *ring, uint64_t count)
{
    const size_t size = ringbus_ring_view(ring).slot_size;

    for (uint64_t i = 0; i < count; i++) {
        const int64_t wanted = ringbus_ring_cursor(ring) + 1;
        const int64_t sequence = try_publish_event(ring, size);

        MUST(sequence == wanted, "a publish gives %lld", (long long)sequence);
    }
}

/* MUST be the event of that sequence, and nothing beyond it. */
static inline void
must_be_whole(const unsigned char *buffer, size_t size, int64_t sequence)
{
    unsigned char wanted[LOSSY_MOST_SIZE + 1];

    fill_event(wanted, size, sequence);
    wanted[size] = LOSSY_GUARD;
    MUST(memcmp(buffer, wanted, size + 1) == 0, "event %lld is torn, or not what it was",
        (long long)sequence);
}

/* The next event; MUST be whole. */
static inline int
copy_event(struct ringbus_reader *reader, struct ringbus_copy *ret_copy)
{
    unsigned char buffer[LOSSY_MOST_SIZE + 1];
    const size_t size = reader->ring->slot_size;
    int outcome = RINGBUS_OK;

    memset(buffer, LOSSY_GUARD, sizeof buffer);
    outcome = ringbus_reader_copy(reader, buffer, ret_copy);
    if (outcome == RINGBUS_OK)
        must_be_whole(buffer, size, ret_copy->sequence);
    MUST(buffer[size] == LOSSY_GUARD, "a copy writes beyond the slot's size");
    return outcome;
}

/* The next copy is of `wanted_sequence`, `wanted_lost` events after the one before. */
#define CHECK_COPY(reader, wanted_sequence, wanted_lost)                                           \
    do {                                                                                           \
        struct ringbus_copy check_copy = {-1, 77};                                                 \
                                                                                                   \
        ck_assert_int_eq(copy_event(reader, &check_copy), RINGBUS_OK);                             \
        ck_assert_int_eq(check_copy.sequence, wanted_sequence);                                    \
        ck_assert_uint_eq(check_copy.lost, wanted_lost);                                           \
    } while (0)

#define CHECK_NO_COPY(reader, wanted_outcome)                                                      \
    do {                                                                                           \
        struct ringbus_copy check_copy = {-1, 77};                                                 \
                                                                                                   \
        ck_assert_int_eq(copy_event(reader, &check_copy), wanted_outcome);                         \
        ck_assert_int_eq(check_copy.sequence, -1);                                                 \
        ck_assert_uint_eq(check_copy.lost, 77);                                                    \
    } while (0)

#endif
