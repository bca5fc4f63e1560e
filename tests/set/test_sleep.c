/* test_sleep.c - the owner of a set falls asleep and is woken, and what that costs. */
#include "set/fixture.h"

struct owner {
    struct worker worker;
    struct scene *scene;
    int count;
};

static void
wait_for_ready(void *context)
{
    struct owner *owner = context;

    owner->count =
        ringbus_set_wait_until(owner->scene->set, MOST, RINGBUS_FOREVER, owner->scene->ready);
}

START_TEST(a_sleeping_owner_is_woken_by_a_publish_to_any_member)
{
    struct scene scene;

    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_BLOCK; wait++) {
        begin(&scene, 4, wait);
        for (int i = 0; i < 4; i++) {
            const uint64_t sleeps = os_watch_sleeps();
            struct owner owner = {.scene = &scene};

            worker_start(&owner.worker, wait_for_ready, &owner);
            AWAIT(os_watch_sleeps() > sleeps);
            publish(scene.rings[i], 1);
            worker_join(&owner.worker, "the set's owner");
            check_one(&scene, owner.count, i);
            read_all(scene.readers[i]);
            ck_assert_uint_eq(load_u64(&scene.readers[i]->wakes, ORDER_COUNT), 1);
        }
        end(&scene);
    }
}
END_TEST

START_TEST(a_sleeping_owner_is_woken_by_the_end_of_a_line)
{
    struct scene scene;
    struct owner owner = {.scene = &scene};

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    worker_start(&owner.worker, wait_for_ready, &owner);
    AWAIT(os_watch_sleeps() > 0);
    ringbus_ring_end(scene.rings[1]);
    worker_join(&owner.worker, "the set's owner");
    check_one(&scene, owner.count, 1);
    end(&scene);
}
END_TEST

START_TEST(a_sleeping_owner_sleeps_on_when_slots_are_abandoned)
{
    struct scene scene;
    struct owner owner = {.scene = &scene};

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    worker_start(&owner.worker, wait_for_ready, &owner);
    AWAIT(os_watch_sleeps() >= 1);
    abandon(scene.rings[0], 4);
    AWAIT(os_watch_sleeps() >= 2);
    ck_assert_int_eq(ringbus_reader_position(scene.readers[0]), 3);
    publish(scene.rings[1], 1);
    worker_join(&owner.worker, "the set's owner");
    check_one(&scene, owner.count, 1);
    end(&scene);
}
END_TEST

START_TEST(a_dependent_is_returned_when_the_reader_before_it_has_finished)
{
    struct scene scene;
    struct ringbus_reader *after = NULL;

    begin(&scene, 1, RINGBUS_WAIT_BLOCK);
    after = open_reader_after(scene.rings[0], RINGBUS_WAIT_BLOCK, scene.readers, 1);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(scene.set, after, NULL), RINGBUS_OK);
    publish(scene.rings[0], 1);
    fall_asleep(&scene);
    ringbus_reader_commit(scene.readers[0], 0);
    ck_assert_int_eq(look(&scene), 1);
    ck_assert_ptr_eq(scene.ready[0].reader, after);
    end(&scene);
}
END_TEST

static struct scene *asleep;

static void
publish_meanwhile(void)
{
    publish(asleep->rings[1], 1);
}

START_TEST(what_is_published_while_the_owner_falls_asleep_is_found_before_it_sleeps)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    asleep = &scene;
    ringbus__os.barrier = publish_meanwhile;
    if (os_has_barrier()) {
        check_one(&scene, ringbus_set_wait_until(scene.set, MOST, patience_ends(), scene.ready), 1);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
    }
    end(&scene);
}
END_TEST

/* The owner falls asleep while one member is armed from before, and that is the one. */
START_TEST(what_is_published_for_an_armed_member_while_the_owner_falls_asleep_is_found)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    fall_asleep(&scene);
    asleep = &scene;
    ringbus__os.barrier = publish_meanwhile;
    if (os_has_barrier()) {
        const uint64_t sleeps = os_watch_sleeps();

        check_one(&scene, ringbus_set_wait_until(scene.set, MOST, patience_ends(), scene.ready), 1);
        ck_assert_uint_eq(os_watch_sleeps(), sleeps);
    }
    end(&scene);
}
END_TEST

