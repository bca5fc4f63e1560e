/* memory.h - the bytes a bus holds. */
#ifndef RINGBUS_BUS_FIGURES_MEMORY_H
#define RINGBUS_BUS_FIGURES_MEMORY_H

#include "bus/bus.h"

/* Give the bus, which was itself allocated by `given`, an allocator that counts what it has from there. */
void ringbus__memory_count(struct ringbus_bus *bus, const struct ringbus_allocator *given);

#endif
