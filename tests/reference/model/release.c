/* release.c - not before everybody is done with the event, and not later. */
#include "reference/model/release.h"

#include "reference/model/lossy.h"

/* The lane of a drop_oldest group that was overtaken skips the event. */
static bool
is_skipped(const struct model *model, uint32_t event, uint32_t group)
{
    return model_is_in(model, event, group) &&
           model_is_skipped(model, group, model->events[event].index[group]);
}

void
model_begin_release(struct model *model, uint32_t event)
{
    struct model_event *at = &model->events[event];

    if (!at->is_reference || at->is_released)
        refute("event %u is released, but was%s", (unsigned)event,
            at->is_reference ? " so before" : " not by reference");
    if (at->keeps > 0)
        refute("event %u is released while it is kept", (unsigned)event);
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        const uint8_t due = at->due[c];

        if (due == DUE && is_skipped(model, event, model->consumers[c].group))
            at->due[c] = LOST;
        else if (due == DUE || due == RUNNING || due == OWED)
            refute("event %u is released before consumer %u is done with it", (unsigned)event,
                (unsigned)c);
    }
    at->is_released = at->is_releasing = true;
    model->releases++;
}

void
model_end_release(struct model *model, uint32_t event)
{
    model->events[event].is_releasing = false;
    model->releases--;
}

static bool
is_over(const struct model *model, uint32_t event)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model_is_in(model, event, g) && event >= model->groups[g].free_to &&
            !(model->events[event].left >> g & 1) && model->groups[g].line != ENDED)
            return false;
    return true;
}

static bool
is_late(const struct model *model, uint32_t event)
{
    const struct model_event *at = &model->events[event];

    return at->is_reference && !at->is_released && at->keeps == 0 && is_over(model, event);
}

void
model_check_released(const struct model *model)
{
    for (uint32_t e = 0; e < model->event_count; e++)
        if (is_late(model, e))
            refute("event %u is not released, and everybody is done with it", (unsigned)e);
}

void
model_check_post_released(const struct model *model, uint32_t post)
{
    if (is_late(model, post))
        refute("event %u has nobody, and was not released", (unsigned)post);
    for (uint32_t e = 0; e < post; e++)
        if (model->events[e].replaced_by == post + 1 && is_late(model, e))
            refute("event %u is not released by the post of event %u, which replaced it",
                (unsigned)e, (unsigned)post);
}
