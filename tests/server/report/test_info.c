/* test_info.c - INFO and CONFIG GET: the sections, and figures that are what happened. */
#include <stdio.h>
#include <string.h>

#include "server/client.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* What INFO answers; `section` NULL: without one. */
static const char *
info(struct client *client, const char *section)
{
    size_t size = 0;
    const char *text;

    if (section)
        CLIENT_COMMAND(client, "INFO", section);
    else
        CLIENT_COMMAND(client, "INFO");
    text = client_bulk(client, &size);
    MUST(text, "the server closed");
    return text;
}

START_TEST(info_has_sections_and_tells_those_asked_for)
{
    struct client *client;
    const char *text;

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    text = info(client, NULL);
    ck_assert(strncmp(text, "# Server\r\nserver_name:", 22) == 0);
    ck_assert(strstr(text, "\r\n\r\n# Clients\r\nconnected_clients:1\r\n"));
    ck_assert(strstr(text, "\r\n\r\n# Memory\r\n"));
    ck_assert(strstr(text, "\r\n\r\n# Stats\r\n"));
    ck_assert(!strstr(text, "# Journal"));
    text = info(client, "MEMORY");
    ck_assert(strncmp(text, "# Memory\r\n", 10) == 0);
    ck_assert(!strchr(text + 1, '#'));
    ck_assert_str_eq(info(client, "nonsense"), "");
    CLIENT_COMMAND(client, "INFO", "stats", "server");
    client_expect_line(client, "$");
    client_expect(client, "# Server\r\n");
    client_close(client);
    server_stop(&server);
}
END_TEST

/* A look at the bus takes the longer the more subscriptions there are, and many clients begin with INFO. */
START_TEST(info_tells_of_the_bus_who_asks_for_it)
{
    struct client *client;

    SERVER_START(&server, "--loops", "1");
    client = client_open(server.port);
    ck_assert(!strstr(info(client, NULL), "# Ringbus"));
    ck_assert(!strstr(info(client, "default"), "# Ringbus"));
    ck_assert(strstr(info(client, "all"), "\r\n\r\n# Ringbus\r\n"));
    ck_assert(strstr(info(client, "everything"), "\r\n\r\n# Ringbus\r\n"));
    ck_assert(strncmp(info(client, "ringbus"), "# Ringbus\r\n", 11) == 0);
    client_close(client);
    server_stop(&server);
}
END_TEST

/* A line of the figures of one section is a name, a colon, and a value. */
START_TEST(each_line_of_info_is_a_figure_a_title_or_empty)
{
    struct client *client;
    size_t lines = 0;
    const char *line;

    SERVER_START(&server, "--loops", "2");
    client = client_open(server.port);
    line = info(client, "all");
    while (*line) {
        const char *const end = strstr(line, "\r\n");
        const char *const colon = memchr(line, ':', end ? (size_t)(end - line) : 0);

        MUST(end, "a line without its end: %s", line);
        MUST(end == line || line[0] == '#' || (colon && colon > line && colon + 1 < end),
            "no figure: %.*s", (int)(end - line), line);
        line = end + 2;
        lines++;
    }
    ck_assert_uint_gt(lines, 60);
    client_close(client);
    server_stop(&server);
}
END_TEST

