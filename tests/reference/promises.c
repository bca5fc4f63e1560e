/* promises.c - what must hold when a handler, a batch_end or on_error is called. */
#include "reference/model.h"
#include "ringbus/ringbus.h"

/* Must a consumer's event come before another one? */
static bool
has_order(const struct model *model, uint32_t consumer, uint32_t first, uint32_t second)
{
    const struct model_consumer *at = &model->consumers[consumer];

    return !at->is_safe || model->groups[at->group].kind == RINGBUS_GROUP_CALLER ||
           (model->events[first].ordered != 0 &&
               model->events[first].ordered == model->events[second].ordered);
}

static void
check_order(struct model *model, uint32_t consumer, uint32_t event)
{
    for (uint32_t e = 0; e < event; e++) {
        uint8_t *due = &model->events[e].due[consumer];

        if (!has_order(model, consumer, e, event))
            continue;
        if (*due == DUE)
            refute("consumer %u gets event %u before event %u", (unsigned)consumer, (unsigned)event,
                (unsigned)e);
        if (*due == MAYBE)
            *due = WITHHELD;
    }
}

static void
check_after(struct model *model, uint32_t consumer, uint32_t event)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        uint8_t *due = &model->events[event].due[c];

        if (!(model->consumers[consumer].after >> c & 1))
            continue;
        if (*due == DUE || *due == RUNNING || *due == OWED)
            refute("consumer %u gets event %u before consumer %u is done with it",
                (unsigned)consumer, (unsigned)event, (unsigned)c);
        if (*due == FAILED || *due == WITHHELD)
            refute("consumer %u gets event %u on which consumer %u %s", (unsigned)consumer,
                (unsigned)event, (unsigned)c, *due == FAILED ? "failed" : "did not even get");
    }
}

/* When its group is paused a lane finishes the event that it is at, or the few of a range; then it begins none. */
static void
check_pause(const struct model *model, uint32_t consumer, uint32_t event)
{
    const struct model_consumer *at = &model->consumers[consumer];
    const struct model_group *group = &model->groups[at->group];

    if (group->is_paused &&
        (group->paused_amid == EVENTS || (event != group->paused_amid && !at->is_safe)))
        refute(
            "group %u is paused, and begins with event %u", (unsigned)at->group, (unsigned)event);
}

/* In a caller group, events are delivered one after the other. */
static void
check_queue(struct model *model, uint32_t group, uint32_t event)
{
    if (!model->is_delivering || event < model->delivered)
        refute("event %u is delivered after event %u", (unsigned)event, (unsigned)model->delivered);
    for (uint32_t c = 0; c < CONSUMERS; c++)
        for (uint32_t e = 0; e < event; e++) {
            const uint8_t due = model->events[e].due[c];

            if (model->groups[model->consumers[c].group].kind == RINGBUS_GROUP_CALLER &&
                (due == DUE || (due == OWED && e >= model->consumers[c].before_from)))
                refute("event %u is delivered in group %u before event %u is", (unsigned)event,
                    (unsigned)group, (unsigned)e);
        }
    model->delivered = event;
}

static void
check_sequence(struct model *model, uint32_t group, uint32_t event, int64_t sequence)
{
    struct model_group *at = &model->groups[group];
    int64_t index = 0;

    for (uint32_t e = 0; e < event; e++)
        index += model_is_in(model, e, group);
    if (!at->has_base)
        at->base = sequence - index;
    at->has_base = true;
    if (sequence != (at->kind == RINGBUS_GROUP_CALLER ? -1 : at->base + index))
        refute("event %u has sequence %lld in group %u, not %lld", (unsigned)event,
            (long long)sequence, (unsigned)group, (long long)(at->base + index));
}

static bool
may_run(const struct model *model, uint32_t group)
{
    switch (model->groups[group].kind) {
    case RINGBUS_GROUP_CALLER:
        return model->posts > 0;
    case RINGBUS_GROUP_POLLED:
        return model->polled == (int)group;
    default:
        return model->is_stepping;
    }
}

