/* tally.h - how many subscriptions there are of which name, over all loops. */
#ifndef PUBSUB_SUBSCRIPTIONS_TALLY_H
#define PUBSUB_SUBSCRIPTIONS_TALLY_H

#include <uv.h>

#include "../buffer.h"

#define TALLY_NAME_MAX ((size_t)255)

struct tally_entry;

struct tally {
    uv_mutex_t lock;
    uint64_t seed; /* of the hash, so that nobody can choose names that fall together */
    struct tally_entry **buckets;
    size_t bucket_count; /* a power of two */
    size_t name_count;
};

/* return  0, or -1 for want of memory or random bytes: then there is nothing to free */
int tally_init(struct tally *tally);

/* All zero is allowed. */
void tally_free(struct tally *tally);

/* One subscription more of this name.
 *
 * size    0..TALLY_NAME_MAX, here and below
 * return  0, or -1 for want of memory
 * Thread  any, here and below */
int tally_add(struct tally *tally, const char *name, size_t size);

/* One less. There MUST be one. */
void tally_remove(struct tally *tally, const char *name, size_t size);

/* Subscriptions of this name. */
size_t tally_count(struct tally *tally, const char *name, size_t size);

/* Names that have a subscription. */
size_t tally_names(struct tally *tally);

/* Append these names to a buffer, each as its size (a size_t) and its bytes. Want of memory shows in the buffer. */
void tally_copy(struct tally *tally, struct buffer *names);

#endif
