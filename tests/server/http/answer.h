/* answer.h - what an HTTP server answers, read byte by byte. Each wait MUST end in time. */
#ifndef TESTS_SERVER_HTTP_ANSWER_H
#define TESTS_SERVER_HTTP_ANSWER_H

#include <stddef.h>

#include "server/client.h"

struct answer {
    int status;
    char header[4096]; /* its lines, each with a line feed before and behind it */
    char *body;        /* a C string */
    size_t size;
};

/* GET a target, on a connection of its own, which MUST end behind the answer. Free it with answer_free. */
struct answer answer_get(int port, const char *target);

/* The answer to what was sent MUST come next, with a body of its Content-Length, if `has_body`. */
struct answer answer_read(struct client *client, int has_body);

void answer_free(struct answer *answer);

/* The status of the answer that MUST come next, and then the end. */
int answer_status(struct client *client);

/* The value of a line of the header; NULL: there is none. Valid until the next call. */
const char *answer_field(const struct answer *answer, const char *name);

/* Ask for /events, and read the header of the answer. Returns its status. */
int answer_watch(struct client *client);

/* The next event's data, which MUST come; free it. */
char *answer_event(struct client *client);

#endif
