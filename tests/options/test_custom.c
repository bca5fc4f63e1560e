/* test_custom.c - ways of waiting of one's own, readers' names. */
#include <string.h>

#include "ring/fixture.h"
#include "support/gate.h"

static struct {
    struct ringbus_ring *ring;
    uint64_t rounds[8];
    uint32_t idles, wakes;
    int64_t deadline_ns;
    uint32_t publish_at; /* in the idle of this number */
    bool is_wrong_context;
} own;

static void
note_idle(uint64_t round, int64_t deadline_ns, void *context)
{
    own.is_wrong_context |= context != &own;
    own.rounds[own.idles++ % 8] = round;
    own.deadline_ns = deadline_ns;
    if (own.idles == own.publish_at)
        publish(own.ring, 1);
}

static void
note_wake(void *context)
{
    own.is_wrong_context |= context != &own;
    own.wakes++;
}

static struct ringbus_reader *
open_own(struct ringbus_ring *ring, bool has_wake, struct ringbus_reader *before, bool is_eager)
{
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_custom_wait custom = {note_idle, has_wake ? note_wake : NULL, &own};
    struct ringbus_reader *reader = NULL;

    memset(&own, 0, sizeof own);
    own.ring = ring;
    options.wait = RINGBUS_WAIT_CUSTOM;
    options.custom = &custom;
    options.after = &before;
    options.after_count = before != NULL;
    options.is_eager = is_eager;
    MUST(ringbus_reader_open(ring, &options, &reader) == RINGBUS_OK, "no reader");
    memset(&custom, 0x5a, sizeof custom); /* it was copied */
    return reader;
}

START_TEST(the_rounds_of_a_wait_of_ones_own_count_from_0_in_each_wait)
{
    for (int is_eager = 0; is_eager < 2; is_eager++) {
        struct ringbus_ring *ring = open_ring(2);
        struct ringbus_reader *reader = open_own(ring, false, NULL, is_eager);
        struct ringbus_run run;

        for (int64_t sequence = 0; sequence < 3; sequence++) {
            own.idles = 0;
            own.publish_at = 5;
            ck_assert_int_eq(
                ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
            ck_assert_uint_eq(own.idles, 5);
            for (uint64_t round = 0; round < 5; round++)
                ck_assert_uint_eq(own.rounds[round], round);
            ck_assert_int_eq(own.deadline_ns, RINGBUS_FOREVER);
            ringbus_reader_commit(reader, sequence);
        }
        ck_assert(!own.is_wrong_context);
        ringbus_ring_close(ring);
    }
}
END_TEST

START_TEST(a_wait_that_timed_out_is_forgotten_by_the_next)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader *reader = open_own(ring, false, NULL, true);
    struct ringbus_run run;
    const int64_t deadline = ringbus_now_ns() + MILLISECOND;

    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, deadline, &run), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(own.deadline_ns, deadline);
    own.idles = 0;
    own.publish_at = 2;
    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, RINGBUS_FOREVER, &run), RINGBUS_OK);
    ck_assert_uint_eq(own.rounds[0], 0);
    ck_assert_uint_eq(own.rounds[1], 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_producer_waits_in_its_own_way)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    const struct ringbus_custom_wait custom = {note_idle, NULL, &own};
    struct ringbus_ring *ring = NULL;

    memset(&own, 0, sizeof own);
    options.capacity = 2;
    options.wait = RINGBUS_WAIT_CUSTOM;
    options.custom = &custom;
    ring = open_ring_with(&options);
    open_reader(ring);
    publish(ring, 2);
    ck_assert_int_eq(
        ringbus_ring_claim_until(ring, 1, ringbus_now_ns() + MILLISECOND), RINGBUS_ETIMEDOUT);
    ck_assert_uint_gt(own.idles, 0);
    ck_assert(!own.is_wrong_context);
    ringbus_ring_close(ring);
}
END_TEST

/* Wait in vain, so that a sleep is announced. */
static void
announce(struct ringbus_reader *reader)
{
    struct ringbus_run run;

    ck_assert_int_eq(ringbus_reader_wait_until(reader, 1, ringbus_now_ns() + MILLISECOND, &run),
        RINGBUS_ETIMEDOUT);
    own.wakes = 0;
}

START_TEST(who_sleeps_in_its_own_way_is_woken_once_for_each_announced_sleep)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_own(ring, true, NULL, true);

    publish(ring, 1);
    ck_assert_uint_eq(own.wakes, 0);
    ringbus_reader_commit(reader, 0);
    announce(reader);
    publish(ring, 1);
    publish(ring, 1);
    ck_assert_uint_eq(own.wakes, 1);
    ringbus_reader_commit(reader, 2);
    announce(reader);
    abandon(ring, 1);
    ck_assert_uint_eq(own.wakes, 1);
    announce(reader);
    ringbus_ring_end(ring);
    ck_assert_uint_eq(own.wakes, 1);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_dependent_that_sleeps_in_its_own_way_is_woken_by_a_commit)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *before = open_reader(ring);
    struct ringbus_reader *after = open_own(ring, true, before, true);

    announce(after);
    publish(ring, 1);
    ck_assert_uint_eq(own.wakes, 0);
    ringbus_reader_commit(before, 0);
    ck_assert_uint_eq(own.wakes, 1);
    close_reader(after);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(who_has_left_is_not_woken)
{
    struct ringbus_ring *ring = open_ring(8);
    struct ringbus_reader *reader = open_own(ring, true, NULL, true);

    announce(reader);
    close_reader(reader);
    publish(ring, 1);
    ringbus_ring_end(ring);
    ck_assert_uint_eq(own.wakes, 0);
    ringbus_ring_close(ring);
}
END_TEST

