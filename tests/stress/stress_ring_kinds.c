/* stress_ring_kinds.c - rings and readers drawn by lot: one producer or many, every wait, a history, a clear hook,
 * readers after others, readers that come and go, an end in the midst of it; and what each of them must have seen.
 *
 * The seed is printed; RINGBUS_STRESS_SEED draws the same again. Nothing has a time-out but the joins. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/crowd.h"

struct trial {
    struct crowd crowd;
    size_t size; /* sequences there is a place for */
    struct crowd_actor producers[CROWD_PRODUCERS];
    struct crowd_actor readers[CROWD_READERS + CROWD_GUESTS];
    struct worker ender;
};

static uint64_t
draw(uint64_t *random, uint64_t from, uint64_t to)
{
    return from + next_random(random) % (to - from + 1);
}

/* ---- drawing ---- */

static void
draw_ring(struct ringbus_ring_options *options, uint64_t *random)
{
    static const uint32_t capacities[] = {2, 2, 4, 4, 8, 1024};
    static const int64_t near[] = {0, INT64_C(1) << 31, INT64_C(1) << 32, INT64_C(1) << 62};

    *options = ringbus_ring_options_default();
    options->capacity = capacities[draw(random, 0, 5)];
    options->first = near[draw(random, 0, 3)];
    options->first -= options->first > 0 ? (int64_t)draw(random, 0, 100) : 0;
    options->slot_size = 48;
    options->alignment = 8u << draw(random, 0, 3);
    options->stride = draw(random, 0, 1) ? 128 : 0;
    options->history = draw(random, 0, 2) ? 0 : (uint32_t)draw(random, 1, options->capacity / 2);
    options->producers = draw(random, 0, 1) ? RINGBUS_PRODUCERS_SINGLE : RINGBUS_PRODUCERS_MULTI;
    options->max_readers = CROWD_READERS + CROWD_GUESTS;
}

static void
draw_trial(struct trial *trial, uint64_t *random, uint64_t events)
{
    struct crowd *crowd = &trial->crowd;

    *trial = (struct trial){.size = 0};
    draw_ring(&crowd->options, random);
    if (draw(random, 0, 1)) {
        crowd->options.clear = crowd_clear;
        crowd->options.clear_context = crowd;
    }
    crowd->producer_count =
        crowd->options.producers ? 1 : (uint32_t)draw(random, 1, CROWD_PRODUCERS);
    crowd->reader_count = (uint32_t)draw(random, 0, CROWD_READERS);
    crowd->guest_count = (uint32_t)draw(random, 0, CROWD_GUESTS);
    crowd->is_small = crowd->producer_count + crowd->reader_count + crowd->guest_count <= 3;
    crowd->options.wait = crowd_draw_wait(crowd, random, RINGBUS_WAIT_CUSTOM);
    crowd->claims = (uint32_t)events / crowd->producer_count + 1;
    crowd->end_after = draw(random, 0, 1) ? (int64_t)draw(random, 0, events) : 0;
    trial->size = (crowd->claims + 2 * CROWD_HELD) * crowd->producer_count;
    for (uint32_t i = 0; i < CROWD_PRODUCERS; i++)
        trial->producers[i] =
            (struct crowd_actor){.crowd = crowd, .number = i, .random = draw(random, 1, 1u << 30)};
    for (uint32_t i = 0; i < CROWD_READERS + CROWD_GUESTS; i++)
        trial->readers[i] =
            (struct crowd_actor){.crowd = crowd, .number = i, .random = draw(random, 1, 1u << 30)};
    for (uint32_t i = 1; i < crowd->reader_count; i++)
        trial->readers[i].after = draw(random, 0, 1) ? (uint32_t)draw(random, 0, (1u << i) - 1) : 0;
}

/* ---- one trial ---- */

static void
open_trial(struct trial *trial)
{
    struct crowd *crowd = &trial->crowd;

    MUST(ringbus_ring_open(&crowd->options, &crowd->ring) == RINGBUS_OK, "no ring");
    crowd->view = ringbus_ring_view(crowd->ring);
    crowd->fates = calloc(trial->size, sizeof *crowd->fates);
    crowd->passed = calloc(trial->size, sizeof *crowd->passed);
    crowd->cleared = calloc(trial->size, sizeof *crowd->cleared);
    MUST(crowd->fates && crowd->passed && crowd->cleared, "no memory");
    for (uint32_t i = 0; i < crowd->reader_count; i++)
        crowd_join(&trial->readers[i], trial->readers, 0);
}

