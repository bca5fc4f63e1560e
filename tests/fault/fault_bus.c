/* fault_bus.c - the bus while memory runs out: an outcome, nothing changed, no leak, and the same
 * call succeeds afterwards. */
#include <stdio.h>
#include <stdlib.h>

#include "support/probe.h"

/* ---- scenes ---- */

/* A bus on an allocator that can be told to refuse. */
struct scene {
    struct faulty_allocator memory;
    struct hooks hooks;
    struct ringbus_bus *bus;
    struct probe probe; /* registered on "have" */
    struct ringbus_group *group;
    struct ringbus_consumer *second; /* registered nowhere */
    struct ringbus_consumer *consumer;
    struct ringbus_topic *topic;
};

static int
ignore(const struct ringbus_event *event, void *context)
{
    (void)event, (void)context;
    return 0;
}

static struct ringbus_options
options_of(struct scene *scene)
{
    struct ringbus_options options = options_with(&scene->hooks);

    options.allocator = &scene->memory.allocator;
    return options;
}

static void
scene_open(struct scene *scene)
{
    struct ringbus_options options;

    memset(scene, 0, sizeof *scene);
    faulty_allocator_init(&scene->memory, 0, 0);
    options = options_of(scene);
    scene->bus = bus_open(&options);
    scene->probe.name = "probe";
    probe_open(scene->bus, &scene->probe);
    probe_register(&scene->probe, "have");
    MUST(ringbus_consumer_open(scene->bus, ignore, NULL, NULL, &scene->second) == RINGBUS_OK,
        "consumer_open");
}

/* Everything still works, and everything comes back. */
static void
scene_close(struct scene *scene)
{
    const uint32_t before = probe_calls(&scene->probe);

    ck_assert_int_ge(post_number(scene->bus, "have", 1), 1);
    bus_flush(scene->bus);
    ck_assert_uint_eq(probe_calls(&scene->probe), before + 1);
    bus_close(scene->bus);
    ck_assert_uint_eq(load_u64(&scene->memory.live_bytes, ORDER_COUNT), 0);
}

/* Refuse `count` allocations from the n-th from now on. */
static void
refuse(struct scene *scene, uint64_t nth, uint64_t count)
{
    scene->memory.refuse_from = load_u64(&scene->memory.calls, ORDER_COUNT) + nth;
    scene->memory.refuse_count = count;
}

static bool
was_refused(const struct scene *scene)
{
    return load_u64(&scene->memory.calls, ORDER_COUNT) >= scene->memory.refuse_from;
}

/* What a failed call must not change: which objects there are, and how they hang together. */
static int
note_shape(const struct ringbus_figure *figure, void *context)
{
    if (strcmp(figure->figure, "capacity") == 0 || strcmp(figure->figure, "consumers") == 0 ||
        strcmp(figure->figure, "registrations") == 0 || strcmp(figure->figure, "topics") == 0)
        fprintf(context, "%s %s %s=%lld\n", figure->object, figure->name, figure->figure,
            (long long)figure->value);
    return 0;
}

static char *
shape_of(struct ringbus_bus *bus)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    MUST(ringbus_visit(bus, note_shape, stream) == RINGBUS_OK, "visit");
    fclose(stream);
    return text;
}

/* ---- memory ---- */

/* Refuse `count` allocations of `call` from the n-th on: RINGBUS_ENOMEM, nothing has changed, and the same call
 * succeeds afterwards. False: it needs fewer. */
static bool
check_allocation(int (*call)(struct scene *scene), uint64_t nth, uint64_t count)
{
    struct scene *scene = malloc(sizeof *scene);
    char *before = NULL, *after = NULL;
    int outcome = RINGBUS_OK;
    bool refused = false;

    scene_open(scene);
    before = shape_of(scene->bus);
    refuse(scene, nth, count);
    outcome = call(scene);
    refused = was_refused(scene);
    scene->memory.refuse_from = 0;
    ck_assert_int_eq(outcome, refused ? RINGBUS_ENOMEM : RINGBUS_OK);
    after = shape_of(scene->bus);
    if (refused) {
        ck_assert_str_eq(before, after);
        ck_assert_int_eq(call(scene), RINGBUS_OK);
    }
    free(before);
    free(after);
    scene_close(scene);
    free(scene);
    return refused;
}

