/* ledger.c - postings, tallies, books. */
#include "support/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- postings ---- */

static uint64_t
mix(uint64_t word)
{
    /* the finalizer of splitmix64 (Vigna 2015) */
    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}

static uint64_t
identity(uint64_t poster, uint64_t topic, uint64_t index)
{
    return mix((poster * LEDGER_TOPICS + topic + 1) << 40 ^ index);
}

static uint64_t
rest_of(const struct posting *posting, uint64_t at)
{
    return identity(posting->poster, posting->topic, posting->index) ^ posting->key << 8 ^
           posting->fails << 16 ^ at;
}

void
posting_seal(struct posting *posting)
{
    for (uint64_t at = 0; at < LEDGER_REST; at++)
        posting->rest[at] = rest_of(posting, at);
}

const struct posting *
posting_of(const struct ringbus_event *event)
{
    const struct posting *posting = event->data;

    MUST(event->size == sizeof *posting, "an event of %zu bytes", event->size);
    for (uint64_t at = 0; at < LEDGER_REST; at++)
        MUST(posting->rest[at] == rest_of(posting, at), "event %" PRId64 " is torn",
            event->sequence);
    MUST(posting->poster < LEDGER_POSTERS && posting->topic < LEDGER_TOPICS, "no such poster");
    MUST(posting->key == event->ordered, "event %" PRId64 " has another key", event->sequence);
    return posting;
}

/* ---- tallies ---- */

void
tally_add(struct tally *tally, const struct posting *posting)
{
    add_u64(&tally->count, 1, ORDER_COUNT);
    add_u64(&tally->sum, identity(posting->poster, posting->topic, posting->index), ORDER_COUNT);
}

void
tally_must_be(const struct tally *tally, const char *name, const struct tally *const *parts,
    size_t part_count)
{
    uint64_t count = 0, sum = 0;

    for (size_t i = 0; i < part_count; i++) {
        count += load_u64(&parts[i]->count, ORDER_COUNT);
        sum += load_u64(&parts[i]->sum, ORDER_COUNT);
    }
    MUST(load_u64(&tally->count, ORDER_COUNT) == count,
        "%s: %" PRIu64 " events instead of %" PRIu64, name, load_u64(&tally->count, ORDER_COUNT),
        count);
    MUST(load_u64(&tally->sum, ORDER_COUNT) == sum, "%s: as many events, but others", name);
}

/* ---- books ---- */

void
book_open(struct book *book, uint32_t capacity, struct atomic_u64 *threads, bool keeps_laps)
{
    book->capacity = capacity;
    book->last = -1;
    for (int poster = 0; poster < LEDGER_POSTERS; poster++)
        for (int topic = 0; topic < LEDGER_TOPICS; topic++) {
            struct line *line = &book->lines[poster][topic];

            store_u64(&line->first, UINT64_MAX, ORDER_OWN);
            if (keeps_laps)
                line->laps = calloc(capacity, sizeof *line->laps);
            MUST(!keeps_laps || line->laps != NULL, "no memory");
        }
    for (int i = 0; i < LEDGER_KEYS; i++) {
        store_i64(&book->keys[i].last, -1, ORDER_OWN);
        book->keys[i].threads = &threads[i];
    }
}

void
book_close(struct book *book)
{
    for (int poster = 0; poster < LEDGER_POSTERS; poster++)
        for (int topic = 0; topic < LEDGER_TOPICS; topic++)
            free(book->lines[poster][topic].laps);
}

/* The same thread every time. */
static void
must_be_at_home(struct atomic_u64 *home, const char *name, const char *what)
{
    const uint64_t self = (uint64_t)pthread_self();
    uint64_t known = load_u64(home, ORDER_COUNT);

    if (known == 0 && cas_u64(home, &known, self, ORDER_COUNT))
        known = self;
    MUST(known == self, "%s: %s has moved to another thread", name, what);
}

/* Only its lane's thread comes here. */
static void
note_in_order(struct book *book, const struct posting *posting, int64_t sequence)
{
    const struct line *line = &book->lines[posting->poster][posting->topic];
    const uint64_t next = load_u64(&line->next, ORDER_OWN);

    must_be_at_home(&book->thread, book->name, "a serialized consumer");
    MUST(sequence > book->last, "%s: event %" PRId64 " comes after %" PRId64, book->name, sequence,
        book->last);
    book->last = sequence;
    MUST(next == 0 || posting->index == next || (book->has_holes && posting->index > next),
        "%s: event %" PRIu64 " of poster %" PRIu64 " on topic %" PRIu64 " comes where %" PRIu64
        " is due",
        book->name, posting->index, posting->poster, posting->topic, next);
}