static void
start_all(struct trial *trial)
{
    struct crowd *crowd = &trial->crowd;

    for (uint32_t i = 0; i < crowd->reader_count + crowd->guest_count; i++)
        worker_start(&trial->readers[i].worker,
            i < crowd->reader_count ? crowd_read_all : crowd_come_and_go, &trial->readers[i]);
    for (uint32_t i = 0; i < crowd->producer_count; i++)
        worker_start(&trial->producers[i].worker, crowd_produce, &trial->producers[i]);
    if (crowd->end_after > 0)
        worker_start(&trial->ender, crowd_end_sometime, crowd);
}

static void
join_all(struct trial *trial)
{
    struct crowd *crowd = &trial->crowd;

    for (uint32_t i = 0; i < crowd->producer_count; i++)
        worker_join(&trial->producers[i].worker, "a producer");
    store_u32(&crowd->has_produced, 1, ORDER_HINT);
    if (crowd->end_after > 0)
        worker_join(&trial->ender, "who ends the line");
    for (uint32_t i = crowd->reader_count; i < crowd->reader_count + crowd->guest_count; i++)
        worker_join(&trial->readers[i].worker, "a reader that comes and goes");
    ringbus_ring_end(crowd->ring);
    for (uint32_t i = 0; i < crowd->reader_count; i++)
        worker_join(&trial->readers[i].worker, "a reader that stays");
}

/* All that was claimed is below the cursor; above the last of it only a claim of one producer that came too late. */
static void
check_line(const struct trial *trial)
{
    const struct crowd *crowd = &trial->crowd;
    const size_t end = (size_t)(ringbus_ring_cursor(crowd->ring) + 1 - crowd->options.first);
    uint64_t claimed = 0;

    for (uint32_t i = 0; i < crowd->producer_count; i++)
        claimed += trial->producers[i].claimed;
    MUST(end == claimed ||
             (crowd->options.producers && end > claimed && end - claimed <= CROWD_CLAIM),
        "%zu sequences, %" PRIu64 " claims", end, claimed);
    for (size_t at = 0; at < end; at++)
        MUST((crowd->fates[at] != 0) == (at < claimed), "sequence %zu was claimed by nobody", at);
}

static void
check_readers(const struct trial *trial)
{
    const struct crowd *crowd = &trial->crowd;

    for (uint32_t i = 0; i < crowd->reader_count; i++)
        for (uint32_t from = 0; from < crowd->producer_count; from++)
            MUST(trial->readers[i].history.next[from] == trial->producers[from].published,
                "reader %u has %" PRIu64 " of the %" PRIu64 " events of producer %u", i,
                trial->readers[i].history.next[from], trial->producers[from].published, from);
}

static void
close_trial(struct trial *trial)
{
    struct crowd *crowd = &trial->crowd;

    store_u32(&crowd->has_left, 1, ORDER_HINT);
    for (uint32_t i = crowd->reader_count; i > 0; i--)
        crowd_leave(&trial->readers[i - 1]);
    ringbus_ring_close(crowd->ring);
    for (size_t at = 0; at < trial->size; at++)
        MUST(load_u32(&crowd->cleared[at], ORDER_HINT) ==
                 (crowd->options.clear != NULL && crowd->fates[at] == PUBLISHED),
            "sequence %zu, with fate %d, is cleared or not", at, crowd->fates[at]);
    free(crowd->fates);
    free(crowd->passed);
    free(crowd->cleared);
}

static void
run_trial(uint64_t seed, uint64_t events)
{
    struct trial trial;
    uint64_t random = seed;
    const struct crowd *crowd = &trial.crowd;

    draw_trial(&trial, &random, events);
    printf("seed %" PRIu64 ": %u slots from %" PRId64 ", %u kept, wait %u, %u %s, %u readers, "
           "%u guests%s, end after %" PRId64 "\n",
        seed, crowd->options.capacity, crowd->options.first, crowd->options.history,
        crowd->options.wait, crowd->producer_count,
        crowd->options.producers ? "single producer" : "producers", crowd->reader_count,
        crowd->guest_count, crowd->options.clear ? ", clearing" : "", crowd->end_after);
    open_trial(&trial);
    start_all(&trial);
    join_all(&trial);
    check_line(&trial);
    check_readers(&trial);
    close_trial(&trial);
}

/* Many short trials: what is rare happens at the beginning and at the end. */
static void
run_trials(uint64_t count, uint64_t events)
{
    const char *given = getenv("RINGBUS_STRESS_SEED");
    const int64_t begun = ringbus_now_ns();
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)begun;

    for (uint64_t left = scaled(count); left > 0 && has_time_for_a_part(begun); left--, seed++)
        run_trial(seed, events);
}

START_TEST(a_few_events_through_rings_of_all_kinds_reach_everybody)
{
    run_trials(400, 40);
}
END_TEST

START_TEST(many_events_through_rings_of_all_kinds_reach_everybody)
{
    run_trials(60, 2000);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring kinds", a_few_events_through_rings_of_all_kinds_reach_everybody,
        many_events_through_rings_of_all_kinds_reach_everybody);
}
