/* replay.h - retained values on their way to consumers. */
#ifndef TESTS_REFERENCE_MODEL_REPLAY_H
#define TESTS_REFERENCE_MODEL_REPLAY_H

#include "reference/model/model.h"

/* The consumer has registered: it gets the topic's value, if there is one. */
void model_open_replay(struct model *model, uint32_t consumer, uint32_t topic);

/* They go; who is told of what was not delivered is told of them, or not. */
void model_drop_replays(struct model *model, uint32_t consumer, uint32_t topics);
void model_forget_replays(struct model *model, uint32_t consumer, uint32_t topics);

/* One that waits, of a topic (ALL_TOPICS: any). */
const struct model_replay *model_find_replay(
    const struct model *model, uint32_t consumer, uint32_t topic);

/* The call of a consumer for this event is of a replay. */
bool model_is_replay(const struct model *model, uint32_t consumer, uint32_t event);

/* It is called, or its filter has refused it. The index of its value. */
int32_t model_end_replay(struct model *model, uint32_t consumer, uint32_t event);

bool model_group_has_replay(const struct model *model, uint32_t group);

#endif
