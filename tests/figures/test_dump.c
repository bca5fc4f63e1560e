/* test_dump.c - dumps as JSON and as a picture are well formed, whatever the names are, and say who gets what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/probe.h"

/* Quotes, control bytes, what means something to Python or Graphviz, invalid and overlong UTF-8, a surrogate. */
static const char *const hostile[] = {"quote\"end", "back\\slash\\", "line\nfeed\ttab\x01\x1f\x7f",
    "\\N\\G\\l", "<b>&amp;&lt;</b>", "{a|b}", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f",
    "\xff\xfe", "cut \xe2\x82", "over \xc0\xaf\xe0\x80\xaf", "half \xed\xa0\x80",
    "beyond \xf4\x90\x80\x80", " ", "*/ // #"};

enum { HOSTILE = sizeof hostile / sizeof *hostile };

static int
handle(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    return 0;
}

static struct ringbus_consumer *
consumer_open(struct ringbus_bus *bus, struct ringbus_group *group, const char *name,
    struct ringbus_consumer *after)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.name = name;
    options.group = group;
    options.after = &after;
    options.after_count = after != NULL;
    MUST(
        ringbus_consumer_open(bus, handle, NULL, &options, &consumer) == RINGBUS_OK, "no consumer");
    return consumer;
}

/* Groups, topics and consumers of these names. */
static struct ringbus_bus *
open_hostile(void)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_groups = 1 + HOSTILE;
    bus = bus_open(&options);
    for (int i = 0; i < HOSTILE; i++) {
        struct ringbus_group_options of_group = ringbus_group_options_default();
        struct ringbus_group *group = NULL;
        struct ringbus_consumer *consumer = NULL;

        of_group.name = hostile[i];
        of_group.kind = RINGBUS_GROUP_CALLER;
        MUST(ringbus_group_open(bus, &of_group, &group) == RINGBUS_OK, "no group");
        consumer = consumer_open(bus, group, hostile[i], NULL);
        consumer = consumer_open(bus, group, hostile[i], consumer);
        MUST(ringbus_register_topics(bus, consumer, hostile, HOSTILE) == RINGBUS_OK, "no topics");
    }
    return bus;
}

/* The caller frees it. */
static char *
dump_of(struct ringbus_bus *bus, enum ringbus_format format)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ck_assert_int_eq(ringbus_dump(bus, format, stream), RINGBUS_OK);
    fclose(stream);
    ck_assert_uint_eq(strlen(text), size);
    return text;
}

/* A program reads it and is content; true, too, if there is no such program. */
static bool
is_accepted(const char *text, const char *program, const char *command)
{
    char line[256];
    FILE *to = NULL;

    snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", program);
    if (system(line) != 0)
        return true;
    to = popen(command, "w");
    MUST(to != NULL, "no pipe");
    fputs(text, to);
    return pclose(to) == 0;
}

static size_t
count_in(const char *text, const char *part)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* ---- JSON ---- */

static void
check_json(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        ck_assert_msg(*at >= 0x20 || *at == '\n', "a raw control byte: %02x", *at);
    ck_assert_msg(
        is_accepted(text, "python3", "python3 -m json.tool >/dev/null"), "no JSON: %s", text);
}

START_TEST(json_is_well_formed_whatever_the_names)
{
    struct ringbus_bus *bus = open_hostile();
    char *text = dump_of(bus, RINGBUS_JSON);

    check_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"quote\\\"end\""));
    ck_assert_ptr_nonnull(strstr(text, "\"back\\\\slash\\\\\""));
    ck_assert_ptr_nonnull(strstr(text, "\"line\\u000afeed\\u0009tab\\u0001\\u001f\x7f\""));
    ck_assert_ptr_nonnull(strstr(text, "\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f\""));
    ck_assert_ptr_nonnull(strstr(text, "\"\\ufffd\\ufffd\""));
    ck_assert_ptr_nonnull(strstr(text, "\"cut \\ufffd\\ufffd\""));
    ck_assert_ptr_nonnull(strstr(text, "\"over \\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\""));
    ck_assert_ptr_nonnull(strstr(text, "\"half \\ufffd\\ufffd\\ufffd\""));
    ck_assert_ptr_nonnull(strstr(text, "\"beyond \\ufffd\\ufffd\\ufffd\\ufffd\""));
    ck_assert_uint_eq(count_in(text, "\"id\": "), 1 + HOSTILE + HOSTILE + 2 * HOSTILE);
    free(text);
    bus_close(bus);
}
END_TEST

START_TEST(json_says_who_is_registered_where_and_comes_after_whom)
{
    struct ringbus_bus *bus = bus_open_small(8, NULL);
    struct ringbus_consumer *first = consumer_open(bus, NULL, "first", NULL);
    struct ringbus_consumer *second = consumer_open(bus, NULL, "second", first);
    struct ringbus_consumer *third = consumer_open(bus, NULL, "third", second);
    char *text = NULL;

    MUST(ringbus_register_consumer(bus, first, "x") == 0 &&
             ringbus_register_consumer(bus, third, "x") == 0 &&
             ringbus_register_consumer(bus, third, "y") == 0,
        "no registration");
    text = dump_of(bus, RINGBUS_JSON);
    check_json(text);
    ck_assert_ptr_nonnull(strstr(text, "{\"id\": 0, \"name\": \"first\", \"group\": \"group-0\", "
                                       "\"group_id\": 0, \"topics\": [0], \"after\": []"));
    ck_assert_ptr_nonnull(strstr(text, "\"name\": \"second\", \"group\": \"group-0\", "
                                       "\"group_id\": 0, \"topics\": [], \"after\": [0]"));
    ck_assert_ptr_nonnull(strstr(text, "\"name\": \"third\", \"group\": \"group-0\", "
                                       "\"group_id\": 0, \"topics\": [1, 0], \"after\": [1]"));
    ck_assert_ptr_nonnull(strstr(text, "\"capacity\": 8,"));
    free(text);
    bus_close(bus);
}
END_TEST

