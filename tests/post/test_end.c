/* test_end.c - payloads that are posted by reference when a bus, a group or a thread ends: each is released, once. */
#include "exit/exit.h"
#include "post/payload.h"

enum { COUNT = 6 };

static struct hooks hooks;
static struct payload payloads[COUNT];

static void
post_all(struct ringbus_topic *topic)
{
    for (uint64_t i = 0; i < COUNT; i++) {
        memset(&payloads[i], 0, sizeof payloads[i]);
        payloads[i].number = i;
        ck_assert_int_ge(payload_post(topic, &payloads[i]), 1);
    }
}

static void
check_all(void)
{
    for (int i = 0; i < COUNT; i++)
        ck_assert_uint_eq(payload_released(&payloads[i]), 1);
}

/* Of the scene before. */
static void
reset(struct probe *probe)
{
    memset(probe, 0, sizeof *probe);
    memset(payloads, 0, sizeof payloads);
    memset(&hooks, 0, sizeof hooks);
}

/* A group that rests, with COUNT events in its ring. */
static struct ringbus_bus *
open_full(uint32_t lanes, struct probe *probe, struct ringbus_group **ret_group,
    struct ringbus_topic **ret_topic)
{
    struct ringbus_bus *bus = bus_open_small(8, &hooks);

    *ret_group = lanes_open(bus, lanes, 8);
    *ret_topic = topic_open(bus, "a");
    ck_assert_int_eq(ringbus_group_pause(*ret_group), RINGBUS_OK);
    payload_probe(bus, probe, *ret_group, "a");
    post_all(*ret_topic);
    return bus;
}

