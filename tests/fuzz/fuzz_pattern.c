/* fuzz_pattern.c - the tree of patterns on arbitrary lines, beside a matcher that is plainly right.
 *
 * "+PATTERN" adds one, "-PATTERN" removes the newest that is equal, "!N" refuses the N-th allocation of the next line,
 * anything else is a name behind its first byte: the tree finds each pattern that matches it, once, and no other. */
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/pattern/trie.h"
#include "ringbus/error.h"

enum { PATTERNS = 64, LENGTH = 200 };

struct pattern {
    struct trie_leaf leaf; /* first */
    char text[LENGTH + 1];
    unsigned visits;
};

struct patterns {
    struct trie trie;
    struct pattern *held[PATTERNS];
    size_t count;
};

static size_t live;
static unsigned refuse_in;

static void
demand(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "fuzz_pattern: %s\n", what);
    abort();
}

static void *
allocate(size_t size, size_t alignment, void *context)
{
    (void)alignment, (void)context;
    if (refuse_in > 0 && --refuse_in == 0)
        return NULL;
    live += size;
    return malloc(size);
}

static void
release(void *memory, size_t size, void *context)
{
    (void)context;
    demand(live >= size, "more comes back than was taken");
    live -= size;
    free(memory);
}

static const struct ringbus_allocator allocator = {allocate, release, NULL};

/* What is behind the first token; NULL: nothing. */
static const char *
behind(const char *text)
{
    const char *dot = strchr(text, '.');

    return dot != NULL ? dot + 1 : NULL;
}

static size_t
first_length(const char *text)
{
    return behind(text) != NULL ? (size_t)(behind(text) - text) - 1 : strlen(text);
}

static bool
is_first(const char *text, const char *token)
{
    return first_length(text) == strlen(token) && strncmp(text, token, strlen(token)) == 0;
}

/* The grammar, as it is said. */
static bool
matches(const char *pattern, const char *name)
{
    if (pattern == NULL || name == NULL)
        return pattern == name;
    if (is_first(pattern, ">"))
        return true;
    if (!is_first(pattern, "*") && (first_length(pattern) != first_length(name) ||
                                       strncmp(pattern, name, first_length(name)) != 0))
        return false;
    return matches(behind(pattern), behind(name));
}

static bool
is_pattern(const char *text)
{
    for (const char *at = text; at != NULL; at = behind(at))
        if (is_first(at, ">") && behind(at) != NULL)
            return false;
    return text[0] != '\0';
}

static void
add(struct patterns *patterns, const char *text)
{
    struct pattern *pattern = NULL;

    demand(ringbus__trie_is_pattern(text) == is_pattern(text), "what a pattern is");
    if (!is_pattern(text) || patterns->count == PATTERNS)
        return;
    pattern = calloc(1, sizeof *pattern);
    if (pattern == NULL)
        abort();
    strcpy(pattern->text, text);
    if (ringbus__trie_add(&patterns->trie, &allocator, pattern->text, &pattern->leaf) == RINGBUS_OK)
        patterns->held[patterns->count++] = pattern;
    else
        free(pattern);
}

static void
take_out(struct patterns *patterns, size_t at)
{
    struct pattern *pattern = patterns->held[at];

    ringbus__trie_remove(&patterns->trie, &allocator, pattern->text, &pattern->leaf);
    patterns->count--;
    memmove(&patterns->held[at], &patterns->held[at + 1],
        (patterns->count - at) * sizeof patterns->held[0]);
    free(pattern);
}

static void
take_out_equal(struct patterns *patterns, const char *text)
{
    bool is_held = false;

    for (size_t i = patterns->count; i-- > 0 && !is_held;)
        if (strcmp(patterns->held[i]->text, text) == 0) {
            take_out(patterns, i);
            is_held = true;
        }
    if (!is_held && is_pattern(text))
        demand(ringbus__trie_find(&patterns->trie, text) == NULL, "it finds what is not there");
}

static bool
note(struct trie_leaf *leaf, void *context)
{
    (void)context;
    ((struct pattern *)(void *)leaf)->visits++;
    return true;
}

static void
look(struct patterns *patterns, const char *name)
{
    if (name[0] == '\0')
        return;
    ringbus__trie_each(&patterns->trie, name, note, NULL);
    for (size_t i = 0; i < patterns->count; i++) {
        struct pattern *pattern = patterns->held[i];
        const bool is_match = matches(pattern->text, name);

        demand(pattern->visits == is_match, "the tree finds others than match");
        demand(ringbus__trie_matches(pattern->text, name) == is_match, "one pattern, one name");
        demand(ringbus__trie_find(&patterns->trie, pattern->text) != NULL, "one is not found");
        pattern->visits = 0;
    }
}

static void
run_line(struct patterns *patterns, const char *line)
{
    if (line[0] == '!') {
        refuse_in = (unsigned)strtoul(line + 1, NULL, 10) % 10;
        return;
    }
    if (line[0] == '+')
        add(patterns, line + 1);
    else if (line[0] == '-')
        take_out_equal(patterns, line + 1);
    else if (line[0] != '\0')
        look(patterns, line + 1);
    refuse_in = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct patterns patterns = {{NULL}, {NULL}, 0};
    size_t length = 0;
    char line[LENGTH + 1];

    refuse_in = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && data[i] != '\n') {
            if (length < LENGTH)
                line[length++] = (char)data[i];
            continue;
        }
        line[length] = '\0';
        run_line(&patterns, line);
        length = 0;
    }
    while (patterns.count > 0)
        take_out(&patterns, patterns.count / 2);
    demand(patterns.trie.root == NULL && live == 0, "memory that is left");
    return 0;
}
