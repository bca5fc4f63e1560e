/* dot.c - a snapshot as a picture for Graphviz: topics, and consumers in their groups.
 *
 * I1  whatever bytes the names have, the picture is well formed
 * I2  it stays a picture: at most so many topics and consumers, and how many more there are
 * Source: who gets what, which Guava's users miss ("cross-references are harder to find"). */
#include "bus/figures/dump.h"

enum { MOST_LABEL = 48 };

/* Within a label's quotes; a long name is cut. */
static void
write_name(const char *text, FILE *stream)
{
    const unsigned char *at = (const unsigned char *)text;

    for (int i = 0; *at != '\0' && i < MOST_LABEL; i++) {
        const int length = ringbus__utf8_length(at);

        if (length == 0 || *at < 0x20 || *at == 0x7f)
            fprintf(stream, "\\\\x%02x", *at);
        else if (*at == '&') /* labels know HTML's entities */
            fputs("&amp;", stream);
        else if (*at == '"' || *at == '\\')
            fprintf(stream, "\\%c", *at);
        else
            fwrite(at, 1, (size_t)length, stream);
        at += length > 0 ? length : 1;
    }
    if (*at != '\0')
        fputs("...", stream);
}

enum { MOST_TOPICS = 40, MOST_CONSUMERS = 100 };

/* What is in the picture. */
struct shown {
    const struct listed *topics[MOST_TOPICS];
    uint32_t topic_count;
    uint64_t topics_left;
    const struct listed *consumers[MOST_CONSUMERS];
    uint32_t consumer_count;
};

/* Those somebody is registered on first. */
static void
choose_topics(const struct snapshot *snapshot, struct shown *shown)
{
    *shown = (struct shown){.topic_count = 0};
    for (int has_consumers = 1; has_consumers >= 0; has_consumers--)
        for (const struct listed *at = snapshot->of[LISTED_TOPICS].first; at; at = at->next) {
            if ((ringbus__snapshot_figure(at, "consumers") > 0) != has_consumers)
                continue;
            if (shown->topic_count < MOST_TOPICS)
                shown->topics[shown->topic_count++] = at;
            else
                shown->topics_left++;
        }
}

static bool
has_topic(const struct shown *shown, uint64_t topic)
{
    uint32_t i = 0;

    while (i < shown->topic_count && shown->topics[i]->id != topic)
        i++;
    return i < shown->topic_count;
}

static long long
figure(const struct listed *listed, const char *name)
{
    return (long long)ringbus__snapshot_figure(listed, name);
}

/* ", name value" or, where it is 0, nothing. */
static void
write_if(const struct listed *listed, const char *name, FILE *stream)
{
    if (figure(listed, name) != 0)
        fprintf(stream, "\\n%s %lld", name, figure(listed, name));
}

static void
write_topics(const struct shown *shown, FILE *stream)
{
    for (uint32_t i = 0; i < shown->topic_count; i++) {
        const struct listed *at = shown->topics[i];

        fprintf(stream, "  t%llu [shape=ellipse, label=\"", (unsigned long long)at->id);
        write_name(at->name, stream);
        write_if(at, "dead", stream);
        fputs("\"];\n", stream);
    }
    if (shown->topics_left > 0)
        fprintf(stream, "  more_topics [shape=plaintext, label=\"... and %llu more topics\"];\n",
            (unsigned long long)shown->topics_left);
}

static void
write_consumer(const struct listed *at, FILE *stream)
{
    fprintf(stream, "    c%llu [label=\"", (unsigned long long)at->id);
    write_name(at->name, stream);
    fprintf(stream, "\\ndelivered %lld", figure(at, "delivered"));
    write_if(at, "pending", stream);
    write_if(at, "failed", stream);
    write_if(at, "withheld", stream);
    write_if(at, "running", stream);
    fprintf(stream, "\"%s];\n", figure(at, "running") > 0 ? ", penwidth=2.5" : "");
}

