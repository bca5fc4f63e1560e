/* crew.h - posters that post all they can to a few topics of one group, and say which post they begin and which has
 * returned; guests.h brings the consumers that come and go beside those that stay. */
#ifndef TESTS_LANES_CREW_H
#define TESTS_LANES_CREW_H

#include "base/barrier.h"
#include "support/ledger.h"

enum { GUESTS = 3, PAIR = 2, MOST_BEFORE = 2, LEAST_EVENTS = 2000 };

/* What a trial is made of. */
struct cell {
    uint32_t posters, lanes, capacity;
    uint64_t events; /* posted in all */
    uint64_t seed;
    bool has_keys;      /* most events have one */
    uint64_t fail_bits; /* of the posted `fails` */
};

/* A moment, as the posters tell it: posts begun and returned. */
struct moment {
    uint64_t begun[LEDGER_POSTERS][LEDGER_TOPICS], returned[LEDGER_POSTERS][LEDGER_TOPICS];
};

enum way { BY_DRAIN, BY_DISCARD, BY_UNREGISTER, BY_ITSELF, BY_LIMIT, WAYS };

struct guest {
    struct book book;
    struct ringbus_consumer *consumer; /* NULL: it is not there */
    enum way way;
    uint64_t limit;
    struct atomic_u32 may_close, is_closing;
    const struct crew *crew;
    uint32_t after_count; /* of crew->before */
    bool is_after_guest;
    struct moment before, opened;
};

struct poster {
    struct crew *crew;
    uint32_t number;
    uint64_t count, random;
    struct atomic_u64 begun[LEDGER_TOPICS], returned[LEDGER_TOPICS];
    struct worker worker;
};

struct crew {
    struct cell cell;
    struct ringbus_bus *bus;
    struct ringbus_group *group;
    struct ringbus_topic *topics[LEDGER_TOPICS];
    int stay[LEDGER_TOPICS]; /* consumers that do */
    struct poster posters[LEDGER_POSTERS];
    struct atomic_u32 posters_left;
    struct tally posted;
    struct atomic_u64 threads[LEDGER_KEYS];
    struct guest guests[GUESTS];
    uint64_t guests_come, random;
    /* one that fails on every event, and one after it, which must never be called */
    struct ringbus_consumer *pair[PAIR];
    struct atomic_u64 pair_failures;
    /* a guest may be after these; they stay */
    struct ringbus_consumer *before[MOST_BEFORE];
    uint32_t before_count;
    void (*see)(const struct guest *guest, const struct ringbus_event *event); /* NULL: nothing */
};

static const char *const crew_topics[LEDGER_TOPICS] = {"a", "b", "c"};

/* ---- posters ---- */

static inline int
crew_post(struct poster *poster, struct ringbus_topic *topic, const struct posting *posting)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    const uint64_t form = next_random(&poster->random) % 8;
    int outcome = RINGBUS_EAGAIN;

    options.ordered = posting->key;
    if (form == 0)
        outcome = ringbus_topic_try_post(topic, posting, sizeof *posting, &options);
    else if (form == 1)
        outcome = ringbus_topic_post_until(
            topic, posting, sizeof *posting, ringbus_now_ns() + 50000, &options);
    else if (form == 2 && posting->key == 0)
        return ringbus_post(poster->crew->bus, ringbus_topic_name(topic), posting, sizeof *posting);
    if (outcome != RINGBUS_EAGAIN && outcome != RINGBUS_ETIMEDOUT)
        return outcome;
    return ringbus_topic_post(topic, posting, sizeof *posting, &options);
}

