/* edges.c - the edges of lib/base/order.h, as they are there or weakened. */
#include "edges.h"

#include <string.h>

#include "../lib/base/order.h"
#include "machine.h"

#define MODEL_EDGE(edge) ORDER_##edge,
memory_order model_orders[MODEL_EDGE_COUNT] CHECKERS_OWN = {MODEL_EDGES(MODEL_EDGE)};
#undef MODEL_EDGE

#define MODEL_EDGE(edge) #edge,
static const char *const names[] = {MODEL_EDGES(MODEL_EDGE)};

bool
edges_weaken(const char *name)
{
    for (int i = 0; i < MODEL_EDGE_COUNT; i++) {
        if (strcmp(names[i], name) == 0) {
            model_orders[i] = memory_order_relaxed;
            return true;
        }
    }
    return false;
}