static void
check_each_allocation(int (*call)(struct scene *scene))
{
    uint64_t nth = 1;

    while (check_allocation(call, nth, 1))
        nth++;
    ck_assert_uint_gt(nth, 1);
    for (nth = 1; check_allocation(call, nth, UINT64_MAX);)
        nth++;
}

static int
open_threads_group(struct scene *scene)
{
    return ringbus_group_open(scene->bus, NULL, &scene->group);
}

static int
open_caller_group(struct scene *scene)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.kind = RINGBUS_GROUP_CALLER;
    return ringbus_group_open(scene->bus, &options, &scene->group);
}

static int
open_lanes(struct scene *scene)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.lanes = 4;
    return ringbus_group_open(scene->bus, &options, &scene->group);
}

static int
open_lossy(struct scene *scene, uint32_t overflow)
{
    struct ringbus_group_options options = ringbus_group_options_default();

    options.name = "lossy";
    options.overflow = overflow;
    options.capacity = 4;
    return ringbus_group_open(scene->bus, &options, &scene->group);
}

static int
open_oldest(struct scene *scene)
{
    return open_lossy(scene, RINGBUS_DROP_OLDEST);
}

static int
open_conflate(struct scene *scene)
{
    return open_lossy(scene, RINGBUS_CONFLATE);
}

/* It ends by a poll of this thread's, which may wait then. */
static int
open_polled_group(struct scene *scene)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    int outcome = RINGBUS_OK;

    options.kind = RINGBUS_GROUP_POLLED;
    outcome = ringbus_group_open(scene->bus, &options, &scene->group);
    if (outcome != RINGBUS_OK)
        return outcome;
    MUST(ringbus_group_close(scene->group, RINGBUS_DRAIN) == RINGBUS_PENDING &&
             ringbus_group_poll(scene->group, 1) == RINGBUS_ESHUTDOWN,
        "the group does not end");
    return RINGBUS_OK;
}

START_TEST(a_group_opens_or_there_is_no_memory)
{
    check_each_allocation(open_threads_group);
    check_each_allocation(open_lanes);
    check_each_allocation(open_caller_group);
    check_each_allocation(open_polled_group);
    check_each_allocation(open_oldest);
    check_each_allocation(open_conflate);
}
END_TEST

static int
open_consumer(struct scene *scene)
{
    return ringbus_consumer_open(scene->bus, ignore, NULL, NULL, &scene->consumer);
}

/* It needs a stage of its own. */
static int
open_behind(struct scene *scene)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();

    options.after = &scene->probe.consumer;
    options.after_count = 1;
    return ringbus_consumer_open(scene->bus, ignore, NULL, &options, &scene->consumer);
}

START_TEST(a_consumer_opens_or_there_is_no_memory)
{
    check_each_allocation(open_consumer);
    check_each_allocation(open_behind);
}
END_TEST

static int
register_on_new_topic(struct scene *scene)
{
    return ringbus_register_consumer(scene->bus, scene->probe.consumer, "new");
}

static int
register_beside_another(struct scene *scene)
{
    return ringbus_register_consumer(scene->bus, scene->second, "have");
}

/* Its group and consumer are there already when the call is made again. */
static int
register_on_cells(struct scene *scene)
{
    const char *const topics[] = {"one", "two", "three"};
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    int outcome = RINGBUS_OK;

    if (scene->group == NULL)
        outcome = open_conflate(scene);
    options.group = scene->group;
    if (outcome == RINGBUS_OK && scene->consumer == NULL)
        outcome = ringbus_consumer_open(scene->bus, ignore, NULL, &options, &scene->consumer);
    if (outcome != RINGBUS_OK)
        return outcome;
    return ringbus_register_topics(scene->bus, scene->consumer, topics, 3);
}

