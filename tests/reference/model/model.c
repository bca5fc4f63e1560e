/* model.c - the bus as plain arrays. */
#include "reference/model/model.h"

#include <string.h>

#include "reference/model/lossy.h"
#include "reference/model/release.h"
#include "reference/model/replay.h"
#include "ringbus/ringbus.h"

void
model_init(struct model *model)
{
    memset(model, 0, sizeof *model);
    model->bus = OPEN;
    model->polled = model->failed = NOBODY;
    for (uint32_t g = 0; g < GROUPS; g++)
        model->groups[g].amid = EVENTS;
    for (uint32_t t = 0; t < TOPICS; t++)
        model->topics[t].value = NOBODY;
}

void
model_size_group(struct model_group *group, int32_t lanes, int32_t capacity, int32_t slot_size)
{
    group->lanes = lanes != 0 ? (uint32_t)lanes : 1;
    for (group->capacity = 2; group->capacity < (capacity != 0 ? (uint32_t)capacity : 1024);)
        group->capacity *= 2;
    group->slot_size = slot_size != 0 ? (uint32_t)slot_size : 208;
    group->lossy.at = EVENTS;
    group->lossy.is_counted = true;
    for (uint32_t t = 0; t < TOPICS; t++)
        group->lossy.queued[t] = NOBODY;
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

bool
model_is_caller(const struct model *model, uint32_t group)
{
    return model->groups[group].kind == RINGBUS_GROUP_CALLER;
}

bool
model_is_before(const struct model *model, uint32_t group, uint32_t first, uint32_t second)
{
    const struct model_event *one = &model->events[first], *other = &model->events[second];

    return model_is_caller(model, group) ? one->order < other->order
                                         : one->index[group] < other->index[group];
}

bool
model_is_blocked(const struct model *model, uint32_t group, uint32_t event)
{
    for (uint32_t e = 0; e <= event && !model_is_caller(model, group); e++)
        if (model->events[e].claimed == CLAIMED && model_is_in(model, e, group))
            return true;
    return false;
}

bool
model_is_exhausted(const struct model *model, uint32_t consumer)
{
    const struct model_consumer *at = &model->consumers[consumer];

    return at->limit != 0 && at->calls >= at->limit;
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
model_cancel(struct model *model, uint32_t consumer, uint32_t topics, enum due instead)
{
    for (uint32_t e = 0; e < model->event_count; e++) {
        struct model_event *event = &model->events[e];
        uint8_t *due = &event->due[consumer];

        if (topics >> event->topic & 1 && (*due == DUE || *due == MAYBE || *due == UNWANTED))
            *due = (uint8_t)instead;
        if (topics >> event->topic & 1 && instead == CANCELLED)
            event->claimed_for &= ~(1u << consumer);
    }
    if (instead == CANCELLED)
        model_drop_replays(model, consumer, topics);
    else
        model_forget_replays(model, consumer, topics);
}

static void
end_registrations(struct model_consumer *consumer)
{
    consumer->named = consumer->patterns = consumer->matches = consumer->registered = 0;
}

void
model_close_consumer(struct model *model, uint32_t consumer, bool is_discarding)
{
    end_registrations(&model->consumers[consumer]);
    model->consumers[consumer].line = DRAINING;
    if (is_discarding)
        model_cancel(model, consumer, EVERY_TOPIC, CANCELLED);
}

void
model_pause(struct model *model, uint32_t group)
{
    struct model_group *at = &model->groups[group];

    if (!at->is_paused) {
        at->paused_amid = at->amid;
        at->is_paused_in_replay = at->is_amid_replay;
    }
    at->is_paused = true;
}

void
model_discard(struct model *model, uint32_t consumer)
{
    const uint32_t amid = model->groups[model->consumers[consumer].group].amid;
    const uint8_t due = amid < EVENTS ? model->events[amid].due[consumer] : NOT_DUE;

    model->groups[model->consumers[consumer].group].has_discarded_replays |=
        model_find_replay(model, consumer, ALL_TOPICS) != NULL;
    model_cancel(model, consumer, EVERY_TOPIC, DISCARDED);
    if (due == DUE || due == MAYBE)
        model->events[amid].due[consumer] = MAYBE;
}

void
model_close_group(struct model *model, uint32_t group, bool is_discarding)
{
    model->groups[group].line = is_discarding ? DISCARDING : DRAINING;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].line != UNOPENED && model->consumers[c].group == group) {
            end_registrations(&model->consumers[c]);
            if (is_discarding)
                model_discard(model, c);
        }
}

/* ---- ends ---- */

