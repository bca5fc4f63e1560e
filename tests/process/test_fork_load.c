/* test_fork_load.c - forks while other threads post, wait for room, register, come and go. */
#include "process/fixture.h"

enum { FORKS = 200, POSTERS = 2 };

static struct ringbus_bus *bus;
static struct ringbus_consumer *consumer;
static struct ringbus_topic *topic;
static struct atomic_u32 is_over;
static struct atomic_u64 forwarded, direct;

static bool
goes_on(void)
{
    return !load_u32(&is_over, ORDER_HINT);
}

/* ---- what the parent does ---- */

struct poster {
    struct worker worker;
    uint64_t number;
    uint64_t posted;
    uint64_t next; /* of the consumer's thread */
};

static struct poster posters[POSTERS];

/* Each poster's events come whole and in order; each goes on to a group that is slow to take it. */
static int
forward(const struct ringbus_event *event, void *context)
{
    const uint64_t number = number_of(event);
    struct poster *poster = &posters[number >> 32];

    (void)context;
    MUST((uint32_t)number == poster->next, "an event was lost, or came twice");
    poster->next++;
    MUST(ringbus_post(bus, "slow", event->data, event->size) == 1, "not forwarded");
    return 0;
}

static int
take_slowly(const struct ringbus_event *event, void *context)
{
    uint64_t random = number_of(event) + 1;

    (void)context;
    dawdle(&random, 2000);
    add_u64(&forwarded, 1, ORDER_COUNT);
    return 0;
}

static int
count_direct(const struct ringbus_event *event, void *context)
{
    (void)event;
    (void)context;
    add_u64(&direct, 1, ORDER_COUNT);
    return 0;
}

static void
post_on_and_on(void *context)
{
    struct poster *poster = context;

    for (; goes_on(); poster->posted++) {
        const uint64_t number = poster->number << 32 | poster->posted;

        MUST(post_number(bus, "a", number) == 1, "not posted");
    }
}

static void
register_on_and_on(void *context)
{
    (void)context;
    while (goes_on()) {
        struct ringbus_consumer *other = NULL;

        MUST(ringbus_consumer_open(bus, count_direct, NULL, NULL, &other) == 0, "no consumer");
        MUST(ringbus_register_consumer(bus, other, "other") == 0, "not registered");
        MUST(ringbus_unregister_consumer(bus, other, "other") == 0, "not unregistered");
        MUST(ringbus_consumer_close(other, RINGBUS_DRAIN) == 0, "not closed");
    }
}

static void
post_directly(void *context)
{
    MUST(post_number(bus, "direct", 1) == 1, "not posted");
    ++*(uint64_t *)context;
}

static void
come_and_go(void *context)
{
    while (goes_on()) {
        struct worker worker;

        worker_start(&worker, post_directly, context);
        worker_join(&worker, "a thread that posts once");
    }
}

/* ---- what the children do ---- */

static void
be_a_child(void *context)
{
    struct ringbus_topic *other = NULL;

    (void)context;
    FORKED(ringbus_post(bus, "a", NULL, 0));
    FORKED(ringbus_try_post(bus, "direct", NULL, 0));
    FORKED(ringbus_topic_try_post(topic, NULL, 0, NULL));
    FORKED(ringbus_register_consumer(bus, consumer, "b"));
    FORKED(ringbus_topic_open(bus, "c", &other));
    FORKED(ringbus_flush(bus, RINGBUS_FOREVER));
    FORKED(ringbus_shutdown(bus, RINGBUS_DISCARD, RINGBUS_FOREVER));
    FORKED(ringbus_close(bus));
    if (CHILDREN_TAKE_MEMORY)
        use_own_bus();
}

static struct ringbus_consumer *
add(ringbus_handler handler, uint32_t kind, const char *name)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *added = NULL;

    options.group = group_open(bus, kind, 2);
    options.thread_safe = 1;
    MUST(ringbus_consumer_open(bus, handler, NULL, &options, &added) == 0, "no consumer");
    MUST(ringbus_register_consumer(bus, added, name) == 0, "not registered");
    return added;
}

START_TEST(a_parent_that_forks_under_load_loses_nothing_and_its_children_work)
{
    const uint64_t forks = scaled(FORKS);
    struct worker registrar, comer;
    uint64_t posted = 0, posted_directly = 0;

    bus = bus_open(NULL);
    consumer = add(forward, RINGBUS_GROUP_THREADS, "a");
    add(take_slowly, RINGBUS_GROUP_THREADS, "slow");
    add(count_direct, RINGBUS_GROUP_CALLER, "direct");
    ck_assert_int_eq(ringbus_topic_open(bus, "a", &topic), RINGBUS_OK);
    for (uint64_t i = 0; i < POSTERS; i++) {
        posters[i].number = i;
        worker_start(&posters[i].worker, post_on_and_on, &posters[i]);
    }
    worker_start(&registrar, register_on_and_on, NULL);
    worker_start(&comer, come_and_go, &posted_directly);
    for (uint64_t i = 0; i < forks; i++)
        fork_and(be_a_child, NULL);
    store_u32(&is_over, 1, ORDER_HINT);
    worker_join(&registrar, "registrations");
    worker_join(&comer, "threads that come and go");
    for (uint64_t i = 0; i < POSTERS; i++) {
        worker_join(&posters[i].worker, "a poster");
        posted += posters[i].posted;
    }
    bus_flush(bus);
    bus_flush(bus); /* what was forwarded */
    ck_assert_uint_eq(posters[0].next + posters[1].next, posted);
    ck_assert_uint_eq(load_u64(&forwarded, ORDER_COUNT), posted);
    ck_assert_uint_eq(load_u64(&direct, ORDER_COUNT), posted_directly);
    ringbus_topic_close(topic);
    bus_close(bus);
}
END_TEST

int
main(void)
{
    return RUN_TESTS(
        "fork_load", a_parent_that_forks_under_load_loses_nothing_and_its_children_work);
}