static void
check_shutdown(uint32_t lanes, enum ringbus_how how)
{
    static struct probe probe;
    struct ringbus_group *group = NULL;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;

    reset(&probe);
    bus = open_full(lanes, &probe, &group, &topic);
    if (how == RINGBUS_DRAIN)
        ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    ck_assert_int_eq(ringbus_shutdown(bus, how, RINGBUS_FOREVER), RINGBUS_OK);
    check_all();
    ck_assert_uint_eq(probe_calls(&probe), how == RINGBUS_DRAIN ? COUNT : 0);
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(a_shutdown_that_drains_delivers_and_releases)
{
    check_shutdown(1, RINGBUS_DRAIN);
    check_shutdown(4, RINGBUS_DRAIN);
}
END_TEST

START_TEST(a_shutdown_that_discards_releases)
{
    check_shutdown(1, RINGBUS_DISCARD);
    check_shutdown(4, RINGBUS_DISCARD);
}
END_TEST

static void
check_close(uint32_t lanes)
{
    static struct probe probe;
    struct ringbus_group *group = NULL;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;

    reset(&probe);
    bus = open_full(lanes, &probe, &group, &topic);
    ringbus_topic_close(topic);
    bus_close(bus);
    check_all();
}

START_TEST(a_close_without_a_shutdown_releases)
{
    check_close(1);
    check_close(4);
}
END_TEST

static void
check_lives(uint32_t lanes)
{
    static struct probe probe, next;
    struct ringbus_group *group = NULL, *again = NULL;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;

    reset(&probe);
    reset(&next);
    bus = open_full(lanes, &probe, &group, &topic);
    ck_assert_int_eq(ringbus_group_close(group, RINGBUS_DISCARD), RINGBUS_OK);
    check_all();
    memset(payloads, 0, sizeof payloads);
    again = lanes_open(bus, lanes, 8);
    ck_assert_ptr_eq(again, group);
    payload_probe(bus, &next, again, "a");
    post_all(topic);
    bus_flush(bus);
    check_all();
    ck_assert_uint_eq(probe_calls(&next), COUNT);
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(a_group_that_ends_releases_and_its_next_life_does_too)
{
    check_lives(1);
    check_lives(4);
}
END_TEST

START_TEST(a_polled_group_releases_in_its_polls)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open_small(2, &hooks);
    struct ringbus_group *polled = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    struct ringbus_topic *topic = topic_open(bus, "a");

    payload_probe(bus, &probe, polled, "a");
    post_all(topic);
    ck_assert_int_eq(ringbus_group_poll(polled, 2), 2);
    ck_assert_uint_eq(payload_released(&payloads[1]), 1);
    ck_assert_uint_eq(payload_released(&payloads[2]), 0);
    ck_assert(pthread_equal(payloads[1].thread, pthread_self()));
    ringbus_topic_close(topic);
    end_polled(bus, polled);
    check_all();
}
END_TEST

START_TEST(a_stepped_bus_releases_in_its_steps)
{
    static struct probe probe;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;

    options.is_stepped = 1;
    options.step_seed = 3;
    bus = bus_open(&options);
    topic = topic_open(bus, "a");
    payload_probe(bus, &probe, lanes_open(bus, 3, 8), "a");
    post_all(topic);
    bus_flush(bus);
    check_all();
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- a thread exits in a handler ---- */

static void
leave_for_two(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 2)
        leave_probe(probe);
}

static void
check_exit(uint32_t lanes)
{
    static struct probe probe = {.act = leave_for_two}, safe = {.is_thread_safe = true};
    struct ringbus_bus *bus = NULL;
    struct ringbus_group *group = NULL;
    struct ringbus_topic *topic = NULL;

    reset(&probe);
    reset(&safe);
    probe.act = leave_for_two;
    safe.is_thread_safe = true;
    bus = bus_open_small(8, &hooks);
    group = lanes_open(bus, lanes, 8);
    topic = topic_open(bus, "a");
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    payload_probe(bus, &probe, group, "a");
    payload_probe(bus, &safe, group, "a");
    post_all(topic);
    ck_assert_int_eq(ringbus_group_resume(group), RINGBUS_OK);
    AWAIT_ON(bus, load_u32(&hooks.errors, TEST_ACQUIRE) == 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER), RINGBUS_OK);
    check_all();
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(a_lane_whose_thread_exits_in_a_handler_releases)
{
    check_exit(1);
    check_exit(4);
}
END_TEST

static void *
poll_last(void *group)
{
    ringbus_group_poll(group, COUNT);
    MUST(false, "the thread has come back");
    return NULL;
}

START_TEST(a_polled_group_whose_thread_exits_in_a_handler_releases)
{
    static struct probe probe = {.act = leave_for_two};
    struct ringbus_bus *bus = bus_open_small(2, &hooks);
    struct ringbus_group *polled = group_open(bus, RINGBUS_GROUP_POLLED, 8);
    struct ringbus_topic *topic = topic_open(bus, "a");
    pthread_t thread;

    memset(payloads, 0, sizeof payloads);
    payload_probe(bus, &probe, polled, "a");
    for (uint64_t i = 0; i < 3; i++) { /* the last pass is the one that is broken off */
        payloads[i].number = i;
        ck_assert_int_eq(payload_post(topic, &payloads[i]), 1);
    }
    ck_assert_int_eq(pthread_create(&thread, NULL, poll_last, polled), 0);
    join_thread(bus, thread);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(payload_released(&payloads[i]), 1);
    ringbus_topic_close(topic);
    end_polled(bus, polled);
}
END_TEST

/* Posts nested ones, and exits. */
static void
nest_and_leave(struct probe *probe, const struct ringbus_event *event)
{
    struct ringbus_topic *topic = probe->of_act;

    MUST(number_of(event) == 0, "called after its exit");
    for (uint64_t i = 1; i < 4; i++)
        MUST(payload_post(topic, &payloads[i]) >= 1, "a nested post is refused");
    leave_probe(probe);
}

static void *
post_first(void *topic)
{
    payload_post(topic, &payloads[0]);
    MUST(false, "the thread has come back");
    return NULL;
}

/* A post to a caller group, with or without a ring beside it, whose handler exits. */
static void
check_exit_in_caller(bool has_ring)
{
    static struct probe probe, ring;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;
    pthread_t thread;

    reset(&probe);
    reset(&ring);
    bus = bus_open_small(8, &hooks);
    topic = topic_open(bus, "a");
    probe.act = nest_and_leave;
    probe.of_act = topic;
    payload_probe(bus, &probe, group_open(bus, RINGBUS_GROUP_CALLER, 8), "a");
    if (has_ring)
        payload_probe(bus, &ring, NULL, "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, post_first, topic), 0);
    join_thread(bus, thread);
    if (has_ring)
        bus_flush(bus);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(payload_released(&payloads[i]), 1);
    ringbus_topic_close(topic);
    bus_close(bus);
}

START_TEST(a_thread_that_exits_amid_its_post_releases_that_and_the_nested_ones)
{
    check_exit_in_caller(false);
}
END_TEST

START_TEST(also_when_a_ring_has_them_too)
{
    check_exit_in_caller(true);
}
END_TEST

static void *
publish_claim(void *topic)
{
    struct ringbus_claim claim;
    uint64_t number = 2;

    MUST(ringbus_topic_claim_until(topic, sizeof number, RINGBUS_FOREVER, NULL, &claim) == 1,
        "claim_until");
    memcpy(claim.data, &number, sizeof number);
    ringbus_topic_publish(&claim);
    MUST(false, "the thread has come back");
    return NULL;
}

START_TEST(a_thread_that_exits_amid_its_publish_has_no_claim_any_more)
{
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    struct ringbus_topic *topic = NULL;
    pthread_t thread;

    reset(&probe);
    bus = bus_open_small(8, &hooks);
    topic = topic_open(bus, "a");
    probe.act = leave_for_two;
    payload_probe(bus, &probe, group_open(bus, RINGBUS_GROUP_CALLER, 2), "a");
    ck_assert_int_eq(pthread_create(&thread, NULL, publish_claim, topic), 0);
    join_thread(bus, thread);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* ---- a thread exits in a release of its post ---- */

static struct atomic_u32 begun_releases;

static void
leave_release(void *of_act)
{
    (void)of_act;
    if (add_u32(&begun_releases, 1, TEST_RELEASE) == 0)
        pthread_exit(NULL);
}

static void
nest_one(struct probe *probe, const struct ringbus_event *event)
{
    if (number_of(event) == 0)
        MUST(payload_post(probe->of_act, &payloads[1]) >= 1, "a nested post is refused");
}

/* The scene: a caller group on "a", and a thread that is going to exit in the release of `payload`. */
static struct ringbus_bus *
open_for_release(struct probe *probe, struct payload *payload, struct ringbus_topic **ret_topic)
{
    struct ringbus_bus *bus = NULL;

    reset(probe);
    store_u32(&begun_releases, 0, TEST_RELEASE);
    payload->act = leave_release;
    payloads[1].number = 1;
    bus = bus_open_small(8, &hooks);
    *ret_topic = topic_open(bus, "a");
    probe->name = "probe";
    probe->act = nest_one;
    probe->of_act = *ret_topic;
    payload_probe(bus, probe, group_open(bus, RINGBUS_GROUP_CALLER, 8), "a");
    return bus;
}

static void
end_after_release(struct ringbus_bus *bus, struct ringbus_topic *topic, uint64_t left)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, post_first, topic), 0);
    join_thread(bus, thread);
    ringbus_topic_close(topic);
    ck_assert_int_eq(IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), 0);
    bus_close(bus);
    ck_assert_uint_eq(load_u32(&begun_releases, TEST_ACQUIRE), 1);
    ck_assert_uint_eq(undelivered(&hooks, "a", "probe"), left);
}

