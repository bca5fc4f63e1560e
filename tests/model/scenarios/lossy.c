/* lossy.c - scenarios: a lossy ring of two slots, events of two words. */
#include <string.h>

#include "scenarios/rings.h"

enum { LOSSY_WORDS = 2 };

static struct {
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    uint64_t copied, lost, published;
    int64_t expected;
} lossy;

static void
name_lossy(void)
{
    static const char *const stamps[] = {"stamp[0]", "stamp[1]"};
    static const char *const words[] = {"slot[0].a", "slot[0].b", "slot[1].a", "slot[1].b"};

    for (int i = 0; i < 2; i++) {
        struct slot *slot = ring_slot(lossy.ring, i);

        model_name(&slot->stamp, stamps[i]);
        for (int at = 0; at < LOSSY_WORDS; at++)
            model_name((uint64_t *)(void *)slot_payload(lossy.ring, slot) + at, words[2 * i + at]);
    }
    model_name(&lossy.ring->next, "next");
    model_name(&lossy.ring->sleepers, "sleepers");
    model_name(&lossy.ring->room, "room");
    model_name(&lossy.ring->has_ended, "has_ended");
    model_name(&lossy.reader->asleep, "asleep");
}

static void
open_ring(uint32_t producers)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_reader_options reader = ringbus_reader_options_default();

    options.capacity = 2;
    options.slot_size = LOSSY_WORDS * sizeof(uint64_t);
    options.max_readers = 1;
    options.wait = RINGBUS_WAIT_BLOCK;
    options.producers = producers;
    options.is_lossy = 1;
    options.allocator = &model_allocator;
    reader.wait = RINGBUS_WAIT_BLOCK;
    reader.is_eager = 1;
    memset(&lossy, 0, sizeof lossy);
    model_check(ringbus_ring_open(&options, &lossy.ring) == RINGBUS_OK);
    model_check(ringbus_reader_open(lossy.ring, &reader, &lossy.reader) == RINGBUS_OK);
    name_lossy();
}

/* Both words are the number, or the line has ended. */
static void
publish(uint64_t number)
{
    const uint64_t words[LOSSY_WORDS] = {number, number};
    const int64_t sequence =
        ringbus_ring_publish_copy(lossy.ring, words, sizeof words, RINGBUS_FOREVER);

    model_check(sequence >= 0 || sequence == RINGBUS_ESHUTDOWN);
    lossy.published += sequence >= 0;
}

static int
note(int outcome, const uint64_t *words, const struct ringbus_copy *copy)
{
    if (outcome != RINGBUS_OK)
        return outcome;
    model_check(words[0] == words[1]);
    model_check(copy->sequence == lossy.expected + (int64_t)copy->lost);
    lossy.expected = copy->sequence + 1;
    lossy.copied++;
    lossy.lost += copy->lost;
    return outcome;
}

static int
copy(void)
{
    uint64_t words[LOSSY_WORDS];
    struct ringbus_copy each;
    const int outcome = ringbus_reader_copy(lossy.reader, words, &each);

    return note(outcome, words, &each);
}

static void
copy_to_end(void)
{
    uint64_t words[LOSSY_WORDS];
    struct ringbus_copy each;
    int outcome = RINGBUS_OK;

    while (outcome == RINGBUS_OK) {
        outcome = ringbus_reader_copy_until(lossy.reader, RINGBUS_FOREVER, words, &each);
        note(outcome, words, &each);
    }
    model_check(outcome == RINGBUS_ESHUTDOWN);
}

/* The reader has seen the end, and with it everything. */
static void
end_told(void)
{
    model_check(lossy.copied + lossy.lost == lossy.published);
}

static void
end_counted(void)
{
    while (copy() == RINGBUS_OK)
        ;
    end_told();
}

/* ---- a reader in the slot that is overwritten ---- */

static void
begin_full(void)
{
    open_ring(RINGBUS_PRODUCERS_MULTI);
    publish(1);
    publish(2);
}

static void
begin_full_single(void)
{
    open_ring(RINGBUS_PRODUCERS_SINGLE);
    publish(1);
    publish(2);
}

static void
publish_3(void)
{
    publish(3);
}

static void
publish_3_4(void)
{
    publish(3);
    publish(4);
}

static void
copy_once(void)
{
    copy();
}

static void
copy_twice(void)
{
    copy();
    copy();
}

/* ---- producers in one slot ---- */

static void
begin_empty(void)
{
    open_ring(RINGBUS_PRODUCERS_MULTI);
}

static void
begin_empty_single(void)
{
    open_ring(RINGBUS_PRODUCERS_SINGLE);
}

static void
publish_1(void)
{
    publish(1);
}

static void
publish_three(void)
{
    for (uint64_t number = 10; number < 13; number++)
        publish(number);
}

static void
end_in_slots(void)
{
    end_counted();
    model_check(ringbus_ring_cursor(lossy.ring) == 3 && lossy.expected == 4);
}

/* ---- the end ---- */

static void
publish_1_2(void)
{
    publish(1);
    publish(2);
}

static void
end_line(void)
{
    ringbus_ring_end(lossy.ring);
}

static void
publish_and_end(void)
{
    publish(1);
    ringbus_ring_end(lossy.ring);
}

const struct scenario model_lossy[] = {
    {.name = "lossy_overwrite",
        .proves = "a copy that is overwritten meanwhile is whole, or lost and counted (WORD)",
        .begin = begin_full,
        .threads = {publish_3, copy_once},
        .end = end_counted},
    {.name = "lossy_overwrite_single",
        .proves = "the same with a single producer",
        .begin = begin_full_single,
        .threads = {publish_3, copy_once},
        .end = end_counted},
    {.name = "lossy_overtaken",
        .proves = "a reader that is overtaken twice counts exactly",
        .begin = begin_full,
        .threads = {publish_3_4, copy_twice},
        .end = end_counted},
    {.name = "lossy_one_slot",
        .proves = "a producer one lap ahead waits for the slot's last one, and is woken",
        .begin = begin_empty,
        .threads = {publish_1, publish_three},
        .end = end_in_slots},
    {.name = "lossy_sleep",
        .proves = "a reader that falls asleep is woken by a publish and by the end",
        .begin = begin_empty_single,
        .threads = {publish_and_end, copy_to_end},
        .end = end_told},
    {.name = "lossy_end",
        .proves = "the end amid publishes: what was published is copied or lost, the rest refused",
        .begin = begin_empty,
        .threads = {publish_1_2, end_line, copy_to_end},
        .end = end_told},
    {.name = "lossy_end_single",
        .proves = "the same with a single producer, whose last claim may be void",
        .begin = begin_full_single,
        .threads = {publish_3, end_line, copy_to_end},
        .end = end_told},
    {0},
};
