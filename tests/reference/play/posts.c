/* posts.c - posts, in all their forms. */
#include <string.h>

#include "reference/model/registered.h"
#include "reference/model/release.h"
#include "reference/play/calls.h"

static int
post_by_name(const struct model_event *event, enum form form, const void *payload)
{
    const char *name = model_topic_name(event->topic);

    if (form == TRY)
        return ringbus_try_post(player.bus, name, payload, event->size);
    if (form == UNTIL)
        return ringbus_post_until(player.bus, name, payload, event->size, RINGBUS_FOREVER);
    return ringbus_post(player.bus, name, payload, event->size);
}

static int
post_by_handle(const struct model_event *event, enum form form, const void *payload,
    struct ringbus_topic *handle)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    const bool is_plain = event->ordered == 0 && !event->is_reference;

    options.ordered = event->ordered;
    options.release = event->is_reference ? play_release : NULL;
    options.release_context = &player;
    if (form == TRY)
        return ringbus_topic_try_post(handle, payload, event->size, &options);
    if (form == UNTIL)
        return ringbus_topic_post_until(handle, payload, event->size, RINGBUS_FOREVER, &options);
    return ringbus_topic_post(handle, payload, event->size, is_plain ? NULL : &options);
}

/* May it be refused because the bus ends, must it? An ordinary post is, a handler's is not before the end; who
 * posts from a hook is between them. */
static void
find_end(bool *ret_may, bool *ret_must)
{
    const struct inside *inside = player.depth > 0 ? &player.insides[player.depth - 1] : NULL;

    *ret_may = player.model.bus != OPEN;
    *ret_must = player.model.bus == ENDED || (*ret_may && inside == NULL);
    if (player.model.bus == DRAINING && inside != NULL &&
        (inside->place == IN_HANDLER || inside->place == IN_BATCH_END))
        *ret_may = false;
}

void
play_check_post(int code, enum form form, const struct model_promise *promise, bool was_over)
{
    const int full = form == TRY ? RINGBUS_EAGAIN : RINGBUS_EDEADLK;
    bool may_end = false, must_end = false;

    find_end(&may_end, &must_end);
    must_end &= was_over; /* the post may have ended the bus */
    play_check("post", code,
        (code >= promise->least && code <= promise->most && !promise->must_be_full &&
            !promise->is_too_large && !must_end) ||
            (code == full && promise->may_be_full && !must_end) ||
            (code == RINGBUS_EMSGSIZE && promise->is_too_large) ||
            (code == RINGBUS_ESHUTDOWN && may_end));
}

enum poster
play_poster(void)
{
    for (uint32_t i = 0; i < player.depth; i++) {
        const enum place place = player.insides[i].place;

        if (place == IN_HANDLER || place == IN_BATCH_END || place == IN_ERROR)
            return INSIDE;
    }
    return player.depth > 0 ? MAYBE_INSIDE : OUTSIDE;
}

static bool
is_in_dead(void)
{
    for (uint32_t i = 0; i < player.depth; i++)
        if (player.insides[i].place == IN_DEAD)
            return true;
    return false;
}

/* ---- caller groups ---- */

static bool
has_caller_groups(uint32_t event)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model_is_in(&player.model, event, g) && model_is_caller(&player.model, g))
            return true;
    return false;
}

static bool
begin_delivery(uint32_t event, bool is_for_callers)
{
    struct model *model = &player.model;
    const bool is_outermost = !model->is_delivering && is_for_callers;

    if (is_outermost) {
        model->is_delivering = true;
        model->delivered = model->outermost = event;
    }
    model->posts++;
    return is_outermost;
}

bool
play_begin_delivery(uint32_t event)
{
    return begin_delivery(event, has_caller_groups(event));
}

bool
play_begin_replays(uint32_t consumer)
{
    const struct model *model = &player.model;
    int last = NOBODY;

    for (uint32_t e = 0; e < model->event_count; e++)
        if (model->events[e].claimed != CLAIMED &&
            (last == NOBODY || model->events[e].order > model->events[last].order))
            last = (int)e;
    return begin_delivery(
        (uint32_t)last, last != NOBODY && model_is_caller(model, model->consumers[consumer].group));
}

/* It has returned: who was posted to in caller groups has got it, and what came of it. */
void
play_end_delivery(bool is_outermost)
{
    struct model *model = &player.model;

    model->posts--;
    if (!is_outermost)
        return;
    model->is_delivering = false;
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model_is_caller(model, g) && model->groups[g].line != UNOPENED)
            model_settle(model, g);
}

/* ---- posts ---- */

bool
play_is_lossy(uint32_t topic)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (player.model.consumers[c].registered >> topic & 1 &&
            player.model.groups[player.model.consumers[c].group].overflow != RINGBUS_LOSSLESS)
            return true;
    return false;
}

/* Before a post to lossy groups, to go back there if it is refused. */
static struct model before;

