/* hooks.c - what the library calls while a script is played. */
#include <stdio.h>
#include <string.h>

#include "reference/play.h"

static struct inside *
enter(enum place place, uint32_t who, struct ringbus_topic *handle)
{
    struct inside *inside = &player.insides[player.depth];

    play_trace(place, who);
    if (player.depth++ == DEPTH)
        refute("hooks call each other without an end");
    *inside = (struct inside){place, who, handle, 0};
    return inside;
}

/* ---- events ---- */

void
play_fill(unsigned char *payload, uint32_t size, uint32_t event)
{
    for (uint32_t at = 0; at < size; at++)
        payload[at] = (unsigned char)(at == 0 ? event : event * 7 + at * 13 + size);
}

/* The number of an event, which must be what was posted. */
static uint32_t
read_event(const struct ringbus_event *event)
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
    if (strcmp(event->topic, play_topic_name(posted->topic)) != 0)
        refute("event %u arrives with topic %s", (unsigned)number, event->topic);
    if (event->handle != NULL && strcmp(ringbus_topic_name(event->handle), event->topic) != 0)
        refute("event %u arrives with the handle of another topic", (unsigned)number);
    if (player.handle_counts[posted->topic] > 0 &&
        event->handle != player.handles[posted->topic][0])
        refute("event %u arrives with another handle", (unsigned)number);
    play_trace(VERBS + 1, number);
    if (event->ordered != posted->ordered || event->lost != 0)
        refute("event %u arrives with key %llu, %llu lost", (unsigned)number,
            (unsigned long long)event->ordered, (unsigned long long)event->lost);
    return number;
}

/* ---- consumers ---- */

int
play_handler(const struct ringbus_event *event, void *context)
{
    struct seat *seat = context;
    const uint32_t number = read_event(event);
    struct inside *inside = enter(IN_HANDLER, seat->number, event->handle);
    int code = 0;

    if (event->handle == NULL)
        refute("event %u arrives without a handle", (unsigned)number);
    model_begin_call(&player.model, seat->number, number, event->sequence);
    player.handled++;
    player.is_called[number] |=
        player.model.polled == (int)player.model.consumers[seat->number].group;
    play_inside(IN_HANDLER, seat->number, ++seat->handlers);
    if (read_event(event) != number)
        refute("event %u has changed", (unsigned)number);
    code = inside->code;
    player.depth--;
    model_end_call(&player.model, seat->number, number, code);
    return code;
}

int
play_filter(const struct ringbus_event *event, void *context)
{
    const struct seat *seat = context;
    const struct model_consumer *consumer = &player.model.consumers[seat->number];
    const uint32_t number = read_event(event);

    if (consumer->line == ENDED)
        refute("the filter of consumer %u is called after its end", (unsigned)seat->number);
    if (player.model.events[number].due[seat->number] == NOT_DUE)
        refute("the filter of consumer %u is asked of event %u", (unsigned)seat->number,
            (unsigned)number);
    return model_passes(consumer, number);
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
    player.depth--;
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
    player.depth--;
}

/* ---- the bus ---- */

static void
on_error(struct ringbus_bus *bus, const struct ringbus_event *event,
    struct ringbus_consumer *consumer, int code, void *context)
{
    const struct seat *seat = ringbus_consumer_context(consumer);
    const int number = event != NULL ? (int)read_event(event) : NOBODY;

    if (bus != player.bus || context != &player)
        refute("on_error has another context");
    if (seat->consumer != NULL && seat->consumer != consumer)
        refute("on_error is told of another consumer");
    (void)enter(IN_ERROR, 0, event != NULL ? event->handle : NULL);
    model_begin_error(&player.model, seat->number, number, code);
    play_inside(IN_ERROR, 0, ++player.errors);
    model_end_error(&player.model, seat->number);
    player.depth--;
}

static void
on_dead(struct ringbus_bus *bus, const struct ringbus_event *event, void *context)
{
    const int number = (int)read_event(event);

    if (bus != player.bus || context != &player || event->sequence != -1)
        refute("on_dead has another context");
    if (number != player.dead_event)
        refute("on_dead is told of event %d, not %d", number, player.dead_event);
    player.dead_event = NOBODY;
    (void)enter(IN_DEAD, 0, event->handle);
    play_inside(IN_DEAD, 0, ++player.deads);
    player.depth--;
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

            if (due == DUE || due == RUNNING || due == OWED)
                refute("the bus has shut down before consumer %u had event %u", (unsigned)c,
                    (unsigned)e);
            if (due == MAYBE)
                model->events[e].due[c] = CANCELLED;
        }
    model->bus = ENDED;
}

/* ---- reports ---- */

static uint32_t
read_number(const char *name, char letter, uint32_t bound)
{
    unsigned number = bound;
    char rest = 0;

    if (name[0] != letter || sscanf(name + 1, "%u%c", &number, &rest) != 1 || number >= bound)
        refute("on_undelivered is told of %s", name);
    return number;
}

static void
on_undelivered(
    struct ringbus_bus *bus, const struct ringbus_undelivered *undelivered, void *context)
{
    const uint32_t consumer = read_number(undelivered->consumer, 'c', CONSUMERS);
    const uint32_t topic = read_number(undelivered->topic, 't', TOPICS);
    const struct model *model = &player.model;
    const uint32_t group = model->consumers[consumer].group;
    struct report *report = &player.reports[consumer][topic];

    if (bus != player.bus || context != &player)
        refute("on_undelivered has another context");
    if (read_number(undelivered->group, 'g', GROUPS) != group)
        refute("on_undelivered says that consumer %u is in group %s", (unsigned)consumer,
            undelivered->group);
    if ((undelivered->is_paused != 0) != model->groups[group].is_paused)
        refute("on_undelivered says that group %s is %spaused", undelivered->group,
            undelivered->is_paused ? "" : "not ");
    report->count += undelivered->count;
    report->times++;
}

void
play_expect_reports(uint32_t group)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t t = 0; t < TOPICS; t++)
            if (player.model.consumers[c].line != UNOPENED &&
                (group == GROUPS || player.model.consumers[c].group == group))
                model_unfinished(
                    &player.model, c, t, &player.reports[c][t].least, &player.reports[c][t].most);
}

void
play_forgo_reports(uint32_t consumer)
{
    for (uint32_t t = 0; t < TOPICS; t++)
        player.reports[consumer][t].least = 0;
}

void
play_leave_reports_open(uint32_t group)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (group == GROUPS || player.model.consumers[c].group == group)
            player.seats[c].is_report_open = true;
}

void
play_check_reports(void)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t t = 0; t < TOPICS; t++) {
            struct report *report = &player.reports[c][t];

            if (!player.seats[c].is_report_open &&
                (report->times > 1 || report->count < report->least ||
                    report->count > report->most))
                refute("on_undelivered says %u times that consumer %u has not finished %llu events "
                       "of topic %u; it is %u to %u",
                    (unsigned)report->times, (unsigned)c, (unsigned long long)report->count,
                    (unsigned)t, (unsigned)report->least, (unsigned)report->most);
            *report = (struct report){.times = 0};
        }
}

void
play_set_hooks(struct ringbus_options *options)
{
    options->on_error = on_error;
    options->on_dead = on_dead;
    options->on_undelivered = on_undelivered;
    options->on_shutdown = on_shutdown;
    options->hook_context = &player;
}
