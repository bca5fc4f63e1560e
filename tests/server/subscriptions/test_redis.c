/* test_redis.c - the same commands to this server and to a redis-server: the same answers, and the same messages for
 * the same clients. Where the order is nobody's promise, both are sorted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "server/subscriptions/redis_process.h"
#include "support/support.h"

enum { OURS, REDIS, SIDES };
enum { REPLIES_MAX = 64, REPLY_MAX = 256 };

/* Replies, in the order in which they came. */
struct replies {
    char text[REPLIES_MAX][REPLY_MAX];
    size_t count;
};

struct side {
    struct client *reader; /* subscribes */
    struct client *writer; /* publishes and asks */
    struct replies replies;
};

static struct server_process server;
static struct redis_process redis;
static struct side sides[SIDES];
static uint64_t state;

/* ---- both ---------------------------------------------------------------------------------- */

static void
begin(void)
{
    SERVER_START(&server, "--loops", "2");
    redis_start(&redis);
    for (int i = 0; i < SIDES; i++) {
        const int port = i == OURS ? server.port : redis.port;

        sides[i].reader = client_open(port);
        sides[i].writer = client_open(port);
    }
}

static void
end(void)
{
    for (int i = 0; i < SIDES; i++) {
        client_close(sides[i].reader);
        client_close(sides[i].writer);
    }
    redis_stop(&redis);
    server_stop(&server);
}

static const char *
read_reply(struct replies *replies, struct client *client)
{
    char *const text = replies->text[replies->count];

    MUST(replies->count < REPLIES_MAX, "too many replies");
    replies->count++;
    text[0] = '\0';
    client_reply(client, text, REPLY_MAX);
    return text;
}

static int
compare(const void *one, const void *another)
{
    return strcmp(one, another);
}

static void
sort(struct replies *replies)
{
    qsort(replies->text, replies->count, sizeof replies->text[0], compare);
}

/* Both have got the same by now. */
static void
check_replies(const char *about)
{
    const struct replies *const ours = &sides[OURS].replies;
    const struct replies *const theirs = &sides[REDIS].replies;

    for (size_t i = 0; i < ours->count && i < theirs->count; i++)
        ck_assert_msg(strcmp(ours->text[i], theirs->text[i]) == 0, "%s: ours %s, redis %s", about,
            ours->text[i], theirs->text[i]);
    ck_assert_msg(ours->count == theirs->count, "%s: %zu replies, redis %zu", about, ours->count,
        theirs->count);
}

/* A command that has one reply for each client, which is the same on both sides. */
static void
ask(const char *const *arguments, size_t count)
{
    for (int i = 0; i < SIDES; i++) {
        sides[i].replies.count = 0;
        client_command(sides[i].writer, arguments, count);
        (void)read_reply(&sides[i].replies, sides[i].writer);
    }
    check_replies(arguments[0]);
}

