/* test_group.c - groups are opened with what they were asked for, or refused; they change under a post. */
#include "bus/group.h"
#include "support/probe.h"

static int
open_with(struct ringbus_bus *bus, uint32_t capacity, const char *name)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = capacity;
    options.name = name;
    return ringbus_group_open(bus, &options, &group);
}

START_TEST(capacity_is_rounded_up_to_a_power_of_two)
{
    const uint32_t given[] = {2, 3, 4, 5, 1000, 1025}, got[] = {2, 4, 4, 8, 1024, 2048};
    struct ringbus_bus *bus = bus_open(NULL);
    char name[2] = "a";

    for (size_t i = 0; i < sizeof given / sizeof *given; i++, name[0]++) {
        ck_assert_int_eq(open_with(bus, given[i], name), RINGBUS_OK);
        ck_assert_int_eq(figure_of(bus, "group", name, "capacity"), got[i]);
    }
    bus_close(bus);
}
END_TEST

START_TEST(a_group_without_a_name_gets_a_number)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(open_with(bus, 0, NULL), RINGBUS_OK);
    ck_assert_int_eq(open_with(bus, 8, NULL), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "capacity"), 1024);
    ck_assert_int_eq(figure_of(bus, "group", "group-2", "capacity"), 8);
    bus_close(bus);
}
END_TEST

START_TEST(options_outside_their_range_are_refused)
{
    const size_t size = sizeof(struct ringbus_group_options);
    const struct ringbus_group_options bad[] = {
        {.size = 0},
        {.size = size, .kind = 4},
        {.size = size, .kind = RINGBUS_GROUP_LOOP},
        {.size = size, .lanes = 33},
        {.size = size, .lanes = 2, .kind = RINGBUS_GROUP_CALLER},
        {.size = size, .lanes = 2, .kind = RINGBUS_GROUP_POLLED},
        {.size = size, .capacity = 1},
        {.size = size, .capacity = (1u << 20) + 1},
        {.size = size, .slot_size = (1u << 20) + 1},
        {.size = size, .wait = RINGBUS_WAIT_CUSTOM},
        {.size = size, .wait = RINGBUS_WAIT_CUSTOM + 1},
        {.size = size, .name = ""},
    };
    struct ringbus_bus *bus = bus_open(NULL);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ringbus_group *group = NULL;

        ck_assert_msg(ringbus_group_open(bus, &bad[i], &group) == RINGBUS_EINVAL, "options %zu", i);
        ck_assert_ptr_null(group);
    }
    bus_close(bus);
}
END_TEST

START_TEST(a_group_needs_a_bus_and_a_place_for_its_result)
{
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = NULL;

    ck_assert_int_eq(ringbus_group_open(NULL, NULL, &group), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_group_open(bus, NULL, NULL), RINGBUS_EINVAL);
    ck_assert_ptr_null(group);
    bus_close(bus);
}
END_TEST

static const char name_63[] = "123456789012345678901234567890123456789012345678901234567890123";
static const char name_64[] = "1234567890123456789012345678901234567890123456789012345678901234";

START_TEST(a_name_has_at_most_63_bytes)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(open_with(bus, 8, name_63), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "group", name_63, "capacity"), 8);
    ck_assert_int_eq(open_with(bus, 8, name_64), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

/* A group whose name was refused used to stay behind without a reader: flush and shutdown fell over it. */
START_TEST(a_bus_goes_on_after_a_group_with_a_bad_name)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(open_with(bus, 8, name_64), RINGBUS_EINVAL);
    bus_flush(bus);
    ck_assert_int_eq(open_with(bus, 8, "good"), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(a_group_with_a_bad_name_takes_no_place)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_groups = 2;
    bus = bus_open(&options);
    ck_assert_int_eq(open_with(bus, 4, name_64), RINGBUS_EINVAL);
    ck_assert_int_eq(open_with(bus, 8, "good"), RINGBUS_OK);
    bus_close(bus);
}
END_TEST

START_TEST(there_are_at_most_max_groups)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_groups = 3;
    bus = bus_open(&options);
    ck_assert_int_eq(open_with(bus, 2, "a"), RINGBUS_OK);
    ck_assert_int_eq(open_with(bus, 2, "b"), RINGBUS_OK);
    ck_assert_int_eq(open_with(bus, 2, "c"), RINGBUS_ENOSPC);
    bus_close(bus);
}
END_TEST

