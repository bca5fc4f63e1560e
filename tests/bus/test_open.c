/* test_open.c - a bus is opened, looked at and closed: options, limits, memory, figures. */
#include <stdlib.h>

#include "support/probe.h"

START_TEST(a_bus_opens_with_no_options)
{
    struct ringbus_bus *bus = NULL;

    ck_assert_int_eq(ringbus_open(NULL, &bus), RINGBUS_OK);
    ck_assert_ptr_nonnull(bus);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "capacity"), 1024);
    bus_close(bus);
}
END_TEST

START_TEST(closing_no_bus_is_allowed)
{
    ck_assert_int_eq(ringbus_close(NULL), RINGBUS_OK);
}
END_TEST

static void *
allocate_never(size_t size, size_t alignment, void *context)
{
    (void)size, (void)alignment, (void)context;
    return NULL;
}

START_TEST(options_outside_their_range_are_refused)
{
    const struct ringbus_allocator half = {.allocate = allocate_never};
    const struct ringbus_group_options no_size = {0};
    const struct ringbus_group_options on_a_loop = {
        .size = sizeof on_a_loop, .kind = RINGBUS_GROUP_LOOP};
    const size_t size = sizeof(struct ringbus_options);
    const struct ringbus_options bad[] = {
        {.size = 0},
        {.size = size - 1},
        {.size = size, .max_topics = (1u << 24) + 1},
        {.size = size, .max_topic_length = 65536},
        {.size = size, .max_groups = 65},
        {.size = size, .allocator = &half},
        {.size = size, .default_group = &no_size},
        {.size = size, .default_group = &on_a_loop},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ringbus_bus *bus = NULL;

        ck_assert_msg(ringbus_open(&bad[i], &bus) == RINGBUS_EINVAL, "options %zu", i);
        ck_assert_ptr_null(bus);
    }
}
END_TEST

START_TEST(a_bus_needs_a_place_for_its_result)
{
    ck_assert_int_eq(ringbus_open(NULL, NULL), RINGBUS_EINVAL);
}
END_TEST

/* Options of a later version, with a field that this one does not know. */
struct later_options {
    struct ringbus_options known;
    uint64_t unknown;
};

START_TEST(an_unknown_option_is_refused_only_when_it_is_set)
{
    struct later_options options = {.known = ringbus_options_default()};
    struct ringbus_bus *bus = NULL;

    options.known.size = sizeof options;
    ck_assert_int_eq(ringbus_open(&options.known, &bus), RINGBUS_OK);
    bus_close(bus);
    options.unknown = UINT64_C(1) << 63;
    ck_assert_int_eq(ringbus_open(&options.known, &bus), RINGBUS_EINVAL);
}
END_TEST

START_TEST(the_greatest_limits_are_accepted)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;
    char *name = malloc(65536);

    options.max_topics = 1u << 24;
    options.max_topic_length = 65535;
    options.max_groups = 64;
    bus = bus_open(&options);
    memset(name, 'x', 65535);
    name[65535] = '\0';
    ck_assert_int_eq(ringbus_topic_open(bus, name, &topic), RINGBUS_OK);
    ck_assert_str_eq(ringbus_topic_name(topic), name);
    ringbus_topic_close(topic);
    bus_close(bus);
    free(name);
}
END_TEST

START_TEST(closing_gives_all_memory_back)
{
    struct faulty_allocator faulty;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_topic *topic = NULL;
    struct ringbus_bus *bus = NULL;
    static struct probe left, gone, nested;

    faulty_allocator_init(&faulty, 0, 0);
    options.allocator = &faulty.allocator;
    bus = bus_open(&options);
    nested.group = group_open(bus, RINGBUS_GROUP_CALLER, 4);
    probe_open(bus, &left);
    probe_open(bus, &gone);
    probe_open(bus, &nested);
    probe_register(&left, "a");
    probe_register(&gone, "a");
    probe_register(&nested, "b");
    ck_assert_int_eq(ringbus_topic_open(bus, "handle", &topic), RINGBUS_OK);
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(gone.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&faulty.live_bytes, ORDER_COUNT), 0);
    ck_assert_uint_eq(load_u32(&left.destroyed, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&gone.destroyed, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&nested.destroyed, ORDER_COUNT), 1);
}
END_TEST

START_TEST(a_bus_is_busy_until_its_shutdown_has_finished)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe probe = {.name = "slow", .gate = &gate};
    struct ringbus_bus *bus = bus_open_small(8, &hooks);

    gate_init(&gate);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_await(&gate, 1);
    ck_assert_int_eq(ringbus_shutdown(bus, RINGBUS_DISCARD, 0), RINGBUS_ETIMEDOUT);
    ck_assert_int_eq(ringbus_close(bus), RINGBUS_EBUSY);
    gate_open(&gate);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER)), RINGBUS_OK);
    bus_close(bus);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
}
END_TEST

