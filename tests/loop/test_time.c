/* test_time.c - a turn's budget of time: what slow handlers leave to the loop's other business, and to each other. The
 * clock is the test's, and goes on only in handlers, and where a test says so at each look. */
#include "uv/inbox.h"

static struct atomic_i64 now_ns;
static struct atomic_i64 look_ns; /* that a look at the clock takes */
static struct atomic_u64 looks;

static int64_t
tell_time(void)
{
    const int64_t told_ns = load_i64(&now_ns, ORDER_COUNT);

    add_u64(&looks, 1, ORDER_COUNT);
    store_i64(&now_ns, told_ns + load_i64(&look_ns, ORDER_COUNT), ORDER_COUNT);
    return told_ns;
}

static void
pass(int64_t span_ns)
{
    store_i64(&now_ns, load_i64(&now_ns, ORDER_COUNT) + span_ns, ORDER_COUNT);
}

/* A consumer of its own group, whose calls take time. */
struct slow {
    const char *topic;
    struct ringbus_group *group;
    int64_t call_ns, end_ns; /* of the handler, and of batch_end */
    uint64_t calls, ends;
    uint64_t ended_at; /* calls, at the last batch_end */
};

static int
take_time(const struct ringbus_event *event, void *context)
{
    struct slow *slow = context;

    (void)event;
    slow->calls++;
    pass(slow->call_ns);
    return 0;
}

static int
end_batch(void *context)
{
    struct slow *slow = context;

    slow->ends++;
    slow->ended_at = slow->calls;
    pass(slow->end_ns);
    return 0;
}

enum { POSTED = 500 };

struct scene {
    struct faulty_allocator memory;
    struct ringbus_bus *bus;
    struct place place;
    int64_t budget_ns;
};

/* No thread of the library's looks at the clock, for there is none. */
static void
scene_open(struct scene *scene, int64_t budget_ns)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options caller = ringbus_group_options_default();

    caller.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &caller;
    store_i64(&now_ns, 0, ORDER_COUNT);
    store_i64(&look_ns, 0, ORDER_COUNT);
    ringbus__os.now_ns = tell_time;
    scene->bus = open_bus_with(&scene->memory, options);
    scene->budget_ns = budget_ns;
    place_open(&scene->place);
}

static struct ringbus_group *
attach_for(struct scene *scene, enum ringbus_overflow overflow)
{
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_group *group = NULL;

    options.capacity = 512;
    options.budget_ns = scene->budget_ns;
    options.overflow = overflow;
    MUST(ringbus_uv_group_open(scene->bus, &scene->place.loop, &options, &group) == RINGBUS_OK,
        "no loop group");
    return group;
}

/* Its ring is full of events. */
static void
slow_open(struct scene *scene, struct slow *slow)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    slow->group = attach_for(scene, RINGBUS_LOSSLESS);
    options.group = slow->group;
    options.batch_end = end_batch;
    MUST(ringbus_consumer_open(scene->bus, take_time, slow, &options, &consumer) == RINGBUS_OK,
        "no consumer");
    MUST(ringbus_register_consumer(scene->bus, consumer, slow->topic) == RINGBUS_OK, "no topic");
    MUST(post_numbers(scene->bus, slow->topic, POSTED) == POSTED, "the ring is full too soon");
}

/* With everything delivered that is left. */
static void
scene_close(struct scene *scene, struct ringbus_group *first, struct ringbus_group *second)
{
    if (second != NULL)
        detach(&scene->place, second, RINGBUS_DRAIN);
    detach_and_close(scene->bus, &scene->memory, &scene->place, first);
    ringbus__os.now_ns = os_real()->now_ns;
}

/* ---- one group ---- */

START_TEST(a_turn_ends_with_the_call_in_which_its_time_is_over)
{
    static const struct {
        int64_t call_ns;
        uint64_t calls; /* in a turn */
    } cases[] = {{1, 256}, {10, 100}, {11, 91}, {300, 4}, {999, 2}, {1000, 1}, {50000, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene scene;
        struct slow slow = {.topic = "t", .call_ns = cases[i].call_ns};

        scene_open(&scene, 1000);
        slow_open(&scene, &slow);
        turn(&scene.place);
        ck_assert_uint_eq(slow.calls, cases[i].calls);
        scene_close(&scene, slow.group, NULL);
        ck_assert_uint_eq(slow.calls, POSTED);
    }
}
END_TEST

START_TEST(each_turn_has_its_own_time)
{
    struct scene scene;
    struct slow slow = {.topic = "t", .call_ns = 400};

    scene_open(&scene, 1000);
    slow_open(&scene, &slow);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(slow.calls, 3 * turns);
        ck_assert(is_woken(&scene.place));
        pass(5000); /* the loop's other business is not counted */
    }
    scene_close(&scene, slow.group, NULL);
}
END_TEST

