/* calls.c - the calls of a script on consumers and topics. */
#include <stdio.h>
#include <string.h>

#include "reference/calls.h"

void
play_check(const char *call, int code, bool is_right)
{
    play_trace(VERBS, code);
    if (!is_right)
        refute("%s returns %d (%s)", call, code, ringbus_error_name(code));
}

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
is_in_last_call(uint32_t consumer)
{
    const struct model_consumer *at = consumer_of(consumer);

    return at->limit != 0 && at->calls >= at->limit && (at->running > 0 || at->is_in_error);
}

static bool
is_exhausted(uint32_t consumer)
{
    const struct model_consumer *at = consumer_of(consumer);

    return at->limit != 0 && at->calls >= at->limit;
}

/* ---- consumers ---- */

/* The consumers named that there are; whether one of them must not be named there. */
static uint32_t
read_after(uint32_t wanted, uint32_t group, struct ringbus_consumer **list, uint32_t *ret_bits,
    bool *ret_is_wrong, bool *ret_is_open)
{
    uint32_t count = 0;

    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (wanted >> c & 1 && player.seats[c].consumer != NULL) {
            list[count++] = player.seats[c].consumer;
            *ret_bits |= 1u << c | consumer_of(c)->after;
            *ret_is_wrong |= consumer_of(c)->group != group;
            *ret_is_open |= is_exhausted(c);
        }
    return count;
}

static void
note_consumer(const struct call *call, uint32_t after)
{
    struct model_consumer *at = consumer_of((uint32_t)call->values[0]);

    *at = (struct model_consumer){.line = OPEN, .group = (uint32_t)call->values[1], .after = after};
    at->is_safe = call->values[2] != 0;
    at->has_batch_end = call->values[4] != 0;
    at->filter = (uint32_t)call->values[5];
    at->limit = (uint32_t)call->values[6];
    at->before_from = EVENTS;
    player.model.groups[at->group].has_stages |= after != 0;
    for (uint32_t c = 0; c < CONSUMERS; c++)
        if (after >> c & 1 && consumer_of(c)->before_from == EVENTS)
            consumer_of(c)->before_from = player.model.event_count;
}

static void
consumer_open(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0], group = (uint32_t)call->values[1];
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *after[CONSUMERS];
    struct seat *seat = &player.seats[number];
    bool is_wrong = false, is_open = false;
    uint32_t bits = 0;
    char name[16];
    int code = 0;

    if (consumer_of(number)->line != UNOPENED || (group != 0 && player.groups[group] == NULL))
        return;
    (void)snprintf(name, sizeof name, "c%u", (unsigned)number);
    options.name = name;
    options.group = player.groups[group]; /* NULL: the default group */
    options.thread_safe = call->values[2] != 0;
    options.after = after;
    options.after_count =
        read_after((uint32_t)call->values[3], group, after, &bits, &is_wrong, &is_open);
    options.batch_end = call->values[4] != 0 ? play_batch_end : NULL;
    options.filter = call->values[5] != 0 ? play_filter : NULL;
    options.max_deliveries = (uint64_t)call->values[6];
    options.destroy = play_destroy;
    code = ringbus_consumer_open(player.bus, play_handler, seat, &options, &seat->consumer);
    if (code == RINGBUS_OK)
        note_consumer(call, bits);
    play_check("consumer_open", code,
        (code == RINGBUS_OK && !is_wrong && player.model.bus == OPEN) ||
            (code == RINGBUS_EINVAL && (is_wrong || is_open)) ||
            (code == RINGBUS_ESHUTDOWN && (player.model.bus != OPEN || is_open)));
}

static bool
is_running_inside(uint32_t consumer)
{
    const struct model_consumer *at = consumer_of(consumer);

    return at->running > 0 || at->is_batch_due || at->is_in_batch_end || at->is_in_error;
}

static void
consumer_close(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0];
    const bool is_discarding = call->values[1] != 0;
    struct seat *seat = &player.seats[number];
    struct ringbus_consumer *consumer = seat->consumer;
    const struct model_group *group = &player.model.groups[consumer_of(number)->group];
    bool may_begin = play_may_not_wait() || group->is_paused || group->kind == RINGBUS_GROUP_POLLED;
    const bool was_stepping = player.model.is_stepping;
    int code = 0;

    if (consumer == NULL)
        return;
    model_close_consumer(&player.model, number, is_discarding);
    play_forgo_reports(number);
    may_begin &= !is_discarding || is_running_inside(number);
    if (consumer_of(number)->line == DRAINING && player.model.bus == ENDED)
        may_begin = false;
    seat->consumer = NULL;
    player.model.is_stepping |= player.depth == 0;
    code = ringbus_consumer_close(consumer, is_discarding ? RINGBUS_DISCARD : RINGBUS_DRAIN);
    player.model.is_stepping = was_stepping;
    may_begin |= group->is_paused && !is_discarding; /* by a handler meanwhile */
    play_check("consumer_close", code,
        (code == RINGBUS_OK && consumer_of(number)->line == ENDED) ||
            (code == RINGBUS_PENDING && may_begin));
}

