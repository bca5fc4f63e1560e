/* stress_bus_window.c - registrations and groups come and go while posters post: the window of each is exact,
 * nobody else misses anything, and no post is ever refused.
 *
 * A poster says which post it begins and which has returned. Who registers looks at both: nothing that had returned
 * before may be seen, all that begins after and has returned before the end must be. The full barriers stand for the
 * "before" and "after" of the promise. */
#include "base/barrier.h"
#include "support/probe.h"

enum { POSTERS = 2, EVENTS = 500000, CAPACITY = 64 };

struct poster {
    struct atomic_u64 begun, returned; /* posts */
    uint64_t number, count;
    struct ringbus_topic *topic;
    struct worker worker;
};

static struct faulty_allocator memory;
static struct ringbus_bus *bus;
static struct poster posters[POSTERS];
static struct atomic_u32 posters_left;

static void
post_all(void *context)
{
    struct poster *poster = context;

    for (uint64_t i = 0; i < poster->count; i++) {
        const uint64_t number = poster->number << 32 | i;
        int outcome = 0;

        store_u64(&poster->begun, i + 1, TEST_RELEASE);
        barrier_full();
        if (i % 4 == 0)
            outcome = ringbus_post(bus, "a", &number, sizeof number);
        else
            outcome = ringbus_topic_post(poster->topic, &number, sizeof number, NULL);
        MUST(outcome >= 1, "a post gives %s", ringbus_error_name(outcome));
        store_u64(&poster->returned, i + 1, TEST_RELEASE);
    }
    add_u32(&posters_left, (uint32_t)-1, TEST_RELEASE);
}

static bool
is_over(void)
{
    return load_u32(&posters_left, TEST_ACQUIRE) == 0;
}

/* ---- what a consumer sees ---- */

/* Of each poster: events first..next-1, all of them. */
struct seen {
    uint64_t first[POSTERS], next[POSTERS];
    bool has_any[POSTERS];
    struct atomic_u32 destroyed;
};

static int
see(const struct ringbus_event *event, void *context)
{
    struct seen *seen = context;
    const uint64_t number = number_of(event), poster = number >> 32, index = number & UINT32_MAX;

    MUST(load_u32(&seen->destroyed, ORDER_COUNT) == 0, "called after its end");
    if (!seen->has_any[poster])
        seen->first[poster] = index;
    else
        MUST(index == seen->next[poster], "event %d of poster %d where %d is due", (int)index,
            (int)poster, (int)seen->next[poster]);
    seen->has_any[poster] = true;
    seen->next[poster] = index + 1;
    return 0;
}

static void
destroy(void *context)
{
    struct seen *seen = context;

    MUST(add_u32(&seen->destroyed, 1, TEST_RELEASE) == 0, "destroyed twice");
}

/* ---- who comes and goes ---- */

/* A moment, as the posters tell it. */
struct moment {
    uint64_t begun[POSTERS], returned[POSTERS];
};

static void
look(struct moment *moment)
{
    barrier_full();
    for (int i = 0; i < POSTERS; i++) {
        moment->returned[i] = load_u64(&posters[i].returned, TEST_ACQUIRE);
        moment->begun[i] = load_u64(&posters[i].begun, TEST_ACQUIRE);
    }
    barrier_full();
}

/* Nothing that had returned `before`; if it was drained, all that began after `opened` and had returned by `closed`. */
static void
check_window(const struct seen *seen, const struct moment *before, const struct moment *opened,
    const struct moment *closed, bool is_drained)
{
    for (int i = 0; i < POSTERS; i++) {
        const uint64_t first = opened->begun[i], end = closed->returned[i];

        if (seen->has_any[i])
            MUST(seen->first[i] >= before->returned[i], "event %d is older than the registration",
                (int)seen->first[i]);
        if (seen->has_any[i])
            MUST(seen->first[i] <= first, "event %d was missed: %d is the first", (int)first,
                (int)seen->first[i]);
        if (is_drained && first < end)
            MUST(seen->has_any[i] && seen->next[i] >= end, "event %d was missed: the last was %d",
                (int)end - 1, (int)seen->next[i] - 1);
    }
}

enum way { DRAIN_CONSUMER, DISCARD_CONSUMER, UNREGISTER, DRAIN_GROUP, DISCARD_GROUP, WAYS };

static void
leave(enum way way, struct ringbus_group *group, struct ringbus_consumer *consumer)
{
    if (way == DRAIN_GROUP || way == DISCARD_GROUP)
        MUST(IN_TIME(bus, ringbus_group_close(group,
                              way == DRAIN_GROUP ? RINGBUS_DRAIN : RINGBUS_DISCARD)) == RINGBUS_OK,
            "group_close");
    if (way == UNREGISTER)
        MUST(ringbus_unregister_consumer(bus, consumer, NULL) == RINGBUS_OK, "unregister");
    MUST(IN_TIME(bus, ringbus_consumer_close(consumer,
                          way == DRAIN_CONSUMER ? RINGBUS_DRAIN : RINGBUS_DISCARD)) == RINGBUS_OK,
        "consumer_close");
}

/* One registration of a consumer, ended in one of the ways; the last two need a group of its own. */
static void
come_and_go(struct ringbus_group *group, enum way way)
{
    struct ringbus_consumer_options options = ringbus_consumer_options_default();
    struct ringbus_consumer *consumer = NULL;
    struct moment before, opened, closed;
    struct seen seen = {0};

    options.group = group;
    options.destroy = destroy;
    MUST(ringbus_consumer_open(bus, see, &seen, &options, &consumer) == RINGBUS_OK, "open");
    look(&before);
    MUST(ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK, "register");
    look(&opened);
    for (int i = 0; i < 20 && !is_over(); i++)
        os_real()->yield();
    look(&closed);
    leave(way, group, consumer);
    MUST(load_u32(&seen.destroyed, TEST_ACQUIRE) == 1, "not destroyed");
    check_window(&seen, &before, &opened, &closed, way == DRAIN_CONSUMER || way == DRAIN_GROUP);
}

