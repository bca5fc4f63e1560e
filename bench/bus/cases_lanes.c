/* cases_lanes.c - one, two and four lanes beside each other, ns an event: see cases.h and ours/lanes.c. The ratios are
 * to one lane. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"lanes_0", "lanes_1_0", KIND_NS, 400000,
        {
            {"lanes_1_0", "ringbus", "1", true},
            {"lanes_2_0", "ringbus", "2", true},
            {"lanes_4_0", "ringbus", "4", true},
        }},
    {"lanes_0_thread_safe", "lanes_1_0", KIND_NS, 400000,
        {
            {"lanes_1_0", "ringbus", "1", true},
            {"lanes_2_0", "ringbus", "2", true},
            {"lanes_4_0", "ringbus", "4", true},
        }},
    {"lanes_200ns", "lanes_1_200ns", KIND_NS, 200000,
        {
            {"lanes_1_200ns", "ringbus", "1", true},
            {"lanes_2_200ns", "ringbus", "2", true},
            {"lanes_4_200ns", "ringbus", "4", true},
        }},
    {"lanes_200ns_thread_safe", "lanes_1_200ns", KIND_NS, 200000,
        {
            {"lanes_1_200ns", "ringbus", "1", true},
            {"lanes_2_200ns", "ringbus", "2", true},
            {"lanes_4_200ns", "ringbus", "4", true},
        }},
    {"lanes_2us", "lanes_1_2us", KIND_NS, 40000,
        {
            {"lanes_1_2us", "ringbus", "1", true},
            {"lanes_2_2us", "ringbus", "2", true},
            {"lanes_4_2us", "ringbus", "4", true},
        }},
    {"lanes_2us_thread_safe", "lanes_1_2us", KIND_NS, 40000,
        {
            {"lanes_1_2us", "ringbus", "1", true},
            {"lanes_2_2us", "ringbus", "2", true},
            {"lanes_4_2us", "ringbus", "4", true},
        }},
    {"lanes_slow", "lanes_1_slow", KIND_NS, 300000,
        {
            {"lanes_1_slow", "ringbus", "1", true},
            {"lanes_2_slow", "ringbus", "2", true},
            {"lanes_4_slow", "ringbus", "4", true},
        }},
    {"lanes_slow_thread_safe", "lanes_1_slow", KIND_NS, 300000,
        {
            {"lanes_1_slow", "ringbus", "1", true},
            {"lanes_2_slow", "ringbus", "2", true},
            {"lanes_4_slow", "ringbus", "4", true},
        }},
    {NULL, NULL, KIND_NS, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table lanes_cases = {cases, goals};
