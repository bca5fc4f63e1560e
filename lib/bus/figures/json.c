/* json.c - a snapshot as JSON.
 *
 * I1  whatever bytes the names have, what is written is UTF-8, and one object */
#include "bus/figures/dump.h"

static void
write_string(const char *text, FILE *stream)
{
    const unsigned char *at = (const unsigned char *)text;

    fputc('"', stream);
    while (*at != '\0') {
        const int length = ringbus__utf8_length(at);

        if (length == 0)
            fputs("\\ufffd", stream);
        else if (*at == '"' || *at == '\\')
            fprintf(stream, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(stream, "\\u%04x", *at);
        else
            fwrite(at, 1, (size_t)length, stream);
        at += length > 0 ? length : 1;
    }
    fputc('"', stream);
}

static void
write_figures(const struct listed *listed, const char *before, FILE *stream)
{
    for (int i = 0; listed->kind->figures[i][0] != NULL; i++, before = ", ")
        fprintf(stream, "%s\"%s\": %lld", before, listed->kind->figures[i][0],
            (long long)listed->values[i]);
}

static void
write_relations(const struct listed *listed, const struct order *order, FILE *stream)
{
    const struct listed *before[MAX_MARKS];
    const uint32_t count = ringbus__order_before(listed, order, before);

    fputs(", \"group\": ", stream);
    write_string(listed->group, stream);
    if (listed->group_id < BUS_MAX_GROUPS)
        fprintf(stream, ", \"group_id\": %llu", (unsigned long long)listed->group_id);
    fputs(", \"topics\": [", stream);
    for (uint32_t i = 0; i < listed->topic_count; i++)
        fprintf(stream, "%s%llu", i > 0 ? ", " : "", (unsigned long long)listed->topics[i]);
    fputs("], \"after\": [", stream);
    for (uint32_t i = 0; i < count; i++)
        fprintf(stream, "%s%llu", i > 0 ? ", " : "", (unsigned long long)before[i]->id);
    fputc(']', stream);
}

void
ringbus__dump_json(const struct snapshot *snapshot, FILE *stream)
{
    static const char *const arrays[] = {NULL, "groups", "topics", "consumers"};
    struct order order;

    ringbus__order_find(snapshot, &order);
    fputs("{\n\"bus\": {", stream);
    write_figures(snapshot->of[LISTED_BUS].first, "", stream);
    fputc('}', stream);
    for (int i = LISTED_GROUPS; i < LISTED_KINDS; i++) {
        const char *before = "\n";

        fprintf(stream, ",\n\"%s\": [", arrays[i]);
        for (const struct listed *at = snapshot->of[i].first; at != NULL; at = at->next) {
            fprintf(stream, "%s{\"id\": %llu, \"name\": ", before, (unsigned long long)at->id);
            write_string(at->name, stream);
            if (i == LISTED_CONSUMERS)
                write_relations(at, &order, stream);
            write_figures(at, ", ", stream);
            fputc('}', stream);
            before = ",\n";
        }
        fputc(']', stream);
    }
    fputs("\n}\n", stream);
}
