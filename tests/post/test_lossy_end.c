/* test_lossy_end.c - payloads by reference when a lossy group, its consumer, its thread or its bus ends. */
#include "exit/exit.h"
#include "post/lossy.h"

enum { COUNT = 7 };

static struct lossy_scene scene;
static struct gate gate;

/* Events 0 to COUNT - 1 are posted to a paused group of four. */
static void
begin_paused(uint32_t overflow)
{
    lossy_begin(&scene, overflow, RINGBUS_GROUP_THREADS, 4);
    ck_assert_int_eq(ringbus_group_pause(scene.probe.group), RINGBUS_OK);
    lossy_post(&scene, 0, COUNT - 1, 1);
}

/* The first event is in a handler. */
static void
begin_held(uint32_t overflow)
{
    memset(&scene, 0, sizeof scene);
    gate_init(&gate);
    scene.probe.gate = &gate;
    lossy_begin(&scene, overflow, RINGBUS_GROUP_THREADS, 4);
    lossy_post(&scene, 0, 0, 1);
    gate_await(&gate, 1);
    lossy_post(&scene, 1, COUNT - 1, 1);
}

START_TEST(a_shutdown_that_discards_releases_what_lossy_groups_hold)
{
    for (EACH_POLICY(policy)) {
        begin_paused(*policy);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DISCARD, RINGBUS_FOREVER), RINGBUS_OK);
        check_released(&scene, 0, COUNT - 1, 1);
        ck_assert_uint_eq(probe_calls(&scene.probe), 0);
        lossy_end(&scene, NULL);
    }
}
END_TEST

