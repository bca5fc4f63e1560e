/* fault_bus_system.c - the bus while the system refuses a call: an outcome, nothing changed, no leak, and the same call
 * succeeds afterwards. */
#include "bus/group.h"
#include "support/probe.h"

/* A bus without threads: the table may be replaced under it, and no call of another thread is counted. */
static struct ringbus_bus *
open_without_threads(struct faulty_allocator *memory)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options caller = ringbus_group_options_default();

    caller.kind = RINGBUS_GROUP_CALLER;
    options.default_group = &caller;
    options.allocator = &memory->allocator;
    return bus_open(&options);
}

START_TEST(a_bus_opens_or_the_system_refuses)
{
    int outcome = RINGBUS_ESYS;

    for (uint64_t nth = 1; outcome != RINGBUS_OK; nth++) {
        struct faulty_allocator memory;
        struct ringbus_options options = ringbus_options_default();
        struct ringbus_bus *bus = NULL;
        bool refused = false;

        faulty_allocator_init(&memory, 0, 0);
        options.allocator = &memory.allocator;
        os_watch_begin(nth);
        outcome = ringbus_open(&options, &bus);
        refused = os_watch_fallible() >= nth;
        ck_assert(outcome == RINGBUS_OK || (outcome == RINGBUS_ESYS && refused));
        ck_assert((outcome == RINGBUS_OK) == (bus != NULL));
        if (bus != NULL)
            bus_close(bus);
        os_watch_end();
        ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
        if (refused) /* without a process-wide barrier it opens all the same */
            outcome = RINGBUS_ESYS;
    }
}
END_TEST

START_TEST(a_group_opens_or_the_system_refuses)
{
    bool refused = true;

    for (uint64_t nth = 1; refused; nth++) {
        struct faulty_allocator memory;
        struct ringbus_bus *bus = NULL;
        struct ringbus_group *group = NULL;
        uint64_t calls = 0;
        int outcome = RINGBUS_OK;

        faulty_allocator_init(&memory, 0, 0);
        bus = open_without_threads(&memory);
        os_watch_begin(nth);
        calls = os_watch_fallible();
        outcome = ringbus_group_open(bus, NULL, &group);
        refused = os_watch_fallible() >= calls + nth;
        ck_assert_int_eq(outcome, refused ? RINGBUS_ESYS : RINGBUS_OK);
        if (refused) {
            ck_assert_ptr_null(group);
            ck_assert_int_eq(figure_of(bus, "group", "group-1", "capacity"), -1);
            /* a poster that is late finds it ended */
            ck_assert_int_eq(
                ringbus_ring_try_claim(ringbus__group_at(bus, 1)->ring, 1), RINGBUS_ESHUTDOWN);
            bus_flush(bus);
            ck_assert_int_eq(ringbus_group_open(bus, NULL, &group), RINGBUS_OK);
        }
        ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)), RINGBUS_OK);
        bus_close(bus);
        os_watch_end();
        ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
    }
}
END_TEST

/* A thread's first post to a caller group needs the system once: for what happens when the thread ends. */
static void
post_twice(void *context)
{
    struct probe *probe = context;

    MUST(post_number(probe->bus, "a", 1) == RINGBUS_ESYS, "the system has refused nothing");
    MUST(probe_calls(probe) == 0, "a refused post has been delivered");
    MUST(post_number(probe->bus, "a", 2) == 1, "the same call does not succeed afterwards");
}

START_TEST(a_post_to_a_caller_group_is_refused_when_the_system_refuses)
{
    struct faulty_allocator memory;
    static struct probe probe;
    struct ringbus_bus *bus = NULL;
    struct worker worker;

    faulty_allocator_init(&memory, 0, 0);
    bus = open_without_threads(&memory);
    probe_open(bus, &probe);
    probe_register(&probe, "a");
    os_watch_begin(1);
    worker_start(&worker, post_twice, &probe);
    worker_join(&worker, "a thread that posts");
    os_watch_end();
    CHECK_NUMBERS(&probe, 2);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    bus_close(bus);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus_system", a_bus_opens_or_the_system_refuses,
        a_group_opens_or_the_system_refuses,
        a_post_to_a_caller_group_is_refused_when_the_system_refuses);
}