/* ---- registrations ---- */

static int
register_in(uint32_t number, uint32_t topics, bool is_twice)
{
    const char *names[2 * TOPICS];
    size_t count = 0;

    for (uint32_t t = 0; t < TOPICS; t++)
        if (topics >> t & 1)
            names[count++] = play_topic_name(t);
    if (is_twice)
        names[count++] = names[0];
    return count == 1
               ? ringbus_register_consumer(player.bus, player.seats[number].consumer, names[0])
               : ringbus_register_topics(player.bus, player.seats[number].consumer, names, count);
}

static void
register_topics(uint32_t number, uint32_t topics, bool is_twice)
{
    const bool is_known = (consumer_of(number)->registered & topics) != 0 || is_twice;
    const bool is_over =
        player.model.bus != OPEN || is_closed_group(number) || is_exhausted(number);
    const bool is_last = is_in_last_call(number) && player.model.bus == OPEN;
    int code = 0;

    if (player.seats[number].consumer == NULL || topics == 0)
        return;
    code = register_in(number, topics, is_twice);
    if (code == RINGBUS_OK)
        consumer_of(number)->registered |= topics;
    play_check("register", code,
        (code == RINGBUS_OK && !is_known && (!is_over || is_last)) ||
            (code == RINGBUS_EEXIST && is_known && (!is_over || is_last)) ||
            (code == RINGBUS_ESHUTDOWN && is_over));
}

static void
unregister(uint32_t number, uint32_t topic)
{
    const uint32_t bits = topic == ALL_TOPICS ? (1u << TOPICS) - 1 : 1u << topic;
    const bool is_known = (consumer_of(number)->registered & bits) != 0;
    const bool is_open = is_closed_group(number) || player.model.bus == ENDED;
    int code = 0;

    if (player.seats[number].consumer == NULL)
        return;
    code = ringbus_unregister_consumer(player.bus, player.seats[number].consumer,
        topic == ALL_TOPICS ? NULL : play_topic_name(topic));
    play_check("unregister", code,
        (code == RINGBUS_OK && (is_known || is_open)) ||
            (code == RINGBUS_ENOENT && (!is_known || is_open)));
    if (code == RINGBUS_OK)
        model_unregister(&player.model, number, topic);
    play_forgo_reports(number);
}

static void
is_subscribed(uint32_t number, uint32_t topic)
{
    int code = 0;

    if (player.seats[number].consumer == NULL)
        return;
    code = ringbus_is_subscribed(player.bus, player.seats[number].consumer, play_topic_name(topic));
    play_check("is_subscribed", code,
        code == (int)(consumer_of(number)->registered >> topic & 1) ||
            (player.model.bus == ENDED && (code == 0 || code == 1)));
}

/* ---- topics ---- */

static void
topic_open(uint32_t topic)
{
    uint32_t *count = &player.handle_counts[topic];
    int code = 0;

    if (*count == HANDLES)
        return;
    code = ringbus_topic_open(player.bus, play_topic_name(topic), &player.handles[topic][*count]);
    play_check("topic_open", code, code == RINGBUS_OK);
    if (player.handles[topic][0] != player.handles[topic][*count])
        refute("topic %u has two handles", (unsigned)topic);
    (*count)++;
}

static void
topic_close(uint32_t topic)
{
    /* Inside, the handle may be in use further out. */
    if (player.handle_counts[topic] > (player.depth > 0 ? 1u : 0u))
        ringbus_topic_close(player.handles[topic][--player.handle_counts[topic]]);
}

static void
topic_consumers(uint32_t topic)
{
    uint32_t count = 0;

    if (player.handle_counts[topic] == 0)
        return;
    count = ringbus_topic_consumers(player.handles[topic][0]);
    if (player.model.bus != ENDED && count != model_registered(&player.model, topic))
        refute("topic %u has %u consumers, not %u", (unsigned)topic, (unsigned)count,
            (unsigned)model_registered(&player.model, topic));
}

bool
play_small_call(const struct call *call)
{
    const uint32_t first = (uint32_t)call->values[0], second = (uint32_t)call->values[1];

    switch (call->verb) {
    case VERB_CONSUMER_OPEN:
        return consumer_open(call), true;
    case VERB_CONSUMER_CLOSE:
        return consumer_close(call), true;
    case VERB_REGISTER:
        return register_topics(first, 1u << second, false), true;
    case VERB_REGISTER_TOPICS:
        return register_topics(first, second, call->values[2] != 0), true;
    case VERB_UNREGISTER:
        return unregister(first, second), true;
    case VERB_UNREGISTER_ALL:
        return unregister(first, ALL_TOPICS), true;
    case VERB_IS_SUBSCRIBED:
        return is_subscribed(first, second), true;
    case VERB_TOPIC_OPEN:
        return topic_open(first), true;
    case VERB_TOPIC_CLOSE:
        return topic_close(first), true;
    case VERB_TOPIC_CONSUMERS:
        return topic_consumers(first), true;
    case VERB_POST:
        return play_post(call), true;
    default:
        return false;
    }
}
