/* stress_bus_drain.c - a bus drains while one event goes on from group to group: it has not ended before the event has.
 *
 * The groups between the two that pass it on do nothing; but whoever looks whether all are idle looks at them, too, and
 * meanwhile the event can move behind his back. */
#include "support/probe.h"

enum { GROUPS = 64, HOPS = 40000, ROUNDS = 2, PAUSE_NS = 60000 };

/* Passes the number on, less one, to the topic that is its context. */
struct passer {
    struct ringbus_bus *bus;
    const char *to;
    struct atomic_u64 calls;
    uint64_t pause_ns, random;
};

static int
pass_on(const struct ringbus_event *event, void *context)
{
    struct passer *passer = context;
    const uint64_t left = number_of(event);
    const uint64_t next = left - 1;
    int outcome = 1;

    count_u64(&passer->calls, 1);
    if (left > 0)
        outcome = ringbus_post(passer->bus, passer->to, &next, sizeof next);
    MUST(outcome == 1, "the bus has ended before its handlers: %s", ringbus_error_name(outcome));
    if (passer->pause_ns >
        0) { /* so that this executor looks while the other one is in its handler */
        const int64_t pause = (int64_t)(next_random(&passer->random) % passer->pause_ns);

        for (const int64_t until = ringbus_now_ns() + pause; ringbus_now_ns() < until;)
            ;
    }
    return 0;
}

static void
open_passer(struct passer *passer, struct ringbus_group *group, const char *from)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;

    options.group = group;
    MUST(ringbus_consumer_open(passer->bus, pass_on, passer, &options, &consumer) == RINGBUS_OK,
        "consumer_open");
    MUST(ringbus_register_consumer(passer->bus, consumer, from) == RINGBUS_OK, "register");
}

static void
check_drain(void)
{
    struct ringbus_options options = ringbus_options_default();
    struct ringbus_bus *bus = NULL;
    struct ringbus_group *last = NULL;
    struct passer passers[2] = {{.to = "b", .pause_ns = PAUSE_NS, .random = 1}, {.to = "a"}};

    options.max_groups = GROUPS;
    bus = bus_open(&options);
    for (int i = 1; i < GROUPS; i++)
        last = group_open(bus, RINGBUS_GROUP_THREADS, 4);
    passers[0].bus = passers[1].bus = bus;
    open_passer(&passers[0], NULL, "a");
    open_passer(&passers[1], last, "b");
    ck_assert_int_eq(post_number(bus, "a", HOPS), 1);
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    ck_assert_uint_eq(
        load_u64(&passers[0].calls, ORDER_COUNT) + load_u64(&passers[1].calls, ORDER_COUNT),
        HOPS + 1);
    bus_close(bus);
}

START_TEST(a_drain_ends_when_the_last_event_has_been_passed_on_for_the_last_time)
{
    for (uint64_t round = 0; round < scaled(ROUNDS); round++)
        check_drain();
}
END_TEST

int
main(void)
{
    return RUN_TESTS(
        "bus_drain", a_drain_ends_when_the_last_event_has_been_passed_on_for_the_last_time);
}
