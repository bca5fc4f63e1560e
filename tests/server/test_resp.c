/* test_resp.c - the parser of the server's requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"
#include "support/support.h"

static const struct resp_limits limits = {
    .arguments = 8, .bulk = 64, .inline_line = 40, .command = 200};

/* Parse all of `size` bytes given in pieces, each in memory of its own so that reading over its end
 * shows, and write down what was found. */
static void
transcribe(const char *data, size_t size, size_t piece, char *ret_text, size_t room)
{
    struct resp_argument arguments[8];
    struct resp_parser parser;
    size_t start = 0;
    size_t end = 0;
    size_t used = 0;
    enum resp_status status = RESP_MORE;

    resp_parser_init(&parser, &limits);
    ret_text[0] = '\0';
    while (status != RESP_ERROR && (status == RESP_COMMAND || end < size)) {
        size_t count = 0;
        size_t taken = 0;
        char *copy;

        if (status == RESP_MORE)
            end = end + piece < size ? end + piece : size;
        copy = malloc(end - start > 0 ? end - start : 1);
        memcpy(copy, data + start, end - start);
        status = resp_parse(&parser, copy, end - start, arguments, &count, &taken);
        if (status == RESP_COMMAND) {
            used += (size_t)snprintf(ret_text + used, room - used, "%zu:", count);
            for (size_t i = 0; i < count; i++)
                used += (size_t)snprintf(ret_text + used, room - used, "<%.*s>",
                    (int)arguments[i].size, arguments[i].data);
            start += taken;
            resp_parser_next(&parser);
        } else if (status == RESP_ERROR) {
            (void)snprintf(ret_text + used, room - used, "!%s", parser.error);
        }
        free(copy);
    }
}

/* However the bytes are cut up. */
static void
expect_bytes(const char *data, size_t size, const char *expected)
{
    char text[4096];

    for (size_t piece = 1; piece <= size; piece++) {
        transcribe(data, size, piece, text, sizeof text);
        ck_assert_msg(strcmp(text, expected) == 0,
            "in pieces of %zu bytes\n%.*s\nis %s\nand not %s", piece, (int)size, data, text,
            expected);
    }
}

static void
expect(const char *data, const char *expected)
{
    expect_bytes(data, strlen(data), expected);
}

START_TEST(arrays_of_bulk_strings_are_commands)
{
    expect("*1\r\n$4\r\nPING\r\n", "1:<PING>");
    expect("*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$0\r\n\r\n", "3:<PUBLISH><a><>");
    expect("*2\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\n", "2:<a><\r\n\r\n>");
    expect("*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n", "1:<a>1:<b>");
    expect("*01\r\n$0001\r\na\r\n", "1:<a>");
    expect_bytes("*1\r\n$3\r\na\0b\r\n", 13, "1:<a>");
}
END_TEST

START_TEST(lines_are_commands)
{
    expect("PING\r\n", "1:<PING>");
    expect("PING\n", "1:<PING>");
    expect("  a \t b\r\n", "2:<a><b>");
    expect("PUBLISH a \"two words\" 'x\"y' \"\"\r\n", "5:<PUBLISH><a><two words><x\"y><>");
    expect("a\"b\r\n", "1:<a\"b>");
    expect("a\r\n*1\r\n$1\r\nb\r\nc\r\n", "1:<a>1:<b>1:<c>");
}
END_TEST

START_TEST(empty_commands_are_stepped_over)
{
    expect("\r\n\n  \r\n", "0:0:0:");
    expect("*0\r\n*-1\r\nPING\r\n", "0:0:1:<PING>");
}
END_TEST

START_TEST(what_is_incomplete_waits)
{
    expect("*", "");
    expect("*3\r\n$1\r\na\r\n$1\r\nb\r\n$5\r\nabcde\r", "");
    expect("*1\r\n$", "");
    expect("PING", "");
    expect("*1\r\n$1\r\na\r\n*", "1:<a>");
}
END_TEST

START_TEST(a_broken_array_is_an_error)
{
    expect("*x\r\n", "!invalid multibulk length");
    expect("*\r\n", "!invalid multibulk length");
    expect("*-\r\n", "!invalid multibulk length");
    expect("*1 \r\n", "!invalid multibulk length");
    expect("*1\rx", "!invalid multibulk length");
    expect("*1\n", "!invalid multibulk length");
    expect("*1\r\nx", "!expected '$'");
    expect("*2\r\n$1\r\na\r\n*1\r\n", "!expected '$'");
    expect("*1\r\n$x\r\n", "!invalid bulk length");
    expect("*1\r\n$-1\r\n", "!invalid bulk length");
    expect("*1\r\n$1\r\nab", "!expected a line end after the bulk string");
    expect("*1\r\n$1\r\na\rb", "!expected a line end after the bulk string");
    expect("*1\r\n$1\r\na\r\n*1\r\n$1\r\na\n", "1:<a>!expected a line end after the bulk string");
}
END_TEST

