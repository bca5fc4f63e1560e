/* test_calls.c - calls in a caller group are counted, whichever threads make them, and when their consumer is gone; in
 * a group's second life, too, calls whose batch_end is due count as pending. */
#include "bus/group.h"
#include "support/probe.h"

enum { POSTERS = 3 };

static struct ringbus_topic *topic;

static void
post_many(void *context)
{
    (void)context;
    for (uint64_t i = 0; i < scaled(100000); i++)
        MUST(ringbus_topic_post(topic, &i, sizeof i, NULL) == 2, "no post");
}

START_TEST(no_call_is_lost_when_several_threads_post)
{
    static struct probe safe = {.name = "safe", .is_thread_safe = true},
                        serialized = {.name = "serialized"};
    const int64_t posts = POSTERS * (int64_t)scaled(100000);
    struct ringbus_bus *bus = bus_open(NULL);
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_CALLER, 2);
    struct worker workers[POSTERS];

    safe.group = serialized.group = group;
    probe_open(bus, &safe);
    probe_register(&safe, "a");
    probe_open(bus, &serialized);
    probe_register(&serialized, "a");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    for (int i = 0; i < POSTERS; i++)
        worker_start(&workers[i], post_many, NULL);
    for (int i = 0; i < POSTERS; i++)
        worker_join(&workers[i], "a poster");
    ck_assert_int_eq(figure_of(bus, "consumer", "safe", "delivered"), posts);
    ck_assert_int_eq(figure_of(bus, "consumer", "serialized", "delivered"), posts);
    ck_assert_int_eq(figure_of(bus, "group", group->name, "delivered"), 2 * posts);
    ck_assert_int_eq(ringbus_consumer_close(safe.consumer, RINGBUS_DRAIN), RINGBUS_OK);
    ck_assert_int_eq(figure_of(bus, "group", group->name, "delivered"), 2 * posts);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

/* In the third of five calls of a pass. */
static void
look_at_pending(struct probe *probe, const struct ringbus_event *event)
{
    (void)event;
    if (probe_calls(probe) == 2)
        *(int64_t *)probe->of_act = figure_of(probe->bus, "consumer", probe->name, "pending");
}

static void
live_and_be_discarded(struct ringbus_bus *bus)
{
    int64_t pending = 0;
    struct probe probe = {
        .name = "batching", .has_batch_end = true, .act = look_at_pending, .of_act = &pending};
    struct ringbus_group *group = group_open(bus, RINGBUS_GROUP_POLLED, 16);

    probe.group = group;
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 1);
    ck_assert_int_eq(ringbus_group_poll(group, 16), 5);
    ck_assert_int_eq(pending, 5);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ringbus_post(bus, "a", NULL, 0), 1);
    ck_assert_int_ge(ringbus_group_close(group, RINGBUS_DISCARD), RINGBUS_OK);
    while (ringbus_group_poll(group, 16) > 0)
        ;
    ck_assert_int_eq(ringbus_consumer_close(probe.consumer, RINGBUS_DISCARD), RINGBUS_OK);
}

START_TEST(also_in_a_groups_second_life_calls_whose_batch_end_is_due_are_pending)
{
    struct ringbus_bus *bus = bus_open(NULL);

    live_and_be_discarded(bus);
    live_and_be_discarded(bus);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("calls", no_call_is_lost_when_several_threads_post,
        also_in_a_groups_second_life_calls_whose_batch_end_is_due_are_pending);
}
