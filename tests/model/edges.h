/* edges.h - the edges of lib/base/order.h, by name. */
#ifndef RINGBUS_MODEL_EDGES_H
#define RINGBUS_MODEL_EDGES_H

#include <stdatomic.h>
#include <stdbool.h>

#define MODEL_EDGES(X)                                                                             \
    X(PUBLISH_RELEASE)                                                                             \
    X(PUBLISH_ACQUIRE)                                                                             \
    X(WORD_RELEASE)                                                                                \
    X(WORD_ACQUIRE)                                                                                \
    X(POSITION_RELEASE)                                                                            \
    X(FREE_ACQUIRE)                                                                                \
    X(STAGE_ACQUIRE)                                                                               \
    X(TAKE_RELEASE)                                                                                \
    X(GATE_RELEASE)                                                                                \
    X(GATE_ACQUIRE)                                                                                \
    X(CUT_RELEASE)                                                                                 \
    X(CUT_ACQUIRE)                                                                                 \
    X(LOCK_RELEASE)                                                                                \
    X(LOCK_ACQUIRE)                                                                                \
    X(WAKE)                                                                                        \
    X(TABLE_RELEASE)                                                                               \
    X(TABLE_ACQUIRE)                                                                               \
    X(EPOCH_RELEASE)                                                                               \
    X(EPOCH_ACQUIRE)                                                                               \
    X(CALL_RELEASE)                                                                                \
    X(CALL_ACQUIRE)                                                                                \
    X(DROP)                                                                                        \
    X(STATE_RELEASE)                                                                               \
    X(STATE_ACQUIRE)

#define MODEL_EDGE(edge) MODEL_##edge,
enum model_edge { MODEL_EDGES(MODEL_EDGE) MODEL_EDGE_COUNT };
#undef MODEL_EDGE

extern memory_order model_orders[MODEL_EDGE_COUNT];

/* Relax an edge, by its name in order.h without ORDER_; false: there is none of that name. */
bool edges_weaken(const char *name);

#endif
