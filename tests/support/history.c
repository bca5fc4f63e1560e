/* history.c - what producers write and readers check. */
#include <inttypes.h>

#include "support/support.h"

/* The words of a payload. All after the third follow from the first three. */
enum { PRODUCER, INDEX, SEQUENCE, REST };

static uint64_t
rest_of(const uint64_t *words, size_t at)
{
    return (words[PRODUCER] + 1) * 0x9e3779b97f4a7c15u ^ (words[INDEX] << 20) ^ words[SEQUENCE] ^
           (uint64_t)at << 56;
}

void
history_write(void *payload, size_t size, int64_t sequence, uint32_t producer, uint64_t index)
{
    uint64_t *words = payload;

    words[PRODUCER] = producer;
    words[INDEX] = index;
    words[SEQUENCE] = (uint64_t)sequence;
    for (size_t at = REST; at < size / sizeof *words; at++)
        words[at] = rest_of(words, at);
}

static void
verify_rest(const uint64_t *words, size_t size, int64_t sequence)
{
    MUST(words[SEQUENCE] == (uint64_t)sequence,
        "the slot of sequence %" PRId64 " holds the event of %" PRId64, sequence,
        (int64_t)words[SEQUENCE]);
    for (size_t at = REST; at < size / sizeof *words; at++)
        MUST(
            words[at] == rest_of(words, at), "the event of sequence %" PRId64 " is torn", sequence);
}

void
history_verify(
    const void *payload, size_t size, int64_t sequence, uint32_t producer, uint64_t index)
{
    const uint64_t *words = payload;

    MUST(words[PRODUCER] == producer && words[INDEX] == index,
        "somebody else has written into the slot of sequence %" PRId64, sequence);
    verify_rest(words, size, sequence);
}

void
history_read(struct history *history, const void *payload, size_t size, int64_t sequence)
{
    const uint64_t *words = payload;
    const uint64_t producer = words[PRODUCER];
    const uint64_t index = words[INDEX];

    verify_rest(words, size, sequence);
    MUST(producer < HISTORY_PRODUCERS, "producer %" PRIu64, producer);
    MUST(!history->has_seen[producer] || history->next[producer] == index,
        "producer %" PRIu64 ": event %" PRIu64 " comes where %" PRIu64
        " is due, at sequence %" PRId64,
        producer, index, history->next[producer], sequence);
    history->has_seen[producer] = true;
    history->next[producer] = index + 1;
    history->count++;
}
