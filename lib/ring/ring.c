/* ring.c - a ring's life: open, end, close, and the life after that.
 *
 * Edges: CUT (a read-modify-write of the claim word), STATE (has_ended).
 * Source: the value-based end of the line is disruptor-rs's shutdown_at, kept in the claim word. */
#include "ring/ring.h"

#include "base/alloc.h"
#include "base/options.h"

enum { DEFAULT_CAPACITY = 1024, DEFAULT_SLOT = 48, DEFAULT_READERS = 8 };
enum { DEFAULT_ALIGNMENT = 16, DEFAULT_STRIDE = 64, LEAST_ALIGNMENT = 8, MOST_ALIGNMENT = 4096 };

static uint32_t
round_up(uint32_t size, uint32_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/* What a slot has before its payload: the stamp, and what alignment costs. */
static uint32_t
padding_for(uint32_t alignment)
{
    return round_up(sizeof(struct atomic_u64), alignment);
}

static bool
is_power_of_two(uint32_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

static bool
is_slot_valid(const struct ringbus_ring_options *options)
{
    return options->slot_size > 0 && options->slot_size <= RINGBUS_RING_MAX_SLOT &&
           is_power_of_two(options->alignment) && options->alignment >= LEAST_ALIGNMENT &&
           options->alignment <= MOST_ALIGNMENT && options->stride % options->alignment == 0 &&
           options->stride / 2 <= RINGBUS_RING_MAX_SLOT &&
           options->stride >= padding_for(options->alignment) + options->slot_size;
}

static bool
is_valid(const struct ringbus_ring_options *options)
{
    const bool is_plain = options->history == 0 && options->clear == NULL;

    return options->capacity >= 2 && options->capacity <= RINGBUS_RING_MAX_CAPACITY &&
           is_power_of_two(options->capacity) && is_slot_valid(options) &&
           options->max_readers <= RINGBUS_RING_MAX_READERS && options->first >= 0 &&
           options->first <= INT64_C(1) << 62 && options->producers <= RINGBUS_PRODUCERS_SINGLE &&
           options->history <= options->capacity / 2 && (!options->is_lossy || is_plain) &&
           ringbus__wait_is_valid(options->wait, options->custom, false);
}

static void
fill_in(struct ringbus_ring_options *options)
{
    if (options->capacity == 0)
        options->capacity = DEFAULT_CAPACITY;
    if (options->slot_size == 0)
        options->slot_size = DEFAULT_SLOT;
    if (options->max_readers == 0)
        options->max_readers = DEFAULT_READERS;
    if (options->alignment == 0)
        options->alignment = DEFAULT_ALIGNMENT;
    if (options->stride == 0 && is_power_of_two(options->alignment) &&
        options->alignment <= MOST_ALIGNMENT && options->slot_size <= RINGBUS_RING_MAX_SLOT) {
        const uint32_t unit =
            DEFAULT_STRIDE > options->alignment ? DEFAULT_STRIDE : options->alignment;

        options->stride = round_up(padding_for(options->alignment) + options->slot_size, unit);
    }
}

static int
read_options(const struct ringbus_ring_options *given, struct ringbus_ring_options *ret_options)
{
    *ret_options = ringbus_ring_options_default();
    if (ringbus__options_read(ret_options, sizeof *ret_options, sizeof *ret_options, given) != 0)
        return RINGBUS_EINVAL;
    fill_in(ret_options);
    return is_valid(ret_options) ? RINGBUS_OK : RINGBUS_EINVAL;
}

static void
set_up(struct ringbus_ring *ring, const struct ringbus_ring_options *options)
{
    ring->mask = options->capacity - 1;
    ring->capacity = options->capacity;
    ring->slot_size = options->slot_size;
    ring->stride = options->stride;
    ring->padding = padding_for(options->alignment);
    ring->alignment = options->alignment > CPU_LINE ? options->alignment : CPU_LINE;
    ring->max_readers = options->max_readers;
    ring->wait = options->wait;
    if (options->custom != NULL)
        ring->custom = *options->custom;
    ring->history = options->history;
    ring->is_single = options->producers == RINGBUS_PRODUCERS_SINGLE;
    ring->is_lossy = options->is_lossy != 0;
    ring->first = options->first;
    store_u32(&ring->brake, barrier_is_fenced() ? BRAKE_FENCED : 0, ORDER_OWN);
    ring->clear = options->clear;
    ring->clear_context = options->clear_context;
}

static void
init_line(struct ringbus_ring *ring, int64_t first)
{
    store_u64(&ring->next, (uint64_t)first, ORDER_OWN);
    store_i64(&ring->gate, ring->is_lossy ? INT64_MIN : first - 1, ORDER_OWN);
    store_i64(&ring->unread, first - 1, ORDER_OWN);
    store_i64(&ring->joined, first - 1, ORDER_OWN);
    store_i64(&ring->cleared, first - 1, ORDER_OWN);
    store_i64(&ring->end, INT64_MAX, ORDER_OWN);
    ring->seen_published = ring->seen_open = first - 1;
    for (int64_t i = 0; i < (int64_t)ring->capacity; i++)
        store_u64(&ring_slot(ring, first + i)->stamp,
            stamp_of(first + i) - ((uint64_t)ring->capacity << 1), ORDER_OWN);
    for (uint32_t i = 0; i < ring->max_readers; i++) {
        ring->readers[i].ring = ring;
        ring->readers[i].bit = UINT64_C(1) << i;
        store_i64(&ring->readers[i].position, INT64_MAX, ORDER_OWN);
    }
}

/* Of its readers, and of its slots, as one of these options has them. */
static size_t
readers_size(uint32_t max_readers)
{
    return max_readers * sizeof(struct ringbus_reader);
}

static size_t
slots_size(uint32_t capacity, size_t stride)
{
    return capacity * stride;
}

int64_t
ringbus__ring_memory(const struct ringbus_ring_options *given)
{
    struct ringbus_ring_options options;

    if (read_options(given, &options) != 0)
        return RINGBUS_EINVAL;
    if (options.stride > SIZE_MAX / 2 / options.capacity)
        return RINGBUS_ENOMEM;
    return (int64_t)(sizeof(struct ringbus_ring) + readers_size(options.max_readers) +
                     slots_size(options.capacity, options.stride));
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
    set_up(ring, &options);
    if (ring->stride > SIZE_MAX / ring->capacity) {
        ringbus__release(&allocator, ring, sizeof *ring);
        return RINGBUS_ENOMEM;
    }
    ring->readers = ringbus__alloc(&allocator, readers_size(ring->max_readers), CPU_LINE);
    ring->slots =
        ringbus__alloc(&allocator, slots_size(ring->capacity, ring->stride), ring->alignment);
    if (ring->readers == NULL || ring->slots == NULL) {
        ringbus_ring_close(ring);
        return RINGBUS_ENOMEM;
    }
    init_line(ring, options.first);
    *ret_ring = ring;
    return RINGBUS_OK;
}

static void
release_shares(struct ringbus_ring *ring)
{
    for (uint32_t i = 0; ring->readers != NULL && i < ring->max_readers; i++)
        if (ring->readers[i].share != NULL && ring->readers[i].stands_for != ring->readers[i].bit)
            ringbus__share_release(ring->readers[i].share);
}

void
ringbus_ring_close(struct ringbus_ring *ring)
{
    struct ringbus_allocator allocator;

    if (ring == NULL)
        return;
    if (ring->slots != NULL)
        ringbus__gate_clear_rest(ring);
    release_shares(ring);
    allocator = ring->allocator;
    ringbus__release(&allocator, ring->slots, slots_size(ring->capacity, ring->stride));
    ringbus__release(&allocator, ring->readers, readers_size(ring->max_readers));
    ringbus__release(&allocator, ring, sizeof *ring);
}

void
ringbus__ring_wake_everybody(struct ringbus_ring *ring)
{
    ring_moved(ring);
    ringbus__ring_wake(ring, &ring->sleepers);
}

void
ringbus_ring_end(struct ringbus_ring *ring)
{
    int64_t unknown = INT64_MAX;

    if (ring == NULL)
        return;
    lock_acquire(&ring->lock); /* no claim by a pass is under way */
    /* STATE release: whoever finds the line ended finds what led to it. */
    store_u32(&ring->has_ended, 1, ORDER_STATE_RELEASE);
    lock_release(&ring->lock);
    if (!ring->is_single) {
        ringbus__ring_restrict(ring);
        return;
    }
    /* STATE release: whoever finds the line ended finds what led to it. */
    or_u32(&ring->brake, BRAKE_ENDED, ORDER_STATE_RELEASE);
    store_i64(&ring->gate, INT64_MIN, ORDER_HINT); /* claim_single.c I4 */
    ringbus__barrier_heavy();
    /* STATE release: claim_single.c I1. Whoever ends the line first says where. */
    cas_i64(&ring->end, &unknown, ringbus__ring_next(ring), ORDER_STATE_RELEASE);
    ringbus__ring_wake_everybody(ring);
}

void
ringbus__ring_on_wake(struct ringbus_ring *ring, void (*wake)(void *context), void *context)
{
    ring->wake = wake;
    ring->wake_context = context;
    or_u32(&ring->brake, BRAKE_FENCED, ORDER_OWN);
}

void
ringbus__ring_on_scan(struct ringbus_ring *ring, int64_t (*board)(void *context), void *context)
{
    ring->board = board;
    ring->board_context = context;
}

void
ringbus__ring_restrict(struct ringbus_ring *ring)
{
    /* CUT release: what was changed before is visible to a claim that is refused. */
    or_u64(&ring->next, RING_CLOSED, ORDER_CUT_RELEASE);
    ringbus__ring_wake_everybody(ring);
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
        .payload = ring->slots + ring->padding,
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
