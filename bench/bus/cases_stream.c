/* cases_stream.c - a stream of events through a bus: see cases.h and workload.h. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {"bus_1p_16t_1s", "guava_async", 15, NULL},
    {"bus_1p_16t_1s", "glib_pool", 25, NULL},
    {"bus_1p_16t_1s", "zeromq_inproc", 15, NULL},
    {"bus_1p_16t_1s", "nng_inproc", 100, NULL},
    {"bus_1p_16t_1s", "lmax_hashmap", .85, NULL},
    {"bus_2p_16t_1s", "lmax_hashmap", 1.5, NULL},
    {"bus_1p_16t_1s", "ideal", 1 / 1.3, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"bus_1p_16t_1s", "lmax_hashmap", KIND_RATE, 2000000,
        {
            {"ringbus", "ringbus", "usual", true},
            {"mutex_queue", "mutex_queue", "usual", false},
        }},
    {"bus_2p_16t_1s", "lmax_hashmap", KIND_RATE, 2000000,
        {
            {"ringbus", "ringbus", "usual", true},
            {"mutex_queue", "mutex_queue", "usual", false},
        }},
    {NULL, NULL, KIND_RATE, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table stream_cases = {cases, goals};