START_TEST(closing_a_live_bus_names_what_it_throws_away)
{
    static struct hooks hooks;
    static struct gate gate;
    static struct probe probe = {.name = "slow", .gate = &gate};
    struct ringbus_bus *bus = bus_open_small(8, &hooks);

    gate_init(&gate);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (uint64_t i = 1; i <= 5; i++)
        ck_assert_int_eq(post_number(bus, "a", i), 1);
    gate_await(&gate, 1);
    gate_open(&gate);
    bus_close(bus);
    ck_assert_uint_eq(probe_calls(&probe) + undelivered(&hooks, "a", "slow"), 5);
    ck_assert_uint_eq(load_u32(&hooks.shutdowns, ORDER_COUNT), 1);
    ck_assert_uint_eq(load_u32(&probe.destroyed, ORDER_COUNT), 1);
}
END_TEST

static void
close_from_handler(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    MUST(ringbus_close(probe->bus) == RINGBUS_EBUSY, "a handler may not close the bus");
}

START_TEST(a_bus_is_busy_for_its_handlers)
{
    static struct probe probe = {.act = close_from_handler}, caller = {.act = close_from_handler};
    struct ringbus_bus *bus = bus_open(NULL);

    caller.group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    probe_open(bus, &probe);
    probe_open(bus, &caller);
    probe_register(&probe, "a");
    probe_register(&caller, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 2);
    bus_flush(bus);
    bus_close(bus);
}
END_TEST

static void
close_from_dead(struct ringbus_bus *bus, const struct ringbus_event *event, struct hooks *hooks)
{
    (void)event, (void)hooks;
    MUST(ringbus_close(bus) == RINGBUS_EBUSY, "a hook may not close the bus");
    MUST(ringbus_flush(bus, RINGBUS_FOREVER) == RINGBUS_EDEADLK, "a hook may not flush");
}

START_TEST(a_bus_is_busy_for_its_hooks)
{
    static struct hooks hooks = {.on_dead = close_from_dead};
    struct ringbus_options options = options_with(&hooks);
    struct ringbus_bus *bus = bus_open(&options);

    ck_assert_int_eq(post_number(bus, "nobody", 1), 0);
    ck_assert_uint_eq(load_u32(&hooks.dead, ORDER_COUNT), 1);
    bus_close(bus);
}
END_TEST

START_TEST(a_bus_may_have_a_caller_group_for_default)
{
    static struct probe probe;
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();
    struct ringbus_bus *bus = NULL;

    group.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &group;
    bus = bus_open(&options);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 7), 1);
    CHECK_NUMBERS(&probe, 7);
    bus_close(bus);
}
END_TEST

START_TEST(two_buses_know_nothing_of_each_other)
{
    static struct probe first, second;
    struct ringbus_bus *a = bus_open(NULL), *b = bus_open(NULL);

    probe_open(a, &first);
    probe_open(b, &second);
    probe_register(&first, "t");
    probe_register(&second, "t");
    ck_assert_int_eq(ringbus_register_consumer(a, second.consumer, "t"), RINGBUS_EINVAL);
    ck_assert_int_eq(post_number(a, "t", 1), 1);
    bus_flush(a);
    bus_close(a);
    ck_assert_int_eq(post_number(b, "t", 2), 1);
    bus_flush(b);
    bus_close(b);
    CHECK_NUMBERS(&first, 1);
    CHECK_NUMBERS(&second, 2);
}
END_TEST

/* ---- looking at it ---- */

START_TEST(figures_agree_when_nothing_is_in_flight)
{
    static struct probe probes[3] = {{.name = "p0"}, {.name = "p1", .code = -1}, {.name = "p2"}};
    struct ringbus_bus *bus = bus_open(NULL);
    int64_t delivered = 0;

    probes[2].group = group_open(bus, RINGBUS_GROUP_CALLER, 8);
    for (int i = 0; i < 3; i++) {
        probe_open(bus, &probes[i]);
        probe_register(&probes[i], "a");
    }
    probe_register(&probes[0], "b");
    for (uint64_t i = 0; i < 10; i++) {
        ck_assert_int_eq(post_number(bus, "a", i), 3);
        ck_assert_int_eq(post_number(bus, "b", i), 1);
    }
    bus_flush(bus);
    for (int i = 0; i < 3; i++)
        delivered += figure_of(bus, "consumer", probes[i].name, "delivered");
    ck_assert_int_eq(delivered, 40);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "delivered"), 30);
    ck_assert_int_eq(figure_of(bus, "group", "group-1", "delivered"), 10);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "posted"), 20);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "lag"), 0);
    ck_assert_int_eq(figure_of(bus, "group", "group-0", "failed"), 10);
    ck_assert_int_eq(figure_of(bus, "consumer", "p1", "failed"), 10);
    ck_assert_int_eq(figure_of(bus, "consumer", "p0", "registrations"), 2);
    ck_assert_int_eq(figure_of(bus, "topic", "a", "consumers"), 3);
    ck_assert_int_eq(figure_of(bus, "bus", "", "topics"), 2);
    bus_close(bus);
}
END_TEST

