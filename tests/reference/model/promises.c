/* promises.c - what must hold when a handler, a batch_end or on_error is called. */
#include "reference/model/lossy.h"
#include "reference/model/registered.h"
#include "reference/model/replay.h"
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
    const uint32_t group = model->consumers[consumer].group;
    const struct model_replay *replay =
        model_find_replay(model, consumer, model->events[event].topic);

    if (replay != NULL && replay->from <= event)
        refute("consumer %u gets event %u before the value that was retained", (unsigned)consumer,
            (unsigned)event);
    for (uint32_t e = 0; e < model->event_count; e++) {
        uint8_t *due = &model->events[e].due[consumer];

        if ((*due != DUE && *due != MAYBE) || model->groups[group].lossy.is_blurred ||
            !model_is_before(model, group, e, event) || !has_order(model, consumer, e, event))
            continue;
        if (*due == DUE)
            refute("consumer %u gets event %u before event %u", (unsigned)consumer, (unsigned)event,
                (unsigned)e);
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

/* When its group is paused a lane finishes the event that it is at, or the few of a range; then it begins none. One
 * that copies entries out is at one, in its hand, when it delivers retained values. */
static void
check_pause(const struct model *model, uint32_t consumer, uint32_t event)
{
    const struct model_consumer *at = &model->consumers[consumer];
    const struct model_group *group = &model->groups[at->group];

    if (group->is_paused && !(group->is_paused_in_replay && model_copies_out(group)) &&
        (group->paused_amid == EVENTS || (event != group->paused_amid && !at->is_safe)))
        refute(
            "group %u is paused, and begins with event %u", (unsigned)at->group, (unsigned)event);
}

static void
check_due(const struct model *model, uint32_t group, uint32_t event, uint32_t other)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        const uint8_t due = model->events[other].due[c];

        if (model_is_caller(model, model->consumers[c].group) &&
            (due == DUE || (due == OWED && other >= model->consumers[c].before_from)))
            refute("event %u is delivered in group %u before event %u is", (unsigned)event,
                (unsigned)group, (unsigned)other);
    }
}

/* In a caller group, events are delivered one after the other. */
static void
check_queue(struct model *model, uint32_t group, uint32_t event)
{
    if (!model->is_delivering || model->events[event].order < model->events[model->delivered].order)
        refute("event %u is delivered after event %u", (unsigned)event, (unsigned)model->delivered);
    for (uint32_t e = 0; e < model->event_count; e++)
        if (model->events[e].order < model->events[event].order)
            check_due(model, group, event, e);
    model->delivered = event;
}

static void
check_sequence(struct model *model, uint32_t group, uint32_t event, int64_t sequence)
{
    struct model_group *at = &model->groups[group];
    const int64_t index = model->events[event].index[group];

    if (at->lossy.is_blurred)
        return;
    if (!at->has_base)
        at->base = sequence - index;
    at->has_base = true;
    if (sequence != (at->kind == RINGBUS_GROUP_CALLER ? -1 : at->base + index))
        refute("event %u has sequence %lld in group %u, not %lld", (unsigned)event,
            (long long)sequence, (unsigned)group, (long long)(at->base + index));
}

