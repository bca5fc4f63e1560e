/* hooks.c - what the library calls while a script is played. */
#include <stdio.h>
#include <string.h>

#include "reference/model/lossy.h"
#include "reference/model/registered.h"
#include "reference/model/release.h"
#include "reference/model/replay.h"
#include "reference/play/play.h"

static struct inside *
enter(enum place place, uint32_t who, const struct ringbus_event *event)
{
    struct inside *inside = &player.insides[player.depth];

    play_trace(place, who);
    if (player.depth++ == DEPTH)
        refute("hooks call each other without an end");
    *inside = (struct inside){
        place, who, event, event != NULL ? event->handle : NULL, 0, player.is_claiming};
    player.is_claiming = false;
    return inside;
}

static void
leave(void)
{
    player.is_claiming = player.insides[--player.depth].was_claiming;
}

/* ---- events ---- */

void
play_fill(unsigned char *payload, uint32_t size, uint32_t event)
{
    for (uint32_t at = 0; at < size; at++)
        payload[at] = (unsigned char)(at == 0 ? event : event * 7 + at * 13 + size);
}

static void
check_handle(const struct ringbus_event *event, uint32_t number)
{
    const uint32_t topic = player.model.events[number].topic;

    if (strcmp(event->topic, model_topic_name(topic)) != 0)
        refute("event %u arrives with topic %s", (unsigned)number, event->topic);
    if (event->handle != NULL && strcmp(ringbus_topic_name(event->handle), event->topic) != 0)
        refute("event %u arrives with the handle of another topic", (unsigned)number);
    if (player.model.topics[topic].handles > 0 && event->handle != player.handles[topic][0])
        refute("event %u arrives with another handle", (unsigned)number);
}

uint32_t
play_read_event(const struct ringbus_event *event)
{
    const uint32_t number = event->size > 0 ? *(const unsigned char *)event->data : EVENTS;
    const struct model_event *posted = NULL;
    unsigned char payload[MOST_SIZE];

    if (number >= player.model.event_count)
        refute("an event of %zu bytes that nobody has posted", event->size);
    posted = &player.model.events[number];
    play_fill(payload, posted->size, number);
    if (event->size != posted->size || memcmp(event->data, payload, posted->size) != 0)
        refute("event %u arrives with another payload", (unsigned)number);
    check_handle(event, number);
    if (event->reference != NULL &&
        (!posted->is_reference || event->data != player.buffers[number]))
        refute("event %u arrives by another reference", (unsigned)number);
    play_trace(VERBS + 1, number);
    if (event->ordered != posted->ordered)
        refute(
            "event %u arrives with key %llu", (unsigned)number, (unsigned long long)event->ordered);
    return number;
}

/* ---- consumers ---- */

/* A retained value is a copy; what is posted by reference is not. */
static void
check_reference(const struct ringbus_event *event, uint32_t consumer, uint32_t number)
{
    const bool is_copy = !player.model.events[number].is_reference ||
                         model_is_replay(&player.model, consumer, number);

    if (is_copy != (event->reference == NULL))
        refute("event %u arrives by %s", (unsigned)number, is_copy ? "reference" : "copy");
}

int
play_handler(const struct ringbus_event *event, void *context)
{
    struct seat *seat = context;
    const uint32_t number = play_read_event(event);
    const uint32_t group = player.model.consumers[seat->number].group;
    struct inside *inside = enter(IN_HANDLER, seat->number, event);
    int code = 0;

    if (event->handle == NULL)
        refute("event %u arrives without a handle", (unsigned)number);
    check_reference(event, seat->number, number);
    model_begin_call(
        &player.model, seat->number, number, (struct model_signs){event->sequence, event->lost});
    player.handled++;
    player.group_calls[group]++;
    player.is_called[number] |= player.model.polled == (int)group;
    play_inside(IN_HANDLER, seat->number, ++seat->handlers);
    if (play_read_event(event) != number)
        refute("event %u has changed", (unsigned)number);
    code = inside->code;
    leave();
    seat->failures += code < 0;
    model_end_call(&player.model, seat->number, number, code);
    return code;
}