#define ASK(...)                                                                                   \
    ask((const char *const[]){__VA_ARGS__},                                                        \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* PUBLISH; who reads gets the same messages.
 *
 * return  how many */
static unsigned long
publish(const char *channel)
{
    unsigned long receivers;

    ASK("PUBLISH", channel, "hello");
    receivers = strtoul(sides[REDIS].replies.text[0] + 1, NULL, 10);
    for (int i = 0; i < SIDES; i++) {
        sides[i].replies.count = 0;
        for (unsigned long k = 0; k < receivers; k++)
            (void)read_reply(&sides[i].replies, sides[i].reader);
        sort(&sides[i].replies);
    }
    check_replies(channel);
    return receivers;
}

/* ---- patterns ------------------------------------------------------------------------------ */

static void
random_text(const char *alphabet, size_t least, size_t most, char *ret_text)
{
    const size_t size = least + (size_t)(next_random(&state) % (most - least + 1));

    for (size_t i = 0; i < size; i++)
        ret_text[i] = alphabet[next_random(&state) % strlen(alphabet)];
    ret_text[size] = '\0';
}

/* Subscribe the readers to a pattern. */
static void
subscribe(const char *pattern)
{
    for (int i = 0; i < SIDES; i++) {
        sides[i].replies.count = 0;
        CLIENT_COMMAND(sides[i].reader, "PSUBSCRIBE", pattern);
        (void)read_reply(&sides[i].replies, sides[i].reader);
    }
    check_replies(pattern);
}

/* RESET says nothing about the subscriptions it ends. */
static void
end_subscriptions(void)
{
    for (int i = 0; i < SIDES; i++) {
        CLIENT_COMMAND(sides[i].reader, "RESET");
        client_expect(sides[i].reader, "+RESET\r\n");
    }
}

/* Random patterns of these bytes against random names of those.
 *
 * return  how many messages there were */
static uint64_t
compare_patterns(const char *pattern_bytes, const char *name_bytes)
{
    enum { PATTERNS = 40, NAMES = 150, LENGTH = 8 };
    char text[LENGTH + 1];
    uint64_t messages = 0;

    for (int i = 0; i < PATTERNS; i++) {
        random_text(pattern_bytes, 0, LENGTH, text);
        subscribe(text);
    }
    ASK("PUBSUB", "NUMPAT");
    for (int i = 0; i < NAMES; i++) {
        random_text(name_bytes, 1, LENGTH - 2, text);
        messages += publish(text);
    }
    end_subscriptions();
    return messages;
}

START_TEST(patterns_match_the_same_names)
{
    const uint64_t rounds = scaled(8);
    uint64_t messages = 0;

    state = 0x9e3779b97f4a7c15u;
    begin();
    for (uint64_t i = 0; i < rounds; i++) {
        messages += compare_patterns("ab*?", "ab");
        messages += compare_patterns("aab[[]]^--\\*?", "ab[]^-\\");
        messages += compare_patterns("abc[]^-\\*?\x80\xff\x01", "abc-]^\x80\xc0\xff\x01");
    }
    ck_assert_uint_gt(messages, 100 * rounds);
    end();
}
END_TEST

/* ---- commands ------------------------------------------------------------------------------ */

static const char *const names[] = {"a", "b", "ab", "a*", "?", "[ab]"};

static const char *
random_name(void)
{
    return names[next_random(&state) % (sizeof names / sizeof names[0])];
}

/* A command of the readers; all it is answered with, up to the answer of a PING behind it. */
static void
command(const char *const *arguments, size_t count)
{
    for (int i = 0; i < SIDES; i++) {
        const char *text;

        sides[i].replies.count = 0;
        client_command(sides[i].reader, arguments, count);
        CLIENT_COMMAND(sides[i].reader, "PING", "end");
        do {
            text = read_reply(&sides[i].replies, sides[i].reader);
        } while (strcmp(text, "$3|end|") != 0 && strcmp(text, "*2|$4|pong|$3|end|") != 0);
    }
}

/* Move the counts, which come in order, from the names, which do not, to the end. */
static void
part_counts(struct replies *replies)
{
    const size_t count = replies->count - 1;
    char counts[REPLY_MAX] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        char *const at = strrchr(replies->text[i], ':');

        MUST(at, "no count: %s", replies->text[i]);
        MUST(used + strlen(at) < sizeof counts, "too many counts");
        memcpy(counts + used, at, strlen(at) + 1);
        used += strlen(at);
        *at = '\0';
    }
    qsort(replies->text, count, sizeof replies->text[0], compare);
    memcpy(replies->text[replies->count++], counts, sizeof counts);
}

static void
run_random_command(void)
{
    static const char *const verbs[] = {"SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE"};
    const uint64_t verb = next_random(&state) % 4;
    const uint64_t least = verb < 2 ? 1 : 0;
    const size_t count = (size_t)(least + next_random(&state) % (4 - least));
    const char *arguments[4] = {verbs[verb]};

    for (size_t i = 1; i <= count; i++)
        arguments[i] = random_name();
    command(arguments, 1 + count);
    for (int i = 0; i < SIDES; i++)
        if (count == 0)
            part_counts(&sides[i].replies);
    check_replies(arguments[0]);
}

/* PUBSUB CHANNELS answers in no order: what is compared are its bytes, sorted. */
static void
check_channels(void)
{
    const char *const pattern = random_name();

    for (int i = 0; i < SIDES; i++) {
        struct replies *const replies = &sides[i].replies;
        unsigned long left;

        replies->count = 0;
        CLIENT_COMMAND(sides[i].writer, "PUBSUB", "CHANNELS", pattern);
        left = strtoul(client_line(sides[i].writer) + 1, NULL, 10);
        for (; left > 0; left--)
            (void)read_reply(replies, sides[i].writer);
        sort(replies);
    }
    check_replies("PUBSUB CHANNELS");
}

START_TEST(commands_are_answered_the_same)
{
    const uint64_t steps = scaled(1000);

    state = 0x9e3779b97f4a7c15u;
    begin();
    for (uint64_t i = 0; i < steps; i++) {
        run_random_command();
        ASK("PUBSUB", "NUMPAT");
        ASK("PUBSUB", "NUMSUB", "a", "b", "ab", "a*", "?", "[ab]");
        check_channels();
        (void)publish(random_name());
    }
    end();
}
END_TEST

int
main(void)
{
    const char *const no_skip = getenv("RINGBUS_NO_SKIP");

    if (!redis_is_here()) {
        (void)puts("skipped: no redis-server here");
        return no_skip && strcmp(no_skip, "1") == 0 ? 1 : 77;
    }
    return RUN_TESTS("redis", patterns_match_the_same_names, commands_are_answered_the_same);
}