START_TEST(json_of_an_empty_bus_is_well_formed)
{
    struct ringbus_bus *bus = bus_open(NULL);
    char *text = dump_of(bus, RINGBUS_JSON);

    check_json(text);
    ck_assert_ptr_nonnull(strstr(text, "\"topics\": [],"));
    free(text);
    bus_close(bus);
}
END_TEST

/* ---- a picture ---- */

START_TEST(a_picture_is_well_formed_whatever_the_names)
{
    struct ringbus_bus *bus = open_hostile();
    char *text = dump_of(bus, RINGBUS_DOT);
    bool is_inside = false;

    for (const char *at = text; *at != '\0'; at++) {
        ck_assert_msg(!is_inside || *at != '\n', "a string goes on over the end of a line");
        if (is_inside && *at == '\\')
            at++;
        else if (*at == '"')
            is_inside = !is_inside;
    }
    ck_assert(!is_inside);
    ck_assert_msg(is_accepted(text, "dot", "dot -Tsvg >/dev/null"), "no picture: %s", text);
    ck_assert_ptr_nonnull(strstr(text, "label=\"line\\\\x0afeed\\\\x09tab\\\\x01\\\\x1f\\\\x7f"));
    ck_assert_ptr_nonnull(strstr(text, "label=\"<b>&amp;amp;&amp;lt;</b>"));
    ck_assert_ptr_nonnull(strstr(text, "label=\"\\\\xff\\\\xfe"));
    free(text);
    bus_close(bus);
}
END_TEST

START_TEST(a_picture_says_how_many_topics_and_consumers_are_not_in_it)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_topic *unused = NULL;
    char name[16];
    char *text = NULL;

    MUST(ringbus_topic_open(bus, "unused", &unused) == RINGBUS_OK, "no topic");
    for (int i = 0; i < 123; i++) {
        struct ringbus_consumer *consumer = consumer_open(bus, NULL, NULL, NULL);

        snprintf(name, sizeof name, "t%d", i);
        if (i < 40)
            MUST(ringbus_register_consumer(bus, consumer, name) == RINGBUS_OK, "no topic");
    }
    text = dump_of(bus, RINGBUS_DOT);
    ck_assert_uint_eq(count_in(text, "shape=ellipse"), 40);
    ck_assert_uint_eq(count_in(text, "\\ndelivered "), 100);
    ck_assert_ptr_nonnull(strstr(text, "\"... and 1 more topics\""));
    ck_assert_ptr_nonnull(strstr(text, "\"... and 23 more consumers\""));
    ck_assert_ptr_null(strstr(text, "\"unused\""));
    /* the newest consumers are shown: of those that are registered, 17 */
    ck_assert_uint_eq(count_in(text, " -> "), 17);
    free(text);
    ringbus_topic_close(unused);
    bus_close(bus);
}
END_TEST

START_TEST(a_picture_shows_what_is_stuck)
{
    static struct gate gate;
    static struct probe probe = {.name = "stuck", .gate = &gate};
    struct ringbus_bus *bus = NULL;
    char *text = NULL;

    gate_init(&gate);
    bus = bus_open_small(2, NULL);
    probe_open(bus, &probe);
    probe_register(&probe, "orders");
    (void)consumer_open(bus, NULL, "next", probe.consumer);
    MUST(post_number(bus, "orders", 1) == 1 && post_number(bus, "orders", 2) == 1, "no post");
    gate_await(&gate, 1);
    text = dump_of(bus, RINGBUS_DOT);
    ck_assert_ptr_nonnull(strstr(text, "label=\"group-0\\nthreads\\nlag 2 of 2\""));
    ck_assert_ptr_nonnull(
        strstr(text, "c0 [label=\"stuck\\ndelivered 0\\npending 2\\nrunning 1\", penwidth=2.5]"));
    ck_assert_ptr_nonnull(strstr(text, "t0 -> c0;"));
    ck_assert_ptr_nonnull(strstr(text, "c0 -> c1 [style=dashed"));
    free(text);
    gate_open(&gate);
    bus_close(bus);
}
END_TEST

/* ---- any ---- */

START_TEST(a_dump_has_a_format_that_there_is)
{
    struct ringbus_bus *bus = bus_open(NULL);
    FILE *full = fopen("/dev/full", "w");

    ck_assert_int_eq(ringbus_dump(bus, (enum ringbus_format)0, stdout), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_dump(bus, (enum ringbus_format)4, stdout), RINGBUS_EINVAL);
    for (int format = RINGBUS_TEXT; full != NULL && format <= RINGBUS_DOT; format++) {
        ck_assert_int_eq(ringbus_dump(bus, (enum ringbus_format)format, full), RINGBUS_ESYS);
        clearerr(full);
    }
    if (full != NULL)
        fclose(full);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("dump", json_is_well_formed_whatever_the_names,
        json_says_who_is_registered_where_and_comes_after_whom, json_of_an_empty_bus_is_well_formed,
        a_picture_is_well_formed_whatever_the_names,
        a_picture_says_how_many_topics_and_consumers_are_not_in_it, a_picture_shows_what_is_stuck,
        a_dump_has_a_format_that_there_is);
}
