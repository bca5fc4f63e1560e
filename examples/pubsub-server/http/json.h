/* json.h - reads JSON, value after value. It says where values stand and allocates nothing. */
#ifndef PUBSUB_HTTP_JSON_H
#define PUBSUB_HTTP_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* at         what comes next in a C string
 * is_broken  something else stood there than was asked for: from then on nothing is read, and json_more is false */
struct json {
    const char *at;
    bool is_broken;
};

/* Enter an object or an array. */
void json_enter(struct json *json, char bracket);

/* Whether there is one more key or value in what was entered; if not, it is left. */
bool json_more(struct json *json, char closing_bracket);

/* A key, which is `name`, or not. What comes next is its value. */
bool json_is_key(struct json *json, const char *name);
void json_skip_key(struct json *json);

int64_t json_number(struct json *json);

/* Any value. */
void json_skip(struct json *json);

#endif