/* ---- trials ---- */

static struct seen always; /* by a consumer that stays */

static void
begin(void)
{
    struct ringbus_consumer *consumer = NULL;

    struct ringbus_options options = ringbus_options_default();
    struct ringbus_group_options group = ringbus_group_options_default();

    memset(&always, 0, sizeof always);
    group.capacity = CAPACITY;
    options.default_group = &group;
    faulty_allocator_init(&memory, 0, 0); /* spoils what is given back */
    options.allocator = &memory.allocator;
    bus = bus_open(&options);
    MUST(ringbus_consumer_open(bus, see, &always, NULL, &consumer) == RINGBUS_OK, "open");
    MUST(ringbus_register_consumer(bus, consumer, "a") == RINGBUS_OK, "register");
    store_u32(&posters_left, POSTERS, TEST_RELEASE);
    for (uint64_t i = 0; i < POSTERS; i++) {
        store_u64(&posters[i].begun, 0, ORDER_OWN);
        store_u64(&posters[i].returned, 0, ORDER_OWN);
        posters[i].number = i;
        posters[i].count = scaled(EVENTS) < UINT32_MAX ? scaled(EVENTS) : UINT32_MAX;
        MUST(ringbus_topic_open(bus, "a", &posters[i].topic) == RINGBUS_OK, "topic");
        worker_start(&posters[i].worker, post_all, &posters[i]);
    }
}

static void
end(void)
{
    for (int i = 0; i < POSTERS; i++) {
        worker_join(&posters[i].worker, "a poster");
        ringbus_topic_close(posters[i].topic);
    }
    ck_assert_int_eq(
        IN_TIME(bus, ringbus_shutdown(bus, RINGBUS_DRAIN, RINGBUS_FOREVER)), RINGBUS_OK);
    for (int i = 0; i < POSTERS; i++) {
        ck_assert_uint_eq(always.first[i], 0);
        ck_assert_uint_eq(always.next[i], posters[i].count);
    }
    bus_close(bus);
}

/* The posters get on. */
static void
must_move(uint64_t *begun, int64_t *until)
{
    uint64_t now = 0;

    for (int i = 0; i < POSTERS; i++)
        now += load_u64(&posters[i].begun, ORDER_COUNT);
    if (now != *begun)
        *until = patience_ends();
    *begun = now;
    await_on_step(bus, *until, "the posters", __FILE__, __LINE__);
}

/* Rounds of registrations in the default group, or in one of `kind` that is open all the time. */
static void
check_registrations(bool is_in_default, uint32_t kind)
{
    struct ringbus_group *group = NULL;
    uint64_t begun = 0;
    int64_t until = patience_ends();

    begin();
    if (!is_in_default)
        group = group_open(bus, kind, CAPACITY);
    for (uint32_t round = 0; round == 0 || !is_over(); round++) {
        come_and_go(group, (enum way)(round % DRAIN_GROUP));
        must_move(&begun, &until);
    }
    end();
}

START_TEST(a_registration_beside_another_has_an_exact_window)
{
    check_registrations(true, 0);
}
END_TEST

START_TEST(a_registration_in_a_group_of_its_own_has_an_exact_window)
{
    check_registrations(false, RINGBUS_GROUP_THREADS);
}
END_TEST

START_TEST(a_registration_in_a_caller_group_has_an_exact_window)
{
    check_registrations(false, RINGBUS_GROUP_CALLER);
}
END_TEST

/* Topics that come and go beside it all. */
static void
use_topics(void *context)
{
    (void)context;
    for (uint64_t i = 0; !is_over(); i++) {
        static const char *const names[] = {"t0", "t1", "t2", "t3"};
        struct ringbus_topic *topic = NULL;

        MUST(ringbus_topic_open(bus, names[i % 4], &topic) == RINGBUS_OK, "topic_open");
        MUST(ringbus_topic_post(topic, NULL, 0, NULL) == 0, "somebody is there");
        ringbus_topic_close(topic);
        os_real()->yield();
    }
}

static void
check_groups(uint32_t kind)
{
    struct worker topics;
    uint64_t begun = 0;
    int64_t until = patience_ends();

    begin();
    worker_start(&topics, use_topics, NULL);
    for (uint32_t round = 0; round == 0 || !is_over(); round++) {
        const enum way way = (enum way)(round % WAYS);
        struct ringbus_group *group = group_open(bus, kind, CAPACITY);

        come_and_go(group, way);
        if (way < DRAIN_GROUP)
            MUST(IN_TIME(bus, ringbus_group_close(group, RINGBUS_DRAIN)) == RINGBUS_OK, "close");
        must_move(&begun, &until);
    }
    worker_join(&topics, "a thread that uses topics");
    end();
}

START_TEST(groups_come_and_go_and_no_post_is_refused)
{
    check_groups(RINGBUS_GROUP_THREADS);
}
END_TEST

START_TEST(caller_groups_come_and_go_and_no_post_is_refused)
{
    check_groups(RINGBUS_GROUP_CALLER);
}
END_TEST

int
main(void)
{
    return RUN_TESTS("bus_window", a_registration_beside_another_has_an_exact_window,
        a_registration_in_a_group_of_its_own_has_an_exact_window,
        a_registration_in_a_caller_group_has_an_exact_window,
        groups_come_and_go_and_no_post_is_refused,
        caller_groups_come_and_go_and_no_post_is_refused);
}
