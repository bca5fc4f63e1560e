/* cases_growth.c - what grows with the number of topics, consumers, groups, patterns, bytes: see cases.h.
 *
 * The sides of a case are its settings, which `wait` has, so that a round has all of them: `ringbus` is the largest, or
 * the one that most is asked of, `n<x>` are others; their lines have the largest one's ratio to theirs. All are ns an
 * event unless it says otherwise. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {"growth_hot", "n16", 1.3, NULL},
    {"growth_consumers_further", NULL, 5, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"growth_hot", "n16", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "1000000", true},
            {"n16", "ringbus", "16", false},
            {"n1000", "ringbus", "1000", false},
            {"n100000", "ringbus", "100000", false},
        }},
    {"growth_uniform", "n16", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "1000000", true},
            {"n16", "ringbus", "16", false},
            {"n1000", "ringbus", "1000", false},
            {"n100000", "ringbus", "100000", false},
            {"cache_miss", "raw", "1000000", false},
            {"cache_miss_n16", "raw", "16", false},
        }},
    {"growth_consumers", "n1", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "10000", true},
            {"n1", "ringbus", "1", false},
            {"n10", "ringbus", "10", false},
            {"n100", "ringbus", "100", false},
            {"n1000", "ringbus", "1000", false},
        }},
    /* ns for each further consumer of an event */
    {"growth_consumers_further", "ringbus", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "1000", true},
        }},
    {"growth_groups", "n1", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "32", true},
            {"n1", "ringbus", "1", false},
            {"n2", "ringbus", "2", false},
            {"n4", "ringbus", "4", false},
            {"n8", "ringbus", "8", false},
        }},
    {"growth_patterns", "n0", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "10000", true},
            {"n0", "ringbus", "0", false},
            {"n1", "ringbus", "1", false},
            {"n100", "ringbus", "100", false},
        }},
    {"growth_patterns_byname", "n0", KIND_NS, 1000000,
        {
            {"ringbus", "ringbus", "10000", true},
            {"n0", "ringbus", "0", false},
            {"n1", "ringbus", "1", false},
            {"n100", "ringbus", "100", false},
        }},
    {"growth_new_name", "n1", KIND_NS, 1000000,
        {
            {"ringbus", "ringbus", "10000", true},
            {"n0", "ringbus", "0", false},
            {"n1", "ringbus", "1", false},
        }},
    {"growth_payload", "n8", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "65536", true},
            {"n8", "ringbus", "8", false},
            {"n64", "ringbus", "64", false},
            {"n512", "ringbus", "512", false},
            {"n4096", "ringbus", "4096", false},
        }},
    {"growth_payload_reference", "n8", KIND_NS, 500000,
        {
            {"ringbus", "ringbus", "65536", true},
            {"n8", "ringbus", "8", false},
            {"n64", "ringbus", "64", false},
            {"n512", "ringbus", "512", false},
            {"n4096", "ringbus", "4096", false},
        }},
    /* bytes; `wait` is how many groups there may be, 0: the default, 16 */
    {"bytes_topic", "ringbus", KIND_BYTES, 10000,
        {
            {"ringbus", "ringbus", "0", true},
            {"one_group", "ringbus", "1", false},
        }},
    {"bytes_consumer", "ringbus", KIND_BYTES, 1000,
        {
            {"ringbus", "ringbus", "0", true},
        }},
    {"bytes_group", "ringbus", KIND_BYTES, 1000,
        {
            {"ringbus", "ringbus", "0", true},
        }},
    {NULL, NULL, KIND_RATE, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table growth_cases = {cases, goals};
