/* trie.c - a tree of tokens: each node has its children in order, one for `*`, and the patterns that end at it.
 *
 * A look goes down and back by itself, not by recursion: a name may have as many tokens as bytes. */
#include "bus/pattern/trie.h"

#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "ringbus/error.h"

struct trie_node {
    struct trie_node *parent;
    struct trie_node *any;       /* by `*` */
    struct trie_node **children; /* by their tokens, in order */
    size_t count, capacity;
    struct trie_leaf *ends;  /* patterns that end here */
    struct trie_leaf *tails; /* those that end with a `>` after this */
    size_t length;
    char token[];
};

enum { FIRST_CHILDREN = 4 };

/* ---- tokens ---- */

static size_t
token_length(const char *token)
{
    return strcspn(token, ".");
}

static bool
is_token(const char *token, char what)
{
    return token[0] == what && (token[1] == '.' || token[1] == '\0');
}

/* The one after it; NULL: it was the last. */
static const char *
next_token(const char *token)
{
    token += token_length(token);
    return *token == '.' ? token + 1 : NULL;
}

bool
ringbus__trie_is_pattern(const char *pattern)
{
    if (pattern[0] == '\0')
        return false;
    for (const char *token = pattern; token != NULL; token = next_token(token))
        if (is_token(token, '>') && next_token(token) != NULL)
            return false;
    return true;
}

bool
ringbus__trie_matches(const char *pattern, const char *name)
{
    while (pattern != NULL && name != NULL) {
        const size_t length = token_length(pattern);

        if (is_token(pattern, '>'))
            return true;
        if (!is_token(pattern, '*') &&
            (length != token_length(name) || memcmp(pattern, name, length) != 0))
            return false;
        pattern = next_token(pattern);
        name = next_token(name);
    }
    return pattern == NULL && name == NULL;
}

/* ---- nodes ---- */

static int
compare(const struct trie_node *node, const char *token, size_t length)
{
    const size_t shorter = node->length < length ? node->length : length;
    const int order = memcmp(node->token, token, shorter);

    return order != 0 ? order : (node->length > length) - (node->length < length);
}