START_TEST(however_short_the_time_a_turn_handles_an_event)
{
    struct scene scene;
    struct slow slow = {.topic = "t"};

    scene_open(&scene, 1);
    store_i64(&look_ns, 100, ORDER_COUNT); /* it is over before the first event */
    slow_open(&scene, &slow);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(slow.calls, turns);
    }
    scene_close(&scene, slow.group, NULL);
}
END_TEST

START_TEST(without_a_budget_of_time_a_turn_reads_no_clock)
{
    struct scene scene;
    struct slow slow = {.topic = "t", .call_ns = 1000000};
    uint64_t before = 0;

    scene_open(&scene, 0);
    slow_open(&scene, &slow);
    before = load_u64(&looks, ORDER_COUNT);
    turn(&scene.place);
    ck_assert_uint_eq(slow.calls, 256);
    ck_assert_uint_eq(load_u64(&looks, ORDER_COUNT), before);
    scene_close(&scene, slow.group, NULL);
}
END_TEST

START_TEST(with_one_it_reads_the_clock_once_for_an_event_and_a_few_times_for_a_pass)
{
    struct scene scene;
    struct slow slow = {.topic = "t"};
    uint64_t before = 0;

    scene_open(&scene, RINGBUS_FOREVER);
    slow_open(&scene, &slow);
    before = load_u64(&looks, ORDER_COUNT);
    turn(&scene.place);
    ck_assert_uint_eq(slow.calls, 256);
    ck_assert_uint_ge(load_u64(&looks, ORDER_COUNT) - before, 256);
    ck_assert_uint_le(load_u64(&looks, ORDER_COUNT) - before, 256 + 4 * 4 + 4);
    scene_close(&scene, slow.group, NULL);
}
END_TEST

START_TEST(the_longest_time_is_no_bound)
{
    struct scene scene;
    struct slow slow = {.topic = "t", .call_ns = INT64_C(1000000000000)};

    scene_open(&scene, RINGBUS_FOREVER);
    pass(1000);
    slow_open(&scene, &slow);
    turn(&scene.place);
    ck_assert_uint_eq(slow.calls, 256);
    scene_close(&scene, slow.group, NULL);
}
END_TEST

START_TEST(a_negative_time_is_refused)
{
    struct scene scene;
    struct ringbus_uv_group_options options = ringbus_uv_group_options_default();
    struct ringbus_group *group = NULL;

    scene_open(&scene, 0);
    options.budget_ns = -1;
    ck_assert_int_eq(
        ringbus_uv_group_open(scene.bus, &scene.place.loop, &options, &group), RINGBUS_EINVAL);
    ck_assert_ptr_null(group);
    place_close(&scene.place);
    close_bus(scene.bus, &scene.memory);
    ringbus__os.now_ns = os_real()->now_ns;
}
END_TEST

/* ---- batch_end ---- */

START_TEST(a_pass_that_runs_out_of_time_has_its_batch_end_in_the_same_turn)
{
    struct scene scene;
    struct slow slow = {.topic = "t", .call_ns = 400};

    scene_open(&scene, 1000);
    slow_open(&scene, &slow);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(slow.ends, turns);
        ck_assert_uint_eq(slow.ended_at, 3 * turns);
    }
    scene_close(&scene, slow.group, NULL);
    ck_assert_uint_eq(slow.ended_at, POSTED);
}
END_TEST

START_TEST(after_a_slow_batch_end_nothing_more_is_handled_in_the_turn)
{
    struct scene scene;
    struct slow slows[2] = {{.topic = "t0", .end_ns = 1000}, {.topic = "t1", .end_ns = 1000}};

    scene_open(&scene, 1000);
    slow_open(&scene, &slows[0]);
    slow_open(&scene, &slows[1]);
    for (uint64_t turns = 1; turns <= 6; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(slows[0].ends + slows[1].ends, turns);
        ck_assert_uint_eq(slows[0].calls + slows[1].calls, 64 * turns); /* a pass of 64 each time */
    }
    ck_assert_uint_eq(slows[0].ends, 3);
    scene_close(&scene, slows[0].group, slows[1].group);
}
END_TEST

