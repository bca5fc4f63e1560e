/* model.c - the bus as plain arrays. */
#include "reference/model.h"

#include <string.h>

#include "ringbus/ringbus.h"

void
model_init(struct model *model)
{
    memset(model, 0, sizeof *model);
    model->bus = OPEN;
    model->polled = model->failed = NOBODY;
    for (uint32_t g = 0; g < GROUPS; g++)
        model->groups[g].amid = EVENTS;
}

void
model_size_group(struct model_group *group, int32_t lanes, int32_t capacity, int32_t slot_size)
{
    group->lanes = lanes != 0 ? (uint32_t)lanes : 1;
    for (group->capacity = 2; group->capacity < (capacity != 0 ? (uint32_t)capacity : 1024);)
        group->capacity *= 2;
    group->slot_size = slot_size != 0 ? (uint32_t)slot_size : 208;
}

bool
model_is_in(const struct model *model, uint32_t event, uint32_t group)
{
    return model->events[event].groups >> group & 1;
}

bool
model_passes(const struct model_consumer *consumer, uint32_t event)
{
    return consumer->filter == 0 || event % (consumer->filter + 1) != 0;
}

/* ---- room ---- */

/* How many events of a ring take room, at least and at most. Those are freed in order, by all lanes and stages. */
static void
find_room(const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most)
{
    bool is_taken = false;

    *ret_least = *ret_most = 0;
    for (uint32_t e = 0; e < model->event_count; e++) {
        for (uint32_t c = 0; c < CONSUMERS; c++) {
            const uint8_t due = model->events[e].due[c];

            is_taken |=
                model->consumers[c].group == group && (due == DUE || due == RUNNING || due == OWED);
        }
        *ret_least += is_taken && model_is_in(model, e, group);
        *ret_most += e >= model->groups[group].free_to && model_is_in(model, e, group);
    }
}

/* The same for the queue of a caller group; open whether the event under delivery still takes a place. */
static void
find_queued(const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most)
{
    *ret_least = *ret_most = 0;
    for (uint32_t e = model->delivered; e < model->event_count; e++) {
        bool is_due = false;

        for (uint32_t c = 0; c < CONSUMERS; c++)
            is_due |= model->consumers[c].group == group && model->events[e].due[c] == DUE;
        if (!model->events[e].is_nested || !model_is_in(model, e, group))
            continue;
        *ret_least += e > model->delivered && is_due;
        *ret_most += 1;
    }
}

/* ---- posts ---- */

uint32_t
model_registered(const struct model *model, uint32_t topic)
{
    uint32_t count = 0;

    for (uint32_t c = 0; c < CONSUMERS; c++)
        count += model->consumers[c].registered >> topic & 1;
    return count;
}

static void
promise_room(const struct model *model, uint32_t event, struct model_promise *promise)
{
    for (uint32_t g = 0; g < GROUPS; g++) {
        const struct model_group *group = &model->groups[g];
        uint32_t least = 0, most = 0;

        if (!model_is_in(model, event, g))
            continue;
        if (group->kind != RINGBUS_GROUP_CALLER)
            find_room(model, g, &least, &most);
        else if (model->is_delivering)
            find_queued(model, g, &least, &most);
        promise->may_be_full |= most >= group->capacity;
        promise->must_be_full |= least >= group->capacity;
        promise->is_too_large |= model->events[event].size > group->slot_size;
    }
}

uint32_t
model_open_event(struct model *model, uint32_t topic, uint32_t size, uint64_t ordered,
    struct model_promise *ret_promise)
{
    const uint32_t event = model->event_count;
    struct model_event *posted = &model->events[event];

    *posted = (struct model_event){.topic = topic, .size = size, .ordered = ordered};
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].registered >> topic & 1)
            posted->groups |= 1u << model->consumers[c].group;
    *ret_promise = (struct model_promise){.least = (int)model_registered(model, topic)};
    ret_promise->most = ret_promise->least;
    promise_room(model, event, ret_promise);
    posted->is_nested = model->is_delivering;
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        const struct model_consumer *consumer = &model->consumers[c];

        if (!(consumer->registered >> topic & 1))
            continue;
        posted->due[c] = DUE;
        if (!model_passes(consumer, event))
            posted->due[c] = FILTERED;
        else if (consumer->limit != 0 && consumer->calls >= consumer->limit)
            posted->due[c] = CANCELLED; /* it is in its last call */
        else if (model->bus == DISCARDING)
            posted->due[c] = MAYBE;
    }
    model->event_count++;
    return event;
}

void
model_refuse_event(struct model *model, uint32_t event)
{
    struct model_event *refused = &model->events[event];

    if (refused->begun != 0)
        refute("event %u was refused, but a handler has run", (unsigned)event);
    refused->groups = 0;
    memset(refused->due, NOT_DUE, sizeof refused->due);
}

/* ---- withholding ---- */

void
model_withhold(struct model *model, uint32_t event, uint32_t consumer)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        uint8_t *due = &model->events[event].due[c];

        if (model->consumers[c].after >> consumer & 1 && (*due == DUE || *due == MAYBE))
            *due = WITHHELD;
    }
}

/* ---- leaving ---- */

