/* snapshot.c - what the page shows.
 *
 * The dump of a bus with very many topics is long. It is read here, once for all who watch, and they get what a page
 * can show. */
#include "snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../server.h"
#include "json.h"
#include "server_figures.h"

/* More than the ids of a bus's groups; one that is not below it, a consumer has no group. */
#define GROUPS_MAX 64

/* A topic or a consumer, as it stands in the dump. */
struct item {
    uint64_t id;
    uint64_t group_id;
    int64_t count; /* events or calls */
    double rate;   /* of them, a second */
    const char *begin;
    const char *end;    /* its bracket */
    const char *before; /* the key "topics", from the comma before it; NULL: it has none */
    const char *topics;
    const char *behind;
};

struct items {
    struct item *list;
    size_t count;
    size_t capacity;
};

struct count {
    uint64_t id;
    int64_t count;
};

/* By id. */
struct snapshot_counts {
    size_t count;
    struct count list[];
};

/* ---- reading ---- */

/* The dump, in one line; NULL: there is none. */
static char *
dump(struct ringbus_bus *bus)
{
    char *text = NULL;
    size_t size = 0;
    FILE *const stream = open_memstream(&text, &size);
    int outcome;

    if (!stream)
        return NULL;
    outcome = ringbus_dump(bus, RINGBUS_JSON, stream);
    if (fclose(stream) != 0 || outcome != RINGBUS_OK) {
        free(text);
        return NULL;
    }
    for (char *at = strchr(text, '\n'); at; at = strchr(at, '\n'))
        *at = ' ';
    return text;
}

static void
read_item(struct json *json, const char *count_name, struct item *ret_item)
{
    struct item item = {.begin = json->at, .group_id = GROUPS_MAX};

    json_enter(json, '{');
    for (const char *before = json->at; json_more(json, '}'); before = json->at) {
        if (json_is_key(json, "id")) {
            item.id = (uint64_t)json_number(json);
        } else if (json_is_key(json, "group_id")) {
            item.group_id = (uint64_t)json_number(json);
        } else if (json_is_key(json, count_name)) {
            item.count = json_number(json);
        } else if (json_is_key(json, "topics")) {
            item.before = before;
            item.topics = json->at;
            json_skip(json);
            item.behind = json->at;
        } else {
            json_skip_key(json);
            json_skip(json);
        }
    }
    item.end = json->is_broken ? item.begin : json->at - 1;
    *ret_item = item;
}

static int
read_items(struct json *json, const char *count_name, struct items *items)
{
    json_enter(json, '[');
    while (json_more(json, ']')) {
        if (items->count == items->capacity) {
            const size_t capacity = items->capacity > 0 ? items->capacity * 2 : 64;
            struct item *const list = realloc(items->list, capacity * sizeof *list);

            if (!list)
                return -1;
            items->list = list;
            items->capacity = capacity;
        }
        read_item(json, count_name, &items->list[items->count++]);
    }
    return 0;
}

/* ---- rates ---- */

static int
compare_counts(const void *one, const void *other)
{
    const uint64_t id = ((const struct count *)one)->id;
    const uint64_t other_id = ((const struct count *)other)->id;

    return (id > other_id) - (id < other_id);
}

/* The rates of all items since the counts before, which their counts replace. */
static int
rate(struct items *items, double seconds, struct snapshot_counts **counts)
{
    struct snapshot_counts *const now = malloc(sizeof *now + items->count * sizeof now->list[0]);
    struct snapshot_counts *const before = *counts;

    if (!now)
        return -1;
    now->count = items->count;
    for (size_t i = 0; i < items->count; i++) {
        struct item *const item = &items->list[i];
        const struct count own = {item->id, item->count};
        const struct count *const old =
            before ? bsearch(&own, before->list, before->count, sizeof own, compare_counts) : NULL;

        now->list[i] = own;
        if (before && seconds > 0 && item->count > (old ? old->count : 0))
            item->rate = (double)(item->count - (old ? old->count : 0)) / seconds;
    }
    qsort(now->list, now->count, sizeof now->list[0], compare_counts);
    free(before);
    *counts = now;
    return 0;
}

/* The fastest first, then who had most, then the oldest. */
static int
compare_items(const void *one, const void *other)
{
    const struct item *const item = one;
    const struct item *const other_item = other;

    if (item->rate != other_item->rate)
        return item->rate < other_item->rate ? 1 : -1;
    if (item->count != other_item->count)
        return item->count < other_item->count ? 1 : -1;
    return (item->id > other_item->id) - (item->id < other_item->id);
}

static void
keep_fastest(struct items *items, size_t most)
{
    if (items->count > 0)
        qsort(items->list, items->count, sizeof items->list[0], compare_items);
    if (items->count > most)
        items->count = most;
}

/* ---- which groups a topic is in ---- */

struct relations {
    struct count topics[SNAPSHOT_TOPICS_MAX]; /* id and place, by id */
    unsigned consumers[SNAPSHOT_TOPICS_MAX][GROUPS_MAX];
};

