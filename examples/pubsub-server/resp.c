/* resp.c - requests of the Redis protocol.
 *
 * The scan looks for a command's end, keeps its place between calls, checks everything, and notes the arguments. A
 * command that came in pieces may have moved meanwhile: then the split, once it is complete, cuts it into arguments.
 * I1. What the scan answers depends on the bytes, never on how they were cut into calls.
 * Source: the protocol's specification, redis.io/docs/reference/protocol-spec. */
#include "resp.h"

#include <stdint.h>
#include <string.h>

/* `*` or `$`, a sign, 19 digits, and room for leading zeros. */
#define NUMBER_LINE_MAX 32

bool
resp_argument_is(const struct resp_argument *argument, const char *word)
{
    for (size_t i = 0; i < argument->size; i++) {
        const char byte = argument->data[i];
        const char lower = byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;

        if (word[i] == '\0' || lower != word[i])
            return false;
    }
    return word[argument->size] == '\0';
}

void
resp_parser_init(struct resp_parser *parser, const struct resp_limits *limits)
{
    memset(parser, 0, sizeof *parser);
    parser->limits = limits;
}

void
resp_parser_next(struct resp_parser *parser)
{
    resp_parser_init(parser, parser->limits);
}

static enum resp_status
refuse(struct resp_parser *parser, const char *error)
{
    parser->error = error;
    return RESP_ERROR;
}

/* Read "<number>\r\n" at data[0]. Reads nothing behind the line's end.
 *
 * ret_length  bytes of the line, its end included; 0 if the end is not there yet
 * return      0, or -1 if this is no such line */
static int
number_line(const char *data, size_t size, long long *ret_value, size_t *ret_length)
{
    const size_t limit = size < NUMBER_LINE_MAX ? size : NUMBER_LINE_MAX;
    const size_t sign = size > 0 && data[0] == '-' ? 1 : 0;
    long long value = 0;
    size_t i = sign;

    *ret_length = 0;
    while (i < limit && data[i] >= '0' && data[i] <= '9') {
        if (value > (1LL << 55))
            return -1;
        value = value * 10 + (data[i++] - '0');
    }
    if (i == NUMBER_LINE_MAX)
        return -1;
    if (i == size)
        return 0;
    if (i == sign || data[i] != '\r')
        return -1;
    if (i + 1 == size)
        return 0;
    if (data[i + 1] != '\n')
        return -1;
    *ret_value = sign ? -value : value;
    *ret_length = i + 2;
    return 0;
}

/* "*<count>\r\n" at the command's first byte. */
static enum resp_status
scan_array_size(struct resp_parser *parser, const char *data, size_t size)
{
    long long count = 0;
    size_t length = 0;

    if (number_line(data + 1, size - 1, &count, &length) != 0)
        return refuse(parser, "invalid multibulk length");
    if (length == 0)
        return RESP_MORE;
    if (count > 0 && (unsigned long long)count > parser->limits->arguments)
        return refuse(parser, "too many arguments");
    parser->bulks = parser->bulks_left = count > 0 ? (size_t)count : 0;
    parser->examined = 1 + length;
    parser->state = parser->bulks_left > 0 ? RESP_AT_BULK_SIZE : RESP_AT_END;
    return RESP_COMMAND;
}

/* "$<size>\r\n" at the place reached. */
static enum resp_status
scan_bulk_size(struct resp_parser *parser, const char *data, size_t size)
{
    const char *const line = data + parser->examined;
    const size_t there = size - parser->examined;
    const struct resp_limits *const limits = parser->limits;
    long long bulk = 0;
    size_t length = 0;

    if (there == 0)
        return RESP_MORE;
    if (line[0] != '$')
        return refuse(parser, "expected '$'");
    if (number_line(line + 1, there - 1, &bulk, &length) != 0)
        return refuse(parser, "invalid bulk length");
    if (length == 0)
        return RESP_MORE;
    if (bulk < 0 || (unsigned long long)bulk > limits->bulk)
        return refuse(parser, "invalid bulk length");
    parser->examined += 1 + length;
    parser->bulk_size = (size_t)bulk;
    if (parser->examined + parser->bulk_size + 2 > limits->command)
        return refuse(parser, "command too long");
    parser->state = RESP_AT_BULK;
    return RESP_COMMAND;
}

static enum resp_status
scan_bulk(
    struct resp_parser *parser, const char *data, size_t size, struct resp_argument *arguments)
{
    struct resp_argument *const argument = &arguments[parser->bulks - parser->bulks_left];
    const size_t there = size - parser->examined;
    const char *const end = data + parser->examined + parser->bulk_size;