START_TEST(the_figures_are_what_happened)
{
    struct client *reader, *publisher;

    SERVER_START(&server, "--loops", "1", "--capacity", "64");
    reader = client_open(server.port);
    publisher = client_open(server.port);
    CLIENT_COMMAND(reader, "SUBSCRIBE", "a", "b");
    client_expect_line(reader, "*3");
    CLIENT_COMMAND(reader, "PSUBSCRIBE", "[ab]");
    for (int i = 0; i < 10; i++) {
        CLIENT_COMMAND(publisher, "PUBLISH", "a", "x");
        client_expect(publisher, ":2\r\n");
    }
    CLIENT_COMMAND(publisher, "PUBLISH", "c", "nobody");
    client_expect(publisher, ":0\r\n");
    AWAIT(client_info(publisher, "delivered") == 20);
    ck_assert_int_eq(client_info(publisher, "published"), 11);
    ck_assert_int_eq(client_info(publisher, "loop-1_posted"), 10);
    AWAIT(client_info(publisher, "loop-1_delivered") == 20);
    AWAIT(client_info(publisher, "loop-1_lag") == 0);
    ck_assert_int_eq(client_info(publisher, "loop-1_capacity"), 64);
    ck_assert_int_eq(client_info(publisher, "loop-1_clients"), 2);
    ck_assert_int_eq(client_info(publisher, "subscriptions"), 3);
    ck_assert_int_eq(client_info(publisher, "pubsub_channels"), 2);
    ck_assert_int_eq(client_info(publisher, "pubsub_patterns"), 1);
    ck_assert_int_eq(client_info(publisher, "total_connections_received"), 2);
    ck_assert_int_eq(client_info(publisher, "rejected_connections"), 0);
    ck_assert_int_eq(client_info(publisher, "bus_consumers"), 3);
    ck_assert_int_eq(client_info(publisher, "tcp_port"), server.port);
    ck_assert_int_eq(client_info(publisher, "process_id"), server.pid);
    ck_assert_int_gt(client_info(publisher, "used_memory_peak_rss"), 1000000);
    client_close(reader);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(commands_and_bytes_are_counted)
{
    struct client *client, *other;
    long long commands, input, output;

    SERVER_START(&server, "--loops", "2");
    client = client_open(server.port);
    other = client_open(server.port);
    commands = client_info(client, "total_commands_processed");
    input = client_info(client, "total_net_input_bytes");
    output = client_info(client, "total_net_output_bytes");
    for (int i = 0; i < 100; i++)
        client_send(other, "ECHO 0123456789\r\n");
    for (int i = 0; i < 100; i++)
        client_expect(other, "$10\r\n0123456789\r\n");
    CLIENT_COMMAND(client, "NONSENSE");
    client_expect_line(client, "-ERR");
    /* 2 of the INFOs before, and what was sent since: an INFO all has 23 bytes */
    ck_assert_int_eq(client_info(client, "total_commands_processed"), commands + 2 + 101 + 1);
    ck_assert_int_eq(client_info(client, "total_net_input_bytes"), input + 23 * 3 + 1700 + 18);
    ck_assert_int_ge(client_info(client, "total_net_output_bytes"), output + 1700);
    client_close(client);
    client_close(other);
    server_stop(&server);
}
END_TEST

START_TEST(config_get_tells_how_it_was_started)
{
    struct client *client;
    char text[2048] = "";

    SERVER_START(&server, "--loops", "3", "--max-clients", "17", "--output-limit", "2048",
        "--output-limit-soft", "1024", "--output-limit-seconds", "9", "--keepalive", "12",
        "--timeout", "34", "--max-message", "56");
    client = client_open(server.port);
    CLIENT_COMMAND(client, "CONFIG", "GET", "maxclients");
    client_reply(client, text, sizeof text);
    ck_assert_str_eq(text, "*2|$10|maxclients|$2|17|");
    CLIENT_COMMAND(client, "config", "get", "client-OUTPUT-*", "t*", "io-threads", "proto*");
    text[0] = '\0';
    client_reply(client, text, sizeof text);
    ck_assert_str_eq(text,
        "*10|$26|client-output-buffer-limit|$43|normal 0 0 0 slave 0 0 0 pubsub 2048 1024 9|"
        "$10|io-threads|$1|3|$18|proto-max-bulk-len|$2|56|$13|tcp-keepalive|$2|12|"
        "$7|timeout|$2|34|");
    CLIENT_COMMAND(client, "CONFIG", "GET", "save", "appendonly", "bind", "no-such-thing");
    text[0] = '\0';
    client_reply(client, text, sizeof text);
    ck_assert_str_eq(text, "*6|$10|appendonly|$2|no|$4|bind|$9|127.0.0.1|$4|save|$0||");
    CLIENT_COMMAND(client, "CONFIG", "GET", "no-such-thing");
    client_expect(client, "*0\r\n");
    CLIENT_COMMAND(client, "CONFIG", "GET");
    client_expect_line(client, "-ERR CONFIG knows");
    CLIENT_COMMAND(client, "CONFIG", "SET", "timeout", "1");
    client_expect_line(client, "-ERR CONFIG knows");
    CLIENT_COMMAND(client, "CONFIG", "GET", "*");
    client_expect(client, "*20\r\n");
    client_close(client);
    server_stop(&server);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("info", info_has_sections_and_tells_those_asked_for,
        info_tells_of_the_bus_who_asks_for_it, each_line_of_info_is_a_figure_a_title_or_empty,
        the_figures_are_what_happened, commands_and_bytes_are_counted,
        config_get_tells_how_it_was_started);
}
