/* cases_sync.c - posts delivered on the posting thread before they return: see cases.h and calls.h. */
#include <stddef.h>

#include "cases.h"

static const struct goal goals[] = {
    {"sync_post_1", "call", 4, NULL},
    {"sync_post_1", "ringbus_serialized", 8, NULL}, /* to `call`, as all of our other builds */
    {"sync_post_1", "guava_sync", .1, NULL},
    {"sync_post_10", "call", 4, NULL},
    {"sync_post_10", "ringbus_serialized", 8, NULL},
    {"sync_post_10", "guava_sync", .1, NULL},
    {"sync_post_1_byname", "call_hash_lock", 1.3, NULL},
    {NULL, NULL, 0, NULL},
};

static const struct bus_case cases[] = {
    {"sync_post_1", "call", KIND_NS, 3000000,
        {
            {"ringbus", "ringbus", "thread_safe", true},
            {"ringbus_serialized", "ringbus", "serialized", true},
            {"ringbus_byname", "ringbus", "byname", true},
            {"call", "raw", "call", false},
            {"glib_signal", "glib_signal", "usual", false},
            {"guava_sync", "guava", "sync", false},
            {"guava_thread_safe", "guava", "sync_thread_safe", false},
        }},
    {"sync_post_10", "call", KIND_NS, 600000,
        {
            {"ringbus", "ringbus", "thread_safe", true},
            {"ringbus_serialized", "ringbus", "serialized", true},
            {"ringbus_byname", "ringbus", "byname", true},
            {"call", "raw", "call", false},
            {"glib_signal", "glib_signal", "usual", false},
            {"guava_sync", "guava", "sync", false},
            {"guava_thread_safe", "guava", "sync_thread_safe", false},
        }},
    {"sync_post_1_byname", "call_hash_lock", KIND_NS, 2000000,
        {
            {"ringbus", "ringbus", "byname", true},
            {"call_hash_lock", "raw", "hash_lock", false},
        }},
    {NULL, NULL, KIND_NS, 0, {{NULL, NULL, NULL, false}}},
};

const struct case_table sync_cases = {cases, goals};