START_TEST(a_broken_line_is_an_error)
{
    expect("a \"b\r\n", "!unbalanced quotes in request");
    expect("a \"b\"c\r\n", "!unbalanced quotes in request");
    expect("'\r\n", "!unbalanced quotes in request");
    expect("a b c d e f g h i\r\n", "!too many arguments");
    expect("a b c d e f g h\r\n", "8:<a><b><c><d><e><f><g><h>");
}
END_TEST

START_TEST(every_size_is_bounded)
{
    char line[64];

    expect("*8\r\n$", "");
    expect("*9\r\n", "!too many arguments");
    expect("*1000000000\r\n", "!too many arguments");
    expect("*9223372036854775807\r\n", "!invalid multibulk length");
    expect("*99999999999999999999999999999999999999\r\n", "!invalid multibulk length");
    expect("*00000000000000000000000000000000000000001\r\n", "!invalid multibulk length");
    expect("*1\r\n$64\r\n", "");
    expect("*1\r\n$65\r\n", "!invalid bulk length");
    expect("*1\r\n$99999999999999999999\r\n", "!invalid bulk length");
    memset(line, 'x', sizeof line);
    memcpy(line + 40, "\r\n", 3);
    expect(line, "1:<xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>");
    memcpy(line + 40, "\n", 2);
    expect(line, "1:<xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>");
    memcpy(line + 40, "x\r\n", 4);
    expect(line, "!too big inline request");
    memcpy(line + 40, "x\n", 3);
    expect(line, "!too big inline request");
    memcpy(line + 40, "xx", 3);
    expect(line, "!too big inline request");
}
END_TEST

START_TEST(a_command_as_a_whole_is_bounded)
{
    char text[512] = "*5\r\n";
    size_t used = 4;

    for (int i = 0; i < 2; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "$64\r\n%064d\r\n", i);
    /* 146 bytes so far; 5 of "$47\r\n", 47, 2 make 200 */
    (void)snprintf(text + used, sizeof text - used, "$47\r\n");
    expect(text, "");
    (void)snprintf(text + used, sizeof text - used, "$48\r\n");
    expect(text, "!command too long");
}
END_TEST

START_TEST(a_command_is_given_again_until_the_next_is_asked_for)
{
    static const char data[] = "*2\r\n$1\r\na\r\n$2\r\nbc\r\nx\r\n";
    struct resp_argument arguments[8];
    struct resp_parser parser;
    size_t count = 0;
    size_t size = 0;

    resp_parser_init(&parser, &limits);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            resp_parse(&parser, data, sizeof data - 1, arguments, &count, &size), RESP_COMMAND);
        ck_assert_uint_eq(count, 2);
        ck_assert_uint_eq(size, 19);
        ck_assert_ptr_eq(arguments[1].data, data + 15);
        ck_assert_uint_eq(arguments[1].size, 2);
    }
    resp_parser_next(&parser);
    ck_assert_int_eq(resp_parse(&parser, data + 19, 3, arguments, &count, &size), RESP_COMMAND);
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(words_are_known_in_any_case)
{
    const struct resp_argument ping = {"PiNg", 4};
    const struct resp_argument nul = {"ping\0", 5};
    const struct resp_argument none = {"", 0};

    ck_assert(resp_argument_is(&ping, "ping"));
    ck_assert(!resp_argument_is(&ping, "pin"));
    ck_assert(!resp_argument_is(&ping, "pings"));
    ck_assert(!resp_argument_is(&nul, "ping"));
    ck_assert(!resp_argument_is(&none, "ping"));
}
END_TEST

int
main(void)
{
    return RUN_TESTS("resp", arrays_of_bulk_strings_are_commands, lines_are_commands,
        empty_commands_are_stepped_over, what_is_incomplete_waits, a_broken_array_is_an_error,
        a_broken_line_is_an_error, every_size_is_bounded, a_command_as_a_whole_is_bounded,
        a_command_is_given_again_until_the_next_is_asked_for, words_are_known_in_any_case);
}
