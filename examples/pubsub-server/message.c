/* message.c - long messages: posted by reference, their memory bounded.
 *
 * I1. Who is refused memory has seen a message that was there, and is in the list from then on: so he is woken, at the
 *     latest when that message is gone.
 * I2. A worker is woken under the lock, and leaves the list under it before its handle is closed. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#include "worker.h"

/* One on its way. */
struct message {
    struct message_memory *memory;
    size_t size;
    char bytes[];
};

void
message_memory_open(struct message_memory *memory, size_t limit)
{
    memset(memory, 0, sizeof *memory);
    memory->limit = limit;
    if (uv_mutex_init(&memory->lock) != 0)
        abort();
}

void
message_memory_close(struct message_memory *memory)
{
    uv_mutex_destroy(&memory->lock);
}

size_t
message_memory_used(struct message_memory *memory)
{
    size_t used;

    uv_mutex_lock(&memory->lock);
    used = memory->used;
    uv_mutex_unlock(&memory->lock);
    return used;
}

/* ---- the bound ----------------------------------------------------------------------------- */

/* Take memory, or put the worker into the list. */
static bool
take(struct worker *worker, size_t size)
{
    struct message_memory *const memory = &worker->server->memory;
    bool is_taken;

    uv_mutex_lock(&memory->lock);
    is_taken = memory->used == 0 || memory->used + size <= memory->limit;
    if (is_taken) {
        memory->used += size;
    } else if (!worker->is_waiting) {
        worker->is_waiting = true;
        worker->next_waiting = memory->waiting;
        memory->waiting = worker;
    }
    uv_mutex_unlock(&memory->lock);
    return is_taken;
}

/* Wakes who waits when half of it is free, so that not each message wakes somebody. */
static void
give_back(struct message_memory *memory, size_t size)
{
    uv_mutex_lock(&memory->lock);
    memory->used -= size;
    while (memory->waiting && memory->used <= memory->limit / 2) {
        struct worker *const worker = memory->waiting;

        memory->waiting = worker->next_waiting;
        worker->is_waiting = false;
        (void)uv_async_send(&worker->wake);
    }
    uv_mutex_unlock(&memory->lock);
}

void
message_forget(struct worker *worker)
{
    struct message_memory *const memory = &worker->server->memory;
    struct worker **at = &memory->waiting;

    uv_mutex_lock(&memory->lock);
    while (*at && *at != worker)
        at = &(*at)->next_waiting;
    if (*at)
        *at = worker->next_waiting;
    worker->is_waiting = false;
    uv_mutex_unlock(&memory->lock);
}

/* ---- posts --------------------------------------------------------------------------------- */

/* Nobody needs it any more: called by the bus, on the thread that was the last. */
static void
on_release(void *data, void *context)
{
    struct message *const message = context;

    (void)data;
    give_back(message->memory, message->size);
    free(message);
}

int
message_post_long(struct worker *worker, struct ringbus_topic *topic, const void *head,
    size_t head_size, const struct resp_argument *message)
{
    const size_t size = head_size + message->size;
    struct ringbus_post_options options = ringbus_post_options_default();
    struct message *own;
    int outcome;

    if (!take(worker, size))
        return MESSAGE_NO_MEMORY;
    own = malloc(sizeof *own + size);
    if (!own) {
        give_back(&worker->server->memory, size);
        return RINGBUS_ENOMEM;
    }
    own->memory = &worker->server->memory;
    own->size = size;
    if (head_size > 0)
        memcpy(own->bytes, head, head_size);
    memcpy(own->bytes + head_size, message->data, message->size);
    options.release = on_release;
    options.release_context = own;
    outcome = ringbus_topic_try_post(topic, own->bytes, size, &options);
    if (outcome < 0)
        on_release(own->bytes, own);
    return outcome;
}

int
message_post(struct worker *worker, const char *channel, const struct resp_argument *message)
{
    struct ringbus_bus *const bus = worker->server->bus;
    struct ringbus_topic *topic;
    int outcome;

    if (message->size <= MESSAGE_COPIED_MAX)
        return ringbus_try_post(bus, channel, message->data, message->size);
    outcome = ringbus_topic_open(bus, channel, &topic);
    if (outcome != RINGBUS_OK)
        return outcome;
    if (ringbus_topic_consumers(topic) > 0)
        outcome = message_post_long(worker, topic, NULL, 0, message);
    ringbus_topic_close(topic);
    return outcome;
}
