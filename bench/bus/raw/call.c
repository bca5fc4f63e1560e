/* call.c - the least a synchronous post can be: an indirect call of each handler. With WAIT `hash_lock` preceded by
 * what a post by name cannot do without: the name's keyed hash, and a lock that nobody else wants. */
#include <string.h>

#include "base/hash.h"
#include "base/lock.h"
#include "calls.h"
#include "raw.h"
#include "workload.h"

/* volatile: nobody knows at compile time what is called, and by which name */
static struct {
    struct {
        ringbus_handler volatile handler;
        void *context;
    } table[CALLS_MAX_CONSUMERS];
    int count;
    bool is_by_name;
    const char *volatile name;
    struct hash_key key;
    uint64_t hash;
    struct lock lock;
} calls;

static bool
call_open(int consumers, const char *wait)
{
    calls.count = consumers;
    calls.is_by_name = strcmp(wait, "hash_lock") == 0;
    calls.name = CALLS_TOPIC;
    for (int i = 0; i < consumers; i++) {
        calls.table[i].handler = calls_handle;
        calls.table[i].context = &calls_consumers[i];
    }
    return calls.is_by_name || strcmp(wait, "call") == 0;
}

static void
call_all(const struct ringbus_event *event)
{
    for (int i = 0; i < calls.count; i++)
        calls.table[i].handler(event, calls.table[i].context);
}

static void
call_post(uint64_t events)
{
    struct workload_event data = {.number = 0};
    const struct ringbus_event event = {
        .topic = CALLS_TOPIC, .data = &data, .size = sizeof data, .sequence = -1};

    for (uint64_t i = 0; i < events; i++) {
        data.number = i;
        if (calls.is_by_name) {
            const char *name = calls.name;

            calls.hash ^= ringbus__hash(&calls.key, name, strlen(name));
            lock_acquire(&calls.lock);
            lock_release(&calls.lock);
        }
        call_all(&event);
    }
}

static void
call_close(void)
{
}

bool
call_run(const struct request *request, struct figures *ret_figures)
{
    static const struct calls_system system = {call_open, call_post, call_close};

    return calls_run(&system, request, ret_figures);
}
