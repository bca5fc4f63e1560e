/* ring.c - a ring's life: open, end, close, and the life after that.
 *
 * Edges: CUT (a read-modify-write of the claim word), STATE (has_ended).
 * Source: the value-based end of the line is disruptor-rs's shutdown_at, kept in the claim word. */
#include "ring/ring.h"

#include "base/alloc.h"
#include "base/options.h"

enum { SLOT_ALIGNMENT = 64, DEFAULT_CAPACITY = 1024, DEFAULT_SLOT = 48, DEFAULT_READERS = 8 };

static bool
is_valid(const struct ringbus_ring_options *options)
{
    return options->capacity >= 2 && options->capacity <= RINGBUS_RING_MAX_CAPACITY &&
           (options->capacity & (options->capacity - 1)) == 0 && options->slot_size > 0 &&
           options->slot_size <= RINGBUS_RING_MAX_SLOT &&
           options->max_readers <= RINGBUS_RING_MAX_READERS &&
           options->wait <= RINGBUS_WAIT_BLOCK && options->first >= 0 &&
           options->first <= INT64_C(1) << 62;
}

static int
read_options(const struct ringbus_ring_options *given, struct ringbus_ring_options *ret_options)
{
    *ret_options = ringbus_ring_options_default();
    if (ringbus__options_read(ret_options, sizeof *ret_options, sizeof *ret_options, given) != 0)
        return RINGBUS_EINVAL;
    if (ret_options->capacity == 0)
        ret_options->capacity = DEFAULT_CAPACITY;
    if (ret_options->slot_size == 0)
        ret_options->slot_size = DEFAULT_SLOT;
    if (ret_options->max_readers == 0)
        ret_options->max_readers = DEFAULT_READERS;
    return is_valid(ret_options) ? RINGBUS_OK : RINGBUS_EINVAL;
}

static size_t
stride_for(uint32_t slot_size)
{
    return (sizeof(struct slot) + slot_size + SLOT_ALIGNMENT - 1) / SLOT_ALIGNMENT * SLOT_ALIGNMENT;
}

static void
init_line(struct ringbus_ring *ring, int64_t first)
{
    store_u64(&ring->next, (uint64_t)first, ORDER_OWN);
    store_i64(&ring->gate, first - 1, ORDER_OWN);
    for (int64_t i = 0; i < (int64_t)ring->capacity; i++)
        store_u64(&ring_slot(ring, first + i)->stamp,
            stamp_of(first + i) - ((uint64_t)ring->capacity << 1), ORDER_OWN);
    for (uint32_t i = 0; i < ring->max_readers; i++) {
        ring->readers[i].ring = ring;
        ring->readers[i].bit = UINT64_C(1) << i;
        store_i64(&ring->readers[i].position, INT64_MAX, ORDER_OWN);
    }
}

int
ringbus_ring_open(const struct ringbus_ring_options *given, struct ringbus_ring **ret_ring)
{
    struct ringbus_ring_options options;
    struct ringbus_allocator allocator;
    struct ringbus_ring *ring = NULL;

    if (ret_ring == NULL || read_options(given, &options) != 0 ||
        ringbus__alloc_init(options.allocator, &allocator) != 0)
        return RINGBUS_EINVAL;
    ringbus__barrier_init();
    ring = ringbus__alloc(&allocator, sizeof *ring, CPU_LINE);
    if (ring == NULL)
        return RINGBUS_ENOMEM;
    ring->allocator = allocator;
    ring->mask = options.capacity - 1;
    ring->capacity = options.capacity;
    ring->slot_size = options.slot_size;
    ring->stride = stride_for(options.slot_size);
    ring->max_readers = options.max_readers;
    ring->wait = options.wait;
    if (ring->stride > SIZE_MAX / ring->capacity) {
        ringbus__release(&allocator, ring, sizeof *ring);
        return RINGBUS_ENOMEM;
    }
    ring->readers =
        ringbus__alloc(&allocator, options.max_readers * sizeof *ring->readers, CPU_LINE);
    ring->slots = ringbus__alloc(&allocator, ring->capacity * ring->stride, CPU_LINE);
    if (ring->readers == NULL || ring->slots == NULL) {
        ringbus_ring_close(ring);
        return RINGBUS_ENOMEM;
    }
    init_line(ring, options.first);
    *ret_ring = ring;
    return RINGBUS_OK;
}

void
ringbus_ring_close(struct ringbus_ring *ring)
{
    struct ringbus_allocator allocator;

    if (ring == NULL)
        return;
    allocator = ring->allocator;
    ringbus__release(&allocator, ring->slots, ring->capacity * ring->stride);
    ringbus__release(&allocator, ring->readers, ring->max_readers * sizeof *ring->readers);
    ringbus__release(&allocator, ring, sizeof *ring);
}

static void
wake_everybody(struct ringbus_ring *ring)
{
    ring_moved(ring);
    ringbus__ring_wake(ring, &ring->sleepers, ~UINT64_C(0));
}

void
ringbus_ring_end(struct ringbus_ring *ring)
{
    if (ring == NULL)
        return;
    lock_acquire(&ring->lock); /* no claim by a pass is under way */
    /* STATE release: whoever finds the line ended finds what led to it. */
    store_u32(&ring->has_ended, 1, ORDER_STATE_RELEASE);
    lock_release(&ring->lock);
    ringbus__ring_restrict(ring);
}

void
ringbus__ring_restrict(struct ringbus_ring *ring)
{
    /* CUT release: what was changed before is visible to a claim that is refused. */
    or_u64(&ring->next, RING_CLOSED, ORDER_CUT_RELEASE);
    wake_everybody(ring);
}

void
ringbus__ring_reopen(struct ringbus_ring *ring)
{
    /* CUT release: a claim of the new life sees what the old one ended with. */
    and_u64(&ring->next, ~RING_CLOSED, ORDER_CUT_RELEASE);
    store_u32(&ring->has_ended, 0, ORDER_OWN);
}

int64_t
ringbus__ring_cut(struct ringbus_ring *ring)
{
    /* CUT release: a claim of a later sequence reads this or a later value, and with it what came before. */
    return (int64_t)(add_u64(&ring->next, 0, ORDER_CUT_RELEASE) & ~RING_CLOSED);
}

int64_t
ringbus__ring_next(const struct ringbus_ring *ring)
{
    return (int64_t)(load_u64(&ring->next, ORDER_CUT_ACQUIRE) & ~RING_CLOSED);
}

bool
ringbus__ring_is_idle(struct ringbus_ring *ring)
{
    const int64_t next = ringbus__ring_next(ring);

    return ringbus__gate_refresh(ring, next - 1, next);
}

struct ringbus_view
ringbus_ring_view(const struct ringbus_ring *ring)
{
    return (struct ringbus_view){
        .payload = ring->slots + sizeof(struct slot),
        .mask = ring->mask,
        .stride = ring->stride,
        .slot_size = ring->slot_size,
    };
}

int64_t
ringbus_ring_cursor(const struct ringbus_ring *ring)
{
    return ringbus__ring_next(ring) - 1;
}
