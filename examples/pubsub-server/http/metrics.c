/* metrics.c - every figure in the text format of Prometheus (0.0.4).
 *
 * A figure of the bus that is new is there without a line here: as a gauge, until it is in the list of counters.
 * I1  a family is named once, and all its samples stand together
 * I2  no two samples have the same labels, whatever bytes are in names (see put_label) */
#include "metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <uv.h>

#include "../server.h"
#include "figures.h"
#include "server_figures.h"

static const char *const prefixes[] = {
    "ringbus_bus_", "ringbus_group_", "ringbus_topic_", "ringbus_consumer_"};
static const char *const kinds[] = {"bus", "group", "topic", "consumer"};

/* Figures that never fall while their object is there. A consumer's are summed over all of its name, and fall when one
 * of these goes. */
static bool
is_counter(int kind, const char *figure)
{
    static const char *const counters[] = {"abandoned", "blocked", "blocked_ns", "dead",
        "delivered", "discarded", "dropped", "failed", "filtered", "passed", "passes", "posted",
        "refused", "stalls", "stored", "wakes", "withheld"};

    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        if (strcmp(counters[i], figure) == 0)
            return kind != FIGURES_CONSUMER;
    return false;
}

/* A place of one subscription, which says nothing of all that a client has. */
static bool
is_place(int kind, const char *figure)
{
    return kind == FIGURES_CONSUMER &&
           (strcmp(figure, "stage") == 0 || strcmp(figure, "lane") == 0 ||
               strcmp(figure, "calls_left") == 0);
}

/* ---- names, labels, numbers ---- */

static bool
is_ns(const struct figure_text *figure)
{
    return strcmp(figure->unit, "ns") == 0;
}

/* "lag_ns" is "lag_seconds", "memory" in bytes "memory_bytes". */
static void
put_name(struct text *text, const struct figure_text *figure)
{
    size_t size = strlen(figure->name);

    if (is_ns(figure) && size > 3 && strcmp(figure->name + size - 3, "_ns") == 0)
        size -= 3;
    buffer_put(&text->bytes, figure->name, size);
    if (is_ns(figure))
        text_put(text, "_seconds");
    else if (strcmp(figure->unit, "bytes") == 0)
        text_put(text, "_bytes");
}

static void
put_value(struct text *text, const struct figure_text *figure, int64_t value)
{
    if (is_ns(figure))
        text_format(text, " %" PRId64 ".%09" PRId64 "\n", value / 1000000000, value % 1000000000);
    else
        text_format(text, " %" PRId64 "\n", value);
}

/* A byte that is no UTF-8 becomes U+FFFD and two digits, and so do the bytes of U+FFFD itself: the labels of different
 * names differ. */
static void
put_label(struct text *text, const char *label, const char *name)
{
    static const char replacement[] = "\xef\xbf\xbd";

    text_put(text, label);
    text_put(text, "=\"");
    for (const char *at = name; *at != '\0';) {
        const size_t size = text_character(at);

        if (size == 0 || (size == 3 && memcmp(at, replacement, 3) == 0)) {
            for (size_t i = 0; i < (size == 0 ? 1 : size); i++)
                text_format(text, "%s%02x", replacement, (unsigned char)at[i]);
        } else if (*at == '\n') {
            text_put(text, "\\n");
        } else {
            if (*at == '"' || *at == '\\')
                text_put(text, "\\");
            buffer_put(&text->bytes, at, size);
        }
        at += size > 0 ? size : 1;
    }
    text_put(text, "\"");
}

/* The help of the bus has no line ends; its backslashes would have to be doubled, and it has none. */
static void
put_help(struct text *text, const char *help)
{
    for (; *help != '\0'; help++)
        if (*help == '\\' || *help == '\n')
            text_put(text, *help == '\n' ? "\\n" : "\\\\");
        else
            buffer_put(&text->bytes, help, 1);
}

/* ---- families ---- */

static void
put_family_name(struct text *text, int kind, const struct figure_text *figure)
{
    text_put(text, prefixes[kind]);
    put_name(text, figure);
    if (is_counter(kind, figure->name))
        text_put(text, "_total");
}

