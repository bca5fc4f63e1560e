/* json.c - reads JSON, value after value. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

/* Nesting that json_skip follows. */
#define DEPTH_MAX 16

static void
break_off(struct json *json)
{
    json->is_broken = true;
    json->at = "";
}

static void
skip_blanks(struct json *json)
{
    json->at += strspn(json->at, " \t\r\n");
}

static bool
take(struct json *json, char expected)
{
    skip_blanks(json);
    if (*json->at != expected)
        return false;
    json->at++;
    return true;
}

/* Behind the quote that ends the string; `at` is behind the one that begins it. */
static void
skip_string(struct json *json)
{
    while (*json->at != '"') {
        if (json->at[0] == '\0' || (json->at[0] == '\\' && json->at[1] == '\0')) {
            break_off(json);
            return;
        }
        json->at += json->at[0] == '\\' ? 2 : 1;
    }
    json->at++;
}

void
json_enter(struct json *json, char bracket)
{
    if (!take(json, bracket))
        break_off(json);
}

bool
json_more(struct json *json, char closing_bracket)
{
    (void)take(json, ',');
    return !take(json, closing_bracket) && !json->is_broken;
}

void
json_skip_key(struct json *json)
{
    if (!take(json, '"')) {
        break_off(json);
        return;
    }
    skip_string(json);
    if (!take(json, ':'))
        break_off(json);
}

bool
json_is_key(struct json *json, const char *name)
{
    const size_t size = strlen(name);
    const char *const begin = json->at;

    if (take(json, '"') && strncmp(json->at, name, size) == 0 && json->at[size] == '"') {
        json->at = begin;
        json_skip_key(json);
        return true;
    }
    json->at = begin;
    return false;
}

int64_t
json_number(struct json *json)
{
    char *end = NULL;
    int64_t number;

    skip_blanks(json);
    number = strtoll(json->at, &end, 10);
    if (end == json->at)
        break_off(json);
    else
        json->at = end;
    return number;
}

void
json_skip(struct json *json)
{
    int depth = 0;

    do {
        skip_blanks(json);
        switch (*json->at) {
        case '\0':
            break_off(json);
            return;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        if (*json->at++ == '"')
            skip_string(json);
        else if (depth == 0 && !strchr("}]", json->at[-1]))
            json->at += strcspn(json->at, ",}] \t\r\n");
        if (depth < 0 || depth > DEPTH_MAX)
            break_off(json);
    } while (depth > 0 && !json->is_broken);
}
