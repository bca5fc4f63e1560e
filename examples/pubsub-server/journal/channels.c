/* channels.c - the channels whose messages go to the journal.
 *
 * I1. A consumer that is unregistered gets no event more, also none that was posted before: so a channel is left only
 *     while nothing of it is under way.
 * I2. All channels are in one circle, in the order of their coming. The hand goes round it, and leaves those that were
 *     not used in a whole round (the second chance of page replacement). */
#include "channels.h"

#include <stdlib.h>
#include <string.h>

/* Steps of the hand for each channel that is new. */
enum { STEPS = 8 };

static struct channel **
bucket_of(struct channels *channels, const char *name)
{
    return &channels->buckets[ringbus_key(name, strlen(name)) % CHANNELS_KEPT];
}

/* ---- registered ---------------------------------------------------------------------------- */

static void
leave_topic(const struct channels *channels, struct ringbus_topic *topic, size_t registered)
{
    for (size_t i = registered; i-- > 0;)
        (void)ringbus_unregister_consumer(
            channels->bus, channels->consumers[i], ringbus_topic_name(topic));
    ringbus_topic_close(topic);
}

static int
enter_topic(const struct channels *channels, const char *name, struct ringbus_topic **ret_topic)
{
    struct ringbus_topic *topic;
    int outcome = ringbus_topic_open(channels->bus, name, &topic);

    if (outcome != RINGBUS_OK)
        return outcome;
    for (size_t i = 0; i < CHANNELS_CONSUMERS; i++) {
        outcome = ringbus_register_consumer(channels->bus, channels->consumers[i], name);
        if (outcome != RINGBUS_OK) {
            leave_topic(channels, topic, i);
            return outcome;
        }
    }
    *ret_topic = topic;
    return RINGBUS_OK;
}

/* ---- the circle ---------------------------------------------------------------------------- */

/* Take the channel behind the hand out of the circle and its bucket. */
static void
leave_next(struct channels *channels)
{
    struct channel *const channel = channels->hand->after;
    struct channel **at = bucket_of(channels, ringbus_topic_name(channel->topic));

    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    channels->hand->after = channel->after;
    if (--channels->count == 0)
        channels->hand = NULL;
    leave_topic(channels, channel->topic, CHANNELS_CONSUMERS);
    free(channel);
}

static void
make_room(struct channels *channels)
{
    for (int i = 0; i < STEPS && channels->count >= CHANNELS_KEPT; i++) {
        struct channel *const next = channels->hand->after;

        if (!next->is_recent && atomic_load(&next->under_way) == 0) {
            leave_next(channels);
        } else {
            next->is_recent = false;
            channels->hand = next;
        }
    }
}

static void
link_in(struct channels *channels, struct channel *channel)
{
    struct channel **const bucket = bucket_of(channels, ringbus_topic_name(channel->topic));

    channel->next = *bucket;
    *bucket = channel;
    if (!channels->hand)
        channels->hand = channel->after = channel;
    channel->after = channels->hand->after;
    channels->hand->after = channel;
    channels->hand = channel;
    channels->count++;
}

int
channels_find(struct channels *channels, const char *name, struct channel **ret_channel)
{
    struct channel *channel = *bucket_of(channels, name);
    int outcome;

    while (channel && strcmp(ringbus_topic_name(channel->topic), name) != 0)
        channel = channel->next;
    if (!channel) {
        make_room(channels);
        channel = calloc(1, sizeof *channel);
        if (!channel)
            return RINGBUS_ENOMEM;
        outcome = enter_topic(channels, name, &channel->topic);
        if (outcome != RINGBUS_OK) {
            free(channel);
            return outcome;
        }
        link_in(channels, channel);
    }
    channel->is_recent = true;
    *ret_channel = channel;
    return RINGBUS_OK;
}

void
channels_free(struct channels *channels)
{
    while (channels->count > 0)
        leave_next(channels);
}