/* ---- several groups ---- */

START_TEST(a_slow_group_leaves_the_others_their_turns)
{
    for (int slower = 0; slower < 2; slower++) {
        struct scene scene;
        struct slow slows[2] = {{.topic = "t0"}, {.topic = "t1"}};

        scene_open(&scene, 1000);
        slows[slower].call_ns = 50000;
        slow_open(&scene, &slows[0]);
        slow_open(&scene, &slows[1]);
        for (uint64_t turns = 1; turns <= 7; turns++) {
            turn(&scene.place);
            ck_assert_uint_eq(slows[slower].calls, turns); /* one call each, the last of the turn */
            ck_assert_uint_ge(slows[1 - slower].calls, 64 * (turns - 1));
        }
        scene_close(&scene, slows[0].group, slows[1].group);
    }
}
END_TEST

START_TEST(two_slow_groups_take_turns)
{
    struct scene scene;
    struct slow slows[2] = {{.topic = "t0", .call_ns = 1000}, {.topic = "t1", .call_ns = 7000}};

    scene_open(&scene, 1000);
    slow_open(&scene, &slows[0]);
    slow_open(&scene, &slows[1]);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        turn(&scene.place);
        ck_assert_uint_eq(slows[0].calls, turns);
        ck_assert_uint_eq(slows[1].calls, turns);
    }
    scene_close(&scene, slows[0].group, slows[1].group);
}
END_TEST

START_TEST(the_first_groups_time_is_that_of_all_groups_of_the_bus_on_the_loop)
{
    struct scene scene;
    struct slow slows[2] = {{.topic = "t0", .call_ns = 1000}, {.topic = "t1", .call_ns = 1000}};

    scene_open(&scene, 4000);
    slow_open(&scene, &slows[0]);
    scene.budget_ns = 0;
    slow_open(&scene, &slows[1]);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(slows[0].calls + slows[1].calls, 4 * turns);
    }
    scene_close(&scene, slows[0].group, slows[1].group);
}
END_TEST

/* ---- stages, replays, lossy groups ---- */

/* Which number each of two consumers has come to, one after the other. */
struct chain {
    struct inbox first, second;
};

static int
receive_first(const struct ringbus_event *event, void *context)
{
    struct chain *chain = context;

    pass(1000);
    return receive(event, &chain->first);
}

static int
receive_second(const struct ringbus_event *event, void *context)
{
    struct chain *chain = context;

    MUST(received(&chain->second) < received(&chain->first), "before the one it comes after");
    pass(1000);
    return receive(event, &chain->second);
}

START_TEST(a_later_stage_goes_on_in_a_later_turn)
{
    struct scene scene;
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *first = NULL, *second = NULL;
    static struct chain chain;

    scene_open(&scene, 1000);
    inbox_open(&chain.first);
    inbox_open(&chain.second);
    options.group = attach_for(&scene, RINGBUS_LOSSLESS);
    first = consume(scene.bus, options.group, receive_first, &chain, "t");
    options.after = &first;
    options.after_count = 1;
    ck_assert_int_eq(
        ringbus_consumer_open(scene.bus, receive_second, &chain, &options, &second), RINGBUS_OK);
    ck_assert_int_eq(ringbus_register_consumer(scene.bus, second, "t"), RINGBUS_OK);
    settle(&scene.place);
    ck_assert_uint_eq(post_numbers(scene.bus, "t", 10), 10);
    for (uint64_t turns = 1; turns <= 20; turns++) {
        turn(&scene.place);
        ck_assert_uint_eq(received(&chain.first) + received(&chain.second), turns);
    }
    scene_close(&scene, options.group, NULL);
    ck_assert(has_received(&chain.first, 0, 10) && has_received(&chain.second, 0, 10));
}
END_TEST