static void
put_family(struct text *text, const struct figures *figures, int kind, size_t at)
{
    const struct figure_text *const figure = &figures->texts[at];

    text_put(text, "# HELP ");
    put_family_name(text, kind, figure);
    text_put(text, " ");
    put_help(text, figure->help);
    if (kind == FIGURES_TOPIC || kind == FIGURES_CONSUMER)
        text_format(
            text, "; of those that are named, for the others see ringbus_other_%ss", kinds[kind]);
    text_put(text, "\n# TYPE ");
    put_family_name(text, kind, figure);
    text_put(text, is_counter(kind, figure->name) ? " counter\n" : " gauge\n");
    for (size_t i = 0; i < figures->row_count; i++) {
        const struct figures_row *const row = figures->rows[i];

        if (row->values[at] < 0)
            continue;
        put_family_name(text, kind, figure);
        if (kind != FIGURES_BUS) {
            text_put(text, "{");
            put_label(text, kinds[kind], row->name);
            if (kind == FIGURES_CONSUMER) {
                text_put(text, ",");
                put_label(text, "group", row->group);
            }
            text_put(text, "}");
        }
        put_value(text, figure, row->values[at]);
    }
}

/* What is not named, in sum. Gauges all, for who was counted here may go, or get a name. */
static void
put_others(struct text *text, const struct figures *figures, int kind, size_t names_max)
{
    const char *const name = kinds[kind];

    text_format(text,
        "# HELP ringbus_other_%ss Of the %ss, only %zu are named (--metrics-topics): so many are "
        "not\n# TYPE ringbus_other_%ss gauge\nringbus_other_%ss %zu\n",
        name, name, names_max, name, name, figures->other_count);
    for (size_t i = 0; i < figures->count; i++) {
        const struct figure_text *const figure = &figures->texts[i];
        const int64_t value = figures->others ? figures->others->values[i] : 0;

        if (is_place(kind, figure->name) || value < 0)
            continue;
        text_format(text, "# HELP ringbus_other_%s_", name);
        put_name(text, figure);
        text_put(text, " ");
        put_help(text, figure->help);
        text_format(text, "; the sum of the %ss that are not named\n", name);
        text_format(text, "# TYPE ringbus_other_%s_", name);
        put_name(text, figure);
        text_format(text, " gauge\nringbus_other_%s_", name);
        put_name(text, figure);
        put_value(text, figure, value);
    }
}

static void
put_bus(struct text *text, const struct figures *figures, size_t names_max)
{
    for (int kind = 0; kind < FIGURES_KINDS; kind++) {
        for (size_t i = 0; i < figures[kind].count; i++)
            if (!is_place(kind, figures[kind].texts[i].name))
                put_family(text, &figures[kind], kind, i);
        if (kind == FIGURES_TOPIC || kind == FIGURES_CONSUMER)
            put_others(text, &figures[kind], kind, names_max);
    }
}

/* ---- the server and its process ---- */

static void
put_server_figure(const struct server_figure *figure, void *context)
{
    struct text *const text = context;
    const char *const end = figure->is_counter ? "_total" : "";

    text_format(text, "# HELP ringbus_server_%s%s %s\n# TYPE ringbus_server_%s%s %s\n",
        figure->name, end, figure->help, figure->name, end,
        figure->is_counter ? "counter" : "gauge");
    text_format(text, "ringbus_server_%s%s %lld\n", figure->name, end, figure->value);
}

static void
put_process(struct text *text, long long started)
{
    uv_rusage_t usage;
    size_t memory = 0;

    text_format(text,
        "# HELP ringbus_build_info The version of ringbus that is running.\n"
        "# TYPE ringbus_build_info gauge\nringbus_build_info{version=\"%s\"} 1\n",
        ringbus_version());
    text_format(text,
        "# HELP process_start_time_seconds When the server began, since 1970.\n"
        "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %lld\n",
        started);
    if (uv_getrusage(&usage) == 0) {
        const long long micro =
            (long long)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
            (long long)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);

        text_format(text,
            "# HELP process_cpu_seconds_total Processor time, of all threads.\n"
            "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %lld.%06lld\n",
            micro / 1000000, micro % 1000000);
    }
    if (uv_resident_set_memory(&memory) == 0)
        text_format(text,
            "# HELP process_resident_memory_bytes Memory of the process that is in use.\n"
            "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %zu\n",
            memory);
}

int
metrics_write(struct server *server, size_t names_max, long long started, struct text *text)
{
    struct figures figures[FIGURES_KINDS];
    int outcome;

    memset(figures, 0, sizeof figures);
    outcome = figures_take(server->bus, names_max, figures);
    if (outcome == RINGBUS_OK) {
        server_figures_visit(server, put_server_figure, text);
        put_bus(text, figures, names_max);
        put_process(text, started);
    }
    figures_free(figures);
    return outcome == RINGBUS_OK && text->bytes.is_broken ? RINGBUS_ENOMEM : outcome;
}
