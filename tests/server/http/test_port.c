/* test_port.c - the HTTP port: what it answers, who waits, who is dropped. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/http/answer.h"
#include "server/http/port.h"
#include "support/support.h"

static int port;

static int
get_status(const char *target)
{
    struct answer answer = answer_get(port, target);

    answer_free(&answer);
    return answer.status;
}

/* Whether anything comes within a tenth of a second. */
static bool
is_answered(const struct client *client)
{
    struct pollfd ready = {.fd = client->socket, .events = POLLIN};

    return poll(&ready, 1, 100) > 0;
}

/* ---- requests ---- */

START_TEST(each_path_has_its_type_and_the_policy_of_the_page)
{
    static const char *const paths[][2] = {{"/", "text/html; charset=utf-8"},
        {"/page.css", "text/css; charset=utf-8"}, {"/page.js", "text/javascript; charset=utf-8"},
        {"/icon.svg", "image/svg+xml"}, {"/metrics", "text/plain; version=0.0.4; charset=utf-8"}};
    const struct http_options options = port_patient();

    (void)port_open_bus();
    port = port_start(&options);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct answer answer = answer_get(port, paths[i][0]);

        ck_assert_int_eq(answer.status, 200);
        ck_assert_str_eq(answer_field(&answer, "Content-Type"), paths[i][1]);
        ck_assert_str_eq(answer_field(&answer, "Connection"), "close");
        ck_assert_str_eq(answer_field(&answer, "X-Content-Type-Options"), "nosniff");
        ck_assert(strncmp(answer_field(&answer, "Content-Security-Policy"), "default-src 'self';",
                      19) == 0);
        ck_assert_uint_gt(answer.size, 100);
        answer_free(&answer);
    }
    port_close();
}
END_TEST

START_TEST(head_is_answered_without_the_body_that_get_has)
{
    const struct http_options options = port_patient();
    struct answer whole;
    struct answer header;
    struct client *client;

    (void)port_open_bus();
    port = port_start(&options);
    whole = answer_get(port, "/");
    client = client_open(port);
    client_send(client, "HEAD / HTTP/1.1\r\n\r\n");
    header = answer_read(client, 0);
    client_expect_end(client);
    client_close(client);
    ck_assert_int_eq(header.status, 200);
    ck_assert_uint_eq(header.size, whole.size);

    client = client_open(port);
    client_send(client, "HEAD /events HTTP/1.1\r\n\r\n");
    ck_assert_int_eq(answer_status(client), 200);
    client_close(client);
    answer_free(&whole);
    answer_free(&header);
    port_close();
}
END_TEST

