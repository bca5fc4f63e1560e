/* test_step.c - two actors, the second of which acts at every moment of what the first does. Nothing sleeps: a sleep
 * nobody would end is what these tests look for. */
#include "ring/fixture.h"

/* A new ring for every moment, and what the two do with it. */
struct scene {
    struct ringbus_ring *ring;
    struct ringbus_reader *reader; /* the one that waits, or holds others back */
    struct ringbus_reader *before;
    struct ringbus_reader *joined;
    struct ringbus_run run;
    int64_t result;
    int64_t claimed, other_claimed;
    int acts; /* how often somebody has acted */
    void (*act)(struct scene *scene);
    void (*act_asleep)(struct scene *scene); /* what ends the sleep, if it is not `act` */
};

static struct scene *scene;

static void
act_now(void *context)
{
    (void)context;
    scene->acts++;
    scene->act(scene);
}

/* Whoever sleeps must be woken by what is still to come. */
static int
sleep_in_scene(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)deadline_ns;
    stop_steps();
    if (load_u32(word, ORDER_HINT) != expected)
        return RINGBUS_OK;
    if (scene->acts == 0)
        act_now(NULL);
    else {
        MUST(scene->acts++ == 1 && scene->act_asleep != NULL, "an actor sleeps, never to wake");
        scene->act_asleep(scene);
    }
    MUST(load_u32(word, ORDER_HINT) != expected, "an actor sleeps on, though it was to be woken");
    return RINGBUS_OK;
}

/* Tell the story with `act` at the n-th moment, n = 1, 2, ... until it is over before, or somebody sleeps. */
static void
tell(struct scene pattern, void (*open)(struct scene *scene), void (*play)(void *scene),
    void (*check)(struct scene *scene))
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        struct scene told = pattern;

        scene = &told;
        told.ring = open_ring_at(2, 0, RINGBUS_WAIT_BLOCK);
        open(&told);
        os_watch_begin(0);
        ringbus__os.word_wait = sleep_in_scene;
        has_more = act_at_step(nth, play, &told, act_now, NULL);
        os_watch_end();
        if (told.acts == 0)
            act_now(NULL);
        check(&told);
        ringbus_ring_close(told.ring);
    }
}

/* ---- who acts ---- */

static void
publish_one(struct scene *told)
{
    publish(told->ring, 1);
}

static void
abandon_one(struct scene *told)
{
    abandon(told->ring, 1);
}

static void
publish_first(struct scene *told)
{
    ringbus_ring_publish(told->ring, 0, 1);
}

static void
publish_second(struct scene *told)
{
    ringbus_ring_publish(told->ring, 1, 1);
}

static void
commit_one(struct scene *told)
{
    ringbus_reader_commit(told->before, 0);
}

static void
leave(struct scene *told)
{
    close_reader(told->before);
}

static void
end_line(struct scene *told)
{
    ringbus_ring_end(told->ring);
}

/* ---- a reader that waits ---- */

static void
open_waiting(struct scene *told)
{
    told->reader = open_reader_after(told->ring, RINGBUS_WAIT_BLOCK, NULL, 0);
}

static void
open_dependent(struct scene *told)
{
    told->before = open_reader(told->ring);
    told->reader = open_reader_after(told->ring, RINGBUS_WAIT_BLOCK, &told->before, 1);
    publish(told->ring, 1);
}

static void
wait_here(void *context)
{
    struct scene *told = context;

    told->result = ringbus_reader_wait_until(told->reader, 1, RINGBUS_FOREVER, &told->run);
}

static void
check_first_event(struct scene *told)
{
    ck_assert_int_eq(told->result, RINGBUS_OK);
    ck_assert_int_eq(told->run.first, 0);
}

static void
check_second_event(struct scene *told)
{
    ck_assert_int_eq(told->result, RINGBUS_OK);
    ck_assert_int_eq(told->run.first, 1);
}

static void
check_end(struct scene *told)
{
    ck_assert_int_eq(told->result, RINGBUS_ESHUTDOWN);
}

START_TEST(a_reader_that_falls_asleep_is_woken_by_a_publish_at_any_moment)
{
    tell((struct scene){.act = publish_one}, open_waiting, wait_here, check_first_event);
}
END_TEST

START_TEST(a_reader_that_falls_asleep_is_woken_after_an_abandoned_slot_at_any_moment)
{
    tell((struct scene){.act = abandon_one, .act_asleep = publish_one}, open_waiting, wait_here,
        check_second_event);
}
END_TEST

START_TEST(a_reader_that_falls_asleep_is_woken_by_the_end_at_any_moment)
{
    tell((struct scene){.act = end_line}, open_waiting, wait_here, check_end);
}
END_TEST

START_TEST(a_dependent_that_falls_asleep_is_woken_by_a_commit_at_any_moment)
{
    tell((struct scene){.act = commit_one}, open_dependent, wait_here, check_first_event);
}
END_TEST

/* ---- a producer that waits ---- */

static void
open_full(struct scene *told)
{
    told->before = open_reader(told->ring);
    publish(told->ring, 2);
}

/* Two claims are open, and no reader. */
static void
open_claimed(struct scene *told)
{
    MUST(ringbus_ring_try_claim(told->ring, 2) == 0, "no claim");
}

static void
claim_here(void *context)
{
    struct scene *told = context;

    told->result = ringbus_ring_claim(told->ring, 1);
}

static void
check_third_sequence(struct scene *told)
{
    ck_assert_int_eq(told->result, 2);
}

