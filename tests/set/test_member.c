/* test_member.c - a set: what is ready, who is a member. */
#include "ringbus/share.h"
#include "set/fixture.h"

/* ---- what is ready ---- */

START_TEST(a_member_with_an_event_is_returned_until_it_is_read)
{
    struct scene scene;

    begin(&scene, 3, RINGBUS_WAIT_PHASED);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    publish(scene.rings[1], 2);
    check_one(&scene, look(&scene), 1);
    ringbus_reader_commit(scene.readers[1], 0);
    check_one(&scene, look(&scene), 1);
    ringbus_reader_commit(scene.readers[1], 1);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    end(&scene);
}
END_TEST

START_TEST(all_members_with_something_are_returned_at_once)
{
    struct scene scene;

    begin(&scene, MOST, RINGBUS_WAIT_PHASED);
    for (int i = 0; i < MOST; i += 2)
        publish(scene.rings[i], 1);
    ck_assert_int_eq(look(&scene), MOST / 2);
    for (int i = 0; i < MOST / 2; i++)
        ck_assert_ptr_eq(scene.ready[i].reader, scene.readers[2 * i]);
    end(&scene);
}
END_TEST

START_TEST(what_was_published_before_a_reader_was_added_is_found)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    fall_asleep(&scene);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[1]), RINGBUS_OK);
    publish(scene.rings[1], 1);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_set_add(scene.set, scene.readers[1], &scene.index[1]), RINGBUS_OK);
    check_one(&scene, ringbus_set_wait_until(scene.set, MOST, RINGBUS_FOREVER, scene.ready), 1);
    end(&scene);
}
END_TEST

START_TEST(a_member_whose_line_has_ended_is_returned)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    ringbus_ring_end(scene.rings[0]);
    check_one(&scene, look(&scene), 0);
    ck_assert_int_eq(poll_outcome(scene.readers[0]), RINGBUS_ESHUTDOWN);
    end(&scene);
}
END_TEST

START_TEST(abandoned_slots_are_stepped_over_and_are_nothing)
{
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    abandon(scene.rings[0], 2);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_reader_position(scene.readers[0]), 1);
    fall_asleep(&scene);
    abandon(scene.rings[0], 2);
    publish(scene.rings[1], 1);
    check_one(&scene, look(&scene), 1);
    abandon(scene.rings[0], 2);
    ringbus_ring_end(scene.rings[0]);
    ck_assert_int_eq(look(&scene), 2);
    end(&scene);
}
END_TEST

START_TEST(members_take_turns)
{
    enum { COUNT = 5 };
    struct scene scene;
    int turns[COUNT] = {0};

    begin(&scene, COUNT, RINGBUS_WAIT_PHASED);
    for (int i = 0; i < COUNT; i++)
        publish(scene.rings[i], 1);
    for (int round = 0; round < 3 * COUNT; round++) {
        ck_assert_int_eq(ringbus_set_wait_until(scene.set, 1, 0, scene.ready), 1);
        ck_assert_ptr_eq(scene.ready[0].reader, scene.readers[round % COUNT]);
    }
    for (int round = 0; round < COUNT; round++) {
        ck_assert_int_eq(ringbus_set_wait_until(scene.set, 2, 0, scene.ready), 2);
        for (int i = 0; i < 2; i++)
            turns[*(int *)scene.ready[i].context]++;
    }
    for (int i = 0; i < COUNT; i++)
        ck_assert_int_eq(turns[i], 2);
    end(&scene);
}
END_TEST

/* ---- ways of waiting ---- */

static struct scene *waiting;
static uint64_t idled;

static void
idle(uint64_t round, int64_t deadline_ns, void *context)
{
    (void)deadline_ns;
    (void)context;
    if (round == 10)
        publish(waiting->rings[0], 1);
    idled++;
}