/* One thread in both roles: the other ring's event comes after the n-th instruction of a wait, n = 1, 2, ... */

static struct {
    struct scene *scene;
    bool has_acted;
    int count;
} at_step;

static void
publish_once(void *context)
{
    (void)context;
    at_step.has_acted = true;
    publish(at_step.scene->rings[1], 1);
}

static int
sleep_at_step(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)deadline_ns;
    stop_steps();
    if (load_u32(word, ORDER_HINT) != expected)
        return RINGBUS_OK;
    MUST(!at_step.has_acted, "the owner sleeps, never to wake");
    publish_once(NULL);
    MUST(load_u32(word, ORDER_HINT) != expected, "the owner sleeps on, though it was to be woken");
    return RINGBUS_OK;
}

static void
wait_at_step(void *context)
{
    struct scene *scene = context;

    at_step.count = ringbus_set_wait_until(scene->set, MOST, RINGBUS_FOREVER, scene->ready);
}

START_TEST(an_owner_that_falls_asleep_is_woken_by_a_publish_at_any_moment)
{
    bool has_more = true;

    for (uint64_t nth = 1; has_more; nth++) {
        struct scene scene;

        begin(&scene, 2, RINGBUS_WAIT_BLOCK);
        if (nth % 2 == 0) /* armed before */
            fall_asleep(&scene);
        at_step.scene = &scene;
        at_step.has_acted = false;
        ringbus__os.word_wait = sleep_at_step;
        has_more = act_at_step((nth + 1) / 2, wait_at_step, &scene, publish_once, NULL);
        check_one(&scene, at_step.count, 1);
        end(&scene);
    }
}
END_TEST

/* ---- what it costs ---- */

START_TEST(a_wait_looks_only_at_members_that_were_called)
{
    struct scene scene;
    uint64_t looks = 0;

    begin(&scene, MOST, RINGBUS_WAIT_BLOCK);
    fall_asleep(&scene);
    looks = scene.set->looks;
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(scene.set->looks, looks);
    publish(scene.rings[7], 1);
    publish(scene.rings[50], 1);
    ck_assert_int_eq(look(&scene), 2);
    ck_assert_uint_eq(scene.set->looks, looks + 2);
    end(&scene);
}
END_TEST

START_TEST(falling_asleep_takes_one_barrier_for_all_members)
{
    struct scene scene;

    begin(&scene, MOST, RINGBUS_WAIT_BLOCK);
    if (os_has_barrier()) {
        const uint64_t barriers = os_watch_barriers();

        ck_assert_int_eq(
            ringbus_set_wait_until(scene.set, 1, ringbus_now_ns() + 5 * MILLISECOND, scene.ready),
            RINGBUS_ETIMEDOUT);
        ck_assert_uint_eq(os_watch_barriers(), barriers + 1);
    }
    end(&scene);
}
END_TEST

START_TEST(empty_members_are_not_looked_at_for_ever_beside_one_that_is_always_busy)
{
    struct scene scene;
    uint64_t looks = 0, barriers = 0;

    begin(&scene, MOST, RINGBUS_WAIT_BLOCK);
    publish(scene.rings[9], 1);
    barriers = os_watch_barriers();
    for (int i = 0; i < 1000; i++)
        check_one(&scene, look(&scene), 9);
    looks = scene.set->looks;
    check_one(&scene, look(&scene), 9);
    ck_assert_uint_eq(scene.set->looks, looks + 1);
    ck_assert_uint_le(os_watch_barriers(), barriers + 1);
    publish(scene.rings[10], 1);
    ck_assert_int_eq(look(&scene), 2);
    end(&scene);
}
END_TEST

START_TEST(a_wait_that_follows_a_sleep_does_not_spin)
{
    struct scene scene;
    uint64_t looks = 0;

    begin(&scene, 2, RINGBUS_WAIT_PHASED);
    do
        fall_asleep(&scene);
    while (os_watch_sleeps() == 0);
    publish(scene.rings[0], 1);
    check_one(&scene, look(&scene), 0);
    read_all(scene.readers[0]);
    looks = scene.set->looks;
    fall_asleep(&scene);
    ck_assert_uint_le(scene.set->looks, looks + 4); /* at most two in each of its waits */
    end(&scene);
}
END_TEST

