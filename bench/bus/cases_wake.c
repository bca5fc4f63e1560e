/* cases_wake.c - delivery on a loop, wake-ups from idle, and what idling costs: see cases.h and wakes.h. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {"loop_delivery", "uv_mutex_list", 4, NULL},
    {"wake_executor", "futex", 1.1, NULL},
    {"wake_loop", "uv_async", 1.1, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"loop_delivery", "uv_mutex_list", KIND_RATE, 1000000,
        {
            {"ringbus", "ringbus", "usual", true},
            {"uv_mutex_list", "uv_mutex_list", "usual", false},
        }},
    {"wake_executor", "futex", KIND_LATENCY_FEW, 150,
        {
            {"ringbus", "ringbus", "usual", true},
            {"futex", "raw", "usual", false},
        }},
    {"wake_loop", "uv_async", KIND_LATENCY_FEW, 150,
        {
            {"ringbus", "ringbus", "usual", true},
            {"uv_async", "raw", "usual", false},
        }},
    {"idle_cpu", "ringbus", KIND_PERCENT, 1000, /* milliseconds */
        {
            {"ringbus", "ringbus", "executor", true},
            {"ringbus_loop", "ringbus", "loop", true},
        }},
    {NULL, NULL, KIND_RATE, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table wake_cases = {cases, goals};
