/* fault_bus_system.c - the bus while the system refuses a call: an outcome, nothing changed, no leak, and the same call
 * succeeds afterwards. */
#include <unistd.h>

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

/* ---- a group ---- */

static int (*start_thread)(struct os_thread *thread);
static uint32_t threads; /* started and not joined */

static int
count_start(struct os_thread *thread)
{
    const int outcome = start_thread(thread);

    threads += outcome == RINGBUS_OK;
    return outcome;
}

static void
count_join(struct os_thread *thread)
{
    threads--;
    os_real()->thread_join(thread);
}

/* The lowest descriptor that is free: one that was left open moves it. */
static int
free_descriptor(void)
{
    const int fd = dup(STDERR_FILENO);

    MUST(fd >= 0, "no descriptor");
    close(fd);
    return fd;
}

/* A group is opened by a thread that has not used the library before. */
struct attempt {
    struct ringbus_bus *bus;
    const struct ringbus_group_options *options;
    struct ringbus_group *group;
    int outcome;
};

static void
open_group(void *context)
{
    struct attempt *attempt = context;

    attempt->outcome = ringbus_group_open(attempt->bus, attempt->options, &attempt->group);
}

static void
try_to_open(struct attempt *attempt)
{
    struct worker worker;

    attempt->group = NULL;
    worker_start(&worker, open_group, attempt);
    worker_join(&worker, "a thread that opens a group");
}

/* It works, and ends. */
static void
must_work(struct ringbus_bus *bus, struct ringbus_group *group, bool is_polled)
{
    struct probe probe = {.name = "probe", .group = group};

    probe_open(bus, &probe);
    probe_register(&probe, "a");
    ck_assert_int_eq(post_number(bus, "a", 1), 1);
    if (is_polled)
        ck_assert_int_eq(ringbus_group_poll(group, 8), 1);
    ck_assert_int_eq(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)),
        is_polled ? RINGBUS_PENDING : RINGBUS_OK);
    if (is_polled)
        ck_assert_int_eq(ringbus_group_poll(group, 8), RINGBUS_ESHUTDOWN);
    CHECK_NUMBERS(&probe, 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_consumer_close(probe.consumer, RINGBUS_DRAIN)), RINGBUS_OK);
}

/* Nothing is left behind by the attempt. */
static void
must_be_unchanged(const struct attempt *attempt)
{
    const struct ringbus_group *left = ringbus__group_at(attempt->bus, 1);

    ck_assert_int_eq(attempt->outcome, RINGBUS_ESYS);
    ck_assert_ptr_null(attempt->group);
    ck_assert_uint_eq(threads, 0);
    ck_assert_int_eq(figure_of(attempt->bus, "group", "group-1", "capacity"), -1);
    if (left != NULL) /* a poster that is late finds it ended */
        ck_assert_int_eq(ringbus_ring_try_claim(left->ring, 1), RINGBUS_ESHUTDOWN);
    bus_flush(attempt->bus);
}

/* False: it needs fewer calls of the system. */
static bool
check_group(const struct ringbus_group_options *options, uint64_t nth)
{
    struct faulty_allocator memory;
    struct attempt attempt = {.options = options};
    const int descriptor = free_descriptor();
    const uint32_t lanes = options->lanes > 0 ? options->lanes : 1;
    const bool is_polled = options->kind == RINGBUS_GROUP_POLLED;
    bool refused = false;

    faulty_allocator_init(&memory, 0, 0);
    attempt.bus = open_without_threads(&memory);
    os_watch_begin(nth);
    start_thread = ringbus__os.thread_start;
    ringbus__os.thread_start = count_start;
    ringbus__os.thread_join = count_join;
    try_to_open(&attempt);
    refused = os_watch_fallible() >= nth;
    if (refused) {
        must_be_unchanged(&attempt);
        try_to_open(&attempt);
    }
    ck_assert_int_eq(attempt.outcome, RINGBUS_OK);
    ck_assert_uint_eq(threads, is_polled ? 0 : lanes);
    must_work(attempt.bus, attempt.group, is_polled);
    bus_close(attempt.bus);
    ck_assert_uint_eq(threads, 0);
    os_watch_end();
    ck_assert_int_eq(free_descriptor(), descriptor);
    ck_assert_uint_eq(load_u64(&memory.live_bytes, ORDER_COUNT), 0);
    return refused;
}

static void
check_each_call(uint32_t kind, uint32_t lanes, uint64_t calls)
{
    struct ringbus_group_options options = ringbus_group_options_default();
    uint64_t nth = 1;

    options.kind = kind;
    options.lanes = lanes;
    while (check_group(&options, nth))
        nth++;
    ck_assert_uint_ge(nth, calls + 1);
}

START_TEST(a_group_opens_or_the_system_refuses)
{
    check_each_call(RINGBUS_GROUP_THREADS, 1, 2);
}
END_TEST

START_TEST(all_lanes_of_a_group_start_or_none)
{
    check_each_call(RINGBUS_GROUP_THREADS, 4, 8);
}
END_TEST

START_TEST(a_polled_group_opens_or_the_system_refuses)
{
    check_each_call(RINGBUS_GROUP_POLLED, 1, 2);
}
END_TEST

/* ---- a poster of a former life ---- */

static struct late {
    struct ringbus_bus *bus;
    struct worker worker;
} late;

/* It has claimed, and looks whether its topic is back, for which it needs the bus's lock, before it gives its claim
 * back. */
static void
look_and_abandon(void *claimed)
{
    const int64_t *sequence = claimed;

    lock_acquire(&late.bus->lock);
    lock_release(&late.bus->lock);
    ringbus_ring_abandon(ringbus__group_at(late.bus, 1)->ring, *sequence, 1);
}

static int
claim_and_refuse(struct os_thread *thread)
{
    static int64_t sequence;

    (void)thread;
    sequence = ringbus_ring_try_claim(ringbus__group_at(late.bus, 1)->ring, 1);
    MUST(sequence >= 0, "no claim in a group that starts");
    worker_start(&late.worker, look_and_abandon, &sequence);
    return RINGBUS_ESYS;
}

START_TEST(a_group_that_cannot_start_waits_for_a_late_claim_without_the_buses_lock)
{
    struct faulty_allocator memory;
    struct ringbus_group *group = NULL;

    faulty_allocator_init(&memory, 0, 0);
    late.bus = open_without_threads(&memory);
    os_watch_begin(0);
    ringbus__os.thread_start = claim_and_refuse;
    ck_assert_int_eq(IN_TIME(late.bus, ringbus_group_open(late.bus, NULL, &group)), RINGBUS_ESYS);
    worker_join(&late.worker, "a late poster");
    bus_flush(late.bus);
    os_watch_end();
    ck_assert_int_eq(ringbus_group_open(late.bus, NULL, &group), RINGBUS_OK);
    must_work(late.bus, group, false);
    bus_close(late.bus);
}
END_TEST

/* ---- a post ---- */

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
        a_group_opens_or_the_system_refuses, all_lanes_of_a_group_start_or_none,
        a_polled_group_opens_or_the_system_refuses,
        a_group_that_cannot_start_waits_for_a_late_claim_without_the_buses_lock,
        a_post_to_a_caller_group_is_refused_when_the_system_refuses);
}
