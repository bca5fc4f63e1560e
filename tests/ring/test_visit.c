/* test_visit.c - the figures of a ring. */
#include "ring/test_visit.h"
#include "ringbus/share.h"

/* ---- the ring ---- */

START_TEST(an_empty_ring_says_so)
{
    struct ringbus_ring *ring = open_ring_at(8, 100, RINGBUS_WAIT_BLOCK);

    CHECK_RING(ring, "capacity", 8);
    CHECK_RING(ring, "history", 0);
    CHECK_RING(ring, "cursor", 99);
    CHECK_RING(ring, "published", 99);
    CHECK_RING(ring, "gate", 99);
    CHECK_RING(ring, "room", 8);
    CHECK_RING(ring, "open_claims", 0);
    CHECK_RING(ring, "oldest_open", -1);
    CHECK_RING(ring, "oldest_open_ns", 0);
    CHECK_RING(ring, "readers", 0);
    CHECK_RING(ring, "waits", 0);
    CHECK_RING(ring, "waiting", 0);
    CHECK_RING(ring, "ended", 0);
    ringbus_ring_end(ring);
    CHECK_RING(ring, "ended", 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(open_claims_are_counted_until_they_are_published_or_abandoned)
{
    struct ringbus_ring *ring = open_ring(8);

    ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 0);
    publish(ring, 1);
    CHECK_RING(ring, "cursor", 3);
    CHECK_RING(ring, "published", -1);
    CHECK_RING(ring, "open_claims", 3);
    CHECK_RING(ring, "oldest_open", 0);
    ringbus_ring_publish(ring, 1, 1);
    CHECK_RING(ring, "open_claims", 2);
    CHECK_RING(ring, "oldest_open", 0);
    ringbus_ring_abandon(ring, 0, 1);
    CHECK_RING(ring, "published", 1);
    CHECK_RING(ring, "open_claims", 1);
    CHECK_RING(ring, "oldest_open", 2);
    ringbus_ring_publish(ring, 2, 1);
    CHECK_RING(ring, "published", 3);
    CHECK_RING(ring, "oldest_open", -1);
    ringbus_ring_close(ring);
}
END_TEST

/* How many can be claimed, found out by claiming; what was claimed is published. */
static int64_t
claimable(struct ringbus_ring *ring, uint32_t most)
{
    for (uint32_t n = most; n > 0; n--) {
        const int64_t first = ringbus_ring_try_claim(ring, n);

        if (first < 0)
            continue;
        ringbus_ring_publish(ring, first, n);
        return n;
    }
    return 0;
}

static void
forget(void *payload, int64_t sequence, void *context)
{
    (void)payload;
    (void)sequence;
    (void)context;
}

/* Something happens: a claim that stays open for a while, a commit, a reader that comes or goes. */
static void
live(struct ringbus_ring *ring, struct ringbus_reader **readers, int64_t *open, uint64_t *random)
{
    const uint64_t what = next_random(random) % 4, which = next_random(random) % 2;
    struct ringbus_run run;

    if (what == 0 && *open >= 0) {
        ringbus_ring_publish(ring, *open, 1);
        *open = -1;
    } else if (what == 0)
        *open = ringbus_ring_try_claim(ring, 1);
    else if (what == 1 && readers[which] == NULL)
        readers[which] = open_reader(ring);
    else if (what == 1 && next_random(random) % 4 == 0) {
        close_reader(readers[which]);
        readers[which] = NULL;
    } else if (readers[which] != NULL && ringbus_reader_poll(readers[which], 2, &run) == RINGBUS_OK)
        ringbus_reader_commit(readers[which], run.first + run.count - 1);
}

START_TEST(room_is_what_can_be_claimed)
{
    enum { CAPACITY = 4 };

    for (uint32_t shape = 0; shape < 4; shape++) {
        struct ringbus_ring_options options = ringbus_ring_options_default();
        struct ringbus_ring *ring = NULL;
        struct ringbus_reader *readers[2] = {NULL, NULL};
        uint64_t random = 77 + shape;
        int64_t open = -1;

        options.capacity = CAPACITY;
        options.history = shape % 2;
        options.clear = shape / 2 ? forget : NULL;
        ring = open_ring_with(&options);
        for (int i = 0; i < 2000; i++) {
            int64_t room = 0, oldest = 0;

            live(ring, readers, &open, &random);
            room = figure_of(ring, "ring", "", "room");
            oldest = figure_of(ring, "ring", "", "oldest_open");
            ck_assert_int_eq(oldest, open < 0 ? -1 : open);
            ck_assert_int_eq(ring->seen_published, figure_of(ring, "ring", "", "published"));
            ck_assert_int_eq(claimable(ring, CAPACITY - options.history), room);
        }
        ringbus_ring_close(ring);
    }
}
END_TEST

static struct atomic_u32 clears, may_clear;

static void
clear_slowly(void *payload, int64_t sequence, void *context)
{
    (void)payload;
    (void)sequence;
    (void)context;
    add_u32(&clears, 1, TEST_RELEASE);
    AWAIT(load_u32(&may_clear, TEST_ACQUIRE));
}

static void
commit_two(void *context)
{
    ringbus_reader_commit(context, 1);
}

START_TEST(a_clear_hook_that_does_not_return_holds_the_gate)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *reader = NULL;
    struct worker worker;

    options.capacity = 4;
    options.clear = clear_slowly;
    ring = open_ring_with(&options);
    reader = open_reader(ring);
    publish(ring, 2);
    worker_start(&worker, commit_two, reader);
    AWAIT(load_u32(&clears, TEST_ACQUIRE) == 1);
    CHECK_READER(ring, "reader-0", "position", 1);
    CHECK_RING(ring, "gate", -1);
    CHECK_RING(ring, "room", 2);
    store_u32(&may_clear, 1, TEST_RELEASE);
    worker_join(&worker, "the reader");
    CHECK_RING(ring, "gate", 1);
    CHECK_RING(ring, "room", 4);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- the age of a claim ---- */

static int64_t fake_now;

static int64_t
tell_fake_time(void)
{
    return fake_now;
}

START_TEST(the_age_of_the_oldest_open_claim_counts_from_the_first_visit_that_saw_it)
{
    struct ringbus_ring *ring = begin_watched(8, RINGBUS_WAIT_BLOCK);

    ringbus__os.now_ns = tell_fake_time;
    fake_now = 1000;
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 3), 0);
    CHECK_RING(ring, "oldest_open_ns", 0);
    fake_now += 5000;
    CHECK_RING(ring, "oldest_open_ns", 5000);
    publish(ring, 1); /* a younger one makes no difference */
    fake_now += 1000;
    CHECK_RING(ring, "oldest_open_ns", 6000);
    ringbus_ring_publish(ring, 0, 2);
    fake_now += 1000;
    CHECK_RING(ring, "oldest_open", 2);
    CHECK_RING(ring, "oldest_open_ns", 0);
    fake_now += 7;
    CHECK_RING(ring, "oldest_open_ns", 7);
    ringbus_ring_publish(ring, 2, 1);
    fake_now += 7;
    CHECK_RING(ring, "oldest_open_ns", 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 4);
    fake_now += 7;
    CHECK_RING(ring, "oldest_open_ns", 0);
    end_watched(ring);
}
END_TEST