START_TEST(a_shutdown_that_drains_delivers_and_releases_what_lossy_groups_hold)
{
    for (EACH_POLICY(policy)) {
        begin_paused(*policy);
        ck_assert_int_eq(ringbus_group_resume(scene.probe.group), RINGBUS_OK);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_released(&scene, 0, COUNT - 1, 1);
        ck_assert_uint_ge(probe_calls(&scene.probe), 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

START_TEST(a_report_in_vain_leaves_references_alone)
{
    for (EACH_POLICY(policy)) {
        begin_paused(*policy);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
        ck_assert_uint_ge(undelivered(&scene.hooks, "a", "loser"), 1);
        check_released(&scene, COUNT - 1, COUNT - 1, *policy == RINGBUS_DROP_NEWEST);
        ck_assert_int_eq(ringbus_group_resume(scene.probe.group), RINGBUS_OK);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_released(&scene, 0, COUNT - 1, 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

static int
flush(void *context)
{
    return ringbus_flush(context, RINGBUS_FOREVER);
}

START_TEST(a_flush_waits_for_the_release_of_a_lossy_groups_event)
{
    for (EACH_POLICY(policy)) {
        struct call call;

        gate_init(&gate);
        calls_begin(); /* while there are no threads */
        lossy_begin(&scene, *policy, RINGBUS_GROUP_THREADS, 4);
        ck_assert_int_eq(ringbus_group_pause(scene.probe.group), RINGBUS_OK);
        scene.payloads[1].gate = &gate;
        lossy_post(&scene, 1, 1, 1);
        ck_assert_int_eq(ringbus_group_resume(scene.probe.group), RINGBUS_OK);
        gate_await(&gate, 1);
        call_start(&call, flush, scene.bus);
        ck_assert(!call_is_done(&call));
        gate_open(&gate);
        ck_assert_int_eq(call_join(&call, "flush"), RINGBUS_OK);
        check_released(&scene, 1, 1, 1);
        lossy_end(&scene, NULL);
        calls_end();
    }
}
END_TEST

static void
open_again(uint32_t overflow)
{
    struct ringbus_group *before = scene.probe.group;
    static struct probe next;

    memset(&next, 0, sizeof next);
    next.name = "next";
    payload_probe(scene.bus, &next, lossy_open(scene.bus, overflow, RINGBUS_GROUP_THREADS, 4), "a");
    ck_assert_ptr_eq(next.group, before);
    lossy_post(&scene, COUNT, 2 * COUNT - 1, 1);
    bus_flush(scene.bus);
    check_released(&scene, COUNT, 2 * COUNT - 1, 1);
}

START_TEST(a_lossy_group_that_ends_releases_and_its_next_life_does_too)
{
    for (EACH_POLICY(policy)) {
        for (int how = RINGBUS_DRAIN; how <= RINGBUS_DISCARD; how++) {
            begin_paused(*policy);
            if (how == RINGBUS_DRAIN)
                ck_assert_int_eq(ringbus_group_resume(scene.probe.group), RINGBUS_OK);
            ck_assert_int_eq(
                ringbus_group_close(scene.probe.group, (enum ringbus_how)how), RINGBUS_OK);
            check_released(&scene, 0, COUNT - 1, 1);
            open_again(*policy);
            lossy_end(&scene, NULL);
        }
    }
}
END_TEST

START_TEST(what_a_consumer_that_is_closed_was_to_get_is_released)
{
    for (EACH_POLICY(policy)) {
        begin_paused(*policy);
        ck_assert_int_eq(ringbus_consumer_close(scene.probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
        ck_assert_int_eq(ringbus_group_resume(scene.probe.group), RINGBUS_OK);
        bus_flush(scene.bus);
        check_released(&scene, 0, COUNT - 1, 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

START_TEST(a_thread_that_exits_in_a_handler_of_a_lossy_group_releases)
{
    for (EACH_POLICY(policy)) {
        begin_held(*policy);
        scene.probe.act = exit_in_handler;
        check_released(&scene, 0, 0, 0);
        gate_open(&gate);
        AWAIT_ON(scene.bus, load_u32(&scene.hooks.errors, TEST_ACQUIRE) == 1);
        ck_assert_int_eq(payload_try_post(scene.topic, &scene.payloads[COUNT]), RINGBUS_ESHUTDOWN);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_released(&scene, 0, COUNT - 1, 1);
        check_released(&scene, COUNT, COUNT, 0);
        lossy_end(&scene, NULL);
    }
}
END_TEST

START_TEST(a_thread_that_exits_in_a_batch_end_of_a_lossy_group_releases)
{
    for (EACH_POLICY(policy)) {
        memset(&scene, 0, sizeof scene);
        scene.probe.has_batch_end = true;
        scene.probe.batch_act = leave_probe;
        lossy_begin(&scene, *policy, RINGBUS_GROUP_THREADS, 4);
        lossy_post(&scene, 0, 0, 1);
        AWAIT_ON(scene.bus, load_u32(&scene.hooks.errors, TEST_ACQUIRE) == 1);
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
        check_released(&scene, 0, 0, 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

START_TEST(in_step_mode_lossy_groups_release)
{
    for (EACH_POLICY(policy)) {
        struct ringbus_options options = options_with(NULL);

        options.is_stepped = 1;
        memset(&scene, 0, sizeof scene);
        scene.bus = bus_open(&options);
        scene.topic = topic_open(scene.bus, "a");
        payload_probe(
            scene.bus, &scene.probe, lossy_open(scene.bus, *policy, RINGBUS_GROUP_THREADS, 4), "a");
        lossy_post(&scene, 0, COUNT - 1, 1);
        while (ringbus_step(scene.bus) == 1)
            ;
        check_released(&scene, 0, COUNT - 1, 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_lossy_end", a_shutdown_that_discards_releases_what_lossy_groups_hold,
        a_shutdown_that_drains_delivers_and_releases_what_lossy_groups_hold,
        a_report_in_vain_leaves_references_alone,
        a_flush_waits_for_the_release_of_a_lossy_groups_event,
        a_lossy_group_that_ends_releases_and_its_next_life_does_too,
        what_a_consumer_that_is_closed_was_to_get_is_released,
        a_thread_that_exits_in_a_handler_of_a_lossy_group_releases,
        a_thread_that_exits_in_a_batch_end_of_a_lossy_group_releases,
        in_step_mode_lossy_groups_release);
}
