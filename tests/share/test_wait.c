/* test_wait.c - workers that sleep, the end, and what others do in the midst of a worker's calls. */
#include "share/fixture.h"

/* A worker that waits in a thread of its own. */
struct waiting {
    struct worker thread;
    struct ringbus_worker *worker;
    struct ringbus_run run;
    int outcome;
};

static void
wait_for_events(void *context)
{
    struct waiting *waiting = context;

    waiting->outcome =
        ringbus_worker_wait_until(waiting->worker, 1, RINGBUS_FOREVER, &waiting->run);
}

static void
let_wait(struct waiting *waiting, struct ringbus_share *share, uint64_t nth)
{
    waiting->worker = open_worker(share);
    worker_start(&waiting->thread, wait_for_events, waiting);
    AWAIT(os_watch_sleeps() >= nth);
}

static void
check_woken(struct waiting *waiting, int outcome, int64_t first)
{
    worker_join(&waiting->thread, "a worker");
    ck_assert_int_eq(waiting->outcome, outcome);
    ck_assert_int_eq(outcome == RINGBUS_OK ? waiting->run.first : first, first);
}

/* ---- what wakes a worker ---- */

START_TEST(sleeping_workers_are_woken_by_publishes)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(4, wait);
        struct ringbus_share *share = open_share_after(ring, 2, wait, NULL);
        struct waiting waiting[2];
        int64_t sum = 0;

        let_wait(&waiting[0], share, 1);
        let_wait(&waiting[1], share, 2);
        publish(ring, 2);
        for (int i = 0; i < 2; i++) {
            worker_join(&waiting[i].thread, "a worker");
            ck_assert_int_eq(waiting[i].outcome, RINGBUS_OK);
            sum += 1 + waiting[i].run.first;
        }
        ck_assert_int_eq(sum, 3);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_worker_is_woken_for_what_another_one_leaves)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(4, wait);
        struct ringbus_share *share = open_share_after(ring, 2, wait, NULL);
        struct ringbus_worker *leaving = open_worker(share);
        struct waiting waiting;

        publish(ring, 2);
        CHECK_TAKES(leaving, UINT32_MAX, 0, 2u);
        ringbus_worker_commit(leaving, 0);
        let_wait(&waiting, share, 1);
        close_worker(leaving);
        check_woken(&waiting, RINGBUS_OK, 1);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_worker_of_a_later_stage_is_woken_by_a_commit)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(4, wait);
        struct ringbus_reader *before = open_reader(ring);
        struct ringbus_share *share = open_share_after(ring, 2, wait, &before);
        struct waiting waiting;

        publish(ring, 1);
        let_wait(&waiting, share, 1);
        ringbus_reader_commit(before, 0);
        check_woken(&waiting, RINGBUS_OK, 0);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_sleeping_reader_after_a_share_is_woken_by_its_workers)
{
    struct ringbus_ring *ring = begin_watched(4, RINGBUS_WAIT_BLOCK);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_reader *before = ringbus_share_reader(share);
    struct sleeper sleeper = {.reader = open_reader_after(ring, RINGBUS_WAIT_BLOCK, &before, 1)};
    struct ringbus_worker *worker = open_worker(share);

    publish(ring, 1);
    CHECK_TAKES(worker, 1, 0, 1u);
    let_sleep(&sleeper, wait_for_run, 1);
    ringbus_worker_commit(worker, 0);
    worker_join(&sleeper.worker, "a reader after a share");
    ck_assert_int_eq(sleeper.run.first, 0);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_by_a_worker)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct sleeper sleeper = {.ring = ring};
    struct ringbus_worker *worker = open_worker(open_share(ring, 2));

    publish(ring, 2);
    CHECK_TAKES(worker, UINT32_MAX, 0, 2u);
    let_sleep(&sleeper, claim_one, 1);
    ringbus_worker_commit(worker, 0);
    worker_join(&sleeper.worker, "a producer");
    ck_assert_int_eq(sleeper.result, 2);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_producer_is_woken_when_abandoned_slots_are_stepped_over)
{
    struct ringbus_ring *ring = begin_watched(2, RINGBUS_WAIT_BLOCK);
    struct sleeper sleeper = {.ring = ring};
    struct ringbus_worker *worker = open_worker(open_share(ring, 2));

    abandon(ring, 1);
    publish(ring, 1);
    let_sleep(&sleeper, claim_one, 1);
    CHECK_TAKES(worker, UINT32_MAX, 1, 1u);
    worker_join(&sleeper.worker, "a producer");
    ck_assert_int_eq(sleeper.result, 2);
    end_watched(ring);
}
END_TEST

