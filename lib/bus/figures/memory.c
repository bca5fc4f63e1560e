/* memory.c - the bytes a bus holds, counted where they are allocated; and what a bus, or a group, would take.
 *
 * I1  a size that is told beforehand comes from the function that the allocation takes it from */
#include "bus/figures/memory.h"

#include "bus/executor/poll.h"
#include "bus/executor/reference.h"
#include "bus/group.h"
#include "bus/post/post.h"

/* ---- what it holds ---- */

static void *
allocate(size_t size, size_t alignment, void *context)
{
    struct ringbus_bus *bus = context;
    void *memory = bus->given.allocate(size, alignment, bus->given.context);

    if (memory != NULL)
        add_u64(&bus->memory, size, ORDER_COUNT);
    return memory;
}

static void
release(void *memory, size_t size, void *context)
{
    struct ringbus_bus *bus = context;

    add_u64(&bus->memory, -(uint64_t)size, ORDER_COUNT);
    bus->given.release(memory, size, bus->given.context);
}

void
ringbus__memory_count(struct ringbus_bus *bus, const struct ringbus_allocator *given)
{
    bus->given = *given;
    bus->allocator = (struct ringbus_allocator){allocate, release, bus};
    store_u64(&bus->memory, sizeof *bus, ORDER_COUNT);
}

/* ---- what it would take ---- */

/* A group with a ring: group.c's make_group and open_ring. */
static int64_t
ring_memory(const struct ringbus_group_options *options)
{
    const struct ringbus_ring_options ring = ringbus__group_ring(options);
    const int64_t memory = ringbus__ring_memory(&ring);
    size_t more = ringbus__board_memory(options->lanes) + ringbus__overflow_memory(options);

    if (options->kind == RINGBUS_GROUP_POLLED)
        more += ringbus__poll_memory();
    return memory < 0 ? memory : memory + (int64_t)more;
}

int64_t
ringbus_group_memory(const struct ringbus_group_options *given)
{
    const bool is_loop = given != NULL && given->size > 0 && given->kind == RINGBUS_GROUP_LOOP;
    struct ringbus_group_options options;
    int64_t memory = 0;

    if (ringbus__group_options(given, is_loop, &options) != RINGBUS_OK)
        return RINGBUS_EINVAL;
    memory = options.kind == RINGBUS_GROUP_CALLER
                 ? (int64_t)ringbus__caller_memory(options.capacity, options.slot_size)
                 : ring_memory(&options);
    if (memory < 0)
        return memory;
    return memory + (int64_t)(sizeof(struct ringbus_group) + options.lanes * sizeof(struct lane) +
                              ringbus__reference_memory(
                                  overflow_blocks(options.capacity, options.overflow)));
}

int64_t
ringbus_memory(const struct ringbus_options *given)
{
    struct ringbus_options options;
    struct ringbus_allocator allocator;
    int64_t group = 0;

    if (ringbus__bus_options(given, &options) != RINGBUS_OK ||
        ringbus__alloc_init(options.allocator, &allocator) != RINGBUS_OK ||
        (options.default_group != NULL && options.default_group->size > 0 &&
            options.default_group->kind == RINGBUS_GROUP_LOOP))
        return RINGBUS_EINVAL;
    group = ringbus_group_memory(options.default_group);
    return group < 0 ? group : group + (int64_t)sizeof(struct ringbus_bus);
}
