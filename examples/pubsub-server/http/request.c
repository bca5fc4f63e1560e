/* request.c - the header of an HTTP request.
 *
 * I1  every line of a header is checked, also where nobody asks what it says: what another server before this one
 *     might take for two requests is none here
 * Source: RFC 9112, sections 2 to 5 */
#include "request.h"

#include <string.h>

/* A part of the request: a line without its end, or a word of one. */
struct span {
    const char *data;
    size_t size;
};

static bool
is_token(const struct span *span)
{
    for (size_t i = 0; i < span->size; i++) {
        const char c = span->data[i];
        const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_letter && !(c >= '0' && c <= '9') && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return span->size > 0;
}

/* Neither control characters nor, if not allowed, blanks. Bytes over 127 are nobody's business. */
static bool
is_visible(const struct span *span, bool may_be_blank)
{
    for (size_t i = 0; i < span->size; i++) {
        const unsigned char c = (unsigned char)span->data[i];

        if (c == 0x7f || (c <= ' ' && !(may_be_blank && (c == ' ' || c == '\t'))))
            return false;
    }
    return true;
}

/* The next line, in front of *left. Returns false if its end is not there yet. */
static bool
take_line(struct span *left, struct span *ret_line)
{
    const char *const end = left->size > 0 ? memchr(left->data, '\n', left->size) : NULL;

    if (!end)
        return false;
    ret_line->data = left->data;
    ret_line->size = (size_t)(end - left->data);
    left->size -= ret_line->size + 1;
    left->data = end + 1;
    if (ret_line->size > 0 && end[-1] == '\r')
        ret_line->size--;
    return true;
}

/* The word before the first `separator`, which is taken too; false if there is none. */
static bool
take_word(struct span *line, char separator, struct span *ret_word)
{
    const char *const end = line->size > 0 ? memchr(line->data, separator, line->size) : NULL;

    if (!end)
        return false;
    ret_word->data = line->data;
    ret_word->size = (size_t)(end - line->data);
    line->size -= ret_word->size + 1;
    line->data = end + 1;
    return true;
}

static bool
is_text(const struct span *span, const char *text)
{
    return span->size == strlen(text) && memcmp(span->data, text, span->size) == 0;
}

/* The word, in lower case, in whatever case it stands there. */
static bool
is_word(const struct span *span, const char *word)
{
    for (size_t i = 0; i < span->size; i++) {
        const char byte = span->data[i];

        if (word[i] == '\0' || (byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte) != word[i])
            return false;
    }
    return word[span->size] == '\0';
}

/* Whether a Host without its port is neither an address nor "localhost". */
static bool
is_name(struct span host)
{
    static const char address[] = "0123456789.";
    const char *port;
    size_t at = 0;

    while (host.size > 0 && strchr(" \t", host.data[0])) {
        host.data++;
        host.size--;
    }
    if (host.size > 0 && host.data[0] == '[')
        return false;
    port = host.size > 0 ? memchr(host.data, ':', host.size) : NULL;
    host.size = port ? (size_t)(port - host.data) : host.size;
    while (host.size > 0 && strchr(" \t", host.data[host.size - 1]))
        host.size--;
    while (at < host.size && strchr(address, host.data[at]))
        at++;
    return at < host.size && !is_word(&host, "localhost");
}

/* "/path?query", or with "http://host" before it, as clients of proxies send. */
static bool
take_path(struct span target, struct request *request)
{
    static const char scheme[] = "http://";
    const char *query;

    if (target.size >= sizeof scheme - 1 && memcmp(target.data, scheme, sizeof scheme - 1) == 0) {
        const size_t host = sizeof scheme - 1;
        const char *const path = memchr(target.data + host, '/', target.size - host);

        if (!path)
            return false;
        target.size -= (size_t)(path - target.data);
        target.data = path;
    }
    if (target.size == 0 || target.data[0] != '/' || !is_visible(&target, false))
        return false;
    query = memchr(target.data, '?', target.size);
    request->path = target.data;
    request->path_size = query ? (size_t)(query - target.data) : target.size;
    return true;
}

static int
parse_first_line(struct span line, struct request *request)
{
    struct span method;
    struct span target;

    if (!take_word(&line, ' ', &method) || !take_word(&line, ' ', &target) || !is_token(&method))
        return 400;
    if (line.size != 8 || memcmp(line.data, "HTTP/", 5) != 0 || line.data[5] < '0' ||
        line.data[5] > '9' || line.data[6] != '.' || line.data[7] < '0' || line.data[7] > '9')
        return 400;
    if (line.data[5] != '1')
        return 505;
    request->is_head = is_text(&method, "HEAD");
    if (!request->is_head && !is_text(&method, "GET"))
        return 405;
    return take_path(target, request) ? 200 : 400;
}

int
request_parse(const char *data, size_t size, struct request *ret_request)
{
    const int too_long = size >= REQUEST_SIZE_MAX ? 431 : 0;
    struct span left = {data, size < REQUEST_SIZE_MAX ? size : REQUEST_SIZE_MAX};
    struct span line;
    struct span name;
    int status;

    do { /* an empty line before it may be a remainder of the request before */
        if (!take_line(&left, &line))
            return too_long;
    } while (line.size == 0);
    status = parse_first_line(line, ret_request);
    ret_request->has_name = false;
    while (status == 200) {
        if (!take_line(&left, &line))
            return too_long;
        if (line.size == 0)
            break;
        if (!take_word(&line, ':', &name) || !is_token(&name) || !is_visible(&line, true))
            status = 400;
        else if (is_word(&name, "host"))
            ret_request->has_name = ret_request->has_name || is_name(line);
    }
    return status;
}
