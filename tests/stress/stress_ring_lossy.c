/* stress_ring_lossy.c - readers that copy while producers overwrite: nothing torn, nothing uncounted; first one thread
 * that stands for two, at every moment of what the one does, then many threads. */
#include <sched.h>
#include <stdlib.h>

#include "ring/fixture.h"
#include "support/lossy.h"

/* ---- at every moment ---- */

enum { STEP_SIZE = 16 };

/* What one does, and the other in its midst. */
struct scene {
    struct ringbus_ring *ring;
    struct ringbus_reader *reader;
    uint64_t burst; /* events that are published at that moment */
    unsigned char payload[STEP_SIZE], buffer[STEP_SIZE + 1];
    struct ringbus_copy copy;
    int outcome;    /* of the copy */
    int64_t result; /* of the publish */
    uint64_t copied, lost, published;
    int64_t expected;
};

static struct scene
begin_scene(uint32_t capacity, uint32_t kind, uint64_t burst)
{
    struct scene scene = {.ring = open_lossy(capacity, STEP_SIZE, 0, kind), .burst = burst};

    scene.reader = open_reader(scene.ring);
    publish_events(scene.ring, capacity);
    scene.published = capacity;
    fill_event(scene.payload, STEP_SIZE, capacity);
    scene.buffer[STEP_SIZE] = LOSSY_GUARD;
    return scene;
}

static void
copy_next(void *context)
{
    struct scene *scene = context;

    scene->outcome = ringbus_reader_copy(scene->reader, scene->buffer, &scene->copy);
}

static void
publish_next(void *context)
{
    struct scene *scene = context;

    scene->result = ringbus_ring_publish_copy(scene->ring, scene->payload, STEP_SIZE, 0);
}

static void
publish_burst(void *context)
{
    struct scene *scene = context;

    publish_events(scene->ring, scene->burst);
    scene->published += scene->burst;
}

/* What the last copy brought. */
static bool
note_copy(struct scene *scene)
{
    if (scene->outcome != RINGBUS_OK)
        return false;
    must_be_whole(scene->buffer, STEP_SIZE, scene->copy.sequence);
    MUST(scene->copy.sequence == scene->expected + (int64_t)scene->copy.lost,
        "a loss is not told exactly");
    scene->expected = scene->copy.sequence + 1;
    scene->copied++;
    scene->lost += scene->copy.lost;
    return true;
}

/* Both are done, and have missed nothing together. */
static void
end_scene(struct scene *scene, int outcome)
{
    while (note_copy(scene))
        copy_next(scene);
    ck_assert_int_eq(scene->outcome, outcome);
    ck_assert_uint_eq(scene->copied + scene->lost, scene->published);
    ck_assert_uint_eq(ringbus_reader_lost(scene->reader), scene->lost);
    ringbus_ring_close(scene->ring);
}

START_TEST(a_copy_that_is_overwritten_at_any_moment_is_whole_or_lost)
{
    static const struct {
        uint32_t capacity;
        uint64_t burst;
    } rows[] = {{2, 1}, {2, 3}, {4, 1}, {4, 9}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool has_more = true;

        for (uint64_t nth = 1; has_more; nth++) {
            struct scene scene =
                begin_scene(rows[i].capacity, RINGBUS_PRODUCERS_MULTI, rows[i].burst);

            has_more = act_at_step(nth, copy_next, &scene, publish_burst, &scene);
            end_scene(&scene, RINGBUS_EAGAIN);
        }
    }
}
END_TEST

/* In the midst of a publish. */
static void
copy_meanwhile(void *context)
{
    copy_next(context);
    note_copy(context);
}

START_TEST(a_reader_at_any_moment_of_a_publish_gets_whole_events)
{
    FOR_EACH_KIND(kind)
    {
        bool has_more = true;

        for (uint64_t nth = 1; has_more; nth++) {
            struct scene scene = begin_scene(2, kind, 0);

            has_more = act_at_step(nth, publish_next, &scene, copy_meanwhile, &scene);
            ck_assert_int_eq(scene.result, 2);
            scene.published++;
            copy_next(&scene);
            end_scene(&scene, RINGBUS_EAGAIN);
        }
    }
}
END_TEST

static void
end_meanwhile(void *context)
{
    struct scene *scene = context;

    ringbus_ring_end(scene->ring);
    copy_meanwhile(scene);
}

