/* answer.c - what an HTTP server answers. */
#include "server/http/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

enum { EVENT_MAX = 1 << 20 };

/* The lines up to the empty one. */
static void
read_header(struct client *client, struct answer *answer)
{
    const char *line = client_line(client);
    size_t used = 1;

    MUST(line && strncmp(line, "HTTP/1.1 ", 9) == 0, "no answer but: %s", line ? line : "the end");
    answer->status = (int)strtol(line + 9, NULL, 10);
    answer->header[0] = '\n';
    while ((line = client_line(client)) && line[0] != '\0')
        used += (size_t)snprintf(answer->header + used, sizeof answer->header - used, "%s\n", line);
    MUST(line, "the server closed within its header");
    MUST(used < sizeof answer->header, "a very long header");
}

const char *
answer_field(const struct answer *answer, const char *name)
{
    static char value[1024];
    char key[64];
    const char *line;

    (void)snprintf(key, sizeof key, "\n%s: ", name);
    line = strstr(answer->header, key);
    if (!line)
        return NULL;
    line += strlen(key);
    (void)snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n"), line);
    return value;
}

struct answer
answer_read(struct client *client, int has_body)
{
    struct answer answer = {0};
    const char *length;

    read_header(client, &answer);
    length = answer_field(&answer, "Content-Length");
    MUST(length, "no Content-Length");
    answer.size = strtoul(length, NULL, 10);
    answer.body = calloc(1, answer.size + 1);
    MUST(answer.body, "no memory");
    if (has_body)
        client_take(client, answer.body, answer.size);
    return answer;
}

struct answer
answer_get(int port, const char *target)
{
    struct client *const client = client_open(port);
    struct answer answer;

    client_send(client, "GET ");
    client_send(client, target);
    client_send(client, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    answer = answer_read(client, 1);
    client_expect_end(client);
    client_close(client);
    return answer;
}

void
answer_free(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

int
answer_status(struct client *client)
{
    struct answer answer = answer_read(client, 1);

    client_expect_end(client);
    answer_free(&answer);
    return answer.status;
}

int
answer_watch(struct client *client)
{
    struct answer answer;

    client_send(client, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_header(client, &answer);
    return answer.status;
}

char *
answer_event(struct client *client)
{
    char *const event = malloc(EVENT_MAX);
    size_t size = 0;

    MUST(event, "no memory");
    do { /* fields, until an empty line behind "data" */
        MUST(size + 1 < EVENT_MAX, "a very long event");
        client_take(client, event + size++, 1);
        if (size >= 2 && memcmp(event + size - 2, "\n\n", 2) == 0 &&
            strncmp(event, "data: ", 6) != 0)
            size = 0;
    } while (size < 2 || memcmp(event + size - 2, "\n\n", 2) != 0);
    event[size - 2] = '\0';
    memmove(event, event + 6, size - 6);
    return event;
}
