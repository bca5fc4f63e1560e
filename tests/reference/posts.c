/* posts.c - posts, in all their forms. */
#include <stdio.h>

#include "reference/calls.h"

enum form { POST, TRY, UNTIL };

static int
post_by_name(const struct model_event *event, enum form form, const void *payload)
{
    const char *name = play_topic_name(event->topic);

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

    options.ordered = event->ordered;
    if (form == TRY)
        return ringbus_topic_try_post(handle, payload, event->size, &options);
    if (form == UNTIL)
        return ringbus_topic_post_until(handle, payload, event->size, RINGBUS_FOREVER, &options);
    return ringbus_topic_post(handle, payload, event->size, event->ordered != 0 ? &options : NULL);
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

static void
check_post(int code, enum form form, const struct model_promise *promise, bool was_over)
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

static bool
is_in_dead(void)
{
    for (uint32_t i = 0; i < player.depth; i++)
        if (player.insides[i].place == IN_DEAD)
            return true;
    return false;
}

/* The post has returned: who was posted to in caller groups has got it, and what came of it. */
static void
end_delivery(void)
{
    struct model *model = &player.model;

    model->is_delivering = false;
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model->groups[g].kind == RINGBUS_GROUP_CALLER && model->groups[g].line != UNOPENED)
            model_settle(model, g);
}

static bool
has_caller_groups(uint32_t event)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (player.model.events[event].groups >> g & 1 &&
            player.model.groups[g].kind == RINGBUS_GROUP_CALLER)
            return true;
    return false;
}

static void
run_post(uint32_t event, enum form form, struct ringbus_topic *handle,
    const struct model_promise *promise)
{
    struct model *model = &player.model;
    const struct model_event *posted = &model->events[event];
    const bool is_outermost = !model->is_delivering && has_caller_groups(event);
    const bool was_over = model->bus != OPEN;
    unsigned char payload[MOST_SIZE];
    int code = 0;

    play_fill(payload, posted->size, event);
    if (is_outermost) {
        model->is_delivering = true;
        model->delivered = event;
    }
    player.dead_event = promise->most == 0 && !is_in_dead() ? (int)event : NOBODY;
    model->posts++;
    code = handle != NULL ? post_by_handle(posted, form, payload, handle)
                          : post_by_name(posted, form, payload);
    model->posts--;
    check_post(code, form, promise, was_over);
    if (code < 0)
        model_refuse_event(model, event);
    else if (player.dead_event != NOBODY)
        refute("on_dead was not told of event %u", (unsigned)event);
    player.dead_event = NOBODY;
    if (is_outermost)
        end_delivery();
}

void
play_post(const struct call *call)
{
    const uint32_t topic = (uint32_t)call->values[0], by = (uint32_t)call->values[1];
    struct ringbus_topic *handle =
        player.handle_counts[topic] > 0 ? player.handles[topic][0] : NULL;
    struct model_promise promise;
    uint32_t number = topic, event = 0;

    if (by == 2 && player.depth > 0)
        handle = player.insides[player.depth - 1].handle;
    if (player.model.event_count == EVENTS || (by != 0 && handle == NULL))
        return;
    if (by == 0)
        handle = NULL;
    else if (sscanf(ringbus_topic_name(handle), "t%u", &number) != 1 || number >= TOPICS)
        refute("a handle has the name %s", ringbus_topic_name(handle));
    event =
        model_open_event(&player.model, number, call->values[3] > 0 ? (uint32_t)call->values[3] : 1,
            handle != NULL ? (uint64_t)call->values[4] : 0, &promise);
    run_post(event, (enum form)call->values[2], handle, &promise);
}
