/* test_metrics.c - a server with an HTTP port: what it shows of traffic that is known, and how it ends. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/answer.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* The value behind a name and its labels, which MUST be there. */
static double
value_of(const struct answer *answer, const char *sample)
{
    const size_t size = strlen(sample);

    for (const char *at = answer->body; (at = strstr(at, sample)); at++)
        if (at[-1] == '\n' && at[size] == ' ')
            return strtod(at + size, NULL);
    ck_abort_msg("no %s", sample);
}

static void
expect_value(const struct answer *answer, const char *sample, double value)
{
    ck_assert_msg(value_of(answer, sample) == value, "%s is %g, not %g", sample,
        value_of(answer, sample), value);
}

static struct client *
subscribe(const char *channel)
{
    struct client *const client = client_open(server.port);

    CLIENT_COMMAND(client, "SUBSCRIBE", channel);
    for (int line = 0; line < 6; line++)
        MUST(client_line(client), "no confirmation");
    return client;
}

static void
publish(struct client *client, const char *channel, int count, const char *reply)
{
    for (int i = 0; i < count; i++) {
        CLIENT_COMMAND(client, "PUBLISH", channel, "hello");
        client_expect(client, reply);
    }
}

static void
read_messages(struct client *client, const char *channel, int count)
{
    for (int i = 0; i < count; i++)
        MUST(client_message(client, channel), "a message is missing");
}

START_TEST(figures_are_those_of_the_traffic)
{
    struct client *news[2];
    struct client *publisher;
    struct answer answer;

    SERVER_START(&server, "--loops", "1", "--http", "0");
    news[0] = subscribe("news");
    news[1] = subscribe("news");
    publisher = client_open(server.port);
    publish(publisher, "news", 30, ":2\r\n");
    publish(publisher, "nobody", 5, ":0\r\n");
    for (int i = 0; i < 2; i++) {
        read_messages(news[i], "news", 30);
        CLIENT_COMMAND(news[i], "PING"); /* answered when the pass is over, and counted */
        client_expect_line(news[i], "*2");
    }
    answer = answer_get(server_http_port(&server), "/metrics");
    expect_value(&answer, "ringbus_server_clients", 3);
    expect_value(&answer, "ringbus_server_clients_accepted_total", 3);
    expect_value(&answer, "ringbus_server_clients_cut_off_total", 0);
    expect_value(&answer, "ringbus_server_subscriptions", 2);
    expect_value(&answer, "ringbus_server_channels", 1);
    expect_value(&answer, "ringbus_server_publishes_total", 35);
    expect_value(&answer, "ringbus_bus_dead_total", 5);
    expect_value(&answer, "ringbus_bus_topics", 1);
    expect_value(&answer, "ringbus_group_posted_total{group=\"loop-1\"}", 30);
    expect_value(&answer, "ringbus_group_delivered_total{group=\"loop-1\"}", 60);
    expect_value(&answer, "ringbus_group_lag{group=\"loop-1\"}", 0);
    expect_value(&answer, "ringbus_group_capacity{group=\"loop-1\"}", 2048);
    expect_value(&answer, "ringbus_group_lag_seconds{group=\"loop-1\"}", 0);
    expect_value(&answer, "ringbus_topic_passed_total{topic=\"news\"}", 30);
    expect_value(&answer, "ringbus_topic_consumers{topic=\"news\"}", 2);
    expect_value(&answer, "ringbus_consumer_delivered{consumer=\"client-1\",group=\"loop-1\"}", 30);
    ck_assert(value_of(&answer, "ringbus_bus_memory_bytes") > 100000);
    ck_assert(value_of(&answer, "process_start_time_seconds") > 1e9);
    answer_free(&answer);
    for (int i = 0; i < 2; i++)
        client_close(news[i]);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

/* A line of INFO's part of the bus, as "name:value", MUST be a sample. Returns whether it is asked for. */
static bool
is_there(const struct answer *answer, char *line)
{
    const char *const object = strncmp(line, "loop-1_", 7) == 0 ? "group_" : "bus_";
    const char *unit = "";
    char *const name = strchr(line, '_') + 1;
    char *end = strchr(line, ':');
    char sample[128];

    if (strncmp(line, "loop-1_clients:", 15) == 0) /* the server's */
        return false;
    if (strncmp(end - 3, "_ns", 3) == 0) {
        end -= 3;
        unit = "_seconds";
    }
    *end = '\0';
    (void)snprintf(sample, sizeof sample, "\nringbus_%s%s%s", object, name, unit);
    if (!strstr(answer->body, sample))
        ck_abort_msg("no %s", sample + 1);
    return true;
}

START_TEST(every_figure_that_info_tells_of_the_bus_is_there)
{
    struct client *client;
    struct answer answer;
    char *rest = NULL;
    char *info;
    size_t size = 0;
    int count = 0;

    SERVER_START(&server, "--loops", "1", "--http", "0");
    answer = answer_get(server_http_port(&server), "/metrics");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "INFO", "ringbus");
    info = client_bulk(client, &size);
    MUST(info, "the server closed");
    info = strstr(info, "# Ringbus");
    (void)strtok_r(info, "\r\n", &rest);
    for (char *line; (line = strtok_r(NULL, "\r\n", &rest)) != NULL;)
        count += is_there(&answer, line);
    ck_assert_int_gt(count, 25);
    answer_free(&answer);
    client_close(client);
    server_stop(&server);
}
END_TEST