static inline void
crew_post_all(void *context)
{
    struct poster *poster = context;
    struct crew *crew = poster->crew;

    for (uint64_t i = 0; i < poster->count; i++) {
        const uint64_t lot = next_random(&poster->random), at = lot % LEDGER_TOPICS;
        struct posting posting = {.poster = poster->number, .topic = at};
        int outcome = 0;

        posting.index = load_u64(&poster->begun[at], ORDER_OWN);
        posting.key = crew->cell.has_keys ? (lot >> 8) % (LEDGER_KEYS + 3) : 0;
        posting.key = posting.key > LEDGER_KEYS ? 0 : posting.key;
        posting.fails = (lot >> 16) % 16 == 0 ? lot >> 24 & crew->cell.fail_bits : 0;
        posting_seal(&posting);
        tally_add(&crew->posted, &posting);
        store_u64(&poster->begun[at], posting.index + 1, TEST_RELEASE);
        barrier_full();
        outcome = crew_post(poster, crew->topics[at], &posting);
        MUST(outcome >= crew->stay[at] && outcome <= crew->stay[at] + GUESTS + PAIR,
            "a post gives %d", outcome);
        store_u64(&poster->returned[at], posting.index + 1, TEST_RELEASE);
    }
    add_u32(&crew->posters_left, (uint32_t)-1, TEST_RELEASE);
}

static inline void
crew_look(const struct crew *crew, struct moment *moment)
{
    barrier_full();
    for (uint32_t i = 0; i < crew->cell.posters; i++)
        for (int at = 0; at < LEDGER_TOPICS; at++) {
            const struct poster *poster = &crew->posters[i];

            moment->returned[i][at] = load_u64(&poster->returned[at], TEST_ACQUIRE);
            moment->begun[i][at] = load_u64(&poster->begun[at], TEST_ACQUIRE);
        }
    barrier_full();
}

/* ---- trials ---- */

/* A bus of the cell's kind, posters that do not post yet. */
static inline void
crew_open(struct crew *crew, const struct cell *cell, struct ringbus_options *options)
{
    struct ringbus_group_options group = ringbus_group_options_default();

    *crew = (struct crew){.cell = *cell, .random = cell->seed};
    group.lanes = cell->lanes;
    group.capacity = cell->capacity;
    crew->bus = bus_open(options);
    MUST(ringbus_group_open(crew->bus, &group, &crew->group) == RINGBUS_OK, "no group");
    for (int at = 0; at < LEDGER_TOPICS; at++)
        MUST(ringbus_topic_open(crew->bus, crew_topics[at], &crew->topics[at]) == RINGBUS_OK,
            "no topic");
}

/* A consumer that stays is registered. */
static inline void
crew_register(struct crew *crew, struct ringbus_consumer *consumer, int topic)
{
    const int outcome = ringbus_register_consumer(crew->bus, consumer, crew_topics[topic]);

    MUST(outcome == RINGBUS_OK, "register: %s", ringbus_error_name(outcome));
    crew->stay[topic]++;
}

static inline void
crew_start_posters(struct crew *crew)
{
    store_u32(&crew->posters_left, crew->cell.posters, ORDER_OWN);
    for (uint32_t i = 0; i < crew->cell.posters; i++) {
        struct poster *poster = &crew->posters[i];

        *poster = (struct poster){.crew = crew, .number = i};
        poster->count = crew->cell.events / crew->cell.posters + 1;
        poster->random = crew->cell.seed + i + 1;
        worker_start(&poster->worker, crew_post_all, poster);
    }
}

static inline void
crew_close(struct crew *crew)
{
    const int outcome =
        IN_TIME(crew->bus, ringbus_shutdown(crew->bus, RINGBUS_DRAIN, RINGBUS_FOREVER));

    MUST(outcome == RINGBUS_OK, "shutdown: %s", ringbus_error_name(outcome));
    for (int at = 0; at < LEDGER_TOPICS; at++)
        ringbus_topic_close(crew->topics[at]);
    bus_close(crew->bus);
}

/* Call `run` for each number of posters and lanes and each size of ring. */
static inline void
crew_each_cell(struct cell cell, void (*run)(const struct cell *cell))
{
    static const uint32_t counts[] = {1, 2, 4}, capacities[] = {4, 1024};
    const uint64_t events = cell.events;

    for (int posters = 0; posters < 3; posters++)
        for (int lanes = 0; lanes < 3; lanes++)
            for (int i = 0; i < 2; i++) {
                cell.posters = counts[posters];
                cell.lanes = counts[lanes];
                cell.capacity = capacities[i];
                cell.events = capacities[i] > 4 ? events : events / 64 + LEAST_EVENTS;
                cell.seed += 0x9e3779b97f4a7c15u;
                run(&cell);
            }
}

#endif
