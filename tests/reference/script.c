/* script.c - scripts as text. */
#include "reference/script.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const char *values; /* separated by blanks */
} verbs[] = {
#define SCRIPT_VERB(verb, name, values) {name, values},
    SCRIPT_VERBS(SCRIPT_VERB)
#undef SCRIPT_VERB
};

static const char *const places[] = {
    "", "handler", "batch_end", "destroy", "on_error", "on_dead", "release"};

enum { PLACES = sizeof places / sizeof places[0], LINE = 240 };

/* The n-th name of a list; its length. */
static size_t
find_value(const char *list, uint32_t n, const char **ret_name)
{
    while (n-- > 0)
        list += strcspn(list, " ") + (list[strcspn(list, " ")] == ' ');
    *ret_name = list;
    return strcspn(list, " ");
}

uint32_t
script_values(enum verb verb)
{
    const char *name = NULL;
    uint32_t count = 0;

    while (find_value(verbs[verb].values, count, &name) > 0)
        count++;
    return count;
}

void
script_print(FILE *stream, const struct script *script)
{
    for (uint32_t i = 0; i < script->count; i++) {
        const struct call *call = &script->calls[i];

        if (call->place != AT_TOP)
            (void)fprintf(stream, "@%s %u.%u ", places[call->place], (unsigned)call->who,
                (unsigned)call->nth);
        (void)fputs(verbs[call->verb].name, stream);
        for (uint32_t n = 0; n < script_values(call->verb); n++) {
            const char *name = NULL;
            const size_t length = find_value(verbs[call->verb].values, n, &name);

            if (call->values[n] != 0)
                (void)fprintf(stream, " %.*s=%d", (int)length, name, (int)call->values[n]);
        }
        (void)fputc('\n', stream);
    }
}

/* ---- reading ---- */

static bool
read_place(char *word, struct call *call)
{
    char *number = strtok(NULL, " ");

    for (uint32_t i = IN_HANDLER; i < PLACES && number != NULL; i++)
        if (strcmp(word + 1, places[i]) == 0) {
            call->place = (enum place)i;
            call->who = (uint32_t)strtoul(number, &number, 10);
            if (*number != '.')
                return false;
            call->nth = (uint32_t)strtoul(number + 1, &number, 10);
            return *number == '\0';
        }
    return false;
}

static bool
read_value(const char *word, struct call *call)
{
    const size_t length = strcspn(word, "=");

    for (uint32_t n = 0; n < script_values(call->verb); n++) {
        const char *name = NULL;

        if (find_value(verbs[call->verb].values, n, &name) == length &&
            strncmp(name, word, length) == 0 && word[length] == '=') {
            call->values[n] = (int32_t)strtol(word + length + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

static bool
read_call(char *line, struct call *call)
{
    char *word = strtok(line, " \n");

    memset(call, 0, sizeof *call);
    if (word != NULL && *word == '@') {
        if (!read_place(word, call))
            return false;
        word = strtok(NULL, " \n");
    }
    while (call->verb < VERBS && (word == NULL || strcmp(word, verbs[call->verb].name) != 0))
        call->verb++;
    if (call->verb == VERBS)
        return false;
    while ((word = strtok(NULL, " \n")) != NULL)
        if (!read_value(word, call))
            return false;
    return true;
}

bool
script_read(FILE *stream, const char *name, struct script *ret_script)
{
    char line[LINE];
    unsigned number = 0;

    ret_script->count = 0;
    while (fgets(line, sizeof line, stream) != NULL) {
        number++;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (ret_script->count == SCRIPT_CALLS ||
            !read_call(line, &ret_script->calls[ret_script->count])) {
            (void)fprintf(stderr, "%s:%u: no call of a script\n", name, number);
            return false;
        }
        ret_script->count++;
    }
    return true;
}
