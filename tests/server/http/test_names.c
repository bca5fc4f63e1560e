/* test_names.c - names from strangers in /metrics and in events: told apart, bounded, quoted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/answer.h"
#include "server/http/port.h"
#include "support/support.h"

static int port;

/* The body MUST have this line. */
static void
expect_line(const struct answer *answer, const char *line)
{
    const size_t size = strlen(line);

    for (const char *at = answer->body; (at = strstr(at, line)); at++)
        if ((at == answer->body || at[-1] == '\n') && at[size] == '\n')
            return;
    (void)fputs(answer->body, stderr);
    ck_abort_msg("no line %s", line);
}

START_TEST(labels_of_different_names_differ_whatever_their_bytes)
{
    static const char *const names[][2] = {{"plain", "plain"}, {"a\"b\\c\nd", "a\\\"b\\\\c\\nd"},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"bad\xff", "bad\xef\xbf\xbd"
                    "ff"},
        {"bad\xfe", "bad\xef\xbf\xbd"
                    "fe"},
        {"cut\xc3", "cut\xef\xbf\xbd"
                    "c3"},
        {"bad\xef\xbf\xbd", "bad\xef\xbf\xbd"
                            "ef\xef\xbf\xbd"
                            "bf\xef\xbf\xbd"
                            "bd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd"
                         "ed\xef\xbf\xbd"
                         "a0\xef\xbf\xbd"
                         "80"},
        {"\xc0\xaf", "\xef\xbf\xbd"
                     "c0\xef\xbf\xbd"
                     "af"}};
    const struct http_options options = port_patient();
    struct answer answer;
    char line[256];

    (void)port_open_bus();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        port_consume("reader", names[i][0]);
    port = port_start(&options);
    answer = answer_get(port, "/metrics");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(line, sizeof line, "ringbus_topic_consumers{topic=\"%s\"} 1", names[i][1]);
        expect_line(&answer, line);
    }
    answer_free(&answer);
    port_close();
}
END_TEST

START_TEST(consumers_with_one_name_are_one_and_what_is_over_the_limit_is_summed)
{
    static const char *const lines[] = {"ringbus_topic_consumers{topic=\"one\"} 2",
        "ringbus_topic_consumers{topic=\"two\"} 1", "ringbus_other_topics 2",
        "ringbus_other_topic_consumers 3",
        "ringbus_consumer_registrations{consumer=\"first\",group=\"group-0\"} 2",
        "ringbus_consumer_registrations{consumer=\"second\",group=\"group-0\"} 1",
        "ringbus_other_consumers 3", "ringbus_other_consumer_registrations 3",
        "ringbus_server_clients 7"};
    struct http_options options = port_patient();
    struct answer answer;

    options.names_max = 2;
    (void)port_open_bus();
    port_consume("first", "one");
    port_consume("second", "two");
    port_consume("third", "three");
    port_consume("fourth", "four");
    port_consume("first", "one");
    port_consume("third", "four");
    port = port_start(&options);
    answer = answer_get(port, "/metrics");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_line(&answer, lines[i]);
    ck_assert(!strstr(answer.body, "topic=\"three\""));
    ck_assert(!strstr(answer.body, "consumer=\"third\""));
    answer_free(&answer);
    port_close();
}
END_TEST

/* A look at so many topics takes some time, ten times as much of which goes by before the next. */
START_TEST(a_look_that_takes_long_serves_those_who_ask_next)
{
    enum { TOPICS = 8000 };
    const struct http_options options = port_patient();
    struct answer first, second;
    char name[32];

    (void)port_open_bus();
    for (int i = 0; i < TOPICS; i++) {
        (void)snprintf(name, sizeof name, "topic-%d", i);
        port_consume("reader", name);
    }
    port = port_start(&options);
    first = answer_get(port, "/metrics");
    port_consume("one-more", "late");
    second = answer_get(port, "/metrics");
    expect_line(&first, "ringbus_other_topics 7900");
    ck_assert_str_eq(first.body, second.body);
    answer_free(&first);
    answer_free(&second);
    port_close();
}
END_TEST

START_TEST(no_names_at_all_leave_only_sums)
{
    struct http_options options = port_patient();
    struct answer answer;

    options.names_max = 0;
    (void)port_open_bus();
    port_consume("first", "one");
    port_consume("second", "two");
    port = port_start(&options);
    answer = answer_get(port, "/metrics");
    expect_line(&answer, "ringbus_other_topics 2");
    expect_line(&answer, "ringbus_other_topic_consumers 2");
    expect_line(&answer, "ringbus_other_consumers 2");
    ck_assert(!strstr(answer.body, "topic=\""));
    ck_assert(!strstr(answer.body, "consumer=\""));
    answer_free(&answer);
    port_close();
}
END_TEST

START_TEST(an_event_shows_the_fastest_topics_and_who_consumes_them)
{
    struct http_options options = port_patient();
    struct ringbus_bus *bus;
    struct client *viewer;
    char name[32];
    char *event;

    options.interval_ms = 1;
    bus = port_open_bus();
    for (int i = 0; i < 60; i++) {
        (void)snprintf(name, sizeof name, "topic-%d", i);
        port_consume(name, name);
    }
    port_consume("a\"</script>", "topic-57");
    port = port_start(&options);
    viewer = client_open(port);
    ck_assert_int_eq(answer_watch(viewer), 200);
    event = answer_event(viewer);
    ck_assert_ptr_nonnull(strstr(event, "\"interval_ns\": 0,"));
    ck_assert_ptr_nonnull(strstr(event, "\"port\": 6380,"));
    ck_assert_ptr_nonnull(strstr(event, "\"clients\": 7"));
    ck_assert_ptr_null(strstr(event, "topic-57"));
    free(event);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ringbus_post(bus, "topic-57", "x", 1), 2);
    ck_assert_int_eq(ringbus_flush(bus, RINGBUS_FOREVER), RINGBUS_OK);
    do
        event = answer_event(viewer);
    while (!strstr(event, "\"delivered\": 10,") && (free(event), true));
    ck_assert_ptr_nonnull(strstr(event, "\"topics\": [{\"id\": "));
    ck_assert(strstr(event, "\"name\": \"topic-57\"") < strstr(event, "\"name\": \"topic-0\""));
    ck_assert_ptr_nonnull(strstr(event, "\"in_groups\": [[0, 2]]"));
    ck_assert_ptr_nonnull(strstr(event, "\"name\": \"a\\\"</script>\""));
    ck_assert_ptr_null(strchr(event, '\n'));
    free(event);
    client_close(viewer);
    port_close();
}
END_TEST

int
main(void)
{
    return RUN_TESTS("names", labels_of_different_names_differ_whatever_their_bytes,
        consumers_with_one_name_are_one_and_what_is_over_the_limit_is_summed,
        a_look_that_takes_long_serves_those_who_ask_next, no_names_at_all_leave_only_sums,
        an_event_shows_the_fastest_topics_and_who_consumes_them);
}