static int
open_topic(struct scene *scene)
{
    return ringbus_topic_open(scene->bus, "new", &scene->topic);
}

static void
count_release(void *data, void *context)
{
    (void)data;
    ++*(int *)context;
}

/* To lossy groups of each kind; they have been opened with no memory refused. */
static int
post_by_reference(struct scene *scene, int *released)
{
    struct ringbus_post_options options = ringbus_post_options_default();

    options.release = count_release;
    options.release_context = released;
    return ringbus_topic_post(scene->topic, released, sizeof *released, &options);
}

START_TEST(a_post_by_reference_reaches_lossy_groups_or_there_is_no_memory)
{
    for (uint32_t overflow = RINGBUS_DROP_NEWEST; overflow <= RINGBUS_CONFLATE; overflow++) {
        struct ringbus_consumer_options options = ringbus_consumer_options_default();
        static struct scene scene;
        int released = 0;

        scene_open(&scene);
        MUST(
            open_lossy(&scene, overflow) == RINGBUS_OK && open_topic(&scene) == RINGBUS_OK, "open");
        options.group = scene.group;
        MUST(ringbus_consumer_open(scene.bus, ignore, NULL, &options, &scene.consumer) ==
                     RINGBUS_OK &&
                 ringbus_register_consumer(scene.bus, scene.consumer, "new") == RINGBUS_OK,
            "consumer_open");
        refuse(&scene, 1, 1);
        ck_assert_int_eq(post_by_reference(&scene, &released), RINGBUS_ENOMEM);
        ck_assert(was_refused(&scene));
        bus_flush(scene.bus);
        ck_assert_int_eq(released, 0);
        ck_assert_int_eq(figure_of(scene.bus, "group", "lossy", "delivered"), 0);
        ck_assert_int_eq(post_by_reference(&scene, &released), 1);
        bus_flush(scene.bus);
        ck_assert_int_eq(released, 1);
        refuse(&scene, 1, 1); /* the block is there from now on */
        ck_assert_int_eq(post_by_reference(&scene, &released), 1);
        scene.memory.refuse_from = 0;
        bus_flush(scene.bus);
        ck_assert_int_eq(released, 2);
        ringbus_topic_close(scene.topic);
        scene_close(&scene);
    }
}
END_TEST

START_TEST(topics_have_cells_or_there_is_no_memory)
{
    uint64_t refused = 0;

    for (uint64_t nth = 1; refused + 1 >= nth; nth++) {
        static struct scene scene;
        int outcome = RINGBUS_OK;

        scene_open(&scene);
        refuse(&scene, nth, 1);
        outcome = register_on_cells(&scene);
        refused += was_refused(&scene);
        ck_assert_int_eq(outcome, was_refused(&scene) ? RINGBUS_ENOMEM : RINGBUS_OK);
        scene.memory.refuse_from = 0;
        if (outcome != RINGBUS_OK) {
            ck_assert_int_eq(figure_of(scene.bus, "bus", "", "topics"), 1);
            ck_assert_int_eq(register_on_cells(&scene), RINGBUS_OK);
        }
        scene_close(&scene);
    }
    ck_assert_uint_gt(refused, 12); /* three cells among them */
}
END_TEST

/* So many that the table of topics grows. */
enum { MANY = 330 };

static int
register_on_many(struct scene *scene)
{
    static char names[MANY][16];
    static const char *topics[MANY];

    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i);
        topics[i] = names[i];
    }
    return ringbus_register_topics(scene->bus, scene->second, topics, MANY);
}

START_TEST(a_registration_is_made_or_there_is_no_memory)
{
    check_each_allocation(register_on_new_topic);
    check_each_allocation(register_beside_another);
}
END_TEST