static void
note_key(struct book *book, const struct posting *posting, int64_t sequence)
{
    struct key *key = &book->keys[posting->key - 1];
    int64_t last = load_i64(&key->last, ORDER_OWN);

    MUST(add_u32(&key->inside, 1, ORDER_COUNT) == 0, "%s: two calls at once for key %" PRIu64,
        book->name, posting->key);
    must_be_at_home(key->threads, book->name, "a key");
    MUST(sequence > last, "%s: of key %" PRIu64 " comes %" PRId64 " after %" PRId64, book->name,
        posting->key, sequence, last);
    store_i64(&key->last, sequence, ORDER_OWN);
}

static void
note_lap(const struct book *book, struct line *line, uint64_t index)
{
    struct atomic_u32 *lap = &line->laps[index % book->capacity];
    const uint32_t wanted = (uint32_t)(index / book->capacity);
    const uint32_t before = add_u32(lap, 1, ORDER_COUNT);

    MUST(before == wanted,
        "%s: event %" PRIu64 " comes when %u of its place were there instead of %u", book->name,
        index, before, wanted);
}

/* By any thread: what is between first and next widens. */
static void
widen(struct line *line, uint64_t index)
{
    uint64_t first = load_u64(&line->first, ORDER_COUNT), next = load_u64(&line->next, ORDER_COUNT);

    while (index < first && !cas_u64(&line->first, &first, index, ORDER_COUNT))
        ;
    while (index >= next && !cas_u64(&line->next, &next, index + 1, ORDER_COUNT))
        ;
}

const struct posting *
book_enter(struct book *book, const struct ringbus_event *event)
{
    const struct posting *posting = posting_of(event);
    struct line *line = &book->lines[posting->poster][posting->topic];
    const uint32_t inside = add_u32(&book->inside, 1, ORDER_COUNT);

    MUST(load_u32(&book->destroyed, ORDER_COUNT) == 0, "%s is called after its end", book->name);
    MUST(inside == 0 || book->is_thread_safe, "%s is entered twice at once", book->name);
    if (!book->is_thread_safe)
        note_in_order(book, posting, event->sequence);
    else if (posting->key != 0)
        note_key(book, posting, event->sequence);
    if (line->laps != NULL)
        note_lap(book, line, posting->index);
    widen(line, posting->index);
    tally_add(&line->tally, posting);
    add_u64(&book->calls, 1, ORDER_COUNT);
    return posting;
}

void
book_leave(struct book *book, const struct posting *posting)
{
    if (book->is_thread_safe && posting->key != 0)
        add_u32(&book->keys[posting->key - 1].inside, (uint32_t)-1, ORDER_COUNT);
    add_u32(&book->inside, (uint32_t)-1, ORDER_COUNT);
}

void
book_destroy(void *context)
{
    struct book *book = context;

    MUST(load_u32(&book->inside, ORDER_COUNT) == 0, "%s ends during a call", book->name);
    MUST(add_u32(&book->destroyed, 1, TEST_RELEASE) == 0, "%s ends twice", book->name);
}

void
book_must_be_full(const struct book *book, uint32_t poster, uint32_t topic, uint64_t count)
{
    const struct line *line = &book->lines[poster][topic];

    MUST(load_u64(&line->next, ORDER_OWN) == count &&
             (count == 0 || load_u64(&line->first, ORDER_OWN) == 0),
        "%s: poster %u on topic %u: %" PRIu64 "..%" PRIu64 " of %" PRIu64, book->name, poster,
        topic, load_u64(&line->first, ORDER_OWN), load_u64(&line->next, ORDER_OWN), count);
    book_must_hold(book, poster, topic, 0, count);
}

void
book_must_hold(
    const struct book *book, uint32_t poster, uint32_t topic, uint64_t from, uint64_t end)
{
    const struct line *line = &book->lines[poster][topic];
    const uint64_t first = load_u64(&line->first, ORDER_OWN),
                   next = load_u64(&line->next, ORDER_OWN);
    uint64_t sum = 0;

    if (from < end)
        MUST(first <= from && next >= end,
            "%s: poster %u on topic %u: %" PRIu64 "..%" PRIu64 " are due, %" PRIu64 "..%" PRIu64
            " came",
            book->name, poster, topic, from, end, first, next);
    if (next == 0)
        return;
    MUST(load_u64(&line->tally.count, ORDER_OWN) == next - first,
        "%s: poster %u on topic %u: %" PRIu64 " events in %" PRIu64 "..%" PRIu64, book->name,
        poster, topic, load_u64(&line->tally.count, ORDER_OWN), first, next);
    for (uint64_t index = first; index < next; index++)
        sum += identity(poster, topic, index);
    MUST(
        load_u64(&line->tally.sum, ORDER_OWN) == sum, "%s: as many events, but others", book->name);
}