void
model_cancel(struct model *model, uint32_t consumer, uint32_t topic, enum due instead)
{
    for (uint32_t e = 0; e < model->event_count; e++) {
        struct model_event *event = &model->events[e];
        uint8_t *due = &event->due[consumer];

        if ((topic == ALL_TOPICS || event->topic == topic) && (*due == DUE || *due == MAYBE))
            *due = (uint8_t)instead;
    }
}

void
model_unregister(struct model *model, uint32_t consumer, uint32_t topic)
{
    model->consumers[consumer].registered &= topic == ALL_TOPICS ? 0 : ~(1u << topic);
    model_cancel(model, consumer, topic, CANCELLED);
}

void
model_close_consumer(struct model *model, uint32_t consumer, bool is_discarding)
{
    model->consumers[consumer].registered = 0;
    model->consumers[consumer].line = DRAINING;
    if (is_discarding)
        model_cancel(model, consumer, ALL_TOPICS, CANCELLED);
}

void
model_pause(struct model *model, uint32_t group)
{
    if (!model->groups[group].is_paused)
        model->groups[group].paused_amid = model->groups[group].amid;
    model->groups[group].is_paused = true;
}

void
model_discard(struct model *model, uint32_t consumer)
{
    const uint32_t amid = model->groups[model->consumers[consumer].group].amid;
    const bool is_due = amid < EVENTS && model->events[amid].due[consumer] == DUE;

    model_cancel(model, consumer, ALL_TOPICS, DISCARDED);
    if (is_due)
        model->events[amid].due[consumer] = MAYBE;
}

void
model_close_group(struct model *model, uint32_t group, bool is_discarding)
{
    model->groups[group].line = is_discarding ? DISCARDING : DRAINING;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].line != UNOPENED && model->consumers[c].group == group) {
            model->consumers[c].registered = 0;
            if (is_discarding)
                model_discard(model, c);
        }
}

/* ---- ends ---- */

void
model_unfinished(const struct model *model, uint32_t consumer, uint32_t topic, uint32_t *ret_least,
    uint32_t *ret_most)
{
    const struct model_consumer *at = &model->consumers[consumer];

    *ret_least = *ret_most = 0;
    for (uint32_t e = 0; e < model->event_count; e++) {
        const uint8_t due = model->events[e].due[consumer];

        if (topic != ALL_TOPICS && model->events[e].topic != topic)
            continue;
        *ret_least += due == DUE || due == RUNNING || due == OWED;
        *ret_most += due == DUE || due == RUNNING || due == OWED ||
                     (e >= model->groups[at->group].free_to &&
                         (due == MAYBE || due == FILTERED || due == WITHHELD || due == FAILED));
    }
    if (at->limit != 0 && *ret_least > at->limit - at->calls)
        *ret_least = at->limit - at->calls;
}

bool
model_is_finished(const struct model *model, uint32_t consumer)
{
    const struct model_consumer *at = &model->consumers[consumer];
    bool is_finished =
        at->running == 0 && !at->is_batch_due && !at->is_in_batch_end && !at->is_in_error;

    for (uint32_t e = 0; e < model->event_count; e++)
        is_finished &= model->events[e].due[consumer] != DUE;
    return is_finished;
}

void
model_destroy(struct model *model, uint32_t consumer)
{
    struct model_consumer *at = &model->consumers[consumer];

    if (at->line == ENDED || at->line == UNOPENED)
        refute("consumer %u is destroyed twice", (unsigned)consumer);
    if (at->line == OPEN && model->bus != ENDED)
        refute("consumer %u is destroyed, but was not closed", (unsigned)consumer);
    if (!model_is_finished(model, consumer) || model->failed == (int)consumer)
        refute("consumer %u is destroyed before its last call has ended", (unsigned)consumer);
    at->line = ENDED;
    at->registered = 0;
}

void
model_rest(struct model *model)
{
    if (model->failed != NOBODY)
        refute("on_error was not told of consumer %d", model->failed);
    model->is_delivering = false;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].is_batch_due)
            refute("consumer %u was not given the batch_end it is owed", (unsigned)c);
    for (uint32_t g = 0; g < GROUPS; g++) {
        model->groups[g].amid = model->groups[g].paused_amid = EVENTS;
        if (model->groups[g].kind == RINGBUS_GROUP_CALLER && model->groups[g].line != UNOPENED)
            model_settle(model, g);
        for (uint32_t e = 0; e < model->event_count; e++)
            if (model->groups[g].lanes == 1 && !model->groups[g].has_stages &&
                e >= model->groups[g].free_to && model->events[e].begun >> g & 1)
                model->groups[g].free_to = e + 1;
    }
}

void
model_settle(struct model *model, uint32_t group)
{
    struct model_group *at = &model->groups[group];

    for (uint32_t c = 0; c < CONSUMERS; c++) {
        if (model->consumers[c].line == UNOPENED || model->consumers[c].group != group)
            continue;
        for (uint32_t e = 0; e < model->event_count; e++) {
            uint8_t *due = &model->events[e].due[c];

            if (*due == DUE && !at->is_paused)
                refute("consumer %u has not got event %u, and nothing is left to do", (unsigned)c,
                    (unsigned)e);
            if (*due == MAYBE && !at->is_paused)
                *due = CANCELLED;
        }
        if (model->consumers[c].line == DRAINING && !at->is_paused)
            refute("consumer %u is not destroyed, and nothing is left to do", (unsigned)c);
    }
    if (!at->is_paused)
        at->free_to = model->event_count;
}