START_TEST(a_list_is_registered_as_a_whole_or_there_is_no_memory)
{
    /* Under ThreadSanitizer only some: each costs a bus with all these topics. */
    const uint64_t step = scaled(10) < 10 ? 7 : 1;

    for (uint64_t nth = 1; check_allocation(register_on_many, nth, 1);)
        nth += step;
}
END_TEST

START_TEST(a_topic_opens_or_there_is_no_memory)
{
    check_each_allocation(open_topic);
}
END_TEST

/* Closed again, so that what it takes is seen to come back. */
static int
retain(struct scene *scene)
{
    struct ringbus_topic *topic = NULL;
    int outcome = ringbus_topic_open(scene->bus, "have", &topic);

    MUST(outcome == RINGBUS_OK, "topic_open"); /* it exists */
    outcome = ringbus_topic_retain(topic, 64);
    ringbus_topic_close(topic);
    return outcome;
}

START_TEST(a_topic_retains_or_there_is_no_memory)
{
    check_each_allocation(retain);
}
END_TEST

/* Two topics, retained, with values. */
static void
retain_two(struct scene *scene, const char *const topics[2])
{
    for (int i = 0; i < 2; i++) {
        struct ringbus_topic *topic = NULL;

        MUST(ringbus_topic_open(scene->bus, topics[i], &topic) == RINGBUS_OK, "topic_open");
        MUST(ringbus_topic_retain(topic, 64) == RINGBUS_OK, "retain");
        MUST(post_number(scene->bus, topics[i], 7) == 0, "post");
        ringbus_topic_close(topic);
    }
}

START_TEST(a_registration_on_retained_topics_is_made_or_there_is_no_memory)
{
    static const char *const topics[] = {"first", "second"};
    uint64_t refusals = 0;
    int outcome = RINGBUS_ENOMEM;

    for (uint64_t nth = 1; outcome != RINGBUS_OK; nth++) {
        static struct scene scene;

        scene_open(&scene);
        retain_two(&scene, topics);
        refuse(&scene, nth, 1);
        outcome = ringbus_register_topics(scene.bus, scene.second, topics, 2);
        scene.memory.refuse_from = 0;
        refusals += outcome == RINGBUS_ENOMEM;
        ck_assert(outcome == RINGBUS_OK || outcome == RINGBUS_ENOMEM);
        ck_assert_int_eq(
            ringbus_is_subscribed(scene.bus, scene.second, "first"), outcome == RINGBUS_OK);
        bus_flush(scene.bus);
        ck_assert_int_eq(figure_of(scene.bus, "group", "group-0", "replays"), 0);
        scene_close(&scene);
    }
    ck_assert_uint_ge(refusals, 8); /* a plan, a registration, a copy and a set, for each topic */
}
END_TEST

static int
look(const struct ringbus_figure *figure, void *context)
{
    (void)figure;
    ++*(int *)context;
    return 0;
}

static int
visit(struct scene *scene)
{
    int figures = 0;
    const int outcome = ringbus_visit(scene->bus, look, &figures);

    MUST((outcome == RINGBUS_OK) == (figures > 0), "%d figures of a visit that failed", figures);
    return outcome;
}

START_TEST(a_visit_shows_everything_or_there_is_no_memory)
{
    check_each_allocation(visit);
}
END_TEST

START_TEST(a_bus_opens_or_there_is_no_memory)
{
    struct faulty_allocator memory;
    struct ringbus_options options = ringbus_options_default();
    int outcome = RINGBUS_ENOMEM;

    options.allocator = &memory.allocator;
    for (uint64_t nth = 1; outcome != RINGBUS_OK; nth++) {
        struct ringbus_bus *bus = NULL;

        faulty_allocator_init(&memory, nth, 1);
        outcome = ringbus_open(&options, &bus);
        ck_assert(outcome == RINGBUS_ENOMEM || load_u64(&memory.calls, ORDER_COUNT) < nth);
        ck_assert((outcome == RINGBUS_OK) == (bus != NULL));
        if (bus != NULL)
            bus_close(bus);
        ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
    }
}
END_TEST