START_TEST(a_sleeping_worker_steps_over_abandoned_slots_and_sleeps_on)
{
    FOR_EACH_SLEEP(wait)
    {
        struct ringbus_ring *ring = begin_watched(2, wait);
        struct ringbus_share *share = open_share_after(ring, 2, wait, NULL);
        struct waiting waiting;

        let_wait(&waiting, share, 1);
        abandon(ring, 2);
        AWAIT(ringbus_share_position(share) == 1);
        AWAIT(os_watch_sleeps() >= 2);
        publish(ring, 1);
        check_woken(&waiting, RINGBUS_OK, 2);
        end_watched(ring);
    }
}
END_TEST

START_TEST(a_worker_that_waits_to_a_deadline_gives_up)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_ring *ring = open_ring_at(4, 0, wait);
        struct ringbus_worker *worker = open_worker(open_share_after(ring, 2, wait, NULL));
        struct ringbus_run run;

        ck_assert_int_eq(ringbus_worker_wait_until(worker, 1, ringbus_now_ns() + MILLISECOND, &run),
            RINGBUS_ETIMEDOUT);
        publish(ring, 1);
        ck_assert_int_eq(ringbus_worker_wait_until(worker, 1, 0, &run), RINGBUS_OK);
        ringbus_ring_close(ring);
    }
}
END_TEST

/* ---- the end ---- */

START_TEST(the_end_is_told_when_every_worker_has_finished)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *one = open_worker(share), *other = open_worker(share);

    publish(ring, 2);
    ringbus_ring_end(ring);
    CHECK_TAKES(one, 1, 0, 1u);
    CHECK_TAKES(other, 1, 1, 1u);
    ringbus_worker_commit(other, 1);
    CHECK_TAKES_NOTHING(other);
    ringbus_worker_commit(one, 0);
    ck_assert_int_eq(take_outcome(one), RINGBUS_ESHUTDOWN);
    ck_assert_int_eq(take_outcome(other), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(what_is_left_behind_after_the_end_is_still_done)
{
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_share *share = open_share(ring, 2);
    struct ringbus_worker *leaving = open_worker(share), *other = open_worker(share);

    publish(ring, 2);
    CHECK_TAKES(leaving, UINT32_MAX, 0, 2u);
    ringbus_ring_end(ring);
    CHECK_TAKES_NOTHING(other);
    close_worker(leaving);
    CHECK_TAKES(other, UINT32_MAX, 0, 2u);
    ringbus_worker_commit(other, 1);
    ck_assert_int_eq(take_outcome(other), RINGBUS_ESHUTDOWN);
    ringbus_ring_close(ring);
}
END_TEST

/* It sleeps before the end is known, and after it: another worker still has the last event. */
static void
check_told_of_the_end(uint32_t wait, bool ends_first, bool leaves)
{
    struct ringbus_ring *ring = begin_watched(4, wait);
    struct ringbus_share *share = open_share_after(ring, 2, wait, NULL);
    struct ringbus_worker *last = open_worker(share);
    struct waiting waiting;

    publish(ring, 1);
    CHECK_TAKES(last, 1, 0, 1u);
    if (ends_first)
        ringbus_ring_end(ring);
    let_wait(&waiting, share, 1);
    if (!ends_first) {
        ringbus_ring_end(ring);
        AWAIT(os_watch_sleeps() >= 2);
    }
    leaves ? close_worker(last) : ringbus_worker_commit(last, 0);
    check_woken(&waiting, leaves ? RINGBUS_OK : RINGBUS_ESHUTDOWN, 0);
    end_watched(ring);
}

START_TEST(a_worker_that_sleeps_over_the_end_is_told_when_the_last_event_is_finished)
{
    FOR_EACH_SLEEP(wait)
    for (int way = 0; way < 4; way++)
        check_told_of_the_end(wait, way & 1, way & 2);
}
END_TEST

/* ---- at every moment ---- */

static struct {
    struct ringbus_ring *ring;
    struct ringbus_share *share;
    struct ringbus_worker *one, *other;
    struct ringbus_run run, other_run;
    int64_t claimed;
} scene;

static void
set_scene(uint32_t published)
{
    scene.ring = open_ring_at(2, 0, RINGBUS_WAIT_BLOCK);
    scene.share = open_share_after(scene.ring, 2, RINGBUS_WAIT_BLOCK, NULL);
    scene.one = open_worker(scene.share);
    scene.other = open_worker(scene.share);
    scene.run = scene.other_run = (struct ringbus_run){-1, 0};
    scene.claimed = -1;
    publish(scene.ring, published);
}

static void
poll_one(void *context)
{
    (void)context;
    if (ringbus_worker_poll(scene.one, 1, &scene.run) != RINGBUS_OK)
        scene.run.count = 0;
}

static void
try_claim(void *context)
{
    (void)context;
    scene.claimed = ringbus_ring_try_claim(scene.ring, 1);
}

/* Take and finish one event, and let the producer use its slot again. */
static void
overtake(void *context)
{
    (void)context;
    if (ringbus_worker_poll(scene.other, 1, &scene.other_run) != RINGBUS_OK)
        return;
    ringbus_worker_commit(scene.other, scene.other_run.first);
    scene.claimed = ringbus_ring_try_claim(scene.ring, 1);
    if (scene.claimed >= 0)
        ringbus_ring_publish(scene.ring, scene.claimed, 1);
}

START_TEST(at_no_moment_of_a_take_is_there_room_for_what_is_taken)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        set_scene(2);
        has_more = act_at_step(nth, poll_one, NULL, try_claim, NULL);
        if (has_more)
            ck_assert_int_eq(scene.claimed, RINGBUS_EAGAIN);
        CHECK_FULL(scene.ring);
        ringbus_ring_close(scene.ring);
    }
}
END_TEST

