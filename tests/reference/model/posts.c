/* posts.c - posts and claims: whether there is room, to whom they are due. */
#include <string.h>

#include "reference/model/lossy.h"
#include "ringbus/ringbus.h"

/* ---- room ---- */

static bool
is_unfinished(const struct model *model, uint32_t event, uint32_t group)
{
    const struct model_event *at = &model->events[event];
    const bool is_lossy = model->groups[group].overflow != RINGBUS_LOSSLESS;
    /* The pass that is under way. A lossless group's may be committed early; releases come after it. */
    bool is_taken = at->claimed == CLAIMED || (is_lossy && model->is_one_step &&
                                                  model->releases == 0 && at->begun >> group & 1);

    for (uint32_t c = 0; c < CONSUMERS; c++)
        is_taken |= model->consumers[c].group == group &&
                    (at->due[c] == DUE || at->due[c] == RUNNING || at->due[c] == OWED ||
                        (is_lossy && at->due[c] == UNWANTED));
    return is_taken;
}

/* Events are freed in order, by all lanes and stages. */
void
model_find_room(const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most)
{
    bool is_taken = false;

    *ret_least = *ret_most = 0;
    for (uint32_t e = model->groups[group].free_to; e < model->event_count; e++) {
        if (!model_is_in(model, e, group))
            continue;
        is_taken |= is_unfinished(model, e, group);
        *ret_least += is_taken;
        *ret_most += 1;
    }
}

/* Its place, too, is taken until then. */
static bool
is_unreleased(const struct model_event *event)
{
    return event->is_reference && (!event->is_released || event->is_releasing);
}

/* The group is the only caller group that has the event. */
static bool
is_only_caller(const struct model *model, const struct model_event *event, uint32_t group)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (g != group && event->groups >> g & 1 && model_is_caller(model, g))
            return false;
    return true;
}

/* The same for the places of a caller group: of what is queued, and of claims. Open whether the event under delivery
 * still takes one, and which of several groups has the claim's. */