static void
refuse(uint32_t event)
{
    struct model *model = &player.model;

    if (play_is_lossy(model->events[event].topic)) {
        memcpy(model->groups, before.groups, sizeof model->groups);
        for (uint32_t e = 0; e < event; e++) {
            before.events[e].is_released = model->events[e].is_released;
            model->events[e] = before.events[e];
        }
    }
    model_refuse_event(model, event);
}

static void
end_post(int code, uint32_t event, int value, bool is_dead)
{
    struct model *model = &player.model;

    if (code < 0) {
        refuse(event);
        model->topics[model->events[event].topic].value = value;
        player.dead_event = NOBODY;
        return;
    }
    if (player.dead_event != NOBODY)
        refute("on_dead was not told of event %u", (unsigned)event);
    player.dead_posts += is_dead;
    for (uint32_t c = 0; c < CONSUMERS && model->bus == DISCARDING; c++)
        player.seats[c].is_report_open |= model->events[event].due[c] != NOT_DUE;
    model_check_post_released(model, event);
}

static void
run_post(uint32_t event, enum form form, struct ringbus_topic *handle,
    const struct model_promise *promise, const struct model_space *space)
{
    struct model *model = &player.model;
    const struct model_event *posted = &model->events[event];
    struct model_topic *topic = &model->topics[posted->topic];
    const bool was_over = model->bus != OPEN;
    const bool is_dead = promise->most == 0 && topic->max_size == 0;
    const int value = topic->value;
    unsigned char copy[MOST_SIZE], *payload = posted->is_reference ? player.buffers[event] : copy;
    bool is_outermost = false;
    int code = 0;

    play_fill(payload, posted->size, event);
    if (topic->max_size > 0)
        topic->value = (int)event;
    player.dead_event = is_dead && !is_in_dead() ? (int)event : NOBODY;
    is_outermost = play_begin_delivery(event);
    player.is_claiming = promise->may_be_full;
    code = handle != NULL ? post_by_handle(posted, form, payload, handle)
                          : post_by_name(posted, form, payload);
    player.is_claiming = false;
    if (code != RINGBUS_ENOSPC || !space->may_be_gone || promise->most == 0)
        play_check_post(code, form, promise, was_over);
    if (code >= 0 && space->must_be_gone && promise->most > 0)
        refute("a topic is made for a post, beyond max_topics");
    end_post(code, event, value, is_dead);
    play_end_delivery(is_outermost);
    player.dead_event = NOBODY;
}

static struct ringbus_topic *
find_handle(uint32_t topic, uint32_t by)
{
    if (by == 2 && player.depth > 0)
        return player.insides[player.depth - 1].handle;
    return player.model.topics[topic].handles > 0 ? player.handles[topic][0] : NULL;
}

static void
post(const struct call *call, const struct model_event *posted, struct ringbus_topic *handle)
{
    const struct model_space space = handle == NULL
                                         ? model_topic_space(&player.model, 1u << posted->topic)
                                         : (struct model_space){.may_be_gone = false};
    struct model_promise promise;
    uint32_t event = 0;

    if (play_is_lossy(posted->topic))
        before = player.model;
    player.has_lost_topics |= player.model.topics[posted->topic].handles == 0;
    event = model_open_event(&player.model, posted, play_poster(), &promise);
    if (handle == NULL && model_has_patterns(&player.model))
        model_touch_topic(&player.model, posted->topic);
    run_post(event, (enum form)call->values[2], handle, &promise, &space);
}

static void
play_post(const struct call *call)
{
    const uint32_t by = (uint32_t)call->values[1];
    struct ringbus_topic *handle = find_handle((uint32_t)call->values[0], by);
    struct model_event posted = {.topic = (uint32_t)call->values[0]};

    if (player.model.event_count == EVENTS || (by != 0 && handle == NULL))
        return;
    if (by == 0)
        handle = NULL;
    else
        posted.topic = model_topic_of(ringbus_topic_name(handle));
    if (posted.topic == TOPICS)
        refute("a handle has the name %s", ringbus_topic_name(handle));
    posted.size = call->values[3] > 0 ? (uint32_t)call->values[3] : 1;
    posted.ordered = handle != NULL ? (uint64_t)call->values[4] : 0;
    posted.is_reference = handle != NULL && call->values[5] != 0;
    post(call, &posted, handle);
}

bool
play_event_call(const struct call *call)
{
    switch (call->verb) {
    case VERB_POST:
        return play_post(call), true;
    case VERB_CLAIM:
        return play_claim(call), true;
    case VERB_PUBLISH:
        return play_publish(call), true;
    case VERB_ABANDON:
        return play_abandon(call), true;
    case VERB_KEEP:
        return play_keep(call), true;
    case VERB_DROP:
        return play_drop((uint32_t)call->values[0]), true;
    default:
        return false;
    }
}