int
play_filter(const struct ringbus_event *event, void *context)
{
    struct seat *seat = context;
    const struct model_consumer *consumer = &player.model.consumers[seat->number];
    const uint32_t number = play_read_event(event);
    const bool passes = model_passes(consumer, number);

    model_ask_filter(&player.model, seat->number, number);
    seat->refusals += !passes;
    return passes;
}

int
play_batch_end(void *context)
{
    struct seat *seat = context;
    struct inside *inside = enter(IN_BATCH_END, seat->number, NULL);
    int code = 0;

    model_begin_batch_end(&player.model, seat->number);
    player.handled++;
    play_inside(IN_BATCH_END, seat->number, ++seat->batch_ends);
    code = inside->code;
    leave();
    seat->failures += code < 0;
    model_end_batch_end(&player.model, seat->number, code);
    return code;
}

void
play_destroy(void *context)
{
    struct seat *seat = context;

    (void)enter(IN_DESTROY, seat->number, NULL);
    model_destroy(&player.model, seat->number);
    play_inside(IN_DESTROY, seat->number, ++seat->destroys);
    leave();
}

/* ---- the bus ---- */

static void
on_error(struct ringbus_bus *bus, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    const struct seat *seat = ringbus_consumer_context(consumer);
    const int number = event != NULL ? (int)play_read_event(event) : NOBODY;

    if (bus != player.bus || context != &player)
        refute("on_error has another context");
    if (seat->consumer != NULL && seat->consumer != consumer)
        refute("on_error is told of another consumer");
    (void)enter(IN_ERROR, 0, event);
    model_begin_error(&player.model, seat->number, number, code);
    play_inside(IN_ERROR, 0, ++player.errors);
    model_end_error(&player.model, seat->number);
    leave();
}

static void
on_dead(struct ringbus_bus *bus, const struct ringbus_event *event, void *context)
{
    const int number = (int)play_read_event(event);

    if (bus != player.bus || context != &player || event->sequence != -1)
        refute("on_dead has another context");
    if (number != player.dead_event)
        refute("on_dead is told of event %d, not %d", number, player.dead_event);
    player.dead_event = NOBODY;
    (void)enter(IN_DEAD, 0, event);
    play_inside(IN_DEAD, 0, ++player.deads);
    leave();
}

void
play_release(void *data, void *context)
{
    const uint32_t number = (uint32_t)((unsigned char *)data - player.buffers[0]) / MOST_SIZE;
    const struct inside *inside = NULL;

    if (context != &player || data != player.buffers[number])
        refute("another payload is released");
    inside = enter(IN_RELEASE, 0, NULL);
    play_trace(VERBS + 2, number);
    model_begin_release(&player.model, number);
    memset(data, 0xEE, MOST_SIZE);
    if (!inside->was_claiming) /* else its calls would come before the claim */
        play_inside(IN_RELEASE, 0, ++player.releases);
    leave();
    model_end_release(&player.model, number);
}

static void
on_shutdown(struct ringbus_bus *bus, void *context)
{
    struct model *model = &player.model;

    if (bus != player.bus || context != &player)
        refute("on_shutdown has another context");
    if (player.shutdowns++ > 0 || model->bus == OPEN)
        refute("on_shutdown is called %u times", (unsigned)player.shutdowns);
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t e = 0; e < model->event_count; e++) {
            const uint8_t due = model->events[e].due[c];

            if ((due == DUE && !model_is_skipped(model, model->consumers[c].group,
                                   model->events[e].index[model->consumers[c].group])) ||
                due == RUNNING || due == OWED)
                refute("the bus has shut down before consumer %u had event %u", (unsigned)c,
                    (unsigned)e);
            if (due == MAYBE)
                model->events[e].due[c] = CANCELLED;
        }
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model_find_replay(model, c, ALL_TOPICS) != NULL)
            refute("the bus has shut down before consumer %u had a retained value", (unsigned)c);
    model->bus = ENDED;
}

void
play_set_hooks(struct ringbus_options *options)
{
    options->on_error = on_error;
    options->on_dead = on_dead;
    options->on_undelivered = play_on_undelivered;
    options->on_shutdown = on_shutdown;
    options->hook_context = &player;
}
