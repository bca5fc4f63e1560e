/* hash.h - a keyed hash: names that a stranger chose cannot be made to collide without the key. */
#ifndef RINGBUS_BASE_HASH_H
#define RINGBUS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t word[2];
};

/* SipHash with one round a word and three at the end. */
uint64_t ringbus__hash(const struct hash_key *key, const void *bytes, size_t size);

/* With rounds of the caller's choice: the published vectors are those of (2, 4). */
uint64_t ringbus__hash_rounds(
    const struct hash_key *key, const void *bytes, size_t size, int rounds, int last_rounds);

#endif