START_TEST(a_line_that_ends_at_any_moment_of_a_publish_keeps_the_count)
{
    FOR_EACH_KIND(kind)
    {
        bool has_more = true;

        for (uint64_t nth = 1; has_more; nth++) {
            struct scene scene = begin_scene(2, kind, 0);

            has_more = act_at_step(nth, publish_next, &scene, end_meanwhile, &scene);
            ringbus_ring_end(scene.ring);
            ck_assert(scene.result == RINGBUS_ESHUTDOWN || scene.result == 2);
            scene.published += scene.result >= 0;
            copy_next(&scene);
            end_scene(&scene, RINGBUS_ESHUTDOWN);
        }
    }
}
END_TEST

/* ---- many threads ---- */

enum { MOST_PRODUCERS = 3, MOST_READERS = 4, MOST_WORDS = 6 };

/* One ring, and who uses it. */
struct trial {
    uint32_t capacity, size, producers, readers;
    int64_t first;
    uint64_t count; /* events of each producer */
    bool is_cut;    /* somebody ends the line meanwhile */

    struct ringbus_ring *ring;
    uint64_t *published; /* the number of each sequence's event; written by its producer */
    uint64_t total;      /* how many there are, written when the producers are done */
};

struct actor {
    struct worker worker;
    struct trial *trial;
    uint32_t number;
    uint64_t random, done; /* events published, or copied */
    struct ringbus_reader *reader;
    uint64_t *copied; /* the number of each sequence's event, as the reader got it; 0: lost */
};