/* ---- readers ---- */

START_TEST(each_reader_is_named_with_its_position_and_lag)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *fast = open_named(ring, "fast", NULL);
    struct ringbus_reader *slow = open_named(ring, "slow", NULL);

    CHECK_RING(ring, "readers", 2);
    publish(ring, 5);
    ringbus_reader_commit(fast, 3);
    ringbus_reader_commit(slow, 0);
    CHECK_READER(ring, "fast", "position", 3);
    CHECK_READER(ring, "fast", "lag", 1);
    CHECK_READER(ring, "slow", "position", 0);
    CHECK_READER(ring, "slow", "lag", 4);
    CHECK_READER(ring, "slow", "lost", 0);
    CHECK_RING(ring, "gate", 0);
    CHECK_RING(ring, "room", 4);
    close_reader(slow);
    CHECK_RING(ring, "readers", 1);
    CHECK_RING(ring, "gate", 3);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(the_slowest_reader_that_has_something_to_read_holds_the_gate)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *first = open_named(ring, "first", NULL);
    struct ringbus_reader *other = open_named(ring, "other", NULL);
    struct ringbus_reader *last = open_named(ring, "last", first);

    CHECK_READER(ring, "first", "holds_gate", 0); /* nobody has anything to read */
    publish(ring, 2);
    CHECK_READER(ring, "first", "holds_gate", 1);
    CHECK_READER(ring, "other", "holds_gate", 1);
    CHECK_READER(ring, "last", "holds_gate", 0); /* it waits for the first one */
    ringbus_reader_commit(first, 1);
    CHECK_READER(ring, "first", "holds_gate", 0);
    CHECK_READER(ring, "last", "holds_gate", 1);
    ringbus_reader_commit(last, 1);
    CHECK_READER(ring, "last", "holds_gate", 0);
    CHECK_READER(ring, "other", "holds_gate", 1);
    ringbus_reader_commit(other, 1);
    CHECK_READER(ring, "other", "holds_gate", 0);
    ck_assert_int_eq(ringbus_ring_try_claim(ring, 1), 2);
    publish(ring, 1);
    CHECK_READER(ring, "other", "lag", 2); /* but the next event is an open claim */
    CHECK_READER(ring, "other", "holds_gate", 0);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_reader_is_asleep_while_it_must_be_woken)
{
    struct ringbus_ring *ring = begin_watched(8, RINGBUS_WAIT_BLOCK);
    struct sleeper sleeper = {.reader = open_named(ring, "r", NULL)};
    struct ringbus_run run;

    CHECK_READER(ring, "r", "asleep", 0);
    let_sleep(&sleeper, wait_for_run, 1);
    CHECK_READER(ring, "r", "asleep", 1);
    publish(ring, 1);
    worker_join(&sleeper.worker, "a reader");
    CHECK_READER(ring, "r", "asleep", 0);
    CHECK_READER(ring, "r", "wakes", 1);
    ringbus_reader_commit(sleeper.reader, 0);
    while (os_watch_sleeps() < 2)
        ck_assert_int_eq(
            ringbus_reader_wait_until(sleeper.reader, 1, ringbus_now_ns() + 2 * MILLISECOND, &run),
            RINGBUS_ETIMEDOUT);
    CHECK_READER(ring, "r", "asleep", 0); /* the deadline has woken it */
    ringbus__reader_arm(open_reader_after(ring, RINGBUS_WAIT_CUSTOM, NULL, 0));
    CHECK_READER(ring, "reader-1", "asleep", 1); /* in a way of its own */
    end_watched(ring);
}
END_TEST

