/* options.c - what the server is told about its HTTP port. */
#include "options.h"

#include <string.h>

static int
read_port(const char *text, uint32_t *ret_port)
{
    uint32_t port = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || at - text > 4)
            return -1;
        port = port * 10 + (uint32_t)(*at - '0');
    }
    if (text[0] == '\0' || port > 65535)
        return -1;
    *ret_port = port;
    return 0;
}

int
http_options_read(struct http_options *options, const char *text)
{
    const char *const colon = strrchr(text, ':');
    const char *begin = text;
    size_t size = colon ? (size_t)(colon - text) : 0;

    if (strcmp(text, "off") == 0) {
        options->is_on = false;
        return 0;
    }
    if (size > 1 && begin[0] == '[' && begin[size - 1] == ']') {
        begin++;
        size -= 2;
    }
    if (size >= sizeof options->address || (colon && size == 0) ||
        read_port(colon ? colon + 1 : text, &options->port) != 0)
        return -1;
    if (!colon) {
        begin = HTTP_LOOPBACK;
        size = strlen(begin);
    }
    memcpy(options->address, begin, size);
    options->address[size] = '\0';
    options->is_on = true;
    return 0;
}