/* The words of the event with that number, never 0. */
static uint64_t
word_of(uint64_t number, size_t at)
{
    return at == 0 ? number : (number + at) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
produce(void *context)
{
    struct actor *actor = context;
    struct trial *trial = actor->trial;

    for (uint64_t i = 0; i < trial->count; i++) {
        const uint64_t number = (i * MOST_PRODUCERS + actor->number) + 1;
        uint64_t words[MOST_WORDS];
        int64_t sequence = 0;

        for (size_t at = 0; at < MOST_WORDS; at++)
            words[at] = word_of(number, at);
        sequence = ringbus_ring_publish_copy(trial->ring, words, trial->size, RINGBUS_FOREVER);
        if (sequence == RINGBUS_ESHUTDOWN)
            break;
        MUST(sequence >= trial->first, "a publish gives %lld", (long long)sequence);
        trial->published[sequence - trial->first] = number;
        actor->done++;
        if (next_random(&actor->random) % 8 == 0)
            dawdle(&actor->random, 300);
    }
}

static void
note(struct actor *actor, const unsigned char *buffer, const struct ringbus_copy *copy)
{
    const struct trial *trial = actor->trial;
    uint64_t number = 0;

    memcpy(&number, buffer, trial->size < sizeof number ? trial->size : sizeof number);
    for (size_t at = 0; (at + 1) * sizeof number <= trial->size; at++) {
        const uint64_t wanted = word_of(number, at);

        MUST(memcmp(buffer + at * sizeof number, &wanted, sizeof wanted) == 0, "event %lld is torn",
            (long long)copy->sequence);
    }
    actor->copied[copy->sequence - trial->first] = number;
    actor->done++;
}

static void
read_all(void *context)
{
    struct actor *actor = context;
    unsigned char buffer[MOST_WORDS * sizeof(uint64_t)];
    struct ringbus_copy each;
    int64_t expected = actor->trial->first;
    uint64_t lost = 0;
    int outcome = RINGBUS_OK;

    while (outcome != RINGBUS_ESHUTDOWN) {
        if (next_random(&actor->random) % 2 == 0)
            outcome = ringbus_reader_copy(actor->reader, buffer, &each);
        else
            outcome = ringbus_reader_copy_until(actor->reader, RINGBUS_FOREVER, buffer, &each);
        if (outcome != RINGBUS_OK)
            continue;
        MUST(each.sequence == expected + (int64_t)each.lost, "event %lld after %lld, %llu lost",
            (long long)each.sequence, (long long)expected, (unsigned long long)each.lost);
        expected = each.sequence + 1;
        lost += each.lost;
        note(actor, buffer, &each);
        if (next_random(&actor->random) % 16 == 0)
            dawdle(&actor->random, 2000);
        if (next_random(&actor->random) % 256 == 0)
            sched_yield();
    }
    MUST(lost == ringbus_reader_lost(actor->reader), "the figure is not what was told");
}

static struct actor
actor_of(struct trial *trial, uint32_t number)
{
    return (struct actor){.trial = trial, .number = number, .random = 77 + number};
}

static void
start_readers(struct trial *trial, struct actor *readers)
{
    for (uint32_t i = 0; i < trial->readers; i++) {
        struct ringbus_reader_options options = ringbus_reader_options_default();

        options.wait = i % RINGBUS_WAIT_CUSTOM;
        readers[i] = actor_of(trial, MOST_PRODUCERS + i);
        readers[i].copied = calloc(trial->producers * trial->count, sizeof *readers[i].copied);
        MUST(ringbus_reader_open(trial->ring, &options, &readers[i].reader) == RINGBUS_OK,
            "no reader");
        worker_start(&readers[i].worker, read_all, &readers[i]);
    }
}

static void
check_reader(const struct trial *trial, struct actor *reader)
{
    const uint64_t mask = trial->size < 8 ? (UINT64_C(1) << 8 * trial->size) - 1 : UINT64_MAX;
    uint64_t lost = 0;

    worker_join(&reader->worker, "a reader");
    for (uint64_t i = 0; i < trial->total; i++)
        if (reader->copied[i] == 0 && (trial->published[i] & mask) != 0)
            lost++;
        else
            ck_assert_uint_eq(reader->copied[i], trial->published[i] & mask);
    ck_assert_uint_ge(ringbus_reader_lost(reader->reader), lost);
    ck_assert_uint_eq(reader->done + ringbus_reader_lost(reader->reader), trial->total);
    free(reader->copied);
}

static void
run(struct trial trial)
{
    struct actor producers[MOST_PRODUCERS], readers[MOST_READERS];

    trial.ring = open_lossy(trial.capacity, trial.size, trial.first,
        trial.producers == 1 ? RINGBUS_PRODUCERS_SINGLE : RINGBUS_PRODUCERS_MULTI);
    trial.published = calloc(trial.producers * trial.count, sizeof *trial.published);
    start_readers(&trial, readers);
    for (uint32_t i = 0; i < trial.producers; i++) {
        producers[i] = actor_of(&trial, i);
        worker_start(&producers[i].worker, produce, &producers[i]);
    }
    if (trial.is_cut) {
        AWAIT(ringbus_ring_cursor(trial.ring) >= trial.first + trial.capacity);
        ringbus_ring_end(trial.ring);
    }
    for (uint32_t i = 0; i < trial.producers; i++) {
        worker_join(&producers[i].worker, "a producer");
        trial.total += producers[i].done;
    }
    ringbus_ring_end(trial.ring);
    for (uint32_t i = 0; i < trial.readers; i++)
        check_reader(&trial, &readers[i]);
    free(trial.published);
    ringbus_ring_close(trial.ring);
}

START_TEST(nothing_is_torn_or_uncounted_while_producers_overwrite)
{
    static const uint32_t capacities[] = {2, 4, 1024}, sizes[] = {1, 8, 24, 48};
    const int64_t begun = ringbus_now_ns();

    for (uint32_t i = 0; i < 36 && (i < 12 || has_time_for_a_part(begun)); i++)
        run((struct trial){.capacity = capacities[i % 3],
            .size = sizes[i / 3 % 4],
            .producers = 1 + i % MOST_PRODUCERS,
            .readers = 1 + i / 3 % MOST_READERS,
            .first = lossy_firsts[i % 5],
            .count = scaled(5000)});
}
END_TEST

START_TEST(nothing_is_uncounted_when_the_line_ends_amid_it)
{
    const int64_t begun = ringbus_now_ns();

    for (uint32_t i = 0; i < 300 && has_time_for_a_part(begun); i++)
        run((struct trial){.capacity = i % 2 == 0 ? 2 : 4,
            .size = 24,
            .producers = 1 + i / 2 % 2,
            .readers = 2,
            .first = lossy_firsts[i % 5],
            .count = scaled(20000),
            .is_cut = true});
}
END_TEST

int
main(void)
{
    return RUN_TESTS("ring lossy", a_copy_that_is_overwritten_at_any_moment_is_whole_or_lost,
        a_reader_at_any_moment_of_a_publish_gets_whole_events,
        a_line_that_ends_at_any_moment_of_a_publish_keeps_the_count,
        nothing_is_torn_or_uncounted_while_producers_overwrite,
        nothing_is_uncounted_when_the_line_ends_amid_it);
}