/* The order of the objects, as their first letters; every figure is explained. */
static int
note_object(const struct ringbus_figure *figure, void *context)
{
    char *letters = context;
    const size_t length = strlen(letters);

    MUST(figure->unit[0] != '\0' && figure->help[0] != '\0' && figure->figure[0] != '\0',
        "a figure without unit or help");
    MUST((figure->group != NULL) == (figure->object[0] == 'c'), "only consumers have a group");
    if (length == 0 || letters[length - 1] != figure->object[0])
        letters[length] = figure->object[0];
    return 0;
}

static int
stop_at_second(const struct ringbus_figure *figure, void *context)
{
    int *calls = context;

    (void)figure;
    return ++*calls == 2 ? 42 : 0;
}

START_TEST(visit_goes_from_bus_to_groups_to_topics_to_consumers_until_it_is_stopped)
{
    static struct probe probe;
    struct ringbus_bus *bus = bus_open(NULL);
    char letters[16] = "";
    int calls = 0;

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(ringbus_visit(bus, note_object, letters), RINGBUS_OK);
    ck_assert_str_eq(letters, "bgtc");
    ck_assert_int_eq(ringbus_visit(bus, stop_at_second, &calls), 42);
    ck_assert_int_eq(calls, 2);
    ck_assert_int_eq(ringbus_visit(NULL, note_object, letters), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_visit(bus, NULL, NULL), RINGBUS_EINVAL);
    bus_close(bus);
}
END_TEST

START_TEST(dump_writes_a_line_an_object_whatever_the_names)
{
    static struct probe probe = {.name = "c\\d\xff"};
    struct ringbus_bus *bus = bus_open(NULL);
    char *text = NULL;
    size_t size = 0, lines = 0;
    FILE *stream = open_memstream(&text, &size);

    probe_open(bus, &probe);
    probe_register(&probe, "a\nb\x1b[31m");
    ck_assert_int_eq(ringbus_dump(bus, RINGBUS_TEXT, stream), RINGBUS_OK);
    fclose(stream);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    ck_assert_uint_eq(lines, 4);
    ck_assert_msg(
        strstr(text, "topic a\\x0ab\\x1b[31m: consumers=1 passed=0 dead=0 stored=0\n") != NULL,
        "%s", text);
    ck_assert_msg(strstr(text, "consumer c\\x5cd\\xff in group-0: ") != NULL, "%s", text);
    ck_assert_int_eq(text[size - 1], '\n');
    free(text);
    bus_close(bus);
}
END_TEST

START_TEST(dump_tells_when_its_stream_fails)
{
    struct ringbus_bus *bus = bus_open(NULL);
    FILE *full = fopen("/dev/full", "w");

    ck_assert_int_eq(ringbus_dump(bus, RINGBUS_TEXT, NULL), RINGBUS_EINVAL);
    ck_assert_int_eq(ringbus_dump(NULL, RINGBUS_TEXT, stdout), RINGBUS_EINVAL);
    if (full != NULL) {
        ck_assert_int_eq(ringbus_dump(bus, RINGBUS_TEXT, full), RINGBUS_ESYS);
        fclose(full);
    }
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("open", a_bus_opens_with_no_options, closing_no_bus_is_allowed,
        options_outside_their_range_are_refused, a_bus_needs_a_place_for_its_result,
        an_unknown_option_is_refused_only_when_it_is_set, the_greatest_limits_are_accepted,
        closing_gives_all_memory_back, a_bus_is_busy_until_its_shutdown_has_finished,
        closing_a_live_bus_names_what_it_throws_away, a_bus_is_busy_for_its_handlers,
        a_bus_is_busy_for_its_hooks, a_bus_may_have_a_caller_group_for_default,
        two_buses_know_nothing_of_each_other, figures_agree_when_nothing_is_in_flight,
        visit_goes_from_bus_to_groups_to_topics_to_consumers_until_it_is_stopped,
        dump_writes_a_line_an_object_whatever_the_names, dump_tells_when_its_stream_fails);
}
