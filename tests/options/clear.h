/* clear.h - a clear hook that remembers, and rings that have it. */
#ifndef TESTS_OPTIONS_CLEAR_H
#define TESTS_OPTIONS_CLEAR_H

#include "ring/fixture.h"
#include "support/gate.h"

/* What the hook was called with; the payload is the sequence. */
static struct {
    int64_t sequences[64];
    struct atomic_u32 count;
    struct gate *gate; /* passed in the first call */
} cleared;

static inline void
note_cleared(void *payload, int64_t sequence, void *context)
{
    const uint32_t at = load_u32(&cleared.count, ORDER_COUNT);

    MUST(context == &cleared, "the hook gets a context that is not its own");
    MUST(*(int64_t *)payload == sequence, "the hook gets the payload of %d for %d",
        (int)*(int64_t *)payload, (int)sequence);
    MUST(at < 64, "too many events are cleared");
    if (at == 0 && cleared.gate != NULL)
        gate_pass(cleared.gate);
    *(int64_t *)payload = -1;
    cleared.sequences[at] = sequence;
    store_u32(&cleared.count, at + 1, TEST_RELEASE);
}

static inline struct ringbus_ring *
open_clearing_with(struct ringbus_ring_options options)
{
    cleared.gate = NULL;
    store_u32(&cleared.count, 0, ORDER_COUNT);
    options.clear = note_cleared;
    options.clear_context = &cleared;
    return open_ring_with(&options);
}

static inline struct ringbus_ring *
open_clearing(uint32_t capacity)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();

    options.capacity = capacity;
    return open_clearing_with(options);
}

/* So far exactly these were cleared, in this order. */
#define CHECK_CLEARED(...)                                                                         \
    check_cleared((const int64_t[]){-1, __VA_ARGS__},                                              \
        (uint32_t)(sizeof((const int64_t[]){-1, __VA_ARGS__}) / sizeof(int64_t)) - 1)

static inline void
check_cleared(const int64_t *wanted, uint32_t count)
{
    ck_assert_uint_eq(load_u32(&cleared.count, TEST_ACQUIRE), count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_int_eq(cleared.sequences[i], wanted[i + 1]);
}

#define CHECK_NONE_CLEARED() ck_assert_uint_eq(load_u32(&cleared.count, TEST_ACQUIRE), 0)

static inline void
fill(struct ringbus_ring *ring, int64_t sequence)
{
    const struct ringbus_view view = ringbus_ring_view(ring);

    *(int64_t *)ringbus_ring_slot(&view, sequence) = sequence;
}

static inline void
publish_number(struct ringbus_ring *ring)
{
    const int64_t sequence = ringbus_ring_try_claim(ring, 1);

    MUST(sequence >= 0, "no room");
    fill(ring, sequence);
    ringbus_ring_publish(ring, sequence, 1);
}

static inline void
publish_numbers(struct ringbus_ring *ring, int count)
{
    for (; count > 0; count--)
        publish_number(ring);
}

#endif