START_TEST(a_set_waits_in_a_way_of_your_own)
{
    struct ringbus_custom_wait custom = {.idle = idle};
    struct ringbus_set_options options = ringbus_set_options_default();
    struct scene scene;

    begin(&scene, 1, RINGBUS_WAIT_BLOCK);
    ringbus_set_close(scene.set);
    options.wait = RINGBUS_WAIT_CUSTOM;
    ck_assert_int_eq(ringbus_set_open(&options, &scene.set), RINGBUS_EINVAL);
    options.custom = &custom;
    custom.wake = ring_bell;
    ck_assert_int_eq(ringbus_set_open(&options, &scene.set), RINGBUS_EINVAL);
    custom.wake = NULL;
    ck_assert_int_eq(ringbus_set_open(&options, &scene.set), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(scene.set, scene.readers[0], &scene.index[0]), RINGBUS_OK);
    waiting = &scene;
    idled = 0;
    check_one(&scene, ringbus_set_wait_until(scene.set, 1, RINGBUS_FOREVER, scene.ready), 0);
    ck_assert_uint_eq(idled, 11);
    end(&scene);
}
END_TEST

/* ---- members ---- */

static struct atomic_u32 own_wakes;

static void
count_own_wake(void *context)
{
    add_u32(context, 1, ORDER_COUNT);
}

START_TEST(a_reader_of_any_way_of_waiting_is_woken_through_the_set)
{
    FOR_EACH_WAIT(wait)
    {
        struct ringbus_reader *reader = NULL;
        struct scene scene;

        begin(&scene, 1, RINGBUS_WAIT_BLOCK);
        reader = open_reader_after(scene.rings[0], wait, NULL, 0);
        ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[0]), RINGBUS_OK);
        ck_assert_int_eq(ringbus_set_add(scene.set, reader, NULL), RINGBUS_OK);
        fall_asleep(&scene);
        publish(scene.rings[0], 1);
        ck_assert_int_eq(look(&scene), 1);
        ck_assert_ptr_eq(scene.ready[0].reader, reader);
        end(&scene);
    }
}
END_TEST

START_TEST(a_reader_of_a_lossy_ring_is_a_member_like_any)
{
    struct ringbus_ring_options options = ringbus_ring_options_default();
    struct ringbus_reader *reader = NULL;
    struct ringbus_ring *ring = NULL;
    struct scene scene;

    options.capacity = 2;
    options.is_lossy = 1;
    ck_assert_int_eq(ringbus_ring_open(&options, &ring), RINGBUS_OK);
    ck_assert_int_eq(ringbus_reader_open(ring, NULL, &reader), RINGBUS_OK);
    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(scene.set, reader, NULL), RINGBUS_OK);
    fall_asleep(&scene);
    ck_assert_int_eq(ringbus_ring_publish_copy(ring, "x", 1, 0), 0);
    ck_assert_int_eq(look(&scene), 1);
    ck_assert_ptr_eq(scene.ready[0].reader, reader);
    end(&scene);
    ringbus_ring_close(ring);
}
END_TEST

/* Such a wait may leave its announcement behind, of a sleep on the reader's own word. */
START_TEST(a_reader_that_has_slept_by_itself_is_woken_through_the_set)
{
    struct ringbus_run run;
    struct scene scene;

    begin(&scene, 1, RINGBUS_WAIT_BLOCK);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[0]), RINGBUS_OK);
    do
        ck_assert_int_eq(ringbus_reader_wait_until(
                             scene.readers[0], 1, ringbus_now_ns() + 2 * MILLISECOND, &run),
            RINGBUS_ETIMEDOUT);
    while (os_watch_sleeps() == 0);
    ringbus__reader_announce(scene.readers[0]);
    ck_assert_int_eq(ringbus_set_add(scene.set, scene.readers[0], &scene.index[0]), RINGBUS_OK);
    fall_asleep(&scene);
    publish(scene.rings[0], 1);
    check_one(&scene, look(&scene), 0);
    end(&scene);
}
END_TEST