START_TEST(a_producer_that_falls_asleep_is_woken_by_a_commit_at_any_moment)
{
    tell((struct scene){.act = commit_one}, open_full, claim_here, check_third_sequence);
}
END_TEST

START_TEST(a_producer_that_falls_asleep_is_woken_by_a_reader_that_leaves_at_any_moment)
{
    tell((struct scene){.act = leave}, open_full, claim_here, check_third_sequence);
}
END_TEST

START_TEST(a_producer_that_falls_asleep_is_woken_by_the_end_at_any_moment)
{
    tell((struct scene){.act = end_line}, open_full, claim_here, check_end);
}
END_TEST

START_TEST(a_producer_is_woken_by_the_publish_it_waits_for_whenever_another_comes_first)
{
    tell((struct scene){.act = publish_second, .act_asleep = publish_first}, open_claimed,
        claim_here, check_third_sequence);
}
END_TEST

/* ---- a producer among others ---- */

static void
open_empty(struct scene *told)
{
    told->before = open_reader(told->ring);
}

static void
try_here(void *context)
{
    struct scene *told = context;

    told->claimed = ringbus_ring_try_claim(told->ring, 1);
}

static void
try_too(struct scene *told)
{
    told->other_claimed = ringbus_ring_try_claim(told->ring, 1);
}

static void
check_own_sequences(struct scene *told)
{
    ck_assert_int_eq(told->claimed + told->other_claimed, 1);
    ck_assert_int_ge(told->claimed, 0);
    ck_assert_int_ge(told->other_claimed, 0);
    ck_assert_int_eq(ringbus_ring_try_claim(told->ring, 1), RINGBUS_EAGAIN);
}

START_TEST(two_producers_never_get_the_same_sequence)
{
    tell((struct scene){.act = try_too}, open_empty, try_here, check_own_sequences);
}
END_TEST

static void
restrict_line(struct scene *told)
{
    ringbus__ring_restrict(told->ring);
    told->other_claimed = ringbus__ring_next(told->ring);
}

static void
check_before_the_cut(struct scene *told)
{
    if (told->claimed >= 0)
        ck_assert_int_lt(told->claimed, told->other_claimed);
    else
        ck_assert_int_eq(told->claimed, RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(ringbus__ring_next(told->ring), told->other_claimed);
}

START_TEST(a_claim_lies_before_the_line_is_closed_or_is_refused)
{
    tell((struct scene){.act = restrict_line}, open_empty, try_here, check_before_the_cut);
}
END_TEST

/* ---- a reader that joins ---- */

static void
open_nothing(struct scene *told)
{
    (void)told;
}

/* As many as there is room for, three laps at most. */
static void
publish_all(struct scene *told)
{
    for (int i = 0; i < 6; i++) {
        const int64_t sequence = ringbus_ring_try_claim(told->ring, 1);

        if (sequence < 0)
            return;
        ringbus_ring_publish(told->ring, sequence, 1);
        if (told->before != NULL)
            ringbus_reader_commit(told->before, sequence);
    }
}

static void
join_here(void *context)
{
    struct scene *told = context;

    MUST(ringbus_reader_open(told->ring, NULL, &told->joined) == RINGBUS_OK, "no reader");
}

static void
join_behind_here(void *context)
{
    struct scene *told = context;

    MUST(ringbus__reader_open_at(told->ring, told->before, &told->joined) == RINGBUS_OK,
        "no reader");
}

/* The new reader finds everything after its position, holds the producers there, and lets them go. */
static void
check_joined(struct scene *told)
{
    int64_t due = ringbus_reader_position(told->joined) + 1;

    for (int laps = 0; laps < 3; laps++) {
        struct ringbus_run run;

        publish_all(told);
        ck_assert_int_eq(ringbus_reader_poll(told->joined, UINT32_MAX, &run), RINGBUS_OK);
        ck_assert_int_eq(run.first, due);
        ck_assert_uint_eq(run.count, 2);
        ringbus_reader_commit(told->joined, run.first + 1);
        due += 2;
    }
}

START_TEST(a_reader_that_joins_loses_nothing_published_at_any_moment)
{
    tell((struct scene){.act = publish_all}, open_nothing, join_here, check_joined);
}
END_TEST

START_TEST(a_reader_that_joins_behind_another_loses_nothing_published_at_any_moment)
{
    tell((struct scene){.act = publish_all}, open_empty, join_behind_here, check_joined);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("step", a_reader_that_falls_asleep_is_woken_by_a_publish_at_any_moment,
        a_reader_that_falls_asleep_is_woken_after_an_abandoned_slot_at_any_moment,
        a_reader_that_falls_asleep_is_woken_by_the_end_at_any_moment,
        a_dependent_that_falls_asleep_is_woken_by_a_commit_at_any_moment,
        a_producer_that_falls_asleep_is_woken_by_a_commit_at_any_moment,
        a_producer_that_falls_asleep_is_woken_by_a_reader_that_leaves_at_any_moment,
        a_producer_that_falls_asleep_is_woken_by_the_end_at_any_moment,
        a_producer_is_woken_by_the_publish_it_waits_for_whenever_another_comes_first,
        two_producers_never_get_the_same_sequence,
        a_claim_lies_before_the_line_is_closed_or_is_refused,
        a_reader_that_joins_loses_nothing_published_at_any_moment,
        a_reader_that_joins_behind_another_loses_nothing_published_at_any_moment);
}
