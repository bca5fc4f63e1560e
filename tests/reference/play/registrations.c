/* registrations.c - the calls of a script that register consumers, by names, patterns and predicates. */
#include "reference/model/registered.h"
#include "reference/play/calls.h"

static struct model_consumer *
consumer_of(uint32_t number)
{
    return &player.model.consumers[number];
}

static bool
is_closed_group(uint32_t consumer)
{
    return player.model.groups[consumer_of(consumer)->group].line != OPEN;
}

static bool
is_over(uint32_t consumer)
{
    return player.model.bus != OPEN || is_closed_group(consumer) ||
           model_is_exhausted(&player.model, consumer);
}

/* It has no calls left, but the last one goes on. */
static bool
is_in_last_call(uint32_t consumer)
{
    const struct model_consumer *at = consumer_of(consumer);

    return model_is_exhausted(&player.model, consumer) && (at->running > 0 || at->is_in_error) &&
           player.model.bus == OPEN;
}

static bool
conflates(uint32_t consumer)
{
    return player.model.groups[consumer_of(consumer)->group].overflow == RINGBUS_CONFLATE;
}

/* ---- by name ---- */

static int
register_in(uint32_t number, uint32_t topics, bool is_twice)
{
    const char *names[2 * TOPICS];
    size_t count = 0;

    for (uint32_t t = 0; t < TOPICS; t++)
        if (topics >> t & 1)
            names[count++] = model_topic_name(t);
    if (is_twice)
        names[count++] = names[0];
    return count == 1
               ? ringbus_register_consumer(player.bus, player.seats[number].consumer, names[0])
               : ringbus_register_topics(player.bus, player.seats[number].consumer, names, count);
}

static void
register_topics(uint32_t number, uint32_t topics, bool is_twice)
{
    struct model *model = &player.model;
    const bool is_known = model_has(model, number, BY_NAME, topics) || is_twice;
    const bool is_ended = is_over(number), is_last = is_in_last_call(number);
    const bool may_go = !is_known && (!is_ended || is_last);
    struct model_space space = model_topic_space(model, topics);
    const struct model_space cells = model_cell_space(model, number, topics);
    bool is_outermost = false;
    int code = 0;

    if (player.seats[number].consumer == NULL || topics == 0)
        return;
    space.may_be_gone |= cells.may_be_gone;
    space.must_be_gone |= cells.must_be_gone;
    if (may_go) /* copies of retained values come before it returns */
        model_register(model, number, BY_NAME, topics);
    is_outermost = play_begin_replays(number);
    code = register_in(number, topics, is_twice);
    for (uint32_t t = 0; t < TOPICS; t++) /* also if it is refused: for a moment */
        if (topics >> t & 1)
            model_touch_topic(model, t);
    if (may_go && code != RINGBUS_OK)
        model_refuse_registration(model, number, topics);
    play_end_delivery(is_outermost);
    play_check("register", code,
        (code == RINGBUS_OK && may_go && !space.must_be_gone) ||
            (code == RINGBUS_EEXIST && is_known && (!is_ended || is_last)) ||
            (code == RINGBUS_ENOSPC && space.may_be_gone && (!is_ended || is_last)) ||
            (code == RINGBUS_ESHUTDOWN && is_ended));
}

/* ---- by patterns and predicates ---- */

static int
match(const char *topic, void *context)
{
    const uint32_t number = model_topic_of(topic);

    if (number == TOPICS)
        refute("a predicate is asked of %s", topic);
    return (int)(*(const uint32_t *)context >> number & 1);
}

/* What a predicate looks for; its context. */
static void *
mask_of(uint32_t mask)
{
    static uint32_t masks[EVERY_TOPIC + 1];

    masks[mask] = mask;
    return &masks[mask];
}