/* What holds for handlers and batch_ends. */
static void
check_consumer(const struct model *model, uint32_t consumer)
{
    const struct model_consumer *at = &model->consumers[consumer];

    if (at->line == UNOPENED || at->line == ENDED)
        refute("consumer %u is called after its end", (unsigned)consumer);
    if (at->running > 0 || at->is_in_batch_end)
        refute("consumer %u is entered twice", (unsigned)consumer);
    if (model->failed != NOBODY)
        refute("on_error was not told of consumer %d", model->failed);
    if (!may_run(model, at->group))
        refute("consumer %u of group %u is called by somebody who does not run that group",
            (unsigned)consumer, (unsigned)at->group);
}

static void
fail(struct model *model, uint32_t consumer, int event, int code)
{
    model->failed = (int)consumer;
    model->failed_event = event;
    model->failed_code = code;
}

void
model_begin_call(struct model *model, uint32_t consumer, uint32_t event, int64_t sequence)
{
    struct model_consumer *at = &model->consumers[consumer];
    struct model_event *of = &model->events[event];

    check_consumer(model, consumer);
    if (of->due[consumer] != DUE && of->due[consumer] != MAYBE)
        refute("consumer %u gets event %u, which is not due (%u)", (unsigned)consumer,
            (unsigned)event, (unsigned)of->due[consumer]);
    check_order(model, consumer, event);
    check_after(model, consumer, event);
    if (model->groups[at->group].kind == RINGBUS_GROUP_CALLER)
        check_queue(model, at->group, event);
    check_pause(model, consumer, event);
    check_sequence(model, at->group, event, sequence);
    of->begun |= 1u << at->group;
    model->groups[at->group].amid = event;
    of->due[consumer] = RUNNING;
    at->running++;
    at->calls++;
    at->is_batch_due |= at->has_batch_end;
    if (at->limit != 0 && at->calls == at->limit)
        model_cancel(model, consumer, ALL_TOPICS, CANCELLED);
}

/* Had it its last call, it is registered nowhere from now on. */
static void
exhaust(struct model *model, uint32_t consumer)
{
    const struct model_consumer *at = &model->consumers[consumer];

    if (at->limit != 0 && at->calls == at->limit)
        model_unregister(model, consumer, ALL_TOPICS);
}

void
model_end_call(struct model *model, uint32_t consumer, uint32_t event, int code)
{
    struct model_consumer *at = &model->consumers[consumer];

    at->running--;
    model->events[event].due[consumer] = code < 0 ? FAILED : at->has_batch_end ? OWED : DONE;
    if (code >= 0) {
        exhaust(model, consumer);
        return;
    }
    model_withhold(model, event, consumer);
    fail(model, consumer, (int)event, code);
}

void
model_begin_batch_end(struct model *model, uint32_t consumer)
{
    struct model_consumer *at = &model->consumers[consumer];

    check_consumer(model, consumer);
    if (!at->is_batch_due)
        refute("consumer %u is owed no batch_end", (unsigned)consumer);
    at->is_batch_due = false;
    at->is_in_batch_end = true;
}

void
model_end_batch_end(struct model *model, uint32_t consumer, int code)
{
    model->consumers[consumer].is_in_batch_end = false;
    for (uint32_t e = 0; e < model->event_count; e++) {
        uint8_t *due = &model->events[e].due[consumer];

        if (*due == OWED && code < 0)
            model_withhold(model, e, consumer);
        if (*due == OWED)
            *due = code < 0 ? FAILED : DONE;
    }
    if (code < 0)
        fail(model, consumer, NOBODY, code);
}

void
model_begin_error(struct model *model, uint32_t consumer, int event, int code)
{
    if (model->failed != (int)consumer || model->failed_event != event ||
        model->failed_code != code)
        refute("on_error is told of consumer %u, event %d, code %d; consumer %d has failed, "
               "event %d, code %d",
            (unsigned)consumer, event, code, model->failed, model->failed_event,
            model->failed_code);
    model->failed = NOBODY;
    model->consumers[consumer].is_in_error = true;
}

void
model_end_error(struct model *model, uint32_t consumer)
{
    model->consumers[consumer].is_in_error = false;
    exhaust(model, consumer);
}
