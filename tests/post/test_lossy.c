/* test_lossy.c - payloads by reference in lossy groups: each is released once, whatever becomes of its event. */
#include "post/lossy.h"

#include "bus/executor/reference.h"

static struct lossy_scene scene;

/* ---- delivered ---- */

static void
check_own_memory(struct probe *probe, const struct ringbus_event *event)
{
    MUST(event->data == probe->of_act && event->reference != NULL, "not the poster's own memory");
    payload_look(probe, event);
}

START_TEST(every_policy_hands_out_the_posters_own_memory_of_any_size)
{
    static struct {
        struct payload payload;
        char rest[100000];
    } large;
    const struct ringbus_post_options options = payload_options(&large.payload);

    for (EACH_POLICY(policy)) {
        memset(&large, 0, sizeof large);
        scene.probe.act = check_own_memory;
        scene.probe.of_act = &large;
        lossy_begin(&scene, *policy, RINGBUS_GROUP_POLLED, 2);
        ck_assert_int_eq(ringbus_topic_post(scene.topic, &large, sizeof large, &options), 1);
        ck_assert_uint_eq(payload_released(&large.payload), 0);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        ck_assert_uint_eq(scene.probe.notes[0].size, sizeof large);
        ck_assert_uint_eq(payload_released(&large.payload), 1);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

START_TEST(it_is_released_while_nobody_has_anything_else_to_do)
{
    for (EACH_POLICY(policy)) {
        lossy_begin(&scene, *policy, RINGBUS_GROUP_THREADS, 4);
        for (int i = 0; i < LOSSY_PAYLOADS; i++) {
            lossy_post(&scene, i, i, 1);
            AWAIT_ON(scene.bus, payload_released(&scene.payloads[i]) == 1);
        }
        lossy_end(&scene, NULL);
    }
}
END_TEST

/* ---- dropped ---- */

START_TEST(what_a_full_ring_does_not_take_is_released_before_the_post_returns)
{
    lossy_begin(&scene, RINGBUS_DROP_NEWEST, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 4, 1);
    check_released(&scene, 1, 2, 0);
    check_released(&scene, 3, 4, 1);
    ck_assert_int_eq(lossy_dropped(&scene), 2);
    ck_assert_int_eq(lossy_poll(&scene), 2);
    CHECK_NUMBERS(&scene.probe, 1, 2);
    check_released(&scene, 1, 4, 1);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

static uint64_t lost_of_next;

static void
look_for_lost(struct probe *probe, const struct ringbus_event *event)
{
    payload_look(probe, event);
    lost_of_next = event->lost;
}

START_TEST(a_drop_is_told_by_an_event_by_reference_too)
{
    scene.probe.act = look_for_lost;
    lossy_begin(&scene, RINGBUS_DROP_NEWEST, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 5, 1);
    ck_assert_int_eq(lossy_poll(&scene), 2);
    lossy_post(&scene, 6, 6, 1);
    ck_assert_int_eq(lossy_poll(&scene), 1);
    ck_assert_uint_eq(lost_of_next, 3);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* ---- overwritten ---- */

START_TEST(what_is_overwritten_is_released_by_the_post_that_does_it)
{
    lossy_begin(&scene, RINGBUS_DROP_OLDEST, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 2, 1);
    check_released(&scene, 1, 2, 0);
    lossy_post(&scene, 3, 3, 1);
    check_released(&scene, 1, 1, 1);
    lossy_post_copy(&scene, 9);
    check_released(&scene, 2, 2, 1);
    lossy_post_copy(&scene, 9);
    check_released(&scene, 3, 3, 1);
    lossy_post(&scene, 4, 4, 1);
    check_released(&scene, 4, 4, 0);
    ck_assert(pthread_equal(scene.payloads[1].thread, pthread_self()));
    scene.probe.act = NULL;
    ck_assert_int_eq(lossy_poll(&scene), 2);
    CHECK_NUMBERS(&scene.probe, 9, 4);
    check_released(&scene, 1, 4, 1);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* Of eleven events in a ring of eight three are overwritten, and two more skipped, a quarter of the ring. */
static void
check_skipped(struct probe *probe, const struct ringbus_event *event)
{
    payload_look(probe, event);
    if (load_u32(&probe->begun, ORDER_COUNT) == 1) {
        MUST(number_of(event) == 5 && event->lost == 5, "another event is first");
        check_released(&scene, 0, 4, 1);
    }
}

START_TEST(what_a_lane_skips_is_released_before_it_goes_on)
{
    scene.probe.act = check_skipped;
    lossy_begin(&scene, RINGBUS_DROP_OLDEST, RINGBUS_GROUP_POLLED, 8);
    lossy_post(&scene, 0, 10, 1);
    check_released(&scene, 0, 2, 1);
    check_released(&scene, 3, 10, 0);
    ck_assert_int_eq(lossy_poll(&scene), 6);
    check_released(&scene, 0, 10, 1);
    ck_assert_int_eq(lossy_dropped(&scene), 5);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* Each release may take long, and who runs the lane may have a bound on time. */
START_TEST(a_lane_that_is_far_behind_releases_a_few_and_goes_on)
{
    enum { SLOTS = 1024, FEW = 64 };
    static struct payload many[SLOTS];
    uint32_t released = 0;
    int calls = 0, count = 0;

    lossy_begin(&scene, RINGBUS_DROP_OLDEST, RINGBUS_GROUP_POLLED, SLOTS);
    memset(many, 0, sizeof many);
    for (uint32_t i = 0; i < SLOTS; i++)
        ck_assert_int_eq(payload_post(scene.topic, &many[i]), 1);
    lossy_post(&scene, 0, 0, 1);
    ck_assert_int_eq(ringbus_group_poll(scene.probe.group, 1), 1);
    for (uint32_t i = 0; i < SLOTS; i++)
        released += payload_released(&many[i]);
    ck_assert_uint_ge(released, 2);
    ck_assert_uint_le(released, FEW);
    while ((count = lossy_poll(&scene)) > 0)
        calls += count;
    for (uint32_t i = 0; i < SLOTS; i++)
        ck_assert_uint_eq(payload_released(&many[i]), 1);
    check_released(&scene, 0, 0, 1);
    ck_assert_int_eq(1 + calls + lossy_dropped(&scene), SLOTS + 1);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* The event in the lane's hand goes on while its slot is used again. */
static void
overwrite(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 1) {
        lossy_post(&scene, 2, 6, 1);
        check_released(&scene, 1, 1, 0);
    }
    payload_look(probe, event);
}

START_TEST(an_event_in_hand_is_not_released_when_its_slot_is_used_again)
{
    scene.probe.act = overwrite;
    lossy_begin(&scene, RINGBUS_DROP_OLDEST, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 1, 1);
    ck_assert_int_eq(lossy_poll(&scene), 3);
    CHECK_NUMBERS(&scene.probe, 1, 5, 6);
    check_released(&scene, 1, 6, 1);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

START_TEST(a_copy_that_names_a_former_life_does_not_get_the_payload)
{
    struct ringbus_reference block = {.count = {0}};
    struct release due = {.run = NULL};

    store_u64(&block.count, UINT64_C(7) << 32 | 1, ORDER_OWN);
    ck_assert(!ringbus__reference_catch(&block, 6));
    ck_assert(!ringbus__reference_catch(&block, 8));
    ck_assert(ringbus__reference_catch(&block, 7));
    ringbus__reference_leave(&block, &due);
    store_u64(&block.count, UINT64_C(7) << 32, ORDER_OWN); /* its last one was dropped */
    ck_assert(!ringbus__reference_catch(&block, 7));
    ck_assert_uint_eq(load_u64(&block.count, ORDER_OWN), UINT64_C(7) << 32);
}
END_TEST

/* ---- replaced ---- */

START_TEST(a_replaced_value_is_released_by_the_post_that_does_it)
{
    lossy_begin(&scene, RINGBUS_CONFLATE, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 2, 1);
    check_released(&scene, 1, 1, 1);
    check_released(&scene, 2, 2, 0);
    lossy_post_copy(&scene, 9);
    check_released(&scene, 2, 2, 1);
    lossy_post(&scene, 3, 3, 1);
    check_released(&scene, 3, 3, 0);
    ck_assert_int_eq(lossy_poll(&scene), 1);
    CHECK_NUMBERS(&scene.probe, 3);
    lossy_post(&scene, 4, 4, 1); /* replaces nothing */
    check_released(&scene, 1, 3, 1);
    ck_assert_int_eq(lossy_poll(&scene), 1);
    check_released(&scene, 1, 4, 1);
    ck_assert_int_eq(lossy_dropped(&scene), 3);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

START_TEST(a_queued_value_outlives_its_registration_and_is_released)
{
    lossy_begin(&scene, RINGBUS_CONFLATE, RINGBUS_GROUP_POLLED, 2);
    lossy_post(&scene, 1, 1, 1);
    ck_assert_int_eq(ringbus_unregister_consumer(scene.bus, scene.probe.consumer, "a"), RINGBUS_OK);
    check_released(&scene, 1, 1, 0);
    ck_assert_int_eq(lossy_poll(&scene), 1);
    check_released(&scene, 1, 1, 1);
    ck_assert_uint_eq(probe_calls(&scene.probe), 0);
    lossy_end(&scene, scene.probe.group);
}
END_TEST

/* ---- releases ---- */

static void
post_one(void *number)
{
    lossy_post_copy(&scene, *(uint64_t *)number);
}

/* No lock is held, and nothing of the post is left open. */
static void
check_release_posts(uint32_t overflow, bool has_caller)
{
    static uint64_t number = 77;
    static struct probe caller;

    memset(&caller, 0, sizeof caller);
    lossy_begin(&scene, overflow, RINGBUS_GROUP_POLLED, 2);
    if (has_caller) {
        caller.name = "caller";
        probe_open(scene.bus, &caller);
        probe_register(&caller, "a");
    }
    scene.payloads[1].act = post_one;
    scene.payloads[1].of_act = &number;
    lossy_post(&scene, 1, 3, has_caller ? 2 : 1);
    scene.probe.act = NULL;
    ck_assert_int_ge(lossy_poll(&scene), 1);
    ck_assert_int_eq(lossy_poll(&scene), 0);
    check_released(&scene, 1, 3, 1);
    if (has_caller && overflow == RINGBUS_CONFLATE) /* by the post of 2, before its own event */
        CHECK_NUMBERS(&caller, 1, 2, 77, 3);
    lossy_end(&scene, scene.probe.group);
}

START_TEST(what_a_release_posts_finds_no_lock_held)
{
    for (EACH_POLICY(policy)) {
        check_release_posts(*policy, false);
        check_release_posts(*policy, true);
    }
}
END_TEST

/* ---- kept ---- */

static const struct ringbus_event *kept;

static void
keep_first(struct probe *probe, const struct ringbus_event *event)
{
    (void)probe;
    if (kept == NULL)
        MUST(ringbus_event_keep(event, &kept) == RINGBUS_OK, "not kept");
}

START_TEST(a_kept_event_of_a_lossy_group_stays_until_it_is_dropped)
{
    for (EACH_POLICY(policy)) {
        kept = NULL;
        scene.probe.act = keep_first;
        lossy_begin(&scene, *policy, RINGBUS_GROUP_POLLED, 2);
        lossy_post(&scene, 1, 1, 1);
        ck_assert_int_eq(lossy_poll(&scene), 1);
        for (int i = 2; i < 8; i++) {
            lossy_post(&scene, i, i, 1);
            ck_assert_int_eq(lossy_poll(&scene), 1);
        }
        check_released(&scene, 1, 1, 0);
        check_released(&scene, 2, 7, 1);
        ck_assert_ptr_eq(kept->data, &scene.payloads[1]);
        ck_assert_uint_eq(kept->size, sizeof(uint64_t));
        ringbus_event_drop(kept);
        check_released(&scene, 1, 1, 1);
        lossy_end(&scene, scene.probe.group);
    }
}
END_TEST

/* ---- blocks ---- */

/* As many as there can be: one in the hand, one in each place, one in the post that overwrites. */
START_TEST(the_event_in_hand_needs_no_block_of_a_slot)
{
    for (EACH_POLICY(policy)) {
        struct ringbus_options options = options_with(NULL);
        struct ringbus_group_options group = ringbus_group_options_default();
        static struct gate gate;

        memset(&scene, 0, sizeof scene);
        gate_init(&gate);
        group.overflow = *policy;
        group.capacity = 2;
        options.default_group = &group;
        scene.bus = bus_open(&options);
        scene.topic = topic_open(scene.bus, "a");
        scene.probe.gate = &gate;
        payload_probe(scene.bus, &scene.probe, NULL, "a");
        probe_register(&scene.probe, "b");
        lossy_post(&scene, 0, 0, 1);
        gate_await(&gate, 1);
        for (int i = 1; i < 9; i++) {
            struct ringbus_topic *topic = topic_open(scene.bus, i % 2 ? "a" : "b");

            ck_assert_int_eq(payload_post(topic, &scene.payloads[i]), 1);
            ringbus_topic_close(topic);
        }
        gate_open(&gate);
        bus_flush(scene.bus);
        check_released(&scene, 0, 8, 1);
        lossy_end(&scene, NULL);
    }
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_lossy", every_policy_hands_out_the_posters_own_memory_of_any_size,
        it_is_released_while_nobody_has_anything_else_to_do,
        what_a_full_ring_does_not_take_is_released_before_the_post_returns,
        a_drop_is_told_by_an_event_by_reference_too,
        what_is_overwritten_is_released_by_the_post_that_does_it,
        what_a_lane_skips_is_released_before_it_goes_on,
        a_lane_that_is_far_behind_releases_a_few_and_goes_on,
        an_event_in_hand_is_not_released_when_its_slot_is_used_again,
        a_copy_that_names_a_former_life_does_not_get_the_payload,
        a_replaced_value_is_released_by_the_post_that_does_it,
        a_queued_value_outlives_its_registration_and_is_released,
        what_a_release_posts_finds_no_lock_held,
        a_kept_event_of_a_lossy_group_stays_until_it_is_dropped,
        the_event_in_hand_needs_no_block_of_a_slot);
}