static struct gate in_wake;
static struct atomic_u64 yields;

static void
stay_in_wake(void *context)
{
    (void)context;
    gate_pass(&in_wake);
}

static void
count_yield(void)
{
    add_u64(&yields, 1, TEST_RELEASE);
    os_real()->yield();
}

static void
publish_one(void *context)
{
    publish(context, 1);
}

static void
leave(void *context)
{
    close_reader(context);
}

/* `wake` is called by a publisher, and what it wakes goes away meanwhile. */
START_TEST(who_leaves_waits_for_the_wake_that_is_under_way)
{
    struct ringbus_ring *ring = begin_watched(8, RINGBUS_WAIT_PHASED);
    struct ringbus_reader *reader = open_own(ring, true, NULL, true);
    struct worker publisher, leaver;

    announce(reader);
    gate_init(&in_wake);
    reader->wake = stay_in_wake;
    ringbus__os.yield = count_yield;
    store_u64(&yields, 0, ORDER_COUNT);
    worker_start(&publisher, publish_one, ring);
    gate_await(&in_wake, 1);
    worker_start(&leaver, leave, reader);
    AWAIT(load_u64(&yields, TEST_ACQUIRE) >= 3); /* it would be out by now */
    ck_assert(reader->is_open);
    gate_open(&in_wake);
    worker_join(&leaver, "a reader that leaves");
    worker_join(&publisher, "a publisher that wakes it");
    end_watched(ring);
}
END_TEST

/* ---- what is refused, names ---- */

static int
try_reader(uint32_t wait, const struct ringbus_custom_wait *custom)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL;
    int outcome = RINGBUS_OK;

    options.wait = wait;
    options.custom = custom;
    outcome = ringbus_reader_open(ring, &options, &reader);
    ringbus_ring_close(ring);
    return outcome;
}

static int
try_ring(uint32_t wait, const struct ringbus_custom_wait *custom)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_ring *ring = NULL;
    int outcome = RINGBUS_OK;

    options.wait = wait;
    options.custom = custom;
    outcome = ringbus_ring_open(&options, &ring);
    ringbus_ring_close(ring);
    return outcome;
}

START_TEST(half_a_way_of_ones_own_is_refused_and_so_is_one_nobody_asked_for)
{
    const struct ringbus_custom_wait whole = {note_idle, note_wake, NULL};
    const struct ringbus_custom_wait polling = {note_idle, NULL, NULL};
    const struct ringbus_custom_wait half = {NULL, note_wake, NULL};

    ck_assert_int_eq(try_reader(RINGBUS_WAIT_CUSTOM, &whole), RINGBUS_OK);
    ck_assert_int_eq(try_reader(RINGBUS_WAIT_CUSTOM, &polling), RINGBUS_OK);
    ck_assert_int_eq(try_reader(RINGBUS_WAIT_CUSTOM, &half), RINGBUS_EINVAL);
    ck_assert_int_eq(try_reader(RINGBUS_WAIT_CUSTOM, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(try_reader(RINGBUS_WAIT_CUSTOM + 1, &whole), RINGBUS_EINVAL);
    ck_assert_int_eq(try_ring(RINGBUS_WAIT_CUSTOM, &polling), RINGBUS_OK);
    ck_assert_int_eq(try_ring(RINGBUS_WAIT_CUSTOM, &whole), RINGBUS_EINVAL);
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait < RINGBUS_WAIT_CUSTOM; wait++) {
        ck_assert_int_eq(try_reader(wait, &polling), RINGBUS_EINVAL);
        ck_assert_int_eq(try_ring(wait, &polling), RINGBUS_EINVAL);
    }
}
END_TEST
START_TEST(a_reader_has_the_name_it_was_given_or_its_number)
{
    struct ringbus_ring *ring = open_ring(2);
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct ringbus_reader *reader = NULL, *refused = NULL;
    char name[] = "0123456789012345678901234567890";

    ck_assert_str_eq(open_reader(ring)->name, "reader-0");
    options.name = name;
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &reader), RINGBUS_OK);
    name[0] = 'x'; /* it was copied */
    ck_assert_str_eq(reader->name, "0123456789012345678901234567890");
    ck_assert_str_eq(open_reader(ring)->name, "reader-2");
    options.name = "01234567890123456789012345678901";
    ck_assert_int_eq(ringbus_reader_open(ring, &options, &refused), RINGBUS_EINVAL);
    ck_assert_ptr_null(refused);
    ringbus_ring_close(ring);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("custom", the_rounds_of_a_wait_of_ones_own_count_from_0_in_each_wait,
        a_wait_that_timed_out_is_forgotten_by_the_next, a_producer_waits_in_its_own_way,
        who_sleeps_in_its_own_way_is_woken_once_for_each_announced_sleep,
        a_dependent_that_sleeps_in_its_own_way_is_woken_by_a_commit, who_has_left_is_not_woken,
        who_leaves_waits_for_the_wake_that_is_under_way,
        half_a_way_of_ones_own_is_refused_and_so_is_one_nobody_asked_for,
        a_reader_has_the_name_it_was_given_or_its_number);
}