START_TEST(a_release_in_which_a_poster_exits_is_called_once)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_for_release(&probe, &payloads[0], &topic);

    end_after_release(bus, topic, 0);
    ck_assert_uint_eq(payload_released(&payloads[1]), 1);
}
END_TEST

START_TEST(so_is_that_of_a_nested_post_and_nothing_is_owed)
{
    static struct probe probe;
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = open_for_release(&probe, &payloads[1], &topic);

    end_after_release(bus, topic, 0);
    ck_assert_uint_eq(payload_released(&payloads[0]), 1);
}
END_TEST

/* What the post has replaced in another group is released before its own event is delivered. */
START_TEST(an_event_whose_poster_exits_in_a_release_before_it_is_named_and_released)
{
    static struct probe probe, conflated;
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_topic *topic = NULL;
    struct ringbus_group *group = NULL;
    struct ringbus_bus *bus = open_for_release(&probe, &payloads[2], &topic);

    options.overflow = RINGBUS_CONFLATE;
    ck_assert_int_eq(ringbus_group_open(bus, &options, &group), RINGBUS_OK);
    ck_assert_int_eq(ringbus_group_pause(group), RINGBUS_OK);
    payload_probe(bus, &conflated, group, "a");
    payloads[2].number = 2;
    ck_assert_int_eq(payload_post(topic, &payloads[2]), 2);
    end_after_release(bus, topic, 1);
    ck_assert_uint_eq(payload_released(&payloads[0]), 1);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_end", a_shutdown_that_drains_delivers_and_releases,
        a_shutdown_that_discards_releases, a_close_without_a_shutdown_releases,
        a_group_that_ends_releases_and_its_next_life_does_too, a_polled_group_releases_in_its_polls,
        a_stepped_bus_releases_in_its_steps, a_lane_whose_thread_exits_in_a_handler_releases,
        a_polled_group_whose_thread_exits_in_a_handler_releases,
        a_thread_that_exits_amid_its_post_releases_that_and_the_nested_ones,
        also_when_a_ring_has_them_too, a_thread_that_exits_amid_its_publish_has_no_claim_any_more,
        a_release_in_which_a_poster_exits_is_called_once,
        so_is_that_of_a_nested_post_and_nothing_is_owed,
        an_event_whose_poster_exits_in_a_release_before_it_is_named_and_released);
}
