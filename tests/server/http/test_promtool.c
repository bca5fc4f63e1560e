/* test_promtool.c - Prometheus' own tool has nothing to say against /metrics. Skipped where there is no promtool. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "server/http/answer.h"
#include "server/server_process.h"
#include "support/support.h"

static struct server_process server;

/* What promtool's exit code is for this text. */
static int
check_metrics(const char *text)
{
    FILE *const promtool = popen("promtool check metrics", "w");
    int status;

    MUST(promtool, "cannot run promtool");
    (void)fputs(text, promtool);
    status = pclose(promtool);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(promtool_finds_no_fault_with_any_names)
{
    static const char *const channels[] = {"news", "a\"b\\c", "two\nlines", "caf\xc3\xa9",
        "bad\xff", "bad\xfe", "<script>", "{topic=\"x\"} 1", "# TYPE x counter"};
    struct client *reader;
    struct client *pattern_reader;
    struct client *publisher;
    struct answer answer;

    SERVER_START(&server, "--loops", "2", "--http", "0", "--metrics-topics", "8");
    reader = client_open(server.port);
    pattern_reader = client_open(server.port);
    publisher = client_open(server.port);
    CLIENT_COMMAND(pattern_reader, "PSUBSCRIBE", "*");
    (void)client_line(pattern_reader);
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
        CLIENT_COMMAND(publisher, "PUBLISH", channels[i], "hello");
        CLIENT_COMMAND(reader, "SUBSCRIBE", channels[i]);
        client_expect_line(publisher, ":");
    }
    client_expect(reader, "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n");
    answer = answer_get(server_http_port(&server), "/metrics");
    ck_assert_int_eq(check_metrics(answer.body), 0);
    answer_free(&answer);
    client_close(reader);
    client_close(pattern_reader);
    client_close(publisher);
    server_stop(&server);
}
END_TEST

START_TEST(promtool_finds_faults_where_there_are_some)
{
    ck_assert_int_ne(
        check_metrics("# HELP a_total A.\n# TYPE a_total counter\na_total{b=\"\\c\"} 1\n"), 0);
    ck_assert_int_ne(check_metrics("# HELP a A.\n# TYPE a counter\na 1\n"), 0);
    ck_assert_int_ne(check_metrics("# HELP a A.\n# TYPE a gauge\na{b=\"\xff\"} 1\n"), 0);
}
END_TEST

int
main(void)
{
    if (system("promtool --version >/dev/null 2>&1") != 0) {
        (void)puts("skipped: no promtool here (Debian: prometheus)");
        return 77;
    }
    return RUN_TESTS("promtool", promtool_finds_no_fault_with_any_names,
        promtool_finds_faults_where_there_are_some);
}