START_TEST(sixty_four_groups_work_at_once)
{
    static struct probe probes[64];
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;

    options.max_groups = 64;
    bus = bus_open(&options);
    for (int i = 0; i < 64; i++) {
        if (i > 0)
            probes[i].group = group_open(bus, RINGBUS_GROUP_THREADS, 2);
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    ck_assert_int_eq(open_with(bus, 2, NULL), RINGBUS_ENOSPC);
    ck_assert_int_eq(post_number(bus, "a", 5), 64);
    bus_flush(bus);
    for (int i = 0; i < 64; i++)
        CHECK_NUMBERS(&probes[i], 5);
    bus_close(bus);
}
END_TEST

/* Also those whose executor nobody wakes: it delivers, and ends. */
START_TEST(an_executor_waits_in_each_way)
{
    static struct probe probes[RINGBUS_WAIT_SLEEP + 1];
    struct ringbus_bus *bus = bus_open(NULL);

    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_SLEEP; wait++) {
        struct ringbus_group_options options = ringbus_group_options_default();

        options.wait = wait;
        ck_assert_int_eq(ringbus_group_open(bus, &options, &probes[wait].group), RINGBUS_OK);
        probe_open(bus, &probes[wait]);
        probe_register(&probes[wait], "a");
    }
    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(post_number(bus, "a", i), RINGBUS_WAIT_SLEEP + 1);
        bus_flush(bus);
    }
    for (uint32_t wait = RINGBUS_WAIT_PHASED; wait <= RINGBUS_WAIT_SLEEP; wait++)
        CHECK_NUMBERS(&probes[wait], 1, 2, 3);
    bus_close(bus);
}
END_TEST

START_TEST(no_group_opens_on_a_bus_that_ends)
{
    struct ringbus_bus *bus = bus_open(NULL);

    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_int_eq(open_with(bus, 8, "late"), RINGBUS_ESHUTDOWN);
    bus_close(bus);
}
END_TEST

/* ---- groups that change under a post ---- */

/* While the bus drains a handler claims under its ring's lock: the test holds that lock, and so stops a post between
 * its look at the groups and its claim in the first of them. */
struct race {
    struct ringbus_bus *bus;
    struct hooks hooks;
    struct gate gate;
    struct probe poster, first, second; /* first and second on "b", in groups of their own */
    struct atomic_i64 outcome;          /* of the handler's try_post */
};

static void
try_post_b(struct probe *probe, const struct ringbus_event *event)
{
    struct race *race = probe->of_act;

    (void)event;
    store_i64(&race->outcome, try_post_number(probe->bus, "b", 2), TEST_RELEASE);
}

