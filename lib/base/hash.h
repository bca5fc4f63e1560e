/* hash.h - a keyed hash: names that a stranger chose cannot be made to collide without the key. */
#ifndef RINGBUS_BASE_HASH_H
#define RINGBUS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_key {
    uint64_t word[2];
};

/* Eight bytes, the first the lowest. */
static inline uint64_t
hash_word(const unsigned char *bytes)
{
    return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
           (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
           (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

static inline uint32_t
hash_half(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Fewer than eight: two looks that overlap, or three. */
static inline uint64_t
hash_rest(const unsigned char *bytes, size_t size)
{
    if (size >= 4)
        return hash_half(bytes) | (uint64_t)hash_half(bytes + size - 4) << (8 * (size - 4));
    if (size == 0)
        return 0;
    return bytes[0] | (uint64_t)bytes[size / 2] << (8 * (size / 2)) |
           (uint64_t)bytes[size - 1] << (8 * (size - 1));
}

/* In a quarter of the time, its upper bits the best. It differs from key to key, but a stranger may find names that
 * collide under all of them: for where a collision costs a look elsewhere, and no more. */
static inline uint64_t
hash_quickly(const struct hash_key *key, const void *bytes, size_t size)
{
    const uint64_t factor =
        UINT64_C(0x9e3779b97f4a7c15); /* 2^64 by the golden ratio: odd, its bits well mixed */
    const unsigned char *at = bytes;
    uint64_t hash = key->word[0] ^ size;

    for (; size >= 8; size -= 8, at += 8) {
        hash = (hash ^ hash_word(at)) * factor;
        hash ^= hash >> 32;
    }
    return (hash ^ hash_rest(at, size)) * factor;
}

/* SipHash with one round a word and three at the end. */
uint64_t ringbus__hash(const struct hash_key *key, const void *bytes, size_t size);

/* With rounds of the caller's choice: the published vectors are those of (2, 4). */
uint64_t ringbus__hash_rounds(
    const struct hash_key *key, const void *bytes, size_t size, int rounds, int last_rounds);

#endif
