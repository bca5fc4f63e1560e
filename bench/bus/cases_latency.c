/* cases_latency.c - from when an event was due to its delivery, at a steady rate: see cases.h and schedule.h.
 *
 * What a pass's samples bear: of 300 the p99 is the third from above, and there is no p999; of 20,000 the p999 is the
 * twentieth from above; of 200,000 it is the 200th, and the p9999 the twentieth. What is reported is the median of
 * the rounds. */
#include <stddef.h>

#include "cases.h"

#define SIDES                                                                                      \
    {                                                                                              \
        {"ringbus", "ringbus", "usual", true}, {"ringbus_loop", "ringbus", "loop", true},          \
            {"ringbus_spin", "ringbus", "spin", true},                                             \
            {"mutex_queue", "mutex_queue", "usual", false}, {"lmax", "lmax", "yield", false},      \
            {"lmax_block", "lmax", "block", false},                                                \
    }

static const struct goal goals[] = {
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"latency_1k", "lmax", KIND_LATENCY_FEW, 300, SIDES},
    {"latency_100k", "lmax", KIND_LATENCY, 20000, SIDES},
    {"latency_1m", "lmax", KIND_LATENCY_MANY, 200000, SIDES},
    {NULL, NULL, KIND_LATENCY, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table latency_cases = {cases, goals};