START_TEST(nothing_is_asked_of_the_system_while_members_have_something)
{
    struct scene scene;
    uint64_t barriers = 0;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    barriers = os_watch_barriers();
    for (int i = 0; i < 1000; i++) {
        for (int each = 0; each < 2; each++)
            publish(scene.rings[each], 1);
        ck_assert_int_eq(ringbus_set_wait_until(scene.set, MOST, RINGBUS_FOREVER, scene.ready), 2);
        for (int each = 0; each < 2; each++)
            read_all(scene.readers[each]);
    }
    ck_assert_uint_eq(os_watch_sleeps() + os_watch_wakes(), 0);
    ck_assert_uint_eq(os_watch_barriers(), barriers);
    end(&scene);
}
END_TEST

/* ---- deadlines ---- */

START_TEST(a_wait_ends_at_its_deadline_whatever_the_way)
{
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_SLEEP; wait++) {
        struct scene scene;
        const int64_t deadline = ringbus_now_ns() + 3 * MILLISECOND;

        begin(&scene, 3, wait);
        ck_assert_int_eq(
            ringbus_set_wait_until(scene.set, 1, deadline, scene.ready), RINGBUS_ETIMEDOUT);
        ck_assert_int_ge(ringbus_now_ns(), deadline);
        publish(scene.rings[2], 1);
        check_one(&scene, ringbus_set_wait_until(scene.set, 1, RINGBUS_FOREVER, scene.ready), 2);
        end(&scene);
    }
}
END_TEST

static int
publish_too_late(struct atomic_u32 *word, uint32_t expected, int64_t deadline_ns)
{
    (void)word;
    (void)expected;
    (void)deadline_ns;
    publish(asleep->rings[1], 1);
    return RINGBUS_ETIMEDOUT;
}

START_TEST(what_is_published_when_the_time_is_up_is_found)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    asleep = &scene;
    ringbus__os.word_wait = publish_too_late;
    check_one(&scene, ringbus_set_wait_until(scene.set, MOST, patience_ends(), scene.ready), 1);
    end(&scene);
}
END_TEST

START_TEST(a_deadline_in_the_past_is_a_look)
{
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_SLEEP; wait++) {
        struct scene scene;
        uint64_t barriers = 0;

        begin(&scene, 3, wait);
        barriers = os_watch_barriers();
        ck_assert_int_eq(ringbus_set_wait_until(scene.set, 1, -1, scene.ready), RINGBUS_ETIMEDOUT);
        publish(scene.rings[2], 1);
        check_one(&scene, ringbus_set_wait_until(scene.set, 1, 0, scene.ready), 2);
        ck_assert_uint_eq(os_watch_sleeps(), 0);
        ck_assert_uint_eq(os_watch_barriers(), barriers);
        end(&scene);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("set sleep", a_sleeping_owner_is_woken_by_a_publish_to_any_member,
        a_sleeping_owner_is_woken_by_the_end_of_a_line,
        a_dependent_is_returned_when_the_reader_before_it_has_finished,
        a_sleeping_owner_sleeps_on_when_slots_are_abandoned,
        what_is_published_while_the_owner_falls_asleep_is_found_before_it_sleeps,
        what_is_published_for_an_armed_member_while_the_owner_falls_asleep_is_found,
        an_owner_that_falls_asleep_is_woken_by_a_publish_at_any_moment,
        a_wait_looks_only_at_members_that_were_called,
        falling_asleep_takes_one_barrier_for_all_members,
        empty_members_are_not_looked_at_for_ever_beside_one_that_is_always_busy,
        a_wait_that_follows_a_sleep_does_not_spin,
        nothing_is_asked_of_the_system_while_members_have_something,
        a_wait_ends_at_its_deadline_whatever_the_way,
        what_is_published_when_the_time_is_up_is_found, a_deadline_in_the_past_is_a_look);
}
