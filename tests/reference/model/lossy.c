/* lossy.c - lossy groups as lists: who is dropped, who is replaced, what the lane skips. */
#include "reference/model/lossy.h"

#include "ringbus/ringbus.h"

enum { ANY_NUMBER = 10000 };

bool
model_copies_out(const struct model_group *group)
{
    return group->overflow == RINGBUS_DROP_OLDEST || group->overflow == RINGBUS_CONFLATE;
}

/* What is DUE to the group's consumers becomes `instead`. */
static void
turn(struct model *model, uint32_t group, uint32_t event, enum due instead)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        uint8_t *due = &model->events[event].due[c];

        if (model->consumers[c].group == group &&
            (*due == DUE || (*due == UNWANTED && instead == LOST)))
            *due = (uint8_t)instead;
    }
}

static void
blur(struct model *model, uint32_t group)
{
    model->groups[group].lossy.is_blurred = true;
    model->groups[group].lossy.is_counted = false;
    model->groups[group].has_base = false;
    for (uint32_t e = 0; e < model->event_count; e++)
        if (model_is_in(model, e, group)) {
            turn(model, group, e, MAYBE);
            model->events[e].unplaced |= 1u << group;
        }
}

/* A consumer of the group, or its filter, will be called for it, or would have been. */
static bool
is_wanted(const struct model *model, uint32_t group, uint32_t event)
{
    for (uint32_t c = 0; c < CONSUMERS; c++) {
        const uint8_t due = model->events[event].due[c];

        if (model->consumers[c].group == group && (due == DUE || due == UNWANTED || due == LOST))
            return true;
    }
    return false;
}

/* The event with an index in the group's ring, or NOBODY. */
static int
event_at(const struct model *model, uint32_t group, int32_t index)
{
    for (uint32_t e = 0; e < model->event_count; e++)
        if (model_is_in(model, e, group) && model->events[e].index[group] == index)
            return (int)e;
    return NOBODY;
}

/* ---- posts ---- */

static void
append(struct model_group *at, uint32_t group, struct model_event *event)
{
    event->index[group] = (int16_t)at->posted++;
}

static void
drop_newest(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];
    uint32_t least = 0, most = 0;

    model_find_room(model, group, &least, &most);
    if (most >= at->capacity && least < at->capacity) {
        blur(model, group);
    } else if (least >= at->capacity) {
        turn(model, group, event, LOST);
        model->events[event].groups &= ~(1u << group);
        at->lossy.dropped++;
        at->lossy.most_dropped++;
    } else {
        append(at, group, &model->events[event]);
    }
}

/* By this post. */
static void
leave(struct model *model, uint32_t group, uint32_t event, uint32_t post)
{
    model->events[event].left |= 1u << group;
    model->events[event].replaced_by = post + 1;
}

/* The lane skips, and what it skips is released: how far it goes was settled before that. */
static bool
is_amid_skipping(const struct model *model, uint32_t group)
{
    for (uint32_t e = 0; e < model->event_count && model->releases > 0; e++) {
        const struct model_event *at = &model->events[e];

        if (at->is_releasing && model_is_in(model, e, group) && !(at->left >> group & 1) &&
            at->index[group] >= (int32_t)model->groups[group].lossy.taken)
            return true;
    }
    return false;
}

static void
drop_oldest(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];
    const int32_t gone = at->posted - (int32_t)at->capacity;
    const int overwritten =
        gone >= (int32_t)at->lossy.taken ? event_at(model, group, gone) : NOBODY;

    append(at, group, &model->events[event]);
    if (is_amid_skipping(model, group))
        blur(model, group);
    if (overwritten == NOBODY)
        return;
    if (at->is_amid_replay) { /* the lane may have it in its hand */
        blur(model, group);
        return;
    }
    turn(model, group, (uint32_t)overwritten, LOST);
    leave(model, group, (uint32_t)overwritten, event);
}

static void
conflate(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];
    struct model_event *posted = &model->events[event];
    const int queued = at->lossy.queued[posted->topic];
    struct model_event *before = queued != NOBODY ? &model->events[queued] : NULL;

    at->lossy.queued[posted->topic] = (int)event;
    if (before == NULL) {
        append(at, group, posted);
        return;
    }
    if (at->is_amid_replay || !is_wanted(model, group, (uint32_t)queued))
        blur(model, group); /* the lane may have taken it */
    else
        turn(model, group, (uint32_t)queued, LOST);
    if (!at->is_amid_replay)
        leave(model, group, (uint32_t)queued, event);
    posted->index[group] = before->index[group];
    posted->replacing |= 1u << group;
    before->index[group] = NOWHERE;
    before->groups &= ~(1u << group);
    at->lossy.replaced[posted->topic]++;
    at->lossy.dropped++;
    at->lossy.most_dropped++;
}

void
model_enter_lossy(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];

    model->events[event].losses[group] = (uint16_t)at->lossy.dropped;
    if (model->bus != OPEN || at->line != OPEN)
        blur(model, group);
    if (!at->lossy.is_blurred && at->overflow == RINGBUS_DROP_NEWEST)
        drop_newest(model, group, event);
    else if (!at->lossy.is_blurred && at->overflow == RINGBUS_DROP_OLDEST)
        drop_oldest(model, group, event);
    else if (!at->lossy.is_blurred)
        conflate(model, group, event);
    if (!at->lossy.is_blurred)
        return;
    turn(model, group, event, MAYBE);
    model->events[event].unplaced |= 1u << group;
}

/* ---- the lane ---- */

static void
add_lost(struct model_lossy *lossy, uint32_t count, bool is_sure)
{
    lossy->least += is_sure ? count : 0;
    lossy->most += count;
}