/* Where among its children that token is, or would be. */
static size_t
place_of(const struct trie_node *node, const char *token, size_t length)
{
    size_t low = 0, high = node->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (compare(node->children[middle], token, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct trie_node *
literal_child(const struct trie_node *node, const char *token, size_t length)
{
    const size_t place = place_of(node, token, length);

    return place < node->count && compare(node->children[place], token, length) == 0
               ? node->children[place]
               : NULL;
}

/* By a token of a pattern. */
static struct trie_node *
child_of(const struct trie_node *node, const char *token)
{
    return is_token(token, '*') ? node->any : literal_child(node, token, token_length(token));
}

static struct trie_node *
make(const struct ringbus_allocator *allocator, struct trie_node *parent, const char *token)
{
    const size_t length = token_length(token);
    struct trie_node *node =
        ringbus__alloc(allocator, sizeof(struct trie_node) + length, sizeof(void *));

    if (node == NULL)
        return NULL;
    node->parent = parent;
    node->length = length;
    memcpy(node->token, token, length);
    return node;
}

static void
free_node(const struct ringbus_allocator *allocator, struct trie_node *node)
{
    ringbus__release(allocator, node->children, node->capacity * sizeof(struct trie_node *));
    ringbus__release(allocator, node, sizeof(struct trie_node) + node->length);
}

static bool
has_room(const struct ringbus_allocator *allocator, struct trie_node *node)
{
    const size_t capacity = node->capacity > 0 ? 2 * node->capacity : FIRST_CHILDREN;
    struct trie_node **children = NULL;

    if (node->count < node->capacity)
        return true;
    children = ringbus__alloc(allocator, capacity * sizeof(struct trie_node *), sizeof(void *));
    if (children == NULL)
        return false;
    if (node->count > 0)
        memcpy(children, node->children, node->count * sizeof(struct trie_node *));
    ringbus__release(allocator, node->children, node->capacity * sizeof(struct trie_node *));
    node->children = children;
    node->capacity = capacity;
    return true;
}

static struct trie_node *
add_child(const struct ringbus_allocator *allocator, struct trie_node *node, const char *token)
{
    const bool is_any = is_token(token, '*');
    struct trie_node *child = NULL;
    size_t place = 0;

    if (!is_any && !has_room(allocator, node))
        return NULL;
    child = make(allocator, node, token);
    if (child == NULL)
        return NULL;
    if (is_any)
        return node->any = child;
    place = place_of(node, token, child->length);
    memmove(&node->children[place + 1], &node->children[place],
        (node->count - place) * sizeof(struct trie_node *));
    node->children[place] = child;
    node->count++;
    return child;
}

static void
remove_child(struct trie_node *node, const struct trie_node *child)
{
    size_t place = 0;

    if (node->any == child) {
        node->any = NULL;
        return;
    }
    place = place_of(node, child->token, child->length);
    node->count--;
    memmove(&node->children[place], &node->children[place + 1],
        (node->count - place) * sizeof(struct trie_node *));
}

static bool
is_bare(const struct trie_node *node)
{
    return node->count == 0 && node->any == NULL && node->ends == NULL && node->tails == NULL;
}

/* Free what nothing hangs on any more, from the node up. */
static void
prune(struct trie *trie, const struct ringbus_allocator *allocator, struct trie_node *node)
{
    while (node != NULL && is_bare(node)) {
        struct trie_node *parent = node->parent;

        if (parent != NULL)
            remove_child(parent, node);
        else
            trie->root = NULL;
        free_node(allocator, node);
        node = parent;
    }
}

/* ---- patterns ---- */

/* Where a pattern's leaves hang, as far as there are nodes for it. */
static struct trie_leaf **
leaves_of(const struct trie *trie, const char *pattern, struct trie_node **ret_node)
{
    struct trie_node *node = trie->root;

    for (const char *token = pattern; node != NULL && token != NULL; token = next_token(token)) {
        *ret_node = node;
        if (is_token(token, '>'))
            return &node->tails;
        node = child_of(node, token);
    }
    if (node == NULL)
        return NULL;
    *ret_node = node;
    return &node->ends;
}

int
ringbus__trie_add(struct trie *trie, const struct ringbus_allocator *allocator, const char *pattern,
    struct trie_leaf *leaf)
{
    struct trie_node *node = trie->root, *child = NULL;
    struct trie_leaf **leaves = NULL;

    if (node == NULL)
        node = trie->root = make(allocator, NULL, "");
    if (node == NULL)
        return RINGBUS_ENOMEM;
    for (const char *token = pattern; token != NULL && !is_token(token, '>');
         token = next_token(token)) {
        child = child_of(node, token);
        if (child == NULL)
            child = add_child(allocator, node, token);
        if (child == NULL) {
            prune(trie, allocator, node);
            return RINGBUS_ENOMEM;
        }
        node = child;
    }
    leaves = leaves_of(trie, pattern, &node);
    leaf->next = *leaves;
    *leaves = leaf;
    return RINGBUS_OK;
}

void
ringbus__trie_remove(struct trie *trie, const struct ringbus_allocator *allocator,
    const char *pattern, struct trie_leaf *leaf)
{
    struct trie_node *node = NULL;
    struct trie_leaf **at = leaves_of(trie, pattern, &node);

    while (*at != leaf)
        at = &(*at)->next;
    *at = leaf->next;
    prune(trie, allocator, node);
}

struct trie_leaf *
ringbus__trie_find(const struct trie *trie, const char *pattern)
{
    struct trie_node *node = NULL;
    struct trie_leaf **leaves = leaves_of(trie, pattern, &node);

    return leaves != NULL ? *leaves : NULL;
}

/* ---- names ---- */

/* A node, and what is left of the name behind it: from `at`, one more than the length if nothing is. */
struct look {
    const struct trie_node *node;
    const char *name;
    size_t length;
    size_t at;
};

/* Forward over a token, or back over the one before. */
static void
step_forward(struct look *look)
{
    look->at += token_length(look->name + look->at) + 1;
}

static void
step_back(struct look *look)
{
    look->at--;
    while (look->at > 0 && look->name[look->at - 1] != '.')
        look->at--;
}

static bool
go_down(struct look *look)
{
    const char *token = look->name + look->at;
    const struct trie_node *child = NULL;

    if (look->at > look->length)
        return false;
    child = literal_child(look->node, token, token_length(token));
    if (child == NULL)
        child = look->node->any;
    if (child == NULL)
        return false;
    look->node = child;
    step_forward(look);
    return true;
}

/* Back to where `*` has not been tried, and down there. False: that was all. */
static bool
go_aside(struct look *look)
{
    const struct trie_node *from = look->node;

    for (look->node = from->parent; look->node != NULL; look->node = from->parent) {
        step_back(look);
        if (look->node->any != NULL && look->node->any != from) {
            look->node = look->node->any;
            step_forward(look);
            return true;
        }
        from = look->node;
    }
    return false;
}

static bool
visit_leaves(
    struct trie_leaf *leaf, bool (*visit)(struct trie_leaf *leaf, void *context), void *context)
{
    for (; leaf != NULL; leaf = leaf->next)
        if (!visit(leaf, context))
            return false;
    return true;
}

bool
ringbus__trie_each(const struct trie *trie, const char *name,
    bool (*visit)(struct trie_leaf *leaf, void *context), void *context)
{
    struct look look = {trie->root, name, strlen(name), 0};

    if (look.node == NULL)
        return true;
    do {
        const bool is_end = look.at > look.length;

        if (!visit_leaves(is_end ? look.node->ends : look.node->tails, visit, context))
            return false;
    } while (go_down(&look) || go_aside(&look));
    return true;
}
