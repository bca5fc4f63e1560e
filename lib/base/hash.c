/* hash.c - SipHash.
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012); 1-3 is what the hash tables of Rust
 * and Python use. */
#include "base/hash.h"

#include "base/atomic.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

ATOMIC_INLINE void
mix(struct state *s, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

/* Inlined, so that the rounds of a post by name are constants. */
ATOMIC_INLINE uint64_t
hash(const struct hash_key *key, const void *bytes, size_t size, int rounds, int last_rounds)
{
    const unsigned char *at = bytes;
    struct state s = {
        .v0 = key->word[0] ^ 0x736f6d6570736575u,
        .v1 = key->word[1] ^ 0x646f72616e646f6du,
        .v2 = key->word[0] ^ 0x6c7967656e657261u,
        .v3 = key->word[1] ^ 0x7465646279746573u,
    };

    for (size_t left = size;; left -= 8, at += 8) {
        const uint64_t word =
            left >= 8 ? hash_word(at) : (uint64_t)size << 56 | hash_rest(at, left);

        s.v3 ^= word;
        mix(&s, rounds);
        s.v0 ^= word;
        if (left < 8)
            break;
    }
    s.v2 ^= 0xff;
    mix(&s, last_rounds);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
ringbus__hash(const struct hash_key *key, const void *bytes, size_t size)
{
    return hash(key, bytes, size, 1, 3);
}

uint64_t
ringbus__hash_rounds(
    const struct hash_key *key, const void *bytes, size_t size, int rounds, int last_rounds)
{
    return hash(key, bytes, size, rounds, last_rounds);
}
