/* release.c - not before everybody is done with the event, and not later. */
#include "reference/model/release.h"

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

        if (due == DUE || due == RUNNING || due == OWED)
            refute("event %u is released before consumer %u is done with it", (unsigned)event,
                (unsigned)c);
    }
    at->is_released = at->is_releasing = true;
}

void
model_end_release(struct model *model, uint32_t event)
{
    model->events[event].is_releasing = false;
}

static bool
is_over(const struct model *model, uint32_t event)
{
    for (uint32_t g = 0; g < GROUPS; g++)
        if (model_is_in(model, event, g) && event >= model->groups[g].free_to &&
            model->groups[g].line != ENDED)
            return false;
    return true;
}

void
model_check_released(const struct model *model)
{
    for (uint32_t e = 0; e < model->event_count; e++) {
        const struct model_event *at = &model->events[e];

        if (at->is_reference && !at->is_released && at->keeps == 0 && is_over(model, e))
            refute("event %u is not released, and everybody is done with it", (unsigned)e);
    }
}