static void
write_group(const struct listed *at, FILE *stream)
{
    static const char *const kinds[] = {"threads", "caller", "loop", "polled"};
    const long long lag = figure(at, "lag"), capacity = figure(at, "capacity");
    const bool is_full = figure(at, "waiting") > 0 || (lag > 0 && lag >= capacity);

    fprintf(stream, "  subgraph cluster_g%llu {\n    label=\"", (unsigned long long)at->id);
    write_name(at->name, stream);
    fprintf(stream, "\\n%s", kinds[figure(at, "kind")]);
    if (figure(at, "lanes") > 1)
        fprintf(stream, ", %lld lanes", figure(at, "lanes"));
    fprintf(stream, "\\nlag %lld of %lld", lag, capacity);
    if (figure(at, "lag_ns") > 0)
        fprintf(stream, ", for %.1f s", (double)figure(at, "lag_ns") / 1e9);
    if (figure(at, "waiting") > 0)
        fprintf(stream, "\\n%lld posts wait", figure(at, "waiting"));
    fprintf(stream, "%s\";\n    bgcolor=\"%s\";\n", figure(at, "paused") ? "\\npaused" : "",
        is_full   ? "#f6c9c4"
        : lag > 0 ? "#fbe9c2"
                  : "#eef3ee");
}

/* Those of a group, while there is room for more. */
static void
write_members(const struct snapshot *snapshot, uint64_t group, struct shown *shown, FILE *stream)
{
    uint64_t count = 0, left = 0;

    for (const struct listed *at = snapshot->of[LISTED_CONSUMERS].first; at; at = at->next) {
        if (at->group_id != group)
            continue;
        count++;
        if (shown->consumer_count < MOST_CONSUMERS) {
            write_consumer(at, stream);
            shown->consumers[shown->consumer_count++] = at;
        } else {
            left++;
        }
    }
    if (left > 0)
        fprintf(stream,
            "    more_g%llu [shape=plaintext, label=\"... and %llu more consumers\"];\n",
            (unsigned long long)group, (unsigned long long)left);
    if (count == 0) /* or it would not be drawn */
        fprintf(stream, "    g%llu [style=invis, shape=point];\n", (unsigned long long)group);
}

static void
write_groups(const struct snapshot *snapshot, struct shown *shown, FILE *stream)
{
    for (const struct listed *at = snapshot->of[LISTED_GROUPS].first; at != NULL; at = at->next) {
        write_group(at, stream);
        write_members(snapshot, at->id, shown, stream);
        fputs("  }\n", stream);
    }
}

static bool
has_consumer(const struct shown *shown, const struct listed *consumer)
{
    uint32_t i = 0;

    while (i < shown->consumer_count && shown->consumers[i] != consumer)
        i++;
    return i < shown->consumer_count;
}

static void
write_edges(const struct snapshot *snapshot, const struct shown *shown, FILE *stream)
{
    struct order order;

    ringbus__order_find(snapshot, &order);
    for (uint32_t i = 0; i < shown->consumer_count; i++) {
        const struct listed *at = shown->consumers[i], *before[MAX_MARKS];
        const uint32_t count = ringbus__order_before(at, &order, before);

        for (uint32_t j = 0; j < at->topic_count; j++)
            if (has_topic(shown, at->topics[j]))
                fprintf(stream, "  t%llu -> c%llu;\n", (unsigned long long)at->topics[j],
                    (unsigned long long)at->id);
        for (uint32_t j = 0; j < count; j++)
            if (has_consumer(shown, before[j]))
                fprintf(stream, "  c%llu -> c%llu [style=dashed, label=\"then\"];\n",
                    (unsigned long long)before[j]->id, (unsigned long long)at->id);
    }
}

void
ringbus__dump_dot(const struct snapshot *snapshot, FILE *stream)
{
    const struct listed *bus = snapshot->of[LISTED_BUS].first;
    struct shown shown;

    fputs(
        "digraph ringbus {\n"
        "  rankdir=LR; labeljust=l; fontname=\"sans-serif\"; fontsize=11; nodesep=0.15; "
        "ranksep=1.2;\n"
        "  node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\", fontsize=10];\n"
        "  edge [fontname=\"sans-serif\", fontsize=9, color=\"#555555\"];\n",
        stream);
    fprintf(stream, "  label=\"%lld topics, %lld consumers, %lld bytes, %lld dead posts\";\n",
        figure(bus, "topics"), figure(bus, "consumers"), figure(bus, "memory"),
        figure(bus, "dead"));
    choose_topics(snapshot, &shown);
    write_topics(&shown, stream);
    write_groups(snapshot, &shown, stream);
    write_edges(snapshot, &shown, stream);
    fputs("}\n", stream);
}
