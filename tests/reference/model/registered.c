/* registered.c - patterns token by token, and what registrations of all kinds come to. */
#include "reference/model/registered.h"

#include <string.h>

#include "reference/model/replay.h"
#include "ringbus/ringbus.h"

static const char *const names[TOPICS] = {"a", "a.b", "a..c", "b.a.c"};

static const char *const patterns[PATTERNS] = {
    ">", "*", "a.*", "a.>", "*.*", "*.a.c", "b.*.c", "a", "a..*", "a*", "*.>", "a.>.c"};

/* The last one. */
enum { NO_PATTERN = PATTERNS - 1 };

const char *
model_topic_name(uint32_t topic)
{
    return names[topic];
}

uint32_t
model_topic_of(const char *name)
{
    uint32_t topic = 0;

    while (topic < TOPICS && strcmp(names[topic], name) != 0)
        topic++;
    return topic;
}

const char *
model_pattern(uint32_t pattern)
{
    return patterns[pattern];
}

bool
model_pattern_is_valid(uint32_t pattern)
{
    return pattern != NO_PATTERN;
}

bool
model_matches(const char *pattern, const char *name)
{
    const size_t wanted = strcspn(pattern, "."), length = strcspn(name, ".");

    if (strcmp(pattern, ">") == 0)
        return true;
    if (!(wanted == 1 && *pattern == '*') &&
        (wanted != length || strncmp(pattern, name, length) != 0))
        return false;
    if (pattern[wanted] == '\0' || name[length] == '\0')
        return pattern[wanted] == name[length];
    return model_matches(pattern + wanted + 1, name + length + 1);
}

/* ---- what a consumer has ---- */

static void
add_up(struct model_consumer *at)
{
    at->registered = at->named;
    for (uint32_t t = 0; t < TOPICS; t++) {
        for (uint32_t p = 0; p < PATTERNS; p++)
            if (at->patterns >> p & 1 && model_matches(patterns[p], names[t]))
                at->registered |= 1u << t;
        for (uint32_t mask = 1; mask <= EVERY_TOPIC; mask++)
            if (at->matches >> mask & 1 && mask >> t & 1)
                at->registered |= 1u << t;
    }
}

static uint32_t *
bits_of(struct model_consumer *at, enum means means)
{
    return means == BY_NAME ? &at->named : means == BY_PATTERN ? &at->patterns : &at->matches;
}

static uint32_t
bits_for(enum means means, uint32_t what)
{
    return means == BY_NAME ? what : 1u << what;
}

void
model_register(struct model *model, uint32_t consumer, enum means means, uint32_t what)
{
    struct model_consumer *at = &model->consumers[consumer];
    const uint32_t before = at->registered;

    *bits_of(at, means) |= bits_for(means, what);
    at->had_patterns |= means != BY_NAME;
    add_up(at);
    model->groups[at->group].lossy.cells |= at->registered;
    for (uint32_t t = 0; t < TOPICS && means == BY_NAME; t++)
        if (at->registered >> t & 1 && !(before >> t & 1))
            model_open_replay(model, consumer, t);
}

void
model_refuse_registration(struct model *model, uint32_t consumer, uint32_t topics)
{
    struct model_consumer *at = &model->consumers[consumer];
    const uint32_t before = at->registered;

    at->named &= ~topics;
    add_up(at);
    model_forget_replays(model, consumer, before & ~at->registered);
}

bool
model_has(const struct model *model, uint32_t consumer, enum means means, uint32_t what)
{
    struct model_consumer at = model->consumers[consumer];

    return (*bits_of(&at, means) & bits_for(means, what)) != 0;
}

void
model_unregister(struct model *model, uint32_t consumer, enum means means, uint32_t what)
{
    struct model_consumer *at = &model->consumers[consumer];
    const uint32_t before = at->registered;

    *bits_of(at, means) &= ~bits_for(means, what);
    add_up(at);
    if (means == BY_NAME)
        model_drop_replays(model, consumer, what);
    /* By name also if its group has ended all registrations, but goes on draining; with what patterns had. */
    model_cancel(model, consumer, (means == BY_NAME ? before | what : before) & ~at->registered,
        at->had_patterns && model->groups[at->group].line != OPEN ? MAYBE : CANCELLED);
}

void
model_unregister_all(struct model *model, uint32_t consumer)
{
    struct model_consumer *at = &model->consumers[consumer];

    at->named = at->patterns = at->matches = at->registered = 0;
    model_cancel(model, consumer, EVERY_TOPIC, CANCELLED);
}

/* ---- room ---- */

static uint32_t
count_bits(uint32_t bits)
{
    return (uint32_t)__builtin_popcount(bits);
}

/* Topics that somebody is known to hold. */
static uint32_t
held_topics(const struct model *model)
{
    uint32_t held = 0;

    for (uint32_t t = 0; t < TOPICS; t++)
        if (model->topics[t].handles > 0 || model->topics[t].max_size > 0)
            held |= 1u << t;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->bus == OPEN && model->consumers[c].line == OPEN &&
            model->groups[model->consumers[c].group].line == OPEN)
            held |= model->consumers[c].named;
    return held;
}

static struct model_space
space_for(uint32_t held, uint32_t possible, uint32_t wanted, uint32_t most)
{
    return (struct model_space){
        .may_be_gone = count_bits(held | possible | wanted) > most && (wanted & ~held) != 0,
        .must_be_gone = count_bits(held | wanted) > most,
    };
}

struct model_space
model_topic_space(const struct model *model, uint32_t topics)
{
    uint32_t possible = 0;

    for (uint32_t t = 0; t < TOPICS; t++)
        possible |= (uint32_t)model->topics[t].may_exist << t;
    return space_for(held_topics(model), possible, topics, model->max_topics);
}

struct model_space
model_cell_space(const struct model *model, uint32_t consumer, uint32_t topics)
{
    const uint32_t group = model->consumers[consumer].group;
    uint32_t held = 0;

    if (model->groups[group].overflow != RINGBUS_CONFLATE)
        return (struct model_space){.may_be_gone = false};
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].line == OPEN && model->consumers[c].group == group)
            held |= model->consumers[c].registered;
    return space_for(held, model->groups[group].lossy.cells, topics, model->groups[group].capacity);
}

void
model_touch_topic(struct model *model, uint32_t topic)
{
    model->topics[topic].may_exist = true;
}

bool
model_has_patterns(const struct model *model)
{
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (model->consumers[c].patterns != 0 || model->consumers[c].matches != 0)
            return true;
    return false;
}
