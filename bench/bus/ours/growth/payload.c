/* payload.c - larger and larger events, copied into the ring, or by reference.
 *
 * The poster writes the event's number into the first and the last eight bytes of a buffer, and the handler reads them:
 * what is between is read and written by the copy only, which is always made from the same buffer. By reference the
 * buffers are those of a pool, which get back to it by the release function. The ring holds 16 MiB of payload, as far
 * as 256 to 65,536 slots go; by reference it has 4,096. */
#include <sched.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "growth.h"

enum {
    RING_BYTES = 16 << 20,
    LEAST_SLOTS = 256,
    MOST_SLOTS = 65536,
    /* By reference: a slot is taken until its buffer is back, so that half of the pool would do. */
    SLOTS = 4096,
    POOL = 2 * SLOTS,
    AT_ONCE = 512
};

static struct {
    struct ringbus_bus *bus;
    struct ringbus_topic *topic;
    uint64_t size;
    struct growth_tally tally;
    unsigned char *buffer; /* what is copied */

    /* taken by the poster in the order in which the executor gives them back */
    void *pool[POOL];
    uint64_t taken, seen;
    _Alignas(128) struct atomic_u64 returned;
} payload;

static int
deliver(const struct ringbus_event *event, void *context)
{
    const unsigned char *data = event->data;
    uint64_t first = 0, last = 0;

    memcpy(&first, data, sizeof first);
    memcpy(&last, data + event->size - sizeof last, sizeof last);
    growth_deliver(context, first + last);
    return 0;
}

static void
write_number(unsigned char *data, uint64_t number)
{
    memcpy(data, &number, sizeof number);
    memcpy(data + payload.size - sizeof number, &number, sizeof number);
}

static bool
open_payload(uint64_t size, uint32_t capacity, size_t slot_size)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_consumer *consumer = NULL;

    if (payload.bus != NULL)
        return true;
    group.capacity = capacity;
    group.slot_size = (uint32_t)slot_size;
    options.default_group = &group;
    payload.size = size;
    return size >= sizeof(uint64_t) && ringbus_open(&options, &payload.bus) == RINGBUS_OK &&
           ringbus_consumer_open(payload.bus, deliver, &payload.tally, NULL, &consumer) ==
               RINGBUS_OK &&
           ringbus_register_consumer(payload.bus, consumer, "topic") == RINGBUS_OK &&
           ringbus_topic_open(payload.bus, "topic", &payload.topic) == RINGBUS_OK;
}

static bool
is_complete(uint64_t events)
{
    return payload.tally.left == 0 && payload.tally.sum == 2 * growth_sum(events);
}

static uint32_t
capacity_of(uint64_t size)
{
    const uint64_t slots = size > 0 ? RING_BYTES / size : 0;

    return slots < LEAST_SLOTS ? LEAST_SLOTS : slots > MOST_SLOTS ? MOST_SLOTS : (uint32_t)slots;
}

/* Fewer of those that take long to copy. */
bool
growth_payload_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t size = growth_setting(request);
    const uint64_t events = 1 + request->events / (1 + size / AT_ONCE);
    int64_t began = 0;

    if (payload.buffer == NULL)
        payload.buffer = calloc(1, size);
    if (payload.buffer == NULL || !open_payload(size, capacity_of(size), size))
        return false;
    growth_expect(&payload.tally, events);
    began = growth_begin(1);
    for (uint64_t i = 0; i < events; i++) {
        write_number(payload.buffer, i);
        (void)ringbus_topic_post(payload.topic, payload.buffer, size, NULL);
    }
    ret_figures->value = growth_end(began) / (double)events;
    ret_figures->events = events;
    return is_complete(events);
}

/* ---- by reference ---- */

/* On the executor's thread. */
static void
give_back(void *data, void *context)
{
    const uint64_t returned = load_u64(&payload.returned, ORDER_OWN);

    (void)context;
    payload.pool[returned % POOL] = data;
    /* PUBLISH release: the buffer is in the pool, and read. */
    store_u64(&payload.returned, returned + 1, ORDER_PUBLISH_RELEASE);
}

static void *
take(void)
{
    while (payload.seen == payload.taken) {
        /* PUBLISH acquire: see give_back. */
        payload.seen = load_u64(&payload.returned, ORDER_PUBLISH_ACQUIRE);
        if (payload.seen == payload.taken)
            sched_yield();
    }
    return payload.pool[payload.taken++ % POOL];
}

static bool
fill_pool(uint64_t size)
{
    for (; payload.taken == 0 && payload.seen < POOL; payload.seen++)
        if ((payload.pool[payload.seen] = calloc(1, size)) == NULL)
            return false;
    if (payload.taken == 0)
        store_u64(&payload.returned, POOL, ORDER_OWN);
    return true;
}

bool
growth_reference_run(const struct request *request, struct figures *ret_figures)
{
    const uint64_t size = growth_setting(request), events = request->events;
    struct ringbus_post_options options = ringbus_post_options_default();
    int64_t began = 0;

    options.release = give_back;
    if (!open_payload(size, SLOTS, sizeof(uint64_t)) || !fill_pool(size))
        return false;
    growth_expect(&payload.tally, events);
    began = growth_begin(1);
    for (uint64_t i = 0; i < events; i++) {
        unsigned char *data = take();

        write_number(data, i);
        (void)ringbus_topic_post(payload.topic, data, size, &options);
    }
    ret_figures->value = growth_end(began) / (double)events;
    (void)ringbus_flush(payload.bus, RINGBUS_FOREVER);
    /* PUBLISH acquire: every buffer has come back once. */
    return is_complete(events) &&
           load_u64(&payload.returned, ORDER_PUBLISH_ACQUIRE) == payload.taken + POOL;
}
