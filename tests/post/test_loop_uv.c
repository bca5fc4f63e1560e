/* test_loop_uv.c - payloads by reference that a loop handles: released in its turns, and when its group leaves. */
#include "uv/inbox.h"

enum { COUNT = 6, BUDGET = 4 };

static uint64_t payloads[COUNT];
static uint32_t released[COUNT];
static pthread_t loop_thread;

static void
release(void *data, void *context)
{
    const uint64_t number = *(const uint64_t *)data;

    MUST(context == payloads && data == &payloads[number], "another payload");
    MUST(pthread_equal(loop_thread, pthread_self()), "another thread");
    released[number]++;
}

static uint32_t
count_released(void)
{
    uint32_t count = 0;

    for (int i = 0; i < COUNT; i++) {
        MUST(released[i] <= 1, "released twice");
        count += released[i];
    }
    return count;
}

static void
post_all(struct ringbus_bus *bus)
{
    struct ringbus_post_options options = ringbus_post_options_default();
    struct ringbus_topic *topic = NULL;

    options.release = release;
    options.release_context = payloads;
    MUST(ringbus_topic_open(bus, "t", &topic) == RINGBUS_OK, "topic_open");
    for (uint64_t i = 0; i < COUNT; i++) {
        payloads[i] = i;
        released[i] = 0;
        MUST(ringbus_topic_post(topic, &payloads[i], sizeof i, &options) == 1, "a post fails");
    }
    ringbus_topic_close(topic);
}

static void
check_leave(enum ringbus_how how)
{
    struct faulty_allocator memory;
    struct ringbus_bus *bus = open_bus(&memory);
    static struct inbox inbox;
    struct place place;
    struct ringbus_group *group = NULL;
    struct calls left = {pthread_self(), 0};

    loop_thread = pthread_self();
    place_open(&place);
    inbox_open(&inbox);
    group = attach(bus, &place, 8, BUDGET);
    consume(bus, group, receive, &inbox, "t");
    settle(&place);
    post_all(bus);
    ck_assert_uint_eq(count_released(), 0);
    turn(&place);
    ck_assert_uint_eq(received(&inbox), BUDGET);
    ck_assert_uint_eq(count_released(), BUDGET);
    ck_assert_int_eq(ringbus_uv_detach(group, how, count_call, &left), RINGBUS_PENDING);
    RUN_UNTIL(&place, left.count > 0);
    ck_assert_uint_eq(count_released(), COUNT);
    ck_assert_uint_eq(received(&inbox), how == RINGBUS_DRAIN ? COUNT : BUDGET);
    place_close(&place);
    close_bus(bus, &memory);
}

START_TEST(a_loop_releases_in_its_turns_and_when_it_is_detached)
{
    check_leave(RINGBUS_DRAIN);
    check_leave(RINGBUS_DISCARD);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("post_loop_uv", a_loop_releases_in_its_turns_and_when_it_is_detached);
}