/* Of an event: whether a consumer has not finished it for sure, and whether it may be so. */
static void
look_at_due(const struct model *model, uint32_t consumer, uint32_t event, bool *ret_is_unfinished,
    bool *ret_may_be)
{
    const uint32_t group = model->consumers[consumer].group;
    const struct model_event *at = &model->events[event];
    const uint8_t due = at->due[consumer];

    *ret_may_be = due == DUE || due == RUNNING || due == OWED;
    /* What is claimed, and what is behind it, cannot be seen to be there. */
    *ret_is_unfinished = *ret_may_be && !model_is_skipped(model, group, at->index[group]) &&
                         !model_is_blocked(model, group, event);
    *ret_may_be |=
        event >= model->groups[group].free_to &&
        (due == MAYBE || due == UNWANTED || due == FILTERED || due == WITHHELD || due == FAILED);
}

void
model_unfinished(const struct model *model, uint32_t consumer, uint32_t topic, uint32_t *ret_least,
    uint32_t *ret_most)
{
    const struct model_consumer *at = &model->consumers[consumer];

    *ret_least = *ret_most = 0;
    for (uint32_t e = 0; e < model->event_count; e++) {
        bool is_unfinished = false, may_be = false;

        if (topic != ALL_TOPICS && model->events[e].topic != topic)
            continue;
        look_at_due(model, consumer, e, &is_unfinished, &may_be);
        *ret_least += is_unfinished;
        *ret_most += may_be;
    }
    for (uint32_t t = 0; t < TOPICS; t++)
        if ((topic == ALL_TOPICS || topic == t) && model_find_replay(model, consumer, t) != NULL) {
            *ret_least += 1;
            *ret_most += 1;
        }
    if (at->limit != 0 && *ret_least > at->limit - at->calls)
        *ret_least = at->limit - at->calls;
}

bool
model_is_finished(const struct model *model, uint32_t consumer)
{
    const struct model_consumer *at = &model->consumers[consumer];
    bool is_finished = at->running == 0 && !at->is_batch_due && !at->is_replay_batch_due &&
                       !at->is_in_batch_end && !at->is_in_error &&
                       model_find_replay(model, consumer, ALL_TOPICS) == NULL;

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
    end_registrations(at);
}

/* Those that the group's only lane has begun are over. */
static void
free_begun(struct model *model, uint32_t group)
{
    struct model_group *at = &model->groups[group];

    if (at->lanes > 1 || at->has_stages)
        return;
    for (uint32_t e = at->free_to; e < model->event_count; e++) {
        if (!(model->events[e].begun >> group & 1))
            continue;
        if (at->overflow == RINGBUS_CONFLATE) /* not in their order */
            model->events[e].left |= 1u << group;
        else
            at->free_to = e + 1;
    }
}

void
model_rest(struct model *model)
{
    if (model->failed != NOBODY)
        refute("on_error was not told of consumer %d", model->failed);
    model->is_delivering = false;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].is_batch_due || model->consumers[c].is_replay_batch_due)
            refute("consumer %u was not given the batch_end it is owed", (unsigned)c);
    for (uint32_t g = 0; g < GROUPS; g++) {
        struct model_group *group = &model->groups[g];

        group->amid = group->paused_amid = group->lossy.at = EVENTS;
        group->is_amid_replay = false;
        if (group->kind == RINGBUS_GROUP_CALLER && group->line != UNOPENED)
            model_settle(model, g);
        else
            free_begun(model, g);
    }
    model_check_released(model);
}

static void
settle_consumer(struct model *model, uint32_t consumer, uint32_t group)
{
    for (uint32_t e = 0; e < model->event_count; e++) {
        uint8_t *due = &model->events[e].due[consumer];

        if (model_is_blocked(model, group, e))
            return;
        if (*due == DUE && model_is_skipped(model, group, model->events[e].index[group]))
            *due = LOST;
        if (*due == DUE)
            refute("consumer %u has not got event %u, and nothing is left to do",
                (unsigned)consumer, (unsigned)e);
        if (*due == MAYBE)
            *due = CANCELLED;
    }
    if (model->consumers[consumer].line == DRAINING)
        refute("consumer %u is not destroyed, and nothing is left to do", (unsigned)consumer);
}

void
model_settle(struct model *model, uint32_t group)
{
    struct model_group *at = &model->groups[group];

    for (uint32_t c = 0; c < CONSUMERS && !at->is_paused; c++) {
        if (model->consumers[c].line == UNOPENED || model->consumers[c].group != group)
            continue;
        if (model_find_replay(model, c, ALL_TOPICS) != NULL)
            refute(
                "consumer %u has not got a retained value, and nothing is left to do", (unsigned)c);
        settle_consumer(model, c, group);
    }
    while (!at->is_paused && at->free_to < model->event_count &&
           !model_is_blocked(model, group, at->free_to))
        at->free_to++;
    at->has_discarded_replays &= at->is_paused;
    if (!at->is_paused && at->free_to == model->event_count)
        model_empty_lossy(model, group);
}