static void
find_places(const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most)
{
    *ret_least = *ret_most = 0;
    for (uint32_t e = 0; e < model->event_count; e++) {
        const struct model_event *at = &model->events[e];
        bool is_due = false;

        if (!model_is_in(model, e, group))
            continue;
        for (uint32_t c = 0; c < CONSUMERS; c++)
            is_due |= model->consumers[c].group == group && at->due[c] == DUE;
        if (at->claimed == CLAIMED) {
            *ret_least += is_only_caller(model, at, group);
            *ret_most += 1;
        } else if (model->is_delivering && at->is_nested &&
                   (at->order >= model->events[model->delivered].order || is_unreleased(at) ||
                       e == model->outermost)) {
            *ret_least += e != model->delivered && is_due;
            *ret_most += 1;
        }
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
promise_group(const struct model *model, uint32_t group, const struct model_event *posted,
    enum poster poster, struct model_promise *promise)
{
    const struct model_group *at = &model->groups[group];
    const uint32_t spare = poster == INSIDE ? 0 : at->reserve;
    uint32_t least = 0, most = 0;

    promise->is_too_large |= posted->size > at->slot_size && !posted->is_reference;
    if (at->overflow != RINGBUS_LOSSLESS)
        return;
    if (at->kind != RINGBUS_GROUP_CALLER)
        model_find_room(model, group, &least, &most);
    else if (model->is_delivering || posted->claimed == CLAIMED)
        find_places(model, group, &least, &most);
    promise->may_be_full |= most + spare >= at->capacity;
    if (posted->claimed == CLAIMED && !is_only_caller(model, posted, group))
        return; /* it takes a place of one of them */
    promise->must_be_full |= least + (poster == OUTSIDE ? spare : 0) >= at->capacity;
}

/* What it is to a consumer that is registered. */
static enum due
due_of(const struct model *model, uint32_t consumer, uint32_t event)
{
    const struct model_consumer *at = &model->consumers[consumer];

    if (model->events[event].claimed == CLAIMED && model_is_caller(model, at->group))
        return NOT_DUE; /* when it is published */
    if (!model_passes(at, event))
        return UNWANTED;
    if (model_is_exhausted(model, consumer))
        return CANCELLED; /* it is in its last call */
    return model->bus == DISCARDING ? MAYBE : DUE;
}

static void
enter_groups(struct model *model, uint32_t event)
{
    struct model_event *posted = &model->events[event];

    for (uint32_t g = 0; g < GROUPS; g++) {
        struct model_group *group = &model->groups[g];

        posted->index[g] = NOWHERE;
        if (!model_is_in(model, event, g))
            continue;
        if (group->overflow != RINGBUS_LOSSLESS)
            model_enter_lossy(model, g, event);
        else if (group->kind != RINGBUS_GROUP_CALLER)
            posted->index[g] = (int16_t)group->posted++;
    }
}

uint32_t
model_open_event(struct model *model, const struct model_event *wanted, enum poster poster,
    struct model_promise *ret_promise)
{
    const uint32_t event = model->event_count;
    struct model_event *posted = &model->events[event];
    const struct model_topic *topic = &model->topics[wanted->topic];

    *posted = *wanted;
    *ret_promise = (struct model_promise){.least = (int)model_registered(model, posted->topic)};
    ret_promise->most = ret_promise->least;
    ret_promise->is_too_large = topic->max_size > 0 && posted->size > topic->max_size;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].registered >> posted->topic & 1)
            posted->groups |= 1u << model->consumers[c].group;
    for (uint32_t g = 0; g < GROUPS; g++)
        if (posted->groups >> g & 1)
            promise_group(model, g, posted, poster, ret_promise);
    posted->order = posted->claimed == CLAIMED ? UINT32_MAX : model->order_count++;
    posted->is_nested = model->is_delivering && posted->claimed != CLAIMED;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].registered >> posted->topic & 1) {
            posted->due[c] = (uint8_t)due_of(model, c, event);
            posted->claimed_for |= 1u << c;
        }
    enter_groups(model, event);
    model->event_count++;
    return event;
}

void
model_refuse_event(struct model *model, uint32_t event)
{
    struct model_event *refused = &model->events[event];

    if (refused->begun != 0)
        refute("event %u was refused, but a handler has run", (unsigned)event);
    for (uint32_t g = 0; g < GROUPS; g++) {
        struct model_group *group = &model->groups[g];

        if (group->overflow == RINGBUS_LOSSLESS && refused->index[g] != NOWHERE &&
            refused->index[g] == group->posted - 1)
            group->posted--;
    }
    refused->groups = 0;
    refused->is_reference = false;
    refused->claimed = NOT_CLAIMED;
    refused->order = model->order_count++;
    memset(refused->due, NOT_DUE, sizeof refused->due);
}

/* ---- claims ---- */

void
model_publish(struct model *model, uint32_t event)
{
    struct model_event *at = &model->events[event];

    at->claimed = NOT_CLAIMED;
    at->order = model->order_count++;
    at->is_nested = true;
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        const struct model_consumer *consumer = &model->consumers[c];
        const bool is_registered = consumer->registered >> at->topic & 1;
        const bool was_registered = at->claimed_for >> c & 1;

        if (!model_is_caller(model, consumer->group) || !model_is_in(model, event, consumer->group))
            continue;
        if (is_registered && was_registered)
            at->due[c] = (uint8_t)due_of(model, c, event);
        if (was_registered && consumer->line == DRAINING)
            at->due[c] = MAYBE;
    }
}

void
model_abandon(struct model *model, uint32_t event)
{
    struct model_event *at = &model->events[event];

    at->claimed = ABANDONED;
    at->order = model->order_count++;
    memset(at->due, NOT_DUE, sizeof at->due);
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model_is_caller(model, g))
            at->groups &= ~(1u << g);
}
