/* lossy.h - what lossy groups hold, drop, replace, and tell of that.
 *
 * Such a group has one lane and one stage, so what it does without room follows from what was called. The exception:
 * events that nobody wants any more, which the lane passes without a call, at a time that cannot be seen. Where it
 * matters whether it has, the group is blurred until nothing is left in it: all it holds is MAYBE, and the counts of
 * what was lost are not looked at. */
#ifndef TESTS_REFERENCE_MODEL_LOSSY_H
#define TESTS_REFERENCE_MODEL_LOSSY_H

#include "reference/model/model.h"

/* The event enters the group, with what is due in it, or is dropped. */
void model_enter_lossy(struct model *model, uint32_t group, uint32_t event);

/* The lane has come to the event: a filter or a handler is called for it. */
void model_take(struct model *model, uint32_t group, uint32_t event);

/* A handler is called for it, and it says that so many were lost. */
void model_check_lost(struct model *model, uint32_t group, uint32_t event, uint64_t lost);

/* Nothing is left in the group. */
void model_empty_lossy(struct model *model, uint32_t group);

/* Of drop_oldest: an event with such an index is skipped by the lane, when it finds that it was overtaken. */
bool model_is_skipped(const struct model *model, uint32_t group, int32_t index);

/* What the group has dropped so far, overwritten, replaced: at least, at most. */
void model_count_dropped(
    const struct model *model, uint32_t group, uint32_t *ret_least, uint32_t *ret_most);

/* Its entries are copied out one by one. */
bool model_copies_out(const struct model_group *group);

#endif