/* The first event with this text, which MUST come. */
static char *
event_with(struct client *viewer, const char *text)
{
    char *event = answer_event(viewer);

    while (!strstr(event, text)) {
        free(event);
        event = answer_event(viewer);
    }
    return event;
}

START_TEST(a_viewer_is_told_what_happens)
{
    struct client *viewer;
    struct client *reader;
    struct client *publisher;
    char *event;

    SERVER_START(&server, "--loops", "2", "--http", "0");
    viewer = client_open(server_http_port(&server));
    ck_assert_int_eq(answer_watch(viewer), 200);
    event = answer_event(viewer);
    ck_assert_ptr_nonnull(strstr(event, "\"topics\": []"));
    free(event);
    reader = subscribe("orders.eu");
    publisher = client_open(server.port);
    publish(publisher, "orders.eu", 20, ":1\r\n");
    read_messages(reader, "orders.eu", 20);
    event = event_with(viewer, "\"name\": \"orders.eu\", \"consumers\": 1, \"passed\": 20,");
    ck_assert_ptr_nonnull(strstr(event, "\"rate\": "));
    ck_assert_ptr_null(
        strstr(event, "\"rate\": 0.0")); /* neither of the topic nor of the consumer */
    free(event);
    free(event_with(viewer, "\"publishes\": 20,"));
    client_close(reader);
    client_close(publisher);

    server_signal(&server, SIGTERM);
    client_expect_end(viewer);
    client_close(viewer);
    ck_assert_int_eq(server_wait(&server, 0), 0);
}
END_TEST

static int
code_of(const char *const *arguments)
{
    server_run(&server, arguments);
    return server_wait(&server, 2);
}

START_TEST(the_port_may_be_off_or_on_an_address_and_nothing_else)
{
    static const char *const wrong[] = {"", "65536", "-1", "80x", "on", ":", ":80", "localhost",
        "127.0.0.1:", "127.0.0.1:65536", "[::1]", "123456"};
    static const char *const right[] = {"127.0.0.1:0", "0"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(
            code_of((const char *const[]){"server", "--port", "0", "--http", wrong[i], NULL}) == 2,
            "taken: '%s'", wrong[i]);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        struct answer answer;

        SERVER_START(&server, "--http", right[i]);
        answer = answer_get(server_http_port(&server), "/");
        ck_assert_int_eq(answer.status, 200);
        answer_free(&answer);
        server_stop(&server);
    }
    SERVER_START(&server, "--http", "0", "--http", "off");
    ck_assert_ptr_null(strstr(server.said, "http://"));
    server_stop(&server);
}
END_TEST

START_TEST(a_port_that_is_taken_or_no_address_keeps_the_server_from_starting)
{
    struct server_process other;
    char taken[16];

    SERVER_START(&other, "--http", "0");
    (void)snprintf(taken, sizeof taken, "%d", server_http_port(&other));
    server_run(&server, (const char *const[]){"server", "--port", "0", "--http", taken, NULL});
    ck_assert_int_eq(server_wait(&server, 1), 1);
    server_stop(&other);
    server_run(
        &server, (const char *const[]){"server", "--port", "0", "--http", "nowhere:0", NULL});
    ck_assert_int_eq(server_wait(&server, 2), 2);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("metrics", figures_are_those_of_the_traffic,
        every_figure_that_info_tells_of_the_bus_is_there, a_viewer_is_told_what_happens,
        the_port_may_be_off_or_on_an_address_and_nothing_else,
        a_port_that_is_taken_or_no_address_keeps_the_server_from_starting);
}