bool
model_is_skipped(const struct model *model, uint32_t group, int32_t index)
{
    const struct model_group *at = &model->groups[group];
    const int32_t oldest = at->posted - (int32_t)at->capacity;

    return at->overflow == RINGBUS_DROP_OLDEST && !at->lossy.is_blurred &&
           oldest > (int32_t)at->lossy.taken && index < oldest + (int32_t)at->capacity / 4;
}

/* From the last event that was taken up to this index: what is wanted was lost, the rest may have been. */
static void
pass_over(struct model *model, uint32_t group, int32_t end)
{
    struct model_lossy *lossy = &model->groups[group].lossy;

    for (int32_t index = (int32_t)lossy->taken; index < end; index++) {
        const int event = event_at(model, group, index);

        if (event == NOBODY)
            continue;
        add_lost(lossy, 1, is_wanted(model, group, (uint32_t)event));
        lossy->dropped += is_wanted(model, group, (uint32_t)event);
        lossy->most_dropped++;
        if (model_is_skipped(model, group, index))
            turn(model, group, (uint32_t)event, LOST);
    }
}

static void
take_oldest(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];
    struct model_lossy *lossy = &at->lossy;
    const int32_t index = model->events[event].index[group];
    const int32_t oldest = at->posted - (int32_t)at->capacity;
    const uint32_t before = lossy->most - lossy->least;

    if (index < oldest)
        refute(
            "group %u hands out event %u, which was overwritten", (unsigned)group, (unsigned)event);
    pass_over(model, group, index);
    if (oldest > (int32_t)lossy->taken && lossy->most - lossy->least == before &&
        index < oldest + (int32_t)at->capacity / 4)
        refute("group %u goes on with event %u when it is overtaken, no quarter ahead",
            (unsigned)group, (unsigned)event);
    lossy->taken = (uint32_t)index + 1;
}

static void
take_queued(struct model *model, uint32_t group, uint32_t event)
{
    struct model_lossy *lossy = &model->groups[group].lossy;
    const int32_t index = model->events[event].index[group];

    for (uint32_t t = 0; t < TOPICS; t++) {
        const int queued = lossy->queued[t];

        /* Those before it nobody wants, or check_order tells. */
        if (queued == NOBODY || model->events[queued].index[group] > index)
            continue;
        add_lost(lossy, lossy->replaced[t], true);
        lossy->replaced[t] = 0;
        lossy->queued[t] = NOBODY;
    }
}

void
model_take(struct model *model, uint32_t group, uint32_t event)
{
    struct model_group *at = &model->groups[group];
    struct model_lossy *lossy = &at->lossy;

    at->is_amid_replay = false;
    if (at->overflow == RINGBUS_LOSSLESS || lossy->at == event)
        return;
    lossy->at = event;
    lossy->is_told = false;
    if (lossy->is_blurred || model->events[event].index[group] == NOWHERE)
        return;
    if (at->overflow == RINGBUS_DROP_OLDEST) {
        take_oldest(model, group, event);
    } else if (at->overflow == RINGBUS_CONFLATE) {
        take_queued(model, group, event);
    } else {
        add_lost(lossy, model->events[event].losses[group] - lossy->told, true);
        lossy->told = model->events[event].losses[group];
    }
}

void
model_check_lost(struct model *model, uint32_t group, uint32_t event, uint64_t lost)
{
    struct model_lossy *lossy = &model->groups[group].lossy;

    if (lossy->is_blurred)
        return;
    if (lossy->is_told ? lost != lossy->lost : lost < lossy->least || lost > lossy->most)
        refute("event %u tells group %u of %llu lost; it is %u to %u", (unsigned)event,
            (unsigned)group, (unsigned long long)lost, (unsigned)lossy->least,
            (unsigned)lossy->most);
    lossy->lost = lost;
    lossy->is_told = true;
    lossy->least = lossy->most = 0;
}

void
model_empty_lossy(struct model *model, uint32_t group)
{
    struct model_group *at = &model->groups[group];
    struct model_lossy *lossy = &at->lossy;

    if (at->overflow == RINGBUS_LOSSLESS)
        return;
    if (!lossy->is_blurred && at->overflow == RINGBUS_DROP_OLDEST)
        pass_over(model, group, at->posted);
    for (uint32_t t = 0; t < TOPICS; t++) {
        add_lost(lossy, lossy->replaced[t], true);
        lossy->replaced[t] = 0;
        lossy->queued[t] = NOBODY;
    }
    if (lossy->is_blurred) {
        lossy->least = 0;
        lossy->most = ANY_NUMBER;
        lossy->told = lossy->dropped;
    }
    at->has_base &= !lossy->is_blurred;
    lossy->is_blurred = false;
    lossy->taken = (uint32_t)at->posted;
    lossy->cells = 0;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].line == OPEN && model->consumers[c].group == group)
            lossy->cells |= model->consumers[c].registered;
}

void
model_count_dropped(
    const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most)
{
    const struct model_group *at = &model->groups[group];
    const int32_t oldest = at->posted - (int32_t)at->capacity;
    /* The lane may have skipped those, and come to one that nobody wants. */
    const int32_t end = oldest + (int32_t)at->capacity / 4;

    *ret_least = at->lossy.dropped;
    *ret_most = at->lossy.most_dropped;
    for (int32_t index = (int32_t)at->lossy.taken;
         at->overflow == RINGBUS_DROP_OLDEST && oldest > (int32_t)at->lossy.taken && index < end;
         index++) {
        const int event = event_at(model, group, index);

        *ret_least += index < oldest && event != NOBODY && is_wanted(model, group, (uint32_t)event);
        *ret_most += 1;
    }
}
