/* test_calls.c - calls in a caller group are counted, whichever threads make them, and when their consumer is gone. */
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

int
main(void)
{
    return RUN_TESTS("calls", no_call_is_lost_when_several_threads_post);
}
