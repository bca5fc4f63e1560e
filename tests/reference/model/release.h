/* release.h - events by reference: when their payload is released, once. */
#ifndef TESTS_REFERENCE_MODEL_RELEASE_H
#define TESTS_REFERENCE_MODEL_RELEASE_H

#include "reference/model/model.h"

/* The release function is called; it returns. */
void model_begin_release(struct model *model, uint32_t event);
void model_end_release(struct model *model, uint32_t event);

/* No handler runs: what everybody is done with has been released. */
void model_check_released(const struct model *model);

/* The post of that event returns: what it has replaced and overwritten has been, and its own payload if nobody got it.
 */
void model_check_post_released(const struct model *model, uint32_t post);

#endif