/* Until the handler's post waits for the lock of the first group's ring. */
static void
race_begin(struct race *race, bool has_second)
{
    struct ringbus_options options = options_with(&race->hooks);

    gate_init(&race->gate);
    race->bus = bus_open(&options);
    race->poster.gate = &race->gate;
    race->poster.act = try_post_b;
    race->poster.of_act = race;
    race->first.group = group_open(race->bus, RINGBUS_GROUP_THREADS, 2);
    race->second.group = group_open(race->bus, RINGBUS_GROUP_THREADS, 2);
    probe_open(race->bus, &race->poster);
    probe_open(race->bus, &race->first);
    probe_open(race->bus, &race->second);
    probe_register(&race->poster, "a");
    probe_register(&race->first, "b");
    if (has_second)
        probe_register(&race->second, "b");
    ck_assert_int_eq(post_number(race->bus, "a", 1), 1);
    gate_await(&race->gate, 1);
    ck_assert_int_eq(ringbus_shutdown(race->bus, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    lock_acquire(&race->first.group->ring->lock);
    gate_open(&race->gate);
    AWAIT_ON(race->bus, load_u32(&race->first.group->ring->lock.word, ORDER_HINT) == 2);
}

static void
race_end(struct race *race, int outcome, uint32_t first_calls, uint32_t second_calls)
{
    ck_assert_int_eq(
        IN_TIME(race->bus, ringbus_shutdown(race->bus, RINGBUS_DRAIN, RINGBUS_FOREVER)),
        RINGBUS_OK);
    ck_assert_int_eq(load_i64(&race->outcome, TEST_ACQUIRE), outcome);
    ck_assert_uint_eq(probe_calls(&race->first), first_calls);
    ck_assert_uint_eq(probe_calls(&race->second), second_calls);
    bus_close(race->bus);
}

START_TEST(a_post_whose_consumers_leave_while_it_claims_is_dead)
{
    static struct race race;

    race_begin(&race, false);
    ck_assert_int_eq(ringbus_unregister_consumer(race.bus, race.first.consumer, NULL), RINGBUS_OK);
    lock_release(&race.first.group->ring->lock);
    race_end(&race, 0, 0, 0);
    ck_assert_uint_eq(load_u32(&race.hooks.dead, ORDER_COUNT), 1);
}
END_TEST

START_TEST(a_post_one_of_whose_groups_leaves_while_it_claims_reaches_the_other)
{
    static struct race race;

    race_begin(&race, true);
    ck_assert_int_eq(ringbus_unregister_consumer(race.bus, race.second.consumer, NULL), RINGBUS_OK);
    lock_release(&race.first.group->ring->lock);
    race_end(&race, 1, 1, 0);
}
END_TEST

START_TEST(a_post_one_of_whose_rings_fills_up_while_it_claims_reaches_none)
{
    static struct race race;
    int64_t claimed = 0;

    race_begin(&race, true);
    claimed = ringbus__ring_claim_now(race.second.group->ring, 2, 0, true);
    ck_assert_int_ge(claimed, 0);
    lock_release(&race.first.group->ring->lock);
    AWAIT_CALLS(&race.poster, 1);
    ringbus_ring_abandon(race.second.group->ring, claimed, 2);
    race_end(&race, RINGBUS_EAGAIN, 0, 0);
}
END_TEST

/* A thread links its record at its first post to a caller group: after its look at the groups. */
static struct gate link_gate;

static int
stop_while_linking(void (*run)(void *context), void *context)
{
    gate_pass(&link_gate);
    return os_real()->thread_at_exit(run, context);
}

static struct atomic_i64 outcome_of_post;

static void
post_a(void *context)
{
    store_i64(&outcome_of_post, post_number(context, "a", 1), TEST_RELEASE);
}

START_TEST(a_post_whose_caller_group_is_closed_before_it_says_so_is_dead)
{
    static struct hooks hooks;
    static struct probe probe;
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = NULL;
    struct worker worker;

    gate_init(&link_gate);
    os_watch_begin(0);
    bus = bus_open(&options);
    probe.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ringbus__os.thread_at_exit = stop_while_linking;
    worker_start(&worker, post_a, bus);
    gate_await(&link_gate, 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(probe.group, RINGBUS_DRAIN)), RINGBUS_OK);
    gate_open(&link_gate);
    worker_join(&worker, "a poster");
    ck_assert_int_eq(load_i64(&outcome_of_post, TEST_ACQUIRE), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 1);
    ck_assert_uint_eq(probe_calls(&probe), 0);
    bus_close(bus);
    os_watch_end();
}
END_TEST

/* ---- an executor between its passes ---- */

static struct gate leaving_gate;
static struct ringbus_consumer *leaving;
static struct ringbus_bus *draining, *foreign;

/* What posts between passes are told: to a ring, to a caller group, by reference to that, and to it in a handler of
 * another bus. */
enum { LATE_POSTS = 4 };

static struct atomic_i64 late_outcomes[LATE_POSTS];

static void
keep_outcome(int post, int outcome)
{
    store_i64(&late_outcomes[post], outcome, TEST_RELEASE);
}

static void
release_nothing(void *data, void *context)
{
    (void)data, (void)context;
}

static void
post_late(void *topic)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.release = release_nothing;
    keep_outcome(0, post_number(draining, "b", 2));
    keep_outcome(1, ringbus_topic_post(topic, NULL, 0, NULL));
    keep_outcome(2, ringbus_topic_post(topic, NULL, 0, &options));
    MUST(ringbus_post(foreign, "f", NULL, 0) == 1, "the other bus is open");
}

