/* fuzz_resp.c - the server's parser on arbitrary bytes: it reads nothing it was not given, keeps to its
 * limits, and finds the same commands however the bytes are cut into pieces. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resp.h"

enum { ARGUMENTS = 16 };

/* Small, so that they are met. */
static const struct resp_limits limits = {
    .arguments = ARGUMENTS, .bulk = 100, .inline_line = 60, .command = 300};

/* What was found, as a number, and why it ended. */
struct findings {
    uint64_t digest;
    uint64_t commands;
    const char *error;
};

static void
demand(int condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_resp: %s\n", what);
    abort();
}

static void
digest(struct findings *findings, const void *data, size_t size)
{
    const unsigned char *const bytes = data;

    for (size_t i = 0; i < size; i++)
        findings->digest = (findings->digest ^ bytes[i]) * 0x100000001b3u;
}

static void
note(struct findings *findings, const struct resp_argument *arguments, size_t count,
    const char *command, size_t size)
{
    demand(count <= limits.arguments, "too many arguments");
    demand(size <= limits.command, "too long a command");
    findings->commands++;
    digest(findings, &count, sizeof count);
    digest(findings, &size, sizeof size);
    for (size_t i = 0; i < count; i++) {
        const size_t offset = (size_t)(arguments[i].data - command);

        demand(offset <= size && arguments[i].size <= size - offset,
            "an argument outside its command");
        demand(arguments[i].size <= limits.bulk, "too long an argument");
        digest(findings, &arguments[i].size, sizeof arguments[i].size);
        digest(findings, arguments[i].data, arguments[i].size);
    }
}

/* The commands of `size` bytes that arrive in pieces of 1 to `most` bytes. Each call of the parser sees
 * memory that ends with what has arrived. */
static struct findings
parse(const uint8_t *data, size_t size, size_t most, uint32_t seed)
{
    struct findings findings = {0xcbf29ce484222325u, 0, NULL};
    struct resp_argument arguments[ARGUMENTS];
    struct resp_parser parser;
    enum resp_status status = RESP_MORE;
    size_t start = 0;
    size_t end = 0;

    resp_parser_init(&parser, &limits);
    while (status != RESP_ERROR && (status == RESP_COMMAND || end < size)) {
        size_t count = 0;
        size_t taken = 0;
        char *copy;

        if (status == RESP_MORE) {
            seed = seed * 1664525 + 1013904223;
            end += 1 + (seed >> 8) % most;
            end = end < size ? end : size;
        }
        copy = malloc(end - start > 0 ? end - start : 1);
        demand(copy != NULL, "no memory");
        memcpy(copy, data + start, end - start);
        status = resp_parse(&parser, copy, end - start, arguments, &count, &taken);
        if (status == RESP_COMMAND) {
            demand(taken > 0 && taken <= end - start, "a command of bytes that are not there");
            note(&findings, arguments, count, copy, taken);
            start += taken;
            resp_parser_next(&parser);
        }
        free(copy);
    }
    demand(
        status == RESP_ERROR || size - start <= limits.command, "it waits for what it must refuse");
    findings.error = status == RESP_ERROR ? parser.error : "";
    return findings;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 2, 3, 7, 50};
    const struct findings whole = parse(data, size, size > 0 ? size : 1, 0);

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        const struct findings cut = parse(data, size, pieces[i], (uint32_t)size);

        demand(cut.commands == whole.commands, "pieces make a different number of commands");
        demand(cut.digest == whole.digest, "pieces make different commands");
        demand(strcmp(cut.error, whole.error) == 0, "pieces make a different error");
    }
    return 0;
}
