/* alloc.c - the user's allocator, or the C library's. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "ringbus/error.h"

static void *
allocate(size_t size, size_t alignment, void *context)
{
    void *memory = NULL;

    (void)context;
    if (posix_memalign(&memory, alignment < sizeof(void *) ? sizeof(void *) : alignment, size) != 0)
        return NULL;
    return memory;
}

static void
release(void *memory, size_t size, void *context)
{
    (void)size;
    (void)context;
    free(memory);
}

int
ringbus__alloc_init(const struct ringbus_allocator *given, struct ringbus_allocator *ret_allocator)
{
    if (given == NULL) {
        *ret_allocator = (struct ringbus_allocator){allocate, release, NULL};
        return RINGBUS_OK;
    }
    if (given->allocate == NULL || given->release == NULL)
        return RINGBUS_EINVAL;
    *ret_allocator = *given;
    return RINGBUS_OK;
}

void *
ringbus__alloc(const struct ringbus_allocator *allocator, size_t size, size_t alignment)
{
    void *memory = allocator->allocate(size, alignment, allocator->context);

    if (memory != NULL)
        memset(memory, 0, size);
    return memory;
}

void
ringbus__release(const struct ringbus_allocator *allocator, void *memory, size_t size)
{
    if (memory != NULL)
        allocator->release(memory, size, allocator->context);
}
