/* calls.c - the calls of a script on consumers and topics. */
#include <stdio.h>
#include <string.h>

#include "reference/model/registered.h"
#include "reference/play/calls.h"

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
            *ret_is_open |= model_is_exhausted(&player.model, c);
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
    is_wrong |= bits != 0 && player.model.groups[group].overflow != RINGBUS_LOSSLESS;
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

    return at->running > 0 || at->is_batch_due || at->is_replay_batch_due || at->is_in_batch_end ||
           at->is_in_error;
}

static void
consumer_close(const struct call *call)
{
    const uint32_t number = (uint32_t)call->values[0];
    const bool is_discarding = call->values[1] != 0;
    struct seat *seat = &player.seats[number];
    struct ringbus_consumer *consumer = seat->consumer;
    const struct model_group *group = &player.model.groups[consumer_of(number)->group];
    bool may_begin = play_may_not_wait() || group->is_paused ||
                     group->kind == RINGBUS_GROUP_POLLED || player.model.open_claims > 0;
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

/* ---- topics ---- */

static void
topic_open(uint32_t topic)
{
    const struct model_space space = model_topic_space(&player.model, 1u << topic);
    uint32_t *count = &player.model.topics[topic].handles;
    int code = 0;

    if (*count == HANDLES)
        return;
    code = ringbus_topic_open(player.bus, model_topic_name(topic), &player.handles[topic][*count]);
    play_check("topic_open", code,
        (code == RINGBUS_OK && !space.must_be_gone) ||
            (code == RINGBUS_ENOSPC && space.may_be_gone));
    if (code != RINGBUS_OK)
        return;
    if (player.handles[topic][0] != player.handles[topic][*count])
        refute("topic %u has two handles", (unsigned)topic);
    model_touch_topic(&player.model, topic);
    (*count)++;
}

static bool
is_claimed(uint32_t topic)
{
    for (uint32_t i = 0; i < CLAIMS; i++)
        if (player.claims[i].is_open && player.model.events[player.claims[i].event].topic == topic)
            return true;
    return false;
}

static void
topic_close(uint32_t topic)
{
    uint32_t *count = &player.model.topics[topic].handles;

    /* Inside, the handle may be in use further out. */
    if (*count <= (player.depth > 0 || is_claimed(topic) ? 1u : 0u))
        return;
    ringbus_topic_close(player.handles[topic][--*count]);
    player.has_lost_topics |= *count == 0;
}

static void
topic_consumers(uint32_t topic)
{
    uint32_t count = 0;

    if (player.model.topics[topic].handles == 0)
        return;
    count = ringbus_topic_consumers(player.handles[topic][0]);
    if (player.model.bus != ENDED && count != model_registered(&player.model, topic))
        refute("topic %u has %u consumers, not %u", (unsigned)topic, (unsigned)count,
            (unsigned)model_registered(&player.model, topic));
}

static void
retain(uint32_t topic, uint32_t size)
{
    struct model_topic *at = &player.model.topics[topic];
    int code = 0;

    if (at->handles == 0)
        return;
    code = ringbus_topic_retain(player.handles[topic][0], size);
    play_check("topic_retain", code,
        player.model.bus != OPEN                                 ? code == RINGBUS_ESHUTDOWN
        : at->max_size != 0 && size != at->max_size && size != 0 ? code == RINGBUS_EBUSY
                                                                 : code == RINGBUS_OK);
    if (code != RINGBUS_OK || size == at->max_size)
        return;
    at->max_size = size;
    at->value = NOBODY;
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
    case VERB_TOPIC_OPEN:
        return topic_open(first), true;
    case VERB_TOPIC_CLOSE:
        return topic_close(first), true;
    case VERB_TOPIC_CONSUMERS:
        return topic_consumers(first), true;
    case VERB_RETAIN:
        return retain(first, second), true;
    case VERB_VISIT:
        return play_visit(call->values[0]), true;
    default:
        return play_registration(call);
    }
}