START_TEST(a_reader_that_has_left_is_waited_for_and_closed_like_any)
{
    const struct ringbus_custom_wait custom = {idle, count_own_wake, &own_wakes};
    struct ringbus_reader_options options = ringbus_reader_options_default();
    struct sleeper sleeper = {0};
    struct scene scene;

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    ck_assert_int_eq(ringbus_reader_close(scene.readers[1]), RINGBUS_EBUSY);
    fall_asleep(&scene);
    publish(scene.rings[1], 1);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[1]), RINGBUS_OK);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    read_all(scene.readers[1]);
    sleeper.reader = scene.readers[1];
    let_sleep(&sleeper, wait_for_run, os_watch_sleeps() + 1);
    publish(scene.rings[1], 1);
    worker_join(&sleeper.worker, "a reader that has left a set");
    ck_assert_uint_eq(load_u64(&scene.set->ready, ORDER_COUNT), 0);
    ck_assert_int_eq(ringbus_reader_close(scene.readers[1]), RINGBUS_OK);

    options.wait = RINGBUS_WAIT_CUSTOM;
    options.custom = &custom;
    ck_assert_int_eq(ringbus_reader_open(scene.rings[1], &options, &scene.readers[1]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(scene.set, scene.readers[1], NULL), RINGBUS_OK);
    fall_asleep(&scene);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[1]), RINGBUS_OK);
    publish(scene.rings[1], 1);
    ck_assert_uint_eq(load_u32(&own_wakes, ORDER_COUNT), 0);
    read_all(scene.readers[1]);
    ringbus__reader_arm(scene.readers[1]);
    publish(scene.rings[1], 1);
    ck_assert_uint_eq(load_u32(&own_wakes, ORDER_COUNT), 1);
    end(&scene);
}
END_TEST

START_TEST(a_place_is_used_again_without_the_calls_of_who_had_it)
{
    struct scene scene;
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);

    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    fall_asleep(&scene);
    publish(scene.rings[0], 1); /* has called */
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[0]), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(scene.set, reader, ring), RINGBUS_OK);
    ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    publish(ring, 1);
    ck_assert_int_eq(look(&scene), 1);
    ck_assert_ptr_eq(scene.ready[0].reader, reader);
    ck_assert_ptr_eq(scene.ready[0].context, ring);
    ck_assert_uint_eq(load_u64(&reader->wakes, ORDER_COUNT), 0);
    end(&scene);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(members_leave_whatever_was_known_of_them)
{
    struct scene scene;

    begin(&scene, 4, RINGBUS_WAIT_BLOCK);
    publish(scene.rings[0], 1);
    publish(scene.rings[1], 1);
    ck_assert_int_eq(look(&scene), 2);
    for (int i = 0; i < 3; i++) { /* has something, was read, was empty */
        read_all(scene.readers[1]);
        ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[i]), RINGBUS_OK);
        ck_assert_int_eq(look(&scene), RINGBUS_ETIMEDOUT);
    }
    fall_asleep(&scene);
    ck_assert_int_eq(ringbus_set_remove(scene.set, scene.readers[3]), RINGBUS_OK);
    ck_assert_int_eq(look(&scene), RINGBUS_ENOENT);
    end(&scene);
}
END_TEST