static struct ringbus_ring *falling_asleep;

static void
publish_meanwhile(void)
{
    publish(falling_asleep, 1);
}

START_TEST(who_finds_something_before_it_sleeps_is_not_asleep_and_is_not_woken)
{
    struct ringbus_ring *ring = begin_watched(8, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_named(ring, "r", NULL);
    struct ringbus_run run;

    falling_asleep = ring;
    ringbus__os.barrier = publish_meanwhile;
    if (os_has_barrier()) {
        const uint64_t wakes = os_watch_wakes();

        ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, patience_ends(), &run), RINGBUS_OK);
        CHECK_READER(ring, "r", "asleep", 0);
        ringbus__reader_announce(reader); /* a bit that was left behind ... */
        store_u32(&reader->asleep, 0, ORDER_OWN);
        publish(ring, 1);
        ck_assert_uint_le(os_watch_wakes(), wakes + 1); /* ... wakes nobody */
    }
    end_watched(ring);
}
END_TEST

START_TEST(readers_of_a_lossy_ring_tell_what_they_lost_and_hold_up_nobody)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    struct ringbus_reader *reader = NULL;
    unsigned char buffer[64];
    struct ringbus_copy copy;

    options.capacity = 4;
    options.is_lossy = 1;
    ring = open_ring_with(&options);
    reader = open_named(ring, "r", NULL);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(ringbus_ring_publish_copy(ring, "x", 1, 0), i);
    CHECK_RING(ring, "gate", 9);
    CHECK_RING(ring, "room", 4);
    CHECK_READER(ring, "r", "holds_gate", 0);
    CHECK_READER(ring, "r", "lag", 10);
    ck_assert_int_eq(ringbus_reader_copy(reader, buffer, &copy), RINGBUS_OK);
    CHECK_READER(ring, "r", "lost", copy.sequence);
    CHECK_READER(ring, "r", "position", copy.sequence);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_worker_with_a_range_holds_the_gate)
{
    struct ringbus_share_options options = ringbus_share_options_default();
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_share *share = NULL;
    struct ringbus_worker *workers[2];
    struct ringbus_run run;

    options.name = "pool";
    ck_assert_int_eq(ringbus_share_open(ring, &options, &share), RINGBUS_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ringbus_worker_open(share, &workers[i]), RINGBUS_OK);
    publish(ring, 4);
    CHECK_READER(ring, "pool", "holds_gate", 1);
    ck_assert_int_eq(ringbus_worker_poll(workers[1], 4, &run), RINGBUS_OK);
    CHECK_RING(ring, "readers", 1);
    ck_assert_int_eq(figure_of(ring, "worker", "pool/2", "holds_gate"), 1);
    ck_assert_int_eq(figure_of(ring, "worker", "pool/2", "position"), run.first - 1);
    ringbus_worker_commit(workers[1], run.first + run.count - 1);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(ringbus_worker_close(workers[i]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    CHECK_RING(ring, "readers", 0);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- visitors ---- */

static int
note_object(const struct ringbus_figure *figure, void *context)
{
    char *letters = context;
    const size_t length = strlen(letters);

    if (strcmp(figure->figure, "capacity") == 0 || strcmp(figure->figure, "position") == 0)
        letters[length] = figure->name[0] ? figure->name[0] : '.';
    return 0;
}

static int
stop_at_second(const struct ringbus_figure *figure, void *context)
{
    int *calls = context;

    (void)figure;
    return ++*calls == 2 ? -42 : 0;
}

static int
stop_at_reader(const struct ringbus_figure *figure, void *context)
{
    (void)context;
    return strcmp(figure->object, "reader") == 0 ? 7 : 0;
}

START_TEST(a_visit_goes_from_the_ring_to_the_readers_until_it_is_stopped)
{
    struct ringbus_ring *ring = open_ring(8);
    char letters[8] = "";
    int calls = 0;

    open_named(ring, "a", NULL);
    open_named(ring, "b", NULL);
    ck_assert_int_eq(ringbus_ring_visit(ring, note_object, letters), RINGBUS_OK);
    ck_assert_str_eq(letters, ".ab");
    ck_assert_int_eq(ringbus_ring_visit(ring, stop_at_second, &calls), -42);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(ringbus_ring_visit(ring, stop_at_reader, NULL), 7);
    ck_assert_int_eq(ringbus_ring_visit(NULL, note_object, letters), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_ring_visit(ring, NULL, NULL), RINGBUS_EINVAL);
    ringbus_ring_close(ring);
}
END_TEST

static int
use_ring(const struct ringbus_figure *figure, void *context)
{
    struct ringbus_ring *ring = context;

    (void)figure;
    close_reader(open_reader(ring));
    MUST(figure_of(ring, "ring", "", "readers") == 1, "a visit within a visit");
    return 0;
}

START_TEST(a_visitor_may_use_the_ring)
{
    struct ringbus_ring *ring = open_ring(8);

    open_reader(ring);
    ck_assert_int_eq(ringbus_ring_visit(ring, use_ring, ring), RINGBUS_OK);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_visit_without_memory_is_an_outcome)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct faulty_allocator faulty;
    struct ringbus_ring *ring = NULL;
    uint64_t live = 0;
    int calls = 0;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    ring = open_ring_with(&options);
    open_reader(ring);
    live = load_u64(&faulty.live_bytes, ORDER_COUNT);
    faulty.refuse_from = load_u64(&faulty.calls, ORDER_COUNT) + 1;
    faulty.refuse_count = 2;
    ck_assert_int_eq(ringbus_ring_visit(ring, stop_at_second, &calls), RINGBUS_ENOMEM);
    ck_assert_int_eq(ringbus_ring_dump(ring, stdout), RINGBUS_ENOMEM);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(ringbus_ring_visit(ring, stop_at_second, &calls), -42);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), live);
    ringbus_ring_close(ring);
}
END_TEST