    if (there > parser->bulk_size && end[0] != '\r')
        return refuse(parser, "expected a line end after the bulk string");
    if (there < parser->bulk_size + 2)
        return RESP_MORE;
    if (end[1] != '\n')
        return refuse(parser, "expected a line end after the bulk string");
    argument->data = data + parser->examined;
    argument->size = parser->bulk_size;
    parser->examined += parser->bulk_size + 2;
    parser->bulks_left--;
    parser->state = parser->bulks_left > 0 ? RESP_AT_BULK_SIZE : RESP_AT_END;
    return RESP_COMMAND;
}

static enum resp_status
scan_line(struct resp_parser *parser, const char *data, size_t size)
{
    const char *const end = memchr(data + parser->examined, '\n', size - parser->examined);
    const size_t length = end ? (size_t)(end - data) : size;
    /* The last byte may be the '\r' of the line's end. */
    const size_t spare = length > 0 && (!end || end[-1] == '\r') ? 1 : 0;

    if (length - spare > parser->limits->inline_line)
        return refuse(parser, "too big inline request");
    if (!end) {
        parser->examined = size;
        return RESP_MORE;
    }
    parser->examined = length + 1;
    parser->state = RESP_AT_END;
    return RESP_COMMAND;
}

/* Move on until the command is complete. */
static enum resp_status
scan(struct resp_parser *parser, const char *data, size_t size, struct resp_argument *arguments)
{
    enum resp_status status = size > 0 ? RESP_COMMAND : RESP_MORE;

    if (parser->state == RESP_AT_START && size > 0 && data[0] != '*')
        parser->state = RESP_AT_LINE;
    while (status == RESP_COMMAND && parser->state != RESP_AT_END) {
        switch (parser->state) {
        case RESP_AT_START:
            status = scan_array_size(parser, data, size);
            break;
        case RESP_AT_BULK_SIZE:
            status = scan_bulk_size(parser, data, size);
            break;
        case RESP_AT_BULK:
            status = scan_bulk(parser, data, size, arguments);
            break;
        case RESP_AT_LINE:
            status = scan_line(parser, data, size);
            break;
        case RESP_AT_END:
            break;
        }
    }
    return status;
}

static size_t
split_array(const char *data, struct resp_argument *arguments)
{
    long long count = 0;
    long long size = 0;
    size_t length = 0;

    (void)number_line(data + 1, SIZE_MAX, &count, &length);
    data += 1 + length;
    for (long long i = 0; i < count; i++) {
        (void)number_line(data + 1, SIZE_MAX, &size, &length);
        arguments[i].data = data + 1 + length;
        arguments[i].size = (size_t)size;
        data = arguments[i].data + size + 2;
    }
    return count > 0 ? (size_t)count : 0;
}

static bool
is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

/* Words are separated by blanks; a word that begins with a quote ends at the next such quote. */
static enum resp_status
split_line(struct resp_parser *parser, const char *data, struct resp_argument *arguments,
    size_t *ret_count)
{
    const char *end = data + parser->examined - 1;
    size_t count = 0;

    if (end > data && end[-1] == '\r')
        end--;
    for (const char *at = data; at < end;) {
        const char quote = *at;
        const char *word = at;

        if (is_blank(*at)) {
            at++;
            continue;
        }
        if (count == parser->limits->arguments)
            return refuse(parser, "too many arguments");
        if (quote == '"' || quote == '\'') {
            word++;
            at = memchr(word, quote, (size_t)(end - word));
            if (!at || (at + 1 < end && !is_blank(at[1])))
                return refuse(parser, "unbalanced quotes in request");
        } else {
            while (at < end && !is_blank(*at))
                at++;
        }
        arguments[count].data = word;
        arguments[count++].size = (size_t)(at - word);
        at++;
    }
    *ret_count = count;
    return RESP_COMMAND;
}

enum resp_status
resp_parse(struct resp_parser *parser, const char *data, size_t size,
    struct resp_argument *arguments, size_t *ret_count, size_t *ret_size)
{
    const bool is_new = parser->examined == 0;
    enum resp_status status = scan(parser, data, size, arguments);

    if (status != RESP_COMMAND)
        return status;
    if (data[0] == '*')
        *ret_count = is_new ? parser->bulks : split_array(data, arguments);
    else
        status = split_line(parser, data, arguments, ret_count);
    if (status == RESP_COMMAND)
        *ret_size = parser->examined;
    return status;
}
