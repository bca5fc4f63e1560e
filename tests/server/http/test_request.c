/* test_request.c - the header of a request, without a server. */
#include "http/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

/* Parse it in memory of its own size, as a whole, and see that no beginning of it is taken for all of it. Returns the
 * status, and *ret_request if that is 200. */
static int
parse(const char *text, struct request *ret_request)
{
    const size_t size = strlen(text);
    int status = 0;

    for (size_t part = 0; part <= size && status == 0; part++) {
        char *const bytes = malloc(part + 1);

        MUST(bytes, "no memory");
        memcpy(bytes, text, part);
        status = request_parse(bytes, part, ret_request);
        if (status == 200) {
            MUST(part == size, "taken for all of it: %.*s", (int)part, text);
            ret_request->path = text + (ret_request->path - bytes);
        }
        free(bytes);
    }
    return status;
}

static int
status_of(const char *text)
{
    struct request request;

    return parse(text, &request);
}

static void
expect_path(const char *text, const char *path, bool is_head)
{
    struct request request = {0};

    ck_assert_int_eq(parse(text, &request), 200);
    ck_assert_uint_eq(request.path_size, strlen(path));
    ck_assert(memcmp(request.path, path, request.path_size) == 0);
    ck_assert_int_eq(request.is_head, is_head);
}

START_TEST(a_request_is_complete_with_its_empty_line)
{
    expect_path("GET / HTTP/1.1\r\n\r\n", "/", false);
    expect_path("HEAD /metrics HTTP/1.0\r\n\r\n", "/metrics", true);
    expect_path(
        "GET /events HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nAccept: */*\r\n\r\n", "/events", false);
    expect_path("GET / HTTP/1.1\nHost: a\n\n", "/", false);
    ck_assert_int_eq(status_of("GET / HTTP/1.1\r\nHost: a\r\n"), 0);
    ck_assert_int_eq(status_of(""), 0);
}
END_TEST

START_TEST(empty_lines_before_a_request_are_skipped)
{
    expect_path("\r\n\r\nGET /a HTTP/1.1\r\n\r\n", "/a", false);
}
END_TEST

START_TEST(a_path_ends_before_its_query_and_begins_behind_its_host)
{
    expect_path("GET /metrics?a=/b HTTP/1.1\r\n\r\n", "/metrics", false);
    expect_path("GET http://localhost:8380/metrics HTTP/1.1\r\n\r\n", "/metrics", false);
    ck_assert_int_eq(status_of("GET http://localhost HTTP/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET metrics HTTP/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET * HTTP/1.1\r\n\r\n"), 400);
}
END_TEST

START_TEST(only_get_and_head_are_taken)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "GETS", "G"};
    char text[64];

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        (void)snprintf(text, sizeof text, "%s / HTTP/1.1\r\n\r\n", methods[i]);
        ck_assert_int_eq(status_of(text), 405);
    }
}
END_TEST

START_TEST(what_is_not_http_1_is_refused)
{
    ck_assert_int_eq(status_of("PRI * HTTP/2.0\r\n\r\n"), 505);
    ck_assert_int_eq(status_of("GET / HTTP/0.9\r\n\r\n"), 505);
    ck_assert_int_eq(status_of("GET /\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET / http/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET / HTTP/1.\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET / HTTP/1.10\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET / HTTP/1.1 \r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET  / HTTP/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of(" / HTTP/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("*1\r\n$4\r\nPING\r\n"), 400);
}
END_TEST

START_TEST(every_line_of_a_header_is_checked)
{
    static const char *const lines[] = {"no colon", ": no name", "Name : a blank before the colon",
        " folded: onto the line before", "Na\tme: a tab", "Name: a \x01 control character",
        "Name: a\rcarriage return", "N\xc3\xa4me: not a token"};
    char text[128];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", lines[i]);
        ck_assert_msg(status_of(text) == 400, "taken: %s", lines[i]);
    }
    ck_assert_int_eq(status_of("GET /a\x7f HTTP/1.1\r\n\r\n"), 400);
    ck_assert_int_eq(status_of("GET / HTTP/1.1\r\nName: \xc3\xa4\r\n\r\n"), 200);
}
END_TEST

static bool
has_name(const char *host)
{
    struct request request = {0};
    char text[128];

    (void)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nA: b.example\r\n%s\r\n\r\n", host);
    ck_assert_int_eq(parse(text, &request), 200);
    return request.has_name;
}

START_TEST(an_address_or_localhost_is_no_name_of_a_host)
{
    static const char *const own[] = {"Accept: */*", "Host:", "Host: 127.0.0.1",
        "host:127.0.0.1:8380", "Host: localhost", "Host: LocalHost:8380 ", "HOST:\tlocalhost\t",
        "Host: [::1]", "Host: [::1]:8380"};
    static const char *const others[] = {"Host: a.example", "Host: a.example:8380",
        "host:127.0.0.1.a.example", "Host: localhost.a.example:80", "Host: localhos", "Host: a",
        "Host: localhost\r\nHost: a.example", "Host: a.example\r\nHost: localhost", "hOsT: 1-1",
        "Host: \xc3\xa4"};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        ck_assert_msg(!has_name(own[i]), "a name: %s", own[i]);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(has_name(others[i]), "no name: %s", others[i]);
}
END_TEST

START_TEST(a_nul_in_a_header_is_refused)
{
    static const char text[] = "GET / HTTP/1.1\r\nName: a\0b\r\n\r\n";
    static const char name[] = "GET / HTTP/1.1\r\nNa\0me: a\r\n\r\n";
    struct request request;

    ck_assert_int_eq(request_parse(text, sizeof text - 1, &request), 400);
    ck_assert_int_eq(request_parse(name, sizeof name - 1, &request), 400);
}
END_TEST

START_TEST(a_header_has_a_limit_wherever_it_goes_on)
{
    static const char *const begins[] = {"", "GET /", "GET / HTTP/1.1\r\nName: "};
    static char text[REQUEST_SIZE_MAX + 5];
    struct request request;

    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        memset(text, 'a', sizeof text);
        memcpy(text, begins[i], strlen(begins[i]));
        ck_assert_int_eq(request_parse(text, REQUEST_SIZE_MAX - 1, &request), 0);
        ck_assert_int_eq(request_parse(text, REQUEST_SIZE_MAX, &request), 431);
    }
    memcpy(text + REQUEST_SIZE_MAX - 4, "\r\n\r\n", 4);
    ck_assert_int_eq(request_parse(text, REQUEST_SIZE_MAX, &request), 200);
    memcpy(text + REQUEST_SIZE_MAX - 4, "aa\r\n\r\n", 6);
    ck_assert_int_eq(request_parse(text, REQUEST_SIZE_MAX + 2, &request), 431);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("request", a_request_is_complete_with_its_empty_line,
        empty_lines_before_a_request_are_skipped,
        a_path_ends_before_its_query_and_begins_behind_its_host, only_get_and_head_are_taken,
        what_is_not_http_1_is_refused, every_line_of_a_header_is_checked,
        an_address_or_localhost_is_no_name_of_a_host, a_nul_in_a_header_is_refused,
        a_header_has_a_limit_wherever_it_goes_on);
}