/* ---- while the ring is busy ---- */

enum { EVENTS = 20000 };

static void
produce(void *context)
{
    for (uint64_t i = 0; i < scaled(EVENTS); i++) {
        const int64_t sequence = ringbus_ring_claim(context, 1);

        MUST(sequence >= 0, "no claim");
        ringbus_ring_publish(context, sequence, 1);
    }
}

static void
consume(void *context)
{
    struct ringbus_run run;

    while (ringbus_reader_wait_until(context, 3, RINGBUS_FOREVER, &run) == RINGBUS_OK)
        ringbus_reader_commit(context, run.first + run.count - 1);
}

/* Figures of one visit fit together. */
static int
check_sense(const struct ringbus_figure *figure, void *context)
{
    int64_t *cursor = context;

    if (strcmp(figure->figure, "cursor") == 0) {
        MUST(figure->value >= *cursor, "the cursor goes back");
        *cursor = figure->value;
    }
    if (strcmp(figure->figure, "published") == 0 || strcmp(figure->figure, "gate") == 0 ||
        strcmp(figure->figure, "position") == 0)
        MUST(figure->value >= -1 && figure->value <= *cursor, "%s is %lld, the cursor %lld",
            figure->figure, (long long)figure->value, (long long)*cursor);
    if (strcmp(figure->figure, "waiting") == 0)
        MUST(figure->value >= 0 && figure->value <= 3, "%lld wait", (long long)figure->value);
    return 0;
}

