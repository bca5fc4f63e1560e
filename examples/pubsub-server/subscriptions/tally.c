/* tally.c - how many subscriptions there are of which name: a hash table under a lock.
 *
 * I1. An entry's count is never 0. */
#include "tally.h"

#include <stdlib.h>
#include <string.h>

#include "ringbus/ringbus.h"

#define BUCKETS_MIN ((size_t)64)

struct tally_entry {
    struct tally_entry *next; /* of the same bucket */
    uint64_t key;
    size_t count;
    size_t size;
    char name[];
};

int
tally_init(struct tally *tally)
{
    memset(tally, 0, sizeof *tally);
    if (uv_random(NULL, NULL, &tally->seed, sizeof tally->seed, 0, NULL) != 0)
        return -1;
    tally->buckets = calloc(BUCKETS_MIN, sizeof(struct tally_entry *));
    if (!tally->buckets)
        return -1;
    tally->bucket_count = BUCKETS_MIN;
    if (uv_mutex_init(&tally->lock) == 0)
        return 0;
    free(tally->buckets);
    tally->buckets = NULL;
    return -1;
}

void
tally_free(struct tally *tally)
{
    if (!tally->buckets)
        return;
    for (size_t i = 0; i < tally->bucket_count; i++) {
        while (tally->buckets[i]) {
            struct tally_entry *const entry = tally->buckets[i];

            tally->buckets[i] = entry->next;
            free(entry);
        }
    }
    free(tally->buckets);
    uv_mutex_destroy(&tally->lock);
}

/* ---- under the lock ------------------------------------------------------------------------ */

static uint64_t
key_of(const struct tally *tally, const char *name, size_t size)
{
    char bytes[sizeof tally->seed + TALLY_NAME_MAX];

    memcpy(bytes, &tally->seed, sizeof tally->seed);
    memcpy(bytes + sizeof tally->seed, name, size);
    return ringbus_key(bytes, sizeof tally->seed + size);
}

static struct tally_entry **
bucket_of(const struct tally *tally, uint64_t key)
{
    return &tally->buckets[key & (tally->bucket_count - 1)];
}

/* Where the pointer to the name's entry is, or would be. */
static struct tally_entry **
find(const struct tally *tally, const char *name, size_t size)
{
    const uint64_t key = key_of(tally, name, size);
    struct tally_entry **at = bucket_of(tally, key);

    while (
        *at && ((*at)->key != key || (*at)->size != size || memcmp((*at)->name, name, size) != 0))
        at = &(*at)->next;
    return at;
}

/* Twice the buckets. If there is no memory for them, entries stand closer. */
static void
grow(struct tally *tally)
{
    const struct tally old = *tally;
    struct tally_entry **const buckets = calloc(old.bucket_count * 2, sizeof(struct tally_entry *));

    if (!buckets)
        return;
    tally->buckets = buckets;
    tally->bucket_count = old.bucket_count * 2;
    for (size_t i = 0; i < old.bucket_count; i++) {
        struct tally_entry *entry = old.buckets[i];

        while (entry) {
            struct tally_entry *const next = entry->next;
            struct tally_entry **const bucket = bucket_of(tally, entry->key);

            entry->next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    free(old.buckets);
}

static int
add_name(struct tally *tally, const char *name, size_t size)
{
    struct tally_entry *const entry = malloc(sizeof *entry + size);
    struct tally_entry **bucket;

    if (!entry)
        return -1;
    if (tally->name_count >= tally->bucket_count)
        grow(tally);
    entry->key = key_of(tally, name, size);
    entry->count = 1;
    entry->size = size;
    memcpy(entry->name, name, size);
    bucket = bucket_of(tally, entry->key);
    entry->next = *bucket;
    *bucket = entry;
    tally->name_count++;
    return 0;
}

/* ---- from any thread ----------------------------------------------------------------------- */

int
tally_add(struct tally *tally, const char *name, size_t size)
{
    struct tally_entry *entry;
    int outcome = 0;

    uv_mutex_lock(&tally->lock);
    entry = *find(tally, name, size);
    if (entry)
        entry->count++;
    else
        outcome = add_name(tally, name, size);
    uv_mutex_unlock(&tally->lock);
    return outcome;
}

void
tally_remove(struct tally *tally, const char *name, size_t size)
{
    struct tally_entry **at;
    struct tally_entry *gone = NULL;

    uv_mutex_lock(&tally->lock);
    at = find(tally, name, size);
    if (--(*at)->count == 0) {
        gone = *at;
        *at = gone->next;
        tally->name_count--;
    }
    uv_mutex_unlock(&tally->lock);
    free(gone);
}

size_t
tally_count(struct tally *tally, const char *name, size_t size)
{
    const struct tally_entry *entry;
    size_t count;

    uv_mutex_lock(&tally->lock);
    entry = *find(tally, name, size);
    count = entry ? entry->count : 0;
    uv_mutex_unlock(&tally->lock);
    return count;
}

size_t
tally_names(struct tally *tally)
{
    size_t count;

    uv_mutex_lock(&tally->lock);
    count = tally->name_count;
    uv_mutex_unlock(&tally->lock);
    return count;
}

void
tally_copy(struct tally *tally, struct buffer *names)
{
    uv_mutex_lock(&tally->lock);
    for (size_t i = 0; i < tally->bucket_count; i++) {
        for (const struct tally_entry *entry = tally->buckets[i]; entry; entry = entry->next) {
            buffer_put(names, &entry->size, sizeof entry->size);
            buffer_put(names, entry->name, entry->size);
        }
    }
    uv_mutex_unlock(&tally->lock);
}
