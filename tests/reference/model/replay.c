/* replay.c - who registers on a retained topic gets its value first, once, and then what is posted later. */
#include "reference/model/replay.h"

/* Where the value is in the group's ring; not if it took the place of another one. */
static int32_t
index_of(const struct model *model, uint32_t group, uint32_t value)
{
    const struct model_event *at = &model->events[value];

    if (model_is_in(model, value, group) && at->unplaced >> group & 1)
        return ANYWHERE;
    if (!model_is_in(model, value, group) || model_is_caller(model, group) ||
        at->replacing >> group & 1)
        return NOWHERE;
    return at->index[group];
}

void
model_open_replay(struct model *model, uint32_t consumer, uint32_t topic)
{
    const int value = model->topics[topic].value;
    uint32_t i = 0;

    if (model->topics[topic].max_size == 0 || value == NOBODY)
        return;
    if (model_is_exhausted(model, consumer)) { /* it is in its last call */
        model->dropped_replays[consumer][topic]++;
        model->consumers[consumer].dropped++;
        return;
    }
    while (i < REPLAYS && model->replays[i].is_waiting)
        i++;
    if (i == REPLAYS)
        refute("more replays than consumers can wait for");
    model->replays[i] = (struct model_replay){true, consumer, topic, (uint32_t)value,
        model->event_count, model->replay_count++,
        index_of(model, model->consumers[consumer].group, (uint32_t)value)};
}

static uint32_t
take_away(struct model *model, uint32_t consumer, uint32_t topic)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < REPLAYS; i++) {
        struct model_replay *replay = &model->replays[i];

        if (!replay->is_waiting || replay->consumer != consumer || replay->topic != topic)
            continue;
        replay->is_waiting = false;
        count++;
    }
    return count;
}

void
model_drop_replays(struct model *model, uint32_t consumer, uint32_t topics)
{
    for (uint32_t t = 0; t < TOPICS; t++)
        if (topics >> t & 1) {
            const uint32_t count = take_away(model, consumer, t);

            model->dropped_replays[consumer][t] += count;
            model->consumers[consumer].dropped += count;
        }
}

void
model_forget_replays(struct model *model, uint32_t consumer, uint32_t topics)
{
    for (uint32_t t = 0; t < TOPICS; t++)
        if (topics >> t & 1)
            (void)take_away(model, consumer, t);
}

const struct model_replay *
model_find_replay(const struct model *model, uint32_t consumer, uint32_t topic)
{
    for (uint32_t i = 0; i < REPLAYS; i++) {
        const struct model_replay *replay = &model->replays[i];

        if (replay->is_waiting && replay->consumer == consumer &&
            (topic == ALL_TOPICS || replay->topic == topic))
            return replay;
    }
    return NULL;
}

bool
model_is_replay(const struct model *model, uint32_t consumer, uint32_t event)
{
    const struct model_replay *replay =
        model_find_replay(model, consumer, model->events[event].topic);
    const uint8_t due = model->events[event].due[consumer];

    return replay != NULL && replay->event == event && due != DUE && due != MAYBE;
}

int32_t
model_end_replay(struct model *model, uint32_t consumer, uint32_t event)
{
    const struct model_replay *replay =
        model_find_replay(model, consumer, model->events[event].topic);
    const int32_t index = replay->index;

    (void)take_away(model, consumer, replay->topic);
    return index;
}

bool
model_group_has_replay(const struct model *model, uint32_t group)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].line != UNOPENED && model->consumers[c].group == group &&
            model_find_replay(model, c, ALL_TOPICS) != NULL)
            return true;
    return false;
}