/* Of a copy. */
static void
check_replayed_sequence(
    const struct model *model, uint32_t group, uint32_t event, int32_t index, int64_t sequence)
{
    const struct model_group *at = &model->groups[group];

    if (index == ANYWHERE || (at->overflow != RINGBUS_LOSSLESS && !at->has_base))
        return; /* it may be blurred, or have been */
    if (index != NOWHERE ? at->has_base && sequence != at->base + index : sequence != -1)
        refute("the retained event %u has sequence %lld in group %u", (unsigned)event,
            (long long)sequence, (unsigned)group);
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

static void
enter(struct model *model, uint32_t consumer)
{
    struct model_consumer *at = &model->consumers[consumer];

    at->running++;
    at->calls++;
    if (model_is_exhausted(model, consumer))
        model_cancel(model, consumer, EVERY_TOPIC, CANCELLED);
}

/* A group that is paused begins no copy; but one that has an event in its hand delivers those first. */
static void
begin_replay(
    struct model *model, uint32_t consumer, uint32_t event, const struct model_signs *signs)
{
    struct model_consumer *at = &model->consumers[consumer];
    struct model_group *group = &model->groups[at->group];

    if (group->is_paused && !model_copies_out(group))
        refute("group %u is paused, and begins with a retained value", (unsigned)at->group);
    if (!model_passes(at, event))
        refute("consumer %u gets a retained value that its filter refuses", (unsigned)consumer);
    if (signs->lost != 0)
        refute("the retained event %u tells of %llu lost", (unsigned)event,
            (unsigned long long)signs->lost);
    check_replayed_sequence(
        model, at->group, event, model_end_replay(model, consumer, event), signs->sequence);
    group->is_amid_replay = at->is_in_replay = true;
    at->is_replay_batch_due = at->has_batch_end;
    enter(model, consumer);
}

static void
begin_event(struct model *model, uint32_t consumer, uint32_t event, const struct model_signs *signs)
{
    struct model_consumer *at = &model->consumers[consumer];
    struct model_event *of = &model->events[event];

    model_take(model, at->group, event);
    if (of->due[consumer] != DUE && of->due[consumer] != MAYBE)
        refute("consumer %u gets event %u, which is not due (%u)", (unsigned)consumer,
            (unsigned)event, (unsigned)of->due[consumer]);
    if (of->claimed != NOT_CLAIMED || model_is_blocked(model, at->group, event))
        refute(
            "consumer %u gets event %u, and a claim is open", (unsigned)consumer, (unsigned)event);
    check_order(model, consumer, event);
    check_after(model, consumer, event);
    if (model_is_caller(model, at->group))
        check_queue(model, at->group, event);
    check_pause(model, consumer, event);
    check_sequence(model, at->group, event, signs->sequence);
    model_check_lost(model, at->group, event, signs->lost);
    of->begun |= 1u << at->group;
    model->groups[at->group].amid = event;
    of->due[consumer] = RUNNING;
    at->is_batch_due |= at->has_batch_end;
    enter(model, consumer);
}

void
model_begin_call(struct model *model, uint32_t consumer, uint32_t event, struct model_signs signs)
{
    check_consumer(model, consumer);
    if (model_is_replay(model, consumer, event))
        begin_replay(model, consumer, event, &signs);
    else
        begin_event(model, consumer, event, &signs);
}

void
model_ask_filter(struct model *model, uint32_t consumer, uint32_t event)
{
    const uint32_t group = model->consumers[consumer].group;
    struct model_event *of = &model->events[event];

    if (model->consumers[consumer].line == ENDED)
        refute("the filter of consumer %u is called after its end", (unsigned)consumer);
    if (model_is_replay(model, consumer, event)) {
        if (!model_passes(&model->consumers[consumer], event))
            (void)model_end_replay(model, consumer, event);
        return;
    }
    if (of->due[consumer] == NOT_DUE || of->due[consumer] == LOST)
        refute(
            "the filter of consumer %u is asked of event %u", (unsigned)consumer, (unsigned)event);
    model_take(model, group, event);
    if (of->due[consumer] == UNWANTED)
        of->due[consumer] = FILTERED;
    if (!model_is_caller(model, group))
        of->begun |= 1u << group;
}

/* Had it its last call, it is registered nowhere from now on. */
static void
exhaust(struct model *model, uint32_t consumer)
{
    if (model_is_exhausted(model, consumer))
        model_unregister_all(model, consumer);
}

void
model_end_call(struct model *model, uint32_t consumer, uint32_t event, int code)
{
    struct model_consumer *at = &model->consumers[consumer];
    const bool is_replay = at->is_in_replay;

    at->running--;
    at->is_in_replay = false;
    if (!is_replay)
        model->events[event].due[consumer] = code < 0 ? FAILED : at->has_batch_end ? OWED : DONE;
    if (code >= 0) {
        exhaust(model, consumer);
        return;
    }
    if (!is_replay)
        model_withhold(model, event, consumer);
    fail(model, consumer, (int)event, code);
}

void
model_begin_batch_end(struct model *model, uint32_t consumer)
{
    struct model_consumer *at = &model->consumers[consumer];

    check_consumer(model, consumer);
    if (!at->is_batch_due && !at->is_replay_batch_due)
        refute("consumer %u is owed no batch_end", (unsigned)consumer);
    at->is_in_replay = at->is_replay_batch_due; /* which comes right after the copy */
    if (!at->is_in_replay)
        at->is_batch_due = false;
    at->is_replay_batch_due = false;
    at->is_in_batch_end = true;
}

void
model_end_batch_end(struct model *model, uint32_t consumer, int code)
{
    struct model_consumer *at = &model->consumers[consumer];
    const bool is_replay = at->is_in_replay;

    at->is_in_batch_end = at->is_in_replay = false;
    for (uint32_t e = 0; e < model->event_count && !is_replay; e++) {
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
