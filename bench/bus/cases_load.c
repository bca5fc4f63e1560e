/* cases_load.c - a bus while much else goes on: a thousand registrations a second beside the canonical stream of one
 * poster, and two or eight threads a core, half of them posters: see cases.h and workload.h. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {"churn_1k", "ringbus_still", 1 / 1.1, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    /* `still`: the other thread wakes as often, and registers nothing */
    {"churn_1k", "ringbus_still", KIND_RATE, 6000000,
        {
            {"ringbus", "ringbus", "churn", true},
            {"ringbus_still", "ringbus", "still", false},
        }},
    {"oversubscribed_2x", "mutex_queue", KIND_RATE, 2000000,
        {
            {"ringbus", "ringbus", "usual", true},
            {"mutex_queue", "mutex_queue", "usual", false},
        }},
    {"oversubscribed_8x", "mutex_queue", KIND_RATE, 2000000,
        {
            {"ringbus", "ringbus", "usual", true},
            {"mutex_queue", "mutex_queue", "usual", false},
        }},
    {NULL, NULL, KIND_RATE, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table load_cases = {cases, goals};
