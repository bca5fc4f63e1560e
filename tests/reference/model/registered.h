/* registered.h - who is registered on what: by names, patterns and predicates; which topics exist. */
#ifndef TESTS_REFERENCE_MODEL_REGISTERED_H
#define TESTS_REFERENCE_MODEL_REGISTERED_H

#include "reference/model/model.h"

const char *model_topic_name(uint32_t topic);

/* TOPICS: it is none. */
uint32_t model_topic_of(const char *name);

const char *model_pattern(uint32_t pattern);
bool model_pattern_is_valid(uint32_t pattern);
bool model_matches(const char *pattern, const char *name);

enum means { BY_NAME, BY_PATTERN, BY_MATCH };

/* `what`: topics, bits; of patterns and predicates a number. By name it gets the values that are retained. */
void model_register(struct model *model, uint32_t consumer, enum means means, uint32_t what);
bool model_has(const struct model *model, uint32_t consumer, enum means means, uint32_t what);
void model_unregister(struct model *model, uint32_t consumer, enum means means, uint32_t what);
void model_unregister_all(struct model *model, uint32_t consumer);

/* What was registered by name is not, after all. */
void model_refuse_registration(struct model *model, uint32_t consumer, uint32_t topics);

/* ---- room for topics ---- */

struct model_space {
    bool may_be_gone, must_be_gone;
};

/* For these topics to exist; and for cells of them, if the consumer's group conflates (CONSUMERS: of nobody). */
struct model_space model_topic_space(const struct model *model, uint32_t topics);
struct model_space model_cell_space(const struct model *model, uint32_t consumer, uint32_t topics);

/* It exists now, for a while. */
void model_touch_topic(struct model *model, uint32_t topic);

bool model_has_patterns(const struct model *model);

#endif