static void
register_many(uint32_t number, enum means means, uint32_t what)
{
    struct ringbus_consumer *consumer = player.seats[number].consumer;
    const bool is_wrong =
        consumer != NULL &&
        ((means == BY_PATTERN && !model_pattern_is_valid(what)) || conflates(number));
    const bool is_known = model_has(&player.model, number, means, what);
    const bool is_ended = is_over(number), is_last = is_in_last_call(number);
    int code = 0;

    if (consumer == NULL)
        return;
    code = means == BY_PATTERN ? ringbus_register_pattern(player.bus, consumer, model_pattern(what))
                               : ringbus_register_match(player.bus, consumer, match, mask_of(what));
    play_check("register_pattern", code,
        (code == RINGBUS_OK && !is_wrong && !is_known && (!is_ended || is_last)) ||
            (code == RINGBUS_EEXIST && is_known && (!is_ended || is_last)) ||
            (code == RINGBUS_EINVAL && is_wrong) || (code == RINGBUS_ESHUTDOWN && is_ended));
    if (code == RINGBUS_OK)
        model_register(&player.model, number, means, what);
}

/* ---- the ends ---- */

static int
unregister_from(uint32_t number, enum means means, uint32_t what)
{
    struct ringbus_consumer *consumer = player.seats[number].consumer;

    if (means == BY_PATTERN)
        return ringbus_unregister_pattern(player.bus, consumer, model_pattern(what));
    if (means == BY_MATCH)
        return ringbus_unregister_match(player.bus, consumer, match, mask_of(what));
    return ringbus_unregister_consumer(
        player.bus, consumer, what == ALL_TOPICS ? NULL : model_topic_name(what));
}

static void
end_registrations(uint32_t number, enum means means, uint32_t what)
{
    if (means == BY_NAME && what == ALL_TOPICS)
        model_unregister_all(&player.model, number);
    else
        model_unregister(&player.model, number, means, means == BY_NAME ? 1u << what : what);
}

/* `what`: a topic, a pattern, a predicate; ALL_TOPICS by name: everything. */
static void
unregister(uint32_t number, enum means means, uint32_t what)
{
    struct model *model = &player.model;
    const struct model_consumer *at = consumer_of(number);
    const bool is_all = means == BY_NAME && what == ALL_TOPICS;
    const bool is_known =
        is_all ? (at->named | at->patterns | at->matches) != 0
               : model_has(model, number, means, means == BY_NAME ? 1u << what : what);
    const bool is_open = is_closed_group(number) || model->bus == ENDED;
    int code = 0;

    if (player.seats[number].consumer == NULL)
        return;
    if (is_known && !is_open) /* the bus may come to its end in the call */
        end_registrations(number, means, what);
    code = unregister_from(number, means, what);
    play_check("unregister", code,
        (code == RINGBUS_OK && (is_known || is_open)) ||
            (code == RINGBUS_ENOENT && (!is_known || is_open)) ||
            (code == RINGBUS_EINVAL && means == BY_PATTERN && !model_pattern_is_valid(what)));
    if (code == RINGBUS_OK && (!is_known || is_open))
        end_registrations(number, means, what);
    play_forgo_reports(number);
    play_expect_dropped(number);
}

static void
is_subscribed(uint32_t number, uint32_t topic)
{
    int code = 0;

    if (player.seats[number].consumer == NULL)
        return;
    code =
        ringbus_is_subscribed(player.bus, player.seats[number].consumer, model_topic_name(topic));
    play_check("is_subscribed", code,
        code == (int)(consumer_of(number)->registered >> topic & 1) ||
            (player.model.bus == ENDED && (code == 0 || code == 1)));
}

bool
play_registration(const struct call *call)
{
    const uint32_t first = (uint32_t)call->values[0], second = (uint32_t)call->values[1];

    switch (call->verb) {
    case VERB_REGISTER:
        return register_topics(first, 1u << second, false), true;
    case VERB_REGISTER_TOPICS:
        return register_topics(first, second, call->values[2] != 0), true;
    case VERB_UNREGISTER:
        return unregister(first, BY_NAME, second), true;
    case VERB_UNREGISTER_ALL:
        return unregister(first, BY_NAME, ALL_TOPICS), true;
    case VERB_REGISTER_PATTERN:
        return register_many(first, BY_PATTERN, second), true;
    case VERB_UNREGISTER_PATTERN:
        return unregister(first, BY_PATTERN, second), true;
    case VERB_REGISTER_MATCH:
        return register_many(first, BY_MATCH, second & EVERY_TOPIC), true;
    case VERB_UNREGISTER_MATCH:
        return unregister(first, BY_MATCH, second & EVERY_TOPIC), true;
    case VERB_IS_SUBSCRIBED:
        return is_subscribed(first, second), true;
    default:
        return false;
    }
}