static void
relate(const struct items *topics, const struct items *consumers, struct relations *relations)
{
    memset(relations, 0, sizeof *relations);
    for (size_t i = 0; i < topics->count; i++)
        relations->topics[i] = (struct count){topics->list[i].id, (int64_t)i};
    qsort(relations->topics, topics->count, sizeof relations->topics[0], compare_counts);
    for (size_t i = 0; i < consumers->count; i++) {
        const struct item *const consumer = &consumers->list[i];
        struct json json = {.at = consumer->topics ? consumer->topics : "[]"};

        json_enter(&json, '[');
        while (consumer->group_id < GROUPS_MAX && json_more(&json, ']')) {
            const struct count key = {(uint64_t)json_number(&json), 0};
            const struct count *const topic =
                bsearch(&key, relations->topics, topics->count, sizeof key, compare_counts);

            if (topic)
                relations->consumers[topic->count][consumer->group_id]++;
        }
    }
}

/* ---- writing ---- */

static void
put_span(struct text *text, const char *begin, const char *end)
{
    buffer_put(&text->bytes, begin, (size_t)(end - begin));
}

/* The item as it stands in the dump, but for its topics and its bracket; with its rate. */
static void
put_item(struct text *text, const struct item *item)
{
    if (item->before) {
        put_span(text, item->begin, item->before);
        put_span(text, item->behind, item->end);
    } else {
        put_span(text, item->begin, item->end);
    }
    text_format(text, ", \"rate\": %.1f", item->rate);
}

/* The consumer's first topic, if it has any. */
static void
put_first_topic(struct text *text, const struct item *item)
{
    struct json json = {.at = item->topics ? item->topics : "[]"};

    json_enter(&json, '[');
    if (json_more(&json, ']'))
        text_format(text, ", \"first_topic\": %" PRId64, json_number(&json));
}

static void
put_topics(struct text *text, const struct items *topics, const struct relations *relations)
{
    text_put(text, ", \"topics\": [");
    for (size_t i = 0; i < topics->count; i++) {
        const char *between = "";

        text_put(text, i > 0 ? ", " : "");
        put_item(text, &topics->list[i]);
        text_put(text, ", \"in_groups\": [");
        for (unsigned group = 0; group < GROUPS_MAX; group++) {
            if (relations->consumers[i][group] == 0)
                continue;
            text_format(text, "%s[%u, %u]", between, group, relations->consumers[i][group]);
            between = ", ";
        }
        text_put(text, "]}");
    }
    text_put(text, "]");
}

static void
put_consumers(struct text *text, const struct items *consumers)
{
    text_put(text, ", \"consumers\": [");
    for (size_t i = 0; i < consumers->count; i++) {
        text_put(text, i > 0 ? ", " : "");
        put_item(text, &consumers->list[i]);
        put_first_topic(text, &consumers->list[i]);
        text_put(text, "}");
    }
    text_put(text, "]");
}

static void
put_server_figure(const struct server_figure *figure, void *context)
{
    text_format(context, ", \"%s\": %lld", figure->name, figure->value);
}

static void
put_server(struct text *text, struct server *server, long long now, long long interval)
{
    text_format(text, "{\"now_ns\": %lld, \"interval_ns\": %lld, \"version\": \"%s\"", now,
        interval, ringbus_version());
    text_format(text, ", \"port\": %d", server->port);
    text_format(text, ", \"server\": {\"has_journal\": %s", server->journal ? "true" : "false");
    server_figures_visit(server, put_server_figure, text);
    text_put(text, "}, ");
}

/* Read the dump, and write from "bus" to the end. */
static int
digest(struct snapshots *snapshots, const char *dumped, double seconds, struct text *text)
{
    static const char *const ends[] = {"topics", "consumers"};
    struct json json = {.at = dumped};
    struct items topics = {0};
    struct items consumers = {0};
    struct relations relations;
    const char *begin;
    const char *end;
    int outcome = 0;

    json_enter(&json, '{');
    begin = json.at;
    for (end = begin; json_more(&json, '}');) {
        if (json_is_key(&json, ends[0])) {
            outcome |= read_items(&json, "passed", &topics);
        } else if (json_is_key(&json, ends[1])) {
            outcome |= read_items(&json, "delivered", &consumers);
        } else {
            json_skip_key(&json);
            json_skip(&json);
            end = json.at;
        }
    }
    if (outcome == 0 && !json.is_broken)
        outcome = rate(&topics, seconds, &snapshots->topics) |
                  rate(&consumers, seconds, &snapshots->consumers);
    if (outcome == 0 && !json.is_broken) {
        keep_fastest(&topics, SNAPSHOT_TOPICS_MAX);
        relate(&topics, &consumers, &relations);
        keep_fastest(&consumers, SNAPSHOT_CONSUMERS_MAX);
        put_span(text, begin, end);
        put_topics(text, &topics, &relations);
        put_consumers(text, &consumers);
        text_put(text, "}");
    }
    free(topics.list);
    free(consumers.list);
    return json.is_broken ? -1 : outcome;
}

struct text *
snapshot_take(struct snapshots *snapshots, struct server *server)
{
    const long long now = ringbus_now_ns();
    const long long interval = snapshots->taken_ns > 0 ? now - snapshots->taken_ns : 0;
    char *const dumped = dump(server->bus);
    struct text *text = dumped ? text_open() : NULL;

    if (text) {
        put_server(text, server, now, interval);
        if (digest(snapshots, dumped, (double)interval / 1e9, text) != 0 || text->bytes.is_broken) {
            text_release(text);
            text = NULL;
        }
    }
    snapshots->taken_ns = now;
    free(dumped);
    return text;
}

void
snapshot_forget(struct snapshots *snapshots)
{
    free(snapshots->topics);
    free(snapshots->consumers);
    memset(snapshots, 0, sizeof *snapshots);
}