START_TEST(wrong_members_are_refused)
{
    struct scene scene;
    struct ringbus_set *other = open_set(1, RINGBUS_WAIT_PHASED);
    struct ringbus_share *share = NULL;
    struct ringbus_ring *ring = open_ring(4);
    struct ringbus_reader *reader = open_reader(ring);
    struct ringbus_ready ready[1];

    ck_assert_int_eq(ringbus_set_wait_until(other, 1, RINGBUS_FOREVER, ready), RINGBUS_ENOENT);
    begin(&scene, 2, RINGBUS_WAIT_BLOCK);
    ck_assert_int_eq(ringbus_set_add(NULL, reader, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_add(scene.set, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_add(scene.set, scene.readers[0], NULL), RINGBUS_EEXIST);
    ck_assert_int_eq(ringbus_set_add(other, scene.readers[0], NULL), RINGBUS_EEXIST);
    ck_assert_int_eq(ringbus_set_add(scene.set, reader, NULL), RINGBUS_ENOSPC);
    ck_assert_int_eq(ringbus_set_remove(NULL, reader), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_remove(scene.set, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_remove(scene.set, reader), RINGBUS_ENOENT);
    ck_assert_int_eq(ringbus_set_remove(other, scene.readers[0]), RINGBUS_ENOENT);
    close_reader(reader);
    ck_assert_int_eq(ringbus_set_add(other, reader, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_share_open(ring, NULL, &share), RINGBUS_OK);
    ck_assert_int_eq(ringbus_set_add(other, ringbus_share_reader(share), NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_share_close(share), RINGBUS_OK);
    reader = open_reader(ring);
    ringbus__ring_on_wake(ring, ring_bell, NULL);
    ck_assert_int_eq(ringbus_set_add(other, reader, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_wait_until(NULL, 1, 0, ready), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_wait_until(scene.set, 0, 0, ready), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_set_wait_until(scene.set, 1, 0, NULL), RINGBUS_EINVAL);
    end(&scene);
    ringbus_set_close(other);
    ringbus_ring_close(ring);
}
END_TEST

START_TEST(a_set_opens_with_valid_options_or_says_that_there_is_no_memory)
{
    struct ringbus_set_options options = ringbus_set_options_default();
    struct faulty_allocator faulty;
    struct ringbus_set *set = NULL;

    ck_assert_int_eq(ringbus_set_open(NULL, NULL), RINGBUS_EINVAL);
    options.max_members = RINGBUS_SET_MAX_MEMBERS + 1;
    ck_assert_int_eq(ringbus_set_open(&options, &set), RINGBUS_EINVAL);
    options.max_members = 0;
    options.wait = RINGBUS_WAIT_CUSTOM + 1;
    ck_assert_int_eq(ringbus_set_open(&options, &set), RINGBUS_EINVAL);
    options.wait = 0;
    faulty_allocator_init(&faulty, 1, 1);
    options.allocator = &faulty.allocator;
    ck_assert_int_eq(ringbus_set_open(&options, &set), RINGBUS_ENOMEM);
    ck_assert_ptr_null(set);
    ck_assert_int_eq(ringbus_set_open(&options, &set), RINGBUS_OK);
    ck_assert_uint_eq(load_u64(&faulty.calls, ORDER_COUNT), 2);
    ringbus_set_close(set);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
    options.size = 0;
    ck_assert_int_eq(ringbus_set_open(&options, &set), RINGBUS_EINVAL);
    ringbus_set_close(NULL);
}
END_TEST

START_TEST(a_closed_set_lets_its_members_go)
{
    struct scene scene;

    begin(&scene, 3, RINGBUS_WAIT_BLOCK);
    fall_asleep(&scene);
    ringbus_set_close(scene.set);
    for (int i = 0; i < 3; i++) {
        publish(scene.rings[i], 1); /* calls nobody */
        close_reader(scene.readers[i]);
    }
    scene.set = NULL;
    end(&scene);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("set member", a_member_with_an_event_is_returned_until_it_is_read,
        all_members_with_something_are_returned_at_once,
        what_was_published_before_a_reader_was_added_is_found,
        a_member_whose_line_has_ended_is_returned, abandoned_slots_are_stepped_over_and_are_nothing,
        members_take_turns, a_set_waits_in_a_way_of_your_own,
        a_reader_of_any_way_of_waiting_is_woken_through_the_set,
        a_reader_of_a_lossy_ring_is_a_member_like_any,
        a_reader_that_has_slept_by_itself_is_woken_through_the_set,
        a_reader_that_has_left_is_waited_for_and_closed_like_any,
        a_place_is_used_again_without_the_calls_of_who_had_it,
        members_leave_whatever_was_known_of_them, wrong_members_are_refused,
        a_set_opens_with_valid_options_or_says_that_there_is_no_memory,
        a_closed_set_lets_its_members_go);
}