START_TEST(what_is_not_served_is_refused_by_its_status)
{
    const struct http_options options = port_patient();
    struct answer answer;
    struct client *client;

    (void)port_open_bus();
    port = port_start(&options);
    ck_assert_int_eq(get_status("/nothing"), 404);
    ck_assert_int_eq(get_status("//"), 404);
    ck_assert_int_eq(get_status("/metrics/"), 404);
    ck_assert_int_eq(get_status("/../http.c"), 404);
    ck_assert_int_eq(get_status("nothing"), 400);
    client = client_open(port);
    client_send(client, "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
    answer = answer_read(client, 1);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(answer_field(&answer, "Allow"), "GET, HEAD");
    client_expect_end(client);
    client_close(client);
    answer_free(&answer);
    port_close();
}
END_TEST

/* A page of a.example, whose address is ours by now, may not read what is here. */
static int
status_for_rebound(const char *path)
{
    struct client *const client = client_open(port);
    int status;

    client_send(client, "GET ");
    client_send(client, path);
    client_send(client, " HTTP/1.1\r\nHost: a.example:8380\r\n\r\n");
    status = answer_status(client);
    client_close(client);
    return status;
}

START_TEST(on_loopback_who_calls_it_by_another_name_is_refused)
{
    const struct http_options options = port_patient();

    (void)port_open_bus();
    port = port_start(&options);
    ck_assert_int_eq(status_for_rebound("/"), 421);
    ck_assert_int_eq(status_for_rebound("/events"), 421);
    ck_assert_int_eq(status_for_rebound("/metrics"), 421);
    port_close();
}
END_TEST

START_TEST(on_other_addresses_it_has_whatever_name_it_is_given)
{
    struct http_options options = port_patient();

    memcpy(options.address, "0.0.0.0", sizeof "0.0.0.0");
    (void)port_open_bus();
    port = port_start(&options);
    ck_assert_int_eq(status_for_rebound("/metrics"), 200);
    port_close();
}
END_TEST

/* The connection MUST end in order: not be reset, which may take away what was not read yet. */
static void
expect_orderly_end(const struct client *client)
{
    char byte;

    AWAIT(is_answered(client));
    ck_assert_int_eq(recv(client->socket, &byte, 1, 0), 0);
}

/* What the client goes on sending does not keep it from reading why it was refused. */
START_TEST(a_header_that_is_too_long_is_refused)
{
    static char header[1 << 20];
    const struct http_options options = port_patient();
    struct answer answer;
    struct client *client;

    (void)port_open_bus();
    port = port_start(&options);
    client = client_open(port);
    memset(header, 'a', sizeof header);
    memcpy(header, "GET / HTTP/1.1\r\nName: ", 22);
    client_send_bytes(client, header, sizeof header);
    ck_assert(!client->has_ended);
    answer = answer_read(client, 1);
    ck_assert_int_eq(answer.status, 431);
    answer_free(&answer);
    expect_orderly_end(client);
    client_close(client);
    port_close();
}
END_TEST

START_TEST(who_is_slow_to_ask_gets_408_and_who_says_nothing_nothing)
{
    struct http_options options = port_patient();
    struct client *slow;
    struct client *silent;

    options.patience_ms = 100;
    (void)port_open_bus();
    port = port_start(&options);
    slow = client_open(port);
    silent = client_open(port);
    client_send(slow, "GET / HTTP/1.1\r\nHost: ");
    ck_assert_int_eq(answer_status(slow), 408);
    client_expect_end(silent);
    client_close(slow);
    client_close(silent);
    port_close();
}
END_TEST

/* ---- limits ---- */

START_TEST(one_connection_too_many_waits_until_another_goes)
{
    struct http_options options = port_patient();
    struct client *clients[4];
    struct client *late;

    options.connections_max = 4;
    (void)port_open_bus();
    port = port_start(&options);
    for (size_t i = 0; i < 4; i++)
        clients[i] = client_open(port);
    late = client_open(port);
    client_send(late, "GET / HTTP/1.1\r\n\r\n");
    ck_assert(!is_answered(late));
    client_close(clients[2]);
    ck_assert_int_eq(answer_status(late), 200);
    client_close(late);
    ck_assert_int_eq(get_status("/"), 200);
    for (size_t i = 0; i < 4; i++)
        if (i != 2)
            client_close(clients[i]);
    port_close();
}
END_TEST

START_TEST(viewers_leave_a_quarter_of_the_connections_to_others)
{
    struct http_options options = port_patient();
    struct client *clients[3];

    options.connections_max = 4;
    (void)port_open_bus();
    port = port_start(&options);
    for (size_t i = 0; i < 3; i++) {
        clients[i] = client_open(port);
        ck_assert_int_eq(answer_watch(clients[i]), 200);
    }
    ck_assert_int_eq(get_status("/events"), 503);
    ck_assert_int_eq(get_status("/metrics"), 200);
    for (size_t i = 0; i < 3; i++)
        client_close(clients[i]);
    port_close();
}
END_TEST

/* Events of about 20 KB. */
static void
open_large_bus(void)
{
    char name[220];

    (void)port_open_bus();
    for (int i = 0; i < 50; i++) {
        (void)snprintf(name, sizeof name, "%0200d", i);
        port_consume("reader", name);
    }
}

static int
watch_status(void)
{
    struct client *const client = client_open(port);
    const int status = answer_watch(client);

    client_close(client);
    return status;
}

START_TEST(a_viewer_who_does_not_read_is_dropped_and_the_others_go_on)
{
    struct http_options options = port_patient();
    struct client *deaf[2];
    struct client *viewer;

    options.connections_max = 4;
    options.patience_ms = 100;
    options.interval_ms = 2;
    open_large_bus();
    port = port_start(&options);
    viewer = client_open(port);
    ck_assert_int_eq(answer_watch(viewer), 200);
    for (size_t i = 0; i < 2; i++) {
        deaf[i] = client_open_small(port, 4096);
        client_send(deaf[i], "GET /events HTTP/1.1\r\n\r\n");
    }
    for (bool is_full = false, is_free = false; !is_full || !is_free;) {
        const int status = watch_status(); /* 503 while both of them count, then 200 */

        is_full = is_full || status == 503;
        is_free = is_full && status == 200;
        free(answer_event(viewer));
    }
    client_close(viewer);
    for (size_t i = 0; i < 2; i++)
        client_close(deaf[i]);
    port_close();
}
END_TEST

START_TEST(the_end_closes_everybody_at_once)
{
    struct http_options options = port_patient();
    const int64_t begun_ns = os_real()->now_ns();
    struct client *clients[6];

    options.connections_max = 6;
    options.interval_ms = 2;
    open_large_bus();
    port = port_start(&options);
    for (size_t i = 0; i < 6; i++)
        clients[i] = client_open_small(port, 4096);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(answer_watch(clients[i]), 200);
    client_send(clients[3], "GET / HTTP/1.1\r\n");
    client_send(clients[4], "GET /page.js HTTP/1.1\r\n\r\n");
    free(answer_event(clients[0]));
    port_close();
    ck_assert_int_lt(os_real()->now_ns() - begun_ns, INT64_C(50000000000));
    client_expect_end(clients[3]);
    client_expect_end(clients[5]);
    for (size_t i = 0; i < 6; i++)
        client_close(clients[i]);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("port", each_path_has_its_type_and_the_policy_of_the_page,
        head_is_answered_without_the_body_that_get_has, what_is_not_served_is_refused_by_its_status,
        on_loopback_who_calls_it_by_another_name_is_refused,
        on_other_addresses_it_has_whatever_name_it_is_given, a_header_that_is_too_long_is_refused,
        who_is_slow_to_ask_gets_408_and_who_says_nothing_nothing,
        one_connection_too_many_waits_until_another_goes,
        viewers_leave_a_quarter_of_the_connections_to_others,
        a_viewer_who_does_not_read_is_dropped_and_the_others_go_on,
        the_end_closes_everybody_at_once);
}
