/* pubsub.c - PUBSUB: which subscriptions there are, of all clients. */
#include "pubsub.h"

#include <string.h>

#include "../reply.h"
#include "glob.h"
#include "subscribe.h"

/* Take a name from the front of what tally_copy has gathered. */
static struct resp_argument
take_name(struct buffer *names)
{
    struct resp_argument name;

    memcpy(&name.size, names->data + names->start, sizeof name.size);
    name.data = names->data + names->start + sizeof name.size;
    names->start += sizeof name.size + name.size;
    return name;
}

/* Append the names that match to `matching`.
 *
 * return  how many */
static size_t
choose(struct buffer *names, const struct resp_argument *pattern, struct buffer *matching)
{
    size_t count = 0;

    while (buffer_size(names) > 0) {
        const struct resp_argument name = take_name(names);

        if (!glob_matches(pattern->data, pattern->size, name.data, name.size))
            continue;
        reply_bulk(matching, name.data, name.size);
        count++;
    }
    return count;
}

/* The channels that have subscriptions of their own; patterns do not count. */
static void
tell_channels(struct connection *connection, const struct resp_argument *pattern)
{
    struct buffer *const output = connection_output(connection);
    struct tally *const tally = &connection->worker->server->tallies[SUBSCRIPTION_CHANNEL];
    struct buffer names;
    struct buffer matching;
    size_t count;

    if (!subscription_may_be(SUBSCRIPTION_PATTERN, pattern)) {
        subscribe_refuse_name(connection, SUBSCRIPTION_PATTERN);
        return;
    }
    memset(&names, 0, sizeof names);
    memset(&matching, 0, sizeof matching);
    tally_copy(tally, &names);
    count = names.is_broken ? 0 : choose(&names, pattern, &matching);
    if (names.is_broken || matching.is_broken) {
        reply_error(output, "ERR out of memory");
    } else {
        reply_array(output, count);
        buffer_put(output, matching.data, buffer_size(&matching));
    }
    buffer_free(&names);
    buffer_free(&matching);
}

static void
tell_counts(struct connection *connection, const struct resp_argument *channels, size_t count)
{
    struct buffer *const output = connection_output(connection);
    struct tally *const tally = &connection->worker->server->tallies[SUBSCRIPTION_CHANNEL];

    reply_array(output, 2 * count);
    for (size_t i = 0; i < count; i++) {
        const struct resp_argument *const channel = &channels[i];
        const bool may_be = subscription_may_be(SUBSCRIPTION_CHANNEL, channel);

        reply_bulk(output, channel->data, channel->size);
        reply_integer(
            output, may_be ? (long long)tally_count(tally, channel->data, channel->size) : 0);
    }
}

enum command_verdict
pubsub_tell(struct connection *connection, const struct resp_argument *arguments, size_t count)
{
    static const struct resp_argument all = {"*", 1};
    struct buffer *const output = connection_output(connection);
    struct tally *const patterns = &connection->worker->server->tallies[SUBSCRIPTION_PATTERN];
    const struct resp_argument *const verb = &arguments[1];

    if (resp_argument_is(verb, "channels") && count <= 3)
        tell_channels(connection, count == 3 ? &arguments[2] : &all);
    else if (resp_argument_is(verb, "numsub"))
        tell_counts(connection, arguments + 2, count - 2);
    else if (resp_argument_is(verb, "numpat") && count == 2)
        reply_integer(output, (long long)tally_names(patterns));
    else
        reply_error(output, "ERR PUBSUB knows CHANNELS [pattern], NUMSUB [channel ...] and NUMPAT");
    return COMMAND_DONE;
}