START_TEST(a_worker_overtaken_at_any_moment_takes_what_the_other_has_not)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        set_scene(2);
        has_more = act_at_step(nth, poll_one, NULL, overtake, NULL);
        ck_assert_uint_eq(scene.run.count, 1);
        if (has_more)
            ck_assert_int_eq(scene.run.first + scene.other_run.first, 1);
        /* What it holds now is held, and nothing else. */
        ringbus_worker_commit(scene.one, scene.run.first);
        ck_assert_int_eq(ringbus_share_position(scene.share), has_more ? 1 : 0);
        ringbus_ring_close(scene.ring);
    }
}
END_TEST

static void
take_the_only_one(void *context)
{
    (void)context;
    if (ringbus_worker_poll(scene.other, 1, &scene.other_run) == RINGBUS_OK)
        ringbus_worker_commit(scene.other, scene.other_run.first);
}

START_TEST(a_worker_that_comes_too_late_holds_nobody)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        set_scene(1);
        has_more = act_at_step(nth, poll_one, NULL, take_the_only_one, NULL);
        ck_assert_uint_eq(scene.run.count + (has_more ? scene.other_run.count : 0), 1);
        if (scene.run.count > 0)
            ringbus_worker_commit(scene.one, scene.run.first);
        ck_assert_int_eq(ringbus_ring_try_claim(scene.ring, 2), 1);
        ringbus_ring_close(scene.ring);
    }
}
END_TEST

START_TEST(at_no_moment_of_a_take_over_is_there_room_for_what_was_left)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        set_scene(2);
        MUST(ringbus_worker_poll(scene.other, 2, &scene.run) == RINGBUS_OK, "nothing to take");
        close_worker(scene.other);
        has_more = act_at_step(nth, poll_one, NULL, try_claim, NULL);
        if (has_more)
            ck_assert_int_eq(scene.claimed, RINGBUS_EAGAIN);
        CHECK_FULL(scene.ring);
        ck_assert_int_eq(scene.run.first, 0);
        ringbus_ring_close(scene.ring);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("share wait", sleeping_workers_are_woken_by_publishes,
        a_sleeping_worker_is_woken_for_what_another_one_leaves,
        a_sleeping_worker_of_a_later_stage_is_woken_by_a_commit,
        a_sleeping_reader_after_a_share_is_woken_by_its_workers,
        a_sleeping_producer_is_woken_by_a_worker,
        a_sleeping_producer_is_woken_when_abandoned_slots_are_stepped_over,
        a_sleeping_worker_steps_over_abandoned_slots_and_sleeps_on,
        a_worker_that_waits_to_a_deadline_gives_up, the_end_is_told_when_every_worker_has_finished,
        what_is_left_behind_after_the_end_is_still_done,
        a_worker_that_sleeps_over_the_end_is_told_when_the_last_event_is_finished,
        at_no_moment_of_a_take_is_there_room_for_what_is_taken,
        a_worker_overtaken_at_any_moment_takes_what_the_other_has_not,
        a_worker_that_comes_too_late_holds_nobody,
        at_no_moment_of_a_take_over_is_there_room_for_what_was_left);
}