START_TEST(a_slow_call_of_a_lossy_group_ends_the_turn)
{
    static const enum ringbus_overflow overflows[] = {
        RINGBUS_DROP_NEWEST, RINGBUS_DROP_OLDEST, RINGBUS_CONFLATE};

    for (int i = 0; i < 3; i++) {
        static const char *const topics[] = {"t0", "t1", "t2"};
        struct scene scene;
        struct slow slow = {.call_ns = 1000};

        scene_open(&scene, 1000);
        slow.group = attach_for(&scene, overflows[i]);
        for (int j = 0; j < 3; j++) /* a topic each: none is replaced */
            consume(scene.bus, slow.group, take_time, &slow, topics[j]);
        settle(&scene.place);
        for (int j = 0; j < 3; j++)
            ck_assert_int_eq(post_number(scene.bus, topics[j], 0), 1);
        for (uint64_t turns = 1; turns <= 3; turns++) {
            turn(&scene.place);
            ck_assert_uint_eq(slow.calls, turns);
        }
        scene_close(&scene, slow.group, NULL);
    }
}
END_TEST

START_TEST(a_slow_call_with_a_replay_ends_the_turn)
{
    for (int is_lossy = 0; is_lossy < 2; is_lossy++) {
        struct scene scene;
        struct slow slow = {.call_ns = 1000};
        struct ringbus_topic *topic = NULL;

        scene_open(&scene, 1000);
        ck_assert_int_eq(ringbus_topic_open(scene.bus, "t", &topic), RINGBUS_OK);
        ck_assert_int_eq(ringbus_topic_retain(topic, sizeof(uint64_t)), RINGBUS_OK);
        ck_assert_int_eq(post_number(scene.bus, "t", 0), 0);
        slow.group = attach_for(&scene, is_lossy ? RINGBUS_DROP_OLDEST : RINGBUS_LOSSLESS);
        settle(&scene.place);
        for (int i = 0; i < 3; i++)
            consume(scene.bus, slow.group, take_time, &slow, "t");
        for (uint64_t turns = 1; turns <= 3; turns++) {
            turn(&scene.place);
            ck_assert_uint_eq(slow.calls, turns);
        }
        ringbus_topic_close(topic);
        scene_close(&scene, slow.group, NULL);
        ck_assert_uint_eq(slow.calls, 3);
    }
}
END_TEST

/* ---- the loop's other business ---- */

struct watch {
    const struct slow *slow;
    uint64_t armed_at; /* calls when the timer became due */
    uint64_t count;
};

static void
on_timer(uv_timer_t *timer)
{
    struct watch *watch = timer->data;

    MUST(watch->slow->calls - watch->armed_at <= 1, "%d slow calls came first",
        (int)(watch->slow->calls - watch->armed_at));
    watch->count++;
}

START_TEST(a_timer_that_is_due_waits_for_one_slow_call_at_most)
{
    struct scene scene;
    struct slow slow = {.topic = "t", .call_ns = 5000000};
    struct watch watch = {.slow = &slow};
    uv_timer_t timer;

    scene_open(&scene, 1000000);
    slow_open(&scene, &slow);
    uv_timer_init(&scene.place.loop, &timer);
    timer.data = &watch;
    for (uint64_t i = 1; i <= 50; i++) {
        watch.armed_at = slow.calls;
        uv_timer_start(&timer, on_timer, 0, 0);
        turn(&scene.place);
        turn(&scene.place);
        ck_assert_uint_eq(watch.count, i);
    }
    uv_close((uv_handle_t *)&timer, NULL);
    scene_close(&scene, slow.group, NULL);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("loop time", a_turn_ends_with_the_call_in_which_its_time_is_over,
        each_turn_has_its_own_time, however_short_the_time_a_turn_handles_an_event,
        without_a_budget_of_time_a_turn_reads_no_clock,
        with_one_it_reads_the_clock_once_for_an_event_and_a_few_times_for_a_pass,
        the_longest_time_is_no_bound, a_negative_time_is_refused,
        a_pass_that_runs_out_of_time_has_its_batch_end_in_the_same_turn,
        after_a_slow_batch_end_nothing_more_is_handled_in_the_turn,
        a_slow_group_leaves_the_others_their_turns, two_slow_groups_take_turns,
        the_first_groups_time_is_that_of_all_groups_of_the_bus_on_the_loop,
        a_later_stage_goes_on_in_a_later_turn, a_slow_call_of_a_lossy_group_ends_the_turn,
        a_slow_call_with_a_replay_ends_the_turn,
        a_timer_that_is_due_waits_for_one_slow_call_at_most);
}