START_TEST(visits_disturb_nobody)
{
    struct ringbus_ring *ring = open_ring_at(4, 0, RINGBUS_WAIT_BLOCK);
    struct ringbus_reader *reader = open_named(ring, "reader", NULL);
    struct worker producers[2], worker;
    int64_t cursor = -1;

    worker_start(&worker, consume, reader);
    for (int i = 0; i < 2; i++)
        worker_start(&producers[i], produce, ring);
    while (ringbus_ring_cursor(ring) < (int64_t)(2 * scaled(EVENTS)) - 1) {
        ck_assert_int_eq(ringbus_ring_visit(ring, check_sense, &cursor), RINGBUS_OK);
        close_reader(open_named(ring, "passes by", reader));
    }
    for (int i = 0; i < 2; i++)
        worker_join(&producers[i], "a producer");
    ringbus_ring_end(ring);
    worker_join(&worker, "the reader");
    CHECK_RING(ring, "waiting", 0);
    CHECK_READER(ring, "reader", "lag", 0);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("visit", an_empty_ring_says_so,
        open_claims_are_counted_until_they_are_published_or_abandoned, room_is_what_can_be_claimed,
        a_clear_hook_that_does_not_return_holds_the_gate,
        the_age_of_the_oldest_open_claim_counts_from_the_first_visit_that_saw_it,
        each_reader_is_named_with_its_position_and_lag,
        the_slowest_reader_that_has_something_to_read_holds_the_gate,
        a_reader_is_asleep_while_it_must_be_woken,
        who_finds_something_before_it_sleeps_is_not_asleep_and_is_not_woken,
        readers_of_a_lossy_ring_tell_what_they_lost_and_hold_up_nobody,
        a_worker_with_a_range_holds_the_gate,
        a_visit_goes_from_the_ring_to_the_readers_until_it_is_stopped, a_visitor_may_use_the_ring,
        a_visit_without_memory_is_an_outcome, visits_disturb_nobody);
}