/* ---- what needs no memory ---- */

START_TEST(everything_ends_without_memory)
{
    static struct scene scene;
    struct ringbus_topic *topic = NULL;

    scene_open(&scene);
    scene.group = group_open(scene.bus, RINGBUS_GROUP_THREADS, 8);
    ck_assert_int_eq(register_on_many(&scene), RINGBUS_OK);
    ck_assert_int_eq(ringbus_topic_open(scene.bus, "have", &topic), RINGBUS_OK);
    refuse(&scene, 1, UINT64_MAX);
    ck_assert_int_eq(post_number(scene.bus, "have", 1), 1);
    bus_flush(scene.bus);
    ck_assert_int_eq(ringbus_unregister_consumer(scene.bus, scene.second, "t1"), RINGBUS_OK);
    ck_assert_int_eq(ringbus_unregister_consumer(scene.bus, scene.second, NULL), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(scene.bus, ringbus_consumer_close(scene.second, RINGBUS_DRAIN)), RINGBUS_OK);
    ck_assert_int_eq(
        IN_TIME(scene.bus, ringbus_group_close(scene.group, RINGBUS_DRAIN)), RINGBUS_OK);
    ringbus_topic_close(topic);
    ck_assert_int_eq(
        IN_TIME(scene.bus, ringbus_shutdown(scene.bus, RINGBUS_DRAIN, RINGBUS_FOREVER)),
        RINGBUS_OK);
    bus_close(scene.bus);
    ck_assert_uint_eq(probe_calls(&scene.probe), 1);
    ck_assert_uint_eq(load_u64(&scene.memory.live_bytes, ORDER_COUNT), 0);
}
END_TEST

static void
check_named_later(bool is_by_close)
{
    struct scene scene;
    struct gate gate;

    gate_init(&gate);
    scene_open(&scene);
    scene.probe.gate = &gate;
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_int_eq(post_number(scene.bus, "have", i), 1);
    gate_await(&gate, 1);
    refuse(&scene, 1, UINT64_MAX);
    ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    ck_assert_uint_eq(load_u32(&scene.hooks.rows, ORDER_COUNT), 0);
    gate_open(&gate);
    ck_assert_int_eq(
        IN_TIME(scene.bus, ringbus_shutdown(scene.bus, RINGBUS_DISCARD, RINGBUS_FOREVER)),
        RINGBUS_OK);
    ck_assert_uint_eq(load_u32(&scene.hooks.rows, ORDER_COUNT), 0);
    scene.memory.refuse_from = 0;
    if (!is_by_close) {
        ck_assert_int_eq(ringbus_shutdown(scene.bus, RINGBUS_DISCARD, 0), RINGBUS_OK);
        ck_assert_uint_eq(undelivered(&scene.hooks, "have", "probe"), 2);
    }
    bus_close(scene.bus);
    ck_assert_uint_eq(undelivered(&scene.hooks, "have", "probe"), 2);
    ck_assert_uint_eq(load_u64(&scene.memory.live_bytes, ORDER_COUNT), 0);
}

/* A report that finds no memory is made by a later call, be it the last. */
START_TEST(what_is_undelivered_is_named_when_there_is_memory_again)
{
    check_named_later(false);
    check_named_later(true);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus", a_group_opens_or_there_is_no_memory,
        a_consumer_opens_or_there_is_no_memory, a_registration_is_made_or_there_is_no_memory,
        a_list_is_registered_as_a_whole_or_there_is_no_memory,
        a_topic_retains_or_there_is_no_memory,
        a_registration_on_retained_topics_is_made_or_there_is_no_memory,
        topics_have_cells_or_there_is_no_memory,
        a_post_by_reference_reaches_lossy_groups_or_there_is_no_memory,
        a_topic_opens_or_there_is_no_memory, a_visit_shows_everything_or_there_is_no_memory,
        a_bus_opens_or_there_is_no_memory, everything_ends_without_memory,
        what_is_undelivered_is_named_when_there_is_memory_again);
}
