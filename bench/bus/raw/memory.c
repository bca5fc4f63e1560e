/* memory.c - what more and more topics cost the memory alone: as many objects as there are topics, as large as one of
 * ours is with its registration, touched in the same random order.
 *
 * No bus can do with less: the poster reads a line of the object, to know where to; behind it, on another thread, the
 * reader reads another line, to know whom to call, and counts there. Nothing is copied, nothing called, and none of it
 * waits for what was read before, so that misses overlap as far as the processor can. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "bench.h"
#include "raw.h"
#include "ringbus/types.h"

enum { LINE = 64, OBJECT_LINES = 12, PUBLISHED_AT_ONCE = 64 };

struct object {
    _Alignas(LINE) uint64_t number;
    _Alignas(LINE) uint64_t count;
    unsigned char rest[(OBJECT_LINES - 2) * LINE];
};

static struct {
    struct object *objects, **order;
    uint64_t count, events, numbers_sum;
    uint64_t read_sum;
    int64_t ended;
    _Alignas(128) struct atomic_u64 posted;
} memory;

static bool
make_objects(uint64_t count)
{
    if (memory.objects != NULL || count == 0)
        return count > 0;
    memory.count = count;
    memory.objects = aligned_alloc(LINE, count * sizeof *memory.objects);
    if (memory.objects == NULL)
        return false;
    memset(memory.objects, 0, count * sizeof *memory.objects);
    for (uint64_t i = 0; i < count; i++)
        memory.objects[i].number = i;
    return true;
}

/* Another one in each pass, as ours has it. */
static bool
choose_order(uint64_t events)
{
    static uint64_t random = 1;

    memory.events = events;
    if (memory.order == NULL)
        memory.order = calloc(events, sizeof *memory.order);
    if (memory.order == NULL)
        return false;
    memory.numbers_sum = 0;
    for (uint64_t i = 0; i < events; i++) {
        const uint64_t number = bench_random(&random) % memory.count;

        memory.order[i] = &memory.objects[number];
        memory.numbers_sum += number;
    }
    return true;
}

static void *
read_all(void *context)
{
    uint64_t posted = 0, sum = 0;

    for (uint64_t i = 0; i < memory.events; i++) {
        while (i == posted) {
            /* PUBLISH acquire: as between a poster and a reader. */
            posted = load_u64(&memory.posted, ORDER_PUBLISH_ACQUIRE);
            if (i == posted)
                sched_yield();
        }
        sum += ++memory.order[i]->count;
    }
    memory.ended = ringbus_now_ns();
    memory.read_sum = sum;
    return context;
}

static void
post_all(uint64_t *ret_sum)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < memory.events; i++) {
        sum += memory.order[i]->number;
        if ((i + 1) % PUBLISHED_AT_ONCE == 0)
            /* PUBLISH release: see read_all. */
            store_u64(&memory.posted, i + 1, ORDER_PUBLISH_RELEASE);
    }
    store_u64(&memory.posted, memory.events, ORDER_PUBLISH_RELEASE);
    *ret_sum = sum;
}

/* What was counted in all objects, in all passes so far. */
static bool
is_counted(uint64_t passes)
{
    uint64_t counted = 0;

    for (uint64_t i = 0; i < memory.count; i++)
        counted += memory.objects[i].count;
    return counted == passes * memory.events && memory.read_sum >= memory.events;
}

bool
memory_run(const struct request *request, struct figures *ret_figures)
{
    static uint64_t passes;
    const uint64_t count = strtoull(request->wait, NULL, 10);
    pthread_t reader;
    int64_t began = 0;
    uint64_t sum = 0;

    if (!make_objects(count) || !choose_order(request->events))
        return false;
    store_u64(&memory.posted, 0, ORDER_OWN);
    if (pthread_create(&reader, NULL, read_all, NULL) != 0)
        return false;
    began = ringbus_now_ns();
    post_all(&sum);
    pthread_join(reader, NULL);
    ret_figures->value = (double)(memory.ended - began) / (double)memory.events;
    return sum == memory.numbers_sum && is_counted(++passes);
}
