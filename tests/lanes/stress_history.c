/* stress_history.c - the histories of events through a group of lanes, while consumers come and go: each consumer gets
 * each event once and whole; a serialized one in the ring's order, on one thread and never twice at once; a thread-safe
 * one the events of a key in the ring's order, on one thread and never two of them at once.
 *
 * As a test: small numbers. With arguments it runs for long, and prints a line for each kind of bus:
 *     ringbus_test_lanes_history EVENTS SEED     EVENTS in each trial with a large ring, fewer in those with a small
 * 54 trials: 3 kinds of consumers x 1, 2, 4 posters x 1, 2, 4 lanes x rings of 4 and 1024; 27 times EVENTS and more. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lanes/guests.h"

enum { EVENTS = 40000, BOOKS = 4 };
enum kind { SERIALIZED, THREAD_SAFE, KEYED, KINDS };

static const char *const kind_names[KINDS] = {"serialized", "thread-safe", "keyed"};
static enum kind kind;
static bool is_long;

/* A consumer that stays. */
struct resident {
    struct book book;
    struct ringbus_consumer *consumer;
    bool is_everywhere;          /* else on one topic */
    struct ringbus_group *group; /* NULL: the crew's */
};

enum { ITS_TOPIC = 1 };

static int
handle(const struct ringbus_event *event, void *context)
{
    struct resident *resident = context;
    const struct posting *posting = book_enter(&resident->book, event);

    MUST(resident->is_everywhere || posting->topic == ITS_TOPIC, "an event of another topic");
    book_leave(&resident->book, posting);
    return 0;
}

static void
open_resident(struct crew *crew, struct resident *resident)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.group = resident->group != NULL ? resident->group : crew->group;
    options.name = resident->book.name;
    options.thread_safe = resident->book.is_thread_safe;
    book_open(&resident->book, crew->cell.capacity, crew->threads, options.thread_safe);
    MUST(ringbus_consumer_open(crew->bus, handle, resident, &options, &resident->consumer) ==
             RINGBUS_OK,
        "no consumer");
    for (int at = 0; at < LEDGER_TOPICS; at++)
        if (resident->is_everywhere || at == ITS_TOPIC)
            crew_register(crew, resident->consumer, at);
}

/* Of two lanes, if the crew's group has two: each topic is in two groups then. Else there is no other. */
static struct ringbus_group *
open_far_group(const struct crew *crew)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    if (crew->cell.lanes != 2)
        return NULL;
    options.lanes = 2;
    options.capacity = crew->cell.capacity;
    MUST(ringbus_group_open(crew->bus, &options, &group) == RINGBUS_OK, "no group");
    return group;
}

static void
check_resident(const struct crew *crew, const struct resident *resident)
{
    for (uint32_t poster = 0; poster < crew->cell.posters; poster++)
        for (uint32_t at = 0; at < LEDGER_TOPICS; at++) {
            const uint64_t posted = load_u64(&crew->posters[poster].begun[at], ORDER_OWN);
            const bool is_there = resident->is_everywhere || at == ITS_TOPIC;

            book_must_be_full(&resident->book, poster, at, is_there ? posted : 0);
        }
}

static void
run(const struct cell *cell)
{
    static struct crew crew;
    struct ringbus_options options = ringbus_options_default();
    struct resident residents[BOOKS] = {
        {.book = {.name = "all"}, .is_everywhere = true},
        {.book = {.name = "one"}},
        {.book = {.name = "too"}, .is_everywhere = true},
        {.book = {.name = "far"}, .is_everywhere = true},
    };
    const int64_t begun = ringbus_now_ns();
    double seconds = 0;

    crew_open(&crew, cell, &options);
    residents[BOOKS - 1].group = open_far_group(&crew);
    for (int i = 0; i < BOOKS; i++) {
        residents[i].book.is_thread_safe = kind != SERIALIZED && i < 2;
        open_resident(&crew, &residents[i]);
    }
    crew_run(&crew);
    for (int i = 0; i < BOOKS; i++) {
        check_resident(&crew, &residents[i]);
        book_close(&residents[i].book);
    }
    crew_close(&crew);
    seconds = (double)(ringbus_now_ns() - begun) / 1e9;
    if (is_long)
        printf("%-11s %u posters %u lanes ring %4u: %10" PRIu64 " events %6" PRIu64
               " guests %7.1f s %9.0f events/s\n",
            kind_names[kind], cell->posters, cell->lanes, cell->capacity, cell->events,
            crew.guests_come, seconds, (double)cell->events / seconds);
}

static void
run_kind(enum kind which, uint64_t events, uint64_t seed)
{
    kind = which;
    crew_each_cell((struct cell){.events = events, .seed = seed, .has_keys = which == KEYED}, run);
}

START_TEST(serialized_consumers_get_each_event_once_in_the_rings_order)
{
    run_kind(SERIALIZED, scaled(EVENTS), 1);
}
END_TEST

START_TEST(thread_safe_consumers_get_each_event_once)
{
    run_kind(THREAD_SAFE, scaled(EVENTS), 2);
}
END_TEST

START_TEST(events_of_a_key_go_to_one_thread_in_the_rings_order)
{
    run_kind(KEYED, scaled(EVENTS), 3);
}
END_TEST

int
main(int count, char **arguments)
{
    if (count == 1)
        return RUN_TESTS("lanes_history",
            serialized_consumers_get_each_event_once_in_the_rings_order,
            thread_safe_consumers_get_each_event_once,
            events_of_a_key_go_to_one_thread_in_the_rings_order);
    if (count != 3)
        return EXIT_FAILURE;
    is_long = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < KINDS; i++)
        run_kind((enum kind)i, strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10));
    return EXIT_SUCCESS;
}