static void
post_back(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    keep_outcome(3, ringbus_topic_post(probe->of_act, NULL, 0, NULL));
}

static int
leave(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    MUST(ringbus_consumer_close(leaving, RINGBUS_DRAIN) == RINGBUS_PENDING, "it runs");
    gate_pass(&leaving_gate);
    return 0;
}

static void
open_in(struct ringbus_bus *bus, struct probe *probe, uint32_t kind, const char *topic)
{
    probe->group = group_open(bus, kind, 4);
    probe_open(bus, probe);
    probe_register(probe, topic);
}

/* A consumer on "a" closes itself, and posts when it is destroyed, after the pass: by then the bus drains. */
static void
check_late_posts(struct gate *gate, struct ringbus_topic *topic)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.destroy = post_late;
    ck_assert_int_eq(ringbus_consumer_open(draining, leave, topic, &options, &leaving), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(draining, leaving, "a"), RINGBUS_OK);
    ck_assert_int_eq(post_number(draining, "b", 1), 1);
    gate_await(gate, 1);
    ck_assert_int_eq(post_number(draining, "a", 1), 1);
    gate_await(&leaving_gate, 1);
    ck_assert_int_eq(ringbus_shutdown(draining, RINGBUS_DRAIN, 0), RINGBUS_ETIMEDOUT);
    gate_open(&leaving_gate);
    AWAIT_ON(draining, load_i64(&late_outcomes[LATE_POSTS - 1], TEST_ACQUIRE) != 0);
    for (int i = 0; i < LATE_POSTS; i++)
        ck_assert_int_eq(load_i64(&late_outcomes[i], TEST_ACQUIRE), RINGBUS_ESHUTDOWN);
    ringbus_topic_close(topic);
    gate_open(gate);
}

/* Handlers may post while the bus drains; what an executor runs after a pass holds up no drain, and may not. */
START_TEST(a_destroy_function_posts_no_more_when_the_bus_drains)
{
    static struct gate gate;
    static struct probe blocked = {.gate = &gate}, called, between = {.act = post_back};
    struct ringbus_topic *topic = NULL;

    gate_init(&gate);
    gate_init(&leaving_gate);
    draining = bus_open(NULL);
    foreign = bus_open(NULL);
    open_in(draining, &blocked, RINGBUS_GROUP_THREADS, "b");
    open_in(draining, &called, RINGBUS_GROUP_CALLER, "c");
    open_in(foreign, &between, RINGBUS_GROUP_CALLER, "f");
    ck_assert_int_eq(ringbus_topic_open(draining, "c", &topic), RINGBUS_OK);
    between.of_act = topic;
    check_late_posts(&gate, topic);
    ck_assert_int_eq(
        IN_TIME(draining, ringbus_shutdown(draining, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(probe_calls(&called), 0);
    bus_close(draining);
    bus_close(foreign);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("group", capacity_is_rounded_up_to_a_power_of_two,
        a_group_without_a_name_gets_a_number, options_outside_their_range_are_refused,
        a_group_needs_a_bus_and_a_place_for_its_result, a_name_has_at_most_63_bytes,
        a_bus_goes_on_after_a_group_with_a_bad_name, a_group_with_a_bad_name_takes_no_place,
        there_are_at_most_max_groups, sixty_four_groups_work_at_once, an_executor_waits_in_each_way,
        no_group_opens_on_a_bus_that_ends, a_post_whose_consumers_leave_while_it_claims_is_dead,
        a_post_one_of_whose_groups_leaves_while_it_claims_reaches_the_other,
        a_post_one_of_whose_rings_fills_up_while_it_claims_reaches_none,
        a_post_whose_caller_group_is_closed_before_it_says_so_is_dead,
        a_destroy_function_posts_no_more_when_the_bus_drains);
}
