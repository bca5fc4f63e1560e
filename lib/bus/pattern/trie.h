/* trie.h - patterns on names, found by the tokens of a name.
 *
 * A token is what stands between two dots; an empty one is a token. In a pattern `*` as a whole token stands for any
 * one token, `>` as the last one for one or more.
 * I1  a node other than the root has children, or patterns that end at it
 * I2  a look for a name visits those nodes only whose path matches the beginning of the name
 * Source: the grammar is that of NATS subjects. */
#ifndef RINGBUS_BUS_PATTERN_TRIE_H
#define RINGBUS_BUS_PATTERN_TRIE_H

#include <stdbool.h>
#include <stddef.h>

#include "ringbus/types.h"

/* Inside what belongs to a pattern; of equal patterns there may be several. */
struct trie_leaf {
    struct trie_leaf *next;
};

struct trie {
    struct trie_node *root; /* NULL: no pattern */
};

/* It is one: 1.. bytes, and no `>` as a whole token but the last. */
bool ringbus__trie_is_pattern(const char *pattern);

/* One pattern against one name. */
bool ringbus__trie_matches(const char *pattern, const char *name);

/* RINGBUS_OK, RINGBUS_ENOMEM: nothing has changed. */
int ringbus__trie_add(struct trie *trie, const struct ringbus_allocator *allocator,
    const char *pattern, struct trie_leaf *leaf);

/* Needs no memory; the leaf is there. */
void ringbus__trie_remove(struct trie *trie, const struct ringbus_allocator *allocator,
    const char *pattern, struct trie_leaf *leaf);

/* The leaves of this very pattern; NULL: there are none. */
struct trie_leaf *ringbus__trie_find(const struct trie *trie, const char *pattern);

/* Call `visit` for each leaf whose pattern matches the name, until it returns false, which is returned. */
bool ringbus__trie_each(const struct trie *trie, const char *name,
    bool (*visit)(struct trie_leaf *leaf, void *context), void *context);

#endif
