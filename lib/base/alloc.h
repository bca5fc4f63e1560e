/* alloc.h - all memory of the library comes through here. */
#ifndef RINGBUS_BASE_ALLOC_H
#define RINGBUS_BASE_ALLOC_H

#include <stddef.h>

#include "ringbus/types.h"

/* Fill `ret_allocator` from the user's, NULL: the C library's. RINGBUS_EINVAL if only one function is given. */
int ringbus__alloc_init(
    const struct ringbus_allocator *given, struct ringbus_allocator *ret_allocator);

/* Zeroed memory, or NULL. `alignment` is a power of two. */
void *ringbus__alloc(const struct ringbus_allocator *allocator, size_t size, size_t alignment);

/* NULL is allowed. */
void ringbus__release(const struct ringbus_allocator *allocator, void *memory, size_t size);

#endif
